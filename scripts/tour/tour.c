/* tour.c - runs the demos of the course in their order and reports on all of their claims: scripts/run without a name */
#include "tour.h"

#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECONDS_QUICK "2" /* of a demo that measures, in a tour that should be over soon */

/* The hidden ones are scripts/run's own. */
static const struct argp_option options[] = {
    { "html", 'h', "DIR", 0, "Write DIR/index.html, and the page of each run beside it", 0 },
    { "costs", 'c', NULL, 0, "Measure the costs in full, and not briefly", 0 },
    { "demos", 'd', "FOLDER", OPTION_HIDDEN, "Where the demos are", 0 },
    { "course", 'n', "NAMES", OPTION_HIDDEN, "Their names in the order of the course", 0 },
    { 0 },
};

static char *course;

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct tour *tour = state->input;
    switch (key) {
    case 'h':
        tour->html = arg;
        return 0;
    case 'c':
        tour->full = true;
        return 0;
    case 'd':
        tour->folder = arg;
        return 0;
    case 'n':
        course = arg;
        return 0;
    case ARGP_KEY_END:
        if (tour->folder == NULL || course == NULL)
            argp_error(state, "--demos and --course are wanted");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN; /* a name, too: the options of a demo come after its name */
    }
}

static int complain(const char *call, const char *what, int error)
{
    dprintf(STDERR_FILENO, "scripts/run: %s(%s): %s (%s)\n", call, what, strerrorname_np(error), strerror(error));
    return STATUS_BROKE;
}

/* The descriptors 0 to 2 are open, and the signals that end a tour wait until they are asked for. */
static void begin(struct tour *tour)
{
    int fd;
    while ((fd = open("/dev/null", O_RDWR | O_CLOEXEC)) >= 0 && fd <= STDERR_FILENO)
        ;
    signal(SIGCHLD, SIG_DFL); /* ignored by whoever started us, no demo could be waited for */
    sigset_t ours;
    sigemptyset(&ours);
    for (size_t i = 0; i < 4; i++)
        sigaddset(&ours, (const int[]){ SIGCHLD, SIGINT, SIGTERM, SIGHUP }[i]);
    sigprocmask(SIG_BLOCK, &ours, &tour->before);
    for (size_t i = 0; i < 4; i++)
        sigdelset(&tour->before, (const int[]){ SIGCHLD, SIGINT, SIGTERM, SIGHUP }[i]);
    if (!tour->full)
        setenv("PROCLAB_SECONDS", SECONDS_QUICK, false);
}

static bool make_visits(struct tour *tour)
{
    for (char *name = strtok(course, " \n"); name != NULL; name = strtok(NULL, " \n")) {
        struct visit *more = realloc(tour->visits, (tour->n_visits + 1) * sizeof *more);
        if (more == NULL)
            return false;
        tour->visits = more;
        tour->visits[tour->n_visits++] = (struct visit){ .name = name };
    }
    return true;
}

/* The worst status of all, where "nothing could be shown here" is no failure. */
static int status_of(const struct tour *tour)
{
    int worst = STATUS_HOLDS;
    for (size_t i = 0; i < tour->n_visits; i++) {
        int status = tour->visits[i].status;
        if (status != STATUS_SKIPPED && status > worst)
            worst = status;
    }
    return tour->interrupted ? 128 + tour->interrupted : worst;
}

static int run_all(struct tour *tour)
{
    double start = visit_now();
    for (size_t i = 0; i < tour->n_visits && !tour->interrupted; i++) {
        struct visit *visit = &tour->visits[i];
        text_progress(tour, visit);
        visit_run(tour, visit);
        text_progress(tour, NULL);
        int rc = visit->ran ? text_visit(visit) : 0;
        if (rc < 0)
            return complain("write", "stdout", -rc);
    }
    tour->seconds = visit_now() - start;
    sigprocmask(SIG_SETMASK, &tour->before, NULL);
    int written = tour->html != NULL && !tour->interrupted ? index_write(tour) : 0;
    int rc = text_end(tour);
    if (rc < 0)
        return complain("write", "stdout", -rc);
    int status = status_of(tour);
    return written < 0 && status < STATUS_BROKE ? STATUS_BROKE : status;
}

int main(int argc, char *argv[])
{
    struct tour tour = { 0 };
    argp_err_exit_status = STATUS_USAGE;
    argv[0] = "scripts/run"; /* what argp calls us, and what the reader typed */
    argp_parse(&(struct argp){ options, parse, NULL, "Runs the demos and reports on all of their claims.", 0, 0, 0 },
               argc, argv, 0, NULL, &tour);
    begin(&tour);
    text_begin();
    if (tour.html != NULL && mkdir(tour.html, 0777) < 0 && errno != EEXIST)
        return complain("mkdir", tour.html, errno);
    int status = make_visits(&tour) ? run_all(&tour) : complain("realloc", "visits", ENOMEM);
    for (size_t i = 0; i < tour.n_visits; i++)
        visit_free(&tour.visits[i]);
    free(tour.visits);
    return status;
}
