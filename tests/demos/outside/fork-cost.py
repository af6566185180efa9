"""What fork-cost saw of the memory of its child, read again: the mapping that asked for no huge pages, and its pages."""
import os
import re
import struct

PRESENT, EXCLUSIVE = 1 << 63, 1 << 56


def mapping_of(pid):
    """The first and the last address of the mapping that has the flag 'nh' and is all in memory, and its fields in smaps."""
    with open(f"/proc/{pid}/smaps") as smaps:
        text = smaps.read()
    for start, end, rest in re.findall(r"^([0-9a-f]+)-([0-9a-f]+) (.*?)(?=^[0-9a-f]+-[0-9a-f]+ |\Z)", text, re.M | re.S):
        fields = dict(re.findall(r"^(\w+): +(\d+ kB)$", rest, re.M))
        if re.search(r"^VmFlags:.*\bnh\b", rest, re.M) and fields["Rss"] == fields["Size"]:
            return int(start, 16), int(end, 16), fields
    return None


def pages_of(pid):
    start, end, _ = mapping_of(pid)
    page = os.sysconf("SC_PAGESIZE")
    with open(f"/proc/{pid}/pagemap", "rb", buffering=0) as pagemap:
        entries = os.pread(pagemap.fileno(), 8 * ((end - start) // page), 8 * (start // page))
    cells = [entry for entry, in struct.iter_unpack("=Q", entries)]
    return {"pages": sum(1 for cell in cells if cell & PRESENT), "exclusive": sum(1 for cell in cells if cell & EXCLUSIVE)}


def again(source, pid, name, value):
    if source.endswith("/smaps"):
        return mapping_of(pid)[2][name]
    if source.endswith("/pagemap"):
        return str(pages_of(pid)[name])
    return None
