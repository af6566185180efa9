/* proc-bench.c - how quickly the PID, parent, state and name of every process can be read: ours, ps, libproc2, and the bare
 * system calls, side by side in one run.
 *
 *     proc-bench                     10,000 processes; half a minute
 *     proc-bench --processes 1000    fewer: the numbers, and no target is judged
 *     proc-bench --json              one object a line
 *
 * Each round has one reading of each reader, and who is first changes with the round; a ratio is of two readings of one round.
 * Each reading is checked: a quick one that is wrong does not count. */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "crowd.h"
#include "measure/measure.h"
#include "readers.h"
#include "sync/sync.h"

enum {
    JUDGED_FROM = 10000, /* processes: what the targets are about */
    ROUNDS = 15,         /* of whole readings */
    ROUNDS_OF_ONE = 60,  /* of single observations, which are quick */
    CALLS = 100,         /* of one kind in a row */
    WRONG = 1,
    USAGE = 64,
    FAILED = 70,
    SKIPPED = 77,
};

static struct options {
    bool json;
    size_t processes;
} options = { false, JUDGED_FROM };

static size_t made; /* processes of the crowd */

static _Noreturn void end(int status, const char *what, const char *how)
{
    fprintf(stderr, "proc-bench: %s%s%s\n", what, *how ? ": " : "", how);
    exit(status);
}

static _Noreturn void fail(const char *what, int error)
{
    end(FAILED, what, strerrorname_np(error) ? strerrorname_np(error) : "?");
}

/* ---- what is measured: readings of everything, asleep and as zombies, and observations of one process ---- */

static struct measure_contender asleep[READERS], zombies[READERS];         /* until it was done */
static struct measure_contender asleep_cpu[READERS], zombies_cpu[READERS]; /* the same readings, of the CPUs */
static char state_now;
static double cpu_of[READERS]; /* of the last reading */
static size_t n_found;         /* by the last reading */

static double once_reader(const void *which)
{
    static struct found found;
    const struct reader *reader = which;
    struct cost cost = { 0 };
    found.n = 0;
    if (!found.all)
        found.all = malloc(MOST * sizeof *found.all);
    int r = found.all ? reader->read(&found, &cost) : -ENOMEM;
    if (r == -ENOENT && reader == &readers[PS])
        end(SKIPPED, "ps is not installed (Debian: procps)", "");
    if (r < 0)
        fail(reader->what, -r);
    const char *wrong = NULL;
    if (reader->kind != COUNTS)
        wrong = crowd_check(found.all, found.n, state_now, reader->kind == REPLACES);
    else if (found.n < made)
        wrong = "it read less than there are";
    if (wrong)
        end(WRONG, reader->what, wrong);
    n_found = found.n;
    cpu_of[reader - readers] = cost.cpu_ns;
    return cost.elapsed_ns;
}

enum { BARE_OPEN, STAT_READ, BARE_PREAD, STAT_PREAD, ONES };
static struct measure_contender ones[ONES];
static int one_fd;
static char one_path[32];

static double once_one(const void *which)
{
    char text[2048];
    struct proc_stat stat;
    int kind = *(const int *)which, bad = 0;
    double start = measure_now_ns();
    for (int i = 0; i < CALLS; i++)
        if (kind == BARE_OPEN) {
            int fd = open(one_path, O_RDONLY | O_CLOEXEC);
            bad += read(fd, text, sizeof text) <= 0;
            close(fd);
        } else if (kind == STAT_READ) {
            bad += proc_stat_read(crowd_first(), &stat) < 0 || stat.pid != crowd_first();
        } else if (kind == BARE_PREAD) {
            bad += pread(one_fd, text, sizeof text, 0) <= 0;
        } else {
            bad += proc_stat_pread(one_fd, &stat) < 0 || stat.pid != crowd_first();
        }
    double ns = (measure_now_ns() - start) / CALLS;
    if (bad)
        fail("reading one stat", EIO);
    return ns;
}

/* clang-format off */
static const char *const name_of_one[ONES] = { "one.bare", "one.stat", "one.bare.kept-open", "one.stat.kept-open" };
static const char *const what_of_one[ONES] = { "bare open, read, close", "stat", "bare pread, kept open", "stat, kept open" };
/* clang-format on */

static void measure_ones(void)
{
    static const int kinds[ONES] = { BARE_OPEN, STAT_READ, BARE_PREAD, STAT_PREAD };
    snprintf(one_path, sizeof one_path, "/proc/%d/stat", crowd_first());
    one_fd = proc_open(crowd_first(), "stat");
    if (one_fd < 0)
        fail("open of one stat", -one_fd);
    for (int i = 0; i < ONES; i++)
        ones[i] = (struct measure_contender){ .name = name_of_one[i], .once = once_one, .arg = &kinds[i] };
    for (int i = 0; i <= ROUNDS_OF_ONE; i++) {
        measure_round(ones, ONES);
        if (i == 0)
            measure_forget(ones, ONES);
    }
    close(one_fd);
}

/* Those that can be had here and now; the others stay without a sample. */
static bool is_chosen(int reader, char state)
{
    if (reader == LIBPROC2)
        return readers_have_libproc2();
    return state == 'S' || (reader != SCAN_KEPT && reader != SCAN_KEPT_2THREADS && reader != FLOOR_KEPT);
}

static int number_of(const struct measure_contender *who)
{
    return (int)((const struct reader *)who->arg - readers);
}

static void measure_readers(struct measure_contender *all, struct measure_contender *cpu, char state)
{
    static struct measure_contender chosen[READERS];
    size_t n = 0;
    state_now = state;
    for (int i = 0; i < READERS; i++)
        if (is_chosen(i, state))
            chosen[n++] = (struct measure_contender){
                .name = readers[i].name, .once = once_reader, .arg = &readers[i], .tries = 1
            };
    measure_round(chosen, n); /* warms up */
    measure_forget(chosen, n);
    for (size_t round = 0; round < ROUNDS; round++) {
        measure_round(chosen, n);
        for (size_t i = 0; i < n; i++) {
            cpu[number_of(&chosen[i])].sample[round] = cpu_of[number_of(&chosen[i])];
            cpu[number_of(&chosen[i])].n = round + 1;
        }
    }
    for (size_t i = 0; i < n; i++) {
        cpu[number_of(&chosen[i])].name = chosen[i].name;
        all[number_of(&chosen[i])] = chosen[i];
    }
}

/* ---- what is asked of it ---- */

static const struct target {
    const char *name, *what;
    const struct measure_contender *a, *b; /* the ratio a / b */
    bool at_least;
    double wanted;
    const struct measure_contender *bare; /* at_least: the calls of b alone, which it cannot be quicker than */
    int cpus;
} targets[] = {
    /* clang-format off */
    { "scan", "scan: times quicker", &asleep[PS], &asleep[SCAN], true, 6, &asleep[FLOOR], 1 },
    { "scan.floor", "scan / bare, CPU time", &asleep_cpu[SCAN], &asleep_cpu[FLOOR], false, 1.1, NULL, 1 },
    { "scan.2threads", "2 threads: times quicker", &asleep[PS], &asleep[SCAN_2THREADS], true, 10, &asleep[FLOOR_2THREADS], 2 },
    { "scan.kept-open", "kept open: times quicker", &asleep[PS], &asleep[SCAN_KEPT], true, 15, &asleep[FLOOR_KEPT], 1 },
    { "zombies", "zombies: times quicker", &zombies[PS], &zombies[SCAN], true, 4.5, &zombies[FLOOR], 1 },
    { "one.stat", "one stat / bare", &ones[STAT_READ], &ones[BARE_OPEN], false, 1.1, NULL, 1 },
    { "one.stat.kept-open", "one stat, kept open / bare", &ones[STAT_PREAD], &ones[BARE_PREAD], false, 1.15, NULL, 1 },
}; /* clang-format on */
enum { TARGETS = sizeof targets / sizeof *targets };

enum verdict { MET, NOT_MET, OUT_OF_REACH, NOT_JUDGED };
static const char *const verdicts[] = { "met", "not met", "out of reach", "not judged" };

static struct measure_spread reach_of(const struct target *target)
{
    return measure_ratio(target->a, target->bare);
}

static bool can_be_judged(const struct target *target)
{
    if (target->b == &asleep[SCAN_KEPT] && readers_kept() < made)
        return false;
    return made >= JUDGED_FROM && measure_cpus(NULL, 0) >= target->cpus;
}

static enum verdict judge(const struct target *target)
{
    double median = measure_ratio(target->a, target->b).median;
    if (!can_be_judged(target))
        return NOT_JUDGED;
    if (target->at_least ? median >= target->wanted : median <= target->wanted)
        return MET;
    /* What parses cannot be quicker than what does not. Where that itself is now above and now below what is wanted, it is no
     * fault of ours. */
    return target->bare && reach_of(target).p10 < target->wanted ? OUT_OF_REACH : NOT_MET;
}

/* A target that was missed is a failure; one that nobody could meet or judge here, where it was asked for, is skipped. */
static int status_of_all(void)
{
    bool missed = false, undecided = false;
    for (int i = 0; i < TARGETS; i++) {
        enum verdict verdict = judge(&targets[i]);
        missed |= verdict == NOT_MET;
        undecided |= verdict == OUT_OF_REACH || verdict == NOT_JUDGED;
    }
    return missed ? WRONG : undecided && options.processes >= JUDGED_FROM ? SKIPPED : 0;
}

/* ---- as text ---- */

static void print_machine(const char *why)
{
    struct measure_machine machine = measure_machine_read();
    struct utsname system;
    uname(&system);
    printf("proc-bench: PID, parent, state and name of %zu processes, %zu of them ours\n", n_found, made);
    printf("Linux %s, %d CPUs, %s\n", system.release, measure_cpus(NULL, 0), machine.cpu);
    printf("guest %s, page-table isolation %s, PCID %s, clock %s\n", machine.guest, machine.pti, machine.pcid,
           machine.clock);
    if (made < options.processes)
        printf("Not %zu of them: %s\n", options.processes, why);
    if (readers_kept() < made)
        printf("Kept open are %zu only: the hard limit of descriptors (ulimit -Hn)\n", readers_kept());
    putchar('\n');
}

static void print_readers(const char *heading, const struct measure_contender *all, const struct measure_contender *cpu)
{
    printf("%-28s %8s %17s %8s  %s\n", heading, "ms", "p10 .. p90", "CPU ms", "times quicker");
    for (int i = 0; i < READERS; i++) {
        struct measure_spread s = measure_spread_in(&all[i]);
        if (s.n > 0)
            printf("  %-26s %8.2f %7.2f .. %6.2f %8.2f  %7.2f\n", readers[i].what, s.median / 1e6, s.p10 / 1e6,
                   s.p90 / 1e6, measure_spread_in(&cpu[i]).median / 1e6, measure_ratio(&all[PS], &all[i]).median);
    }
    putchar('\n');
}

static void print_ones(void)
{
    printf("%-30s %9s %17s\n", "one of them", "us", "p10 .. p90");
    for (int i = 0; i < ONES; i++) {
        struct measure_spread s = measure_spread_in(&ones[i]);
        printf("  %-28s %9.2f %7.2f .. %6.2f\n", what_of_one[i], s.median / 1e3, s.p10 / 1e3, s.p90 / 1e3);
    }
    putchar('\n');
}

static void print_targets(void)
{
    printf("%-28s %8s %17s   wanted\n", "target (quicker: than ps)", "ratio", "p10 .. p90");
    for (int i = 0; i < TARGETS; i++) {
        const struct target *t = &targets[i];
        struct measure_spread s = measure_ratio(t->a, t->b);
        printf("  %-26s %8.2f %7.2f .. %6.2f   %s %-4.4g  %s\n", t->what, s.median, s.p10, s.p90,
               t->at_least ? ">=" : "<=", t->wanted, verdicts[judge(t)]);
    }
    for (int i = 0; i < TARGETS; i++)
        if (judge(&targets[i]) == OUT_OF_REACH)
            printf("Out of reach, %s: the bare system calls, with nothing parsed, are %.2f\n", targets[i].name,
                   reach_of(&targets[i]).median);
    if (made < JUDGED_FROM)
        printf("Not judged: the targets are for %d processes\n", JUDGED_FROM);
}

/* ---- as JSON Lines ---- */

static void print_object(json_t *object)
{
    char *line = object ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
    if (!line)
        fail("a line of JSON", ENOMEM);
    puts(line);
    free(line);
    json_decref(object);
}

static json_t *spread_object(const char *kind, const char *name, const char *unit, struct measure_spread s)
{
    return json_pack("{ss ss ss sf sf sf sf sf sI}", "kind", kind, "name", name, "unit", unit, "median", s.median,
                     "p10", s.p10, "p90", s.p90, "min", s.min, "max", s.max, "n", (json_int_t)s.n);
}

static void json_times(const char *prefix, const struct measure_contender *all, int n)
{
    char name[64];
    for (int i = 0; i < n; i++)
        if (all[i].n > 0) {
            snprintf(name, sizeof name, "%s%s", prefix, all[i].name);
            print_object(spread_object("measure", name, "ns", measure_spread_in(&all[i])));
        }
}

static void json_all(const char *why)
{
    struct measure_machine machine = measure_machine_read();
    print_object(json_pack("{ss sI sI sI sI ss si ss ss ss}", "kind", "start", "asked", (json_int_t)options.processes,
                           "made", (json_int_t)made, "found", (json_int_t)n_found, "kept", (json_int_t)readers_kept(),
                           "why", why, "cpus", measure_cpus(NULL, 0), "cpu", machine.cpu, "pti", machine.pti, "pcid",
                           machine.pcid));
    json_times("asleep.", asleep, READERS);
    json_times("asleep.cpu.", asleep_cpu, READERS);
    json_times("zombies.", zombies, READERS);
    json_times("zombies.cpu.", zombies_cpu, READERS);
    json_times("", ones, ONES);
    for (int i = 0; i < TARGETS; i++) {
        const struct target *t = &targets[i];
        json_t *object = spread_object("target", t->name, "times", measure_ratio(t->a, t->b));
        json_object_set_new(object, t->at_least ? "at_least" : "at_most", json_real(t->wanted));
        json_object_set_new(object, "verdict", json_string(verdicts[judge(t)]));
        if (t->bare)
            json_object_set_new(object, "bare", json_real(reach_of(t).median));
        print_object(object);
    }
}

/* ---- the program ---- */

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    char *rest;
    switch (key) {
    case 'j':
        options.json = true;
        return 0;
    case 'p':
        options.processes = strtoul(value, &rest, 10);
        if (*value < '0' || *value > '9' || *rest || options.processes < 1 || options.processes > MOST / 3)
            argp_error(state, "--processes=%s: a number from 1 to %d", value, MOST / 3);
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "what is \"%s\"?", value);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option option_table[] = {
    { "json", 'j', NULL, 0, "one object a line", 0 },
    { "processes", 'p', "N", 0, "sleeping processes to make (10000)", 0 },
    { 0 },
};
static const struct argp argp = {
    option_table,
    parse_option,
    NULL,
    "How quickly the PID, parent, state and name of every process can be read: ps, libproc2, lib/proc and the bare "
    "system "
    "calls, side by side.\vExit status: 0 all targets met, or fewer than 10000 processes asked for, 1 a target missed "
    "or a "
    "reader wrong, 77 a target that could not be judged or is out of reach here, 64 wrong usage, 70 a call failed.",
    NULL,
    NULL,
    NULL,
};

static void progress(const char *what)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "proc-bench: %s\n", what);
}

/* If it comes to that, the OOM killer is to take us and nobody else. Not to be allowed to say so changes nothing. */
static void offer_ourselves(void)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd >= 0 && write(fd, "1000", 4) < 0)
        progress("oom_score_adj cannot be written");
    if (fd >= 0)
        close(fd);
}

static void make_crowd(char why[80])
{
    progress("making the processes");
    offer_ourselves();
    int r = readers_begin();
    if (r == 0)
        r = crowd_make(options.processes, why);
    if (r < 0)
        fail("making the processes", -r);
    made = (size_t)r;
    if (made == 0)
        end(SKIPPED, "no process could be made", why);
    r = readers_open(made + 1000);
    if (r < 0)
        fail("opening /proc", -r);
}

int main(int argc, char *argv[])
{
    char why[80];
    argp_err_exit_status = USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, NULL);
    int r = sync_begin();
    if (r < 0)
        fail("start", -r);
    make_crowd(why);
    progress("reading them");
    measure_readers(asleep, asleep_cpu, 'S');
    measure_ones();
    progress("killing them, and reading the zombies");
    r = crowd_kill();
    if (r < 0)
        fail("killing the processes", -r);
    measure_readers(zombies, zombies_cpu, 'Z');
    if (options.json) {
        json_all(why);
    } else {
        print_machine(why);
        print_readers("all, asleep", asleep, asleep_cpu);
        print_readers("all, as zombies", zombies, zombies_cpu);
        print_ones();
        print_targets();
    }
    int status = status_of_all();
    readers_end();
    crowd_reap();
    return fflush(stdout) == 0 ? status : FAILED;
}
