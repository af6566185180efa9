"""judge.py - builds a student's program, and judges it by what the kernel says while it runs.

Two processes: one judges, and the one that asked waits for it. Both are subreapers, so that whatever a program starts, and
whomever it kills, somebody is left who ends all of it.
"""
import collections
import importlib.util
import json
import os
import random
import shutil
import signal
import string
import subprocess
import sys
import tempfile

import kernel
import program

HERE = os.path.dirname(os.path.abspath(__file__))
NO_USERS, NOBODY = 10**9, 65534  # where no system gives out user IDs
STOPPED = 2  # exit status of the process that judges
RIGHT, WRONG, CANNOT = "right", "wrong", "cannot"

# verdict: one of the three above. reason: for programs, of a wrong one. saw: what the kernel saw, a list of sentences.
Verdict = collections.namedtuple("Verdict", "verdict reason saw")


def load(name):
    spec = importlib.util.spec_from_file_location(name.replace("-", "_"), os.path.join(HERE, "judges", f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.judge


def build(source, binary):
    """What the compiler says when it fails; None when the program is built."""
    command = [os.environ.get("CC", "cc"), "-std=gnu17", "-Wall", "-Wextra", "-g", "-O1", "-pthread", "-o", binary, source]
    try:
        run = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             timeout=60 * program.scale())
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{command[0]}: {error}"
    return run.stdout.decode("utf-8", "backslashreplace") if run.returncode else None


def drop_root(place):
    """No limit on processes holds root, and its kill(-1) ends everything: so the judge, and with it the program, become a user
    who has no other process. Both, since root of a container may not look at another user's processes (CAP_SYS_PTRACE)."""
    for user in (NO_USERS + os.getpid(), NOBODY):
        try:
            os.chown(place, user, user)
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
        except OSError:
            continue  # a namespace without that user
        kernel.stay_visible()
        return


def judge_here(name, binary, place):
    """In the process that judges."""
    os.umask(0o022)
    decide = load(name)  # now, for root's files may be closed to others
    own = shutil.copy(binary, place)  # the student's directory may be one that only its owner can enter
    os.chmod(place, 0o755)
    if os.geteuid() == 0:
        drop_root(place)
    kernel.die_with_parent(signal.SIGTERM)  # a change of the user has undone it
    if not kernel.can_look():
        return Verdict(CANNOT, "", ["/proc/PID/syscall cannot be read, not even of an own child (kernel.yama.ptrace_scope, or a "
                                    "container's profile)"])

    def start(*args, **how):
        return program.Program(own, place, *args, **how)

    try:
        word = "".join(random.choices(string.ascii_lowercase, k=8))
        return Verdict(RIGHT, "", [decide(start, place, word)])
    except program.Wrong as wrong:
        return Verdict(WRONG, wrong.reason, [sentence[:400] for sentence in wrong.saw[:20]])
    except program.CannotJudge as why:
        return Verdict(CANNOT, "", [str(why)])
    except PermissionError as error:
        return Verdict(CANNOT, "", [f"{error.filename or ''}: {error.strerror}: the judge may not look at its own child"])
    finally:
        kernel.kill_below(os.getpid())


def stop(number, frame):
    raise KeyboardInterrupt


def judge(name, binary):
    """Its verdict. Nothing that the program started is left when this returns."""
    kernel.become_subreaper()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ignored by whoever started us: no zombie would ever be seen
    kernel.call_names()
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGHUP, stop)
    letters = "".join(random.choices(string.ascii_lowercase, k=12))
    place = os.path.join(tempfile.gettempdir(), f"proclab-exercise-{letters}")  # made by the child, who outlives us
    ours, theirs = os.pipe()
    parent, child = os.getpid(), os.fork()
    if child == 0:
        status = 1
        try:
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                signal.signal(number, stop)
            kernel.die_with_parent(signal.SIGTERM)
            signal.pthread_sigmask(signal.SIG_SETMASK, [])
            kernel.become_subreaper()
            random.seed()
            if os.getppid() != parent:
                raise KeyboardInterrupt
            os.mkdir(place, 0o700)
            os.write(theirs, json.dumps(judge_here(name, os.path.abspath(binary), place)).encode())
            status = 0
        except KeyboardInterrupt:
            status = STOPPED
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            shutil.rmtree(place, ignore_errors=True)
            os._exit(status)
    os.close(theirs)
    try:
        with os.fdopen(ours, "rb") as pipe:
            said = pipe.read()
        status = os.waitpid(child, 0)[1]
    finally:
        kernel.kill_below(os.getpid())
        shutil.rmtree(place, ignore_errors=True)
    if os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == STOPPED:
        return Verdict(WRONG, "kills", ["It sent a signal to the judge, a process that it did not start."])
    if not said:
        return Verdict(CANNOT, "", ["the judge itself failed"])
    return Verdict(*json.loads(said))
