"""The files are FIFOs that the judge holds. The server is stopped while several children end, so their SIGCHLDs are one."""
import os
import random
import signal

from program import Wrong


class Fifos:
    """A FIFO for each request. The child that opens it waits there until we do."""

    def __init__(self, program, place, word):
        self.program, self.place, self.word, self.made, self.ends = program, place, word, 0, {}

    def request(self, before):
        """A line for the server. Returns its child, once it sleeps in open()."""
        program, self.made = self.program, self.made + 1
        path = os.path.join(self.place, f"{self.word}-{self.made}")
        os.mkfifo(path)
        known = {task.pid for task in program.others()}
        program.send(path + "\n")
        program.settle()
        program.must_live(before)
        child = next((task for task in program.others() if task.pid not in known and task.is_in("openat", "open")), None)
        if child is None:
            where = "waits" if program.main().is_in("wait4", "waitid") else "nobody"
            raise Wrong("blocks-in-wait" if where == "waits" else "not-served",
                        f"Request {self.made} has come, and no new child opens its file:", *map(str, program.last))
        if child.ppid != program.pid:
            raise Wrong("no-child-of-it", f"PID {child.pid} serves request {self.made}. Its parent is not the server, PID "
                        f"{program.pid}, which cannot learn how it ends.")
        self.ends[child.pid] = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        return child.pid

    def finish(self, pid, empty):
        end = self.ends.pop(pid)
        if not empty:
            os.write(end, b"text")
        os.close(end)

    def close(self):
        for end in self.ends.values():
            os.close(end)


def judge(start, place, word):
    program = start()
    fifos = Fifos(program, place, word)
    try:
        return hold(program, fifos)
    finally:
        fifos.close()


def no_zombies(program, when):
    zombies = [task for task in program.others() if task.state == "Z"]
    if zombies:
        raise Wrong("zombies-left", when, str(program.main()), *map(str, zombies))


def hold(program, fifos):
    slow = fifos.request("the end of its input")
    quick = [fifos.request("the end of its input") for _ in range(random.randint(12, 20))]  # more than the waits one writes down
    empty = random.randint(1, len(quick) - 1)

    os.kill(program.pid, signal.SIGSTOP)
    program.until(lambda tasks: program.main().state == "T")
    for i, pid in enumerate(quick):
        fifos.finish(pid, i < empty)
    program.settle()
    os.kill(program.pid, signal.SIGCONT)
    program.settle()
    program.must_live("the end of its input")
    no_zombies(program, f"{len(quick)} children ended while PID {program.pid} could not run: their SIGCHLDs became one. It has had "
               "that one (none is pending), and goes on:")
    if program.main().is_in("wait4", "waitid"):
        raise Wrong("blocks-in-wait", f"PID {slow} is still at work, and the server waits for it instead of the next line:",
                    str(program.main()))
    last = fifos.request("the end of its input")
    fifos.finish(last, True)
    program.settle()
    no_zombies(program, "A child ended, and the server goes on:")
    fifos.finish(slow, True)
    program.close_input()
    empty += 2
    program.must_end_with(empty, f"so many children exited with 1, of {len(quick) + 2}")
    return (f"{len(quick)} children ended under one SIGCHLD, and none stayed a zombie; PID {slow} still ran, and the server "
            f"read on. It knew of {empty} empty files.")
