/* code.js - the demo's source, with the line that each process is at. */
const KEYWORDS = new Set(
    (
        "auto bool break case char const continue default do double else enum extern float for goto if inline int " +
        "long register return short signed sizeof static struct switch typedef union unsigned void volatile while " +
        "pid_t size_t ssize_t uint64_t int64_t"
    ).split(" "),
);
const TOKEN =
    /(\/\*[^]*?(?:\*\/|$)|\/\/[^\n]*)|("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|(^[ \t]*#[^\n]*)|([A-Za-z_]\w*)/gm;
const sources = new Map();

function coloured(text) {
    const pieces = [];
    let end = 0;
    for (const match of text.matchAll(TOKEN)) {
        const kind = match[1]
            ? "comment"
            : match[2]
              ? "string"
              : match[3]
                ? "directive"
                : KEYWORDS.has(match[0])
                  ? "keyword"
                  : text[match.index + match[0].length] === "("
                    ? "call"
                    : "";
        if (!kind) continue;
        pieces.push([text.slice(end, match.index), ""], [match[0], kind]);
        end = match.index + match[0].length;
    }
    pieces.push([text.slice(end), ""]);
    return pieces;
}

/* A token may go over lines: it is cut into one piece a line. */
function linesOf(text) {
    const lines = [[]];
    for (const [piece, kind] of coloured(text)) {
        piece.split("\n").forEach((part, i) => {
            if (i > 0) lines.push([]);
            if (part) lines.at(-1).push(kind ? el("span", { class: `c-${kind}` }, part) : part);
        });
    }
    return lines;
}

function readSources() {
    for (const pre of document.querySelectorAll("pre.source")) {
        const text = pre.textContent.replace(/\n$/, "");
        sources.set(pre.dataset.file, { text: text.split("\n"), rows: null, tokens: text });
        pre.remove();
    }
}

function rowsOf(file) {
    const source = sources.get(file);
    source.rows ??= linesOf(source.tokens).map((line, i) =>
        el(
            "div",
            { class: "line" },
            el("span", { class: "n", "aria-hidden": "true" }, String(i + 1)),
            el("span", { class: "who" }),
            el("code", {}, line.length ? line : " "),
        ),
    );
    return source.rows;
}

/* The function that a line is in: the last line before it that begins one, as the style of this project has it. */
function functionAt(file, line) {
    const text = sources.get(file).text;
    for (let i = line - 1; i > 0; i--) {
        if (text[i] === "}" && i < line - 1) return "";
        if (text[i] === "{")
            return (
                (text
                    .slice(Math.max(0, i - 3), i)
                    .join(" ")
                    .match(/([A-Za-z_]\w*)\([^()]*(?:\([^()]*\)[^()]*)*\)\s*$/) || [])[1] || ""
            );
    }
    return "";
}

/* Each process is at the line of its last event that has one in a source we have. */
function currentLines(n) {
    const lines = [];
    for (const process of model.processes.values()) {
        const at = process.lines.findLast(({ place, event }) => place <= n && sources.has(event.file));
        if (at) lines.push({ process, event: at.event, now: at.place === n });
    }
    return lines;
}

let shownFile = null;

function showCode(n) {
    const lines = currentLines(n),
        now = lines.find((line) => line.now) || lines.at(-1);
    const file = now ? now.event.file : [...sources.keys()][0];
    if (!file) return show("code-place", "The source of this demo is not part of this page.");
    const rows = rowsOf(file);
    if (shownFile !== file) show("code", rows);
    shownFile = file;
    for (const row of byId("code").querySelectorAll(".at")) {
        row.classList.remove("at", "now");
        row.removeAttribute("aria-current");
        row.querySelector(".who").replaceChildren();
    }
    for (const line of lines.filter(({ event }) => event.file === file)) {
        const row = rows[line.event.line - 1];
        if (!row) continue;
        row.classList.add("at");
        row.style.setProperty("--who", colourOf(line.process));
        row.querySelector(".who").append(
            el("span", { class: "dot", style: `--who:${colourOf(line.process)}`, title: nameOf(line.process) }),
        );
        if (line.now) {
            row.classList.add("now");
            row.setAttribute("aria-current", "true");
        }
    }
    const inside = now ? functionAt(file, now.event.line) : "";
    show(
        "code-place",
        el("code", {}, now ? `${file}:${now.event.line}` : file),
        inside ? ` in ${inside}()` : "",
        lines
            .map((line) => [
                " ",
                el(
                    "span",
                    { class: "chip", style: `--who:${colourOf(line.process)}` },
                    `${nameOf(line.process)}: ${line.event.line}`,
                ),
            ])
            .flat(),
    );
    if (now) centre(byId("code"), rows[now.event.line - 1]);
}

/* Only the panel scrolls, never the page under the reader. It is what the row's offsetTop is counted from. */
function centre(panel, row) {
    if (row) panel.scrollTop = row.offsetTop - (panel.clientHeight - row.offsetHeight) / 2;
}
