/* claims.js - the claims, each open until its verdict. */
const MARKS = { holds: "✓", refuted: "✗", differs: "≈", skipped: "○", open: "·" };

function claimItem(claim, n) {
    const verdict = verdictAt(claim, n),
        witness = claim.witness && claim.witness.place <= n ? claim.witness : null;
    const now = claim.place === n || claim.witness?.place === n;
    const go = el(
        "button",
        { type: "button", title: `${claim.claim}: to the moment of its verdict` },
        el("span", { class: `mark v-${verdict || "open"}`, "aria-hidden": "true" }, MARKS[verdict || "open"]),
        el("span", { class: "sentence" }, claim.sentence),
        el("span", { class: "hidden" }, verdict ? ` ${verdict}` : " open"),
    );
    go.addEventListener("click", () => goTo(claim.place));
    return el(
        "li",
        {
            class: `claim ${verdict || "open"}${now ? " current" : ""}`,
            "data-claim": claim.claim,
            "data-verdict": verdict || "open",
        },
        go,
        verdict && claim.evidence && el("p", { class: "evidence" }, claim.evidence),
        verdict && claim.reason && el("p", { class: "reason" }, `${claim.verdict}: ${claim.reason}`),
        witness &&
            el(
                "p",
                { class: witness.agrees ? "evidence" : "reason" },
                `the kernel's events ${witness.agrees ? "agree" : "disagree"}: ${witness.evidence}`,
            ),
    );
}

function showClaims(n) {
    const counts = {};
    for (const claim of model.claims) {
        const verdict = verdictAt(claim, n) || "open";
        counts[verdict] = (counts[verdict] || 0) + 1;
    }
    show(
        "claims-count",
        model.claims.length === 0
            ? "This run decides none."
            : Object.keys(MARKS)
                  .filter((verdict) => counts[verdict])
                  .map((verdict) =>
                      el("span", { class: `v-${verdict}` }, `${MARKS[verdict]} ${counts[verdict]} ${verdict}`),
                  ),
    );
    show(
        "claims",
        model.claims.map((claim) => claimItem(claim, n)),
    );
}
