/* leaks-child.c - a bad demo: the child it starts outlives it. */
#include "report/demo.h"
#include <signal.h>

static const struct demo_claim claims[] = {
    { "leaks-child.claim", "This claim says nothing.", DEMO_FACT, NULL },
    { 0 },
};

static void bad(void)
{
    demo_step("Be a bad demo");
    pid_t child = fork();
    if (child < 0)
        demo_die("fork()");
    if (child == 0) {
        pause();
        _exit(0);
    }
    demo_check("leaks-child.claim", child > 0, "a child");
}

int main(int argc, char *argv[])
{
    return demo_run(argc, argv,
                    &(struct demo){
                        .name = "leaks-child",
                        .title = "a bad demo",
                        .claims = claims,
                        .run = bad,
                        .why = "Nothing.\n",
                        .next = "fork",
                    });
}
