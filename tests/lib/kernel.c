/* kernel.c - lib/kernel against known deeds: each is seen, once, in order, and nobody else's is. */
#include "kernel.h"
#include "children.h"

#include "sync/sync.h"

#include <pthread.h>
#include <stdbool.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <time.h>

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

START_TEST(a_whole_life_in_order)
{
    need_tracefs();
    struct kernel_watch *watch = begin(EVERY);
    pid_t self = getpid(), child = fork();
    if (child == 0)
        _exit(7);
    ck_assert_int_eq(sync_exited(child, NULL), 0);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    ck_assert_int_eq(kernel_watch_until(watch, KERNEL_FREE, child), 0);
    struct seen seen = finish(&watch);

    int newtask = must_find(&seen, 0, KERNEL_NEWTASK, child, ANY);
    ck_assert_uint_eq(seen.event[newtask].value, 0x1200000); /* glibc: CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID */
    ck_assert_int_eq(seen.event[newtask].by, self);
    int forked = must_find(&seen, newtask, KERNEL_FORK, self, child);
    int ready = must_find(&seen, forked, KERNEL_WAKEUP_NEW, child, ANY);
    int in = must_run(&seen, ready, child);
    int end = must_find(&seen, in, KERNEL_EXIT, child, ANY);
    int told = must_find(&seen, end, KERNEL_SIGNAL_SENT, self, ANY);
    ck_assert_uint_eq(seen.event[told].value, SIGCHLD);
    ck_assert_int_eq(seen.event[told].by, child);
    int out = must_find(&seen, told, KERNEL_SWITCH, child, ANY);
    while (seen.event[out].value == 'R') /* preempted on its last steps */
        out = must_find(&seen, out + 1, KERNEL_SWITCH, child, ANY);
    ck_assert(seen.event[out].value == 'Z' || seen.event[out].value == 'X');
    int waited = must_find(&seen, 0, KERNEL_WAIT, child, ANY);
    ck_assert_int_eq(seen.event[waited].by, self);
    int gone = must_find(&seen, out, KERNEL_FREE, child, ANY);
    ck_assert_int_eq(find(&seen, gone + 1, KERNEL_SWITCH, child, ANY), -1);
    ck_assert_int_eq(find(&seen, out + 1, KERNEL_SWITCH, child, ANY), -1);
    ck_assert_uint_eq(count_of(&seen, KERNEL_FORK), 1);
    ck_assert_uint_eq(count_of(&seen, KERNEL_EXIT), 1);
    free(seen.event);
}
END_TEST

static void *nothing(void *argument)
{
    return argument;
}

START_TEST(threads_and_vfork_by_their_flags)
{
    need_tracefs();
    struct kernel_watch *watch = begin(BIT(NEWTASK) | BIT(SWITCH));
    pid_t self = getpid();
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, nothing, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    pid_t child = vfork();
    if (child == 0)
        _exit(0);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    struct seen seen = finish(&watch);
    int first = must_find(&seen, 0, KERNEL_NEWTASK, ANY, ANY);
    ck_assert_uint_eq(seen.event[first].value, 0x3d0f00);
    int second = must_find(&seen, first + 1, KERNEL_NEWTASK, child, ANY);
    ck_assert_uint_eq(seen.event[second].value, CLONE_VM | CLONE_VFORK);
    int out = must_find(&seen, second, KERNEL_SWITCH, self, ANY);
    ck_assert_uint_eq(seen.event[out].value, 'D'); /* the parent of a vfork */
    free(seen.event);
}
END_TEST

/* A process that was there before the watch, and does what the pointed-to function says when the gate opens. */
static pid_t stranger(struct sync_gate *gate, void (*deed)(pid_t on), volatile pid_t *on)
{
    ck_assert_int_eq(sync_gate_make(gate), 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (sync_gate_pass(gate) == 0)
            deed(*on);
        _exit(0);
    }
    return pid;
}

static void *share(size_t size)
{
    void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(page, MAP_FAILED);
    return page;
}

/* What can happen to a child that is asleep. */
static int pipe_fds[2];

static pid_t reader(void)
{
    pid_t child = fork();
    if (child == 0) {
        char byte;
        _exit(read(pipe_fds[0], &byte, 1) == 1 ? 0 : 1);
    }
    struct proc_syscall call;
    ck_assert_int_eq(sync_blocked(child, SYS_read, &call), 0);
    return child;
}

static void write_a_byte(pid_t on)
{
    (void)on;
    if (write(pipe_fds[1], "x", 1) < 0)
        _exit(1);
}

static void check_sleep(const struct seen *seen, pid_t child, pid_t waker)
{
    int out = must_find(seen, 0, KERNEL_SWITCH, child, ANY);
    while (seen->event[out].value == 'R')
        out = must_find(seen, out + 1, KERNEL_SWITCH, child, ANY);
    ck_assert_uint_eq(seen->event[out].value, 'S');
    int last = -1; /* it may have slept before, on a page or a lock */
    for (int at = find(seen, 0, KERNEL_WAKING, child, ANY); at >= 0; at = find(seen, at + 1, KERNEL_WAKING, child, ANY))
        if (seen->event[at].by == waker)
            last = at;
    if (last < out)
        print(seen);
    ck_assert_int_ge(last, out);
    last = must_find(seen, last, KERNEL_WAKEUP, child, ANY);
    must_run(seen, last, child);
}

START_TEST(sleeps_and_is_woken_by_us)
{
    need_tracefs();
    ck_assert_int_eq(pipe(pipe_fds), 0);
    struct kernel_watch *watch = begin(BIT(SWITCH) | BIT(WAKING) | BIT(WAKEUP));
    pid_t child = reader();
    write_a_byte(0);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    struct seen seen = finish(&watch);
    check_sleep(&seen, child, getpid());
    free(seen.event);
}
END_TEST

START_TEST(is_woken_by_a_stranger)
{
    need_tracefs();
    struct sync_gate gate;
    volatile pid_t *on = share(sizeof *on);
    ck_assert_int_eq(pipe(pipe_fds), 0);
    pid_t waker = stranger(&gate, write_a_byte, on);
    struct kernel_watch *watch = begin(BIT(SWITCH) | BIT(WAKING) | BIT(WAKEUP));
    pid_t child = reader();
    ck_assert_int_eq(sync_gate_open(&gate), 0);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    ck_assert_int_eq(waitpid(waker, NULL, 0), waker);
    struct seen seen = finish(&watch);
    check_sleep(&seen, child, waker);
    free(seen.event);
}
END_TEST

static void interrupt(pid_t on)
{
    kill(on, SIGUSR1);
}

static void take(int sig)
{
    (void)sig;
}

START_TEST(signals_of_others_are_seen)
{
    need_tracefs();
    struct sync_gate gate;
    volatile pid_t *on = share(sizeof *on);
    signal(SIGUSR1, take);
    pid_t sender = stranger(&gate, interrupt, on);
    struct kernel_watch *watch = begin(BIT(SIGNAL_SENT) | BIT(SIGNAL_TAKEN) | BIT(SWITCH));
    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    struct proc_syscall call;
    ck_assert_int_eq(sync_blocked(child, SYS_pause, &call), 0);
    *on = child;
    ck_assert_int_eq(sync_gate_open(&gate), 0);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    ck_assert_int_eq(waitpid(sender, NULL, 0), sender);
    struct seen seen = finish(&watch);
    int sent = must_find(&seen, 0, KERNEL_SIGNAL_SENT, child, ANY);
    ck_assert_uint_eq(seen.event[sent].value, SIGUSR1);
    ck_assert_int_eq(seen.event[sent].by, sender);
    int taken = must_find(&seen, sent, KERNEL_SIGNAL_TAKEN, child, ANY);
    ck_assert_uint_eq(seen.event[taken].value, SIGUSR1);
    free(seen.event);
}
END_TEST

static int on_one_cpu(void)
{
    cpu_set_t set;
    int cpu = sched_getcpu();
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    return sched_setaffinity(0, sizeof set, &set);
}

static pid_t spinner(void)
{
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            continue;
    }
    return child;
}

START_TEST(preempted_is_ready)
{
    need_tracefs();
    ck_assert_int_eq(on_one_cpu(), 0);
    struct kernel_watch *watch = begin(BIT(SWITCH));
    pid_t one = spinner(), two = spinner();
    struct proc_status status;
    do
        ck_assert_int_eq(proc_status_read(one, &status), 0);
    while (status.nonvoluntary_ctxt_switches < 5);
    kill(one, SIGKILL);
    kill(two, SIGKILL);
    ck_assert_int_eq(waitpid(one, NULL, 0), one);
    ck_assert_int_eq(waitpid(two, NULL, 0), two);
    struct seen seen = finish(&watch);
    size_t preempted = 0, other = 0;
    for (size_t i = 0; i < seen.n; i++)
        if (seen.event[i].pid == one)
            seen.event[i].value == 'R' ? preempted++ : other++;
    ck_assert_uint_ge(preempted, 5);
    ck_assert_uint_le(other, 2); /* its end, and a page or a lock it may have waited for */
    free(seen.event);
}
END_TEST

START_TEST(stopped_and_traced)
{
    need_tracefs();
    struct kernel_watch *watch = begin(BIT(SWITCH));
    pid_t child = fork();
    int status;
    if (child == 0) {
        raise(SIGSTOP);
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGUSR1);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, WUNTRACED), child);
    kill(child, SIGCONT);
    ck_assert_int_eq(waitpid(child, &status, WUNTRACED), child);
    ck_assert(WIFSTOPPED(status) && WSTOPSIG(status) == SIGUSR1);
    ck_assert_int_eq(ptrace(PTRACE_DETACH, child, 0, 0), 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    struct seen seen = finish(&watch);
    char letters[512];
    size_t n = 0;
    for (size_t i = 0; i < seen.n && n < sizeof letters - 1; i++)
        if (seen.event[i].pid == child)
            letters[n++] = (char)seen.event[i].value;
    letters[n] = 0;
    const char *stopped = strchr(letters, 'T'), *traced = strchr(letters, 't');
    ck_assert_msg(stopped && traced && stopped < traced, "%s", letters);
    ck_assert_msg(letters[n - 1] == 'Z' || letters[n - 1] == 'X', "%s", letters);
    free(seen.event);
}
END_TEST

START_TEST(exec_is_seen)
{
    need_tracefs();
    struct kernel_watch *watch = begin(BIT(EXEC) | BIT(EXIT));
    pid_t child = fork();
    if (child == 0) {
        execlp("true", "true", NULL);
        _exit(127);
    }
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    struct seen seen = finish(&watch);
    ck_assert_uint_eq(seen.n, 2);
    must_find(&seen, must_find(&seen, 0, KERNEL_EXEC, child, ANY), KERNEL_EXIT, child, ANY);
    free(seen.event);
}
END_TEST

enum { PAGES = 97 };

static size_t page_size;

/* Minor faults of writing to each page, as /proc counts them; read twice before, so that the reading itself makes none.
 * AddressSanitizer would look at its shadow memory before each write, which is memory, too. */
__attribute__((no_sanitize("address", "undefined"))) static int64_t write_pages(char *memory)
{
    struct proc_stat before, after;
    int fd = proc_open(getpid(), "stat");
    for (int i = 0; i < 3; i++)
        if (proc_stat_pread(fd, &after) < 0 || proc_stat_pread(fd, &before) < 0)
            _exit(1);
    for (size_t i = 0; i < PAGES; i++)
        ((volatile char *)memory)[i * page_size] = 1;
    if (proc_stat_pread(fd, &after) < 0)
        _exit(1);
    close(fd);
    return after.minflt - before.minflt;
}

/* The pages of memory at which the task had a fault with this code, each once. */
static size_t faults_at(const struct seen *seen, pid_t pid, const char *memory, uint64_t code)
{
    bool had[PAGES] = { 0 };
    size_t n = 0;
    for (size_t i = 0; i < seen->n; i++) {
        const struct kernel_event *event = &seen->event[i];
        uint64_t offset = event->address - (uintptr_t)memory;
        if (event->kind != KERNEL_FAULT || event->pid != pid || offset >= PAGES * page_size)
            continue;
        ck_assert_uint_eq(event->value, code);
        ck_assert_uint_eq(offset % page_size, 0);
        ck_assert_msg(!had[offset / page_size], "two faults at page %zu", (size_t)(offset / page_size));
        had[offset / page_size] = true;
        n++;
    }
    return n;
}

START_TEST(faults_are_exact)
{
    need_tracefs();
    if (!(kernel_kinds() & BIT(FAULT)))
        skip_test("this kernel has no page_fault_user");
    page_size = (size_t)sysconf(_SC_PAGESIZE);
    struct kernel_watch *watch = begin(BIT(FAULT));
    int64_t *by_child = share(sizeof *by_child);
    char *memory = mmap(NULL, PAGES * page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(memory, MAP_FAILED);
    madvise(memory, PAGES * page_size, MADV_NOHUGEPAGE);
    int64_t fresh = write_pages(memory);
    pid_t self = getpid(), child = fork();
    if (child == 0) {
        *by_child = write_pages(memory);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    struct seen seen = finish(&watch);
    ck_assert_uint_eq(faults_at(&seen, self, memory, 6), PAGES);
    ck_assert_int_eq(fresh, PAGES);
    ck_assert_uint_eq(faults_at(&seen, child, memory, 7), PAGES);
    ck_assert_int_eq(*by_child, PAGES);
    free(seen.event);
}
END_TEST

START_TEST(times_are_those_of_the_monotonic_clock)
{
    need_tracefs();
    struct kernel_watch *watch = begin(BIT(FORK) | BIT(EXIT) | BIT(SWITCH));
    enum { N = 20 };
    int64_t before[N], after[N];
    pid_t child[N];
    for (int i = 0; i < N; i++) {
        before[i] = now_ns();
        child[i] = fork();
        if (child[i] == 0)
            _exit(0);
        after[i] = now_ns();
        ck_assert_int_eq(waitpid(child[i], NULL, 0), child[i]);
    }
    struct seen seen = finish(&watch);
    for (int i = 0; i < N; i++) {
        int at = must_find(&seen, 0, KERNEL_FORK, getpid(), child[i]);
        ck_assert_int_ge(seen.event[at].t_ns, before[i]);
        ck_assert_int_le(seen.event[at].t_ns, after[i]);
    }
    for (size_t i = 1; i < seen.n; i++)
        ck_assert_int_le(seen.event[i - 1].t_ns, seen.event[i].t_ns);
    free(seen.event);
}
END_TEST

/* A crowd of strangers that fork, fault and die; only what is asked for and only ours may be in the list. */
static void *crowd(void)
{
    static pid_t pids[3];
    for (int i = 0; i < 3; i++) {
        pids[i] = fork();
        for (pid_t parent = getppid(); pids[i] == 0;) {
            pid_t child = fork();
            if (child == 0)
                _exit(0);
            if (child > 0)
                waitpid(child, NULL, 0);
            if (getppid() != parent)
                _exit(0);
        }
    }
    return pids;
}

START_TEST(strangers_are_not_shown)
{
    need_tracefs();
    const pid_t *strangers = crowd();
    static const unsigned sets[] = { BIT(FREE) | BIT(EXIT), BIT(SWITCH) | BIT(WAKEUP), EVERY };
    for (size_t set = 0; set < 3; set++) {
        struct kernel_watch *watch = begin(sets[set]);
        pid_t self = getpid(), child = fork();
        if (child == 0)
            _exit(0);
        ck_assert_int_eq(waitpid(child, NULL, 0), child);
        if (sets[set] & BIT(FREE))
            ck_assert_int_eq(kernel_watch_until(watch, KERNEL_FREE, child), 0);
        struct kernel_event *event;
        size_t n;
        ck_assert_int_eq(kernel_watch_end(&watch, &event, &n), 0);
        ck_assert_uint_gt(n, 0);
        for (size_t i = 0; i < n; i++) {
            const struct kernel_event *e = &event[i];
            ck_assert_uint_ne(1U << e->kind & sets[set], 0);
            ck_assert(e->pid == self || e->pid == child || e->other == self || e->other == child ||
                      (e->kind == KERNEL_WAIT && e->by == self) ||
                      (e->kind == KERNEL_SIGNAL_SENT && (e->by == self || e->by == child)));
        }
        free(event);
    }
    for (int i = 0; i < 3; i++)
        kill(strangers[i], SIGKILL);
    reap_all();
}
END_TEST

static void *say_tid(void *where)
{
    *(pid_t *)where = gettid();
    return NULL;
}

START_TEST(grandchildren_and_their_threads_are_ours)
{
    need_tracefs();
    struct kernel_watch *watch = begin(BIT(FORK) | BIT(EXIT) | BIT(FREE));
    pid_t *tasks = share(2 * sizeof *tasks), *grandchild = &tasks[0], *thread_id = &tasks[1], child = fork();
    if (child == 0) {
        pid_t pid = fork();
        if (pid == 0) {
            pthread_t thread;
            if (pthread_create(&thread, NULL, say_tid, thread_id) == 0)
                pthread_join(thread, NULL);
            _exit(0);
        }
        *grandchild = pid;
        waitpid(pid, NULL, 0);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    ck_assert_int_eq(kernel_watch_until(watch, KERNEL_FREE, child), 0);
    ck_assert_int_eq(kernel_watch_until(watch, KERNEL_FREE, *grandchild), 0);
    ck_assert_int_eq(kernel_watch_until(watch, KERNEL_FREE, *thread_id), 0); /* each in its own RCU grace period */
    struct seen seen = finish(&watch);
    int first = must_find(&seen, 0, KERNEL_FORK, child, *grandchild);
    int second = must_find(&seen, first, KERNEL_FORK, *grandchild, *thread_id);
    must_find(&seen, must_find(&seen, second, KERNEL_EXIT, *thread_id, ANY), KERNEL_FREE, *thread_id, ANY);
    ck_assert_uint_eq(count_of(&seen, KERNEL_EXIT), 3);
    ck_assert_uint_eq(count_of(&seen, KERNEL_FREE), 3);
    free(seen.event);
}
END_TEST

/* An event of ours, made quickly; init is no child. Not a signal: those of all are looked at, by other tests as
 * well. */
static void wait_for_init(void)
{
    ck_assert_int_eq(waitpid(1, NULL, 0), -1);
}

START_TEST(lost_events_are_an_error)
{
    need_tracefs();
    struct kernel_watch *watch = begin(BIT(WAIT));
    for (int i = 0; i < 200000; i++) /* more than 1.4 MiB of events */
        wait_for_init();
    struct kernel_event *event;
    size_t n;
    ck_assert_int_eq(kernel_watch_end(&watch, &event, &n), -EOVERFLOW);
    ck_assert_ptr_null(watch);
    ck_assert_ptr_null(event);
    ck_assert_uint_eq(n, 0);
    reap_all();
    ck_assert_int_eq(instances_of(getpid()), 0);
}
END_TEST

START_TEST(looking_meanwhile_makes_room)
{
    need_tracefs();
    enum { ROUNDS = 20, EACH = 10000 };
    struct kernel_watch *watch = begin(BIT(WAIT));
    for (int i = 0; i < ROUNDS * EACH; i++) {
        wait_for_init();
        if (i % EACH == 0)
            ck_assert_int_eq(kernel_watch_until(watch, KERNEL_WAIT, 1), 0);
    }
    struct seen seen = finish(&watch);
    ck_assert_uint_eq(seen.n, ROUNDS * EACH);
    free(seen.event);
}
END_TEST

START_TEST(until_says_when_it_cannot_be)
{
    need_tracefs();
    setenv("PROCLAB_DEADLINE_SCALE", "0.002", 1);
    struct kernel_watch *watch = begin(BIT(EXIT));
    ck_assert_int_eq(kernel_watch_until(watch, KERNEL_FREE, getpid()), -EINVAL);
    ck_assert_int_eq(kernel_watch_until(watch, KERNEL_EXIT, getpid()), -ETIMEDOUT);
    ck_assert_int_eq(kernel_watch_until(NULL, KERNEL_EXIT, getpid()), -EINVAL);
    unsetenv("PROCLAB_DEADLINE_SCALE"); /* the guard has it already */
    struct seen seen = finish(&watch);
    ck_assert_uint_eq(seen.n, 0);
    ck_assert_ptr_null(seen.event);
    ck_assert_int_eq(kernel_watch_end(&watch, &seen.event, &seen.n), -EINVAL);
}
END_TEST

START_TEST(two_at_once_and_one_after_another)
{
    need_tracefs();
    int status;
    pid_t both[2];
    for (int i = 0; i < 2; i++) {
        both[i] = fork();
        for (int round = 0; both[i] == 0 && round < 3; round++) {
            struct kernel_watch *watch = begin(BIT(FORK) | BIT(EXIT) | BIT(SWITCH) | BIT(FREE));
            pid_t child = fork();
            if (child == 0)
                _exit(0);
            if (waitpid(child, NULL, 0) != child || kernel_watch_until(watch, KERNEL_FREE, child) != 0)
                _exit(1);
            struct seen seen;
            if (kernel_watch_end(&watch, &seen.event, &seen.n) != 0 ||
                find(&seen, 0, KERNEL_FORK, getpid(), child) < 0 || count_of(&seen, KERNEL_FORK) != 1 ||
                count_of(&seen, KERNEL_EXIT) != 1 || find(&seen, 0, KERNEL_SWITCH, child, ANY) < 0 ||
                find(&seen, 0, KERNEL_EXIT, child, ANY) < 0)
                _exit(2);
            free(seen.event);
        }
        if (both[i] == 0)
            _exit(0);
    }
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(waitpid(both[i], &status, 0), both[i]);
        ck_assert_int_eq(status, 0);
    }
    reap_all();
    ck_assert_int_eq(instances_of(both[0]) + instances_of(both[1]), 0);
}
END_TEST

int main(void)
{
    const struct testing tests[] = {
        TEST(a_whole_life_in_order),
        TEST(threads_and_vfork_by_their_flags),
        TEST(sleeps_and_is_woken_by_us),
        TEST(is_woken_by_a_stranger),
        TEST(signals_of_others_are_seen),
        TEST(preempted_is_ready),
        TEST(stopped_and_traced),
        TEST(exec_is_seen),
        TEST(faults_are_exact),
        TEST(times_are_those_of_the_monotonic_clock),
        TEST(strangers_are_not_shown),
        TEST(grandchildren_and_their_threads_are_ours),
        TEST(lost_events_are_an_error),
        TEST(looking_meanwhile_makes_room),
        TEST(until_says_when_it_cannot_be),
        TEST(two_at_once_and_one_after_another),
        { 0 },
    };
    if (THREADS_OF_OTHERS > 0) {
        puts("SKIP kernel: ThreadSanitizer has threads of its own in every process, and the kernel tells of them, too");
        return TESTING_SKIPPED;
    }
    see_tracefs();
    return run_tests("kernel", tests);
}
