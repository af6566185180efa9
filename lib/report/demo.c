/* demo.c - the verbs of a demo, and one run from its start to its exit status. */
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "proc/proc.h"
#include "sync/sync.h"

struct run run;

const char *verdict_name(enum verdict verdict)
{
    static const char *const names[] = { "none", "holds", "refuted", "differs", "skipped" };
    return names[verdict];
}

const char *kind_name(enum demo_kind kind)
{
    static const char *const names[] = { "fact", "cost", "caveat" };
    return names[kind];
}

/* Until Enter; false: the input ended before. Byte by byte: what comes after the line is left to whoever reads next. */
static bool read_line(char *line, size_t size)
{
    size_t used = 0;
    char c = '\0';
    while (c != '\n') {
        ssize_t n = read(STDIN_FILENO, &c, 1);
        if (n == 0 || (n < 0 && errno != EINTR))
            break;
        if (n == 1 && c != '\n' && used + 1 < size)
            line[used++] = c;
    }
    line[used] = '\0';
    return c == '\n';
}

static void hold(void)
{
    char line[2];
    if (!run.json && isatty(STDIN_FILENO))
        dprintf(STDERR_FILENO, "     Enter goes on ");
    read_line(line, sizeof line);
}

static void hold_step(struct demo_here here)
{
    if (!run.step || run.shared->step_n == 0 || run.shared->looked)
        return;
    json_t *event = event_new(here, "act");
    json_object_set_new(event, "text", json_string("stops until Enter"));
    json_object_set_new(event, "hold", json_true());
    event_emit(event);
    hold();
}

/* A part of the dialogue of --predict, which is no event. */
static void say(const char *label, const char *text)
{
    size_t length;
    char *lines = text_lines(label, text, &length);
    if (lines != NULL && write(STDOUT_FILENO, lines, length) < 0)
        run.shared->output_error = errno;
    free(lines);
}

/* A choice of n, counted from 1; 0 for an empty line, -1 for what is none of them. */
static int choice_of(const char *line, int n)
{
    static const char blank[] = " \t\r";
    char *end;
    line += strspn(line, blank);
    if (*line == '\0')
        return 0;
    long choice = strtol(line, &end, 10);
    end += strspn(end, blank);
    return *end == '\0' && choice >= 1 && choice <= n ? (int)choice : -1;
}

/* The choice that is typed now, as above. */
static int read_choice(int n)
{
    char line[16];
    if (read_line(line, sizeof line))
        return choice_of(line, n);
    dprintf(STDOUT_FILENO, "\n"); /* which the terminal did not */
    return 0;
}

/* The choice the reader types, counted from 1; 0 for none. A slip of the finger is asked about twice. */
static int ask(const struct demo_prediction *prediction)
{
    say("   ? ", prediction->ask);
    int n = 0;
    for (; n < 4 && prediction->choices[n] != NULL; n++) {
        char label[] = "       0  ";
        label[7] = (char)('1' + n);
        say(label, prediction->choices[n]);
    }
    dprintf(STDOUT_FILENO, "     your answer (1 to %d): ", n);
    int choice = read_choice(n);
    for (int again = 0; choice < 0 && again < 2; again++) {
        dprintf(STDOUT_FILENO, "     a number from 1 to %d, or Enter for none: ", n);
        choice = read_choice(n);
    }
    return choice < 0 ? 0 : choice;
}

static void ask_predictions(void)
{
    const struct demo_prediction *predictions = run.demo->predictions;
    if (!run.predict || predictions == NULL)
        return;
    for (int i = 0; predictions[i].ask != NULL; i++)
        if (predictions[i].step == run.shared->step_n)
            run.shared->answers[i] = ask(&predictions[i]);
}

/* A cost that differs does not say that another choice is right: the claim's is what is usual. */
static void compare_predictions(const char *id, enum verdict verdict)
{
    const struct demo_prediction *predictions = run.demo->predictions;
    if (!run.predict || predictions == NULL || verdict == SKIPPED)
        return;
    bool is_cost = run.demo->claims[claim_index(id)].kind == DEMO_COST;
    bool comes_true = verdict == HOLDS || (verdict == DIFFERS && !is_cost);
    const char *label = comes_true ? "     it is: " : is_cost ? "     usually: " : "     it is not: ";
    for (int i = 0; predictions[i].ask != NULL; i++) {
        if (strcmp(predictions[i].claim, id) != 0)
            continue;
        const struct demo_prediction *asked = &predictions[i];
        int said = run.shared->answers[i] - 1;
        if (comes_true && said == asked->right) {
            say("     you said so: ", asked->choices[said]);
        } else {
            say("     you said: ", said < 0 ? "nothing" : asked->choices[said]);
            say(label, asked->choices[asked->right]);
        }
        if (verdict != REFUTED && asked->because != NULL)
            say("     because: ", asked->because);
    }
}

void demo_step_at(struct demo_here here, const char *text, ...)
{
    hold_step(here);
    run.shared->step_n++;
    run.shared->looked = false;
    json_t *event = event_new(here, "step");
    json_object_set_new(event, "n", json_integer(run.shared->step_n));
    va_list args;
    va_start(args, text);
    event_text(event, "text", text, args);
    va_end(args);
    event_emit(event);
    ask_predictions();
}

void demo_act_at(struct demo_here here, pid_t target, const char *text, ...)
{
    json_t *event = event_new(here, "act");
    va_list args;
    va_start(args, text);
    event_text(event, "text", text, args);
    va_end(args);
    if (target != 0)
        json_object_set_new(event, "target", json_integer(run.stable ? label_of(target) : target));
    event_emit(event);
}

void demo_look_at(struct demo_here here, const char *command, ...)
{
    json_t *event = event_new(here, "act");
    json_object_set_new(event, "text", json_string("look yourself"));
    va_list args;
    va_start(args, command);
    event_text(event, "look", command, args);
    va_end(args);
    json_object_set_new(event, "hold", json_boolean(run.step));
    event_emit(event);
    run.shared->looked = true;
    if (run.step)
        hold();
}

struct demo_fact demo_fact_char(const char *name, char value)
{
    return (struct demo_fact){ .name = name, .type = 'c', .number = value };
}

struct demo_fact demo_fact_text(const char *name, const char *value)
{
    return (struct demo_fact){ .name = name, .type = 's', .text = value };
}

struct demo_fact demo_fact_number(const char *name, int64_t value)
{
    return (struct demo_fact){ .name = name, .type = 'd', .number = value };
}

struct demo_fact demo_fact_unsigned(const char *name, uint64_t value)
{
    return (struct demo_fact){ .name = name, .type = 'd', .number = (int64_t)value };
}

struct demo_fact demo_fact_pid(const char *name, pid_t value)
{
    return (struct demo_fact){ .name = name, .type = 'p', .number = value };
}

struct demo_fact demo_fact_link(const char *name, const char *link)
{
    return (struct demo_fact){ .name = name, .type = 'l', .text = link };
}

struct demo_fact demo_fact_page(const char *name, const char *cells)
{
    return (struct demo_fact){ .name = name, .type = 'g', .text = cells };
}

struct demo_fact demo_fact_frames(const char *name, const uint64_t *frames, size_t n)
{
    return (struct demo_fact){ .name = name, .type = 'f', .number = (int64_t)n, .text = (const char *)frames };
}

/* The inode number is another one in every run. */
static json_t *link_value(const char *link)
{
    const char *number = strchr(link, '[');
    if (!run.stable || number == NULL)
        return event_string(link);
    return json_sprintf("%.*s[INODE]", (int)(number - link), link);
}

static json_t *fact_value(const struct demo_fact *fact)
{
    char letter[2] = { (char)fact->number, '\0' };
    switch (fact->type) {
    case 'c':
        return event_string(letter);
    case 'p':
        return run.stable ? event_string(demo_pid((pid_t)fact->number)) : json_integer(fact->number);
    case 'd':
        return json_integer(fact->number);
    case 'l':
        return link_value(fact->text);
    default:
        return event_string(fact->text);
    }
}

/* None where this user is shown none, and none with --stable: they are others in every run. */
static void add_frames(json_t *event, const struct demo_fact *fact)
{
    const uint64_t *frames = (const void *)fact->text;
    bool shown = false;
    json_t *numbers = json_array();
    for (int64_t i = 0; i < fact->number; i++) {
        json_array_append_new(numbers, json_integer((json_int_t)frames[i]));
        shown |= frames[i] != 0;
    }
    if (shown && !run.stable)
        json_object_set_new(event, "frames", json_pack("{s:O}", fact->name, numbers));
    json_decref(numbers);
}

/* Names it among the facts that are grids. */
static void add_grid(json_t *event, const char *name)
{
    json_t *pages = json_object_get(event, "pages");
    if (pages == NULL)
        json_object_set_new(event, "pages", pages = json_object());
    json_object_set_new(pages, name, json_true());
}

static void add_facts(json_t *event, const struct demo_fact *facts)
{
    json_t *object = json_object();
    json_object_set_new(event, "facts", object);
    for (; facts->name != NULL; facts++) {
        if (facts->type == 'f') {
            add_frames(event, facts);
            continue;
        }
        json_object_set_new(object, facts->name, fact_value(facts));
        if (facts->type == 'g')
            add_grid(event, facts->name);
    }
}

/* "/proc/PID/stat" of the process with its number, or its label, in the place of PID. */
static json_t *source_of(const char *source, pid_t of)
{
    static const char entry[] = "/proc/PID";
    const char *rest = strncmp(source, entry, sizeof entry - 1) == 0 ? source + sizeof entry - 1 : NULL;
    return rest == NULL ? json_string(source) : json_sprintf("/proc/%s%s", demo_pid(of), rest);
}

static json_t *observation(struct demo_here here, pid_t of, const char *source)
{
    json_t *event = event_new(here, "observation");
    json_object_set_new(event, "source", source_of(source, of));
    if (of != 0) {
        json_object_set_new(event, "of", json_integer(run.stable ? label_of(of) : of));
        json_object_set_new(event, "of_role", json_string(label_role(of)));
    }
    return event;
}

void demo_observe_at(struct demo_here here, pid_t of, const char *source, const struct demo_fact *facts)
{
    json_t *event = observation(here, of, source);
    add_facts(event, facts);
    event_emit(event);
}

void demo_table_at(struct demo_here here, pid_t of, const char *source, const char *const columns[],
                   const char *const rows[], size_t n_rows)
{
    json_t *event = observation(here, of, source), *facts = json_object(), *names = json_array();
    size_t n = 0;
    for (; columns[n] != NULL; n++)
        json_array_append_new(names, event_string(columns[n]));
    for (size_t row = 0; row < n_rows; row++) {
        json_t *cells = json_object(), *name = event_string(rows[row * n]);
        for (size_t column = 1; column < n; column++)
            json_object_set_new(cells, columns[column], event_string(rows[row * n + column]));
        json_object_set_new(facts, json_string_value(name), cells);
        json_decref(name);
    }
    json_object_set_new(event, "columns", names);
    json_object_set_new(event, "facts", facts);
    event_emit(event);
}

size_t claim_index(const char *id)
{
    size_t i = 0;
    while (run.demo->claims[i].id != NULL && strcmp(run.demo->claims[i].id, id) != 0)
        i++;
    return i;
}

char **demo_args(void)
{
    return run.args;
}

pid_t demo_arg_pid(void)
{
    return run.pid;
}

/* NULL where the id is not declared, or was decided before: a mistake in the demo, not of the kernel. */
static const struct demo_claim *claim_to_decide(struct demo_here here, const char *id)
{
    size_t i = claim_index(id);
    if (run.demo->claims[i].id != NULL && run.shared->verdict[i] == NO_VERDICT)
        return &run.demo->claims[i];
    dprintf(STDERR_FILENO, "%s: %s:%d: claim %s is %s\n", run.name, here.file, here.line, id,
            run.demo->claims[i].id == NULL ? "not declared" : "decided already");
    run.shared->died = true;
    return NULL;
}

static enum verdict verdict_of(const struct demo_claim *claim, bool ok)
{
    switch (claim->kind) {
    case DEMO_COST:
        return ok ? HOLDS : DIFFERS;
    case DEMO_CAVEAT:
        return ok ? DIFFERS : REFUTED;
    default:
        return ok ? HOLDS : REFUTED;
    }
}

static json_t *verdict_event(struct demo_here here, const struct demo_claim *claim, enum verdict verdict)
{
    run.shared->verdict[claim - run.demo->claims] = verdict;
    json_t *event = event_new(here, "verdict");
    json_object_set_new(event, "claim", json_string(claim->id));
    json_object_set_new(event, "claim_kind", json_string(kind_name(claim->kind)));
    json_object_set_new(event, "sentence", json_string(claim->sentence));
    json_object_set_new(event, "verdict", json_string(verdict_name(verdict)));
    return event;
}

void demo_check_at(struct demo_here here, const char *id, bool ok, const char *evidence, ...)
{
    const struct demo_claim *claim = claim_to_decide(here, id);
    if (claim == NULL)
        return;
    enum verdict verdict = verdict_of(claim, ok);
    run.shared->measured[claim - run.demo->claims] = claim->kind == DEMO_COST;
    json_t *event = verdict_event(here, claim, verdict);
    va_list args;
    va_start(args, evidence);
    event_text(event, "evidence", evidence, args);
    va_end(args);
    if (verdict == DIFFERS && claim->differs != NULL)
        json_object_set_new(event, "reason", json_string(claim->differs));
    event_emit(event);
    compare_predictions(id, verdict);
}

void demo_skip_at(struct demo_here here, const char *id, const char *reason, ...)
{
    const struct demo_claim *claim = claim_to_decide(here, id);
    if (claim == NULL)
        return;
    json_t *event = verdict_event(here, claim, SKIPPED);
    json_object_set_new(event, "evidence", json_string(""));
    va_list args;
    va_start(args, reason);
    event_text(event, "reason", reason, args);
    va_end(args);
    event_emit(event);
}

void demo_undecided_at(struct demo_here here, const char *id, const char *evidence)
{
    const struct demo_claim *claim = claim_to_decide(here, id);
    if (claim == NULL)
        return;
    run.shared->measured[claim - run.demo->claims] = true;
    json_t *event = verdict_event(here, claim, SKIPPED);
    json_object_set_new(event, "evidence", event_string(evidence));
    json_object_set_new(event, "reason",
                        json_string("not decidable here: the ratios of the rounds lie on both sides of 1; "
                                    "run it on a quieter machine, or for longer (--seconds)"));
    event_emit(event);
}

void demo_skip_rest_at(struct demo_here here, const char *reason, ...)
{
    char text[256];
    va_list args;
    va_start(args, reason);
    vsnprintf(text, sizeof text, reason, args);
    va_end(args);
    for (size_t i = 0; run.demo->claims[i].id != NULL; i++)
        if (run.shared->verdict[i] == NO_VERDICT)
            demo_skip_at(here, run.demo->claims[i].id, "%s", text);
}

json_t *measure_event(struct demo_here here, const char *name, const char *unit, struct measure_spread spread)
{
    json_t *event = event_new(here, "measure");
    json_object_set_new(event, "name", json_string(name));
    json_object_set_new(event, "unit", json_string(unit));
    json_object_set_new(event, "median", json_real(run.stable ? 0 : spread.median));
    json_object_set_new(event, "p10", json_real(run.stable ? 0 : spread.p10));
    json_object_set_new(event, "p90", json_real(run.stable ? 0 : spread.p90));
    json_object_set_new(event, "min", json_real(run.stable ? 0 : spread.min));
    json_object_set_new(event, "n", json_integer(run.stable ? 1 : (json_int_t)spread.n));
    return event;
}

void demo_measure_at(struct demo_here here, const char *name, const char *unit, struct measure_spread spread)
{
    event_emit(measure_event(here, name, unit, spread));
}

int demo_died(struct demo_here here, int error, const char *call, ...)
{
    char text[512];
    va_list args;
    va_start(args, call);
    vsnprintf(text, sizeof text, call, args);
    va_end(args);
    const char *name = strerrorname_np(error);
    dprintf(STDERR_FILENO, "%s: %s:%d: %s: %s (%s)\n", run.name, here.file, here.line, text,
            name ? name : "unknown error", strerror(error));
    run.shared->died = true;
    return STATUS_BROKE;
}

int demo_refused(const char *reason, ...)
{
    char text[512];
    va_list args;
    va_start(args, reason);
    vsnprintf(text, sizeof text, reason, args);
    va_end(args);
    dprintf(STDERR_FILENO, "%s: %s\n", run.name, text);
    return STATUS_SKIPPED;
}

bool demo_without(const char *what)
{
    return run.without != NULL && strcmp(run.without, what) == 0;
}

long demo_option(const char *name)
{
    for (int i = 0; run.demo->options != NULL && run.demo->options[i].name != NULL; i++)
        if (strcmp(run.demo->options[i].name, name) == 0)
            return run.options[i];
    return 0;
}

const char *demo_word(const char *name)
{
    for (int i = 0; run.demo->options != NULL && run.demo->options[i].name != NULL; i++)
        if (strcmp(run.demo->options[i].name, name) == 0)
            return run.words[i];
    return NULL;
}

static void emit_start(void)
{
    json_t *event = event_new(DEMO_HERE, "start");
    json_object_set_new(event, "schema", json_integer(SCHEMA_VERSION));
    json_object_set_new(event, "demo", json_string(run.demo->name));
    json_object_set_new(event, "title", json_string(run.demo->title));
    if (run.without != NULL)
        json_object_set_new(event, "break", json_string(run.without));
    if (run.demo->sizes != NULL)
        json_object_set_new(event, "sizes", json_string(run.demo->sizes));
    event_machine(event);
    event_emit(event);
}

/* For a transcript that is compared: the costs, counted apart from what holds and differs in each run. */
static int take_measured(int counts[N_VERDICTS])
{
    int measured = 0;
    for (size_t i = 0; run.demo->claims[i].id != NULL; i++) {
        enum verdict verdict = run.shared->verdict[i];
        if (run.shared->measured[i]) {
            counts[verdict]--;
            measured++;
        }
    }
    return measured;
}

static void count_verdicts(int counts[N_VERDICTS])
{
    for (size_t i = 0; run.demo->claims[i].id != NULL; i++) {
        counts[run.shared->verdict[i]]++;
        if (run.shared->verdict[i] == NO_VERDICT && !run.shared->died && !run.readers_own)
            dprintf(STDERR_FILENO, "%s: no verdict on %s\n", run.name, run.demo->claims[i].id);
    }
}

static json_t *end_event(const int all_counts[N_VERDICTS], bool masked)
{
    int counts[N_VERDICTS];
    memcpy(counts, all_counts, sizeof counts);
    json_t *event = event_new(DEMO_HERE, "end");
    int claims = 0;
    for (int i = !run.readers_own ? NO_VERDICT : HOLDS; i < N_VERDICTS; i++)
        claims += counts[i];
    if (masked)
        json_object_set_new(event, "measured", json_integer(take_measured(counts)));
    json_object_set_new(event, "demo", json_string(run.demo->name));
    json_object_set_new(event, "claims", json_integer(claims));
    for (enum verdict i = HOLDS; i < N_VERDICTS; i++)
        json_object_set_new(event, verdict_name(i), json_integer(counts[i]));
    int witnessed = 0;
    for (size_t i = 0; run.demo->claims[i].id != NULL; i++)
        witnessed += run.shared->witnessed[i];
    json_object_set_new(event, "witnessed", json_integer(witnessed));
    json_object_set_new(event, "next", json_string(run.demo->next == NULL ? "" : run.demo->next));
    return event;
}

static void emit_end(const int counts[N_VERDICTS])
{
    json_t *event = end_event(counts, false);
    event_keep(event);
    if (run.stable && !run.json) {
        json_decref(event);
        event = end_event(counts, true);
    }
    event_say(event);
}

static int finish(void)
{
    int counts[N_VERDICTS] = { 0 };
    hold_step(DEMO_HERE);
    count_verdicts(counts);
    emit_end(counts);
    int error = run.shared->output_error;
    if (error != 0) {
        const char *name = strerrorname_np(error);
        dprintf(STDERR_FILENO, "%s: the report could not be written to standard output: %s (%s)\n", run.name,
                name ? name : "unknown error", strerror(error));
    }
    if (run.html != NULL && page_write() < 0)
        error = EIO; /* named already */
    if (error != 0 || run.shared->died || (counts[NO_VERDICT] > 0 && !run.readers_own))
        return STATUS_BROKE;
    if (counts[REFUTED] > 0)
        return STATUS_REFUTED;
    int undecided = 0; /* was measured, and so shown */
    for (size_t i = 0; run.demo->claims[i].id != NULL; i++)
        undecided += run.shared->measured[i] && run.shared->verdict[i] == SKIPPED;
    return counts[SKIPPED] > 0 && counts[HOLDS] + counts[DIFFERS] + undecided == 0 ? STATUS_SKIPPED : STATUS_HOLDS;
}

/* Of argv[0], which may be anything, only this: where we are installed as proclab-NAME, that is what the reader types. */
static const char *called(const char *path, const char *name)
{
    const char *slash = path == NULL ? NULL : strrchr(path, '/'), *last = slash == NULL ? path : slash + 1;
    bool installed = last != NULL && strncmp(last, "proclab-", 8) == 0 && strcmp(last + 8, name) == 0;
    return installed ? last : name;
}

int demo_run(int argc, char *argv[], const struct demo *demo)
{
    run.demo = demo;
    run.name = called(argv[0], demo->name);
    run.main_pid = getpid();
    int rc = sync_begin();
    options_parse(argc, argv);
    run.shared = mmap(NULL, sizeof *run.shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (run.shared == MAP_FAILED || rc < 0) {
        int error = rc < 0 ? -rc : errno;
        dprintf(STDERR_FILENO, "%s: %s: %s (%s)\n", run.name, rc < 0 ? "open(\"/\", O_PATH)" : "mmap(a page of state)",
                strerrorname_np(error), strerror(error));
        return STATUS_BROKE;
    }
    if (run.html != NULL && page_begin() < 0)
        return STATUS_BROKE;
    demo_role(run.main_pid, "parent");
    emit_start();
    struct proc_stat self;
    rc = proc_stat_read(run.main_pid, &self);
    if (rc == -ENOTSUP || rc == -EACCES || rc == -ESRCH)
        demo_skip_rest("/proc, the witness, does not show this process; mount -t proc proc /proc");
    else if (rc < 0)
        demo_died(DEMO_HERE, -rc, "read /proc/%d/stat", run.main_pid);
    else
        demo->run();
    return finish();
}
