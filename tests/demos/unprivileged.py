"""unprivileged.py - NAME.unprivileged: the same as an ordinary user: each claim holds, or is skipped with its remedy."""
import judge
from verdicts import check_verdicts


def unprivileged(demo, table=judge.CLAIMS):
    result = demo.run("--json", **judge.ordinary_user(demo))
    verdicts = check_verdicts(demo, result, table, may_skip=True)
    said = judge.count(event["verdict"] for event in verdicts.values())
    skipped = [f"; skipped {claim}: {event['reason']}" for claim, event in verdicts.items()
               if event["verdict"] == "skipped"]
    return f"{len(verdicts)} claims: {said}{''.join(skipped)}"


if __name__ == "__main__":
    judge.main(unprivileged)
