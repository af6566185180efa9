/* page.c - the replay page: every process of the demo adds its events to one shared log, and the last act of the run
 * writes them into a page together with the template and the demo's source. */
#include "run.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* The template (page/), which the linker takes in as it is: .incbin. */
/* clang-format off */
__asm__(".pushsection .rodata\n"
        ".globl proclab_template\n"
        "proclab_template:\n"
        ".incbin \"" PROCLAB_TEMPLATE "\"\n"
        ".byte 0\n"
        ".popsection\n");
/* clang-format on */
extern const char proclab_template[];

/* The demo's own source and its name, from page/source.c; not there in what add_demo did not build. */
extern const char proclab_source[] __attribute__((weak));
extern const char proclab_source_name[] __attribute__((weak));

/* Lines of JSON. Whoever adds one takes its room first, so a process that is killed while it writes leaves a hole of
 * NULs. */
enum { LOG_BYTES = 16 << 20 }; /* of addresses: pages are taken as they are written to */
struct page_log {
    _Atomic size_t used;
    _Atomic int error; /* errno: a line is missing */
    char text[];
};
static struct page_log *events;
static char path[PATH_MAX + NAME_MAX + 2]; /* of the page, absolute: a demo may change its directory */

static int complain(int error, const char *call, const char *what)
{
    const char *name = strerrorname_np(error);
    dprintf(STDERR_FILENO, "%s: --html: %s(\"%s\"): %s (%s)\n", run.name, call, what, name ? name : "unknown error",
            strerror(error));
    return -error;
}

/* A file without a name, in the page's directory. -EOPNOTSUPP where the file system has no such thing. */
static int open_nameless(void)
{
    char copy[sizeof path];
    int fd = open(dirname(strcpy(copy, path)), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
    if (fd >= 0)
        return fd;
    return errno == EISDIR || errno == EINVAL ? -EOPNOTSUPP : -errno; /* EISDIR, EINVAL: it does not know O_TMPFILE */
}

/* A file with another name beside the page, which it sets. */
enum { BESIDE = sizeof path + 24 };
static int open_beside(char beside[BESIDE])
{
    snprintf(beside, BESIDE, "%s.%d.part", path, (int)getpid());
    int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    return fd < 0 ? -errno : fd;
}

static int find_path(void)
{
    char parts[2][PATH_MAX];
    if (strlen(run.html) >= PATH_MAX)
        return complain(ENAMETOOLONG, "open", run.html);
    if (realpath(run.html, path) != NULL)
        return 0;
    size_t length = strlen(run.html);
    if (errno != ENOENT || length == 0 || run.html[length - 1] == '/')
        return complain(errno == 0 ? ENOENT : errno, "open", run.html);
    if (realpath(dirname(strcpy(parts[0], run.html)), path) == NULL)
        return complain(errno, "open", run.html);
    size_t used = strlen(path);
    snprintf(path + used, sizeof path - used, "%s%s", used == 1 ? "" : "/", basename(strcpy(parts[1], run.html)));
    return 0;
}

/* Anything but a regular file (a pipe, /dev/stdout) is written to and not replaced. */
static bool is_special(void)
{
    struct stat stat;
    return lstat(path, &stat) == 0 && !S_ISREG(stat.st_mode) && !S_ISLNK(stat.st_mode);
}

int page_begin(void)
{
    int rc = find_path();
    if (rc < 0)
        return rc;
    if (is_special()) {
        struct stat stat;
        if (lstat(path, &stat) == 0 && S_ISDIR(stat.st_mode))
            return complain(EISDIR, "open", path);
        if (access(path, W_OK) < 0)
            return complain(errno, "open", path);
    } else {
        char beside[BESIDE] = "";
        rc = open_nameless();
        if (rc == -EOPNOTSUPP)
            rc = open_beside(beside);
        if (rc < 0)
            return complain(-rc, "open", path);
        close(rc);
        unlink(beside);
    }
    events = mmap(NULL, LOG_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return events == MAP_FAILED ? complain(errno, "mmap", "the log of events") : 0;
}

void page_add(const char *line, size_t length)
{
    size_t at = (events->used += length) - length, room = LOG_BYTES - sizeof *events;
    if (line != NULL && at <= room && length <= room - at)
        memcpy(events->text + at, line, length);
    else
        events->error = line == NULL ? ENOMEM : EFBIG;
}

/* < and & as entities: the source stands in a <pre>, and can be read without JavaScript, too. */
static void put_source(FILE *out)
{
    if (proclab_source == NULL)
        return;
    fprintf(out, "<pre class=\"source\" data-file=\"%s\">\n", proclab_source_name);
    for (const char *c = proclab_source; *c != '\0'; c++) {
        if (*c == '<' || *c == '&')
            fputs(*c == '<' ? "&lt;" : "&amp;", out);
        else
            fputc(*c, out);
    }
    fputs("</pre>\n", out);
}

/* In JSON "<" stands in strings only; as \u003c it can end no <script> whatever a process is called. */
static void put_events(FILE *out)
{
    const char *line = events->text, *end = line + events->used;
    while (line < end) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        if (newline == NULL)
            return;
        while (*line == '\0')
            line++;
        bool whole = *line == '{' && memchr(line, '\0', (size_t)(newline - line)) == NULL;
        for (; whole && line <= newline; line++) {
            if (*line == '<')
                fputs("\\u003c", out);
            else
                fputc(*line, out);
        }
        line = newline + 1;
    }
}

/* The source is part of the page if an event names it: then scripts/replay finds it, too. */
static bool names_source(void)
{
    char file[PATH_MAX];
    if (proclab_source == NULL)
        return false;
    int n = snprintf(file, sizeof file, "\"file\":\"%s\"", proclab_source_name);
    return memmem(events->text, events->used, file, (size_t)n) != NULL;
}

static int put_page(int fd)
{
    FILE *out = fdopen(fd, "w");
    if (out == NULL) {
        int error = errno;
        close(fd);
        return -error;
    }
    for (const char *line = proclab_template; *line != '\0';) {
        size_t length = strcspn(line, "\n") + 1;
        if (strncmp(line, "@sources@\n", length) == 0) {
            if (names_source())
                put_source(out);
        } else if (strncmp(line, "@events@\n", length) == 0) {
            put_events(out);
        } else {
            fwrite(line, 1, length, out);
        }
        line += length;
    }
    int error = fflush(out) != 0 ? errno : 0;
    return fclose(out) != 0 && error == 0 ? -errno : -error;
}

/* The file is whole before it gets its name, and gone with us if we are killed. A new name cannot replace an old
 * one, so that goes first: at any moment there is the old page, none, or the new one. */
static int write_nameless(int fd)
{
    char name[40];
    int kept = dup(fd), rc = put_page(fd);
    snprintf(name, sizeof name, "/proc/self/fd/%d", kept);
    while (rc == 0 && kept >= 0 && linkat(AT_FDCWD, name, AT_FDCWD, path, AT_SYMLINK_FOLLOW) < 0)
        rc = errno == EEXIST && (unlink(path) == 0 || errno == ENOENT) ? 0 : -errno;
    if (rc == 0 && kept < 0)
        rc = -EMFILE;
    close(kept);
    return rc;
}

/* Where there are no nameless files: under another name, first. */
static int write_beside(void)
{
    char beside[BESIDE];
    int fd = open_beside(beside);
    if (fd < 0)
        return fd;
    int rc = put_page(fd);
    if (rc == 0 && rename(beside, path) < 0)
        rc = -errno;
    if (rc < 0)
        unlink(beside);
    return rc;
}

int page_write(void)
{
    int rc = events->error;
    if (rc != 0)
        return complain(rc, "write", path);
    if (is_special()) {
        rc = open(path, O_WRONLY | O_CLOEXEC);
        rc = rc < 0 ? -errno : put_page(rc);
    } else {
        rc = open_nameless();
        if (rc >= 0)
            rc = write_nameless(rc);
        if (rc == -EOPNOTSUPP || rc == -ENOENT) /* ENOENT: no /proc to name it by */
            rc = write_beside();
    }
    return rc < 0 ? complain(-rc, "write", path) : 0;
}
