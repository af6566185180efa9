#!/bin/sh
# exercise.sh - the student's copies, how far they are, and what is never lost: exercise.sh PYTHON, which is the first on PATH.
. "$(dirname -- "$0")/expect.sh"
PATH=$(dirname -- "$1"):$PATH
expect_in_out() { case $out in *"$1"*) ;; *) wrong "stdout does not say \"$1\"" ;; esac; }
lab="$scratch/my lab"
mkdir -p "$lab/demos" "$lab/tests"
cp -R "$source/scripts" "$lab"
cp -R "$source/demos/exercises" "$lab/demos"
cp -R "$source/tests/exercises" "$lab/tests"
find "$lab" -type f | sort | xargs -d '\n' cksum >"$scratch/before"
export PROCLAB_EXERCISES="$scratch/my work/here"
mine=$PROCLAB_EXERCISES
exercise() { try "$lab/scripts/run" exercise "$@"; }
solve() { cp "$source/tests/exercises/solutions/$1.c" "$mine/$1.c"; }
cd / || exit 70

# Nothing is made by looking. Every program is in the list, with its hints and all else, and no line is too wide.
exercise
expect_status 0
expect_no_err
expect_in_out "$mine"
expect_in_out '0 of 11 done'
[ ! -e "$mine" ] || wrong "listing made $mine"
for original in "$lab"/demos/exercises/*.c; do
    name=$(basename "$original" .c)
    expect_in_out "  $name "
    for part in "demos/exercises/$name.hints" "tests/exercises/judges/$name.py" "tests/exercises/solutions/$name.c"; do
        [ -f "$lab/$part" ] || wrong "there is no $part"
    done
done
# shellcheck disable=SC2317 # `try` calls it
show_all() {
    "$lab/scripts/run" exercise --help
    for original in "$lab"/demos/exercises/*.c; do
        "$lab/scripts/run" exercise "$(basename "$original" .c)" --show | grep -v '^Your copy'
    done
}
try show_all
if printf '%s\n' "$out" | grep -q '.\{80\}'; then wrong "there is a line of more than 79 columns"; fi

# The first time it makes a copy, and judges it.
exercise no-end
expect_status 1
expect_in_out "$mine/no-end.c"
expect_in_out 'wrong (write-end-open)'
expect_in_out "the pipe's write end is still open in PID "
cmp -s "$mine/no-end.c" "$lab/demos/exercises/no-end.c" || wrong "the copy is not the original"
[ -x "$mine/no-end" ] || wrong "the program was not built beside it"
exercise
expect_in_out 'no-end        wrong: write-end-open'
exercise no-end --show
expect_status 0
expect_in_out 'The symptom: '

# One hint after the other, then all of them.
for number in 1 2 3; do
    exercise no-end --hint
    expect_status 0
    expect_in_out "Hint $number of 3: "
    [ "$(printf '%s\n' "$out" | grep -c '^Hint')" -eq 1 ] || wrong "not one hint"
done
exercise no-end hint
[ "$(printf '%s\n' "$out" | grep -c '^Hint')" -eq 3 ] || wrong "not all three"

# What is edited is judged anew; what is right is done; what is edited after that is begun again.
echo '/* mine */' >>"$mine/no-end.c"
exercise
expect_in_out 'no-end        begun '
solve no-end
exercise no-end
expect_status 0
expect_in_out 'no-end: right'
expect_in_out 'next:  scripts/run exercise doubled'
exercise
expect_in_out 'no-end        done'
expect_in_out '1 of 11 done'

# No work is ever lost: reset keeps it, each time under a new name, and so does a clean build.
for number in 1 2; do
    echo "/* work $number */" >>"$mine/no-end.c"
    cp "$mine/no-end.c" "$scratch/work"
    exercise no-end --reset
    expect_status 0
    expect_in_out "$mine/no-end.c.$number"
    cmp -s "$mine/no-end.c.$number" "$scratch/work" || wrong "the work is not kept in no-end.c.$number"
    cmp -s "$mine/no-end.c" "$lab/demos/exercises/no-end.c" || wrong "no-end.c is not the original"
done
exercise no-end reset
[ ! -e "$mine/no-end.c.3" ] || wrong "it kept a copy of the original"
rm -rf "$mine/.state"
exercise
expect_in_out 'no-end        begun '
mkdir "$mine/.state" && echo '[' >"$mine/.state/no-end"
exercise
expect_status 0
expect_in_out 'no-end        begun '

# What does not build cannot be judged, and an older program is not judged in its place.
solve no-end && exercise no-end && expect_status 0
echo 'int int;' >>"$mine/no-end.c"
exercise no-end
expect_status 70
expect_err 'no-end.c:'
expect_err 'does not build'
solve no-end

# All of them: the worst counts, and what is not begun is not right.
exercise --all
expect_status 1
expect_in_out 'no-end        right'
expect_in_out 'doubled       not begun'

for typed in no-ende NO-END no_end; do
    exercise "$typed"
    expect_status 64
    expect_err 'Did you mean no-end?'
done
for typed in ../no-end '*' '' --fast; do
    exercise "$typed"
    expect_status 64
    expect_out ''
done
exercise --reset
expect_status 64
exercise no-end doubled
expect_status 64

# A place that cannot be written is named, and what would help.
try env PROCLAB_EXERCISES=/proc/here "$lab/scripts/run" exercise doubled
expect_status 70
expect_err PROCLAB_EXERCISES
try env -u PROCLAB_EXERCISES HOME="$scratch/home dir" "$lab/scripts/run" exercise doubled
expect_status 1
[ -f "$scratch/home dir/proclab-exercises/doubled.c" ] || wrong "not in the home directory"

# Started with SIGCHLD ignored or blocked, as some callers do, it sees zombies all the same.
if env --ignore-signal=CHLD true 2>/dev/null; then
    try env --ignore-signal=CHLD --block-signal=CHLD "$lab/scripts/run" exercise zombies
    expect_status 1
    expect_in_out 'wrong (zombies-left)'
fi

# As an ordinary user with a source tree that only its owner can write. (Root can write anything.)
as_nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
if [ "$(id -u)" -eq 0 ] && as_nobody true 2>/dev/null; then
    chmod 755 "$scratch"
    mkdir "$scratch/nobody" && chown 65534 "$scratch/nobody"
    for name in doubled left-segment messages zombies; do
        try as_nobody env PROCLAB_EXERCISES="$scratch/nobody/work" "$lab/scripts/run" exercise "$name"
        expect_status 1
        expect_no_err
        cp "$source/tests/exercises/solutions/$name.c" "$scratch/nobody/work/$name.c"
        try as_nobody env PROCLAB_EXERCISES="$scratch/nobody/work" "$lab/scripts/run" exercise "$name"
        expect_status 0
    done
fi

find "$lab" -type f | sort | xargs -d '\n' cksum | cmp -s - "$scratch/before" || wrong "the source tree has changed"
exit "$failed"
