/* progress.c - says on SIGUSR1 how far it is
 *
 * What it should do: write the records 1 to N, each once and whole. After a
 * SIGUSR1, and before a thousand more records, it puts a line between two
 * records that says how many came before it.
 *
 *     ./progress kiwi 1000000 >/tmp/records & kill -USR1 $!
 *
 * The symptom: once in a while, when somebody has asked for the progress,
 * records are there twice, or in pieces.
 *
 * Look with: ./progress kiwi 9000 | (sleep 5; cat) >out &
 *            pkill -USR1 -x progress; wait; sort out | uniq -d
 * For five seconds the pipe is full, and it waits in write(). Then the same
 * with: strace -e trace=write ./progress kiwi 9000 | (sleep 5; cat) >out &
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static volatile sig_atomic_t written;

static void on_usr1(int signal)
{
    (void)signal;
    printf("progress: %d written\n", (int)written);
    fflush(stdout);
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
        written = i;
    }
    return fflush(stdout) != 0;
}
