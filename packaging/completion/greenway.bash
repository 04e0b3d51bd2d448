# bash completion for greenway. What can be completed is asked of greenway itself, so that it is never out of date.

_greenway_commands() {
    greenway --help 2>/dev/null | sed -n 's/^  \([a-z][a-z-]*\).*/\1/p'
}

# Sections and keys, as `greenway help` lists them.
_greenway_words() {
    greenway help 2>/dev/null | sed -n -e 's/^  \([a-z][a-z0-9_]*\) .*/\1/p' -e 's/^\[\([a-z]*\).*/\1/p' | sort -u
}

_greenway_options() {
    greenway "$1" --help 2>/dev/null | grep -oE -e '^  +(-[a-zA-Z], )?--[a-z-]+' | grep -oE -e '--?[a-zA-Z-]+'
}

# What may come next in a command of ctl, after the words that are there.
_greenway_ctl() {
    greenway ctl help 2>/dev/null | sed -n 's/^  \([a-z][a-z ]*[a-z]\).*/\1/p' |
        awk -v given="${1:+$1 }" 'index($0, given) == 1 { split(substr($0, length(given) + 1), w, " "); print w[1] }' | sort -u
}

# The words of a command of ctl before the one that is being completed.
_greenway_ctl_words() {
    local i
    for ((i = 2; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        -s | --socket | -c | --config) ((i++)) ;;
        -*) ;;
        *) printf '%s ' "${COMP_WORDS[i]}" ;;
        esac
    done
}

_greenway() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]-}
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_greenway_commands) --help --version" -- "$word")
    elif [ "$command" = help ]; then
        [ "$COMP_CWORD" -gt 2 ] ||
            mapfile -t COMPREPLY < <(compgen -W "$(_greenway_commands) $(_greenway_words)" -- "$word")
    elif [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_greenway_options "$command") --help" -- "$word")
    elif [[ $before == -c || $before == --config || $command == check || ($command == explain && $COMP_CWORD -eq 2) ]]; then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -d -- "$word"; compgen -f -X '!*.ini' -- "$word")
    elif [[ $before == -s || $before == --socket ]]; then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    elif [ "$command" = ctl ]; then
        local given
        given=$(_greenway_ctl_words)
        mapfile -t COMPREPLY < <(compgen -W "$(_greenway_ctl "${given% }")" -- "$word")
    elif [ "$command" = explain ] && [ "$COMP_CWORD" -eq 3 ]; then
        mapfile -t COMPREPLY < <(compgen -W "GET HEAD POST PUT PATCH DELETE OPTIONS" -- "$word")
    elif [ "$command" = run ]; then
        mapfile -t COMPREPLY < <(compgen -W "-c --config" -- "$word")
    fi
}

complete -F _greenway greenway
