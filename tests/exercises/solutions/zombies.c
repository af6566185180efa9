/* zombies.c - a server, a child for each request, mended
 *
 * Why it is right: A standard signal is pending or it is not: of several SIGCHLDs that come while
 * one is pending, one is left. So a handler must wait for all that have ended: a loop, and WNOHANG,
 * for it must not wait for those that still run. It keeps errno, which the code that it interrupts
 * may be about to look at.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t empty;

static void on_child(int signal)
{
    int status, saved = errno;
    (void)signal;
    while (waitpid(-1, &status, WNOHANG) > 0)
        if (status != 0)
            empty++;
    errno = saved;
}

static int serve(const char *path)
{
    char buffer[4096];
    ssize_t n, bytes = 0;
    int file = open(path, O_RDONLY);
    while ((n = read(file, buffer, sizeof buffer)) > 0)
        bytes += n;
    return bytes == 0;
}

int main(void)
{
    char line[4096];
    sigaction(SIGCHLD, &(struct sigaction){ .sa_handler = on_child, .sa_flags = SA_RESTART }, NULL);

    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        pid_t child = fork();
        if (child == 0)
            _exit(serve(line));
        if (child < 0)
            perror("fork");
    }

    int status;
    signal(SIGCHLD, SIG_DFL);
    while (wait(&status) > 0)
        if (status != 0)
            empty++;
    return empty;
}
