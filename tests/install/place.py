"""place.py - install.place: everything is put in place, and nothing else.

    place.py SOURCE BUILD SCRATCH

It installs to SCRATCH/first, and copies that to SCRATCH/moved for the other tests: nothing may know where it was installed.
Then it uninstalls what stands in the manifest, after which nothing is left.
"""
import glob
import os
import re
import shutil

from installed import Failure, files_below, judge, main, names, read, run

UNWANTED = re.compile(r"(^|/)(tests|build)/|\.(in|o|py)$")


def install(build, prefix, **env):
    """By the build's own rules; the manifest that whoever built it may still need is put back."""
    manifest = os.path.join(build, "install_manifest.txt")
    before = read(manifest) if os.path.exists(manifest) else None
    try:
        run("cmake", "--install", build, "--prefix", prefix, env=env)
        return read(manifest, "r").split("\n")
    finally:
        if before is None and os.path.exists(manifest):
            os.unlink(manifest)
        elif before is not None:
            with open(manifest, "wb") as file:
                file.write(before)


def expected(source, build):
    """What there must be at least."""
    wanted = ["lib/libproclab.a", "lib/pkgconfig/proclab.pc", "lib/cmake/proclab/proclabConfig.cmake",
              "include/proclab/report/demo.h", "include/proclab/proc/proc.h", "bin/proclab-new-demo",
              "share/proclab/event.schema.json", "share/proclab/template/demo.c", "share/doc/proclab/events.md",
              "share/doc/proclab/README.md", "share/doc/proclab/LICENSE"]
    for name in names(os.path.join(build, "demos.txt")):
        wanted += [f"libexec/proclab/{name}", f"bin/proclab-{name}", f"share/bash-completion/completions/proclab-{name}"]
    return wanted + sorted(set(headers_of_demos(source)))


def headers_of_demos(source):
    """What a demo of ours may include, a demo of the reader's may, too."""
    for path in glob.glob(os.path.join(source, "demos", "[0-9]-*", "*.c")):
        for header in re.findall(r'^#include "(\w+/\w+\.h)"', read(path, "r"), re.MULTILINE):
            yield f"include/proclab/{header}"


def like_the_build(path, build):
    """GNUInstallDirs may have chosen lib64, or lib/x86_64-linux-gnu."""
    cache = read(os.path.join(build, "CMakeCache.txt"), "r")
    libdir = re.search(r"^CMAKE_INSTALL_LIBDIR:PATH=(.*)$", cache, re.MULTILINE)[1]
    return path.replace("lib/", f"{libdir}/", 1) if path.startswith("lib/") else path


def faults_of(prefix, path, paths_of_ours):
    full = os.path.join(prefix, path)
    if not os.path.exists(full):
        yield f"{path}: a link to nothing ({os.readlink(full)})"
        return
    if os.path.islink(full) and os.path.isabs(os.readlink(full)):
        yield f"{path}: a link that cannot be moved ({os.readlink(full)})"
    if os.stat(full).st_mode & 0o444 != 0o444 or os.stat(full).st_mode & 0o022:
        yield f"{path}: mode {os.stat(full).st_mode & 0o7777:o}"
    if UNWANTED.search(path):
        yield f"{path}: does not belong here"
    for ours in paths_of_ours:
        if os.fsencode(ours) in read(full):
            yield f"{path}: holds a path of this machine: {ours}"


def broken_links(prefix):
    """In the installed texts."""
    top = os.path.join(prefix, "share/doc/proclab")
    for path in files_below(top):
        if path.endswith(".md"):
            for target in re.findall(r"\]\(([^)#:]+)\)", read(os.path.join(top, path), "r")):
                if not os.path.exists(os.path.join(top, os.path.dirname(path), target)):
                    yield f"share/doc/proclab/{path}: a link to {target}, which is not there"


def uninstall(prefix, manifest):
    for path in manifest:
        os.unlink(path)
    left = files_below(prefix)
    if left:
        raise Failure(f"the manifest does not name {left}")


def place(source, build, scratch):
    shutil.rmtree(scratch, ignore_errors=True)
    first, moved, staged = (os.path.join(scratch, name) for name in ("first", "moved", "staged"))
    manifest = [path for path in install(build, first) if path]
    files = files_below(first)
    failures = [f"{path}: is not there" for path in expected(source, build) if like_the_build(path, build) not in files]
    for path in files:
        failures += faults_of(first, path, [source, build, scratch])
    failures += broken_links(first)
    install(build, "/usr", DESTDIR=staged)
    if files_below(os.path.join(staged, "usr")) != files or os.listdir(staged) != ["usr"]:
        failures.append("DESTDIR with the prefix /usr gets other files")
    shutil.rmtree(staged)
    shutil.copytree(first, moved, symlinks=True)
    uninstall(first, manifest)
    shutil.rmtree(first)
    judge.fail_with(failures, "faults of what is installed")
    return f"{len(files)} files; none knows where it is, and the manifest names each"


main(place)
