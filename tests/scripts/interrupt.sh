#!/bin/sh
# interrupt.sh - interrupts a tour while a demo is stopped: interrupt.sh RUN DEMO. No time decides: it waits for the state T.
set -u
# A background process of a shell ignores SIGINT, if nobody resets it.
env --default-signal=INT "$1" &
tour=$!
stopped() {
    for dir in /proc/[0-9]*; do
        grep -q "^State:.T" "$dir/status" 2>/dev/null && tr '\0' ' ' <"$dir/cmdline" | grep -qF -- "$2 --json" && return
    done 2>/dev/null
    return 1
}
until stopped "$@"; do kill -0 $tour 2>/dev/null || break; done
kill -s INT $tour
kill -s CONT "$(basename -- "$dir")"
wait $tour
