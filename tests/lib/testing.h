/* testing.h - what every libcheck program here begins and ends with.
 *
 * libcheck kills the process group of a test that ends, so a process that the code left behind is never seen, and one
 * that called setsid lives on with ctest's pipe in its hand. Here each test runs as a subreaper and fails if it has any
 * child or grandchild left. Assert in the test itself only: what a forked child asserts is lost. */
/* clang-format off */
#ifndef PROCLAB_TESTS_TESTING_H
#define PROCLAB_TESTS_TESTING_H

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TESTING_SKIPPED = 77 };

static int *testing_skips;  /* in shared memory: a test counts in a process of its own */

/* Says that the rest of this test cannot run here, and ends it. PROCLAB_MUST_WORK makes a failure of it. */
#define skip_test(...) \
    do { \
        const char *must_ = getenv("PROCLAB_MUST_WORK"); \
        printf("SKIP %s: ", __func__); \
        printf(__VA_ARGS__); \
        putchar('\n'); \
        fflush(stdout); \
        ck_assert_msg(!must_ || !*must_ || strcmp(must_, "0") == 0, "skipped, though PROCLAB_MUST_WORK is set"); \
        __atomic_add_fetch(testing_skips, 1, __ATOMIC_RELAXED); \
        return; \
    } while (0)

static void testing_begin(void)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1);
}

/* A child of ours that is alive: waitid(2) tells that there is one, and only /proc its number. 0 where it does not. */
static pid_t testing_living_child(void)
{
    char name[64], children[32] = "";
    snprintf(name, sizeof name, "/proc/self/task/%d/children", getpid());
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, children, sizeof children - 1) < 0)
        children[0] = '\0';
    if (fd >= 0)
        close(fd);
    return atoi(children);
}

/* Kills and reaps every child, and every orphan that came to us; how many were alive or not waited for. */
static int testing_leftovers(void)
{
    int n = 0;
    siginfo_t child = { 0 };
    while (waitid(P_ALL, 0, &child, WEXITED | WNOHANG) == 0) {
        pid_t living = child.si_pid == 0 ? testing_living_child() : 0;
        if (child.si_pid == 0 && (living <= 0 || kill(living, SIGKILL) < 0))
            return n + 1;
        if (living > 0)
            waitid(P_PID, (id_t)living, &child, WEXITED | WNOWAIT); /* it is counted by the next round */
        else
            n++;
        child.si_pid = 0;
    }
    return n;
}

static void testing_end(void)
{
    ck_assert_int_eq(testing_leftovers(), 0);
}

/* The tests of one program: a table of them, in main because of how check defines START_TEST, that ends with { 0 }. */
struct testing { const char *name; const TTest *test; };
#define TEST(name) { #name, name }

/* Runs them, and returns the exit status: 0, 1, or 77 where each was skipped. */
static int run_tests(const char *name, const struct testing tests[])
{
    /* Whoever started us may have ignored SIGCHLD (then libcheck waits for ever) or blocked signals. */
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGCHLD, SIG_DFL);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    testing_skips = mmap(NULL, sizeof *testing_skips, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (testing_skips == MAP_FAILED)
        return EXIT_FAILURE;

    Suite *suite = suite_create(name);
    for (; tests->name; tests++) {
        TCase *tcase = tcase_create(tests->name);
        tcase_add_checked_fixture(tcase, testing_begin, testing_end);
        tcase_set_timeout(tcase, 120);
        tcase_add_test(tcase, tests->test);
        suite_add_tcase(suite, tcase);
    }
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_FORK);
    srunner_run_all(runner, CK_ENV);
    int run = srunner_ntests_run(runner), failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    /* What a failed test left came to us: it never reached its own end. */
    if (testing_leftovers() > 0 || failed > 0 || run == 0)
        return EXIT_FAILURE;
    return run == *testing_skips ? TESTING_SKIPPED : EXIT_SUCCESS;
}

#endif
