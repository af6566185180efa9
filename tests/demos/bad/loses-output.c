/* loses-output.c - a bad demo: it writes through a buffer: on a terminal it comes at once, in a pipe at the end or never. */
#include "report/demo.h"
#include <stdio.h>

static const struct demo_claim claims[] = {
    { "loses-output.claim", "This claim says nothing.", DEMO_FACT, NULL },
    { 0 },
};

static void bad(void)
{
    demo_step("Be a bad demo");
    printf("  said through stdio\n");
    demo_check("loses-output.claim", true, "said");
}

int main(int argc, char *argv[])
{
    return demo_run(argc, argv,
                    &(struct demo){
                        .name = "loses-output",
                        .title = "a bad demo",
                        .claims = claims,
                        .run = bad,
                        .why = "Nothing.\n",
                        .next = "fork",
                    });
}
