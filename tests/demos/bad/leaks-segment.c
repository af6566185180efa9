/* leaks-segment.c - a bad demo: its shared memory outlives it. */
#include "report/demo.h"
#include <sys/shm.h>

static const struct demo_claim claims[] = {
    { "leaks-segment.claim", "This claim says nothing.", DEMO_FACT, NULL },
    { 0 },
};

static void bad(void)
{
    demo_step("Be a bad demo");
    int id = shmget(IPC_PRIVATE, 4096, 0600);
    demo_check("leaks-segment.claim", id >= 0, "a segment");
}

int main(int argc, char *argv[])
{
    return demo_run(argc, argv,
                    &(struct demo){
                        .name = "leaks-segment",
                        .title = "a bad demo",
                        .claims = claims,
                        .run = bad,
                        .why = "Nothing.\n",
                        .next = "fork",
                    });
}
