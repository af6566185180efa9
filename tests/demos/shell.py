"""shell.py - mini-shell.shell: the shell in mini-shell, by -c and at a terminal; and that it is as short as it says.

    shell.py MINI_SHELL MINI_SHELL.C
"""
import os
import pty
import re
import select
import signal
import time

import judge
from judge import Failure

# line: (status, what it prints, a pattern of what it complains of)
LINES = {
    "echo one  'two  three' \"|<>\"": (0, "one two  three |<>\n", ""),
    "printf 'b\\na\\nb\\n' | sort | uniq -c | wc -l": (0, "2\n", ""),
    "echo|cat": (0, "\n", ""),
    "sort < input | head -n 1 > output": (0, "", ""),
    "cat output": (0, "first\n", ""),
    "cat<input>output": (0, "", ""),
    "wc -c < output": (0, "13\n", ""),
    "false | true": (0, "", ""),
    "true | false": (1, "", ""),
    "sh -c 'exit 42'": (42, "", ""),
    "sh -c 'kill -TERM $$'": (143, "", ""),
    "yes | head -n 1": (0, "y\n", ""),
    "/nonexistent/program": (127, "", "execvp.*ENOENT"),
    "/": (126, "", "execvp.*EACCES"),
    "cat < /nonexistent/file": (1, "", "open.*ENOENT"),
    "echo x > /nonexistent/file": (1, "", "open.*ENOENT"),
    "echo 'not closed": (0, "not closed\n", ""),
    "''": (127, "", "execvp.*ENOENT"),
    "": (2, "", "EINVAL"),
    "|": (2, "", "EINVAL"),
    "echo |": (2, "", "EINVAL"),
    "echo | | cat": (2, "", "EINVAL"),
    "echo >": (2, "", "EINVAL"),
    "echo > > output": (2, "", "EINVAL"),
    "echo" + 63 * " x": (0, 62 * "x " + "x\n", ""),
    "echo" + 64 * " x": (2, "", "EINVAL"),
    "true" + 15 * " | cat": (0, "", ""),
    "true" + 16 * " | cat": (2, "", "EINVAL"),
    "echo " + 5000 * "x": (2, "", "EINVAL"),
}


def check_lines(demo):
    with open(os.path.join(demo.files, "input"), "w") as file:
        file.write("second\nfirst\n")
    failures = []
    for line, (status, out, err) in LINES.items():
        run = demo.run("-c", line, check_left=False)
        if (run.status, run.out) != (status, out) or not re.search(err, run.err) or (not err and run.err):
            failures.append(f"{line[:80]!r}: wants {status} and {out!r}, {err!r}: {run}, {run.out!r}")
    for name in ("input", "output"):
        os.remove(os.path.join(demo.files, name))
    ignored = demo.run("-c", "false", preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
    if ignored.status != 1:
        failures.append(f"with SIGCHLD ignored by whoever started it: {ignored}")
    judge.fail_with(failures, "lines")


class Terminal:
    def __init__(self, demo):
        ours, its = pty.openpty()
        self.fd = ours
        self.process = demo.start("-i", stdin=its, stdout=its, stderr=its, start_new_session=True,
                                  preexec_fn=lambda: judge.libc.ioctl(0, 0x540E, 0))  # TIOCSCTTY: ^C goes to its group
        os.close(its)

    def until(self, wanted):
        text, deadline = "", time.monotonic() + judge.RUN_SECONDS
        while not re.search(wanted, text):
            if not select.select([self.fd], [], [], max(0, deadline - time.monotonic()))[0]:
                raise Failure(f"no {wanted!r} in {text!r}")
            text += os.read(self.fd, 4096).decode()
        return text

    def type(self, text):
        os.write(self.fd, text.encode())


def check_terminal(demo):
    """A prompt with the last status; ^C at the prompt and in a program; ^D."""
    terminal = Terminal(demo)
    steps = [(r"^0 \$ $", "echo one | tr a-z A-Z\n"), (r"ONE\r\n0 \$ $", "false\n"), (r"1 \$ $", "half a li\x03"), (r"\^C", "\n"),
             (r"1 \$ $", "cat\n"), (r"cat\r\n", "echoed\n"), (r"echoed\r\nechoed\r\n", "\x03"), (r"130 \$ $", "echo here\n"),
             (r"here\r\n0 \$ $", "sh -c 'exit 9'\n"), (r"9 \$ $", "\x04")]
    for wanted, text in steps:
        terminal.until(wanted)
        terminal.type(text)
    status = demo.wait(terminal.process)
    os.close(terminal.fd)
    if status != 9:
        raise Failure(f"^D must end it with the last status, 9; it ends with {status}")
    left = demo.left_behind()
    if left:
        raise Failure(f"left behind: {left}")


def lines_of_code(source):
    """Of its shell: those that are not empty, and not comment alone."""
    text = judge.read(source, "r").partition("/* The shell")[2].partition("/* The lesson")[0].partition("*/")[2]
    return sum(1 for line in re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL).splitlines() if line.strip())


def shell(demo, source):
    lines = lines_of_code(source)
    if not 50 < lines < 100:
        raise Failure(f"{source}: a shell of {lines} lines of code; under 100 it must be")
    check_lines(demo)
    check_terminal(demo)
    for wrong in (["a-word"], ["-c"], ["-c", "true", "more"], ["-i", "more"]):
        result = demo.run(*wrong, check_left=False)
        if result.status != judge.USAGE or result.out or not result.err:
            raise Failure(f"wrong usage wants status 64 and a message: {result}")
    return f"a shell of {lines} lines of code; {len(LINES)} command lines by -c, 10 at a terminal"


if __name__ == "__main__":
    judge.main(shell)
