/* readers.c - those who read every process. */
#include "readers.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef HAVE_LIBPROC2
#include <libproc2/pids.h>
#endif

#include "measure/measure.h"
#include "sync/sync.h"

static struct cost cost_now(void)
{
    struct timespec cpu;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    return (struct cost){ measure_now_ns(), (double)cpu.tv_sec * 1e9 + (double)cpu.tv_nsec };
}

static struct cost cost_since(struct cost start)
{
    struct cost now = cost_now();
    return (struct cost){ now.elapsed_ns - start.elapsed_ns, now.cpu_ns - start.cpu_ns };
}

static double in_ns(struct timeval time)
{
    return (double)time.tv_sec * 1e9 + (double)time.tv_usec * 1e3;
}

/* ---- ps. It is started by a process of its own, which keeps no descriptors: exec(2) would have to close 10,000 of them,
 * and that would be ps's loss ---- */

enum { MOST_TEXT = MOST * 96 };

static struct ps_run {
    int error; /* 0, or the errno of what failed; ECANCELED: ps itself did */
    struct cost cost;
    size_t len;
    char text[MOST_TEXT];
} * ps_run;

static int ps_socket = -1;
static pid_t ps_server = -1;

static int ps_start(int out, pid_t *pid)
{
    extern char **environ;
    char *const argv[] = { "ps", "-eo", "pid,ppid,stat,comm", NULL };
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);
    if (error == 0)
        error = posix_spawn_file_actions_adddup2(&actions, out, 1);
    if (error == 0)
        error = posix_spawnp(pid, "ps", &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

static int ps_once(struct ps_run *run)
{
    pid_t pid;
    int status, pipe_fds[2];
    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return errno;
    struct cost start = cost_now();
    int error = ps_start(pipe_fds[1], &pid);
    close(pipe_fds[1]);
    ssize_t n = 1;
    for (run->len = 0; error == 0 && n > 0; run->len += (size_t)n)
        if ((n = read(pipe_fds[0], run->text + run->len, sizeof run->text - run->len)) < 0)
            error = errno;
    close(pipe_fds[0]);
    struct rusage usage = { 0 };
    if (error == 0 && (wait4(pid, &status, 0, &usage) < 0 || status != 0))
        error = ECANCELED;
    run->cost = cost_since(start);
    run->cost.cpu_ns = in_ns(usage.ru_utime) + in_ns(usage.ru_stime);
    return error;
}

static _Noreturn void ps_serve(int socket, pid_t parent)
{
    char word = 0;
    if (sync_die_with(parent) < 0)
        _exit(1);
    while (read(socket, &word, 1) == 1) {
        ps_run->error = ps_once(ps_run);
        if (write(socket, &word, 1) != 1)
            break;
    }
    _exit(0);
}

static int ps_begin(void)
{
    int pair[2];
    ps_run = mmap(NULL, sizeof *ps_run, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (ps_run == MAP_FAILED || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    pid_t parent = getpid();
    ps_server = fork();
    if (ps_server < 0)
        return -errno;
    if (ps_server == 0) {
        close(pair[0]);
        ps_serve(pair[1], parent);
    }
    close(pair[1]);
    ps_socket = pair[0];
    return 0;
}

/* "    PID    PPID STAT COMMAND": the name begins in the column of its heading, or a blank behind a STAT that is too long
 * for its own; it is the rest of the line, and ps itself writes no newline in it. */
static bool parse_ps_line(const char *line, size_t column, struct proc_brief *out)
{
    char stat[16];
    int name = 0;
    *out = (struct proc_brief){ 0 };
    if (sscanf(line, "%d %d %15s%n", &out->pid, &out->ppid, stat, &name) != 3)
        return false;
    out->state = *stat;
    if ((size_t)name < column)
        name = (int)column - 1;
    if (strlen(line) > (size_t)name)
        snprintf(out->comm, sizeof out->comm, "%s", line + name + 1);
    return true;
}

static int read_ps(struct found *found, struct cost *cost)
{
    char word = 'x', *left = NULL;
    if (write(ps_socket, &word, 1) != 1 || read(ps_socket, &word, 1) != 1)
        return -EPIPE;
    if (ps_run->error)
        return -ps_run->error;
    *cost = ps_run->cost;
    if (ps_run->len == sizeof ps_run->text)
        return -E2BIG;
    ps_run->text[ps_run->len] = '\0';
    const char *heading = strtok_r(ps_run->text, "\n", &left), *column = heading ? strstr(heading, "COMMAND") : NULL;
    if (!column)
        return -EBADMSG;
    for (char *line; (line = strtok_r(NULL, "\n", &left)) && found->n < MOST; found->n++)
        if (!parse_ps_line(line, (size_t)(column - heading), &found->all[found->n]))
            return -EBADMSG;
    return 0;
}

/* ---- libproc2, in this process ---- */

#ifdef HAVE_LIBPROC2
static struct {
    int (*new)(struct pids_info **, enum pids_item *, int);
    struct pids_fetch *(*reap)(struct pids_info *, enum pids_fetch_type);
    int (*unref)(struct pids_info **);
} procps;

static void load_libproc2(void)
{
    void *library = dlopen(LIBPROC2_SONAME, RTLD_NOW);
    if (library) {
        *(void **)&procps.new = dlsym(library, "procps_pids_new");
        *(void **)&procps.reap = dlsym(library, "procps_pids_reap");
        *(void **)&procps.unref = dlsym(library, "procps_pids_unref");
    }
}

bool readers_have_libproc2(void)
{
    return procps.new &&procps.reap &&procps.unref;
}

static int read_libproc2(struct found *found, struct cost *cost)
{
    enum pids_item items[] = { PIDS_ID_PID, PIDS_ID_PPID, PIDS_STATE, PIDS_CMD };
    struct pids_info *info = NULL;
    struct cost start = cost_now();
    int r = procps.new(&info, items, 4);
    struct pids_fetch *fetch = r < 0 ? NULL : procps.reap(info, PIDS_FETCH_TASKS_ONLY);
    for (int i = 0; fetch && i < fetch->counts->total && found->n < MOST; i++) {
        const struct pids_result *of = fetch->stacks[i]->head;
        struct proc_brief *out = &found->all[found->n++];
        *out = (struct proc_brief){ .pid = of[0].result.s_int, .ppid = of[1].result.s_int, .state = of[2].result.s_ch };
        strncpy(out->comm, of[3].result.str, PROC_COMM);
    }
    if (info)
        procps.unref(&info);
    *cost = cost_since(start);
    return fetch ? 0 : r < 0 ? r : -EIO;
}
#else
static void load_libproc2(void)
{
}

bool readers_have_libproc2(void)
{
    return false;
}

static int read_libproc2(struct found *found, struct cost *cost)
{
    (void)found, (void)cost;
    return -ENOENT;
}
#endif

/* ---- ours ---- */

static struct proc_scan kept = { -1 };

/* A thread's share. */
struct share {
    struct proc_scan *scan;
    struct proc_brief *out;
    size_t max, n;
    int error;
};

static void *read_share(void *argument)
{
    struct share *share = argument;
    int r;
    while ((r = proc_scan_next(share->scan, share->out + share->n)) > 0) {
        share->n += (size_t)r;
        if (share->n + PROC_SCAN_BATCH > share->max)
            r = -E2BIG;
        if (r < 0)
            break;
    }
    share->error = r;
    return NULL;
}

static int read_all(struct proc_scan *scan, struct found *found)
{
    struct share all = { scan, found->all, MOST, 0, 0 };
    read_share(&all);
    found->n = all.n;
    return all.error;
}

/* The second thread fills the upper half. */
static int read_by_two(struct proc_scan *scan, struct found *found, size_t *first)
{
    pthread_t thread;
    struct share low = { scan, found->all, MOST / 2, 0, 0 }, high = { scan, found->all + MOST / 2, MOST / 2, 0, 0 };
    int error = pthread_create(&thread, NULL, read_share, &high);
    if (error != 0)
        return -error;
    read_share(&low);
    pthread_join(thread, NULL);
    *first = low.n;
    found->n = low.n + high.n;
    return low.error < 0 ? low.error : high.error;
}

static void join_halves(struct found *found, size_t first)
{
    memmove(found->all + first, found->all + MOST / 2, (found->n - first) * sizeof *found->all);
}

static int read_scan(struct found *found, struct cost *cost)
{
    struct proc_scan scan;
    struct cost start = cost_now();
    int r = proc_scan_open(&scan, 0);
    if (r == 0)
        r = read_all(&scan, found);
    proc_scan_close(&scan);
    *cost = cost_since(start);
    return r;
}

static int read_scan_2threads(struct found *found, struct cost *cost)
{
    struct proc_scan scan;
    size_t first = 0;
    struct cost start = cost_now();
    int r = proc_scan_open(&scan, 0);
    if (r == 0)
        r = read_by_two(&scan, found, &first);
    proc_scan_close(&scan);
    *cost = cost_since(start);
    join_halves(found, first);
    return r;
}

static int read_kept(struct found *found, struct cost *cost)
{
    struct cost start = cost_now();
    int r = proc_scan_rewind(&kept);
    if (r == 0)
        r = read_all(&kept, found);
    *cost = cost_since(start);
    return r;
}

static int read_kept_2threads(struct found *found, struct cost *cost)
{
    size_t first = 0;
    struct cost start = cost_now();
    int r = proc_scan_rewind(&kept);
    if (r == 0)
        r = read_by_two(&kept, found, &first);
    *cost = cost_since(start);
    join_halves(found, first);
    return r;
}

/* ---- the floor: the system calls, and nothing done with what they give ---- */

static int *fd_of; /* by PID: the descriptor that the scan keeps, or 0 */

/* They are its own affair; what they are of, /proc/self/fd says. */
static void find_kept(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    for (int fd = 3; fd < (int)limit.rlim_cur; fd++) {
        char link[32], target[64] = "";
        pid_t pid;
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        if (readlink(link, target, sizeof target - 1) > 0 && sscanf(target, "/proc/%d/stat", &pid) == 1 && pid > 0 &&
            pid <= 1 << 22)
            fd_of[pid] = fd;
    }
}

/* The bytes of its stat, 0 where there is none any more. */
static ssize_t touch(int dir, const char *entry, const int *kept_fds)
{
    char name[32], text[2048];
    int pid = 0;
    for (const char *p = entry; *p; p++)
        pid = 10 * pid + (*p - '0');
    if (kept_fds && kept_fds[pid])
        return pread(kept_fds[pid], text, sizeof text, 0);
    strcpy(mempcpy(name, entry, strlen(entry)), "/stat");
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, text, sizeof text);
    close(fd);
    return n;
}

/* A thread's share of it. */
struct walk {
    int dir;
    const int *kept_fds;
    size_t n;
    int error;
};

static void *walk(void *argument)
{
    struct walk *share = argument;
    alignas(struct dirent64) char entries[PROC_SCAN_BATCH * 24];
    ssize_t len;
    while ((len = getdents64(share->dir, entries, sizeof entries)) > 0)
        for (char *at = entries; at < entries + len; at += ((struct dirent64 *)at)->d_reclen) {
            const char *entry = ((struct dirent64 *)at)->d_name;
            if (*entry > '0' && *entry <= '9')
                share->n += touch(share->dir, entry, share->kept_fds) > 0;
        }
    share->error = len < 0 ? -errno : 0;
    return NULL;
}

static int read_bare(struct found *found, struct cost *cost, const int *kept_fds, int threads)
{
    pthread_t thread;
    struct cost start = cost_now();
    struct walk one = { open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC), kept_fds, 0, 0 }, other = one;
    int error = threads == 2 ? pthread_create(&thread, NULL, walk, &other) : 0;
    if (error == 0)
        walk(&one);
    if (error == 0 && threads == 2)
        pthread_join(thread, NULL);
    close(one.dir);
    *cost = cost_since(start);
    found->n = one.n + other.n;
    return error ? -error : one.error ? one.error : other.error;
}

static int read_floor(struct found *found, struct cost *cost)
{
    return read_bare(found, cost, NULL, 1);
}

static int read_floor_2threads(struct found *found, struct cost *cost)
{
    return read_bare(found, cost, NULL, 2);
}

static int read_floor_kept(struct found *found, struct cost *cost)
{
    return read_bare(found, cost, fd_of, 1);
}

const struct reader readers[READERS] = {
    /* clang-format off */
    [PS]                 = { "ps", "ps -eo pid,ppid,stat,comm", read_ps, REPLACES },
    [LIBPROC2]           = { "libproc2", "libproc2", read_libproc2, REPLACES },
    [SCAN]               = { "scan", "scan", read_scan, PARSES },
    [SCAN_2THREADS]      = { "scan.2threads", "scan, 2 threads", read_scan_2threads, PARSES },
    [SCAN_KEPT]          = { "scan.kept-open", "scan, kept open", read_kept, PARSES },
    [SCAN_KEPT_2THREADS] = { "scan.kept-open.2threads", "scan, kept open, 2 threads", read_kept_2threads, PARSES },
    [FLOOR]              = { "floor", "bare open, read, close", read_floor, COUNTS },
    [FLOOR_2THREADS]     = { "floor.2threads", "bare, 2 threads", read_floor_2threads, COUNTS },
    [FLOOR_KEPT]         = { "floor.kept-open", "bare pread, kept open", read_floor_kept, COUNTS },
}; /* clang-format on */

int readers_begin(void)
{
    return ps_begin();
}

int readers_open(size_t processes)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return -errno;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        return -errno;
    load_libproc2();
    fd_of = calloc((1 << 22) + 1, sizeof *fd_of);
    struct found all = { malloc(MOST * sizeof *all.all), 0 };
    struct cost cost;
    int r = fd_of && all.all ? proc_scan_open(&kept, processes) : -ENOMEM;
    if (r == 0)
        r = read_kept(&all, &cost);
    free(all.all);
    if (r == 0)
        find_kept();
    return r;
}

size_t readers_kept(void)
{
    return kept.kept;
}

void readers_end(void)
{
    proc_scan_close(&kept);
    free(fd_of);
    close(ps_socket);
    if (ps_server > 0)
        waitpid(ps_server, NULL, 0);
}
