# common.sh - what run and test share; read by them, with $root and $me set.
# shellcheck shell=sh disable=SC2154

say() { printf '%s\n' "$me: $*" >&2; }

# Where it is built: PROCLAB_BUILD (from the working directory), else build/ in the source tree.
case ${PROCLAB_BUILD:=$root/build} in
/*) build=$PROCLAB_BUILD ;;
*) build=$PWD/$PROCLAB_BUILD ;;
esac

cpus() { nproc 2>/dev/null || getconf _NPROCESSORS_ONLN; }

# One build at a time: a second terminal may well start a second one. A system without flock goes without.
locked() {
    if command -v flock >/dev/null 2>&1; then flock "$build/.lock" "$@"; else "$@"; fi
}

# A build directory that came along with a copied or renamed checkout would go on building the old sources.
# (cmake_install.cmake is the last thing that is written: a configuration that failed does not count.)
is_configured() {
    [ -f "$build/cmake_install.cmake" ] || return 1
    sources=$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$build/CMakeCache.txt")
    [ "$(cd -P -- "$sources" 2>/dev/null && pwd -P)" = "$root" ]
}

# configure [CMAKE OPTIONS]: by the preset, with ninja where it is.
configure() {
    mkdir -p -- "$build" || return 1
    if ! is_configured; then
        rm -rf -- "$build/CMakeCache.txt" "$build/CMakeFiles"
        command -v ninja >/dev/null 2>&1 && export CMAKE_GENERATOR="${CMAKE_GENERATOR:-Ninja}"
    fi
    locked cmake -S "$root" -B "$build" --preset default "$@"
}
