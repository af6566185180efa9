"""output.py - NAME.output: terminal, pipe and file get the same lines, JSON and text agree, nothing is lost unnoticed."""
import json
import os
import re
import subprocess
import unicodedata

import judge
import terminal
from judge import BROKE, HOLDS, USAGE, Failure, read

WIDTH = 79
MARKS = {"holds": "✓", "refuted": "✗", "differs": "≈", "skipped": "○"}


def width(line):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 0 if unicodedata.combining(c) else 1 for c in line)


def check_width(what, text, limit=WIDTH):
    for line in text.splitlines():
        if width(line) > limit:
            raise Failure(f"{what}: a line of {width(line)} columns: {line!r}")


def on_terminal(demo, *options, env=None):
    """What a terminal of 80 columns gets."""
    ours, its = terminal.opened()
    process = demo.start(*options, stdout=its, stderr=its, env=env, start_new_session=True)
    text = terminal.all_shown(process, ours, seconds=judge.RUN_SECONDS)
    os.close(its), os.close(ours)
    status = demo.wait(process)
    left = demo.left_behind()
    if left:
        raise Failure(f"left behind on a terminal: {', '.join(left)}")
    return status, text


def through_pipe(demo, *options):
    process = demo.start(*options, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = process.stdout.read(), process.stderr.read()
    process.stdout.close(), process.stderr.close()
    return judge.Result(process.args, demo.wait(process), out, err, 0)


def with_environment(demo, **change):
    return {**demo.environment(), **change}


def check_same_everywhere(demo):
    file = demo.run("--stable")
    if file.status not in (HOLDS, judge.SKIPPED):
        raise Failure(str(file))
    status, shown = on_terminal(demo, "--stable")
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    plain = re.sub(r"(\r     measuring +\d+ %)*\r {20}\r", "", plain)  # progress, on standard error
    pipe = through_pipe(demo, "--stable")
    for what, text, other in (("a terminal", plain, status), ("a pipe", pipe.out, pipe.status)):
        if other != file.status:
            raise Failure(f"{what} has it end with {other}, a file with {file.status}")
        if text != file.out:
            raise Failure(f"{what} and a file get different lines: {first_difference(text, file.out)}")
    if "\x1b" in pipe.out or "\x1b" in file.out:
        raise Failure("escape sequences in a pipe or a file")
    if "\x1b" not in shown:
        raise Failure("no colour on a terminal that has it")
    quiet = demo.run("--quiet")
    if quiet.out or quiet.err or quiet.status != file.status:
        raise Failure(f"--quiet reports nothing and ends the same: {quiet}")
    check_width("--stable", file.out)
    check_width("without --stable", demo.run().out)
    return file


def first_difference(a, b):
    for one, other in zip(a.splitlines() + ["(end)"], b.splitlines() + ["(end)"]):
        if one != other:
            return f"{one!r} and {other!r}"
    return "in the end of a line"


def check_colour(demo):
    if "\x1b[" not in demo.run("--stable", "--color=always").out:
        raise Failure("--color=always writes no colour")
    for change in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        if "\x1b" in on_terminal(demo, "--stable", env=with_environment(demo, **change))[1]:
            raise Failure(f"escape sequences with {change}")
    plain = demo.run("--stable", env=with_environment(demo, LC_ALL="C"))
    if not plain.out.isascii():
        raise Failure(f"LC_ALL=C: not ASCII: {[line for line in plain.out.splitlines() if not line.isascii()][0]!r}")
    check_width("LC_ALL=C", plain.out)


def check_text_is_json(demo, text):
    """Each verdict of --json stands in the text, in the same order, with its mark, its sentence and its evidence."""
    events = demo.run("--stable", "--json")
    rest = " ".join(text.out.split())
    for event in events.verdicts().values():
        said = [f"{MARKS[event['verdict']]} {event['sentence']}", event["evidence"], event.get("reason", "")]
        if judge.is_measured(event):  # what may change in each run is masked
            said = [f"{MARKS['differs']} {event['sentence']}", event["evidence"]]
        for part in (" ".join(text.split()) for text in said if text):
            _, found, rest = rest.partition(part)
            if not found:
                raise Failure(f"{event['claim']} {event['verdict']} in JSON, and the text does not go on with {part!r}")
    if events.without_measured() != demo.run("--stable", "--json").without_measured():
        raise Failure("two runs with --stable --json differ")
    return len(events.events())


def check_writes(demo, sanitized):
    """Each event is one write(2): of text as many as --json has lines, of JSON each one whole line."""
    if sanitized or not judge.can_trace(demo):
        if judge.MUST_WORK and not sanitized:
            raise judge.Skip("no strace, or it may not trace: whether each event is one write(2) was not looked at")
        return "; not looked at: whether each event is one write(2) (no strace, or a sanitizer that forbids it)"
    wanted = None  # a demo that is traced already may have fewer: what it must skip. So they are counted in such a run.
    for options in (["--stable", "--json"], ["--stable"]):
        log, out = os.path.join(demo.place, "writes"), os.path.join(demo.place, "out")
        with open(out, "wb") as stdout:
            run = demo.run(*options, stdout=stdout,
                           command=["strace", "-f", "-y", "-qq", "--seccomp-bpf", "-e", "signal=none", "-s", "0", "-o", log,
                                    "-e", "trace=write,writev,pwrite64,pwritev,sendfile,splice", demo.path])
        if run.status not in (HOLDS, judge.SKIPPED):
            raise Failure(f"under strace: {run}")
        events = [] if wanted else [json.loads(line) for line in read(out).splitlines()]
        wanted = wanted or {"--json": len(events), "--stable": sum("tabled" not in event for event in events)}
        calls = [line for line in read(log, "r").splitlines() if f"<{out}>" in line]
        others = [line for line in calls if not re.match(r"\d+ +write\(1<", line)]
        if others or len(calls) != wanted[options[-1]]:
            raise Failure(f"{wanted[options[-1]]} events leave in {len(calls)} writes with {' '.join(options)}: {others[:1]}")
    return ""


def check_lost_output(demo):
    """A report that cannot be written ends in a message and status 70, never in silence or by a signal."""
    with open("/dev/full", "wb") as full, open("/dev/null", "rb") as unwritable:
        rows = {"/dev/full": {"stdout": full}, "a closed standard output": {"preexec_fn": lambda: os.close(1)},
                "a standard output open for reading only": {"stdout": unwritable}, "a reader that is gone": {}}
        for what, popen in rows.items():
            for option in ("--json", "--stable", "--help") if what == "/dev/full" else ("--json",):
                if what == "a reader that is gone":
                    reader, writer = os.pipe()
                    os.close(reader)
                    popen = {"stdout": writer}
                result = demo.run(option, **popen)
                if what == "a reader that is gone":
                    os.close(writer)
                if result.status != BROKE or not result.err.strip():
                    raise Failure(f"{what}: wants status 70 and a message: {result}")


def check_options(demo):
    for option in ("--help", "--usage", "--version", "--why", "--list"):
        result = demo.run(option)
        if result.status != 0 or result.err or not result.out.strip() or "\x1b" in result.out:
            raise Failure(f"{option}: {result}")
        if option != "--list":
            check_width(option, result.out)
        if re.search(r"\b(TODO|FIXME|XXX)\b", result.out):
            raise Failure(f"{option} is not written yet")
    check_width("--list on a terminal", on_terminal(demo, "--list")[1], 80)
    claims = len(demo.run("--json").verdicts())
    if len(demo.listed()) != claims:
        raise Failure(f"--list has {len(demo.listed())} lines for {claims} claims")
    wrong_usage = [["--no-such-option"], ["--color=purple"], ["--color"], ["--predict"]]
    if not re.search(r"\[(PROGRAM|PATH)\b", demo.run("--usage").out):  # any word may be one
        wrong_usage.append(["a-word"])
    for wrong in wrong_usage:
        result = demo.run(*wrong)
        if result.status != USAGE or not result.err.strip() or result.out:
            raise Failure(f"wrong usage wants status 64, a message and no report: {result}")
    with_path = demo.run("--version", command=[b"\xff\n) Z 1 ("], executable=demo.path)
    if not with_path.out.startswith(f"{demo.name} "):
        raise Failure(f"called by another name, --version says {with_path.out!r}")


def check_predict(demo):
    """Each question is asked, answered with 2, and when its claim is decided compared, with the reason."""
    ours, its = terminal.opened()
    process = demo.start("--predict", "--color=never", stdin=its, stdout=its, stderr=its, start_new_session=True)
    answered = 0

    def answer(text):
        nonlocal answered
        while text.count(b"your answer (1 to") > answered:
            answered += 1
            os.write(ours, b"2\n")

    text = terminal.all_shown(process, ours, answer, judge.RUN_SECONDS)
    os.close(its), os.close(ours)
    status = demo.wait(process)
    if status not in (HOLDS, judge.SKIPPED):
        raise Failure(f"--predict ends with {status}: {text}")
    check_width("--predict", text)
    asked, reasons = text.count("your answer (1 to"), text.count("     because: ")
    said = len(re.findall(r"^     you said( so)?: ", text, re.MULTILINE))
    if not asked or reasons != said or said > asked or (said < asked and "skipped: " not in text):
        raise Failure(f"--predict asks {asked} questions, compares {said} answers, with {reasons} reasons: {text}")


def output(demo, build="plain"):
    text = check_same_everywhere(demo)
    events = check_text_is_json(demo, text)
    check_predict(demo)
    check_colour(demo)
    writes = check_writes(demo, build == "sanitized")
    demo.without_events()  # which the rest has nothing to do with
    check_lost_output(demo)
    check_options(demo)
    return f"{len(text.out.splitlines())} lines, the same on a terminal, in a pipe and in a file; {events} events{writes}"


if __name__ == "__main__":
    judge.main(output)
