/* report_cost.c - lib/report: measured values as people write them, and the verdicts on costs. */
#include <math.h>

#include "report/cost.h"
#include "report/quantity.h"
#include "testing.h"

static const char *written(double value, const char *unit)
{
    static char text[QUANTITY];
    quantity_text(value, unit, text);
    return text;
}

START_TEST(three_digits_and_the_unit_that_fits)
{
    ck_assert_str_eq(written(0, "ns"), "0.00 ns");
    ck_assert_str_eq(written(12.34, "ns"), "12.3 ns");
    ck_assert_str_eq(written(999.4, "ns"), "999 ns");
    ck_assert_str_eq(written(999.6, "ns"), "1.00 us");
    ck_assert_str_eq(written(31415, "ns"), "31.4 us");
    ck_assert_str_eq(written(1.04e6, "ns"), "1.04 ms");
    ck_assert_str_eq(written(1.5e11, "ns"), "150 s");
    ck_assert_str_eq(written(-2500, "ns"), "-2.50 us");
    ck_assert_str_eq(written(3.412e9, "bytes/s"), "3.41 GB/s");
    ck_assert_str_eq(written(812, "bytes/s"), "812 B/s");
    ck_assert_str_eq(written(9.996, "KiB"), "10.0 KiB");
    ck_assert_str_eq(written(1e300, "ns"), written(1e300, "ns")); /* too long: cut off, and no more */
}
END_TEST

START_TEST(a_spread_is_in_the_unit_of_its_median)
{
    char text[SPREAD];
    quantity_spread(1.04e6, "ns", 0.98e6, 1.31e6, "..", text);
    ck_assert_str_eq(text, "0.98..1.31");
    quantity_spread(900, "ns", 800, 12345, " to ", text);
    ck_assert_str_eq(text, "800 to 12345");
}
END_TEST

START_TEST(a_decade_is_a_seventh_of_the_scale)
{
    double place;
    ck_assert(quantity_place(1e3, "ns", &place) && fabs(place - 1.0 / 7) < 1e-9);
    ck_assert(quantity_place(1e9, "ns", &place) && fabs(place - 1) < 1e-9);
    ck_assert(quantity_place(1, "ns", &place) && place == 0);
    ck_assert(quantity_place(1e12, "ns", &place) && place == 1);
    ck_assert(quantity_place(1e4, "bytes/s", &place) && place == 0);
    ck_assert(!quantity_place(0, "ns", &place));
    ck_assert(!quantity_place(7, "KiB", &place));
}
END_TEST

static double one(const void *arg)
{
    return *(const double *)arg;
}

/* A demo whose contenders take what the table says. */
static const struct demo_claim claims[] = {
    { "t.more", "More.", DEMO_COST, "it is less here" },
    { "t.less", "Less.", DEMO_COST, "it is less here" },
    { "t.either", "Either.", DEMO_COST, "it is less here" },
    { 0 },
};

static void body(void)
{
    static const double small = 1e3, large = 2e6;
    struct measure_contender who[] = { { "small", one, &small }, { "large", one, &large } };
    struct measure_contender both = { .name = "both", .sample = { 1e3, 3e6 }, .n = 2 };
    demo_step("measure");
    cost_machine();
    cost_rounds(who, 2, 1);
    cost_show(who, 2, "ns");
    cost_store(who, 1, "ns");
    const char *const rows[][3] = { { "more", cost_text(7, "times"), cost_so(MEASURE_MORE) },
                                    { "less", "here", cost_so(MEASURE_LESS) },
                                    { "either", "here", cost_so(MEASURE_UNDECIDED) } };
    cost_compare("ratios", rows, 3);
    cost_compare("nothing", rows, 0);
    cost_check("t.more", measure_order_of(measure_ratio(&who[1], &who[0])), "%s",
               cost_spread_text(measure_spread_in(&who[1]), "ns"));
    cost_check("t.less", measure_order_of(measure_ratio(&who[0], &who[1])), "%s", cost_text(0.5, "times"));
    cost_check("t.either", measure_order_of(measure_ratio(&both, &who[1])), "ratio 0.0005 to 1.5");
}

/* What the demo writes with these options; its exit status must be 0. */
static const char *run_demo_of(void (*function)(void), const char *option)
{
    static char out[16384];
    static const struct demo_option options[] = { COST_OPTIONS(0), { 0 } };
    char *argv[] = { "toy", strdup(option), NULL };
    int fds[2], status;
    ck_assert_int_eq(pipe(fds), 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        dup2(fds[1], 1);
        exit(demo_run(2, argv,
                      &(struct demo){ .name = "toy",
                                      .title = "a demo of the tests",
                                      .claims = claims,
                                      .options = options,
                                      .run = function,
                                      .why = "because\n" }));
    }
    close(fds[1]);
    size_t used = 0;
    for (ssize_t n; (n = read(fds[0], out + used, sizeof out - 1 - used)) > 0;)
        used += (size_t)n;
    out[used] = '\0';
    close(fds[0]);
    free(argv[1]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    return out;
}

static const char *run(const char *option)
{
    return run_demo_of(body, option);
}

START_TEST(costs_hold_differ_or_are_not_decided)
{
    setenv("LC_ALL", "C.UTF-8", 1);
    const char *text = run("--quick");
    ck_assert_ptr_nonnull(strstr(text, "small                  1.00 us   1.00..1.00  n 3"));
    ck_assert_ptr_nonnull(strstr(text, "large                  2.00 ms   2.00..2.00  n 3"));
    ck_assert_ptr_nonnull(strstr(text, "\xe2\x9c\x93 More."));
    ck_assert_ptr_nonnull(strstr(text, "2.00 ms (2.00 to 2.00)"));
    ck_assert_ptr_nonnull(strstr(text, "\xe2\x89\x88 Less."));
    ck_assert_ptr_nonnull(strstr(text, "\xe2\x97\x8b Either."));
    ck_assert_ptr_nonnull(strstr(text, "the course says  here        so it\n"));
    ck_assert_ptr_nonnull(strstr(text, "more             7.00 times  holds\n"));
    ck_assert_ptr_nonnull(strstr(text, "less             here        differs\n"));
    ck_assert_ptr_nonnull(strstr(text, "either           here        is not decided\n"));
    ck_assert_ptr_null(strstr(text, "nothing"));
    ck_assert_ptr_nonnull(strstr(text, "ratio 0.0005 to 1.5"));
    ck_assert_ptr_nonnull(strstr(text, "skipped: not decidable here"));
    ck_assert_ptr_nonnull(strstr(text, "3 claims: 1 holds, 1 differs, 1 skipped"));
    const char *once = strstr(text, "small "); /* stored for a table, it is not shown once more */
    ck_assert(once != NULL && strstr(once + 1, "small ") == NULL);
}
END_TEST

static void nothing_decided(void)
{
    struct measure_contender both = { .name = "both", .sample = { 1, 3 }, .n = 2 },
                             two = { .name = "two", .sample = { 2, 2 }, .n = 2 };
    for (size_t i = 0; claims[i].id != NULL; i++)
        cost_check(claims[i].id, measure_order_of(measure_ratio(&both, &two)), "ratio 0.5 to 1.5");
}

START_TEST(what_was_measured_was_shown)
{
    const char *text = run_demo_of(nothing_decided, "--quick"); /* ends with 0, not 77 */
    ck_assert_ptr_nonnull(strstr(text, "3 claims: 3 skipped"));
}
END_TEST

START_TEST(a_transcript_has_no_measured_number)
{
    const char *text = run("--stable");
    ck_assert_ptr_nonnull(strstr(text, "small   measured"));
    ck_assert_ptr_nonnull(strstr(text, "TIME"));
    ck_assert_ptr_null(strstr(text, "2.00"));
    ck_assert_ptr_null(strstr(text, "0.50"));
    ck_assert_ptr_nonnull(strstr(text, "either           here  ?\n"));
    ck_assert_ptr_null(strstr(text, "holds"));
    ck_assert_ptr_null(strstr(text, "not decidable"));
    ck_assert_ptr_nonnull(strstr(text, "3 claims: 3 measured"));
}
END_TEST

START_TEST(a_table_may_hold_64_texts)
{
    const char *text[64];
    for (int i = 0; i < 64; i++)
        text[i] = cost_text(i, "x");
    for (int i = 0; i < 64; i++)
        ck_assert_double_eq(atof(text[i]), i);
}
END_TEST

START_TEST(a_table_of_measures_is_in_json)
{
    const char *text = run("--json"), *tabled = strstr(text, "\"tabled\":true");
    ck_assert(tabled != NULL && strstr(tabled + 1, "\"tabled\":true") == NULL);
    ck_assert_ptr_nonnull(strstr(text, "\"name\":\"large\",\"unit\":\"ns\",\"median\":2000000.0"));
    ck_assert_ptr_nonnull(strstr(text, "\"verdict\":\"skipped\",\"evidence\":\"ratio 0.0005 to 1.5\""));
}
END_TEST

int main(void)
{
    const struct testing tests[] = {
        TEST(three_digits_and_the_unit_that_fits),
        TEST(a_spread_is_in_the_unit_of_its_median),
        TEST(a_decade_is_a_seventh_of_the_scale),
        TEST(costs_hold_differ_or_are_not_decided),
        TEST(what_was_measured_was_shown),
        TEST(a_transcript_has_no_measured_number),
        TEST(a_table_may_hold_64_texts),
        TEST(a_table_of_measures_is_in_json),
        { 0 },
    };
    return run_tests("report.cost", tests);
}
