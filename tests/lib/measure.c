/* measure.c - lib/measure: the spread of samples whose spread is known, rounds whose order is seen, pins that hold. */
#include <errno.h>
#include <string.h>

#include "measure/measure.h"
#include "testing.h"

START_TEST(of_none)
{
    struct measure_spread s = measure_spread_of(NULL, 0);
    ck_assert_uint_eq(s.n, 0);
    ck_assert_double_eq(s.median, 0);
}
END_TEST

START_TEST(of_one)
{
    double sample = 7;
    struct measure_spread s = measure_spread_of(&sample, 1);
    ck_assert_double_eq(s.median, 7);
    ck_assert_double_eq(s.p10, 7);
    ck_assert_double_eq(s.p90, 7);
    ck_assert_double_eq(s.min, 7);
    ck_assert_double_eq(s.max, 7);
}
END_TEST

START_TEST(of_an_odd_number)
{
    double samples[] = { 5, 1, 3 };
    ck_assert_double_eq(measure_spread_of(samples, 3).median, 3);
}
END_TEST

START_TEST(of_an_even_number)
{
    double samples[] = { 4, 1, 2, 8 };
    struct measure_spread s = measure_spread_of(samples, 4);
    ck_assert_double_eq(s.median, 3);
    ck_assert_double_eq(s.min, 1);
    ck_assert_double_eq(s.max, 8);
}
END_TEST

START_TEST(tenths_of_a_hundred)
{
    double samples[100];
    for (int i = 0; i < 100; i++)
        samples[(i * 37) % 100] = i + 1; /* 1 to 100, shuffled */
    struct measure_spread s = measure_spread_of(samples, 100);
    ck_assert_double_eq(s.p10, 10);
    ck_assert_double_eq(s.p90, 90);
    ck_assert_double_eq(s.median, 50.5);
    ck_assert_uint_eq(s.n, 100);
}
END_TEST

/* Whoever was called, in the order of the calls. */
static char calls[256];

static double call_a(const void *arg)
{
    strcat(calls, "a");
    return *(const double *)arg;
}

static double call_b(const void *arg)
{
    strcat(calls, "b");
    return *(const double *)arg;
}

/* 1, 2, ... 5 and from the beginning again, but the third is an outlier. */
static double climb(const void *arg)
{
    static int n;
    (void)arg;
    n = n % MEASURE_TRIES + 1;
    return n == 3 ? 1e9 : n;
}

START_TEST(each_round_begins_with_another)
{
    double one = 1, two = 2;
    struct measure_contender who[] = { { "a", call_a, &one }, { "b", call_b, &two } };
    calls[0] = '\0';
    measure_round(who, 2);
    measure_round(who, 2);
    ck_assert_str_eq(calls,
                     "aaaaabbbbb"
                     "bbbbbaaaaa");
    ck_assert_uint_eq(who[0].n, 2);
    ck_assert_uint_eq(who[1].n, 2);
    ck_assert_double_eq(who[1].sample[1], 2);
}
END_TEST

START_TEST(a_sample_is_the_median_of_its_tries)
{
    struct measure_contender who = { "climb", climb };
    measure_round(&who, 1);
    ck_assert_double_eq(who.sample[0], 4); /* of 1, 2, 4, 5 and the outlier */
}
END_TEST

START_TEST(one_that_takes_long_has_fewer_tries)
{
    double one = 1;
    struct measure_contender who = { "a", call_a, &one, .tries = 1 };
    calls[0] = '\0';
    measure_round(&who, 1);
    ck_assert_str_eq(calls, "a");
    who.tries = MEASURE_TRIES + 1;
    measure_round(&who, 1);
    ck_assert_str_eq(calls, "aaaaaa");
}
END_TEST

START_TEST(there_is_an_end_to_rounds)
{
    double one = 1;
    struct measure_contender who[] = { { "a", call_b, &one }, { "b", call_b, &one } };
    for (int i = 0; i < MEASURE_ROUNDS + 2; i++) {
        calls[0] = '\0';
        measure_round(who, 2);
    }
    ck_assert_uint_eq(who[0].n, MEASURE_ROUNDS);
    ck_assert_uint_eq(who[1].n, MEASURE_ROUNDS);
    measure_forget(who, 2);
    ck_assert_uint_eq(who[0].n, 0);
    ck_assert_uint_eq(who[1].n, 0);
    measure_round(who, 0);
}
END_TEST

START_TEST(ratios_are_those_of_the_rounds)
{
    struct measure_contender a = { .sample = { 30, 2, 300 }, .n = 3 }, b = { .sample = { 10, 1, 100 }, .n = 2 };
    struct measure_spread ratio = measure_ratio(&a, &b);
    ck_assert_uint_eq(ratio.n, 2);
    ck_assert_double_eq(ratio.min, 2);
    ck_assert_double_eq(ratio.max, 3);
    ck_assert_double_eq(a.sample[0], 30);
    ck_assert_double_eq(measure_spread_in(&a).median, 30);
    ck_assert_double_eq(a.sample[1], 2);
}
END_TEST

START_TEST(only_a_whole_spread_decides)
{
    struct measure_spread more = { .p10 = 1.1, .median = 2, .p90 = 3, .n = 9 },
                          less = { .p10 = 0.1, .p90 = 0.9, .n = 9 };
    struct measure_spread both = { .p10 = 0.9, .median = 5, .p90 = 9, .n = 9 }, none = { 0 };
    ck_assert_int_eq(measure_order_of(more), MEASURE_MORE);
    ck_assert_int_eq(measure_order_of(less), MEASURE_LESS);
    ck_assert_int_eq(measure_order_of(both), MEASURE_UNDECIDED);
    ck_assert_int_eq(measure_order_of(none), MEASURE_UNDECIDED);
}
END_TEST

START_TEST(the_clock_goes_forward)
{
    double before = measure_now_ns(), cost = measure_clock_ns(), after = measure_now_ns();
    ck_assert(before > 0 && after > before);
    ck_assert(cost > 0 && cost < after - before);
}
END_TEST

START_TEST(a_pin_holds_until_it_is_taken_out)
{
    int all[CPU_SETSIZE], one[CPU_SETSIZE], n = measure_cpus(all, CPU_SETSIZE);
    cpu_set_t before;
    ck_assert_int_ge(n, 1);
    ck_assert_int_eq(measure_cpus(all, 0), n);
    ck_assert_int_eq(measure_pin(all[n - 1], &before), 0);
    ck_assert_int_eq(measure_cpus(one, CPU_SETSIZE), 1);
    ck_assert_int_eq(one[0], all[n - 1]);
    ck_assert_int_eq(sched_getcpu(), all[n - 1]);
    ck_assert_int_eq(measure_unpin(&before), 0);
    ck_assert_int_eq(measure_cpus(one, CPU_SETSIZE), n);
    ck_assert_int_eq(measure_pin(-1, NULL), -EINVAL);
    ck_assert_int_eq(measure_pin(CPU_SETSIZE, NULL), -EINVAL);
    ck_assert_int_eq(measure_pin(CPU_SETSIZE - 1, NULL), -EINVAL); /* the kernel's word: there is no such CPU */
}
END_TEST

START_TEST(the_machine_has_a_name_for_everything)
{
    struct measure_machine machine = measure_machine_read();
    const char *const facts[] = { machine.cpu, machine.guest,    machine.pti,   machine.pcid,    machine.smt,
                                  machine.thp, machine.governor, machine.clock, machine.counters };
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        ck_assert_msg(facts[i] != NULL && *facts[i] != '\0' && strchr(facts[i], '\n') == NULL, "fact %zu", i);
}
END_TEST

int main(void)
{
    const struct testing tests[] = {
        TEST(of_none),
        TEST(of_one),
        TEST(of_an_odd_number),
        TEST(of_an_even_number),
        TEST(tenths_of_a_hundred),
        TEST(each_round_begins_with_another),
        TEST(a_sample_is_the_median_of_its_tries),
        TEST(one_that_takes_long_has_fewer_tries),
        TEST(there_is_an_end_to_rounds),
        TEST(ratios_are_those_of_the_rounds),
        TEST(only_a_whole_spread_decides),
        TEST(the_clock_goes_forward),
        TEST(a_pin_holds_until_it_is_taken_out),
        TEST(the_machine_has_a_name_for_everything),
        { 0 },
    };
    return run_tests("measure", tests);
}
