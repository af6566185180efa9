/* sleeps.c - not built: what the rules about the source must find in a demo. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(void)
{
    if (fork() == 0)
        exit(0);
    sleep(1); /* the child will have exited by then */
    printf("sleep(1) in quotes is none\n");
    return system("ps");
}
