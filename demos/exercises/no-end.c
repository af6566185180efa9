/* no-end.c - counts bytes in another process
 *
 * What it should do: hand its standard input to a child through a pipe. At the
 * end of the input the child, which knows it by the end of file of that pipe,
 * prints how many bytes came, and both processes end. Until then the child
 * waits for more.
 *
 *     echo hello | ./no-end
 *
 * The symptom: nothing is printed, and it never ends.
 *
 * Look with, in a second terminal: ps -o pid,ppid,stat,wchan:20,args -C no-end
 *                                  ls -l /proc/PID/fd      for both PIDs
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
    if (child == 0)
        return count(ends[0]);

    close(ends[0]);
    copy(0, ends[1]);
    close(ends[1]);
    waitpid(child, &status, 0);
    return status != 0;
}
