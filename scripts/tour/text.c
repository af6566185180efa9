/* text.c - the tour as lines of text, below 80 columns: the same on a terminal, in a pipe and in a file. */
#include "tour.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WIDTH = 79, NAME_COLUMN = 4, COUNTS_COLUMN = 20, SENTENCE_COLUMN = 39, COMPLAINT_LINES = 6 };

static bool unicode, colour, progress;

/* The same marks and colours as a demo's. */
static const struct look {
    const char *mark, *ascii, *colour, *one, *many, *heading;
} looks[N_VERDICTS] = {
    [NO_VERDICT] = { "✗", "X", "1;31", "undecided", "undecided", "No verdict, for the demo failed" },
    [HOLDS] = { "✓", "+", "32", "holds", "hold", "Held" },
    [DIFFERS] = { "≈", "~", "33", "differs", "differ", "Differed: a cost, or a sentence that simplifies; why" },
    [SKIPPED] = { "○", "-", "36", "skipped", "skipped", "Skipped: what would make it possible" },
    [REFUTED] = { "✗", "X", "1;31", "REFUTED", "REFUTED", "Refuted: the evidence against it" },
};
/* The order of the sections: what asks for attention stands at the end, where the reader is when it is printed. */
static const enum verdict order[] = { HOLDS, DIFFERS, SKIPPED, NO_VERDICT, REFUTED };

void text_begin(void)
{
    const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
    bool dumb = term != NULL && strcmp(term, "dumb") == 0;
    setlocale(LC_CTYPE, "");
    unicode = !dumb && strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    colour = !dumb && term != NULL && isatty(STDOUT_FILENO) && (no_color == NULL || *no_color == '\0');
    progress = !dumb && term != NULL && isatty(STDERR_FILENO);
}

static int flushed(void)
{
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : -(errno != 0 ? errno : EIO);
}

/* Characters: of UTF-8 the first byte of each counts. */
static int width_of(const char *text, size_t length)
{
    int width = 0;
    for (size_t i = 0; i < length; i++)
        width += ((unsigned char)text[i] & 0xc0) != 0x80;
    return width;
}

/* Word by word, from this column on; lines that would become too long go on at the indent. Returns the column it ends in. */
static int put_words(const char *text, int column, int indent)
{
    while (*text != '\0') {
        size_t spaces = strspn(text, " "), length = spaces + strcspn(text + spaces, " ");
        if (column + width_of(text, length) > WIDTH && column > indent) {
            printf("\n%*s", indent, "");
            column = indent;
            text += spaces;
            length -= spaces;
        }
        fwrite(text, 1, length, stdout);
        column += width_of(text, length);
        text += length;
    }
    return column;
}

static void put_mark(enum verdict verdict)
{
    const struct look *look = &looks[verdict];
    const char *mark = unicode ? look->mark : look->ascii;
    if (colour)
        printf("  \033[%sm%s\033[0m ", look->colour, mark);
    else
        printf("  %s ", mark);
}

static void put_heading(const char *text, int n)
{
    printf(colour ? "\n\033[1m%s (%d)\033[0m\n" : "\n%s (%d)\n", text, n);
}

void text_progress(const struct tour *tour, const struct visit *visit)
{
    if (!progress)
        return;
    if (visit == NULL)
        dprintf(STDERR_FILENO, "\r\033[K");
    else
        dprintf(STDERR_FILENO, "\r\033[K  %zu of %zu: %s ...", (size_t)(visit - tour->visits) + 1, tour->n_visits,
                visit->name);
}

/* "8 hold, 1 differs", malloc'd. */
static char *counts_text(const int count[N_VERDICTS])
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return NULL;
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        const struct look *look = &looks[order[i]];
        int n = count[order[i]];
        if (n > 0)
            fprintf(out, "%s%d %s", ftell(out) > 0 ? ", " : "", n, n == 1 ? look->one : look->many);
    }
    fclose(out);
    return text;
}

/* The worst of a demo. */
static enum verdict mark_of(const struct visit *visit)
{
    if (visit->failure[0] != '\0')
        return NO_VERDICT;
    if (visit->count[REFUTED] > 0)
        return REFUTED;
    return visit->status == STATUS_SKIPPED ? SKIPPED : HOLDS;
}

/* Text, then the time at the right end. */
static void put_timed(const char *text, int column, double seconds)
{
    char time[32];
    int length = snprintf(time, sizeof time, "%.1f s", seconds);
    column = put_words(text, column, COUNTS_COLUMN);
    if (column + 2 + length > WIDTH) {
        putchar('\n');
        column = 0;
    }
    printf("%*s\n", WIDTH - column, time);
}

int text_visit(const struct visit *visit)
{
    char *counts = counts_text(visit->count), *text = NULL;
    bool failed = visit->failure[0] != '\0';
    put_mark(mark_of(visit));
    int column = put_words(visit->name, NAME_COLUMN, NAME_COLUMN);
    printf("%*s", column < COUNTS_COLUMN - 2 ? COUNTS_COLUMN - column : 2, "");
    column = column < COUNTS_COLUMN - 2 ? COUNTS_COLUMN : column + 2;
    if (counts != NULL &&
        asprintf(&text, "%s%s%s%s%s", failed ? "FAILED: " : "", visit->failure, failed && *counts ? "; " : "", counts,
                 visit->quick && !failed ? "   measured briefly" : "") >= 0)
        put_timed(text, column, visit->seconds);
    free(text);
    free(counts);
    return flushed();
}

static void put_remark(const char *label, const char *remark)
{
    int indent = NAME_COLUMN + 2 + (int)strlen(label);
    if (*remark == '\0')
        return;
    printf("%*s%s", NAME_COLUMN + 2, "", label);
    put_words(remark, indent, indent);
    putchar('\n');
}

/* A row of the table: its mark and id, then the sentence, and below it what the verdict needs. */
static void put_claim(const struct claim *claim)
{
    put_mark(claim->verdict);
    int column = put_words(claim->id, NAME_COLUMN, NAME_COLUMN);
    printf("%*s", column < SENTENCE_COLUMN ? SENTENCE_COLUMN - column : 1, "");
    put_words(claim->sentence, SENTENCE_COLUMN, SENTENCE_COLUMN);
    putchar('\n');
    put_remark(claim->verdict == SKIPPED ? "skipped: " : "differs: ", claim->reason);
    if (claim->verdict == REFUTED)
        put_remark("REFUTED: ", claim->evidence);
    else if (strcmp(claim->kind, "cost") == 0)
        put_remark("evidence: ", claim->evidence);
}

static void put_section(const struct tour *tour, enum verdict verdict)
{
    int n = claims_count(tour, verdict);
    if (n == 0)
        return;
    put_heading(looks[verdict].heading, n);
    for (size_t i = 0; i < tour->n_visits; i++)
        for (size_t j = 0; j < tour->visits[i].n_claims; j++)
            if (tour->visits[i].claims[j].verdict == verdict)
                put_claim(&tour->visits[i].claims[j]);
}

/* The first lines of what a demo wrote to stderr, which say what failed. */
static void put_complaint(const char *complaint)
{
    for (int n = 0; complaint != NULL && *complaint != '\0' && n < COMPLAINT_LINES; n++) {
        size_t length = strcspn(complaint, "\n");
        char *line = strndup(complaint, length);
        printf("%*s", NAME_COLUMN + 2, "");
        put_words(line == NULL ? "" : line, NAME_COLUMN + 2, NAME_COLUMN + 2);
        putchar('\n');
        free(line);
        complaint += length + (complaint[length] == '\n');
    }
}

static int put_failures(const struct tour *tour)
{
    int n = 0;
    for (size_t i = 0; i < tour->n_visits; i++)
        n += tour->visits[i].failure[0] != '\0';
    if (n > 0)
        put_heading("Demos that failed", n);
    for (size_t i = 0; i < tour->n_visits; i++) {
        const struct visit *visit = &tour->visits[i];
        if (visit->failure[0] == '\0')
            continue;
        put_mark(NO_VERDICT);
        put_words(visit->name, NAME_COLUMN, NAME_COLUMN);
        printf(": %s\n", visit->failure);
        put_complaint(visit->complaint);
    }
    return n;
}

static void put_summary(const struct tour *tour, int failed)
{
    size_t demos = 0;
    int count[N_VERDICTS], claims = 0;
    char *text = NULL;
    for (size_t i = 0; i < tour->n_visits; i++)
        demos += tour->visits[i].ran;
    for (enum verdict i = NO_VERDICT; i < N_VERDICTS; i++)
        claims += count[i] = claims_count(tour, i);
    char *counts = counts_text(count);
    if (tour->interrupted)
        printf("\ninterrupted by SIG%s: %zu of %zu demos had ended\n", sigabbrev_np(tour->interrupted), demos,
               tour->n_visits);
    else
        putchar('\n');
    if (counts != NULL && asprintf(&text, "%zu demo%s, %d claim%s: %s", demos, demos == 1 ? "" : "s", claims,
                                   claims == 1 ? "" : "s", *counts ? counts : "none decided") >= 0) {
        int column = put_words(text, 0, 0);
        char failures[40] = "";
        if (failed > 0)
            snprintf(failures, sizeof failures, "; %d demo%s FAILED", failed, failed == 1 ? "" : "s");
        put_timed(failures, column, tour->seconds);
    }
    free(text);
    free(counts);
}

static void put_next(const struct tour *tour)
{
    bool quick = false;
    for (size_t i = 0; i < tour->n_visits; i++)
        quick = quick || tour->visits[i].quick;
    if (tour->html != NULL)
        printf("the page of the tour: %s/index.html\n", tour->html);
    if (quick)
        puts("the costs were measured briefly; in full: scripts/run --costs");
    puts("next: scripts/run exercise, then scripts/run interview");
}

int text_end(const struct tour *tour)
{
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        if (!tour->interrupted || order[i] == REFUTED)
            put_section(tour, order[i]);
    int failed = put_failures(tour);
    put_summary(tour, failed);
    if (!tour->interrupted)
        put_next(tour);
    return flushed();
}
