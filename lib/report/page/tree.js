/* tree.js - who is whose child at this moment, and in what state. */
function stateBadge(process, n) {
    const known = model.stateAt(process, n);
    if (!known) return el("span", { class: "quiet", title: "its state was not looked up yet" }, "state ?");
    return el(
        "span",
        { class: `badge s-${known.state}`, title: known.source },
        `${known.state === "run" || known.state === "ready" ? "" : `${known.state} `}${STATES[known.state].name}`,
    );
}

function lastSeen(process, n) {
    if (n <= process.last || process.order === 0) return null;
    return el("span", { class: "quiet" }, `· not seen since step ${model.moments[Math.floor(process.last)].step}`);
}

function branch(process, children, n) {
    const below = children(process);
    return el(
        "li",
        { class: n > process.last && process.order > 0 ? "past" : undefined },
        el(
            "div",
            { class: "process" },
            chip(process),
            " ",
            process.leader && el("span", { class: "quiet" }, "thread "),
            stateBadge(process, n),
            " ",
            lastSeen(process, n),
        ),
        below.length > 0 &&
            el(
                "ul",
                {},
                below.map((child) => branch(child, children, n)),
            ),
    );
}

function showTree(n) {
    const there = [...model.processes.values()].filter((process) => model.isThere(process, n));
    const gone = [...model.processes.values()].filter((process) => process.first <= n && !there.includes(process));
    const above = (process) =>
        there.find((other) => other !== process && other.id === (process.leader ?? model.parentAt(process, n)));
    const roots = there.filter(
        (process) => !above(process) && (process.order === 0 || model.parentAt(process, n) !== undefined),
    );
    const unknown = there.filter((process) => !above(process) && !roots.includes(process));
    const children = (process) => there.filter((other) => above(other) === process);
    const outside = (process) => {
        const parent = model.parentAt(process, n);
        return (
            parent !== undefined && el("p", { class: "quiet" }, `child of ${model.stable ? "P" : "process "}${parent}:`)
        );
    };
    show(
        "tree",
        roots.map((process) => [outside(process), el("ul", { class: "tree" }, branch(process, children, n))]).flat(),
        unknown.length > 0 && [
            el("p", { class: "quiet" }, "parent not looked up:"),
            el(
                "ul",
                { class: "tree" },
                unknown.map((process) => branch(process, children, n)),
            ),
        ],
        gone.length > 0 && el("p", { class: "quiet" }, `gone: ${gone.map(nameOf).join(", ")}`),
    );
}
