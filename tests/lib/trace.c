/* trace.c - lib/trace on live processes: each stop, in its order, and nothing left of who was traced. */
#include "trace/trace.h"
#include "testing.h"

#include <elf.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

static volatile int hits;

__attribute__((noinline)) static int function(int a, int b)
{
    hits += a * b;
    return hits;
}

/* A child that does this when it is let go; traced from there on. 0 where tracing is not allowed here. */
static pid_t begin(struct trace *trace, void (*body)(void))
{
    int gate[2];
    char byte;
    ck_assert_int_eq(pipe(gate), 0);
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (read(gate[0], &byte, 1) != 1)
            _exit(99);
        body();
        _exit(0);
    }
    int rc = trace_begin(trace, child);
    if (rc == -EPERM) {
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        child = 0;
    } else {
        ck_assert_int_eq(rc, 0);
        ck_assert_int_eq(write(gate[1], "x", 1), 1);
    }
    close(gate[0]);
    close(gate[1]);
    return child;
}

#define begin_or_skip(trace, body) \
    pid_t child = begin(trace, body); \
    if (child == 0) \
    skip_test("ptrace: EPERM")

static void expect(struct trace *trace, pid_t pid, unsigned kind, struct trace_event *event)
{
    ck_assert_int_eq(trace_until(trace, pid, ~0U, event), 1);
    ck_assert_msg(event->kind == kind, "kind %d, not %u", event->kind, kind);
}

static void the_end(struct trace *trace, pid_t pid, int status)
{
    struct trace_event event;
    expect(trace, pid, TRACE_EXIT, &event);
    expect(trace, pid, TRACE_ENDED, &event);
    ck_assert_int_eq(event.info.si_code, CLD_EXITED);
    ck_assert_int_eq(event.info.si_status, status);
    ck_assert_int_eq(kill(pid, 0), 0); /* a zombie still */
    ck_assert_int_eq(trace_next(trace, &event), 0);
    ck_assert_int_eq(kill(pid, 0), -1);
    ck_assert_int_eq(trace_next(trace, &event), 0);
}

static void exit_7(void)
{
    _exit(7);
}

START_TEST(each_kind_has_a_name)
{
    ck_assert_str_eq(trace_name(TRACE_FORK), "fork");
    ck_assert_str_eq(trace_name(TRACE_RETURN), "return");
    ck_assert_str_eq(trace_name(TRACE_ENDED), "ended");
    ck_assert_str_eq(trace_name(0), "?");
    ck_assert_str_eq(trace_name((enum trace_kind)(2 * TRACE_ENDED)), "?");
}
END_TEST

START_TEST(an_exit_and_a_zombie)
{
    struct trace trace;
    begin_or_skip(&trace, exit_7);
    the_end(&trace, child, 7);
}
END_TEST

static void calls(void)
{
    syscall(SYS_getppid);
    syscall(SYS_close, 1234);
}

START_TEST(calls_with_their_arguments_and_results)
{
    struct trace trace;
    struct trace_event event;
    begin_or_skip(&trace, calls);
    trace.how = TRACE_CALLS;
    do
        ck_assert_int_eq(trace_until(&trace, child, TRACE_CALL, &event), 1);
    while (event.nr != SYS_getppid);
    expect(&trace, child, TRACE_RETURN, &event);
    ck_assert_int_eq(event.nr, SYS_getppid);
    ck_assert_int_eq(event.result, getpid());
    expect(&trace, child, TRACE_CALL, &event);
    ck_assert_int_eq(event.nr, SYS_close);
    ck_assert_uint_eq(event.args[0], 1234);
    expect(&trace, child, TRACE_RETURN, &event);
    ck_assert_int_eq(event.result, -EBADF);
    ck_assert_uint_eq(event.args[0], 1234);
    trace.how = TRACE_RUN;
    the_end(&trace, child, 0);
}
END_TEST

/* What its first instruction would be is not decided by us: whichever of the two the kernel runs first. */
static void fork_exec(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        execl("/bin/sh", "sh", "-c", "exit 3", NULL);
        _exit(9);
    }
    int status;
    waitpid(pid, &status, 0);
    _exit(WEXITSTATUS(status));
}

START_TEST(the_new_one_comes_after_its_parents_news)
{
    for (int i = 0; i < 50; i++) {
        struct trace trace;
        struct trace_event event;
        begin_or_skip(&trace, fork_exec);
        ck_assert_int_eq(trace_next(&trace, &event), 1);
        ck_assert_int_eq(event.kind, TRACE_FORK);
        ck_assert_int_eq(event.pid, child);
        pid_t grandchild = event.child;
        expect(&trace, grandchild, TRACE_EXEC, &event);
        char name[32], exe[64] = "";
        snprintf(name, sizeof name, "/proc/%d/exe", grandchild);
        ck_assert_int_gt(readlink(name, exe, sizeof exe - 1), 0);
        ck_assert_ptr_nonnull(strstr(exe, "sh"));
        expect(&trace, grandchild, TRACE_EXIT, &event);
        expect(&trace, grandchild, TRACE_ENDED, &event);
        ck_assert_int_eq(event.info.si_status, 3);
        expect(&trace, child, TRACE_SIGNAL, &event); /* also with the action "ignore", which SIGCHLD has by default */
        ck_assert_int_eq(event.info.si_signo, SIGCHLD);
        ck_assert_int_eq(event.info.si_pid, grandchild);
        ck_assert_int_eq(event.info.si_status, 3);
        the_end(&trace, child, 3);
    }
}
END_TEST

static void three_kinds(void)
{
    pid_t pid = vfork();
    if (pid == 0)
        _exit(0);
    waitpid(pid, NULL, 0);
    pid = (pid_t)syscall(SYS_clone, 0, 0, 0, 0, 0); /* no signal at its end: not what fork() makes */
    if (pid == 0)
        _exit(0);
    waitpid(pid, NULL, __WALL);
}

START_TEST(vfork_and_clone_are_told_from_fork)
{
    struct trace trace;
    struct trace_event event;
    begin_or_skip(&trace, three_kinds);
    ck_assert_int_eq(trace_until(&trace, child, TRACE_NEW, &event), 1);
    ck_assert_int_eq(event.kind, TRACE_VFORK);
    ck_assert_int_eq(trace_until(&trace, child, TRACE_NEW, &event), 1);
    ck_assert_int_eq(event.kind, TRACE_CLONE);
    ck_assert_int_eq(trace_until(&trace, child, TRACE_ENDED, &event), 1);
    ck_assert_int_eq(trace_next(&trace, &event), 0);
}
END_TEST

static void call_function(void)
{
    function(1, 2);
    _exit(function(6, 7));
}

START_TEST(a_breakpoint_stops_once_and_changes_nothing)
{
    struct trace trace;
    struct trace_event event;
    struct trace_registers registers;
    begin_or_skip(&trace, call_function);
    trace.how = TRACE_CALLS; /* the return of its read(): stopped, and nothing of the body has run */
    ck_assert_int_eq(trace_until(&trace, child, TRACE_RETURN, &event), 1);
    if (trace_registers(child, &registers) == -ENOTSUP) {
        trace_end(&trace);
        skip_test("registers of this machine");
    }
    trace.how = TRACE_RUN;
    unsigned char before[16], with[16], after[16];
    ck_assert_int_eq(trace_read(child, (uintptr_t)function, before, sizeof before), sizeof before);
    ck_assert_int_eq(trace_break(&trace, child, (uintptr_t)function), 0);
    ck_assert_int_eq(trace_read(child, (uintptr_t)function, with, sizeof with), sizeof with);
    ck_assert_mem_ne(before, with, sizeof with);
    expect(&trace, child, TRACE_BREAK, &event);
    ck_assert_int_eq(trace_registers(child, &registers), 0);
    ck_assert_uint_eq(registers.pc, (uintptr_t)function);
    ck_assert_uint_eq(registers.arg[0], 1);
    ck_assert_uint_eq(registers.arg[1], 2);
    ck_assert_int_eq(trace_read(child, (uintptr_t)function, after, sizeof after), sizeof after);
    ck_assert_mem_eq(before, after, sizeof after);
    the_end(&trace, child, 44);
}
END_TEST

START_TEST(a_breakpoint_can_be_taken_away)
{
    struct trace trace;
    struct trace_event event;
    begin_or_skip(&trace, call_function);
    trace.how = TRACE_CALLS;
    ck_assert_int_eq(trace_until(&trace, child, TRACE_RETURN, &event), 1);
    trace.how = TRACE_RUN;
    ck_assert_int_eq(trace_break(&trace, child, (uintptr_t)function), 0);
    trace_unbreak(&trace);
    trace_unbreak(&trace);
    the_end(&trace, child, 44);
}
END_TEST

static void fork_then_call(void)
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(function(2, 4));
    waitpid(pid, &status, 0);
    _exit(function(2, 4) == 8 && status == 8 << 8 ? 5 : 6);
}

static void copy_without_breakpoint(int detach)
{
    struct trace trace;
    struct trace_event event;
    begin_or_skip(&trace, fork_then_call);
    trace.how = TRACE_CALLS;
    ck_assert_int_eq(trace_until(&trace, child, TRACE_RETURN, &event), 1);
    trace.how = TRACE_RUN;
    trace.detach_new = detach;
    ck_assert_int_eq(trace_break(&trace, child, (uintptr_t)function), 0);
    expect(&trace, child, TRACE_FORK, &event);
    ck_assert_int_eq(trace_until(&trace, child, TRACE_BREAK, &event), 1);
    the_end(&trace, child, 5);
}

START_TEST(a_copied_process_has_no_breakpoint)
{
    copy_without_breakpoint(0);
}
END_TEST

START_TEST(who_is_let_go_has_no_breakpoint_and_no_tracer)
{
    copy_without_breakpoint(1);
}
END_TEST

START_TEST(single_steps)
{
    struct trace trace;
    struct trace_event event;
    begin_or_skip(&trace, call_function);
    trace.how = TRACE_CALLS;
    ck_assert_int_eq(trace_until(&trace, child, TRACE_RETURN, &event), 1);
    trace.how = TRACE_RUN;
    ck_assert_int_eq(trace_break(&trace, child, (uintptr_t)function), 0);
    expect(&trace, child, TRACE_BREAK, &event);
    trace.how = TRACE_ONE_STEP;
    for (int i = 0; i < 3; i++) {
        struct trace_registers registers, next;
        ck_assert_int_eq(trace_registers(child, &registers), 0);
        expect(&trace, child, TRACE_STEP, &event);
        ck_assert_int_eq(trace_registers(child, &next), 0);
        ck_assert_uint_ne(registers.pc, next.pc);
    }
    trace.how = TRACE_RUN;
    the_end(&trace, child, 44);
}
END_TEST

static void two_that_compute(void)
{
    pid_t other = fork();
    for (volatile int i = 0; i < 10000; i++)
        continue;
    int status = 0;
    if (other > 0)
        waitpid(other, &status, 0);
    _exit(status == 0 ? 0 : 1);
}

/* While we look at one, the other makes its step; that we step no more by the time we hear of it makes it no signal. */
START_TEST(a_step_on_its_way_is_no_signal)
{
    struct trace trace;
    struct trace_event event;
    begin_or_skip(&trace, two_that_compute);
    ck_assert_int_eq(trace_until(&trace, child, TRACE_FORK, &event), 1);
    trace.how = TRACE_ONE_STEP;
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(trace_next(&trace, &event), 1);
    trace.how = TRACE_RUN;
    int ends = 0;
    while (trace_next(&trace, &event) == 1) {
        ck_assert(event.kind != TRACE_SIGNAL || event.info.si_signo == SIGCHLD);
        if (event.kind == TRACE_ENDED) {
            ck_assert_int_eq(event.info.si_code, CLD_EXITED);
            ck_assert_int_eq(event.info.si_status, 0);
            ends++;
        }
    }
    ck_assert_int_eq(ends, 2);
}
END_TEST

static void a_trap_of_its_own(void)
{
    raise(SIGTRAP);
}

START_TEST(a_signal_is_shown_and_delivered)
{
    struct trace trace;
    struct trace_event event;
    begin_or_skip(&trace, a_trap_of_its_own);
    expect(&trace, child, TRACE_SIGNAL, &event);
    ck_assert_int_eq(event.info.si_signo, SIGTRAP);
    expect(&trace, child, TRACE_EXIT, &event);
    expect(&trace, child, TRACE_ENDED, &event);
    ck_assert(event.info.si_code == CLD_KILLED || event.info.si_code == CLD_DUMPED);
    ck_assert_int_eq(event.info.si_status, SIGTRAP);
    ck_assert_int_eq(trace_next(&trace, &event), 0);
}
END_TEST

static const char *const words = "two words";

START_TEST(memory_and_strings)
{
    struct trace trace;
    struct trace_event event;
    char text[32];
    begin_or_skip(&trace, exit_7);
    expect(&trace, child, TRACE_EXIT, &event);
    ck_assert_int_eq(trace_read_string(child, (uintptr_t)words, text, sizeof text), 9);
    ck_assert_str_eq(text, words);
    ck_assert_int_eq(trace_read_string(child, (uintptr_t)words, text, 10), 9);
    ck_assert_int_eq(trace_read_string(child, (uintptr_t)words, text, 9), -ENAMETOOLONG);
    ck_assert_int_eq(trace_read_string(child, 16, text, sizeof text), -EFAULT);
    ck_assert_int_eq(trace_read(child, 16, text, sizeof text), -EFAULT);
    trace_end(&trace);
    ck_assert_int_eq(trace_read(child, (uintptr_t)words, text, 1), -ESRCH);
}
END_TEST

static char *page;

START_TEST(strings_at_the_end_of_what_is_mapped)
{
    struct trace trace;
    struct trace_event event;
    char text[600];
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    page = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(page, 'x', size);
    munmap(page + size, size);
    memcpy(page + size - 4, "end", 4);
    begin_or_skip(&trace, exit_7);
    expect(&trace, child, TRACE_EXIT, &event);
    ck_assert_int_eq(trace_read_string(child, (uintptr_t)(page + size - 4), text, sizeof text), 3);
    ck_assert_int_eq(trace_read_string(child, (uintptr_t)(page + size - 500), text, sizeof text), 499);
    ck_assert_int_eq(trace_read(child, (uintptr_t)(page + size - 4), text, 8), 4);
    page[size - 1] = 'x';
    trace_end(&trace);
    munmap(page, size);
}
END_TEST

START_TEST(lists_of_strings)
{
    struct trace trace;
    struct trace_event event;
    struct trace_strings list = { 0 }, empty = { 0 };
    size_t longest = 200000;
    char *big = malloc(longest + 1);
    memset(big, 'b', longest);
    big[longest] = '\0';
    char *strings[] = { "one", "", big, "four", NULL }, *none[] = { NULL };
    begin_or_skip(&trace, exit_7);
    expect(&trace, child, TRACE_EXIT, &event);
    ck_assert_int_eq(trace_read_strings(child, (uintptr_t)strings, &list), 0);
    ck_assert_uint_eq(list.n, 4);
    ck_assert_uint_eq(list.length, 4 + 1 + longest + 1 + 5);
    ck_assert_uint_eq(list.behind, (uintptr_t)(strings + 5));
    for (size_t i = 0; i < 4; i++)
        ck_assert_str_eq(trace_string(&list, i), strings[i]);
    ck_assert_ptr_null(trace_string(&list, 4));
    ck_assert_int_eq(trace_read_strings(child, (uintptr_t)none, &empty), 0);
    ck_assert_uint_eq(empty.n, 0);
    ck_assert_ptr_null(trace_string(&empty, 0));
    ck_assert_int_eq(trace_read_strings(child, 16, &empty), -EFAULT);
    strings[1] = (char *)16; /* in our memory only: it has its own copy */
    ck_assert_int_eq(trace_read_strings(child, (uintptr_t)strings, &empty), 0);
    trace_strings_free(&empty);
    trace_strings_free(&list);
    trace_strings_free(&list);
    free(big);
    trace_end(&trace);
}
END_TEST

static void exec_sh(void)
{
    execle("/bin/sh", "sh", "-c", "exit 3", "", NULL, (char *[]){ "FIRST=1", "SECOND=2", NULL });
}

START_TEST(the_stack_of_a_new_program)
{
    struct trace trace;
    struct trace_event event;
    struct trace_stack stack = { 0 };
    begin_or_skip(&trace, exec_sh);
    expect(&trace, child, TRACE_EXEC, &event);
    int rc = trace_read_stack(child, &stack);
    if (rc == -ENOTSUP) {
        trace_end(&trace);
        skip_test("registers of this machine");
    }
    ck_assert_int_eq(rc, 0);
    ck_assert_uint_eq(stack.argc, 4);
    ck_assert_uint_eq(stack.argv.n, 4);
    ck_assert_str_eq(trace_string(&stack.argv, 2), "exit 3");
    ck_assert_str_eq(trace_string(&stack.argv, 3), "");
    ck_assert_uint_eq(stack.envp.n, 2);
    ck_assert_str_eq(trace_string(&stack.envp, 1), "SECOND=2");
    ck_assert_uint_eq(stack.aux[AT_PAGESZ], (uint64_t)sysconf(_SC_PAGESIZE));
    ck_assert_uint_eq(stack.aux[AT_UID], getuid());
    ck_assert_uint_eq(stack.argv_address, stack.sp + 8);
    trace_stack_free(&stack);
    the_end(&trace, child, 3);
    ck_assert_int_eq(trace_read_stack(child, &stack), -ESRCH);
}
END_TEST

static void stops(void)
{
    raise(SIGSTOP);
    _exit(4);
}

START_TEST(a_stopped_process_stays_stopped)
{
    struct trace trace;
    struct trace_event event;
    begin_or_skip(&trace, stops);
    expect(&trace, child, TRACE_SIGNAL, &event);
    ck_assert_int_eq(event.info.si_signo, SIGSTOP);
    pid_t waker = fork(); /* not traced: its end is no event */
    if (waker == 0) {
        char name[32], state = 0;
        snprintf(name, sizeof name, "/proc/%d/stat", child);
        for (int i = 0; i < 1000 && state != 't'; i++) { /* LISTENing, "t" it is in both kinds of stop */
            char text[256] = "";
            int fd = open(name, O_RDONLY);
            if (read(fd, text, sizeof text - 1) > 0)
                state = strrchr(text, ')')[2];
            close(fd);
        }
        kill(child, SIGCONT);
        _exit(0);
    }
    expect(&trace, child, TRACE_SIGNAL, &event);
    ck_assert_int_eq(event.info.si_signo, SIGCONT);
    the_end(&trace, child, 4);
    waitpid(waker, NULL, 0);
}
END_TEST

static void *stay(void *execs)
{
    if (execs != NULL)
        execl("/bin/sh", "sh", "-c", "exit 6", NULL);
    for (;;)
        pause();
    return NULL;
}

static void threads(void)
{
    pthread_t thread;
    for (int i = 0; i < 3; i++)
        pthread_create(&thread, NULL, stay, NULL);
    stay(NULL);
}

static void a_thread_execs(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, stay, NULL);
    pthread_create(&thread, NULL, stay, "execs");
    stay(NULL);
}

START_TEST(the_end_of_a_trace_ends_threads)
{
    for (int stop_at = TRACE_CLONE; stop_at <= TRACE_EXIT; stop_at *= TRACE_EXIT / TRACE_CLONE) {
        struct trace trace;
        struct trace_event event;
        begin_or_skip(&trace, threads);
        for (int i = 0; i < 3; i++)
            ck_assert_int_eq(trace_until(&trace, child, TRACE_CLONE, &event), 1);
        if (stop_at == TRACE_EXIT) { /* one of them stands there, and the others will come */
            kill(child, SIGUSR1);
            while (event.kind != TRACE_EXIT)
                ck_assert_int_eq(trace_next(&trace, &event), 1);
        }
        trace_end(&trace);
        ck_assert_int_eq(waitpid(child, NULL, WNOHANG), -1);
    }
}
END_TEST

START_TEST(threads_end_one_by_one)
{
    struct trace trace;
    struct trace_event event;
    int ended = 0, rc;
    begin_or_skip(&trace, threads);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(trace_until(&trace, child, TRACE_CLONE, &event), 1);
    kill(child, SIGUSR1);
    while ((rc = trace_next(&trace, &event)) == 1)
        ended += event.kind == TRACE_ENDED;
    ck_assert_int_eq(rc, 0);
    ck_assert_int_eq(ended, 4);
}
END_TEST

/* It takes the PID of the process, and the thread that had it is gone without a word. */
START_TEST(another_threads_exec)
{
    for (int detach = 0; detach < 2; detach++) {
        struct trace trace;
        struct trace_event event;
        int execs = 0, rc;
        begin_or_skip(&trace, a_thread_execs);
        trace.detach_new = detach;
        while ((rc = trace_next(&trace, &event)) == 1)
            execs += event.kind == TRACE_EXEC && event.pid == child;
        ck_assert_int_eq(rc, 0);
        ck_assert_int_eq(execs, !detach);
        int status = 6 << 8; /* where it was let go, its end is ours to wait for */
        waitpid(child, &status, 0);
        ck_assert_int_eq(status, 6 << 8);
    }
}
END_TEST

static void many(void)
{
    for (int i = 0; i < 2 * TRACE_MOST; i++)
        if (fork() == 0)
            for (;;)
                pause();
    kill(0, SIGKILL);
}

static void own_group(void)
{
    setpgid(0, 0);
    many();
}

START_TEST(more_than_can_be_traced)
{
    struct trace trace;
    struct trace_event event;
    int forks = 0, rc;
    begin_or_skip(&trace, own_group);
    while ((rc = trace_next(&trace, &event)) == 1)
        forks += event.kind == TRACE_FORK;
    ck_assert_int_eq(rc, 0);
    ck_assert_int_eq(forks, 2 * TRACE_MOST);
    while (waitpid(-1, NULL, 0) > 0) /* the orphans are ours: this test is a subreaper */
        continue;
}
END_TEST

static void family(void)
{
    for (int i = 0; i < 3; i++)
        if (fork() == 0)
            for (;;)
                pause();
    for (;;)
        pause();
}

START_TEST(the_end_of_a_trace_ends_them_all)
{
    struct trace trace;
    struct trace_event event;
    begin_or_skip(&trace, family);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(trace_until(&trace, child, TRACE_FORK, &event), 1);
    trace_end(&trace);
    ck_assert_int_eq(waitpid(child, NULL, WNOHANG), -1);
    while (waitpid(-1, NULL, 0) > 0)
        continue;
}
END_TEST

START_TEST(traced_ones_die_with_their_tracer)
{
    int says[2];
    char byte;
    ck_assert_int_eq(pipe(says), 0);
    pid_t tracer = fork();
    if (tracer == 0) {
        struct trace trace;
        struct trace_event event;
        if (begin(&trace, family) == 0)
            _exit(77);
        for (int i = 0; i < 3; i++)
            trace_next(&trace, &event);
        kill(getpid(), SIGKILL);
    }
    close(says[1]);
    ck_assert_int_eq(read(says[0], &byte, 1), 0); /* the last writer is gone */
    close(says[0]);
    int status;
    ck_assert_int_eq(waitpid(tracer, &status, 0), tracer);
    while (waitpid(-1, NULL, 0) > 0)
        continue;
    if (WIFEXITED(status))
        skip_test("ptrace: EPERM");
}
END_TEST

START_TEST(one_tracer_only)
{
    struct trace trace, second;
    struct trace_event event;
    begin_or_skip(&trace, exit_7);
    ck_assert_int_eq(trace_begin(&second, child), -EPERM);
    ck_assert_int_eq(trace_begin(&second, 0x3fffffff), -ESRCH);
    expect(&trace, child, TRACE_EXIT, &event);
    trace_end(&trace);
}
END_TEST

int main(void)
{
    const struct testing tests[] = {
        TEST(each_kind_has_a_name),
        TEST(an_exit_and_a_zombie),
        TEST(calls_with_their_arguments_and_results),
        TEST(the_new_one_comes_after_its_parents_news),
        TEST(vfork_and_clone_are_told_from_fork),
        TEST(a_breakpoint_stops_once_and_changes_nothing),
        TEST(a_breakpoint_can_be_taken_away),
        TEST(a_copied_process_has_no_breakpoint),
        TEST(who_is_let_go_has_no_breakpoint_and_no_tracer),
        TEST(single_steps),
        TEST(a_step_on_its_way_is_no_signal),
        TEST(a_signal_is_shown_and_delivered),
        TEST(memory_and_strings),
        TEST(strings_at_the_end_of_what_is_mapped),
        TEST(lists_of_strings),
        TEST(the_stack_of_a_new_program),
        TEST(a_stopped_process_stays_stopped),
        TEST(more_than_can_be_traced),
        TEST(the_end_of_a_trace_ends_them_all),
        TEST(the_end_of_a_trace_ends_threads),
        TEST(threads_end_one_by_one),
        TEST(another_threads_exec),
        TEST(traced_ones_die_with_their_tracer),
        TEST(one_tracer_only),
        { 0 },
    };
    return run_tests("trace", tests);
}
