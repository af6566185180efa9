"""Who wrote what: standard output is a socket, and the kernel says of each piece which process wrote it."""
import os
import random
import signal

from program import Wrong, quoted

WRITES = ("write", "writev", "sendto", "sendmsg")


def hold_children(program):
    """The parent sleeps in write() of the heading. From now on there is room for that, and for nothing more."""
    os.kill(program.pid, signal.SIGSTOP)
    program.until(lambda tasks: program.main().state == "T", drain=False)
    program.drain()
    program.fill(1)
    program.receive(1)
    os.kill(program.pid, signal.SIGCONT)
    program.settle(drain=False)
    held = [task for task in program.others() if task.is_in(*WRITES)]
    if held and program.main().is_in(*WRITES):
        raise Wrong("not-waited", "Children have not written yet, and the parent, which should wait for them, writes:",
                    str(program.main()), *map(str, held))


def judge(start, place, word):
    n = random.randint(3, 6)
    program = start(word, n, full=True)
    program.settle(drain=False)
    early = [str(task) for task in program.others() if task.is_in(*WRITES)]
    if program.main().is_in(*WRITES) and not early:
        hold_children(program)
    program.must_end_with(0, "all went well")
    if not program.said:
        raise Wrong("ends-at-once", f"PID {program.pid} exited with 0, and nothing was written.")
    wrote = {pid: program.output_of(pid) for pid in program.writers()}
    first, last = f"report on {word} by {n}\n".encode(), f"end of {word}\n".encode()
    for line in (first, last):
        twice = [pid for pid, text in wrote.items() for _ in range(text.count(line))]
        if len(twice) > 1:
            raise Wrong("written-twice", f"{quoted(line)} was written {len(twice)} times. Who wrote it:",
                        *[f"PID {pid}: {quoted(wrote[pid])}" + " (the program you started)" * (pid == program.pid)
                          for pid in dict.fromkeys(twice)])
    children = [pid for pid in wrote if pid != program.pid]
    if not children:
        raise Wrong("no-child", f"PID {program.pid} wrote all of it: {quoted(wrote.get(program.pid, b''))}")
    for pid in children:
        if wrote[pid] != f"{pid} says {word}\n".encode():
            raise Wrong("child-wrote", f"PID {pid}, a child, wrote {quoted(wrote[pid])}; its line alone is right: "
                        f'"{pid} says {word}".')
    if len(children) != n:
        raise Wrong("child-missing", f"{n} children were asked for, and {len(children)} wrote a line: "
                    f"PID {', '.join(map(str, children))}.")
    if wrote.get(program.pid) != first + last:
        raise Wrong("parent-wrote", f"PID {program.pid}, the parent, wrote {quoted(wrote.get(program.pid, b''))}; right is "
                    f"{quoted(first)} before all others and {quoted(last)} after them.")
    if early:
        raise Wrong("order-by-time", "Nobody reads the output yet, and the heading is not written. It comes first only if the "
                    "parent happens to be quicker, for there wait already:", *early)
    if {program.said[0][0], program.said[-1][0]} != {program.pid}:
        raise Wrong("order", f"The first to write was PID {program.said[0][0]}, the last PID {program.said[-1][0]}; the parent, "
                    f"PID {program.pid}, should be both.")
    return f"PID {program.pid} wrote the heading and the end, each once; {n} others wrote one line each."
