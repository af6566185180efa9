/* report.c - lib/report: small demos run in a child, what they write is read from a pipe, and how they end. */
#include <fcntl.h>
#include <jansson.h>
#include <pty.h>

#include "kernel.h"
#include "report/demo.h"
#include "report/witness.h"
#include "sync/sync.h"
#include "testing.h"

static const struct demo_claim claims[] = {
    { "t.fact", "A fact that holds.", DEMO_FACT, NULL },
    { "t.cost", "A cost.", DEMO_COST, "costs differ" },
    { "t.caveat", "A sentence that simplifies.", DEMO_CAVEAT, "Linux does it otherwise" },
    { 0 },
};
static const struct demo_break breaks[] = { { "fact", "t.fact", "makes it false" },
                                            { "other", "t.fact", "also" },
                                            { 0 } };
static const struct demo_option options[] = { { "count", "how many", 5, 1, 10 },
                                              { .name = "colour", .help = "which one", .word = "NAME" },
                                              { 0 } };

static const struct demo_prediction predictions[] = {
    { 1, "t.fact", "Does it hold?", { "yes", "no" }, 0, "it is a fact" },
    { 0 },
};

static const struct demo_prediction cost_predictions[] = {
    { 1, "t.cost", "What does it cost?", { "much", "little" }, 1, "it is little work" },
    { 0 },
};
static const struct demo_prediction *asked = predictions;

static const char *wrong(void)
{
    const char *colour = demo_word("colour");
    return colour != NULL && strcmp(colour, "blue") != 0 ? "only blue is a colour" : NULL;
}

struct outcome {
    int status;
    char out[65536], err[8192];
};

static void read_all(int fd, char *to, size_t size)
{
    size_t used = 0;
    for (ssize_t n; used + 1 < size && (n = read(fd, to + used, size - 1 - used)) > 0;)
        used += (size_t)n;
    to[used] = '\0';
    close(fd);
}

static bool takes_pid; /* whether the demos of a test do */

static int run_toy(void (*body)(void), char *argv[])
{
    int argc = 0;
    while (argv[argc] != NULL)
        argc++;
    return demo_run(argc, argv,
                    &(struct demo){ .name = "toy",
                                    .title = "a demo of the tests",
                                    .claims = claims,
                                    .breaks = breaks,
                                    .options = options,
                                    .predictions = asked,
                                    .run = body,
                                    .takes_pid = takes_pid,
                                    .wrong = wrong,
                                    .why = "because\n",
                                    .next = "next-toy" });
}

static void reap(pid_t child, struct outcome *outcome)
{
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    outcome->status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* Runs the function as a demo with these words on its command line. */
static struct outcome *run_demo(void (*body)(void), char *argv[])
{
    static struct outcome outcome;
    int out[2], err[2];
    ck_assert_int_eq(pipe(out) | pipe(err), 0);
    fflush(stdout);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        dup2(out[1], 1);
        dup2(err[1], 2);
        exit(run_toy(body, argv));
    }
    close(out[1]);
    close(err[1]);
    read_all(out[0], outcome.out, sizeof outcome.out);
    read_all(err[0], outcome.err, sizeof outcome.err);
    reap(child, &outcome);
    return &outcome;
}
#define ARGS(...) \
    (char *[]) \
    { \
        "toy", __VA_ARGS__, NULL \
    }
#define NO_ARGS \
    (char *[]) \
    { \
        "toy", NULL \
    }

/* What the tests look at lives as long as they do: each is a short process. Kept, so that it is no leak. */
enum { KEPT = 256 };
static json_t *kept[KEPT];
static int n_kept;

/* The n-th event of this kind, from 0; NULL where there is none. Each line must be JSON. */
static json_t *event(const char *out, const char *kind, int n)
{
    for (const char *line = out; *line != '\0'; line = strchr(line, '\n') + 1) {
        ck_assert_ptr_nonnull(strchr(line, '\n'));
        json_t *object = json_loadb(line, (size_t)(strchr(line, '\n') - line), 0, NULL);
        ck_assert_msg(object != NULL, "not JSON: %s", line);
        if (strcmp(json_string_value(json_object_get(object, "kind")), kind) == 0 && n-- == 0) {
            kept[n_kept++ % KEPT] = object;
            return object;
        }
        json_decref(object);
    }
    return NULL;
}

static const char *field(const char *out, const char *kind, int n, const char *key)
{
    return json_string_value(json_object_get(event(out, kind, n), key));
}

static void all_well(void)
{
    demo_step("One");
    demo_check("t.fact", !demo_without("fact"), "seen %d", 1);
    demo_check("t.cost", true, "cheap");
    demo_check("t.caveat", true, "otherwise");
}

START_TEST(all_well_is_0)
{
    struct outcome *o = run_demo(all_well, ARGS("--json"));
    ck_assert_int_eq(o->status, 0);
    ck_assert_str_eq(o->err, "");
    ck_assert_str_eq(field(o->out, "verdict", 0, "verdict"), "holds");
    ck_assert_str_eq(field(o->out, "verdict", 1, "verdict"), "holds");
    ck_assert_str_eq(field(o->out, "verdict", 2, "verdict"), "differs");
    ck_assert_str_eq(field(o->out, "verdict", 2, "reason"), "Linux does it otherwise");
    ck_assert_str_eq(field(o->out, "verdict", 0, "evidence"), "seen 1");
    ck_assert_int_eq(json_integer_value(json_object_get(event(o->out, "end", 0), "holds")), 2);
    ck_assert_str_eq(field(o->out, "end", 0, "next"), "next-toy");
    ck_assert_str_eq(field(o->out, "start", 0, "role"), "parent");
}
END_TEST

static void wrong_in_all(void)
{
    demo_check("t.fact", false, "no");
    demo_check("t.cost", false, "dear");
    demo_check("t.caveat", false, "no");
}

START_TEST(a_false_fact_is_1)
{
    struct outcome *o = run_demo(wrong_in_all, ARGS("--json"));
    ck_assert_int_eq(o->status, 1);
    ck_assert_str_eq(field(o->out, "verdict", 0, "verdict"), "refuted");
    ck_assert_str_eq(field(o->out, "verdict", 1, "verdict"), "differs"); /* a cost is never refuted */
    ck_assert_str_eq(field(o->out, "verdict", 2, "verdict"), "refuted");
}
END_TEST

START_TEST(quiet_tells_by_the_status)
{
    struct outcome *o = run_demo(wrong_in_all, ARGS("--quiet"));
    ck_assert_int_eq(o->status, 1);
    ck_assert_str_eq(o->out, "");
    ck_assert_str_eq(o->err, "");
    ck_assert_int_eq(run_demo(all_well, ARGS("--quiet"))->status, 0);
    ck_assert_int_eq(run_demo(all_well, ARGS("--quiet", "--predict"))->status, 64);
}
END_TEST

START_TEST(break_takes_what_it_names)
{
    ck_assert_int_eq(run_demo(all_well, ARGS("--break", "fact"))->status, 1);
    ck_assert_int_eq(run_demo(all_well, ARGS("--break=fact"))->status, 1);
    ck_assert_int_eq(run_demo(all_well, ARGS("--break"))->status, 1);
    ck_assert_int_eq(run_demo(all_well, ARGS("--break", "--json"))->status, 1);
    ck_assert_int_eq(run_demo(all_well, ARGS("--break", "other"))->status, 0);
    struct outcome *o = run_demo(all_well, ARGS("--break", "nothing"));
    ck_assert_int_eq(o->status, 64);
    ck_assert_ptr_nonnull(strstr(o->err, "there is: fact other"));
}
END_TEST

static void all_skipped(void)
{
    demo_skip_rest("no %s here", "moon");
}

START_TEST(nothing_shown_is_77)
{
    struct outcome *o = run_demo(all_skipped, ARGS("--json"));
    ck_assert_int_eq(o->status, 77);
    ck_assert_str_eq(field(o->out, "verdict", 2, "reason"), "no moon here");
}
END_TEST

static void forgets_one(void)
{
    demo_check("t.fact", true, "yes");
    demo_check("t.cost", true, "yes");
}

static void decides_twice(void)
{
    all_well();
    demo_check("t.fact", true, "again");
}

static void decides_what_is_not_there(void)
{
    all_well();
    demo_check("t.unknown", true, "yes");
}

START_TEST(a_demo_that_is_wrong_itself_is_70)
{
    struct outcome *o = run_demo(forgets_one, NO_ARGS);
    ck_assert_int_eq(o->status, 70);
    ck_assert_ptr_nonnull(strstr(o->err, "no verdict on t.caveat"));
    o = run_demo(decides_twice, NO_ARGS);
    ck_assert_int_eq(o->status, 70);
    ck_assert_ptr_nonnull(strstr(o->err, "decided already"));
    o = run_demo(decides_what_is_not_there, NO_ARGS);
    ck_assert_int_eq(o->status, 70);
    ck_assert_ptr_nonnull(strstr(o->err, "not declared"));
}
END_TEST

static void call_fails(void)
{
    if (close(-1) < 0)
        demo_die("close(%d)", -1);
}

static void library_fails(void)
{
    demo_need(-ESRCH, "read /proc/%d/stat", 42);
}

static void child_fails(void)
{
    cleanup_child pid_t child = fork();
    if (child == 0)
        call_fails();
    sync_exited(child, NULL);
    all_well();
}

START_TEST(a_failed_call_is_named_and_70)
{
    struct outcome *o = run_demo(call_fails, NO_ARGS);
    ck_assert_int_eq(o->status, 70);
    ck_assert_ptr_nonnull(strstr(o->err, "close(-1): EBADF (Bad file descriptor)"));
    o = run_demo(library_fails, NO_ARGS);
    ck_assert_int_eq(o->status, 70);
    ck_assert_ptr_nonnull(strstr(o->err, "read /proc/42/stat: ESRCH"));
    ck_assert_int_eq(run_demo(child_fails, NO_ARGS)->status, 70); /* though the parent saw nothing wrong */
}
END_TEST

static void hostile_bytes(void)
{
    demo_observe(getpid(), "/proc/PID/comm", demo_fact_text("name", ") R 1 (\n\xff\xfe\033[31m\xc3\xa9\x01"));
    all_well();
}

START_TEST(any_byte_is_harmless)
{
    struct outcome *o = run_demo(hostile_bytes, ARGS("--json"));
    json_t *facts = json_object_get(event(o->out, "observation", 0), "facts");
    ck_assert_str_eq(json_string_value(json_object_get(facts, "name")), ") R 1 (\\x0a\\xff\\xfe\\x1b[31m\xc3\xa9\\x01");
    o = run_demo(hostile_bytes, NO_ARGS);
    ck_assert_ptr_null(strchr(o->out, '\033'));
    ck_assert_ptr_null(strchr(o->out, '\xff'));
}
END_TEST

static void long_texts(void)
{
    demo_step(
        "A step whose text goes on and on, far beyond the right edge of any terminal that has eighty columns, and on");
    demo_act(0, "an act that has as much to say as the step above it, and says it in a line that cannot be one line");
    demo_observe(getpid(), "/proc/PID/a/name/that/is/long/enough", demo_fact("first", 1),
                 demo_fact("second", 123456789012L), demo_fact_text("third", "some text of some length"),
                 demo_fact_text("fourth", "and another one"));
    demo_look("ps -o pid,ppid,stat,comm,wchan,args -p %d,%d,%d,%d,%d", 1111111, 2222222, 3333333, 444444, 55555);
    demo_check("t.fact", true,
               "an evidence that does not fit beside its sentence, and not even in a line of its own, so wrap");
    demo_skip("t.cost",
              "a reason that goes on for so long that it must be wrapped at the end of the line, as the others");
    demo_check("t.caveat", false, "%s", "refuted");
}

START_TEST(no_line_is_beyond_80_columns)
{
    struct outcome *o = run_demo(long_texts, NO_ARGS);
    for (char *line = strtok(o->out, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        int width = 0;
        for (char *c = line; *c != '\0'; c++)
            width += ((unsigned char)*c & 0xc0) != 0x80;
        ck_assert_msg(width <= 79, "%d columns: %s", width, line);
    }
}
END_TEST

static void child_reports(void)
{
    cleanup_child pid_t child = fork();
    if (child == 0) {
        demo_role(getpid(), "child");
        demo_act(getppid(), "from the child");
        demo_check("t.fact", true, "by %s", demo_pid(getpid()));
        _exit(0);
    }
    sync_exited(child, NULL);
    demo_check("t.cost", true, "yes");
    demo_check("t.caveat", true, "yes");
}

START_TEST(a_childs_events_are_in_the_same_list)
{
    struct outcome *o = run_demo(child_reports, ARGS("--json"));
    ck_assert_int_eq(o->status, 0);
    ck_assert_str_eq(field(o->out, "act", 0, "role"), "child");
    json_t *act = event(o->out, "act", 0), *start = event(o->out, "start", 0);
    ck_assert_int_eq(json_integer_value(json_object_get(act, "target")),
                     json_integer_value(json_object_get(start, "pid")));
    ck_assert_int_eq(json_integer_value(json_object_get(event(o->out, "end", 0), "holds")), 2);
}
END_TEST

START_TEST(stable_runs_are_the_same)
{
    static char first[sizeof((struct outcome *)0)->out];
    strcpy(first, run_demo(child_reports, ARGS("--stable", "--json"))->out);
    ck_assert_str_eq(run_demo(child_reports, ARGS("--stable", "--json"))->out, first);
    ck_assert_ptr_nonnull(strstr(first, "by P2"));
    strcpy(first, run_demo(long_texts, ARGS("--stable"))->out);
    ck_assert_str_eq(run_demo(long_texts, ARGS("--stable"))->out, first);
}
END_TEST

START_TEST(signals_by_name)
{
    ck_assert_str_eq(demo_signals(0), "none");
    ck_assert_str_eq(demo_signals(1ULL << (SIGHUP - 1) | 1ULL << (SIGUSR2 - 1)), "SIGHUP SIGUSR2");
    ck_assert_str_eq(demo_signals(7ULL << 31), "34"); /* 32 and 33 are glibc's own */
    ck_assert_ptr_nonnull(strstr(demo_signals(~0ULL), "SIGSYS 34 35"));
    ck_assert_ptr_nonnull(strstr(demo_signals(~0ULL), " 63 64"));
}
END_TEST

static void shows_a_table(void)
{
    const char *const columns[] = { "what", "parent", "child", NULL };
    const char *const rows[] = { "heap",
                                 "7",
                                 "8",
                                 "mask",
                                 "",
                                 "0000000000000400",
                                 "a thing with a long name",
                                 "text that must be wrapped, since all of it is too long",
                                 "x" };
    demo_table(0, "both", columns, rows, 3);
    demo_act(0, "at %s", demo_address(columns));
    all_well();
}

START_TEST(a_table_is_facts_too)
{
    struct outcome *o = run_demo(shows_a_table, ARGS("--json", "--stable"));
    json_t *facts = json_object_get(event(o->out, "observation", 0), "facts");
    ck_assert_str_eq(json_string_value(json_object_get(json_object_get(facts, "heap"), "child")), "8");
    ck_assert_str_eq(field(o->out, "act", 0, "text"), "at 0xADDRESS");
    o = run_demo(shows_a_table, NO_ARGS);
    ck_assert_ptr_nonnull(strstr(o->out, "     heap "));
    for (char *line = strtok(o->out, "\n"); line != NULL; line = strtok(NULL, "\n"))
        ck_assert_msg(strlen(line) <= 79 && line[strlen(line) - 1] != ' ', "%s", line);
}
END_TEST

static void shows_a_long_cell(void)
{
    const char *const columns[] = { "name", "value", "file", NULL };
    const char *const rows[] = { "\xff\xfe",
                                 "a sentence that is far too long for one line of eighty columns, and two words more",
                                 "status",
                                 "",
                                 "0123456789012345678901234567890123456789012345678901234567890123456789",
                                 "" };
    demo_table(0, demo_mask("132 KiB", "SIZE"), columns, rows, 2);
    all_well();
}

START_TEST(a_long_cell_is_broken_between_words)
{
    struct outcome *o = run_demo(shows_a_long_cell, ARGS("--stable"));
    ck_assert_ptr_nonnull(strstr(o->out, " SIZE\n"));
    ck_assert_ptr_nonnull(strstr(o->out, "\n     \\xff\\xfe  a sentence "));
    ck_assert_msg(strstr(o->out, "of eighty    status\n               columns, and two") != NULL, "%s", o->out);
    ck_assert_ptr_nonnull(strstr(run_demo(shows_a_long_cell, NO_ARGS)->out, " 132 KiB\n"));
}
END_TEST

static void takes_a_pid(void)
{
    if (demo_arg_pid() == 4711)
        demo_cannot("there is no process %d", demo_arg_pid());
    demo_act(0, "PID %d", demo_arg_pid());
    if (demo_arg_pid() == 0)
        all_well();
}

START_TEST(one_pid_may_be_given)
{
    takes_pid = true;
    ck_assert_str_eq(field(run_demo(takes_a_pid, ARGS("--json"))->out, "act", 0, "text"), "PID 0");
    struct outcome *o = run_demo(takes_a_pid, ARGS("12", "--json"));
    ck_assert_str_eq(field(o->out, "act", 0, "text"), "PID 12");
    ck_assert_int_eq(o->status, 0);
    ck_assert_str_eq(o->err, "");
    o = run_demo(takes_a_pid, ARGS("4711"));
    ck_assert_int_eq(o->status, 77);
    ck_assert_str_eq(o->err, "toy: there is no process 4711\n");
    const char *const wrong[] = { "0", "-1", "", "x", "5x", " 5", "+5", "99999999999999999999", "2147483648" };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        o = run_demo(takes_a_pid, ARGS("--", (char *)wrong[i]));
        ck_assert_msg(o->status == 64 && *o->out == '\0', "%s was taken", wrong[i]);
    }
    ck_assert_int_eq(run_demo(takes_a_pid, ARGS("1", "2"))->status, 64);
    takes_pid = false;
}
END_TEST

static int status_with_stdout(int fd)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        int null = open("/dev/null", O_WRONLY);
        dup2(null, 2);
        if (fd < 0)
            close(1);
        else
            dup2(fd, 1);
        char *argv[] = { "toy", NULL };
        exit(demo_run(
            1, argv,
            &(struct demo){ .name = "toy", .title = "t", .claims = claims, .run = all_well, .why = "", .next = "" }));
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

START_TEST(lost_output_is_70)
{
    int full = open("/dev/full", O_WRONLY), gone[2];
    ck_assert_int_ge(full, 0);
    ck_assert_int_eq(status_with_stdout(full), 70);
    close(full);
    ck_assert_int_eq(status_with_stdout(-1), 70);
    ck_assert_int_eq(pipe(gone), 0);
    close(gone[0]);
    ck_assert_int_eq(status_with_stdout(gone[1]), 70); /* and not a death by SIGPIPE */
    close(gone[1]);
}
END_TEST

START_TEST(a_slow_reader_of_a_full_pipe_gets_all)
{
    int out[2];
    ck_assert_int_eq(pipe2(out, O_NONBLOCK), 0);
    char junk[4096] = { 0 };
    while (write(out[1], junk, sizeof junk) > 0)
        continue;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        dup2(out[1], 1);
        char *argv[] = { "toy", "--json", NULL };
        exit(demo_run(
            2, argv,
            &(struct demo){ .name = "toy", .title = "t", .claims = claims, .run = all_well, .why = "", .next = "" }));
    }
    close(out[1]);
    struct proc_stat stat;
    ck_assert_int_eq(sync_state(child, "S", &stat), 0); /* in poll(): it waits instead of losing the line */
    fcntl(out[0], F_SETFL, 0);
    size_t ends = 0;
    FILE *in = fdopen(out[0], "r");
    for (int c; (c = fgetc(in)) != EOF;)
        ends += c == '\n';
    fclose(in);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_uint_eq(ends, 6); /* start, step, three verdicts, end */
}
END_TEST

static void shows_count(void)
{
    demo_act(0, "count %ld", demo_option("count"));
    all_well();
}

/* What the reader asked for is shown; the claims are none of this run's. */
static void shows_nothing(void)
{
    ck_assert_str_eq(demo_word("colour"), "blue");
    demo_act(0, "blue");
}

START_TEST(own_options_have_their_bounds)
{
    ck_assert_str_eq(field(run_demo(shows_count, ARGS("--json"))->out, "act", 0, "text"), "count 5");
    ck_assert_str_eq(field(run_demo(shows_count, ARGS("--json", "--count", "10"))->out, "act", 0, "text"), "count 10");
    const char *const wrong[] = { "11", "0", "", "x", "5x", "99999999999999999999", "-3" };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char word[64];
        snprintf(word, sizeof word, "--count=%s", wrong[i]);
        ck_assert_msg(run_demo(shows_count, ARGS(word))->status == 64, "%s was taken", word);
    }
    ck_assert_int_eq(run_demo(shows_count, ARGS("--nonsense"))->status, 64);
    struct outcome *red = run_demo(shows_count, ARGS("--colour", "red"));
    ck_assert(red->status == 64 && red->out[0] == '\0' && strstr(red->err, "only blue") != NULL);
    ck_assert_int_eq(run_demo(shows_nothing, ARGS("--colour", "blue"))->status, 0);
    ck_assert_int_eq(run_demo(shows_count, ARGS("word"))->status, 64);
    ck_assert_int_eq(run_demo(shows_count, ARGS("--color=red"))->status, 64);
    ck_assert_int_eq(run_demo(shows_count, ARGS("--predict"))->status, 64); /* no terminal */
}
END_TEST

/* What is on the terminal of a reader who types this; \4, ^D, ends the input. */
static struct outcome *run_on_terminal(void (*body)(void), char *argv[], const char *typed)
{
    static struct outcome outcome;
    int ours, its;
    ck_assert_int_eq(openpty(&ours, &its, NULL, NULL, NULL), 0);
    ck_assert_int_eq(write(ours, typed, strlen(typed)), (ssize_t)strlen(typed));
    fflush(stdout);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        close(ours);
        for (int fd = 0; fd < 3; fd++)
            dup2(its, fd);
        exit(run_toy(body, argv));
    }
    /* Until EIO, with its side closed, a reader may miss the last line: n_tty_read() looks first for what was written, then
     * whether it is closed. What a toy writes has room in the terminal. */
    reap(child, &outcome);
    fcntl(ours, F_SETFL, O_NONBLOCK);
    read_all(ours, outcome.out, sizeof outcome.out);
    close(its);
    return &outcome;
}

START_TEST(an_answer_is_a_number_or_nothing)
{
    static const struct {
        const char *typed, *taken;
        int again; /* how often it is asked for anew */
    } answers[] = {
        { "1\n", "said so: yes", 0 },
        { " 2 \n", "said: no\r", 0 },
        { "\n", "said: nothing", 0 },
        { "  \n", "said: nothing", 0 },
        { "\4", "said: nothing", 0 },
        { "x\n1\n", "said so: yes", 1 },
        { "1x\n2\n", "said: no\r", 1 },
        { "3\n0\n1\n", "said so: yes", 2 },
        { "-1\n\n", "said: nothing", 1 },
        { "x\n\4", "said: nothing", 1 },
        { "x\n1 2\n?\n1\n", "said: nothing", 2 },
    };
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        char *out = run_on_terminal(all_well, ARGS("--predict"), answers[i].typed)->out;
        ck_assert_msg(strstr(out, answers[i].taken) != NULL, "%zu: %s", i, out);
        int again = 0;
        for (char *at = out; (at = strstr(at, "or Enter for none")) != NULL; at++)
            again++;
        ck_assert_msg(again == answers[i].again, "%zu: %s", i, out);
    }
}
END_TEST

static void costs_much(void)
{
    demo_step("One");
    demo_check("t.fact", true, "seen");
    demo_check("t.cost", false, "dear");
    demo_check("t.caveat", true, "otherwise");
}

/* Where the claim does not hold, its choice is not said to be right, nor is any other one. */
START_TEST(an_answer_is_compared_with_the_verdict)
{
    char *out = run_on_terminal(all_well, ARGS("--predict", "--break", "fact"), "1\n")->out;
    ck_assert_msg(strstr(out, "said: yes") && strstr(out, "it is not: yes") && !strstr(out, "because"), "%s", out);
    out = run_on_terminal(all_well, ARGS("--predict", "--break", "fact"), "2\n")->out;
    ck_assert_msg(strstr(out, "said: no\r") && strstr(out, "it is not: yes"), "%s", out);
    asked = cost_predictions;
    out = run_on_terminal(costs_much, ARGS("--predict"), "2\n")->out;
    ck_assert_msg(strstr(out, "said: little") && strstr(out, "usually: little") && strstr(out, "because"), "%s", out);
    out = run_on_terminal(all_well, ARGS("--predict"), "2\n")->out;
    ck_assert_msg(strstr(out, "said so: little") != NULL, "%s", out);
    asked = predictions;
}
END_TEST

START_TEST(that_a_step_waits_is_no_act)
{
    ck_assert_ptr_null(strstr(run_on_terminal(all_well, ARGS("--step"), "\n")->out, "stops"));
    ck_assert_int_eq(freopen("/dev/null", "r", stdin) == NULL, 0);
    char *out = run_demo(all_well, ARGS("--step", "--json"))->out;
    ck_assert(json_is_true(json_object_get(event(out, "act", 0), "hold")));
}
END_TEST

/* One fork, and what the kernel says of it, as text and as a fact; said_by_proc is what the other witness claims. */
static bool said_by_proc;
static void two_witnesses(void)
{
    witness_begin(BIT(FORK));
    demo_step("One");
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    waitpid(child, NULL, 0);
    demo_check("t.fact", said_by_proc, "seen 1");
    demo_check("t.cost", true, "cheap");
    demo_skip("t.caveat", "needs root");
    struct witness seen = witness_end();
    size_t at = witness_find(&seen, 0, KERNEL_FORK, getpid());
    witness_says("t.fact", at < seen.n && seen.event[at].other == child, "made %zu", seen.n);
    witness_says("t.caveat", false, "of what was skipped it says nothing");
    witness_says("t.fact", witness_find(&seen, at + 1, KERNEL_FORK, getpid()) == seen.n, "and no other");
}

START_TEST(witnesses_must_agree)
{
    need_tracefs();
    said_by_proc = true;
    struct outcome *run = run_demo(two_witnesses, ARGS("--json"));
    ck_assert_msg(run->status == 0 && run->err[0] == '\0', "%d %s", run->status, run->err);
    ck_assert(json_is_true(json_object_get(event(run->out, "witness", 0), "agrees")));
    ck_assert_str_eq(field(run->out, "witness", 0, "claim"), "t.fact");
    ck_assert_ptr_null(event(run->out, "witness", 2));
    ck_assert_int_eq(json_integer_value(json_object_get(event(run->out, "end", 0), "witnessed")), 1);
    ck_assert_str_eq(field(run->out, "observation", 0, "source"), "tracefs sched_process_fork");
    ck_assert_int_ge(json_integer_value(json_object_get(event(run->out, "observation", 0), "at")),
                     json_integer_value(json_object_get(event(run->out, "step", 0), "t")));

    said_by_proc = false; /* both say that it does not hold */
    ck_assert_int_eq(run_demo(two_witnesses, ARGS("--json"))->status, 1);
    reap_all(); /* the guard that removes the instance */
}
END_TEST

static void contradiction(void)
{
    witness_begin(BIT(FORK));
    all_well();
    witness_end();
    witness_says("t.fact", false, "there was no fork");
}

START_TEST(a_contradiction_refutes)
{
    need_tracefs();
    struct outcome *run = run_demo(contradiction, ARGS("--json"));
    ck_assert_int_eq(run->status, 1);
    ck_assert(json_is_false(json_object_get(event(run->out, "witness", 0), "agrees")));
    ck_assert_int_eq(json_integer_value(json_object_get(event(run->out, "end", 0), "refuted")), 1);
    run = run_demo(contradiction, NO_ARGS);
    ck_assert_ptr_nonnull(strstr(run->out, "DISAGREES: t.fact"));
    reap_all(); /* the guard that removes the instance */
}
END_TEST

static void two_witnesses_unprivileged(void)
{
    if (geteuid() == 0 && setuid(65534) < 0)
        demo_die("setuid(65534)");
    two_witnesses();
}

START_TEST(without_a_second_witness_it_says_so)
{
    said_by_proc = true;
    struct outcome *run = run_demo(two_witnesses_unprivileged, ARGS("--json"));
    ck_assert_int_eq(run->status, 0);
    ck_assert_ptr_null(event(run->out, "witness", 0));
    ck_assert_str_eq(field(run->out, "observation", 0, "source"), "tracefs");
    ck_assert_int_eq(json_integer_value(json_object_get(event(run->out, "end", 0), "witnessed")), 0);
}
END_TEST

static void says_too_early(void)
{
    witness_begin(BIT(FORK));
    witness_end();
    witness_says("t.fact", true, "before its verdict");
    all_well();
}

START_TEST(a_witness_speaks_after_the_verdict)
{
    ck_assert_int_eq(run_demo(says_too_early, NO_ARGS)->status, 70);
    reap_all(); /* the guard that removes the instance */
}
END_TEST

int main(void)
{
    see_tracefs();
    const struct testing tests[] = {
        TEST(all_well_is_0),
        TEST(a_false_fact_is_1),
        TEST(quiet_tells_by_the_status),
        TEST(break_takes_what_it_names),
        TEST(nothing_shown_is_77),
        TEST(a_demo_that_is_wrong_itself_is_70),
        TEST(a_failed_call_is_named_and_70),
        TEST(any_byte_is_harmless),
        TEST(no_line_is_beyond_80_columns),
        TEST(a_childs_events_are_in_the_same_list),
        TEST(stable_runs_are_the_same),
        TEST(signals_by_name),
        TEST(a_table_is_facts_too),
        TEST(a_long_cell_is_broken_between_words),
        TEST(one_pid_may_be_given),
        TEST(lost_output_is_70),
        TEST(a_slow_reader_of_a_full_pipe_gets_all),
        TEST(own_options_have_their_bounds),
        TEST(an_answer_is_a_number_or_nothing),
        TEST(an_answer_is_compared_with_the_verdict),
        TEST(that_a_step_waits_is_no_act),
        TEST(witnesses_must_agree),
        TEST(a_contradiction_refutes),
        TEST(without_a_second_witness_it_says_so),
        TEST(a_witness_speaks_after_the_verdict),
        { 0 },
    };
    return run_tests("report", tests);
}
