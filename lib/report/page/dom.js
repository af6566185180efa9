/* dom.js - elements made by hand. Whatever a process is called, it only ever becomes text. */
const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes || {}))
        if (value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
    node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
    return node;
}

const el = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);
const byId = (id) => document.getElementById(id);
const show = (id, ...children) => byId(id).replaceChildren(...children.flat().filter(Boolean));

/* The colour of a process, by its place among the lanes. */
const colourOf = (process) => `var(--p${process.order % 8})`;

function chip(process) {
    return el("span", { class: "chip", style: `--who:${colourOf(process)}` }, nameOf(process));
}

function table(caption, head, rows, cellClass) {
    return el(
        "div",
        { class: "scroll" },
        el(
            "table",
            {},
            caption && el("caption", {}, caption),
            el(
                "thead",
                {},
                el(
                    "tr",
                    {},
                    head.map((name) => el("th", { scope: "col" }, name)),
                ),
            ),
            el(
                "tbody",
                {},
                rows.map((row, r) =>
                    el(
                        "tr",
                        {},
                        row.map((cell, c) =>
                            c === 0
                                ? el("th", { scope: "row" }, cell)
                                : el("td", { class: cellClass && cellClass(cell, r, c) }, cell),
                        ),
                    ),
                ),
            ),
        ),
    );
}
