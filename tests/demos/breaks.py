"""breaks.py - NAME.break: each --break refutes exactly the claim it is meant to refute."""
import judge
from judge import REFUTED, USAGE, Failure


def check_break(demo, what, claim, options):
    """None, or why it could not be tried."""
    result = demo.run("--json", *options)
    verdicts = result.verdicts()
    start = result.events()[0]
    if start.get("break") != what:
        raise Failure(f"{' '.join(options)}: its start event says that {start.get('break')!r} was taken out, not {what!r}")
    if claim in verdicts and verdicts[claim]["verdict"] == "skipped":
        return f"{what}: {claim} is skipped here, {verdicts[claim]['reason']}"
    if result.refuted() != [claim] or result.status != REFUTED:
        raise Failure(f"--break {what} must refute {claim} alone and end with 1; "
                      f"it refutes {result.refuted() or 'nothing'}: {result}")
    for event in result.events():
        if event["kind"] == "witness" and not event["agrees"]:
            raise Failure(f"--break {what}: the kernel's events do not say what /proc says: {event}")
    return None


def breaks(demo):
    known = demo.breaks()
    claims = {row[0] for row in demo.listed()}
    unknown = demo.run("--break", "no-such-thing")
    if unknown.status != USAGE or not all(what in unknown.err for what in known):
        raise Failure(f"--break of an unknown thing must end with 64 and name what there is: {unknown}")
    if not known:
        return "nothing can be taken out of this demo"
    untried = []
    for i, (what, claim) in enumerate(known.items()):
        if claim not in claims:
            raise Failure(f"--break {what} is to refute {claim}, which --list does not have")
        untried.append(check_break(demo, what, claim, ["--break", what] if i else ["--break"]))  # a bare one: the first
    untried = [why for why in untried if why is not None]
    if untried:
        raise judge.Skip("; ".join(untried))
    return "; ".join(f"{what} refutes {claim}" for what, claim in known.items())


if __name__ == "__main__":
    judge.main(breaks)
