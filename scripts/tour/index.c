/* index.c - the page of the whole tour: one file, no script, nothing from a network. */
#include "tour.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static const struct look {
    const char *mark, *word;
} looks[N_VERDICTS] = {
    [NO_VERDICT] = { "✗", "undecided" }, [HOLDS] = { "✓", "holds" },     [DIFFERS] = { "≈", "differs" },
    [SKIPPED] = { "○", "skipped" },      [REFUTED] = { "✗", "refuted" },
};

static const char style[] =
    ":root{color-scheme:light "
    "dark;--line:#8885;--holds:#1a7f37;--differs:#9a6700;--skipped:#0969a0;--refuted:#c0202a}\n"
    "@media(prefers-color-scheme:dark){:root{--holds:#4cc26a;--differs:#e0b040;--skipped:#5ab0e8;--refuted:#ff7b80}}\n"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem}\n"
    "h2{font-size:1.1rem;margin:2rem 0 0}\n"
    "table{border-collapse:collapse;width:100%}\n"
    "th,td{text-align:left;vertical-align:top;padding:.4rem .6rem .4rem 0;border-top:1px solid var(--line);"
    "font-weight:normal}\n"
    "th{white-space:nowrap;width:7rem}\n"
    "code,.id{font:.8rem ui-monospace,monospace;overflow-wrap:anywhere}\n"
    ".id,.evidence,.reason{display:block}\n"
    ".evidence,.machine{opacity:.8;font-size:.9rem}\n"
    ".holds{color:var(--holds)}.differs{color:var(--differs)}.skipped{color:var(--skipped)}\n"
    ".refuted,.undecided{color:var(--refuted);font-weight:bold}\n"
    "pre{overflow-x:auto;border-left:3px solid var(--refuted);padding-left:.6rem}\n";

/* What a demo said may hold anything. */
static void put(FILE *out, const char *text)
{
    for (; *text != '\0'; text++)
        switch (*text) {
        case '<':
            fputs("&lt;", out);
            break;
        case '&':
            fputs("&amp;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        default:
            fputc(*text, out);
        }
}

static void put_claim(FILE *out, const struct claim *claim)
{
    const struct look *look = &looks[claim->verdict];
    fprintf(out, "<tr id=\"");
    put(out, claim->id);
    fprintf(out, "\"><th scope=\"row\" class=\"%s\">%s %s</th><td>", look->word, look->mark, look->word);
    put(out, claim->sentence);
    if (*claim->reason != '\0') {
        fprintf(out, " <span class=\"reason\">");
        put(out, claim->reason);
        fprintf(out, "</span>");
    }
    if (*claim->evidence != '\0') {
        fprintf(out, " <span class=\"evidence\">");
        put(out, claim->evidence);
        fprintf(out, "</span>");
    }
    fprintf(out, " <span class=\"id\">");
    put(out, claim->id);
    fprintf(out, "</span></td></tr>\n");
}

static void put_visit(FILE *out, const struct visit *visit)
{
    fprintf(out, "<section id=\"%s\">\n<h2>", visit->name);
    if (visit->page)
        fprintf(out, "<a href=\"%s.html\">%s</a>", visit->name, visit->name);
    else
        put(out, visit->name);
    const char *title = visit_string(json_array_get(visit->events, 0), "title");
    if (*title != '\0')
        put(out, ": ");
    put(out, title);
    fprintf(out, "</h2>\n");
    if (visit->failure[0] != '\0') {
        fprintf(out, "<p class=\"refuted\">");
        put(out, visit->failure);
        fprintf(out, "</p>\n<pre>");
        put(out, visit->complaint == NULL ? "" : visit->complaint);
        fprintf(out, "</pre>\n");
    }
    if (visit->quick)
        fprintf(out, "<p>Measured briefly; in full: <code>scripts/run --costs</code></p>\n");
    fprintf(out, "<table>\n");
    for (size_t i = 0; i < visit->n_claims; i++)
        put_claim(out, &visit->claims[i]);
    fprintf(out, "</table>\n</section>\n");
}

/* When and where, for a page that is looked at later and somewhere else. */
static void put_machine(FILE *out)
{
    struct utsname name = { 0 };
    char when[64] = "";
    time_t now = time(NULL);
    struct tm local;
    uname(&name);
    if (localtime_r(&now, &local) != NULL)
        strftime(when, sizeof when, "%Y-%m-%d %H:%M %z", &local);
    fprintf(out, "<p class=\"machine\">%s, %s %s, %s, %ld CPUs, user %d</p>\n", when, name.sysname, name.release,
            name.machine, sysconf(_SC_NPROCESSORS_ONLN), (int)geteuid());
}

/* How many there are of each verdict; what does not simply hold is a click away. */
static void put_counts(FILE *out, const struct tour *tour, enum verdict verdict)
{
    int n = claims_count(tour, verdict);
    if (n == 0)
        return;
    fprintf(out, "<p><span class=\"%s\">%s %d %s</span>", looks[verdict].word, looks[verdict].mark, n,
            looks[verdict].word);
    for (size_t i = 0; verdict != HOLDS && i < tour->n_visits; i++)
        for (size_t j = 0; j < tour->visits[i].n_claims; j++) {
            const struct claim *claim = &tour->visits[i].claims[j];
            if (claim->verdict != verdict)
                continue;
            fprintf(out, " <a href=\"#");
            put(out, claim->id);
            fprintf(out, "\">");
            put(out, claim->id);
            fprintf(out, "</a>");
        }
    fprintf(out, "</p>\n");
}

static void put_page(FILE *out, const struct tour *tour)
{
    fprintf(out,
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
            "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
            "<title>Processes and threads: the tour</title>\n<style>\n%s</style>\n</head>\n<body>\n<main>\n"
            "<h1>Processes and threads, shown on this kernel</h1>\n",
            style);
    put_machine(out);
    for (enum verdict i = NO_VERDICT; i < N_VERDICTS; i++)
        put_counts(out, tour, i);
    fprintf(out, "<p>A heading that is a link leads to a page on which that run can be played back.</p>\n");
    for (size_t i = 0; i < tour->n_visits; i++)
        put_visit(out, &tour->visits[i]);
    fprintf(out, "</main>\n</body>\n</html>\n");
}

int index_write(const struct tour *tour)
{
    char path[PATH_MAX];
    errno = 0;
    int length = snprintf(path, sizeof path, "%s/index.html", tour->html);
    FILE *out = length < PATH_MAX ? fopen(path, "we") : NULL;
    if (out != NULL)
        put_page(out, tour);
    bool bad = out == NULL || ferror(out);
    if ((out == NULL || fclose(out) == 0) && !bad)
        return 0;
    int error = errno != 0 ? errno : ENAMETOOLONG;
    dprintf(STDERR_FILENO, "scripts/run: %s: %s (%s)\n", path, strerrorname_np(error), strerror(error));
    return -error;
}
