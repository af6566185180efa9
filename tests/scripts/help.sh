#!/bin/sh
# Each script says what it does, in less than 80 columns; so does the list of the demos.
. "$(dirname -- "$0")/expect.sh"
cd "$scratch" || exit 70

expect_narrow() {
    [ "$(awk 'length > max { max = length } END { print max }' out)" -lt 80 ] || wrong "80 columns or more"
}

for script in "$source"/scripts/*; do
    if [ ! -f "$script" ] || [ ! -x "$script" ]; then continue; fi
    try "$script" --help
    expect_status 0
    expect_no_err
    case $out in "Usage: "*"${script##*/}"*) ;; *) wrong "no usage" ;; esac
    expect_narrow
done
for option in --list 'interview --help' 'interview --list' 'exercise --help'; do
    # shellcheck disable=SC2086 # words
    try "$source/scripts/run" $option
    expect_status 0
    expect_narrow
done
exit "$failed"
