"""source.py - rules about the source that a program can check.

    source.py no-sleep TOP [FILE...]   order comes from the kernel, never from time; a demo reports through lib/report only
    source.py includes TOP             what may include what, how long headers and functions are, no path of one machine
"""
import glob
import os
import re
import subprocess
import sys

import judge
from judge import read

SLEEPS = "sleep usleep nanosleep clock_nanosleep alarm ualarm sched_yield"
# Once in each file: between two looks at a state, under the one deadline; and where being asleep is the lesson.
THE_NAPS = [("lib/sync/wait.c", "nanosleep"), ("demos/4-states/states.c", "clock_nanosleep")]
# In a demo: output in a buffer is lost or doubled by a fork, a shell hides the call, exit() runs the parent's handlers.
NOT_IN_DEMOS = "printf vprintf fprintf puts putchar fputs fputc putc fwrite perror system popen exit"

# A folder may include itself and these. The arrows point one way.
BELOW = {
    "sys": [],
    "proc": ["sys"],
    "measure": ["sys"],
    "trace": ["sys"],
    "sync": ["proc", "sys"],
    "cgroup": ["proc", "sys", "sync"],
    "kernel": ["proc", "sys", "sync"],
    "report": ["kernel", "measure", "sync", "proc", "sys"],
    "demos": ["report", "kernel", "cgroup", "trace", "measure", "sync", "proc", "sys"],
}
HEADER_LINES, FUNCTION_LINES = 150, 80
OF_ONE_MACHINE = re.compile(r"(?<![\w.$}])/wor" + r"k/\w")  # in two pieces: it must not find itself


def code_of(text):
    """The text without comments and what stands in quotes; every line stays where it is."""
    pattern = r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'"
    return re.sub(pattern, lambda match: "\n" * match[0].count("\n") or " ", text, flags=re.DOTALL)


def sources(top, *folders):
    return sorted(os.path.relpath(path, top) for folder in folders
                  for path in glob.glob(os.path.join(top, folder, "**", "*.[ch]"), recursive=True))


def calls(code, names):
    """(line, name) of each call of one of the names."""
    for match in re.finditer(rf"(?<![\w.>])({'|'.join(names.split())})\s*\(", code):
        yield code.count("\n", 0, match.start()) + 1, match[1]


def no_sleep(top, *files):
    failures, naps = [], list(THE_NAPS)
    # The exercises are to be mended, and print as a student's own programs do.
    files = files or [path for path in sources(top, "demos", "lib") if not path.startswith("demos/exercises/")]
    for path in files:
        code = code_of(read(os.path.join(top, path), "r"))
        for line, name in calls(code, SLEEPS):
            if (path, name) in naps:
                naps.remove((path, name))
            else:
                failures.append(f"{path}:{line}: {name}() orders by time: use a gate or wait for a state (lib/sync)")
        if not path.startswith("lib/"):
            failures += [f"{path}:{line}: {name}() in a demo: report through lib/report, end children in _exit()"
                         for line, name in calls(code, NOT_IN_DEMOS)]
    judge.fail_with(failures, "calls that a demo may not make")
    return f"{len(files)} files, no sleep that orders anything"


def long_functions(path, code):
    """Functions begin and end with a brace in the first column; their heading is the line before."""
    begin = None
    for number, line in enumerate(code.splitlines(), 1):
        if line.startswith("{"):
            begin = number
        elif line.startswith("}") and begin is not None:
            if number - begin + 2 > FUNCTION_LINES:
                yield f"{path}:{begin}: a function of {number - begin + 2} lines; {FUNCTION_LINES} at most"
            begin = None


def wrong_includes(path, text):
    parts = path.split("/")
    folder = parts[1] if parts[0] == "lib" else "demos"
    for include in re.findall(r'^#include "([^"]+)"', text, re.MULTILINE):
        target = include.split("/")[0] if "/" in include else folder
        if target != folder and target not in BELOW.get(folder, []):
            yield f"{path} includes {include}: {folder} may include {' '.join(BELOW.get(folder, [])) or 'nothing'}"


def machine_paths(top):
    try:
        listing = subprocess.run(["git", "-C", top, "ls-files", "-z"], capture_output=True, text=True, check=True)
        names = listing.stdout.split("\0")[:-1]
    except (FileNotFoundError, subprocess.CalledProcessError):  # no git here, or no checkout of it
        names = sources(top, "demos", "lib", "tests")
    for name in names:
        path = os.path.join(top, name)
        if os.path.isfile(path) and not os.path.islink(path):
            match = OF_ONE_MACHINE.search(read(path).decode("utf-8", "replace"))
            if match:
                yield f"{name}: a path of one machine: {match[0]}..."


def includes(top):
    failures, files = [], sources(top, "demos", "lib")
    for path in files:
        text = read(os.path.join(top, path), "r")
        failures += wrong_includes(path, text)
        failures += long_functions(path, code_of(text))
        if path.endswith(".h") and text.count("\n") >= HEADER_LINES:
            failures.append(f"{path}: a header shows its grammar at a glance, in less than {HEADER_LINES} lines")
    failures += machine_paths(top)
    judge.fail_with(failures, "rules about the source are broken")
    return f"{len(files)} files: arrows point one way, headers under {HEADER_LINES} lines, functions within {FUNCTION_LINES}"


if __name__ == "__main__":
    rule = {"no-sleep": no_sleep, "includes": includes}[sys.argv[1]]
    sys.exit(judge.finish(lambda: rule(*sys.argv[2:])))
