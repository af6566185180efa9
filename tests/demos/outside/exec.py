"""The table of exec, read again: its column "after", of the process that has become cat."""
import os
import re
import signal

SIGNALS = {"SigBlk", "SigIgn", "SigCgt"}


def status(pid, name):
    with open(f"/proc/{pid}/status") as file:
        return re.search(rf"^{name}:\s*(.*)$", file.read(), re.M)[1]


def signals(mask):
    names = [signal.Signals(number).name for number in range(1, 32) if int(mask, 16) >> number - 1 & 1]
    return " ".join(names) or "none"


def mapped(pid, path):
    """Is a file of that name mapped? Of the demo's own page only the name that all shared memory has is known."""
    with open(f"/proc/{pid}/maps") as maps:
        return "mapped" if any(line.rstrip("\n").endswith(path) for line in maps) else "no"


def one(pid, name):
    if name in ("Pid", "Name"):
        return status(pid, name)
    if name in SIGNALS:
        return signals(status(pid, name))
    if name == "exe":
        return os.path.basename(os.readlink(f"/proc/{pid}/exe"))
    if name == "cwd":
        return os.readlink(f"/proc/{pid}/cwd")
    if name == "cmdline":
        with open(f"/proc/{pid}/cmdline") as file:
            return os.path.basename(file.read().split("\0")[0])
    if name == "fd":
        return " ".join(sorted(os.listdir(f"/proc/{pid}/fd"), key=int))
    places = {"maps: code of exec": os.readlink(f"/proc/{int(status(pid, 'PPid'))}/exe"),
              "maps: memory of exec": "/dev/zero (deleted)", "maps: code of cat": os.readlink(f"/proc/{pid}/exe")}
    return mapped(pid, places[name]) if name in places else None


def again(source, pid, name, value):
    if not isinstance(value, dict):
        return None
    after = one(pid, name)
    return {"before": value["before"], "after": after} if after is not None else None
