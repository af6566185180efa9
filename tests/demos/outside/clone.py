"""The table of clone's tasks, read again: TID, PID and state of each. Who ran when is over, and is not compared."""
import re


def status(tid, name):
    with open(f"/proc/{tid}/status") as file:
        return re.search(rf"^{name}:\s*(\S+)", file.read(), re.M)[1]


def again(source, pid, name, value):
    if not isinstance(value, dict) or not source.startswith(f"/proc/{pid}/task/"):
        return None
    tid, tgid = int(value["TID"]), status(value["TID"], "Tgid")
    with open(f"/proc/{tgid}/task/{tid}/stat") as file:
        number, _, rest = file.read().partition(" ")
    return {**value, "TID": number, "PID": tgid, "state": rest.rpartition(")")[2].split()[0]}
