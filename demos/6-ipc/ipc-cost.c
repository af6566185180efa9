/* ipc-cost.c - what it costs to pass a message: seven ways, five sizes, on one CPU and on two
 *
 *     ipc-cost                    everything, in less than half a minute
 *     ipc-cost --quick            in a third of that
 *     ipc-cost --size 64          messages of this size only
 *     ipc-cost --break flag       shared memory with a pipe for the flag
 *
 *     worker A                                 worker B
 *     a message is made                        sleeps in read(), recv(), mq_receive(), ...
 *     write(), send(), mq_send(), ...  ---->   it is checked, word for word: that was one message of the throughput
 *     read(), recv(), mq_receive(), ...<----   one is made, and sent back: and that a round trip, the latency
 *
 * Making and checking are the same code for every way, and part of every time that is taken here. The bare calls of each
 * way stand together: pipe_send, pipe_receive, and so on. Shared memory is used in place: a message is made where the other
 * one checks it, and its number, which comes last, is the flag that it is there.
 */
#include <arpa/inet.h>
#include <linux/futex.h>
#include <math.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "proc/proc.h"
#include "report/cost.h"
#include "sync/sync.h"

static const struct demo_claim claims[] = {
    { "unix.faster-than-tcp", "A Unix socket moves more bytes than TCP on loopback.", DEMO_COST,
      "it depends on the size: with large messages it does; with small ones the system calls and the wake-ups count, "
      "which both of them need" },
    { "shm.fastest", "Shared memory is the fastest way between processes.", DEMO_COST,
      "it is where the flag is in shared memory, too, and the data is used in place; each call for a flag, each copy "
      "and each line taken from another CPU's cache costs it that" },
    { 0 },
};

enum { A, B };
enum {
    WORD = 8,
    LINE = 64,
    LARGEST = 1 << 20,
    QUEUED = 8192 /* what both kinds of queue take by default */,
    MIXER = 0x9e3779b1
};
static const long sizes[] = { 1, 64, 4096, 65536, LARGEST };
enum { SIZES = sizeof sizes / sizeof *sizes };

/* --- a message ------------------------------------------------------------------------------------------------------ */

typedef uint64_t pair_t __attribute__((vector_size(2 * WORD))); /* stored and compared at once */

struct message {
    _Atomic uint64_t number; /* of 1 byte: no more than the first of it */
    uint64_t word;
    pair_t pair[LARGEST / (2 * WORD) - 1];
};
/* A private one. What stands before a message is the type that System V wants there. */
struct packet {
    alignas(LINE) char filler[LINE - sizeof(long)];
    long type;
    struct message message;
};
static struct packet out[2], in;

struct way {
    const char *name;
    int (*open)(void);
    void (*send)(const struct message *message, size_t n);
    void (*receive)(struct message *message, size_t n);
    long smallest, largest;
    struct message *(*room)(void);    /* where a message can be made; NULL: in private memory */
    struct message *(*arrival)(void); /* where it is when it has come; NULL: in private memory when it was received */
};

/* Which message of which size, by which way; of each worker its own. */
static struct {
    int me, other;
    const struct way *by;
    int size; /* the index of it */
    size_t bytes;
    uint64_t sent, received; /* the numbers of the last ones; they never begin again */
    uint64_t told;           /* the last one that the other does not sleep through */
    uint64_t known_taken, places, stride;
    size_t looks; /* before it sleeps */
    bool stream;
    pid_t pid[2];
} here;

/* Past the cache, where the CPU can: what another CPU has in its cache is dear to store into, line by line. */
static void stream(pair_t *to, pair_t pair)
{
#ifdef __SSE2__
    _mm_stream_si128((__m128i *)to, (__m128i)pair);
#else
    *to = pair;
#endif
}

static void stream_done(void)
{
#ifdef __SSE2__
    _mm_sfence();
#endif
}

/* Every word of it says which message it is, and where in it. The number comes last: then all of it is there. */
static void make(struct message *message, uint64_t number)
{
    uint64_t first = number * MIXER;
    pair_t pair = { first, ~first };
    message->word = first;
    for (size_t i = 0; i + 1 < here.bytes / sizeof pair; i++, pair += 1)
        if (here.stream)
            stream(&message->pair[i], pair);
        else
            message->pair[i] = pair;
    if (here.stream)
        stream_done();
    atomic_store_explicit(&message->number, number, memory_order_release);
}

static void check(const struct message *message, uint64_t number)
{
    uint64_t got = atomic_load_explicit(&message->number, memory_order_acquire), first = number * MIXER;
    pair_t pair = { first, ~first }, wrong = { 0 };
    for (size_t i = 0; i + 1 < here.bytes / sizeof pair; i++, pair += 1)
        wrong |= message->pair[i] ^ pair;
    bool same = here.bytes < WORD ? memcmp(&got, &number, here.bytes) == 0 : got == number && message->word == first;
    if (!same || (wrong[0] | wrong[1]) != 0) {
        errno = EBADMSG;
        demo_die("message %lu of %zu bytes, which came as %lu and is not what was sent", number, here.bytes, got);
    }
}

/* --- the ways ------------------------------------------------------------------------------------------------------- */

/* [A]: what A sends into, or its end of it. */
static int pipes[2][2], unix_socket[2], tcp_socket[2], posix_queue[2], sysv_queue = -1;
static const char *failed; /* the call that did not open one */

static int fails(const char *call)
{
    failed = call;
    return -errno;
}

static int pipe_open(void)
{
    return pipe(pipes[A]) < 0 || pipe(pipes[B]) < 0 ? fails("pipe()") : 0;
}

static void pipe_send(const struct message *message, size_t n)
{
    if (TEMP_FAILURE_RETRY(write(pipes[here.me][1], message, n)) != (ssize_t)n)
        demo_die("write(%zu bytes, pipe)", n);
}

static void pipe_receive(struct message *message, size_t n)
{
    for (size_t got = 0; got < n;) { /* it may hold 64 KiB */
        ssize_t more = TEMP_FAILURE_RETRY(read(pipes[here.other][0], (char *)message + got, n - got));
        if (more <= 0)
            demo_die("read(%zu bytes, pipe)", n - got);
        got += (size_t)more;
    }
}

static int unix_open(void)
{
    return socketpair(AF_UNIX, SOCK_STREAM, 0, unix_socket) < 0 ? fails("socketpair(AF_UNIX)") : 0;
}

static void socket_send(int socket, const struct message *message, size_t n)
{
    if (TEMP_FAILURE_RETRY(send(socket, message, n, 0)) != (ssize_t)n)
        demo_die("send(%zu bytes)", n);
}

static void socket_receive(int socket, struct message *message, size_t n)
{
    for (size_t got = 0; got < n;) {
        ssize_t more = TEMP_FAILURE_RETRY(recv(socket, (char *)message + got, n - got, MSG_WAITALL));
        if (more <= 0)
            demo_die("recv(%zu bytes)", n - got);
        got += (size_t)more;
    }
}

static void unix_send(const struct message *message, size_t n)
{
    socket_send(unix_socket[here.me], message, n);
}

static void unix_receive(struct message *message, size_t n)
{
    socket_receive(unix_socket[here.me], message, n);
}

static int tcp_open(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) }; /* any port */
    socklen_t length = sizeof address;
    cleanup_fd int listener = socket(AF_INET, SOCK_STREAM, 0);
    tcp_socket[A] = socket(AF_INET, SOCK_STREAM, 0);
    if (listener < 0 || tcp_socket[A] < 0)
        return fails("socket(AF_INET)");
    if (bind(listener, (struct sockaddr *)&address, length) < 0)
        return fails("bind(127.0.0.1)");
    if (listen(listener, 1) < 0 || getsockname(listener, (struct sockaddr *)&address, &length) < 0)
        return fails("listen() or getsockname()");
    if (TEMP_FAILURE_RETRY(connect(tcp_socket[A], (struct sockaddr *)&address, length)) < 0)
        return fails("connect(127.0.0.1)");
    tcp_socket[B] = (int)TEMP_FAILURE_RETRY(accept(listener, NULL, NULL));
    if (tcp_socket[B] < 0)
        return fails("accept()");
    for (int i = A; i <= B; i++)
        if (setsockopt(tcp_socket[i], IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int)) < 0)
            return fails("setsockopt(TCP_NODELAY)");
    return 0;
}

static void tcp_send(const struct message *message, size_t n)
{
    socket_send(tcp_socket[here.me], message, n);
}

static void tcp_receive(struct message *message, size_t n)
{
    socket_receive(tcp_socket[here.me], message, n);
}

/* A queue outlives all processes. So each has a name before it is there, which the guard can read. */
static struct names {
    char posix[32];
    key_t key;
} * names;

static void remove_queues(const void *arg)
{
    const struct names *its = arg;
    int id = its->key == IPC_PRIVATE ? -1 : msgget(its->key, 0);
    for (int i = 0; id >= 0 && i < 2 && msgctl(id, IPC_RMID, NULL) < 0; i++)
        continue; /* once more: there is nobody to tell */
    for (int i = 0; its->posix[0] != '\0' && i < 2 && mq_unlink(its->posix) < 0; i++)
        continue;
}

static unsigned random_number(void)
{
    unsigned number = (unsigned)getpid();
    getrandom(&number, sizeof number, GRND_NONBLOCK);
    return number | 1; /* as a key, 0 is IPC_PRIVATE */
}

static int posix_open(void)
{
    struct mq_attr limits = { .mq_maxmsg = 10, .mq_msgsize = QUEUED };
    for (int i = A; i <= B; i++) {
        snprintf(names->posix, sizeof names->posix, "/proclab-%x", random_number());
        posix_queue[i] = mq_open(names->posix, O_RDWR | O_CREAT | O_EXCL, 0600, &limits);
        if (posix_queue[i] < 0)
            return names->posix[0] = '\0', fails("mq_open()");
        if (mq_unlink(names->posix) < 0)
            demo_die("mq_unlink(%s)", names->posix);
        names->posix[0] = '\0';
    }
    return 0;
}

static void posix_send(const struct message *message, size_t n)
{
    if (TEMP_FAILURE_RETRY(mq_send(posix_queue[here.me], (const char *)message, n, 0)) < 0)
        demo_die("mq_send(%zu bytes)", n);
}

static void posix_receive(struct message *message, size_t n)
{
    if (TEMP_FAILURE_RETRY(mq_receive(posix_queue[here.other], (char *)message, QUEUED, NULL)) != (ssize_t)n)
        demo_die("mq_receive(%zu bytes)", n);
}

static int sysv_open(void)
{
    names->key = (key_t)random_number();
    sysv_queue = msgget(names->key, IPC_CREAT | IPC_EXCL | 0600);
    if (sysv_queue < 0)
        names->key = IPC_PRIVATE;
    return sysv_queue < 0 ? fails("msgget()") : 0;
}

static void sysv_send(const struct message *message, size_t n) /* always of a packet: its type is whom it is for */
{
    if (TEMP_FAILURE_RETRY(msgsnd(sysv_queue, (const long *)message - 1, n, 0)) < 0)
        demo_die("msgsnd(%zu bytes)", n);
}

static void sysv_receive(struct message *message, size_t n)
{
    if (TEMP_FAILURE_RETRY(msgrcv(sysv_queue, (long *)message - 1, n, 1 + here.me, 0)) != (ssize_t)n)
        demo_die("msgrcv(%zu bytes)", n);
}

/* --- shared memory --------------------------------------------------------------------------------------------------- */

/* In each direction a ring for each size, of two messages at least, each with lines of its own. What one side writes and the
 * other reads is in a line of its own, too. */
static struct {
    struct {
        alignas(LINE) _Atomic uint32_t asleep; /* a futex: what it waits for */
        alignas(LINE) _Atomic uint64_t taken;  /* of those that come to it: the last one whose place is free again */
    } worker[2];
    alignas(LINE) _Atomic uint64_t ball; /* of the bare round trip */
    alignas(4096) char ring[2][SIZES][2 * LARGEST];
} * shared;

static struct message *place(int direction, uint64_t number)
{
    return (struct message *)&shared->ring[direction][here.size][(number & (here.places - 1)) * here.stride];
}

enum { AWAKE, FOR_MESSAGE, FOR_ROOM };

/* Wakes the other one if it sleeps until what we have done. It looks once more after it has said that it will sleep, and we
 * look at that after we have done it: so one of the two sees the other. */
static void wake_who_waits(uint32_t what)
{
    _Atomic uint32_t *asleep = &shared->worker[here.other].asleep;
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load_explicit(asleep, memory_order_relaxed) != what)
        return;
    atomic_store(asleep, AWAKE);
    syscall(SYS_futex, asleep, FUTEX_WAKE, 1);
}

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb");
#endif
}

/* Once for each message at most: it may sleep again because that one is done. */
static void tell(void)
{
    if (here.told != here.sent)
        wake_who_waits(FOR_MESSAGE);
    here.told = here.sent;
}

/* Waits until *word is at least this: looking, for about as long as it takes to be woken up or to make a message, where the
 * other one can run meanwhile; then asleep. Whoever is going to wait has first told the other that there is a message. */
static void await(const _Atomic uint64_t *word, uint64_t least, uint32_t what)
{
    tell();
    for (size_t i = 0; i < here.looks; i++) {
        if (atomic_load_explicit(word, memory_order_acquire) >= least)
            return;
        relax();
    }
    _Atomic uint32_t *asleep = &shared->worker[here.me].asleep;
    while (atomic_load(word) < least) {
        atomic_store(asleep, what);
        if (atomic_load(word) < least)
            syscall(SYS_futex, asleep, FUTEX_WAIT, what, NULL);
        atomic_store(asleep, AWAKE);
    }
}

/* Half a ring is what is told at once: one who sleeps is not woken for each message while there is more to do. */
static bool half_a_ring(uint64_t number)
{
    return (number & (here.places / 2 - 1)) == 0;
}

static void await_room(void)
{
    if (here.sent < here.known_taken + here.places)
        return;
    const _Atomic uint64_t *taken = &shared->worker[here.other].taken;
    await(taken, here.sent + 1 - here.places, FOR_ROOM);
    here.known_taken = atomic_load_explicit(taken, memory_order_acquire);
}

static void give_back(void)
{
    if (!half_a_ring(here.received))
        return;
    atomic_store_explicit(&shared->worker[here.me].taken, here.received, memory_order_release);
    wake_who_waits(FOR_ROOM);
}

static struct message *shm_room(void)
{
    await_room();
    return place(here.me, here.sent + 1);
}

static void shm_send(const struct message *message, size_t n)
{
    (void)n; /* it is where it belongs already, and its number says so */
    if (demo_without("flag"))
        pipe_send(message, 1);
    else if (half_a_ring(here.sent))
        tell();
}

static struct message *shm_arrival(void)
{
    struct message *message = place(here.other, here.received);
    if (demo_without("flag"))
        pipe_receive(&in.message, 1);
    await(&message->number, here.received, FOR_MESSAGE);
    return message;
}

/* The message is private, and the other one copies it out. That it is there is said by its number in the ring. */
static struct message *vm_room(void)
{
    await_room();
    return &out[(here.sent + 1) % 2].message;
}

static void vm_send(const struct message *message, size_t n)
{
    (void)message, (void)n;
    atomic_store_explicit(&place(here.me, here.sent)->number, here.sent, memory_order_release);
    tell();
}

static struct message *vm_arrival(void)
{
    await(&place(here.other, here.received)->number, here.received, FOR_MESSAGE);
    return &in.message;
}

static void vm_receive(struct message *message, size_t n)
{
    struct iovec its = { &out[here.received % 2].message, n }, ours = { message, n }; /* both are of one fork */
    if (process_vm_readv(here.pid[here.other], &ours, 1, &its, 1, 0) != (ssize_t)n)
        demo_die("process_vm_readv(%d, %zu bytes)", here.pid[here.other], n);
}

static const struct way ways[] = {
    { "pipe", pipe_open, pipe_send, pipe_receive, 1, LARGEST },
    { "unix", unix_open, unix_send, unix_receive, 1, LARGEST },
    { "tcp", tcp_open, tcp_send, tcp_receive, 1, LARGEST },
    { "posix-mq", posix_open, posix_send, posix_receive, 1, QUEUED },
    { "sysv-msg", sysv_open, sysv_send, sysv_receive, 1, QUEUED },
    { "shm", NULL, shm_send, NULL, 1, LARGEST, shm_room, shm_arrival },
    { "vm-readv", NULL, vm_send, vm_receive, 65536, LARGEST, vm_room, vm_arrival }, /* throughput only */
};
enum { PIPE, UNIX, TCP, POSIX, SYSV, SHM, VM, WAYS };

static void send_one(void)
{
    struct message *message = here.by->room != NULL ? here.by->room() : &out[0].message;
    make(message, here.sent + 1);
    here.sent++;
    here.by->send(message, here.bytes);
}

static void receive_one(void)
{
    here.received++;
    struct message *message = here.by->arrival != NULL ? here.by->arrival() : &in.message;
    if (here.by->receive != NULL)
        here.by->receive(message, here.bytes);
    check(message, here.received);
    if (here.by->arrival != NULL)
        give_back();
}

/* --- the two workers ------------------------------------------------------------------------------------------------- */

enum what { THROUGHPUT, LATENCY, CACHE_LINE, MEMCPY, READABLE };
struct order {
    enum what what;
    int way, size, cpu[2];
    long count;
    uint64_t first; /* number of the first message */
    pid_t pid[2];
};
struct result {
    double begin, end; /* on the clock that all processes share */
    int error;
};

static void round_trip(void)
{
    if (here.me == A)
        send_one();
    receive_one();
    if (here.me == B)
        send_one();
}

/* The floor of every round trip between two CPUs: one cache line goes there and back. */
static void play_ball(uint64_t first, long count)
{
    for (uint64_t i = first; i < first + (uint64_t)count; i++) {
        if (here.me == A)
            atomic_store_explicit(&shared->ball, 2 * i, memory_order_release);
        while (atomic_load_explicit(&shared->ball, memory_order_acquire) != 2 * i + (here.me == A))
            relax();
        if (here.me == B)
            atomic_store_explicit(&shared->ball, 2 * i + 1, memory_order_release);
    }
}

/* What it would cost not to use the ring in place: from where a message was made into the ring. */
static void copy(long count)
{
    for (long i = 0; here.me == A && i < count; i++)
        memcpy(place(A, (uint64_t)i), &out[i % 2].message, LARGEST);
}

/* One round trip before the clock is looked at: then both are awake, and where they should be. */
static struct result measure(const struct order *order)
{
    struct result result = { 0 };
    if (order->what <= LATENCY)
        round_trip();
    else if (order->what == CACHE_LINE)
        play_ball(order->first, 1);
    result.begin = measure_now_ns();
    if (order->what == CACHE_LINE)
        play_ball(order->first + 1, order->count);
    if (order->what == MEMCPY)
        copy(order->count);
    for (long i = 0; order->what == LATENCY && i < order->count; i++)
        round_trip();
    for (long i = 0; order->what == THROUGHPUT && i < order->count; i++)
        here.me == A ? send_one() : receive_one();
    tell();
    result.end = measure_now_ns();
    return result;
}

/* A ring of one size. Of a round trip there is one message under way: in few lines, they stay in the nearest cache. */
static uint64_t places(enum what what, size_t stride)
{
    size_t room = what == LATENCY ? 1 << 10 : stride < 65536 ? 128 << 10 : 2 * LARGEST;
    return room < 2 * stride ? 2 : room / stride;
}

static struct result carry_out(const struct order *order)
{
    here.by = &ways[order->way];
    here.size = order->size;
    here.bytes = (size_t)sizes[order->size];
    here.sent = here.received = here.told = here.known_taken = order->first - 1;
    here.stride = here.bytes < LINE ? LINE : here.bytes;
    here.places = here.by->receive != NULL ? 2 : places(order->what, here.stride);
    bool two = order->cpu[A] != order->cpu[B];
    here.looks = two ? 4000 + here.bytes / LINE : 0;
    here.stream = two && here.by->room != NULL && here.bytes >= 4096;
    memcpy(here.pid, order->pid, sizeof here.pid);
    demo_need(measure_pin(order->cpu[here.me], NULL), "sched_setaffinity(CPU %d)", order->cpu[here.me]);
    if (order->what != READABLE)
        return measure(order);
    prctl(PR_SET_PTRACER, here.pid[here.other]); /* where Yama wants it; where there is no Yama it fails */
    struct iovec its = { &in, 1 }, ours = { &in, 1 };
    ssize_t n = process_vm_readv(here.pid[here.other], &ours, 1, &its, 1, 0);
    return (struct result){ .error = n == 1 ? 0 : errno };
}

static _Noreturn void work(int me, int control)
{
    struct order order;
    here.me = me;
    here.other = !me;
    memset(out, 0, sizeof out); /* pages of its own, all there */
    out[0].type = 1 + here.other;
    while (TEMP_FAILURE_RETRY(recv(control, &order, sizeof order, 0)) == sizeof order) {
        struct result result = carry_out(&order);
        if (TEMP_FAILURE_RETRY(send(control, &result, sizeof result, 0)) != sizeof result)
            demo_die("send(a result)");
    }
    _exit(0);
}

/* --- the measurements ------------------------------------------------------------------------------------------------ */

static struct {
    pid_t pid;
    int control;
} worker[2];
static uint64_t next_number = 1;
static int cpus[2], n_cpus;
static bool there[WAYS];
static double batch_ns; /* what a batch should take at most */

/* What is measured in a group, round by round: all ways with one size, on as many CPUs. */
enum { YARDSTICK = WAYS, MOST };
struct cell {
    struct order order;
    int row; /* of the tables: the way, or YARDSTICK */
    char name[48];
};
static struct group {
    struct measure_contender who[MOST];
    struct cell cell[MOST];
    size_t n;
} groups[2][2][SIZES]; /* throughput and latency; one CPU and two */

static void start_worker(int me, pid_t *pid)
{
    int ends[2];
    pid_t parent = getpid();
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) < 0)
        demo_die("socketpair(AF_UNIX, SOCK_SEQPACKET)");
    *pid = fork();
    if (*pid < 0)
        demo_die("fork()");
    if (*pid == 0) {
        demo_need(sync_die_with(parent), "prctl(PR_SET_PDEATHSIG, SIGKILL)");
        close(ends[0]);
        work(me, ends[1]);
    }
    close(ends[1]);
    worker[me].pid = *pid;
    worker[me].control = ends[0];
    demo_role(*pid, me == A ? "worker A" : "worker B");
}

/* A worker that has died says nothing any more, and the other one would wait for it for ever. */
static void get_results(struct result results[2])
{
    struct pollfd from[2] = { { worker[A].control, POLLIN }, { worker[B].control, POLLIN } };
    for (int left = 2; left > 0;) {
        if (TEMP_FAILURE_RETRY(poll(from, 2, -1)) < 0)
            demo_die("poll(the workers)");
        for (int i = A; i <= B; i++) {
            if (from[i].fd < 0 || from[i].revents == 0)
                continue;
            ssize_t n = TEMP_FAILURE_RETRY(recv(from[i].fd, &results[i], sizeof results[i], 0));
            if (n == 0)
                demo_need(sync_finished(worker[i].pid) < 0 ? -ECANCELED : -EPIPE, "waitid(%d), of worker %c",
                          worker[i].pid, "AB"[i]);
            if (n != sizeof results[i])
                demo_die("recv(a result)");
            from[i].fd = -1;
            left--;
        }
    }
}

static void give_order(struct order *order, struct result results[2])
{
    order->first = next_number;
    order->pid[A] = worker[A].pid;
    order->pid[B] = worker[B].pid;
    next_number += (uint64_t)order->count + 1;
    for (int i = B; i >= A; i--)
        if (TEMP_FAILURE_RETRY(send(worker[i].control, order, sizeof *order, 0)) < 0)
            demo_die("send(an order)");
    get_results(results);
}

/* What a batch should take: less where both sides look and look, so that neither loses its CPU meanwhile to another process. */
static double batch_of(const struct order *order)
{
    if (order->what == CACHE_LINE)
        return batch_ns / 16;
    return order->cpu[A] != order->cpu[B] && sizes[order->size] < LARGEST ? batch_ns / 4 : batch_ns;
}

/* Once, a batch; the next one has as many messages as should take the time for a batch. */
static double once(const void *arg)
{
    struct order *order = &((struct cell *)arg)->order;
    struct result results[2];
    give_order(order, results);
    double took = results[order->what == THROUGHPUT ? B : A].end - results[A].begin, each = took / (double)order->count;
    order->count = (long)fmax(1, fmin(16 * (double)order->count, batch_of(order) / each));
    return order->what == THROUGHPUT || order->what == MEMCPY ? 1e9 * (double)sizes[order->size] / each : each;
}

static const char *const what_names[] = { "throughput", "latency" }, *const units[] = { "bytes/s", "ns" };
static const char *const size_names[] = { "1 B", "64 B", "4 KiB", "64 KiB", "1 MiB" };

/* Where there is no time at all, two of the sizes. */
static bool wanted(int size)
{
    if (demo_option("size") == 0)
        return cost_budget_ns(1) > 0 || size == 1 || size == 3;
    return demo_option("size") == sizes[size];
}

static void add(struct group *group, enum what what, int way, int two, int size, const char *name)
{
    struct cell *cell = &group->cell[group->n];
    *cell = (struct cell){ .row = what <= LATENCY ? way : YARDSTICK,
                           .order = { what, way, size, { cpus[A], cpus[two ? B : A] }, 1 } };
    snprintf(cell->name, sizeof cell->name, "%s", name);
    group->who[group->n++] = (struct measure_contender){ cell->name, once, cell };
}

/* Those that the text shows as bars, too: round trips of 64 bytes by a few of the ways. */
static bool has_bar(const struct order *order)
{
    return (order->what == LATENCY || order->what == CACHE_LINE) && sizes[order->size] == LINE && order->way != POSIX &&
           order->way != SYSV;
}

static void report(const struct group *group, const char *unit, bool bars)
{
    for (size_t i = 0; i < group->n; i++)
        if (bars && has_bar(&group->cell[i].order))
            cost_show(&group->who[i], 1, unit);
        else if (!bars && !has_bar(&group->cell[i].order))
            cost_store(&group->who[i], 1, unit);
}

static void measure_group(enum what what, int two, int size, double share)
{
    struct group *group = &groups[what][two][size];
    char name[48];
    for (int way = 0; way < WAYS; way++) {
        bool has_it = there[way] && sizes[size] >= ways[way].smallest && sizes[size] <= ways[way].largest;
        snprintf(name, sizeof name, "%s.%s.%dcpu.%ld", what_names[what], ways[way].name, 1 + two, sizes[size]);
        if (has_it && (way != VM || what == THROUGHPUT))
            add(group, what, way, two, size, name);
    }
    snprintf(name, sizeof name, "memcpy-of-1MiB.%ld", sizes[size]);
    if (two && what == LATENCY && sizes[size] == LINE)
        add(group, CACHE_LINE, SHM, two, size, "cache-line.2cpu");
    if (two && what == THROUGHPUT && sizes[size] >= ways[VM].smallest)
        add(group, MEMCPY, SHM, two, SIZES - 1, name);
    cost_rounds(group->who, group->n, share);
    report(group, units[what], false);
}

static const struct measure_contender *find(const struct group *group, int row)
{
    for (size_t i = 0; i < group->n; i++)
        if (group->cell[i].row == row)
            return &group->who[i];
    return NULL;
}

enum { COLUMNS = 1 + SIZES, CELL = 32 };
struct table {
    const char *columns[COLUMNS + 1], *cells[MOST * COLUMNS];
    char text[MOST * COLUMNS][CELL];
    size_t n, width;
};

static void table_add(struct table *table, const char *text)
{
    snprintf(table->text[table->n], CELL, "%s", text);
    table->cells[table->n] = table->text[table->n];
    table->n++;
}

static void table_begin(struct table *table, const char *title)
{
    table->n = 0;
    table->columns[0] = title;
    table->width = 1;
    for (int size = 0; size < SIZES; size++)
        if (wanted(size))
            table->columns[table->width++] = size_names[size];
    table->columns[table->width] = NULL;
}

static void show_table(enum what what, int two)
{
    struct table table;
    table_begin(&table, what == THROUGHPUT ? "throughput" : "round trip");
    for (int way = 0; way <= YARDSTICK; way++) {
        bool any = false;
        for (int size = 0; size < SIZES; size++)
            any |= find(&groups[what][two][size], way) != NULL;
        if (!any)
            continue;
        table_add(&table, way < WAYS ? ways[way].name : what == THROUGHPUT ? "memcpy of 1 MiB" : "a cache line");
        for (int size = 0; size < SIZES; size++) {
            const struct measure_contender *who = find(&groups[what][two][size], way);
            if (wanted(size))
                table_add(&table, who == NULL ? "-" : cost_text(measure_spread_in(who).median, units[what]));
        }
    }
    demo_table(0, "medians", table.columns, table.cells, table.n / table.width);
}

static void observe_cpus(void)
{
    for (int i = A; i <= B; i++) {
        struct proc_stat stat;
        demo_need(proc_stat_read(worker[i].pid, &stat), "read(/proc/%d/stat)", worker[i].pid);
        char number[16];
        snprintf(number, sizeof number, "%d", (int)stat.processor);
        demo_observe(worker[i].pid, "/proc/PID/stat",
                     demo_fact("processor", demo_mask(number, stat.processor == cpus[A] ? "CPU-A" : "CPU-B")));
    }
    demo_look("ps -o pid,psr,stat,wchan:20,comm -p %s,%s", demo_pid(worker[A].pid), demo_pid(worker[B].pid));
}

/* Of the whole time. A round of the largest messages takes the longest. */
static double share_of(int size)
{
    double each = 0.95 / (2 * 2 * SIZES);
    return demo_option("size") ? SIZES * each : sizes[size] == LARGEST ? 2 * each : 0.75 * each;
}

static void measure_on(int two)
{
    for (int size = 0; size < SIZES; size++)
        for (enum what what = THROUGHPUT; what <= LATENCY; what++)
            if (wanted(size))
                measure_group(what, two, size, share_of(size));
    show_table(THROUGHPUT, two);
    show_table(LATENCY, two);
    for (int size = 0; size < SIZES; size++)
        report(&groups[LATENCY][two][size], units[LATENCY], true);
    observe_cpus();
}

/* How many times better a is than b, round by round. */
static struct measure_spread better(enum what what, const struct measure_contender *a,
                                    const struct measure_contender *b)
{
    return what == THROUGHPUT ? measure_ratio(a, b) : measure_ratio(b, a);
}

/* Shared memory against the one that comes next to it; and what is decided, against all of them. */
static struct measure_spread against_all(enum what what, int two, int size, enum measure_order *order)
{
    const struct group *group = &groups[what][two][size];
    struct measure_spread least = { .median = INFINITY };
    for (int way = 0; way < WAYS; way++) {
        const struct measure_contender *who = find(group, way);
        if (way == SHM || who == NULL)
            continue;
        struct measure_spread times = better(what, find(group, SHM), who);
        enum measure_order here_it_is = measure_order_of(times);
        *order = here_it_is < *order ? here_it_is : *order;
        if (times.median < least.median)
            least = times;
    }
    return least;
}

static void show_ratios(void)
{
    struct table table;
    table_begin(&table, "times as good");
    for (int row = 0; row < 2 + 4; row++) {
        int two = row % 2;
        enum what what = row < 4 ? THROUGHPUT : LATENCY;
        char name[CELL];
        if (two >= n_cpus || (row < 2 && !(there[UNIX] && there[TCP])))
            continue;
        snprintf(name, sizeof name, "%s %s %dcpu", row < 2 ? "unix/tcp" : "shm/next", what == LATENCY ? "trip" : "rate",
                 1 + two);
        table_add(&table, name);
        for (int size = 0; size < SIZES; size++) {
            const struct group *group = &groups[what][two][size];
            enum measure_order order = MEASURE_MORE;
            if (wanted(size))
                table_add(&table, cost_text(row < 2 ? measure_ratio(find(group, UNIX), find(group, TCP)).median
                                                    : against_all(what, two, size, &order).median,
                                            "x"));
        }
    }
    demo_table(0, "ratios of the rounds", table.columns, table.cells, table.n / table.width);
}

/* What the course says of it, what it is here, and the evidence. */
struct finding {
    const char *course;
    enum measure_order order;
    char here[64], evidence[192];
};

/* On one CPU, where no wake-up of another one is in the times. It holds if it does at every size; if it does at a large one
 * only, the text and Linux differ. */
static struct finding judge_unix(void)
{
    struct finding found = { "Unix sockets: more than TCP", MEASURE_MORE };
    enum measure_order large = MEASURE_UNDECIDED;
    struct measure_spread worst = { .median = INFINITY }, best = { 0 };
    for (int size = 0; size < SIZES; size++) {
        if (!wanted(size))
            continue;
        const struct group *group = &groups[THROUGHPUT][0][size];
        struct measure_spread times = measure_ratio(find(group, UNIX), find(group, TCP));
        enum measure_order order = measure_order_of(times);
        found.order = order < found.order ? order : found.order;
        if (sizes[size] >= 65536 && order != MEASURE_UNDECIDED)
            large = order;
        worst = times.median < worst.median ? times : worst;
        best = times.median > best.median ? times : best;
    }
    if (found.order != MEASURE_MORE)
        found.order = large == MEASURE_UNDECIDED ? large : MEASURE_LESS;
    snprintf(found.here, sizeof found.here, "%s to %s, by size", cost_text(worst.median, "times"),
             cost_text(best.median, "times"));
    snprintf(found.evidence, sizeof found.evidence, "on one CPU, by size, from %s to %s",
             cost_spread_text(worst, "times"), cost_spread_text(best, "times"));
    return found;
}

/* Where both can run at once. */
static struct finding judge_shm(void)
{
    struct finding found = { "shared memory: the fastest", MEASURE_MORE };
    double least[2] = { INFINITY, INFINITY };
    for (enum what what = THROUGHPUT; what <= LATENCY; what++)
        for (int size = 0; size < SIZES; size++)
            if (wanted(size))
                least[what] = fmin(least[what], against_all(what, 1, size, &found.order).median);
    snprintf(found.here, sizeof found.here, "at least %s the next",
             cost_text(fmin(least[THROUGHPUT], least[LATENCY]), "times"));
    snprintf(found.evidence, sizeof found.evidence,
             "on two CPUs at least %s the throughput of the next, and round trips at least %s as quick",
             cost_text(least[THROUGHPUT], "times"), cost_text(least[LATENCY], "times"));
    return found;
}

/* A process that never sleeps, and leaves the CPU to whoever wants it. */
static void keep_awake(int cpu, pid_t *pid)
{
    pid_t parent = getpid();
    *pid = fork();
    if (*pid < 0)
        demo_die("fork()");
    if (*pid > 0)
        return;
    demo_need(sync_die_with(parent), "prctl(PR_SET_PDEATHSIG, SIGKILL)");
    demo_need(measure_pin(cpu, NULL), "sched_setaffinity(CPU %d)", cpu);
    if (sched_setscheduler(0, SCHED_IDLE, &(struct sched_param){ 0 }) < 0)
        demo_die("sched_setscheduler(SCHED_IDLE)");
    for (;;)
        relax();
}

/* What a wake-up costs depends on what the CPU does that is woken. */
static void show_regimes(void)
{
    static struct group regimes;
    add(&regimes, LATENCY, PIPE, 1, 1, "pipe.2cpu.asleep");
    add(&regimes, LATENCY, PIPE, 1, 1, "pipe.2cpu.awake");
    cost_rounds(&regimes.who[0], 1, 0.02);
    cleanup_child pid_t on_a = -1, on_b = -1;
    keep_awake(cpus[A], &on_a);
    keep_awake(cpus[B], &on_b);
    cost_rounds(&regimes.who[1], 1, 0.02);
    cost_show(regimes.who, regimes.n, "ns");
}

/* How it failed where a way did not open; else empty. */
static char left_out[WAYS][64];

static void leave_out(int way, const char *call, int error)
{
    there[way] = false;
    snprintf(left_out[way], sizeof left_out[way], "%s: %s", call, strerrorname_np(error));
    demo_act(0, "%s is left out: %s", ways[way].name, left_out[way]);
}

static void open_ways(void)
{
    for (int way = 0; way < WAYS; way++) {
        int rc = ways[way].open == NULL ? 0 : ways[way].open();
        there[way] = rc == 0;
        if (rc < 0)
            leave_out(way, failed, -rc);
    }
    if (!there[PIPE] && demo_without("flag"))
        demo_cannot("--break flag needs a pipe: %s", left_out[PIPE]);
}

static void map_memory(void)
{
    names = mmap(NULL, sizeof *names, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (names == MAP_FAILED || shared == MAP_FAILED)
        demo_die("mmap(%zu, MAP_SHARED)", sizeof *shared);
    names->key = IPC_PRIVATE; /* none yet */
}

static void try_reading(void)
{
    struct result results[2];
    struct order order = { .what = READABLE, .way = VM, .cpu = { cpus[A], cpus[A] }, .count = 1 };
    give_order(&order, results);
    if (results[A].error != 0 || results[B].error != 0)
        leave_out(VM, "process_vm_readv()", results[A].error != 0 ? results[A].error : results[B].error);
}

static void show_findings(const struct finding *found, size_t n)
{
    static const char *const columns[] = { "the course says", "here", "so it", NULL };
    const char *cells[2 * 3];
    for (size_t i = 0; i < n; i++) {
        cells[3 * i] = found[i].course;
        cells[3 * i + 1] = found[i].here;
        cells[3 * i + 2] = demo_mask(found[i].order == MEASURE_MORE   ? "holds"
                                     : found[i].order == MEASURE_LESS ? "differs"
                                                                      : "is not decided",
                                     "?");
    }
    if (n > 0)
        demo_table(0, "ratios of the rounds", columns, cells, n);
}

static void decide(void)
{
    struct finding found[2];
    size_t n = 0;
    bool judges_unix = there[UNIX] && there[TCP];
    bool judges_shm = n_cpus == 2 && (there[PIPE] || there[UNIX] || there[TCP]);
    if (judges_unix)
        found[n++] = judge_unix();
    if (judges_shm)
        found[n++] = judge_shm();
    show_ratios();
    show_findings(found, n);
    if (judges_unix)
        cost_check("unix.faster-than-tcp", found[0].order, "%s", found[0].evidence);
    else
        demo_skip("unix.faster-than-tcp", "%s; it needs both, for TCP the loopback (ip link set lo up)",
                  there[UNIX] ? left_out[TCP] : left_out[UNIX]);
    if (judges_shm)
        cost_check("shm.fastest", found[n - 1].order, "%s", found[n - 1].evidence);
    else if (n_cpus == 2)
        demo_skip("shm.fastest", "it needs another way to be compared with: %s", left_out[PIPE]);
    else
        demo_skip("shm.fastest", "it needs two CPUs, for both sides to run at once (taskset, cpuset)");
}

static void ipc_cost(void)
{
    umask(077); /* the queues are of mode 0600, whatever it was */
    demo_step("Look at what the numbers depend on");
    cost_machine();
    n_cpus = measure_cpus(cpus, 2) < 2 ? 1 : 2;
    batch_ns = fmin(fmax(cost_budget_ns(0.95 / (2 * 2 * SIZES)) / 600, 20e3), 1e6);

    demo_step("Open every way, and fork the two who use them");
    cleanup_guard struct sync_guard guard = { -1 };
    cleanup_child pid_t a = -1, b = -1;
    map_memory();
    demo_need(sync_guard_start(&guard, remove_queues, names),
              "socketpair(), pidfd_open(), fcntl(), dup2() or fork() of a guard");
    open_ways();
    start_worker(A, &a);
    start_worker(B, &b);
    try_reading();

    demo_step("Pass messages while both have one CPU");
    measure_on(0);
    if (n_cpus == 2) {
        demo_step("Pass messages while each has a CPU of its own");
        measure_on(1);
        demo_step("Keep the CPUs awake meanwhile");
        if (there[PIPE])
            show_regimes();
    }
    demo_step("Compare, round by round");
    decide();
    if (sysv_queue >= 0 && msgctl(sysv_queue, IPC_RMID, NULL) < 0)
        demo_die("msgctl(%d, IPC_RMID)", sysv_queue);
    names->key = IPC_PRIVATE;
}

static const char why[] =
    "What is timed is the same for every way: a message is made, passed, and checked\n"
    "word for word; each word says which message it is and where in it. Throughput\n"
    "is from the first message made to the last one checked, a round trip there and\n"
    "back. Before the clock starts there is one round trip that does not count, so\n"
    "that both are awake. A sample is the median of five batches, and all ways with\n"
    "one size take turns, so that what disturbs one round disturbs all of it.\n"
    "\n"
    "A pipe, a socket and a queue copy each byte twice, into the kernel and out, and\n"
    "each message is two system calls, and a wake-up where the other one sleeps.\n"
    "process_vm_readv(2) copies once. Shared memory is used in place: no copy, no\n"
    "call. Its number, stored last (release) and looked at first (acquire), is the\n"
    "flag, in the same cache line as a message of 64 bytes; so a round trip is that\n"
    "of the line, which is measured beside it, and little more.\n"
    "\n"
    "Who waits for the flag looks at it for a while where the other one has a CPU to\n"
    "run on, then sleeps in futex(2). On one CPU it sleeps at once: looking would\n"
    "keep the other one from its work. It is woken when the other one has nothing\n"
    "more to do or half a ring is full, not for each message. On one CPU a round\n"
    "trip is then two switches, whatever the way, and shared memory has little left\n"
    "to save.\n"
    "\n"
    "Between two CPUs large messages are stored past the cache (movntdq): a store\n"
    "into a line that another CPU has in its cache costs a message between the CPUs,\n"
    "line by line. What a wake-up costs depends on what its CPU does: an\n"
    "idle one sleeps, in a guest by an exit to the host. Step 5 measures one round\n"
    "trip with CPUs that may sleep and with such that may not; nothing is decided by\n"
    "that.\n"
    "\n"
    "Unix sockets against TCP: no checksum, no acknowledgement, no segments; large\n"
    "messages gain from that. With small ones both are mostly two calls and a\n"
    "wake-up, and TCP joins in one buffer what it can. Queues take messages of up to\n"
    "8 KiB as systems come (fs.mqueue.msgsize_max, kernel.msgmax).\n";

static const struct demo_break breaks[] = {
    { "flag", "shm.fastest", "says by a pipe that a message is in the shared memory" },
    { 0 },
};
static const struct demo_option options[] = {
    COST_OPTIONS(24),
    { "size", "Messages of this size only: 1, 64, 4096, 65536 or 1048576 bytes", 0, 0, LARGEST },
    { 0 },
};
static const struct demo_prediction predictions[] = {
    {
        .step = 3,
        .claim = "shm.fastest",
        .ask = "Which way passes messages the fastest, where each side has a CPU?",
        .choices = { "a pipe", "a Unix socket", "shared memory", "it depends on the size" },
        .right = 2,
        .because =
            "Each other way is two system calls and one or two copies for a message. It is the fastest at every size "
            "only where both can run at once: on one CPU somebody has to switch, whatever the way.",
    },
    { 0 },
};

static const char *wrong_size(void)
{
    for (int size = 0; size < SIZES; size++)
        if (wanted(size))
            return NULL;
    return "--size: none of 1, 64, 4096, 65536, 1048576";
}

static const struct demo demo = {
    .name = "ipc-cost",
    .title = "what it costs to pass a message, by each way between processes",
    .claims = claims,
    .breaks = breaks,
    .options = options,
    .predictions = predictions,
    .run = ipc_cost,
    .wrong = wrong_size,
    .why = why,
    .next = "container",
};

int main(int argc, char *argv[])
{
    return demo_run(argc, argv, &demo);
}
