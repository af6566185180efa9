"""play.py - the replay page of each demo in a browser: it opens without an error or a request, is played to its end by
the keyboard, shows the verdicts that the text has, in a wide window and on a phone, in light and in dark.

    play.py DEMOS.txt FOLDER [DEMO...]      the names of the demos, and where they are
"""
import os
import re
import subprocess
import sys

from browser import Browser
import judge
from judge import Failure

SCREEN, PHONE = (1600, 1000, "light"), (360, 740, "dark")
ONE = "states"  # the page that is tried in every way: all have the same program
FEW = 12  # events that are gone through one by one: a key takes 10 ms
MARKS = {"holds": "✓", "refuted": "✗", "differs": "≈", "skipped": "○"}
VERDICTS = """return [...document.querySelectorAll("#claims li")].map((li) =>
    [li.querySelector(".sentence").textContent, li.dataset.verdict])"""
# What is wider than the window; what scrolls by itself may be.
TOO_WIDE = """const page = document.documentElement, innerWidth = page.clientWidth; // a phone's own innerWidth would grow
    return page.scrollWidth <= innerWidth || [...document.querySelectorAll("body *")].filter((e) => !e.closest(".scroll, #code") &&
        e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.outerHTML.slice(0, 120))"""
# The contrast of each text with the nearest background behind it, by the formula of WCAG; the fainter ones.
FAINT = """const rgb = (text) => (text.match(/[\\d.]+/g) || []).map((c, i) =>
        text.startsWith('color') && i < 3 ? 255 * c : Number(c));
    const light = ([r, g, b]) => [r, g, b].map((c) => (c /= 255) <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
    const behind = (e) => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor);
        if (c.length === 3 || c[3] > .99) return c; } return [255, 255, 255]; };
    const faint = new Set();
    for (const e of document.querySelectorAll("main *, header *, footer *")) {
        const texts = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
        if (e.closest("svg") || !texts || !e.checkVisibility()) continue;
        if (e.closest(".past, button:disabled, .hidden, details:not([open]) > :not(summary)")) continue;
        const style = getComputedStyle(e);
        if (!/^rgb/.test(style.color)) continue;
        const [a, b] = [light(rgb(style.color)), light(behind(e))].sort((x, y) => y - x);
        if ((a + .05) / (b + .05) < 4.5) faint.add(`${e.tagName}.${e.className} ${style.color} on ${behind(e)}`);
    }
    return faint.size === 0 || [...faint]"""


# On a phone: the names of the lanes that are cut, or reach into the lanes.
CUT = """const left = byId("lanes").getBoundingClientRect().left + laneLabels();
    const cut = [...document.querySelectorAll("#lanes .name")]
        .filter((e) => e.textContent.includes("…") || e.getBoundingClientRect().right > left);
    return cut.length === 0 || cut.map((e) => e.textContent)"""
# The moments at which the line of the source, or the node of the diagram, that a process is at is not to be seen in its
# panel, or was shown by moving the page.
UNSEEN = """const unseen = [], seen = (e, panel) => {
        const [a, b] = [e, panel].map((each) => each.getBoundingClientRect());
        return a.left < b.right && a.right > b.left && a.top >= b.top - 1 && a.bottom <= b.bottom + 1 &&
            (e.matches(".line") || a.left >= b.left - 1 && a.right <= b.right + 1);
    };
    for (const { n } of model.moments) {
        const top = scrollY;
        goTo(n);
        for (const e of document.querySelectorAll(".line.now, .diagram .here"))
            if (!seen(e, e.closest(".scroll, #code")) || scrollY !== top) unseen.push([n, e.textContent.slice(0, 40)]);
    }
    return unseen.length === 0 || unseen.slice(0, 5)"""


def make_page(demo, path):
    environment = {**os.environ, "PROCLAB_SECONDS": os.environ.get("PROCLAB_SECONDS", "0"), "LC_ALL": "C.UTF-8"}
    try:
        run = subprocess.run([demo, "--html", path], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                             env=environment, timeout=judge.RUN_SECONDS)
    except subprocess.TimeoutExpired:
        raise Failure(f"{demo} --html has not ended after {judge.RUN_SECONDS:g} s")
    if run.returncode not in (0, judge.SKIPPED):
        raise Failure(f"{demo} --html: {judge.ending(run.returncode)}: {run.stderr}")
    return " ".join(run.stdout.split()), len(re.findall(r"^   [✓✗≈○] (?!agrees: |DISAGREES: )", run.stdout, re.M))


def check_verdicts(browser, text, count):
    verdicts = browser.js(VERDICTS)
    missing = [sentence for sentence, verdict in verdicts
               if f"{MARKS.get(verdict)} {' '.join(sentence.split())}" not in text]
    if missing or len(verdicts) != count:
        raise Failure(f"of {count} verdicts of the text the page has {len(verdicts)}, and others for {missing}")


def check_keyboard(browser, text, count):
    """Through the first moments event by event, then step by step to the end; a step back; and to the beginning, where
    every claim is open again."""
    from selenium.webdriver.common.keys import Keys
    last = browser.js("return model.moments.length - 1")
    few = min(FEW, last)
    browser.keys(Keys.ARROW_RIGHT * few)
    browser.expect("Right does not lead to the next event", "return now === arguments[0] || now", few)
    browser.keys(Keys.PAGE_DOWN * (browser.js("return model.steps().filter((step) => step.n > now).length") + 1))
    browser.expect("played by the keyboard it is not at its end", "return now === arguments[0] || now", last)
    check_verdicts(browser, text, count)
    browser.expect("the link has no moment", "return location.hash === `#${now}` || location.href")
    browser.keys(Keys.PAGE_UP)
    browser.expect("Page Up leads to no step", "return model.moments[now].event.kind === 'step' || now")
    browser.expect("no line of the source is marked",
                   "return !sources.size || document.querySelectorAll('#code .at').length > 0")
    browser.keys(Keys.HOME)
    browser.expect("at the beginning there are verdicts",
                   "return [...document.querySelectorAll('#claims li')].every((li) => li.dataset.verdict === 'open')")
    return last


def check_landmarks(browser):
    browser.expect("landmarks or names are missing", """const labelled = [...document.querySelectorAll("main section")]
        .filter((s) => !document.getElementById(s.getAttribute("aria-labelledby"))?.textContent);
        const mute = [...document.querySelectorAll("button, input")]
            .filter((b) => !b.hidden && !(b.getAttribute("aria-label") || b.textContent.trim()));
        const there = ["header", "nav", "main", "footer", "[aria-live=polite]", "h1"];
        const well = there.every((each) => document.querySelector(each)) && labelled.length + mute.length === 0;
        return well || [...labelled, ...mute].map((e) => e.outerHTML.slice(0, 100))""")


def check_looks(browser, last):
    """Nothing is too wide, in the middle and at the end, and nothing too faint."""
    width = browser.js("return document.documentElement.clientWidth")
    for moment in (last // 2, last):
        browser.expect(f"{width} pixels wide, moment {moment}, something is wider", f"goTo({moment}); {TOO_WIDE}")
    browser.expect(f"{width} pixels wide, moment {last}: text that is too faint", FAINT)
    browser.expect("lines over sizes, and it is not said of what", """return [...document.querySelectorAll(".plot")].every((plot) =>
        !plot.querySelector("polyline") || plot.textContent.includes(model.start.sizes))""")
    return browser.js("return getComputedStyle(document.body).backgroundColor")


def check_link_and_time(browser, path, last):
    """The link opens at its moment; a click on the lanes goes to the moment under it, to scale or not. It plays, and stops."""
    browser.look(1000, 900, "light")
    browser.open(path, f"#{last // 2}")
    browser.expect("the link does not lead to its moment", "return now === arguments[0] || now", last // 2)
    for key in "tt":
        browser.js("goTo(0)")
        browser.drag_over_lanes(last // 2, last)
        browser.expect("dragging to the last moment does not lead there", "return now === arguments[0] || now", last)
        browser.keys(key)
    check_panel_keys(browser)
    browser.js("goTo(0)")
    browser.keys(" ")
    browser.expect_soon("Space plays nothing", "return playing !== null && now > 0 || now")
    browser.keys(" ")
    browser.expect("Space does not stop it", "return playing === null")


def check_panel_keys(browser):
    """A panel that was reached by the keyboard is scrolled by it; left again, the arrows are the player's."""
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys
    browser.js("goTo(1); document.activeElement.blur(); byId('scale').focus()")
    press = ActionChains(browser.driver)
    press.send_keys(Keys.TAB, *[Keys.ARROW_RIGHT] * 3).perform()
    browser.expect_soon("the source is not scrolled by the keyboard",
                        "return document.activeElement.id === 'code' && byId('code').scrollLeft > 0 && now === 1 || "
                        "[document.activeElement.id, byId('code').scrollLeft, now]")
    browser.js("document.activeElement.blur()")
    ActionChains(browser.driver).send_keys(Keys.ARROW_RIGHT).perform()
    browser.expect("the next event does not come by the keyboard", "return now === 2 || now")


def check_page(browser, demo):
    path = os.path.join(browser.place, f"{os.path.basename(demo)}.html")
    text, count = make_page(demo, path)
    browser.look(*SCREEN)
    browser.open(path)
    last = check_keyboard(browser, text, count)
    check_landmarks(browser)
    light = check_looks(browser, last)
    browser.look(*PHONE)
    if check_looks(browser, last) == light:
        raise Failure("dark and light are one")
    browser.expect("on a phone the name of a lane is not to be read", CUT)
    browser.expect("on a phone it is not to be seen where a process is, at the moments", UNSEEN)
    if os.path.basename(demo) == ONE:
        check_link_and_time(browser, path, last)
    complaints = browser.complaints()
    if complaints:
        raise Failure(f"the browser complains: {complaints[:3]}")
    return last + 1


def play(names, folder, *only):
    demos = only or judge.read(names, "r").split()
    browser, failures, moments = Browser(), [], 0
    try:
        for name in demos:
            try:
                moments += check_page(browser, os.path.join(folder, name))
            except Failure as why:
                failures.append(f"{name}: {why}")
    finally:
        browser.close()
    judge.fail_with(failures, "pages are not as they should be")
    return f"{len(demos)} pages, {moments} moments, by keyboard, wide and narrow, dark and light: nothing to complain about"


if __name__ == "__main__":
    sys.exit(judge.finish(lambda: play(*sys.argv[1:])))
