/* cgroup.c - lib/cgroup: its place in the trees of real machines; and a group that is made, limits, and does not stay. */
#include "cgroup/cgroup.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testing.h"

#define ROOT "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
#define V2 "25 22 0:22 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
#define TREES \
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n" \
    "35 31 0:32 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n" \
    "39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids\n"
#define UNIFIED "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"

static const char *place(const char *groups, const char *mounts, const char *controller, bool v2)
{
    static struct cgroup_place found;
    int rc = cgroup_place_parse(groups, mounts, controller, v2, &found);
    if (rc < 0)
        return rc == -ENOTSUP ? "none" : "wrong";
    ck_assert(found.v2 == v2 && found.top <= strlen(found.dir));
    return found.dir;
}

START_TEST(of_v2)
{
    const char *groups = "0::/user.slice/user-1000.slice/session-3.scope\n";
    ck_assert_str_eq(place(groups, ROOT V2, "pids", true), "/sys/fs/cgroup/user.slice/user-1000.slice/session-3.scope");
    ck_assert_str_eq(place(groups, ROOT V2, "pids", false), "none");
    ck_assert_str_eq(place("0::/\n", ROOT V2, "pids", true), "/sys/fs/cgroup");
}
END_TEST

START_TEST(of_v1_and_a_hybrid)
{
    const char *groups = "12:cpu,cpuacct:/a\n8:pids:/user.slice\n3:name=pids:/x\n0::/u\n";
    ck_assert_str_eq(place(groups, ROOT TREES UNIFIED, "pids", false), "/sys/fs/cgroup/pids/user.slice");
    ck_assert_str_eq(place(groups, ROOT TREES UNIFIED, "cpuacct", false), "/sys/fs/cgroup/cpu,cpuacct/a");
    ck_assert_str_eq(place(groups, ROOT TREES UNIFIED, "pids", true), "/sys/fs/cgroup/unified/u");
    ck_assert_str_eq(place(groups, ROOT TREES UNIFIED, "cpu", false), "/sys/fs/cgroup/cpu,cpuacct/a");
    ck_assert_str_eq(place(groups, ROOT TREES UNIFIED, "acct", false), "none");
}
END_TEST

/* A container sees its part of a tree at the mount point, by the path that the host knows or by "/". */
START_TEST(of_a_part_of_the_tree)
{
    const char *mounts = ROOT "61 60 0:36 /docker/4f /sys/fs/cgroup/pids ro - cgroup cgroup rw,pids\n";
    ck_assert_str_eq(place("8:pids:/docker/4f\n", mounts, "pids", false), "/sys/fs/cgroup/pids");
    ck_assert_str_eq(place("8:pids:/docker/4f/a\n", mounts, "pids", false), "/sys/fs/cgroup/pids/a");
    ck_assert_str_eq(place("8:pids:/elsewhere\n", mounts, "pids", false), "none");
}
END_TEST

START_TEST(of_texts_that_are_none)
{
    ck_assert_str_eq(place("", "", "pids", true), "none");
    ck_assert_str_eq(place("0::/a", ROOT, "pids", true), "none");
    ck_assert_str_eq(place("0::\n::\n:", " - \n - cgroup2\n", "pids", true), "none");
}
END_TEST

/* 77: none can be made here. */
static int make_with(struct cgroup *group, const char *controller)
{
    *group = CGROUP_NONE;
    int rc = cgroup_make(group, controller, "proclab-test");
    return rc == -ENOTSUP || rc == -EACCES || rc == -EROFS ? 77 : rc < 0 ? 1 : 0;
}

static int make(struct cgroup *group)
{
    return make_with(group, "pids");
}

/* A test is a subreaper: its guard is its child, and ends when it has cleaned up. */
static void reap_guard(void)
{
    while (waitpid(-1, NULL, 0) > 0)
        continue;
}

START_TEST(limits_and_does_not_stay)
{
    struct cgroup group;
    int made = make(&group), status;
    char text[64], pid[16];
    if (made == 77)
        skip_test("no cgroup may be made here: needs root");
    ck_assert_int_eq(made, 0);
    pid_t child = fork();
    if (child == 0) {
        snprintf(pid, sizeof pid, "%d", getpid());
        if (cgroup_write(&group, "pids.max", "1") < 0 || cgroup_write(&group, "cgroup.procs", pid) < 0)
            _exit(1);
        pid_t grandchild = fork();
        if (grandchild == 0)
            _exit(0);
        _exit(grandchild < 0 && errno == EAGAIN ? 0 : 2);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(cgroup_read(&group, "pids.events", text, sizeof text), 0);
    ck_assert_int_eq(strncmp(text, "max 1", 5), 0);
    ck_assert_int_eq(cgroup_write(&group, "no-such-file", "1") < 0, 1);
    char dir[sizeof group.dir];
    strcpy(dir, group.dir);
    cgroup_end(&group);
    ck_assert_int_ne(access(dir, F_OK), 0);
    reap_guard();
}
END_TEST

START_TEST(is_removed_when_its_maker_is_killed)
{
    int ends[2], status;
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        struct cgroup group;
        int made = make(&group);
        if (made != 0 || write(ends[1], group.dir, sizeof group.dir) < 0)
            _exit(made);
        raise(SIGKILL);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        skip_test("no cgroup may be made here: needs root");
    struct cgroup group;
    ck_assert_int_eq(read(ends[0], group.dir, sizeof group.dir), sizeof group.dir);
    reap_guard();
    ck_assert_int_ne(access(group.dir, F_OK), 0);
}
END_TEST

/* In a group that may take 64 MiB: less than that is left, and still less when 16 MiB of it are taken. */
START_TEST(room_is_what_a_limit_leaves)
{
    enum { MIB = 1 << 20 };
    struct cgroup group;
    int made = make_with(&group, "memory"), status;
    char pid[16];
    if (made == 77)
        skip_test("no memory cgroup may be made here: needs root");
    ck_assert_int_eq(made, 0);
    pid_t child = fork();
    if (child == 0) {
        uint64_t before, after;
        bool v1 = cgroup_write(&group, "memory.limit_in_bytes", "67108864") == 0;
        snprintf(pid, sizeof pid, "%d", getpid());
        if ((!v1 && cgroup_write(&group, "memory.max", "67108864") < 0) ||
            cgroup_write(&group, "cgroup.procs", pid) < 0)
            _exit(1);
        if (cgroup_memory_room(&before) < 0)
            _exit(2);
        char *taken = mmap(NULL, 16 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
        if (taken == MAP_FAILED || cgroup_memory_room(&after) < 0)
            _exit(3);
        _exit(before > 64 * MIB || before < 32 * MIB || after > before - 15 * MIB ? 4 : 0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    cgroup_end(&group);
    reap_guard();
}
END_TEST

static pid_t gone(void)
{
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    waitpid(child, NULL, 0);
    return child;
}

START_TEST(sweeps_those_whose_maker_is_gone)
{
    struct cgroup group;
    char stale[700], dir[sizeof group.dir];
    int made = make(&group);
    if (made == 77)
        skip_test("no cgroup may be made here: needs root");
    ck_assert_int_eq(made, 0);
    snprintf(dir, sizeof dir, "%.*s", (int)(strrchr(group.dir, '-') - group.dir), group.dir);
    cgroup_end(&group);
    snprintf(stale, sizeof stale, "%s-%d", dir, gone());
    ck_assert_int_eq(mkdir(stale, 0755), 0);
    ck_assert_int_eq(make(&group), 0);
    ck_assert_int_ne(access(stale, F_OK), 0);
    cgroup_end(&group);
    reap_guard();
}
END_TEST

int main(void)
{
    const struct testing tests[] = {
        TEST(of_v2),
        TEST(of_v1_and_a_hybrid),
        TEST(of_a_part_of_the_tree),
        TEST(of_texts_that_are_none),
        TEST(limits_and_does_not_stay),
        TEST(room_is_what_a_limit_leaves),
        TEST(is_removed_when_its_maker_is_killed),
        TEST(sweeps_those_whose_maker_is_gone),
        { 0 },
    };
    return run_tests("cgroup", tests);
}
