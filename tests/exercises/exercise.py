"""exercise.py - the student's side of the exercises: what scripts/exercise runs. See USAGE."""
import signal

signal.signal(signal.SIGINT, signal.SIG_DFL)  # ^C ends it without a word, also while Python still reads its modules

import difflib
import hashlib
import json
import os
import re
import sys
import tempfile
import textwrap

import compiler
import judge

USAGE = """\
Usage: scripts/run exercise [NAME [--hint | --show | --reset]]
       scripts/run exercise --all

  scripts/run exercise                 lists them, and how far you are
  scripts/run exercise no-end          builds and judges your copy of no-end.c;
                                       the first time it makes the copy
  scripts/run exercise no-end --hint   the next hint
  scripts/run exercise no-end --show   what the program should do; its symptom
  scripts/run exercise no-end --reset  the original again; your work is kept
                                       beside it, as no-end.c.1, .2, ...
  scripts/run exercise --all           judges all of them, a line each

Your copies are in proclab-exercises/ in your home directory, or where
PROCLAB_EXERCISES says. No build and no test touches them.
Exit status: 0 right, 1 wrong, 70 cannot be built or judged, 64 wrong usage;
with --all the worst, and one that is not begun is wrong.
"""
ORIGINALS = os.path.join(os.path.dirname(os.path.dirname(judge.HERE)), "demos", "exercises")
OK, WRONG, BROKE, USAGE_ERROR = 0, 1, 70, 64
ACTIONS = ("hint", "show", "reset", "all")


class Stop(Exception):
    """Ends the program with a message on standard error."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


def read(path):
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return file.read()


def original(name):
    return os.path.join(ORIGINALS, f"{name}.c")


def names():
    """In the order of the README's table."""
    return re.findall(r"^\| \[([\w-]+)\]\(", read(os.path.join(ORIGINALS, "README.md")), re.MULTILINE)


def title(name):
    return re.match(r"/\* \S+ - (.*)", read(original(name)))[1]


def hints(name):
    return [hint.strip() for hint in read(os.path.join(ORIGINALS, f"{name}.hints")).split("\n--\n")]


def show(text, indent=""):
    print(textwrap.fill(text, 79, initial_indent=indent, subsequent_indent=indent + "  ", break_long_words=False,
                        break_on_hyphens=False))


class Place:
    """The student's directory. Beside the copies a folder .state, which may be lost: it only says how far one is."""

    def __init__(self):
        named = os.environ.get("PROCLAB_EXERCISES")
        self.path = os.path.abspath(named or os.path.join(os.path.expanduser("~"), "proclab-exercises"))

    def copy(self, name):
        return os.path.join(self.path, f"{name}.c")

    def program(self, name):
        return os.path.join(self.path, name)

    def put(self, path, text):
        """All of it or nothing: a full disk must not cost the student's work."""
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=os.path.dirname(path), delete=False, encoding="utf-8",
                                             errors="surrogateescape") as file:
                try:
                    file.write(text)
                    file.flush()
                    os.chmod(file.name, 0o644)
                    os.replace(file.name, path)
                except BaseException:
                    os.unlink(file.name)
                    raise
        except OSError as error:
            raise Stop(BROKE, f"cannot write {path}: {error.strerror}\n"
                       "Set PROCLAB_EXERCISES to a directory of yours.") from None

    def state(self, name):
        try:
            state = json.loads(read(os.path.join(self.path, ".state", name)))
            return state if isinstance(state, dict) else {}
        except (OSError, ValueError):
            return {}

    def set_state(self, name, **new):
        self.put(os.path.join(self.path, ".state", name), json.dumps({**self.state(name), **new}))

    def work(self, name):
        """The student's source; None when it is not begun."""
        try:
            return read(self.copy(name))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Stop(BROKE, f"cannot read {self.copy(name)}: {error.strerror}") from None

    def begin(self, name):
        if self.work(name) is None:
            self.put(self.copy(name), read(original(name)))
            return True
        return False

    def reset(self, name):
        """Returns where the student's work is now; None when it is the original already."""
        work = self.work(name)
        if work is None or work == read(original(name)):
            self.begin(name)
            return None
        number = 1
        while os.path.lexists(f"{self.copy(name)}.{number}"):
            number += 1
        kept = f"{self.copy(name)}.{number}"
        self.put(kept, work)
        self.put(self.copy(name), read(original(name)))
        return kept


def fingerprint(text):
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def in_words(place, name):
    """How far the student is."""
    work, state = place.work(name), place.state(name)
    if work is None:
        return "not begun"
    if state.get("of") != fingerprint(work):
        return "begun"
    return "done" if state.get("verdict") == judge.RIGHT else f"wrong: {state.get('reason')}"


def list_all(place):
    print(f"Your copies: {place.path}\n")
    rows = [(name, in_words(place, name)) for name in names()]
    for name, state in rows:
        print(f"  {name:<13} {state:<26} {title(name)}")
    done = sum(state == "done" for _, state in rows)
    print(f"\n{done} of {len(rows)} done.   Begin with: scripts/run exercise {next_of(rows)}")
    return OK


def next_of(rows):
    return next((name for name, state in rows if state != "done"), rows[0][0])


def build(place, name):
    """Beside the source, so that the student can run it. What does not build leaves no older program to be judged."""
    made = f"{place.program(name)}.new"
    complaint = compiler.build([place.copy(name)], made)
    if complaint:
        raise Stop(BROKE, f"{complaint.rstrip()}\n{name}: your copy does not build")
    try:
        os.replace(made, place.program(name))
    except OSError as error:
        raise Stop(BROKE, f"cannot write {place.program(name)}: {error.strerror}") from None


def judged(place, name):
    """The verdict on the student's copy, which is kept."""
    work = place.work(name)
    build(place, name)
    verdict = judge.judge(name, place.copy(name), place.program(name))
    if verdict.verdict == judge.CANNOT:
        raise Stop(BROKE, f"{name} cannot be judged here: {verdict.saw[0]}")
    place.set_state(name, of=fingerprint(work), verdict=verdict.verdict, reason=verdict.reason)
    return verdict


def judge_one(place, name):
    begun = place.begin(name)
    if begun:
        print(f"Your copy, to be mended: {place.copy(name)}\nWhat it should do: scripts/run exercise {name} --show\n")
        sys.stdout.flush()
    verdict = judged(place, name)
    right = verdict.verdict == judge.RIGHT
    print(f"{name}: {'right' if right else f'wrong ({verdict.reason})'}\n\n  What the kernel saw:\n")
    for sentence in verdict.saw:
        show(sentence, "    ")
    if right:
        rows = [(one, in_words(place, one)) for one in names()]
        left = [one for one, state in rows if state != "done"]
        print(f"\n  next:  scripts/run exercise {left[0]}" if left else "\n  All exercises are done.")
    else:
        print(f"\n  mend   {place.copy(name)}\n  hint   scripts/run exercise {name} --hint")
    return OK if right else WRONG


def judge_all(place):
    worst = OK
    for name in names():
        if place.work(name) is None:
            print(f"{name:<13} not begun")
            worst = max(worst, WRONG)
            continue
        try:
            verdict = judged(place, name)
        except Stop as stop:
            print(f"{name:<13} cannot be judged: {str(stop).splitlines()[-1]}")
            worst = max(worst, stop.status)
            continue
        print(f"{name:<13} {verdict.verdict} {verdict.reason}".rstrip())
        sys.stdout.flush()
        worst = max(worst, OK if verdict.verdict == judge.RIGHT else WRONG)
    return worst


def give_hint(place, name):
    all_hints, given = hints(name), place.state(name).get("hints", 0)
    first = given if isinstance(given, int) and 0 <= given < len(all_hints) else 0  # all of them, when all were given
    last = first + 1 if first or not given else len(all_hints)
    place.set_state(name, hints=last)
    for number in range(first, last):
        show(f"Hint {number + 1} of {len(all_hints)}: {' '.join(all_hints[number].split())}")
    return OK


def show_task(place, name):
    head = read(original(name)).split(" */\n")[0]
    for line in head.splitlines():
        print(re.sub(r"^(/\*| \*) ?", "", line))
    print(f"\nYour copy: {place.copy(name)}{'' if place.work(name) else ' (not begun)'}")
    print(f"To build it there: cc -Wall -Wextra -pthread -o {name} {name}.c")
    return OK


def reset(place, name):
    kept = place.reset(name)
    print(f"{place.copy(name)} is the original again." if kept else f"{place.copy(name)} is the original.")
    if kept:
        print(f"Your work is kept: {kept}")
    return OK


def parse(words):
    actions = [word.lstrip("-") for word in words if word.lstrip("-") in ACTIONS]
    rest = [word for word in words if word.lstrip("-") not in ACTIONS]
    if len(actions) > 1 or len(rest) > 1 or any(word.startswith("-") for word in rest) or (actions == ["all"]) and rest:
        raise Stop(USAGE_ERROR, USAGE)
    if actions and actions != ["all"] and not rest:
        raise Stop(USAGE_ERROR, f"--{actions[0]} of which exercise?\nThe exercises:\n  " + "\n  ".join(names()))
    if rest and rest[0] not in names():
        like = difflib.get_close_matches(rest[0].lower(), names(), 1)
        raise Stop(USAGE_ERROR, f'there is no exercise "{rest[0]}"' + (f"\nDid you mean {like[0]}?" if like else "") +
                   f"\nThe exercises:\n  " + "\n  ".join(names()))
    return (actions or [None])[0], (rest or [None])[0]


def main(words):
    if {"--help", "-h", "help"} & set(words):
        print(USAGE, end="")
        return OK
    action, name = parse(words)
    place = Place()
    if name is None:
        return judge_all(place) if action else list_all(place)
    return {None: judge_one, "hint": give_hint, "show": show_task, "reset": reset}[action](place, name)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        sys.exit(main(sys.argv[1:]))
    except Stop as stop:
        print(str(stop).rstrip(), file=sys.stderr)
        sys.exit(stop.status)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(BROKE)
    except KeyboardInterrupt:
        sys.exit(130)
