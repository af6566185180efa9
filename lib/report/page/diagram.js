/* diagram.js - the states of a process and the ways between them: lit up where it was seen, and where it is. */
const NODES = {
    created: { label: "created", x: 60, y: 36 },
    ready: { label: "ready", x: 200, y: 36 },
    running: { label: "running", x: 360, y: 36 },
    zombie: { label: "zombie", x: 510, y: 36 },
    waiting: { label: "waiting", x: 200, y: 150 },
    stopped: { label: "stopped", x: 360, y: 150 },
    dead: { label: "gone", x: 510, y: 150 },
};
const WAYS = [
    "created ready",
    "ready running",
    "running ready",
    "running waiting",
    "waiting ready",
    "running stopped",
    "stopped ready",
    "running zombie",
    "zombie dead",
];
const NODE_OF = {
    run: "running",
    ready: "ready",
    R: "running",
    S: "waiting",
    D: "waiting",
    T: "stopped",
    t: "stopped",
    Z: "zombie",
    X: "dead",
    I: "waiting",
};
/* What a verdict of the demo "states" proves, which one letter of /proc does not: R is ready and running, both. */
const NODE_OF_CLAIM = [
    [/^state\.created/, "created"],
    [/^state\.running/, "running"],
    [/^state\.(ready|preempted)/, "ready"],
    [/^state\.zombie/, "zombie"],
    [/^state\.dead/, "dead"],
];

/* Whose states were looked up most often, but for the parent, who always looks. */
function subject() {
    const others = [...model.processes.values()].filter(
        (process) => process.order > 0 && process.states.some((state) => !state.exact),
    );
    return others.sort(
        (a, b) => b.states.filter((state) => !state.exact).length - a.states.filter((state) => !state.exact).length,
    )[0];
}

/* Its way through the diagram up to this moment, one node after the other. */
function wayOf(process, n) {
    const words = process.states
        .filter((state) => state.place <= n)
        .map((state) => ({ place: state.place, node: NODE_OF[state.state] }));
    for (const claim of model.claims.filter((each) => verdictAt(each, n) === "holds")) {
        const known = NODE_OF_CLAIM.find(([pattern]) => pattern.test(claim.claim));
        if (known) words.push({ place: claim.place, node: known[1] });
    }
    return words
        .sort((a, b) => a.place - b.place)
        .map((word) => word.node)
        .filter((node, i, all) => node !== all[i - 1]);
}

/* The ways it must have taken from one node to the next that it was seen in: the shortest. */
function waysBetween(from, to) {
    const paths = [[from]],
        met = new Set([from]);
    for (const path of paths) {
        if (path.at(-1) === to) return path.slice(1).map((node, i) => `${path[i]} ${node}`);
        for (const way of WAYS) {
            const [a, b] = way.split(" ");
            if (a === path.at(-1) && !met.has(b)) paths.push([...path, b]) && met.add(b);
        }
    }
    return [];
}

/* A straight arrow from one box to the other; of two between the same boxes, each keeps to one side. */
function wayPath(from, to) {
    const a = NODES[from],
        b = NODES[to],
        dx = b.x - a.x,
        dy = b.y - a.y,
        length = Math.hypot(dx, dy),
        ux = dx / length,
        uy = dy / length;
    const edge = Math.min(53 / Math.max(Math.abs(ux), 0.01), 23 / Math.max(Math.abs(uy), 0.01));
    const side = WAYS.includes(`${to} ${from}`) ? 7 : 0,
        ox = -uy * side,
        oy = ux * side;
    return `M${a.x + ux * edge + ox} ${a.y + uy * edge + oy}L${b.x - ux * edge + ox} ${b.y - uy * edge + oy}`;
}

/* Where it is, and who says so. */
function whereIs(process, here, n) {
    if (!here) return " was not seen in any state yet";
    const state = model.stateAt(process, n);
    const said = state && NODE_OF[state.state] === here;
    return ` is ${NODES[here].label}: ${said ? `the kernel said ${state.state} (${state.source})` : "by a verdict"}`;
}

function diagram(process, n) {
    const way = wayOf(process, n),
        here = way.at(-1),
        gone = new Set(way.slice(1).flatMap((node, i) => waysBetween(way[i], node)));
    return figure(
        [chip(process), whereIs(process, here, n)],
        el(
            "div",
            { class: "scroll" },
            svg(
                "svg",
                {
                    viewBox: "0 0 570 186",
                    class: "diagram",
                    role: "img",
                    "aria-label": `seen: ${way.join(", ") || "nothing yet"}`,
                },
                svg(
                    "defs",
                    {},
                    svg(
                        "marker",
                        {
                            id: "arrow",
                            viewBox: "0 0 8 8",
                            refX: 7,
                            refY: 4,
                            markerWidth: 7,
                            markerHeight: 7,
                            orient: "auto-start-reverse",
                        },
                        svg("path", { d: "M0 0L8 4L0 8z", class: "arrow" }),
                    ),
                ),
                WAYS.map((each) =>
                    svg("path", {
                        class: `way${gone.has(each) ? " gone" : ""}`,
                        d: wayPath(...each.split(" ")),
                        "marker-end": "url(#arrow)",
                    }),
                ),
                Object.entries(NODES).map(([name, node]) =>
                    svg(
                        "g",
                        { class: `node${way.includes(name) ? " seen" : ""}${here === name ? " here" : ""}` },
                        svg("rect", { x: node.x - 50, y: node.y - 20, width: 100, height: 40, rx: 20 }),
                        svg("text", { x: node.x, y: node.y + 5, "text-anchor": "middle" }, node.label),
                    ),
                ),
            ),
        ),
    );
}

/* Where the diagram is wider than the window, the node that it is at stands in the middle. Only the panel scrolls. */
function showHere() {
    const here = document.querySelector(".diagram .here"),
        panel = here?.closest(".scroll");
    if (!panel) return;
    const [node, box] = [here, panel].map((each) => each.getBoundingClientRect());
    panel.scrollLeft += node.left + node.width / 2 - (box.left + box.width / 2);
}

const statesView = {
    title: "Through the states",
    has: () => Boolean(subject()) && subject().states.length > 1,
    draw(n) {
        const process = subject();
        return process.first > n ? null : diagram(process, n);
    },
};
