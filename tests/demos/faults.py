"""faults.py - NAME.faults: each system call of the demo fails once with each plausible errno (strace -e inject).

Afterwards: no hang, no death by a signal, nothing left behind; and
    status 70 or 77       with a message that names the call
    status 1              only where the refuted claim's evidence names the call (counted in the report)
    status 0              only if every verdict is the usual one, or skipped for a reason
The calls of the dynamic loader and of the option parser, which "NAME --version" makes as well, are not the demo's own.
strace counts for each process apart: a fault that hits the third openat of the demo hits the third one of each of its
children, too. A child's call that the loader makes more often than the child cannot be reached; the report names them.
"""
import collections
import itertools
import os
import re

import judge
from calls import NAMES, NEVER_FAIL, PLAUSIBLE
from judge import BROKE, HOLDS, REFUTED, SKIPPED, USAGE, Failure, Hang, Skip, read

SHORT_SECONDS = 2                  # the everyday form: so many faults, the most different ones first, as take about so long,
FEWEST, MOST = 12, 200             # within these bounds
HANG_SECONDS = 12 * judge.scale()  # the demo's own deadline is set to 5 s
ENOUGH_HANGS = 2                   # after so many the sweep ends: it has failed anyway
PAIRS = 400                        # of faults, in the long form
STRACE = ["strace", "-f", "-y", "-qq", "-s", "0", "-e", "signal=none"]

# In the log: a write to standard error that was made to fail; where several processes run, in two lines.
MESSAGE_HIT = re.compile(r"^(\d+) +write\(2<(?:.*INJECTED|.*<unfinished(?:.*\n)+?\1 +<\.\.\. write resumed>.*INJECTED)", re.M)

Call = collections.namedtuple("Call", "name line")
Fault = collections.namedtuple("Fault", "call errno when")


def strace(demo, log, *options):
    return demo.run("--json", *demo.small, command=[*STRACE, "-o", log, *options, demo.path], seconds=HANG_SECONDS,
                    env={**demo.environment(), "PROCLAB_DEADLINE_SCALE": str(0.25 * judge.scale())})


def traced(demo, *options):
    """One run under strace: the calls of each process in their order, the demo's own first; and the run."""
    log = os.path.join(demo.place, "trace")
    result = demo.run(command=[*STRACE, "-o", log, demo.path, *options])
    calls = collections.defaultdict(list)
    for line in os.fsdecode(read(log)).splitlines():
        match = re.match(r"(\d+) +(\w+)\(", line)
        if match:
            calls[match[1]].append(Call(match[2], line))
    return list(calls.values()), result


def own_calls(demo):
    """What can be made to fail, (call, occurrence) to how strace shows it; the unfaulted run; the calls it cannot reach."""
    processes, usual = traced(demo, "--json", *demo.small)
    if usual.status not in (HOLDS, SKIPPED):
        raise Failure(f"under strace: {usual}")
    do_nothing = traced(demo, "--version")[0][0]
    main = processes[0]
    start = sum(1 for _ in itertools.takewhile(lambda pair: pair[0].name == pair[1].name, zip(main, do_nothing)))
    loader = collections.Counter(call.name for call in main[:start])
    reachable, unreachable = {}, set()
    for process in processes:
        if process is not main and any(call.name.startswith("execve") for call in process):
            continue  # another program from there on
        seen = collections.Counter()
        for i, call in enumerate(process):
            seen[call.name] += 1
            if seen[call.name] > loader[call.name]:
                reachable.setdefault((call.name, seen[call.name]), call.line)
            elif process is not main:
                unreachable.add((call.name, seen[call.name]))
    return reachable, usual, {name for name, _ in unreachable if name in PLAUSIBLE}


def can_happen(errno, line, pids):
    """EINTR only where a call waits: not with WNOHANG, not in a file. kill() cannot fail for one's own child."""
    killed = re.match(r"\d+ +kill\((-?\d+)", line)
    if killed and killed[1].lstrip("-") in pids:
        return False
    if errno != "EINTR":
        return True
    if "WNOHANG" in line or "MSG_DONTWAIT" in line or "IPC_NOWAIT" in line:
        return False
    return not re.match(r"\d+ +(read|pread64|write)\(\d+<(?!pipe:|socket:|/dev/(pts|tty))", line)


def faults_of(reachable):
    """The faults in the order of their worth: every call's first occurrence, its last, one in the middle; then the other
    errnos; then all the rest."""
    occurrences = collections.defaultdict(list)
    for name, n in reachable:
        occurrences[name].append(n)
    unknown = set(occurrences) - set(PLAUSIBLE) - NEVER_FAIL
    if unknown:
        raise Failure(f"calls.py has nothing on {', '.join(sorted(unknown))}: add what it may fail with")
    pids = {line.split()[0] for line in reachable.values()}
    rounds = collections.defaultdict(list)
    for name in sorted(set(occurrences) & set(PLAUSIBLE)):
        there = sorted(occurrences[name])
        places = {there[0]: 0, there[-1]: 1, there[len(there) // 2]: 2}
        places[there[0]] = 0
        for n in there:
            for i, errno in enumerate(e for e in PLAUSIBLE[name] if can_happen(e, reachable[name, n], pids)):
                rounds[places.get(n, 9) + 3 * i].append(Fault(name, errno, n))
    return [fault for _, faults in sorted(rounds.items()) for fault in faults]


def named(call, text):
    return any(name in text for name in NAMES[call])


def reported(result, faults, usual, mute):
    """None where the run reported its faults as it must, else what is wrong. mute: a fault hit its very message."""
    try:
        verdicts, outcomes = result.verdicts(), result.outcomes()
    except Failure as failure:
        return str(failure)
    reasons = [event["reason"] for event in verdicts.values() if event["verdict"] == "skipped"]
    said = " ".join([result.err] + reasons)
    if result.status == HOLDS or (result.status == SKIPPED and outcomes == usual):  # skipped, as without a fault
        changed = [claim for claim, usually in usual.items() if outcomes.get(claim) not in (usually, "skipped")]
        return f"status {result.status}, but not the usual verdict on {changed}" if changed else None
    if result.status == REFUTED:
        evidence = {claim: verdicts[claim]["evidence"] + result.err for claim in result.refuted()}
        unfounded = [claim for claim, text in evidence.items() if not any(named(fault.call, text) for fault in faults)]
        return f"refutes {unfounded}, and the evidence names no failed call" if unfounded else None
    if result.status in (BROKE, SKIPPED, USAGE):
        return None if mute or any(named(fault.call, said) for fault in faults) else "no message names the call"
    return "no way to end"


def inject(demo, faults, usual):
    """Runs the demo with these faults: how it ended, in a word; and what is wrong with that, or None."""
    log = os.path.join(demo.place, "faults")
    options = ["--seccomp-bpf", "-e", "trace=" + ",".join({fault.call for fault in faults})]
    for fault in faults:
        options += ["-e", f"inject={fault.call}:error={fault.errno}:when={fault.when}"]
    what = ", ".join(f"{fault.call} number {fault.when} fails with {fault.errno}" for fault in faults)
    try:
        try:
            result = strace(demo, log, *options)
        except Hang:
            result = strace(demo, log, *options)  # once more before we believe it
    except Failure as failure:
        return "hang" if isinstance(failure, Hang) else "leftover", f"{what}: {failure}"
    made = os.fsdecode(read(log))
    wrong = reported(result, faults, usual, mute=MESSAGE_HIT.search(made))
    if wrong:
        wrong = (f"{what}: {wrong}: {judge.ending(result.status)}, {result.err.strip()[-200:]!r}"
                 f" with: strace -f {' '.join(options[1:])} {demo.name} --json")
    return f"status {result.status}" if "(INJECTED)" in made else "not made this time", wrong


def pairs_of(faults, most):
    """Two calls that fail in one run: what the demo does about the first meets the second."""
    first = [fault for fault in faults if fault.errno == PLAUSIBLE[fault.call][0]]
    pairs = [(a, b) for a, b in itertools.combinations(first, 2) if a.call != b.call]
    return [list(pair) for pair in pairs[::max(1, len(pairs) // most)]]


def sweep(demo, form="short", *small):
    """small: the options that keep the demo's work small, so that more of its calls can fail in the same time."""
    demo.small = small
    demo.without_events()  # hundreds of calls more, and all of them may fail: /proc is the only witness then
    judge.need_tool("strace", "strace")
    if not judge.can_trace(demo):
        raise Skip("strace may not trace here: allow ptrace (kernel.yama.ptrace_scope, or the container's seccomp profile)")
    reachable, unfaulted, unreachable = own_calls(demo)
    usual = unfaulted.outcomes()
    everything = faults_of(reachable)
    work = [[fault] for fault in everything]
    if form == "long":
        work += pairs_of(everything[:200], PAIRS)
    else:
        work = work[:min(MOST, max(FEWEST, int(SHORT_SECONDS / unfaulted.seconds)))]
    endings, failures = collections.Counter(), []
    for faults in work:
        ended, wrong = inject(demo, faults, usual)
        endings[ended] += 1
        if wrong:
            failures.append(wrong)
        if endings["hang"] == ENOUGH_HANGS:
            failures.append("the sweep ends here: it hangs too often")
            break
    judge.fail_with(failures, f"of {len(work)} faults were not reported as they must")
    hidden = f"; not reached, since the loader makes more of them: {' '.join(sorted(unreachable))} of children" if unreachable else ""
    return f"{len(work)} of {len(everything)} faults: {', '.join(f'{n} {how}' for how, n in sorted(endings.items()))}{hidden}"


if __name__ == "__main__":
    judge.main(sweep)
