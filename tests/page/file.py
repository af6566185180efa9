"""file.py - where the page of --html goes: what cannot be written is said before the run; never half a page, and nothing
else left.

    file.py DEMO
"""
import os
import resource
import signal
import stat
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "demos"))
import judge  # noqa: E402
from judge import BROKE, Failure, read  # noqa: E402

KILLS = 60
OLD = b"an old page\n"


def is_whole(page):
    return page.startswith(b"<!DOCTYPE html>\n") and page.endswith(b"</html>\n")


def folder_of(demo):
    place = os.path.join(demo.place, "pages")
    os.makedirs(place, exist_ok=True)
    for name in os.listdir(place):
        os.unlink(os.path.join(place, name))
    return place


def expect_refused(demo, path, error, **popen):
    result = demo.run("--html", path, **popen)
    if result.status != BROKE or error not in result.err or "--html" not in result.err or result.out:
        raise Failure(f"--html {path!r} wants status {BROKE}, {error} and no run: {result}")


def check_refused(demo):
    place = folder_of(demo)
    expect_refused(demo, os.path.join(place, "no", "page.html"), "ENOENT")
    expect_refused(demo, "", "ENOENT")
    expect_refused(demo, place, "EISDIR")
    expect_refused(demo, place + "/page.html/", "ENOENT")
    expect_refused(demo, "/proc/version/page.html", "ENOTDIR")
    expect_refused(demo, "x" * 300, "ENAMETOOLONG")
    expect_refused(demo, "x" * 5000, "ENAMETOOLONG")
    expect_refused(demo, "/proc/page.html", "E")
    os.chmod(place, 0o555)
    expect_refused(demo, os.path.join(place, "page.html"), "EACCES", **judge.ordinary_user(demo))
    os.chmod(place, 0o755)
    expect_refused(demo, os.path.join(place, "page.html"), "ENOMEM",
                   preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (16 << 20, 16 << 20)))


def check_replaced(demo):
    """A new file, an old one, one behind a symbolic link, which stays one; with the umask's permissions."""
    place = folder_of(demo)
    page, link = os.path.join(place, "page.html"), os.path.join(place, "link.html")
    for prepare in (lambda: None, lambda: open(page, "wb").write(OLD), lambda: os.symlink("page.html", link)):
        prepare()
        path = link if os.path.lexists(link) else page
        result = demo.run("--html", path, preexec_fn=lambda: os.umask(0o027))
        if result.status != 0 or not is_whole(read(page)) or stat.S_IMODE(os.stat(page).st_mode) != 0o640:
            raise Failure(f"{path} was not written anew: {result}, mode {os.stat(page).st_mode:o}")
    if not os.path.islink(link) or sorted(os.listdir(place)) != ["link.html", "page.html"]:
        raise Failure(f"beside the page there is {os.listdir(place)}")
    relative = demo.run("--html", "page.html", cwd=place)
    if relative.status != 0 or not is_whole(read(page)):
        raise Failure(f"a path that begins in the working directory: {relative}")


def check_special(demo):
    """What is no file is written to and not replaced."""
    for path, status in (("/dev/null", 0), ("/dev/full", BROKE)):
        before = os.stat(path)
        result = demo.run("--html", path)
        if result.status != status or os.stat(path).st_rdev != before.st_rdev:
            raise Failure(f"--html {path} wants status {status}: {result}")
    pipe = os.path.join(folder_of(demo), "pipe")
    os.mkfifo(pipe)
    reader = subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE)
    demo.helpers.add(reader.pid)
    result = demo.run("--html", pipe)
    page = reader.communicate()[0]
    if result.status != 0 or not is_whole(page) or not stat.S_ISFIFO(os.stat(pipe).st_mode):
        raise Failure(f"a pipe gets {page[:80]!r}: {result}")
    demo.helpers.clear()


def check_no_room(demo):
    """Half of it has no room: the old page is still there, and nothing else."""
    place = folder_of(demo)
    page = os.path.join(place, "page.html")
    with open(page, "wb") as file:
        file.write(OLD)
    out, err = os.pipe(), os.pipe()
    process = demo.start("--html", page, stdout=out[1], stderr=err[1],
                         preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000)))
    os.close(out[1]), os.close(err[1])
    with open(out[0], "rb") as stdout, open(err[0], "rb") as stderr:
        said, complained = stdout.read(), stderr.read()
    told = demo.wait(process) == BROKE and b"EFBIG" in complained and said
    if not told or read(page) != OLD or os.listdir(place) != ["page.html"]:
        raise Failure(f"no room for the page: {complained!r}, there is {os.listdir(place)}")


def check_killed(demo):
    """SIGKILL at moments all over the run and its end: the old page, none, or a new one; and no other file."""
    place = folder_of(demo)
    page = os.path.join(place, "page.html")
    seconds = demo.run("--html", page).seconds
    states = {"old": 0, "none": 0, "new": 0}
    for i in range(KILLS):
        with open(page, "wb") as file:
            file.write(OLD)
        process = demo.start("--html", page, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        after = seconds * (0.5 + 0.7 * i / KILLS)
        time.sleep(after)
        process.send_signal(signal.SIGKILL)
        demo.wait(process)
        left = demo.left_behind()
        now = "none" if not os.path.exists(page) else "old" if read(page) == OLD else "new"
        states[now] += 1
        if left or (now == "new" and not is_whole(read(page))) or set(os.listdir(place)) - {"page.html"}:
            raise Failure(f"killed after {after:.3f} s: {now}, left {left} {os.listdir(place)}")
    return states


def check_no_proc(demo):
    """Without /proc there is no lesson, but a page that says so."""
    place = folder_of(demo)
    page = os.path.join(place, "page.html")
    without = ["unshare", "--mount", "sh", "-c", 'umount -l /proc && exec "$@"', "sh", demo.path]
    result = demo.run("--html", page, command=without)
    if result.status != judge.SKIPPED or not is_whole(read(page)) or os.listdir(place) != ["page.html"]:
        raise Failure(f"without /proc: {result}; there is {os.listdir(place)}")


def file(demo):
    check_refused(demo)
    check_replaced(demo)
    check_special(demo)
    check_no_room(demo)
    states = check_killed(demo)
    if judge.is_root():
        check_no_proc(demo)
    return f"refused before the run, replaced whole; after {KILLS} kills: {', '.join(f'{n} {k}' for k, n in states.items())}"


if __name__ == "__main__":
    judge.main(file)
