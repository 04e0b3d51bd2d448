#!/bin/sh
# Clients as Debian has them under greenrun, with and without --threads: they say what they always say.
# Usage: with_server.py postgres|redis clients.sh GREENRUN LIBRARY psql|redis-cli
run="$1 --library=$2"

expect() { # WHAT COMMAND...
    expected=$1
    shift
    got=$("$@" 2>&1)
    status=$?
    if [ $status -ne 0 ] || [ "$got" != "$expected" ]; then
        printf '%s\nstatus %s, said: %s\nexpected: %s\n' "$*" $status "$got" "$expected" >&2
        exit 1
    fi
}

for options in "" --threads --patch=net,dns,file --patch=stdio,threads --patch=none; do
    case $3 in
        psql)
            expect 42 $run $options psql -XtAc 'select 6 * 7'
            expect 5000 $run $options psql -XqtA -v FETCH_COUNT=100 -o /dev/null \
                -c 'select i from generate_series(1, 5000) i' -c 'select pg_sleep(0.01)' -c '\o' -c 'select 5000'
            expect 2 $run $options psql -XqtA -c 'create temp table t (n int)' -c '\copy t from stdin' \
                -c 'select count(*) from t' <<END
1
2
END
            ;;
        redis-cli)
            expect PONG $run $options redis-cli -s "$REDIS_SOCKET" ping
            expect 'OK
1' $run $options sh -c 'printf "set a 1\nget a\n" | redis-cli -s "$REDIS_SOCKET"'
            expect '' $run $options redis-cli -s "$REDIS_SOCKET" blpop nothing 0.05
            ;;
    esac
done
