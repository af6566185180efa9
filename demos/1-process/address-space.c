/* address-space.c - the memory of a process, from high to low addresses
 *
 *     address-space                  the whole lesson
 *     address-space PID              draws all the memory of any process that you may look into ("address-space $$")
 *     address-space --break protect  makes the text writable before it is written to
 *
 *     high   stack     calls and local variables           grows down
 *            mappings  libraries, other files, the vdso
 *            heap      malloc()                            grows up
 *            BSS       globals without a value
 *            data      globals with a value
 *     low    text      code
 */
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "proc/proc.h"
#include "report/demo.h"
#include "sync/sync.h"

static const struct demo_claim claims[] = {
    { "layout.regions-ordered", "Text, data, BSS, heap and stack lie from low to high addresses." },
    { "layout.text-read-only", "The text can be executed, and not be written to." },
    { "layout.bss-zeroed", "The BSS is not in the program's file, and reads as zero." },
    { "layout.stack-grows-down", "The stack grows to lower addresses." },
    { "layout.heap-grows-up", "The heap grows to higher addresses." },
    { "layout.null-unmapped", "Nothing is mapped at address 0." },
    { "layout.virtual", "One address holds different values in two processes." },
    { "layout.mappings-and-aslr", "Between heap and stack is free space.", DEMO_CAVEAT,
      "libraries and other files are mapped there, and everything is at other addresses in each run (ASLR)" },
    { 0 },
};

enum { KIB = 1024 };
enum region { TEXT, DATA, BSS, HEAP, MAPPINGS, STACK, REGIONS, CONSTANTS };
static const char *const region_names[] = { "text", "data", "BSS", "heap", "mappings", "stack" };

/* What the lesson has in the regions. The faults and the places of locals are the kernel's here, and no sanitizer's. */
#define BARE __attribute__((noinline, no_sanitize("address", "undefined", "thread")))
static volatile int with_value = 1;
static volatile unsigned char without_value[1024 * KIB];
BARE static int forty_two(void)
{
    return 42;
}

static struct told {
    int fault_code, value;
    const void *fault_address;
} * told; /* by a child, in a page that both have */

/* An address space as the picture has it. The program's own file is the one that its code is mapped from. */
struct space {
    struct proc_maps maps;
    const struct proc_map *code;
};

static int read_space(pid_t pid, struct space *space)
{
    struct proc_stat stat;
    int rc = proc_stat_read(pid, &stat);
    if (rc == 0)
        rc = proc_maps_read(pid, &space->maps);
    if (rc == 0)
        space->code = proc_maps_find(&space->maps, (const void *)(uintptr_t)stat.startcode);
    return rc;
}

static void free_space(struct space *space)
{
    proc_maps_free(&space->maps);
}
#define cleanup_space __attribute__((cleanup(free_space)))

static bool own_file(const struct space *space, const struct proc_map *map)
{
    const struct proc_map *code = space->code;
    return code != NULL && map->inode != 0 && map->inode == code->inode && map->dev_major == code->dev_major &&
           map->dev_minor == code->dev_minor;
}

static enum region region_of(const struct space *space, const struct proc_map *map)
{
    if (strcmp(map->path, "[stack]") == 0)
        return STACK;
    if (strcmp(map->path, "[heap]") == 0)
        return HEAP;
    if (own_file(space, map))
        return map->perms[2] == 'x' ? TEXT : map->perms[1] == 'w' ? DATA : CONSTANTS;
    if (*map->path == '\0' && map > space->maps.map && own_file(space, map - 1) && map->start == map[-1].end)
        return BSS; /* right behind the data, and of no file */
    return MAPPINGS;
}

/* ---- address-space PID ---- */

static const char *name_of(const struct space *space, const struct proc_map *map)
{
    static const char *const own[] = { [TEXT] = "text", [DATA] = "data", [BSS] = "BSS", [CONSTANTS] = "constants" };
    enum region region = region_of(space, map);
    const char *slash = strrchr(map->path, '/');
    if (region <= BSS || region == CONSTANTS)
        return own[region];
    return *map->path == '\0' ? "anonymous" : slash != NULL ? slash + 1 : map->path;
}

/* A process may end at any time, a reader may not look into everyone, and not everyone has an address space. */
static void explain(pid_t pid, int error)
{
    enum { PF_KTHREAD = 0x00200000 }; /* include/linux/sched.h */
    struct proc_stat stat;
    if (error == -ENODATA && proc_stat_read(pid, &stat) == 0)
        demo_cannot("process %d has no address space: it %s", pid,
                    stat.flags & PF_KTHREAD ? "is a kernel thread, and has the kernel's only" : "has exited");
    if (error == -ESRCH || error == -ENODATA)
        demo_cannot("there is no process %d", pid);
    if (error == -EACCES)
        demo_cannot("process %d is not for you to look into: its user or root may (ptrace(2), access modes)", pid);
    if (error == -ENOTSUP)
        demo_cannot("process %d is hidden (hidepid of /proc): ask as its user or as root", pid);
    if (error == -EAGAIN)
        demo_cannot("process %d calls exec more often than it can be read: ask again", pid);
    demo_need(error, "read /proc/%d/maps", pid);
}

static void draw_all(pid_t pid)
{
    static const char *const columns[] = { "from", "size", "perms", "region", NULL };
    enum { COLUMNS = 4 };
    cleanup_space struct space space = { 0 };
    explain(pid, read_space(pid, &space));
    size_t n = space.maps.n;
    struct {
        char from[24], size[24];
    } *text = calloc(n, sizeof *text);
    const char **cells = calloc(n, COLUMNS * sizeof *cells), **cell = cells;
    if (text == NULL || cells == NULL)
        demo_die("calloc(%zu mappings)", n);
    for (size_t i = n; i-- > 0; cell += COLUMNS) {
        const struct proc_map *map = &space.maps.map[i];
        snprintf(text[i].from, sizeof text[i].from, "0x%lx", (unsigned long)map->start);
        snprintf(text[i].size, sizeof text[i].size, "%lu KiB", (unsigned long)(map->end - map->start) / KIB);
        memcpy(cell, (const char *[]){ text[i].from, text[i].size, map->perms, name_of(&space, map) },
               COLUMNS * sizeof *cell);
    }
    demo_table(pid, "/proc/PID/maps", columns, cells, n);
    free(text);
    free(cells);
}

/* ---- the lesson ---- */

/* Each region of the picture once, from high to low; mappings where the picture has free space. */
static void draw(const struct space *space)
{
    static const char *const columns[] = { "region", "from", "size", "perms", "what is there", NULL };
    static const char *const what[REGIONS] = {
        "code: forty_two()", "globals with a value: with_value", "globals without: without_value",
        "malloc(), sbrk()",  "libraries, other files",           "calls and their local variables"
    };
    struct {
        uintptr_t from, bytes;
        const char *perms;
    } seen[REGIONS] = { 0 };
    for (size_t i = 0; i < space->maps.n; i++) {
        const struct proc_map *map = &space->maps.map[i];
        enum region region = region_of(space, map);
        if (region == CONSTANTS || (region == MAPPINGS && (seen[HEAP].bytes == 0 || seen[STACK].bytes > 0)))
            continue;
        if (seen[region].bytes == 0) {
            seen[region].from = map->start;
            seen[region].perms = region == MAPPINGS ? "" : map->perms;
        }
        seen[region].bytes += map->end - map->start;
    }
    char size[REGIONS][24];
    const char *cells[REGIONS][5];
    for (int row = 0, region = STACK; region >= TEXT; row++, region--) {
        snprintf(size[row], sizeof size[row], "%lu KiB", (unsigned long)seen[region].bytes / KIB);
        const char *cell[] = { region_names[region], demo_address((const void *)seen[region].from),
                               demo_mask(size[row], "SIZE"), seen[region].perms, what[region] };
        memcpy(cells[row], cell, sizeof cell);
    }
    demo_table(getpid(), "/proc/PID/maps", columns, cells[0], REGIONS);
}

BARE static void check_order(void)
{
    int local;
    void *heap = sbrk(64 * KIB);
    if (heap == (void *)-1)
        demo_die("sbrk(%d)", 64 * KIB);
    const void *const ours[REGIONS] = { [TEXT] = (const void *)(uintptr_t)forty_two,
                                        [DATA] = (const void *)&with_value,
                                        [BSS] = (const void *)(without_value + sizeof without_value / 2),
                                        [HEAP] = heap,
                                        [STACK] = &local };
    cleanup_space struct space space = { 0 };
    demo_need(read_space(getpid(), &space), "read /proc/%d/maps", getpid());
    draw(&space);
    bool rise = true, in_place = true;
    const void *below = NULL;
    for (int region = TEXT; region < REGIONS; region++) {
        const struct proc_map *map = proc_maps_find(&space.maps, ours[region]);
        if (ours[region] == NULL)
            continue;
        rise = rise && ours[region] > below;
        int found = map == NULL ? REGIONS : (int)region_of(&space, map);
        in_place = in_place && (found == region || (region == BSS && found == HEAP /* one mapping, without ASLR */));
        below = ours[region];
    }
    demo_check("layout.regions-ordered", rise && in_place, "&forty_two %s &with_value ...: %s", rise ? "<" : "?",
               in_place ? "each in its region" : "not each in its region");
    demo_look("cat /proc/%s/maps", demo_pid(getpid()));
}

/* The segment of the program's file that the BSS belongs to: where what the file holds of it ends, and where it ends. */
struct segment {
    uintptr_t in_file_end, in_memory_end;
    size_t in_file, in_memory;
};

static int find_segment(struct dl_phdr_info *program, size_t size, void *found)
{
    (void)size;
    for (int i = 0; i < program->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &program->dlpi_phdr[i];
        uintptr_t from = program->dlpi_addr + header->p_vaddr, bss = (uintptr_t)without_value;
        if (header->p_type == PT_LOAD && from <= bss && bss < from + header->p_memsz)
            *(struct segment *)found =
                (struct segment){ from + header->p_filesz, from + header->p_memsz, header->p_filesz, header->p_memsz };
    }
    return 1; /* the program comes first, then its libraries: no more */
}

static void check_bss(void)
{
    struct segment segment = { 0 };
    uintptr_t bss = (uintptr_t)without_value;
    size_t zeros = 0, bytes = sizeof without_value;
    char in_file[24], in_memory[24];
    dl_iterate_phdr(find_segment, &segment);
    if (demo_without("zero"))
        without_value[bytes / 2] = 1;
    for (size_t i = 0; i < bytes; i++)
        zeros += without_value[i] == 0;
    snprintf(in_file, sizeof in_file, "%zu KiB", segment.in_file / KIB);
    snprintf(in_memory, sizeof in_memory, "%zu KiB", segment.in_memory / KIB);
    demo_observe(0, "ELF program header", demo_fact("p_filesz", demo_mask(in_file, "SIZE")),
                 demo_fact("p_memsz", demo_mask(in_memory, "SIZE")));
    bool behind = segment.in_file_end <= bss && bss + bytes <= segment.in_memory_end;
    demo_check("layout.bss-zeroed", behind && zeros == bytes, "%zu KiB %s p_filesz, %s 0", bytes / KIB,
               behind ? "beyond" : "not beyond", zeros == bytes ? "all" : "not all");
}

/* The region now, shown. Its name is the kernel's. */
static struct proc_map region_now(const char *name)
{
    cleanup_maps struct proc_maps maps = { 0 };
    demo_need(proc_maps_read(getpid(), &maps), "read /proc/%d/maps", getpid());
    for (size_t i = 0; i < maps.n; i++)
        if (strcmp(maps.map[i].path, name) == 0) {
            char span[64];
            snprintf(span, sizeof span, "%s-%s", demo_address((const void *)maps.map[i].start),
                     demo_address((const void *)maps.map[i].end));
            demo_observe(getpid(), "/proc/PID/maps", demo_fact(name, (char *)span));
            return maps.map[i];
        }
    return (struct proc_map){ 0 };
}

/* Calls itself until its frame lies below the limit. How many calls it took; 0: a frame lay above its caller's. */
BARE static int call_deeper(uintptr_t caller, uintptr_t limit)
{
    volatile char local[4 * KIB];
    uintptr_t frame = (uintptr_t)local;
    local[0] = 1;
    if (frame >= caller)
        return 0;
    if (frame < limit)
        return 1;
    int deeper = call_deeper(frame, limit);
    return deeper == 0 ? 0 : deeper + local[0];
}

BARE static void check_stack(void)
{
    enum { MORE = 64 * KIB, SPARE = 16 * KIB };
    int local;
    struct rlimit limit;
    struct proc_map before = region_now("[stack]");
    if (getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur < before.end - before.start + MORE + SPARE) {
        demo_skip("layout.stack-grows-down", "the stack may not grow any more: raise ulimit -s");
        return;
    }
    int calls = call_deeper((uintptr_t)&local, before.start - MORE);
    struct proc_map after = region_now("[stack]");
    bool down = after.start < before.start && after.end == before.end;
    demo_check("layout.stack-grows-down", calls > 0 && down, "each frame below its caller's; its low end %s",
               down ? "moved down" : "did not move");
}

static void check_heap(void)
{
    enum { MORE = 1024 * KIB };
    struct proc_map before = region_now("[heap]");
    void *more = sbrk(MORE);
    if (more == (void *)-1)
        demo_die("sbrk(%d)", MORE);
    struct proc_map after = region_now("[heap]");
    bool up = after.start == before.start && after.end >= before.end + MORE;
    demo_check("layout.heap-grows-up", up && (uintptr_t)more <= before.end, "its high end %s",
               up ? "moved up" : "did not move up");
}

/* Stores what kind of fault it was. When it returns, the instruction faults again, and now that kills. */
static void on_fault(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)context;
    told->fault_code = info->si_code;
    told->fault_address = info->si_addr;
}

static const char *fault_name(void)
{
    return told->fault_code == SEGV_ACCERR   ? "SEGV_ACCERR"
           : told->fault_code == SEGV_MAPERR ? "SEGV_MAPERR"
                                             : "no fault";
}

/* In a child that is to die of SIGSEGV. */
BARE static void touch(volatile unsigned char *address, bool write)
{
    const struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | (int)SA_RESETHAND };
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), start = (uintptr_t)address & ~(page - 1);
    prctl(PR_SET_DUMPABLE, 0); /* no core file */
    if (sigaction(SIGSEGV, &action, NULL) < 0)
        demo_die("sigaction(SIGSEGV)");
    if (write && demo_without("protect") && mprotect((void *)start, page, PROT_READ | PROT_WRITE | PROT_EXEC) < 0)
        demo_die("mprotect(PROT_WRITE | PROT_EXEC)");
    unsigned char byte = *address;
    if (write)
        *address = byte;
}

/* Does a child that reads there, or writes, die of SIGSEGV? */
static bool dies(volatile unsigned char *address, bool write)
{
    pid_t parent = getpid();
    *told = (struct told){ 0 };
    cleanup_child pid_t child = fork();
    if (child < 0)
        demo_die("fork()");
    if (child == 0) {
        demo_need(sync_die_with(parent), "prctl(PR_SET_PDEATHSIG, SIGKILL)");
        touch(address, write);
        _exit(0);
    }
    siginfo_t how;
    demo_need(sync_exited(child, &how), "waitid(P_PID, %d)", child);
    bool died = how.si_code == CLD_KILLED && how.si_status == SIGSEGV;
    demo_act(child, "a child %s: %s, %s", write ? "writes to forty_two()" : "reads at address 0",
             died ? "killed by SIGSEGV" : "not killed", fault_name());
    return died && told->fault_address == (const void *)address;
}

static void check_text(void)
{
    unsigned char *code = (unsigned char *)(uintptr_t)forty_two;
    cleanup_maps struct proc_maps maps = { 0 };
    demo_need(proc_maps_read(getpid(), &maps), "read /proc/%d/maps", getpid());
    const struct proc_map *map = proc_maps_find(&maps, code);
    bool died = dies(code, true);
    demo_check("layout.text-read-only",
               map != NULL && strcmp(map->perms, "r-xp") == 0 && forty_two() == 42 && died &&
                   told->fault_code == SEGV_ACCERR,
               "%s; it runs; a write: %s", map == NULL ? "not mapped" : map->perms, fault_name());
}

static int persona_now(void)
{
    int persona = personality(0xffffffff);
    if (persona == -1)
        demo_die("personality(0xffffffff)");
    return persona;
}

static void check_null(void)
{
    unsigned char *volatile nowhere = NULL; /* volatile: the compiler is not to know */
    if (persona_now() & MMAP_PAGE_ZERO) {
        demo_skip("layout.null-unmapped", "we were started with MMAP_PAGE_ZERO: run it without setarch -Z");
        return;
    }
    cleanup_maps struct proc_maps maps = { 0 };
    demo_need(proc_maps_read(getpid(), &maps), "read /proc/%d/maps", getpid());
    bool mapped = proc_maps_find(&maps, NULL) != NULL, died = dies(nowhere, false);
    demo_check("layout.null-unmapped", !mapped && died && told->fault_code == SEGV_MAPERR, "%s in maps; a read: %s",
               mapped ? "something" : "nothing", fault_name());
}

/* The frame that an address lies in; 0 where that is not for us to see. */
static uint64_t frame_of(pid_t pid, const void *address)
{
    struct proc_page page;
    return proc_pagemap_read(pid, address, 1, &page) == 1 ? page.frame : 0;
}

static void check_virtual(void)
{
    const void *address = (const void *)&with_value;
    cleanup_gate struct sync_gate written, looked;
    demo_need(sync_gate_make(&written), "pipe2() of a gate");
    demo_need(sync_gate_make(&looked), "pipe2() of a gate");
    pid_t parent = getpid();
    cleanup_child pid_t child = fork();
    if (child < 0)
        demo_die("fork()");
    if (child == 0) {
        demo_need(sync_die_with(parent), "prctl(PR_SET_PDEATHSIG, SIGKILL)");
        with_value = 2;
        told->value = *(volatile const int *)address;
        demo_need(sync_gate_open(&written), "gate: let the parent look");
        sync_gate_pass(&looked);
        _exit(0);
    }
    demo_role(child, "child");
    demo_need(sync_gate_pass(&written), "gate: wait for the child to write");
    uint64_t ours = frame_of(parent, address), theirs = frame_of(child, address);
    if (ours != 0)
        demo_act(child, "frames: %s here, %s there", demo_frame(ours), demo_frame(theirs));
    demo_check("layout.virtual", with_value == 1 && told->value == 2 && (ours == 0 || ours != theirs),
               "%s: %d in %s, %d in %s", demo_address(address), with_value, demo_pid(parent), told->value,
               demo_pid(child));
}

/* Where one run of cat has its stack, the vdso and the lowest file that is not its own; 0: it has none. */
enum { PLACES = 3 };

static void run_cat(uintptr_t places[PLACES])
{
    static const char *const paths[PLACES] = { "[stack]", "[vdso]", "/" };
    int in[2], out[2];
    char byte = 'x';
    if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
        demo_die("pipe2(O_CLOEXEC)");
    pid_t parent = getpid();
    cleanup_child pid_t child = fork();
    if (child < 0)
        demo_die("fork()");
    if (child == 0) {
        demo_need(sync_die_with(parent), "prctl(PR_SET_PDEATHSIG, SIGKILL)");
        if (dup2(in[0], STDIN_FILENO) < 0 || dup2(out[1], STDOUT_FILENO) < 0)
            demo_die("dup2(%d, 0), dup2(%d, 1)", in[0], out[1]);
        execlp("cat", "cat", NULL);
        demo_die("execlp(\"cat\")");
    }
    close(in[0]);
    close(out[1]);
    /* A byte that came through it says that it has begun, with all it maps. */
    if (write(in[1], &byte, 1) != 1 || read(out[0], &byte, 1) != 1)
        demo_die("write(%d), read(%d) through cat", in[1], out[0]);
    cleanup_space struct space space = { 0 };
    demo_need(read_space(child, &space), "read /proc/%d/maps", child);
    for (size_t i = space.maps.n; i-- > 0;)
        for (int k = 0; k < PLACES; k++)
            if (strncmp(space.maps.map[i].path, paths[k], strlen(paths[k])) == 0 &&
                !own_file(&space, &space.maps.map[i]))
                places[k] = space.maps.map[i].start;
    close(in[1]);
    close(out[0]);
    demo_role(child, "cat");
    demo_observe(child, "/proc/PID/maps", demo_fact(paths[0], demo_address((const void *)places[0])),
                 demo_fact(paths[1], demo_address((const void *)places[1])),
                 demo_fact("files", demo_address((const void *)places[2])));
}

/* How many places differ between two runs, of how many; -1: the kernel does not let us choose this personality. */
static int moved(int persona, int *there)
{
    uintptr_t first[PLACES] = { 0 }, second[PLACES] = { 0 };
    int before = persona_now(), n = 0;
    if (persona != before && personality((unsigned long)persona) < 0) /* for programs that are executed from now on */
        return -1;
    run_cat(first);
    run_cat(second);
    personality((unsigned long)before);
    *there = 0;
    for (int i = 0; i < PLACES; i++) {
        n += first[i] != second[i];
        *there += first[i] != 0;
    }
    return n;
}

/* kernel.randomize_va_space is 0 where somebody has turned it off for all. */
static bool randomized(void)
{
    char digit = '2';
    cleanup_fd int fd = open("/proc/sys/kernel/randomize_va_space", O_RDONLY | O_CLOEXEC);
    return fd < 0 || read(fd, &digit, 1) != 1 || digit != '0';
}

static void check_aslr(void)
{
    int fixed = persona_now() | ADDR_NO_RANDOMIZE, random = fixed & ~ADDR_NO_RANDOMIZE;
    int there = 0, with = moved(demo_without("random") ? fixed : random, &there);
    if (with < 0 || !randomized()) {
        demo_skip("layout.mappings-and-aslr", "addresses are not random here: set kernel.randomize_va_space to 2");
        return;
    }
    int none, without = moved(fixed, &none);
    cleanup_space struct space space = { 0 };
    demo_need(read_space(getpid(), &space), "read /proc/%d/maps", getpid());
    size_t between = 0, at = 0;
    while (at < space.maps.n && region_of(&space, &space.maps.map[at]) != HEAP)
        at++;
    for (; at < space.maps.n && region_of(&space, &space.maps.map[at]) != STACK; at++)
        between += region_of(&space, &space.maps.map[at]) == MAPPINGS;
    demo_check("layout.mappings-and-aslr", between > 0 && there > 0 && with == there && without <= 0,
               "two runs of cat: %s; without ASLR: %s", with == there ? "all moved" : "not all moved",
               without < 0    ? "personality() EPERM"
               : without == 0 ? "none moved"
                              : "some moved");
}

static void address_space(void)
{
    if (demo_arg_pid() != 0) {
        demo_step("The memory of process %d, from high to low addresses", demo_arg_pid());
        draw_all(demo_arg_pid());
        return;
    }
    told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (told == MAP_FAILED)
        demo_die("mmap(%zu)", sizeof *told);
    demo_step("Draw the memory of this process, from high to low addresses");
    check_order();
    demo_step("Compare the BSS with what the program's file holds of it");
    check_bss();
    demo_step("Call a function that calls itself, again and again");
    check_stack();
    demo_step("Ask for more heap");
    check_heap();
    demo_step("Let a child write to the text, and another read at address 0");
    check_text();
    check_null();
    demo_step("Fork, and let the child write to with_value");
    check_virtual();
    demo_step("Run cat twice, and twice more with ADDR_NO_RANDOMIZE");
    check_aslr();
}

static const char why[] =
    "An address space is a list of regions (struct vm_area_struct, in a tree in\n"
    "mm_struct), each with its range, its permissions and what stands behind it: a\n"
    "file, or nothing but zeros. execve() makes the first ones from the program\n"
    "headers of the ELF file (load_elf_binary in fs/binfmt_elf.c), the dynamic\n"
    "loader and malloc() make more by mmap(2) and brk(2). /proc/PID/maps lists them.\n"
    "\n"
    "The evidence: the addresses of a function, of globals with and without a value,\n"
    "of a piece of heap and of a local, each found in its region. A write to the\n"
    "text and a read at address 0 are both SIGSEGV, and si_code tells them apart:\n"
    "SEGV_ACCERR says that a region is there and forbids it, SEGV_MAPERR that there\n"
    "is none. The BSS is the part of a segment that is larger in memory (p_memsz)\n"
    "than in the file (p_filesz).\n"
    "\n"
    "Page tables make the same address mean another frame in another process: the\n"
    "frame numbers of /proc/PID/pagemap show it to root, the two values to everyone.\n"
    "\n"
    "Where the text simplifies: the space between heap and stack is not free. The\n"
    "libraries, other mapped files and the vdso lie there, and the kernel moves all\n"
    "of it in each run (randomize_va_space, proc(5)), so that an attacker has to\n"
    "guess.\n";

static const struct demo_break breaks[] = {
    { "protect", "layout.text-read-only", "makes the text writable, by mprotect()" },
    { "zero", "layout.bss-zeroed", "writes to the BSS before it is read" },
    { "random", "layout.mappings-and-aslr", "runs the first two without ASLR as well" },
    { 0 },
};
static const struct demo_prediction predictions[] = {
    {
        .step = 5,
        .claim = "layout.null-unmapped",
        .ask = "A child reads at address 0. What happens?",
        .choices = { "it reads 0", "the read fails with EFAULT", "SIGSEGV: nothing is mapped there",
                     "SIGSEGV: it may not be read" },
        .right = 2,
        .because = "EFAULT is for an address handed to a system call. si_code tells the two SIGSEGVs apart: "
                   "SEGV_MAPERR, there is no mapping.",
    },
    {
        .step = 6,
        .claim = "layout.virtual",
        .ask = "The child writes 2 to with_value. What is at that address in the parent then?",
        .choices = { "2: it is the same address", "1: it is another memory", "nothing: it has moved" },
        .right = 1,
        .because = "The address is the same number in both, but each has page tables of its own: after the write, "
                   "another frame is behind it.",
    },
    { 0 },
};

static const struct demo demo = {
    .name = "address-space",
    .title = "the memory of a process, from high to low addresses",
    .claims = claims,
    .breaks = breaks,
    .predictions = predictions,
    .run = address_space,
    .takes_pid = true,
    .why = why,
    .next = "fork",
};

int main(int argc, char *argv[])
{
    return demo_run(argc, argv, &demo);
}
