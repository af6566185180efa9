/* cannot-turn.c - a bad demo: what --break takes out makes no difference to a cost. */
#include "report/demo.h"

static const struct demo_claim claims[] = {
    { "cannot-turn.claim", "This cost costs nothing.", DEMO_COST, "it does not" },
    { 0 },
};

static void bad(void)
{
    demo_step("Be a bad demo");
    demo_check("cannot-turn.claim", true, "in any case");
}

int main(int argc, char *argv[])
{
    static const struct demo_break breaks[] = { { "nothing", "cannot-turn.claim", "takes nothing out" }, { 0 } };
    return demo_run(argc, argv,
                    &(struct demo){
                        .name = "cannot-turn",
                        .title = "a bad demo",
                        .claims = claims,
                        .run = bad,
                        .why = "Nothing.\n",
                        .next = "fork",
                        .breaks = breaks,
                    });
}
