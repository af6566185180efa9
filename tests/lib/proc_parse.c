/* proc_parse.c - the parsers of lib/proc on texts: captured from a kernel (fixtures/), made up, and damaged. */
#include "testing.h"

#include <inttypes.h>
#include <stdint.h>

#include "proc/proc.h"
#include "proc/scan.h"

/* ---- every parser by one signature, on a copy that ends where the text ends: ASan sees a byte read beyond it ---- */

typedef int parser(const char *text, size_t len, void *out);
#define PARSER(FILE) \
    static int parse_##FILE(const char *text, size_t len, void *out) \
    { \
        return proc_##FILE##_parse(text, len, out); \
    }
PARSER(stat)
PARSER(brief)
PARSER(status)
PARSER(schedstat)
PARSER(syscall)
PARSER(fdinfo)
PARSER(meminfo)
PARSER(maps)
PARSER(smaps_rollup)

static int exact(parser *parse, const char *text, size_t len, void *out)
{
    char *copy = malloc(len ? len : 1);
    memcpy(copy, text, len);
    int r = parse(copy, len, out);
    free(copy);
    return r;
}

#define parse(FILE, text, out) exact(parse_##FILE, text, strlen(text), out)

struct fixture {
    char *text;
    size_t len;
};

static struct fixture load(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "fixtures/%s", name);
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "%s: %s", path, strerror(errno));
    struct fixture f = { malloc(1 << 16), 0 };
    f.len = fread(f.text, 1, (1 << 16) - 1, file);
    f.text[f.len] = '\0';
    fclose(file);
    return f;
}

static const struct kind {
    const char *fixture;
    parser *parse;
    size_t size;
    bool whole_only; /* one line: cut anywhere it is damaged. The others look like those of an older kernel */
} kinds[] = {
    { "stat.hostile-zombie", parse_stat, sizeof(struct proc_stat), true },
    { "stat.newline", parse_stat, sizeof(struct proc_stat), true },
    { "stat.kworker", parse_stat, sizeof(struct proc_stat), true },
    { "stat.hostile-zombie", parse_brief, sizeof(struct proc_brief), true },
    { "stat.newline", parse_brief, sizeof(struct proc_brief), true },
    { "stat.kworker", parse_brief, sizeof(struct proc_brief), true },
    { "status.newline", parse_status, sizeof(struct proc_status), false },
    { "schedstat", parse_schedstat, sizeof(struct proc_schedstat), true },
    { "syscall.read", parse_syscall, sizeof(struct proc_syscall), true },
    { "syscall.zombie", parse_syscall, sizeof(struct proc_syscall), true },
    { "fdinfo", parse_fdinfo, sizeof(struct proc_fdinfo), false },
    { "meminfo", parse_meminfo, sizeof(struct proc_meminfo), false },
    { "maps", parse_maps, sizeof(struct proc_maps), false },
    { "smaps", parse_maps, sizeof(struct proc_maps), false },
    { "smaps_rollup", parse_smaps_rollup, sizeof(struct proc_memory), false },
};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

/* Parses and checks that a failure leaves *out alone; frees what maps owns. */
static int parse_checked(const struct kind *kind, const char *text, size_t len)
{
    unsigned char out[sizeof(struct proc_status)], before[sizeof out];
    memset(before, 0xa5, sizeof before);
    memcpy(out, before, sizeof out);
    int r = exact(kind->parse, text, len, out);
    if (r < 0)
        ck_assert_int_eq(memcmp(out, before, sizeof out), 0);
    else if (kind->parse == parse_maps)
        proc_maps_free((struct proc_maps *)(void *)out);
    return r;
}

START_TEST(truncated_at_every_byte)
{
    for (int k = 0; k < N_KINDS; k++) {
        struct fixture f = load(kinds[k].fixture);
        for (size_t len = 0; len < f.len; len++) {
            bool at_line_end = len > 0 && f.text[len - 1] == '\n';
            int r = parse_checked(&kinds[k], f.text, len);
            if (kinds[k].whole_only || !at_line_end)
                ck_assert_msg(r == -EBADMSG, "%s cut at %zu: %d", kinds[k].fixture, len, r);
        }
        ck_assert_msg(parse_checked(&kinds[k], f.text, f.len) == 0, "%s, whole", kinds[k].fixture);
        free(f.text);
    }
}
END_TEST

START_TEST(garbage)
{
    static const char *const texts[] = {
        "",
        "\n",
        " \n",
        ":\n",
        "\t\t\t\n",
        ")(\n",
        "1 (\n",
        "1 (a)\n",
        "1 a S 1\n",
        "(a) S\n",
        "running",
        "x running\n",
        "running late\n",
        "Rss: 1 kB\n",
        "Name:\n",
        "Name:\tx\n",
        "x-y r--p 0 0:0 0\n",
        "-\n",
        "0x\n",
        "0\n",
        "-1 0x\n",
        "1 2\n",
        "a 2 3\n",
        "1 -2 3\n",
        "pos: 1\n",
        "flags: 9\n",
        "flags:\n",
        "MemFree: x kB\n",
        "MemFree: 1\n",
    };
    for (int k = 0; k < N_KINDS; k++) {
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
            ck_assert_msg(parse_checked(&kinds[k], texts[i], strlen(texts[i])) == -EBADMSG, "%s accepts '%s'",
                          kinds[k].fixture, texts[i]);
        struct fixture f = load(kinds[k].fixture);
        f.text[f.len / 2] = '\0';
        ck_assert_msg(parse_checked(&kinds[k], f.text, f.len) == -EBADMSG, "%s accepts a NUL", kinds[k].fixture);
        free(f.text);
    }
}
END_TEST

START_TEST(damaged_bytes)
{
    unsigned seed = 4711;
    for (int k = 0; k < N_KINDS; k++) {
        struct fixture f = load(kinds[k].fixture);
        for (int i = 0; i < 2000; i++) {
            size_t at = (size_t)rand_r(&seed) % f.len;
            char was = f.text[at];
            f.text[at] = (char)rand_r(&seed);
            int r = parse_checked(&kinds[k], f.text, f.len);
            ck_assert(r == 0 || r == -EBADMSG);
            f.text[at] = was;
        }
        free(f.text);
    }
}
END_TEST

/* ---- stat ---- */

/* A stat whose field n holds 1000 + n. */
static int write_stat(char *out, size_t size, const char *comm, int last_field)
{
    int n = snprintf(out, size, "1001 (%s) S", comm);
    for (int field = 4; field <= last_field; field++)
        n += snprintf(out + n, size - (size_t)n, " %d", 1000 + field);
    return n + snprintf(out + n, size - (size_t)n, "\n");
}

static void check_numbers(const struct proc_stat *s)
{
    ck_assert_int_eq(s->pid, 1001);
    ck_assert_int_eq(s->state, 'S');
    ck_assert_int_eq(s->ppid, 1004);
    ck_assert_int_eq(s->pgrp, 1005);
    ck_assert_int_eq(s->session, 1006);
    ck_assert_int_eq(s->flags, 1009);
    ck_assert_int_eq(s->minflt, 1010);
    ck_assert_int_eq(s->majflt, 1012);
    ck_assert_int_eq(s->utime_ticks, 1014);
    ck_assert_int_eq(s->stime_ticks, 1015);
    ck_assert_int_eq(s->threads, 1020);
    ck_assert_int_eq(s->start_ticks, 1022);
    ck_assert_int_eq(s->vsize_bytes, 1023);
    ck_assert_int_eq(s->rss_pages, 1024);
    ck_assert_uint_eq(s->startcode, 1026);
    ck_assert_uint_eq(s->startstack, 1028);
    ck_assert_uint_eq(s->esp, 1029);
    ck_assert_uint_eq(s->eip, 1030);
    ck_assert_int_eq(s->processor, 1039);
    ck_assert_int_eq(s->exit_code, 1052);
}

static const char long_name[] = "kworker/u513:12-events_unbound_freezable_power_efficient_and_mor"; /* 64 */

START_TEST(stat_hostile_names)
{
    static const char *const names[] = {
        "sh",          ") Z 1 (",       ") R 1 (", "a) (b",           "(",       ")", "((", "))", "", " ", "a\nb", "\n",
        ") S 1\n1 (x", "\xff\xfe\xc3(", "a\tb",    ") Z 1 2 3 4 5 6", long_name,
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char text[2048];
        struct proc_stat s;
        int len = write_stat(text, sizeof text, names[i], 52);
        ck_assert_int_eq(parse(stat, text, &s), 0);
        ck_assert_str_eq(s.comm, names[i]);
        check_numbers(&s);
        for (int cut = 0; cut < len; cut++)
            ck_assert_int_eq(exact(parse_stat, text, (size_t)cut, &s), -EBADMSG);
    }
}
END_TEST

START_TEST(stat_name_too_long)
{
    char text[2048], name[80];
    struct proc_stat s;
    snprintf(name, sizeof name, "%sx", long_name);
    write_stat(text, sizeof text, name, 52);
    ck_assert_int_eq(parse(stat, text, &s), -EBADMSG);
}
END_TEST

START_TEST(stat_extra_fields)
{
    char text[2048];
    struct proc_stat s;
    write_stat(text, sizeof text, "sh", 60);
    ck_assert_int_eq(parse(stat, text, &s), 0);
    check_numbers(&s);
}
END_TEST

START_TEST(stat_of_older_kernels)
{
    for (int last = 3; last < 52; last++) {
        char text[2048];
        struct proc_stat s;
        write_stat(text, sizeof text, "sh", last);
        ck_assert_int_eq(parse(stat, text, &s), last < 24 ? -EBADMSG : 0);
        if (last < 24)
            continue;
        ck_assert_int_eq(s.rss_pages, 1024);
        ck_assert_uint_eq(s.startcode, last < 26 ? (uint64_t)PROC_NONE : 1026);
        ck_assert_uint_eq(s.eip, last < 30 ? (uint64_t)PROC_NONE : 1030);
        ck_assert_int_eq(s.processor, last < 39 ? PROC_NONE : 1039);
        ck_assert_int_eq(s.exit_code, PROC_NONE);
    }
}
END_TEST

/* A scan takes its few values from the same text, and is as hard to fool: a cut in the middle of a name looks like a stat. */
START_TEST(brief_of_stat)
{
    static const char *const names[] = { "sh", ") Z 1 (", "a\nb", ") S 1\n1 (x", ") S 1 2 3\n", ") S 1 2 3 4 5\n", "" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char text[2048];
        struct proc_brief s;
        int len = write_stat(text, sizeof text, names[i], 52);
        ck_assert_int_eq(parse(brief, text, &s), 0);
        ck_assert_str_eq(s.comm, names[i]);
        ck_assert(s.pid == 1001 && s.state == 'S' && s.ppid == 1004 && s.pgrp == 1005);
        for (int cut = 0; cut < len; cut++)
            ck_assert_int_eq(exact(parse_brief, text, (size_t)cut, &s), -EBADMSG);
    }
    for (int last = 3; last < 30; last++) {
        char text[2048];
        struct proc_brief s;
        write_stat(text, sizeof text, "sh", last);
        ck_assert_int_eq(parse(brief, text, &s), last < 24 ? -EBADMSG : 0);
    }
}
END_TEST

/* The stat above with one field replaced. */
static int parse_with(int field, const char *value, struct proc_stat *out)
{
    char text[4096];
    int n = snprintf(text, sizeof text, "%s (sh) %s", field == 1 ? value : "1001", field == 3 ? value : "S");
    for (int i = 4; i <= 52; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, " %s", i == field ? value : "7");
    snprintf(text + n, sizeof text - (size_t)n, "\n");
    return parse(stat, text, out);
}

START_TEST(stat_numbers)
{
    struct proc_stat s;
    for (int field = 1; field <= 52; field++) {
        if (field == 2)
            continue;
        ck_assert_int_eq(parse_with(field, "18446744073709551616", &s), -EBADMSG);
        ck_assert_int_eq(parse_with(field, "99999999999999999999999999999999", &s), -EBADMSG);
        ck_assert_int_eq(parse_with(field, "1x", &s), -EBADMSG);
        ck_assert_int_eq(parse_with(field, "-", &s), -EBADMSG);
        ck_assert_int_eq(parse_with(field, "0x10", &s), -EBADMSG);
        ck_assert_int_eq(parse_with(field, "+1", &s), -EBADMSG);
    }
    for (uint64_t value = 1; value < UINT64_C(1000000000000000000); value *= 10) { /* of each length, at its ends */
        char digits[32];
        for (uint64_t i = value - 1; i <= value + 1; i++) {
            snprintf(digits, sizeof digits, "%" PRIu64, i);
            ck_assert_int_eq(parse_with(10, digits, &s), 0);
            ck_assert_uint_eq((uint64_t)s.minflt, i);
        }
    }
    ck_assert_int_eq(parse_with(26, "01234567891234567891", &s), 0);
    ck_assert_uint_eq(s.startcode, UINT64_C(1234567891234567891));
    ck_assert_int_eq(parse_with(25, "18446744073709551615", &s), 0); /* rsslim without a limit */
    ck_assert_int_eq(parse_with(26, "18446744073709551615", &s), 0);
    ck_assert_uint_eq(s.startcode, UINT64_MAX);
    ck_assert_int_eq(parse_with(10, "9223372036854775807", &s), 0);
    ck_assert_int_eq(s.minflt, INT64_MAX);
    ck_assert_int_eq(parse_with(10, "9223372036854775808", &s), -EBADMSG);
    ck_assert_int_eq(parse_with(4, "2147483647", &s), 0);
    ck_assert_int_eq(parse_with(4, "2147483648", &s), -EBADMSG);
    ck_assert_int_eq(parse_with(5, "-1", &s), 0);
    ck_assert_int_eq(s.pgrp, -1);
    ck_assert_int_eq(parse_with(5, "-2", &s), -EBADMSG);
    ck_assert_int_eq(parse_with(10, "-1", &s), -EBADMSG);
    ck_assert_int_eq(parse_with(52, "-1", &s), 0);
    ck_assert_int_eq(s.exit_code, -1);
    ck_assert_int_eq(parse_with(52, "-9223372036854775808", &s), -EBADMSG);
    ck_assert_int_eq(parse_with(28, "-1", &s), -EBADMSG);
    ck_assert_int_eq(parse_with(3, "1", &s), -EBADMSG);
}
END_TEST

START_TEST(stat_captured)
{
    static const struct {
        const char *file, *comm;
        char state;
    } expected[] = {
        { "stat.hostile-zombie", ") Z 1 (", 'S' },
        { "stat.hostile-running", ") R 1 (", 'S' },
        { "stat.newline", "a\nb", 'S' },
        { "stat.invalid-utf8", "\xff\xfe\xc3(", 'S' },
        { "stat.empty", "", 'S' },
        { "stat.backslash", "a\\n\\", 'S' },
        { "stat.zombie", ") R 1 (", 'Z' },
        { "stat.kworker", "kworker/0:0-events_power_efficient", 'I' },
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        struct fixture f = load(expected[i].file);
        struct proc_stat s;
        ck_assert_int_eq(exact(parse_stat, f.text, f.len, &s), 0);
        ck_assert_str_eq(s.comm, expected[i].comm);
        ck_assert_int_eq(s.state, expected[i].state);
        ck_assert_int_eq(s.threads, 1);
        ck_assert_int_eq(s.vsize_bytes != 0, expected[i].state == 'S');
        free(f.text);
    }
}
END_TEST

/* ---- status ---- */

START_TEST(status_captured)
{
    static const struct {
        const char *file, *name;
        char state;
    } expected[] = {
        { "status.hostile-zombie", ") Z 1 (", 'S' },
        { "status.hostile-running", ") R 1 (", 'S' },
        { "status.newline", "a\nb", 'S' },
        { "status.invalid-utf8", "\xff\xfe\xc3(", 'S' },
        { "status.empty", "", 'S' },
        { "status.backslash", "a\\n\\", 'S' },
        { "status.zombie", ") R 1 (", 'Z' },
        { "status.kworker", "kworker/0:0-events_power_efficient", 'I' },
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        struct fixture f = load(expected[i].file);
        struct proc_status s;
        ck_assert_int_eq(exact(parse_status, f.text, f.len, &s), 0);
        ck_assert_str_eq(s.name, expected[i].name);
        ck_assert_int_eq(s.state, expected[i].state);
        ck_assert_int_eq(s.threads, 1);
        ck_assert_int_eq(s.vm_size_kib != PROC_NONE, expected[i].state == 'S');
        ck_assert_int_eq(s.vm_pte_kib != PROC_NONE, expected[i].state == 'S');
        free(f.text);
    }
}
END_TEST

static const char full_status[] =
    "Name:\t \tx\\\\n\\n\\q\nUmask:\t0022\nState:\tt (tracing stop)\nTgid:\t1\nNgid:\t0\nPid:\t2\nPPid:\t3\n"
    "TracerPid:\t4\n"
    "Uid:\t10\t11\t12\t4294967295\nGid:\t20\t21\t22\t23\nFDSize:\t64\nGroups:\t5 6 7 \nNStgid:\t1\nNSpid:\t2\t30\t1\n"
    "Kthread:\t0\nVmPeak:\t    1 kB\nVmSize:\t  100 kB\nVmLck:\t  101 kB\nVmRSS:\t  102 kB\nRssAnon:\t  103 kB\n"
    "VmPTE:\t  104 kB\nThreads:\t9\nSigQ:\t0/1\nSigPnd:\t0000000000000001\nShdPnd:\t0000000000000002\n"
    "SigBlk:\t0000000000000004\nSigIgn:\t8000000000000000\nSigCgt:\tffffffffffffffff\nCapInh:\t0000000000000010\n"
    "CapPrm:\t0000000000000020\nCapEff:\t0000000000000040\nCapBnd:\t000001ffffffffff\nCapAmb:\t0000000000000080\n"
    "NoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t77\nCpus_allowed:\t3\nvoluntary_ctxt_switches:\t70\n"
    "nonvoluntary_ctxt_switches:\t71\nx86_Thread_features:\t\nof the future\n";

START_TEST(status_every_line)
{
    struct proc_status s;
    ck_assert_int_eq(parse(status, full_status, &s), 0);
    ck_assert_str_eq(s.name, " \tx\\n\n\\q");
    ck_assert_int_eq(s.state, 't');
    ck_assert(s.tgid == 1 && s.pid == 2 && s.ppid == 3 && s.tracer_pid == 4);
    for (int i = 0; i < 3; i++)
        ck_assert(s.uid[i] == 10 + i && s.gid[i] == 20 + i);
    ck_assert(s.uid[3] == 4294967295 && s.gid[3] == 23);
    ck_assert(s.n_groups == 3 && s.groups[0] == 5 && s.groups[1] == 6 && s.groups[2] == 7 && s.groups[3] == PROC_NONE);
    ck_assert(s.n_nspid == 3 && s.nspid[0] == 2 && s.nspid[1] == 30 && s.nspid[2] == 1);
    ck_assert(s.vm_size_kib == 100 && s.vm_lck_kib == 101 && s.vm_rss_kib == 102 && s.rss_anon_kib == 103);
    ck_assert(s.vm_pte_kib == 104 && s.threads == 9);
    ck_assert(s.sig_pnd == 1 && s.shd_pnd == 2 && s.sig_blk == 4 && s.sig_ign == UINT64_C(1) << 63);
    ck_assert(s.sig_cgt == UINT64_MAX && s.cap_inh == 0x10 && s.cap_prm == 0x20 && s.cap_eff == 0x40);
    ck_assert(s.cap_bnd == 0x1ffffffffff && s.cap_amb == 0x80 && s.no_new_privs == 1 && s.seccomp == 2);
    ck_assert(s.voluntary_ctxt_switches == 70 && s.nonvoluntary_ctxt_switches == 71);
}
END_TEST

/* Each line taken out: known ones are PROC_NONE, name, state and Pid must be there. */
START_TEST(status_of_older_kernels)
{
    for (const char *line = full_status; *line; line = strchr(line, '\n') + 1) {
        char text[sizeof full_status];
        size_t before = (size_t)(line - full_status);
        memcpy(text, full_status, before);
        strcpy(text + before, strchr(line, '\n') + 1);
        bool needed = !strncmp(line, "Name:", 5) || !strncmp(line, "State:", 6) || !strncmp(line, "Pid:", 4);
        struct proc_status s;
        ck_assert_msg(parse(status, text, &s) == (needed ? -EBADMSG : 0), "without %.9s", line);
    }
    struct proc_status s;
    ck_assert_int_eq(parse(status, "Name:\tx\nState:\tR\nPid:\t1\n", &s), 0);
    ck_assert(s.tgid == PROC_NONE && s.ppid == PROC_NONE && s.tracer_pid == PROC_NONE && s.uid[3] == PROC_NONE);
    ck_assert(s.n_groups == 0 && s.n_nspid == 0 && s.vm_size_kib == PROC_NONE && s.threads == PROC_NONE);
    ck_assert(s.sig_cgt == (uint64_t)PROC_NONE && s.cap_amb == (uint64_t)PROC_NONE && s.seccomp == PROC_NONE);
}
END_TEST

/* Every line with a value it cannot have. */
START_TEST(status_wrong_values)
{
    static const char *const lines[] = {
        "Name:\taaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "State:\t",
        "State:\t1",
        "Tgid:\t",
        "Pid:\t2147483648",
        "PPid:\tx",
        "TracerPid:\t1a",
        "Uid:\t1\t2\t3",
        "Gid:\t1\t2\t3\tx",
        "Groups:\t1 x",
        "Groups:\t99999999999999999999",
        "NSpid:\t1\tx",
        "VmSize:\t1",
        "VmSize:\t1 MB",
        "VmLck:\t-1 kB",
        "VmRSS:\tkB",
        "RssAnon:\t9223372036854775808 kB",
        "VmPTE:\t1 kBx",
        "Threads:\t1.5",
        "SigPnd:\t10000000000000000",
        "SigCgt:\tg",
        "CapEff:\t",
        "NoNewPrivs:\tyes",
        "Seccomp:\t-1",
        "voluntary_ctxt_switches:\t18446744073709551616",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char text[4096];
        struct proc_status s;
        snprintf(text, sizeof text, "%s%s\n", i == 0 ? "" : full_status, lines[i]);
        if (i == 0)
            strcat(text, strchr(full_status, '\n') + 1);
        ck_assert_msg(parse(status, text, &s) == -EBADMSG, "accepts %s", lines[i]);
    }
}
END_TEST

START_TEST(status_many_groups)
{
    char *text = malloc(1 << 20);
    int n = sprintf(text, "Name:\tx\nState:\tR (running)\nPid:\t1\nGroups:\t");
    for (int i = 0; i < 1000; i++)
        n += sprintf(text + n, "%d ", 4000000 + i);
    sprintf(text + n, "\n");
    struct proc_status s;
    ck_assert_int_eq(parse(status, text, &s), 0);
    ck_assert_uint_eq(s.n_groups, 1000);
    for (int i = 0; i < PROC_GROUPS; i++)
        ck_assert_int_eq(s.groups[i], 4000000 + i);
    free(text);
}
END_TEST

START_TEST(status_deep_namespaces)
{
    for (int depth = 1; depth <= PROC_NS_DEPTH + 1; depth++) {
        char text[2048];
        int n = sprintf(text, "Name:\tx\nState:\tR (running)\nPid:\t1\nNSpid:");
        for (int i = 0; i < depth; i++)
            n += sprintf(text + n, "\t%d", 100 + i);
        sprintf(text + n, "\n");
        struct proc_status s;
        ck_assert_int_eq(parse(status, text, &s), depth <= PROC_NS_DEPTH ? 0 : -EBADMSG);
        if (depth <= PROC_NS_DEPTH)
            ck_assert(s.n_nspid == (size_t)depth && s.nspid[depth - 1] == 99 + depth);
    }
}
END_TEST

/* ---- the short ones ---- */

START_TEST(schedstat_values)
{
    struct proc_schedstat s;
    ck_assert_int_eq(parse(schedstat, "1 22 333\n", &s), 0);
    ck_assert(s.run_ns == 1 && s.wait_ns == 22 && s.slices == 333);
    ck_assert_int_eq(parse(schedstat, "9223372036854775807 0 0 4 5\nmore\n", &s), 0);
    ck_assert(s.run_ns == INT64_MAX);
    ck_assert_int_eq(parse(schedstat, "9223372036854775808 0 0\n", &s), -EBADMSG);
}
END_TEST

START_TEST(syscall_values)
{
    struct proc_syscall s;
    ck_assert_int_eq(parse(syscall, "running\n", &s), 0);
    ck_assert(s.running && s.nr == PROC_NONE);
    ck_assert_int_eq(parse(syscall, "-1 0x7ffe 0x7f08\n", &s), 0);
    ck_assert(!s.running && s.nr == -1 && s.sp == 0x7ffe && s.pc == 0x7f08);
    ck_assert_int_eq(parse(syscall, "202 0x1 0x2 0x3 0x4 0x5 0xffffffffffffffff 0x7 0x8\n", &s), 0);
    ck_assert(!s.running && s.nr == 202 && s.sp == 7 && s.pc == 8 && s.args[5] == UINT64_MAX);
    for (unsigned i = 0; i < 5; i++)
        ck_assert_uint_eq(s.args[i], i + 1);
    ck_assert_int_eq(parse(syscall, "202 0x1 0x2 0x3 0x4 0x5 0x10000000000000000 0x7 0x8\n", &s), -EBADMSG);
    ck_assert_int_eq(parse(syscall, "202 0x1 0x2 0x3 0x4 0x5 6 0x7 0x8\n", &s), -EBADMSG);
    ck_assert_int_eq(parse(syscall, "202 0x1 0x2\n", &s), -EBADMSG);
}
END_TEST

START_TEST(fdinfo_values)
{
    struct proc_fdinfo s;
    ck_assert_int_eq(parse(fdinfo, "pos:\t4846\nflags:\t0100001\nmnt_id:\t27\nino:\t10952789\nlock:\t1: x\n", &s), 0);
    ck_assert(s.pos_bytes == 4846 && s.flags == 0100001 && s.mnt_id == 27 && s.ino == 10952789 && s.pid == PROC_NONE);
    ck_assert_int_eq(parse(fdinfo, "pos:\t0\nflags:\t02\nPid:\t4711\nNSpid:\t4711\n", &s), 0); /* a pidfd */
    ck_assert_int_eq(s.pid, 4711);
    ck_assert_int_eq(parse(fdinfo, "pos:\t0\nflags:\t02\nPid:\t-1\nNSpid:\t-1\n", &s), 0); /* its process was reaped */
    ck_assert_int_eq(s.pid, PROC_NONE);
    ck_assert_int_eq(parse(fdinfo, "pos:\t-1\nflags:\t02\n", &s), 0); /* a Linux before 3.15 */
    ck_assert(s.pos_bytes == -1 && s.flags == 02 && s.mnt_id == PROC_NONE && s.ino == PROC_NONE);
    ck_assert_int_eq(parse(fdinfo, "pos:\t-9223372036854775808\nflags:\t02\n", &s), -EBADMSG);
    ck_assert_int_eq(parse(fdinfo, "pos:\t- 1\nflags:\t02\n", &s), -EBADMSG);
    ck_assert_int_eq(parse(fdinfo, "pos:\t0\nflags:\t0108\n", &s), -EBADMSG);
    ck_assert_int_eq(parse(fdinfo, "pos:\t0\nflags:\t02\nino:\t-1\n", &s), -EBADMSG);
    struct fixture f = load("fdinfo");
    ck_assert_int_eq(exact(parse_fdinfo, f.text, f.len, &s), 0);
    ck_assert(s.pos_bytes == 1234);
    ck_assert_int_eq(s.flags, O_RDWR | O_APPEND | O_CLOEXEC | 0100000); /* what the kernel calls O_LARGEFILE */
    free(f.text);
}
END_TEST

START_TEST(meminfo_values)
{
    struct proc_meminfo s;
    ck_assert_int_eq(parse(meminfo,
                           "MemTotal: 9 kB\nMemFree:   1 kB\nMemAvailable:   2 kB\nSlab:  3 kB\n"
                           "KernelStack:  4 kB\nPageTables:   5 kB\nSecPageTables: 6 kB\nHuge: 0\n",
                           &s),
                     0);
    ck_assert(s.free_kib == 1 && s.available_kib == 2 && s.slab_kib == 3 && s.kernel_stack_kib == 4);
    ck_assert_int_eq(s.page_tables_kib, 5);
    ck_assert_int_eq(parse(meminfo, "MemFree:   1 kB\n", &s), 0);
    ck_assert(s.available_kib == PROC_NONE && s.slab_kib == PROC_NONE && s.kernel_stack_kib == PROC_NONE);
    ck_assert_int_eq(parse(meminfo, "MemTotal: 9 kB\n", &s), -EBADMSG);
    ck_assert_int_eq(parse(meminfo, "MemFree: 99999999999999999999 kB\n", &s), -EBADMSG);
}
END_TEST

/* ---- maps, smaps ---- */

START_TEST(maps_captured)
{
    static const struct {
        const char *path;
        uintptr_t start;
    } expected[] = {
        { "/dev/shm/odd-mapper", 0x55b2e1dfd000 },
        { "", 0x7fde4e7d2000 },
        { "/dev/shm/maps fixture/\xff) (\xfe", 0x7fde4e812000 },
        { "/dev/shm/maps fixture/back\\slash\\012", 0x7fde4e9fa000 },
        { "/dev/shm/maps fixture/not gone (deleted)", 0x7fde4e9fc000 },
        { "/dev/shm/maps fixture/gone (deleted)", 0x7fde4e9fe000 },
        { "/dev/shm/maps fixture/new\\012line", 0x7fde4ea00000 },
        { "/dev/shm/maps fixture/two  spaces", 0x7fde4ea02000 },
        { "[stack]", 0x7ffcca247000 },
        { "[vsyscall]", 0xffffffffff600000 },
    };
    static const char *const files[] = { "maps", "smaps" };
    for (int file = 0; file < 2; file++) {
        struct fixture f = load(files[file]);
        struct proc_maps maps;
        ck_assert_int_eq(exact(parse_maps, f.text, f.len, &maps), 0);
        ck_assert_uint_eq(maps.n, 30);
        for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
            const struct proc_map *map = proc_maps_find(&maps, (void *)expected[i].start);
            ck_assert_ptr_nonnull(map);
            ck_assert_uint_eq(map->start, expected[i].start);
            ck_assert_str_eq(map->path, expected[i].path);
            ck_assert_int_eq(map->memory.rss_kib == PROC_NONE, file == 0 ? 1 : 0);
        }
        const struct proc_map *map = proc_maps_find(&maps, (void *)0x7fde4e813fff);
        ck_assert(map->end == 0x7fde4e814000 && map->offset_bytes == 0x1000 && map->inode == 10);
        ck_assert(map->dev_major == 0 && map->dev_minor == 0x1b);
        ck_assert_str_eq(map->perms, "rw-s");
        ck_assert_ptr_null(proc_maps_find(&maps, (void *)0x7fde4e9f9000)); /* a hole */
        ck_assert_ptr_null(proc_maps_find(&maps, NULL));
        ck_assert_ptr_null(proc_maps_find(&maps, (void *)UINTPTR_MAX));
        proc_maps_free(&maps);
        ck_assert(maps.map == NULL && maps.n == 0 && maps.text == NULL);
        ck_assert_ptr_null(proc_maps_find(&maps, NULL));
        free(f.text);
    }
}
END_TEST

START_TEST(maps_lines)
{
    static const struct {
        const char *line;
        bool good;
    } lines[] = {
        { "1000-2000 r--p 00000000 00:00 0 ", true },
        { "1000-2000 rwxs ffffffffffffffff ffffffff:ffffffff 18446744073709551615     /a", true },
        { "0-ffffffffffffffff ---p 00000000 00:00 0", true },
        { "2000-1000 r--p 00000000 00:00 0 ", false },
        { "1000-1000 r--p 00000000 00:00 0 ", false },
        { "1000-2000 r--q 00000000 00:00 0 ", false },
        { "1000-2000 r-- 00000000 00:00 0 ", false },
        { "1000-2000 r--pp 00000000 00:00 0 ", false },
        { "1000-2000  r--p 00000000 00:00 0 ", false },
        { "1000-10000000000000000 r--p 00000000 00:00 0 ", false },
        { "1000-2000 r--p 00000000 00:0", false },
        { "1000-2000 r--p 00000000 00:00 0/path", false },
        { "1000-2000 r--p 00000000 00:00 18446744073709551616 ", false },
        { "1000-2000 r--p 00000000 100000000:00 0 ", false },
        { "1000 r--p 00000000 00:00 0 ", false },
        { "Rss:  4 kB", false },
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char text[256];
        struct proc_maps maps;
        snprintf(text, sizeof text, "%s\n", lines[i].line);
        int r = parse(maps, text, &maps);
        ck_assert_msg(r == (lines[i].good ? 0 : -EBADMSG), "%s: %d", lines[i].line, r);
        if (r == 0)
            proc_maps_free(&maps);
    }
}
END_TEST

START_TEST(maps_order)
{
    struct proc_maps maps;
    ck_assert_int_eq(parse(maps, "1000-2000 r--p 0 0:0 0\n2000-3000 r--p 0 0:0 0\n", &maps), 0);
    proc_maps_free(&maps);
    /* As of a process that joins what was three mappings while the list is written. */
    ck_assert_int_eq(parse(maps, "1000-2000 r--p 0 0:0 0\n2000-3000 ---p 0 0:0 0\n1000-5000 r--p 0 0:0 0\n", &maps), 0);
    ck_assert_uint_eq(proc_maps_find(&maps, (void *)0x1000)->end, 0x2000);
    ck_assert_uint_eq(proc_maps_find(&maps, (void *)0x3000)->end, 0x5000);
    proc_maps_free(&maps);
    ck_assert_int_eq(parse(maps, "1000-2000 r--p 0 0:0 0\n1000-2000 r--p 0 0:0 0\n", &maps), -EBADMSG);
    ck_assert_int_eq(parse(maps, "2000-3000 r--p 0 0:0 0\n1000-2000 r--p 0 0:0 0\n", &maps), -EBADMSG);
}
END_TEST

START_TEST(maps_thousands)
{
    enum { N = 70000 };
    char *text = malloc((size_t)N * 64);
    size_t len = 0;
    for (unsigned long i = 1; i <= N; i++)
        len += (size_t)sprintf(text + len, "%lx000-%lx000 rw-p 00000000 00:00 0   /file %lu\n", 2 * i, 2 * i + 1, i);
    struct proc_maps maps;
    ck_assert_int_eq(exact(parse_maps, text, len, &maps), 0);
    ck_assert_uint_eq(maps.n, N);
    for (unsigned long i = 1; i <= N; i++) {
        char path[32];
        sprintf(path, "/file %lu", i);
        ck_assert_ptr_eq(proc_maps_find(&maps, (void *)((2 * i << 12) + 0xfff)), &maps.map[i - 1]);
        ck_assert_ptr_null(proc_maps_find(&maps, (void *)((2 * i + 1) << 12)));
        if (strcmp(maps.map[i - 1].path, path) != 0)
            ck_abort_msg("%s", maps.map[i - 1].path);
    }
    proc_maps_free(&maps);
    free(text);
}
END_TEST

static const char memory_lines[] =
    "Size:  99 kB\nRss:  1 kB\nPss:  2 kB\nPss_Dirty:  98 kB\nShared_Clean:  3 kB\nShared_Dirty:  4 kB\n"
    "Private_Clean:  5 kB\nPrivate_Dirty:  6 kB\nAnonymous:  7 kB\nAnonHugePages:  8 kB\nShared_Hugetlb:  97 kB\n"
    "Private_Hugetlb:  96 kB\nSwap:  9 kB\nSwapPss:  95 kB\nLocked:  10 kB\nTHPeligible:    0\nVmFlags: rd wr mr\n";

static void check_memory(const struct proc_memory *m)
{
    ck_assert(m->rss_kib == 1 && m->pss_kib == 2 && m->shared_clean_kib == 3 && m->shared_dirty_kib == 4);
    ck_assert(m->private_clean_kib == 5 && m->private_dirty_kib == 6 && m->anonymous_kib == 7);
    ck_assert(m->anon_huge_pages_kib == 8 && m->swap_kib == 9 && m->locked_kib == 10);
}

START_TEST(smaps_values)
{
    char text[2048];
    struct proc_maps maps;
    struct proc_memory memory;
    snprintf(text, sizeof text, "1000-2000 r--p 0 0:0 0\n%s2000-3000 rw-p 0 0:0 0 x: 1 kB\nRss: 5 kB\n", memory_lines);
    ck_assert_int_eq(parse(maps, text, &maps), 0);
    ck_assert_uint_eq(maps.n, 2);
    check_memory(&maps.map[0].memory);
    ck_assert(maps.map[1].memory.rss_kib == 5 && maps.map[1].memory.pss_kib == PROC_NONE);
    ck_assert_str_eq(maps.map[1].path, "x: 1 kB");
    proc_maps_free(&maps);
    ck_assert_int_eq(parse(maps, "1000-2000 r--p 0 0:0 0\nRss: 4\n", &maps), -EBADMSG);
    ck_assert_int_eq(parse(maps, "1000-2000 r--p 0 0:0 0\nnot a line\n", &maps), -EBADMSG);

    snprintf(text, sizeof text, "1000-3000 ---p 00000000 00:00 0                    [rollup]\n%s", memory_lines);
    ck_assert_int_eq(parse(smaps_rollup, text, &memory), 0);
    check_memory(&memory);
    ck_assert_int_eq(parse(smaps_rollup, memory_lines, &memory), -EBADMSG);
    ck_assert_int_eq(parse(smaps_rollup, "1000-3000 ---p 0 00:00 0 [rollup]\nPss: 1 kB\n", &memory), -EBADMSG);
    ck_assert_int_eq(parse(smaps_rollup, "1000-3000 ---p 0 00:00 0 [rollup]\nRss: 1 kB\nPss: kB\n", &memory), -EBADMSG);
    ck_assert_int_eq(parse(smaps_rollup, "1000-3000 ---p 0 00:00 0 [rollup]\nRss: 1 kB\n", &memory), 0);
    ck_assert(memory.rss_kib == 1 && memory.pss_kib == PROC_NONE && memory.locked_kib == PROC_NONE);
}
END_TEST

int main(void)
{
    const struct testing tests[] = {
        TEST(truncated_at_every_byte),
        TEST(garbage),
        TEST(damaged_bytes),
        TEST(stat_hostile_names),
        TEST(stat_name_too_long),
        TEST(stat_extra_fields),
        TEST(stat_of_older_kernels),
        TEST(stat_numbers),
        TEST(brief_of_stat),
        TEST(stat_captured),
        TEST(status_captured),
        TEST(status_every_line),
        TEST(status_of_older_kernels),
        TEST(status_wrong_values),
        TEST(status_many_groups),
        TEST(status_deep_namespaces),
        TEST(schedstat_values),
        TEST(syscall_values),
        TEST(fdinfo_values),
        TEST(meminfo_values),
        TEST(maps_captured),
        TEST(maps_lines),
        TEST(maps_order),
        TEST(maps_thousands),
        TEST(smaps_values),
        { 0 },
    };
    return run_tests("proc.parse", tests);
}
