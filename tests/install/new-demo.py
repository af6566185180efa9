"""new-demo.py - install.new-demo: a program of the reader's own, from its name to its verdict.

    new-demo.py SOURCE SCRATCH COMPILER

proclab-new-demo makes it, it is built against the installed library, and then judged as a demo of ours is.
"""
import os
import shutil
import subprocess
import sys

from installed import Failure, judge, main, read, run

NAME = "my-own-2"
REFUSED = ["", "-x", "Mine", "2nd", "a b", "a/b", "../a", "a.c", "a-", "test", "all", "é", "a\nb", "x" * 41, "$(x)"]
HAS_ALL = f"{NAME}.mask-inherited"


def refuses(script, folder):
    """Each with a reason and status 64, and nothing is made or changed."""
    os.mkdir(os.path.join(folder, "there"))
    os.symlink("nowhere", os.path.join(folder, "dangling"))
    with open(os.path.join(folder, "file"), "w") as file:
        file.write("mine\n")
    before = sorted(os.listdir(folder))
    for arguments in [[name] for name in REFUSED + ["there", "dangling", "file"]] + [[], ["a", "b"], ["--frob"]]:
        result = subprocess.run([script, *arguments], cwd=folder, capture_output=True, text=True)
        if result.returncode != judge.USAGE or not result.stderr.strip() or result.stdout:
            raise Failure(f"{arguments}: status {result.returncode}, {result.stdout!r}, {result.stderr!r}")
    if sorted(os.listdir(folder)) != before or os.listdir(os.path.join(folder, "there")):
        raise Failure(f"it made or changed something: {os.listdir(folder)}")
    return len(REFUSED) + 6


def schema_of(prefix):
    try:
        import jsonschema
    except ImportError:
        raise judge.Skip("no Python module jsonschema here: install python3-jsonschema")
    schema = judge.json.loads(read(os.path.join(prefix, "share/proclab/event.schema.json")))
    return jsonschema.Draft202012Validator(schema)


def reports_like_a_demo(program, prefix):
    demo = judge.Demo(program)
    try:
        result = demo.run("--json")
        schema = schema_of(prefix)
        for event in result.events():
            for error in schema.iter_errors(event):
                raise Failure(f"not as the schema says: {error.message}: {event}")
        if result.status != judge.HOLDS or result.outcomes() != {HAS_ALL: "holds"}:
            raise Failure(f"{result}: {result.outcomes()}")
        for options in (["--break"], ["--break", "block"]):
            broken = demo.run("--json", *options)
            if broken.status != judge.REFUTED or broken.refuted() != [HAS_ALL]:
                raise Failure(f"{' '.join(options)} refutes {broken.refuted()}: {broken}")
        if {event["file"] for event in result.events() if event["kind"] == "step"} != {f"{NAME}.c"}:
            raise Failure("its events do not name their source as it lies in its directory")
        page = os.path.join(demo.files, "page.html")
        demo.run("--html", page, check_left=False)
        if "static const struct demo_claim claims[]" not in read(page, "r"):
            raise Failure("the page of --html does not show its source")
        os.unlink(page)
    finally:
        demo.close()


def judges(program, folder):
    """Those of tests/demos, as they stand."""
    table = os.path.join(folder, "claims.txt")
    with open(table, "w") as file:
        file.write(f"{HAS_ALL}\t{NAME}\tfact\n")
    for test, *arguments in (("itself.py", table), ("breaks.py",), ("output.py", "plain"), ("killed.py",)):
        result = subprocess.run([sys.executable, "-B", os.path.join(judge.HERE, test), program, *arguments],
                                capture_output=True, text=True)
        if result.returncode not in (0, judge.SKIPPED):
            raise Failure(f"{test}: {result.stdout}{result.stderr}")


def new_demo(source, scratch, compiler):
    prefix, folder = os.path.join(scratch, "moved"), os.path.join(scratch, "my own things")
    script = os.path.join(prefix, "bin/proclab-new-demo")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    refused = refuses(script, folder)
    told = run(script, NAME, cwd=folder)
    made = os.path.join(folder, NAME)
    # What it says is what is done.
    lines = [line.strip() for line in told.splitlines() if line.startswith("  ")]
    run("sh", "-ec", "\n".join(lines), cwd=folder, env={"CC": compiler, "CFLAGS": "-Werror -Wshadow -Wconversion"})
    reports_like_a_demo(os.path.join(made, "build", NAME), prefix)
    judges(os.path.join(made, "build", NAME), folder)
    readme = read(os.path.join(made, "README.md"), "r")
    if "@" in readme + read(os.path.join(made, f"{NAME}.c"), "r") or len(readme.splitlines()) > 12:
        raise Failure(f"the README or the source is not filled in: {readme}")
    # From the tree it makes the same.
    os.makedirs(os.path.join(folder, "tree"))
    run(os.path.join(source, "scripts/new-demo"), NAME, cwd=os.path.join(folder, "tree"))
    shutil.rmtree(os.path.join(made, "build"))
    run("diff", "-r", NAME, f"tree/{NAME}", cwd=folder)
    return f"made, built and judged; {refused} names and usages refused"


main(new_demo)
