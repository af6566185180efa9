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


def is_file(pid, fd, path):
    """Does this descriptor lead to the file, whatever its name was when it was opened?"""
    try:
        return os.path.samefile(f"/proc/{pid}/fd/{fd}", path)
    except OSError:
        return False


def judge(start, place, word):
    log, journal, command = (os.path.join(place, f"{word}.{end}") for end in ("log", "journal", "command"))
    status, before = random.randint(2, 99), f"before {word}"
    for path in (log, journal):
        with open(path, "w") as file:
            file.write(f"{before}\n")
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
    leaked = [f"fd {fd} is {kernel.short(files[fd][0])}" for fd in sorted(files)
              if is_file(runs.pid, fd, log) or is_file(runs.pid, fd, journal)]
    if leaked:
        raise Wrong("inherited", f"PID {runs.pid} is the command, after exec. Its open files (/proc/{runs.pid}/fd):", *leaked)
    if content(log) != [before, f"start {command}"]:
        raise Wrong("log", f'While the command runs, the log must hold what it held, "{before}", and "start '
                    f'{kernel.short(command)}". It holds:', *content(log))
    program.send("go\n")
    program.must_end_with(status, f"so did the command, PID {runs.pid}")
    for path, right in ((log, [before, f"start {command}", f"end {status}"]), (journal, [before, str(runs.pid)])):
        if content(path) != right:
            raise Wrong("log", f"{kernel.short(path)} must hold:", *right, "It holds:", *content(path))
    return f"PID {runs.pid}, the command, had no descriptor of the log or the journal; both were kept."
