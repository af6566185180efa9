"""lesson.py - lesson.CHAPTER: the console blocks of a lesson are what the demos print.

    lesson.py README.md FOLDER_OF_DEMOS WORKING_FOLDER

cram runs every "```console" block: "$ COMMAND", "> " where a command goes on, and what it prints. What is between the blocks
stands in the test as comments. An exit status other than 0 is a last line "[1]". A line may end in " (re)" or " (glob)".

What "```console" shows, anybody sees: it is run where nobody can read the kernel's events. "```console root" is what root
sees who can: it is run as root, and where there are such events.
"""
import os
import re
import shutil
import subprocess
import sys

import judge
from judge import Failure, Skip, read


def cram_line(line):
    """cram compares what is not ASCII in its escaped form."""
    if line.isascii() and "\t" not in line:
        return f"  {line}"
    escaped = "".join(chr(byte) if 32 <= byte < 127 and byte != 92 else "\\\\" if byte == 92 else f"\\x{byte:02x}"
                      for byte in line.encode()).replace("\\x09", "\\t")
    return f"  {escaped} (esc)"


def to_cram(text, words):
    """Those blocks of the lesson as a cram test, and how many commands they have."""
    lines, commands, block = [], 0, None
    for line in text.splitlines():
        if block is None:
            opening = re.match(rf"( *)```{words}\s*$", line)
            block = opening and len(opening[1])
            lines.append(f"# {line}" if line else "")
        elif line.strip() == "```":
            block = None
            lines.append("")
        else:
            line = line[block:]
            commands += line.startswith("$ ")
            lines.append(f"  {line}" if line.startswith(("$ ", "> ")) else cram_line(line))
    return "\n".join(lines) + "\n", commands


def cram(test, demos, folder):
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "lesson.t")
    with open(path, "w") as file:
        file.write(test)
    env = {"PATH": f"{demos}:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TERM": "xterm", "HOME": folder, "TMPDIR": folder,
           "PROCLAB_SECONDS": "0"}  # what was measured is masked
    run = subprocess.run(["cram3", "--preserve-env", "--shell=/bin/sh", path], capture_output=True, text=True, env=env,
                         cwd=folder, stdin=subprocess.DEVNULL, timeout=300)
    if run.returncode != 0:
        raise Failure(f"the lesson is not what the demos print (- the lesson, + the demo):\n{run.stdout}{run.stderr}")


def reads_events(demos):
    """Can a demo, built and run as it is here, read the kernel's events? It says so at its start."""
    run = subprocess.run([os.path.join(demos, "fork"), "--json"], capture_output=True, timeout=judge.RUN_SECONDS)
    return "kernel events" in judge.json.loads(run.stdout.splitlines()[0])["machine"]["abilities"]


def lesson(readme, demos, folder):
    if not os.path.exists(readme):
        raise Failure(f"there is no lesson: {readme}")
    text = read(readme).decode("utf-8")
    test, commands = to_cram(text, "console")
    roots_test, roots_commands = to_cram(text, "console root")
    if commands == 0:
        raise Failure("the lesson has no console block with a command")
    if shutil.which("cram3") is None:
        raise Skip("no cram3 here: install python3-cram")
    if "| jq " in test:
        judge.need_tool("jq", "jq")
    private = judge.own_mounts()
    if private and roots_commands and judge.show_events() and reads_events(demos):
        cram(roots_test, demos, folder)
        how = "as root"
    else:
        how = "need the kernel's events, and were not run"
    if private:
        judge.hide_events()
    cram(test, demos, folder)
    return f"{commands} commands print what the lesson says" + (f"; {roots_commands} more {how}" if roots_commands else "")


if __name__ == "__main__":
    sys.exit(judge.finish(lambda: lesson(*sys.argv[1:])))
