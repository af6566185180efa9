"""completion.py - install.completion: what bash makes of a line when the reader asks for all completions (Alt-*).

    completion.py SOURCE BUILD PREFIX

A real bash on a terminal, without bash-completion: the line is typed, completed, and then printed word by word by the shell
itself, with a printf put in front of it.
"""
import os
import pty
import re
import select
import shutil
import subprocess
import time

from installed import SECONDS, Failure, Skip, main, names, run

COMMON = ["--break", "--color=", "--help", "--json", "--list", "--predict", "--stable", "--step", "--usage", "--version", "--why"]


class Shell:
    def __init__(self, folder, path):
        self.ours, its = pty.openpty()
        env = {"PATH": path, "LC_ALL": "C.UTF-8", "TERM": "dumb", "HOME": folder, "PS1": "", "INPUTRC": "/dev/null"}
        self.bash = subprocess.Popen(["bash", "--norc", "--noprofile", "-i"], stdin=its, stdout=its, stderr=its, cwd=folder,
                                     env=env, start_new_session=True)
        os.close(its)
        # Wide, so that no line is scrolled.
        self.type("stty cols 5000; bind 'set bell-style none'; bind 'set enable-bracketed-paste off'\n")

    def type(self, text):
        os.write(self.ours, text.encode())

    def completed(self, line, key="\x1b*", more=""):
        """The words that the line has when all completions of its last one are put in (Alt-*), and more is typed then."""
        self.type(line + key + more + "\x01printf '<%s>' 'so:' \x05; echo ':so'\n")
        text, deadline = "", time.monotonic() + SECONDS
        while (found := re.search(r"<so:>(.*):so", text)) is None:
            if not select.select([self.ours], [], [], max(0, deadline - time.monotonic()))[0]:
                raise Failure(f"{line!r}: bash does not answer: {text!r}")
            text += os.read(self.ours, 65536).decode("utf-8", "replace")
        return re.findall(r"<([^>]*)>", found[1])

    def close(self):
        self.bash.kill()
        self.bash.wait()
        os.close(self.ours)


def breaks(program):
    section = run(program, "--help").partition("What --break can take out")[2].partition("\n\n")[0]
    return re.findall(r"^  (\S+) ", section, re.MULTILINE)


def compare(shell, rows):
    for line, wanted in rows:
        typed = line.split()
        got = shell.completed(line)
        if isinstance(wanted, set):  # at least these, and nothing that does not begin as the word does
            good = wanted <= set(got)
        else:
            good = got == typed[:len(typed) - (not line.endswith(" "))] + wanted
        if not good:
            raise Failure(f"{line!r} becomes {got}, and not {wanted}")
    return len(rows)


def installed(prefix, demos):
    """One file a command, as bash-completion finds them."""
    shell = Shell(prefix, f"{prefix}/bin:/usr/bin:/bin")
    try:
        for name in demos:
            shell.type(f". share/bash-completion/completions/proclab-{name}\n")
        if shell.completed("proclab-zombie --cou", "\t", "7") != ["proclab-zombie", "--count=7"]:
            raise Failure("--cou, Tab, 7 does not give --count=7")
        zombie, own = "proclab-zombie", sorted(COMMON + ["--count="])
        return compare(shell, [
            (f"{zombie} --", set(own)),
            (f"{zombie} --br", ["--break"]),
            (f"{zombie} --cou", ["--count="]),
            (f"{zombie} --break ", sorted(breaks(f"{prefix}/bin/{zombie}"))),
            (f"{zombie} --break=w", [f"--break=wait"]),
            (f"bin/{zombie} --json --break r", ["reap"]),
            (f"{zombie} --color=", ["--color=always", "auto", "never"]),
            (f"{zombie} --color a", ["always", "auto"]),
            (f"{zombie} --count ", []),
            (f"{zombie} --nothing-like-it", ["--nothing-like-it"]),
            (f"{zombie} ", []),
            ("proclab-pcb ", {"1"}),
            ("proclab-container /bin/fals", ["/bin/false"]),
            ("proclab-container -- include/pro", ["include/proclab"]),
        ])
    finally:
        shell.close()


def in_the_tree(source, build, demos):
    """From the top of the sources; the build is where this one is."""
    shell = Shell(source, "/usr/bin:/bin")
    try:
        shell.type(f"export PROCLAB_BUILD='{build}'; . scripts/completion.bash\n")
        rows = [("scripts/run zom", ["zombie"]), ("scripts/run ", set(demos) | {"--list"}), ("./scripts/run --l", ["--list"]),
                ("scripts/run zombie --break ", sorted(breaks(f"{build}/demos/zombie"))),
                ("scripts/run zombie --color=n", ["--color=never"]), ("scripts/run no-such-demo --", ["--"]),
                ("scripts/run exercise tiny-s", ["tiny-shell"]),
                ("scripts/run exercise tiny-shell --r", ["--reset"]), ("scripts/run interview --l", ["--list"]), ("scripts/run --html lib/rep", ["lib/report"])]
        return compare(shell, rows)
    finally:
        shell.close()


def completion(source, build, prefix):
    if shutil.which("bash") is None:
        raise Skip("no bash here: install bash")
    demos = names(f"{build}/demos.txt")
    return f"{installed(prefix, demos) + in_the_tree(source, build, demos)} lines completed"


main(completion)
