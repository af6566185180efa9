"""killed.py - NAME.killed: SIGKILL and SIGINT at many moments, and nothing is left.

The moments are spread over the run: half of them by its progress, after the k-th line of its report and a random part of
the time that usually passes until the next one; the other half at any time. The judge is a child subreaper and asks
nobody: what the demo started must end by itself, and what outlives processes must be gone.
"""
import collections
import os
import random
import signal
import subprocess
import time

import judge
from judge import Failure, Hang

ROUNDS = {"short": 8, "long": 1000}
SIGNALS = {
    "SIGKILL": lambda process: process.kill(),                                # the demo alone, as the OOM killer does
    "SIGINT": lambda process: os.killpg(process.pid, signal.SIGINT),          # everyone on the terminal, as ^C does
    "SIGINT alone": lambda process: process.send_signal(signal.SIGINT),
}


def usual_pace(demo):
    """How long it takes to each line of the report, from the start: the quickest of three runs."""
    return min((pace(demo) for _ in range(3)), key=lambda times: times[-1])


def pace(demo):
    begin, times = time.monotonic(), [0]
    with demo.start("--json", stdout=subprocess.PIPE) as process:
        for _ in process.stdout:
            times.append(time.monotonic() - begin)
    demo.left_behind()
    return times


def kill_after(demo, lines, pause, send):
    """Returns how it ended and what was left."""
    process = demo.start("--json", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True, bufsize=0)
    while lines > 0:
        chunk = process.stdout.read(65536)
        if not chunk:
            break
        lines -= chunk.count(b"\n")
    time.sleep(pause)
    if process.poll() is None:
        try:
            send(process)
        except ProcessLookupError:
            pass  # it has just ended
    process.stdout.close()
    status = demo.wait(process)
    return status, demo.left_behind()


def moment(times, i, n, chance):
    """Every other one by progress, from before the first line to before the last; the others anywhere in the usual time."""
    if i % 2:
        return 0, chance.random() * times[-1]
    line = i * (len(times) - 1) // n
    return line, chance.random() * (times[line + 1] - times[line])


def killed(demo, form="short"):
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Python's handler would swallow one that comes before the exec
    times = usual_pace(demo)
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    endings, failures = collections.Counter(), []
    rounds = ROUNDS[form]
    for signal_name, send in SIGNALS.items():
        n = rounds if signal_name != "SIGINT alone" else rounds // 4
        for i in range(n):
            line, pause = moment(times, i, n, chance)
            when = f"{signal_name} {pause * 1000:.1f} ms after line {line} (seed {seed})"
            try:
                status, left = kill_after(demo, line, pause, send)
            except Hang as hang:
                judge.fail_with(failures + [f"{when}: {hang}"], "kills left something")
            endings[judge.ending(status)] += 1
            if left:
                failures.append(f"{when}: left {', '.join(left)}")
            elif status not in (-signal.SIGKILL, -signal.SIGINT, judge.HOLDS, judge.SKIPPED):
                failures.append(f"{when}: {judge.ending(status)}")
    judge.fail_with(failures, "kills left something")
    if not endings["killed by SIGKILL"] or not endings["killed by SIGINT"]:
        raise Failure(f"the demo was never hit in time: {dict(endings)}")
    how = ", ".join(f"{n} {ending}" for ending, n in endings.items())
    return f"{sum(endings.values())} kills over {len(times) - 1} lines: {how}; nothing left"


if __name__ == "__main__":
    judge.main(killed)
