/* facts.js - what was looked up so far, and what changed since the last step. */
const sourceKey = (event) => `${event.of ?? ""} ${event.source}`;

/* Every fact of each source: its value, the one before it, and in which step it came to have it. */
function factsAt(n) {
    const sources = new Map();
    for (const moment of model.moments.slice(0, n + 1)) {
        const event = moment.event;
        if (event.kind !== "observation" || isKernels(event)) continue;
        const key = sourceKey(event);
        if (!sources.has(key)) sources.set(key, { event, facts: new Map() });
        const source = sources.get(key);
        source.event = event;
        source.step = moment.step;
        source.n = moment.n;
        for (const [name, value] of Object.entries(event.facts || {})) {
            const before = source.facts.get(name);
            const same = before && JSON.stringify(before.value) === JSON.stringify(value);
            if (same) before.seen = moment.n;
            else source.facts.set(name, { value, was: before, step: moment.step, seen: moment.n });
        }
    }
    return [...sources.values()].sort((a, b) => b.n - a.n);
}

function changeOf(fact, step) {
    if (fact.step !== step) return null;
    return fact.was
        ? el("span", { class: "was" }, `was ${plain(fact.was.value)}`)
        : el("span", { class: "new" }, "new");
}

const plain = (value) => (typeof value === "object" ? Object.values(value).join(" ") : String(value));

/* A drawing, sent as a table whose rows are only numbered. */
function isDrawing(event) {
    return (
        event.columns?.length === 2 &&
        event.columns[0] === "row" &&
        Object.keys(event.facts).every((name, i) => name === String(i + 1))
    );
}

function drawing(event) {
    const lines = Object.values(event.facts).map((row) => row[event.columns[1]]);
    return el("div", { class: "scroll" }, el("pre", { class: "drawing" }, lines.join("\n")));
}

/* What changed from "before" to "after", or from one side to the other, is what such a table is about. */
function factTable(event) {
    if (isDrawing(event)) return drawing(event);
    const columns = event.columns,
        rows = Object.entries(event.facts);
    const pair = [
        ["before", "after"],
        ["outside", "inside"],
    ].find(([a, b]) => columns.includes(a) && columns.includes(b));
    const differs = (r, c) => pair && columns[c] === pair[1] && rows[r][1][pair[0]] !== rows[r][1][pair[1]];
    return table(
        null,
        columns,
        rows.map(([name, row]) => [name, ...columns.slice(1).map((column) => row[column] ?? "")]),
        (cell, r, c) => (differs(r, c) ? "changed" : undefined),
    );
}

function factList(source, step) {
    const items = [...source.facts].filter(([name]) => !source.event.pages?.[name]);
    const grids = Object.keys(source.event.pages || {}).map((name) =>
        el("div", {}, el("dt", {}, name), el("dd", {}, gridSummary(source.event.facts[name]))),
    );
    return el(
        "dl",
        {},
        grids,
        items.map(([name, fact]) =>
            el(
                "div",
                { class: fact.step === step && fact.was ? "changed" : undefined },
                el("dt", {}, name),
                el("dd", {}, plain(fact.value), " ", changeOf(fact, step)),
            ),
        ),
    );
}

function sourceCard(source, step, n) {
    const of = model.processes.get(source.event.of);
    return el(
        "article",
        { class: source.n === n ? "current" : undefined },
        el("h3", {}, of && chip(of), " ", el("code", {}, source.event.source)),
        source.event.columns ? factTable(source.event) : factList(source, step),
    );
}

function kernelsCard(n) {
    const moment = model.moments.findLast((each) => each.n <= n && isKernels(each.event));
    if (!moment) return null;
    const counts = new Map();
    for (const event of moment.events) counts.set(event.source, (counts.get(event.source) || 0) + 1);
    return el(
        "article",
        { class: moment.n === n ? "current" : undefined },
        el("h3", {}, "the kernel's own events"),
        el(
            "dl",
            {},
            [...counts].map(([source, count]) =>
                el("div", {}, el("dt", {}, source.replace("tracefs ", "")), el("dd", {}, String(count))),
            ),
        ),
        model.others.size > 0 &&
            el("p", { class: "quiet" }, `Some are about ${model.others.size} more processes, which have no lane.`),
    );
}

function showFacts(n) {
    const step = model.moments[n].step,
        sources = factsAt(n);
    const current = sources.filter((source) => source.step === step),
        earlier = sources.filter((source) => source.step !== step);
    const open = byId("earlier")?.open;
    show(
        "facts",
        kernelsCard(n),
        sources.length === 0 && el("p", { class: "quiet" }, "Nothing was looked up yet."),
        current.map((source) => sourceCard(source, step, n)),
        earlier.length > 0 &&
            el(
                "details",
                { id: "earlier", open: open || current.length === 0 },
                el("summary", {}, `from the steps before (${earlier.length})`),
                earlier.map((source) => sourceCard(source, step, n)),
            ),
    );
}
