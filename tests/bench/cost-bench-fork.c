/* cost-bench-fork.c - fork, exit and wait, and nothing else: the median time of 400, in ns. What cost-bench.py compares with. */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure/measure.h"

int main(void)
{
    enum { TIMES = 400 };
    static double took[TIMES];
    for (int i = 0; i < TIMES; i++) {
        double before = measure_now_ns();
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        if (child < 0 || waitpid(child, NULL, 0) < 0)
            return 1;
        took[i] = measure_now_ns() - before;
    }
    return printf("%.0f\n", measure_spread_of(took, TIMES).median) < 0;
}
