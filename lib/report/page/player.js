/* player.js - the moment that is shown, and how the reader changes it: keys, buttons, the time line, the link. */
let now = 0,
    playing = null;

const PLAY_MS = 900;

function sayNow({ event, events, n }) {
    const who = model.processes.get(event.tid ?? event.pid),
        of = model.processes.get(event.of);
    const verdict = event.kind === "witness" ? (event.agrees ? "holds" : "refuted") : event.verdict;
    switch (event.kind) {
        case "start":
            return [
                el("p", { class: "big" }, event.title),
                el(
                    "p",
                    { class: "quiet" },
                    event.break ? `With --break ${event.break}: an essential part is taken out.` : "The run begins.",
                ),
            ];
        case "step":
            return [el("p", { class: "big" }, event.text)];
        case "act":
            return event.look
                ? [el("p", {}, "Look yourself, from a second terminal:"), el("pre", { class: "look" }, event.look)]
                : [
                      el(
                          "p",
                          {},
                          who && chip(who),
                          " ",
                          el("span", { class: "big" }, event.text),
                          event.target ? [" → ", nameOfId(event.target)] : "",
                      ),
                  ];
        case "observation":
            return isKernels(event)
                ? [
                      el(
                          "p",
                          { class: "big" },
                          `The kernel recorded ${events.length} event${events.length === 1 ? "" : "s"}.`,
                      ),
                      el("p", {}, "They lie on the lanes at the times they happened."),
                  ]
                : [
                      el("p", {}, of && chip(of), " ", el("code", {}, event.source), " says:"),
                      event.columns
                          ? el("p", { class: "big" }, `a table of ${Object.keys(event.facts).length} rows`)
                          : el(
                                "p",
                                { class: "big" },
                                Object.entries(event.facts || {})
                                    .map(
                                        ([name, value]) =>
                                            `${name} ${event.pages?.[name] ? gridSummary(value) : plain(value)}`,
                                    )
                                    .join("   "),
                            ),
                  ];
        case "verdict":
            return [
                el(
                    "p",
                    { class: "big" },
                    el("span", { class: `mark v-${verdict}` }, `${MARKS[verdict]} `),
                    event.sentence,
                ),
                el(
                    "p",
                    {},
                    el("strong", { class: `v-${verdict}` }, verdict),
                    event.evidence ? `: ${event.evidence}` : "",
                ),
                event.reason && el("p", { class: "quiet" }, event.reason),
            ];
        case "witness":
            return [
                el(
                    "p",
                    { class: "big" },
                    el("span", { class: `mark v-${verdict}` }, `${MARKS[verdict]} `),
                    `The kernel's events ${event.agrees ? "agree" : "disagree"}: ${event.claim}`,
                ),
                el("p", {}, event.evidence),
            ];
        case "measure":
            return [
                el("p", { class: "big" }, `${event.name}: ${withUnit(event.median, event.unit)}`),
                el("p", {}, said(event)),
            ];
        case "end":
            return [
                el("p", { class: "big" }, "The end."),
                el(
                    "p",
                    {},
                    Object.entries({ holds: "hold", differs: "differ", skipped: "skipped", refuted: "refuted" })
                        .filter(([one]) => event[one])
                        .map(([one, more]) => `${event[one]} ${event[one] === 1 ? one : more}`)
                        .join(", ") || "no claim was decided",
                    event.next ? `. Next: ${event.next}` : "",
                ),
            ];
        default:
            return [el("p", {}, `${event.kind} (${n})`)];
    }
}

const stepText = (n) => model.moments.findLast((moment) => moment.n <= n && moment.event.kind === "step")?.event.text;

function render() {
    const moment = model.moments[now],
        time = model.timeAt(now);
    const step = `Step ${moment.step} of ${model.steps().length}`;
    const heading =
        !moment.step || moment.event.kind === "end"
            ? "Now"
            : moment.event.kind === "step"
              ? step
              : `${step}: ${stepText(now)}`;
    show("now-heading", heading);
    show("now", sayNow(moment));
    byId("moment").value = now;
    const where = `${now} / ${model.moments.length - 1}${time ? `, ${time}` : ""}`;
    byId("moment").setAttribute("aria-valuetext", `event ${where}; ${heading}`);
    show("where", where);
    for (const [id, end] of [
        ["first", 0],
        ["step-back", 0],
        ["back", 0],
        ["forward", model.moments.length - 1],
        ["step-on", model.moments.length - 1],
        ["last", model.moments.length - 1],
    ])
        byId(id).disabled = now === end;
    for (const part of [showCursor, showCode, showFacts, showTree, showClaims, showViews]) part(now);
}

function goTo(n) {
    const to = Math.max(0, Math.min(model.moments.length - 1, n));
    if (to === now) return;
    now = to;
    render();
    history.replaceState(null, "", `#${now}`);
}

const nextStep = () =>
    goTo((model.moments.find((moment) => moment.n > now && moment.event.kind === "step") || model.moments.at(-1)).n);
const stepBefore = () =>
    goTo((model.moments.findLast((moment) => moment.n < now && moment.event.kind === "step") || model.moments[0]).n);

function play(on) {
    clearInterval(playing);
    playing = on ? setInterval(() => (now === model.moments.length - 1 ? play(false) : goTo(now + 1)), PLAY_MS) : null;
    byId("play").setAttribute("aria-pressed", String(on));
    byId("play").setAttribute("aria-label", on ? "Stop" : "Play");
    show(
        "play",
        svg(
            "svg",
            { viewBox: "0 0 16 16", "aria-hidden": "true" },
            svg("path", { d: on ? "M3 3h4v10H3zM9 3h4v10H9z" : "M4 2v12l10-6z" }),
        ),
    );
}

function togglePlay() {
    if (!playing && now === model.moments.length - 1) goTo(0);
    play(!playing);
}

/* Where there is no clipboard, as in a file that was only opened: the link stands in the address. */
async function share() {
    history.replaceState(null, "", `#${now}`);
    try {
        await navigator.clipboard.writeText(location.href);
        show("share", "copied");
    } catch {
        show("share", "see the address");
    }
    setTimeout(() => show("share", "copy link"), 2000);
}

function changeTheme() {
    const style = document.documentElement.style;
    const dark = style.colorScheme ? style.colorScheme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    style.colorScheme = dark ? "light" : "dark";
}

function changeScale() {
    toScale = !toScale;
    byId("scale").setAttribute("aria-pressed", String(toScale));
    drawLanes();
    showCursor(now);
}

const KEYS = {
    ArrowLeft: () => goTo(now - 1),
    ArrowRight: () => goTo(now + 1),
    PageUp: stepBefore,
    PageDown: nextStep,
    Home: () => goTo(0),
    End: () => goTo(model.moments.length - 1),
    " ": togglePlay,
    t: changeScale,
    d: changeTheme,
    l: share,
};

/* In a panel that scrolls, and on a button, the keys that are theirs stay theirs: in one that was reached by the keyboard
 * the arrows, too. */
function pressed(event) {
    const action = KEYS[event.key],
        at = event.target;
    if (!action || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === " " && at.closest?.("button, summary")) return;
    if (/^(Page|Home|End)/.test(event.key) && at.closest?.("#code")) return;
    if (/^Arrow/.test(event.key) && at.matches?.(".scroll:focus-visible, #code:focus-visible")) return;
    event.preventDefault();
    if (event.key !== " ") play(false);
    action();
}

function dragOn(lanes) {
    const go = (event) => goTo(momentAt(event.clientX - lanes.getBoundingClientRect().left));
    lanes.addEventListener("pointerdown", (event) => {
        play(false);
        lanes.setPointerCapture(event.pointerId);
        go(event);
    });
    lanes.addEventListener("pointermove", (event) => lanes.hasPointerCapture(event.pointerId) && go(event));
}

function fromLink() {
    const n = Number(location.hash.slice(1));
    return Number.isInteger(n) ? Math.max(0, Math.min(model.moments.length - 1, n)) : 0;
}

function listen() {
    const click = {
        first: KEYS.Home,
        "step-back": stepBefore,
        back: KEYS.ArrowLeft,
        play: togglePlay,
        forward: KEYS.ArrowRight,
        "step-on": nextStep,
        last: KEYS.End,
        share,
        theme: changeTheme,
        scale: changeScale,
    };
    for (const [id, action] of Object.entries(click)) byId(id).addEventListener("click", action);
    byId("moment").addEventListener("input", () => {
        play(false);
        goTo(Number(byId("moment").value));
    });
    addEventListener("keydown", pressed);
    addEventListener("hashchange", () => goTo(fromLink()));
    dragOn(byId("lanes"));
    new ResizeObserver(() => {
        drawLanes();
        showCursor(now);
    }).observe(byId("lanes"));
}

function showMachine() {
    const { machine = {}, demo = "proclab", title = "" } = model.start;
    document.title = `${demo}: replay`;
    show("title", el("strong", {}, demo), title && `: ${title}`);
    show(
        "machine",
        [
            machine.kernel && `Linux ${machine.kernel}`,
            machine.architecture,
            machine.cpus && `${machine.cpus} CPUs`,
            machine.memory_kib && `${Math.round(machine.memory_kib / 1048576)} GiB`,
            machine.user !== undefined && `user ${machine.user}`,
            model.stable && "labels in the place of PIDs and times (--stable)",
        ]
            .filter(Boolean)
            .join(", "),
    );
}

/* What a saved run lacks. */
function showIncomplete() {
    const notes = [
        unread > 0 &&
            `${unread} line${unread === 1 ? " is" : "s are"} no event and ${unread === 1 ? "was" : "were"} left out.`,
        model.moments.at(-1).event.kind !== "end" && "The run has no end: it was cut short.",
    ];
    show("incomplete", notes.filter(Boolean).join(" "));
}

const { events: readAll, unread } = readEvents(byId("events").textContent);
const model = new Model(readAll);

if (model.moments.length === 0) {
    show("now", el("p", { class: "big" }, "There is no event in this page."));
} else {
    readSources();
    byId("moment").max = model.moments.length - 1;
    byId("scale").hidden = model.stable;
    showIncomplete();
    showMachine();
    drawLanes();
    now = fromLink();
    listen();
    play(false);
    render();
}
