/* claims.c - the claims of a demo, as it lists them, and their verdicts, as its events have them. */
#include "tour.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[N_VERDICTS] = { "", "holds", "differs", "skipped", "refuted" };

/* "ID KIND SENTENCE", a line each, in columns. */
static bool parse_line(char *line, struct claim *claim)
{
    char *rest = line, *id = strsep(&rest, " ");
    if (rest == NULL || *id == '\0')
        return false;
    rest += strspn(rest, " ");
    char *kind = strsep(&rest, " ");
    if (rest == NULL)
        return false;
    *claim =
        (struct claim){ .id = id, .kind = kind, .sentence = rest + strspn(rest, " "), .evidence = "", .reason = "" };
    return true;
}

void claims_declare(struct visit *visit, char *list)
{
    struct claim claim;
    visit->list = list;
    for (char *line; (line = strsep(&list, "\n")) != NULL;) {
        if (!parse_line(line, &claim))
            continue;
        struct claim *more = realloc(visit->claims, (visit->n_claims + 1) * sizeof claim);
        if (more == NULL)
            return;
        visit->claims = more;
        visit->claims[visit->n_claims++] = claim;
    }
}

static struct claim *find(const struct visit *visit, const char *id)
{
    for (size_t i = 0; i < visit->n_claims; i++)
        if (strcmp(visit->claims[i].id, id) == 0)
            return &visit->claims[i];
    return NULL;
}

static enum verdict verdict_of(const json_t *event)
{
    for (enum verdict i = HOLDS; i < N_VERDICTS; i++)
        if (strcmp(names[i], visit_string(event, "verdict")) == 0)
            return i;
    return NO_VERDICT;
}

/* The verdict; and the kernel's own events may contradict one that was given before. */
static void decide(struct visit *visit, const json_t *event)
{
    const char *kind = visit_string(event, "kind");
    struct claim *claim = find(visit, visit_string(event, "claim"));
    if (claim == NULL)
        return;
    if (strcmp(kind, "verdict") == 0) {
        claim->verdict = verdict_of(event);
        claim->reason = visit_string(event, "reason");
    } else if (strcmp(kind, "witness") == 0 && json_is_false(json_object_get(event, "agrees"))) {
        claim->verdict = REFUTED;
        claim->reason = "";
    } else {
        return;
    }
    claim->evidence = visit_string(event, "evidence");
}

/* A line that is no JSON was cut short by whatever ended the demo. */
void claims_decide(struct visit *visit, FILE *events)
{
    char *line = NULL;
    size_t size = 0;
    visit->events = json_array();
    while (getline(&line, &size, events) >= 0) {
        json_t *event = json_loads(line, 0, NULL);
        if (event != NULL && json_array_append_new(visit->events, event) == 0)
            decide(visit, event);
    }
    free(line);
    for (size_t i = 0; i < visit->n_claims; i++)
        visit->count[visit->claims[i].verdict]++;
}

int claims_count(const struct tour *tour, enum verdict verdict)
{
    int n = 0;
    for (size_t i = 0; i < tour->n_visits; i++)
        n += tour->visits[i].count[verdict];
    return n;
}
