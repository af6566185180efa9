/* messages.c - reads messages, answers each
 *
 * What it should do: a message on standard input is one byte LENGTH (1 to 255)
 * and LENGTH bytes more. For each it writes a line as soon as the message is
 * complete: the length and the sum of those bytes. At the end of the input it
 * exits with 0, or with 1, and no answer, if that comes in the middle of a
 * message.
 *
 *     printf '\003abc\002xy' | ./messages
 *
 * The symptom: on the developer's machine it was right. From a slow sender it
 * gets wrong sums, and then lengths that nobody has sent.
 *
 * Look with: (printf '\003a'; sleep 1; printf 'bc\002xy') |
 *            strace -e trace=read,write ./messages
 */
#include <stdio.h>
#include <unistd.h>

int main(void)
{
    unsigned char length, text[255];
    while (read(0, &length, 1) == 1) {
        if (read(0, text, length) <= 0)
            return 1;
        int sum = 0;
        for (int i = 0; i < length; i++)
            sum += text[i];
        dprintf(1, "%d %d\n", length, sum);
    }
    return 0;
}
