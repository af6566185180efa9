/* tiny-init.c - PID 1 of a small container, mended
 *
 * Why it is right: A process whose parent ends gets PID 1 of its PID namespace as its parent. So
 * PID 1 waits for every child it has, and ends when it was the command. (SIGCHLD ignored would let
 * the kernel reap them, and the command's status would be lost with them. When PID 1 ends the
 * kernel kills what is left in the namespace.)
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static int exit_code(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* PID 1. */
static int init(char *argv[])
{
    int status = 0;
    pid_t command = fork();
    if (command == 0) {
        execvp(argv[0], argv);
        perror(argv[0]);
        _exit(127);
    }
    for (pid_t ended = 0; ended != command;)
        if ((ended = wait(&status)) < 0)
            return 1;
    return exit_code(status);
}

int main(int argc, char *argv[])
{
    if (argc < 2) {
        fprintf(stderr, "usage: tiny-init COMMAND [ARGUMENT...]\n");
        return 64;
    }
    /* The user namespace lets an ordinary user make the other one. The next fork() is PID 1 in it. */
    if (unshare(CLONE_NEWUSER | CLONE_NEWPID) < 0) {
        perror("unshare(CLONE_NEWUSER | CLONE_NEWPID)");
        return 70;
    }
    int status = 0;
    pid_t pid1 = fork();
    if (pid1 == 0)
        _exit(init(argv + 1));
    waitpid(pid1, &status, 0);
    return exit_code(status);
}
