"""The input is held open while the child waits, then closed: whoever still sleeps in read() then, and who has the other end."""
import os
import random

import kernel
from program import Wrong, quoted


def pipes_waited_for(task):
    """One in read(). In poll() and the like those that it can read."""
    if task.is_in("read", "readv", "splice", "tee"):
        return [kernel.fd_link(task.pid, task.args[0]) or ""]
    return [link for link, flags in kernel.descriptors(task.pid).values() if flags & os.O_ACCMODE == os.O_RDONLY] * (
        task.is_in(*kernel.POLLS))


def sleeping_reader(program, ours):
    """The child that waits for a pipe other than our input."""
    for task in program.last:
        for link in pipes_waited_for(task) if task.pid != program.pid else []:
            if link.startswith("pipe:") and link != ours:
                return task, link
    return None, None


def judge(start, place, word):
    program = start()
    ours, sent = kernel.fd_link(os.getpid(), program.input), 0
    for _ in range(3):
        data = os.urandom(random.randint(1, 3000))
        program.send(data)
        sent += len(data)
        program.settle()
    program.must_live("the end of its input")
    if program.said:
        raise Wrong("ends-early", f"PID {program.said[0][0]} wrote {quoted(program.everything())} before its input ended.")
    reader, pipe = sleeping_reader(program, ours)
    if reader is None:
        raise Wrong("no-reader", "While more may come, no child sleeps in read() on a pipe:", *map(str, program.last))
    open_in_it = kernel.holders({reader.pid}, pipe, os.O_WRONLY)

    program.fill()  # the one who writes the count sleeps, too, and can be looked at
    program.close_input()
    program.settle(drain=False)
    stuck, stuck_at = sleeping_reader(program, ours)
    writers = kernel.holders({task.pid for task in program.last}, stuck_at or pipe, os.O_WRONLY)
    if stuck:
        raise Wrong("write-end-open", "The input has ended, and it goes on waiting:", str(stuck),
                    *[f"the pipe's write end is still open in PID {pid}: fd {fd}" for pid, fd in writers])
    program.must_end()
    said, right = program.output_of(reader.pid), f"{sent} bytes\n".encode()
    if said != right or program.everything() != right:
        raise Wrong("count", f"{sent} bytes came in. PID {reader.pid}, the child, wrote {quoted(said)}; all that was written: "
                    f"{quoted(program.everything())}")
    if open_in_it or writers:
        raise Wrong("write-end-open", "It ends, but not by the end of file, that comes when all write ends are closed:",
                    *[f"the pipe's write end was open in PID {pid}: fd {fd}" for pid, fd in open_in_it or writers])
    program.must_end_with(0, "all went well")
    return f"PID {reader.pid} slept in read() until the last write end of {pipe} was closed, and counted {sent} bytes."
