/* pipe.c - a one-way stream of bytes between related processes
 *
 *     pipe                 the whole lesson
 *     pipe --break close   leaves the write end open in the reader, which then waits for ever
 *
 *     pipe(pipefd)         before the fork: both processes have both ends
 *
 *     writer               reader
 *     write(pipefd[1])     read(pipefd[0]) = what was written
 *     close(pipefd[1])     read(pipefd[0]) waits while anyone has pipefd[1] open, and be it the reader itself
 *                          close(pipefd[1])
 *                          read(pipefd[0]) = 0, the end of file
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "proc/proc.h"
#include "report/demo.h"
#include "sync/sync.h"
#include "sys/sys.h"

static const struct demo_claim claims[] = {
    { "pipe.inherited", "A pipe made before fork() is inherited by the child." },
    { "pipe.unidirectional", "A pipe is a one-way stream of bytes." },
    { "pipe.chains-processes", "Pipes chain programs, as in ls | grep foo." },
    { "pipe.end-of-file", "End of file comes when the last writer closes, not before." },
    { 0 },
};

static void observe_fd(pid_t pid, int fd, char link[64])
{
    char source[32];
    snprintf(source, sizeof source, "/proc/PID/fd/%d", fd);
    demo_need(proc_fd_read(pid, fd, link, 64), "readlink(/proc/%d/fd/%d)", pid, fd);
    demo_observe(pid, source, demo_fact_link("link", link));
}

static void inherit(const int pipefd[2], pid_t child)
{
    char ours[64], theirs[64];
    observe_fd(getpid(), pipefd[1], ours);
    observe_fd(child, pipefd[1], theirs);
    int differ = sys_kcmp(getpid(), child, KCMP_FILE, (unsigned long)pipefd[1], (unsigned long)pipefd[1]);
    demo_check("pipe.inherited", strcmp(ours, theirs) == 0 && differ <= 0, "descriptor %d in both: one %s", pipefd[1],
               differ < 0 ? "inode" : "open file, says kcmp");
}

static void send_one_way(const int pipefd[2])
{
    char text[32] = "", byte;
    ssize_t n = read(pipefd[0], text, sizeof text - 1);
    ssize_t in = write(pipefd[0], "x", 1);
    int in_error = errno;
    ssize_t out = read(pipefd[1], &byte, 1);
    int out_error = errno;
    demo_act(0, "one read() = %zd: \"%s\": where a message ends is not kept", n, text);
    demo_act(0, "write(read end) = %s, read(write end) = %s", in < 0 ? strerrorname_np(in_error) : "1",
             out < 0 ? strerrorname_np(out_error) : "1");
    demo_check("pipe.unidirectional",
               strcmp(text, "two messages") == 0 && in < 0 && in_error == EBADF && out < 0 && out_error == EBADF,
               "2 writes, 1 read; the other way %s", in < 0 ? strerrorname_np(in_error) : "works, too");
}

static void two_messages(void)
{
    int pipefd[2];
    if ((demo_without("direction") ? socketpair(AF_UNIX, SOCK_STREAM, 0, pipefd) : pipe(pipefd)) < 0)
        demo_die("pipe()");
    cleanup_gate struct sync_gate looked;
    demo_need(sync_gate_make(&looked), "pipe2() of a gate");
    cleanup_child pid_t child = fork();
    if (child < 0)
        demo_die("fork()");
    if (child == 0) {
        demo_need(sync_gate_pass(&looked), "poll(), read() at a gate: wait for the parent to look");
        if (write(pipefd[1], "two ", 4) != 4 || write(pipefd[1], "messages", 8) != 8)
            demo_die("write(%d, a message)", pipefd[1]);
        _exit(0);
    }
    demo_role(child, "child");
    inherit(pipefd, child);
    demo_look("ls -l /proc/%s/fd /proc/%s/fd", demo_pid(getpid()), demo_pid(child));

    demo_step("Let the child write twice, read once; then try the other way");
    demo_need(sync_gate_open(&looked), "write() to a gate: let the child write");
    demo_need(sync_finished(child), "waitid(P_PID, %d)", child);
    send_one_way(pipefd);
    close(pipefd[0]);
    close(pipefd[1]);
}

static void fill(void)
{
    int pipefd[2];
    if (pipe2(pipefd, O_NONBLOCK) < 0)
        demo_die("pipe2(O_NONBLOCK)");
    char page[4096] = { 0 };
    long written = 0;
    for (ssize_t n; (n = write(pipefd[1], page, sizeof page)) > 0;)
        written += n;
    demo_act(0, "write() of one more byte: %s; without O_NONBLOCK it would wait for a reader", strerrorname_np(errno));
    demo_observe(getpid(), "fcntl(F_GETPIPE_SZ)", demo_fact("capacity", fcntl(pipefd[1], F_GETPIPE_SZ)),
                 demo_fact("written", written));
    close(pipefd[0]);
    close(pipefd[1]);
}

/* In the child: the ends become standard input and output, and no other end stays open. */
static void become(const char *program, char *const argv[], int in, int out, const int ends[4], pid_t parent)
{
    demo_need(sync_die_with(parent), "prctl(PR_SET_PDEATHSIG, SIGKILL)");
    signal(SIGPIPE, SIG_DFL); /* an ignored signal stays ignored through exec */
    if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
        demo_die("dup2(%d, 0), dup2(%d, 1)", in, out);
    for (int i = 0; i < 4; i++)
        close(ends[i]);
    execvp(program, argv);
    demo_die("execvp(\"%s\")", program);
}

static void chain(void)
{
    int ends[4], *between = ends, *result = ends + 2;
    if (pipe(between) < 0 || pipe(result) < 0)
        demo_die("pipe()");
    char directory[32], text[64] = "";
    pid_t parent = getpid();
    snprintf(directory, sizeof directory, "/proc/%d", parent);
    cleanup_child pid_t ls = fork();
    if (ls == 0)
        become("ls", (char *[]){ "ls", directory, NULL }, STDIN_FILENO, between[1], ends, parent);
    cleanup_child pid_t grep = ls < 0 ? -1 : fork();
    if (grep == 0)
        become("grep", (char *[]){ "grep", "-x", "status", NULL }, between[0], result[1], ends, parent);
    if (ls < 0 || grep < 0)
        demo_die("fork()");
    close(between[0]); /* an end that is open here would keep grep waiting */
    close(between[1]);
    close(result[1]);
    size_t length = 0;
    ssize_t n;
    while ((n = TEMP_FAILURE_RETRY(read(result[0], text + length, sizeof text - 1 - length))) > 0)
        length += (size_t)n;
    if (n < 0)
        demo_die("read(%d, what grep writes)", result[0]);
    close(result[0]);
    int ls_status, grep_status;
    if (TEMP_FAILURE_RETRY(waitpid(ls, &ls_status, 0)) < 0 || TEMP_FAILURE_RETRY(waitpid(grep, &grep_status, 0)) < 0)
        demo_die("waitpid(%d), waitpid(%d)", ls, grep);
    if (ls_status != 0 || WEXITSTATUS(grep_status) > 1) { /* 1 is what grep says when no line matches */
        errno = ECANCELED;
        demo_die("read() or write() in ls or grep, which exited with %d and %d", WEXITSTATUS(ls_status),
                 WEXITSTATUS(grep_status));
    }
    text[strcspn(text, "\n")] = '\0';
    demo_act(0, "ls /proc/%s | grep -x status: \"%s\"", demo_pid(parent), text);
    demo_check("pipe.chains-processes", strcmp(text, "status") == 0 && grep_status == 0, "output right, exit %d and %d",
               WEXITSTATUS(ls_status), WEXITSTATUS(grep_status));
}

/* Has the reader of an ended stream seen its end (1), or is it seen waiting in read() (0)? -errno: it cannot be seen. */
static int reader_ends(bool closes_write_end, const char *role)
{
    int pipefd[2];
    pid_t parent = getpid();
    cleanup_gate struct sync_gate closed;
    demo_need(sync_gate_make(&closed), "pipe2() of a gate");
    if (pipe(pipefd) < 0)
        demo_die("pipe()");
    cleanup_child pid_t reader = fork();
    if (reader < 0)
        demo_die("fork()");
    if (reader == 0) {
        demo_need(sync_die_with(parent), "prctl(PR_SET_PDEATHSIG, SIGKILL)");
        if (closes_write_end)
            close(pipefd[1]);
        demo_need(sync_gate_pass(&closed), "poll(), read() at a gate: wait for the parent to close its ends");
        char byte;
        _exit(read(pipefd[0], &byte, 1) == 0 ? 0 : 1); /* the only read() it can wait in */
    }
    demo_role(reader, role);
    close(pipefd[0]);
    close(pipefd[1]);
    demo_need(sync_gate_open(&closed), "write() to a gate: let the reader read");
    struct proc_syscall call;
    int rc = sync_blocked(reader, SYS_read, &call);
    if (rc == 0) {
        char link[64];
        demo_observe(reader, "/proc/PID/syscall", demo_fact_text("call", "read"), demo_fact("fd", call.args[0]));
        observe_fd(reader, pipefd[1], link);
        demo_look("ls -l /proc/%s/fd; cat /proc/%s/syscall", demo_pid(reader), demo_pid(reader));
        return 0;
    }
    siginfo_t how;
    if (rc != -ESRCH)
        return rc;
    demo_need(sync_exited(reader, &how), "waitid(P_PID, %d)", reader);
    demo_act(reader, "the reader exited with %d: read() = 0", how.si_status);
    return how.si_code == CLD_EXITED && how.si_status == 0;
}

/* What happens to a writer when nobody can read any more: by default a signal, else an error. */
static void write_to_nobody(int *signal_number, int *error)
{
    int pipefd[2], status;
    if (pipe(pipefd) < 0)
        demo_die("pipe()");
    close(pipefd[0]);
    pid_t writer = fork();
    if (writer < 0)
        demo_die("fork()");
    if (writer == 0) {
        signal(SIGPIPE, SIG_DFL);
        _exit(write(pipefd[1], "x", 1) == 1);
    }
    if (TEMP_FAILURE_RETRY(waitpid(writer, &status, 0)) < 0)
        demo_die("waitpid(%d)", writer);
    *signal_number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    *error = write(pipefd[1], "x", 1) < 0 ? errno : 0; /* here SIGPIPE is ignored */
    close(pipefd[1]);
    demo_act(0, "without a reader: write() kills by signal %d, or with SIGPIPE ignored: %s", *signal_number,
             *error ? strerrorname_np(*error) : "works");
}

static void pipe_demo(void)
{
    demo_step("Make a pipe, fork, and look at the descriptors of both");
    two_messages();
    demo_step("Fill a pipe that nobody reads");
    fill();
    demo_step("Chain two programs");
    chain();
    demo_step("Close the writer's end; the reader has forgotten to close its own");
    int forgetful = reader_ends(false, "reader");
    demo_step("The same with a reader that closes it; then write where nobody reads");
    int careful = reader_ends(!demo_without("close"), "closer");
    int signal_number, error;
    write_to_nobody(&signal_number, &error);
    if (forgetful < 0 || careful < 0)
        demo_skip("pipe.end-of-file", "/proc/PID/syscall: %s; see kernel.yama.ptrace_scope",
                  strerrorname_np(forgetful < 0 ? -forgetful : -careful));
    else
        demo_check("pipe.end-of-file", forgetful == 0 && careful == 1 && signal_number == SIGPIPE && error == EPIPE,
                   "write end open: %s; closed: %s; no reader: SIGPIPE, EPIPE", forgetful ? "ends" : "waits",
                   careful ? "ends" : "waits");
}

static const char why[] =
    "A pipe is a ring of pages in the kernel (struct pipe_inode_info, fs/pipe.c) and\n"
    "two open files on it, one to read and one to write. fork() copies the\n"
    "descriptors, so both processes then have both ends of the same pipe: the inode\n"
    "number in /proc/PID/fd is one, and kcmp(2) says that it is one open file.\n"
    "\n"
    "It is a stream: write() puts bytes into the ring, read() takes what is there,\n"
    "and where one write ended is not kept. It goes one way: an end that was not\n"
    "opened for reading is EBADF for read().\n"
    "\n"
    "read() on an empty pipe returns 0 only when no writer is left (pipe_read waits\n"
    "while pipe->writers is not 0), and the write end is open until the last\n"
    "descriptor for it is closed, in whatever process. A reader that forgot to close\n"
    "its own copy waits for itself. /proc/PID/syscall shows it in read(), and\n"
    "/proc/PID/fd shows why.\n"
    "\n"
    "The other way round, write() to a pipe without a reader sends SIGPIPE, which\n"
    "kills by default: that is how \"yes | head -n 1\" ends. A program that ignores\n"
    "SIGPIPE gets EPIPE (pipe(7)). A full pipe, 65536 bytes by default, makes the\n"
    "writer wait.\n";

static const struct demo_break breaks[] = {
    { "close", "pipe.end-of-file", "leaves the write end open in every reader" },
    { "direction", "pipe.unidirectional", "takes a socketpair in the place of the pipe" },
    { 0 },
};
static const struct demo_prediction predictions[] = {
    {
        .step = 5,
        .claim = "pipe.end-of-file",
        .ask = "The only writer has closed its end. What does the forgetful reader's read() do?",
        .choices = { "it returns 0", "it waits for ever", "it fails with EPIPE" },
        .right = 1,
        .because = "The reader still has the write end that it got by fork(): as far as the kernel knows, it might "
                   "write itself.",
    },
    { 0 },
};

static const struct demo demo = {
    .name = "pipe",
    .title = "a one-way stream of bytes between related processes",
    .claims = claims,
    .breaks = breaks,
    .predictions = predictions,
    .run = pipe_demo,
    .why = why,
    .next = "unix-socket",
};

int main(int argc, char *argv[])
{
    return demo_run(argc, argv, &demo);
}
