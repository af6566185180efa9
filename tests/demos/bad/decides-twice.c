/* decides-twice.c - a bad demo: it gives two verdicts on one claim. */
#include "report/demo.h"

static const struct demo_claim claims[] = {
    { "decides-twice.claim", "This claim says nothing.", DEMO_FACT, NULL },
    { 0 },
};

static void bad(void)
{
    demo_step("Be a bad demo");
    demo_check("decides-twice.claim", true, "yes");
    demo_check("decides-twice.claim", true, "yes");
}

int main(int argc, char *argv[])
{
    return demo_run(argc, argv,
                    &(struct demo){
                        .name = "decides-twice",
                        .title = "a bad demo",
                        .claims = claims,
                        .run = bad,
                        .why = "Nothing.\n",
                        .next = "fork",
                    });
}
