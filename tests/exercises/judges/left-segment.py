"""The program is ended while it waits for input: by the end of that, and by signals, before the first byte and after it."""
import os
import random
import signal
import sys

import kernel
from program import CannotJudge, Wrong, quoted


def not_by_time(program, size):
    """Nothing may go on by itself while a SIGKILL would leave the segment."""
    sleeping = [task for task in program.last if task.sleeps_for_a_time()]
    late = [segment for segment in kernel.segments(size) if not segment.marked] if sleeping else []
    if late:
        raise Wrong("marked-late", f"While it only lets time pass, a SIGKILL would leave its segment, shmid {late[0].id}, which is "
                    "not marked yet:", *map(str, sleeping))


def reads(task, link):
    """Does it sleep until there is input?"""
    if task.is_in("read", "readv"):
        return kernel.fd_link(task.pid, task.fd()) == link
    return task.is_in(*kernel.POLLS)


def one_run(start, size, number, data):
    """Until it has read data and waits for more. number: the signal that then ends it, and all its processes; None: the end
    of the input."""
    program = start(size)
    program.until(lambda tasks: not_by_time(program, size))
    program.send(data)
    program.settle()
    program.must_live("the end of its input")
    mine = {task.pid for task in program.last}
    found = [segment for segment in kernel.segments(size) if segment.maker in mine]
    if len(found) != 1 or found[0].attached < 2:
        raise Wrong("not-shared", f"While it waits, /proc/sysvipc/shm must have a segment of {size} bytes that two processes "
                    "have attached. Of this program it has:",
                    *[f"shmid {segment.id}, made by PID {segment.maker}, nattch {segment.attached}" for segment in found],
                    *["none"] * (not found))
    segment = found[0]
    link = os.readlink(f"/proc/self/fd/{program.input}")
    if not any(task.ppid == program.pid and reads(task, link) for task in program.last):
        raise Wrong("no-child", "While it waits, no child sleeps until there is input:", *map(str, program.last))
    if number is None:
        by_its_input(program, segment, sum(data))
    else:
        os.killpg(program.pid, number)
        program.settle()
    alive = [str(task) for task in program.last if not task.has_ended()]
    if alive:
        raise Wrong("hangs", f"It was ended by {number.name}, and there still is:", *alive)
    left = [one for one in kernel.segments(size) if one.id == segment.id]
    if left:
        how = "by itself" if number is None else f"by {number.name}" + " before its first input" * (not data)
        reason = {None: "left-at-end", signal.SIGTERM: "left-by-sigterm", signal.SIGKILL: "left-by-sigkill"}[number]
        raise Wrong(reason, f"It was ended {how}, and /proc/sysvipc/shm still has its segment: shmid {segment.id}, {size} bytes, "
                    f"cpid {segment.maker}, nattch {left[0].attached}.")
    program.finish()


def by_its_input(program, segment, right):
    """What stood in the segment at the end is only seen by one who has it attached."""
    with kernel.attached(segment) as memory:
        program.close_input()
        program.must_end_with(0, "all went well")
        held = memory() if memory else None
    if program.output_of(program.pid) != f"{right}\n".encode():
        raise Wrong("sum", f"The sum is {right}. PID {program.pid}, the parent, wrote "
                    f"{quoted(program.output_of(program.pid))}.")
    if held is not None and right.to_bytes(4, sys.byteorder) not in held:
        raise Wrong("not-shared", f"The sum, {right}, was printed, but nobody had written it into the segment.")


def judge(start, place, word):
    if not os.path.exists("/proc/sysvipc/shm"):
        raise CannotJudge("no /proc/sysvipc/shm: this kernel has no System V IPC (CONFIG_SYSVIPC)")
    size = random.randint(10000, 10**7)  # so that nobody else's has it
    try:
        for data in (os.urandom(random.randint(100, 3000)), b""):
            for number in (None, signal.SIGTERM, signal.SIGKILL):
                one_run(start, size, number, data)
    finally:
        kernel.kill_below(os.getpid())
        kernel.remove_segments(size)
    return "Ended by itself, by SIGTERM and by SIGKILL, it left no segment in /proc/sysvipc/shm."
