/* progress.c - says on SIGUSR1 how far it is, mended
 *
 * Why it is right: A handler can come anywhere, also in the middle of printf(), when the buffer is
 * half written and its counts are not right yet. So it may call only what signal-safety(7) lists,
 * and printf() is not there. This one only sets a flag; the loop looks at it where a line may be
 * written. sig_atomic_t: it is written in one piece; volatile: it is read each time.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static volatile sig_atomic_t asked;

static void on_usr1(int signal)
{
    (void)signal;
    asked = 1;
}

int main(int argc, char *argv[])
{
    if (argc != 3) {
        fprintf(stderr, "usage: progress WORD N\n");
        return 64;
    }
    sigaction(SIGUSR1, &(struct sigaction){ .sa_handler = on_usr1, .sa_flags = SA_RESTART }, NULL);

    int n = atoi(argv[2]);
    for (int i = 1; i <= n; i++) {
        printf("record %d of %s\n", i, argv[1]);
        if (asked) {
            asked = 0;
            printf("progress: %d written\n", i);
        }
    }
    return fflush(stdout) != 0;
}
