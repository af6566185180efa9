/* instance.c - a tracefs instance: a directory that has buffers and switches of its own. */
#include "kernel/instance.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kernel/format.h"
#include "proc/proc.h"
#include "sync/deadline.h"

int kernel_error(int error)
{
    switch (error) {
    case ENOENT: /* a file that this kernel does not have */
        return -ENOTSUP;
    case EPERM: /* lockdown(7) */
    case EROFS: /* /sys of a container */
        return -EACCES;
    default:
        return -(error > 0 ? error : EIO);
    }
}

/* Tracefs knows the PIDs of the first PID namespace only: in another one we do not even know our own. Its inode
 * number is fixed (PROC_PID_INIT_INO). */
static bool in_first_pid_namespace(void)
{
    char name[32] = "";
    return readlink("/proc/self/ns/pid", name, sizeof name - 1) > 0 && strcmp(name, "pid:[4026531836]") == 0;
}

int kernel_tracefs(const char **dir)
{
    static const char *const places[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };
    if (!in_first_pid_namespace())
        return -ENOTSUP;
    int rc = -ENOTSUP;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char path[64];
        snprintf(path, sizeof path, "%s/instances", places[i]);
        if (faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS) == 0) {
            *dir = places[i];
            tracefs_set_loglevel(TEP_LOG_NONE); /* it would write to stderr */
            return tracefs_set_tracing_dir((char *)places[i]) == 0 ? 0 : -ENOMEM;
        }
        if (errno != ENOENT)
            rc = kernel_error(errno);
    }
    return rc;
}

static int put(struct tracefs_instance *instance, const char *file, const char *text)
{
    errno = 0;
    return tracefs_instance_file_write(instance, file, text) < 0 ? kernel_error(errno) : 0;
}

int kernel_instance_make(struct tracefs_instance **instance, const char *name)
{
    errno = 0;
    *instance = tracefs_instance_create(name);
    if (*instance == NULL)
        return kernel_error(errno);
    if (!tracefs_instance_is_new(*instance))
        return -EEXIST;
    int rc = put(*instance, "tracing_on", "0");
    if (rc == 0)
        rc = put(*instance, "trace_clock", "mono"); /* empties the buffers, too */
    return rc;
}

int kernel_instance_follow(struct tracefs_instance *instance, pid_t pid)
{
    char number[16];
    snprintf(number, sizeof number, "%d", pid);
    int rc = put(instance, "options/event-fork", "1");
    return rc < 0 ? rc : put(instance, "set_event_pid", number);
}

int kernel_instance_enable(struct tracefs_instance *instance, unsigned kinds)
{
    int rc = 0;
    for (enum kernel_kind kind = 0; kind < KERNEL_N_KINDS && rc == 0; kind++) {
        char file[96];
        snprintf(file, sizeof file, "events/%s/%s/enable", kernel_system(kind), kernel_name(kind));
        if (kinds & 1U << kind)
            rc = put(instance, file, "1");
    }
    return rc;
}

int kernel_instance_switch(struct tracefs_instance *instance, bool on)
{
    return put(instance, "tracing_on", on ? "1" : "0");
}

/* It is busy while a file of it is open; children of a demo may have one for a moment. */
void kernel_instance_remove(const char *path)
{
    int64_t deadline = sync_deadline();
    for (long nap = 0; rmdir(path) < 0 && errno == EBUSY; sync_nap(&nap))
        if (sync_left(deadline) == 0)
            return;
}

void kernel_instance_sweep(const char *dir)
{
    char path[96];
    snprintf(path, sizeof path, "%s/instances", dir);
    DIR *instances = opendir(path);
    if (instances == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(instances)) != NULL;) {
        int pid, n;
        if (sscanf(entry->d_name, KERNEL_INSTANCE, &pid, &n) != 2 || proc_exists(pid))
            continue;
        snprintf(path, sizeof path, "%s/instances/" KERNEL_INSTANCE, dir, pid, n);
        rmdir(path);
    }
    closedir(instances);
}
