/* messages.c - reads messages, answers each, mended
 *
 * Why it is right: A pipe is a stream of bytes: read() returns what is there, at least one byte and
 * at most what was asked for. Where a message ends is ours to know. So read() is called until all
 * bytes are there, each time for the rest and behind what has come already; 0 in between is the end
 * of the input, and -1 an error.
 */
#include <stdio.h>
#include <unistd.h>

/* 1: all n bytes are there. 0: the input ended before. */
static int read_all(unsigned char *to, int n)
{
    ssize_t got;
    for (int done = 0; done < n; done += (int)got)
        if ((got = read(0, to + done, (size_t)(n - done))) <= 0)
            return 0;
    return 1;
}

int main(void)
{
    unsigned char length, text[255];
    while (read(0, &length, 1) == 1) {
        if (!read_all(text, length))
            return 1;
        int sum = 0;
        for (int i = 0; i < length; i++)
            sum += text[i];
        dprintf(1, "%d %d\n", length, sum);
    }
    return 0;
}
