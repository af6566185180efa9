/* model.js - what the events say: the moments of the run, and of each process what was known of it when.
 *
 * A moment is one event, or a run of the kernel's own events, which are reported together at the end but have a time
 * of their own ("at"). A place is where something stands in the run: the number of a moment, or between two of them
 * for what has only a time. With --stable there are no times: then places are all there is. */
const FIRST_PLACE = 0;
const STATES = {
    run: { name: "running on a CPU", mark: "run" },
    ready: { name: "ready, without a CPU", mark: "ready" },
    R: { name: "running or ready", mark: "R" },
    S: { name: "sleeping", mark: "S" },
    D: { name: "sleeping, uninterruptible", mark: "D" },
    T: { name: "stopped by a signal", mark: "T" },
    t: { name: "stopped by a tracer", mark: "t" },
    Z: { name: "zombie", mark: "Z" },
    X: { name: "dead", mark: "X" },
    I: { name: "idle", mark: "I" },
};

const isKernels = (event) => event.kind === "observation" && event.at !== undefined;
/* --step waits for Enter: no moment of the lesson. Whom it names is met in the next one. */
const isHold = (event) => event.kind === "act" && event.hold === true && !event.look;
const numberOf = (id) => (typeof id === "string" ? Number(id.replace(/^P/, "")) : id);

function readEvents(text) {
    const events = [];
    let unread = 0;
    for (const line of text.split("\n")) {
        if (line.trim() === "") continue;
        try {
            const event = JSON.parse(line);
            if (event && typeof event.kind === "string") events.push(event);
            else unread++;
        } catch {
            unread++;
        }
    }
    return { events, unread };
}

function momentsOf(events) {
    const moments = [];
    let step = 0,
        time = 0,
        named = [];
    for (const event of events) {
        const last = moments.at(-1);
        named.push(...(event.named || []));
        if (isHold(event)) continue;
        if (isKernels(event) && last && isKernels(last.event)) {
            last.events.push(event);
            continue;
        }
        if (event.kind === "step") step = event.n;
        time = Math.max(time, event.t || 0);
        moments.push({ event, events: [event], named, step, time, n: moments.length });
        named = [];
    }
    return moments;
}

/* From a time to a place, between the moments that were reported before and after it. */
function placer(moments) {
    const times = moments.map((moment) => moment.time);
    return (t) => {
        let low = 0,
            high = times.length - 1;
        if (!(t > times[0])) return FIRST_PLACE;
        while (high - low > 1) {
            const middle = (low + high) >> 1;
            if (times[middle] <= t) low = middle;
            else high = middle;
        }
        if (t >= times[high]) return high;
        return low + (times[high] > times[low] ? (t - times[low]) / (times[high] - times[low]) : 0);
    };
}

class Model {
    constructor(events) {
        this.events = events;
        this.moments = momentsOf(events);
        this.start = events.find((event) => event.kind === "start") || {};
        this.stable = !events.some((event) => event.t > 0);
        this.place = placer(this.moments);
        this.processes = new Map();
        this.others = new Set();
        this.marks = [];
        this.watched = FIRST_PLACE;
        for (const moment of this.moments) this.meet(moment);
        for (const moment of this.moments) for (const event of moment.events) this.learn(event, moment.n);
        for (const process of this.processes.values()) {
            process.states.sort((a, b) => a.place - b.place);
            process.parents.sort((a, b) => a.place - b.place);
        }
        this.claims = claimsOf(this.moments);
    }

    /* Who has a lane: who reports, who is looked at, who is meant. The kernel's events know many more. */
    meet({ event, named, n }) {
        if (isKernels(event)) return;
        const reporter = this.process(event.tid ?? event.pid, n, event.role);
        if (event.tid !== undefined && event.tid !== event.pid) reporter.leader = event.pid;
        for (const { pid, role, parent, leader } of named) {
            const process = this.process(pid, n, role);
            process.leader = leader;
            if (parent && !leader) this.parent(process, parent, n);
        }
        if (event.kind === "observation" && event.of !== undefined) this.process(event.of, n, event.of_role);
        if (event.target) this.process(event.target, n, "");
    }

    process(id, place, role) {
        let process = this.processes.get(id);
        if (!process) {
            process = {
                id,
                role: "",
                order: this.processes.size,
                states: [],
                parents: [],
                lines: [],
                first: place,
                last: place,
            };
            this.processes.set(id, process);
        }
        if (role) process.role = role;
        process.last = Math.max(process.last, place);
        process.first = Math.min(process.first, place);
        return process;
    }

    parent(process, id, place) {
        if (process.parents.at(-1)?.id !== id) process.parents.push({ id, place });
    }

    learn(event, n) {
        if (isKernels(event)) return this.learnKernels(event);
        this.processes.get(event.tid ?? event.pid).lines.push({ place: n, event });
        if (event.kind !== "observation") return;
        const facts = event.facts || {};
        const of = this.processes.get(event.of);
        if (of) {
            const state = facts.state ?? facts.State;
            if (typeof state === "string" && STATES[state[0]]) this.state(of, n, state[0], event.source, false);
            const ppid = numberOf(facts.ppid ?? facts.PPid);
            if (Number.isInteger(ppid) && ppid > 0) this.parent(of, ppid, n);
        }
        if (event.columns?.includes("state")) this.learnTable(event, n);
    }

    /* A table of tasks, by their numbers. */
    learnTable(event, n) {
        for (const [name, row] of Object.entries(event.facts)) {
            const id = numberOf(row.TID ?? row.PID ?? row.ID);
            const process = this.processes.get(id);
            if (process && STATES[row.state]) this.state(process, n, row.state, `${event.source}, ${name}`, false);
        }
    }

    state(process, place, state, source, exact) {
        process.states.push({ place, state, source, exact });
        process.first = Math.min(process.first, place);
    }

    learnKernels(event) {
        const place = this.place(event.at);
        this.watched = Math.max(this.watched, place);
        const facts = event.facts,
            name = event.source.replace(/^tracefs /, "");
        const known = (id) => this.processes.get(id) || (id > 0 && this.others.add(id) && undefined);
        const set = (id, state) => known(id) && this.state(known(id), place, state, event.source, true);
        if (name === "sched_switch") {
            set(facts.prev_pid, facts.prev_state === "R" ? "ready" : facts.prev_state);
            set(facts.next_pid, "run");
        } else if (name === "sched_wakeup" || name === "sched_wakeup_new") {
            set(event.of, "ready");
        } else if (name === "sched_process_free") {
            set(event.of, "X");
        } else {
            const child = name === "sched_process_fork" ? facts.child_pid : name === "task_newtask" ? event.of : 0;
            if (child && known(child)) this.parent(known(child), name === "task_newtask" ? facts.by : event.of, place);
            const of = known(event.of);
            if (of && name !== "sched_waking") {
                this.marks.push({ place, process: of, name, event });
                of.first = Math.min(of.first, place);
            }
        }
    }

    /* The kernel's events say nothing any more of the time after they were read; that a process is gone stays true. */
    stateAt(process, place) {
        const last = process.states.findLast((state) => state.place <= place);
        return last?.exact && last.state !== "X" && place > this.watched ? undefined : last;
    }

    parentAt(process, place) {
        return (process.parents.findLast((parent) => parent.place <= place) || process.parents[0])?.id;
    }

    isThere(process, place) {
        return process.first <= place && this.stateAt(process, place)?.state !== "X";
    }

    /* Time since the start, as people say it; "" where there is none. */
    timeAt(n) {
        if (this.stable) return "";
        return milliseconds(this.moments[n].time - this.moments[0].time);
    }

    steps() {
        return this.moments.filter((moment) => moment.event.kind === "step");
    }
}

function milliseconds(ns) {
    const ms = ns / 1e6;
    return ms >= 10000
        ? `${(ms / 1000).toFixed(1)} s`
        : ms >= 100
          ? `${ms.toFixed(0)} ms`
          : `${ms.toFixed(ms >= 10 ? 1 : 2)} ms`;
}

/* The claims in the order in which they are decided, each with the moments that did it. */
function claimsOf(moments) {
    const claims = new Map();
    for (const { event, n } of moments) {
        if (event.kind === "verdict") claims.set(event.claim, { ...event, place: n });
        else if (event.kind === "witness" && claims.has(event.claim))
            claims.get(event.claim).witness = { ...event, place: n };
    }
    return [...claims.values()];
}

/* The verdict that stands at this moment, or null. A witness that disagrees refutes. */
function verdictAt(claim, n) {
    if (claim.place > n) return null;
    return claim.witness && claim.witness.place <= n && !claim.witness.agrees ? "refuted" : claim.verdict;
}

function nameOf(process) {
    const number = model.stable ? `P${process.id}` : process.id;
    return process.role ? `${process.role} ${number}` : `${process.leader ? "thread" : "process"} ${number}`;
}

function nameOfId(id) {
    const process = model.processes.get(id);
    return process ? nameOf(process) : model.stable ? `P${id}` : String(id);
}
