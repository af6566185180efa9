#!/bin/sh
# scripts/setup: on a machine made of fakes. A need is met when a file of its name lies in $have.
# shellcheck disable=SC2016 # the fakes expand their own variables
. "$(dirname -- "$0")/expect.sh"

bin=$scratch/bin have=$scratch/have log=$scratch/log
mkdir "$bin" "$have"
export have log
for tool in sh env sed grep tr cat sort mktemp rm touch; do ln -s "$(command -v "$tool")" "$bin/$tool"; done

# fake NAME TEXT: a command that is a shell script.
fake() { printf '#!/bin/sh\n%s\n' "$2" >"$bin/$1" && chmod +x "$bin/$1"; }
fake pkg-config 'test -e "$have/$2"'
fake cc 'test -e "$have/stdio.h"'
fake cmake ''
fake make ''
everything_there() { touch "$have/stdio.h" "$have/jansson" "$have/smartcols" "$have/libcap" "$have/libtracefs" \
        "$have/libtraceevent"; }
everything_there
printf 'ID=debian\n' >"$scratch/debian"
printf 'ID=linuxmint\nID_LIKE="ubuntu debian"\n' >"$scratch/mint"
printf 'ID=fedora\n' >"$scratch/fedora"
printf 'ID=arch\n' >"$scratch/arch"

# setup DISTRIBUTION UID [OPTIONS]
setup() {
    fake id "echo $2"
    distribution=$1 && shift 2
    : >"$log"
    try env PATH="$bin" PROCLAB_OS_RELEASE="$scratch/$distribution" "$source/scripts/setup" "$@"
}

setup debian 0
expect_status 0
expect_err 'nothing is missing (build)'
setup debian 0 --check --quiet
expect_status 0
expect_no_err

rm "$have/jansson" "$bin/make"
for distribution in debian mint; do
    setup $distribution 0 --check
    expect_status 1
    expect_err 'the library jansson'
    expect_err 'the command ninja or make'
    expect_err 'install it: apt-get install -y --no-install-recommends libjansson-dev ninja-build'
    expect_not_in_err smartcols
done
setup debian 1000 --check
expect_err 'install it: sudo apt-get install'
setup fedora 0 --check
expect_status 1
expect_err 'install it: dnf install -y jansson-devel ninja-build'
setup arch 0
expect_status 1
expect_err 'the library jansson'
expect_err 'not known here'
setup debian 1000
expect_status 1
expect_err 'As root, run: apt-get install -y --no-install-recommends libjansson-dev ninja-build'

# Nothing is known before the lists are fetched, as on a new machine; then it installs, through sudo.
fake apt-cache 'test ! -e "$have/lists" || printf "%s\n" libjansson-dev ninja-build libjansson-dev-not'
fake apt-get 'echo "apt-get $*" >>"$log"
case $* in
*update*) touch "$have/lists" ;;
*" libjansson-dev ninja-build") touch "$have/jansson"; printf "#!/bin/sh\n" >"${0%/*}/ninja"; chmod +x "${0%/*}/ninja" ;;
*) exit 100 ;;
esac'
ln -s "$(command -v chmod)" "$bin/chmod"
fake sudo 'echo sudo >>"$log"; exec "$@"'
setup debian 1000
expect_status 0
expect_out ''
expect_err 'Installing, which can take minutes: sudo apt-get install'
expect_err 'nothing is missing any more'
[ "$(grep -v install "$log" | tr '\n' ' ' | sed 's/-q.*=300//')" = 'sudo apt-get  update sudo ' ] || wrong "$(cat "$log")"

# A package manager that fails, and one that installs something else.
rm "$have/jansson"
fake apt-get 'echo no network; exit 100'
setup debian 0
expect_status 1
expect_err 'no network'
expect_err 'still missing'
fake apt-get ''
setup debian 0
expect_status 1
expect_err 'the library jansson'

for wrong_usage in --chekc tset; do
    setup debian 0 "$wrong_usage"
    expect_status 64
done
setup debian 0 --help
expect_status 0
expect_no_err
exit "$failed"
