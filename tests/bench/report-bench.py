"""report-bench.py - what reporting adds to a demo's run: --json into /dev/null against --quiet. The target: 1.2 times.

    report-bench.py FOLDER_OF_DEMOS [--rounds N]

Each demo runs once in each way in a round, in turns. Its ratio is the median of those of its rounds; the demos that measure
(--seconds) are left out, since they take as long as they are told to. Exit status 1 where a demo misses the target.
"""
import argparse
import os
import statistics
import subprocess
import sys
import time

TARGET = 1.2


def run(path, option):
    begin = time.perf_counter()
    done = subprocess.run([path, option], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if done.returncode not in (0, 77):
        sys.exit(f"{path} {option} ends with {done.returncode}: {os.fsdecode(done.stderr)}")
    return time.perf_counter() - begin


def measures(path):
    return "--seconds" in subprocess.run([path, "--help"], capture_output=True, text=True, check=True).stdout


def ratios(path, rounds):
    run(path, "--json")  # warms up
    found = []
    for number in range(rounds):
        order = ("--json", "--quiet") if number % 2 else ("--quiet", "--json")
        seconds = {option: run(path, option) for option in order}
        found.append(seconds["--json"] / seconds["--quiet"])
    return sorted(found)


def main():
    parser = argparse.ArgumentParser(description="What reporting adds to a demo's run.")
    parser.add_argument("folder")
    parser.add_argument("--rounds", type=int, default=31)
    arguments = parser.parse_args()
    missed = 0
    print(f"{'--json / --quiet':<18}{'median':>8}{'p10':>8}{'p90':>8}{'n':>5}  target {TARGET}")
    for name in sorted(os.listdir(arguments.folder)):
        path = os.path.join(arguments.folder, name)
        if not os.path.isfile(path) or not os.access(path, os.X_OK) or measures(path):
            continue
        found = ratios(path, arguments.rounds)
        n, median = len(found), statistics.median(found)
        missed += median > TARGET
        print(f"{name:<18}{median:>8.2f}{found[n // 10]:>8.2f}{found[-1 - n // 10]:>8.2f}{n:>5}  "
              f"{'met' if median <= TARGET else 'MISSED'}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
