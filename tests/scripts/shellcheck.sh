#!/bin/sh
# Every shell script of the project is clean. 77, a skip, where there is no shellcheck: a learner need not install it.
set -eu
command -v shellcheck >/dev/null || { echo "skipped: no shellcheck here (scripts/setup ci)"; exit 77; }
cd "$(dirname -- "$0")/../.."
# By their first line; and common.sh, which has none.
find scripts .ci tests demos -type f -exec sh -c 'for file; do head -n 1 "$file" | grep -q "^#!.*sh$" && echo "$file"; done' _ {} + |
    sort | xargs -d '\n' shellcheck -x -P SCRIPTDIR scripts/common.sh scripts/completion.bash
