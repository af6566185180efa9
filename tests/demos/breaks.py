"""breaks.py - NAME.break: each --break refutes exactly the claim it is meant to refute.

A cost is never refuted. A --break turns it: where it holds, it then differs, or is not decided any more, and nothing is
refuted. Where it does not hold in the first place, nothing can be turned. A cost is measured with the options for a small run.
"""
import judge
from judge import HOLDS, REFUTED, SKIPPED, USAGE, Failure


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


def check_turn(demo, what, claim, options, small):
    """None, or why it could not be tried. With a little time: in none at all nothing is measured that can be relied on."""
    env = {**demo.environment(), "PROCLAB_SECONDS": "0.1"}
    usual = demo.run("--json", *small, env=env).verdicts()[claim]
    if usual["verdict"] != "holds":
        return f"{what}: {claim} does not hold here, so that nothing can be turned: {usual['evidence'] or usual['reason']}"
    result = demo.run("--json", *options, *small, env=env)
    if result.events()[0].get("break") != what:
        raise Failure(f"{' '.join(options)}: its start event does not say that {what!r} was taken out")
    event = result.verdicts()[claim]
    undecided = event["verdict"] == "skipped" and event["evidence"]  # it was measured
    if event["verdict"] != "differs" and not undecided:
        raise Failure(f"--break {what} must turn {claim}, which holds without it; it is {event['verdict']}: {event['evidence']}")
    if result.refuted() or result.status not in (HOLDS, SKIPPED):
        raise Failure(f"--break {what} must turn {claim} and refute nothing; it refutes {result.refuted()}: {result}")
    return None


def breaks(demo, *small):
    known = demo.breaks()
    claims = {row[0]: row[1] for row in demo.listed()}
    unknown = demo.run("--break", "no-such-thing")
    if unknown.status != USAGE or not all(what in unknown.err for what in known):
        raise Failure(f"--break of an unknown thing must end with 64 and name what there is: {unknown}")
    if not known:
        return "nothing can be taken out of this demo"
    untried, tried, fact_untried = [], [], False
    for i, (what, claim) in enumerate(known.items()):
        if claim not in claims:
            raise Failure(f"--break {what} is to refute {claim}, which --list does not have")
        cost = claims[claim] == "cost"
        options = ["--break", what] if i else ["--break"]  # a bare one: the first
        why = check_turn(demo, what, claim, options, small) if cost else check_break(demo, what, claim, options)
        tried += [f"{what} {'turns' if cost else 'refutes'} {claim}"] if why is None else []
        untried += [why] if why is not None else []
        fact_untried = fact_untried or (why is not None and not cost)
    if fact_untried or not tried:
        raise judge.Skip("; ".join(untried))
    return "; ".join(tried + untried)  # that a cost does not hold on this machine is nobody's fault


if __name__ == "__main__":
    judge.main(breaks)
