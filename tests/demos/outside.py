"""outside.py - NAME.outside: holds the demo at a step and sees the same thing with another reader.

--step --json stops at each event with "hold": true until a line arrives on standard input. While it is held, what it
observed last of each process is read once more, by plain reads and by ps(1), and the commands it gives its reader are run.

    agree     the fact was read again, and is the same
    moved on  it differs, and the demo did something in between (an act, or the process that was seen has run since)
    gone      the process is not there any more
    unknown   no plain file of /proc with a fact of that name: a hook, outside/NAME.py, may know it

A hook is a module with a function again(source, pid, name, value), which returns what it reads for that fact now, or None;
for a row of a table, value and what it returns are the cells by the names of their columns.
It may also have look(command), which returns another command to run in the place of one that only makes sense for people.
"""
import collections
import glob
import importlib.util
import os
import re
import select
import subprocess
import time

import judge
from judge import Failure, Hang, json, read

# Fields of /proc/PID/stat from the state on, by their names in proc(5).
STAT = ("state ppid pgrp session tty_nr tpgid flags minflt cminflt majflt cmajflt utime stime cutime cstime priority nice "
        "num_threads itrealvalue starttime vsize rss rsslim startcode endcode startstack kstkesp kstkeip signal blocked "
        "sigignore sigcatch wchan nswap cnswap exit_signal processor rt_priority policy delayacct_blkio_ticks guest_time "
        "cguest_time start_data end_data start_brk arg_start arg_end env_start env_end exit_code").split()
STAT_ALIASES = {"threads": "num_threads", "start_ticks": "starttime", "rss_pages": "rss", "vsize_bytes": "vsize"}
BINARY = {"pagemap", "mem", "auxv"}
# What stays the same for a process that runs on: the demo itself, which has done a lot since it looked at itself.
FOR_LIFE = {"pid", "Pid", "Tgid", "ppid", "PPid", "NSpid", "NSpgid", "pgrp", "session"}


def entry_of(source):
    """'/proc/4243/fd' as (4243, 'fd'), anything else as None."""
    match = re.fullmatch(r"/proc/(\d+)/([\w/*]+)", source)
    return match and (int(match[1]), match[2])


def call_name(nr):
    """The name of a system call, where the kernel's headers are installed."""
    headers = glob.glob("/usr/include/*/asm/unistd_64.h") + glob.glob("/usr/include/asm*/unistd*.h")
    for header in headers:
        match = re.search(rf"#define __NR_(\w+)\s+{nr}\b", read(header, "r"))
        if match:
            return match[1]
    return None


def read_again(pid, file):
    """The facts of a file (or folder) of /proc/PID, by name, all as text."""
    path = f"/proc/{pid}/{file}"
    if file.endswith("/children"):  # how many there are
        return {"children": str(sum(len(read(one).split()) for one in glob.glob(path)))}
    if file == "fd":
        return {name: os.readlink(os.path.join(path, name)) for name in os.listdir(path)}
    if file in ("cwd", "exe", "root") or file.startswith(("fd/", "ns/")):
        return {"link": os.readlink(path), file: os.readlink(path)}
    if file.endswith("stat") and not file.endswith("schedstat"):
        name, fields = judge.stat_of(f"{pid}/{file[:-len('/stat')]}" if "/" in file else pid)
        known = dict(zip(STAT, (field.decode() for field in fields)))
        known.update({alias: known[real] for alias, real in STAT_ALIASES.items()})
        return {**known, "pid": str(pid), "comm": os.fsdecode(name)}
    text = os.fsdecode(read(path))
    if file == "syscall":
        nr, *arguments = text.split()
        named = {"nr": nr, "call": call_name(nr)}
        return {**named, "fd": str(int(arguments[0], 16))} if arguments else named
    if file in ("wchan", "comm"):
        return {file: text.rstrip("\n")}
    facts = {}
    for line in text.splitlines():  # "Name:   value", as in status, smaps_rollup, fdinfo, limits, io
        name, colon, value = line.partition(":")
        if colon:
            facts.setdefault(name, value.strip())
    return facts


def same(value, text):
    """Does a fact's value mean what the file says? 'S (sleeping)', '1984 kB', '0\t0\t0\t0', '0000000000004000'"""
    if isinstance(value, dict):  # a row of a table: only a hook can have read it again
        return value == text
    text = str(text)
    first = text.split()[0] if text.split() else ""
    if isinstance(value, int):
        numbers = {int(first, base) for base in (10, 16, 8) if re.fullmatch(r"-?[0-9a-f]+", first)
                   and (base == 16 or not re.search("[a-f]", first)) and (base != 8 or not re.search("[89]", first))}
        return value in numbers
    return value == text or value == first or value.split() == text.split()


class Watcher:
    def __init__(self, demo, hook):
        self.demo, self.hook = demo, hook
        self.seen = {}                        # (pid, source, fact) to (value, number of the event)
        self.n = self.last_act = 0
        self.last_word = collections.Counter()  # pid to the number of its last event
        self.counts = collections.Counter()
        self.unknown, self.failures = set(), []

    def event(self, event):
        self.n += 1
        self.last_word[event["pid"]] = self.n
        if event["kind"] == "act" and not event.get("look") and not event.get("hold"):
            self.last_act = self.n
        if event["kind"] == "observation" and "of" in event and "at" not in event:
            for name, value in event["facts"].items():
                self.seen[event["of"], event["source"], name] = (value, self.n)

    def held(self, main, look):
        """The demo is held: everything of it sleeps or has ended, so what we read now is what it saw last."""
        for (pid, source, name), (value, n) in self.seen.items():
            verdict = self.compare(main, pid, source, name, value, n)
            self.counts[verdict] += 1
            if verdict == "unknown":
                self.unknown.add(f"{name} of {re.sub(r'[0-9]+', 'PID', source, count=1)}")
        self.ask_ps({pid for pid, _, _ in self.seen})
        self.seen.clear()
        if look:
            self.look(look)

    def compare(self, main, pid, source, name, value, n):
        try:
            text = self.fact_now(pid, source, name, value)
        except (FileNotFoundError, ProcessLookupError):
            return "gone"
        except OSError as error:
            self.failures.append(f"{source}: {error}")
            return "different"
        if text is None:
            return "unknown"
        if same(value, text):
            return "agree"
        has_run = (pid == main or self.last_word[pid] > n or self.last_act > n) and name not in FOR_LIFE
        if has_run:
            return "moved on"
        self.failures.append(f"{source}: {name} was {value!r} for the demo and is {text!r} for us")
        return "different"

    def fact_now(self, pid, source, name, value):
        if self.hook and hasattr(self.hook, "again"):
            text = self.hook.again(source, pid, name, value)
            if text is not None:
                return text
        entry = entry_of(source)
        if entry is None or entry[1] in BINARY:
            return None
        if not os.path.exists(f"/proc/{entry[0]}"):
            raise ProcessLookupError
        return read_again(*entry).get(name)

    def ask_ps(self, pids):
        """ps(1) must see the same state and parent as we do, of what is the same before and after it looks."""
        def state_and_parent(pid):
            try:
                return [field.decode() for field in judge.stat_of(pid)[1][:2]]
            except OSError:
                return None

        there = {pid: state_and_parent(pid) for pid in pids if os.path.exists(f"/proc/{pid}")}
        if not there:
            return
        command = ["ps", "-o", "pid=,ppid=,stat=", "-p", ",".join(map(str, there))]
        ps = subprocess.run(command, capture_output=True, text=True)
        lines = {int(line.split()[0]): line.split()[1:] for line in ps.stdout.splitlines()}
        for pid, before in there.items():
            if before is None or state_and_parent(pid) != before:
                continue
            state, ppid = before
            if pid not in lines or lines[pid][0] != ppid or lines[pid][1][0] != state:
                self.failures.append(f"ps says {lines.get(pid)} of {pid}, /proc/{pid}/stat says ppid {ppid}, state {state}")
            else:
                self.counts["ps agrees"] += 1

    def look(self, command):
        if self.hook and hasattr(self.hook, "look"):
            command = self.hook.look(command) or command
        run = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=judge.RUN_SECONDS,
                             env=self.demo.environment())
        if run.returncode != 0 or not run.stdout.strip() or run.stderr.strip():
            self.failures.append(f"look yourself: {command}: exit status {run.returncode}, "
                                 f"prints {run.stdout.strip()!r} {run.stderr.strip()!r}")
        self.counts["look"] += 1


def lines_of(demo, process):
    """Its lines as they come; ends with its output. A line that does not come in time is a Hang."""
    buffer, fd = b"", process.stdout.fileno()
    deadline = time.monotonic() + judge.RUN_SECONDS
    while True:
        if not select.select([fd], [], [], max(0, deadline - time.monotonic()))[0]:
            raise Hang(f"hangs: no event for {judge.RUN_SECONDS:g} s, and it is not held")
        chunk = os.read(fd, 65536)
        if not chunk:
            return
        buffer += chunk
        *lines, buffer = buffer.split(b"\n")
        yield from (json.loads(line) for line in lines)


def load_hook(name):
    path = os.path.join(judge.HERE, "outside", f"{name}.py")
    if not os.path.exists(path):
        return None
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def outside(demo):
    judge.need_tool("ps", "procps")
    watcher = Watcher(demo, load_hook(demo.name))
    process = demo.start("--step", "--json", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    holds = 0
    try:
        for event in lines_of(demo, process):
            watcher.event(event)
            if event["kind"] == "act" and event.get("hold"):
                holds += 1
                watcher.held(process.pid, event.get("look"))
                process.stdin.write(b"\n")
                process.stdin.flush()
    finally:
        process.stdin.close()
        process.stdout.close()
        status = demo.wait(process)
        left = demo.left_behind()
    judge.fail_with(watcher.failures, "times another reader saw something else")
    if status not in (judge.HOLDS, judge.SKIPPED):
        raise Failure(f"with --step: {judge.ending(status)}")
    if left:
        raise Failure(f"left behind: {', '.join(left)}")
    if status == judge.SKIPPED:
        raise judge.Skip("the demo can show nothing here")
    if not watcher.counts["agree"]:
        raise Failure(f"nothing could be compared at {holds} holds: {dict(watcher.counts)}; "
                      f"unknown: {sorted(watcher.unknown)}")
    unknown = f"; unknown: {', '.join(sorted(watcher.unknown))}" if watcher.unknown else ""
    return f"held {holds} times: {judge.count(watcher.counts.elements())}{unknown}"


if __name__ == "__main__":
    judge.main(outside)
