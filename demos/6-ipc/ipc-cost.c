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
#include <sys/resource.h>
#include <sys/socket.h>
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
      "not with messages of every size: with small ones the system calls and the wake-ups count, which both of them "
      "need, and TCP joins in one buffer what it can" },
    { "shm.fastest", "Shared memory is the fastest way between processes.", DEMO_COST,
      "it is where the flag is in shared memory, too, and the data is used in place; each call for a flag, each copy "
      "and each line taken from another CPU's cache costs it that" },
    { 0 },
};

enum { A, B };
enum { LINE = 64, LARGEST = 1 << 20, QUEUED = 8192 /* what both kinds of queue take by default */, MIXER = 0x9e3779b1 };
static const long sizes[] = { 1, LINE, 4096, 65536, LARGEST };
enum { SIZES = sizeof sizes / sizeof *sizes };

/* --- a message ------------------------------------------------------------------------------------------------------ */

typedef uint64_t pair_t __attribute__((vector_size(16))); /* stored and compared at once */

struct message {
    _Atomic uint64_t number; /* of 1 byte: no more than the first of it */
    uint64_t word;
    pair_t rest[3];                     /* of the first cache line */
    pair_t line[LARGEST / LINE - 1][4]; /* the others */
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
    int (*open)(int ends[2][2]); /* [A], [B]: the descriptors by which each sends, and receives */
    void (*send)(const struct message *message, size_t n);
    void (*receive)(struct message *message, size_t n);
    long smallest, largest;
    struct message *(*room)(void);    /* where a message can be made; NULL: in private memory */
    struct message *(*arrival)(void); /* where it is when it has come; NULL: in private memory when it was received */
    void (*renew)(int mine[2]);       /* before each batch, of either side its descriptors; NULL: nothing */
};

enum what { THROUGHPUT, LATENCY, CACHE_LINE, MEMCPY, READABLE };
/* Which messages, by which way; to both workers. */
struct order {
    enum what what;
    int way, size; /* the indices */
    bool two;      /* CPUs */
    long count;
    uint64_t first; /* number of the first message; they never begin again */
};

/* Of each worker its own. */
static struct {
    int me, other, out, in;
    const struct way *by;
    struct order order;
    size_t bytes;
    uint64_t sent, received; /* the numbers of the last ones */
    uint64_t told;           /* the last one that the other does not sleep through */
    uint64_t known_taken, places, stride;
    size_t looks; /* before it sleeps */
    bool stream;
} here;

/* Past the cache, where the CPU can: what another CPU has in a cache of its own is dear to store into, line by line. */
static void store(pair_t *to, pair_t pair)
{
#ifdef __SSE2__
    if (here.stream) {
        _mm_stream_si128((__m128i *)to, (__m128i)pair);
        return;
    }
#endif
    *to = pair;
}

static void all_stored(void)
{
#ifdef __SSE2__
    if (here.stream)
        _mm_sfence();
#endif
}

/* Every word of it says which message it is, and where in it. The number comes last: then all of it is there. */
static void make(struct message *message, uint64_t number)
{
    uint64_t first = number * MIXER;
    pair_t pair = { first, ~first };
    message->word = first;
    for (uint64_t i = 0; i < 3; i++)
        message->rest[i] = pair + i;
    for (size_t i = 0; i + 1 < here.bytes / LINE; i++) {
        pair_t *line = message->line[i];
        pair += 4;
        store(&line[0], pair), store(&line[1], pair + 1), store(&line[2], pair + 2), store(&line[3], pair + 3);
    }
    all_stored();
    atomic_store_explicit(&message->number, number, memory_order_release);
}

static void check(const struct message *message, uint64_t number)
{
    uint64_t got = atomic_load_explicit(&message->number, memory_order_acquire), first = number * MIXER;
    pair_t pair = { first, ~first }, wrong = { got ^ number, message->word ^ first };
    for (uint64_t i = 0; i < 3; i++)
        wrong |= message->rest[i] ^ (pair + i);
    for (size_t i = 0; i + 1 < here.bytes / LINE; i++) {
        const pair_t *line = message->line[i];
        pair += 4;
        wrong |= (line[0] ^ pair) | (line[1] ^ (pair + 1)) | (line[2] ^ (pair + 2)) | (line[3] ^ (pair + 3));
    }
    bool same = here.bytes == 1 ? memcmp(&got, &number, 1) == 0 : (wrong[0] | wrong[1]) == 0;
    if (!same) {
        errno = EBADMSG;
        demo_die("message %lu of %zu bytes, which came as %lu and is not what was sent", number, here.bytes, got);
    }
}

/* --- the ways ------------------------------------------------------------------------------------------------------- */

static const char *failed; /* the call that did not open one */

static int fails(const char *call)
{
    failed = call;
    return -errno;
}

static int pipe_open(int ends[2][2])
{
    int to_b[2], to_a[2];
    if (pipe(to_b) < 0 || pipe(to_a) < 0)
        return fails("pipe()");
    ends[A][0] = to_b[1], ends[A][1] = to_a[0];
    ends[B][0] = to_a[1], ends[B][1] = to_b[0];
    return 0;
}

static void pipe_send(const struct message *message, size_t n)
{
    if (TEMP_FAILURE_RETRY(write(here.out, message, n)) != (ssize_t)n)
        demo_die("write(%zu bytes, pipe)", n);
}

static void pipe_receive(struct message *message, size_t n)
{
    for (size_t got = 0; got < n;) { /* it may hold 64 KiB */
        ssize_t more = TEMP_FAILURE_RETRY(read(here.in, (char *)message + got, n - got));
        if (more <= 0)
            demo_die("read(%zu bytes, pipe)", n - got);
        got += (size_t)more;
    }
}

/* One descriptor for both directions. */
static int both_ways(int ends[2][2], int a, int b)
{
    ends[A][0] = ends[A][1] = a;
    ends[B][0] = ends[B][1] = b;
    return 0;
}

static int unix_open(int ends[2][2])
{
    int pair[2];
    return socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 ? fails("socketpair(AF_UNIX)")
                                                         : both_ways(ends, pair[A], pair[B]);
}

static struct {
    int listener;
    struct sockaddr_in address;
} tcp = { -1, { .sin_family = AF_INET } };

/* fd: of socket() or accept(). It is closed by a reset, so that none of many connections is left in TIME_WAIT. */
static int tcp_ready(int fd)
{
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int)) < 0)
        return fails("setsockopt(TCP_NODELAY)");
    if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 }, sizeof(struct linger)) < 0)
        return fails("setsockopt(SO_LINGER)");
    return fd;
}

static int tcp_connect(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0)
        return fails("socket(AF_INET)");
    if (TEMP_FAILURE_RETRY(connect(fd, (struct sockaddr *)&tcp.address, sizeof tcp.address)) < 0)
        return fails("connect(127.0.0.1)");
    return tcp_ready(fd);
}

static int tcp_accept(void)
{
    int fd = (int)TEMP_FAILURE_RETRY(accept(tcp.listener, NULL, NULL));
    return fd < 0 ? fails("accept()") : tcp_ready(fd);
}

static int tcp_open(int ends[2][2])
{
    socklen_t length = sizeof tcp.address;
    tcp.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK); /* any port */
    tcp.listener = socket(AF_INET, SOCK_STREAM, 0);
    if (tcp.listener < 0)
        return fails("socket(AF_INET)");
    if (bind(tcp.listener, (struct sockaddr *)&tcp.address, length) < 0)
        return fails("bind(127.0.0.1)");
    if (listen(tcp.listener, 1) < 0 || getsockname(tcp.listener, (struct sockaddr *)&tcp.address, &length) < 0)
        return fails("listen() or getsockname()");
    int a = tcp_connect(), b = a < 0 ? a : tcp_accept();
    return b < 0 ? b : both_ways(ends, a, b);
}

/* Each batch has a new connection, with the congestion window of a new one. Where that has grown, each small message is a
 * segment of its own; else TCP joins those that wait, and is several times as quick. Whether it grows depends on who ran
 * when, and it stays so for long. */
static void tcp_renew(int mine[2])
{
    close(mine[0]);
    mine[0] = mine[1] = here.me == A ? tcp_connect() : tcp_accept();
    demo_need(mine[0], "%s", failed);
}

static void socket_send(const struct message *message, size_t n)
{
    if (TEMP_FAILURE_RETRY(send(here.out, message, n, 0)) != (ssize_t)n)
        demo_die("send(%zu bytes)", n);
}

static void socket_receive(struct message *message, size_t n)
{
    for (size_t got = 0; got < n;) {
        ssize_t more = TEMP_FAILURE_RETRY(recv(here.in, (char *)message + got, n - got, MSG_WAITALL));
        if (more <= 0)
            demo_die("recv(%zu bytes)", n - got);
        got += (size_t)more;
    }
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

static int posix_open(int ends[2][2])
{
    struct mq_attr limits = { .mq_maxmsg = 10, .mq_msgsize = QUEUED };
    for (int to = A; to <= B; to++) {
        snprintf(names->posix, sizeof names->posix, "/proclab-%x", random_number());
        int queue = mq_open(names->posix, O_RDWR | O_CREAT | O_EXCL, 0600, &limits);
        if (queue < 0)
            return names->posix[0] = '\0', fails("mq_open()");
        if (mq_unlink(names->posix) < 0)
            demo_die("mq_unlink(%s)", names->posix);
        names->posix[0] = '\0';
        ends[!to][0] = ends[to][1] = queue;
    }
    return 0;
}

static void posix_send(const struct message *message, size_t n)
{
    if (TEMP_FAILURE_RETRY(mq_send(here.out, (const char *)message, n, 0)) < 0)
        demo_die("mq_send(%zu bytes)", n);
}

static void posix_receive(struct message *message, size_t n)
{
    if (TEMP_FAILURE_RETRY(mq_receive(here.in, (char *)message, QUEUED, NULL)) != (ssize_t)n)
        demo_die("mq_receive(%zu bytes)", n);
}

static int sysv_open(int ends[2][2]) /* one queue for both directions */
{
    names->key = (key_t)random_number();
    int queue = msgget(names->key, IPC_CREAT | IPC_EXCL | 0600);
    if (queue < 0)
        return names->key = IPC_PRIVATE, fails("msgget()");
    /* Who sends more than kernel.msgmnb would wait for ever. */
    in.type = 1;
    if (TEMP_FAILURE_RETRY(msgsnd(queue, &in.type, QUEUED, IPC_NOWAIT)) == 0 &&
        TEMP_FAILURE_RETRY(msgrcv(queue, &in.type, QUEUED, 0, IPC_NOWAIT)) == QUEUED)
        return both_ways(ends, queue, queue);
    int rc = fails("msgsnd(8192 bytes)");
    remove_queues(names);
    return names->key = IPC_PRIVATE, rc;
}

static void sysv_send(const struct message *message, size_t n) /* always of a packet: its type is whom it is for */
{
    if (TEMP_FAILURE_RETRY(msgsnd(here.out, (const long *)message - 1, n, 0)) < 0)
        demo_die("msgsnd(%zu bytes)", n);
}

static void sysv_receive(struct message *message, size_t n)
{
    if (TEMP_FAILURE_RETRY(msgrcv(here.in, (long *)message - 1, n, 1 + here.me, 0)) != (ssize_t)n)
        demo_die("msgrcv(%zu bytes)", n);
}

/* --- shared memory --------------------------------------------------------------------------------------------------- */

/* A ring for each size, each message with lines of its own. What one side writes and the other reads is in a line of its own,
 * too. */
static struct {
    struct {
        alignas(LINE) _Atomic uint32_t asleep; /* a futex: what it waits for */
        alignas(LINE) _Atomic uint64_t taken;  /* of those that come to it: the last one whose place is free again */
    } worker[2];
    alignas(LINE) _Atomic uint64_t ball; /* of the bare round trip */
    pid_t pid[2];
    alignas(4096) char ring[SIZES][4 * LARGEST];
} * shared;

/* The answer of a round trip stands where the request stood: its lines are in the cache of the one who answers. */
static struct message *place(uint64_t nth)
{
    return (struct message *)&shared->ring[here.order.size][(nth & (here.places - 1)) * here.stride];
}

/* Of its nth message. No two have the same: what waits for the answer sees that there is the request still. */
static uint64_t number_of(int maker, uint64_t nth)
{
    return 2 * nth + (uint64_t)maker;
}

/* How much of a ring is used. Of a round trip one place: there is one message under way. Between two CPUs, for large messages:
 * more than the caches of one CPU hold. What the one has stored has then gone on to the cache that both have when the other one
 * looks at it, where that is several times quicker than to get it from the other one's cache. Otherwise little. */
static uint64_t places(void)
{
    if (here.order.what == LATENCY)
        return 1;
    size_t used = !here.order.two ? 512 << 10 : here.bytes < 4096 ? 128 << 10 : sizeof shared->ring[0];
    return here.by->receive != NULL || used < 2 * here.stride ? 2 : used / here.stride;
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

/* Of a round trip there is room: whoever answers has read the request. */
static void await_room(void)
{
    if (here.order.what == LATENCY || here.sent < here.known_taken + here.places)
        return;
    const _Atomic uint64_t *taken = &shared->worker[here.other].taken;
    await(taken, here.sent + 1 - here.places, FOR_ROOM);
    here.known_taken = atomic_load_explicit(taken, memory_order_acquire);
}

static void give_back(void)
{
    if (here.order.what == LATENCY || !half_a_ring(here.received))
        return;
    atomic_store_explicit(&shared->worker[here.me].taken, here.received, memory_order_release);
    wake_who_waits(FOR_ROOM);
}

static struct message *shm_room(void)
{
    await_room();
    return place(here.sent + 1);
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
    struct message *message = place(here.received);
    if (demo_without("flag"))
        pipe_receive(&in.message, 1);
    await(&message->number, number_of(here.other, here.received), FOR_MESSAGE);
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
    atomic_store_explicit(&place(here.sent)->number, number_of(here.me, here.sent), memory_order_release);
    tell();
}

static struct message *vm_arrival(void)
{
    await(&place(here.received)->number, number_of(here.other, here.received), FOR_MESSAGE);
    return &in.message;
}

static void vm_receive(struct message *message, size_t n)
{
    struct iovec its = { &out[here.received % 2].message, n }, ours = { message, n }; /* both are of one fork */
    if (process_vm_readv(shared->pid[here.other], &ours, 1, &its, 1, 0) != (ssize_t)n)
        demo_die("process_vm_readv(%d, %zu bytes)", shared->pid[here.other], n);
}

static const struct way ways[] = {
    { "pipe", pipe_open, pipe_send, pipe_receive, 1, LARGEST },
    { "unix", unix_open, socket_send, socket_receive, 1, LARGEST },
    { "tcp", tcp_open, socket_send, socket_receive, 1, LARGEST, .renew = tcp_renew },
    { "posix-mq", posix_open, posix_send, posix_receive, 1, QUEUED },
    { "sysv-msg", sysv_open, sysv_send, sysv_receive, 1, QUEUED },
    { "shm", NULL, shm_send, NULL, 1, LARGEST, shm_room, shm_arrival },
    { "vm-readv", NULL, vm_send, vm_receive, 65536, LARGEST, vm_room, vm_arrival }, /* throughput only */
};
enum { PIPE, UNIX, TCP, POSIX, SYSV, SHM, VM, WAYS };
static int ends[WAYS][2][2];

static void send_one(void)
{
    struct message *message = here.by->room != NULL ? here.by->room() : &out[0].message;
    here.sent++;
    make(message, number_of(here.me, here.sent));
    here.by->send(message, here.bytes);
}

static void receive_one(void)
{
    here.received++;
    struct message *message = here.by->arrival != NULL ? here.by->arrival() : &in.message;
    if (here.by->receive != NULL)
        here.by->receive(message, here.bytes);
    check(message, number_of(here.other, here.received));
    if (here.by->arrival != NULL)
        give_back();
}

/* --- the two workers ------------------------------------------------------------------------------------------------- */

struct result {
    double begin, end; /* on the clock that all processes share */
    long preempted;    /* so often in between */
    int error;
};
static int cpus[2], n_cpus;

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

/* Have the two CPUs no cache in common? A line takes several times as long then: where we looked, 340 ns and not 65 to 230.
 * The quickest of a few tells, whatever else is going on. The host of a guest may move them at any time. */
static bool are_apart(void)
{
    enum { TRIES = 5, TRIPS = 20, TOGETHER_NS = 280 };
    double least = INFINITY;
    for (int i = 0; i < TRIES; i++) {
        double begin = measure_now_ns();
        play_ball(here.order.first, TRIPS);
        least = fmin(least, measure_now_ns() - begin);
    }
    return least > TRIPS * TOGETHER_NS;
}

/* What it would cost not to use the ring in place: from where a message was made into the ring. */
static void copy(long count)
{
    for (long i = 0; here.me == A && i < count; i++)
        memcpy(shared->ring[SIZES - 1] + i % 2 * LARGEST, &out[i % 2].message, LARGEST);
}

static int try_reading(void)
{
    prctl(PR_SET_PTRACER, shared->pid[here.other]); /* where Yama wants it; where there is no Yama it fails */
    struct iovec its = { &in, 1 }, ours = { &in, 1 };
    return process_vm_readv(shared->pid[here.other], &ours, 1, &its, 1, 0) == 1 ? 0 : errno;
}

/* How often its CPU was taken from this process, and given to another one. */
static long preemptions(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) < 0)
        demo_die("getrusage(RUSAGE_SELF)");
    return usage.ru_nivcsw;
}

/* One round trip before the clock is looked at: then both are awake, and where they should be. */
static struct result measure(void)
{
    struct result result = { 0 };
    enum what what = here.order.what;
    here.stream = here.order.two && here.by->room != NULL && here.bytes >= 4096 && are_apart();
    long before = preemptions(); /* who loses its CPU after this round trip keeps the other one waiting */
    if (what <= LATENCY)
        round_trip();
    else if (what == CACHE_LINE)
        play_ball(here.order.first, 1);
    result.begin = measure_now_ns();
    if (what == CACHE_LINE)
        play_ball(here.order.first + 1, here.order.count);
    if (what == MEMCPY)
        copy(here.order.count);
    if (what == READABLE)
        result.error = try_reading();
    for (long i = 0; what == LATENCY && i < here.order.count; i++)
        round_trip();
    for (long i = 0; what == THROUGHPUT && i < here.order.count; i++)
        here.me == A ? send_one() : receive_one();
    tell();
    result.end = measure_now_ns();
    result.preempted = preemptions() - before;
    return result;
}

static struct result carry_out(void)
{
    const struct order *order = &here.order;
    int cpu = cpus[order->two ? here.me : A];
    here.by = &ways[order->way];
    if (here.by->renew != NULL)
        here.by->renew(ends[order->way][here.me]);
    here.out = ends[order->way][here.me][0];
    here.in = ends[order->way][here.me][1];
    here.bytes = (size_t)sizes[order->size];
    here.sent = here.received = here.told = here.known_taken = order->first - 1;
    here.stride = here.bytes < LINE ? LINE : here.bytes;
    here.places = places();
    here.looks = order->two ? 4000 + here.bytes / LINE : 0;
    demo_need(measure_pin(cpu, NULL), "sched_setaffinity(CPU %d)", cpu);
    return measure();
}

static _Noreturn void work(int me, int control)
{
    here.me = me;
    here.other = !me;
    memset(out, 0, sizeof out); /* pages of its own, all there */
    out[0].type = 1 + here.other;
    ssize_t got;
    while ((got = TEMP_FAILURE_RETRY(recv(control, &here.order, sizeof here.order, 0))) == sizeof here.order) {
        struct result result = carry_out();
        if (TEMP_FAILURE_RETRY(send(control, &result, sizeof result, 0)) != sizeof result)
            demo_die("send(a result)");
    }
    if (got < 0)
        demo_die("recv(an order)");
    _exit(0);
}

/* --- the measurements ------------------------------------------------------------------------------------------------ */

static int control[2]; /* of each worker, its end of ours */
static bool there[WAYS];
static double batch_ns; /* what a batch should take at most */

/* What is measured in a group, round by round: all ways with one size, on as many CPUs. */
enum { YARDSTICK = WAYS, MOST };
struct cell {
    struct order order;
    char name[48];
};
static struct group {
    struct measure_contender who[MOST], *at[MOST]; /* at[]: of a way, or YARDSTICK */
    struct cell cell[MOST];
    size_t n;
} groups[2][2][SIZES]; /* throughput and latency; one CPU and two */

static void start_worker(int me, pid_t *pid)
{
    int sockets[2];
    pid_t parent = getpid();
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets) < 0)
        demo_die("socketpair(AF_UNIX, SOCK_SEQPACKET)");
    *pid = fork();
    if (*pid < 0)
        demo_die("fork()");
    if (*pid == 0) {
        demo_need(sync_die_with(parent), "prctl(PR_SET_PDEATHSIG, SIGKILL)");
        close(sockets[0]);
        work(me, sockets[1]);
    }
    close(sockets[1]);
    control[me] = sockets[0];
    shared->pid[me] = *pid;
    demo_role(*pid, me == A ? "worker A" : "worker B");
}

/* A worker that has died says nothing any more, and the other one would wait for it for ever. */
static void get_results(struct result results[2])
{
    struct pollfd from[2] = { { control[A], POLLIN }, { control[B], POLLIN } };
    for (int left = 2; left > 0;) {
        if (TEMP_FAILURE_RETRY(poll(from, 2, -1)) < 0)
            demo_die("poll(the workers)");
        for (int i = A; i <= B; i++) {
            if (from[i].fd < 0 || from[i].revents == 0)
                continue;
            ssize_t n = TEMP_FAILURE_RETRY(recv(from[i].fd, &results[i], sizeof results[i], 0));
            if (n == 0)
                demo_need(sync_finished(shared->pid[i]) < 0 ? -ECANCELED : -EPIPE, "waitid(%d), of worker %c",
                          shared->pid[i], "AB"[i]);
            if (n != sizeof results[i])
                demo_die("recv(a result)");
            from[i].fd = -1;
            left--;
        }
    }
}

static void give_order(struct order *order, struct result results[2])
{
    static uint64_t next_number = 1;
    order->first = next_number;
    next_number += (uint64_t)order->count + 1;
    for (int i = B; i >= A; i--)
        if (TEMP_FAILURE_RETRY(send(control[i], order, sizeof *order, 0)) < 0)
            demo_die("send(an order)");
    get_results(results);
}

/* What a batch should take: less where both sides look and look, so that neither loses its CPU meanwhile to another process. */
static double batch_of(const struct order *order)
{
    if (order->what == CACHE_LINE)
        return batch_ns / 16;
    return !order->two ? batch_ns : sizes[order->size] < LARGEST ? batch_ns / 4 : batch_ns / 2;
}

/* So many messages at least: what goes around in a ring of several MiB is measured when it goes around, not while the first
 * message is still in the cache of who made it. */
static double fewest(const struct order *order)
{
    bool goes_around = order->what == THROUGHPUT && order->way == SHM && order->two && sizes[order->size] >= 4096;
    return goes_around ? 4 * sizeof shared->ring[0] / (double)sizes[order->size] : 1;
}

/* What a message takes in a batch, in ns. Where each has a CPU of its own, a batch in which somebody else got it is taken again,
 * by whatever way, a few times at most; of nothing but such ones the quickest counts. The next batch has as many messages as
 * should take the time for one; not many less than this one, which may have been disturbed all the same. */
static double batch(struct order *order)
{
    enum { TAKES = 5 };
    struct result results[2] = { { 0 } };
    double took = INFINITY, count = (double)order->count;
    bool disturbed = true;
    for (int take = 0; disturbed && take < TAKES; take++) {
        give_order(order, results);
        disturbed = order->two && results[A].preempted + results[B].preempted > 0;
        double its = results[order->what == THROUGHPUT ? B : A].end - results[A].begin;
        took = disturbed ? fmin(took, its) : its;
    }
    double next = fmin(16 * count, fmax(count / 2, batch_of(order) * count / took));
    order->count = (long)fmax(fewest(order), next);
    return took / count;
}

/* On one CPU each preempts the other, so that nobody tells who else did: of several batches the best is the least disturbed.
 * Of more batches where a verdict hangs on them, and the difference is small. */
static double once(const void *arg)
{
    struct order *order = &((struct cell *)arg)->order;
    int batches = order->two || cost_no_time() ? 1 : order->way == UNIX || order->way == TCP ? 10 : 5;
    double least = batch(order);
    for (int i = 1; i < batches; i++)
        least = fmin(least, batch(order));
    return order->what == THROUGHPUT || order->what == MEMCPY ? 1e9 * (double)sizes[order->size] / least : least;
}

static const char *const what_names[] = { "throughput", "latency" }, *const units[] = { "bytes/s", "ns" };

/* Where there is no time at all, two of the sizes. */
static bool wanted(int size)
{
    if (demo_option("size") == 0)
        return !cost_no_time() || size == 1 || size == 3;
    return demo_option("size") == sizes[size];
}

static struct measure_contender *add(struct group *group, int row, enum what what, int way, bool two, int size)
{
    struct cell *cell = &group->cell[group->n];
    struct measure_contender *who = &group->who[group->n++];
    cell->order = (struct order){ what, way, size, two, 1, 0 };
    snprintf(cell->name, sizeof cell->name, "%s.%s.%dcpu.%ld", what_names[what == LATENCY], ways[way].name, 1 + two,
             sizes[size]);
    *who = (struct measure_contender){ cell->name, once, cell, .tries = two && !cost_no_time() ? MEASURE_TRIES : 1 };
    return group->at[row] = who;
}

/* Round trips of one cache line by most ways are bars, too; all the others are in the tables only. */
static void measure_group(enum what what, bool two, int size, double share)
{
    struct group *group = &groups[what][two][size];
    for (int way = 0; way < WAYS; way++)
        if (there[way] && sizes[size] >= ways[way].smallest && sizes[size] <= ways[way].largest &&
            (way != VM || what == THROUGHPUT))
            add(group, way, what, way, two, size);
    if (two && what == LATENCY && sizes[size] == LINE)
        add(group, YARDSTICK, CACHE_LINE, SHM, two, size)->name = "cache-line.2cpu";
    if (two && what == THROUGHPUT && sizes[size] >= ways[VM].smallest)
        add(group, YARDSTICK, MEMCPY, SHM, two, SIZES - 1)->name =
            sizes[size] == LARGEST ? "memcpy-of-1MiB.1048576" : "memcpy-of-1MiB.65536";
    cost_rounds(group->who, group->n, share);
    for (size_t i = 0; i < group->n; i++)
        if (what == LATENCY && sizes[size] == LINE && group->cell[i].order.way != POSIX &&
            group->cell[i].order.way != SYSV)
            cost_show(&group->who[i], 1, units[what]);
        else
            cost_store(&group->who[i], 1, units[what]);
}

/* How many times better a way is, round by round: a Unix socket than TCP, shared memory than the one that comes next to it.
 * *order is of all that it is compared with; median INFINITY: there is none. */
static struct measure_spread times_better(const struct group *group, int way, enum measure_order *order)
{
    struct measure_spread least = { .median = INFINITY };
    *order = MEASURE_MORE;
    for (int next = 0; next < WAYS && group->at[way] != NULL; next++) {
        const struct measure_contender *a = group->at[way], *b = group->at[next];
        if (b == NULL || next == way || (way == UNIX && next != TCP))
            continue;
        bool rate = group->cell[0].order.what == THROUGHPUT;
        struct measure_spread times = rate ? measure_ratio(a, b) : measure_ratio(b, a);
        enum measure_order its = measure_order_of(times);
        *order = its < *order ? its : *order;
        least = times.median < least.median ? times : least;
    }
    return least;
}

/* What stands in a row of a table: a median, or of the last rows a median of ratios. NULL: nothing. */
static const char *cell_text(const struct group *group, int row, const char *unit)
{
    enum measure_order order;
    if (row < MOST)
        return group->at[row] == NULL ? NULL : cost_text(measure_spread_in(group->at[row]).median, unit);
    double times = times_better(group, row == MOST ? UNIX : SHM, &order).median;
    return isinf(times) ? NULL : cost_text(times, "x");
}

static void show_table(enum what what, bool two)
{
    static const char *const size_names[] = { "1 B", "64 B", "4 KiB", "64 KiB", "1 MiB" };
    const char *const more[] = { what == THROUGHPUT ? "memcpy of 1 MiB" : "a cache line", "unix/tcp", "shm/next" };
    const char *columns[SIZES + 2] = { what == THROUGHPUT ? "throughput" : "round trip" },
                                *cells[(MOST + 2) * (SIZES + 1)];
    size_t width = 1, n = 0;
    for (int size = 0; size < SIZES; size++)
        if (wanted(size))
            columns[width++] = size_names[size];
    for (int row = 0; row < MOST + 2; row++) {
        size_t begin = n;
        bool any = false;
        cells[n++] = row < WAYS ? ways[row].name : more[row - WAYS];
        for (int size = 0; size < SIZES; size++) {
            if (!wanted(size))
                continue;
            const char *text = cell_text(&groups[what][two][size], row, units[what]);
            cells[n++] = text == NULL ? "-" : text;
            any |= text != NULL;
        }
        if (!any)
            n = begin;
    }
    demo_table(0, "medians; of ratios, by round", columns, cells, n / width);
}

static void observe_cpus(void)
{
    for (int i = A; i <= B; i++) {
        struct proc_stat stat;
        demo_need(proc_stat_read(shared->pid[i], &stat), "read(/proc/%d/stat)", shared->pid[i]);
        char number[16];
        snprintf(number, sizeof number, "%d", (int)stat.processor);
        demo_observe(shared->pid[i], "/proc/PID/stat",
                     demo_fact("processor", demo_mask(number, stat.processor == cpus[A] ? "CPU-A" : "CPU-B")));
    }
    demo_look("ps -o pid,psr,stat,wchan:20,comm -p %s,%s", demo_pid(shared->pid[A]), demo_pid(shared->pid[B]));
}

/* Of the whole time: most where a verdict needs it. A round of the largest messages takes the longest. */
static double share_of(enum what what, bool two, int size)
{
    double weight = two ? 1.25 : what == THROUGHPUT ? 1 : 0.5;
    return 0.9 / 4 * weight * (demo_option("size") ? 1 : (sizes[size] == LARGEST ? 2.0 : 1.0) / (SIZES + 1));
}

static void measure_on(bool two)
{
    for (int size = 0; size < SIZES; size++)
        for (enum what what = THROUGHPUT; what <= LATENCY; what++)
            if (wanted(size))
                measure_group(what, two, size, share_of(what, two, size));
    show_table(THROUGHPUT, two);
    show_table(LATENCY, two);
    observe_cpus();
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
    add(&regimes, 0, LATENCY, PIPE, true, 1)->name = "pipe.2cpu.asleep";
    add(&regimes, 1, LATENCY, PIPE, true, 1)->name = "pipe.2cpu.awake";
    cost_rounds(&regimes.who[0], 1, 0.02);
    cleanup_child pid_t on_a = -1, on_b = -1;
    keep_awake(cpus[A], &on_a);
    keep_awake(cpus[B], &on_b);
    cost_rounds(&regimes.who[1], 1, 0.02);
    cost_show(regimes.who, regimes.n, "ns");
}

/* Of a way at all sizes: the worst and the best; whether it is better at each of them, or decidedly not at some. */
struct finding {
    struct measure_spread worst, best;
    enum measure_order all;
};

static struct finding find_out(enum what what, bool two, int way)
{
    struct finding found = { { .median = INFINITY }, { 0 }, MEASURE_MORE };
    for (int size = 0; size < SIZES; size++) {
        enum measure_order order;
        if (!wanted(size))
            continue;
        struct measure_spread times = times_better(&groups[what][two][size], way, &order);
        found.all = order < found.all ? order : found.all;
        found.worst = times.median < found.worst.median ? times : found.worst;
        found.best = times.median > found.best.median ? times : found.best;
    }
    return found;
}

/* A row of what the course says of it, what it is here, and what follows. */
enum { SAYS, HERE, SO, CELLS };

/* On one CPU, where no wake-up of another one is in the times. */
static void judge_unix(const char *row[CELLS])
{
    static char by_size[64];
    struct finding found = find_out(THROUGHPUT, false, UNIX);
    snprintf(by_size, sizeof by_size, "%s to %s, by size", cost_text(found.worst.median, "times"),
             cost_text(found.best.median, "times"));
    row[SAYS] = "Unix sockets: more than TCP", row[HERE] = by_size, row[SO] = cost_so(found.all);
    cost_check("unix.faster-than-tcp", found.all, "on one CPU, by size, from %s to %s",
               cost_spread_text(found.worst, "times"), cost_spread_text(found.best, "times"));
}

/* Where both can run at once. */
static void judge_shm(const char *row[CELLS])
{
    static char next[64];
    struct finding rate = find_out(THROUGHPUT, true, SHM), trip = find_out(LATENCY, true, SHM);
    enum measure_order order = rate.all < trip.all ? rate.all : trip.all;
    snprintf(next, sizeof next, "at least %s the next", cost_text(fmin(rate.worst.median, trip.worst.median), "times"));
    row[SAYS] = "shared memory: the fastest", row[HERE] = next, row[SO] = cost_so(order);
    cost_check("shm.fastest", order,
               "on two CPUs at least %s the throughput of the next, and round trips at least %s as quick",
               cost_text(rate.worst.median, "times"), cost_text(trip.worst.median, "times"));
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
        int rc = ways[way].open == NULL ? 0 : ways[way].open(ends[way]);
        there[way] = rc == 0;
        if (rc < 0)
            leave_out(way, failed, -rc);
    }
    memcpy(ends[SHM], ends[PIPE], sizeof ends[PIPE]); /* for --break flag */
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

static void try_vm(void)
{
    struct result results[2];
    struct order order = { READABLE, VM, 0, false, 1, 0 };
    give_order(&order, results);
    if (results[A].error != 0 || results[B].error != 0)
        leave_out(VM, "process_vm_readv()", results[A].error != 0 ? results[A].error : results[B].error);
}

static void decide(void)
{
    const char *rows[2][CELLS];
    size_t n = 0;
    if (there[UNIX] && there[TCP])
        judge_unix(rows[n++]);
    else
        demo_skip("unix.faster-than-tcp", "%s; it needs both, for TCP the loopback (ip link set lo up)",
                  there[UNIX] ? left_out[TCP] : left_out[UNIX]);
    if (n_cpus < 2)
        demo_skip("shm.fastest", "it needs two CPUs, for both sides to run at once (taskset, cpuset)");
    else if (there[PIPE] || there[UNIX] || there[TCP])
        judge_shm(rows[n++]);
    else
        demo_skip("shm.fastest", "it needs another way to be compared with: %s", left_out[PIPE]);
    cost_compare("ratios of the rounds", rows, n);
}

static void ipc_cost(void)
{
    demo_step("Look at what the numbers depend on");
    cost_machine();
    n_cpus = measure_cpus(cpus, 2) < 2 ? 1 : 2;
    /* In shorter ones a Unix socket comes out ahead of TCP with small messages, too. */
    batch_ns = fmin(fmax(cost_budget_ns(0.05) / 600, cost_no_time() ? 20e3 : 5e5), 1e6);

    demo_step("Open every way, and fork the two who use them");
    cleanup_guard struct sync_guard guard = { -1 };
    cleanup_child pid_t a = -1, b = -1;
    map_memory();
    demo_need(sync_guard_start(&guard, remove_queues, names),
              "socketpair(), pidfd_open(), fcntl(), dup2() or fork() of a guard");
    open_ways();
    start_worker(A, &a);
    start_worker(B, &b);
    try_vm();

    demo_step("Pass messages while both have one CPU");
    measure_on(false);
    if (n_cpus == 2) {
        demo_step("Pass messages while each has a CPU of its own");
        measure_on(true);
        demo_step("Keep the CPUs awake meanwhile");
        if (there[PIPE])
            show_regimes();
    }
    demo_step("Compare, round by round");
    decide();
    if (there[SYSV] && msgctl(ends[SYSV][A][0], IPC_RMID, NULL) < 0)
        demo_die("msgctl(%d, IPC_RMID)", ends[SYSV][A][0]);
    names->key = IPC_PRIVATE;
}

static const char why[] =
    "What is timed is the same for every way: a message is made, passed, and checked\n"
    "word for word; each word says which message it is and where in it. Throughput\n"
    "is from the first message made to the last one checked, a round trip there and\n"
    "back. Before the clock starts there is one round trip that does not count, so\n"
    "that both are awake. A sample is the best of five batches where both have one\n"
    "CPU, of ten with a socket; else the median. All ways with one size take turns,\n"
    "so that what disturbs one round disturbs all of it.\n"
    "\n"
    "A pipe, a socket and a queue copy each byte twice, into the kernel and out, and\n"
    "each message is two system calls, and a wake-up where the other one sleeps.\n"
    "process_vm_readv(2) copies once. Shared memory is used in place: no copy, no\n"
    "call. Its number, stored last (release) and looked at first (acquire), is the\n"
    "flag, in the same cache line as a message of 64 bytes; and the answer stands\n"
    "where the request stood. So a round trip is that of the line, which is measured\n"
    "beside it, and little more.\n"
    "\n"
    "Who waits for the flag looks at it for a while where the other one has a CPU to\n"
    "run on, then sleeps in futex(2). On one CPU it sleeps at once: looking would\n"
    "keep the other one from its work. It is woken when the other one has nothing\n"
    "more to do or half a ring is full, not for each message. On one CPU a round\n"
    "trip is then two switches, whatever the way, and shared memory has little left\n"
    "to save.\n"
    "\n"
    "Between two CPUs large messages have 4 MiB to go around in, more than a CPU's\n"
    "own caches hold: then a line has gone on to the cache that both have when the\n"
    "other one looks at it, which is several times quicker than to get it from the\n"
    "cache of the one who stored it. Where they have no cache in common, it is\n"
    "stored past the caches (movntdq). Which of the two it is tells a cache line\n"
    "that is sent to and fro before each batch. A batch in which a CPU was taken\n"
    "from one of them (ru_nivcsw of getrusage(2)) is taken again, by whatever way.\n"
    "\n"
    "What a wake-up costs depends on what its CPU does: an idle one sleeps, in a\n"
    "guest by an exit to the host. Step 5 measures a round trip with CPUs that may\n"
    "sleep and with such that may not; nothing is decided by that.\n"
    "\n"
    "Unix sockets against TCP: no checksum, no acknowledgement, no segments; large\n"
    "messages gain from that. With small ones both are mostly two calls and a\n"
    "wake-up, and TCP joins what waits for its congestion window. Each batch has a\n"
    "connection of its own: in one whose window has grown (tcpi_snd_cwnd of TCP_INFO\n"
    "in tcp(7)) nothing waits, each message is a segment, and TCP is the slower one\n"
    "with small messages, too. Queues take messages of up to\n"
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
    .sizes = "bytes",
    .why = why,
    .next = "container",
};

int main(int argc, char *argv[])
{
    return demo_run(argc, argv, &demo);
}
