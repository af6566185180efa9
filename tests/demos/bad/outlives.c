/* outlives.c - a bad demo: its child lives on when the demo is killed. */
#include "report/demo.h"
#include "sync/sync.h"
#include <signal.h>

static const struct demo_claim claims[] = {
    { "outlives.claim", "This claim says nothing.", DEMO_FACT, NULL },
    { 0 },
};

static void bad(void)
{
    demo_step("Be a bad demo");
    cleanup_child pid_t child = fork(); /* without sync_die_with() */
    if (child < 0)
        demo_die("fork()");
    if (child == 0) {
        pause();
        _exit(0);
    }
    demo_check("outlives.claim", child > 0, "a child");
    for (int i = 0; i < 500; i++)
        demo_act(child, "give the judge something to read");
}

int main(int argc, char *argv[])
{
    return demo_run(argc, argv,
                    &(struct demo){
                        .name = "outlives",
                        .title = "a bad demo",
                        .claims = claims,
                        .run = bad,
                        .why = "Nothing.\n",
                        .next = "fork",
                    });
}
