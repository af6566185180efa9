"""itself.py - NAME: every claim of the demo's rows in claims.txt has a verdict, and every fact holds."""
import judge
from verdicts import check_verdicts


def itself(demo, table=judge.CLAIMS):
    result = demo.run("--json")
    may_skip = not (judge.MUST_WORK and judge.is_root())
    verdicts = check_verdicts(demo, result, table, may_skip)
    said = judge.count(event["verdict"] for event in verdicts.values())
    return f"{len(verdicts)} claims: {said}; {result.seconds:.2f} s"


if __name__ == "__main__":
    judge.main(itself)
