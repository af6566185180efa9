/* lanes.js - a lane for each process over the run. Above its line stand the marks of what the demo did; on it lie
 * the bars of what the kernel said: filled where the kernel's events prove the state all along, open where it was
 * only looked up once. */
const LANE = 34,
    TOP = 24,
    BAR = 12,
    MAX_LANES = 16;
let toScale = false;
let scaleX = (place) => place;

const laneLabels = () => Math.min(170, byId("lanes").clientWidth * 0.3);

/* From a place to a column. To scale, the time between two moments is as wide as it was long. */
function makeScale(left, width) {
    const last = model.moments.length - 1 || 1;
    const times = model.moments.map((moment) => moment.time - model.moments[0].time),
        whole = times.at(-1) || 1;
    scaleX = (place) => {
        const n = Math.min(Math.floor(place), last),
            rest = place - n;
        if (!toScale || model.stable) return left + (Math.min(place, last) / last) * width;
        const time = times[n] + rest * ((times[n + 1] ?? times[n]) - times[n]);
        return left + (time / whole) * width;
    };
}

function withLanes() {
    return [...model.processes.values()].slice(0, MAX_LANES);
}

function steps(height, left) {
    const marks = model.steps();
    return marks.map(({ event, n }, i) => {
        const x = scaleX(n),
            end = i + 1 < marks.length ? scaleX(marks[i + 1].n) : scaleX(model.moments.length - 1);
        return svg(
            "g",
            { class: `step${i % 2 ? " odd" : ""}`, "data-n": n },
            svg("title", {}, `step ${event.n}: ${event.text}`),
            svg("rect", { x, y: 0, width: Math.max(0, end - x), height }),
            end - x > 12 && svg("text", { x: x + 4, y: 15 }, String(event.n)),
        );
    });
}

/* What was looked up while the kernel's events say the same is no news. */
function isConfirmed(each, before) {
    return (
        !each.exact && before?.exact && (before.state === each.state || (each.state === "R" && /^r/.test(before.state)))
    );
}

/* A state that was looked up is known at that moment, and lasts until the kernel says another or the process is not
 * mentioned any more. What an event of the kernel says lasts until the next one. */
function bars(process, y) {
    const end = Math.max(process.last, process.states.at(-1)?.place ?? 0);
    const states = [];
    for (const each of process.states) if (!isConfirmed(each, states.at(-1))) states.push(each);
    return states.flatMap((each, i) => {
        const next = states[i + 1];
        if (each.state === "X") return [];
        const stop = next
            ? next.place
            : each.exact
              ? Math.max(each.place, model.watched)
              : Math.max(end, each.place + 1);
        const x = scaleX(each.place),
            width = Math.max(1.5, scaleX(Math.min(stop, model.moments.length - 1)) - x);
        const state = STATES[each.state];
        const title = `${nameOf(process)}: ${each.state}, ${state.name} (${each.source})`;
        const seen =
            each.exact && (!next || next.exact) ? width : Math.min(width, Math.max(14, scaleX(each.place + 0.5) - x));
        return [
            seen < width &&
                svg(
                    "rect",
                    { class: `bar s-${each.state} open`, x: x + seen, y, width: width - seen, height: BAR },
                    svg("title", {}, `${title}; not looked up again`),
                ),
            svg(
                "rect",
                { class: `bar s-${each.state}`, x, y, width: seen, height: BAR, "data-state": each.state },
                svg("title", {}, title),
            ),
            width > 7 * state.mark.length + 8 && svg("text", { class: "letter", x: x + 3, y: y + 10 }, state.mark),
        ];
    });
}

function diamond(x, y, title, colour) {
    return svg(
        "path",
        { class: "act", d: `M${x - 5} ${y}l5-5 5 5-5 5z`, style: `--who:${colour}` },
        svg("title", {}, title),
    );
}

/* What the demo did, at the lane of who did it; a thread to whom it meant. */
function acts(middle) {
    return model.moments.flatMap(({ event, n }) => {
        if (event.kind !== "act" && event.kind !== "observation") return [];
        const doer = model.processes.get(event.tid ?? event.pid),
            x = scaleX(n);
        if (event.kind === "act") {
            const target = event.target && model.processes.get(event.target);
            const y = middle(doer),
                to = target && target !== doer ? middle(target) : undefined;
            return [
                to !== undefined && y !== undefined && svg("line", { class: "to", x1: x, x2: x, y1: y, y2: to }),
                y !== undefined &&
                    diamond(
                        x,
                        y,
                        `${nameOf(doer)}: ${event.look ? `look yourself: ${event.look}` : event.text}`,
                        colourOf(doer),
                    ),
            ];
        }
        const of = model.processes.get(event.of);
        return of && !isKernels(event) && middle(of) !== undefined
            ? [
                  svg(
                      "circle",
                      { class: "look", cx: x, cy: middle(of), r: 3 },
                      svg("title", {}, `${event.source} was read`),
                  ),
              ]
            : [];
    });
}

function kernelMarks(middle) {
    return model.marks
        .filter(({ process }) => middle(process) !== undefined)
        .map(({ place, process, name }) =>
            svg(
                "line",
                {
                    class: "tick",
                    x1: scaleX(place),
                    x2: scaleX(place),
                    y1: middle(process) + 5,
                    y2: middle(process) + 19,
                },
                svg("title", {}, name),
            ),
        );
}

function verdictMarks(y) {
    return model.moments
        .filter(({ event }) => event.kind === "verdict" || event.kind === "witness")
        .map(({ event, n }) => {
            const verdict = event.kind === "verdict" ? event.verdict : event.agrees ? "holds" : "refuted";
            return svg(
                "text",
                { class: `verdict v-${verdict}`, x: scaleX(n), y, "text-anchor": "middle" },
                svg("title", {}, event.sentence || event.claim),
                MARKS[verdict],
            );
        });
}

/* Times under the lanes: where it is to scale, round ones; where not, that of each step. */
function axis(y, left, width) {
    if (model.stable) return [];
    if (!toScale) {
        let free = 0;
        return model
            .steps()
            .filter(({ n }) => scaleX(n) > free && (free = scaleX(n) + 66))
            .map(({ n }) =>
                svg("text", { class: "axis", x: Math.min(scaleX(n), left + width - 50), y }, model.timeAt(n)),
            );
    }
    const whole = model.moments.at(-1).time - model.moments[0].time,
        rough = whole / Math.max(2, width / 110);
    const unit = 10 ** Math.floor(Math.log10(rough)),
        gap = unit * [1, 2, 5, 10].find((factor) => factor * unit >= rough);
    return Array.from({ length: Math.floor(whole / gap) + 1 }, (_, i) =>
        svg("text", { class: "axis", x: left + ((i * gap) / whole) * width, y }, milliseconds(i * gap)),
    );
}

function drawLanes() {
    const lanes = withLanes(),
        left = laneLabels() + 8,
        full = byId("lanes").clientWidth,
        width = full - left - 14;
    const height = TOP + lanes.length * LANE + 44;
    makeScale(left, width);
    const y = new Map(lanes.map((process, i) => [process, TOP + i * LANE]));
    const middle = (process) => (y.has(process) ? y.get(process) + 8 : undefined);
    const picture = svg(
        "svg",
        { width: full, height, role: "img", "aria-label": laneSummary(lanes) },
        steps(height - 18, left),
        lanes.map((process) =>
            svg(
                "g",
                {},
                laneName(process, y.get(process) + 20, left - 8),
                svg("line", {
                    class: "life",
                    x1: scaleX(process.first),
                    x2: scaleX(process.last),
                    y1: y.get(process) + 19,
                    y2: y.get(process) + 19,
                }),
                svg(
                    "line",
                    {
                        class: "begin",
                        x1: scaleX(process.first),
                        x2: scaleX(process.first),
                        y1: y.get(process) + 12,
                        y2: y.get(process) + 26,
                        style: `--who:${colourOf(process)}`,
                    },
                    svg("title", {}, `from here on ${nameOf(process)} is known`),
                ),
                bars(process, y.get(process) + 13),
            ),
        ),
        kernelMarks(middle),
        acts(middle),
        svg("text", { class: "name", x: 0, y: height - 26 }, "verdicts"),
        verdictMarks(height - 26),
        axis(height - 4, left, width),
        svg("line", { id: "cursor", y1: 0, y2: height - 18 }),
    );
    show(
        "lanes",
        picture,
        model.processes.size > lanes.length &&
            el("p", { class: "quiet" }, `${model.processes.size - lanes.length} more processes have no lane.`),
    );
    laneLegend();
}

const ruler = document.createElement("canvas").getContext("2d");

/* As wide as .name has it, in whatever font there is. */
function isWider(text, width) {
    ruler.font = `600 13px ${getComputedStyle(document.body).fontFamily}`;
    return ruler.measureText(text).width > width;
}

function fitting(text, width) {
    if (!isWider(text, width)) return text;
    let letters = text.length;
    while (letters > 1 && isWider(`${text.slice(0, letters)}…`, width)) letters--;
    return `${text.slice(0, letters)}…`;
}

/* On one line; where that is too narrow, as on a phone, its number stands below what it is. */
function laneName(process, y, width) {
    const name = nameOf(process),
        blank = name.lastIndexOf(" ");
    const lines = isWider(name, width)
        ? [
              [name.slice(0, blank), y - 6],
              [name.slice(blank + 1), y + 8],
          ]
        : [[name, y]];
    return svg(
        "text",
        { class: "name", style: `--who:${colourOf(process)}` },
        svg("title", {}, name),
        lines.map(([text, at]) => svg("tspan", { x: 0, y: at }, fitting(text, width))),
    );
}

function laneSummary(lanes) {
    const states = (process) => [...new Set(process.states.map((state) => state.state))].join(" ") || "not looked up";
    const each = lanes.map((process) => `${nameOf(process)}, states ${states(process)}`);
    return `${lanes.length} lanes over ${model.moments.length} moments: ${each.join("; ")}`;
}

function laneLegend() {
    const used = new Set(
        [...model.processes.values()].flatMap((process) => process.states.map((state) => state.state)),
    );
    const item = (mark, text) => el("li", {}, mark, ` ${text}`);
    show(
        "lane-legend",
        item(el("i", { class: "k-act" }), "the demo did something"),
        item(el("i", { class: "k-look" }), "it looked at a process"),
        model.marks.length > 0 && item(el("i", { class: "k-tick" }), "an event of the kernel"),
        Object.keys(STATES)
            .filter((state) => used.has(state) && state !== "X")
            .map((state) => item(el("i", { class: `k-bar s-${state}` }), `the kernel said: ${STATES[state].name}`)),
        used.size > 0 && item(el("i", { class: "k-bar s-S open" }), "not looked up again"),
    );
}

function showCursor(n) {
    const x = scaleX(n);
    for (const end of ["x1", "x2"]) byId("cursor").setAttribute(end, x);
}

/* The moment nearest to a column. */
function momentAt(x) {
    let best = 0;
    model.moments.forEach((moment) => {
        if (Math.abs(scaleX(moment.n) - x) < Math.abs(scaleX(best) - x)) best = moment.n;
    });
    return best;
}
