/* instance.h - a tracefs instance: a directory that has buffers and switches of its own. Private to lib/kernel. */
#ifndef PROCLAB_KERNEL_INSTANCE_H
#define PROCLAB_KERNEL_INSTANCE_H

#include <stdbool.h>
#include <sys/types.h>
#include <tracefs.h>

#define KERNEL_INSTANCE "proclab.%d.%d" /* its process, and a number */

/* Points libtracefs to where tracefs is mounted, which it would else mount itself. *dir is that place. -ENOTSUP:
 * nowhere; -EACCES: this process may make no instance there. */
int kernel_tracefs(const char **dir);

/* Makes an instance of that name, switched off, on CLOCK_MONOTONIC. */
int kernel_instance_make(struct tracefs_instance **instance, const char *name);
/* From now on only events of this task and those it forks; and switches and wake-ups to and from them. */
int kernel_instance_follow(struct tracefs_instance *instance, pid_t pid);
/* Which of the kinds it is to record. */
int kernel_instance_enable(struct tracefs_instance *instance, unsigned kinds);
int kernel_instance_switch(struct tracefs_instance *instance, bool on);

/* Removes an instance, waiting while it is busy. */
void kernel_instance_remove(const char *path);
/* Removes, of all that are named like ours in this tracing directory, those whose process is gone: its guard was killed,
 * too, or is just about to do the same. */
void kernel_instance_sweep(const char *dir);

/* What an errno of tracefs means in the words of kernel.h. */
int kernel_error(int error);

#endif
