"""lessons.py - install.lessons: who does what an installed lesson says, sees what stands there. lessons.py PREFIX

Each says how PATH gets the short names of the demos: that line is taken from the lesson and run by a shell in which
proclab-zombie can be found. What the demos then print is the matter of lesson.CHAPTER; here one lesson is run once more.
"""
import glob
import os
import re
import shutil
import subprocess
import sys

from installed import Failure, judge, main, read, run


def path_line(lesson):
    """The command that the lesson gives for the short names."""
    line = re.search(r"^    (PATH=.*)$", read(lesson, "r"), re.MULTILINE)
    if line is None:
        raise Failure(f"{lesson} does not say how the demos are found")
    return line[1]


def lessons(prefix):
    found = sorted(glob.glob(os.path.join(prefix, "share/doc/proclab/[0-9]-*/README.md")))
    env = {"PATH": f"{os.path.join(prefix, 'bin')}:/usr/bin:/bin"}
    short = os.path.realpath(os.path.join(prefix, "libexec/proclab"))
    for lesson in found:
        text = read(lesson, "r")
        for name in re.findall(r"scripts/run ([a-z-]+)", text):
            if os.path.exists(os.path.join(short, name)):
                raise Failure(f"{lesson} speaks of scripts/run {name}: scripts/run is not installed")
        for command in sorted(set(re.findall(r"^\$ (?:env )?([a-z-]+)", text, re.MULTILINE))):
            where = shutil.which(command, path=run("sh", "-c", f'{path_line(lesson)}; printf %s "$PATH"', env=env))
            if where is None or os.path.dirname(where) != short:
                raise Failure(f"{lesson}: {command} is {where}")
    test = subprocess.run([sys.executable, "-B", os.path.join(judge.HERE, "lesson.py"), found[3],
                           os.path.join(prefix, "libexec/proclab"), os.path.join(os.path.dirname(prefix), "lesson")],
                          capture_output=True, text=True)
    if test.returncode == judge.SKIPPED:
        raise judge.Skip(test.stdout.removeprefix("skipped: ").strip())
    if test.returncode != 0:
        raise Failure(f"{found[3]}:\n{test.stdout}{test.stderr}")
    return f"{len(found)} lessons name demos that are there; of {os.path.basename(os.path.dirname(found[3]))}: {test.stdout.strip()}"


main(lessons)
