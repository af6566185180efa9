/* tiny-init.c - PID 1 of a small container
 *
 * What it should do: run a command in a PID namespace of its own. PID 1 in
 * there starts the command and ends when it ends, with its status. Meanwhile
 * PID 1 does what the init of any system does for the processes that nobody
 * else waits for.
 *
 *     ./tiny-init sh -c 'ps; exit 7'; echo $?
 *
 * The symptom: a container that has run for a week is full of <defunct>
 * processes, and fork() fails in it.
 *
 * Look with: ./tiny-init sh -c '(sleep 1 &); sleep 100'
 * and after a second, in a second terminal: ps -e -o pid,ppid,stat,args --forest
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
    waitpid(command, &status, 0);
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
