/* no-end.c - counts bytes in another process, mended
 *
 * Why it is right: read() from a pipe returns 0 when nobody has its write end open any more, in any
 * process. The child inherited that end from the fork: it waited for itself. Each process closes
 * the end that it does not use.
 */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static char buffer[4096];

static int count(int from)
{
    long bytes = 0;
    ssize_t n;
    while ((n = read(from, buffer, sizeof buffer)) > 0)
        bytes += n;
    if (n < 0) {
        perror("read");
        return 1;
    }
    printf("%ld bytes\n", bytes);
    return 0;
}

static void copy(int from, int to)
{
    ssize_t n;
    while ((n = read(from, buffer, sizeof buffer)) > 0)
        for (ssize_t done = 0, m; done < n; done += m)
            if ((m = write(to, buffer + done, (size_t)(n - done))) < 0) {
                perror("write");
                return;
            }
}

int main(void)
{
    int ends[2], status;
    if (pipe(ends) < 0) {
        perror("pipe");
        return 70;
    }
    pid_t child = fork();
    if (child < 0) {
        perror("fork");
        return 70;
    }
    if (child == 0) {
        close(ends[1]);
        return count(ends[0]);
    }

    close(ends[0]);
    copy(0, ends[1]);
    close(ends[1]);
    waitpid(child, &status, 0);
    return status != 0;
}
