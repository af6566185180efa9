/* skips-mutely.c - a bad demo: it skips without saying what would help. */
#include "report/demo.h"

static const struct demo_claim claims[] = {
    { "skips-mutely.claim", "This claim says nothing.", DEMO_FACT, NULL },
    { 0 },
};

static void bad(void)
{
    demo_step("Be a bad demo");
    demo_skip("skips-mutely.claim", "no");
}

int main(int argc, char *argv[])
{
    return demo_run(argc, argv,
                    &(struct demo){
                        .name = "skips-mutely",
                        .title = "a bad demo",
                        .claims = claims,
                        .run = bad,
                        .why = "Nothing.\n",
                        .next = "fork",
                    });
}
