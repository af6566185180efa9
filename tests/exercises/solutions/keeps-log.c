/* keeps-log.c - runs a command, keeps a log of it, mended
 *
 * Why it is right: A descriptor stays open through exec() unless it is marked close-on-exec.
 * O_CLOEXEC and "e" mark it in the same call that opens it, so that no other thread can fork in
 * between. It is for each descriptor: the journal has one, too.
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
    int log = open(argv[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    FILE *journal = fopen(argv[2], "ae");
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
