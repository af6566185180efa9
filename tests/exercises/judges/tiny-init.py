"""The command leaves children behind, which the judge ends while the command still runs: does PID 1 wait for them?"""
import contextlib
import os
import random
import shutil
import signal

import kernel
from program import CannotJudge, Wrong


def nspid(pid):
    """Its PID in each namespace, ours first."""
    lines = kernel.read(f"/proc/{pid}/status").splitlines()
    return next((list(map(int, line.split()[1:])) for line in lines if line.startswith(b"NSpid:")), [pid])


def pid1_of(program):
    return next((task for task in program.others() if not task.has_ended() and len(nspid(task.pid)) == len(nspid(os.getpid())) + 1
                 and nspid(task.pid)[-1] == 1), None)


CLONE_NEWUSER, CLONE_NEWPID = 0x10000000, 0x20000000


def can_make_namespaces():
    """By the same call as the program, in a child of ours."""
    child = os.fork()
    if child == 0:
        os._exit(kernel.libc.unshare(CLONE_NEWUSER | CLONE_NEWPID) != 0 or os.waitpid(fork_nothing(), 0)[1] != 0)
    return os.waitpid(child, 0)[1] == 0


def fork_nothing():
    child = os.fork()
    if child == 0:
        os._exit(0)
    return child


def command_file(place, word, orphans, status):
    """A command with children that become orphans at once: each waits at a FIFO of its own, the command for a line. The first
    has left the command's process group, as daemons do."""
    setsid = "setsid " * bool(shutil.which("setsid", path=os.confstr("CS_PATH")))
    fifos = [os.path.join(place, f"{word}-{i}") for i in range(orphans)]
    for fifo in fifos:
        os.mkfifo(fifo)
    path = os.path.join(place, word)
    with open(path, "w") as file:
        file.write("#!/bin/sh\n" + "".join(f"( (exec {setsid * (fifo == fifos[0])}cat {os.path.basename(fifo)}) & )\n"
                                           for fifo in fifos) + f"read line\nexit {status}\n")
    os.chmod(path, 0o755)
    return path, fifos


@contextlib.contextmanager
def stopped(program, pid1):
    """What ends meanwhile is there all at once: several SIGCHLDs are one, and a handler comes before waitpid() goes on."""
    os.kill(pid1.pid, signal.SIGSTOP)
    program.until(lambda tasks: any(task.pid == pid1.pid and task.state == "T" for task in tasks))
    yield
    program.settle()
    with contextlib.suppress(ProcessLookupError):  # somebody has killed it
        os.kill(pid1.pid, signal.SIGCONT)
    program.settle()


def judge(start, place, word):
    if not can_make_namespaces():
        raise CannotJudge("no new user and PID namespace may be made here (user.max_user_namespaces, or a container's profile)")
    orphans, status = random.randint(3, 5), random.randint(2, 99)
    path, fifos = command_file(place, word, orphans, status)
    program = start(path)
    program.settle()
    program.must_live("its command had ended")
    pid1 = pid1_of(program)
    if pid1 is None:
        raise Wrong("no-container", "None of its processes is PID 1 of a PID namespace below ours:",
                    *[f"{task}, NSpid {nspid(task.pid)}" for task in program.last])
    inside = [task for task in program.others() if task.ppid == pid1.pid]
    waiting = [task for task in inside if task.is_in("openat", "open")]
    command = next((task for task in inside if task.is_in("read")), None)
    if command is None or len(waiting) != orphans:
        raise Wrong("no-command", f"PID 1 (here PID {pid1.pid}) must have the command and {orphans} orphans as its children:",
                    *map(str, program.last))
    with stopped(program, pid1):
        for fifo in fifos[:-1]:  # one lives on
            try:
                os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
            except OSError:
                break  # nobody opens it any more: all of the namespace ended with the first one
    program.must_live("its command had ended")
    zombies = [task for task in program.others() if task.state == "Z"]
    if zombies:
        raise Wrong("never-reaps", f"{orphans - 1} orphans have ended in the namespace. Their parent is its PID 1:",
                    *[f"{task}, its parent is PID {task.ppid}" for task in zombies],
                    *[str(task) for task in program.last if task.pid == pid1.pid])
    alive = [task for task in program.others() if task.pid in {one.pid for one in waiting}]
    if len(alive) != 1:
        raise Wrong("kills-orphans", f"One of {orphans} orphans has not been told to end, and of them there are still "
                    f"{len(alive)}:", *map(str, program.last))
    with stopped(program, pid1):
        program.send("go\n")
    program.must_end_with(status, "so did the command, though an orphan still ran")
    return f"PID 1 of the namespace (here PID {pid1.pid}) waited for {orphans - 1} orphans, and ended with its command."
