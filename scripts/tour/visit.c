/* visit.c - runs one demo, and keeps what it says. */
#include "tour.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

double visit_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

const char *visit_string(const json_t *event, const char *key)
{
    const char *text = json_string_value(json_object_get(event, key));
    return text == NULL ? "" : text;
}

/* Signals as our own caller left them, but for SIGCHLD, which it may have ignored. 0 or an errno. */
static int spawn(const struct tour *tour, char *argv[], const int fds[2], pid_t *pid)
{
    sigset_t child_signal;
    sigemptyset(&child_signal);
    sigaddset(&child_signal, SIGCHLD);
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, fds[0], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, fds[1], STDERR_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &tour->before);
    posix_spawnattr_setsigdefault(&attributes, &child_signal);
    int error = posix_spawn(pid, argv[0], &files, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return error;
}

/* No demo takes nearly as long. It begins anew where we were stopped and go on, so ^Z and fg do no harm. */
static struct timespec limit(void)
{
    enum { LIMIT_S = 300 };
    const char *text = getenv("PROCLAB_DEADLINE_SCALE");
    double scale = text ? strtod(text, NULL) : 1, seconds;
    seconds = LIMIT_S * (scale > 0 && scale <= 1000 ? scale : 1);
    return (struct timespec){ .tv_sec = (time_t)seconds, .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9) };
}

/* The status as a shell has it, or -ETIMEDOUT for one that had to be killed. Whoever interrupts us means the demo, too,
 * wherever the signal came from. */
static int wait_for(struct tour *tour, pid_t pid)
{
    struct timespec longest = limit();
    sigset_t awaited;
    sigemptyset(&awaited);
    for (size_t i = 0; i < 4; i++)
        sigaddset(&awaited, (const int[]){ SIGCHLD, SIGINT, SIGTERM, SIGHUP }[i]);
    for (int status, hangs = 0;;) {
        int sig = sigtimedwait(&awaited, NULL, &longest);
        if (sig < 0 && errno == EAGAIN) {
            kill(pid, SIGKILL);
            hangs = 1;
        } else if (sig > 0 && sig != SIGCHLD) {
            /* Who asks a second time wants it to end whatever it does. */
            kill(pid, tour->interrupted ? SIGKILL : sig);
            tour->interrupted = sig;
        }
        pid_t ended = waitpid(pid, &status, WNOHANG);
        if (ended < 0)
            return -errno;
        if (ended == pid)
            return hangs ? -ETIMEDOUT : WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
}

/* Runs DEMO with these arguments, its output in two files that have no name. The status, or -errno. */
static int run(struct tour *tour, const struct visit *visit, const char *arguments[3], FILE *output[2])
{
    char path[PATH_MAX];
    pid_t pid;
    int fds[2];
    for (int i = 0; i < 2; i++) {
        output[i] = NULL;
        fds[i] = memfd_create("tour", MFD_CLOEXEC);
    }
    for (int i = 0; i < 2; i++)
        if (fds[i] < 0 || (output[i] = fdopen(fds[i], "r")) == NULL)
            return -errno;
    snprintf(path, sizeof path, "%s/%s", tour->folder, visit->name);
    int error = spawn(tour, (char *[]){ path, (char *)arguments[0], (char *)arguments[1], (char *)arguments[2], NULL },
                      fds, &pid);
    int status = error != 0 ? -error : wait_for(tour, pid);
    rewind(output[0]); /* the demo moved the offset, which is ours as well */
    rewind(output[1]);
    return status;
}

static void close_both(FILE *output[2])
{
    for (int i = 0; i < 2; i++)
        if (output[i] != NULL)
            fclose(output[i]);
}

/* All of a file as one string, malloc'd, or NULL. */
static char *contents(FILE *file)
{
    char *text = NULL;
    size_t size = 0;
    if (file == NULL || getdelim(&text, &size, '\0', file) >= 0)
        return text;
    free(text);
    return NULL;
}

/* What it prints with one option, malloc'd; NULL where that failed. */
static char *ask(struct tour *tour, const struct visit *visit, const char *option)
{
    FILE *output[2];
    const char *arguments[3] = { option };
    char *text = run(tour, visit, arguments, output) == 0 ? contents(output[0]) : NULL;
    close_both(output);
    return text;
}

/* A demo that measures has --seconds, and takes as few as PROCLAB_SECONDS allows. */
static bool measures(struct tour *tour, const struct visit *visit)
{
    char *help = ask(tour, visit, "--help");
    bool has_seconds = help != NULL && strstr(help, "--seconds") != NULL;
    free(help);
    return has_seconds;
}

static bool has_end(const struct visit *visit)
{
    const json_t *last = json_array_get(visit->events, json_array_size(visit->events) - 1);
    return strcmp(visit_string(last, "kind"), "end") == 0;
}

/* 0 and 77 where nothing is refuted, 1 where something is, and a verdict on every claim: all else is a failure of the demo. */
static bool is_sound(const struct visit *visit, int status)
{
    bool refuted = visit->count[REFUTED] > 0;
    return status == 1 ? refuted : (status == STATUS_HOLDS || status == STATUS_SKIPPED) && !refuted;
}

static void judge(struct visit *visit, int rc, FILE *complaint)
{
    const char *sig = rc > 128 ? sigabbrev_np(rc - 128) : NULL;
    visit->status = rc < 0 ? STATUS_BROKE : rc;
    if (rc == -ETIMEDOUT)
        snprintf(visit->failure, sizeof visit->failure, "hangs: it was killed after %.0f s", visit->seconds);
    else if (rc < 0)
        snprintf(visit->failure, sizeof visit->failure, "cannot be run: %s (%s)", strerrorname_np(-rc), strerror(-rc));
    else if (sig != NULL)
        snprintf(visit->failure, sizeof visit->failure, "killed by SIG%s", sig);
    else if (!is_sound(visit, rc))
        snprintf(visit->failure, sizeof visit->failure, "ended with status %d", rc);
    else if (visit->count[NO_VERDICT] > 0 || !has_end(visit))
        snprintf(visit->failure, sizeof visit->failure, "ended with status %d and an incomplete report", rc);
    else
        return;
    if (visit->status == STATUS_HOLDS || visit->status == STATUS_SKIPPED)
        visit->status = STATUS_BROKE;
    visit->complaint = contents(complaint);
}

/* The page of an earlier run must not pass for this one's. */
static char *page_option(const struct tour *tour, const struct visit *visit)
{
    char *option = NULL;
    if (tour->html == NULL || asprintf(&option, "--html=%s/%s.html", tour->html, visit->name) < 0)
        return NULL;
    unlink(strchr(option, '=') + 1);
    return option;
}

void visit_run(struct tour *tour, struct visit *visit)
{
    FILE *output[2];
    double start = visit_now();
    claims_declare(visit, ask(tour, visit, "--list"));
    visit->quick = !tour->full && measures(tour, visit);
    if (tour->interrupted)
        return;
    char *page = page_option(tour, visit);
    const char *arguments[3] = { "--json", page };
    int rc = run(tour, visit, arguments, output);
    visit->seconds = visit_now() - start;
    visit->ran = !tour->interrupted;
    if (visit->ran && output[0] != NULL)
        claims_decide(visit, output[0]);
    if (visit->ran) /* what is interrupted has not failed */
        judge(visit, rc, output[1]);
    close_both(output);
    visit->page = page != NULL && access(strchr(page, '=') + 1, R_OK) == 0;
    free(page);
}

void visit_free(struct visit *visit)
{
    free(visit->complaint);
    free(visit->claims);
    free(visit->list);
    json_decref(visit->events);
}
