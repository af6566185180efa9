/* locks.c - tells the thread sanitizer of locks that it does not know, and of accesses. races.py links it to a
 * student's program, with --wrap for each function of it. A lock acquires what those released who had it before. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <mqueue.h>
#include <sanitizer/tsan_interface.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/stat.h>
#include <threads.h>
#include <unistd.h>

static char objects[4096]; /* one for each file or System V object, by its number */
static int last_fd[sizeof objects];

static void acquires(unsigned long id)
{
    __tsan_acquire(&objects[id % sizeof objects]);
}
static void releases(unsigned long id)
{
    __tsan_release(&objects[id % sizeof objects]);
}

/* Such a lock belongs to the open file description: with the same descriptor in two threads both have it. */
static void file_lock(int fd, int type, int succeeded)
{
    struct stat stat;
    if (fstat(fd, &stat) < 0)
        return;
    int *last = &last_fd[stat.st_ino % sizeof objects];
    if (type == F_UNLCK) {
        __atomic_store_n(last, fd, __ATOMIC_RELAXED);
        releases(stat.st_ino);
    } else if (succeeded && __atomic_load_n(last, __ATOMIC_RELAXED) != fd) {
        acquires(stat.st_ino);
    }
}

int __real_flock(int fd, int how);
int __wrap_flock(int fd, int how)
{
    if (how & LOCK_UN)
        file_lock(fd, F_UNLCK, 1);
    int result = __real_flock(fd, how);
    if (!(how & LOCK_UN))
        file_lock(fd, F_WRLCK, result == 0);
    return result;
}

/* fcntl() and fcntl64(). The locks of F_SETLK and of lockf() belong to the process, and exclude no thread of it. */
#define FCNTL(name) \
    int __real_##name(int fd, int command, ...); \
    int __wrap_##name(int fd, int command, ...) \
    { \
        va_list rest; \
        va_start(rest, command); \
        struct flock *lock = va_arg(rest, void *); \
        va_end(rest); \
        int ofd = command == F_OFD_SETLK || command == F_OFD_SETLKW, unlocks = ofd && lock->l_type == F_UNLCK; \
        if (unlocks) \
            file_lock(fd, F_UNLCK, 1); \
        int result = __real_##name(fd, command, lock); \
        if (ofd && !unlocks) \
            file_lock(fd, F_WRLCK, result == 0); \
        return result; \
    }
FCNTL(fcntl)
FCNTL(fcntl64)

/* The others: what takes acquires when it has returned, what gives releases before. */
#define TAKES(type, name, parameters, arguments, object) \
    type __real_##name parameters; \
    type __wrap_##name parameters \
    { \
        type result = __real_##name arguments; \
        __tsan_acquire(object); \
        return result; \
    }
#define GIVES(type, name, parameters, arguments, object) \
    type __real_##name parameters; \
    type __wrap_##name parameters \
    { \
        __tsan_release(object); \
        return __real_##name arguments; \
    }
#define NUMBERED(id) &objects[(unsigned)(id) % sizeof objects]
TAKES(int, mtx_lock, (mtx_t * lock), (lock), lock)
GIVES(int, mtx_unlock, (mtx_t * lock), (lock), lock)
TAKES(ssize_t, msgrcv, (int id, void *to, size_t size, long type, int flags), (id, to, size, type, flags), NUMBERED(id))
GIVES(int, msgsnd, (int id, const void *from, size_t size, int flags), (id, from, size, flags), NUMBERED(id))
TAKES(ssize_t, mq_receive, (mqd_t id, char *to, size_t size, unsigned *how), (id, to, size, how), NUMBERED(id))
GIVES(int, mq_send, (mqd_t id, const char *from, size_t size, unsigned how), (id, from, size, how), NUMBERED(id))

void __real_flockfile(FILE *stream);
void __wrap_flockfile(FILE *stream)
{
    __real_flockfile(stream);
    __tsan_acquire(stream);
}

void __real_funlockfile(FILE *stream);
void __wrap_funlockfile(FILE *stream)
{
    __tsan_release(stream);
    __real_funlockfile(stream);
}

int __real_semop(int id, struct sembuf *steps, size_t n);
int __wrap_semop(int id, struct sembuf *steps, size_t n)
{
    if (n > 0 && steps[0].sem_op > 0)
        releases((unsigned)id);
    int result = __real_semop(id, steps, n);
    if (n > 0 && steps[0].sem_op <= 0)
        acquires((unsigned)id);
    return result;
}

/* --- accesses */

void __tsan_read1(void *address);
void __tsan_write1(void *address);
void __tsan_write8(void *address);

static char bytes_of_file; /* read() and write() at an offset are accesses, too */
#define AT(type, name, parameters, arguments, access) \
    type __real_##name parameters; \
    type __wrap_##name parameters \
    { \
        access(&bytes_of_file); \
        return __real_##name arguments; \
    }
AT(ssize_t, pread, (int fd, void *to, size_t size, off_t at), (fd, to, size, at), __tsan_read1)
AT(ssize_t, pread64, (int fd, void *to, size_t size, off64_t at), (fd, to, size, at), __tsan_read1)
AT(ssize_t, pwrite, (int fd, const void *from, size_t size, off_t at), (fd, from, size, at), __tsan_write1)
AT(ssize_t, pwrite64, (int fd, const void *from, size_t size, off64_t at), (fd, from, size, at), __tsan_write1)

/* A file is mapped once: the sanitizer knows memory by its address. What begins a mapping is the account. */
static struct account {
    ino_t file;
    void *memory;
} accounts[16];

static void *map_file(void *again, int fd)
{
    struct stat stat;
    for (int i = 0; fstat(fd, &stat) == 0 && i < 16; i++) {
        void *none = NULL;
        if (accounts[i].file == 0)
            accounts[i].file = stat.st_ino;
        if (accounts[i].file == stat.st_ino)
            return __atomic_compare_exchange_n(&accounts[i].memory, &none, again, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
                       ? again
                       : none;
    }
    return again;
}

#define MMAP(name, offset) \
    void *__real_##name(void *at, size_t size, int access, int flags, int fd, offset from); \
    void *__wrap_##name(void *at, size_t size, int access, int flags, int fd, offset from) \
    { \
        void *memory = __real_##name(at, size, access, flags, fd, from); \
        return memory != MAP_FAILED && (flags & MAP_SHARED) && fd >= 0 && from == 0 ? map_file(memory, fd) : memory; \
    }
MMAP(mmap, off_t)
MMAP(mmap64, off64_t)

int __wrap_munmap(void *memory, size_t size)
{
    (void)memory, (void)size; /* another teller may use it */
    return 0;
}

/* An atomic store to the account is no better than another: it does not know what has come since the load. So it counts
 * as a plain one, and neither orders anything. Elsewhere they may be a lock. */
static int is_account(volatile void *at)
{
    for (int i = 0; i < 16; i++)
        if (at == accounts[i].memory)
            return 1;
    return 0;
}

uint64_t __real___tsan_atomic64_load(const volatile uint64_t *at, int order);
uint64_t __wrap___tsan_atomic64_load(const volatile uint64_t *at, int order)
{
    return __real___tsan_atomic64_load(at, is_account((volatile void *)at) ? __ATOMIC_RELAXED : order);
}

#define STORE(type, name) \
    type __real_##name(volatile uint64_t *at, uint64_t value, int order); \
    type __wrap_##name(volatile uint64_t *at, uint64_t value, int order) \
    { \
        if (!is_account(at)) \
            return __real_##name(at, value, order); \
        __tsan_write8((void *)at); \
        return __real_##name(at, value, __ATOMIC_RELAXED); \
    }
STORE(void, __tsan_atomic64_store)
STORE(uint64_t, __tsan_atomic64_exchange)
