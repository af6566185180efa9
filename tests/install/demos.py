"""demos.py - install.demos: an installed demo is the one of the tree, and what it tells the reader to run is there.

    demos.py DEMOS.TXT PREFIX TREE
"""
import filecmp
import os
import re

from installed import Failure, files_below, judge, main, names, run

OK = (judge.HOLDS, judge.SKIPPED)


def last_of(program):
    """The end of what it says: "9 claims: 9 hold   next: ...", in one line or two."""
    demo = judge.Demo(program)
    try:
        result = demo.run("--stable", check_left=False)  # that is the battery's matter
    finally:
        demo.close()
    if result.status not in OK:
        raise Failure(str(result))
    return re.search(r"^\d+ claims?:[^\n]*(?:\n[^\n]*)?\n\Z", result.out, re.MULTILINE)[0]


def next_of(last, prefix, name):
    """The commands of the last line, each of which must be there."""
    for command in re.findall(r"(?:next|why): (\S+)", last):
        if not os.access(os.path.join(prefix, "bin", command), os.X_OK):
            raise Failure(f"{name} names {command}, which is not in bin: {last!r}")
    if f"why: proclab-{name} --why" not in last:
        raise Failure(f"{name} ends with {last!r}")


def demos(listing, prefix, tree):
    all_demos = names(listing)
    for name in all_demos:
        installed = os.path.join(prefix, "bin", f"proclab-{name}")
        help = run(installed, "--help")
        if not help.startswith(f"Usage: proclab-{name} ") or f"\n  proclab-{name} --step\n" not in help:
            raise Failure(f"proclab-{name} --help calls it something else:\n{help}")
        if f"\n  {name} " in help.partition("\nOptions:")[0]:
            raise Failure(f"proclab-{name} --help calls it {name}:\n{help}")
        next_of(last_of(installed), prefix, name)
        # By its short name it is the demo of the tree, which the other tests judge.
        if not filecmp.cmp(os.path.join(prefix, "libexec/proclab", name), os.path.join(tree, name), shallow=False):
            raise Failure(f"libexec/proclab/{name} is another program than the one of the tree: build it, then install it")
    if sorted(all_demos) != files_below(os.path.join(prefix, "libexec/proclab")):
        raise Failure(f"libexec/proclab holds {files_below(os.path.join(prefix, 'libexec/proclab'))}")
    return f"{len(all_demos)} demos, by both names"


main(demos)
