/* machine.c - what the numbers depend on: a fingerprint of the machine, to stand beside them. */
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "measure/measure.h"

enum { LINE = 4096 }; /* the flags of a CPU are some 1500 characters */

/* The first line of the file, or with a label what stands behind "label : " in its first such line. False: there is none. */
static bool read_line(const char *path, const char *label, char out[LINE])
{
    FILE *file = fopen(path, "re");
    bool found = false;
    while (file != NULL && !found && fgets(out, LINE, file) != NULL)
        found = label == NULL || strncmp(out, label, strlen(label)) == 0;
    if (file != NULL)
        fclose(file);
    if (!found)
        return false;
    out[strcspn(out, "\n")] = '\0';
    const char *colon = label == NULL ? NULL : strchr(out, ':');
    if (colon != NULL)
        memmove(out, colon + 1 + strspn(colon + 1, " \t"), strlen(colon + 1 + strspn(colon + 1, " \t")) + 1);
    return true;
}

static bool has_word(const char *text, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = text; (at = strstr(at, word)) != NULL; at += length)
        if ((at == text || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
            return true;
    return false;
}

/* What stands in brackets: "always [madvise] never". */
static const char *chosen(char *text)
{
    char *from = strchr(text, '['), *to = strchr(text, ']');
    if (from == NULL || to == NULL || to < from)
        return "?";
    *to = '\0';
    return from + 1;
}

static const char *hardware_counters(void)
{
    struct perf_event_attr cycles = {
        .type = PERF_TYPE_HARDWARE,
        .size = sizeof cycles,
        .config = PERF_COUNT_HW_CPU_CYCLES,
        .exclude_kernel = 1,
        .exclude_hv = 1,
    };
    int fd = (int)syscall(SYS_perf_event_open, &cycles, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
    if (fd >= 0)
        close(fd);
    return fd >= 0 ? "yes" : errno == EACCES || errno == EPERM ? "not allowed" : "no";
}

struct measure_machine measure_machine_read(void)
{
    static char cpu[LINE], flags[LINE], meltdown[LINE], smt[LINE], thp[LINE], governor[LINE], clock[LINE];
    struct measure_machine machine = { "?", "?", "?", "?", "?", "?", "?", "?", hardware_counters() };
    if (read_line("/proc/cpuinfo", "model name", cpu))
        machine.cpu = cpu;
    if (read_line("/proc/cpuinfo", "flags", flags)) { /* of x86 */
        machine.guest = has_word(flags, "hypervisor") ? "yes" : "no";
        machine.pcid = has_word(flags, "pcid") ? "yes" : "no";
    }
    if (read_line("/sys/devices/system/cpu/vulnerabilities/meltdown", NULL, meltdown))
        machine.pti = strstr(meltdown, "PTI") != NULL ? "on" : "off";
    if (read_line("/sys/devices/system/cpu/smt/active", NULL, smt))
        machine.smt = *smt == '1' ? "on" : "off";
    if (read_line("/sys/kernel/mm/transparent_hugepage/enabled", NULL, thp))
        machine.thp = chosen(thp);
    if (read_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", NULL, governor))
        machine.governor = governor;
    if (read_line("/sys/devices/system/clocksource/clocksource0/current_clocksource", NULL, clock))
        machine.clock = clock;
    return machine;
}
