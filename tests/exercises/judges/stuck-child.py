"""The output is full, so the clock sleeps in write() in the middle of a line when the command comes. A last command waits for
the judge: the clock has to tick on."""
import os
import random

import kernel
from program import Wrong, quoted

WRITES = ("write", "writev", "sendto", "sendmsg")


def never_woken(task, tasks):
    """Asleep in futex() on private memory of its own, as the only thread of its process: nobody can wake it, a time-out only
    ends its patience."""
    if not task.is_in("futex") or task.pending or task.exiting:
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
        if task.pid != program.pid and task.sleeps_for_a_time() and kernel.is_program(task.pid, program.path):
            raise Wrong("waits-by-time", "The clock holds the lock for as long as its write() takes. A child, before exec, only lets "
                        "time pass:", str(task))


def check_lines(program, tasks):
    """Two that are in write(), and one has not come to the end of its line."""
    short = len(f"{program.pid} tick tock\n")
    clock = [task for task in tasks if task.pid == program.pid and task.is_in("write") and task.args[2] < short]
    child = [task for task in tasks if task.pid != program.pid and task.is_in(*WRITES)]
    if clock and child:
        raise Wrong("lines-mix", f"The clock is in the middle of a line, of which it writes {clock[0].args[2]} bytes, and a child "
                    "writes:", str(clock[0]), str(child[0]))


def command(place, word, number, status, then=""):
    path = os.path.join(place, f"{word}-{number}")
    with open(path, "w") as file:
        file.write(f"#!/bin/sh\necho $$ {word} {number}\n{then}exit {status}\n")
    os.chmod(path, 0o755)
    return path


def run_one(program, path, number, word):
    """One command while the clock holds what it holds; then the output is read, until the command has run."""
    before = len(program.said)
    program.send(path + "\n")
    program.until(lambda tasks: check_children(program, tasks), drain=False)
    program.must_live("the end of its input")
    check_lines(program, program.last)
    line = f"{word} {number}\n".encode()

    def has_run(tasks):
        check_children(program, tasks)
        idle = any(task.pid == program.pid and task.is_in("read") and task.fd() == 0 for task in tasks) and not program.others()
        return idle or any(data.endswith(line) for _, data in program.said[before:])

    program.until(has_run)
    program.drain()
    ran = next((pid for pid, data in program.said[before:] if data.endswith(line)), None)
    if ran is None:
        raise Wrong("not-run", f"Command {number} has not run.", *map(str, program.last))
    if ran == program.pid or program.output_of(ran) != f"{ran} runs {path}\n{ran} ".encode() + line:
        raise Wrong("child-silent", f"Command {number} ran as PID {ran}. What that process wrote, its own line before the "
                    f"command's: {quoted(program.output_of(ran), 200)}")


def wait_for_clock(program):
    """Until it is held in write()."""
    program.fill()
    program.until(lambda tasks: any(task.pid == program.pid and task.is_in(*WRITES) for task in tasks), drain=False)
    program.must_live("the end of its input")
    own = [task for task in program.look() if task.pid == program.pid]
    if len(own) < 2 or not any(task.is_in(*WRITES) for task in own):
        raise Wrong("no-clock", "No second thread writes:", *map(str, program.last))


def at_fifo(program, tasks):
    """The commands that wait at it."""
    return [task for task in tasks if task.state == "S" and task.call in ("open", "openat") and
            not kernel.is_program(task.pid, program.path)]


def clock_goes_on(program, fifo):
    """While the command waits at the FIFO. Two lines, for one may have been on its way."""
    if not program.until(lambda tasks: at_fifo(program, tasks)):
        raise Wrong("not-run", "The command is not there any more, though it has not ended:", *map(str, program.last))
    program.drain()
    before = program.output_of(program.pid).count(b"\n")
    if not program.until(lambda tasks: program.output_of(program.pid).count(b"\n") > before + 1):
        raise Wrong("clock-stops", "A command runs, and the clock does not tick any more:", *map(str, program.last))
    os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))


def judge(start, place, word):
    program = start(full=True)
    statuses = [random.randint(2, 99) for _ in range(2)]
    fifo = os.path.join(place, f"{word}.fifo")
    os.mkfifo(fifo)
    for number, status in enumerate(statuses):
        wait_for_clock(program)
        last = number == len(statuses) - 1
        run_one(program, command(place, word, number, status, f"read x <{fifo}\n" * last), number, word)
    clock_goes_on(program, fifo)
    program.close_input()
    program.until(lambda tasks: program.ended() is not None or at_fifo(program, tasks))
    again = at_fifo(program, program.last)
    if again:
        raise Wrong("runs-twice", f"Command {len(statuses) - 1} had ended, and it runs once more:", *map(str, again))
    program.must_end_with(statuses[-1], "so did the last command")
    return f"{len(statuses)} times the clock was in write() when the command came; the child was not held by it, and ran it."
