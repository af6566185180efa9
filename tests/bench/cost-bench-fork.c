/* cost-bench-fork.c - fork, exit and wait, and nothing else: the quickest of 20, of that the median of 20, in ns. What
 * cost-bench.py compares with. */
#include <math.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure/measure.h"

int main(void)
{
    enum { ROUNDS = 20, TRIES = 20 };
    double took[ROUNDS];
    for (int i = 0; i < ROUNDS * TRIES; i++) {
        double before = measure_now_ns();
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        if (child < 0 || waitpid(child, NULL, 0) < 0)
            return 1;
        took[i / TRIES] = fmin(i % TRIES == 0 ? INFINITY : took[i / TRIES], measure_now_ns() - before);
    }
    return printf("%.0f\n", measure_spread_of(took, ROUNDS).median) < 0;
}
