/* plots.js - what was measured: on a logarithmic scale, the median in its spread from p10 to p90.
 *
 * A name is made of parts with dots between. Where one is a number it is a size, and the measures are lines over the
 * sizes, one for each name without it: of "throughput.shm.2cpu.64" the line "shm.2cpu" in the plot "throughput"; of
 * "fork.64" the line "fork" in the plot of all such names. The others are bars. The measures of one plot have one
 * unit. */
const measuresUntil = (n) =>
    model.moments
        .slice(0, n + 1)
        .filter(({ event }) => event.kind === "measure")
        .map(({ event }) => event);

function placeOf(measure) {
    const parts = measure.name.split("."),
        at = parts.slice(1).findLastIndex((part) => /^\d+$/.test(part)) + 1;
    if (at === 0) return { begin: parts.length > 1 ? parts[0] : "", size: null, series: measure.name };
    const rest = parts.filter((part, i) => i !== at);
    return rest.length === 1
        ? { begin: "", size: Number(parts[at]), series: rest[0] }
        : { begin: rest[0], size: Number(parts[at]), series: rest.slice(1).join(".") };
}

function plotsOf(measures) {
    const plots = new Map();
    for (const measure of measures) {
        const place = placeOf(measure),
            key = `${place.begin} ${measure.unit} ${place.size === null}`;
        if (!plots.has(key)) plots.set(key, { key, begin: place.begin, unit: measure.unit, measures: [] });
        plots.get(key).measures.push({ ...measure, ...place });
    }
    return [...plots.values()];
}

/* A number as people say it: 145000 ns are 145 us. */
const UNITS = [
    ["ns", "us", "ms", "s"],
    ["bytes/s", "kB/s", "MB/s", "GB/s", "TB/s"],
    ["B/s", "kB/s", "MB/s", "GB/s", "TB/s"],
];

function withUnit(value, unit) {
    const units = UNITS.find((each) => each.includes(unit)) || [unit];
    let at = units.indexOf(unit);
    for (; value >= 1000 && at + 1 < units.length; at++) value /= 1000;
    for (; value > 0 && value < 1 && at > 0; at--) value *= 1000;
    return `${brief(value)} ${units[at]}`;
}

/* The ends of a logarithmic scale, whole powers of ten. Zero and less have no place on one. */
function logScale(values, from, to) {
    const there = values.filter((value) => value > 0);
    let low = Math.floor(Math.log10(Math.min(...there))),
        high = Math.ceil(Math.log10(Math.max(...there)));
    if (!Number.isFinite(low)) low = high = 0;
    if (low === high) high++;
    const at = (value) => from + ((Math.log10(Math.max(value, 10 ** low)) - low) / (high - low)) * (to - from);
    return { at, ticks: Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i)) };
}

/* A scale for sizes: its ticks are the sizes that were measured. Zero stands where one would. */
function sizeScale(sizes, from, to) {
    const low = Math.log10(Math.max(1, Math.min(...sizes))),
        high = Math.log10(Math.max(...sizes, 2));
    return {
        at: (size) => from + ((Math.log10(Math.max(size, 1)) - low) / (high - low || 1)) * (to - from),
        ticks: [...new Set(sizes)],
    };
}

const sizeName = (size) =>
    size >= 10000 && size % 1048576 === 0
        ? `${size / 1048576} Mi`
        : size >= 10000 && size % 1024 === 0
          ? `${size / 1024} Ki`
          : String(size);
const brief = (value) =>
    value >= 1e6
        ? value.toExponential(0).replace("+", "")
        : value >= 0.01 || value === 0
          ? String(Number(value.toPrecision(3)))
          : value.toExponential(0);
const spreadOf = (measure) => [measure.p10, measure.median, measure.p90];
function said(measure) {
    const numbers = ["median", "p10", "p90", "min"].map((key) => `${key} ${withUnit(measure[key], measure.unit)}`);
    return `${measure.name}: ${numbers.join(", ")}, n ${measure.n}`;
}

/* The name, without the beginning that stands above the plot. */
function labelOf(plot, measure) {
    const name = plot.begin ? measure.name.slice(plot.begin.length + 1) : measure.name;
    return name.length > 26 ? `${name.slice(0, 25)}…` : name;
}

function barPlot(plot, all) {
    const left = 190,
        width = 560,
        row = 26,
        height = all.length * row + 34;
    const { at, ticks } = logScale(all.flatMap(spreadOf), left, width - 80);
    return svg(
        "svg",
        {
            viewBox: `0 0 ${width} ${height}`,
            class: "plot",
            role: "img",
            "aria-label": plot.measures.map(said).join("; "),
        },
        ticks.map((tick) =>
            svg(
                "g",
                { class: "grid" },
                svg("line", { x1: at(tick), x2: at(tick), y1: 0, y2: height - 26 }),
                svg("text", { x: at(tick), y: height - 10, "text-anchor": "middle" }, withUnit(tick, plot.unit)),
            ),
        ),
        plot.measures.map((measure) => {
            const y = all.findIndex((each) => each.name === measure.name) * row + 14;
            return svg(
                "g",
                { class: "measure" },
                svg("title", {}, said(measure)),
                svg(
                    "text",
                    { x: left - 10, y: y + 4, "text-anchor": "end" },
                    labelOf(plot, measure),
                ),
                svg("rect", {
                    class: "spread",
                    x: at(measure.p10),
                    y: y - 6,
                    width: Math.max(2, at(measure.p90) - at(measure.p10)),
                    height: 12,
                    rx: 3,
                }),
                svg("line", { class: "median", x1: at(measure.median), x2: at(measure.median), y1: y - 9, y2: y + 9 }),
                svg(
                    "text",
                    { class: "value", x: width - 4, y: y + 4, "text-anchor": "end" },
                    withUnit(measure.median, measure.unit),
                ),
            );
        }),
    );
}

function linePlot(plot, all) {
    const left = 74,
        width = 640,
        height = 300,
        names = [...new Set(all.map((measure) => measure.series))];
    const x = sizeScale(
            all.map((measure) => measure.size),
            left,
            width - 20,
        ),
        y = logScale(all.flatMap(spreadOf), height - 30, 10);
    const px = (measure) => x.at(measure.size);
    const lines = names.map((name, i) => ({
        name,
        colour: `var(--p${i % 8})`,
        dash: ["", "6 3", "2 3"][Math.floor(i / 8) % 3],
        points: plot.measures.filter((measure) => measure.series === name).sort((a, b) => a.size - b.size),
    }));
    return [
        svg(
            "svg",
            {
                viewBox: `0 0 ${width} ${height}`,
                class: "plot",
                role: "img",
                "aria-label": `${plot.begin}: ${names.length} lines`,
            },
            x.ticks.map((tick) =>
                svg(
                    "g",
                    { class: "grid" },
                    svg("line", { x1: x.at(tick), x2: x.at(tick), y1: 10, y2: height - 30 }),
                    svg("text", { x: x.at(tick), y: height - 12, "text-anchor": "middle" }, sizeName(tick)),
                ),
            ),
            svg(
                "g",
                { class: "grid" },
                svg("text", { x: left - 20, y: height - 12, "text-anchor": "end" }, model.start.sizes || ""),
            ),
            y.ticks.map((tick) =>
                svg(
                    "g",
                    { class: "grid" },
                    svg("line", { x1: left, x2: width - 20, y1: y.at(tick), y2: y.at(tick) }),
                    svg("text", { x: left - 6, y: y.at(tick) + 4, "text-anchor": "end" }, withUnit(tick, plot.unit)),
                ),
            ),
            lines.map((line) =>
                svg(
                    "g",
                    { style: `--who:${line.colour}` },
                    svg("polygon", {
                        class: "band",
                        points: [
                            ...line.points.map((m) => `${px(m)},${y.at(m.p90)}`),
                            ...line.points.toReversed().map((m) => `${px(m)},${y.at(m.p10)}`),
                        ].join(" "),
                    }),
                    svg("polyline", {
                        class: "line-of",
                        "stroke-dasharray": line.dash,
                        points: line.points.map((m) => `${px(m)},${y.at(m.median)}`).join(" "),
                    }),
                    line.points.map((m) =>
                        svg("circle", { cx: px(m), cy: y.at(m.median), r: 3.5 }, svg("title", {}, said(m))),
                    ),
                ),
            ),
        ),
        el(
            "ul",
            { class: "legend" },
            lines.map((line) =>
                el(
                    "li",
                    {},
                    svg(
                        "svg",
                        { width: 26, height: 10, "aria-hidden": "true" },
                        svg("line", {
                            class: "line-of",
                            x1: 0,
                            x2: 26,
                            y1: 5,
                            y2: 5,
                            "stroke-dasharray": line.dash,
                            style: `--who:${line.colour}`,
                        }),
                    ),
                    ` ${line.name}`,
                ),
            ),
        ),
    ];
}

function numbers(plot) {
    return el(
        "details",
        {},
        el("summary", {}, "the numbers"),
        table(
            null,
            ["name", "median", "p10", "p90", "min", "n"],
            plot.measures.map((measure) => [
                measure.name,
                ...["median", "p10", "p90", "min"].map((key) => withUnit(measure[key], measure.unit)),
                String(measure.n),
            ]),
            () => "number",
        ),
    );
}

/* The scales are those of the whole run, so that nothing jumps while it is played. */
function plotPicture(plot, whole) {
    const all = whole.find((each) => each.key === plot.key).measures;
    const isLines = new Set(all.map((measure) => measure.size)).size > 2;
    return figure(
        `${plot.begin || "measured"}: the median, and the spread from p10 to p90`,
        el("div", { class: "scroll" }, isLines ? linePlot(plot, all) : barPlot(plot, all)),
        numbers(plot),
    );
}

const plotsView = {
    title: "What it costs",
    has: () => model.events.some((event) => event.kind === "measure" && event.median > 0),
    draw(n) {
        const plots = plotsOf(measuresUntil(n)),
            whole = plotsOf(measuresUntil(model.moments.length));
        return plots.length ? plots.map((plot) => plotPicture(plot, whole)) : null;
    },
};
