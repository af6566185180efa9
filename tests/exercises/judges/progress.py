"""The pipe is full, so the program sleeps in write(), in the middle of printf(), when the signal comes."""
import os
import random
import re
import signal
import struct

from program import Wrong, quoted

LATE = 1000
PROGRESS = rb"progress: (\d+) written"


def until_progress(program, before):
    """Reads until one more line of progress has come, or nothing more does."""
    while len(re.findall(PROGRESS, program.everything())) == before and not program.at_end:
        if not program.until(lambda tasks: program.receive(1024) or program.at_end, drain=False):
            return


def writing(program):
    """The task that sleeps in write() or writev(), and how many bytes it has in hand."""
    for task in program.last:
        if task.is_in("write"):
            return task, task.args[2]
        if task.is_in("writev"):
            with open(f"/proc/{task.pid}/mem", "rb", buffering=0) as memory:
                pieces = os.pread(memory.fileno(), task.args[2] * struct.calcsize("PN"), task.args[1])  # struct iovec
                return task, sum(length for _, length in struct.iter_unpack("PN", pieces))
    return None, 0


def check(text, word, n, same_buffer):
    """The stream: each record once, in order; each progress between two. Returns those: (says, after how many records)."""
    records, answers = 0, []
    for line in text.split(b"\n")[:-1]:
        progress = re.fullmatch(PROGRESS, line)
        if progress:
            answers.append((int(progress[1]), records))
        elif line == b"record %d of %s" % (records + 1, word.encode()):
            records += 1
        else:
            again = re.fullmatch(rb"record (\d+) of %s" % word.encode(), line)
            twice = again is not None and int(again[1]) <= records
            raise Wrong("record-twice" if twice else "record-torn", *same_buffer,
                        f"After record {records} the pipe carried {quoted(line)}.")
    if not text.endswith(b"\n") or records != n:
        raise Wrong("record-missing", f"The pipe carried {records} of {n} records. {quoted(text[-40:])} came last.")
    return answers


def judge(start, place, word):
    n = random.randint(20000, 21000)
    program = start(word, n, pipe=True)
    before, same_buffer, asked = f"it had written {n} records", [], []
    while len(asked) < 3 and not program.at_end:
        program.settle(drain=False)
        if asked and program.ended() is not None:
            break
        program.must_live(before)
        then, in_hand = writing(program)
        if then is None:
            raise Wrong("writes-nothing", "Nobody reads the pipe, and it does not sleep in write():", *map(str, program.last))
        os.kill(program.pid, signal.SIGUSR1)
        written = program.bytes + program.waiting()
        asked.append((written, written + in_hand))
        program.settle(drain=False)
        program.must_live(f"{before}: SIGUSR1 came")
        now, _ = writing(program)
        if now and (now.tid, now.call, now.args[1]) == (then.tid, "write", then.args[1]) and now.sp < then.sp:
            same_buffer = [f"It slept in write(1, {then.args[1]:#x}, {then.args[2]}) when SIGUSR1 came. The handler, further down "
                           f"the same stack, called write(1, {now.args[1]:#x}, {now.args[2]}): the same buffer once more."]
        until_progress(program, len(asked) - 1)
    program.must_end_with(0, "all went well")
    text = program.everything()
    answers = check(text, word, n, same_buffer)
    if same_buffer:
        raise Wrong("record-twice", *same_buffer)
    in_time = [position for _, position in asked if text[position:].count(b"record ") > LATE]
    if len(answers) < max(1, len(in_time)):
        raise Wrong("no-progress", f"SIGUSR1 was sent {len(asked)} times, with a wait for the answer in between. The answers: "
                    f"{len(answers)}.")
    if len(answers) > len(asked):
        raise Wrong("progress-unasked", f"SIGUSR1 was sent {len(asked)} times. The lines of progress: {len(answers)}.")
    for (says, after), (written, position) in zip(answers, asked):
        known = text[:position].count(b"record ")
        if abs(says - after) > 1:
            raise Wrong("progress-wrong", f'"progress: {says} written" came after {after} records.')
        if after < text[:written].count(b"record ") - 1:
            raise Wrong("progress-unasked", f"It was asked after about {known} records, and had answered after {after}.")
        if after > known + LATE:
            raise Wrong("progress-late", f"It was asked after about {known} records, and answered after {after}.")
    return f"SIGUSR1 came {len(asked)} times while PID {program.pid} slept in write(); {n} records, each once and whole."
