"""installed.py - what the tests of an installation share: the judges' verdicts, and running a command."""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "demos"))

import judge  # noqa: E402
from judge import Failure, Skip, read  # noqa: E402,F401

SECONDS = 60 * judge.scale()


def run(*command, status=0, **popen):
    """Runs it to its end, without a terminal and with no path of ours in the environment; returns what it printed."""
    env = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TERM": "xterm", **popen.pop("env", {})}
    result = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, text=True,
                            errors="backslashreplace", **popen)
    if result.returncode != status:
        raise Failure(f"{' '.join(command)}: status {result.returncode}, not {status}:\n{result.stdout}{result.stderr}")
    return result.stdout


def names(listing):
    """The demos, in the order of the course."""
    return read(listing, "r").split()


def files_below(top):
    """Every file and link below a directory, by its path from there."""
    return sorted(os.path.relpath(os.path.join(folder, name), top) for folder, folders, files in os.walk(top)
                  for name in files + [name for name in folders if os.path.islink(os.path.join(folder, name))])


def main(test):
    sys.exit(judge.finish(lambda: test(*sys.argv[1:])))
