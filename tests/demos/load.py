"""load.py - NAME.load and NAME.repeat: the same verdicts each time, while every CPU is busy and a thousand times over."""
import judge
from hostile import keep_busy, stop_busy
from judge import Failure
from verdicts import check_witness


def same_each_time(demo, runs):
    usual = demo.run("--json").outcomes()
    failures = []
    for i in range(runs):
        try:
            result = demo.run("--json")
            if result.status not in (judge.HOLDS, judge.SKIPPED) or result.outcomes() != usual:
                changed = {claim: verdict for claim, verdict in result.outcomes().items() if usual.get(claim) != verdict}
                failures.append(f"run {i + 1}: {changed}: {result}")
            else:
                check_witness(result.events(), usual, result.events()[-1])
        except Failure as failure:
            failures.append(f"run {i + 1}: {failure}")
    judge.fail_with(failures, f"of {runs} runs differ")
    return f"{runs} runs, the same verdicts each time: {judge.count(usual.values())}"


def load(demo, how, runs):
    busy = keep_busy(demo) if how == "busy" else []
    try:
        return same_each_time(demo, int(runs))
    finally:
        stop_busy(demo, busy)


if __name__ == "__main__":
    judge.main(load)
