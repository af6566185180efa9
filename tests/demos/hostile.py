"""hostile.py - NAME.hostile: the demo in environments that nobody wrote it for.

Each row of the tables below is one environment: what is done to the process before it runs the demo (between fork and
exec), and how it is started. Never a refuted fact, a hang, a death by signal, or anything left behind. In a HARMLESS one
the verdicts are the usual ones. One that is TAKING something away may end with 0, 77, or 70 and a message.

    hostile.py DEMO          all of them
    hostile.py DEMO short    half of them, and a third of those that concern what all demos share, others for each demo; and
                             without the kernel's events, which take a third of the time
    hostile.py DEMO ROW      only this one, with its time
"""
import ctypes
import os
import platform
import resource
import signal
import struct
import subprocess
import threading
import time
import zlib

import judge
from judge import BROKE, HOLDS, SKIPPED, Failure, Hang, Skip, libc, mount

CLONE_NEWUSER = 0x10000000
MNT_DETACH = 2
MS_RDONLY, MS_NOSUID, MS_REMOUNT, MS_BIND = 1, 2, 32, 4096
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
ADDR_NO_RANDOMIZE = 0x0040000
ENOUGH_HANGS = 2  # after so many the test ends: it has failed anyway, and must say so before ctest stops it
ALL_SIGNALS = set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}


# What is done to the process before it becomes the demo

def close(*fds):
    return lambda: [os.close(fd) for fd in fds]


def limit(which, value):
    return lambda: resource.setrlimit(which, (value, value))


def ignore(*signals):
    return lambda: [signal.signal(number, signal.SIG_IGN) for number in signals]


def block_all():
    signal.pthread_sigmask(signal.SIG_BLOCK, ALL_SIGNALS)


def pend():
    """Signals that arrived while they were blocked, and wait to kill whoever unblocks them."""
    block_all()
    for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGALRM, signal.SIGXFSZ, signal.SIGRTMIN):
        os.kill(os.getpid(), number)


def alarms():
    # Blocked, since on a busy machine they may go off before main().
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM, signal.SIGPROF, signal.SIGVTALRM})
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    signal.setitimer(signal.ITIMER_PROF, 0.01)
    signal.setitimer(signal.ITIMER_VIRTUAL, 0.01)


def one_cpu():
    os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])


def become(uid):
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def few_processes():
    """As a user who has no other process, and may have one more."""
    if judge.is_root():
        become(100000 + os.getpid())
    limit(resource.RLIMIT_NPROC, 2)()


def own_mounts():
    judge.call("unshare", judge.CLONE_NEWNS)


def no_proc():
    own_mounts()
    judge.call("umount2", b"/proc", MNT_DETACH)


def proc_with(options):
    def change():
        own_mounts()
        mount("proc", "/proc", "proc", 0, options)
        become(judge.NOBODY)
    return change


def read_only():
    own_mounts()
    mount(None, "/", None, MS_REMOUNT | MS_BIND | MS_RDONLY)


def short_queues():
    """By kernel.msgmnb of its own IPC namespace. Who sends a longer message waits for ever."""
    judge.call("unshare", judge.CLONE_NEWIPC)
    with open("/proc/sys/kernel/msgmnb", "w") as limit_of_queues:
        limit_of_queues.write("10")


def removed_directory():
    path = os.path.join(os.environ["PROCLAB_JUDGE_FILES"], f"removed-{os.getpid()}")
    os.mkdir(path)
    os.chdir(path)
    os.rmdir(path)


def no_new_privs():
    judge.call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def other_children():
    """Children the demo has never heard of: one that has exited, and one that lives as long as the demo."""
    if os.fork() == 0:
        os._exit(3)
    parent = os.getpid()
    ready = os.pipe()
    if os.fork() == 0:
        libc.prctl(judge.PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(0)
        os.write(ready[1], b"x")
        os.closerange(0, 256)  # Popen waits until nobody holds its pipe any more
        signal.pause()
    os.read(ready[0], 1)
    os.close(ready[0]), os.close(ready[1])


def like_docker():
    """Docker's seccomp profile for those who have no CAP_SYS_ADMIN: what is namespaces, mounts, tracing is EPERM, and
    clone3 ENOSYS, so that glibc falls back to clone."""
    numbers = {
        "x86_64": {"unshare": 272, "mount": 165, "umount2": 166, "ptrace": 101, "setns": 308, "pivot_root": 155,
                   "kcmp": 312, "bpf": 321, "perf_event_open": 298, "process_vm_readv": 310, "clone3": 435},
        "aarch64": {"unshare": 97, "mount": 40, "umount2": 39, "ptrace": 117, "setns": 268, "pivot_root": 41,
                    "kcmp": 272, "bpf": 280, "perf_event_open": 241, "process_vm_readv": 270, "clone3": 435},
    }[platform.machine()]
    load, jump_if_equal, give = 0x20, 0x15, 0x06
    allow, fail = 0x7fff0000, 0x00050000
    program = [(load, 0, 0, 0)]
    for name, number in numbers.items():
        program += [(jump_if_equal, 0, 1, number), (give, 0, 0, fail | (38 if name == "clone3" else 1))]
    program.append((give, 0, 0, allow))
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))
    header = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program), ctypes.addressof(code)))
    no_new_privs()
    judge.call("prctl", PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(header), 0, 0)


# How a row is started: "before" (done between fork and exec), "env" (added to the usual one), "options", "command" (what runs
# it), "called" (its name), "may_skip" (what the reason of a claim says that may be skipped), "everyone" (a copy that any user
# may run); or "how", a function that does it all. "needs" names what the row cannot do without. "status": the only one that is
# right. "mute": there is nowhere to send a message. "shared": it is about options, the report or its output, where no demo does
# anything itself.

HARMLESS = {
    "SIGCHLD ignored by whoever started it": {"before": ignore(signal.SIGCHLD)},
    "every signal ignored": {"before": ignore(*ALL_SIGNALS)},
    "every signal blocked": {"before": block_all},
    "signals pending": {"before": pend},
    "alarms pending": {"before": alarms},
    "descriptor 0 closed": {"before": close(0)},
    "descriptor 2 closed": {"before": close(2)},
    "one CPU": {"before": one_cpu, "may_skip": "two CPUs"},
    "called ') Z 1 ('": {"shared": True, "called": b") Z 1 ("},
    "called with a newline": {"shared": True, "called": b"a\nState:\tZ\nPPid:\t1\n"},
    "called with invalid UTF-8": {"shared": True, "called": b"\xff\xfe) \x80"},
    "no argv[0]": {"shared": True, "how": lambda demo: demo.run("--json", command=[""], executable=demo.path)},
    "an empty environment": {"shared": True, "env": None},
    "LC_ALL nonsense": {"shared": True, "env": {"LC_ALL": "xx_YY.no-such", "LANG": "\udcff"}},
    "TERM=dumb": {"shared": True, "env": {"TERM": "dumb"}},
    "umask 0777": {"before": lambda: os.umask(0o777)},
    "children it does not know": {"before": other_children},
    "PROCLAB_DEADLINE_SCALE is no number": {"shared": True, "env": {"PROCLAB_DEADLINE_SCALE": "nan"}},
    "PROCLAB_DEADLINE_SCALE is nonsense": {"shared": True, "env": {"PROCLAB_DEADLINE_SCALE": "-x"}},
    "--step without input": {"shared": True, "options": ["--step"]},
    "--step with a closed input": {"shared": True, "options": ["--step"], "before": close(0)},
    "no core files": {"before": limit(resource.RLIMIT_CORE, 0)},
    "twice at once": {"how": lambda demo: twice(demo)},
    "every CPU busy": {"how": lambda demo: under_load(demo)},
    "a slow reader of a full non-blocking pipe": {"shared": True, "how": lambda demo: slow_reader(demo)},
}
TAKING = {
    "descriptor 1 closed": {"shared": True, "before": close(1), "status": BROKE},
    "descriptors 0 to 2 closed": {"shared": True, "before": close(0, 1, 2), "status": BROKE, "mute": True},
    "16 descriptors at most": {"before": limit(resource.RLIMIT_NOFILE, 16)},
    "4 descriptors at most": {"before": limit(resource.RLIMIT_NOFILE, 4)},
    "2 processes at most": {"before": few_processes, "everyone": True},
    "no /proc": {"before": no_proc, "needs": "root", "status": SKIPPED},
    "/proc with hidepid=2": {"before": proc_with("hidepid=2"), "needs": "root", "everyone": True},
    "/proc with subset=pid": {"before": proc_with("subset=pid"), "needs": "root", "everyone": True},
    "PID 1 of a namespace": {"needs": "root", "command": ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]},
    "in a user namespace": {"command": ["unshare", "--user", "--map-root-user"], "needs": "user namespaces"},
    "under strace": {"needs": "strace",
                     "command": ["strace", "-f", "--seccomp-bpf", "-qq", "-o", os.devnull, "-e", "trace=execve"]},
    "a full output device": {"shared": True, "how": lambda demo: on_full_device(demo), "status": BROKE},
    "a reader that is gone": {"shared": True, "how": lambda demo: reader_gone(demo), "status": BROKE},
    "no file may grow": {"shared": True,
                         "before": limit(resource.RLIMIT_FSIZE, 0), "status": BROKE, "mute": True},  # stderr is one, too
    "a stack of 256 KiB": {"before": limit(resource.RLIMIT_STACK, 256 * 1024)},
    "an address space of 64 MiB": {"before": limit(resource.RLIMIT_AS, 64 << 20)},
    "no locked memory": {"before": limit(resource.RLIMIT_MEMLOCK, 0)},
    "System V queues of 10 bytes": {"before": short_queues, "needs": "root"},
    "a working directory that was removed": {"before": removed_directory},
    "everything read-only, no place for files": {"before": read_only, "needs": "root", "env": {"TMPDIR": "/proc"}},
    "seccomp as Docker has it": {"before": like_docker, "needs": "seccomp"},
    "no new privileges": {"before": no_new_privs},
    "addresses not random": {"before": lambda: libc.personality(ADDR_NO_RANDOMIZE)},
}


def twice(demo):
    results = []
    run = lambda: results.append(demo.run("--json", check_left=False))
    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    left = demo.left_behind()
    if len(results) < 2 or left:
        raise Failure(f"of two at once {len(results)} ended; left {left}")
    return max(results, key=lambda result: result.status)


def keep_busy(demo):
    """A process on every CPU that only computes. The caller kills them."""
    busy = [subprocess.Popen(["sh", "-c", "while :; do :; done"], preexec_fn=judge.die_with_judge)
            for _ in os.sched_getaffinity(0)]
    demo.helpers |= {process.pid for process in busy}
    return busy


def stop_busy(demo, busy):
    for process in busy:
        process.kill()
        process.wait()
        demo.helpers.discard(process.pid)


def under_load(demo):
    busy = keep_busy(demo)
    try:
        return demo.run("--json")
    finally:
        stop_busy(demo, busy)


def slow_reader(demo):
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    filler = 0
    try:
        while True:
            filler += os.write(writer, b"\n" * 4096)
    except BlockingIOError:
        pass
    process = demo.start("--json", stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    time.sleep(0.02)  # it now waits for room
    text = b""
    while chunk := os.read(reader, 512):
        text += chunk
        time.sleep(0.0005)
    os.close(reader)
    err = process.stderr.read()
    process.stderr.close()
    status, left = demo.wait(process), demo.left_behind()
    if left:
        raise Failure(f"left {left}")
    return judge.Result(process.args, status, text[filler:], err, 0)


def on_full_device(demo):
    with open("/dev/full", "wb") as full:
        return demo.run("--json", stdout=full)


def reader_gone(demo):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        return demo.run("--json", stdout=writer)
    finally:
        os.close(writer)


def missing(demo, needs):
    """Why the row cannot be tried here, or None."""
    if needs == "root" and not judge.is_root():
        return "needs root"
    if needs == "strace" and not judge.can_trace(demo):
        return "no strace, or it may not trace here"
    if needs == "user namespaces" and not judge.works(demo, "unshare", "--user", "--map-root-user", "true"):
        return "no user namespaces here (user.max_user_namespaces)"
    if needs == "seccomp" and platform.machine() not in ("x86_64", "aarch64"):
        return f"no filter for {platform.machine()}"
    return None


def start(demo, row):
    if "how" in row:
        return row["how"](demo)
    # Empty but for this: to measure for a while is not what it is about.
    env = {"PROCLAB_SECONDS": "0"} if row.get("env", {}) is None else {**demo.environment(), **row.get("env", {})}
    path = demo.for_everyone(row.get("called")) if row.get("everyone") or row.get("called") else demo.path
    return demo.run(*row.get("options", []), "--json", command=row.get("command", []) + [path], env=env,
                    preexec_fn=row.get("before"))


def judge_row(row, result, usual, harmless):
    """None, or what is wrong."""
    refuted = result.refuted()
    if refuted:
        return f"refutes {refuted}: {[result.verdicts()[claim]['evidence'] for claim in refuted]}"
    if "status" in row and result.status != row["status"]:
        return f"wants status {row['status']}: {result}"
    if result.status not in (HOLDS, SKIPPED, BROKE):
        return f"wants status 0, 77 or 70: {result}"
    outcomes = result.outcomes()
    for claim, event in result.verdicts().items():
        if event["verdict"] == "skipped" and row.get("may_skip", "\0") in event["reason"]:
            outcomes[claim] = usual.get(claim)
    if harmless and (result.status == BROKE or outcomes != usual):
        changed = [claim for claim in usual if outcomes.get(claim) != usual[claim]]
        return f"other verdicts than usual on {changed}: {result}"
    if result.status == BROKE and not result.err.strip() and not row.get("mute"):
        return f"ends with 70 and no message: {result}"
    return None


def chosen(demo, which):
    """(name, row, is it harmless) of what is to be tried."""
    rows = [(name, row, True) for name, row in HARMLESS.items()] + [(name, row, False) for name, row in TAKING.items()]
    if which == "short":
        turn = zlib.crc32(demo.name.encode())
        return [row for i, row in enumerate(rows) if (i + turn) % (3 if "shared" in row[1] else 2) == 0]
    return [row for row in rows if which in (None, row[0])]


def hostile(demo, which=None):
    os.environ["PROCLAB_JUDGE_FILES"] = demo.files
    if which == "short":
        demo.without_events()
    usual = demo.run("--json").outcomes()
    failures, untried, broke, hangs = [], [], 0, 0
    rows = chosen(demo, which)
    if not rows:
        raise Failure(f"there is no environment {which!r}")
    for name, row, harmless in rows:
        why = missing(demo, row.get("needs"))
        if why:
            untried.append(f"{name}: {why}")
            continue
        begin = time.monotonic()
        try:
            result = start(demo, row)
            wrong = judge_row(row, result, usual, harmless)
            broke += result.status == BROKE
        except Failure as failure:
            wrong = str(failure)
            hangs += isinstance(failure, Hang)
        except (OSError, subprocess.SubprocessError) as error:
            wrong = f"the environment could not be made: {error}"
        if wrong:
            failures.append(f"{name}: {wrong}")
        if hangs == ENOUGH_HANGS:
            failures.append("no further row was tried: it hangs too often")
            break
        if len(rows) == 1 or "PROCLAB_JUDGE_TIMES" in os.environ:
            print(f"{time.monotonic() - begin:6.2f} s  {name}: {wrong or judge.ending(result.status)}")
    judge.fail_with(failures, "hostile environments were too much")
    if untried and judge.MUST_WORK:
        raise Skip("; ".join(untried))
    return f"{len(rows) - len(untried)} hostile environments, in {broke} of them status 70 and a message" + "".join(
        f"; not tried: {why}" for why in untried)


if __name__ == "__main__":
    judge.main(hostile)
