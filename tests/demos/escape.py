"""escape.py - container.escape: from inside of "container -- COMMAND", nothing gets out.

Each attempt is a piece of Python that is run in a container of its own, as root and as an ordinary user. It prints "OUT: what"
for what should not have worked; and at its end that it came to it. What it might have done outside is looked at, too: a
process beside the container, files, mounts, cgroups, the host's name. Some attempts only look: these are run without a
container first, where they must get out, or the test could not fail.
"""
import collections
import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import time

import judge
from judge import Failure, Skip, read

PIDS = 24            # the limit that is given
FORKS = 200          # and how many processes the fork bomb tries, at most
VICTIM = "proclab-victim"

PRELUDE = """
import ctypes, errno, fcntl, glob, os, re, resource, signal, socket, stat, struct, subprocess, sys
libc = ctypes.CDLL(None, use_errno=True)
PID, FILE, PORT, NAME, DEVICE, VICTIM, NOT_HERE = {facts!r}
if NOT_HERE & {{os.readlink(f"/proc/self/ns/{{name}}") for name in ("pid", "mnt")}}:
    sys.exit("this is no container: nothing is tried here")
def out(*what):
    print("OUT:", *what)
def refused(what, call, *args):
    try:
        out(what, call(*args))
    except OSError:
        pass
def c(name, *args):
    args = [os.fsencode(a) if isinstance(a, str) else ctypes.c_long(a) if isinstance(a, int) else a for a in args]
    result = getattr(libc, name)(*args)
    if result < 0:
        raise OSError(ctypes.get_errno(), name)
    return "worked"
def writable(path, flags=os.O_WRONLY):
    os.close(os.open(path, flags))
    return "can be written"
def write(path, text):
    fd = os.open(path, os.O_WRONLY)
    try: return os.write(fd, text)
    finally: os.close(fd)
def pids():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]
def status(pid="self"):
    return dict(line.split(":", 1) for line in open(f"/proc/{{pid}}/status").read().splitlines())
"""
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_MOVE = 1, 32, 4096, 8192

# name: the attempt. All but the last line of PRELUDE's names are Python's own.
ATTEMPTS = {
    "descriptors": """
for pid in pids():
    try: links = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
    except OSError: continue
    for link in links:
        if link.startswith("/") and not link.startswith(("/dev/", "/proc/")): out(pid, link)
if set(os.listdir("/proc/self/fd")) - {"0", "1", "2", "3"}: out(os.listdir("/proc/self/fd"))
""",
    "roots of other processes": """
for pid in pids():
    for link in ("root", "cwd"):
        refused(link, os.stat, f"/proc/{pid}/{link}{FILE}")
        refused(link, os.stat, f"/proc/{pid}/{link}/.." + FILE)
refused("the file", os.stat, FILE)
refused("..", os.stat, "/" + "../" * 20 + FILE)
""",
    "processes of the host seen": """
for pid in pids():
    try: line = open(f"/proc/{pid}/cmdline").read()
    except OSError: continue
    if line.startswith(VICTIM): out(pid, line)
""",
    "kill": """
refused("kill", os.kill, PID, 9)
refused("killpg", os.kill, -PID, 9)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
for pid in (0, -1, 1):
    try: os.kill(pid, signal.SIGTERM)
    except OSError: pass
print("tried", flush=True)
os.kill(1, 9)                       # PID 1 hears nothing of its own children
if os.fork() == 0:
    os.kill(0, 9)                   # the group: ourselves as well
os.wait()
""",
    "kill every number": """
mine = set(pids())
for pid in range(2, 5000):
    if pid not in mine and pid != os.getpid(): refused("kill", os.kill, pid, 0)
    if pid not in mine: refused("killpg", os.kill, -pid, 0)
""",
    "ptrace": """
for pid in {PID, 1}:
    refused(f"attach {pid}", c, "ptrace", 16, pid, 0, 0)
    refused(f"seize {pid}", c, "ptrace", 0x4206, pid, 0, 0)
    for name in ("mem", "environ", "maps", "auxv"):
        try: text = open(f"/proc/{pid}/{name}", "rb").read(16)
        except OSError: continue
        if text: out(pid, name, text)
class iovec(ctypes.Structure): _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]
here = ctypes.create_string_buffer(8)
refused("process_vm_readv", c, "process_vm_readv", 1, ctypes.byref(iovec(ctypes.addressof(here), 8)), 1,
        ctypes.byref(iovec(0x400000, 8)), 1, 0)
""",
    "mknod": """
for kind, device in ((stat.S_IFBLK, DEVICE), (stat.S_IFCHR, os.makedev(1, 1)), (stat.S_IFCHR, os.makedev(1, 3))):
    for folder in ("/tmp", "/dev"):
        path = f"{folder}/device{device}"
        try: os.mknod(path, kind | 0o666, device)
        except OSError: continue
        refused(path, writable, path)
for path in glob.glob("/dev/*"):
    if os.path.basename(path) not in "null zero full random urandom tty fd stdin stdout stderr".split(): out(path)
""",
    "mount": f"""
refused("tmpfs", c, "mount", "x", "/tmp", "tmpfs", 0, 0)
refused("bind", c, "mount", "/usr", "/tmp", 0, {MS_BIND}, 0)
for fs in ("proc", "sysfs", "cgroup", "cgroup2", "devtmpfs", "devpts", "mqueue", "overlay", "debugfs", "tracefs", "ext4"):
    refused(fs, c, "mount", fs, "/tmp", fs, 0, 0)
for line in open("/proc/self/mountinfo"):
    at = line.split()[4]
    refused("remount " + at, c, "mount", 0, at, 0, {MS_REMOUNT | MS_BIND}, 0)
    refused("remount " + at, c, "mount", 0, at, 0, {MS_REMOUNT}, 0)
    refused("umount " + at, c, "umount2", at, 2)
    refused("move " + at, c, "mount", at, "/tmp", 0, {MS_MOVE}, 0)
    refused("private " + at, c, "mount", 0, at, 0, 1 << 20, 0)
class attr(ctypes.Structure): _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "fd")]
refused("mount_setattr", c, "syscall", 442, -100, "/usr", 0x8000, ctypes.byref(attr(0, 1, 0, 0)), 32)
refused("open_tree", c, "syscall", 428, -100, "/", 1)
refused("fsopen", c, "syscall", 430, "tmpfs", 0)
refused("pivot_root", c, "pivot_root", "/tmp", "/tmp")
""",
    "write to what is the host's": """
folders = ["/", "/etc", "/etc/alternatives", "/usr", "/usr/bin", "/usr/lib", "/bin", "/lib", "/proc", os.path.dirname(FILE)]
for folder in folders:
    refused(folder, writable, folder + "/proclab-escape", os.O_WRONLY | os.O_CREAT)
    refused(folder, os.mkdir, folder + "/proclab-escape")
for path in ("/etc/passwd", "/etc/group", "/usr/bin/env", "/bin/sh", "/etc/ld.so.cache", sys.executable, FILE):
    for call, args in ((writable, (path,)), (writable, (path, os.O_RDWR)), (os.truncate, (path, 0)), (os.chmod, (path, 0o777)),
                       (os.chown, (path, 0, 0)), (os.unlink, (path,)), (os.utime, (path,)), (os.link, (path, "/tmp/link")),
                       (os.rename, (path, "/tmp/name")), (os.setxattr, (path, "user.x", b"x"))):
        refused(f"{call.__name__} {path}", call, *args)
for path in glob.glob("/dev/*"):
    if os.path.exists(path) and stat.S_ISCHR(os.stat(path).st_mode): refused("chmod " + path, os.chmod, path, 0o666)
for line in open("/proc/self/mountinfo"):
    at, flags, device = line.split()[4], line.split()[5].split(","), line.split(" - ")[1].split()[0]
    if device not in ("proc", "tmpfs") and not at.startswith("/dev/") and "ro" not in flags: out(at, flags)
""",
    "set the host's kernel up": """
for path in ("/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname", "/proc/sys/kernel/modprobe",
             "/proc/sys/vm/drop_caches", "/proc/sys/vm/overcommit_memory", "/proc/sys/fs/file-max",
             "/proc/sys/user/max_user_namespaces", "/proc/sys/kernel/randomize_va_space",
             "/proc/1/oom_score_adj", "/proc/irq/default_smp_affinity", "/proc/mtrr", "/sys/power/state", "/dev/kmsg", "/dev/mem"):
    refused(path, writable, path)
for path in ("/proc/kcore", "/proc/kmsg", "/proc/kpageflags", "/dev/kmsg", "/sys/kernel/debug"):
    refused(path, writable, path, os.O_RDONLY)
for folder, _, files in os.walk("/proc/sys"):
    for name in files:
        path = os.path.join(folder, name)
        if not re.match("/proc/sys/(net/|fs/mqueue/|kernel/(msg|sem|shm|auto_msgmni|pid_max$|ns_last_pid$))", path): refused(path, writable, path)
try: write("/proc/sys/kernel/pid_max", b"4000")  # from Linux 6.14 on each PID namespace has one
except OSError: pass
refused("nice", os.setpriority, os.PRIO_PROCESS, 0, -10)
""",
    "cgroups": """
for line in open("/proc/self/mountinfo"):
    if " - cgroup" in line: out(line)
for folder in ("/sys/fs/cgroup", "/sys"):
    if os.path.exists(folder): out(folder)
""",
    "limits": """
for name in ("NPROC", "CORE"):
    which = getattr(resource, f"RLIMIT_{name}")
    soft, hard = resource.getrlimit(which)
    if hard == resource.RLIM_INFINITY: continue
    try: resource.setrlimit(which, (hard + 1, hard + 1)); out(name, hard)
    except (ValueError, OSError): pass
data, n = b"x" * (1 << 20), 0
try:
    with open("/tmp/large", "wb", 0) as file:
        while n < 200: n += file.write(data) >> 20
    out("no end of /tmp")
except OSError: pass
os.unlink("/tmp/large")
""",
    "fork bomb": """
FORKS, PIDS = %d, %d
made = 0
reader, writer = os.pipe()
while made < FORKS:
    try: pid = os.fork()
    except OSError: break
    if pid == 0:
        os.close(writer)
        os.read(reader, 1)
        os._exit(0)
    made += 1
os.close(writer)
if made >= PIDS: out(made, "processes")
for _ in range(made): os.wait()
""" % (FORKS, PIDS),
    "a user namespace in it": """
CLONE_NEWUSER, CLONE_NEWNS = 0x10000000, 0x20000
for flags in (CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWUSER | CLONE_NEWNS, 0x02000000, 0x04000000, 0x08000000, 0x20000000, 0x40000000):
    if os.fork() == 0:
        try: c("unshare", flags); out("unshare", hex(flags))
        except OSError: os._exit(0)
        for at in ("/", "/usr"):
            refused("remount " + at, c, "mount", 0, at, 0, 32 | 4096, 0)
        sys.stdout.flush(), os._exit(0)
    os.wait()
for pid in pids():
    for name in ("mnt", "pid", "user", "net", "uts", "ipc", "cgroup"):
        try: fd = os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY)
        except OSError: continue
        refused(f"setns {pid} {name}", c, "setns", fd, 0)
        for request in (0xb701, 0xb702):  # NS_GET_USERNS, NS_GET_PARENT
            try: above = fcntl.ioctl(fd, request)
            except OSError: continue
            refused(f"setns above {name}", c, "setns", above, 0)
""",
    "chroot": """
os.mkdir("/tmp/x")
above = os.open("/", os.O_RDONLY)
refused("chroot", os.chroot, "/tmp/x")
os.fchdir(above)
for _ in range(50): os.chdir("..")
refused("..", os.stat, FILE.lstrip("/"))
refused("handle", c, "open_by_handle_at", 3, ctypes.create_string_buffer(64), 0)
""",
    "set-uid programs": """
if status()["NoNewPrivs"].strip() != "1": out("no_new_privs is not set")
for line in open("/proc/self/mountinfo"):
    flags = line.split()[5].split(",")
    if "nosuid" not in flags and not line.split()[4].startswith("/dev/"): out(line)
eff = status()["CapEff"]
for path in glob.glob("/usr/bin/*") + glob.glob("/usr/sbin/*") + ["/tmp/sh"]:
    if path == "/tmp/sh":
        open(path, "wb").write(open("/bin/sh", "rb").read())
        os.chmod(path, 0o6755)
    if os.stat(path).st_mode & 0o6000 == 0 or not os.access(path, os.X_OK): continue
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        for fd in (1, 2): os.dup2(os.open("/dev/null", os.O_RDWR), fd)
        try: os.execv(path, [path])
        except OSError: os._exit(0)
    os.close(writer)
    os.read(reader, 1)                  # it has come through exec, which closed the other end
    now = status(child)
    if int(now["CapPrm"], 16) & ~int(eff, 16) or now["Uid"] != status()["Uid"]: out(path, now["Uid"], now["CapPrm"])
    os.close(reader)
    os.kill(child, 9)
    os.waitpid(child, 0)
""",
    "capabilities": """
try: mine = int(status()["CapEff"], 16), int(status()["CapBnd"], 16)
except OSError: mine = (0, 0)
for cap in (2, 8, 12, 16, 17, 18, 19, 21, 22, 23, 24, 25, 27, 38, 39):  # SYS_ADMIN, SYS_PTRACE, SYS_CHROOT, MKNOD, BPF ...
    for of in mine:
        if of >> cap & 1: out("capability", cap)
class header(ctypes.Structure): _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]
refused("capset", c, "capset", ctypes.byref(header(0x20080522, 0)), ctypes.create_string_buffer(b"\\xff" * 24, 24))
for uid in (1, 1000, 65534, 100000):
    refused("setuid", os.setuid, uid)
for name in ("uid_map", "gid_map", "setgroups"):
    refused(name, write, f"/proc/self/{name}", b"allow" if name == "setgroups" else b"0 0 1")
shell = subprocess.run(["sh", "-c", "grep CapEff /proc/self/status"], capture_output=True, text=True)
if int(shell.stdout.split()[1], 16) & ~mine[0]: out("exec gives", shell.stdout)
""",
    "the host's name": """
refused("sethostname", socket.sethostname, "escaped")
if os.uname().nodename == NAME: out("the host's name is seen")
""",
    "the network": """
for family, address in ((socket.AF_INET, ("127.0.0.1", PORT)), (socket.AF_UNIX, "\\0" + VICTIM)):
    with socket.socket(family) as s:
        s.settimeout(2)
        refused(str(address), s.connect, address)
refused("raw", socket.socket, socket.AF_INET, socket.SOCK_RAW, 1)
refused("packet", socket.socket, 17, socket.SOCK_RAW, 0)
for _, name in socket.if_nameindex():
    if not re.match("lo$|tunl|sit|ip6|gre|ip_vti|erspan", name): out(name)
""",
    "keys and the terminal": """
NR = {"x86_64": (248, 249, 250), "aarch64": (217, 218, 219)}.get(os.uname().machine, ())
for number in NR: refused(f"call {number}", c, "syscall", number, 0, 0, 0, 0, 0)
for fd in range(3): refused("TIOCSTI", fcntl.ioctl, fd, 0x5412, b"x")
refused("TIOCLINUX", fcntl.ioctl, 0, 0x541c, b"\\x03")
""",
    "IPC objects": """
refused("shmget", c, "shmget", 0x70726f63, 0, 0)
for kind in ("shm", "sem", "msg"):
    if len(open(f"/proc/sysvipc/{kind}").read().splitlines()) > 1: out(kind)
""",
    "a process that stays": """
if os.fork() == 0:
    os.setsid()
    for number in range(1, 32):
        if number not in (9, 19): signal.signal(number, signal.SIG_IGN)
    if os.fork() == 0:
        print("tried", flush=True)
        os.closerange(0, 3)
        while True: signal.pause()
    os._exit(0)
os.wait()
""",
}
# These only look, and change nothing on any host.
LOOK_ONLY = ["roots of other processes", "processes of the host seen", "the network", "cgroups"]
EXPECTED = {"kill": -1}  # it ends itself by the way


def python():
    """The Python that is to be found inside, too."""
    for path in (sys.executable, "/usr/bin/python3"):
        if os.path.realpath(path).startswith("/usr/"):
            return os.path.realpath(path)
    raise Skip("no Python below /usr, which is what a container sees: install python3")


class Host:
    """What is beside the container, belongs to the same user, and must stay as it is."""

    def __init__(self, demo, user):
        self.demo, self.user = demo, user
        self.file = os.path.join(demo.files, "host")
        with open(self.file, "w") as file:
            file.write("the host's\n")
        os.chmod(self.file, 0o666)
        ids = {name: user[name] for name in ("user", "group", "extra_groups") if name in user}
        if ids:
            os.chown(self.file, ids["user"], ids["group"])
        # In a process group of its own, into which the container is started.
        self.victim = subprocess.Popen([VICTIM, "-c", "read x"], executable="/bin/sh", stdin=subprocess.PIPE,
                                       preexec_fn=lambda: (os.setpgid(0, 0), judge.die_with_judge()), **ids)
        demo.helpers.add(self.victim.pid)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.abstract = socket.socket(socket.AF_UNIX)
        self.abstract.bind("\0" + VICTIM)
        self.abstract.listen()
        self.before = self.state()

    def facts(self):
        here = {os.readlink(f"/proc/self/ns/{name}") for name in ("pid", "mnt")}
        return self.victim.pid, self.file, self.listener.getsockname()[1], os.uname().nodename, os.stat("/").st_dev, VICTIM, here

    def state(self):
        return {"the host's name": os.uname().nodename, "file": (read(self.file), os.stat(self.file).st_mode),
                "mounts": read("/proc/self/mountinfo") if self.demo.private else None, **{name: read(f"/proc/sys/kernel/{name}") for name in ("core_pattern", "pid_max")},
                "max_user_namespaces": read("/proc/sys/user/max_user_namespaces")}

    def changed(self):
        if self.victim.poll() is not None:
            return "the process beside it was killed"
        now = self.state()
        return ", ".join(f"{name} is now {now[name]!r}" for name in now if now[name] != self.before[name])

    def close(self):
        self.listener.close(), self.abstract.close()
        self.victim.stdin.close()
        self.victim.kill()
        self.victim.wait()
        self.demo.helpers.discard(self.victim.pid)


# With a standard input of the host's.
FOLDER, OPENED = """
refused("a folder as standard input", lambda: os.stat(FILE.lstrip("/"), dir_fd=0))
refused("a folder as standard input", os.stat, "/proc/self/fd/0" + FILE)
""", """
if sys.stdin.read() != "the host's\\n": out("the input is not what the file holds")
for fd in range(3):
    if stat.S_ISREG(os.fstat(fd).st_mode): out(fd, "is a file of the host")
"""


def run(demo, host, attempt, command=None, **popen):
    """Inside, with one of the demo's own; or command in its place."""
    code = PRELUDE.format(facts=host.facts()) + attempt + 'print("tried", flush=True)\n'
    words = [python(), "-I", "-c", code]
    if command is not None:
        code = code.replace("if NOT_HERE", "if set()")
        return demo.run(command=[*words[:-1], code], **command)
    return demo.run("--pids", str(PIDS), "--", *words, preexec_fn=lambda: os.setpgid(0, host.victim.pid), **host.user, **popen)


def judge_attempt(host, name, result):
    """None, or what got out."""
    escaped = re.findall(r"^OUT: .*", result.err, re.MULTILINE)
    if escaped:
        return f"{name}: {len(escaped)} got out: {'; '.join(escaped[:5])}"
    if "tried" not in result.err or (result.status != 0 and name not in EXPECTED):
        return f"{name}: was not tried to its end: {judge.ending(result.status)}: {result.err[-400:]}"
    return host.changed() and f"{name}: {host.changed()}"


def attempts(demo, user):
    host, failures = Host(demo, user), []
    demo.before = demo.resources()
    ordinary = {key: value for key, value in user.items() if key != "command"}
    try:
        for name in LOOK_ONLY:
            if "OUT:" not in run(demo, host, ATTEMPTS[name], command=ordinary).out:
                failures.append(f"{name}: does not get out of no container: the attempt is none")
        for name, attempt in ATTEMPTS.items():
            try:
                failures.append(judge_attempt(host, name, run(demo, host, attempt)))
            except Failure as failure:
                failures.append(f"{name}: {failure}")
        with open(host.file) as file:
            failures.append(judge_attempt(host, "a file as standard input", run(demo, host, OPENED, stdin=file)))
        folder = os.open("/", os.O_RDONLY)
        failures.append(judge_attempt(host, "a folder as standard input", run(demo, host, FOLDER, stdin=folder)))
        os.close(folder)
    finally:
        host.close()
        os.unlink(host.file)
    return len(ATTEMPTS) + 2, [failure for failure in failures if failure]


def kills(demo, user, rounds=12):
    """SIGKILL at any moment of a command that clings to life."""
    for i in range(rounds):
        process = demo.start("--", "sh", "-c", "trap '' HUP INT TERM; sleep 1000 & setsid sleep 1000 & echo on >&2; wait",
                             stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, **user)
        if i % 2:
            process.stderr.readline()
        else:
            time.sleep(0.06 * i / rounds)
        process.kill()
        process.stderr.close()
        process.wait()
        left = demo.left_behind()
        if left:
            raise Failure(f"killed at moment {i} with a command, it left {', '.join(left)}")
    return rounds


class Terminal:
    """sh is the leader of the session, runs the container, and then wants the terminal again."""

    def __init__(self, demo, user, *words):
        self.demo, self.text = demo, ""
        self.fd, self.its = pty.openpty()
        if "user" in user:
            os.chown(os.ttyname(self.its), user["user"], -1)
        popen = {**user, "command": ["sh", "-c", '"$@"; echo "status $?"; read line; echo "read $line"', "sh"]}
        self.process = demo.start(*user.get("command", [demo.path]), "--", *words, stdin=self.its, stdout=self.its, stderr=self.its,
                                  start_new_session=True, preexec_fn=lambda: judge.libc.ioctl(0, 0x540E, 0), **popen)  # TIOCSCTTY

    def until(self, wanted):
        deadline = time.monotonic() + judge.RUN_SECONDS
        while not (found := re.search(wanted, self.text)):
            if not select.select([self.fd], [], [], max(0, deadline - time.monotonic()))[0]:
                raise Failure(f"on a terminal, no {wanted!r} in {self.text!r}")
            self.text += os.read(self.fd, 4096).decode("utf-8", "replace")
        self.text = self.text[found.end():]

    def talk(self, *turns):
        for wanted, answer in turns:
            self.until(wanted)
            os.write(self.fd, answer.encode())
        status = self.demo.wait(self.process)
        os.close(self.fd), os.close(self.its)  # not before: see terminal.all_shown()
        left = self.demo.left_behind()
        if status != 0 or left:
            raise Failure(f"on a terminal: {judge.ending(status)}, left {left}")


def terminals(demo, user):
    """^C, ^Z, fg and the exit status in a shell; ^Z and ^C where there is none; and what is typed into the terminal is not ours."""
    job = "sh -c 'echo g\"\"o; exec cat'\n"  # what it prints is not what was typed: it runs, and has the terminal
    Terminal(demo, user, "sh", "-i").talk(
        ("[#$] $", job), ("go\r\n", "\x03"), ("[#$] $", "echo s=$?\n"), ("s=130\r\n", job), ("go\r\n", "\x1a"),
        ("Stopped(?s:.)*[#$] $", "fg\nhello\n"), ("hello\r\n(?s:.)*hello\r\n", "\x03"), ("[#$] $", "exit 9\n"),
        ("status 9\r\n", "again\n"), ("read again", ""))
    Terminal(demo, user, "sh", "-c", "echo ready; exec cat").talk(
        ("ready\r\n", "\x1a"), (r"\^Z", "hello\n"), ("hello\r\nhello\r\n", "\x03"), ("status 130\r\n", "again\n"), ("read again", ""))
    code = PRELUDE.format(facts=(0, "", 0, "", 0, "", set())) + ATTEMPTS["keys and the terminal"] + 'print("tried", flush=True)'
    terminal = Terminal(demo, user, python(), "-I", "-c", code)
    terminal.talk((r"(?s)^(?!.*OUT:).*tried\r\n.*status 0\r\n", "again\n"), ("read again", ""))


def escape(demo):
    users = {"root": {}} if judge.is_root() else {}
    users["an ordinary user"] = judge.ordinary_user(demo)
    said, failures = [], []
    for name, user in users.items():
        able = demo.run("--", "true", **user)
        if able.status == judge.SKIPPED:
            said.append(f"skipped as {name}: {able.err.strip()}")
            continue
        if able.status != 0:
            raise Failure(f"as {name}: {able}")
        tried, got_out = attempts(demo, user)
        failures += [f"as {name}: {failure}" for failure in got_out]
        if not got_out:
            said.append(f"as {name}: {tried} attempts, {kills(demo, user)} kills")
            terminals(demo, user)
    judge.fail_with(failures, "attempts to get out")
    if all(line.startswith("skipped") for line in said) or (judge.MUST_WORK and any(line.startswith("skipped") for line in said)):
        raise Skip("; ".join(said))
    return "; ".join(said)


if __name__ == "__main__":
    judge.main(escape)
