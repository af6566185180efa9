/* hangs.c - a bad demo: it waits for what never comes. */
#include "report/demo.h"

static const struct demo_claim claims[] = {
    { "hangs.claim", "This claim says nothing.", DEMO_FACT, NULL },
    { 0 },
};

static void bad(void)
{
    demo_step("Be a bad demo");
    demo_check("hangs.claim", true, "before");
    pause();
}

int main(int argc, char *argv[])
{
    return demo_run(argc, argv,
                    &(struct demo){
                        .name = "hangs",
                        .title = "a bad demo",
                        .claims = claims,
                        .run = bad,
                        .why = "Nothing.\n",
                        .next = "fork",
                    });
}
