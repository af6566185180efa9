/* unix-socket.c - two-way connections between the processes of one machine
 *
 *     unix-socket                 the whole lesson
 *     unix-socket PATH            the socket's name is PATH, which must not exist yet
 *     unix-socket --break rights  the client sends the number of a descriptor, and not the descriptor
 *
 *     server                                client
 *     bind(), listen(): a path and "@NAME"
 *     socketpair(), fork() -------------->  has one end of the pair
 *                                           connect(path), connect("@NAME")
 *     accept(), accept(), unlink(path)
 *     write("ping") --------------------->  read()
 *     read() <----------------------------  write("pong")
 *     getsockopt(SO_PEERCRED) = the client's PID
 *     recvmsg() = a descriptor <----------  sendmsg(SCM_RIGHTS)
 */
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "proc/proc.h"
#include "report/demo.h"
#include "sync/sync.h"
#include "sys/sys.h"

static const struct demo_claim claims[] = {
    { "unix.bidirectional", "Both ends of a Unix domain socket read and write." },
    { "unix.local-only", "It is local: the kernel knows both ends and vouches for them." },
    { 0 },
};

/* One end of a connection; and, but for the pair, the listening socket with a name that it came from. */
struct end {
    const char *kind;
    int fd, listening;
    struct sockaddr_un name;
    socklen_t length;
};

/* What one process writes and another reads: the guard, and the parent of a child that looked elsewhere. */
static struct shared {
    char path[PATH_MAX + sizeof(struct sockaddr_un)]; /* absolute, since the guard is in another directory */
    bool ours;                                        /* nothing but what bind() made for us is ever unlinked */
    int elsewhere;                                    /* connect() there: 0 or its errno; below 0: that of unshare() */
} * shared;

static void unlink_ours(const void *arg)
{
    const struct shared *left = arg;
    if (left->ours)
        unlinkat(AT_FDCWD, left->path, 0);
}

static void remember_path(const char *path)
{
    char here[PATH_MAX] = "";
    if (path[0] != '/' && getcwd(here, sizeof here) == NULL)
        demo_die("getcwd()");
    snprintf(shared->path, sizeof shared->path, "%s%s%s", here, path[0] == '/' ? "" : "/", path);
}

static int make_socket(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0)
        demo_die("socket(AF_UNIX, SOCK_STREAM)");
    return fd;
}

/* Binds to a path. A process killed between bind() and unlink() would leave the file: hence the guard. It may take the
 * file for ours before bind() only where there was none yet. */
static int bind_path(struct end *end, const char *path)
{
    strcpy(end->name.sun_path, path);
    end->length = sizeof end->name;
    remember_path(path);
    struct stat there;
    shared->ours = lstat(shared->path, &there) < 0 && errno == ENOENT;
    mode_t before = umask(0177); /* who connects must be able to write to the file: our user alone */
    int rc = bind(end->listening, (struct sockaddr *)&end->name, end->length) < 0 ? -errno : 0;
    shared->ours = rc == 0;
    umask(before);
    return rc;
}

static const char *explain(int error)
{
    switch (error) {
    case EADDRINUSE:
        return "it exists already, and is left alone";
    case EACCES:
        return "you may not write in this directory, or not reach it";
    case ENOENT:
        return "there is no such directory";
    default:
        return strerrordesc_np(error);
    }
}

/* The reader's own path, or one where temporary files go. Without a place for it, the demo goes on with other names. */
static bool take_path(struct end *end)
{
    const char *own = demo_args()[0], *directory = getenv("TMPDIR");
    char path[sizeof end->name.sun_path];
    unsigned long random = 0;
    getrandom(&random, sizeof random, GRND_NONBLOCK);
    if (own != NULL && demo_args()[1] != NULL)
        demo_cannot("one PATH, please, and not %s as well", demo_args()[1]);
    if (own != NULL && strlen(own) >= sizeof path)
        demo_cannot("the path has %zu bytes, and a socket's path at most %zu (sun_path, unix(7))", strlen(own),
                    sizeof path - 1);
    if (own != NULL && own[0] == '\0')
        demo_cannot("bind(\"\"): an empty path is none");
    if (directory == NULL || directory[0] == '\0' || strlen(directory) > sizeof path / 2)
        directory = "/tmp";
    snprintf(path, sizeof path, "%s/proclab-%lx.socket", directory, random);
    *end = (struct end){ .kind = "path", .listening = make_socket(), .name.sun_family = AF_UNIX };
    int rc = bind_path(end, own != NULL ? own : path);
    if (rc < 0 && own != NULL)
        demo_cannot("bind(%s) = %s: %s", own, strerrorname_np(-rc), explain(-rc));
    if (rc < 0)
        demo_act(0, "bind(\"%s\") = %s: %s", demo_mask(path, "PATH"), strerrorname_np(-rc), explain(-rc));
    if (rc == 0 && listen(end->listening, 1) < 0)
        demo_die("listen(%d)", end->listening);
    return rc == 0;
}

/* bind() without a name lets the kernel choose a free one, of a NUL and five digits (unix(7), "Autobind"). */
static void take_abstract_name(struct end *end)
{
    *end = (struct end){ .kind = "abstract", .listening = make_socket(), .name.sun_family = AF_UNIX };
    end->length = sizeof end->name;
    if (bind(end->listening, (struct sockaddr *)&end->name, sizeof end->name.sun_family) < 0 ||
        listen(end->listening, 1) < 0)
        demo_die("bind(%d, AF_UNIX alone), listen()", end->listening);
    if (getsockname(end->listening, (struct sockaddr *)&end->name, &end->length) < 0)
        demo_die("getsockname(%d)", end->listening);
}

/* As /proc/net/unix and ss(8) write it. The kernel's name has no NUL behind it. */
static const char *name_of(const struct end *end)
{
    static char text[sizeof end->name.sun_path + 1];
    bool abstract = end->name.sun_path[0] == '\0';
    snprintf(text, sizeof text, "%s%.*s", abstract ? "@" : "",
             (int)(end->length - offsetof(struct sockaddr_un, sun_path)) - abstract, end->name.sun_path + abstract);
    return demo_mask(text, abstract ? "@NAME" : "PATH");
}

union rights { /* room for one descriptor */
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
};

static void send_descriptor(int socket)
{
    int file = memfd_create("a file of the client", MFD_CLOEXEC);
    if (file < 0)
        demo_die("memfd_create()");
    union rights rights = { { .cmsg_len = CMSG_LEN(sizeof file), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
    memcpy(CMSG_DATA(&rights.header), &file, sizeof file);
    struct msghdr message = { .msg_iov = &(struct iovec){ &file, sizeof file }, .msg_iovlen = 1 };
    if (!demo_without("rights")) {
        message.msg_control = &rights;
        message.msg_controllen = sizeof rights;
    }
    if (TEMP_FAILURE_RETRY(sendmsg(socket, &message, 0)) != sizeof file)
        demo_die("sendmsg(%d, SCM_RIGHTS)", socket);
}

/* Returns the descriptor that came along; *number is what the sender called it, and all that comes without the rights. */
static int receive_descriptor(int socket, int *number)
{
    union rights rights;
    struct msghdr message = { .msg_iov = &(struct iovec){ number, sizeof *number }, .msg_iovlen = 1 };
    message.msg_control = &rights;
    message.msg_controllen = sizeof rights;
    ssize_t n = TEMP_FAILURE_RETRY(recvmsg(socket, &message, MSG_CMSG_CLOEXEC));
    if (n >= 0)
        errno = message.msg_flags & MSG_CTRUNC ? EMFILE : ECONNRESET;
    if (n != sizeof *number || (message.msg_flags & MSG_CTRUNC))
        demo_die("recvmsg(%d, SCM_RIGHTS)", socket);
    int fd = *number;
    if (CMSG_FIRSTHDR(&message) != NULL)
        memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
    return fd;
}

/* ends[0].fd is the client's end of the pair here. */
static _Noreturn void be_client(struct end *ends, size_t n, struct sync_gate *connected, pid_t parent)
{
    demo_need(sync_die_with(parent), "prctl(PR_SET_PDEATHSIG, SIGKILL)");
    for (size_t i = 1; i < n; i++) {
        ends[i].fd = make_socket();
        if (connect(ends[i].fd, (struct sockaddr *)&ends[i].name, ends[i].length) < 0)
            demo_die("connect(%s)", name_of(&ends[i]));
    }
    demo_need(sync_gate_open(connected), "write() to a gate: let the server accept");
    for (size_t i = 0; i < n; i++) {
        char text[8];
        if (TEMP_FAILURE_RETRY(read(ends[i].fd, text, sizeof text)) != 4)
            demo_die("read(%d, a ping)", ends[i].fd);
        if (TEMP_FAILURE_RETRY(write(ends[i].fd, "pong", 4)) != 4 && !demo_without("direction"))
            demo_die("write(%d, \"pong\")", ends[i].fd);
    }
    send_descriptor(ends[n - 1].fd);
    char byte;
    if (TEMP_FAILURE_RETRY(read(ends[n - 1].fd, &byte, 1)) < 0) /* 0: the server hangs up */
        demo_die("read(%d)", ends[n - 1].fd);
    _exit(0);
}

/* Both connections are waiting already, so that accept() does not. The path has done its work. */
static void accept_all(struct end *ends, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        ends[i].fd = (int)TEMP_FAILURE_RETRY(accept(ends[i].listening, NULL, NULL));
        if (ends[i].fd < 0)
            demo_die("accept(%d)", ends[i].listening);
        if (ends[i].name.sun_path[0] != '\0' && unlink(ends[i].name.sun_path) < 0)
            demo_die("unlink(%s)", name_of(&ends[i]));
    }
    shared->ours = false;
}

/* How many of the connections carry bytes both ways. */
static size_t ping(const struct end *ends, size_t n)
{
    size_t both = 0;
    for (size_t i = 0; i < n; i++) {
        char text[8] = "";
        if (TEMP_FAILURE_RETRY(write(ends[i].fd, "ping", 4)) != 4)
            demo_die("write(%d, \"ping\")", ends[i].fd);
        ssize_t length = TEMP_FAILURE_RETRY(read(ends[i].fd, text, 4)); /* a number follows */
        if (length == 0 || (length < 0 && errno != EBADF))
            demo_die("read(%d, the client's pong)", ends[i].fd);
        demo_act(0, "%s: write(\"ping\") = 4, read() = %s", ends[i].kind, length < 0 ? "EBADF" : text);
        both += strcmp(text, "pong") == 0;
    }
    return both;
}

/* Where the second message begins, the reader of a stream cannot know. */
static bool keep_boundaries(void)
{
    const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
    const char *rows[3][2] = { { "SOCK_STREAM" }, { "SOCK_DGRAM" }, { "SOCK_SEQPACKET" } };
    char texts[3][16] = { "", "", "" };
    for (int i = 0; i < 3; i++) {
        cleanup_pipe int pair[2];
        if (socketpair(AF_UNIX, types[i], 0, pair) < 0)
            demo_die("socketpair(AF_UNIX, %s)", rows[i][0]);
        if (TEMP_FAILURE_RETRY(write(pair[0], "one,", 4)) != 4 || TEMP_FAILURE_RETRY(write(pair[0], "two", 3)) != 3)
            demo_die("write(%d, a message)", pair[0]);
        if (TEMP_FAILURE_RETRY(read(pair[1], texts[i], sizeof texts[i] - 1)) < 0)
            demo_die("read(%d, a message)", pair[1]);
        rows[i][1] = texts[i];
    }
    demo_table(0, "socketpair()", ((const char *const[]){ "type", "first read()", NULL }), &rows[0][0], 3);
    return strcmp(texts[0], "one,two") == 0 && strcmp(texts[1], "one,") == 0 && strcmp(texts[2], "one,") == 0;
}

/* SO_PEERCRED: who called connect(), as the kernel noted it then. For a pair that is who called socketpair(): us. */
static bool vouched_for(const struct end *ends, size_t n, pid_t client)
{
    bool right = true;
    for (size_t i = 1; i < n; i++) {
        struct ucred peer;
        socklen_t length = sizeof peer;
        if (getsockopt(ends[i].fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
            demo_die("getsockopt(%d, SO_PEERCRED)", ends[i].fd);
        char source[32], uid[16], gid[16];
        snprintf(source, sizeof source, "SO_PEERCRED of the %s", ends[i].kind);
        snprintf(uid, sizeof uid, "%u", peer.uid);
        snprintf(gid, sizeof gid, "%u", peer.gid);
        demo_observe(client, source, demo_fact_pid("pid", peer.pid), demo_fact("uid", demo_mask(uid, "UID")),
                     demo_fact("gid", demo_mask(gid, "GID")));
        right = right && peer.pid == client && peer.uid == geteuid() && peer.gid == getegid();
    }
    return right;
}

/* The same open file description in both: the offset is in it, so that what one moves is moved for the other. */
static bool shares_offset(int socket, pid_t client)
{
    enum { OFFSET = 4711 };
    int number, fd = receive_descriptor(socket, &number);
    int differ = sys_kcmp(getpid(), client, KCMP_FILE, (unsigned long)fd, (unsigned long)number);
    demo_act(client, "recvmsg(): the client's descriptor %d is ours as %d%s", number, fd,
             differ == 0 ? ", one open file (kcmp)" : "");
    off_t moved = lseek(fd, OFFSET, SEEK_SET);
    if (moved < 0 && !demo_without("rights"))
        demo_die("lseek(%d, %d)", fd, OFFSET);
    demo_act(0, "lseek(%d, %d) = %s", fd, OFFSET, moved < 0 ? strerrorname_np(errno) : "4711");
    struct proc_fdinfo theirs;
    char source[40];
    demo_need(proc_fdinfo_read(client, number, &theirs), "read(/proc/%d/fdinfo/%d)", client, number);
    snprintf(source, sizeof source, "/proc/PID/fdinfo/%d", number);
    demo_observe(client, source, demo_fact("pos", theirs.pos_bytes));
    demo_look("cat /proc/%s/fdinfo/%d", demo_pid(client), number);
    return moved == OFFSET && theirs.pos_bytes == OFFSET && differ <= 0;
}

/* connect() to the abstract name, in another network namespace. */
static void connect_elsewhere(const struct end *end)
{
    pid_t parent = getpid();
    cleanup_child pid_t child = fork();
    if (child < 0)
        demo_die("fork()");
    if (child == 0) {
        if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
            shared->elsewhere = -errno;
        demo_need(sync_die_with(parent), "prctl(PR_SET_PDEATHSIG, SIGKILL)");
        int fd = make_socket(); /* of the network namespace that we are in now */
        if (shared->elsewhere == 0 && connect(fd, (const struct sockaddr *)&end->name, end->length) < 0)
            shared->elsewhere = errno;
        _exit(0);
    }
    demo_need(sync_finished(child), "waitid(P_PID, %d)", child);
}

/* The errno of connect() to an address of another machine, 192.0.2.1. */
static int connect_to_another_machine(void)
{
    cleanup_fd int fd = make_socket();
    struct sockaddr_in other = { .sin_family = AF_INET, .sin_port = htons(80), .sin_addr.s_addr = htonl(0xc0000201) };
    return connect(fd, (struct sockaddr *)&other, sizeof other) < 0 ? errno : 0;
}

static void check_local(const struct end *abstract, bool vouched, bool passed)
{
    int other = connect_to_another_machine();
    connect_elsewhere(abstract);
    const char *there = shared->elsewhere < 0 ? "not tried"
                        : shared->elsewhere   ? strerrorname_np(shared->elsewhere)
                                              : "works";
    demo_act(0, "connect(192.0.2.1) = %s", other ? strerrorname_np(other) : "0");
    demo_act(0, "connect(%s) in another network namespace: %s%s", name_of(abstract), there,
             shared->elsewhere < 0 ? " (it needs root, or user namespaces)" : "");
    demo_check("unix.local-only",
               vouched && passed && other == EINVAL && (shared->elsewhere < 0 || shared->elsewhere == ECONNREFUSED),
               "peers %s; file %s; 192.0.2.1: %s; elsewhere: %s", vouched ? "right" : "wrong",
               passed ? "shared" : "not shared", other ? strerrorname_np(other) : "works", there);
}

/* The names, the pair, and a client that has connected to all of them. Returns how many there are; the pair is the first. */
static size_t connect_client(struct end ends[3], pid_t *client)
{
    demo_step("Give one socket a path, and one an abstract name, which is no file");
    size_t n = 1;
    n += take_path(&ends[n]);
    take_abstract_name(&ends[n++]);
    for (size_t i = 1; i < n; i++)
        demo_act(0, "bind(), listen(): descriptor %d is %s", ends[i].listening, name_of(&ends[i]));
    demo_look("grep -F %s /proc/net/unix", name_of(&ends[n - 1]));

    demo_step("Let a client connect to both, and give it an end of a pair without a name");
    int pair[2];
    if ((demo_without("direction") ? pipe(pair) : socketpair(AF_UNIX, SOCK_STREAM, 0, pair)) < 0)
        demo_die("socketpair(AF_UNIX, SOCK_STREAM)");
    cleanup_gate struct sync_gate connected;
    demo_need(sync_gate_make(&connected), "pipe2() of a gate");
    pid_t parent = getpid();
    *client = fork();
    if (*client < 0)
        demo_die("fork()");
    ends[0] = (struct end){ .kind = "pair", .fd = pair[*client == 0 ? 0 : 1] };
    close(pair[*client == 0 ? 1 : 0]);
    if (*client == 0)
        be_client(ends, n, &connected, parent);
    demo_role(*client, "client");
    demo_need(sync_gate_pass(&connected), "poll(), read() at a gate: wait for the client to connect");
    accept_all(ends, n);
    return n;
}

static void unix_socket(void)
{
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        demo_die("mmap(%zu, MAP_SHARED)", sizeof *shared);
    cleanup_guard struct sync_guard guard = { -1 };
    demo_need(sync_guard_start(&guard, unlink_ours, shared),
              "socketpair(), pidfd_open(), fcntl(), fork() or dup2() of a guard");
    struct end ends[3];
    cleanup_child pid_t client = -1;
    size_t n = connect_client(ends, &client);
    size_t both = ping(ends, n);
    demo_look("ls -l /proc/%s/fd /proc/%s/fd", demo_pid(getpid()), demo_pid(client));

    demo_step("Write \"one,\" and \"two\" into a socket of each type, and read once");
    bool kept = keep_boundaries();
    demo_check("unix.bidirectional", both == n && kept, "%zu of %zu carry both ways; messages %s", both, n,
               kept ? "merge in a stream only" : "merge");

    demo_step("Ask the kernel who the peers are");
    bool vouched = vouched_for(ends, n, client);
    demo_step("Let the client pass a descriptor, and move the offset of its file");
    bool passed = shares_offset(ends[n - 1].fd, client);
    demo_step("Look for the name from elsewhere, and for another machine");
    check_local(&ends[n - 1], vouched, passed);
    close(ends[n - 1].fd); /* the client's last read() returns */
    demo_need(sync_finished(client), "waitid(P_PID, %d)", client);
}

static const char why[] =
    "A Unix domain socket is a pair of queues in the kernel (struct unix_sock,\n"
    "net/unix/af_unix.c): write() on one end appends a buffer to the receive queue\n"
    "of the other, and no network protocol comes between. A stream lets a read()\n"
    "take from several buffers; SOCK_DGRAM and SOCK_SEQPACKET give one message a\n"
    "read().\n"
    "\n"
    "A socket is found by its name. A path is a file of type socket: bind() makes\n"
    "it, connect() needs write permission on it, and it stays until someone unlinks\n"
    "it, also when nobody listens any more, which is why a server that starts again\n"
    "meets EADDRINUSE. An abstract name (sun_path[0] is NUL) is no file: it is known\n"
    "in one network namespace, has no permissions, and ends with its socket. There\n"
    "is no name for a socket of another machine.\n"
    "\n"
    "Docker, PostgreSQL and systemd talk this way because both ends have one kernel.\n"
    "It notes PID, UID and GID of the peer at connect() or socketpair(), and\n"
    "SO_PEERCRED reads them (unix(7)): PostgreSQL calls that \"peer\" authentication,\n"
    "and whoever may write to /run/docker.sock may use Docker. It can also hand over\n"
    "what has no name: SCM_RIGHTS makes an entry in the receiver's descriptor table\n"
    "for the same struct file (net/core/scm.c), with its one file offset. systemd\n"
    "starts servers on sockets that it has bound for them. The evidence: kcmp(2),\n"
    "and pos in /proc/PID/fdinfo of the client, which the server has moved.\n"
    "\n"
    "The credentials are those of the process that connected: who got the socket\n"
    "from it by fork() or SCM_RIGHTS is not seen in them. And it is names that are\n"
    "local to a network namespace: a socket that was handed over works in any.\n";

static const struct demo_break breaks[] = {
    { "direction", "unix.bidirectional", "takes a pipe in the place of the socketpair" },
    { "rights", "unix.local-only", "sends the number of the descriptor only" },
    { 0 },
};
static const struct demo_prediction predictions[] = {
    {
        .step = 3,
        .claim = "unix.bidirectional",
        .ask = "Two messages wait in each socket. Where does one read() bring both?",
        .choices = { "in none", "in the stream only", "in all of them" },
        .right = 1,
        .because =
            "A stream has no borders between messages. A datagram or a packet is one, and a read() never joins two.",
    },
    {
        .step = 5,
        .claim = "unix.local-only",
        .ask = "The server moves the file offset of the descriptor it got. And the client's?",
        .choices = { "it stays", "it moves, too" },
        .right = 1,
        .because =
            "SCM_RIGHTS passes the open file, with its one offset, as fork() does; only opening it anew gives another.",
    },
    { 0 },
};

static const struct demo demo = {
    .name = "unix-socket",
    .title = "two-way connections between the processes of one machine",
    .claims = claims,
    .breaks = breaks,
    .predictions = predictions,
    .run = unix_socket,
    .args = "[PATH]",
    .why = why,
    .next = "shared-memory",
};

int main(int argc, char *argv[])
{
    return demo_run(argc, argv, &demo);
}
