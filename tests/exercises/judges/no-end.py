"""The input is held open while the child waits, then closed: whoever still sleeps in read() then, and who has the other end."""
import os
import random

import kernel
from program import Wrong, quoted


def sleeping_reader(program):
    """The child that sleeps in read() on a pipe other than our input."""
    ours = kernel.fd_link(program.pid, 0)
    for task in program.others():
        link = kernel.fd_link(task.pid, task.fd()) if task.is_in("read", "readv") else None
        if link and link.startswith("pipe:") and link != ours:
            return task, link
    return None, None


def judge(start, place, word):
    program = start()
    sent = 0
    for _ in range(3):
        data = os.urandom(random.randint(1, 3000))
        program.send(data)
        sent += len(data)
        program.settle()
    program.must_live("the end of its input")
    if program.said:
        raise Wrong("ends-early", f"PID {program.said[0][0]} wrote {quoted(program.everything())} before its input ended.")
    reader, pipe = sleeping_reader(program)
    if reader is None:
        raise Wrong("no-reader", "While more may come, no child sleeps in read() on a pipe:", *map(str, program.last))

    program.close_input()
    program.settle()
    stuck, stuck_at = sleeping_reader(program)
    if stuck:
        writers = kernel.holders({task.pid for task in program.last}, stuck_at, os.O_WRONLY)
        raise Wrong("write-end-open", "The input has ended, and it goes on waiting:", str(stuck),
                    *[f"the pipe's write end is still open in PID {pid}: fd {fd}" for pid, fd in writers])
    program.must_end()
    said, right = program.output_of(reader.pid), f"{sent} bytes\n".encode()
    if said != right or program.everything() != right:
        raise Wrong("count", f"{sent} bytes came in. PID {reader.pid}, the child, wrote {quoted(said)}; all that was written: "
                    f"{quoted(program.everything())}")
    program.must_end_with(0, "all went well")
    return f"PID {reader.pid} slept in read() until the last write end of {pipe} was closed, and counted {sent} bytes."
