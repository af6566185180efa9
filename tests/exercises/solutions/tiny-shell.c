/* tiny-shell.c - runs commands, a line each, mended
 *
 * Why it is right: When exec() returns it has failed, and this is still the child: a second copy of
 * the shell, with the same input. It must end here. By _exit(), not exit(): exit() would also write
 * and rewind the stdio streams it has copies of, and with a file as input the offset belongs to
 * both processes: the shell would read lines again.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 64 };

static int run(char *words[])
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        execvp(words[0], words);
        int errno_of_exec = errno; /* fprintf() may change it */
        fprintf(stderr, "%s: %s\n", words[0], strerror(errno_of_exec));
        _exit(errno_of_exec == ENOENT ? 127 : 126);
    }
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(void)
{
    char line[4096], *words[MOST + 1];
    int status = 0;
    while (fgets(line, sizeof line, stdin) != NULL) {
        int n = 0;
        for (char *word = strtok(line, " \n"); word != NULL && n < MOST; word = strtok(NULL, " \n"))
            words[n++] = word;
        words[n] = NULL;
        if (n > 0)
            status = run(words);
    }
    return status;
}
