"""judge.py - what every test of the battery shares: it runs a demo and sees what the demo did and what it left behind.

It shares no code with lib/, and trusts nothing that a demo says of itself. A judge is a child subreaper: whatever process
a demo leaves behind becomes a child of the judge, which can then name it. As root it also lives in IPC and mount
namespaces of its own, so that every System V object, message queue and mount it finds can only be the demo's.

A test is one function that takes a Demo; it returns a line to print, or raises Failure or Skip.
"""
import collections
import ctypes
import glob
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
CLAIMS = os.path.join(os.path.dirname(HERE), "claims.txt")
MUST_WORK = os.environ.get("PROCLAB_MUST_WORK") == "1"
NOBODY = 65534
TRACING = "/sys/kernel/tracing"
KINDS = {"fact": {"holds", "refuted"}, "cost": {"holds", "differs"}, "caveat": {"differs", "refuted"}}
HOLDS, REFUTED, USAGE, BROKE, SKIPPED = 0, 1, 64, 70, 77  # the exit statuses of a demo

libc = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
CLONE_NEWNS, CLONE_NEWIPC = 0x20000, 0x08000000
MS_REC, MS_PRIVATE = 0x4000, 0x40000


class Failure(Exception):
    pass


class Skip(Exception):
    pass


def scale():
    """What PROCLAB_DEADLINE_SCALE stretches every deadline by, ours and the demo's."""
    try:
        value = float(os.environ.get("PROCLAB_DEADLINE_SCALE", "1"))
    except ValueError:
        value = 1
    return value if 0 < value <= 1000 else 1


RUN_SECONDS = 30 * scale()   # a run that takes longer hangs: longer than any deadline of the demo itself (20 s)
GONE_SECONDS = 3 * scale()   # what may be left of a demo when it has ended: nothing, after this long


def call(name, *args):
    """A system call of the C library; raises OSError."""
    result = getattr(libc, name)(*args)
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), name)
    return result


def mount(source, target, fstype, flags, data=None):
    as_bytes = [None if text is None else os.fsencode(text) for text in (source, target, fstype, data)]
    call("mount", *as_bytes[:3], ctypes.c_ulong(flags), as_bytes[3])


def is_root():
    return os.geteuid() == 0


def own_mounts(flags=0):
    """As root: what this process mounts from now on, nobody else sees. Is it so?"""
    if not is_root() or libc.unshare(CLONE_NEWNS | flags) < 0:
        return False
    mount(None, "/", None, MS_REC | MS_PRIVATE)
    return True


def show_events():
    """Lets root's demos read the kernel's events, on a machine where nobody has mounted tracefs. Can they?"""
    if os.path.isdir(TRACING) and not os.path.exists(f"{TRACING}/events"):
        try:
            mount("tracefs", TRACING, "tracefs", 0)
        except OSError:
            pass  # a kernel without it, or a container that forbids it
    return os.path.exists(f"{TRACING}/events")


def hide_events():
    for place in (TRACING, "/sys/kernel/debug"):
        if os.path.isdir(place):
            mount("tmpfs", place, "tmpfs", 0)


def die_with_judge():
    """For a helper process of the judge (a preexec_fn)."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def read(path, mode="rb"):
    with open(path, mode) as file:
        return file.read()


def stat_of(pid):
    """/proc/PID/stat as (name, fields from the state on). The name ends at the last ')', whatever it holds."""
    text = read(f"/proc/{pid}/stat")
    head, tail = text[:text.rindex(b")")], text[text.rindex(b")") + 1:]
    return head[head.index(b"(") + 1:], tail.split()


def children():
    """Our children, and what became ours because whoever started it has died."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                if int(stat_of(entry)[1][1]) == os.getpid():
                    found.append(int(entry))
            except (OSError, ValueError):
                pass  # it vanished while we looked
    return found


def describe(pid):
    try:
        name, fields = stat_of(pid)
        return f"process {pid} ({os.fsdecode(name)!r}, state {fields[0].decode()})"
    except (OSError, ValueError):
        return f"process {pid}"


def is_measured(event):
    """A verdict on a cost that was measured: it may be another one in the next run, or be undecided."""
    return event["claim_kind"] == "cost" and (event["verdict"] != "skipped" or event["evidence"] != "")


class Result:
    """How one run ended and what it said."""

    def __init__(self, command, status, out, err, seconds):
        self.command, self.status, self.seconds = command, status, seconds
        self.raw, self.out, self.err = out, *(text.decode("utf-8", "backslashreplace") for text in (out, err))

    def __str__(self):
        said = (self.err.strip() or self.out.strip().rpartition("\n")[2])[-300:]
        return f"{' '.join(map(os.fsdecode, self.command))}: {ending(self.status)}, says: {said!r}"

    def events(self):
        events = []
        for line in self.raw.splitlines(keepends=True):
            try:
                events.append(json.loads(line.decode("utf-8")))
            except (UnicodeDecodeError, json.JSONDecodeError) as error:
                raise Failure(f"no JSON object: {line[:120]!r} ({error})")
        return events

    def verdicts(self):
        """Claim to verdict event. A claim may be decided once."""
        verdicts = {}
        for event in self.events():
            if event.get("kind") == "verdict":
                if event["claim"] in verdicts:
                    raise Failure(f"{event['claim']} has two verdicts")
                verdicts[event["claim"]] = event
        return verdicts

    def outcomes(self):
        """Claim to the name of its verdict; whether a cost that was measured holds, differs or is not decidable may change."""
        return {claim: "measured" if is_measured(event) else event["verdict"] for claim, event in self.verdicts().items()}

    def without_measured(self):
        """The events but for how a measured cost came out, in its verdict and in what the end counts."""
        costs, events = 0, []
        for event in self.events():
            if event["kind"] == "verdict" and is_measured(event):
                costs += 1
                event = {**event, "verdict": "", "reason": ""}
            if event["kind"] == "end" and costs:
                event = {**event, "holds": 0, "differs": 0, "skipped": 0}
            events.append(event)
        return events

    def refuted(self):
        by_events = {event["claim"] for event in self.events() if event.get("kind") == "witness" and not event["agrees"]}
        return sorted(by_events | {claim for claim, event in self.verdicts().items() if event["verdict"] == "refuted"})


def ending(status):
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"


class Hang(Failure):
    pass


class Demo:
    """The demo under test, and the place where it may leave nothing."""

    def __init__(self, path):
        self.path = os.path.abspath(path)
        self.name = os.path.basename(path)
        self.helpers = set()      # processes of the judge itself
        self.place = tempfile.mkdtemp(prefix="proclab-judge-")
        self.files = os.path.join(self.place, "files")  # working directory and TMPDIR of the demo
        os.mkdir(self.files)
        os.chmod(self.place, 0o755)
        os.chmod(self.files, 0o1777)
        self.private = self.enter_namespaces()
        call("prctl", PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self.started = set()      # PIDs of the demo
        self.before = self.resources()

    def enter_namespaces(self):
        if not own_mounts(CLONE_NEWIPC):
            return False
        queues = os.path.join(self.place, "mqueue")
        os.mkdir(queues)
        try:
            mount("mqueue", queues, "mqueue", 0)
        except OSError:
            pass  # a kernel without POSIX message queues: none can be left
        mount("tmpfs", "/dev/shm", "tmpfs", 0, "mode=1777")
        show_events()
        return True

    def without_events(self):
        """From now on /proc is the only witness."""
        if self.private:
            hide_events()
            self.before = self.resources()

    def close(self):
        if self.private:
            libc.umount2(os.fsencode(os.path.join(self.place, "mqueue")), 2)
        shutil.rmtree(self.place, ignore_errors=True)

    def environment(self):
        keep = {name: value for name, value in os.environ.items()
                if name in ("PATH", "PROCLAB_DEADLINE_SCALE", "PROCLAB_SECONDS", "LD_LIBRARY_PATH") or name.endswith("SAN_OPTIONS")}
        # What a cost is does not matter here, only that the demo works: it measures for as short as it can.
        return {"PROCLAB_SECONDS": "0", **keep, "LC_ALL": "C.UTF-8", "TERM": "xterm", "TMPDIR": self.files}

    def for_everyone(self, name=None):
        """A copy of the demo that any user may run: the build tree may lie in a directory only its owner can enter."""
        copy = os.path.join(os.fsencode(self.place), os.fsencode(name or self.name))
        if not os.path.exists(copy):
            shutil.copy(self.path, copy)
            os.chmod(copy, 0o755)
        return copy

    # Running it

    def start(self, *options, command=None, env=None, **popen):
        """Popen of the demo in its place. Options of Popen may be given."""
        popen.setdefault("stdin", subprocess.DEVNULL)
        popen.setdefault("cwd", self.files)
        command = list(command or [self.path]) + list(options)
        process = subprocess.Popen(command, env=self.environment() if env is None else env, **popen)
        self.started.add(process.pid)
        return process

    def run(self, *options, seconds=None, check_left=True, **popen):
        """One run to its end. Its output goes to files in memory: a process it leaves behind keeps nobody waiting."""
        begin = time.monotonic()
        with open(os.memfd_create("out"), "rb") as out, open(os.memfd_create("err"), "rb") as err:
            popen.setdefault("stdout", out)
            popen.setdefault("stderr", err)
            process = self.start(*options, **popen)
            status = self.wait(process, seconds)
            left = self.left_behind() if check_left else []
            out.seek(0), err.seek(0)
            result = Result(process.args, status, out.read(), err.read(), time.monotonic() - begin)
        if left:
            raise Failure(f"left behind by {result}: {', '.join(left)}")
        return result

    def wait(self, process, seconds=None):
        """The exit status, or Hang."""
        if process.returncode is not None:
            return process.returncode
        handle = os.pidfd_open(process.pid)
        try:
            ended = select.select([handle], [], [], seconds or RUN_SECONDS)[0]
        finally:
            os.close(handle)
        if ended:
            return process.wait()
        what = describe(process.pid)
        process.kill()
        process.wait()
        self.kill_the_rest()
        raise Hang(f"hangs: {what} of {' '.join(map(os.fsdecode, process.args))} has not ended after "
                   f"{seconds or RUN_SECONDS:g} s")

    # What it left

    def orphans(self):
        """What still lives of its processes. Those that have ended are reaped."""
        while True:
            mine = [pid for pid in children() if pid not in self.helpers] if self.helpers else None
            if mine is None:
                try:
                    pid = os.waitpid(-1, os.WNOHANG)[0]
                except ChildProcessError:
                    return []
                if pid == 0:
                    return children()
            else:
                ended = [pid for pid in mine if os.waitpid(pid, os.WNOHANG)[0] == pid]
                if not ended:
                    return mine

    def kill_the_rest(self):
        while True:
            rest = self.orphans()
            if not rest:
                return
            for pid in rest:
                os.kill(pid, signal.SIGKILL)
            for pid in rest:
                os.waitpid(pid, 0)

    def resources(self):
        """Everything that can outlive a process, by a name that tells one from another."""
        found = set()
        for kind in ("shm", "sem", "msg"):
            try:
                lines = read(f"/proc/sysvipc/{kind}", "r").splitlines()[1:]
            except OSError:
                continue  # a kernel without System V IPC
            found.update(f"System V {kind} {line.split()[1]}" for line in lines)
        found.update(f"mount {line.split()[4]}" for line in read("/proc/self/mountinfo", "r").splitlines())
        for path, folders, files in os.walk(self.files):
            found.update(os.path.join(path, name) for name in folders + files)
        if self.private:
            found.update(f"message queue {name}" for name in os.listdir(os.path.join(self.place, "mqueue")))
            found.update(glob.glob("/dev/shm/*"))
        else:
            found.update(name for name in glob.glob("/tmp/*") + glob.glob("/dev/shm/*") if self.sounds_like_it(name))
        for path, folders, files in os.walk("/sys/fs/cgroup"):
            found.update(f"cgroup {os.path.join(path, name)}" for name in folders if name.startswith("proclab"))
        found.update(f"tracefs instance {name}" for name in glob.glob(f"{TRACING}/instances/proclab*"))
        return found

    def is_ours(self, found):
        """Instances and cgroups belong to the whole machine, where other tests run demos, too. Their names begin with
        proclab and go on with the PID of the demo: proclab.PID.N, proclab-container-PID."""
        if not found.startswith(("tracefs instance ", "cgroup ")):
            return True
        owner = re.search(r"/proclab\D+(\d+)", found)
        return owner is not None and int(owner[1]) in self.started

    def sounds_like_it(self, name):
        """Where others work at the same time, only what is called after the project or the demo is the demo's."""
        name = os.path.basename(name)
        return ("proclab" in name or self.name in name) and not name.startswith("proclab-judge-")

    def left_behind(self):
        """What is left, by name, GONE_SECONDS after the demo ended: processes, and what outlives processes."""
        deadline = time.monotonic() + GONE_SECONDS
        while True:
            orphans, others = self.orphans(), set(filter(self.is_ours, self.resources() - self.before))
            if not orphans and not others:
                return []
            if time.monotonic() > deadline:
                left = [describe(pid) for pid in orphans] + sorted(others)
                self.kill_the_rest()
                self.before = self.resources()  # each is reported once
                return left
            time.sleep(0.005)

    # What it is

    def claims(self, table):
        """Claim to kind, of this demo, from tests/claims.txt."""
        rows = [line.split("\t") for line in read(table, "r").splitlines()]
        return {claim: kind for claim, demo, kind in rows if demo == self.name}

    def listed(self):
        """What --list declares: rows of id, kind, sentence."""
        return [line.split(None, 2) for line in self.run("--list").out.splitlines()]

    def breaks(self):
        """What --break can take out, in the order of --help: name to the claim that must fail."""
        section = self.run("--help").out.partition("What --break can take out")[2].partition("\n\n")[0]
        return dict(re.findall(r"^  (\S+) .*\n +(?:refutes|turns) (\S+)$", section, re.MULTILINE))


def ordinary_user(demo, uid=NOBODY):
    """Popen's options for a run without any privilege: from root as a user who owns nothing, otherwise as we are."""
    if not is_root():
        return {}
    return {"command": [demo.for_everyone()], "user": uid, "group": uid, "extra_groups": []}


def need_tool(name, package):
    if shutil.which(name) is None:
        raise Skip(f"no {name} here: install {package}")


def works(demo, *command):
    """Is this tool here, and may it do this?"""
    return shutil.which(command[0]) is not None and demo.run(command=list(command)).status == 0


def can_trace(demo):
    return works(demo, "strace", "-qq", "-o", os.devnull, "true")


def count(words):
    """'3 holds, 1 differs' of a list of words."""
    return ", ".join(f"{n} {word}" for word, n in sorted(collections.Counter(words).items()))


def fail_with(failures, where):
    """Raises one Failure that names them all."""
    if failures:
        more = f"\n  and {len(failures) - 15} more" if len(failures) > 15 else ""
        raise Failure(f"{len(failures)} {where}:\n  " + "\n  ".join(map(str, failures[:15])) + more)


def finish(work):
    """Runs work() and ends the test: 0, 1 or 77, with one line that says why."""
    try:
        print(work())
        status = 0
    except Skip as why:
        print(f"{'FAILED, since PROCLAB_MUST_WORK=1: ' if MUST_WORK else 'skipped: '}{why}")
        status = 1 if MUST_WORK else 77
    except Failure as why:
        print(f"FAILED: {why}")
        status = 1
    sys.stdout.flush()
    return status


def main(test):
    """The main program of a test: PROGRAM DEMO [ARGUMENTS of the test]."""
    demo = Demo(sys.argv[1])
    try:
        status = finish(lambda: test(demo, *sys.argv[2:]))
    finally:
        demo.kill_the_rest()
        demo.close()
    sys.exit(status)
