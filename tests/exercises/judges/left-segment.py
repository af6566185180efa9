"""The program is ended three times while it waits for input: by the end of that, by SIGTERM and by SIGKILL."""
import os
import random
import signal

import kernel
from program import CannotJudge, Wrong, quoted


def one_run(start, size, number):
    """Until it waits for input. number: the signal that ends it, and all its processes; None: the end of the input."""
    program = start(size)
    data = os.urandom(random.randint(100, 3000))
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
    if not any(task.is_in("read") and task.ppid == program.pid for task in program.others()):
        raise Wrong("no-child", "While it waits, no child sleeps in read():", *map(str, program.last))
    if number is None:
        program.close_input()
        program.must_end_with(0, "all went well")
        if program.output_of(program.pid) != f"{sum(data)}\n".encode():
            raise Wrong("sum", f"The sum is {sum(data)}. PID {program.pid}, the parent, wrote "
                        f"{quoted(program.output_of(program.pid))}.")
    else:
        os.killpg(program.pid, number)
        program.settle()
    alive = [str(task) for task in program.last if not task.has_ended()]
    left = [one for one in kernel.segments(size) if one.id == segment.id]
    if left:
        how = "by itself" if number is None else f"by {number.name}"
        reason = {None: "left-at-end", signal.SIGTERM: "left-by-sigterm", signal.SIGKILL: "left-by-sigkill"}[number]
        raise Wrong(reason, f"It was ended {how}, and /proc/sysvipc/shm still has its segment: shmid {segment.id}, {size} bytes, "
                    f"cpid {segment.maker}, nattch {left[0].attached}.", *alive)
    if alive:
        raise Wrong("hangs", f"It was ended by {number.name}, and there still is:", *alive)
    program.finish()


def judge(start, place, word):
    if not os.path.exists("/proc/sysvipc/shm"):
        raise CannotJudge("no /proc/sysvipc/shm: this kernel has no System V IPC (CONFIG_SYSVIPC)")
    size = random.randint(10000, 10**7)  # so that nobody else's has it
    try:
        for number in (None, signal.SIGTERM, signal.SIGKILL):
            one_run(start, size, number)
    finally:
        kernel.kill_below(os.getpid())
        kernel.remove_segments(size)
    return "Ended by itself, by SIGTERM and by SIGKILL, it left no segment in /proc/sysvipc/shm."
