/* report-bench.c - what one event costs besides its write(2). The target: less than 5 us.
 *
 *     report-bench              a line for people
 *     report-bench --json       the same as one line of JSON
 *
 * In a demo of its own, whose report goes to /dev/null: observations, and as many bare write(2) of lines as long, in turns.
 * Exit status: 0 the median is below the target, 1 it is not, 64 wrong usage, 70 it could not be measured. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "report/demo.h"

enum { EVENTS = 200, ROUNDS = 100, LINE = 230 /* bytes of this observation as a line of JSON, or a little more */ };
static const double target_ns = 5000;

static double event(const void *arg)
{
    (void)arg;
    double begin = measure_now_ns();
    for (int i = 0; i < EVENTS; i++)
        demo_observe(getpid(), "/proc/PID/stat", demo_fact("state", 'Z'), demo_fact_pid("ppid", 4243));
    return (measure_now_ns() - begin) / EVENTS;
}

static double bare_write(const void *arg)
{
    static char line[LINE];
    (void)arg;
    double begin = measure_now_ns();
    for (int i = 0; i < EVENTS; i++)
        if (write(STDOUT_FILENO, line, sizeof line) < 0)
            demo_die("write(%d)", STDOUT_FILENO);
    return (measure_now_ns() - begin) / EVENTS;
}

static struct measure_contender *who; /* the two, in memory that the child shares */

static void measure(void)
{
    measure_round(who, 2); /* warms up */
    measure_forget(who, 2);
    for (int round = 0; round < ROUNDS; round++)
        measure_round(who, 2);
    demo_check("report.event", who[0].n == ROUNDS, "%zu rounds", who[0].n);
}

static int run_demo(char *name)
{
    static const struct demo_claim claims[] = { { "report.event", "Events were written." }, { 0 } };
    char *argv[] = { name, "--json", NULL };
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null < 0 || dup2(null, STDOUT_FILENO) < 0)
        return 70;
    return demo_run(
        2, argv,
        &(struct demo){ .name = "report-bench", .title = "events", .claims = claims, .run = measure, .why = "" });
}

int main(int argc, char *argv[])
{
    bool json = argc == 2 && strcmp(argv[1], "--json") == 0;
    if (argc > 1 && !json) {
        fprintf(stderr, "Usage: report-bench [--json]\n");
        return 64;
    }
    who = mmap(NULL, 2 * sizeof *who, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (who == MAP_FAILED)
        return 70;
    who[0] = (struct measure_contender){ .name = "event", .once = event };
    who[1] = (struct measure_contender){ .name = "write", .once = bare_write };
    int status = -1;
    pid_t child = fork();
    if (child == 0)
        _exit(run_demo(argv[0]));
    if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0) {
        fprintf(stderr, "report-bench: the events could not be measured: wait status %d\n", status);
        return 70;
    }
    double besides[MEASURE_ROUNDS];
    for (size_t i = 0; i < who[0].n; i++)
        besides[i] = who[0].sample[i] - who[1].sample[i];
    struct measure_spread spread = measure_spread_of(besides, who[0].n);
    bool met = spread.median < target_ns;
    if (json)
        printf(
            "{\"name\":\"report.event\",\"unit\":\"ns\",\"median\":%.0f,\"p10\":%.0f,\"p90\":%.0f,\"n\":%zu,"
            "\"at_most\":%.0f,\"met\":%s}\n",
            spread.median, spread.p10, spread.p90, spread.n, target_ns, met ? "true" : "false");
    else
        printf("an event besides its write: %.0f ns (%.0f to %.0f, n %zu); at most %.0f ns: %s\n", spread.median,
               spread.p10, spread.p90, spread.n, target_ns, met ? "met" : "not met");
    return met ? 0 : 1;
}
