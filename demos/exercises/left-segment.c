/* left-segment.c - a sum in memory that is shared
 *
 * What it should do: make a System V segment of SIZE bytes. A child reads
 * standard input to its end and writes the sum of all bytes into the segment;
 * the parent waits for it and prints the sum. However and whenever it ends,
 * nothing of it stays in the machine.
 *
 *     echo hello | ./left-segment 4096
 *
 * The symptom: after some days no program can make a segment any more: ENOSPC.
 *
 * Look with: ipcs -m     before it, while it waits for input, after it, after ^C
 *            cat /proc/sysvipc/shm
 * (ipcrm -m ID removes what it has left.)
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
