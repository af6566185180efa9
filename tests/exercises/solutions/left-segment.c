/* left-segment.c - a sum in memory that is shared, mended
 *
 * Why it is right: A segment belongs to no process: it stays until IPC_RMID or the next boot.
 * IPC_RMID marks it, and the kernel removes it when the last process that has attached it detaches
 * or ends, however it ends. So it is marked at once, while it is attached: no code of ours runs
 * after a SIGKILL. (On Linux a marked segment can still be attached by its id; the child has it by
 * fork.)
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

static int add_up(long *sum)
{
    unsigned char buffer[4096];
    ssize_t n;
    while ((n = read(0, buffer, sizeof buffer)) > 0)
        for (ssize_t i = 0; i < n; i++)
            *sum += buffer[i];
    return n < 0;
}

int main(int argc, char *argv[])
{
    size_t size = argc == 2 ? (size_t)atol(argv[1]) : 0;
    if (size < sizeof(long)) {
        fprintf(stderr, "usage: left-segment SIZE\n");
        return 64;
    }
    int id = shmget(IPC_PRIVATE, size, IPC_CREAT | 0600);
    long *sum = id < 0 ? (void *)-1 : shmat(id, NULL, 0);
    if (sum == (void *)-1) {
        perror("shmget, shmat");
        return 70;
    }
    shmctl(id, IPC_RMID, NULL);

    pid_t child = fork();
    if (child < 0) {
        perror("fork");
        return 70;
    }
    if (child == 0)
        _exit(add_up(sum));

    int status;
    waitpid(child, &status, 0);
    printf("%ld\n", *sum);
    shmdt(sum);
    return status != 0;
}
