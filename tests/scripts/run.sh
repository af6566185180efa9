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

# All of them, in order; a skip is no failure, and the worst status counts.
try "$lab/scripts/run"
expect_status 0
expect_out 'fork

cow

zombie

3 demos: 3 hold'
try env status_of_fork=70 status_of_cow=77 status_of_zombie=1 "$lab/scripts/run"
expect_status 70
case $out in
*'3 demos: 0 hold, 1 could show nothing here, fork failed (70), zombie failed (1)') ;;
*) wrong "the last line" ;;
esac

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
