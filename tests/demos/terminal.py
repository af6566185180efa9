"""terminal.py - runs a command on a terminal of 80 columns and prints what it showed, without carriage returns.

    terminal.py ANSWERS COMMAND...   each line of ANSWERS is typed when the command waits after a prompt: it ends in ":" or "]"

After the last answer comes the end of the input (^D), at every prompt. "^C" as an answer is that key.
Exit status: the command's, as a shell has it.
"""
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios

KEYS = {"^C": b"\x03"}


def opened():
    """Our side of a new terminal, and the command's."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    return ours, its


def all_shown(process, terminal, answer=lambda text: None, seconds=None):
    """What the terminal gets until the process ends; after each piece, answer is called with all there is so far.

    The other side must be open here for so long. Whoever reads until EIO, when its last holder is gone, may miss the last
    line: n_tty_read() first looks for what was written, and only then whether the other side is closed.
    """
    text, ended, handle = b"", False, os.pidfd_open(process.pid)
    os.set_blocking(terminal, False)
    try:
        while True:
            try:
                text += os.read(terminal, 65536)
                answer(text)
            except BlockingIOError:
                ready = not ended and select.select([terminal, handle], [], [], seconds)[0]
                if not ready:
                    break  # it has ended, and nothing is left; or it hangs, and whoever waits for it will say so
                ended = handle in ready
    finally:
        os.close(handle)
    return text.decode("utf-8").replace("\r\n", "\n")


def main(answers, command):
    answers = answers.split("\n") if answers else []
    ours, its = opened()
    process = subprocess.Popen(command, stdin=its, stdout=its, stderr=its, start_new_session=True,
                               preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def answer(text):
        if text.rstrip(b" ").endswith((b":", b"]")) and text.endswith(b" "):
            key = answers.pop(0) if answers else "^D"
            os.write(ours, b"\x04" if key == "^D" else KEYS.get(key, key.encode() + b"\n"))

    sys.stdout.buffer.write(all_shown(process, ours, answer).encode())
    return process.wait()


if __name__ == "__main__":
    status = main(sys.argv[1], sys.argv[2:])
    sys.stdout.flush()
    sys.exit(128 - status if status < 0 else status)
