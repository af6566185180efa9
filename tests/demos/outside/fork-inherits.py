"""The table of fork-inherits, read again: both sides by plain reads, and COURSE and the variables out of their memory."""
import os
import re
import signal

READ_IN_STATUS = {"Pid", "VmLck", "Threads"}
SIGNALS = {"SigCgt", "SigPnd", "ShdPnd"}


def status(pid, name):
    with open(f"/proc/{pid}/status") as file:
        return re.search(rf"^{name}:\s*(.*)$", file.read(), re.M)[1]


def signals(mask):
    """Their names; 32 and 33 are the C library's own."""
    there = [number for number in range(1, 65) if int(mask, 16) >> number - 1 & 1 and number not in (32, 33)]
    return " ".join(signal.Signals(number).name if number < 32 else str(number) for number in there) or "none"


def environment(pid, name):
    """What getenv would find in the process: its data segment holds the string that putenv was given."""
    with open(f"/proc/{pid}/maps") as maps:
        exe = os.readlink(f"/proc/{pid}/exe")
        areas = [line.split()[0] for line in maps if line.rstrip().endswith(exe) and " rw-" in line]
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for start, end in (map(lambda text: int(text, 16), area.split("-")) for area in areas):
            found = re.search(rb"%s=([^\0]+)\0" % name.encode(), os.pread(memory.fileno(), end - start, start))
            if found:
                return found[1].decode()
    return None


def position(pid):
    """Of the one descriptor that leads to a file in memory."""
    for fd in os.listdir(f"/proc/{pid}/fd"):
        if os.readlink(f"/proc/{pid}/fd/{fd}").startswith("/memfd:"):
            with open(f"/proc/{pid}/fdinfo/{fd}") as file:
                return "pos " + re.search(r"^pos:\s*(\d+)$", file.read(), re.M)[1]
    return None


def one(pid, name):
    if name in READ_IN_STATUS:
        return status(pid, name)
    if name in SIGNALS:
        return signals(status(pid, name))
    if name == "cwd":
        return os.readlink(f"/proc/{pid}/cwd")
    if name == "the file":
        return position(pid)
    return environment(pid, name) if name == "COURSE" else None


def again(source, pid, name, value):
    if not isinstance(value, dict):
        return None
    cells = {"parent": one(int(status(pid, "PPid")), name), "child": one(pid, name)}
    return cells if None not in cells.values() else None
