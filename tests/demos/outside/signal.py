"""The pending signals that signal shows by their names, read again in the masks of /proc/PID/status."""
import re
import signal


def again(source, pid, name, value):
    if not source.endswith("/status"):
        return None
    with open(f"/proc/{pid}/status") as file:
        mask = int(re.search(rf"^{'SigBlk' if name == 'not in SigBlk' else name}:\s*(.*)$", file.read(), re.M)[1], 16)
    if name == "not in SigBlk":
        mask = ~mask
    there = [number for number in range(1, 65) if mask >> number - 1 & 1 and number not in (32, 33)]
    return " ".join(signal.Signals(number).name if number < 32 else str(number) for number in there) or "none"
