"""prove.py - exercise.NAME: the original is judged wrong for its own reason, the solution right, and what students also try
as tried/NAME.txt says.

    prove.py NAME short       of what has the same reason only the first, of that of another exercise nothing
    prove.py NAME [TIMES]     all of it; with TIMES, so often each
    prove.py hostile          programs that hang, crash, flood, fork and kill, in the place of any exercise

A section of such a file is a line "== what was tried: REASON...", then what it does to the original, as in a diff: lines that
begin with a blank or - stand there, once; with a blank or + they stand there afterwards; an empty line ends each such place.
Or it is a whole program. One of the reasons must be the judge's; "wrong" is any, and "right" is what is right as well.
"""
import os
import re
import sys
import tempfile

import compiler
import exercise
import judge
import kernel

MUST_WORK = os.environ.get("PROCLAB_MUST_WORK") == "1"


def sections(name):
    """(what was tried, reasons, text) of each."""
    text = exercise.read(os.path.join(judge.HERE, "tried", f"{name}.txt"))
    found = re.findall(r"^== (.*): (.*)\n((?:(?!== ).*\n)*)", text, re.MULTILINE)
    if len(found) != len(re.findall("^==", text, re.MULTILINE)) or not found:
        sys.exit(f"tried/{name}.txt: a section does not begin with a line == WHAT: REASON")
    return [(what, reasons.split(), body.strip("\n") + "\n") for what, reasons, body in found]


def edited(original, body):
    if body[0] not in " -+\n":
        return body
    for place in re.split(r"\n\n+", body.strip("\n")) if body.strip() else []:
        lines = place.split("\n")
        old = "".join(line[1:] + "\n" for line in lines if line[0] in " -")
        new = "".join(line[1:] + "\n" for line in lines if line[0] in " +")
        if original.count(old) != 1:
            sys.exit(f"these lines stand in the original {original.count(old)} times, not once:\n{old}")
        original = original.replace(old, new)
    return original


def reasons_before(name):
    """Those that an exercise before this one has, in the order of the names."""
    return [reasons for other in exercise.names() if other < name for _, reasons, _ in sections(other)]


class Prover:
    def __init__(self, place, times):
        self.place, self.times, self.failures, self.count = place, times, [], 0

    def judged(self, name, text):
        """One verdict after the other."""
        source, binary = os.path.join(self.place, f"{name}.c"), os.path.join(self.place, name)
        with open(source, "w") as file:
            file.write(text)
        complaint = compiler.build([source], binary)
        if complaint:
            yield judge.Verdict("not-built", "", complaint.splitlines()[:20])
            return
        for _ in range(self.times):
            verdict = judge.judge(name, source, binary)
            if verdict.verdict == judge.CANNOT:
                print(f"skipped: {verdict.saw[0]}")
                sys.exit(1 if MUST_WORK else 77)
            yield verdict

    def must(self, what, name, text, reasons):
        for verdict in self.judged(name, text):
            self.count += 1
            if "data-race" in reasons and "(Not looked for: data races." in "".join(verdict.saw) and not MUST_WORK:
                print(f"{what}: {verdict.saw[0]}")
                continue
            if not {verdict.verdict, verdict.reason} & set(reasons):
                self.failures.append(f"{what}: {verdict.verdict} {verdict.reason}, not {' or '.join(reasons)}")
                self.failures += [f"    {line}" for line in verdict.saw]
            left = kernel.descendants(os.getpid())
            if left:
                self.failures.append(f"{what}: left behind: processes {sorted(left)}")
                kernel.kill_below(os.getpid())

    def prove(self, name, short):
        original = exercise.read(exercise.original(name))
        self.must("the solution", name, exercise.read(os.path.join(judge.HERE, "solutions", f"{name}.c")), ["right"])
        seen = reasons_before(name) if short else []
        for what, reasons, body in sections(name):
            if not short or reasons not in seen:
                self.must(what, name, edited(original, body), reasons)
            seen.append(reasons)

    def survive(self):
        names = exercise.names()
        for number, (what, reasons, body) in enumerate(sections("hostile")):
            name = names[number % len(names)]
            self.must(f"{name}: {what}", name, body, reasons)


def main(name, form="1"):
    short = form == "short"
    with tempfile.TemporaryDirectory(prefix="proclab-prove-") as place:
        prover = Prover(place, 1 if short else int(form))
        if name == "hostile":
            prover.survive()
        else:
            prover.prove(name, short)
    print(*prover.failures, sep="\n", end="\n" * bool(prover.failures))
    print(f"{prover.count} verdicts, {'not all' if prover.failures else 'all'} as they must be")
    return 1 if prover.failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
