"""The output is full, so the clock sleeps in write() in the middle of a line when the command comes."""
import os
import random

import kernel
from program import Wrong, quoted


def never_woken(task, tasks):
    """Asleep in futex() on private memory of its own, as the only thread of its process: nobody can wake it."""
    if not task.is_in("futex") or not task.sleeps_until_woken():
        return False
    if sum(1 for other in tasks if other.pid == task.pid) > 1:
        return False
    if any(other.pid == task.ppid and other.state == "D" for other in tasks):  # vfork(): the memory is its parent's
        return False
    perms = kernel.mapping(task.pid, task.args[0])
    return perms is not None and perms.endswith("p")


def check_children(program, tasks):
    for task in tasks:
        if task.pid != program.pid and never_woken(task, tasks):
            raise Wrong("copied-lock", "A child waits for ever:", f"{task}, for a lock at {task.args[0]:#x}",
                        f"/proc/{task.pid}/status: Threads: 1. /proc/{task.pid}/maps: its memory is private.",
                        "So the thread that holds the lock is not in this process, and nobody can unlock it here.")


def command(place, word, number, status):
    path = os.path.join(place, f"{word}-{number}")
    with open(path, "w") as file:
        file.write(f"#!/bin/sh\necho $$ {word} {number}\nexit {status}\n")
    os.chmod(path, 0o755)
    return path


def run_one(program, path, number, word):
    """One command while the clock holds what it holds; then the output is read, until the command has run."""
    before = len(program.said)
    program.send(path + "\n")
    program.settle(drain=False)
    program.must_live("the end of its input")
    check_children(program, program.last)
    line = f"{word} {number}\n".encode()

    def has_run(tasks):
        check_children(program, tasks)
        idle = program.main().is_in("read") and not program.others()
        return idle or any(data.endswith(line) for _, data in program.said[before:])

    program.until(has_run)
    program.drain()
    ran = next((pid for pid, data in program.said[before:] if data.endswith(line)), None)
    if ran is None:
        raise Wrong("not-run", f"Command {number} has not run.", *map(str, program.last))
    if ran == program.pid or program.output_of(ran) != f"{ran} runs {path}\n{ran} ".encode() + line:
        raise Wrong("child-silent", f"Command {number} ran as PID {ran}. What that process wrote, its own line before the "
                    f"command's: {quoted(program.output_of(ran), 200)}")


def judge(start, place, word):
    program = start(full=True)
    statuses = [random.randint(2, 99) for _ in range(2)]
    for number, status in enumerate(statuses):
        program.fill()
        program.until(lambda tasks: any(task.is_in("write") for task in tasks if task.tid != program.pid), drain=False)
        program.must_live("the end of its input")
        if not any(task.pid == program.pid != task.tid and task.is_in("write") for task in program.last):
            raise Wrong("no-clock", "No second thread writes:", *map(str, program.last))
        run_one(program, command(place, word, number, status), number, word)
    program.close_input()
    program.until(lambda tasks: program.ended() is not None)
    program.must_end_with(statuses[-1], "so did the last command")
    return f"{len(statuses)} times the clock held the lock when the command came; the child was not held by it, and ran it."
