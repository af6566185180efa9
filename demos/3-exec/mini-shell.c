/* mini-shell.c - fork, exec, wait: all that a shell needs to run programs
 *
 *     mini-shell               the lesson: its shell runs a pipeline, and the system's own does the same four steps
 *     mini-shell -c 'LINE'     runs a line, and exits with its status
 *     mini-shell -i            asks for lines: "ls | wc -l", "sort < in > out", exit; ^C and ^D as you know them
 *     mini-shell --break wait  with a shell that does not wait
 *
 *     shell                            child                      child
 *     pipe2(), fork() -------------->  dup2(), execvp(): grep
 *     fork() -------------------------------------------------->  dup2(), execvp(): wc
 *     waitpid()                        reads, writes              reads
 *     its status  <------------------  exits                      the end of the pipe
 *     waitpid(), its status  <----------------------------------  exits
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "proc/proc.h"
#include "report/demo.h"
#include "sync/sync.h"
#include "trace/trace.h"

/* The shell, in under 100 lines of code: up to the lesson. */
enum { COMMANDS = 16, WORDS = 64, LINE = 4096, WRONG = 2, NOT_EXECUTABLE = 126, NOT_FOUND = 127, BY_SIGNAL = 128 };

struct command {
    char *argv[WORDS + 1], *in, *out; /* the files behind < and >, or NULL */
};

static int complain(const char *call, const char *what, int status)
{
    dprintf(STDERR_FILENO, "mini-shell: %s(%.80s): %s (%s)\n", call, what, strerrorname_np(errno), strerror(errno));
    return status;
}

/* Copies the line's next word, which may stand in quotes, to *words: zeros, and longer than all of them. NULL: no more.
 * |, < and > are words, and *special is set to them. */
static char *next_word(const char **line, char **words, char *special)
{
    const char *from = *line + strspn(*line, " \t\n"), quote[] = { *from, '\0' };
    bool quoted = *from == '"' || *from == '\'';
    *special = *from != '\0' && strchr("|<>", *from) != NULL ? *from : '\0';
    size_t length = quoted ? strcspn(++from, quote) : *special != '\0' ? 1 : strcspn(from, " \t\n|<>");
    *line = from + length + (quoted && from[length] != '\0');
    *words += length + 1;
    return length > 0 || quoted ? memcpy(*words - length - 1, from, length) : NULL;
}

/* Splits the line into commands. Returns how many, -1: it is no command line. */
static int parse(const char *line, char *words, struct command *commands)
{
    int n = 0, argc = 0;
    char *word, special;
    while (argc <= WORDS && (word = next_word(&line, &words, &special)) != NULL) {
        if (special == '\0') {
            commands[n].argv[argc++] = word;
        } else if (special == '|') {
            if (argc == 0 || ++n == COMMANDS)
                return -1;
            argc = 0;
        } else {
            char **file = special == '<' ? &commands[n].in : &commands[n].out;
            if ((*file = next_word(&line, &words, &special)) == NULL || special != '\0')
                return -1;
        }
    }
    return argc > 0 && argc <= WORDS ? n + 1 : -1;
}

/* In the child. It ends in the new program, or in _exit(): if it went on, there would be a second shell. */
static _Noreturn void become(const struct command *command, int in, int out)
{
    if ((command->in != NULL && (in = open(command->in, O_RDONLY)) < 0) ||
        (command->out != NULL && (out = open(command->out, O_WRONLY | O_CREAT | O_TRUNC, 0666)) < 0))
        _exit(complain("open", in < 0 ? command->in : command->out, 1));
    if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
        _exit(complain("dup2", command->argv[0], 1));
    execvp(command->argv[0], command->argv);
    _exit(complain("execvp", command->argv[0], errno == ENOENT ? NOT_FOUND : NOT_EXECUTABLE));
}

/* A child for each command, and a pipe from each to the next. O_CLOEXEC: only their copies by dup2() live on in a program. */
static int start(const struct command *commands, int n, pid_t *pids)
{
    for (int i = 0, in = STDIN_FILENO; i < n; i++) {
        int ends[2] = { STDIN_FILENO, STDOUT_FILENO };
        if ((i < n - 1 && pipe2(ends, O_CLOEXEC) < 0) || (pids[i] = fork()) < 0)
            return complain("pipe2() or fork", commands[i].argv[0], -1);
        if (pids[i] == 0)
            become(&commands[i], in, ends[1]);
        if (i > 0)
            close(in);
        if (i < n - 1)
            close(ends[1]); /* while anyone has it open, the next command waits for more */
        in = ends[0];
    }
    return 0;
}

/* The status of each. That of the line is its last one's. */
static int wait_for(const pid_t *pids, int n, int *statuses)
{
    for (int i = 0; i < n; i++) {
        int status = 0;
        TEMP_FAILURE_RETRY(waitpid(pids[i], &status, 0));
        statuses[i] = WIFSIGNALED(status) ? BY_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
    }
    return statuses[n - 1];
}

static int run_line(const char *line)
{
    struct command commands[COMMANDS] = { 0 };
    char words[2 * LINE] = "";
    int statuses[COMMANDS], n = strlen(line) < LINE ? parse(line, words, commands) : -1;
    pid_t pids[COMMANDS];
    errno = EINVAL;
    if (n < 0)
        return complain("parse", line, WRONG);
    return start(commands, n, pids) < 0 ? 1 : wait_for(pids, n, statuses);
}

static void interrupted(int sig)
{
    (void)sig;
}

/* ^C ends programs, and not the shell. By a handler, which exec resets to the default; SIG_IGN they would inherit. */
static int ask_for_lines(void)
{
    char line[LINE];
    int status = 0;
    signal(SIGINT, interrupted);
    setvbuf(stdin, NULL, _IONBF, 0); /* what stands behind the line is for the programs to read */
    while (dprintf(STDOUT_FILENO, "%d $ ", status) > 0 && fgets(line, LINE, stdin) && strcmp(line, "exit\n") != 0)
        if (line[strspn(line, " \t\n")] != '\0')
            status = run_line(line);
    return status;
}

/* The lesson. */

static const struct demo_claim claims[] = {
    { "pattern.fork-exec-wait", "A shell forks, the child execs, the parent waits and gets the status." },
    { "pattern.real-shell", "A real shell does it with fork(), exec() and wait().", DEMO_CAVEAT,
      "the same four steps, but the first may be vfork() or clone(), and fork() itself is the system call clone" },
    { 0 },
};

enum { GREP, WC, BOTH };

/* A child per command, each one another program now? */
static bool look_at(const pid_t pids[BOTH])
{
    static const char *const names[BOTH] = { "grep", "wc" };
    bool ok = true;
    for (int i = 0; i < BOTH; i++) {
        struct proc_stat stat;
        demo_need(proc_stat_read(pids[i], &stat), "read /proc/%d/stat", pids[i]);
        demo_observe(pids[i], "/proc/PID/stat", demo_fact_pid("pid", stat.pid), demo_fact_pid("ppid", stat.ppid),
                     demo_fact("comm", stat.comm));
        ok = ok && stat.ppid == getpid() && strcmp(stat.comm, names[i]) == 0;
    }
    demo_look("ps -o pid,ppid,stat,comm --ppid %s", demo_pid(getpid()));
    return ok;
}

/* The files of < and > have no name that could stay behind: a pipe and a piece of memory, as descriptors that a child has. */
static bool run_pipeline(void)
{
    static const char input[] = "one\ntwo\nthree\n";
    int ends[2], statuses[BOTH] = { -1, -1 };
    char line[LINE], words[2 * LINE] = "", text[16] = "";
    cleanup_fd int out = memfd_create("out", MFD_CLOEXEC);
    cleanup_gate struct sync_gate all_execd;
    demo_need(sync_gate_make(&all_execd), "pipe2() of a gate");
    if (out < 0 || pipe2(ends, O_CLOEXEC) < 0)
        demo_die("memfd_create(\"out\"), pipe2(O_CLOEXEC)");
    snprintf(line, sizeof line, "grep o < /proc/self/fd/%d | wc -l > /proc/self/fd/%d", ends[0], out);
    demo_act(0, "the line: %s", line);

    struct command commands[COMMANDS] = { 0 };
    pid_t pids[COMMANDS];
    if (parse(line, words, commands) != BOTH || start(commands, BOTH, pids) < 0)
        demo_die("parse(%s), fork()", line);
    demo_role(pids[GREP], "grep");
    demo_role(pids[WC], "wc");
    int rc = sync_gate_pass(&all_execd); /* its other end is nowhere any more when each child has called exec */
    if (rc != -EPIPE)
        demo_need(rc, "wait at a gate for exec to close it");
    bool children = look_at(pids);

    demo_step("Write three lines for grep to read, and wait");
    if (write(ends[1], input, sizeof input - 1) != sizeof input - 1)
        demo_die("write(%d, three lines)", ends[1]);
    close(ends[0]);
    close(ends[1]);
    if (!demo_without("wait"))
        wait_for(pids, BOTH, statuses);
    if (pread(out, text, sizeof text - 1, 0) < 0)
        demo_die("pread(%d)", out);
    text[strcspn(text, "\n")] = '\0';
    if (statuses[GREP] > 0 || statuses[WC] > 0) { /* learned, and no news about shells */
        errno = EIO;
        demo_die("read() or write() of grep or wc, which ended with %d and %d", statuses[GREP], statuses[WC]);
    }
    demo_act(0, "grep's status: %d, wc's status: %d, in the file: \"%s\"", statuses[GREP], statuses[WC], text);
    return children && statuses[GREP] == 0 && statuses[WC] == 0 && strcmp(text, "2") == 0;
}

/* In a process of its own, as mini-shell -c would; what it complains of is not our message. */
static int status_of(const char *line)
{
    int status;
    pid_t parent = getpid(), shell = fork();
    if (shell < 0)
        demo_die("fork()");
    if (shell == 0) {
        int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
        demo_need(sync_die_with(parent), "prctl(PR_SET_PDEATHSIG, SIGKILL)");
        if (nowhere < 0 || dup2(nowhere, STDERR_FILENO) < 0)
            demo_die("open(\"/dev/null\"), dup2()");
        _exit(run_line(line));
    }
    if (TEMP_FAILURE_RETRY(waitpid(shell, &status, 0)) < 0)
        demo_die("waitpid(%d)", shell);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool know_statuses(char *evidence, size_t size)
{
    static const struct {
        const char *line;
        int status;
    } lines[] = {
        { "true", 0 },
        { "false", 1 },
        { "/nonexistent/program", NOT_FOUND },
        { "/proc/self/status", NOT_EXECUTABLE },
        { "sh -c 'kill -9 $$'", BY_SIGNAL + SIGKILL },
        { "cat < /nonexistent/file | cat", 0 },
    };
    enum { N = sizeof lines / sizeof *lines };
    static const char *const columns[] = { "line", "status", NULL };
    const char *rows[N * 2];
    char said[N][8];
    int right = 0;
    for (int i = 0; i < N; i++) {
        int status = status_of(lines[i].line);
        snprintf(said[i], sizeof said[i], "%d", status);
        rows[2 * i] = lines[i].line;
        rows[2 * i + 1] = said[i];
        if (status == lines[i].status)
            right++;
        else
            snprintf(evidence, size, "%s: %d, its open(), dup2() or execvp() failed", lines[i].line, status);
    }
    if (right == N)
        snprintf(evidence, size, "the status of each of %d lines", N);
    demo_table(0, "waitpid()", columns, rows, N);
    return right == N;
}

static _Noreturn void become_sh(pid_t parent, struct sync_gate *traced)
{
    const char *line = demo_without("fork") ? "exec ls / > /dev/null" : "ls / > /dev/null; exit 7";
    demo_need(sync_die_with(parent), "prctl(PR_SET_PDEATHSIG, SIGKILL)");
    int rc = sync_gate_pass(traced);
    if (rc == -EPIPE)
        _exit(0); /* nobody may trace us */
    demo_need(rc, "wait at a gate for the tracer");
    execl("/bin/sh", "sh", "-c", line, NULL);
    demo_die("execl(\"/bin/sh\")");
}

/* The four steps, as ptrace(2) shows them. What is missing stays 0. */
struct seen {
    const char *call;
    pid_t child;
    char comm[PROC_COMM + 1];
    int status, shell_status;
    bool wait_returned;
};

/* true: the process came to it. */
static bool until(struct trace *trace, pid_t pid, unsigned kinds, struct trace_event *event)
{
    int rc = trace_until(trace, pid, kinds, event);
    demo_need(rc, "ptrace(), waitid() of process %d", pid);
    return rc == 1;
}

static void follow(struct trace *trace, pid_t shell, struct seen *seen)
{
    struct trace_event event;
    struct proc_stat stat;
    trace->how = TRACE_CALLS;
    if (!until(trace, shell, TRACE_NEW, &event))
        return;
    seen->call = trace_name(event.kind);
    seen->child = event.child;
    demo_role(seen->child, "program");
    if (!until(trace, seen->child, TRACE_EXEC, &event))
        return;
    demo_need(proc_stat_read(seen->child, &stat), "read /proc/%d/stat", seen->child);
    demo_observe(seen->child, "/proc/PID/stat", demo_fact_pid("ppid", stat.ppid), demo_fact("comm", stat.comm));
    demo_look("ps -o pid,ppid,stat,comm -p %s,%s", demo_pid(shell), demo_pid(seen->child));
    snprintf(seen->comm, sizeof seen->comm, "%s", stat.comm);
    until(trace, seen->child, TRACE_ENDED, &event);
    seen->status = event.info.si_status;
    while (until(trace, shell, TRACE_RETURN | TRACE_ENDED, &event) && event.kind != TRACE_ENDED)
        seen->wait_returned |= event.nr == SYS_wait4 && event.result == seen->child;
    seen->shell_status = event.info.si_status;
}

static void trace_real_shell(void)
{
    struct trace trace = { 0 };
    struct seen seen = { 0 };
    cleanup_gate struct sync_gate traced;
    demo_need(sync_gate_make(&traced), "pipe2() of a gate");
    pid_t parent = getpid();
    cleanup_child pid_t shell = fork();
    if (shell < 0)
        demo_die("fork()");
    if (shell == 0)
        become_sh(parent, &traced);
    int rc = trace_begin(&trace, shell);
    if (rc < 0) {
        demo_skip("pattern.real-shell",
                  "ptrace(): %s; run it under no tracer, on Linux 5.3 or later, and allow ptrace (seccomp, yama)",
                  strerrorname_np(-rc));
        sync_gate_close(&traced);
        return;
    }
    demo_role(shell, "sh");
    demo_need(sync_gate_open(&traced), "let sh begin");
    follow(&trace, shell, &seen);
    trace_end(&trace);
    demo_check("pattern.real-shell",
               seen.call != NULL && strcmp(seen.comm, "ls") == 0 && seen.status == 0 && seen.wait_returned &&
                   seen.shell_status == 7,
               "%s, exec: %s, exit: %d, wait4(): %s; the shell: %d",
               seen.call != NULL ? demo_mask(seen.call, "fork, vfork or clone") : "no child", seen.comm, seen.status,
               seen.wait_returned ? demo_pid(seen.child) : "no child", seen.shell_status);
}

static void mini_shell(void)
{
    demo_step("Give the shell a line: two commands, a pipe, two redirections");
    bool ran = run_pipeline();
    demo_step("Ask it for the statuses of some other lines");
    char statuses[128];
    bool knows = know_statuses(statuses, sizeof statuses);
    demo_check("pattern.fork-exec-wait", ran && knows, "pipeline: %s; %s",
               ran ? "2 children, 2 programs, 0 and 0" : "no fork(), exec() or wait() in it", statuses);
    demo_step("Trace /bin/sh -c 'ls / > /dev/null; exit 7'");
    trace_real_shell();
}

static const char why[] =
    "A shell has no special right and no special call. fork() makes a child, which\n"
    "is the shell itself once more, and so may change what the program is to find:\n"
    "its descriptors 0 and 1 (dup2), before execve() puts the program in its place.\n"
    "Descriptors stay through it, and the program never knows whether it writes to\n"
    "a terminal, a file or a pipe. That is why the two are two calls.\n"
    "\n"
    "waitpid() sleeps until the child has exited (do_wait in kernel/exit.c) and\n"
    "takes its status: WEXITSTATUS, or WTERMSIG when a signal killed it. What a\n"
    "shell makes of it, 128 + the signal, and 127 for a program that is not found,\n"
    "is no kernel's doing: the child of a failed exec says it by _exit(127).\n"
    "\n"
    "The evidence: ppid and comm in /proc/PID/stat of each child, read when a pipe\n"
    "with O_CLOEXEC, which every child has, is open nowhere any more: each has come\n"
    "through its exec. And for the real shell the events of ptrace(2): the fork, the\n"
    "exec, the exit and the return of wait4.\n"
    "\n"
    "The text says fork(). dash, the sh of Debian, calls vfork() for a simple\n"
    "command: the child borrows the shell's memory instead of copying it, and the\n"
    "shell stands still until the exec (vfork(2)). bash forks. To the kernel, both\n"
    "are clone() with other flags (kernel_clone in kernel/fork.c).\n"
    "\n"
    "Ours leaves out what makes a shell a language: variables, lists, job control.\n";

static const struct demo_break breaks[] = {
    { "wait", "pattern.fork-exec-wait", "does not wait for the commands of the pipeline" },
    { "fork", "pattern.real-shell", "has sh call exec itself, by 'exec ls'" },
    { 0 },
};
static const struct demo_prediction predictions[] = {
    {
        .step = 3,
        .claim = "pattern.fork-exec-wait",
        .ask = "The first command of a pipeline fails, the last one works. The line's status?",
        .choices = { "that of the first to fail", "that of the last command", "the sum of all" },
        .right = 1,
        .because = "Each command has a status, but a line has one: that of the last, so what failed before it is not "
                   "seen (pipefail).",
    },
    { 0 },
};

static const struct demo demo = {
    .name = "mini-shell",
    .title = "fork, exec, wait: all that a shell needs to run programs",
    .claims = claims,
    .breaks = breaks,
    .predictions = predictions,
    .run = mini_shell,
    .args = "[-c LINE | -i]",
    .why = why,
    .next = "run-program",
};

int main(int argc, char *argv[])
{
    enum { USAGE = 64 };
    signal(SIGCHLD, SIG_DFL); /* ignored by whoever started us, it would leave nothing to wait for */
    if (argc == 3 && strcmp(argv[1], "-c") == 0)
        return run_line(argv[2]);
    if (argc == 2 && strcmp(argv[1], "-i") == 0)
        return ask_for_lines();
    if (argc < 2 || argv[1][0] == '-')
        return demo_run(argc, argv, &demo);
    dprintf(STDERR_FILENO, "mini-shell: -c in front of a line, please, not '%s'\n", argv[1]);
    return USAGE;
}
