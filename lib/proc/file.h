/* file.h - opening and reading the files of /proc, and what their errors mean. Private to lib/proc. */
#ifndef PROCLAB_PROC_FILE_H
#define PROCLAB_PROC_FILE_H

#include <stddef.h>
#include <sys/types.h>

/* How often a file about memory is opened anew because the process called exec meanwhile. */
enum { PROC_TRIES = 100 };

void proc_close(int *fd);
#define cleanup_fd __attribute__((cleanup(proc_close)))

/* A text that may be longer than any guess. Start it as { 0 }. */
struct proc_buffer {
    char *data;
    size_t len, size;
};
void proc_buffer_free(struct proc_buffer *buffer);
#define cleanup_buffer __attribute__((cleanup(proc_buffer_free)))

/* open(2), for reading and close-on-exec, until no signal interrupts it. A descriptor, or -errno as it is. */
int proc_open_path(const char *path);
/* The same by openat(2), in a directory. */
int proc_open_at(int dir, const char *path);
/* getdents64(2) until no signal interrupts it. The bytes read, 0 at the end, or -errno. */
ssize_t proc_read_entries(int dir, void *entries, size_t size);
/* pread(2) until no signal interrupts it. The bytes read, 0 at the end, or -errno in the words of proc.h. */
ssize_t proc_pread(int fd, void *out, size_t size, size_t offset);
/* Reads all there is, from the beginning, in place of what the buffer held. Returns its length. */
ssize_t proc_buffer_read(struct proc_buffer *buffer, int fd);

/* /proc/PID/FILE is not there: -ESRCH the process is not either, -EBADF it has no such descriptor, -ENOTSUP. */
int proc_missing(pid_t pid, const char *file);
/* /proc/PID/FILE, about memory, has nothing to read: -ESRCH, -ENODATA, or -EAGAIN where one look more will tell. */
int proc_no_memory(pid_t pid);

#endif
