"""catches.py - battery.catches.X: a test of the battery must fail on a deliberately bad demo, and for the right reason.

    catches.py REASON TEST.py ARGUMENTS...      REASON is a regular expression that the test's output must match
"""
import os
import re
import subprocess
import sys

import judge
from judge import Failure, Skip


def catches(reason, test, *arguments):
    command = [sys.executable, "-B", os.path.join(judge.HERE, test), *arguments]
    run = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PROCLAB_DEADLINE_SCALE": "0.1"})
    if run.returncode == 77:
        raise Skip(run.stdout.strip().removeprefix("skipped: "))
    if run.returncode != 1 or run.stderr or not re.search(reason, run.stdout, re.DOTALL):
        raise Failure(f"{test} must fail and say {reason!r}; it ends with {run.returncode} and says:\n{run.stdout}{run.stderr}")
    return run.stdout.strip()


if __name__ == "__main__":
    sys.exit(judge.finish(lambda: catches(*sys.argv[1:])))
