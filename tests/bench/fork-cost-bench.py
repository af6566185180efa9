"""fork-cost-bench.py - the demo fork-cost against a program that shares no code with it, and against the clock.

    fork-cost-bench.py DEMO [--rounds N]

In each round `DEMO --quick` and the other program take turns. The other program is this one: it fills 1024 MiB in pages of 4 KiB
and calls fork() of the C library itself. Targets: fork.1024 of the demo within 0.8 and 1.25 times of that, by the median of the
rounds; the demo by itself below 15 s, with --quick below 5 s, with every measure that it promises. Exit status 1 where one is
missed, 77 where there is too little memory.
"""
import argparse
import ctypes
import json
import mmap
import os
import statistics
import subprocess
import sys
import time

MIB = 1 << 20
NEEDED_MIB = 3 * (2048 + 64) // 2  # a third of what is left stays free
SIZES = (0, 64, 256, 1024, 2048)
NAMES = [f"{name}.{size}" for name in ("fork", "copy", "fork-huge", "vfork", "posix_spawn") for size in SIZES]
CLOSE, WHOLE_S, QUICK_S = (0.8, 1.25), 15, 5
libc = ctypes.CDLL(None, use_errno=True)


def available_mib():
    with open("/proc/meminfo") as meminfo:
        return next(int(line.split()[1]) // 1024 for line in meminfo if line.startswith("MemAvailable"))


def fork_ns(size, times):
    """The median of so many calls of fork() with so many bytes resident."""
    memory = mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.madvise(mmap.MADV_NOHUGEPAGE)
    for at in range(0, size, mmap.PAGESIZE):
        memory[at] = 1
    fork, leave, now = libc.fork, libc._exit, time.monotonic_ns
    took = []
    for _ in range(times):
        begin = now()
        child = fork()
        if child == 0:
            leave(0)
        took.append(now() - begin)
        if child < 0:
            sys.exit("fork() fails")
        os.waitpid(child, 0)
    return statistics.median(took)


def run(demo, *options):
    """Its measures by name, its verdicts by claim, and the seconds it took."""
    begin = time.monotonic()
    done = subprocess.run([demo, "--json", *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True,
                          env={name: value for name, value in os.environ.items() if name != "PROCLAB_SECONDS"})
    took = time.monotonic() - begin
    events = [json.loads(line) for line in done.stdout.splitlines()]
    return ({event["name"]: event for event in events if event["kind"] == "measure"},
            {event["claim"]: event["verdict"] for event in events if event["kind"] == "verdict"}, took)


def line(what, value, target, met):
    print(f"{what:<40}{value:>22}  {target:<16}{'met' if met else 'MISSED'}", flush=True)
    return not met


def main():
    parser = argparse.ArgumentParser(description="fork-cost against another program and the clock.")
    parser.add_argument("demo")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    if available_mib() < NEEDED_MIB:
        print(f"skipped: {available_mib()} MiB are available, it needs {NEEDED_MIB}")
        return 77
    measures, verdicts, whole = run(arguments.demo)
    missing = [name for name in NAMES if name not in measures]
    missed = line("the whole demo", f"{whole:.1f} s", f"< {WHOLE_S} s", whole < WHOLE_S)
    missed += line("measures that are missing", " ".join(missing) or "none", "none", not missing)
    missed += line("cow.fork-2gb-fast", verdicts["cow.fork-2gb-fast"], "decided", verdicts["cow.fork-2gb-fast"] != "skipped")
    ratios, quick = [], []
    for _ in range(arguments.rounds):
        other = fork_ns(1024 * MIB, 7)
        measures, _, seconds = run(arguments.demo, "--quick")
        quick.append(seconds)
        if "fork.1024" in measures:
            ratios.append(measures["fork.1024"]["median"] / other)
    missed += line("--quick, the longest", f"{max(quick):.1f} s", f"< {QUICK_S} s", max(quick) < QUICK_S)
    if ratios:
        ratio = statistics.median(ratios)
        spread = f"{ratio:.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        missed += line(f"fork.1024 / a bare fork(), n {len(ratios)}", spread, f"{CLOSE[0]} to {CLOSE[1]}",
                       CLOSE[0] <= ratio <= CLOSE[1])
    else:
        missed += line("fork.1024", "not measured", "measured", False)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
