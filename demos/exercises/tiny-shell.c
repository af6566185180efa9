/* tiny-shell.c - runs commands, a line each
 *
 * What it should do: run each line of standard input as a command with its
 * arguments, wait for it, and go on. Words are separated by blanks; nothing
 * else is special. A command that does not exist has the status 127, one that
 * cannot be executed 126, as in every shell. At the end of the input it exits
 * with the status of the last command. Each command runs once, from a
 * terminal, a pipe and a file.
 *
 *     ./tiny-shell
 *     date
 *     no-such-command
 *
 * The symptom: after a mistyped command ^D does not end it any more; it takes
 * two.
 *
 * Look with, in a second terminal, before and after the mistyped command:
 *            ps -o pid,ppid,stat,args -C tiny-shell
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
        fprintf(stderr, "%s: %s\n", words[0], strerror(errno));
        return 0;
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
