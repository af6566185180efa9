#!/bin/sh
# scripts/run: finds, builds and becomes the demo.
# shellcheck disable=SC2016 # a dollar is a dollar
. "$(dirname -- "$0")/expect.sh"

lab="$scratch/my lab"
toy "$lab"
cd / || exit 70

try "$lab/scripts/run" --list
expect_status 0
expect_out 'fork             what fork is
cow              what cow is
zombie           what zombie is'

for typed in zombi zmobie zombies Zombie; do
    try "$lab/scripts/run" "$typed"
    expect_status 64
    expect_err "Did you mean zombie?"
    expect_err "what cow is"
done
try "$lab/scripts/run" xyzzy
expect_status 64
expect_not_in_err "Did you mean"
for typed in ../../bin/true '*' '.*' ' '; do
    try "$lab/scripts/run" "$typed"
    expect_status 64
done
[ ! -e "$lab/build" ] || wrong "it built something"

# The first time it says that it builds, then nothing but what the demo says.
try "$lab/scripts/run" zombie
expect_status 0
expect_out zombie
expect_err "building"
try "$lab/scripts/run" zombie 'a b' '' --step '$x'
expect_status 0
expect_out '<a b><><--step><$x>zombie'
expect_no_err
[ ! -e "$lab/build/demos/cow" ] || wrong "it built what was not asked for"

try env status_of_zombie=77 "$lab/scripts/run" zombie
expect_status 77
expect_no_err

# The tour: a line for each in order, then all claims.
lines() { printf '%s\n' "$out" | sed -n "$1" | sed 's/  *[0-9.]* s$//'; }
expect_line() { printf '%s\n' "$out" | grep -qxE -- "$1" || wrong "no line is \"$1\""; }
export LC_ALL=C
try "$lab/scripts/run"
expect_status 0
expect_no_err
[ "$(lines 1,3p)" = '  + fork            1 holds, 1 differs
  + cow             1 holds, 1 differs
  + zombie          1 holds, 1 differs' ] || wrong "the lines of the demos"
expect_line 'Held \(3\)'
expect_line '  \+ cow\.first {26}The first claim of cow\.'
expect_line 'Differed: .* \(3\)'
expect_line '      differs: the reason of zombie.second'
expect_line '3 demos, 6 claims: 3 hold, 3 differ +[0-9.]* s'

# From here on without the build, which has nothing to do.
tour=$scratch/tour
printf '#!/bin/sh\nexec "%s/tour" --demos="%s/demos" --course="fork cow zombie" "$@"\n' "$lab/build" "$lab/build" >"$tour"
chmod +x "$tour"

# A skip is no failure; what is refuted shows its evidence, what crashes its last words, and neither ends the tour.
try env status_of_cow=77 verdict_of_cow=skipped verdict_of_zombie=refuted status_of_zombie=1 "$tour"
expect_status 1
[ "$(lines 2,3p)" = '  - cow             1 differs, 1 skipped
  X zombie          1 differs, 1 REFUTED' ] || wrong "the lines of the demos"
expect_line '      skipped: the reason of cow.first'
expect_line '      REFUTED: evidence of zombie.first'
expect_line '3 demos, 6 claims: 1 holds, 3 differ, 1 skipped, 1 REFUTED +[0-9.]* s'
try env crash_of_fork=SEGV "$tour"
expect_status 139
[ "$(lines 1,2p)" = '  X fork            FAILED: killed by SIGSEGV; 2 undecided
  + cow             1 holds, 1 differs' ] || wrong "the lines of the demos"
expect_line 'No verdict, for the demo failed \(2\)'
expect_line '      fork: about to crash'
expect_line '3 demos, 6 claims: 2 hold, 2 differ, 2 undecided; 1 demo FAILED +[0-9.]* s'
try env status_of_fork=70 status_of_cow=77 status_of_zombie=1 "$tour"
expect_status 70
expect_line '  X fork: ended with status 70'
expect_line '  X zombie: ended with status 1'
try env witness_of_cow=false status_of_cow=1 "$tour"
expect_status 1
expect_line '      REFUTED: seen by the kernel'
try env witness_of_cow=true "$tour"
expect_status 0
# One that hangs is ended in the end.
try env crash_of_cow=STOP PROCLAB_DEADLINE_SCALE=0.002 "$tour"
expect_status 70
expect_line '  X cow: hangs: it was killed after [0-9]+ s'
expect_line '3 demos, .*; 1 demo FAILED +[0-9.]* s'
# A status that its verdicts do not bear out is not believed.
try env verdict_of_cow=refuted "$tour"
expect_status 70
expect_line '  X cow: ended with status 0'
try env verdict_of_cow=nonsense "$tour"
expect_status 70
expect_line '  X cow: ended with status 0 and an incomplete report'

# What measures is brief about it, unless it is asked not to be.
try env help_of_cow='  --seconds=N' "$tour"
expect_line '  \+ cow {13}1 holds, 1 differs   measured briefly +[0-9.]* s'
expect_line 'the costs were measured briefly; in full: scripts/run --costs'
try env help_of_cow='  --seconds=N' "$tour" --costs
expect_status 0
case $out in *briefly*) wrong "it was asked to measure in full" ;; esac

# The page: a claim each, what a demo says is text and no markup, and a link only to what is there.
echo old >"$scratch/zombie.html"
try env crash_of_zombie=ABRT "$lab/scripts/run" --html "$scratch"
expect_status 134
[ "$(cat "$scratch/cow.html")" = 'page of cow' ] || wrong "the page of a demo"
[ ! -e "$scratch/zombie.html" ] || wrong "the page of an earlier run passes for this one's"
for what in '<tr id="cow.first">' '<a href="cow.html">' 'what cow is, &lt;b> &amp; more' 'killed by SIGABRT'; do
    grep -qF -- "$what" "$scratch/index.html" || wrong "index.html does not have $what"
done
! grep -q 'href="zombie.html"' "$scratch/index.html" || wrong "a link to a page that is not there"
[ "$(grep -c '<tr' "$scratch/index.html")" -eq 6 ] || wrong "not one row for each claim"
try "$lab/scripts/run" --html="$scratch/new one"
expect_status 0
[ -f "$scratch/new one/index.html" ] || wrong "it makes the directory"
try "$lab/scripts/run" --html "$scratch/no/such"
expect_status 70
expect_err ENOENT
for wrong_use in '--html' '--costs zombie' '--costs --verbose'; do
    # shellcheck disable=SC2086 # words
    try "$lab/scripts/run" $wrong_use
    expect_status 64
done

# Interrupted: the demo that runs is ended, and it says how far it came. Nobody reads: so it says. Fed by a caller that
# ignores SIGCHLD, and without a standard input.
try env crash_of_cow=INT "$tour"
expect_status 130
try env crash_of_cow=STOP "$source/tests/scripts/interrupt.sh" "$tour" "$lab/build/demos/cow"
expect_status 130
expect_line 'interrupted by SIGINT: 1 of 3 demos had ended'
expect_line '1 demo, 2 claims: 1 holds, 1 differs +[0-9.]* s'
case $out in *Held* | *'cow '* | *'zombie '*) wrong "it went on" ;; esac
[ ! -w /dev/full ] || { try sh -c '"$1" >/dev/full' sh "$tour" && expect_status 70 && expect_err ENOSPC; }
try env --ignore-signal=CHLD "$lab/build/tour" --demos="$lab/build/demos" --course='fork cow' <&-
expect_status 0

# An edit is built; a compiler's complaint is shown, and no stale program runs.
echo 'echo edited' >"$lab/demos/4-states/zombie.c"
try "$lab/scripts/run" zombie
expect_out edited
rm "$lab/demos/4-states/zombie.c"
mkdir "$lab/demos/4-states/zombie.c"
try "$lab/scripts/run" zombie
expect_status 70
expect_out ''
expect_err "the build failed"

# A copy of the checkout, build directory and all, builds its own sources.
toy "$scratch/copy"
cp -R "$lab/build" "$scratch/copy/"
try "$scratch/copy/scripts/run" zombie
expect_status 0
expect_out zombie

# Somewhere else, from here, through a symbolic link.
ln -s "$lab/scripts/run" "$scratch/link"
cd "$scratch" || exit 70
try env PROCLAB_BUILD='else where' "$scratch/link" fork
expect_out fork
[ -x "$scratch/else where/demos/fork" ] || wrong "not built where PROCLAB_BUILD says"

# Sources that cannot be written: with a build of one's own, or with what their owner built. (Root can write anything.)
as_nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
if [ "$(id -u)" -eq 0 ] && as_nobody true 2>/dev/null; then
    chmod 755 "$scratch" && cd / || exit 70
    try as_nobody "$scratch/copy/scripts/run" zombie
    expect_status 0
    expect_out zombie
    expect_no_err
    rm "$scratch/copy/build/demos/fork"
    try as_nobody "$scratch/copy/scripts/run" fork
    expect_status 70
    expect_err PROCLAB_BUILD
    mkdir "$scratch/nobody" && chown 65534 "$scratch/nobody"
    try as_nobody env PROCLAB_BUILD="$scratch/nobody/build" "$scratch/copy/scripts/run" fork
    expect_status 0
    expect_out fork
fi
exit "$failed"
