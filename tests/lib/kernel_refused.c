/* kernel_refused.c - who may not watch is told so, and everyone is told the names. Runs as any user, with libtracefs
 * or not. */
#include "kernel.h"

/* In a child: what it is told once it has given something up. */
static int refused_after(int (*give_up)(void))
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        int rc = give_up();
        struct kernel_watch *watch;
        if (rc == 0 && kernel_may_watch() == 0 && kernel_kinds() == 0)
            rc = kernel_watch_begin(&watch, EVERY);
        _exit(rc < 0 && watch == NULL ? -rc : 0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(instances_of(child), 0);
    return WEXITSTATUS(status);
}

static int be_nobody(void)
{
    return setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0 ? 1 : 0;
}

static int hide_tracefs(void)
{
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return 1;
    while (umount2("/sys/kernel/tracing", MNT_DETACH) == 0 || umount2("/sys/kernel/debug", MNT_DETACH) == 0)
        continue;
    return 0;
}

static int make_it_read_only(void)
{
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return 1;
    return mount(NULL, "/sys/kernel/tracing", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) < 0 ? 1 : 0;
}

/* It would not know its own number in the events. */
static int be_in_a_pid_namespace(void)
{
    if (unshare(CLONE_NEWPID) < 0)
        return 1;
    pid_t child = fork();
    if (child == 0)
        return 0;
    int status;
    waitpid(child, &status, 0);
    _exit(WEXITSTATUS(status));
}

/* An ordinary user need not give anything up. */
START_TEST(who_may_not_is_told)
{
    if (!kernel_may_watch()) {
        struct kernel_watch *watch;
        int rc = kernel_watch_begin(&watch, EVERY);
        ck_assert_msg(rc == -EACCES || rc == -ENOTSUP, "%d", rc);
        ck_assert_ptr_null(watch);
        return;
    }
    ck_assert_int_eq(refused_after(be_nobody), EACCES);
    ck_assert_int_eq(refused_after(hide_tracefs), ENOTSUP);
    ck_assert_int_eq(refused_after(be_in_a_pid_namespace), ENOTSUP);
    if (strncmp(instances_dir(), "/sys/kernel/tracing", 19) == 0)
        ck_assert_int_eq(refused_after(make_it_read_only), EACCES);
}
END_TEST

START_TEST(nothing_asked_is_nothing_done)
{
    struct kernel_watch *watch = (void *)&watch;
    struct kernel_event *events = (void *)&watch;
    size_t n = 1;
    int rc = kernel_watch_begin(&watch, 0);
    ck_assert(rc == -ENOTSUP || (rc == -EACCES && !kernel_may_watch()));
    ck_assert_ptr_null(watch);
    ck_assert_int_lt(kernel_watch_end(&watch, &events, &n), 0);
    ck_assert_ptr_null(events);
    ck_assert_uint_eq(n, 0);
    kernel_watch_drop(&watch);
}
END_TEST

START_TEST(every_kind_has_a_name)
{
    for (enum kernel_kind kind = 0; kind < KERNEL_N_KINDS; kind++)
        ck_assert_ptr_nonnull(kernel_name(kind));
    ck_assert_str_eq(kernel_name(KERNEL_SWITCH), "sched_switch");
    ck_assert_str_eq(kernel_name(KERNEL_N_KINDS), "?");
    ck_assert_int_eq(kernel_kinds() != 0, kernel_may_watch());
}
END_TEST

int main(void)
{
    const struct testing tests[] = {
        TEST(who_may_not_is_told),
        TEST(nothing_asked_is_nothing_done),
        TEST(every_kind_has_a_name),
        { 0 },
    };
    see_tracefs();
    return run_tests("kernel.refused", tests);
}
