"""terminal.py - runs a command on a terminal of 80 columns and prints what it showed, without carriage returns.

    terminal.py ANSWERS COMMAND...   each line of ANSWERS is typed when the command waits after a prompt: it ends in ":" or "]"

After the last answer comes the end of the input (^D), at every prompt. "^C" as an answer is that key.
Exit status: the command's, as a shell has it.
"""
import fcntl
import os
import pty
import struct
import sys
import termios

KEYS = {"^C": b"\x03"}


def typed(answers):
    text = answers.pop(0) if answers else "^D"
    return b"\x04" if text == "^D" else KEYS.get(text, text.encode() + b"\n")


def main(answers, command):
    answers = answers.split("\n") if answers else []
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(command[0], command)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    shown = b""
    while True:
        try:
            data = os.read(terminal, 4096)
        except OSError:  # EIO: the last one that had it open has closed it
            break
        if not data:
            break
        shown += data
        if shown.rstrip(b" ").endswith((b":", b"]")) and shown.endswith(b" "):
            os.write(terminal, typed(answers))
    sys.stdout.buffer.write(shown.replace(b"\r\n", b"\n"))
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


if __name__ == "__main__":
    status = main(sys.argv[1], sys.argv[2:])
    sys.stdout.flush()
    sys.exit(128 - status if status < 0 else status)
