"""pages.py - install.pages: a man page for each program, and neither man nor mandoc has anything to say against one.

    pages.py DEMOS.TXT PREFIX
"""
import os
import re
import shutil

from installed import Failure, Skip, judge, main, names, read, run

LINTERS = [("mandoc", "-T", "lint", "-W", "warning"), ("man", "--warnings", "-E", "UTF-8", "-l")]


def wrong_with(page, name):
    text = read(page, "r").replace("\\-", "-")
    sections = re.findall(r'^\.SH "?([^"\n]*)', text, re.MULTILINE)
    for section in ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES", "EXIT STATUS", "SEE ALSO"):
        if section not in sections:
            yield f"{name}: no section {section}, only {sections}"
    if name != "proclab-new-demo" and not {"BREAKS", "CLAIMS", "WHY"} <= set(sections):
        yield f"{name}: has only the sections {sections}"
    if not re.search(rf"^{name} - \S", text, re.MULTILINE):
        yield f"{name}: the section NAME does not say '{name} - what it is', which whatis(1) reads"
    for other in re.findall(r"^\.BR (proclab-\S+) \(1\)", text, re.MULTILINE):
        if not os.path.exists(os.path.join(os.path.dirname(page), f"{other}.1")):
            yield f"{name}: names {other}(1), which is not there"


def pages(listing, prefix):
    folder = os.path.join(prefix, "share/man/man1")
    if not os.path.isdir(folder):
        raise Skip("no man pages were made: install help2man, and build again")
    programs = [f"proclab-{name}" for name in names(listing)] + ["proclab-new-demo"]
    if sorted(os.listdir(folder)) != sorted(f"{name}.1" for name in programs):
        raise Failure(f"not a page for each program: {sorted(os.listdir(folder))}")
    linters = [linter for linter in LINTERS if shutil.which(linter[0])]
    failures = []
    for name in programs:
        page = os.path.join(folder, f"{name}.1")
        failures += wrong_with(page, name)
        for linter in linters:
            if linter[0] == "man":
                said = run("sh", "-c", '"$@" 2>&1 >/dev/null', "sh", *linter, page)
            else:
                said = run("sh", "-c", '"$@" || :', "sh", *linter, page)
            failures += [f"{linter[0]}: {line}" for line in said.splitlines()]
    judge.fail_with(failures, "complaints about man pages")
    if not linters:
        raise Skip(f"{len(programs)} pages, which nobody could lint: install mandoc or man-db")
    return f"{len(programs)} pages, no complaint by {' or '.join(linter[0] for linter in linters)}"


main(pages)
