"""The control block that pcb lays out, read again row by row; and the program counter that ptrace told it of."""
import os
import platform
import re
import signal


def read(pid, file):
    with open(f"/proc/{pid}/{file}") as opened:
        return opened.read()


def mappings(pid):
    """(start, end, permissions, inode, path) of each."""
    for line in read(pid, "maps").splitlines():
        span, perms, _, _, inode, *path = line.split(None, 5)
        start, end = (int(number, 16) for number in span.split("-"))
        yield start, end, perms, int(inode), path[0] if path else ""


def memory(pid):
    maps = list(mappings(pid))
    kinds = {"code": any("x" in perms for _, _, perms, _, _ in maps), "heap": any(m[4] == "[heap]" for m in maps),
             "stack": any(m[4] == "[stack]" for m in maps), "files": any(m[3] for m in maps)}
    size = sum(end - start for start, end, *_ in maps) // 1024
    return f"{size} KiB in {len(maps)} mappings: " + " ".join(kind for kind in kinds if kinds[kind])


class Running(Exception):
    pass


def counter(pid):
    if read(pid, "syscall").startswith("running"):
        raise Running  # what ptrace saw of the stopped process has no counterpart now
    pc = int(read(pid, "syscall").split()[-1], 16)
    return pc, next(os.path.basename(path) for start, end, _, _, path in mappings(pid) if start <= pc < end)


def registers(pid):
    fields = read(pid, "syscall").split()
    return f"stack pointer {fields[-2]}; in system call {fields[0]}"


def files(pid):
    there = sorted(int(name) for name in os.listdir(f"/proc/{pid}/fd"))
    links = [f"{fd} {os.readlink(f'/proc/{pid}/fd/{fd}')}" for fd in there[:6]]
    return f"{len(there)} open: {'; '.join(links)}{'; ...' if len(there) > 6 else ''}"


def line(pid, name):
    return re.search(rf"^{name}:[ \t]*(.*)$", read(pid, "status"), re.M)[1].split()


def identity(pid):
    return (f"{pid}: {' '.join(line(pid, 'Name'))}, state {line(pid, 'State')[0]}, {line(pid, 'Threads')[0]} thread, "
            f"child of {line(pid, 'PPid')[0]}")


def credentials(pid):
    return (f"Uid {line(pid, 'Uid')[1]}, Gid {line(pid, 'Gid')[1]}, {len(line(pid, 'Groups'))} groups, "
            f"CapEff {int(line(pid, 'CapEff')[0], 16):x}")


def names(mask):
    """Without 32 and 33, which are the C library's own."""
    there = [number for number in range(1, 65) if mask >> number - 1 & 1 and number not in (32, 33)]
    return " ".join(signal.Signals(number).name if number < 32 else str(number) for number in there) or "none"


def signals(pid):
    masks = {name: int(line(pid, name)[0], 16) for name in ("SigCgt", "SigIgn", "SigBlk", "SigPnd", "ShdPnd")}
    return (f"caught {names(masks['SigCgt'])}; ignored {names(masks['SigIgn'])}; blocked {names(masks['SigBlk'])}; "
            f"pending {names(masks['SigPnd'] | masks['ShdPnd'])}")


ROWS = {"address space": (memory, "maps"), "program counter": (lambda pid: "0x%x, in %s" % counter(pid), "syscall"),
        "registers": (registers, "syscall"), "open files": (files, "fd"), "PID": (identity, "status"),
        "credentials": (credentials, "status"), "signal handlers": (signals, "status")}


def again(source, pid, name, value):
    if source == f"/proc/{pid}" and name in ROWS:
        read_row, file = ROWS[name]
        return {"value": read_row(pid), "file": file}
    # On arm64 a call that was interrupted by a tracer shows the address of the call itself, not the one behind it.
    if source == "PTRACE_GETREGSET" and name == "program counter" and platform.machine() == "x86_64":
        try:
            return f"0x{counter(pid)[0]:x}"
        except Running:
            return None
    return None
