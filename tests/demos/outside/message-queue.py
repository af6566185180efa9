"""What waits in the queues, read again: the text of a POSIX queue's descriptor, and the table of the System V queues."""


def again(source, pid, name, value):
    if name == "QSIZE":
        with open(source) as queue:
            return queue.read().split()[0].partition(":")[2]
    if source == "msgctl(IPC_STAT)":
        with open("/proc/sysvipc/msg") as table:
            heading, *rows = (line.split() for line in table)
        for row in rows:
            cells = dict(zip(heading, row))
            if cells["perms"] == "600" and cells["qnum"] != "0":
                return cells[name]
    return None
