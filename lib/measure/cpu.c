/* cpu.c - on which CPU it is measured. A number above CPU_SETSIZE (1024) is none that cpu_set_t has a place for. */
#include <errno.h>
#include <sched.h>

#include "measure/measure.h"

int measure_cpus(int *out, size_t max)
{
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) < 0)
        return -errno;
    int n = 0;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET((size_t)cpu, &allowed))
            continue;
        if ((size_t)n < max)
            out[n] = cpu;
        n++;
    }
    return n;
}

int measure_pin(int cpu, cpu_set_t *before)
{
    cpu_set_t one;
    if (cpu < 0 || cpu >= CPU_SETSIZE)
        return -EINVAL;
    if (before != NULL && sched_getaffinity(0, sizeof *before, before) < 0)
        return -errno;
    CPU_ZERO(&one);
    CPU_SET((size_t)cpu, &one);
    return sched_setaffinity(0, sizeof one, &one) < 0 ? -errno : 0;
}

int measure_unpin(const cpu_set_t *before)
{
    return sched_setaffinity(0, sizeof *before, before) < 0 ? -errno : 0;
}
