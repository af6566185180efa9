/* sys.c - lib/sys: each call does what its manual page says, on live processes. */
#include "sys/sys.h"
#include "testing.h"

START_TEST(kcmp_tells_one_open_file_from_two)
{
    int a = open("/dev/null", O_RDONLY), b = open("/dev/null", O_RDONLY), c = dup(a);
    pid_t self = getpid();
    int same = sys_kcmp(self, self, KCMP_FILE, (unsigned long)a, (unsigned long)c);
    if (same < 0 && (errno == ENOSYS || errno == EPERM))
        skip_test("kcmp: %s", strerror(errno));
    ck_assert_int_eq(same, 0);
    ck_assert_int_gt(sys_kcmp(self, self, KCMP_FILE, (unsigned long)a, (unsigned long)b), 0);
    close(a);
    close(b);
    close(c);
}
END_TEST

START_TEST(kcmp_refuses_a_closed_descriptor)
{
    ck_assert_int_eq(sys_kcmp(getpid(), getpid(), KCMP_FILE, 0, 999), -1);
    ck_assert(errno == EBADF || errno == ENOSYS || errno == EPERM);
}
END_TEST

START_TEST(clone3_forks)
{
    struct clone_args args = { .exit_signal = SIGCHLD };
    pid_t child = sys_clone3(&args, sizeof args);
    if (child < 0 && errno == ENOSYS)
        skip_test("clone3: %s", strerror(errno));
    if (child == 0)
        _exit(9);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(WEXITSTATUS(status), 9);
}
END_TEST

START_TEST(clone3_fails_like_a_system_call)
{
    struct clone_args args = { .flags = CLONE_SIGHAND, .exit_signal = SIGCHLD }; /* CLONE_SIGHAND wants CLONE_VM */
    ck_assert_int_eq(sys_clone3(&args, sizeof args), -1);
    ck_assert(errno == EINVAL || errno == ENOSYS);
}
END_TEST

int main(void)
{
    const struct testing tests[] = {
        TEST(kcmp_tells_one_open_file_from_two),
        TEST(kcmp_refuses_a_closed_descriptor),
        TEST(clone3_forks),
        TEST(clone3_fails_like_a_system_call),
        { 0 },
    };
    return run_tests("sys", tests);
}
