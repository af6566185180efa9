/* options.c - the command line that every demo has. */
#include "run.h"

#include <argp.h>
#include <langinfo.h>
#include <libsmartcols.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sync/sync.h"

enum {
    KEY_STEP = 0x100,
    KEY_PREDICT,
    KEY_WHY,
    KEY_BREAK,
    KEY_JSON,
    KEY_QUIET,
    KEY_STABLE,
    KEY_LIST,
    KEY_COLOR,
    KEY_HTML,
    KEY_OWN
};

static const struct argp_option common[] = {
    { "step", KEY_STEP, NULL, 0, "Stop after each step until Enter, to look from a second terminal", 1 },
    { "predict", KEY_PREDICT, NULL, 0, "Ask what will happen before it is shown", 1 },
    { "why", KEY_WHY, NULL, 0, "Explain how the kernel does it and what is the evidence", 1 },
    { "break", KEY_BREAK, "WHAT", OPTION_ARG_OPTIONAL, "Take an essential part out and see the claim fail", 1 },
    { "list", KEY_LIST, NULL, 0, "List the claims: id, kind, sentence", 2 },
    { "json", KEY_JSON, NULL, 0, "Report as JSON Lines", 2 },
    { "quiet", KEY_QUIET, NULL, 0, "Report nothing: the exit status tells", 2 },
    { "html", KEY_HTML, "FILE", 0, "Write a page to FILE on which this run can be played back", 2 },
    { "stable", KEY_STABLE, NULL, 0, "Labels in the place of PIDs, addresses and times", 2 },
    { "color", KEY_COLOR, "WHEN", 0, "Colour: auto, always or never", 2 },
};
enum { N_COMMON = sizeof common / sizeof *common };

static const char *colour_when = "auto";

static void print_list(void)
{
    struct libscols_table *table = scols_new_table();
    if (table == NULL || scols_table_new_column(table, "id", 0, 0) == NULL ||
        scols_table_new_column(table, "kind", 0, 0) == NULL ||
        scols_table_new_column(table, "sentence", 0, SCOLS_FL_WRAP) == NULL)
        return;
    scols_table_enable_noheadings(table, 1);
    if (!isatty(STDOUT_FILENO))
        scols_table_set_termforce(table, SCOLS_TERMFORCE_NEVER); /* a line each, however long */
    for (const struct demo_claim *claim = run.demo->claims; claim->id != NULL; claim++) {
        struct libscols_line *line = scols_table_new_line(table, NULL);
        scols_line_set_data(line, 0, claim->id);
        scols_line_set_data(line, 1, kind_name(claim->kind));
        scols_line_set_data(line, 2, claim->sentence);
    }
    scols_print_table(table);
    scols_unref_table(table);
}

static const struct demo_break *find_break(const char *what)
{
    for (const struct demo_break *b = run.demo->breaks; b != NULL && b->what != NULL; b++)
        if (strcmp(b->what, what) == 0)
            return b;
    return NULL;
}

static void set_break(struct argp_state *state, const char *what)
{
    if (run.demo->breaks == NULL || run.demo->breaks[0].what == NULL)
        argp_error(state, "nothing can be taken out of this demo");
    /* argp takes an optional argument only behind "="; "--break wait" is what people type. */
    if (what == NULL && state->next < state->argc && state->argv[state->next][0] != '-')
        what = state->argv[state->next++];
    run.without = what == NULL ? run.demo->breaks[0].what : what;
    if (find_break(run.without) == NULL) {
        char known[512] = "";
        for (const struct demo_break *b = run.demo->breaks; b->what != NULL; b++)
            snprintf(known + strlen(known), sizeof known - strlen(known), " %s", b->what);
        argp_error(state, "--break: there is no '%s' to take out; there is:%s", run.without, known);
    }
}

/* A cost is never refuted: without what makes it dear, it is another one. */
static const char *ending_of(const char *claim)
{
    return run.demo->claims[claim_index(claim)].kind == DEMO_COST ? "turns" : "refutes";
}

static void set_option(struct argp_state *state, int i, const char *text)
{
    const struct demo_option *option = &run.demo->options[i];
    if (option->word != NULL) {
        run.words[i] = text;
        run.readers_own = true;
        return;
    }
    char *end;
    errno = 0;
    long value = text == NULL ? 1 : strtol(text, &end, 10);
    if (text != NULL && (end == text || *end != '\0' || errno != 0 || value < option->min || value > option->max))
        argp_error(state, "--%s: a number from %ld to %ld is wanted, not '%s'", option->name, option->min, option->max,
                   text);
    run.options[i] = value;
}

static void set_pid(struct argp_state *state, const char *text)
{
    char *end;
    long pid = strtol(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || pid < 1 || pid > INT_MAX) /* strtol takes blanks and signs, too */
        argp_error(state, "'%s' is not a PID", text);
    if (run.pid != 0)
        argp_error(state, "one PID at a time: %d or %ld", run.pid, pid);
    run.pid = (pid_t)pid;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    switch (key) {
    case KEY_STEP:
        run.step = true;
        break;
    case KEY_PREDICT:
        run.predict = true;
        break;
    case KEY_WHY:
        fputs(run.demo->why, stdout);
        exit(STATUS_HOLDS);
    case KEY_BREAK:
        set_break(state, arg);
        break;
    case KEY_JSON:
        run.json = true;
        break;
    case KEY_QUIET:
        run.quiet = true;
        break;
    case KEY_HTML:
        run.html = arg;
        break;
    case KEY_STABLE:
        run.stable = true;
        break;
    case KEY_LIST:
        print_list();
        exit(STATUS_HOLDS);
    case KEY_COLOR:
        if (strcmp(arg, "auto") != 0 && strcmp(arg, "always") != 0 && strcmp(arg, "never") != 0)
            argp_error(state, "--color: auto, always or never, not '%s'", arg);
        colour_when = arg;
        break;
    case ARGP_KEY_ARG:
        if (run.demo->takes_pid)
            set_pid(state, arg);
        else if (run.demo->args == NULL)
            argp_error(state, "'%s' is not an option of this demo", arg);
        run.readers_own = true;
        run.args = &state->argv[state->next - 1]; /* and the options among the rest are not ours */
        if (!run.demo->takes_pid)
            state->next = state->argc;
        break;
    case ARGP_KEY_END:
        if (run.predict && (run.json || run.quiet || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)))
            argp_error(state, "--predict asks: it needs a terminal, and neither --json nor --quiet");
        if (run.demo->wrong != NULL && run.demo->wrong() != NULL)
            argp_error(state, "%s", run.demo->wrong());
        break;
    default:
        if (key < KEY_OWN || key >= KEY_OWN + MAX_OPTIONS)
            return ARGP_ERR_UNKNOWN;
        set_option(state, key - KEY_OWN, arg);
    }
    return 0;
}

/* The demo's own options stand first in --help; argp ends its table with an empty element. */
static void add_own_options(struct argp_option *options, char helps[][160])
{
    const struct demo_option *own = run.demo->options;
    int n = 0;
    for (; own != NULL && n < MAX_OPTIONS && own[n].name != NULL; n++) {
        run.options[n] = own[n].preset;
        bool flag = own[n].word == NULL && own[n].max == 0;
        if (own[n].word != NULL || flag)
            snprintf(helps[n], 160, "%s", own[n].help);
        else
            snprintf(helps[n], 160, "%s (%ld to %ld; %ld)", own[n].help, own[n].min, own[n].max, own[n].preset);
        const char *takes = own[n].word != NULL ? own[n].word : flag ? NULL : "N";
        options[n] = (struct argp_option){ own[n].name, KEY_OWN + n, takes, 0, helps[n], 0 };
    }
    memcpy(options + n, common, sizeof common);
}

static void write_doc(FILE *doc)
{
    fprintf(doc, "%s\n\nExamples:\n  %s\n  %s --step\n", run.demo->title, run.name, run.name);
    for (const struct demo_break *b = run.demo->breaks; b != NULL && b->what != NULL; b++)
        fprintf(doc, "  %s --break %s\n", run.name, b->what);
    fprintf(doc, "  %s --json | jq .\n\nOptions:\v", run.name);
    if (run.demo->breaks != NULL && run.demo->breaks[0].what != NULL)
        fprintf(doc, "What --break can take out, and the claim that then fails:\n");
    for (const struct demo_break *b = run.demo->breaks; b != NULL && b->what != NULL; b++)
        fprintf(doc, "  %-12s %s\n  %-12s %s %s\n", b->what, b->does, "", ending_of(b->refutes), b->refutes);
    fprintf(doc,
            "\nExit status: 0 every fact holds, 1 a fact was refuted, 77 nothing could be shown here, 64 wrong usage, "
            "70 a call that the demo needs failed.");
}

static void choose_looks(void)
{
    const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
    bool dumb = term != NULL && strcmp(term, "dumb") == 0;
    setlocale(LC_CTYPE, "");
    run.unicode = !dumb && strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    run.colour =
        strcmp(colour_when, "always") == 0 || (strcmp(colour_when, "auto") == 0 && !dumb && term != NULL &&
                                               isatty(STDOUT_FILENO) && (no_color == NULL || *no_color == '\0'));
}

/* What --help, --list and --why wrote through stdio may still fail on its way out. */
static void close_stdout(void)
{
    if (fclose(stdout) == 0)
        return;
    dprintf(STDERR_FILENO, "%s: standard output: %s (%s)\n", run.name, strerrorname_np(errno), strerror(errno));
    _exit(STATUS_BROKE);
}

void options_parse(int argc, char *argv[])
{
    static char version[80], helps[MAX_OPTIONS][160];
    struct argp_option options[MAX_OPTIONS + N_COMMON + 1] = { 0 };
    static char *doc; /* static: exit() from within argp is then no leak */
    size_t length;
    FILE *out = open_memstream(&doc, &length);
    if (out == NULL) {
        dprintf(STDERR_FILENO, "%s: open_memstream: %s\n", run.name, strerrorname_np(errno));
        exit(STATUS_BROKE);
    }
    run.args = &argv[argc];
    atexit(close_stdout);
    write_doc(out);
    fclose(out);
    add_own_options(options, helps);
    snprintf(version, sizeof version, "%s (proclab) %s", run.name, PROCLAB_VERSION);
    argp_program_version = version;
    argp_err_exit_status = STATUS_USAGE;
    struct argp argp = { options, parse, run.demo->takes_pid ? "[PID]" : run.demo->args, doc, NULL, NULL, NULL };
    argv[0] = (char *)run.name; /* what argp calls us */
    argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, NULL);
    choose_looks();
    if (run.step)
        sync_no_deadline();
}
