/* trusts-input.c - a bad demo: it believes that descriptor 0 is there for it. */
#include "report/demo.h"

static const struct demo_claim claims[] = {
    { "trusts-input.claim", "This claim says nothing.", DEMO_FACT, NULL },
    { 0 },
};

static void bad(void)
{
    demo_step("Be a bad demo");
    char byte;
    demo_check("trusts-input.claim", read(0, &byte, 1) >= 0, "descriptor 0 can be read");
}

int main(int argc, char *argv[])
{
    return demo_run(argc, argv,
                    &(struct demo){
                        .name = "trusts-input",
                        .title = "a bad demo",
                        .claims = claims,
                        .run = bad,
                        .why = "Nothing.\n",
                        .next = "fork",
                    });
}
