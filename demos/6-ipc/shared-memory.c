/* shared-memory.c - two processes map the same pages, and the kernel copies nothing
 *
 *     shared-memory                  the whole lesson
 *     shared-memory --rounds 1000    more updates to lose
 *     shared-memory --break lock     shares the counter without the mutex
 *
 *     parent                         child
 *     shmget(IPC_PRIVATE)
 *     shmat() = an address
 *     fork() --------------------->  has it there, too (nattch 2)
 *                                    shmat() = another address, shmdt(the first one)
 *     shmctl(IPC_RMID): goes with the last detach
 *
 *     value = counter
 *                                    counter = counter + 1
 *     counter = value + 1: the child's update is lost
 */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "proc/proc.h"
#include "report/demo.h"
#include "sync/sync.h"

static const struct demo_claim claims[] = {
    { "shm.same-frames", "Both processes map the same physical pages." },
    { "shm.no-copy", "What one writes the other reads, without a system call." },
    { "shm.needs-synchronization", "Updates are lost, unless the processes synchronize." },
    { "shm.outlives-process", "Its memory is given back when a process exits.", DEMO_CAVEAT,
      "a System V segment lives until it is removed by IPC_RMID, whoever made it has exited or not" },
    { 0 },
};

enum { PAGES = 3, PING = 42, PONG = 84, KEPT = 4711, TIMES = 2 };

/* What lies in the segment. No pointers: it is at another address in each process. */
struct shared {
    pthread_mutex_t mutex;
    sem_t semaphore;
    _Atomic int ping, pong, refused; /* refused: why the kernel would not forbid the calls */
    volatile long counter, kept;
};
static struct shared *shared;
static size_t size;

/* Who has made segments, for the guard to know them by. In a page that parent, children and guard share. */
struct told {
    time_t since;
    pid_t maker[TIMES];
    struct shared *childs; /* the address in the child */
    int id;
};
static struct told *told;

/* Segments that a process of ours has made, by its PID: none but ours since we began. */
static void remove_once(const struct told *ours)
{
    struct shmid_ds segment;
    struct shm_info info;
    int highest = shmctl(0, SHM_INFO, (struct shmid_ds *)(void *)&info);
    for (int i = 0; i <= highest; i++) {
        int id = shmctl(i, SHM_STAT, &segment);
        for (int k = 0; id >= 0 && k < TIMES; k++)
            if (ours->maker[k] != 0 && segment.shm_cpid == ours->maker[k] && segment.shm_ctime >= ours->since)
                shmctl(id, IPC_RMID, NULL);
    }
}

/* The guard's: SIGKILL may hit between shmget() and IPC_RMID, even before the ID is known. A child that dies with its
 * parent may be in shmget() yet. Twice, since a call may fail. */
static void remove_ours(const void *arg)
{
    const struct told *ours = arg;
    struct proc_stat stat;
    for (int k = 0; k < TIMES; k++)
        if (ours->maker[k] != 0)
            sync_state(ours->maker[k], "ZX", &stat);
    remove_once(ours);
    remove_once(ours);
}

/* 0600: the text's 0666 would let every user of the machine read and write it. -errno where there can be none. */
static int make_segment(void)
{
    int id = shmget(IPC_PRIVATE, size, IPC_CREAT | 0600);
    if (id < 0 && errno != ENOSYS && errno != ENOSPC)
        demo_die("shmget(IPC_PRIVATE, %zu, 0600)", size);
    return id < 0 ? -errno : id;
}

static struct shared *attach(int id)
{
    void *address = shmat(id, NULL, 0);
    if (address == (void *)-1)
        demo_die("shmat(%d)", id);
    for (size_t i = 0; i < PAGES; i++)
        (void)((volatile char *)address)[i * size / PAGES]; /* now each page is in this process's page table */
    return address;
}

static const char *masked_id(int id)
{
    static char text[16];
    snprintf(text, sizeof text, "%d", id);
    return demo_mask(text, "SHMID");
}

static struct shmid_ds stat_segment(int id)
{
    struct shmid_ds segment;
    char source[48], mode[8];
    if (shmctl(id, IPC_STAT, &segment) < 0)
        demo_die("shmctl(%d, IPC_STAT)", id);
    snprintf(source, sizeof source, "shmctl(%s, IPC_STAT)", masked_id(id));
    snprintf(mode, sizeof mode, "%04o", segment.shm_perm.mode & 0777u);
    demo_observe(0, source, demo_fact("nattch", segment.shm_nattch), demo_fact("mode", (const char *)mode),
                 demo_fact("dest", (segment.shm_perm.mode & SHM_DEST) != 0));
    return segment;
}

/* Is there no such segment any more? */
static bool gone(int id)
{
    struct shmid_ds segment;
    if (shmctl(id, IPC_STAT, &segment) == 0)
        return false;
    if (errno != EINVAL && errno != EIDRM)
        demo_die("shmctl(%d, IPC_STAT)", id);
    return true;
}

/* The mapping and the pages of one side; without CAP_SYS_ADMIN each frame number reads 0. */
static uint64_t look(pid_t pid, const struct shared *address, struct proc_page page[PAGES])
{
    cleanup_maps struct proc_maps maps = { 0 };
    demo_need(proc_maps_read(pid, &maps), "read(/proc/%d/maps)", pid);
    demo_need(proc_pagemap_read(pid, address, PAGES, page), "read(/proc/%d/pagemap)", pid);
    const struct proc_map *map = proc_maps_find(&maps, address);
    uint64_t inode = map == NULL ? 0 : map->inode; /* of a System V segment it is the ID */
    demo_observe(pid, "/proc/PID/maps", demo_fact("address", demo_address(address)),
                 demo_fact("inode", masked_id((int)inode)));
    bool seen = page[0].frame != 0;
    demo_observe(pid, "/proc/PID/pagemap",
                 demo_fact("frame", seen ? demo_frame(page[0].frame) : demo_mask("hidden", demo_frame(0))));
    return inode;
}

static void compare(pid_t child)
{
    struct proc_page ours[PAGES], theirs[PAGES];
    uint64_t our_inode = look(getpid(), shared, ours), their_inode = look(child, told->childs, theirs);
    int same = 0;
    for (int i = 0; i < PAGES; i++)
        same += ours[i].present && !ours[i].exclusive && theirs[i].present && !theirs[i].exclusive &&
                ours[i].frame == theirs[i].frame;
    bool frames = ours[0].frame != 0;
    unsigned long nattch = stat_segment(told->id).shm_nattch;
    demo_check("shm.same-frames", shared != told->childs && our_inode == their_inode && same == PAGES && nattch == 2,
               "2 addresses, nattch %lu, %d of %d: %s", nattch, same, PAGES,
               demo_mask(frames ? "one frame" : "in both, one inode; frames: ask root", "the same page"));
    demo_look("ipcs -m -i %s; grep SYSV /proc/%s/maps /proc/%s/maps", masked_id(told->id), demo_pid(getpid()),
              demo_pid(child));
}

/* From here on the kernel kills this process at its first system call, but for its exit. */
static int forbid_calls(void)
{
    struct sock_filter lines[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    };
    struct sock_fprog filter = { sizeof lines / sizeof *lines, lines };
    setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 }); /* being killed by it would leave a file */
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0)
        return errno;
    return 0;
}

static int write_and_wait(void)
{
    shared->ping = PING;
    while (shared->pong == 0)
        continue;
    return shared->pong;
}

static int wait_and_read(void)
{
    if (demo_without("memory"))
        getppid(); /* any call will do */
    while (shared->ping == 0)
        continue;
    shared->pong = 2 * shared->ping;
    return shared->ping;
}

static pid_t without_calls(int (*part)(void), const char *role)
{
    pid_t parent = getpid(), child = fork();
    if (child < 0)
        demo_die("fork()");
    if (child == 0) {
        demo_need(sync_die_with(parent), "prctl(PR_SET_PDEATHSIG, SIGKILL)");
        int error = forbid_calls();
        if (error != 0)
            shared->refused = error;
        syscall(SYS_exit_group, part()); /* not _exit(), before which a sanitizer makes a call */
    }
    demo_role(child, role);
    return child;
}

/* The writer and the reader inherit the attached segment, and nothing else is between them. */
static void without_a_call(void)
{
    cleanup_child pid_t reader = without_calls(wait_and_read, "reader");
    cleanup_child pid_t writer = without_calls(write_and_wait, "writer");
    siginfo_t end = { 0 }, other = { 0 };
    demo_need(sync_exited(reader, &end), "waitid(P_PID, %d)", reader);
    if (end.si_code == CLD_EXITED)
        demo_need(sync_exited(writer, &other), "waitid(P_PID, %d)", writer);
    demo_act(reader, "the reader %s %d", end.si_code == CLD_EXITED ? "read" : "was killed by signal", end.si_status);
    if (shared->refused != 0) {
        demo_skip("shm.no-copy", "prctl(PR_SET_SECCOMP): %s; needs a kernel with seccomp filters",
                  strerrorname_np(shared->refused));
        return;
    }
    struct proc_status status;
    demo_need(proc_status_read(reader, &status), "read(/proc/%d/status)", reader);
    demo_observe(reader, "/proc/PID/status", demo_fact("Seccomp", status.seccomp));
    bool there = end.si_code == CLD_EXITED && end.si_status == PING;
    bool back = other.si_code == CLD_EXITED && other.si_status == PONG;
    demo_check("shm.no-copy", there && back && status.seccomp == SECCOMP_MODE_FILTER, "%d %s, %d %s", PING,
               there ? "went there" : "not read", PONG, back ? "came back; a call would have killed" : "not");
}

enum lock { NONE, MUTEX, SEMAPHORE, LOCKS };

static void lock(enum lock with)
{
    if (with == MUTEX && !demo_without("lock"))
        pthread_mutex_lock(&shared->mutex);
    if (with == SEMAPHORE)
        TEMP_FAILURE_RETRY(sem_wait(&shared->semaphore));
}

static void unlock(enum lock with)
{
    if (with == MUTEX && !demo_without("lock"))
        pthread_mutex_unlock(&shared->mutex);
    if (with == SEMAPHORE)
        sem_post(&shared->semaphore);
}

static struct sync_gate turn, ready; /* opened by the parent; by the child, when it begins and when it is done */

static void child_side(void)
{
    void *inherited = shared;
    shared = told->childs = attach(told->id); /* another address, since that one is taken */
    if (shmdt(inherited) < 0)
        demo_die("shmdt()");
    demo_need(sync_gate_open(&ready), "write() to a gate: say that the segment is attached");
    for (enum lock with = NONE; with < LOCKS; with++)
        for (long i = 0; i < demo_option("rounds"); i++) {
            demo_need(sync_gate_pass(&turn), "poll(), read() at a gate: wait for the parent to have read");
            demo_need(sync_gate_open(&ready), "write() to a gate: say that we begin");
            lock(with);
            shared->counter = shared->counter + 1;
            unlock(with);
            demo_need(sync_gate_open(&ready), "write() to a gate: say that we are done");
        }
    demo_need(sync_gate_pass(&turn), "poll(), read() at a gate: wait for the end");
}

/* Lets the child run as far as it comes: to its next gate, or into the lock that we have. */
static void let_in(pid_t child, bool shown)
{
    struct proc_stat stat;
    struct proc_syscall call;
    demo_need(sync_gate_open(&turn), "write() to a gate: let the child add");
    demo_need(sync_gate_pass(&ready), "poll(), read() at a gate: wait for the child to begin");
    demo_need(sync_state(child, "S", &stat), "read(/proc/%d/stat): wait for the child to sleep", child);
    if (shown && proc_syscall_read(child, &call) == 0 && !call.running)
        demo_observe(child, "/proc/PID/syscall", demo_fact_text("call", call.nr == SYS_futex ? "futex" : "poll"));
}

/* How many updates are lost when each of our own is interrupted between its load and its store. */
static long count_lost(enum lock with, pid_t child)
{
    static const char *const names[] = { "without a lock", "with the mutex", "with the semaphore" };
    long rounds = demo_option("rounds");
    shared->counter = 0;
    for (long i = 0; i < rounds; i++) {
        lock(with);
        long value = shared->counter;
        let_in(child, i == 0);
        shared->counter = value + 1;
        unlock(with);
        demo_need(sync_gate_pass(&ready), "poll(), read() at a gate: wait for the child to have added");
    }
    demo_act(0, "%s: %ld updates, the counter says %ld", names[with], 2 * rounds, shared->counter);
    return 2 * rounds - shared->counter;
}

static void make_locks(void)
{
    pthread_mutexattr_t shared_robust;
    pthread_mutexattr_init(&shared_robust);
    pthread_mutexattr_setpshared(&shared_robust, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&shared_robust, PTHREAD_MUTEX_ROBUST);
    demo_need(-pthread_mutex_init(&shared->mutex, &shared_robust), "pthread_mutex_init()");
    if (sem_init(&shared->semaphore, 1, 1) < 0) /* 1: shared between processes, 1: free */
        demo_die("sem_init()");
}

/* What the next one hears when the owner of the mutex has died. */
static int owner_dies(void)
{
    pid_t parent = getpid();
    cleanup_child pid_t owner = fork();
    if (owner < 0)
        demo_die("fork()");
    if (owner == 0) {
        demo_need(sync_die_with(parent), "prctl(PR_SET_PDEATHSIG, SIGKILL)");
        pthread_mutex_lock(&shared->mutex);
        sem_wait(&shared->semaphore);
        raise(SIGKILL);
        _exit(0);
    }
    demo_role(owner, "owner");
    demo_need(sync_exited(owner, NULL), "waitid(P_PID, %d)", owner);
    int semaphore = sem_trywait(&shared->semaphore) < 0 ? errno : 0;
    int mutex = pthread_mutex_trylock(&shared->mutex); /* a plain mutex would be EBUSY for ever */
    demo_act(owner, "it was killed: the semaphore is %s, the mutex %s", semaphore == EAGAIN ? "taken" : "free",
             mutex != 0 ? strerrorname_np(mutex) : "free");
    return mutex;
}

/* Is the mutex as good as new then? */
static bool repair(void)
{
    int repaired = pthread_mutex_consistent(&shared->mutex);
    int unlocked = pthread_mutex_unlock(&shared->mutex), again = pthread_mutex_trylock(&shared->mutex);
    demo_act(0, "pthread_mutex_consistent() = %d; unlock = %d, lock = %d", repaired, unlocked, again);
    return repaired == 0 && unlocked == 0 && again == 0;
}

static void update(pid_t child)
{
    long lost[LOCKS], rounds = demo_option("rounds");
    demo_step("Both add 1, %ld times; the child between the parent's load and store", rounds);
    make_locks();
    lost[NONE] = count_lost(NONE, child);
    demo_step("The same with a lock that lies in the segment");
    lost[MUTEX] = count_lost(MUTEX, child);
    lost[SEMAPHORE] = count_lost(SEMAPHORE, child);
    demo_step("Kill a process that has both locks");
    int dead = owner_dies();
    bool usable = dead == EOWNERDEAD && repair();
    demo_check("shm.needs-synchronization", lost[NONE] == rounds && lost[MUTEX] == 0 && lost[SEMAPHORE] == 0 && usable,
               "%ld of %ld lost; mutex: %ld; semaphore: %ld; dead owner: %s", lost[NONE], 2 * rounds, lost[MUTEX],
               lost[SEMAPHORE], dead == 0 ? "unnoticed" : strerrorname_np(dead));
}

/* kernel.shm_rmid_forced: segments that nobody has attached are removed by the kernel. */
static bool removal_is_forced(void)
{
    char byte = '0';
    cleanup_fd int fd = open("/proc/sys/kernel/shm_rmid_forced", O_RDONLY | O_CLOEXEC);
    return fd >= 0 && read(fd, &byte, 1) == 1 && byte == '1';
}

static _Noreturn void make_and_exit(void)
{
    int id = make_segment();
    demo_need(id, "shmget(IPC_PRIVATE, %zu, 0600)", size);
    attach(id)->kept = KEPT;
    told->id = id;
    if (demo_without("segment") && shmctl(id, IPC_RMID, NULL) < 0)
        demo_die("shmctl(%d, IPC_RMID)", id);
    _exit(0);
}

/* marked: a segment that was removed while it was attached, and is attached no more. */
static void outlive(int marked)
{
    pid_t parent = getpid();
    cleanup_child pid_t maker = fork();
    if (maker < 0)
        demo_die("fork()");
    if (maker == 0) {
        told->maker[1] = getpid(); /* the guard must know while the parent lives, which the next call makes sure of */
        demo_need(sync_die_with(parent), "prctl(PR_SET_PDEATHSIG, SIGKILL)");
        make_and_exit();
    }
    demo_role(maker, "maker");
    demo_need(sync_finished(maker), "waitid(P_PID, %d)", maker);
    if (TEMP_FAILURE_RETRY(waitpid(maker, NULL, 0)) < 0)
        demo_die("waitpid(%d)", maker);
    bool marked_gone = gone(marked);
    if (gone(told->id) && removal_is_forced()) {
        demo_skip("shm.outlives-process", "kernel.shm_rmid_forced is 1: set it to 0");
        return;
    }
    long kept = 0;
    if (!gone(told->id)) {
        stat_segment(told->id);
        demo_look("ipcs -m -i %s", masked_id(told->id));
        shared = attach(told->id);
        kept = shared->kept;
        demo_act(maker, "its maker has exited, and what it wrote is there: %ld", kept);
        if (shmctl(told->id, IPC_RMID, NULL) < 0 || shmdt(shared) < 0)
            demo_die("shmctl(%d, IPC_RMID), shmdt()", told->id);
    }
    bool removed = gone(told->id);
    demo_check("shm.outlives-process", kept == KEPT && removed && marked_gone,
               "without its maker: %s; after IPC_RMID: %s", kept == KEPT ? "there" : "gone",
               removed && marked_gone ? "gone" : "there");
}

/* Two processes with one segment, until both have detached it. */
static void share(int id)
{
    pid_t parent = getpid();
    shared = attach(id);
    demo_need(sync_gate_make(&turn), "pipe2() of a gate");
    demo_need(sync_gate_make(&ready), "pipe2() of a gate");
    cleanup_child pid_t child = fork();
    if (child < 0)
        demo_die("fork()");
    if (child == 0) {
        demo_need(sync_die_with(parent), "prctl(PR_SET_PDEATHSIG, SIGKILL)");
        child_side();
        _exit(0);
    }
    demo_role(child, "child");
    demo_need(sync_gate_pass(&ready), "poll(), read() at a gate: wait for the child to attach");
    compare(child);
    if (shmctl(id, IPC_RMID, NULL) < 0)
        demo_die("shmctl(%d, IPC_RMID)", id);
    demo_act(0, "shmctl(IPC_RMID): it goes with the last detach, and so with us");
    stat_segment(id);

    demo_step("Let one write and one read, and forbid both of them every system call");
    without_a_call();
    update(child);
    demo_need(sync_gate_open(&turn), "write() to a gate: let the child exit");
    demo_need(sync_finished(child), "waitid(P_PID, %d)", child);
    if (shmdt(shared) < 0)
        demo_die("shmdt()");
}

static void shared_memory(void)
{
    size = PAGES * (size_t)sysconf(_SC_PAGESIZE);
    told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (told == MAP_FAILED)
        demo_die("mmap()");
    told->since = time(NULL);
    cleanup_guard struct sync_guard guard = { -1 };
    demo_need(sync_guard_start(&guard, remove_ours, told), "socketpair(), pidfd_open(), fork() or dup2() of a guard");

    demo_step("Make a segment, and attach it in two processes");
    told->maker[0] = getpid();
    int id = told->id = make_segment();
    if (id < 0) {
        demo_skip_rest("shmget(): %s; %s", strerrorname_np(-id),
                       id == -ENOSPC ? "raise kernel.shmmni or kernel.shmall" : "needs a kernel with System V IPC");
        return;
    }
    share(id);
    demo_step("Let a process make a segment, write to it, and exit");
    outlive(id);
    memset(told->maker, 0, sizeof told->maker); /* nothing is left to be done by the guard */
}

static const char why[] =
    "shmget() makes a file of the kernel's own tmpfs (newseg in ipc/shm.c), without\n"
    "a name; shmat() maps it as mmap() with MAP_SHARED would. Its pages are in the\n"
    "page cache once, and the page tables of both processes point to them. So a\n"
    "store by one is seen by a load of the other, and the kernel has no part in it.\n"
    "\n"
    "The evidence: the inode number in /proc/PID/maps is the segment's ID, at two\n"
    "addresses; nattch of IPC_STAT counts mappings; /proc/PID/pagemap has the same\n"
    "frame numbers (root only) and says \"not exclusively mapped\" (everybody). And a\n"
    "seccomp filter that kills at any call but exit_group, so that a value which\n"
    "came through came by memory alone: Seccomp in /proc/PID/status is 2.\n"
    "\n"
    "counter + 1 is a load and a store. The demo forces the worst order: the child\n"
    "adds between the parent's load and its store, and its update is overwritten.\n"
    "With a lock in the segment it sleeps in futex(2) until the parent unlocks; the\n"
    "key of such a futex is the page and not the address (get_futex_key), and so it\n"
    "works at two addresses. Plain mutexes are not for two processes: they need\n"
    "PTHREAD_PROCESS_SHARED, and sem_init() a 1 (pthread_mutexattr_setpshared(3)).\n"
    "\n"
    "A process that dies with a semaphore keeps it for ever. A robust mutex says\n"
    "EOWNERDEAD to the next one (the kernel walks the dead one's robust list, see\n"
    "exit_robust_list): repair the data, pthread_mutex_consistent(), unlock. Who\n"
    "unlocks without the repair leaves it ENOTRECOVERABLE.\n"
    "\n"
    "The text's 0666 lets every user of the machine read and write the segment;\n"
    "0600 is enough for one's own processes. And a segment is not given back at\n"
    "exit: IPC_RMID is needed. Called right after the last shmat() it only marks\n"
    "the segment (dest): it goes with the last detach, also after SIGKILL. Between\n"
    "shmget() and there a guard process stands by. kernel.shm_rmid_forced makes\n"
    "that the rule for all. POSIX: shm_open() and shm_unlink() (shm_overview(7)).\n";

static const struct demo_break breaks[] = {
    { "lock", "shm.needs-synchronization", "adds to the counter without the mutex" },
    { "memory", "shm.no-copy", "has the reader make one system call" },
    { "segment", "shm.outlives-process", "has the maker remove its segment before it exits" },
    { 0 },
};
static const struct demo_option options[] = { { "rounds", "How often each side adds 1", 20, 1, 1000000 }, { 0 } };
static const struct demo_prediction predictions[] = {
    {
        .step = 3,
        .claim = "shm.needs-synchronization",
        .ask = "Both add 1 to a counter 20 times, and always at the same time. It says?",
        .choices = { "40", "20", "something between" },
        .right = 1,
        .because = "counter + 1 is a load and a store. Who stores last overwrites the other, so of each two additions "
                   "one is lost.",
    },
    {
        .step = 6,
        .claim = "shm.outlives-process",
        .ask = "The only process that had the segment exits. The segment is then?",
        .choices = { "gone", "there, and empty", "there, with what was written" },
        .right = 2,
        .because =
            "A segment is not a part of a process, and exit() only detaches it. It stays until IPC_RMID, or a reboot.",
    },
    { 0 },
};

static const struct demo demo = {
    .name = "shared-memory",
    .title = "two processes map the same pages, and the kernel copies nothing",
    .claims = claims,
    .breaks = breaks,
    .options = options,
    .predictions = predictions,
    .run = shared_memory,
    .why = why,
    .next = "message-queue",
};

int main(int argc, char *argv[])
{
    return demo_run(argc, argv, &demo);
}
