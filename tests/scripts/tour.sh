#!/bin/sh
# tour.sh - the tour of the demos as they are built: tour.sh BUILD PYTHON.
. "$(dirname -- "$0")/expect.sh"
build=$1 python=$2
course=$(cat "$build/demos.txt")
chmod 755 "$scratch" && cd "$scratch" || exit 70
export PROCLAB_SECONDS=0

# tour NAMES COMMAND...: the tour of these, by that command.
tour() { names=$1 && shift && try "$@" "$build/tour" --demos="$build/demos" --course="$names"; }
ids() { grep -oE '^  [^ ] [a-z0-9-]+\.[a-z0-9-]+ ' | cut -c5- | tr -d ' ' | sort; }
without_times() { sed 's/ *[0-9.]* s$//'; }
columns() { "$python" -c 'import sys; print(max(len(line.rstrip("\n")) for line in open(sys.argv[1], encoding="utf-8")))' "$1"; }

# Every claim of these demos stands in the table, once. In a pipe, and where there is only ASCII.
tour "$course" env LC_ALL=C
case $status in 0 | 1) ;; *) wrong "status" ;; esac
expect_no_err
for name in $course; do
    printf '%s\n' "$out" | grep -qE "^  [-+X] $name " || wrong "no line of $name"
    grep "	$name	" "$source/tests/claims.txt"
done | cut -f 1 | sort >claims
printf '%s\n' "$out" | ids >shown
diff claims shown || wrong "the table is not claims.txt"
[ -s claims ] || wrong "no claims"
LC_ALL=C grep -q '[^ -~]' out && wrong "it is not ASCII"
[ "$(columns out)" -lt 80 ] || wrong "$(columns out) columns"

# On a terminal: the same lines, in UTF-8; and progress, each line of which is wiped off. Of demos that measure nothing.
small='fork exec orphan'
tour "$small" env LC_ALL=C.UTF-8
without_times <out >pipe
tour "$small" env TERM=xterm LC_ALL=C.UTF-8 NO_COLOR=1 "$python" -B "$source/tests/demos/terminal.py" ''
grep -q '2 of 3: exec \.\.\.' out || wrong "no progress"
tr '\r' '\n' <out | sed 's/^.\[K//; /^  [0-9]* of [0-9]*: .* \.\.\.$/d' | without_times >terminal
for file in pipe terminal; do sed -i '/^$/d' "$file"; done
diff pipe terminal || wrong "a terminal and a pipe get different lines"
tour "$small" env TERM=xterm LC_ALL=C.UTF-8 "$python" -B "$source/tests/demos/terminal.py" ''
grep -q '.\[32m✓.\[0m' out || wrong "no colour"

# The page has all of them, too, and what it links to is there.
try "$build/tour" --demos="$build/demos" --course="$course" --html=pages
sed -n 's/^<tr id="\([^"]*\)">.*/\1/p' pages/index.html | sort | diff claims - || wrong "the page is not claims.txt"
sed -n 's/^<h2><a href="\([^"]*\)">.*/\1/p' pages/index.html >links
[ "$(wc -l <links)" -eq "$(wc -l <"$build/demos.txt")" ] || wrong "not a link for each demo"
while read -r link; do [ -s "pages/$link" ] || wrong "no page $link"; done <links

# As an ordinary user: nothing fails, and what is skipped says what would help.
as_nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
if [ "$(id -u)" -eq 0 ] && as_nobody "$build/demos/fork" --list >/dev/null 2>&1; then
    tour "$course" as_nobody env LC_ALL=C
    expect_status 0
    printf '%s\n' "$out" | ids | diff claims - || wrong "the table is not claims.txt"
fi
exit "$failed"
