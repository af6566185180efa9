/* crashes.c - a bad demo: it uses what a failed mmap() gave it. */
#include "report/demo.h"
#include <sys/mman.h>

static const struct demo_claim claims[] = {
    { "crashes.claim", "This claim says nothing.", DEMO_FACT, NULL },
    { 0 },
};

static void bad(void)
{
    demo_step("Be a bad demo");
    char *page = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *page = 1;
    demo_check("crashes.claim", *page == 1, "written");
}

int main(int argc, char *argv[])
{
    return demo_run(argc, argv,
                    &(struct demo){
                        .name = "crashes",
                        .title = "a bad demo",
                        .claims = claims,
                        .run = bad,
                        .why = "Nothing.\n",
                        .next = "fork",
                    });
}
