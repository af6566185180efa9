/* cannot-fail.c - a bad demo: what --break takes out makes no difference to its claim. */
#include "report/demo.h"

static const struct demo_claim claims[] = {
    { "cannot-fail.claim", "This claim says nothing.", DEMO_FACT, NULL },
    { 0 },
};

static void bad(void)
{
    demo_step("Be a bad demo");
    demo_check("cannot-fail.claim", true, "in any case");
}

int main(int argc, char *argv[])
{
    static const struct demo_break breaks[] = { { "nothing", "cannot-fail.claim", "takes nothing out" }, { 0 } };
    return demo_run(argc, argv,
                    &(struct demo){
                        .name = "cannot-fail",
                        .title = "a bad demo",
                        .claims = claims,
                        .run = bad,
                        .why = "Nothing.\n",
                        .next = "fork",
                        .breaks = breaks,
                    });
}
