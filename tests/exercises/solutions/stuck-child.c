/* stuck-child.c - runs commands while a clock ticks, mended
 *
 * Why it is right: fork() copies the memory with the lock in it, but only the thread that calls it.
 * If the clock held the lock, the child has a locked one and nobody who will unlock it.
 * pthread_atfork() has the forking thread take it first: then the child's one thread is its owner,
 * and what the lock protects is whole. (Or the child calls no function that locks: malloc() and
 * stdio are safe in the child with glibc, but POSIX allows only what signal-safety(7) lists.)
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

static void before_fork(void)
{
    pthread_mutex_lock(&whole_lines);
}

static void after_fork(void)
{
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
    pthread_atfork(before_fork, after_fork, after_fork);
    if (pthread_create(&clock, NULL, clock_thread, NULL) != 0)
        return 70;
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        status = run(line);
    }
    return status;
}
