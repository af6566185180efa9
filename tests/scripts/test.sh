#!/bin/sh
# scripts/test: builds, and hands ctest its options; the long forms only when asked for.
. "$(dirname -- "$0")/expect.sh"

lab="$scratch/my lab"
toy "$lab"
cd / || exit 70
# What the tests need is not the question here.
printf '#!/bin/sh\n' >"$lab/scripts/setup"

try "$lab/scripts/run" zombie
expect_status 0
try "$lab/scripts/test"
expect_status 0
case $out in *'100% tests passed, 0 tests failed out of 3'*) ;; *) wrong "not the 3 short ones" ;; esac
try "$lab/scripts/test" -L long
expect_status 8
case $out in *'3 tests failed out of 3'*) ;; *) wrong "not the 3 long ones" ;; esac
try "$lab/scripts/test" -R '^cow$' -j 1
expect_status 0
case $out in *'0 tests failed out of 1'*) ;; *) wrong "not just cow" ;; esac
try "$lab/scripts/test" -R nothing
expect_status 8
exit "$failed"
