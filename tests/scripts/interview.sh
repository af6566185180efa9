#!/bin/sh
# interview.sh - the questions, and how they are asked: interview.sh PYTHON.
. "$(dirname -- "$0")/expect.sh"
python=$1
data=$source/demos/interview.txt
interview=$source/scripts/interview
all=$(grep -c '^Q: ' "$data")
cd "$scratch" || exit 70

on_terminal() { try "$python" -B "$source/tests/demos/terminal.py" "$@"; }

# Each has 3 to 8 lines of answer, a demo, and claims of that demo; each chapter has some.
# shellcheck disable=SC2317 # called by try
check_data() { awk -v claims="$source/tests/claims.txt" '
    function bad(what) { print FILENAME ":" NR ": " what; status = 1 }
    BEGIN { while ((getline line < claims) > 0) { split(line, part, "\t"); demo_of[part[1]] = part[2] } }
    length($0) > 79 && !/^(claims: |#)/ { bad("more than 79 columns") }
    /[^ -~]/ { bad("not ASCII") }
    /^#/ || (/^$/ && state == "") { next }
    /^Q: ./ && state == "" { state = "Q"; next }
    /^A: ./ && state == "Q" { state = "A"; lines = 1; next }
    /^   [^ ]/ && state == "A" { lines++; next }
    /^demo: / && state == "A" { if (lines < 3 || lines > 8) bad(lines " lines of answer"); demo = $2; state = "demo"; next }
    /^claims: ./ && state == "demo" {
        for (i = 2; i <= NF; i++) if (demo_of[$i] != demo) bad($i " is no claim of " demo)
        state = "end"; next
    }
    /^$/ && state == "end" { state = ""; next }
    { bad("is in no place: " $0) }
    END { exit status }' "$data"; }
try check_data
expect_status 0
[ "$all" -ge 20 ] || wrong "$all questions are too few"
# shellcheck disable=SC2013 # names are words
for name in $(sed -n 's/^demo: //p' "$data"); do
    ls "$source"/demos/[0-9]*/"$name.c" >/dev/null 2>&1 || wrong "there is no demo $name"
    ls "$source"/demos/[0-9]*/"$name.c"
done | sed 's|.*/demos/\([0-9]\).*|\1|' | sort -u | tr -d '\n' >chapters
[ "$(cat chapters)" = 1234567 ] || wrong "chapters with questions: $(cat chapters)"

# Where nobody can answer it asks nothing.
try "$interview"
expect_status 0
expect_no_err
[ "$(printf '%s\n' "$out" | grep -c 'The proof: scripts/run ')" -eq "$all" ] || wrong "not all of them"
case $out in *Enter* | *\?\ \[y*) wrong "it asks, and nobody is there" ;; esac
[ "$(awk 'length > max { max = length } END { print max }' out)" -lt 80 ] || wrong "80 columns or more"
try "$interview" --list
[ "$(printf '%s\n' "$out" | wc -l)" -eq "$all" ] || wrong "not a line for each"
try "$interview" 3 1
[ "$(sed -n '/ of [0-9]*$/p' out)" = "3 of $all
1 of $all" ] || wrong "not these two"
for typed in 0 $((all + 1)) 08 x '' --verbose 99999999999999999999; do
    try "$interview" "$typed"
    expect_status 64
done

# On a terminal: the answer comes after Enter, the demo on request, the count at the end; also where the input ends early.
answer=$(sed -n '/^A: /{s///p;q;}' "$data")
on_terminal '' "$interview" 1
expect_status 0
case $out in *"$answer"*) wrong "it did not wait" ;; *'Enter shows the answer:'*) ;; *) wrong "it did not ask" ;; esac
on_terminal 'q' "$interview"
expect_status 0
case $out in *"$answer"* | *'You knew'*) wrong "q" ;; esac
on_terminal 'my own
y

mine
n

^C' "$interview" 1 2 3
expect_status 130
case $out in *"$answer"*"3 of $all"*) ;; *) wrong "it did not go on" ;; esac
on_terminal '

n

y
n' "$interview" 1 2
expect_status 0
case $out in
*'You knew 1 of 2.
To see the others again: scripts/run interview 1'*) ;;
*) wrong "the count" ;;
esac

# The demo is run by scripts/run, here a toy's.
toy "$scratch/lab"
cp "$source/demos/interview.txt" "$scratch/lab/demos/"
number=$("$interview" --list | sed -n 's/^ *\([0-9]*\)  What is a zombie.*/\1/p')
on_terminal '
y
y' "$scratch/lab/scripts/run" interview "$number"
expect_status 0
case $out in *'Run the demo? [y/N] y'*zombie*'You knew 1 of 1.'*) ;; *) wrong "the demo was not run" ;; esac
exit "$failed"
