/* doubled.c - a report by several processes, mended
 *
 * Why it is right: fork() copies the memory, and so the buffer of stdout with the heading in it. In
 * a pipe or a file stdout writes only when its buffer is full or the program ends, and then each of
 * the processes wrote its own copy. fflush() before the fork empties the one buffer while there is
 * one. It must be the parent, and it must be before.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char *argv[])
{
    if (argc != 3) {
        fprintf(stderr, "usage: doubled WORD N\n");
        return 64;
    }
    int n = atoi(argv[2]);
    printf("report on %s by %d\n", argv[1], n);
    fflush(stdout);

    for (int i = 0; i < n; i++) {
        pid_t child = fork();
        if (child < 0) {
            perror("fork");
            return 70;
        }
        if (child == 0) {
            printf("%d says %s\n", getpid(), argv[1]);
            return 0;
        }
    }
    while (wait(NULL) > 0)
        ;
    printf("end of %s\n", argv[1]);
    return 0;
}
