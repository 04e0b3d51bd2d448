# Runs in a machine that is thrown away (test_deb.py): systemd is process 1, the packages are in /root/packages. The last
# line printed is "all is well", or something went wrong above it.
set -eux
export LC_ALL=C DEBIAN_FRONTEND=noninteractive PAGER=cat SYSTEMD_PAGER=cat
packages=/root/packages
ini=/etc/greenway/greenway.ini

get() {
    curl -sS --noproxy '*' --max-time 20 "$@"
}

# until COMMAND...: polls for at most a minute.
until_() {
    for _ in $(seq 300); do
        if "$@" >/dev/null 2>&1; then return 0; fi
        sleep 0.2
    done
    echo "waited in vain: $*"
    systemctl status greenway || true
    journalctl -u greenway --no-pager || true
    return 1
}

# a package that installs what it starts must be allowed to
rm -f /usr/sbin/policy-rc.d
ip link set lo up 2>/dev/null || true

# --- install ---
dpkg -i $packages/greenway_*.deb $packages/libgreen-dev_*.deb
id greenway
until_ get http://127.0.0.1:8080/
get http://127.0.0.1:8080/ | grep -q 'greenway runs'
test "$(systemctl is-active greenway)" = active
test "$(systemctl is-enabled greenway)" = enabled
pid=$(systemctl show -p MainPID --value greenway)
test "$(stat -c %U /proc/$pid)" = greenway
grep -q '^NoNewPrivs:.1' /proc/$pid/status
grep -qE '^CapEff:\s*0000000000000000' /proc/$pid/status # no port below 1024, so not even the one for those
until_ grep -q 'GET / HTTP/1.1' /var/log/greenway/access.log
test "$(stat -c %U:%a /var/log/greenway)" = greenway:750
man -w greenway && man -w greenway.ini && man -w libgreen
greenway check $ini
for example in /usr/share/doc/greenway/examples/*.ini; do greenway check $example; done
pkg-config --exists libgreen
systemd-analyze verify greenway.service
systemd-analyze security greenway | tail -1

# --- what an administrator does ---
logrotate -f /etc/logrotate.d/greenway 2>/dev/null || systemctl kill --kill-whom=main --signal=USR1 greenway
get http://127.0.0.1:8080/ >/dev/null
sed -i 's/greenway runs/greenway was changed/; s/^bind = .*/bind = 127.0.0.1:80/' $ini
systemctl restart greenway # a port below 1024, without being root
until_ get http://127.0.0.1/
get http://127.0.0.1/ | grep -q 'greenway was changed'

# --- systemd is told: a reload, a binary upgrade, the watchdog; and the sandbox holds within the unit's ---
sed -i 's/^include = .*/&\nsandbox = on/' $ini
systemctl restart greenway
pid=$(systemctl show -p MainPID --value greenway)
until_ grep -q '^Seccomp:.2' /proc/$pid/status
sed -i 's/greenway was changed/greenway was changed again/' $ini
systemctl reload greenway
until_ sh -c 'curl -sS --noproxy "*" http://127.0.0.1/ | grep -q again'
test "$(systemctl show -p MainPID --value greenway)" = $pid
kill -USR2 $pid
until_ sh -c "test \"\$(systemctl show -p MainPID --value greenway)\" != $pid"
until_ test ! -e /proc/$pid
test "$(systemctl is-active greenway)" = active
get http://127.0.0.1/ | grep -q 'greenway was changed'
systemctl show -p StatusText --value greenway | grep -q Serving
sed -i '/^sandbox = on/d' $ini

# --- a socket that systemd opens ---
systemctl stop greenway
cat >/etc/systemd/system/greenway.socket <<'END'
[Socket]
ListenStream=127.0.0.1:80
END
systemctl daemon-reload
systemctl start greenway.socket
until_ get http://127.0.0.1/
test "$(systemctl is-active greenway)" = active
systemctl stop greenway.socket greenway
rm /etc/systemd/system/greenway.socket
systemctl daemon-reload
systemctl start greenway
until_ get http://127.0.0.1/

# --- a crash ---
pid=$(systemctl show -p MainPID --value greenway)
kill -KILL $pid
until_ get http://127.0.0.1/

# --- a new version of the package: changes stay, the new one runs ---
pid=$(systemctl show -p MainPID --value greenway)
dpkg -i $packages/new/greenway_*.deb
until_ get http://127.0.0.1/
test "$(systemctl show -p MainPID --value greenway)" != $pid
get http://127.0.0.1/ | grep -q 'greenway was changed'
dpkg -s greenway | grep -q '^Version: .*+next'

# --- remove, purge ---
dpkg -r greenway libgreen-dev
if get http://127.0.0.1/; then exit 1; fi
test ! -e /usr/bin/greenway
test -e $ini
dpkg -P greenway
test ! -e /etc/greenway
if dpkg -s greenway; then exit 1; fi
echo "all is well"
