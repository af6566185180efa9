/* cgroup.h - a cgroup of one's own for a while, whichever version of them the machine has; removed whatever happens.
 *
 * v2 is one tree, whose groups show in cgroup.subtree_control which controllers those below them get; v1 is a tree for each
 * controller; a hybrid has both, and a controller is in one of them. Each returns 0, or -errno:
 *   -ENOTSUP  no such controller here    -EACCES, -EROFS  this user may make no group where it is */
/* clang-format off */
#ifndef PROCLAB_CGROUP_H
#define PROCLAB_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sync/sync.h"

/* Where a process stands in the tree of a controller. */
struct cgroup_place {
    char dir[512];                       /* the folder of its group */
    size_t top;                          /* so many bytes of dir are the mount point */
    bool v2;
};
/* From the texts of /proc/PID/cgroup and /proc/PID/mountinfo. v2: look there, and not in a tree of v1. */
int cgroup_place_parse(const char *cgroup, const char *mountinfo, const char *controller, bool v2, struct cgroup_place *out);

struct cgroup {
    char dir[600];                       /* "": none */
    struct sync_guard guard;
};
#define CGROUP_NONE ((struct cgroup){ "", { -1 } })

/* Makes a group with this controller ("pids"), called after the name and our PID: below our own group, or below the nearest one
 * above it where that can be. It starts a guard (sync.h) before it is there, and removes those of the name whose maker is gone. */
int cgroup_make(struct cgroup *out, const char *controller, const char *name);
/* Writes a text to a file of the group: a limit, or a PID to cgroup.procs. */
int cgroup_write(const struct cgroup *group, const char *file, const char *text);
/* Reads the beginning of a file of the group, NUL-terminated. */
int cgroup_read(const struct cgroup *group, const char *file, char *out, size_t size);
/* How many bytes more our own group may take before it, or a group above it, meets its limit; UINT64_MAX: there is none. What it
 * has in the page cache and has not used lately counts as free. -ENOTSUP: no memory controller here. */
int cgroup_memory_room(uint64_t *bytes);
/* Removes it, once the last process in it has ended. */
void cgroup_end(struct cgroup *group);
#define cleanup_cgroup __attribute__((cleanup(cgroup_end)))  /* start it as CGROUP_NONE; before the child that is in it */

#endif
