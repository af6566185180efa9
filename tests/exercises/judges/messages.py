"""Each message comes in pieces: the next piece is sent when the program sleeps in read() again."""
import os
import random

from kernel import POLLS
from program import Wrong, quoted

# Perhaps in another thread than the first one. With SIGIO, in a call that waits for a signal.
READS = ("read", "readv", "pread64", "recvmsg", "splice", "tee", "pause", "rt_sigsuspend", "rt_sigtimedwait", *POLLS)


def answer(text):
    return f"{len(text)} {sum(text)}\n".encode()


def pieces(data):
    """Cut somewhere in the text, and perhaps elsewhere."""
    cuts = sorted({random.randrange(2, len(data)), *random.sample(range(1, len(data)), random.randint(0, 2))})
    return [data[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(data)])]


def send_in_pieces(program, message):
    before = len(program.everything())
    sent = b""
    for piece in pieces(message):
        if len(program.everything()) > before:
            raise Wrong("answered-early", f"A message of {message[0]} bytes; {len(sent) - 1} of them had been sent when "
                        f"PID {program.last[0].pid} wrote {quoted(program.everything()[before:])}.")
        program.send(piece)
        sent += piece
        program.settle()
        if sent != message:
            still_reads(program)
    got, right = program.everything()[before:], answer(message[1:])
    if got != right:
        raise Wrong("wrong-answer", f"A message of {message[0]} bytes came in pieces and is complete. Right is {quoted(right)}; "
                    f"it wrote {quoted(got)}.", *map(str, program.last))


def still_reads(program):
    program.must_live("the end of its input")
    if not any(task.is_in(*READS) for task in program.last):
        raise Wrong("does-not-read", "More is to come, and it does not wait for it:", *map(str, program.last))


def message(most=255):
    text = os.urandom(random.randint(2, most))
    return bytes([len(text)]) + text


def judge(start, place, word):
    program = start()
    program.settle()
    still_reads(program)
    for _ in range(4):
        send_in_pieces(program, message())
    several, before = [message(60) for _ in range(3)], len(program.everything())
    program.send(b"".join(several))
    program.settle()
    right = b"".join(answer(one[1:]) for one in several)
    if program.everything()[before:] != right:
        raise Wrong("wrong-answer", f"Three messages came at once. Right is {quoted(right)}; it wrote "
                    f"{quoted(program.everything()[before:])}.")
    program.close_input()
    program.must_end_with(0, "the input ended after a message")
    program.finish()

    for cut in (1, None):  # after the length; in the text
        program, last = start(), message()
        program.send(last[:cut or random.randint(2, len(last) - 1)])
        program.settle()
        still_reads(program)
        program.close_input()
        program.must_end_with(1, "the input ended in the middle of a message", "end-in-message")
        if program.said:
            raise Wrong("end-in-message", f"The input ended in the middle of a message, and it wrote "
                        f"{quoted(program.everything())}.")
        program.finish()
    return "Messages in pieces, each sent when it slept in read() again, were answered when complete; an end in the middle was told."
