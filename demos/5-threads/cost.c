/* cost.c - what a process costs and what a thread costs: to make one, and to switch to it
 *
 *     cost                  in about 9 seconds
 *     cost --quick          in a third of that
 *     cost --break copy     by vfork(), which copies no address space
 *     cost --break memory   the other process is a thread of this one
 *
 *     this process, on one CPU                the other one: a process, or a thread of this process
 *     write(a byte) ----------------------->  read() returns: a switch
 *                                             touches its pages
 *     read() returns: a switch  <-----------  write(a byte)
 *     touches its pages
 *
 * Whatever it makes ends by itself: it exits at once, or reads the end of a file when this process is gone.
 */
#include <fcntl.h>
#include <linux/futex.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "proc/proc.h"
#include "report/cost.h"
#include "report/demo.h"
#include "sync/sync.h"

static const struct demo_claim claims[] = {
    { "cost.create", "A process is expensive to create (about 1 ms), a thread cheap (10 us).", DEMO_COST,
      "what a process costs is its address space, made and taken down again: less where that is small and faults are "
      "cheap" },
    { "cost.switch", "A switch between processes costs more than one between threads.", DEMO_COST,
      "the page tables are changed, and little else: where the TLB keeps address spaces apart (PCID) nothing is "
      "flushed" },
    { 0 },
};

#define PROGRAM "/bin/true"
enum { CELL = 48, STACK_SIZE = 64 * 1024 };
static const double process_ns = 1e6, thread_ns = 1e4; /* the figures of the course */

/* "About": of the same order of magnitude. "Expensive" and "cheap": twice as much. "More": by a tenth. */
static const double about = 10, expensive = 2, more = 1.1;

/* Is it decidedly more than so many times as much, or less? */
static enum measure_order beyond(struct measure_spread ratio, double times)
{
    ratio.p10 /= times;
    ratio.p90 /= times;
    return measure_order_of(ratio);
}

/* --- to make one --------------------------------------------------------------------------------------------------- */

/* child is what the call has returned. */
static void reap(pid_t child, const char *call)
{
    if (child < 0)
        demo_die("%s", call);
    if (TEMP_FAILURE_RETRY(waitpid(child, NULL, 0)) < 0)
        demo_die("waitpid(%d)", child);
}

static double fork_exit_wait(void)
{
    double before = measure_now_ns();
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    reap(child, "fork()");
    return measure_now_ns() - before;
}

static double vfork_exit_wait(void)
{
    double before = measure_now_ns();
    pid_t child = vfork();
    if (child == 0)
        _exit(0);
    reap(child, "vfork()");
    return measure_now_ns() - before;
}

static double posix_spawn_wait(void)
{
    double before = measure_now_ns();
    pid_t child;
    errno = posix_spawn(&child, PROGRAM, NULL, NULL, (char *[]){ "true", NULL }, environ);
    reap(errno == 0 ? child : -1, "posix_spawn(" PROGRAM "), clone() in it");
    return measure_now_ns() - before;
}

static double fork_exec_wait(void)
{
    double before = measure_now_ns();
    pid_t child = fork();
    if (child == 0) {
        execl(PROGRAM, "true", NULL);
        _exit(127);
    }
    reap(child, "fork()");
    return measure_now_ns() - before;
}

static int return_at_once(void *unused)
{
    (void)unused;
    return 0;
}

/* All that the kernel does for a thread. When that has left its stack, it clears tid and wakes who waits for it. */
static double clone_thread_join(void)
{
    enum { THREAD = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM };
    static _Alignas(16) char stack[STACK_SIZE];
    static _Atomic pid_t tid;
    pid_t now;
    double before = measure_now_ns();
    if (clone(return_at_once, stack + STACK_SIZE, THREAD | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID, NULL, &tid, NULL,
              &tid) < 0)
        demo_die("clone(CLONE_THREAD)");
    while ((now = tid) != 0)
        syscall(SYS_futex, &tid, FUTEX_WAIT, now, NULL, NULL, 0);
    return measure_now_ns() - before;
}

static void *return_nothing(void *unused)
{
    return unused;
}

static double pthread_create_join(void)
{
    double before = measure_now_ns();
    pthread_t thread;
    errno = pthread_create(&thread, NULL, return_nothing, NULL);
    if (errno != 0)
        demo_die("pthread_create()");
    pthread_join(thread, NULL);
    return measure_now_ns() - before;
}

/* When the child was there and when it was done: written by the child to a page that both have. */
static struct stamps {
    struct timespec begins, exits;
} * stamps;

static double ns_of(struct timespec time)
{
    return 1e9 * (double)time.tv_sec + (double)time.tv_nsec;
}

enum { CALL, CHILD, END, N_PARTS };
static struct measure_contender parts[N_PARTS] = { { "fork.call" }, { "fork.child" }, { "fork.exit+wait" } };

/* fork_exit_wait(), and when each of its parts begins, and the last one ends. */
static void fork_in_parts(double at[N_PARTS + 1])
{
    at[CALL] = measure_now_ns();
    pid_t child = fork();
    if (child == 0) {
        clock_gettime(CLOCK_MONOTONIC, &stamps->begins);
        clock_gettime(CLOCK_MONOTONIC, &stamps->exits);
        _exit(0);
    }
    double returned = measure_now_ns();
    reap(child, "fork()");
    at[N_PARTS] = measure_now_ns();
    at[CHILD] = fmin(returned, ns_of(stamps->begins)); /* whoever is back from fork() first */
    at[END] = ns_of(stamps->exits);
    if (ns_of(stamps->begins) < at[CALL] || at[END] < at[CHILD] || at[N_PARTS] < at[END]) {
        errno = EBADMSG;
        demo_die("clock_gettime() in child %d: what it wrote is of another fork", child);
    }
}

/* Those that run a program are the last, since there may be none to run. */
enum { FORK, VFORK, CLONE, PTHREAD, APART, SPAWN, EXEC, N_WAYS };
static struct way {
    const char *name;
    double (*once)(void);
} ways[N_WAYS] = {
    { "fork+exit+wait", fork_exit_wait },
    { "vfork+exit+wait", vfork_exit_wait },
    { "clone-thread+join", clone_thread_join },
    { "pthread_create+join", pthread_create_join },
    { "fork.together" },
    { "posix_spawn+wait", posix_spawn_wait },
    { "fork+exec+wait", fork_exec_wait },
};
static struct measure_contender create[N_WAYS];

/* Others that want the CPU only add to it: of several tries, the quickest is the least disturbed. */
static long switch_tries, both_tries, create_tries;
static char create_how[80], switch_how[80];

static double quickest_way(const void *way)
{
    double least = INFINITY;
    for (long i = 0; i < create_tries; i++)
        least = fmin(least, ((const struct way *)way)->once());
    return least;
}

/* The quickest fork of a round, and the parts of that one. */
static double quickest_in_parts(const void *unused)
{
    (void)unused;
    double least = INFINITY, at[N_PARTS + 1];
    size_t round = create[APART].n;
    for (long i = 0; i < create_tries; i++) {
        fork_in_parts(at);
        if (at[N_PARTS] - at[CALL] >= least)
            continue;
        least = at[N_PARTS] - at[CALL];
        for (int part = CALL; part < N_PARTS; part++)
            parts[part].sample[round] = at[part + 1] - at[part];
    }
    for (int part = CALL; part < N_PARTS; part++)
        parts[part].n = round + 1;
    return least;
}

/* Can the program be run here? If not, the reader learns why. */
static bool can_run_program(void)
{
    pid_t child;
    int status = 0, error = posix_spawn(&child, PROGRAM, NULL, NULL, (char *[]){ "true", NULL }, environ);
    if (error == 0 && TEMP_FAILURE_RETRY(waitpid(child, &status, 0)) < 0)
        demo_die("waitpid(%d)", child);
    if (error == 0 && status == 0)
        return true;
    demo_act(0, "posix_spawn(\"%s\"): %s; what runs a program is left out", PROGRAM,
             error != 0 ? strerrorname_np(error) : "it fails");
    return false;
}

static void show_creation(void)
{
    bool can_run = can_run_program();
    if (demo_without("copy"))
        ways[FORK].once = vfork_exit_wait;
    for (int i = 0; i < N_WAYS; i++)
        create[i] =
            (struct measure_contender){ .name = ways[i].name, .once = quickest_way, .arg = &ways[i], .tries = 1 };
    create[APART].once = quickest_in_parts;
    cost_rounds(create, can_run ? N_WAYS : SPAWN, 0.45);
    cost_show(&create[FORK], 2, "ns");
    if (can_run)
        cost_show(&create[SPAWN], 2, "ns");
    cost_show(&create[CLONE], 2, "ns");
}

/* Is the figure of the course of the same order of magnitude? Not even the whole spread needs to be. */
static bool is_about(struct measure_spread here, double figure)
{
    return here.p10 <= about * figure && here.p90 >= figure / about;
}

static void decide_creation(void)
{
    struct measure_spread process = measure_spread_in(&create[FORK]), thread = measure_spread_in(&create[PTHREAD]);
    struct measure_spread ratio = measure_ratio(&create[FORK], &create[PTHREAD]);
    enum measure_order order = beyond(ratio, expensive);
    bool figures[] = { is_about(process, process_ns), is_about(thread, thread_ns) };
    const char *rows[][3] = {
        { "a process: about 1 ms", cost_spread_text(process, "ns"), cost_so(figures[0] ? MEASURE_MORE : MEASURE_LESS) },
        { "a thread: about 10 us", cost_spread_text(thread, "ns"), cost_so(figures[1] ? MEASURE_MORE : MEASURE_LESS) },
        { "expensive, and cheap", cost_spread_text(ratio, "times"), cost_so(order) },
    };
    cost_compare("about: within 10 times; expensive: over 2 times", rows, 3);
    if (!figures[0] || !figures[1])
        order = MEASURE_LESS; /* whatever the two are to each other */
    cost_check("cost.create", order, "fork to wait takes %s as long as pthread_create to join",
               cost_spread_text(ratio, "times"));
}

static const char *percent_text(double ratio, char text[CELL])
{
    snprintf(text, CELL, "%.0f %%", 100 * ratio);
    return demo_mask(text, "N %");
}

static void take_fork_apart(void)
{
    static const char *const columns[] = { "part", "what the kernel does", "time", "of fork+exit+wait", NULL };
    static const char *const does[] = { "copies the list of mappings and the page tables",
                                        "switches to the child, and serves its page faults",
                                        "takes the copy down, and wakes the parent",
                                        "and here each is timed, which costs a little" };
    struct rusage used;
    char shares[N_PARTS + 1][CELL], faults[CELL];
    const char *cells[N_PARTS + 1][4];
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    if (child < 0 || TEMP_FAILURE_RETRY(wait4(child, NULL, 0, &used)) < 0)
        demo_die("fork(), wait4(%d)", child);
    snprintf(faults, sizeof faults, "%ld", used.ru_minflt);
    demo_observe(0, "wait4(2)", demo_fact("page faults of such a child", demo_mask(faults, "N")));
    for (int i = 0; i <= N_PARTS; i++) {
        const struct measure_contender *who = i < N_PARTS ? &parts[i] : &create[APART];
        const char *row[] = { i < N_PARTS ? who->name : "together", does[i],
                              cost_text(measure_spread_in(who).median, "ns"),
                              percent_text(measure_ratio(who, &create[FORK]).median, shares[i]) };
        memcpy(cells[i], row, sizeof row);
    }
    cost_store(parts, N_PARTS, "ns");
    cost_store(&create[APART], 1, "ns");
    demo_table(0, create_how, columns, &cells[0][0], N_PARTS + 1);
}

/* --- to switch to one ---------------------------------------------------------------------------------------------- */

enum { PROCESS, THREAD, NONE, N_SIDES, PROCESS_NET = N_SIDES, THREAD_NET, N_VALUES };
enum { N_SIZES = 4, MOST_PAGES = 1024 };
#define NAMES(pages) \
    { \
        "switch.process." #pages, "switch.thread." #pages, "switch.none." #pages, "switch.process." #pages ".net", \
            "switch.thread." #pages ".net" \
    }
static const struct size {
    int pages;
    const char *names[N_VALUES];
} sizes[N_SIZES] = { { 0, NAMES(0) }, { 64, NAMES(64) }, { 256, NAMES(256) }, { MOST_PAGES, NAMES(1024) } };

/* Who is at the other end of two pipes, or nobody: then what is written is read again by the same thread. */
struct side {
    int to[2], from[2];
    volatile char *pages;
    double switches; /* in one round trip */
};
static struct side sides[N_SIDES];
static volatile char *own_pages;
static size_t page_size;

static volatile char *map_pages(void)
{
    size_t bytes = MOST_PAGES * page_size;
    char *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
        demo_die("mmap(%zu bytes)", bytes);
    if (madvise(pages, bytes, MADV_NOHUGEPAGE) < 0 && errno != EINVAL) /* EINVAL: a kernel without them */
        demo_die("madvise(MADV_NOHUGEPAGE)");
    memset(pages, 1, bytes);
    return pages;
}

/* A line of each page, another one in each: those at the same place in their pages compete for few places in the cache. */
static void touch(volatile char *pages, int n)
{
    enum { LINE = 64, LINES = 64 };
    for (int i = 0; i < n; i++)
        pages[(size_t)i * page_size + (size_t)(i % LINES) * LINE]++;
}

/* The byte says how many pages. Ends when nobody can write to it any more. */
static void *echo(void *arg)
{
    struct side *side = arg;
    unsigned char size;
    while (TEMP_FAILURE_RETRY(read(side->to[0], &size, 1)) == 1) {
        touch(side->pages, sizes[size].pages);
        if (TEMP_FAILURE_RETRY(write(side->from[1], &size, 1)) != 1)
            break;
    }
    sync_fd_close(&side->from[1]); /* which tells the other side */
    return NULL;
}

struct turn {
    const struct side *side;
    unsigned char size;
};

/* Round trips, a few: each time a write(), a read(), the pages, and where somebody is there a switch, twice. */
static double once_more(const struct turn *turn)
{
    enum { TRIPS = 5 };
    const struct side *side = turn->side;
    double before = measure_now_ns();
    for (int trip = 0; trip < TRIPS; trip++) {
        char byte = (char)turn->size;
        errno = ECANCELED; /* the other side has closed its end */
        if (TEMP_FAILURE_RETRY(write(side->to[1], &byte, 1)) != 1 ||
            TEMP_FAILURE_RETRY(read(side->from[0], &byte, 1)) != 1)
            demo_die("write() of a byte, or read() of it, here or on the other side");
        touch(own_pages, sizes[turn->size].pages);
    }
    return (measure_now_ns() - before) / TRIPS / side->switches;
}

static double quickest_turn(const void *turn)
{
    double least = INFINITY;
    for (long i = 0; i < switch_tries; i++)
        least = fmin(least, once_more(turn));
    return least;
}

/* How many times as long with a process as with a thread, without the calls and the pages. All take turns at once: when others
 * want the CPU, too, each switch costs more, for some milliseconds, and so they meet the same; and of so many tries, which take
 * longer than that, some meet none of it. */
static double side_by_side(const void *turns)
{
    const struct turn *turn = turns;
    double least[N_SIDES] = { INFINITY, INFINITY, INFINITY };
    for (long i = 0; i < both_tries; i++)
        for (int side = 0; side < N_SIDES; side++)
            least[side] = fmin(least[side], once_more(&turn[side]));
    return (least[PROCESS] - least[NONE]) / (least[THREAD] - least[NONE]);
}

static void open_pipes(struct side *side)
{
    if (pipe2(side->to, O_CLOEXEC) < 0 || pipe2(side->from, O_CLOEXEC) < 0)
        demo_die("pipe2()");
    side->switches = 2;
}

static pid_t start_process(struct side *side)
{
    open_pipes(side);
    pid_t child = fork();
    if (child < 0)
        demo_die("fork()");
    if (child == 0) {
        sync_fd_close(&side->to[1]);
        sync_fd_close(&side->from[0]);
        side->pages = map_pages(); /* its own, as ours are */
        echo(side);
        _exit(0);
    }
    sync_fd_close(&side->to[0]);
    sync_fd_close(&side->from[1]);
    return child;
}

static void start_thread(struct side *side, pthread_t *thread)
{
    open_pipes(side);
    side->pages = map_pages();
    errno = pthread_create(thread, NULL, echo, side);
    if (errno != 0)
        demo_die("pthread_create()");
}

static void end_side(struct side *side)
{
    sync_fd_close(&side->to[1]); /* it reads the end of the file */
    sync_fd_close(&side->from[0]);
}

/* The other process sleeps in read(), as it will each time, and lives on the CPU that we do. */
static void look_at_other(pid_t other)
{
    struct proc_stat stat;
    char cpu[CELL];
    demo_role(other, "other");
    demo_need(sync_state(other, "S", &stat), "read(/proc/%d/stat)", other);
    snprintf(cpu, sizeof cpu, "%d", (int)stat.processor);
    demo_observe(other, "/proc/PID/stat", demo_fact("state", stat.state), demo_fact_pid("ppid", stat.ppid),
                 demo_fact("processor", demo_mask(cpu, "CPU")));
    demo_look("ps -L -o pid,lwp,psr,stat,comm -p %s,%s", demo_pid(getpid()), demo_pid(other));
}

/* Round by round, what is left of a switch without the calls, and without the pages. */
static void subtract(struct measure_contender who[N_VALUES], int net, int gross)
{
    for (size_t i = 0; i < who[NONE].n; i++)
        who[net].sample[i] = who[gross].sample[i] - who[NONE].sample[i];
    who[net].n = who[NONE].n;
}

static struct measure_contender switches[N_SIZES][N_VALUES], ratio_without_pages;

static void measure_switches(void)
{
    struct turn turns[N_SIZES][N_SIDES];
    for (int size = 0; size < N_SIZES; size++) {
        struct measure_contender *who = switches[size];
        for (int i = 0; i < N_VALUES; i++)
            who[i] = (struct measure_contender){ .name = sizes[size].names[i], .once = quickest_turn, .tries = 1 };
        for (int i = 0; i < N_SIDES; i++) {
            turns[size][i] = (struct turn){ &sides[i], (unsigned char)size };
            who[i].arg = &turns[size][i];
        }
        cost_rounds(who, N_SIDES, 0.36 / N_SIZES);
        subtract(who, PROCESS_NET, PROCESS);
        subtract(who, THREAD_NET, THREAD);
        cost_store(who, N_SIDES, "ns");
        cost_store(&who[PROCESS_NET], 2, "ns");
    }
    ratio_without_pages =
        (struct measure_contender){ .name = "switch.ratio.0", .once = side_by_side, .arg = turns[0], .tries = 1 };
    cost_rounds(&ratio_without_pages, 1, 0.12);
    cost_store(&ratio_without_pages, 1, "times");
}

/* How much more a process costs, in ns. */
static struct measure_spread difference(const struct measure_contender who[N_VALUES])
{
    double ns[MEASURE_ROUNDS];
    for (size_t i = 0; i < who[NONE].n; i++)
        ns[i] = who[PROCESS].sample[i] - who[THREAD].sample[i];
    return measure_spread_of(ns, who[NONE].n);
}

static void show_switches(void)
{
    static const char *const columns[] = { "pages",       "process",    "thread",     "no switch",
                                           "process net", "thread net", "difference", NULL };
    static const int values[] = { PROCESS, THREAD, NONE, PROCESS_NET, THREAD_NET };
    enum { N_SHOWN = sizeof values / sizeof *values };
    char pages[N_SIZES][CELL], texts[N_SIZES][N_SHOWN + 1][CELL];
    const char *cells[N_SIZES][N_SHOWN + 2];
    for (int size = 0; size < N_SIZES; size++) {
        snprintf(pages[size], CELL, "%d", sizes[size].pages);
        cells[size][0] = pages[size];
        for (int i = 0; i <= N_SHOWN; i++) {
            const struct measure_contender *who = switches[size];
            double median = i < N_SHOWN ? measure_spread_in(&who[values[i]]).median : difference(who).median;
            snprintf(texts[size][i], CELL, "%s", cost_text(median, "ns"));
            cells[size][i + 1] = texts[size][i];
        }
    }
    demo_table(0, switch_how, columns, &cells[0][0], N_SIZES);
}

/* The verdict is on the switch alone. What pages add to it depends on where they are: those of two threads and of two processes
 * have other places in the TLB and in the caches, by chance, and 1024 of them do not fit there twice. The reason that the text
 * gives is no part of it. If it were all, each page would add to the difference. */
static void decide_switches(void)
{
    static const char *const by[] = { "less than a tenth", "about a tenth", "over a tenth" }; /* by an order */
    struct measure_spread without = difference(switches[0]), with = difference(switches[N_SIZES - 1]);
    bool grows = with.p10 > fmax(without.p90, 0);
    struct measure_spread ratio = measure_spread_in(&ratio_without_pages);
    enum measure_order order = beyond(ratio, more);
    char flush[CELL];
    snprintf(flush, sizeof flush, "%s at %d pages, %s at %d", cost_text(without.median, "ns"), sizes[0].pages,
             cost_text(with.median, "ns"), MOST_PAGES);
    const char *reason = order != MEASURE_MORE ? "has nothing to explain"
                         : grows               ? "is a part of it"
                                               : "is not the reason";
    const char *rows[][3] = {
        { "expensive, and cheaper", cost_spread_text(ratio, "times"), cost_so(order) },
        { "because of the TLB", flush, demo_mask(reason, "?") },
    };
    cost_compare("net of calls, no pages touched; more: by a tenth", rows, 2);
    cost_check("cost.switch", order,
               "net of calls, no pages touched, it takes %s as long as one between threads: %s more",
               cost_spread_text(ratio, "times"), demo_mask(by[order - MEASURE_LESS], "N"));
}

/* The waker runs on until it sleeps itself, each time: a round trip is two sleeps, two wake-ups and two switches. */
static void never_preempt_by_waking(void)
{
    if (sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){ 0 }) < 0)
        demo_act(0, "sched_setscheduler(SCHED_BATCH) = %s: who is woken may run at once", strerrorname_np(errno));
}

static void show_switching(void)
{
    pthread_t threads[2];
    cleanup_child pid_t other = -1;
    never_preempt_by_waking();
    if (demo_without("memory"))
        start_thread(&sides[PROCESS], &threads[PROCESS]);
    else
        other = start_process(&sides[PROCESS]); /* while there is one thread */
    own_pages = map_pages();
    if (pipe2(sides[NONE].to, O_CLOEXEC) < 0)
        demo_die("pipe2()");
    sides[NONE].from[0] = sides[NONE].to[0];
    sides[NONE].switches = 1;
    start_thread(&sides[THREAD], &threads[THREAD]);
    if (other > 0)
        look_at_other(other);
    measure_switches();
    show_switches();
    decide_switches();
    for (int i = PROCESS; i <= THREAD; i++) {
        end_side(&sides[i]);
        if (i == THREAD || other < 0)
            pthread_join(threads[i], NULL);
    }
}

/* All of it on one CPU, so that a switch is one. */
static void stay_on_one_cpu(void)
{
    static int cpus[CPU_SETSIZE];
    int n = measure_cpus(cpus, CPU_SETSIZE);
    demo_need(n, "sched_getaffinity()");
    demo_need(measure_pin(cpus[n - 1], NULL), "sched_setaffinity(CPU %d)", cpus[n - 1]);
}

static void look_at_ourselves(void)
{
    struct proc_status status;
    char rss[CELL], tables[CELL];
    demo_need(proc_status_read(getpid(), &status), "read(/proc/%d/status)", getpid());
    snprintf(rss, sizeof rss, "%lld kB", (long long)status.vm_rss_kib);
    snprintf(tables, sizeof tables, "%lld kB", (long long)status.vm_pte_kib);
    demo_observe(getpid(), "/proc/PID/status", demo_fact("VmRSS", demo_mask(rss, "SIZE")),
                 demo_fact("VmPTE", demo_mask(tables, "SIZE")));
}

static void count_tries(void)
{
    long tries = cost_no_time() ? 5 : demo_option("tries");
    char create_text[CELL], switch_text[CELL];
    create_tries = (tries + 3) / 4; /* they take longer */
    switch_tries = tries;
    both_tries = cost_no_time() ? tries : 10 * tries;
    snprintf(create_text, CELL, "%ld", create_tries);
    snprintf(switch_text, CELL, "%ld", switch_tries);
    snprintf(create_how, sizeof create_how, "the quickest of %s tries, median of the rounds",
             demo_mask(create_text, "N"));
    snprintf(switch_how, sizeof switch_how, "one switch: the quickest of %s tries, median of the rounds",
             demo_mask(switch_text, "N"));
}

static void cost(void)
{
    page_size = (size_t)sysconf(_SC_PAGESIZE);
    count_tries();
    stamps = mmap(NULL, sizeof *stamps, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (stamps == MAP_FAILED)
        demo_die("mmap(%zu bytes, shared)", sizeof *stamps);

    demo_step("Look at what the numbers depend on: the machine, and what fork() will copy");
    stay_on_one_cpu();
    cost_machine();
    look_at_ourselves();

    demo_step("Make and end a process in four ways and a thread in two, on one CPU");
    demo_act(0, "each time is %s", create_how);
    show_creation();
    decide_creation();

    if (!demo_without("copy")) {
        demo_step("Take fork, exit and wait apart");
        take_fork_apart();
    }

    demo_step("Switch to another process and back, to a thread and back, on one CPU");
    show_switching();
}

static const char why[] =
    "fork() makes a second address space: dup_mmap (in kernel/fork.c; from Linux\n"
    "6.16 on in mm/mmap.c) copies the list of mappings and, for memory that was\n"
    "written to, the page tables. That is one part of the price. The child then pays\n"
    "for the pages that it uses (each is a page fault), and exit_mmap (mm/mmap.c)\n"
    "takes it all down again. The three parts are those of one fork. vfork() and\n"
    "posix_spawn() make a process that borrows the memory of its parent until it\n"
    "calls exec or exits, and so does a thread, to its end: they cost about the\n"
    "same. What is dear about a process is its address space. To run a program it\n"
    "needs one in any case, and exec makes it.\n"
    "\n"
    "pthread_create() is warm here: glibc keeps the stacks of threads that have been\n"
    "joined, and the next thread gets one of them. With a new stack each time it\n"
    "would cost an mmap(), a munmap() and page faults more. clone-thread+join is all\n"
    "that the kernel does: clone(2), and a futex that it clears at the end.\n"
    "\n"
    "A switch is half a round trip of one byte through two pipes between two that\n"
    "share a CPU, as lmbench and \"perf bench sched pipe\" have it: a write(), a\n"
    "read() and a switch. The policy SCHED_BATCH sees to it that waking somebody\n"
    "preempts nobody (sched(7)): else a round trip may have one sleep or two, and\n"
    "not cost the same. \"No switch\" are the same calls and the same pages, by one\n"
    "alone; \"net\" is what is left of a switch without that.\n"
    "\n"
    "Both switch registers and stacks. Only between processes the page tables are\n"
    "changed, too (switch_mm_irqs_off in arch/x86/mm/tlb.c). Whether the TLB is\n"
    "flushed then depends on the CPU: with PCID (on ARM: ASID) each entry says whose\n"
    "it is, and can stay. Each page that is touched after a flush must be looked up\n"
    "anew, so if the flush were the reason, the difference would grow with the\n"
    "pages. Where it does not grow, the reason is what a change of page tables costs\n"
    "in itself: a guest may have to ask its hypervisor, and a kernel that keeps its\n"
    "own page tables apart (PTI) has more to change.\n"
    "\n"
    "All this runs on one CPU, in rounds in which all take turns. What others take\n"
    "of the CPU only adds to a time, so in each round the quickest of several tries\n"
    "counts: 20 of a process or a thread, 80 of a switch (--tries). What is shown is\n"
    "the median of the rounds, and how the quickest ones spread over them: what a\n"
    "process costs at best, again and again, not what it costs now and then. How two\n"
    "compare is looked at round by round; the two switches, and the calls alone,\n"
    "take turns try by try, ten times as many.\n";

static const struct demo_break breaks[] = {
    { "copy", "cost.create", "calls vfork() in the place of fork()" },
    { "memory", "cost.switch", "takes a thread in the place of the other process" },
    { 0 },
};
static const struct demo_option options[] = {
    COST_OPTIONS(9),
    { "tries", "Of a switch the quickest of N tries, of others of a quarter", 80, 1, 1000 },
    { 0 },
};
static const struct demo_prediction predictions[] = {
    {
        .step = 2,
        .claim = "cost.create",
        .ask = "A child that exits at once, by fork() or by vfork(): which is quicker?",
        .choices = { "fork(): it is used far more", "vfork(): about as quick as a thread", "both take the same time" },
        .right = 1,
        .because = "What fork() adds is a second address space: copied, used by page faults, and taken down again.",
    },
    { 0 },
};

static const struct demo demo = {
    .name = "cost",
    .title = "what a process costs and what a thread costs: to make one, and to switch to it",
    .claims = claims,
    .breaks = breaks,
    .options = options,
    .predictions = predictions,
    .run = cost,
    .sizes = "pages",
    .why = why,
    .next = "pipe",
};

int main(int argc, char *argv[])
{
    return demo_run(argc, argv, &demo);
}
