/* cgroup.c - where a cgroup can be made, and that none stays. */
#include "cgroup/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Is it one of the words, which are set apart by commas, blanks or newlines? */
static bool has_word(const char *words, const char *word)
{
    static const char apart[] = ", \n";
    for (; *(words += strspn(words, apart)) != '\0'; words += strcspn(words, apart))
        if (strcspn(words, apart) == strlen(word) && strncmp(words, word, strlen(word)) == 0)
            return true;
    return false;
}

static const char *next_line(const char *line)
{
    const char *end = strchr(line, '\n');
    return end == NULL ? line + strlen(line) : end + 1;
}

/* "8:pids:/path" of v1, "0::/path" of v2. */
static bool own_path(const char *text, const char *controller, bool v2, char path[256])
{
    char names[128];
    for (; *text != '\0'; text = next_line(text)) {
        if (v2 && sscanf(text, "0::%255[^\n]", path) == 1)
            return true;
        if (!v2 && sscanf(text, "%*d:%127[^:\n]:%255[^\n]", names, path) == 2 && has_word(names, controller))
            return true;
    }
    return false;
}

/* "39 31 0:36 /path-that-is-mounted /mount-point rw,relatime - cgroup cgroup rw,pids"; tags may stand before the " - ". */
static bool is_tree(const char *line, const char *controller, bool v2, char root[256], char at[256])
{
    char text[1024], type[16], options[256];
    snprintf(text, sizeof text, "%.*s", (int)(next_line(line) - line), line);
    const char *rest = strstr(text, " - ");
    if (rest == NULL || sscanf(text, "%*d %*d %*s %255s %255s", root, at) != 2 ||
        sscanf(rest, " - %15s %*s %255s", type, options) != 2)
        return false;
    return v2 ? strcmp(type, "cgroup2") == 0 : strcmp(type, "cgroup") == 0 && has_word(options, controller);
}

int cgroup_place_parse(const char *cgroup, const char *mountinfo, const char *controller, bool v2,
                       struct cgroup_place *out)
{
    char path[256], root[256], at[256];
    if (!own_path(cgroup, controller, v2, path))
        return -ENOTSUP;
    for (const char *line = mountinfo; *line != '\0'; line = next_line(line)) {
        if (!is_tree(line, controller, v2, root, at))
            continue;
        size_t above = strcmp(root, "/") == 0 ? 0 : strlen(root); /* this part of the path is not mounted */
        if (strncmp(path, root, above) != 0)
            continue;
        int n = snprintf(out->dir, sizeof out->dir, "%s%s", at, path + above);
        while (n > 1 && out->dir[n - 1] == '/')
            out->dir[--n] = '\0';
        out->top = strlen(at);
        out->v2 = v2;
        return 0;
    }
    return -ENOTSUP;
}

/* All of a file of /proc, malloc'd; NULL and errno. */
static char *text_of(const char *path)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return NULL;
    ssize_t n = getdelim(&text, &size, '\0', file);
    int error = errno;
    fclose(file);
    errno = n > 0 ? 0 : error != 0 ? error : EIO;
    if (n > 0)
        return text;
    free(text);
    return NULL;
}

static int place_of_ours(const char *controller, bool v2, struct cgroup_place *out)
{
    char *groups = text_of("/proc/self/cgroup");
    if (groups == NULL)
        return errno == ENOENT ? -ENOTSUP : -errno;
    char *mounts = text_of("/proc/self/mountinfo");
    int rc = mounts == NULL ? -errno : cgroup_place_parse(groups, mounts, controller, v2, out);
    free(groups);
    free(mounts);
    return rc;
}

static int may_make(const struct cgroup_place *place, const char *controller)
{
    struct cgroup here = CGROUP_NONE;
    char given[256];
    snprintf(here.dir, sizeof here.dir, "%s", place->dir);
    int rc = place->v2 ? cgroup_read(&here, "cgroup.subtree_control", given, sizeof given) : 0;
    if (rc < 0)
        return rc == -ENOENT ? -ENOTSUP : rc;
    if (place->v2 && !has_word(given, controller))
        return -ENOTSUP;
    return access(place->dir, W_OK | X_OK) < 0 ? -errno : 0;
}

/* The nearest group at or above ours where one can be made. */
static int climb(struct cgroup_place *place, const char *controller)
{
    int rc = may_make(place, controller), first = rc;
    while (rc < 0 && strlen(place->dir) > place->top) {
        *strrchr(place->dir, '/') = '\0';
        rc = may_make(place, controller);
        first = first == -ENOTSUP ? rc : first; /* what the nearest one that has the controller says */
    }
    return rc < 0 ? first : 0;
}

static void clean(const void *dir)
{
    if (sync_rmdir(dir) < 0)
        sync_rmdir(dir); /* there is nobody who could be told that it failed */
}

/* Groups whose maker and its guard were both killed. */
static void sweep(const char *place, const char *name)
{
    DIR *groups = opendir(place);
    for (struct dirent *entry; groups != NULL && (entry = readdir(groups)) != NULL;) {
        char path[1024], *rest;
        size_t length = strlen(name);
        if (strncmp(entry->d_name, name, length) != 0 || entry->d_name[length] != '-')
            continue;
        long pid = strtol(entry->d_name + length + 1, &rest, 10);
        snprintf(path, sizeof path, "%s/%s", place, entry->d_name);
        if (*rest == '\0' && pid > 0 && (pid == getpid() || proc_exists((pid_t)pid) == 0))
            rmdir(path);
    }
    if (groups != NULL)
        closedir(groups);
}

int cgroup_make(struct cgroup *out, const char *controller, const char *name)
{
    struct cgroup_place place;
    int rc = -ENOTSUP;
    *out = CGROUP_NONE;
    for (int v2 = 1; v2 >= 0 && rc == -ENOTSUP; v2--) {
        rc = place_of_ours(controller, v2 == 1, &place);
        if (rc == 0)
            rc = climb(&place, controller);
    }
    if (rc < 0)
        return rc;
    sweep(place.dir, name);
    snprintf(out->dir, sizeof out->dir, "%s/%s-%d", place.dir, name, getpid());
    rc = sync_guard_start(&out->guard, clean, out->dir);
    if (rc == 0 && mkdir(out->dir, 0755) < 0)
        rc = -errno;
    if (rc < 0) {
        sync_guard_end(&out->guard);
        *out = CGROUP_NONE;
    }
    return rc;
}

/* The descriptor, or -errno. */
static int open_file(const struct cgroup *group, const char *file, int flags)
{
    char path[700];
    snprintf(path, sizeof path, "%s/%s", group->dir, file);
    int fd = (int)TEMP_FAILURE_RETRY(open(path, flags | O_CLOEXEC));
    return fd < 0 ? -errno : fd;
}

int cgroup_write(const struct cgroup *group, const char *file, const char *text)
{
    cleanup_fd int fd = open_file(group, file, O_WRONLY);
    if (fd < 0)
        return fd;
    return TEMP_FAILURE_RETRY(write(fd, text, strlen(text))) < 0 ? -errno : 0;
}

int cgroup_read(const struct cgroup *group, const char *file, char *out, size_t size)
{
    cleanup_fd int fd = open_file(group, file, O_RDONLY);
    if (fd < 0)
        return fd;
    ssize_t n = TEMP_FAILURE_RETRY(read(fd, out, size - 1));
    if (n < 0)
        return -errno;
    out[n] = '\0';
    return 0;
}

/* The number in a file of the group, UINT64_MAX: "max", or no such file, as in the topmost one. */
static int read_number(const struct cgroup *group, const char *file, uint64_t *out)
{
    char text[64], *end;
    int rc = cgroup_read(group, file, text, sizeof text);
    if (rc < 0 && rc != -ENOENT)
        return rc;
    uint64_t number = rc == 0 ? strtoull(text, &end, 10) : UINT64_MAX;
    *out = rc == 0 && end == text ? UINT64_MAX : number;
    return 0;
}

/* The bytes of page cache that it gives back first. */
static int read_cache(const struct cgroup *group, const char *name, uint64_t *out)
{
    char text[8192] = "\n";
    int rc = cgroup_read(group, "memory.stat", text + 1, sizeof text - 1);
    if (rc < 0)
        return rc;
    const char *line = strstr(text, name);
    *out = line == NULL ? 0 : strtoull(line + strlen(name), NULL, 10);
    return 0;
}

static int room_in(const struct cgroup *group, bool v2, uint64_t *room)
{
    uint64_t most, high = UINT64_MAX, used, cache = 0;
    int rc = read_number(group, v2 ? "memory.max" : "memory.limit_in_bytes", &most);
    if (rc == 0 && v2)
        rc = read_number(group, "memory.high", &high); /* above it everything is slow */
    if (rc < 0)
        return rc;
    most = high < most ? high : most;
    *room = UINT64_MAX;
    if (most == UINT64_MAX)
        return 0;
    rc = read_number(group, v2 ? "memory.current" : "memory.usage_in_bytes", &used);
    if (rc == 0)
        rc = read_cache(group, v2 ? "\ninactive_file " : "\ntotal_inactive_file ", &cache);
    if (rc < 0)
        return rc;
    used = used > cache ? used - cache : 0;
    *room = most > used ? most - used : 0;
    return 0;
}

int cgroup_memory_room(uint64_t *bytes)
{
    struct cgroup_place place;
    int rc = place_of_ours("memory", false, &place);
    if (rc == -ENOTSUP)
        rc = place_of_ours("memory", true, &place);
    uint64_t least = UINT64_MAX, room;
    while (rc == 0) {
        struct cgroup group = CGROUP_NONE;
        snprintf(group.dir, sizeof group.dir, "%s", place.dir);
        rc = room_in(&group, place.v2, &room);
        least = rc == 0 && room < least ? room : least;
        if (strlen(place.dir) <= place.top)
            break;
        *strrchr(place.dir, '/') = '\0';
    }
    if (rc == 0)
        *bytes = least;
    return rc;
}

void cgroup_end(struct cgroup *group)
{
    if (*group->dir != '\0')
        sync_rmdir(group->dir);
    sync_guard_end(&group->guard);
    *group = CGROUP_NONE;
}
