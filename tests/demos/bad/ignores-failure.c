/* ignores-failure.c - a bad demo: it goes on as if its pipe were there, and calls the lesson refuted. */
#include <fcntl.h>

#include "report/demo.h"

static const struct demo_claim claims[] = {
    { "ignores-failure.claim", "This claim says nothing.", DEMO_FACT, NULL },
    { 0 },
};

static void bad(void)
{
    demo_step("Be a bad demo");
    int fds[2] = { -1, -1 };
    char byte = 0;
    (void)!pipe2(fds, O_NONBLOCK);
    (void)!write(fds[1], "x", 1);
    (void)!read(fds[0], &byte, 1);
    demo_check("ignores-failure.claim", byte == 0x78, "the byte is %d", byte);
}

int main(int argc, char *argv[])
{
    return demo_run(argc, argv,
                    &(struct demo){
                        .name = "ignores-failure",
                        .title = "a bad demo",
                        .claims = claims,
                        .run = bad,
                        .why = "Nothing.\n",
                        .next = "fork",
                    });
}
