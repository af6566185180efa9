"""program.py - the student's program, run by a judge that holds its input and its output.

Nothing here waits for a time. settle() returns when the program has ended, or when all its threads and all that it started
sleep until somebody else does something. Then the kernel's answer is the same however long one looks, and a judge decides.
"""
import fcntl
import os
import resource
import select
import signal
import socket
import struct
import tempfile
import termios
import time

import kernel

MOST_OUTPUT = 8 << 20
MOST_PROCESSES = 100
MEANWHILE = 4000  # processes of the same user that may come while it runs: the demo zombie makes some thousands
F_SETPIPE_SZ = 1031


class Wrong(Exception):
    """The verdict: a reason that programs read, and what the kernel saw."""

    def __init__(self, reason, *saw):
        super().__init__(reason)
        self.reason, self.saw = reason, list(saw)


class CannotJudge(Exception):
    """Nothing wrong with the student's program: it cannot be judged here, and why."""


def scale():
    try:
        value = float(os.environ.get("PROCLAB_DEADLINE_SCALE", "1"))
    except ValueError:
        value = 1
    return value if 0 < value <= 1000 else 1


RUN_SECONDS = 20 * scale()  # only a program that neither ends nor sleeps meets it


def quoted(data, most=60):
    text = printable(data.decode("utf-8", "backslashreplace").rstrip("\n").replace("\n", "\\n"))
    return '"' + (text if len(text) <= most else text[:most] + "...") + '"'


def printable(text):
    """What a program wrote, without what would move a terminal's cursor."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def how(status):
    """A status as os.waitid gives it, in words."""
    return f"exited with {status}" if status >= 0 else f"was killed by {signal.Signals(-status).name}"


def at_rest(tasks):
    """Do all of them sleep until woken? Nobody knows it of one that hides: a program is dumpable, unless it says otherwise."""
    hidden = [task for task in tasks if task.call == kernel.HIDDEN and task.state == "S" and not task.exiting]
    if not all(task in hidden or task.sleeps_until_woken() for task in tasks):
        return False
    if hidden:
        raise Wrong("hidden", "The kernel does not say of it in which system call it sleeps (prctl(2), PR_SET_DUMPABLE):",
                    *map(str, hidden))
    return True


class Program:
    """stdout is a socket, so that the kernel says which process wrote what (SCM_CREDENTIALS), or a small pipe."""

    def __init__(self, path, place, *args, pipe=False, full=False, stdin=None, sanitized=None):
        self.path, self.place = path, place
        self.said = []          # (pid, bytes) in the order they were written; pid is None from a pipe
        self.bytes = self.filler = 0
        self.at_end = False
        self.last = []          # the tasks, as of the last look
        self.make_output(pipe, full)
        self.input = None
        if stdin is None:
            stdin, self.input = os.pipe()
            os.set_blocking(self.input, False)
        self.errors = tempfile.TemporaryFile(dir=place)
        self.deadline = time.monotonic() + RUN_SECONDS
        if not os.access(path, os.X_OK):
            raise CannotJudge(f"{path} cannot be run: its file system may be mounted noexec. TMPDIR names another directory")
        self.pid = os.fork()
        if self.pid == 0:
            self.become([path, *map(str, args)], stdin, sanitized)
        os.close(self.their_end)
        if self.input is not None:
            os.close(stdin)

    def become(self, command, stdin, sanitized):
        """In the child. By hand: subprocess reads a pipe until exec has closed its other end, and this program could open that
        one in /proc and keep it."""
        try:
            os.setsid()
            os.chdir(self.place)
            limit()
            environment = {"PATH": os.confstr("CS_PATH"), "LC_ALL": "C"}
            if sanitized:  # the thread sanitizer's options; it maps some TiB
                environment["TSAN_OPTIONS"] = sanitized
                kernel.fix_addresses()
            else:
                set_limit(resource.RLIMIT_DATA, 256 << 20)
            ours = [fcntl.fcntl(fd, fcntl.F_DUPFD, 3) for fd in (stdin, self.their_end, self.errors.fileno())]
            for number, fd in enumerate(ours):
                os.dup2(fd, number)
            for fd in kernel.descriptors(os.getpid()):
                if fd > 2:
                    os.set_inheritable(fd, False)
            for number in (signal.SIGPIPE, signal.SIGXFSZ):
                signal.signal(number, signal.SIG_DFL)  # Python ignores them
            os.execve(self.path, command, environment)
        finally:
            os._exit(127)

    def make_output(self, pipe, full):
        """A full one makes the first that writes sleep until we read."""
        self.is_pipe = pipe
        if pipe:
            self.output, self.their_end = os.pipe()
            fcntl.fcntl(self.output, F_SETPIPE_SZ, 4096)
            if full:
                self.fill_pipe()
        else:
            self.socket, self.theirs = socket.socketpair()
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
            self.theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)  # as small as the kernel has them
            self.output, self.their_end = self.socket.fileno(), os.dup(self.theirs.fileno())
            if full:
                self.fill()
        os.set_blocking(self.output, False)

    def fill_pipe(self):
        filling = os.open(f"/proc/self/fd/{self.their_end}", os.O_WRONLY | os.O_NONBLOCK)
        try:
            while True:
                self.filler += os.write(filling, b"\0" * 512)
        except BlockingIOError:
            os.close(filling)

    def fill(self, piece=512):
        try:
            while True:
                self.theirs.send(b"\0" * piece, socket.MSG_DONTWAIT)
        except BlockingIOError:
            pass

    def waiting(self):
        """How many bytes have been written and not read yet."""
        return struct.unpack("i", fcntl.ioctl(self.output, termios.FIONREAD, b"\0" * 4))[0]

    # --- its input and output

    def send(self, data):
        """To its standard input. A program that does not read keeps us waiting until it settles, no longer."""
        data = data if isinstance(data, bytes) else data.encode()
        while data:
            try:
                data = data[os.write(self.input, data):]
            except BlockingIOError:
                self.look()
                if self.main().has_ended():
                    return
                self.nap()
            except BrokenPipeError:
                return

    def close_input(self):
        if self.input is not None:
            os.close(self.input)
        self.input = None

    def receive(self, most=65536):
        """Once what is there; how many bytes that was, 0 when nothing is."""
        try:
            if self.is_pipe:
                pid, data = None, os.read(self.output, most)
            else:
                data, ancillary, _, _ = self.socket.recvmsg(most, socket.CMSG_SPACE(12))
                pid = next((struct.unpack("iii", value)[0] for level, kind, value in ancillary
                            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS)), None)
        except BlockingIOError:
            return 0
        if not data:
            self.at_end = True
            return 0
        own = min(self.filler, len(data)) if self.is_pipe else len(data) * (pid == os.getpid())  # what we filled it with
        self.filler -= own * self.is_pipe
        if own < len(data):
            self.said.append((pid, data[own:]))
        self.bytes += len(data) - own
        if self.bytes > MOST_OUTPUT:
            raise Wrong("too-much-output", f"It wrote more than {MOST_OUTPUT >> 20} MiB.")
        return len(data)

    def drain(self):
        while self.receive():
            pass

    def output_of(self, pid):
        return b"".join(data for who, data in self.said if who == pid)

    def writers(self):
        """Who wrote, in the order of their first write."""
        return list(dict.fromkeys(pid for pid, _ in self.said))

    def everything(self):
        return b"".join(data for _, data in self.said)

    def complaints(self):
        """Its standard error."""
        self.errors.seek(0)
        return self.errors.read(1 << 16).decode("utf-8", "backslashreplace")

    def complaint(self):
        """The last line of its standard error."""
        lines = self.complaints().strip().splitlines()
        return printable(lines[-1]) if lines else ""

    # --- what the kernel says of it

    def look(self):
        """The tasks of the program and of all that it started."""
        pids = kernel.descendants(os.getpid())
        if len(pids) > MOST_PROCESSES:
            os.killpg(self.pid, signal.SIGKILL)  # at once: a group cannot outrun one kill(2)
            raise Wrong("too-many-processes", f"It has {len(pids)} processes.")
        self.last = kernel.tasks(pids)
        if time.monotonic() > self.deadline:
            saw = [f"After {RUN_SECONDS:g} s it has not ended, and does not sleep until something happens:"]
            raise Wrong("goes-on", *saw, *[str(task) for task in self.last[:5]])
        return self.last

    def nap(self):
        select.select([], [], [], 0.001)

    def settle(self, drain=True):
        """The tasks, when all of them sleep until woken or have ended. Two looks between which none of them has run: so
        there was a moment at which all were asleep at once."""
        before = None
        while True:
            if drain:
                self.drain()
            bytes_seen = self.bytes
            tasks = self.look()
            if drain:
                self.drain()
            if tasks == before and self.bytes == bytes_seen and at_rest(tasks):
                return tasks
            before = tasks
            if any(task.state == "R" for task in tasks):
                self.nap()

    def until(self, happens, drain=True):
        """Looks until happens(tasks) is true, or the program has settled: what that returned last."""
        before = None
        while True:
            if drain:
                self.drain()
            tasks = self.look()
            result = happens(tasks)
            if result or (tasks == before and at_rest(tasks)):
                return result
            before = tasks
            self.nap()

    def main(self):
        """Its first thread. The zombie stays until the judge is done with it, so it is always there."""
        return next(task for task in self.last if task.pid == task.tid == self.pid)

    def others(self):
        """The first threads of the processes that it started."""
        return [task for task in self.last if task.pid == task.tid != self.pid]

    def ended(self):
        """None while it lives; how it ended as waitid(2) says: an exit status, or minus a signal."""
        found = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)
        if found is None:
            return None
        return found.si_status if found.si_code == os.CLD_EXITED else -found.si_status

    def must_live(self, before):
        """A program that does nothing has ended here already."""
        status = self.ended()
        if status is not None:
            complaint = self.complaint()
            raise Wrong("ends-at-once" if status >= 0 else "crashes", f"PID {self.pid} {how(status)} before {before}.",
                        *[f"It said: {complaint}"] * bool(complaint))

    def must_end(self, reason="hangs"):
        """Its status, when it ends by itself."""
        self.settle()
        status = self.ended()
        if status is None:
            raise Wrong(reason, "It does not end. All of it sleeps, and nobody is left to wake it:", *map(str, self.last))
        if status < 0:
            raise Wrong("crashes", f"PID {self.pid} {how(status)}.")
        return status

    def must_end_with(self, wanted, why, reason="status"):
        status = self.must_end()
        if status != wanted:
            complaint = self.complaint()
            raise Wrong(reason, f"PID {self.pid} {how(status)}; {wanted} is right: {why}.",
                        *[f"It said: {complaint}"] * bool(complaint))
        self.must_leave_nothing()

    def must_leave_nothing(self):
        """What it started has ended with it, and was waited for: else it has become a child of ours by now."""
        alive = [task for task in self.others() if not task.has_ended()]
        if alive:
            raise Wrong("left-behind", "The program has ended, and this is still there:", *map(str, alive))
        if self.others():
            raise Wrong("not-waited", f"PID {self.pid} has ended, and nobody had waited for its child:",
                        *[f"{task}, and was handed on to the judge" for task in self.others()])

    def finish(self):
        """Ends it and all that it started. One that was stopped, too: SIGKILL needs no SIGCONT."""
        self.close_input()
        kernel.kill_below(os.getpid())
        self.errors.close()
        if self.is_pipe:
            os.close(self.output)
        else:
            self.socket.close()
            self.theirs.close()


def limit():
    """What the program may take of this machine."""
    kernel.die_with_parent()
    for what, most in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 64 << 20), (resource.RLIMIT_CPU, int(RUN_SECONDS) + 1)):
        set_limit(what, most)
    set_limit(resource.RLIMIT_NPROC, processes_now() + MOST_PROCESSES + MEANWHILE)


def set_limit(what, most):
    """Never more than it was."""
    hard = resource.getrlimit(what)[1]
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (most, most))


def processes_now():
    """About how many the kernel counts of this user, not less. It does not say, and /proc does not show those of another
    container: so by the limit, in steps, at which fork() still works."""
    before = resource.getrlimit(resource.RLIMIT_NPROC)
    most = 16
    while most < 1 << 20:
        resource.setrlimit(resource.RLIMIT_NPROC, (most if before[1] < 0 else min(most, before[1]), before[1]))
        try:
            child = os.fork()
        except OSError:
            most = most * 5 // 4 + 1
            continue
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
        break
    resource.setrlimit(resource.RLIMIT_NPROC, before)
    return most
