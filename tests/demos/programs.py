"""programs.py - run-program.programs: it does right by any program, compiled here or found on this machine.

    programs.py RUN_PROGRAM COMPILER

What a program is, is read from its header by this file; what run-program makes of it must fit. Programs of the machine are
taken as they come, so many of each kind, evenly spread over the names in PATH, and run by an ordinary user with --version.
"""
import collections
import glob
import os
import re
import struct
import subprocess
import sys

import judge
from judge import HOLDS, Failure, Hang, Skip, read

SECONDS = 10 * judge.scale()  # one that takes longer waits for something, and another one is taken
PER_KIND = {"dynamic": 5, "not PIE": 3, "static": 2, "set-uid": 3, "sh script": 3, "python script": 2, "perl script": 2, "32 bits": 1}
TO_EXEC = ["run.fork", "run.execve"]
TO_ENTRY = TO_EXEC + ["run.elf-check", "run.segments-mapped", "run.stack-built", "run.entry-point"]
END = ["run.exit-sigchld"]
NEVER = re.compile(r"shutdown|reboot|halt|poweroff|init$|systemctl|telinit|kexec|run-program")

SOURCES = {
    "main": "#include <stdio.h>\nint main(int argc, char *argv[]) { return printf(\"%d %s\\n\", argc, argv[0]) > 0 ? 3 : 4; }",
    "forks": "#include <unistd.h>\n#include <sys/wait.h>\nstatic int child(void) { int s; if (fork() == 0) _exit(1); wait(&s); return s; }\n"
             "static int before;\n__attribute__((constructor)) static void early(void) { before = child(); }\n"
             "int main(void) { return before == 256 && child() == 256 ? 3 : 4; }",
    "killed": "#include <signal.h>\nint main(void) { return raise(SIGSEGV); }",
    "threads": "#include <pthread.h>\n#include <unistd.h>\nstatic void *f(void *x) { return x; }\n"
               "int main(void) { pthread_t t[9]; for (int i = 0; i < 9; i++) if (pthread_create(t + i, 0, f, 0)) return 4;\n"
               "for (int i = 0; i < 9; i++) pthread_join(t[i], 0); return 3; }",
    "leaves early": "#include <unistd.h>\n__attribute__((constructor)) static void early(void) { _exit(3); }\nint main(void) { return 4; }",
    "execs": "#include <unistd.h>\n#include <stdlib.h>\nint main(int c, char *v[]) { if (getenv(\"AGAIN\")) return 3; putenv(\"AGAIN=1\");\n"
             "(void)c; execv(\"/proc/self/exe\", v); return 4; }",
}

# name: (source, flags of the compiler, what holds behind the entry, what is skipped)
LIBRARIES, MAIN, SCRIPT = "run.dynamic-linker", "run.main", "run.interpreter"
BUILDS = {
    "PIE": ("main", ["-pie", "-fPIE"], [LIBRARIES, MAIN], [SCRIPT]),
    "not a PIE": ("main", ["-no-pie", "-fno-PIE"], [LIBRARIES, MAIN], [SCRIPT]),
    "static": ("main", ["-static"], [MAIN], [LIBRARIES, SCRIPT]),
    "static PIE": ("main", ["-static-pie", "-fPIE"], [MAIN], [LIBRARIES, SCRIPT]),
    "stripped": ("main", ["-s"], [LIBRARIES, MAIN], [SCRIPT]),
    "static, stripped": ("main", ["-static", "-s"], [MAIN], [LIBRARIES, SCRIPT]),
    "forks": ("forks", [], [LIBRARIES, MAIN], [SCRIPT]),
    "killed": ("killed", [], [LIBRARIES, MAIN], [SCRIPT]),
    "threads": ("threads", ["-pthread"], [LIBRARIES, MAIN], [SCRIPT]),
    "leaves before main": ("leaves early", [], [LIBRARIES], [MAIN, SCRIPT]),
    "executes itself": ("execs", [], [LIBRARIES, MAIN], [SCRIPT]),
}


class Run:
    """One run of run-program on some words."""

    def __init__(self, demo, words, user=None):
        env = {**demo.environment(), "HOME": demo.files}
        self.result = demo.run("--json", "--", *words, env=env, seconds=SECONDS, check_left=False, **(user or {}))
        self.words = words
        self.verdicts = self.result.verdicts()
        self.acts = " ".join(event["text"] for event in self.result.events() if event["kind"] == "act")

    def fact(self, name, source=None):
        for event in self.result.events():
            if event["kind"] == "observation" and name in event["facts"] and source in (None, event["source"]):
                value = event["facts"][name]
        return value

    def expect(self, holds, skipped=(), maybe=()):
        """These hold, these are skipped, these are one of both; nothing is refuted, and nothing else is said of the rest."""
        if self.result.status != HOLDS or "run-program:" in self.result.err:
            raise Failure(f"{self.words}: {self.result}")
        wanted = {**{claim: {"holds"} for claim in holds}, **{claim: {"skipped"} for claim in skipped},
                  **{claim: {"holds", "skipped"} for claim in maybe}}
        wrong = [f"{claim} {self.verdicts[claim]['verdict']} ({self.verdicts[claim]['evidence']}{self.verdicts[claim].get('reason', '')})"
                 if claim in self.verdicts else f"{claim} without a verdict"
                 for claim, verdicts in wanted.items() if claim not in self.verdicts or self.verdicts[claim]["verdict"] not in verdicts]
        if wrong:
            raise Failure(f"{self.words}: {'; '.join(wrong)}")
        return self


def header(path):
    try:
        with open(path, "rb") as file:
            return file.read(4096)
    except OSError:
        return b""


def kind_of(path):
    """What kind of program it is, or None: one this test does not know."""
    head = header(path)
    if head.startswith(b"#!"):
        line = head[2:].split(b"\n")[0].decode("utf-8", "replace").split()
        interpreter = os.path.basename(line[-1] if line and line[0].endswith("/env") else line[0] if line else "")
        return f"{re.sub(r'[0-9.]+$', '', interpreter).replace('dash', 'sh').replace('bash', 'sh')} script"
    if not head.startswith(b"\x7fELF") or len(head) < 64:
        return None
    if head[4] == 1:
        return "32 bits"
    e_type, offset, n = struct.unpack_from("=H", head, 16)[0], struct.unpack_from("=Q", head, 32)[0], struct.unpack_from("=H", head, 56)[0]
    kinds = [struct.unpack_from("=I", head, offset + i * 56)[0] for i in range(n) if offset + i * 56 + 4 <= len(head)]
    if os.stat(path).st_mode & 0o4000:
        return "set-uid"
    return "static" if 3 not in kinds else "dynamic" if e_type == 3 else "not PIE"  # 3: PT_INTERP, and ET_DYN


def of_this_machine():
    """Kind to programs."""
    found = collections.defaultdict(list)
    for folder in ("/usr/bin", "/usr/sbin", "/usr/libexec", "/usr/local/bin"):
        for path in sorted(glob.glob(f"{folder}/*")):
            if os.path.isfile(path) and os.access(path, os.X_OK) and not os.path.islink(path) and not NEVER.search(os.path.basename(path)):
                found[kind_of(path)].append(path)
    return found


def spread(items, n):
    """So many of them, evenly; then the others, for those that cannot be taken."""
    step = max(1, len(items) // n)
    return items[::step] + [item for i, item in enumerate(items) if i % step]


def check_found(demo, kind, path):
    """None, or why it is no example: it waits for something, or cannot be run by this user."""
    try:
        run = Run(demo, [path, "--version"], judge.ordinary_user(demo))
    except Hang:
        return "hangs"
    finally:
        demo.kill_the_rest()
    if "ENOENT" in run.acts or "EACCES" in run.acts:
        return "not for this user"
    elf = TO_ENTRY + END
    if kind == "dynamic" or kind == "not PIE":
        run.expect(elf, [SCRIPT], [LIBRARIES, MAIN])
    elif kind == "static":
        run.expect(elf, [LIBRARIES, SCRIPT], [MAIN])
    elif kind == "set-uid":
        run.expect(elf, [SCRIPT], [LIBRARIES, MAIN])
        if os.stat(path).st_uid != judge.NOBODY and judge.is_root() and "not honoured, since it is traced" not in run.acts:
            raise Failure(f"{path}: set-uid, and nothing is said of it: {run.acts}")
    elif kind == "32 bits":
        run.expect(TO_EXEC + END + ["run.elf-check"], ["run.segments-mapped", "run.main"])
    else:
        run.expect(elf + [SCRIPT], [], [LIBRARIES, MAIN])
    return None


def check_machine(demo):
    """How many of each kind were run."""
    found, taken = of_this_machine(), collections.Counter()
    for kind, most in PER_KIND.items():
        for path in spread(found[kind], most)[:4 * most]:
            if taken[kind] < most and check_found(demo, kind, path) is None:
                taken[kind] += 1
    return taken


def check_main(run, path):
    """main must be where nm(1), which reads the symbol table, says."""
    nm = subprocess.run(["nm", path], capture_output=True, text=True)
    symbol = re.search(r"^([0-9a-f]+) T main$", nm.stdout, re.M)
    if symbol:
        bias = int(run.fact("AT_ENTRY"), 16) - struct.unpack_from("=Q", header(path), 24)[0]
        if int(run.fact("PC"), 16) != bias + int(symbol[1], 16):
            raise Failure(f"{path}: main is at {run.fact('PC')} for the demo, and at {bias + int(symbol[1], 16):#x} for nm")


def compile_all(demo, compiler):
    """Name of a build to its path; without those that this compiler cannot make (no static libc, say)."""
    paths = {}
    for number, (name, (source, flags, _, _)) in enumerate(BUILDS.items()):
        path, text = os.path.join(demo.place, f"program{number}"), os.path.join(demo.place, f"program{number}.c")
        with open(text, "w") as file:
            file.write(SOURCES[source])
        if subprocess.run([compiler, text, "-o", path, *flags], capture_output=True).returncode == 0:
            os.chmod(path, 0o755)
            paths[name] = path
    return paths


def check_builds(demo, paths):
    for name, path in paths.items():
        source, _, holds, skipped = BUILDS[name]
        run = Run(demo, [path, "a word", ""]).expect(TO_ENTRY + holds + END, skipped)
        ends = "killed by SIGSEGV" if source == "killed" else "exited with 3"
        if ends not in run.verdicts["run.exit-sigchld"]["evidence"]:
            raise Failure(f"{name}: must be {ends}: {run.verdicts['run.exit-sigchld']}")
        if "static" in name and "static" not in run.verdicts["run.entry-point"]["evidence"]:
            raise Failure(f"{name}: {run.verdicts['run.entry-point']}")
        if source == "main" and f"3 {path}" not in run.result.err:
            raise Failure(f"{name}: it did not print what it must: {run.result.err!r}")
        if MAIN in holds:
            check_main(run, path)


def make(demo, name, data, mode=0o755):
    path = os.path.join(demo.place, name)
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, mode)
    return path


def check_refused(demo, path):
    """What execve() does not take: which errno, and that nothing is run."""
    whole = read(path)
    rest = ["run.segments-mapped", "run.stack-built", "run.entry-point", LIBRARIES, MAIN, SCRIPT]
    refused = {
        "ENOENT": [os.path.join(demo.place, "missing")],
        "EACCES": [make(demo, "no-execute", whole, 0o644)],
        "ENOEXEC": [make(demo, "damaged", whole[:1] + b"X" + whole[2:]), make(demo, "wrong-machine", whole[:18] + b"\xff\xff" + whole[20:]),
                    make(demo, "short", whole[:70]), make(demo, "text", b"echo this must not be run\n"), make(demo, "empty", b"")],
    }
    for errno, files in refused.items():
        for file in files:
            run = Run(demo, [file]).expect(TO_EXEC + END + (["run.elf-check"] if errno == "ENOEXEC" else []),
                                           rest + ([] if errno == "ENOEXEC" else ["run.elf-check"]))
            if errno not in run.acts or "must not be run" in run.result.err:
                raise Failure(f"{file}: wants {errno}: {run.acts} {run.result.err}")
    return sum(map(len, refused.values()))


def check_scripts(demo):
    """Those whose interpreter is here: by #! and by their name."""
    python = next((path for path in ("/usr/bin/python3", "/usr/local/bin/python3") if os.path.exists(path)), None)
    scripts = [("/bin/sh", b"exit 3\n"), (python, b"raise SystemExit(3)\n"), ("/usr/bin/perl", b"exit 3;\n"), ("/usr/bin/env sh", b"exit 3\n")]
    runs = 0
    for number, (interpreter, text) in enumerate(scripts):
        if interpreter is None or not os.path.exists(interpreter.split()[0]):
            continue
        path = make(demo, f"script{number}", b"#!" + interpreter.encode() + b"\n" + text)
        for words in [[path, "x"]] + ([] if " " in interpreter else [[interpreter, path]]):
            run = Run(demo, words).expect(TO_ENTRY + [SCRIPT] + END, [], [LIBRARIES, MAIN])
            runs += 1
            if "exited with 3" not in run.verdicts["run.exit-sigchld"]["evidence"]:
                raise Failure(f"{words}: {run.verdicts['run.exit-sigchld']}")
    return runs


def programs(demo, compiler="cc"):
    if demo.run("--json").status == judge.SKIPPED:
        raise Skip("nothing can be traced here: allow ptrace")
    paths = compile_all(demo, compiler)
    if not paths:
        raise Skip(f"{compiler} compiles nothing here: install a C compiler")
    check_builds(demo, paths)
    refused, scripts = check_refused(demo, next(iter(paths.values()))), check_scripts(demo)
    taken = check_machine(demo)
    if sum(taken.values()) < 10:
        raise Failure(f"too few programs of this machine were fit to be run: {dict(taken)}")
    return (f"{len(paths)} builds, {refused} that are refused, {scripts} scripts; of this machine {sum(taken.values())} programs: "
            f"{', '.join(f'{n} {kind}' for kind, n in taken.items())}")


if __name__ == "__main__":
    judge.main(programs)
