/* leaks-file.c - a bad demo: its file outlives it. */
#include "report/demo.h"
#include <fcntl.h>
#include <stdlib.h>

static const struct demo_claim claims[] = {
    { "leaks-file.claim", "This claim says nothing.", DEMO_FACT, NULL },
    { 0 },
};

static void bad(void)
{
    demo_step("Be a bad demo");
    char path[] = "left-XXXXXX";
    int fd = mkstemp(path);
    demo_check("leaks-file.claim", fd >= 0, "a file");
}

int main(int argc, char *argv[])
{
    return demo_run(argc, argv,
                    &(struct demo){
                        .name = "leaks-file",
                        .title = "a bad demo",
                        .claims = claims,
                        .run = bad,
                        .why = "Nothing.\n",
                        .next = "fork",
                    });
}
