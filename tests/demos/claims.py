"""claims.py - claims: what all built demos declare is what tests/claims.txt has for them, no more and no less.

    claims.py CLAIMS_TXT DEMOS_TXT FOLDER_OF_DEMOS
"""
import collections
import os
import subprocess
import sys

import judge
from judge import Failure, read


def declared_by(folder, demo):
    command = [os.path.join(folder, demo), "--list"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=judge.RUN_SECONDS)
    if run.returncode != 0:
        raise Failure(f"{demo} --list: {run}")
    return [(line.split()[0], demo, line.split()[1]) for line in run.stdout.splitlines()]


def gather(claims_txt, demos_txt, folder):
    table = [tuple(line.split("\t")) for line in read(claims_txt, "r").splitlines()]
    twice = [claim for claim, n in collections.Counter(row[0] for row in table).items() if n > 1]
    if twice:
        raise Failure(f"claims.txt has {twice} twice")
    built = read(demos_txt, "r").split()
    declared = [row for demo in built for row in declared_by(folder, demo)]
    owners = collections.defaultdict(list)
    for claim, demo, _ in declared:
        owners[claim].append(demo)
    failures = [f"{claim} is declared by {' and '.join(demos)}" for claim, demos in owners.items() if len(demos) > 1]
    wanted = {row for row in table if row[1] in built}
    failures += [f"{demo} does not declare {claim}, a {kind}" for claim, demo, kind in sorted(wanted - set(declared))]
    failures += [f"{demo} declares {claim}, a {kind}, which claims.txt does not have"
                 for claim, demo, kind in sorted(set(declared) - wanted)]
    judge.fail_with(failures, "claims are not as claims.txt has them")
    absent = sorted({row[1] for row in table} - set(built))
    others = len(table) - len(wanted)
    return (f"{len(wanted)} of {len(table)} claims, by {len(built)} demos; the other {others} belong to "
            f"{len(absent)} demos that are not here yet{': ' if absent else ''}{', '.join(absent)}")


if __name__ == "__main__":
    sys.exit(judge.finish(lambda: gather(*sys.argv[1:])))
