/* zombies.c - a server, a child for each request
 *
 * What it should do: read names of files from standard input, a line each. For
 * each file a child reads it to its end, while the server goes on with the
 * next line; a child exits with 1 if its file was empty. A child that has
 * ended is not kept: it is waited for at once. At the end of the input the
 * server waits for the rest, and exits with the number of empty files.
 *
 *     ls -d /etc/host* | ./zombies; echo $?
 *
 * The symptom: after a busy hour the process table is full of <defunct>,
 * though it waits for every SIGCHLD.
 *
 * Look with: (yes /etc/passwd | head -n 100; cat) | ./zombies
 * It now waits for you to type. In a second terminal:
 *            ps -o pid,ppid,stat,args -C zombies
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t empty;

static void on_child(int signal)
{
    int status;
    (void)signal;
    if (wait(&status) > 0 && status != 0)
        empty++;
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
