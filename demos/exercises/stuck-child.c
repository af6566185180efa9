/* stuck-child.c - runs commands while a clock ticks
 *
 * What it should do: read commands from standard input, a line each, and run
 * them one after the other. Before each command the child that is to run it
 * says so, in a line with its own PID. Meanwhile a second thread writes a line
 * ten times a second. Lines never mix. At the end of the input it ends with
 * the status of the last command.
 *
 *     (echo /bin/true; echo /bin/false) | ./stuck-child; echo $?
 *
 * The symptom: now and then a command is not run, and everything but the clock
 * stands still.
 *
 * Look with: yes /bin/true |
 *            strace -fo /dev/null -e inject=write:delay_exit=50000 ./stuck-child
 * (each write() is slower) and in a second terminal:
 *            ps -L -o pid,ppid,tid,stat,wchan:20,args -C stuck-child
 *            grep Threads /proc/PID/status
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t whole_lines = PTHREAD_MUTEX_INITIALIZER;

static void say(const char *what, const char *about)
{
    pthread_mutex_lock(&whole_lines);
    dprintf(1, "%d %s %s\n", getpid(), what, about);
    pthread_mutex_unlock(&whole_lines);
}

static void *clock_thread(void *arg)
{
    for (;;) {
        say("tick", "tock");
        nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
    }
    return arg;
}

static int run(char *command)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        say("runs", command);
        execl(command, command, (char *)NULL);
        _exit(127);
    }
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(void)
{
    char line[4096];
    int status = 0;
    pthread_t clock;
    if (pthread_create(&clock, NULL, clock_thread, NULL) != 0)
        return 70;
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        status = run(line);
    }
    return status;
}
