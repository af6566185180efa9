# expect.sh - what the tests of the scripts share. $source: the project; $scratch: a directory that goes away.
# shellcheck shell=sh disable=SC2034
set -u
source=$(cd -P -- "$(dirname -- "$0")/../.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf -- "$scratch"' EXIT
trap 'exit 130' INT TERM HUP
unset PROCLAB_BUILD CMAKE_GENERATOR MAKEFLAGS
failed=0

# try COMMAND...: runs it; $status, $out and $err say how it ended.
try() {
    tried="$*"
    "$@" >"$scratch/out" 2>"$scratch/err" </dev/null
    status=$?
    out=$(cat "$scratch/out")
    err=$(cat "$scratch/err")
}

wrong() {
    printf 'FAILED: %s: %s\n--- status %s, stdout:\n%s\n--- stderr:\n%s\n---\n' "$tried" "$1" "$status" "$out" "$err"
    failed=1
}

expect_status() { [ "$status" -eq "$1" ] || wrong "status is not $1"; }
expect_out() { [ "$out" = "$1" ] || wrong "stdout is not \"$1\""; }
expect_no_err() { [ -z "$err" ] || wrong "there is something on stderr"; }
expect_err() { case $err in *"$1"*) ;; *) wrong "stderr does not say \"$1\"" ;; esac; }
expect_not_in_err() { case $err in *"$1"*) wrong "stderr says \"$1\"" ;; esac; }

# toy DIRECTORY: a project of the same shape whose demos are shell scripts, so that it builds in no time.
toy() {
    mkdir -p "$1/demos/2-fork" "$1/demos/4-states" && cp -R "$source/scripts" "$source/CMakePresets.json" "$1"
    cat >"$1/CMakeLists.txt" <<'TOY'
cmake_minimum_required(VERSION 3.22)
project(toy NONE)
include(CTest)
function(add_demo name)
  set(program ${PROJECT_BINARY_DIR}/demos/${name})
  add_custom_command(OUTPUT ${program} DEPENDS ${name}.c COMMAND ${CMAKE_COMMAND} -E copy
                     ${CMAKE_CURRENT_SOURCE_DIR}/${name}.c ${program} COMMAND sed -i "1i #!/bin/sh" ${program}
                     COMMAND chmod +x ${program} VERBATIM)
  add_custom_target(${name} ALL DEPENDS ${program})
  if(BUILD_TESTING)
    add_test(NAME ${name} COMMAND ${program})
    add_test(NAME ${name}.long COMMAND false)
    set_tests_properties(${name}.long PROPERTIES LABELS long)
  endif()
endfunction()
add_subdirectory(demos/2-fork)
add_subdirectory(demos/4-states)
file(GLOB sources ${PROJECT_SOURCE_DIR}/scripts/tour/*.c)
set(tour ${PROJECT_BINARY_DIR}/tour)
add_custom_target(tour COMMAND test -x ${tour} || cc -D_GNU_SOURCE ${sources} -o ${tour} -ljansson VERBATIM)
TOY
    printf 'add_demo(fork)\nadd_demo(cow)\n' >"$1/demos/2-fork/CMakeLists.txt"
    printf 'add_demo(zombie)\nadd_lesson(states)\n' | sed '/lesson/d' >"$1/demos/4-states/CMakeLists.txt"
    for demo in 2-fork/fork 2-fork/cow 4-states/zombie; do
        name=${demo#*/}
        cat >"$1/demos/$demo.c" <<TOY
:   /* $name.c - what $name is
. "$source/tests/scripts/toy-events.sh"
for option; do printf '<%s>' "\$option"; done
echo $name
exit "\${status_of_$name:-0}"
TOY
    done
}
