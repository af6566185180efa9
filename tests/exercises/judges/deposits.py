"""The pipe is full, so each teller sleeps in write(). What the account's page holds is read from its file."""
import os
import random
import struct

from program import Wrong

PAUSES = 3


def deposits_in(text):
    """The amount of each line."""
    try:
        return [int(line.split()[0]) for line in text.split(b"\n")[:-1]]
    except (ValueError, IndexError):
        raise Wrong("output", "There is a line that is not of the form AMOUNT to BALANCE.") from None


def check_account(holds, lines, amounts, together):
    """A teller that sleeps has not yet deposited what its last line says, or has deposited what no line says yet."""
    written, under_way = sum(lines), sum(amount for amount in amounts if amount in lines)
    if holds < written - under_way:
        raise Wrong("lost-update", f"The output has deposits of {written}, at most {under_way} of it still on the way. The "
                    f"account's page holds {holds}.", *together)
    if holds > written + sum(amounts):
        raise Wrong("account-ahead", f"The output has deposits of {written}. The account's page holds {holds} already.")


def let_others_in(threads):
    """The teller at work gets the CPU, the one for all of them, only when no other teller wants it. A lock that is unlocked and
    locked again at once could stay with it otherwise."""
    cpu = min(os.sched_getaffinity(0))
    for task in threads:
        try:
            os.sched_setaffinity(task.tid, {cpu})
            if task.is_in("write"):
                os.sched_setscheduler(task.tid, os.SCHED_IDLE, os.sched_param(0))
        except ProcessLookupError:
            pass  # it has ended


def judge(start, place, word):
    path, begin = os.path.join(place, word), random.randint(1, 10**6)
    amounts, times = random.sample(range(2, 99), random.randint(3, 5)), random.randint(1000, 1100)  # more than fit into the pipe
    with open(path, "wb") as file:
        file.write(struct.pack("q", begin))
    os.chmod(path, 0o666)
    program = start(path, times, *amounts, pipe=True, full=True)
    with open(path, "rb", buffering=0) as account:
        saw = hold(program, lambda: struct.unpack("q", os.pread(account.fileno(), 8, 0))[0] - begin, amounts, times)
    program.finish()
    return f"{saw} {start.race_check(path, times, *amounts)}"


def hold(program, account, amounts, times):
    program.settle(drain=False)
    program.must_live(f"the deposits of {len(amounts)} tellers were written")
    threads = [task for task in program.last if task.pid == program.pid]
    if len(threads) < len(amounts) + 1:
        raise Wrong("not-together", f"There must be {len(amounts)} tellers at once. While nobody reads the pipe, PID "
                    f"{program.pid} has {len(threads)} threads, the first one included:", *map(str, threads))
    asleep = [str(task) for task in threads if task.is_in("write")]
    together = [f"At the beginning {len(asleep)} tellers slept in write() at once, each between its reading the balance and its "
                "writing it:", *asleep] if len(asleep) > 1 else []
    for _ in range(PAUSES):
        let_others_in(threads)
        program.settle(drain=False)
        threads = [task for task in program.last if task.pid == program.pid]
        holds = account()
        waiting = program.waiting()
        while waiting > 0:  # what had been written when the account was read, and no more
            waiting -= program.receive(waiting)
        lines = deposits_in(program.everything())
        check_account(holds, lines, amounts, together)
    if len(set(lines)) == 1:
        raise Wrong("one-after-another", f"{len(lines)} deposits, all of the same teller. The others were not let in between two "
                    "of them, though that one got the CPU last:", *map(str, threads))
    program.must_end_with(0, "all went well")
    lines, holds = deposits_in(program.everything()), account()
    if sorted(lines) != sorted(amounts * times):
        raise Wrong("output", f"{times * len(amounts)} deposits were asked for, {len(lines)} lines were written.")
    if holds != sum(lines):
        raise Wrong("lost-update" if holds < sum(lines) else "account-ahead", f"Deposits: {sum(lines)}. The account's page "
                    f"holds {holds}.", *together)
    return f"{len(amounts)} tellers at once made {len(lines)} deposits, and the account's page holds them all: {holds}."
