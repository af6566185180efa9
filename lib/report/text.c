/* text.c - an event as lines of text, below 80 columns. */
#include "quantity.h"
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 79, GRID_CELLS = 64, GRID_ROWS = 8, EVIDENCE_COLUMN = 60 };
enum { MAX_COLUMNS = 8, BAR_WIDTH = 21 };

/* Where on the line we write. Lines that would become too long go on at the indent. */
struct pen {
    FILE *out;
    int column, indent;
};

/* Columns a text takes: its characters, of which UTF-8 counts the first byte. Our texts have no wide ones. */
static int width_of(const char *text)
{
    int width = 0;
    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static void pen_to(struct pen *pen, int column)
{
    for (; pen->column < column; pen->column++)
        fputc(' ', pen->out);
}

static void pen_line(struct pen *pen)
{
    fputc('\n', pen->out);
    pen->column = 0;
}

static void pen_put(struct pen *pen, const char *text)
{
    fputs(text, pen->out);
    pen->column += width_of(text);
}

/* Word by word; runs of spaces stay, where no line ends there. */
static void pen_words(struct pen *pen, const char *text)
{
    while (*text != '\0') {
        size_t spaces = strspn(text, " ");
        size_t length = spaces + strcspn(text + spaces, " ");
        char *word = strndup(text, length);
        if (word == NULL)
            return;
        if (pen->column + width_of(word) > WIDTH && pen->column > pen->indent) {
            pen_line(pen);
            pen_to(pen, pen->indent);
            pen_put(pen, word + spaces);
        } else {
            pen_put(pen, word);
        }
        free(word);
        text += length;
    }
}

static void colour(struct pen *pen, const char *code)
{
    if (run.colour)
        fprintf(pen->out, "\033[%sm", code);
}

static const char *string_of(const json_t *event, const char *key)
{
    const char *text = json_string_value(json_object_get(event, key));
    return text == NULL ? "" : text;
}

static void text_start(struct pen *pen, const json_t *event)
{
    pen->indent = 2;
    colour(pen, "1");
    pen_put(pen, string_of(event, "demo"));
    colour(pen, "0");
    pen_put(pen, ": ");
    pen_words(pen, string_of(event, "title"));
    pen_line(pen);
}

static void text_step(struct pen *pen, const json_t *event)
{
    pen_line(pen);
    colour(pen, "1");
    char number[24];
    snprintf(number, sizeof number, "%lld", (long long)json_integer_value(json_object_get(event, "n")));
    pen_put(pen, number);
    pen->indent = 3;
    pen_to(pen, pen->indent);
    pen_words(pen, string_of(event, "text"));
    colour(pen, "0");
    pen_line(pen);
}

/* That --step waits where the reader has nothing to look at is no act of the lesson: programs are told, by --json. */
static void text_act(struct pen *pen, const json_t *event)
{
    const char *look = string_of(event, "look");
    if (*look == '\0' && json_is_true(json_object_get(event, "hold")))
        return;
    pen_to(pen, 3);
    if (*look != '\0') {
        pen->indent = 20;
        colour(pen, "2");
        pen_put(pen, "  look yourself: ");
        pen_words(pen, look);
        colour(pen, "0");
    } else {
        pen->indent = 5;
        pen_put(pen, run.unicode ? "› " : "> ");
        pen_put(pen, string_of(event, "role"));
        pen_put(pen, ": ");
        pen_words(pen, string_of(event, "text"));
    }
    pen_line(pen);
}

/* The pages as cells in rows, with the number of each row's first page. */
static void text_grid(struct pen *pen, const char *name, const char *cells)
{
    size_t length = strlen(cells), rows = 0;
    for (size_t at = 0; at < length && rows < GRID_ROWS; at += GRID_CELLS, rows++) {
        pen_line(pen);
        pen_to(pen, 5);
        char row[GRID_CELLS + 32];
        snprintf(row, sizeof row, "%6s %zu ", rows == 0 ? name : "", at);
        pen_put(pen, row);
        pen_to(pen, 15);
        fprintf(pen->out, "%.*s", GRID_CELLS, cells + at);
    }
    if (length > GRID_ROWS * GRID_CELLS) {
        pen_line(pen);
        pen_to(pen, 15);
        fprintf(pen->out, "... and %zu more pages, all of them with --json", length - GRID_ROWS * GRID_CELLS);
    }
}

/* "name value", or the value alone where the name says where it stands ("3 -> pipe:[7]"). */
static void text_fact(struct pen *pen, const char *name, const json_t *value)
{
    char *text = NULL;
    if (json_is_integer(value) && asprintf(&text, "   %s %lld", name, (long long)json_integer_value(value)) < 0)
        return;
    if (json_is_string(value) && asprintf(&text, "   %s %s", name, json_string_value(value)) < 0)
        return;
    if (text != NULL && pen->column + width_of(text) > WIDTH) {
        pen_line(pen);
        pen_to(pen, pen->indent);
    }
    if (text != NULL)
        pen_put(pen, text);
    free(text);
}

static void text_source(struct pen *pen, const char *source)
{
    if (pen->column + 2 + width_of(source) > WIDTH)
        pen_line(pen);
    pen_to(pen, WIDTH - width_of(source));
    colour(pen, "2");
    pen_put(pen, source);
    colour(pen, "0");
}

/* The widths of the columns: as their longest cells are, and where that is too much, the widest ones as narrow as it takes. */
static void share_width(const json_t *columns, const json_t *rows, int width[MAX_COLUMNS])
{
    size_t n = json_array_size(columns), widest = 0;
    int total = 2 * ((int)n - 1);
    for (size_t i = 0; i < n; i++) {
        const char *column = json_string_value(json_array_get(columns, i)), *name;
        json_t *cells;
        width[i] = width_of(column);
        json_object_foreach((json_t *)rows, name, cells)
        {
            int here = width_of(i == 0 ? name : string_of(cells, column));
            width[i] = here > width[i] ? here : width[i];
        }
        total += width[i];
    }
    for (; total > WIDTH - 5; total--, widest = 0) {
        for (size_t i = 1; i < n; i++)
            widest = width[i] > width[widest] ? i : widest;
        width[widest]--;
    }
}

/* How many bytes of the text fill a line of that width. It ends between words, where there are any. */
static size_t length_of_line(const char *text, int width)
{
    size_t length = 0, blank = 0;
    for (int column = 0; text[length] != '\0'; length++) {
        column += ((unsigned char)text[length] & 0xc0) != 0x80;
        if (text[length] == ' ')
            blank = length;
        if (column > width)
            return blank > 0 ? blank : length;
    }
    return length;
}

/* The cells beside each other, in as many lines as the longest one takes. By hand: libsmartcols takes the \xNN of a strange
 * name for wider than it is. */
static void text_row(struct pen *pen, const char *cells[], const int width[], size_t n)
{
    for (bool more = true; more;) {
        int column = 5;
        more = false;
        pen_line(pen);
        for (size_t i = 0; i < n; column += width[i++] + 2) {
            size_t length = length_of_line(cells[i], width[i]);
            if (length == 0)
                continue;
            pen_to(pen, column);
            fwrite(cells[i], 1, length, pen->out);
            pen->column = column + width_of(cells[i]) - width_of(cells[i] + length);
            cells[i] += length;
            cells[i] += strspn(cells[i], " ");
            more = more || *cells[i] != '\0';
        }
    }
}

/* The rows of a table, indented like the facts they are. */
static void text_table(struct pen *pen, const json_t *columns, const json_t *rows)
{
    const char *name, *line[MAX_COLUMNS];
    json_t *cells;
    size_t n = json_array_size(columns);
    int width[MAX_COLUMNS];
    share_width(columns, rows, width);
    for (size_t i = 0; i < n; i++)
        line[i] = json_string_value(json_array_get(columns, i));
    text_row(pen, line, width, n);
    json_object_foreach((json_t *)rows, name, cells)
    {
        line[0] = name;
        for (size_t i = 1; i < n; i++)
            line[i] = string_of(cells, json_string_value(json_array_get(columns, i)));
        text_row(pen, line, width, n);
    }
}

static void text_observation(struct pen *pen, const json_t *event)
{
    char who[64] = "";
    const char *of_role = string_of(event, "of_role");
    json_int_t of = json_integer_value(json_object_get(event, "of"));
    if (of != 0)
        snprintf(who, sizeof who, "%-6s %s%lld", *of_role ? of_role : "process", run.stable ? "P" : "", (long long)of);
    pen_to(pen, 5);
    pen_put(pen, who);
    pen->indent = 17;
    pen_to(pen, 15);
    const char *name;
    json_t *value;
    const json_t *facts = json_object_get(event, "facts"), *grids = json_object_get(event, "pages");
    const json_t *columns = json_object_get(event, "columns");
    json_object_foreach((json_t *)facts, name, value) if (json_object_get(grids, name) == NULL)
        text_fact(pen, name, value);
    text_source(pen, string_of(event, "source"));
    if (columns != NULL)
        text_table(pen, columns, facts);
    json_object_foreach((json_t *)grids, name, value)
        text_grid(pen, name, json_string_value(json_object_get(facts, name)));
    pen_line(pen);
}

static const struct look {
    const char *verdict, *mark, *ascii, *colour;
} looks[] = {
    { "holds", "✓", "+", "32" },
    { "refuted", "✗", "X", "1;31" },
    { "differs", "≈", "~", "33" },
    { "skipped", "○", "-", "36" },
};

static const struct look *look_of(const char *verdict)
{
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++)
        if (strcmp(looks[i].verdict, verdict) == 0)
            return &looks[i];
    return &looks[0];
}

static void text_remark(struct pen *pen, const char *label, const char *text)
{
    if (*text == '\0')
        return;
    pen->indent = 5 + width_of(label);
    pen_to(pen, 5);
    pen_put(pen, label);
    pen_words(pen, text);
    pen_line(pen);
}

static void text_verdict(struct pen *pen, const json_t *event)
{
    const char *verdict = string_of(event, "verdict"), *evidence = string_of(event, "evidence");
    /* Whether a cost is what the text says may change from run to run: no matter for a transcript that is compared. */
    bool measured = strcmp(verdict, "skipped") != 0 || *evidence != '\0'; /* it was measured, but does not decide */
    bool masked = run.stable && strcmp(string_of(event, "claim_kind"), "cost") == 0 && measured;
    const struct look *look = look_of(masked ? "differs" : verdict);
    pen->indent = 5;
    pen_to(pen, 3);
    colour(pen, look->colour);
    pen_put(pen, run.unicode ? look->mark : look->ascii);
    colour(pen, "0");
    pen_to(pen, 5);
    pen_words(pen, string_of(event, "sentence"));
    bool refuted = strcmp(verdict, "refuted") == 0;
    int from = WIDTH - width_of(evidence), after = pen->column + 2;
    bool beside = !refuted && after <= from;
    if (beside && *evidence != '\0') {
        int column = after > EVIDENCE_COLUMN ? after : EVIDENCE_COLUMN;
        pen_to(pen, from < column ? from : column);
        pen_put(pen, evidence);
    }
    pen_line(pen);
    if (!beside)
        text_remark(pen, refuted ? "  REFUTED: " : "  ", evidence);
    if (!masked)
        text_remark(pen, strcmp(verdict, "skipped") == 0 ? "  skipped: " : "  differs: ", string_of(event, "reason"));
}

/* The second witness on a claim whose sentence stands above already. */
static void text_witness(struct pen *pen, const json_t *event)
{
    bool agrees = json_is_true(json_object_get(event, "agrees"));
    const struct look *look = look_of(agrees ? "holds" : "refuted");
    const char *evidence = string_of(event, "evidence");
    pen->indent = 5;
    pen_to(pen, 3);
    colour(pen, look->colour);
    pen_put(pen, run.unicode ? look->mark : look->ascii);
    colour(pen, "0");
    pen_put(pen, agrees ? " agrees: " : " DISAGREES: ");
    pen_put(pen, string_of(event, "claim"));
    int from = WIDTH - width_of(evidence);
    if (pen->column + 2 <= from) {
        pen_to(pen, from < EVIDENCE_COLUMN ? from : EVIDENCE_COLUMN);
        pen_put(pen, evidence);
        pen_line(pen);
    } else {
        pen_line(pen);
        text_remark(pen, "  ", evidence);
    }
}

/* To the median, and a thin line on to p90. */
static void text_bar(struct pen *pen, double to, double thin_to)
{
    static const char *const eighths[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
    int cells = (int)(8 * BAR_WIDTH * to + 0.5), end = (int)(BAR_WIDTH * thin_to + 0.5);
    int column = pen->column;
    for (int i = 0; i < cells / 8; i++)
        pen_put(pen, run.unicode ? "█" : "#");
    if (run.unicode)
        pen_put(pen, eighths[cells % 8]);
    while (pen->column < column + end)
        pen_put(pen, run.unicode ? "─" : "-");
}

static void text_measure(struct pen *pen, const json_t *event)
{
    if (json_is_true(json_object_get(event, "tabled")))
        return;
    const char *unit = string_of(event, "unit");
    double median = json_number_value(json_object_get(event, "median"));
    double p10 = json_number_value(json_object_get(event, "p10")),
           p90 = json_number_value(json_object_get(event, "p90"));
    char line[160], value[QUANTITY], spread[SPREAD];
    double place, thin;
    quantity_text(median, unit, value);
    quantity_spread(median, unit, p10, p90, "..", spread);
    snprintf(line, sizeof line, "%-20s %9s %12s  n %lld", string_of(event, "name"), value, spread,
             (long long)json_integer_value(json_object_get(event, "n")));
    pen_to(pen, 5);
    pen_put(pen, run.stable ? string_of(event, "name") : line);
    if (run.stable) {
        pen_put(pen, "   measured");
    } else if (quantity_place(median, unit, &place) && quantity_place(p90, unit, &thin)) {
        pen_to(pen, WIDTH - BAR_WIDTH);
        text_bar(pen, place, thin);
    }
    pen_line(pen);
}

static void count(struct pen *pen, const json_t *event, const char *key, const char *one, const char *many, int *before)
{
    int n = (int)json_integer_value(json_object_get(event, key));
    if (n == 0)
        return;
    char text[48];
    snprintf(text, sizeof text, "%s%d %s", *before ? ", " : ": ", n, n == 1 ? one : many);
    pen_put(pen, text);
    *before = 1;
}

static void text_end(struct pen *pen, const json_t *event)
{
    int n = (int)json_integer_value(json_object_get(event, "claims")), before = 0;
    char text[160];
    snprintf(text, sizeof text, "%d claim%s", n, n == 1 ? "" : "s");
    pen_line(pen);
    pen_put(pen, text);
    count(pen, event, "holds", "holds", "hold", &before);
    count(pen, event, "differs", "differs", "differ", &before);
    count(pen, event, "measured", "measured", "measured", &before);
    count(pen, event, "skipped", "skipped", "skipped", &before);
    count(pen, event, "refuted", "REFUTED", "REFUTED", &before);
    count(pen, event, "witnessed", "by both witnesses", "by both witnesses", &before);
    const char *next = string_of(event, "next");
    int prefix = (int)(strlen(run.name) - strlen(run.demo->name)); /* what one is run by, the next one is */
    snprintf(text, sizeof text, "%s%.*s%s%swhy: %s --why", *next ? "next: " : "", *next ? prefix : 0, run.name, next,
             *next ? "   " : "", run.name);
    if (pen->column + 2 + width_of(text) > WIDTH)
        pen_line(pen);
    pen_to(pen, WIDTH - width_of(text));
    pen_put(pen, text);
    pen_line(pen);
}

static const struct {
    const char *kind;
    void (*render)(struct pen *pen, const json_t *event);
} renderers[] = {
    { "start", text_start },     { "step", text_step },
    { "act", text_act },         { "observation", text_observation },
    { "verdict", text_verdict }, { "measure", text_measure },
    { "witness", text_witness }, { "end", text_end },
};

char *text_lines(const char *label, const char *text, size_t *length)
{
    char *lines = NULL;
    struct pen pen = { .out = open_memstream(&lines, length), .indent = width_of(label) };
    if (pen.out == NULL)
        return NULL;
    pen_put(&pen, label);
    pen_words(&pen, text);
    pen_line(&pen);
    if (fclose(pen.out) == 0)
        return lines;
    free(lines);
    return NULL;
}

char *text_render(const json_t *event, size_t *length)
{
    char *text = NULL;
    struct pen pen = { .out = open_memstream(&text, length) };
    if (pen.out == NULL)
        return NULL;
    for (size_t i = 0; i < sizeof renderers / sizeof *renderers; i++)
        if (strcmp(renderers[i].kind, string_of(event, "kind")) == 0)
            renderers[i].render(&pen, event);
    if (fclose(pen.out) == 0)
        return text;
    free(text);
    return NULL;
}
