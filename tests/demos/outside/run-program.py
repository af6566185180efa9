"""What run-program says of its traced child, read again from /proc, and from the header of the file that it executes."""
import os
import re
import struct

AT_BASE, AT_ENTRY, PT_LOAD = 7, 9, 1
STARTSTACK = 28  # field of /proc/PID/stat


def read(pid, file):
    with open(f"/proc/{pid}/{file}", "rb") as entry:
        return entry.read()


def auxv(pid):
    return dict(struct.iter_unpack("=QQ", read(pid, "auxv")))


def mapping_at(pid, address):
    """(permissions, path) of what is mapped there."""
    for line in os.fsdecode(read(pid, "maps")).splitlines():
        start, end, perms, path = re.match(r"(\w+)-(\w+) (\S+) \S+ \S+ \S+ *(.*)", line).groups()
        if int(start, 16) <= address < int(end, 16):
            return perms, path
    return None


def segments(pid):
    """The PT_LOAD segments of /proc/PID/exe, (flags, address) each."""
    image = read(pid, "exe")
    offset, size, n = *struct.unpack_from("=Q", image, 32), *struct.unpack_from("=HH", image, 54)
    headers = [struct.unpack_from("=IIQQ", image, offset + i * size) for i in range(n)]
    return [(flags, address) for kind, flags, _, address in headers if kind == PT_LOAD]


def segment(pid, name):
    """A row of the table, from the header, AT_ENTRY and the map."""
    flags, address = segments(pid)[int(name.split()[1])]
    bias = auxv(pid)[AT_ENTRY] - struct.unpack_from("=Q", read(pid, "exe"), 24)[0]
    perms, path = mapping_at(pid, bias + address)
    return {"p_vaddr": hex(address), "p_flags": "".join(letter if flags & bit else "-" for letter, bit in
            (("R", 4), ("W", 2), ("X", 1))), "mapped at": hex(bias + address), "as": perms, "of": os.path.basename(path)}


def again(source, pid, name, value):
    if name.startswith("PT_LOAD"):
        return segment(pid, name)
    if name in ("AT_ENTRY", "AT_BASE"):
        there = auxv(pid)[{"AT_ENTRY": AT_ENTRY, "AT_BASE": AT_BASE}[name]]
        return hex(there) if there else "0"
    if name in ("argc", "1st argument"):
        return read(pid, "cmdline").count(b"\0")
    if name == "PC":  # the last number, for a process that is not on a CPU
        return hex(int(read(pid, "syscall").split()[-1], 16))
    if name == "in":
        return os.path.basename(mapping_at(pid, int(read(pid, "syscall").split()[-1], 16))[1])
    if name == "2nd":  # argv lies above argc, with which the stack of a new program begins
        return hex(int(read(pid, "stat").rpartition(b")")[2].split()[STARTSTACK - 3]) + 8)
    return None
