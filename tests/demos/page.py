"""page.py - NAME.page: --html changes no verdict; its page holds the events and the source, as scripts/replay's does.

Whatever the demo does with its umask, the page follows that of the caller."""
import html
import os
import re
import subprocess

import judge
from judge import Failure, read
from verdicts import check_schema

TOP = os.path.dirname(os.path.dirname(judge.HERE))
TEMPLATE_BYTES = 300 * 1024  # below which a page is, but for its events
EVENTS = re.compile(rb'<script type="application/json" id="events">\n(.*?)</script>', re.DOTALL)
SOURCE = re.compile(rb'<pre class="source" data-file="([^"]*)">\n(.*?)</pre>\n', re.DOTALL)


def events_of(page):
    return judge.Result([], 0, EVENTS.search(page)[1], b"", 0)


def run_with_page(demo, *options):
    path = os.path.join(demo.place, "page.html")
    result = demo.run("--html", path, *options, preexec_fn=lambda: os.umask(0o026))
    if not os.path.exists(path):
        raise Failure(f"no page was written: {result}")
    mode = os.stat(path).st_mode & 0o777
    if mode != 0o640:
        raise Failure(f"with a umask of 026 the page has mode {mode:o}")
    page = read(path)
    os.unlink(path)
    if os.listdir(demo.files):
        raise Failure(f"files beside the page: {os.listdir(demo.files)}")
    return result, page


def check_same_verdicts(demo):
    usual = demo.run("--json")
    result, page = run_with_page(demo)
    told = events_of(page)
    check_schema(told.events())
    if told.outcomes() != usual.outcomes() or result.status != usual.status:
        raise Failure(f"without --html {usual.outcomes()}, status {usual.status}; with it {told.outcomes()}, "
                      f"{result.status}")
    if "schema" in result.out or not result.out.startswith(f"{demo.name}: "):
        raise Failure(f"with --html the text is another one: {result.out[:80]!r}")
    return told.events(), page


def check_source(demo, page):
    for file, text in SOURCE.findall(page):
        if html.unescape(text.decode()) != read(os.path.join(TOP, file.decode()), "r"):
            raise Failure(f"{file.decode()} in the page is not the file")
        if file.decode().endswith(f"/{demo.name}.c"):
            return
    raise Failure("the demo's source is not in the page")


def check_replay(demo):
    for options in (["--json"], ["--json", "--stable"]):
        result, page = run_with_page(demo, *options)
        for arguments, popen in (([os.path.join(demo.place, "run.jsonl")], {}), (["-"], {"input": result.raw})):
            with open(os.path.join(demo.place, "run.jsonl"), "wb") as file:
                file.write(result.raw)
            replay = subprocess.run([os.path.join(TOP, "scripts/replay"), *arguments], capture_output=True, **popen)
            if replay.returncode != 0 or replay.stderr or replay.stdout != page:
                raise Failure(f"scripts/replay of {' '.join(options)} makes another page: {replay.returncode} "
                              f"{replay.stderr!r}")
    other = run_with_page(demo, "--stable")[1]
    if EVENTS.sub(b"", other) != EVENTS.sub(b"", page) or events_of(other).without_measured() != events_of(page).without_measured():
        raise Failure("with --stable the page of a run as text is another one than with --json")


def page(demo):
    events, written = check_same_verdicts(demo)
    check_source(demo, written)
    rest = len(written) - len(EVENTS.search(written)[1])
    if rest >= TEMPLATE_BYTES:
        raise Failure(f"without its events the page has {rest} bytes; {TEMPLATE_BYTES} are too many")
    check_replay(demo)
    return f"{len(events)} events in a page of {len(written) // 1024} KiB; the same verdicts, the same from scripts/replay"


if __name__ == "__main__":
    judge.main(page)
