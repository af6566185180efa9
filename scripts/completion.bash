# completion.bash - completion for bash: `. scripts/completion.bash` from the top of the tree; an installed one is found by
# bash-completion. What can be typed is asked of the program itself, with --help, at that moment.
# shellcheck shell=bash

# The options in a --help on standard input, "--count=" where one takes something.
_proclab_options() { sed -n '/^Options:/,/^[^ ]/!d; s/^ .*\(--[a-z][a-z-]*\)\(\[\{0,1\}=\{0,1\}\).*/\1\2/; s/\[=*$//; /^--/p'; }

# What --break can take out.
_proclab_breaks() { sed -n '/^What --break can take out/,/^$/s/^  \([^ ][^ ]*\) .*/\1/p'; }

# _proclab_words COMMAND OPTION CURRENT: completes a word of that demo, or the value of an option that came before it.
_proclab_words() {
    local help takes
    help=$("$1" --help 2>/dev/null </dev/null) || return 0
    takes=$(sed -n "s/^ .*$2\\[\\{0,1\\}=\\([A-Z]*\\).*/\\1/p" <<<"$help")
    case $2,$takes in
    --color,*) mapfile -t COMPREPLY < <(compgen -W 'auto always never' -- "$3") ;;
    --break,*) mapfile -t COMPREPLY < <(compgen -W "$(_proclab_breaks <<<"$help")" -- "$3") ;;
    --*,FILE | --*,DIR) compopt -o default ;;
    --*,?*) ;;
    *)
        case $3 in
        -*) mapfile -t COMPREPLY < <(compgen -W "$(_proclab_options <<<"$help")" -- "$3") ;;
        *) _proclab_argument "$3" "$(sed -n '1s/\[OPTION\.\.\.\]//p' <<<"$help")" ;;
        esac
        ;;
    esac
    [[ ${#COMPREPLY[@]} -ne 1 || ${COMPREPLY[0]} != *= ]] || compopt -o nospace
}

# What may stand behind the options, as the line "Usage: ..." names it.
_proclab_argument() {
    case $2 in
    *'[PID]'*) mapfile -t COMPREPLY < <(cd /proc && compgen -G "$1*" | grep -x '[0-9]*') ;;
    *'[PROGRAM'*) mapfile -t COMPREPLY < <(compgen -c -- "$1") && compopt -o default ;;
    *'['[A-Z]*) compopt -o default ;;
    esac
}

# _proclab_word COMMAND FIRST: the word at the cursor. bash has cut "--color=always" at its "=", if that is in COMP_WORDBREAKS.
_proclab_word() {
    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} option='' i
    if [[ $current == = ]]; then
        option=$before current=''
    elif [[ $before == = ]]; then
        option=${COMP_WORDS[COMP_CWORD - 2]}
    elif [[ $before == --?* && $current != -* ]]; then
        option=$before
    fi
    for ((i = $2; i < COMP_CWORD; i++)); do # behind "--" nothing is an option
        [[ ${COMP_WORDS[i]} != -- ]] || { compopt -o default && return; }
    done
    _proclab_words "$1" "$option" "$current"
}

_proclab_demo() {
    COMPREPLY=()
    _proclab_word "${1/#\~/$HOME}" 1
}

# scripts/run: a demo, or what else its --help names; then a word of that demo, if it is built.
_proclab_run() {
    local run=${1/#\~/$HOME} root words=''
    root=$(dirname -- "$(dirname -- "$(readlink -f -- "$run")")")
    COMPREPLY=()
    if [[ $COMP_CWORD -eq 1 ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$("$run" --list | cut -d ' ' -f 1)
            $("$run" --help | sed -n 's/^ *\(Usage: \)\{0,1\} *scripts\/run \([a-z-]*\).*/\2/p')" -- "${COMP_WORDS[1]}" | sort -u)
    elif [[ ${COMP_WORDS[1]} == exercise || ${COMP_WORDS[1]} == interview ]]; then
        [[ ${COMP_WORDS[1]} == interview ]] || words=$(cd "$root/demos/exercises" && printf '%s\n' *.c | sed 's/\.c$//')
        words="$words $("$run" "${COMP_WORDS[1]}" --help | grep -o -e '--[a-z-]*')"
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}" | sort -u)
    elif [[ ${COMP_WORDS[1]} == --html ]]; then
        compopt -o default
    elif [[ -x ${PROCLAB_BUILD:-$root/build}/demos/${COMP_WORDS[1]} ]]; then
        _proclab_word "${PROCLAB_BUILD:-$root/build}/demos/${COMP_WORDS[1]}" 2
    fi
}

# Installed, this file is found by the name of the demo whose words are asked for. In the tree it is for what is typed there.
_proclab_register() {
    local top name
    case ${1##*/} in
    proclab-*) complete -F _proclab_demo "${1##*/}" ;;
    *)
        top=$(cd -- "$(dirname -- "$1")/.." && pwd) || return 0
        complete -F _proclab_run scripts/run ./scripts/run "$top/scripts/run"
        for name in "$top"/demos/[0-9]*/*.c; do
            name=$(basename -- "$name" .c)
            complete -F _proclab_demo "build/demos/$name" "./build/demos/$name" "$top/build/demos/$name"
        done
        ;;
    esac
}
_proclab_register "${BASH_SOURCE[0]}"
