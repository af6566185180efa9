"""What the kernel noted of the peer (SO_PEERCRED), read again in the /proc/PID/status of the client."""


def again(source, pid, name, value):
    if not source.startswith("SO_PEERCRED"):
        return None
    with open(f"/proc/{pid}/status") as status:
        lines = dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)
    effective = 1  # real, effective, saved, file system
    return {"pid": lines["Pid"], "uid": lines["Uid"].split()[effective], "gid": lines["Gid"].split()[effective]}[name]
