"""After a command that cannot be executed: which processes still run the shell's own program?"""
import os
import random

import kernel
from program import Wrong, printable


def script(place, name, status, then=""):
    """A command that leaves its PID and its arguments in a file, so that it can be counted how often it ran."""
    path = os.path.join(place, name)
    with open(path, "w") as file:
        file.write(f"#!/bin/sh\nprintf '%s ' $$ \"$@\" >>{path}.ran\necho >>{path}.ran\n{then}exit {status}\n")
    os.chmod(path, 0o755)
    return path


def ran(path):
    try:
        return list(map(printable, kernel.read(path + ".ran").decode("utf-8", "backslashreplace").splitlines()))
    except OSError:
        return []


def one_command(start, line, status, why, word):
    program = start()
    program.settle()
    program.must_live("the end of its input")
    program.send(line + "\n")
    program.settle()
    program.must_live("the end of its input")
    if not kernel.is_program(program.pid, program.path):
        raise Wrong("no-shell", "Another program runs in its place, and does its work:", str(program.main()))
    second = [task for task in program.others() if not task.has_ended() and kernel.is_program(task.pid, program.path)]
    if second:
        raise Wrong("second-shell", f'"{word}" cannot be executed, and there are two shells now:', str(program.main()),
                    *[f"{task}, a child that still runs {os.path.basename(program.path)}" for task in second])
    zombies = [task for task in program.others() if task.state == "Z"]
    if zombies:
        raise Wrong("zombie", "The command has ended, and was not waited for:", *map(str, zombies))
    program.close_input()
    program.must_end_with(status, why)
    program.finish()


def one_after_the_other(start, place, word):
    """The first command waits at a FIFO when both lines have come."""
    fifo = os.path.join(place, f"{word}.fifo")
    os.mkfifo(fifo)
    commands = [script(place, f"{word}-first", 1, f"read line <{fifo}\n"), script(place, f"{word}-second", 0)]
    program = start()
    program.send("".join(f"{command} {word}\n" for command in commands))
    program.settle()
    if not ran(commands[0]):
        raise Wrong("does-not-run", "The first of two commands has not run.", *map(str, program.last))
    if ran(commands[1]):
        raise Wrong("does-not-wait", "The first command still runs, and the shell has run the second:", *map(str, program.last))
    try:
        os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
    except OSError:
        raise Wrong("does-not-wait", "The first command is not there any more, though it has not ended.") from None
    program.close_input()
    program.must_end_with(0, "so did the last command")
    program.finish()


def from_file(start, place, word):
    """The input is a file: its offset belongs to all that have it open."""
    status, missing = random.randint(2, 99), f"no-such-{word}"
    commands = [script(place, f"{word}-{i}", 0) for i in range(3)] + [script(place, f"{word}-last", status)]
    special = [word, f"${word}", "*", f"'{word}", '"\\;&|<>#~']  # to sh, not to this shell
    lines = [commands[0], missing, f"sh {commands[1]}", missing, commands[2], commands[3]]
    path = os.path.join(place, f"{word}.in")
    with open(path, "w") as file:
        file.writelines(f"{line} {' '.join(special)}\n" for line in lines)
    with open(path, "rb") as file:
        program = start(stdin=file.fileno())
        program.settle()
    found = {command: ran(command) for command in commands}
    for command, times in found.items():
        if len(times) > 1:
            raise Wrong("runs-twice", f"{os.path.basename(command)} stands in the input file once, and ran {len(times)} times: "
                        f"PID {', '.join(one.split()[0] for one in times[:8])}.")
        if [one.split()[1:] for one in times] != [special]:
            raise Wrong("does-not-run", f"{os.path.basename(command)} stands in the input file with the arguments "
                        f"{' '.join(special)} It ran:", *times, *["not at all"] * (not times))
    program.must_end_with(status, "so did the last command")
    program.finish()


def judge(start, place, word):
    missing, plain = f"no-such-{word}", os.path.join(place, f"{word}.txt")
    with open(plain, "w") as file:
        file.write("no program\n")
    status = random.randint(2, 99)
    one_command(start, f"{missing} {word}", 127, f'"{missing}" does not exist', missing)
    one_command(start, f"{place}/{missing}", 127, f"{place}/{missing} does not exist", missing)
    one_command(start, plain, 126, f"{os.path.basename(plain)} has no x bit (EACCES)", plain)
    one_command(start, script(place, f"{word}-own", status), status, "so did the command", "the command")
    one_after_the_other(start, place, word)
    from_file(start, place, word)
    return "After a failed exec no second shell was there, its status was right, and each command of a file ran once."
