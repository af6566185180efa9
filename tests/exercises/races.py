"""races.py - runs a student's program once more, built with the compiler's thread sanitizer. That one sees two accesses to the
same memory that no lock and no atomic puts in an order, whichever order they came in this time."""
import os
import re

import compiler
from program import Program, Wrong, how

LOCKS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "locks.c")
FOUND = 66  # exit status
OPTIONS = (f"exitcode={FOUND}:suppress_equal_addresses=0:atexit_sleep_ms=0:report_mutex_bugs=0:report_destroy_locked=0:"
           "detect_deadlocks=0:report_signal_unsafe=0:report_thread_leaks=0")


class Checker:
    """Made before the program runs: it could change what lies in its directory."""

    def __init__(self, name, source, place):
        self.name, self.place = name, place
        with open(source, "rb") as file:
            self.source = file.read()
        with open(LOCKS, "rb") as file:
            self.locks = file.read()

    def check(self, *args):
        """A sentence for the verdict. Raises Wrong when there is a race."""
        if re.search(rb"no_sanitize|__tsan_|__SANITIZE_", self.source):
            raise Wrong("hidden", "It tells the compiler that its thread sanitizer is not to look.")
        why = self.build() or self.run(*args)
        return f"(Not looked for: data races. {why})" if why else "The thread sanitizer saw no data race."

    def put(self, name, text):
        with open(os.path.join(self.place, name), "wb") as file:
            file.write(text)
        return file.name

    def build(self):
        """Why it cannot be built; None when it is."""
        files = self.put(f"{self.name}.c", self.source), self.put("locks.c", self.locks)
        wrapped = re.findall(r"(?:\b__wrap_|^(?:FCNTL|MMAP)\(|^(?:TAKES|GIVES|AT|STORE)\(\w+, )(\w+)", self.locks.decode(),
                             re.MULTILINE)
        flags = [f"-Wl,--wrap={name}" for name in wrapped]
        self.binary = os.path.join(self.place, f"{self.name}.races")
        if compiler.build(files, self.binary, "-fsanitize=thread", "-w", *flags, scratch=self.place):
            return f"{compiler.name()} cannot build it with -fsanitize=thread."
        return None

    def run(self, *args):
        """Why it cannot be run so; None when all is well."""
        program = Program(self.binary, self.place, *args, pipe=True, sanitized=OPTIONS)
        program.until(lambda tasks: program.ended() is not None)
        status, said = program.ended(), program.complaints()
        program.finish()
        for report in re.findall(r"^WARNING: ThreadSanitizer: data race .*\n((?:.*\n)+?)(?:  Location|\n  Thread|SUMMARY)", said,
                                 re.MULTILINE):
            accesses = re.findall(r"^  (\S.*?) of size.*:\n((?:    #.*\n)+)", report, re.MULTILINE)
            # No update is lost by one that only reads in between, if all that write are atomic; or reads atomically.
            kinds = {what.lower().replace("previous ", "") for what, _ in accesses}
            if "write" in kinds and "atomic read" not in kinds:
                raise Wrong("data-race", "Two threads were at the same memory, and no lock or atomic orders them:",
                            *[what + self.line(frames) for what, frames in accesses])
        return None if status in (0, FOUND) else f"Built with -fsanitize=thread, it {how(status)}."

    def line(self, frames):
        """Of the student's source."""
        lines = self.source.decode("utf-8", "backslashreplace").split("\n")
        number = re.search(rf"/{re.escape(self.name)}\.c:(\d+)", frames)
        return f" in line {number[1]}: {lines[int(number[1]) - 1].strip()}" if number else ""
