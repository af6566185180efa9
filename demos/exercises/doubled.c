/* doubled.c - a report by several processes
 *
 * What it should do: print a heading, then let each of N children print one
 * line of its own, wait for them, and print a last line. Each line is there
 * once, in a terminal, in a pipe and in a file.
 *
 *     ./doubled kiwi 3
 *
 * The symptom: in a terminal it is right. In a pipe or a file there are
 * headings too many:
 *
 *     ./doubled kiwi 3 | cat
 *
 * Look with: strace -f -e trace=write ./doubled kiwi 3 | cat
 * Which process writes what?
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
