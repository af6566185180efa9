"""strange.py - a page of events that nobody should send: markup as names, broken lines; and of very many of them.

    strange.py REPLAY PCB       scripts/replay, and the demo that shows any process
"""
import json
import os
import subprocess
import sys

from browser import Browser
import judge
from judge import Failure

EVIL = ("</script><script>window.hacked = 1</script></pre><img src=http://localhost/x onerror='window.hacked = 1'>"
        "<!-- & \\x01 \u2028 é")
BASE = {"t": 1, "pid": 1, "tid": 1, "role": EVIL, "file": "demos/4-states/zombie.c", "line": 10}
EVERY_KIND = [
    {"kind": "start", "schema": 1, "demo": EVIL, "title": EVIL, "machine": {"kernel": EVIL, "abilities": []},
     "named": [{"pid": 1, "role": EVIL}]},
    {"kind": "step", "n": 1, "text": EVIL},
    {"kind": "act", "text": EVIL, "target": 2},
    {"kind": "act", "text": "look yourself", "look": EVIL},
    {"kind": "observation", "source": EVIL, "of": 2, "of_role": EVIL, "facts": {EVIL: EVIL, "state": "Z", "ppid": 1}},
    {"kind": "observation", "source": EVIL, "columns": ["row", EVIL, "from", "size"],
     "facts": {EVIL: {EVIL: EVIL, "from": EVIL, "size": EVIL}}},
    {"kind": "observation", "source": "/proc/2/pagemap", "of": 2, "of_role": "", "facts": {"pages": "<s&P."},
     "pages": {"pages": True}},
    {"kind": "verdict", "claim": "a.b", "claim_kind": "fact", "sentence": EVIL, "verdict": "refuted", "evidence": EVIL},
    {"kind": "witness", "claim": "a.b", "agrees": False, "evidence": EVIL},
    {"kind": "measure", "name": EVIL, "unit": EVIL, "median": 1, "p10": 1, "p90": 2, "min": 1, "n": 3},
    {"kind": "end", "demo": "x", "claims": 1, "holds": 0, "refuted": 1, "differs": 0, "skipped": 0, "witnessed": 0,
     "next": ""},
]


def replay(program, lines):
    as_bytes = lambda event: json.dumps({**BASE, **event}, ensure_ascii=False).encode() + b"\n"
    data = [line if isinstance(line, bytes) else as_bytes(line) for line in lines]
    run = subprocess.run([program, "-"], input=b"".join(data), capture_output=True)
    if run.returncode != 0 or run.stderr:
        raise Failure(f"scripts/replay: {run.returncode} {run.stderr!r}")
    return run.stdout


def open_page(browser, page, every=1):
    path = os.path.join(browser.place, "strange.html")
    with open(path, "wb") as file:
        file.write(page)
    browser.look(360, 740, "dark")
    browser.open(path)
    browser.js("for (let n = 0; n < model.moments.length; n += arguments[0]) goTo(n);", every)
    complaints = browser.complaints()
    if complaints:
        raise Failure(f"the browser complains: {complaints[:3]}")


def check_markup(browser, program):
    open_page(browser, replay(program, EVERY_KIND))
    browser.expect("markup in a text was taken for markup",
                   "return window.hacked === undefined && !document.querySelector('img, main script')")
    browser.expect("a text is not shown as it is", "return byId('claims').textContent.includes(arguments[0])", EVIL)
    browser.expect("it is wider than a phone", "const wide = document.documentElement.scrollWidth; return wide <= 360 || wide")


def check_hold(browser, program):
    """That --step waited is no moment; whom that event names has its lane."""
    hold = {"kind": "act", "text": "stops until Enter", "hold": True, "named": [{"pid": 3, "role": "child", "parent": 1}]}
    open_page(browser, replay(program, [*EVERY_KIND[:2], hold, *EVERY_KIND[2:]]))
    browser.expect("that --step waits is a moment of the run", "return model.moments.length === arguments[0]", len(EVERY_KIND))
    browser.expect("a process is lost", "return model.processes.get(3).role === 'child' && model.parentAt(model.processes.get(3), 9) === 1")


def check_broken_lines(browser, program):
    lines = [EVERY_KIND[0], b"no event\n", b'{"half": \n', b"[1, 2]\n", b"null\n", b'"\xff\xfe"\n', b"\x00\n",
             b'{"kind": 7}\n', b'{"kind": "of another time"}\n', EVERY_KIND[1], EVERY_KIND[7]]
    open_page(browser, replay(program, lines))
    browser.expect("lines that are no events are not told of",
                   "const told = byId('incomplete').textContent; return told.startsWith('7 lines') || told")
    browser.expect("the verdict behind them is lost", "return document.querySelectorAll('#claims li.refuted').length === 1")


def check_cut(browser, program, demo):
    """A run that was cut short, between two events or amid one: it is played as far as it goes, and told of."""
    run = subprocess.run([demo, "--json"], capture_output=True).stdout
    first = run.index(b"\n") + 1
    for end in (first, first + 1, len(run) // 3, len(run) // 2, run.rindex(b"\n", 0, -1) + 1, len(run) - 2):
        open_page(browser, replay(program, [run[:end]]))
        browser.expect(f"of a run cut after {end} bytes there are not all events", "return model.moments.length >= arguments[0]",
                       len(set(line for line in run[:end].split(b"\n")[:-1] if b'"at":' not in line)))
        browser.expect("that the run has no end is not told of", "return byId('incomplete').textContent.endsWith('it was cut short.')")
    open_page(browser, replay(program, [run]))
    browser.expect("a whole run is said to be cut", "const told = byId('incomplete').textContent; return told === '' || told")


def step_ms(browser, program, looks):
    """One step, on the average, in a run of so many looks and five times as many of the kernel's events."""
    switch = {"kind": "observation", "source": "tracefs sched_switch", "of": 1, "of_role": "x",
              "facts": {"cpu": 0, "by": 1, "prev_pid": 1, "prev_state": "S", "next_pid": 2}}
    lines = [EVERY_KIND[0], *({**EVERY_KIND[4], "t": 1000 * i} for i in range(1, looks)),
             *({**switch, "t": 3000000, "at": 200 * i} for i in range(1, 5 * looks)), EVERY_KIND[-1]]
    open_page(browser, replay(program, lines), every=looks // 20)
    return browser.js("""const begin = performance.now(), steps = 50;
        for (let n = 0; n < steps; n++) goTo(Math.floor(n * arguments[0] / steps));
        return (performance.now() - begin) / steps""", looks)


def check_many(browser, program):
    """A run of two thousand looks and ten thousand of the kernel's events is still played: a step in it takes no more than in
    proportion, and leaves half of the time that the page gives it when it plays by itself."""
    few, many = (step_ms(browser, program, looks) for looks in (200, 2000))
    pace = browser.js("return PLAY_MS")
    if many > 10 * few or many > pace / 2:
        raise Failure(f"a step takes {few:.1f} ms, and in a run ten times as long {many:.1f} ms, of {pace} ms")


def check_name(browser, program, pcb):
    """A process whose name is markup and no text, in the page of a demo that looks at it; and scripts/replay agrees."""
    rename = "import ctypes; ctypes.CDLL(None).prctl(15, b'</script>&\\x01\\xff<!'); print(flush=True); input()"
    path = os.path.join(browser.place, "name.html")
    with subprocess.Popen([sys.executable, "-c", rename], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as named:
        named.stdout.readline()
        run = subprocess.run([pcb, "--json", "--html", path, str(named.pid)], capture_output=True)
        named.stdin.write(b"\n")
    page = judge.read(path)
    if run.returncode != 0 or b"\\u003c/script>&" not in page or b"</script>&" in page:
        raise Failure(f"the name of a process is in the page as it is: {run.returncode} {run.stderr!r}")
    if subprocess.run([program, "-"], input=run.stdout, capture_output=True).stdout != page:
        raise Failure("scripts/replay makes another page of it")
    open_page(browser, page)
    browser.expect("the name is not shown", "return byId('facts').textContent.includes(arguments[0])", r"</script>&\x01\xff<!")


def strange(program, pcb):
    browser = Browser()
    try:
        check_name(browser, program, pcb)
        check_markup(browser, program)
        check_hold(browser, program)
        check_broken_lines(browser, program)
        check_cut(browser, program, pcb)
        check_many(browser, program)
    finally:
        browser.close()
    return "markup is text, broken lines and a missing end are told of, a long run is played"


if __name__ == "__main__":
    sys.exit(judge.finish(lambda: strange(*sys.argv[1:])))
