/* lies.c - a bad demo: what it reports of a process is not what /proc says. */
#include "report/demo.h"
#include "sync/sync.h"
#include <signal.h>

static const struct demo_claim claims[] = {
    { "lies.claim", "This claim says nothing.", DEMO_FACT, NULL },
    { 0 },
};

static void bad(void)
{
    demo_step("Be a bad demo");
    cleanup_child pid_t child = fork();
    if (child < 0)
        demo_die("fork()");
    if (child == 0) {
        pause();
        _exit(0);
    }
    demo_observe(child, "/proc/PID/stat", demo_fact("ppid", getpid() + 1));
    demo_check("lies.claim", true, "believe me");
    demo_look("ps -p %s", demo_pid(child));
}

int main(int argc, char *argv[])
{
    return demo_run(argc, argv,
                    &(struct demo){
                        .name = "lies",
                        .title = "a bad demo",
                        .claims = claims,
                        .run = bad,
                        .why = "Nothing.\n",
                        .next = "fork",
                    });
}
