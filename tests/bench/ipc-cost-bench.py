"""ipc-cost-bench.py - the demo ipc-cost against its targets, all measured side by side in one run of it, and against the clock.

    ipc-cost-bench.py DEMO [--runs N]

Each target is a ratio of two medians of one run; the median of the runs must meet it, and their spread is printed. Between
runs the two CPUs of a guest may be other ones of its host, with a cache in common or without. In place, one CPU only writes
and the other one only reads what a memcpy reads and writes: together at most twice a memcpy. Where that is no 8 times TCP,
the target is out of reach. Exit status 1 where a target is missed, or where the verdicts are not the same in all runs; 77
with one CPU only, or where all that is missed is out of reach.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

WHOLE_S, QUICK_S = 30, 10
SIZES = {"pipe": 5, "unix": 5, "tcp": 5, "posix-mq": 3, "sysv-msg": 3, "shm": 5}
BYTES = (1, 64, 4096, 65536, 1048576)
NAMES = [f"{what}.{way}.{cpus}.{size}" for what in ("throughput", "latency") for way, n in SIZES.items()
         for cpus in ("1cpu", "2cpu") for size in BYTES[:n]]
# What, of these two measures, at least.
TARGETS = [(f"shm against {other}, {size} bytes, 2 CPUs", f"throughput.shm.2cpu.{size}", f"{name}.{size}", least)
           for size in (65536, 1048576)
           for other, name, least in (("process_vm_readv", "throughput.vm-readv.2cpu", 1.2), ("tcp", "throughput.tcp.2cpu", 8),
                                      ("memcpy of 1 MiB", "memcpy-of-1MiB", 0.55))]
TARGETS += [("a cache line against shm, round trip, 64 bytes", "cache-line.2cpu", "latency.shm.2cpu.64", 1 / 1.5),
            ("shm against pipe, 1 CPU, 64 bytes", "throughput.shm.1cpu.64", "throughput.pipe.1cpu.64", 1),
            ("pipe against shm, round trip, 1 CPU, 64 bytes", "latency.pipe.1cpu.64", "latency.shm.1cpu.64", 1)]


def run(demo, *options):
    """Its medians by name, its verdicts by claim, and the seconds it took."""
    begin = time.monotonic()
    done = subprocess.run([demo, "--json", *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True,
                          env={name: value for name, value in os.environ.items() if name != "PROCLAB_SECONDS"})
    took = time.monotonic() - begin
    events = [json.loads(line) for line in done.stdout.splitlines()]
    return ({event["name"]: event["median"] for event in events if event["kind"] == "measure"},
            {event["claim"]: event["verdict"] for event in events if event["kind"] == "verdict"}, took)


def line(what, value, target, met, reach=None):
    """Prints it; is it missed, though it could be met?"""
    verdict = "met" if met else "MISSED" if reach is None else f"out of reach, {reach:.2g} at most"
    print(f"{what:<50}{value:>24}  {target:<10}{verdict}", flush=True)
    return verdict == "MISSED"


def ratios(runs, one, other):
    return sorted(measures[one] / measures[other] for measures, _, _ in runs if one in measures and other in measures)


def ceiling(runs, other, least):
    """What is the most that shared memory could be, if that is less than the target?"""
    if ".tcp." not in other:
        return None
    most = 2 * statistics.median(ratios(runs, f"memcpy-of-1MiB.{other.rpartition('.')[2]}", other))
    return most if most < least else None


def main():
    parser = argparse.ArgumentParser(description="ipc-cost against its targets and the clock.")
    parser.add_argument("demo")
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    if len(os.sched_getaffinity(0)) < 2:
        print("skipped: one CPU, it needs two")
        return 77
    runs = [run(arguments.demo) for _ in range(arguments.runs)]
    _, _, quick = run(arguments.demo, "--quick")
    whole = max(took for _, _, took in runs)
    missing = [name for name in NAMES if name not in runs[0][0]]
    missed = line("the whole demo", f"{whole:.1f} s", f"< {WHOLE_S} s", whole < WHOLE_S)
    missed += line("the same with --quick", f"{quick:.1f} s", f"< {QUICK_S} s", quick < QUICK_S)
    missed += line("measures that are missing", " ".join(missing) or "none", "none", not missing)
    unreachable = 0
    for what, one, other, least in TARGETS:
        found = ratios(runs, one, other)
        if not found:
            missed += line(what, "not measured", f">= {least:.3g}", False)
            continue
        middle = statistics.median(found)
        most = None if middle >= least else ceiling(runs, other, least)
        unreachable += most is not None
        missed += line(what, f"{middle:.3g} ({found[0]:.3g} to {found[-1]:.3g})", f">= {least:.3g}", middle >= least, most)
    for claim in sorted(runs[0][1]):
        verdicts = {verdicts[claim] for _, verdicts, _ in runs}
        missed += line(claim, ", ".join(sorted(verdicts)), "one", len(verdicts) == 1)
    return 1 if missed else 77 if unreachable else 0


if __name__ == "__main__":
    sys.exit(main())
