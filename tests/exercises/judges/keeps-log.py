"""The command is held in read(), and its open files are looked at."""
import os
import random

import kernel
from program import Wrong


def content(path):
    try:
        return kernel.read(path).decode("utf-8", "backslashreplace").splitlines()
    except OSError as error:
        return [error.strerror]


def judge(start, place, word):
    log, journal, command = (os.path.join(place, f"{word}.{end}") for end in ("log", "journal", "command"))
    status = random.randint(2, 99)
    with open(command, "w") as file:
        file.write(f"#!/bin/sh\nread line\nexit {status}\n")
    os.chmod(command, 0o755)
    program = start(log, journal, command, "argument")
    program.settle()
    program.must_live("the command had ended")
    runs = next((task for task in program.others() if not kernel.is_program(task.pid, program.path)), None)
    if runs is None or not runs.is_in("read"):
        raise Wrong("no-command", "The command, which reads a line, does not run as a child:", *map(str, program.last))
    files = kernel.descriptors(runs.pid)
    leaked = [f"fd {fd} is {kernel.short(files[fd][0])}" for fd in sorted(files) if files[fd][0] in (log, journal)]
    if leaked:
        raise Wrong("inherited", f"PID {runs.pid} is the command, after exec. Its open files (/proc/{runs.pid}/fd):", *leaked)
    if content(log) != [f"start {command}"]:
        raise Wrong("log", f'While the command runs, the log must hold "start {kernel.short(command)}". It holds:', *content(log))
    program.send("go\n")
    program.must_end_with(status, f"so did the command, PID {runs.pid}")
    for path, right in ((log, [f"start {command}", f"end {status}"]), (journal, [str(runs.pid)])):
        if content(path) != right:
            raise Wrong("log", f"{kernel.short(path)} must hold:", *right, "It holds:", *content(path))
    return f"PID {runs.pid}, the command, had no descriptor of the log or the journal; both were kept."
