/* deposits.c - several tellers, one account
 *
 * What it should do: each teller is a thread and deposits its amount N times;
 * they work at the same time, and one that must wait sleeps. The account is a
 * file, mapped into memory, and is right after each deposit. For each deposit
 * a line is written to standard output at once, by one write().
 *
 *     head -c 8 /dev/zero >/tmp/account
 *     ./deposits /tmp/account 1000 5 7 9 | tail -n 3
 *     od -A n -t d8 /tmp/account
 *
 * Three tellers deposit 1000 times each: 5, 7 and 9. That makes 21000.
 *
 * The symptom: money is missing. How much, is another sum every time.
 *
 * Look with: ./deposits /tmp/account 1000 5 7 9 | (sleep 60; cat)
 * and in a second terminal: ps -L -o tid,stat,wchan:20 -C deposits
 *                           cat /proc/PID/task/TID/syscall
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MOST = 16 };
static long *balance;
static long times;

static void *teller(void *arg)
{
    long amount = *(long *)arg;
    for (long i = 0; i < times; i++) {
        long seen = *balance;
        dprintf(1, "%ld to %ld\n", amount, seen);
        *balance = seen + amount;
    }
    return NULL;
}

int main(int argc, char *argv[])
{
    if (argc < 4 || argc - 3 > MOST) {
        fprintf(stderr, "usage: deposits ACCOUNT N AMOUNT...\n");
        return 64;
    }
    int account = open(argv[1], O_RDWR), tellers = argc - 3;
    balance = mmap(NULL, sizeof *balance, PROT_READ | PROT_WRITE, MAP_SHARED, account, 0);
    if (account < 0 || balance == MAP_FAILED) {
        perror(argv[1]);
        return 70;
    }
    times = atol(argv[2]);

    pthread_t threads[MOST];
    long amounts[MOST];
    for (int i = 0; i < tellers; i++) {
        amounts[i] = atol(argv[3 + i]);
        if (pthread_create(&threads[i], NULL, teller, &amounts[i]) != 0)
            return 70;
    }
    for (int i = 0; i < tellers; i++)
        pthread_join(threads[i], NULL);
    return 0;
}
