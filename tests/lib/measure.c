/* measure.c - lib/measure: the spread of samples whose spread is known. */
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

int main(void)
{
    const struct testing tests[] = {
        TEST(of_none), TEST(of_one), TEST(of_an_odd_number), TEST(of_an_even_number), TEST(tenths_of_a_hundred), { 0 },
    };
    return run_tests("measure", tests);
}
