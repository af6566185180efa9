"""The picture that address-space draws of itself, read again: region by region in /proc/PID/maps."""
import os

WHAT = {"stack": "calls and their local variables", "mappings": "libraries, other files", "heap": "malloc(), sbrk()",
        "BSS": "globals without: without_value", "data": "globals with a value: with_value", "text": "code: forty_two()"}


def mappings(pid):
    """(start, end, permissions, path) of each."""
    with open(f"/proc/{pid}/maps") as maps:
        for line in maps.read().splitlines():
            span, perms, _, _, _, *path = line.split(None, 5)
            start, end = (int(number, 16) for number in span.split("-"))
            yield start, end, perms, path[0] if path else ""


def regions(pid):
    """Region to [(start, end, permissions)], mappings only between heap and stack."""
    exe, found, last = os.readlink(f"/proc/{pid}/exe"), {name: [] for name in WHAT}, (0, "")
    for start, end, perms, path in mappings(pid):
        if path == exe:
            region = "text" if perms[2] == "x" else "data" if perms[1] == "w" else None
        elif path in ("[stack]", "[heap]"):
            region = path.strip("[]")
        elif not path and last == (start, exe):
            region = "BSS"
        else:
            region = "mappings" if found["heap"] and not found["stack"] else None
        if region:
            found[region].append((start, end, perms))
        last = end, path
    return found


def again(source, pid, name, value):
    if not source.endswith("/maps"):
        return None
    if name in WHAT:
        spans = regions(pid)[name]
        size = sum(end - start for start, end, _ in spans) // 1024
        return {"from": f"0x{spans[0][0]:x}", "size": f"{size} KiB", "perms": "" if name == "mappings" else spans[0][2],
                "what is there": WHAT[name]}
    for start, end, _, path in mappings(pid):
        if path == name:
            return f"0x{start:x}-0x{end:x}"
    return None
