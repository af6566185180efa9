/* wide.c - a bad demo: a line of its report is wider than a terminal. */
#include "report/demo.h"

static const struct demo_claim claims[] = {
    { "wide.claim", "This claim says nothing.", DEMO_FACT, NULL },
    { 0 },
};

static void bad(void)
{
    demo_step("Be a bad demo");
    demo_check("wide.claim", true, "one-word-%0100d", 7);
}

int main(int argc, char *argv[])
{
    return demo_run(argc, argv,
                    &(struct demo){
                        .name = "wide",
                        .title = "a bad demo",
                        .claims = claims,
                        .run = bad,
                        .why = "Nothing.\n",
                        .next = "fork",
                    });
}
