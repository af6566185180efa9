/* keeps-log.c - runs a command, keeps a log of it
 *
 * What it should do: run a command and wait for it. Its own log says when the
 * command starts and how it ended, its journal which PID it had; what is in
 * them from before stays. The command has nothing to do with either file. Ends
 * with the status of the command.
 *
 *     ./keeps-log /tmp/log /tmp/journal sleep 60
 *
 * The symptom: a command can read and overwrite files that are none of its
 * business; a log that was deleted keeps its space on the disk for as long as
 * any command runs.
 *
 * Look with, in a second terminal: ls -l /proc/$(pidof sleep)/fd
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char *argv[])
{
    if (argc < 4) {
        fprintf(stderr, "usage: keeps-log LOG JOURNAL COMMAND [ARGUMENT...]\n");
        return 64;
    }
    int log = open(argv[1], O_WRONLY | O_CREAT | O_APPEND, 0600);
    FILE *journal = fopen(argv[2], "a");
    if (log < 0 || journal == NULL) {
        perror("open");
        return 70;
    }
    dprintf(log, "start %s\n", argv[3]);

    pid_t child = fork();
    if (child < 0) {
        perror("fork");
        return 70;
    }
    if (child == 0) {
        execvp(argv[3], argv + 3);
        perror(argv[3]);
        _exit(127);
    }
    fprintf(journal, "%d\n", child);
    fflush(journal);

    int status;
    waitpid(child, &status, 0);
    dprintf(log, "end %d\n", WEXITSTATUS(status));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
