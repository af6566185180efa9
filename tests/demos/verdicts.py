"""verdicts.py - the checks on one whole run with --json, shared by itself.py and unprivileged.py."""
import collections
import os
import re

from judge import HERE, HOLDS, KINDS, SKIPPED, Failure, Skip, is_measured, json, read

# What a reason for skipping must say besides what is missing: what the reader could do.
REMEDY = re.compile(r"\b(needs?|raise|lower|mount|run|set|install|enable|allow|give|use|root|sudo|wait)\b")


def check_schema(events):
    try:
        import jsonschema
    except ImportError:
        raise Skip("no jsonschema here, and so no check of the events: install python3-jsonschema")
    schema = json.loads(read(os.path.join(HERE, "event.schema.json")))
    for event in events:
        kind = event.get("kind")
        if kind not in schema["$defs"] or {"$ref": f"#/$defs/{kind}"} not in schema["oneOf"]:
            raise Failure(f"event of kind {kind!r}, which the schema does not know: {event}")
        rule = {"$schema": schema["$schema"], "$ref": f"#/$defs/{kind}", "$defs": schema["$defs"]}
        for error in jsonschema.Draft202012Validator(rule).iter_errors(event):
            raise Failure(f"an event is not as event.schema.json wants it: {error.message} in {event}")


def check_frame(demo, events):
    """One start, one end, steps in order, times that do not run backwards for any one process."""
    kinds = [event["kind"] for event in events]
    if kinds.count("start") != 1 or kinds.count("end") != 1 or kinds[0] != "start" or kinds[-1] != "end":
        raise Failure(f"the events do not begin with one start and end with one end: {kinds}")
    for event in (events[0], events[-1]):
        if event["demo"] != demo.name:
            raise Failure(f"{event['kind']} names {event['demo']!r}, not {demo.name!r}")
    steps = [event["n"] for event in events if event["kind"] == "step"]
    if steps != list(range(1, len(steps) + 1)):
        raise Failure(f"the steps are numbered {steps}")
    last = {}
    for event in events:
        if event["t"] < last.get(event["tid"], 0):
            raise Failure(f"time runs backwards in {event}")
        last[event["tid"]] = event["t"]


def check_declared(demo, wanted):
    """--list declares exactly the claims of tests/claims.txt, each with its kind."""
    rows = demo.listed()
    if any(len(row) != 3 for row in rows):
        raise Failure(f"--list has a line that is not id, kind, sentence: {rows}")
    ids = collections.Counter(row[0] for row in rows)
    twice = [claim for claim, n in ids.items() if n > 1]
    if twice:
        raise Failure(f"declared twice: {twice}")
    declared = {row[0]: row[1] for row in rows}
    if declared != wanted:
        unknown, missing = set(declared.items()) - set(wanted.items()), set(wanted.items()) - set(declared.items())
        raise Failure(f"--list and claims.txt differ: unknown {sorted(unknown)}, missing {sorted(missing)}")
    return {row[0]: row[2] for row in rows}


def check_verdicts(demo, result, table, may_skip):
    """Every claim has one verdict, of its kind; every fact holds; end and exit status say the same. Returns claim to event."""
    wanted = demo.claims(table)
    if not wanted:
        raise Failure(f"claims.txt has no claim of {demo.name}")
    sentences = check_declared(demo, wanted)
    if result.err:
        raise Failure(f"a message on standard error: {result}")
    events = result.events()
    check_frame(demo, events)
    verdicts = result.verdicts()
    if set(verdicts) != set(wanted):
        raise Failure(f"no verdict on {sorted(set(wanted) - set(verdicts))}; "
                      f"not its claims: {sorted(set(verdicts) - set(wanted))}")
    for claim, event in verdicts.items():
        check_verdict(event, wanted[claim], sentences[claim], may_skip)
    end = events[-1]
    counted = collections.Counter(event["verdict"] for event in verdicts.values())
    names = ("holds", "refuted", "differs", "skipped")
    if end["claims"] != len(verdicts) or any(end[name] != counted[name] for name in names):
        raise Failure(f"end counts wrongly: {end}, but the verdicts are {dict(counted)}")
    check_witness(events, verdicts, end)
    all_skipped = all(event["verdict"] == "skipped" and not is_measured(event) for event in verdicts.values())
    if result.status != (SKIPPED if all_skipped else HOLDS):
        raise Failure(f"every fact holds, yet: {result}")
    check_schema(events)
    return verdicts


def check_witness(events, verdicts, end):
    """The kernel's own events, where they can be read, are read, and say what /proc says."""
    said = [event for event in events if event["kind"] == "witness"]
    for event in said:
        if not event["agrees"] or event["claim"] not in verdicts:
            raise Failure(f"the kernel's events disagree: {event}")
    if end["witnessed"] != len({event["claim"] for event in said}):
        raise Failure(f"end counts {end['witnessed']} claims with two witnesses: {said}")
    if "kernel events" in events[0]["machine"]["abilities"]:
        for event in events:
            if event["kind"] == "observation" and event["source"] == "tracefs":
                raise Failure(f"the kernel's events can be read here, and were not: {event['facts']}")


def check_verdict(event, kind, sentence, may_skip):
    claim, verdict = event["claim"], event["verdict"]
    if event["claim_kind"] != kind or event["sentence"] != sentence:
        raise Failure(f"{claim} is a {kind}, {sentence!r}; its verdict: {event['claim_kind']}, {event['sentence']!r}")
    if verdict == "skipped":
        undecided = kind == "cost" and event["reason"].startswith("not decidable here")  # a busy machine is no failure
        if not may_skip and not undecided:
            raise Failure(f"{claim} is skipped: {event['reason']}")
        if not REMEDY.search(event["reason"]):
            raise Failure(f"{claim} is skipped, and the reason names no remedy: {event['reason']!r}")
    elif verdict == "refuted" or verdict not in KINDS[kind]:
        raise Failure(f"{claim}, a {kind}, is {verdict}: {event['evidence']}")
