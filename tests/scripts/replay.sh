#!/bin/sh
# scripts/replay: what it takes and what it refuses. That its page is the one of --html is NAME.page of each demo.
. "$(dirname -- "$0")/expect.sh"

run=$scratch/run.jsonl replay=$source/scripts/replay
event='{"t":1,"pid":1,"tid":1,"role":"","file":"demos/4-states/zombie.c","line":1,"kind"'
printf '%s:"start","demo":"zombie"}\n%s:"step","n":1,"text":"a </script> & <b>"}\n' "$event" "$event" >"$run"

expect_page() {
    expect_status 0
    expect_no_err
    case $out in '<!DOCTYPE html>'*'</html>') ;; *) wrong "that is no page" ;; esac
}

try "$replay" "$run"
expect_page
page=$out
case $page in *'"text":"a \u003c/script> & \u003cb>"'*) ;; *) wrong "a < of an event is still one" ;; esac
case $page in *'<pre class="source" data-file="demos/4-states/zombie.c">'*'&lt;signal.h>'*) ;; *) wrong "no source" ;; esac

# From standard input, by another name, from elsewhere, written with more blanks: the same.
ln -s "$replay" "$scratch/link" && cp "$run" "$scratch/-run"
for command in "cd / && cat '$run' | '$replay' -" "cd '$scratch' && ./link ./-run" "cd '$scratch' && ./link run.jsonl"; do
    try sh -c "$command"
    [ "$out" = "$page" ] || wrong "another page"
done
sed 's/":/": /g' "$run" >"$scratch/blanks"
try "$replay" "$scratch/blanks"
expect_page
case $out in *'class="source" data-file'*) ;; *) wrong "no source where there are blanks" ;; esac

# A source is taken from demos/ only, and may be missing.
sed 's|demos/4-states/zombie.c|demos/../../etc/passwd.c|' "$run" >"$scratch/outside"
sed 's|zombie.c|no-such.c|' "$run" >"$scratch/missing"
for strange in outside missing; do
    try "$replay" "$scratch/$strange"
    expect_page
    case $out in *'<pre class="source" data-file'*) wrong "a source from nowhere" ;; esac
done

for refused in "$scratch/no-such" "$scratch" /dev/null "$replay"; do
    try "$replay" "$refused"
    expect_status 70
    expect_out ''
    expect_err 'scripts/replay: '
done
for usage in '' --no-such-option; do
    try "$replay" ${usage:+"$usage"}
    expect_status 64
    expect_out ''
    expect_err 'Usage: scripts/replay'
done
try "$replay" "$run" "$run"
expect_status 64
try "$replay" --help
expect_status 0
expect_no_err
exit "$failed"
