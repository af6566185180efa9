/* message-queue.c - messages that wait in the kernel, POSIX and System V
 *
 *     message-queue                    the whole lesson
 *     message-queue --break priority   sends every message with the same priority
 *
 *     receiver                              sender
 *     mq_open(), mq_unlink(): it lives on as a descriptor
 *     fork() ---------------------------->  mq_send(): "low" 1, "urgent" 9, "middle" 5
 *     waitpid() = the sender is gone        _exit(0)
 *     mq_receive() = "urgent", "middle", "low"
 *
 *     msgget(), and the same with types: msgrcv() takes the type that it asks for
 */
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "proc/proc.h"
#include "report/demo.h"
#include "sync/sync.h"

static const struct demo_claim claims[] = {
    { "mq.posix", "mq_open: the kernel keeps messages, whole, by priority." },
    { "mq.sysv", "msgget: the same, by type." },
    { "mq.outlives-sender", "A message waits in the kernel when its sender is gone." },
    { 0 },
};

enum { N_MESSAGES = 3, MAX_MESSAGES = 4, MAX_SIZE = 16 };

static const struct {
    const char *text;
    unsigned priority; /* of POSIX: the highest one comes first */
    long type;         /* of System V: the receiver chooses */
} messages[N_MESSAGES] = { { "low", 1, 3 }, { "urgent", 9, 1 }, { "middle", 5, 2 } }; /* as they are sent */

struct message { /* of System V */
    long type;
    char text[MAX_SIZE];
};

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

static void start_guard(struct sync_guard *guard)
{
    names = mmap(NULL, sizeof *names, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (names == MAP_FAILED)
        demo_die("mmap(%zu, MAP_SHARED)", sizeof *names);
    names->key = IPC_PRIVATE; /* none yet */
    demo_need(sync_guard_start(guard, remove_queues, names),
              "socketpair(), pidfd_open(), fcntl(), dup2() or fork() of a guard");
}

static unsigned random_number(void)
{
    unsigned number = (unsigned)getpid();
    getrandom(&number, sizeof number, GRND_NONBLOCK);
    return number | 1; /* as a key, 0 is IPC_PRIVATE */
}

/* The limit that was met, and so what would help; NULL: none. */
static const char *remedy_posix(int error)
{
    switch (error) {
    case EMFILE:
        return "raise RLIMIT_MSGQUEUE (ulimit -q), or RLIMIT_NOFILE (ulimit -n)";
    case ENOSPC:
        return "raise fs.mqueue.queues_max";
    case EINVAL:
        return "raise fs.mqueue.msg_max and fs.mqueue.msgsize_max";
    case ENOSYS:
        return "it needs a kernel with CONFIG_POSIX_MQUEUE";
    case EACCES:
    case EPERM:
        return "allow it (seccomp or another security module)";
    default:
        return NULL;
    }
}

static const char *remedy_sysv(int error)
{
    switch (error) {
    case ENOSPC:
        return "raise kernel.msgmni";
    case EINVAL:
        return "raise kernel.msgmax";
    case EAGAIN:
        return "raise kernel.msgmnb";
    case ENOSYS:
        return "it needs a kernel with CONFIG_SYSVIPC";
    case EACCES:
    case EPERM:
        return "allow it (seccomp or another security module)";
    default:
        return NULL;
    }
}

static mqd_t open_posix(void)
{
    struct mq_attr limits = { .mq_maxmsg = MAX_MESSAGES, .mq_msgsize = MAX_SIZE };
    snprintf(names->posix, sizeof names->posix, "/proclab-%x", random_number());
    mode_t before = umask(077); /* the mode is 0600, whatever it was: /proc/PID/fd asks for it */
    mqd_t queue = mq_open(names->posix, O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK, 0600, &limits);
    int error = errno;
    umask(before);
    if (queue >= 0 && mq_unlink(names->posix) < 0)
        demo_die("mq_unlink(%s)", names->posix);
    names->posix[0] = '\0'; /* it was unlinked, or EEXIST: not ours */
    errno = error;
    return queue;
}

/* With room for what is sent later: a message of ours shows it, and is taken out again. */
static int open_sysv(void)
{
    names->key = (key_t)random_number();
    int queue = msgget(names->key, IPC_CREAT | IPC_EXCL | 0600);
    if (queue < 0) {
        names->key = IPC_PRIVATE;
        return queue;
    }
    struct message message = { .type = 1 };
    bool sent = TEMP_FAILURE_RETRY(msgsnd(queue, &message, sizeof message.text, IPC_NOWAIT)) == 0;
    return sent && TEMP_FAILURE_RETRY(msgrcv(queue, &message, sizeof message.text, 0, IPC_NOWAIT)) > 0 ? queue : -1;
}

static void send_posix(int queue)
{
    for (int i = 0; i < N_MESSAGES; i++)
        if (TEMP_FAILURE_RETRY(mq_send(queue, messages[i].text, strlen(messages[i].text),
                                       demo_without("priority") ? 5 : messages[i].priority)) < 0)
            demo_die("mq_send(%d, \"%s\")", queue, messages[i].text);
}

static void send_sysv(int queue)
{
    for (int i = 0; i < N_MESSAGES; i++) {
        struct message message = { .type = messages[i].type };
        strcpy(message.text, messages[i].text);
        if (TEMP_FAILURE_RETRY(msgsnd(queue, &message, strlen(message.text), IPC_NOWAIT)) < 0)
            demo_die("msgsnd(%d, \"%s\")", queue, message.text);
    }
}

/* A child that sends and ends. Returns whether nothing is left of it: it was reaped. */
static bool send_and_end(void (*send)(int queue), int queue, pid_t *sender)
{
    pid_t parent = getpid();
    cleanup_child pid_t child = fork();
    if (child < 0)
        demo_die("fork()");
    if (child == 0) {
        demo_need(sync_die_with(parent), "prctl(PR_SET_PDEATHSIG, SIGKILL)");
        send(queue);
        _exit(0);
    }
    *sender = child;
    demo_role(child, "sender");
    cleanup_fd int kept = proc_open(child, "stat"); /* will never mean another process that got the same PID */
    demo_need(kept, "open(/proc/%d/stat)", child);
    demo_need(sync_finished(child), "waitid(P_PID, %d)", child);
    if (!demo_without("reap") && TEMP_FAILURE_RETRY(waitpid(child, NULL, 0)) < 0)
        demo_die("waitpid(%d)", child);
    struct proc_stat stat;
    int rc = proc_stat_pread(kept, &stat);
    if (rc != -ESRCH)
        demo_need(rc, "read(/proc/%d/stat)", child);
    demo_act(child, "%s has sent, has ended and is %s", demo_pid(child), rc == -ESRCH ? "gone: ESRCH" : "still there");
    return rc == -ESRCH;
}

/* The kernel's own count. A read() of the descriptor is no receipt: it gives a line of text about the queue. */
static long count_posix(mqd_t queue)
{
    struct mq_attr attr;
    if (mq_getattr(queue, &attr) < 0)
        demo_die("mq_getattr(%d)", queue);
    char source[32], text[128] = "";
    long bytes = 0;
    snprintf(source, sizeof source, "/proc/PID/fd/%d", queue);
    if (TEMP_FAILURE_RETRY(read(queue, text, sizeof text - 1)) < 0 || sscanf(text, "QSIZE:%ld", &bytes) != 1)
        demo_die("read(%d, about the queue)", queue);
    demo_observe(getpid(), "mq_getattr()", demo_fact("curmsgs", attr.mq_curmsgs));
    demo_observe(getpid(), source, demo_fact("QSIZE", bytes));
    demo_look("cat /proc/%s/fd/%d", demo_pid(getpid()), queue);
    return attr.mq_curmsgs;
}

/* The texts of the messages in the order of their receipt: "urgent middle low". */
struct texts {
    char joined[4 * MAX_SIZE];
};

static void append(struct texts *texts, const char *text, ssize_t length)
{
    size_t used = strlen(texts->joined);
    snprintf(texts->joined + used, sizeof texts->joined - used, "%s%.*s", used > 0 ? " " : "", (int)length, text);
}

static struct texts receive_posix(mqd_t queue, long count)
{
    struct texts texts = { "" };
    for (long i = 0; i < count; i++) {
        char text[MAX_SIZE];
        unsigned priority;
        ssize_t n = TEMP_FAILURE_RETRY(mq_receive(queue, text, sizeof text, &priority));
        if (n < 0)
            demo_die("mq_receive(%d)", queue);
        demo_act(0, "mq_receive() = %zd: \"%.*s\", priority %u", n, (int)n, text, priority);
        append(&texts, text, n);
    }
    return texts;
}

static void send_one(int queue)
{
    if (TEMP_FAILURE_RETRY(mq_send(queue, "news", 4, 0)) < 0)
        demo_die("mq_send(%d, \"news\")", queue);
}

/* The kernel sends a signal when a message comes to the empty queue. It is blocked, and so still pending afterwards. */
static bool is_notified(mqd_t queue)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    if (mq_notify(queue, &(struct sigevent){ .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 }) < 0)
        demo_die("mq_notify(%d, SIGUSR1)", queue);
    pid_t sender;
    send_and_end(send_one, queue, &sender);
    siginfo_t info = { 0 };
    int got = (int)TEMP_FAILURE_RETRY(sigtimedwait(&set, &info, &(struct timespec){ 0 }));
    if (got < 0 && errno != EAGAIN)
        demo_die("sigtimedwait(SIGUSR1)");
    bool by_queue = got == SIGUSR1 && info.si_code == SI_MESGQ;
    demo_act(0, "%s, si_pid %s", by_queue ? "SIGUSR1 is pending: SI_MESGQ" : "no signal of the queue",
             demo_pid(info.si_pid));
    return by_queue && info.si_pid == sender;
}

/* What is met: mq_msgsize and mq_maxmsg of this queue, and what the queues of one user may take together. */
struct met {
    int large, full, one_more;
};

static struct met meet_limits(mqd_t queue)
{
    struct met met = { 0 };
    char large[MAX_SIZE + 1] = "";
    if (TEMP_FAILURE_RETRY(mq_send(queue, large, sizeof large, 0)) < 0)
        met.large = errno;
    int sent = 1; /* which waits there since it was announced */
    while (sent <= MAX_MESSAGES && TEMP_FAILURE_RETRY(mq_send(queue, "more", 4, 0)) == 0)
        sent++;
    met.full = sent == MAX_MESSAGES ? errno : 0;
    struct rlimit limit;
    if (getrlimit(RLIMIT_MSGQUEUE, &limit) < 0 || setrlimit(RLIMIT_MSGQUEUE, &(struct rlimit){ 0, limit.rlim_max }) < 0)
        demo_die("setrlimit(RLIMIT_MSGQUEUE, 0)");
    if (open_posix() < 0)
        met.one_more = errno;
    if (setrlimit(RLIMIT_MSGQUEUE, &limit) < 0)
        demo_die("setrlimit(RLIMIT_MSGQUEUE)");
    demo_act(0, "mq_send(%zu bytes) = %s: mq_msgsize is %d", sizeof large, strerrorname_np(met.large), MAX_SIZE);
    demo_act(0, "mq_send() after %d messages = %s: mq_maxmsg is %d", sent, strerrorname_np(met.full), MAX_MESSAGES);
    demo_act(0, "mq_open() = %s: RLIMIT_MSGQUEUE is 0 bytes now", strerrorname_np(met.one_more));
    return met;
}

/* How many messages have waited for us without a sender; -1: there are no such queues here. */
static long posix(void)
{
    demo_step("Open a POSIX queue; let a child send three messages and end");
    mqd_t queue = open_posix();
    if (queue < 0 && remedy_posix(errno) == NULL)
        demo_die("mq_open(%s)", names->posix);
    if (queue < 0) {
        demo_skip("mq.posix", "mq_open(): %s; %s", strerrorname_np(errno), remedy_posix(errno));
        return -1;
    }
    pid_t sender;
    bool gone = send_and_end(send_posix, queue, &sender);
    long count = count_posix(queue);
    demo_step("Receive them");
    struct texts texts = receive_posix(queue, count);
    demo_step("Ask to be notified, and let another child send");
    bool notified = is_notified(queue);
    demo_step("Send what is too much");
    struct met met = meet_limits(queue);
    demo_check("mq.posix",
               count == N_MESSAGES && strcmp(texts.joined, "urgent middle low") == 0 && notified &&
                   met.large == EMSGSIZE && met.full == EAGAIN && met.one_more == EMFILE,
               "%s; %s; mq_send: %s, %s; mq_open: %s", texts.joined, notified ? "notified" : "not notified",
               strerrorname_np(met.large), strerrorname_np(met.full), strerrorname_np(met.one_more));
    return gone ? count : 0;
}

static struct texts receive_sysv(int queue, long count)
{
    const long wanted[N_MESSAGES] = { 2, -3, 0 }; /* this type; the lowest up to 3; the one that has waited longest */
    struct texts texts = { "" };
    for (long i = 0; i < count && i < N_MESSAGES; i++) {
        struct message message;
        long type = demo_without("type") ? 0 : wanted[i];
        ssize_t n = TEMP_FAILURE_RETRY(msgrcv(queue, &message, sizeof message.text, type, IPC_NOWAIT));
        if (n < 0)
            demo_die("msgrcv(%d, type %ld)", queue, type);
        demo_act(0, "msgrcv(type %ld) = %zd: \"%.*s\", type %ld", type, n, (int)n, message.text, message.type);
        append(&texts, message.text, n);
    }
    return texts;
}

static long sysv(void)
{
    demo_step("Make a System V queue; let a child send the same and end");
    int queue = open_sysv();
    if (queue < 0 && remedy_sysv(errno) == NULL)
        demo_die("msgget(), msgsnd() or msgrcv()");
    if (queue < 0) {
        demo_skip("mq.sysv", "msgget(), msgsnd(): %s; %s", strerrorname_np(errno), remedy_sysv(errno));
        return -1;
    }
    pid_t sender;
    bool gone = send_and_end(send_sysv, queue, &sender);
    struct msqid_ds stat;
    if (msgctl(queue, IPC_STAT, &stat) < 0)
        demo_die("msgctl(%d, IPC_STAT)", queue);
    long count = (long)stat.msg_qnum;
    demo_observe(getpid(), "msgctl(IPC_STAT)", demo_fact("qnum", count), demo_fact_pid("lspid", stat.msg_lspid));
    demo_look("cat /proc/sysvipc/msg");
    demo_step("Receive them by their types");
    struct texts texts = receive_sysv(queue, count);
    demo_check("mq.sysv",
               count == N_MESSAGES && stat.msg_lspid == sender && strcmp(texts.joined, "middle urgent low") == 0,
               "%s; msgctl: %ld, sent by %s", texts.joined, count, stat.msg_lspid == sender ? "the sender" : "another");
    if (msgctl(queue, IPC_RMID, NULL) < 0)
        demo_die("msgctl(%d, IPC_RMID)", queue);
    names->key = IPC_PRIVATE;
    return gone ? count : 0;
}

static void check_waited(long in_posix, long in_sysv)
{
    char posix_says[32] = "", sysv_says[32] = "";
    if (in_posix >= 0)
        snprintf(posix_says, sizeof posix_says, " %ld (POSIX)", in_posix);
    if (in_sysv >= 0)
        snprintf(sysv_says, sizeof sysv_says, " %ld (System V)", in_sysv);
    demo_check("mq.outlives-sender", (in_posix < 0 || in_posix == N_MESSAGES) && (in_sysv < 0 || in_sysv == N_MESSAGES),
               "without a sender waited%s%s%s", posix_says, in_posix < 0 || in_sysv < 0 ? "" : " and", sysv_says);
}

static void message_queue(void)
{
    cleanup_guard struct sync_guard guard = { -1 };
    start_guard(&guard);
    long in_posix = posix(), in_sysv = sysv();
    if (in_posix < 0 && in_sysv < 0)
        demo_skip("mq.outlives-sender", "neither kind of queue; what each needs is said above");
    else
        check_waited(in_posix, in_sysv);
}

static const char why[] =
    "A message queue is an object in the kernel with a list of messages\n"
    "(ipc/mqueue.c, ipc/msg.c). The sender's bytes are copied into it, so nothing of\n"
    "the sender is needed any more; the receiver gets whole messages, never a part\n"
    "or two at once.\n"
    "\n"
    "A POSIX queue is a file in the file system \"mqueue\", which each IPC namespace\n"
    "has, mounted at /dev/mqueue or not. On Linux mq_open() gives a descriptor: it\n"
    "is inherited by fork(), can be polled, and keeps the queue after mq_unlink(),\n"
    "as it does any file. A read() of it is QSIZE, the bytes that wait, and who is\n"
    "to be notified. Messages stand in a tree by priority, within one as they came.\n"
    "mq_notify() sends one signal when a message comes to the empty queue while\n"
    "nobody waits in mq_receive(); then it has to be asked for again.\n"
    "\n"
    "A System V queue has a number, and no descriptor: no close() ends it, only\n"
    "msgctl(IPC_RMID). msgrcv() asks for a type: above 0 the first message of it, 0\n"
    "the first of all, below 0 the lowest up to that. msg_qnum counts the messages\n"
    "and msg_lspid says who sent the last one, also when that process is gone.\n"
    "\n"
    "Limits: fs.mqueue.msg_max (10) and msgsize_max (8192) for a queue's two\n"
    "numbers, fs.mqueue.queues_max, and RLIMIT_MSGQUEUE (819200 bytes) for all POSIX\n"
    "queues of a user, where a full set of messages counts from the start: of\n"
    "default size nine fit, and the tenth mq_open() is EMFILE. kernel.msgmax, msgmnb\n"
    "and msgmni for System V. A queue that is left behind waits, with its messages,\n"
    "until the machine is switched off: so here another process removes them if this\n"
    "one dies.\n";

static const struct demo_break breaks[] = {
    { "priority", "mq.posix", "sends every message with the same priority" },
    { "type", "mq.sysv", "receives without asking for a type" },
    { "reap", "mq.outlives-sender", "leaves the senders unreaped" },
    { 0 },
};
static const struct demo_prediction predictions[] = {
    {
        .step = 1,
        .claim = "mq.outlives-sender",
        .ask = "The sender of three messages has ended and is gone. What is in the queue?",
        .choices = { "nothing", "the last message", "three messages" },
        .right = 2,
        .because = "Its bytes were copied into the kernel at mq_send(). The queue belongs to no process.",
    },
    {
        .step = 2,
        .claim = "mq.posix",
        .ask = "Sent: \"low\" with priority 1, \"urgent\" 9, \"middle\" 5. What is received first?",
        .choices = { "low", "urgent", "all of them at once" },
        .right = 1,
        .because =
            "A POSIX queue gives the highest priority first, whenever it came; and one mq_receive() is one message.",
    },
    { 0 },
};

static const struct demo demo = {
    .name = "message-queue",
    .title = "messages that wait in the kernel",
    .claims = claims,
    .breaks = breaks,
    .predictions = predictions,
    .run = message_queue,
    .why = why,
    .next = "signal",
};

int main(int argc, char *argv[])
{
    return demo_run(argc, argv, &demo);
}
