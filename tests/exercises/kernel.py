"""kernel.py - what the kernel says of a process and of everything it started, read from /proc.

The judge is a child subreaper: whatever a program starts stays a descendant of the judge, also when its parent has ended.
"""
import collections
import contextlib
import ctypes
import functools
import os
import re
import signal
import subprocess

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER = 1, 4, 36
IPC_RMID, SHM_RDONLY = 0, 0o10000
ADDR_NO_RANDOMIZE = 0x0040000
libc = ctypes.CDLL(None, use_errno=True)

# Calls in which a task sleeps until another one, or the judge, does something. With a number: only if that argument, the
# time-out, is this value; a task that sleeps with a time-out will go on by itself.
NO_TIMEOUT = 0xFFFFFFFF
SLEEPS = {
    **dict.fromkeys(("read pread64 readv write pwrite64 writev open openat recvfrom recvmsg sendto sendmsg accept accept4 "
                     "wait4 waitid pause rt_sigsuspend flock fcntl semop msgrcv msgsnd splice tee sendfile copy_file_range "
                     "connect mq_timedreceive mq_timedsend").split()),
    "futex": (3, 0), "poll": (2, NO_TIMEOUT), "ppoll": (2, 0), "select": (4, 0), "pselect6": (4, 0),
    "epoll_wait": (3, NO_TIMEOUT), "epoll_pwait": (3, NO_TIMEOUT), "epoll_pwait2": (3, 0), "rt_sigtimedwait": (2, 0),
    "semtimedop": (3, 0),
}
POLLS = ("poll", "ppoll", "select", "pselect6", "epoll_wait", "epoll_pwait")
WITH_FD = {"read", "pread64", "readv", "write", "pwrite64", "writev", "recvfrom", "recvmsg", "sendto", "sendmsg", "accept",
           "accept4", "flock", "fcntl"}
CLONE_VFORK = 0x4000
HIDDEN = "hidden"  # for the call of a task that we may not trace


def become_subreaper():
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def die_with_parent(number=signal.SIGKILL):
    libc.prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)


def fix_addresses():
    """For the program that we become: the shadow memory of a sanitizer must not be where something else is. Refused in some
    containers."""
    libc.personality(ADDR_NO_RANDOMIZE)


def stay_visible():
    """A process that changes its user may not open its own /proc/self/fd any more, unless it says so."""
    libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)


def can_look():
    """Does the kernel say of a child of ours in which system call it sleeps?"""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.read(ours, 1)
        os._exit(0)
    try:
        return bool(read(f"/proc/{child}/syscall"))
    except OSError:
        return False
    finally:
        os.close(theirs)
        os.close(ours)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def read(path):
    with open(path, "rb") as file:
        return file.read()


@functools.lru_cache(maxsize=None)
def call_names():
    """Number to name of this machine's system calls, by the compiler that the exercises need anyway."""
    command = [os.environ.get("CC", "cc"), "-E", "-dM", "-include", "sys/syscall.h", "-x", "c", os.devnull]
    text = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout.decode()
    defined = dict(re.findall(r"#define __NR(\w*?_\w+) (\w+)", text))
    names = {}
    for name, value in defined.items():  # some are defined by way of another: __NR_fcntl is __NR3264_fcntl
        value = defined.get(value[len("__NR"):], value) if value.startswith("__NR") else value
        if name.startswith("_") and value.isdigit():
            names[int(value)] = name[1:]
    return names


class Task(collections.namedtuple("Task", "pid tid ppid name state call args sp switches pending exiting")):
    """One thread of one process: a line of ps -eL, and the system call that it sleeps in."""

    def is_in(self, *calls):
        return self.state in "SD" and self.call in calls

    def has_child(self):
        try:
            return bool(read(f"/proc/{self.pid}/task/{self.tid}/children")) or not HAS_CHILDREN
        except OSError:
            return False

    def fd(self):
        return self.args[0] if self.call in WITH_FD else None

    def has_ended(self):
        return self.state in "ZX"

    def waits_for_timer(self):
        """In read() of a timerfd that is armed, or in poll() and the like with one open."""
        if self.call == "read":
            return timer_is_armed(self.pid, self.args[0])
        return self.call in POLLS and any(timer_is_armed(self.pid, fd) for fd in descriptors(self.pid))

    def sleeps_until_woken(self):
        """It does nothing more until somebody else does something."""
        if self.has_ended() or self.state == "T":
            return True
        if self.call == "vfork" or (self.call == "clone" and self.args[0] & CLONE_VFORK) or self.call == "clone3":
            return self.has_child()  # a fork() that sleeps only waits for a lock in the kernel
        if self.pending or self.exiting or self.call not in SLEEPS or self.state != "S":
            return False
        limit = SLEEPS[self.call]
        return (limit is None or self.args[limit[0]] & NO_TIMEOUT == limit[1]) and not self.waits_for_timer()

    def sleeps_for_a_time(self):
        """It will go on by itself, whatever others do."""
        if self.state != "S":
            return False
        limit = SLEEPS.get(self.call)
        return (self.call in ("nanosleep", "clock_nanosleep") or self.waits_for_timer() or
                limit is not None and self.args[limit[0]] & NO_TIMEOUT != limit[1])

    def __str__(self):
        who = f"PID {self.pid} ({self.name})" if self.pid == self.tid else f"thread {self.tid} of PID {self.pid}"
        if self.has_ended():
            return f"{who} is a zombie (state Z)"
        if self.state == "T":
            return f"{who} is stopped (state T)"
        if self.call == HIDDEN:
            return f"{who} does not let itself be looked at"
        if self.state not in "SD" or not self.call:
            return f"{who} is running (state {self.state})"
        fd = self.fd()
        return f"{who} sleeps in {self.call}({'' if fd is None else fd_text(self.pid, fd)})"


def fd_text(pid, fd):
    link = fd_link(pid, fd)
    return str(fd) if link is None else f"{fd}: {short(link)}"


def short(link):
    return os.path.basename(link) if link.startswith("/") else link


def fd_link(pid, fd):
    try:
        return os.readlink(f"/proc/{pid}/fd/{fd}")
    except OSError:
        return None


def descriptors(pid):
    """{number: (what it leads to, its flags as of open(2))}; those of a process that is gone are none."""
    found = {}
    try:
        for name in os.listdir(f"/proc/{pid}/fd"):
            link = fd_link(pid, int(name))
            flags = re.search(rb"^flags:\s*(\d+)", read(f"/proc/{pid}/fdinfo/{name}"), re.MULTILINE)
            if link is not None and flags:
                found[int(name)] = (link, int(flags[1], 8))
    except OSError:
        pass
    return found


def timer_is_armed(pid, fd):
    """Is this descriptor a timerfd that will fire, or has fired just now? Then only its ticks and its interval are not 0.
    (proc_pid_fdinfo(5))"""
    try:
        text = read(f"/proc/{pid}/fdinfo/{fd}")
    except OSError:
        return False
    lines = re.findall(rb"^(?:ticks|it_value|it_interval):(.*\n)", text, re.MULTILINE)
    return any(map(int, re.findall(rb"\d+", b"".join(lines))))


def holders(pids, link, access):
    """(pid, fd) of every descriptor that leads to link, opened with this access (os.O_RDONLY, os.O_WRONLY)."""
    return [(pid, fd) for pid in pids for fd, (where, flags) in sorted(descriptors(pid).items())
            if where == link and flags & os.O_ACCMODE in (access, os.O_RDWR)]


def stat(path):
    """The name and the fields from the state on. The name ends at the last ')', whatever it holds."""
    text = read(f"{path}/stat")
    head, tail = text[:text.rindex(b")")], text[text.rindex(b")") + 1:]
    return os.fsdecode(head[head.index(b"(") + 1:]), tail.split()


def task(pid, tid, ppid):
    path = f"/proc/{pid}/task/{tid}"
    name, fields = stat(path)
    lines = dict(line.split(b":", 1) for line in read(f"{path}/status").splitlines() if b":" in line)
    mask = {key: int(lines.get(key, b"0"), 16) for key in (b"SigPnd", b"ShdPnd", b"SigBlk", b"SigIgn")}
    pending = (mask[b"SigPnd"] | mask[b"ShdPnd"]) & ~mask[b"SigBlk"] & ~mask[b"SigIgn"]
    switches = tuple(int(lines.get(key, b"0")) for key in (b"voluntary_ctxt_switches", b"nonvoluntary_ctxt_switches"))
    call, args, sp = None, (), 0
    try:
        words = read(f"{path}/syscall").split()
        if len(words) == 9:
            call = call_names().get(int(words[0]), words[0].decode())
            args, sp = tuple(int(word, 16) for word in words[1:7]), int(words[7], 16)
    except PermissionError:
        call = HIDDEN if fields[0] not in (b"Z", b"X") else None
    except OSError:
        pass  # a zombie
    exiting = int(fields[6]) & 4  # PF_EXITING: the end of a process has sleeps of its own
    return Task(pid, tid, ppid, name, fields[0].decode(), call, args, sp, switches, pending, exiting)


def children(pid):
    """Those of all its threads; none of a process that is gone."""
    found = []
    try:
        for tid in os.listdir(f"/proc/{pid}/task"):
            found += map(int, read(f"/proc/{pid}/task/{tid}/children").split())
    except OSError:
        pass
    return found


# Where the kernel lists them (CONFIG_PROC_CHILDREN) nobody else's processes need be looked at.
HAS_CHILDREN = os.path.exists(f"/proc/self/task/{os.getpid()}/children")


def all_parents():
    """{parent: [pids]} of every process of the machine."""
    found = collections.defaultdict(list)
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                found[int(stat(f"/proc/{entry}")[1][1])].append(int(entry))
            except (OSError, ValueError):
                pass  # it vanished while we looked
    return found


def descendants(root):
    """{pid: parent} of every process below root."""
    known = None if HAS_CHILDREN else all_parents()
    found, todo = {}, [root]
    while todo:
        parent = todo.pop()
        for pid in known.get(parent, []) if known is not None else children(parent):
            found[pid] = parent
            todo.append(pid)
    return found


def tasks(parents):
    """Every thread of these processes, {pid: parent}."""
    found = []
    for pid, parent in sorted(parents.items()):
        try:
            for tid in sorted(map(int, os.listdir(f"/proc/{pid}/task"))):
                found.append(task(pid, tid, parent))
        except (OSError, ValueError):
            pass
    return found


def is_program(pid, path):
    """Is this process running this very file?"""
    try:
        return os.path.samefile(f"/proc/{pid}/exe", path)
    except OSError:
        return False


def mapping(pid, address):
    """The permissions of the mapping that holds this address: 'rw-p' is private, 'rw-s' shared."""
    for line in read(f"/proc/{pid}/maps").splitlines():
        where, perms = line.split()[:2]
        begin, end = (int(number, 16) for number in where.split(b"-"))
        if begin <= address < end:
            return perms.decode()
    return None


Segment = collections.namedtuple("Segment", "id size maker attached marked")


def segments(size):
    """The System V shared memory segments of this size, from /proc/sysvipc/shm."""
    found = []
    for line in read("/proc/sysvipc/shm").decode().splitlines()[1:]:
        _, number, perms, bytes_, maker, _, attached = line.split()[:7]
        if int(bytes_) == size:
            found.append(Segment(int(number), size, int(maker), int(attached), bool(int(perms, 8) & 0o1000)))
    return found


@contextlib.contextmanager
def attached(segment):
    """A function that returns the bytes in it; None when its permissions are not for us."""
    libc.shmat.restype = ctypes.c_void_p
    address = libc.shmat(segment.id, None, SHM_RDONLY)
    try:
        yield None if address == ctypes.c_void_p(-1).value else lambda: ctypes.string_at(address, segment.size)
    finally:
        libc.shmdt(ctypes.c_void_p(address))


def remove_segments(size):
    for segment in segments(size):
        libc.shmctl(segment.id, IPC_RMID, None)


def kill_below(root):
    """Kills everything below root until nothing is left. One group at a time: a group cannot outrun one kill(2)."""
    while True:
        found = descendants(root)
        if not found:
            return
        for pid in found:
            for kill in (os.killpg if pid != os.getpgid(0) and group_of(pid) == pid else os.kill, os.kill):
                try:
                    kill(pid, signal.SIGKILL)
                except OSError:
                    pass
        reap()


def group_of(pid):
    try:
        return os.getpgid(pid)
    except OSError:
        return None


def reap():
    """Waits for every child of ours that has ended."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
