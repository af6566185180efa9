"""The page grid of cow, read again: the mapping that asked for no huge pages, page by page in /proc/PID/pagemap."""
import os
import re
import struct

PRESENT, EXCLUSIVE = 1 << 63, 1 << 56


def mapping_of(pid, pages):
    """The start of the mapping of so many pages with the flag 'nh'."""
    with open(f"/proc/{pid}/smaps") as smaps:
        text = smaps.read()
    for start, end, rest in re.findall(r"^([0-9a-f]+)-([0-9a-f]+) (.*?)(?=^[0-9a-f]+-[0-9a-f]+ |\Z)", text, re.M | re.S):
        if int(end, 16) - int(start, 16) == pages * os.sysconf("SC_PAGESIZE") and re.search(r"^VmFlags:.*\bnh\b", rest, re.M):
            return int(start, 16)
    return None


def again(source, pid, name, value):
    if not source.endswith("/pagemap") or name != "pages":
        return None
    start = mapping_of(pid, len(value))
    if start is None:
        return None
    with open(f"/proc/{pid}/pagemap", "rb", buffering=0) as pagemap:
        entries = os.pread(pagemap.fileno(), 8 * len(value), start // os.sysconf("SC_PAGESIZE") * 8)
    cells = [entry for entry, in struct.iter_unpack("=Q", entries)]
    return "".join("." if not cell & PRESENT else "P" if cell & EXCLUSIVE else "s" for cell in cells)
