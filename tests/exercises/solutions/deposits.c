/* deposits.c - several tellers, one account, mended
 *
 * Why it is right: Reading, adding and writing are three steps, and another teller may do the same
 * between any two of them. Only one of them at a time may be in there: from before the read until
 * after the write, and with one lock for all tellers. (volatile orders nothing between threads; an
 * atomic read and an atomic write are still two steps.)
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
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

static void *teller(void *arg)
{
    long amount = *(long *)arg;
    for (long i = 0; i < times; i++) {
        pthread_mutex_lock(&one_at_a_time);
        long seen = *balance;
        dprintf(1, "%ld to %ld\n", amount, seen);
        *balance = seen + amount;
        pthread_mutex_unlock(&one_at_a_time);
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
