"""cost-bench.py - the demo cost against programs that share no code with it, and against the clock.

    cost-bench.py DEMO FORK_PROGRAM [--rounds N]

In each round these take turns on one CPU: `perf bench sched pipe` (its CPU time), the same with -T (threads), the small
program that only forks, and the demo. Targets, by the median of the rounds' ratios: a round trip between two processes within
5 % of perf's, between two threads within 10 %, fork+exit+wait within 15 % of the small program's, and its three parts within
5 % of the whole; the demo by itself below 10 s, with --quick below a third of that. Exit status 1 where one is missed. Without
perf (package linux-perf) the first two are left out.

perf, too, runs by SCHED_BATCH, as the demo switches: otherwise who is woken may preempt the waker, and a round trip has one
sleep less, or not (sched(7)). As the demo shows the quickest of several tries, the quickest of several runs of perf counts, and
of every 20 forks of the small program.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time

CLOSE = {"process": 0.05, "thread": 0.10, "fork": 0.15, "parts": 0.05}
WHOLE_S, LONG, SHORT, RUNS = 10, 30000, 5000, 5
CPU = max(os.sched_getaffinity(0))  # the demo takes the last one, too


def on_one_cpu(batch=False):
    def change():
        os.sched_setaffinity(0, [CPU])
        if batch:
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    return change


def output(*command, **popen):
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True, **popen).stdout


def perf_cpu_ns(loops, *options):
    """The CPU time of one run of perf, in which the CPU is never idle. What others take meanwhile is not in it."""
    perf = subprocess.Popen(["perf", "bench", "sched", "pipe", "-l", str(loops), *options], stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, preexec_fn=on_one_cpu(batch=True))
    _, status, used = os.wait4(perf.pid, 0)
    perf.returncode = os.waitstatus_to_exitcode(status)
    if perf.returncode != 0:
        sys.exit("perf bench sched pipe fails")
    return 1e9 * (used.ru_utime + used.ru_stime)


def perf_trip_ns(*options):
    """Of long runs and short ones: how perf begins and ends is in both."""
    long, short = (min(perf_cpu_ns(loops, *options) for _ in range(RUNS)) for loops in (LONG, SHORT))
    return (long - short) / (LONG - SHORT)


def run(demo, *options):
    """Its medians by name, and the seconds it took."""
    begin = time.monotonic()
    text = output(demo, "--json", *options, env={k: v for k, v in os.environ.items() if k != "PROCLAB_SECONDS"})
    took = time.monotonic() - begin
    events = [json.loads(line) for line in text.splitlines()]
    return {event["name"]: event["median"] for event in events if event["kind"] == "measure"}, took


def one_round(demo, fork_program, ratios):
    perf = {}
    if shutil.which("perf"):
        perf = {"process": perf_trip_ns(), "thread": perf_trip_ns("-T")}
    bare = float(output(fork_program, preexec_fn=on_one_cpu()))
    here, seconds = run(demo, "--quick")
    for kind, other in perf.items():
        ratios[kind].append(2 * here[f"switch.{kind}.0"] / other)
    ratios["fork"].append(here["fork+exit+wait"] / bare)
    ratios["parts"].append((here["fork.call"] + here["fork.child"] + here["fork.exit+wait"]) / here["fork+exit+wait"])
    return seconds


def line(what, value, target, met):
    print(f"{what:<42}{value:>22}  {target:<12}{'met' if met else 'MISSED'}", flush=True)
    return not met


def main():
    parser = argparse.ArgumentParser(description="cost against other programs and the clock.")
    parser.add_argument("demo")
    parser.add_argument("fork_program")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    ratios = {kind: [] for kind in CLOSE}
    whole = run(arguments.demo)[1]
    quick = max(one_round(arguments.demo, arguments.fork_program, ratios) for _ in range(arguments.rounds))
    missed = line("the whole demo", f"{whole:.1f} s", f"< {WHOLE_S} s", whole < WHOLE_S)
    missed += line("--quick, the longest", f"{quick:.1f} s", f"< {WHOLE_S / 3:.1f} s", quick < WHOLE_S / 3)
    said = {"process": "round trip of processes / perf's", "thread": "round trip of threads / perf -T's",
            "fork": "fork+exit+wait / the small program's", "parts": "the three parts / fork+exit+wait"}
    for kind, close in CLOSE.items():
        if not ratios[kind]:
            print(f"{said[kind]:<42}{'skipped':>22}  no perf here: install linux-perf")
            continue
        middle = statistics.median(ratios[kind])
        spread = f"{middle:.3f} ({min(ratios[kind]):.2f} to {max(ratios[kind]):.2f})"
        missed += line(f"{said[kind]}, n {len(ratios[kind])}", spread, f"+-{100 * close:.0f} %", abs(middle - 1) <= close)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
