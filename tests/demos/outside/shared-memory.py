"""The segment that shared-memory attaches, read again in /proc/PID/maps and pagemap: its address, ID and first frame."""
import os
import re
import struct

FRAME = (1 << 55) - 1


def segment_of(pid):
    """(address, ID) of the System V segment that it has attached: in maps the inode is the ID."""
    with open(f"/proc/{pid}/maps") as maps:
        match = re.search(r"^([0-9a-f]+)-\S+ \S+ \S+ \S+ (\d+) +/SYSV00000000", maps.read(), re.M)
    return match and (int(match[1], 16), match[2])


def again(source, pid, name, value):
    if not source.endswith(("/maps", "/pagemap")):
        return None
    segment = segment_of(pid)
    if segment is None:
        return None
    address, inode = segment
    if name == "frame":
        with open(f"/proc/{pid}/pagemap", "rb", buffering=0) as pagemap:
            entry, = struct.unpack("=Q", os.pread(pagemap.fileno(), 8, address // os.sysconf("SC_PAGESIZE") * 8))
        return hex(entry & FRAME) if entry & FRAME else "hidden"
    return {"address": hex(address), "inode": inode}.get(name)
