/* views.js - pictures that suit what a demo observes: page grids, address maps, matrices, two sides. Each takes a
 * moment and returns a picture, or null where the run has nothing of the kind so far; "has" says whether it ever
 * will. */
const until = (n) =>
    model.moments
        .slice(0, n + 1)
        .filter(({ event }) => event.kind === "observation" && !isKernels(event))
        .map(({ event }) => event);
const ever = () => until(model.moments.length);
const figure = (caption, ...content) => el("figure", {}, el("figcaption", {}, caption), ...content);

/* Pages */

const CELL_CLASS = { s: "shared", P: "own" };
const CELLS = { s: "shared", P: "private", ".": "not present" };

function gridSummary(cells) {
    return Object.keys(CELLS)
        .filter((cell) => cells.includes(cell))
        .map((cell) => `${[...cells].filter((each) => each === cell).length} ${CELLS[cell]}`)
        .join(", ");
}

/* The last grid of each process and the one before it. */
function gridsAt(n) {
    const grids = new Map();
    for (const event of until(n))
        for (const name of Object.keys(event.pages || {})) {
            const key = `${event.of} ${name}`;
            grids.set(key, {
                event,
                name,
                cells: event.facts[name],
                frames: event.frames?.[name],
                before: grids.get(key),
            });
        }
    return [...grids.values()];
}

const hex = (number) => `0x${number.toString(16)}`;

function pageTitle(grid, i, others) {
    const frame = grid.frames?.[i],
        was = grid.before?.frames?.[i];
    const same = frame && others.find((other) => other !== grid && other.frames?.[i] === frame);
    return (
        `page ${i}: ${CELLS[grid.cells[i]] || grid.cells[i]}` +
        (frame ? `, frame ${hex(frame)}` : "") +
        (same ? `, the same as ${nameOfId(same.event.of)}` : "") +
        (was && was !== frame ? `, before it was ${hex(was)}` : "")
    );
}

const isChanged = (grid, i) => grid.before && grid.before.cells[i] !== grid.cells[i];

function pageGrid(grid, all) {
    const told = el(
        "p",
        { class: "told" },
        grid.frames ? "Point at a page to see its frame." : "Frame numbers: only root is shown them.",
    );
    const cells = [...grid.cells].map((cell, i) =>
        el("i", {
            class: `page ${CELL_CLASS[cell] || "absent"}${isChanged(grid, i) ? " changed" : ""}`,
            title: pageTitle(grid, i, all),
            "data-i": i,
        }),
    );
    const box = el("div", { class: "pages", role: "img", "aria-label": gridSummary(grid.cells) }, cells);
    const tell = ({ target }) => target.dataset.i && told.replaceChildren(target.title);
    box.addEventListener("pointerover", tell);
    box.addEventListener("pointerdown", tell);
    return figure(
        [model.processes.has(grid.event.of) && chip(model.processes.get(grid.event.of)), ` ${gridSummary(grid.cells)}`],
        box,
        told,
    );
}

const pagesView = {
    title: "Page by page",
    has: () => ever().some((event) => event.pages),
    draw(n) {
        const grids = gridsAt(n);
        return grids.length === 0
            ? null
            : [
                  el(
                      "ul",
                      { class: "legend" },
                      el("li", {}, el("i", { class: "page shared" }), " shared: both map one frame"),
                      el("li", {}, el("i", { class: "page own" }), " private: a frame of its own"),
                      el("li", {}, el("i", { class: "page own changed" }), " changed since it was last looked at"),
                  ),
                  el(
                      "div",
                      { class: "pair" },
                      grids.map((grid) => pageGrid(grid, grids)),
                  ),
              ];
    },
};

/* Addresses */

const kib = (size) => Number((/^(\d+) KiB/.exec(size) || [])[1] || 0);
const isMap = (event) => event.columns?.includes("from") && event.columns.includes("size");
const RANGE = /^0x([0-9a-f]+)-0x([0-9a-f]+)$/,
    ADDRESS = /^0x[0-9a-f]+$/;

const blockClass = (perms) => (perms.includes("x") ? "code" : perms.includes("w") ? "data" : "file");

/* From high to low, as in a textbook; each block as high as the logarithm of its size. */
function mapPicture(event) {
    const extra = event.columns.filter((column) => !["from", "size", "perms"].includes(column)).slice(1);
    return figure(
        event.source,
        el(
            "ol",
            { class: "map" },
            Object.entries(event.facts)
                .flatMap(([name, row]) => [
                    el(
                        "li",
                        {
                            class: `block ${blockClass(row.perms || "")}`,
                            style: `--high:${Math.max(1, Math.log2(kib(row.size) + 1))}`,
                        },
                        el("strong", {}, name),
                        el("span", {}, row.size),
                        el("code", {}, row.perms || ""),
                        el("code", { class: "from" }, row.from),
                        el("span", { class: "quiet" }, extra.map((column) => row[column]).join(" ")),
                    ),
                    el("li", { class: "gap", "aria-hidden": "true" }),
                ])
                .slice(0, -1),
        ),
        el(
            "p",
            { class: "quiet" },
            "High addresses above. A block's height is the logarithm of its size; the gaps between are not to scale.",
        ),
    );
}

/* What grew: each range that was observed more than once, before and after, on one scale. */
function growths(events) {
    const ranges = new Map();
    for (const event of events)
        for (const [name, value] of Object.entries(event.facts || {})) {
            const match = typeof value === "string" && RANGE.exec(value);
            if (match)
                ranges.set(`${event.of} ${name}`, [
                    ...(ranges.get(`${event.of} ${name}`) || []),
                    { name, low: BigInt(`0x${match[1]}`), high: BigInt(`0x${match[2]}`) },
                ]);
        }
    return [...ranges.values()];
}

function growthPicture(seen) {
    const low = seen.map((each) => each.low).reduce((a, b) => (a < b ? a : b)),
        high = seen.map((each) => each.high).reduce((a, b) => (a > b ? a : b));
    const share = (part) => Number((part * 10000n) / (high - low || 1n)) / 100;
    return figure(
        `${seen[0].name}, each time it was looked at`,
        seen.map((each) =>
            el(
                "div",
                { class: "range" },
                el(
                    "span",
                    { class: "track" },
                    el("i", { style: `left:${share(each.low - low)}%;width:${share(each.high - each.low)}%` }),
                ),
                el("code", {}, `${hex(each.low)} to ${hex(each.high)}, ${(each.high - each.low) / 1024n} KiB`),
            ),
        ),
        el("p", { class: "quiet" }, "Low addresses on the left."),
    );
}

/* The same names in several processes: is it the same address? */
function comparePicture(events) {
    const rows = events.filter(
        (event) =>
            !event.columns && Object.values(event.facts || {}).filter((value) => ADDRESS.test(value)).length >= 2,
    );
    if (rows.length < 2) return null;
    const names = [...new Set(rows.flatMap((event) => Object.keys(event.facts)))];
    const alike = (name, value) => rows.filter((event) => event.facts[name] === value).length > 1;
    return figure(
        "One row a process: what is at the same address is framed",
        table(
            null,
            ["process", ...names],
            rows.map((event) => [nameOfId(event.of), ...names.map((name) => String(event.facts[name] ?? ""))]),
            (cell, r, c) => (alike(names[c - 1], cell) ? "same" : "mono"),
        ),
    );
}

/* exec: what is mapped before it and after it. */
const isImages = (event) =>
    event.columns?.includes("before") && Object.keys(event.facts).some((name) => name.startsWith("maps: "));

function imagesPicture(event) {
    const parts = Object.entries(event.facts).filter(([name]) => name.startsWith("maps: "));
    const side = (when) =>
        el(
            "div",
            {},
            el("h4", {}, `${when} execve()`),
            el(
                "ol",
                { class: "map" },
                parts.map(([name, row]) =>
                    el(
                        "li",
                        { class: `block ${row[when] === "mapped" ? (/code/.test(name) ? "code" : "data") : "none"}` },
                        el("strong", {}, name.slice(6)),
                        el("span", {}, row[when] === "mapped" ? "mapped" : "not mapped"),
                    ),
                ),
            ),
        );
    return figure(
        [`${event.source}: the same process, another address space`],
        el("div", { class: "pair" }, side("before"), side("after")),
    );
}

const mapView = {
    title: "Its address space",
    has: () => ever().some((event) => isMap(event) || isImages(event)),
    draw(n) {
        const events = until(n),
            map = events.findLast(isMap),
            images = events.findLast(isImages);
        const parts = [
            map && mapPicture(map),
            images && imagesPicture(images),
            ...growths(events)
                .filter((seen) => seen.length > 1)
                .map(growthPicture),
            comparePicture(events),
        ].filter(Boolean);
        return parts.length ? parts : null;
    },
};

/* Flags */

const YES = new Set(["shared", "x"]),
    NO = new Set(["-", "."]);
const isMatrix = (event) =>
    event.columns?.length > 2 &&
    Object.entries(event.facts)
        .filter(([name]) => !name.startsWith("("))
        .every(([, row]) => Object.values(row).every((cell) => YES.has(cell) || NO.has(cell)));

function matrixPicture(event) {
    const columns = event.columns.slice(1);
    const cell = (text) =>
        YES.has(text)
            ? el("span", { class: "yes" }, "●", el("span", { class: "hidden" }, text))
            : NO.has(text)
              ? el("span", { class: "no" }, "–", el("span", { class: "hidden" }, "no"))
              : text;
    return figure(
        event.source,
        table(
            null,
            event.columns,
            Object.entries(event.facts).map(([name, row]) => [name, ...columns.map((column) => cell(row[column]))]),
            () => "cell",
        ),
    );
}

const matrixView = {
    title: "Flag by flag",
    has: () => ever().some(isMatrix),
    draw(n) {
        const found = until(n).filter(isMatrix);
        return found.length ? found.map(matrixPicture) : null;
    },
};

/* Outside and inside */

const isSides = (event) => event.columns?.includes("outside") && event.columns.includes("inside");
const SIDE = /\b(outside|inside): /;

/* "host name outside: vm, inside: container" says something of each side. */
function saidOfSides(n) {
    const said = { outside: [], inside: [] };
    for (const { event } of model.moments.slice(0, n + 1)) {
        if (event.kind !== "act" || event.look || !SIDE.test(event.text)) continue;
        const pieces = event.text.split(SIDE),
            about = pieces[0].trim();
        for (let i = 1; i < pieces.length; i += 2) said[pieces[i]].push([about, pieces[i + 1].replace(/,\s*$/, "")]);
    }
    return said;
}

const sidesView = {
    title: "From both sides",
    has: () => ever().some(isSides),
    draw(n) {
        const spaces = until(n).findLast(isSides),
            said = saidOfSides(n);
        if (!spaces && said.outside.length + said.inside.length === 0) return null;
        const side = (which) =>
            el(
                "div",
                { class: `side ${which}` },
                el("h4", {}, which),
                spaces &&
                    el(
                        "dl",
                        {},
                        Object.entries(spaces.facts).map(([name, row]) =>
                            el(
                                "div",
                                { class: row.outside === row.inside ? "same" : "differs" },
                                el("dt", {}, name),
                                el("dd", {}, String(row[which]).replace(/^\w+:/, "")),
                            ),
                        ),
                    ),
                el(
                    "ul",
                    {},
                    said[which].map(([about, text]) =>
                        el("li", {}, about && el("span", { class: "quiet" }, `${about}: `), text),
                    ),
                ),
            );
        return figure(
            spaces ? "Namespaces: each number names one; where they differ, so does what is seen" : "",
            el("div", { class: "pair" }, side("outside"), side("inside")),
        );
    },
};

function showViews(n) {
    const views = [pagesView, mapView, statesView, matrixView, sidesView, plotsView].filter((view) => view.has());
    document.querySelector("section.view").hidden = views.length === 0;
    show(
        "view",
        views.map((view) =>
            el(
                "div",
                { class: "one-view" },
                el("h3", {}, view.title),
                view.draw(n) || el("p", { class: "quiet" }, "Nothing of this was observed yet."),
            ),
        ),
    );
    showHere();
}
