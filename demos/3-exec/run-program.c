/* run-program.c - all that happens when you run a program, from the shell's fork() to its SIGCHLD
 *
 *     run-program                  python3 with a script (sh, where there is no python3), then a #! script
 *     run-program ls -l            any other program; what it prints goes to standard error
 *     run-program -- ./a.out -x    the same
 *     run-program --break script   gives python3 no script to open
 *
 *     sh                     its child                                        the kernel
 *     fork() ------------->  execve("/usr/bin/python3", argv, envp) ------->  checks the ELF header, maps the segments,
 *     waitpid()                                                               builds the stack, sets the program counter
 *                            ld.so: maps the libraries  <-------------------
 *                            _start: __libc_start_main(main, argc, argv)
 *                            main(): opens and reads the script
 *                            exit() -------------------------------------->   takes the memory away: a zombie is left
 *     SIGCHLD, its status  <-----------------------------------------------   tells the parent
 *
 * Both are traced (ptrace(2)): at each of these points they stand still, and we look.
 */
#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "proc/proc.h"
#include "report/demo.h"
#include "sync/sync.h"
#include "trace/trace.h"

static const struct demo_claim claims[] = {
    { "run.fork", "The shell creates a child." },
    { "run.execve", "The child calls execve() with the program, argv and envp." },
    { "run.elf-check", "The kernel checks that the file is an executable." },
    { "run.segments-mapped", "The kernel maps the segments of the ELF file." },
    { "run.stack-built", "The kernel puts argv, envp and the auxiliary vector on the stack." },
    { "run.entry-point", "The kernel sets the program counter to the entry point." },
    { "run.dynamic-linker", "ld.so runs first, and maps the shared libraries." },
    { "run.main", "Then main() begins." },
    { "run.interpreter", "The interpreter then reads and runs the script." },
    { "run.exit-sigchld", "When it has exited, the kernel cleans up and sends SIGCHLD to the parent." },
    { 0 },
};

#ifndef MFD_EXEC
#define MFD_EXEC 0x10U /* Linux 6.3 */
#endif
enum { MOST_SEGMENTS = 64, MOST_STEPS = 256, APP_STATUS = 7, SH_STATUS = 5, COPY_STATUS = 200 };

/* Who is traced, and what we know of it. */
static struct trace trace;
static struct trace_event event; /* who stands still, and why */
static pid_t shell, program;
static const char *cut_short;              /* why the rest cannot be shown, and what would help */
static char path[PATH_MAX], exe[PATH_MAX]; /* what execve() was called with, and the file that is executed */
static struct trace_strings argv, envp;    /* of execve() */
static struct trace_stack stack;           /* as the new program finds it */
static struct {
    Elf64_Ehdr header;
    Elf64_Phdr segment[MOST_SEGMENTS];
} image; /* of the file */

/* Lets them go on until pid comes to one of these. false: it has ended before, and event says how. */
static bool reach(pid_t pid, unsigned kinds)
{
    int rc = trace_until(&trace, pid, kinds, &event);
    demo_need(rc, "ptrace(), waitid() of process %d", pid);
    return rc == 1;
}

static bool ended(pid_t pid)
{
    return event.pid == pid && event.kind == TRACE_ENDED;
}

static const char *base(const char *file)
{
    const char *slash = strrchr(file, '/');
    return slash == NULL ? file : slash + 1;
}

/* In memory, and without a name that could stay behind. Executable, where that is not forbidden. */
static int make_file(const char *text, size_t length)
{
    int fd = memfd_create("script", MFD_EXEC);
    if (fd < 0 && errno == EINVAL)
        fd = memfd_create("script", 0);
    if (fd < 0 || write(fd, text, length) != (ssize_t)length)
        demo_die("memfd_create(\"script\"), write() of %zu bytes", length);
    return fd;
}

/* sh is to run the words by exec, which takes programs only, no builtin of the same name; in a subshell, for which it forks. */
static _Noreturn void become_sh(char *const words[], int out, pid_t parent, struct sync_gate *traced)
{
    size_t n = 0;
    while (words[n] != NULL)
        n++;
    char **line = calloc(n + 5, sizeof *line);
    demo_need(sync_die_with(parent), "prctl(PR_SET_PDEATHSIG, SIGKILL)");
    int rc = sync_gate_pass(traced), null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (rc == -EPIPE)
        _exit(0); /* nobody may trace us */
    demo_need(rc, "wait at a gate for the tracer");
    if (line == NULL || setenv("PROCLAB", "run-program", 1) < 0)
        demo_die("calloc(%zu words), setenv()", n);
    memcpy(line, (char *[]){ "sh", "-c", "(exec \"$@\"); exit $?", "sh" }, 4 * sizeof *line);
    memcpy(line + 4, words, n * sizeof *line);
    if (dup2(out < 0 ? STDERR_FILENO : out, STDOUT_FILENO) < 0 ||
        (out >= 0 && (dup2(null, STDIN_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0)))
        demo_die("open(\"/dev/null\"), dup2()");
    signal(SIGPIPE, SIG_DFL); /* which demo_run ignores */
    signal(SIGXFSZ, SIG_DFL);
    execv("/bin/sh", line);
    demo_die("execv(\"/bin/sh\")");
}

/* Starts a shell that is to run these words, traced. They read nothing and write to out; -1: both as we do. */
static int begin(char *const words[], int out)
{
    cleanup_gate struct sync_gate traced;
    demo_need(sync_gate_make(&traced), "pipe2() of a gate");
    pid_t parent = getpid();
    shell = fork();
    if (shell < 0)
        demo_die("fork()");
    if (shell == 0)
        become_sh(words, out, parent, &traced);
    demo_role(shell, "sh");
    int rc = trace_begin(&trace, shell);
    if (rc == 0) {
        demo_need(sync_gate_open(&traced), "let sh begin");
        return 0;
    }
    sync_gate_close(&traced); /* which ends it */
    if (TEMP_FAILURE_RETRY(waitpid(shell, NULL, 0)) < 0)
        demo_die("waitpid(%d)", shell);
    return rc;
}

static bool shell_forks(void)
{
    if (!reach(shell, TRACE_NEW)) {
        cut_short = "sh could not fork; raise ulimit -u";
        return false;
    }
    struct proc_status status;
    program = event.child;
    demo_role(program, "child");
    demo_need(proc_status_read(program, &status), "read /proc/%d/status", program);
    demo_observe(program, "/proc/PID/status", demo_fact_pid("Pid", status.pid), demo_fact_pid("PPid", status.ppid),
                 demo_fact_pid("TracerPid", status.tracer_pid));
    demo_check("run.fork", status.pid == program && status.ppid == shell, "%s() in sh = %s, whose PPid is %s",
               trace_name(event.kind), demo_pid(program), demo_pid(status.ppid));
    demo_look("ps -o pid,ppid,stat,comm -p %s,%s", demo_pid(shell), demo_pid(program));
    return true;
}

/* As it would stand in a program, as far as there is room: ["ls", "-l"] */
static const char *quoted(const struct trace_strings *strings, char out[160])
{
    size_t used = (size_t)snprintf(out, 160, "[");
    for (size_t i = 0; i < strings->n && used < 160; i++)
        used += (size_t)snprintf(out + used, 160 - used, "%s\"%s\"", i > 0 ? ", " : "", trace_string(strings, i));
    strcpy(out + (used < 155 ? used : 154), used < 155 ? "]" : "...]");
    return out;
}

/* Where PATH has several directories, a shell may try one after the other. Returns what the last call returned; 1: none. */
static int64_t last_execve(void)
{
    int64_t result = 1;
    trace.how = TRACE_CALLS;
    while (result != 0 && result != -ENOEXEC && reach(program, TRACE_CALL | TRACE_RETURN | TRACE_EXEC)) {
        if (event.kind == TRACE_EXEC) {
            result = 0;
        } else if (event.nr == SYS_execve && event.kind == TRACE_RETURN) {
            result = event.result;
        } else if (event.nr == SYS_execve) {
            trace_strings_free(&argv);
            trace_strings_free(&envp);
            demo_need((int)trace_read_string(program, event.args[0], path, sizeof path), "read the path of execve()");
            demo_need(trace_read_strings(program, event.args[1], &argv), "read argv of execve()");
            demo_need(trace_read_strings(program, event.args[2], &envp), "read envp of execve()");
        }
    }
    trace.how = TRACE_RUN;
    return result;
}

static bool are_words(const struct trace_strings *strings, char *const words[])
{
    size_t n = 0;
    for (; words[n] != NULL; n++)
        if (n >= strings->n || strcmp(trace_string(strings, n), words[n]) != 0)
            return false;
    return n == strings->n;
}

static bool child_execs(char *const words[])
{
    static const char marker[] = "PROCLAB=run-program"; /* with its NUL */
    static char why[128];
    char text[160];
    int64_t result = last_execve();
    if (result > 0) {
        cut_short = "sh did not call execve(), for it found no such program; give one that is there";
        return false;
    }
    const char *error = result < 0 ? strerrorname_np((int)-result) : "0";
    demo_act(program, "the child called execve(\"%s\", %s, envp) = %s", path, quoted(&argv, text), error);
    bool ours = memmem(envp.text, envp.length, marker, sizeof marker) != NULL;
    demo_check("run.execve", are_words(&argv, words) && ours,
               "argv: the words of the line; envp: %s PROCLAB=run-program", ours ? "with" : "without");
    if (result == 0)
        return true;
    if (result == -ENOEXEC) {
        demo_check("run.elf-check", event.result == -ENOEXEC, "ENOEXEC: neither ELF nor #!, or damaged");
        kill(program, SIGKILL); /* or sh would take it for a script of its own, and run it */
    }
    snprintf(why, sizeof why, "execve() failed with %s, and nothing is run; give a program that can be executed",
             error);
    cut_short = why;
    return false;
}

/* The ELF header and the program headers. A file may hold anything. -ENOTSUP: of 32 bits, or with more than we look at. */
static int read_image(int fd)
{
    Elf64_Ehdr *header = &image.header;
    if (pread(fd, header, sizeof *header, 0) != sizeof *header || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
        return -ENOEXEC;
    if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_phnum > MOST_SEGMENTS ||
        header->e_phentsize != sizeof *image.segment)
        return -ENOTSUP;
    size_t size = header->e_phnum * sizeof *image.segment;
    return pread(fd, image.segment, size, (off_t)header->e_phoff) == (ssize_t)size ? 0 : -ENOEXEC;
}

/* Executes a copy of /bin/sh, with one byte of its header changed or not. Returns its exit status; an errno where the kernel
 * did not take it. */
static int execute_copy(bool damaged)
{
    struct stat stat;
    char name[32];
    int status;
    cleanup_fd int sh = open("/bin/sh", O_RDONLY | O_CLOEXEC), copy = make_file("", 0);
    if (sh < 0 || fstat(sh, &stat) < 0 || sendfile(copy, sh, NULL, (size_t)stat.st_size) != stat.st_size ||
        (damaged && pwrite(copy, "?", 1, EI_MAG1) != 1)) /* it is 7f 'E' 'L' 'F' */
        demo_die("open(\"/bin/sh\"), fstat(), sendfile(), pwrite()");
    snprintf(name, sizeof name, "/proc/self/fd/%d", copy);
    pid_t child = fork();
    if (child < 0)
        demo_die("fork()");
    if (child == 0) {
        execv(name, (char *[]){ "sh", "-c", "exit 200", NULL });
        _exit(errno);
    }
    if (TEMP_FAILURE_RETRY(waitpid(child, &status, 0)) < 0)
        demo_die("waitpid(%d)", child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void check_copies(void)
{
    int intact = execute_copy(false), damaged = execute_copy(!demo_without("damage"));
    if (intact == EACCES)
        demo_skip("run.elf-check", "nothing in memory may be executed here; lower vm.memfd_noexec");
    else
        demo_check("run.elf-check", intact == COPY_STATUS && damaged == ENOEXEC,
                   "a copy of sh in memory runs; with one byte changed: %s",
                   damaged == COPY_STATUS ? "it runs, too" : strerrorname_np(damaged));
}

/* The header of what is executed: of a #! script that is its interpreter. */
static bool has_image(void)
{
    char name[32];
    struct stat file;
    struct proc_status status;
    snprintf(name, sizeof name, "/proc/%d/exe", program);
    cleanup_fd int fd = open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &file) < 0 || proc_link_read(program, "exe", exe, sizeof exe) < 0 ||
        proc_status_read(program, &status) < 0) {
        cut_short = "who may not read a program may not look at its process; run it as root";
        return false;
    }
    if ((file.st_mode & S_ISUID) != 0) /* a tracer could else do with it what it liked */
        demo_act(program, "the file is set-uid to %d, the effective user of the process is %d%s", (int)file.st_uid,
                 (int)status.uid[1], status.uid[1] == file.st_uid ? "" : ": not honoured, since it is traced");
    int rc = read_image(fd);
    const unsigned char *ident = image.header.e_ident;
    char magic[16];
    snprintf(magic, sizeof magic, "%02x %c %c %c", ident[EI_MAG0], ident[EI_MAG1], ident[EI_MAG2], ident[EI_MAG3]);
    demo_observe(0, "ELF header", demo_fact("file", demo_mask(base(exe), "FILE")), demo_fact("e_ident", magic),
                 demo_fact("class", ident[EI_CLASS] == ELFCLASS64 ? "64 bits" : "32 bits"),
                 demo_fact("e_type", demo_mask(image.header.e_type == ET_DYN ? "ET_DYN" : "ET_EXEC", "TYPE")));
    if (rc < 0)
        cut_short = "a program of 32 bits, or with a strange header; use one of 64 bits";
    return rc == 0;
}

/* Where p_vaddr 0 is mapped: 0, but for a file that may be mapped anywhere (ET_DYN). */
static uint64_t bias(void)
{
    return stack.aux[AT_ENTRY] - image.header.e_entry;
}

static const struct proc_map *map_of(const struct proc_maps *maps, uint64_t address)
{
    return proc_maps_find(maps, (void *)address);
}

static bool is_of_program(const struct proc_map *map)
{
    return map != NULL && strcmp(map->path, exe) == 0;
}

/* Is a segment of the file mapped where its header says, and with its permissions? What is behind p_filesz is zeros. */
static bool is_mapped(const struct proc_maps *maps, const Elf64_Phdr *segment)
{
    uint64_t first = bias() + segment->p_vaddr;
    const struct proc_map *begin = map_of(maps, first), *end = map_of(maps, first + segment->p_filesz - 1);
    if (segment->p_memsz > 0 && map_of(maps, first + segment->p_memsz - 1) == NULL)
        return false;
    if (segment->p_filesz == 0)
        return true;
    return is_of_program(begin) && is_of_program(end) &&
           begin->offset_bytes + (first - begin->start) == segment->p_offset &&
           (begin->perms[1] == 'w') == ((segment->p_flags & PF_W) != 0) &&
           (begin->perms[0] == 'r' || (segment->p_flags & PF_R) == 0) && /* old programs may execute what they read */
           (begin->perms[2] == 'x' || (segment->p_flags & PF_X) == 0);
}

static void check_segments(const struct proc_maps *maps)
{
    static const char *const columns[] = { "segment", "p_vaddr", "p_flags", "mapped at", "as", "of", NULL };
    enum { COLUMNS = 6 };
    static char cells[MOST_SEGMENTS][4][24];
    const char *rows[MOST_SEGMENTS * COLUMNS];
    size_t n = 0, wrong = 0;
    for (int i = 0; i < image.header.e_phnum; i++) {
        const Elf64_Phdr *segment = &image.segment[i];
        if (segment->p_type != PT_LOAD)
            continue;
        uint64_t at = bias() + segment->p_vaddr;
        const struct proc_map *map = map_of(maps, at);
        wrong += !is_mapped(maps, segment);
        snprintf(cells[n][0], sizeof *cells[n], "PT_LOAD %zu", n);
        snprintf(cells[n][1], sizeof *cells[n], "0x%" PRIx64, segment->p_vaddr);
        snprintf(cells[n][2], sizeof *cells[n], "%s", demo_address((void *)at));
        snprintf(cells[n][3], sizeof *cells[n], "%c%c%c", segment->p_flags & PF_R ? 'R' : '-',
                 segment->p_flags & PF_W ? 'W' : '-', segment->p_flags & PF_X ? 'X' : '-');
        const char *row[COLUMNS] = { cells[n][0],
                                     demo_mask(cells[n][1], "0xADDRESS"),
                                     cells[n][3],
                                     cells[n][2],
                                     map ? map->perms : "-",
                                     map ? demo_mask(base(map->path), "FILE") : "not mapped" };
        memcpy(rows + COLUMNS * n++, row, sizeof row);
    }
    demo_table(program, "/proc/PID/maps", columns, rows, n);
    demo_check("run.segments-mapped", n > 0 && wrong == 0, "%s: file, offset, permissions",
               wrong == 0 ? "each PT_LOAD as its header says" : "not as the headers say");
    demo_look("cat /proc/%s/maps", demo_pid(program));
}

/* For a #! script the kernel makes another one: the interpreter, perhaps a word that stands behind it in that line, the path
 * of the script, and the arguments. One interpreter may be the script of another. */
static bool is_argv_given(void)
{
    enum { MOST_NESTED = 10 };
    size_t more = stack.argv.n - argv.n;
    if (stack.argc != stack.argv.n || stack.argv.n < argv.n || more > MOST_NESTED)
        return false;
    for (size_t i = 0; i < argv.n; i++) {
        const char *given = i == 0 && more > 0 ? path : trace_string(&argv, i);
        if (strcmp(given, trace_string(&stack.argv, more + i)) != 0)
            return false;
    }
    return true;
}

static bool is_auxv_of_proc(void)
{
    char name[32];
    uint64_t pair[2];
    snprintf(name, sizeof name, "/proc/%d/auxv", program);
    cleanup_fd int fd = open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        demo_die("open(%s)", name);
    while (read(fd, pair, sizeof pair) == sizeof pair)
        if (pair[0] == AT_NULL)
            return stack.aux[AT_ENTRY] != 0;
        else if (pair[0] < TRACE_AUX && stack.aux[pair[0]] != pair[1])
            return false;
    return false;
}

static void check_stack(const struct proc_maps *maps)
{
    char text[160];
    const struct proc_map *map = map_of(maps, stack.sp);
    bool on_stack = map != NULL && strcmp(map->path, "[stack]") == 0, argv_same = is_argv_given();
    bool envp_same = stack.envp.length == envp.length && memcmp(stack.envp.text, envp.text, envp.length) == 0;
    bool auxv_same = is_auxv_of_proc();
    demo_act(program, "argv on the stack of the child: %s", quoted(&stack.argv, text));
    demo_observe(program, "its stack", demo_fact("argc", (int64_t)stack.argc),
                 demo_fact("AT_ENTRY", demo_address((void *)stack.aux[AT_ENTRY])),
                 demo_fact("AT_BASE", stack.aux[AT_BASE] != 0 ? demo_address((void *)stack.aux[AT_BASE]) : "0"));
    demo_check("run.stack-built", on_stack && argv_same && envp_same && auxv_same,
               "%s: argv and envp %s given, auxv %s in /proc", on_stack ? "[stack]" : "elsewhere",
               argv_same && envp_same ? "as" : "not as", auxv_same ? "as" : "not as");
    demo_look("tr '\\0' ' ' < /proc/%s/cmdline; od -A n -t x8 -w16 /proc/%s/auxv", demo_pid(program),
              demo_pid(program));
}

static void check_pc(uint64_t pc, const struct proc_maps *maps)
{
    Elf64_Ehdr loader = { 0 };
    bool dynamic = stack.aux[AT_BASE] != 0; /* where ld.so is mapped, its header first */
    if (dynamic)
        demo_need((int)trace_read(program, stack.aux[AT_BASE], &loader, sizeof loader), "read the header of ld.so");
    uint64_t entry = dynamic ? stack.aux[AT_BASE] + loader.e_entry : stack.aux[AT_ENTRY];
    const struct proc_map *map = map_of(maps, pc);
    demo_observe(program, "ptrace PTRACE_GETREGSET", demo_fact("PC", demo_address((void *)pc)),
                 demo_fact("in", map != NULL ? demo_mask(base(map->path), "FILE") : "nothing that is mapped"));
    demo_check("run.entry-point", pc == entry && map != NULL && map->perms[2] == 'x', "%s",
               pc != entry ? "neither the program's nor ld.so's"
               : dynamic   ? "AT_BASE + e_entry of ld.so, not yet the program's"
                           : "AT_ENTRY: a static program");
}

/* The stop inside of execve(): the new program is mapped, and none of its instructions has run. */
static bool look_at_exec(void)
{
    cleanup_maps struct proc_maps maps = { 0 };
    struct trace_registers registers;
    if (trace_registers(program, &registers) < 0) {
        cut_short = "its registers are not known here; run it on x86-64 or arm64, with a program of 64 bits";
        return false;
    }
    demo_need(proc_maps_read(program, &maps), "read /proc/%d/maps", program);
    demo_need(trace_read_stack(program, &stack), "read the stack of process %d", program);
    demo_step("Compare its segments with what is mapped before its first instruction");
    check_segments(&maps);
    demo_step("Read the stack that the kernel has built");
    check_stack(&maps);
    demo_step("Look at the program counter");
    check_pc(registers.pc, &maps);
    return true;
}

/* The files whose code is mapped, but for the program itself and ld.so. */
static int list_libraries(char *names, size_t size)
{
    cleanup_maps struct proc_maps maps = { 0 };
    demo_need(proc_maps_read(program, &maps), "read /proc/%d/maps", program);
    const struct proc_map *loader = map_of(&maps, stack.aux[AT_BASE]);
    int n = 0;
    size_t used = 0;
    snprintf(names, size, "none");
    for (size_t i = 0; i < maps.n; i++) {
        const struct proc_map *map = &maps.map[i];
        if (*map->path != '/' || map->perms[2] != 'x' || is_of_program(map) ||
            (loader != NULL && strcmp(map->path, loader->path) == 0))
            continue;
        if (used < size)
            used += (size_t)snprintf(names + used, size - used, "%s%s", n > 0 ? " " : "", base(map->path));
        n++;
    }
    return n;
}

/* From the first instruction of ld.so to the entry point of the program. */
static bool enters(void)
{
    char names[512];
    int before = list_libraries(names, sizeof names);
    demo_act(program, "libraries mapped at the exec: %s", names);
    demo_need(trace_break(&trace, program, stack.aux[AT_ENTRY]), "ptrace(PTRACE_POKETEXT): a breakpoint");
    if (!reach(program, TRACE_BREAK)) {
        cut_short = "it ended before its entry point; run it by hand, to see why";
        return false;
    }
    int after = list_libraries(names, sizeof names);
    demo_act(program, "libraries mapped at its entry point: %s", after > 0 ? demo_mask(names, "NAMES") : names);
    if (stack.aux[AT_BASE] == 0)
        demo_skip("run.dynamic-linker", "it is static, and needs no ld.so; give a dynamic program");
    else if (after == 0)
        demo_skip("run.dynamic-linker", "it needs no library but ld.so; give another program");
    else
        demo_check("run.dynamic-linker", before == 0, "at exec %s; at its entry point %s",
                   before == 0 ? "none but ld.so" : "some already", "its libraries, too");
    demo_look("grep 'r-xp' /proc/%s/maps", demo_pid(program));
    return true;
}

/* _start calls __libc_start_main(main, argc, argv, ...) of the C library. When argc and argv are where a function finds its
 * second and third argument, the first is main: a stripped program needs no symbol for it. Returns 0 where it never was so. */
static uint64_t step_to_main(void)
{
    cleanup_maps struct proc_maps maps = { 0 };
    struct trace_registers registers;
    uint64_t found = 0;
    demo_need(proc_maps_read(program, &maps), "read /proc/%d/maps", program);
    trace.how = TRACE_ONE_STEP;
    for (int i = 0; i < MOST_STEPS && found == 0 && reach(program, TRACE_STEP); i++) {
        demo_need(trace_registers(program, &registers), "ptrace(PTRACE_GETREGSET)");
        const struct proc_map *map = map_of(&maps, registers.arg[0]);
        if (registers.arg[1] == stack.argc && registers.arg[2] == stack.argv_address && is_of_program(map) &&
            map->perms[2] == 'x')
            found = registers.arg[0];
    }
    trace.how = TRACE_RUN;
    return found;
}

static void main_begins(void)
{
    struct trace_registers registers;
    uint64_t address = step_to_main();
    if (address == 0) {
        demo_skip("run.main",
                  "its _start calls no __libc_start_main(main, argc, argv); use a program with a C library");
        return;
    }
    demo_need(trace_break(&trace, program, address), "ptrace(PTRACE_POKETEXT): a breakpoint");
    if (!reach(program, TRACE_BREAK)) {
        demo_skip("run.main", "it ended before main(); run it by hand, to see why");
        return;
    }
    demo_need(trace_registers(program, &registers), "ptrace(PTRACE_GETREGSET)");
    demo_observe(program, "ptrace PTRACE_GETREGSET", demo_fact("PC", demo_address((void *)registers.pc)),
                 demo_fact("1st argument", (int64_t)(int)registers.arg[0]),
                 demo_fact("2nd", demo_address((void *)registers.arg[1])));
    demo_check("run.main",
               registers.pc == address && address != stack.aux[AT_ENTRY] && (uint32_t)registers.arg[0] == stack.argc &&
                   registers.arg[1] == stack.argv_address,
               "AT_ENTRY was first; then main(argc, argv), those on the stack");
}

/* Is descriptor fd of the program this file? */
static bool is_file(uint64_t fd, const struct stat *file)
{
    char name[64];
    struct stat found;
    snprintf(name, sizeof name, "/proc/%d/fd/%d", program, (int)fd);
    return stat(name, &found) == 0 && found.st_dev == file->st_dev && found.st_ino == file->st_ino;
}

struct reading {
    bool opened, read;
};

/* Lets it go on until it has opened this file, and has read from it or mapped it. */
static struct reading reads(const struct stat *file)
{
    struct reading reading = { 0 };
    trace.how = TRACE_CALLS;
    while (!reading.read && reach(program, TRACE_RETURN)) {
        bool opens = event.nr == SYS_openat, gets = event.nr == SYS_read || event.nr == SYS_pread64;
#ifdef SYS_open
        opens = opens || event.nr == SYS_open;
#endif
        if (opens && event.result >= 0)
            reading.opened = reading.opened || is_file((uint64_t)event.result, file);
        else if (reading.opened && event.result > 0 && (gets || event.nr == SYS_mmap))
            reading.read = is_file(event.args[gets ? 0 : 4], file);
    }
    trace.how = TRACE_RUN;
    return reading;
}

/* What these words have an interpreter run: themselves, where execve() made another program of them (#!), or the first
 * argument behind a name that is known. NULL: nothing. */
static const char *script_of(char *const words[])
{
    static const char *const known[] = { "python", "perl", "ruby", "lua", "node", "php",
                                         "sh",     "bash", "dash", "ksh", "zsh" };
    const char *name = base(words[0]);
    struct stat called, executed;
    char link[32];
    snprintf(link, sizeof link, "/proc/%d/exe", program);
    if (stat(path, &called) == 0 && stat(link, &executed) == 0 && called.st_ino != executed.st_ino)
        return path;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        size_t length = strlen(known[i]);
        if (strncmp(name, known[i], length) == 0 && name[length + strspn(name + length, "0123456789.")] == '\0')
            return words[1] != NULL && words[1][0] != '-' ? words[1] : NULL;
    }
    return NULL;
}

/* From execve() to the script. */
static struct reading follow(char *const words[])
{
    struct reading reading = { 0 };
    struct stat file;
    const char *script = script_of(words);
    demo_step("Look at the header of the file; then execute a copy of sh with a damaged one");
    bool is_ours = has_image();
    check_copies();
    if (!is_ours || !look_at_exec())
        return reading;
    demo_step("Let ld.so run, up to the entry point of the program");
    if (!enters())
        return reading;
    demo_step("Let the program come to main()");
    main_begins();
    if (script == NULL || ended(program) || stat(script, &file) < 0)
        return reading;
    demo_step("Let it go on until it reads the script");
    reading = reads(&file);
    demo_act(program, "the script was %s and %s", reading.opened ? "opened" : "not opened",
             reading.read ? "read" : "not read");
    return reading;
}

static const char *how_it_ended(const siginfo_t *how, char out[48])
{
    const char *name = sigabbrev_np(how->si_status);
    if (how->si_code == CLD_EXITED)
        snprintf(out, 48, "exited with %d", how->si_status);
    else
        snprintf(out, 48, "killed by SIG%s", name != NULL ? name : "?");
    return out;
}

/* Its tracer hears of its end first. Its parent is told when the tracer has waited for it (ptrace(2)). */
static siginfo_t exits(void)
{
    struct proc_stat stat;
    struct proc_status status = { .vm_size_kib = PROC_NONE };
    cleanup_maps struct proc_maps maps = { 0 };
    char text[48];
    if (!ended(program) && reach(program, TRACE_EXIT)) /* do_exit(), before exit_mm() */
        demo_need(proc_status_read(program, &status), "read /proc/%d/status", program);
    if (!ended(program))
        reach(program, TRACE_ENDED);
    siginfo_t how = event.info, told = { 0 };
    demo_need(proc_stat_read(program, &stat), "read /proc/%d/stat", program);
    bool cleaned = proc_maps_read(program, &maps) == -ENODATA;
    demo_act(program, "the child %s; in exit its memory was %s, now it is %s", how_it_ended(&how, text),
             status.vm_size_kib != PROC_NONE ? "there" : "gone", cleaned ? "gone" : "there");
    demo_observe(program, "/proc/PID/stat", demo_fact("state", stat.state), demo_fact_pid("ppid", stat.ppid));
    demo_look("ps -o pid,ppid,stat,comm -p %s", demo_pid(program));
    while (told.si_pid != program && reach(shell, TRACE_SIGNAL))
        if (event.info.si_signo == SIGCHLD)
            told = event.info;
    demo_check("run.exit-sigchld",
               stat.state == 'Z' && cleaned && told.si_pid == program && told.si_code == how.si_code &&
                   told.si_status == how.si_status,
               "a zombie without memory; SIGCHLD to sh: %s",
               told.si_pid == program ? how_it_ended(&told, text) : "none");
    return how;
}

/* Where a script begins with #! it is what execve() is called with, and the kernel executes its interpreter. */
static bool hash_bang_works(void)
{
    static const char script[] = "#!/bin/sh\nexit 5\n";
    char name[32], text[160];
    struct stat file;
    cleanup_fd int fd = make_file(script, sizeof script - 1), out = make_file("", 0);
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    if (fstat(fd, &file) < 0)
        demo_die("fstat(%d)", fd);
    demo_need(begin((char *[]){ name, NULL }, out), "ptrace(PTRACE_SEIZE)");
    if (!reach(shell, TRACE_NEW))
        return false;
    program = event.child;
    demo_role(program, "child");
    trace_stack_free(&stack);
    if (last_execve() != 0 || trace_read_stack(program, &stack) < 0)
        return false;
    demo_act(program, "the child called execve(\"%s\", ...) = 0; argv on its stack: %s", path,
             quoted(&stack.argv, text));
    struct reading reading = reads(&file);
    if (!ended(program))
        reach(program, TRACE_ENDED);
    demo_act(program, "the script was %s and %s; it %s", reading.opened ? "opened" : "not opened",
             reading.read ? "read" : "not read", how_it_ended(&event.info, text));
    return strcmp(trace_string(&stack.argv, 0), "/bin/sh") == 0 && is_argv_given() && reading.opened && reading.read &&
           event.info.si_status == SH_STATUS;
}

/* What the text runs, python3 app.py; sh, where there is no python3. The script's name is that of a descriptor. */
static char *const *choose_app(void)
{
    static char python_app[] = "print('hello')\nraise SystemExit(7)\n", sh_app[] = "echo hello\nexit 7\n";
    static char python[] = "python3", sh[] = "sh", command[] = "-c", name[32];
    static char *words[4];
    bool is_python = access("/usr/bin/python3", X_OK) == 0 || access("/usr/local/bin/python3", X_OK) == 0;
    char *app = is_python ? python_app : sh_app;
    snprintf(name, sizeof name, "/proc/self/fd/%d", make_file(app, strlen(app)));
    if (setenv("PATH", "/usr/bin:/bin:/usr/local/bin", 1) < 0 || setenv("PYTHONDONTWRITEBYTECODE", "1", 1) < 0)
        demo_die("setenv(\"PATH\")");
    words[0] = is_python ? python : sh;
    words[1] = demo_without("script") ? command : name;
    words[2] = demo_without("script") ? app : NULL;
    return words;
}

/* How our own script ended, and a second one of the other kind. */
static void check_interpreters(struct reading reading, const siginfo_t *how, int out)
{
    char text[16] = "";
    if (pread(out, text, sizeof text - 1, 0) < 0)
        demo_die("pread(%d)", out);
    text[strcspn(text, "\n")] = '\0';
    demo_step("Execute a script that begins with #!/bin/sh");
    bool hash_bang = hash_bang_works();
    bool ran = strcmp(text, "hello") == 0 && how->si_code == CLD_EXITED && how->si_status == APP_STATUS;
    if (!ran && !reading.read)
        demo_skip("run.interpreter", "it ended before it read its script; run it by hand, to see why");
    else
        demo_check("run.interpreter", reading.opened && reading.read && ran && hash_bang,
                   "opened: %s, read: %s; it wrote \"%s\"; #!: %s", reading.opened ? "yes" : "no",
                   reading.read ? "yes" : "no", text, hash_bang ? "the same" : "no");
}

static void run_program(void)
{
    bool own = *demo_args() == NULL;
    char *const *words = own ? choose_app() : demo_args();
    cleanup_fd int out = own ? make_file("", 0) : -1;
    struct reading reading = { 0 };
    siginfo_t how = { 0 };
    char line[160] = "";
    for (size_t i = 0; words[i] != NULL && strlen(line) + 1 < sizeof line; i++)
        snprintf(line + strlen(line), sizeof line - strlen(line), " %s", words[i]);

    demo_step("Have sh run:%s", line);
    int rc = begin(words, out);
    if (rc < 0) {
        demo_skip_rest("ptrace(): %s; run it under no tracer, on Linux 5.3 or later, and allow ptrace (seccomp, yama)",
                       strerrorname_np(-rc));
        return;
    }
    bool forked = shell_forks();
    if (forked) {
        demo_step("Let the child call execve()");
        if (child_execs(words))
            reading = follow(words);
        demo_step("Let it exit");
        how = exits();
    }
    trace_end(&trace);
    if (own && cut_short == NULL)
        check_interpreters(reading, &how, out);
    else if (reading.opened)
        demo_check("run.interpreter", reading.read, "it opened the script, and read %s",
                   reading.read ? "it" : "nothing");
    else if (forked && cut_short == NULL)
        demo_skip("run.interpreter", "no script was opened; run one");
    if (cut_short != NULL)
        demo_skip_rest("%s", cut_short);
}

static const char why[] =
    "fork() and execve() are calls of the shell and its child. Between that execve()\n"
    "and the first instruction of the program only the kernel works (fs/exec.c):\n"
    "bprm_execve reads the first 256 bytes of the file and asks each format. #! is\n"
    "one (fs/binfmt_script.c): it starts again with the interpreter. ELF is another:\n"
    "load_elf_binary (fs/binfmt_elf.c) checks the header, or says ENOEXEC; maps each\n"
    "PT_LOAD segment, and ld.so, which PT_INTERP names; puts argv, envp and the\n"
    "auxiliary vector on the stack (create_elf_tables), and sets the registers\n"
    "(START_THREAD). Pages are mapped and not read: each when it is first touched.\n"
    "\n"
    "For a dynamic program the entry point is that of ld.so. The kernel maps no\n"
    "libraries: ld.so finds in the auxiliary vector where the program is (AT_PHDR),\n"
    "maps what its DT_NEEDED name, and jumps to AT_ENTRY. That is _start, not yet\n"
    "main(): _start calls __libc_start_main(main, argc, argv, ...).\n"
    "\n"
    "exit() runs handlers and flushes buffers, then calls exit_group. do_exit\n"
    "(kernel/exit.c) gives memory and files back, and exit_notify sends SIGCHLD to\n"
    "the parent and leaves a zombie for its wait().\n"
    "\n"
    "The evidence: ptrace(2). PTRACE_EVENT_EXEC stops it inside of execve(), before\n"
    "any instruction: there the registers, the stack and /proc/PID/maps are read.\n"
    "The entry point and main() are seen by breakpoints, which are gone again when\n"
    "they are hit. main is found in the register of a first argument: a stripped\n"
    "program has no symbol for it. A descriptor is the script's by its inode.\n"
    "\n"
    "Tracing changes three things. The parent gets SIGCHLD when the tracer, too, has\n"
    "waited; a set-uid program gets no privilege (unless for a tracer that has it);\n"
    "and it is slow.\n"
    "\n"
    "The text says that Python parses app.py. To the kernel that is nothing special:\n"
    "python3 is the program, and the script a file that it reads. And a library may\n"
    "run code of its own before main().\n";

static const struct demo_break breaks[] = {
    { "script", "run.interpreter", "gives the interpreter its script by -c: there is no file" },
    { "damage", "run.elf-check", "changes no byte of the copy of sh" },
    { 0 },
};
static const struct demo_prediction predictions[] = {
    {
        .step = 6,
        .claim = "run.entry-point",
        .ask = "python3 is mapped, and its stack is built. Whose instruction is the first?",
        .choices = { "main() of python3", "_start of python3", "one of ld.so", "one of libc" },
        .right = 2,
        .because = "The kernel maps ld.so beside the program and starts it; it maps the libraries, and only then jumps "
                   "to _start.",
    },
    {
        .step = 11,
        .claim = "run.interpreter",
        .ask = "A script begins with #!/bin/sh. Who reads that line?",
        .choices = { "the shell that starts it", "the kernel", "ld.so" },
        .right = 1,
        .because = "execve() does, whoever calls it: the kernel starts again with the interpreter, and hands it the "
                   "path of the script.",
    },
    { 0 },
};

static const struct demo demo = {
    .name = "run-program",
    .title = "all that happens when you run a program, from fork() to SIGCHLD",
    .claims = claims,
    .breaks = breaks,
    .predictions = predictions,
    .run = run_program,
    .args = "[PROGRAM [ARGUMENT...]]",
    .why = why,
    .next = "states",
};

int main(int argc_, char *argv_[])
{
    return demo_run(argc_, argv_, &demo);
}
