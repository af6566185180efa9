"""compiler.py - builds a student's program. The compiler has limits, too, for a source can make it work without an end: `#include
"/dev/zero"`."""
import os
import resource
import signal
import subprocess
import tempfile

import kernel
import program

SECONDS = 60 * program.scale()


def name():
    return os.environ.get("CC", "cc")


def build(sources, binary, *more, scratch=None):
    """What the compiler says when it fails; None when the program is built."""
    command = [name(), "-std=gnu17", "-Wall", "-Wextra", "-g", "-O1", "-pthread", *more, "-o", binary, *sources]
    with tempfile.TemporaryDirectory(prefix="proclab-build-", dir=scratch) as place, open(f"{place}/said", "w+b") as said:
        try:
            compiler = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT,
                                        start_new_session=True, preexec_fn=limit, env={**os.environ, "TMPDIR": place})
            late = wait_for_group(compiler)
        except OSError as error:
            return f"{command[0]}: {error}"
        if compiler.returncode == 0:
            return None
        said.seek(0)
        complaint = said.read(1 << 16).decode("utf-8", "backslashreplace")
    if os.path.exists(binary):
        os.unlink(binary)  # half of it
    return complaint + (f"{command[0]} did not end within {SECONDS:g} s" if late else "")


def limit():
    kernel.die_with_parent()
    for what, most in ((resource.RLIMIT_AS, 1 << 30), (resource.RLIMIT_FSIZE, 64 << 20), (resource.RLIMIT_CORE, 0),
                       (resource.RLIMIT_CPU, int(SECONDS) + 1)):
        program.set_limit(what, most)


def wait_for_group(process):
    """Was it too late? Then it was ended, with all that it had started."""
    try:
        process.wait(SECONDS)
    except BaseException as error:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if not isinstance(error, subprocess.TimeoutExpired):
            raise
        return True
    return False
