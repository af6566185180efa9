"""library.py - install.library: programs outside the tree are built against the installed library, and work.

    library.py SCRATCH COMPILER

By a fresh CMake project and by a bare compiler with pkg-config. Each public header stands for itself.
"""
import os
import shutil

from installed import Failure, files_below, main, run

PROGRAM = r"""
#include <stdio.h>
#include <unistd.h>
#include "proc/proc.h"

void run(void);       /* names that a program may well have, too */
int options, event, label, verdict;
void run(void)
{
    struct proc_stat stat;
    if (proc_stat_read(getpid(), &stat) == 0)
        printf("%s %c\n", stat.comm, stat.state);
}
int main(void)
{
    run();
    return 0;
}
"""
REPORTS = r"""
#include "report/demo.h"
#include "report/cost.h"
#include "report/witness.h"

void run(void);
void run(void) { demo_check("own.claim", 1, "it is 1"); }
int main(int argc, char *argv[])
{
    return demo_run(argc, argv, &(struct demo){ .name = "own", .title = "t", .run = run, .why = "w\n",
        .claims = (struct demo_claim[]){ { "own.claim", "It holds." }, { 0 } } });
}
"""
PROJECT = """
cmake_minimum_required(VERSION 3.22)
project(fresh C)
find_package(proclab {version} REQUIRED)
add_executable(m program.c) # a name that a library has, too
target_link_libraries(m proclab::proclab)
add_executable(reports reports.c)
target_link_libraries(reports proclab::proclab)
"""


def write(folder, **files):
    os.makedirs(folder)
    for name, text in files.items():
        with open(os.path.join(folder, name.replace("_", ".")), "w") as file:
            file.write(text)


def check(folder, program, reports):
    said = run(os.path.join(folder, program))
    if said != f"{program} R\n":
        raise Failure(f"{program} says {said!r}")
    said = run(os.path.join(folder, reports))
    if "It holds." not in said or "why: own --why" not in said:
        raise Failure(f"{reports} says {said!r}")


def headers(prefix, compiler, flags):
    top = os.path.join(prefix, "include/proclab")
    all_headers = [path for path in files_below(top) if path.endswith(".h")]
    for path in all_headers:
        for standard in ("gnu17", "gnu2x"):
            run("sh", "-c", f'printf "#include \\"{path}\\"\\nint main(void) {{ return 0; }}\\n" | '
                            f'"$1" -std={standard} -Wall -Wextra -Werror -fsyntax-only {flags} -x c -', "sh", compiler)
    return len(all_headers)


def library(scratch, compiler):
    prefix, work = os.path.join(scratch, "moved"), os.path.join(scratch, "library")
    shutil.rmtree(work, ignore_errors=True)
    libdir = os.path.dirname(next(path for path in files_below(prefix) if path.endswith("libproclab.a")))
    env = {"PKG_CONFIG_PATH": os.path.join(prefix, libdir, "pkgconfig")}
    version = run("pkg-config", "--modversion", "proclab", env=env).strip()
    write(work, program_c=PROGRAM, reports_c=REPORTS, CMakeLists_txt=PROJECT.format(version=version))
    build = os.path.join(work, "build")
    run("cmake", "-S", work, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}", f"-DCMAKE_C_COMPILER={compiler}",
        *([] if shutil.which("make") else ["-G", "Ninja"]))
    run("cmake", "--build", build)
    check(build, "m", "reports")
    flags = {}
    for more in ("", "--static"):
        flags[more] = run("pkg-config", "--cflags", "--libs", *more.split(), "proclab", env=env).strip()
        for program in ("program", "reports"):
            run("sh", "-c", f'"$1" {program}.c -o {program} {flags[more]}', "sh", compiler, cwd=work)
        check(work, "program", "reports")
    n = headers(prefix, compiler, run("pkg-config", "--cflags", "proclab", env=env).strip())
    return f"find_package({version}), pkg-config, pkg-config --static; {n} headers, each for itself"


main(library)
