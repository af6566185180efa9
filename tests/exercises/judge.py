"""judge.py - judges a student's program by what the kernel says while it runs.

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
import sys
import tempfile

import kernel
import program
import races

HERE = os.path.dirname(os.path.abspath(__file__))
NO_USERS, NOBODY = 10**9, 65534  # where no system gives out user IDs
STOPPED = 2  # exit status of the process that judges
JUDGE_SECONDS = 15 * program.RUN_SECONDS  # only a judge that something keeps from its work meets it
RIGHT, WRONG, CANNOT = "right", "wrong", "cannot"

# verdict: one of the three above. reason: for programs, of a wrong one. saw: what the kernel saw, a list of sentences.
Verdict = collections.namedtuple("Verdict", "verdict reason saw")


def load(name):
    spec = importlib.util.spec_from_file_location(name.replace("-", "_"), os.path.join(HERE, "judges", f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.judge


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


def judge_here(name, source, binary, place):
    """In the process that judges."""
    os.umask(0o022)
    decide = load(name)  # now, for root's files may be closed to others
    own = shutil.copy(binary, place)  # the student's directory may be one that only its owner can enter
    os.chmod(place, 0o755)
    checker = races.Checker(name, source, place)
    if os.geteuid() == 0:
        drop_root(place)
    kernel.die_with_parent(signal.SIGTERM)  # a change of the user has undone it
    if not kernel.can_look():
        return Verdict(CANNOT, "", ["/proc/PID/syscall cannot be read, not even of an own child (kernel.yama.ptrace_scope, or a "
                                    "container's profile)"])

    def start(*args, **how):
        return program.Program(own, place, *args, **how)
    start.race_check = checker.check

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


def tell(pipe, verdict):
    """Exit status of the process that judges. Nobody reads its pipe while it runs: a full one was filled by the program."""
    os.set_blocking(pipe, False)
    try:
        os.write(pipe, json.dumps(verdict).encode())
    except BlockingIOError:
        pass
    return 0


def stop(number, frame):
    raise KeyboardInterrupt


def judge(name, source, binary):
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
            signal.signal(signal.SIGTSTP, lambda *_: None)  # ^Z stops the one that asked; a stopped judge was stopped by the program
            kernel.die_with_parent(signal.SIGTERM)
            signal.pthread_sigmask(signal.SIG_SETMASK, [])
            kernel.become_subreaper()
            random.seed()
            if os.getppid() != parent:
                raise KeyboardInterrupt
            os.mkdir(place, 0o700)
            status = tell(theirs, judge_here(name, source, os.path.abspath(binary), place))
        except KeyboardInterrupt:
            status = STOPPED
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            shutil.rmtree(place, ignore_errors=True)
            os._exit(status)
    os.close(theirs)
    late = []
    try:
        status = wait_for_judge(child, late)
    finally:
        kernel.kill_below(os.getpid())
        shutil.rmtree(place, ignore_errors=True)
    with os.fdopen(ours, "rb") as pipe:
        said = pipe.read()
    if late:
        return Verdict(CANNOT, "", [f"the judge did not end within {JUDGE_SECONDS:g} s"])
    if os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == STOPPED:
        return Verdict(WRONG, "kills", ["It sent a signal to the judge, a process that it did not start."])
    if not said:
        return Verdict(CANNOT, "", ["the judge itself failed"])
    try:
        return Verdict(*json.loads(said))
    except (ValueError, TypeError):
        return Verdict(WRONG, "writes-to-judge", ["It wrote into the judge's own pipe, which it has to look for in /proc."])


def wait_for_judge(child, late):
    """Its status. One that the program has stopped is ended; so is one that takes too long, and then late is not empty."""
    def end(*_):
        late.append(child)
        os.kill(child, signal.SIGKILL)

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, JUDGE_SECONDS)
    try:
        if os.waitid(os.P_PID, child, os.WEXITED | os.WSTOPPED | os.WNOWAIT).si_code in (os.CLD_STOPPED, os.CLD_TRAPPED):
            os.kill(child, signal.SIGKILL)
        return os.waitpid(child, 0)[1]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
