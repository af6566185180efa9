# toy-events.sh - what a toy demo says of its two claims; read by it, and ends it. How they end is in the environment:
# verdict_of_NAME of its first claim, crash_of_NAME the signal that kills it before it decides any, status_of_NAME.
# shellcheck shell=sh
me=${0##*/}

event() { printf '{"t":0,"kind":"%s","demo":"%s",%s}\n' "$1" "$me" "$2"; }

verdict() {
    reason=''
    case $2 in differs | skipped) reason=",\"reason\":\"the reason of $1\"" ;; esac
    event verdict "\"claim\":\"$1\",\"verdict\":\"$2\",\"evidence\":\"evidence of $1\"$reason"
}

of() { eval "printf '%s' \"\${$1_of_$me:-$2}\""; }

case " $* " in
*' --list '*)
    printf '%s\n' "$me.first   fact   The first claim of $me." "$me.second  caveat A second one, simplified."
    exit
    ;;
*' --help '*) of help '' && exit ;;
*' --json '*)
    event start "\"title\":\"what $me is, <b> & more\""
    crash=$(of crash '')
    [ -z "$crash" ] || { echo "$me: about to crash" >&2 && kill -s "$crash" $$; }
    verdict "$me.first" "$(of verdict holds)"
    verdict "$me.second" differs
    witness=$(of witness '')
    [ -z "$witness" ] || event witness "\"claim\":\"$me.first\",\"agrees\":$witness,\"evidence\":\"seen by the kernel\""
    event end '"claims":2'
    for option; do case $option in --html=*) echo "page of $me" >"${option#*=}" ;; esac; done
    exit "$(of status 0)"
    ;;
esac
