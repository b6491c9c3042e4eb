/* Decimals, moments and units: the values beneath FHIRPath, each against figures worked out by
 * hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fhir/fhirpath/decimal.h"
#include "fhir/fhirpath/moment.h"
#include "fhir/fhirpath/quantity.h"
#include "fhir/fhirpath/unit.h"

static struct decimal number(const char *text)
{
    struct decimal value;
    assert_true(decimal_parse(text, strlen(text), &value));
    return value;
}

static void assert_decimal(struct decimal value, const char *expected)
{
    char room[DECIMAL_TEXT_MAX];
    assert_string_equal(decimal_print(value, room), expected);
}

/* ---- decimals ---- */

static void test_decimal_text(void **state)
{
    (void)state;
    static const struct {
        const char *written, *printed;
    } rows[] = {{"1.00", "1.00"},
                {"-0.0", "-0.0"},
                {"+5", "5"},
                {"007.5", "7.5"},
                {"1e3", "1000"},
                {"1.5e-3", "0.0015"},
                {"1E+2", "100"},
                {"0e99", "0"},
                {"1234567890987654321.0", "1234567890987654321.0"},
                {"0.00000001", "0.00000001"},
                {"1e-200", "0.00000000000000000000000000000000000000"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_decimal(number(rows[i].written), rows[i].printed);
}

static void test_decimal_refuses(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      ".",
                                      "1.",
                                      ".5",
                                      "-",
                                      "1e",
                                      "1e+",
                                      "1.2.3",
                                      "a",
                                      "1 ",
                                      "1e999",
                                      "--1",
                                      "12345678901234567890123456789012345678901"};
    struct decimal value;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(decimal_parse(bad[i], strlen(bad[i]), &value));
}

static void test_decimal_arithmetic(void **state)
{
    (void)state;
    struct decimal value;
    assert_true(decimal_add(number("0.1"), number("0.2"), &value));
    assert_decimal(value, "0.3");
    assert_true(decimal_add(number("1.5"), number("-2.25"), &value));
    assert_decimal(value, "-0.75");
    assert_true(decimal_add(number("3"), number("-3.00"), &value));
    assert_decimal(value, "0.00");
    assert_true(decimal_multiply(number("1.2"), number("1.8"), &value));
    assert_decimal(value, "2.16");
    assert_true(decimal_divide(number("1"), number("3"), &value));
    assert_decimal(decimal_rounded(value, 8), "0.33333333");
    assert_true(decimal_divide(number("4"), number("2"), &value));
    assert_decimal(value, "2");
    assert_false(decimal_divide(number("1"), number("0.00"), &value));
    assert_true(decimal_divide_whole(number("-7"), number("2"), &value));
    assert_decimal(value, "-3");
    assert_true(decimal_remainder(number("2.2"), number("1.8"), &value));
    assert_decimal(value, "0.4");
    assert_true(decimal_remainder(number("-5"), number("3"), &value));
    assert_decimal(value, "-2");
}

static void test_decimal_limits(void **state)
{
    (void)state;
    struct decimal value;
    struct decimal large = number("9999999999999999999999999999999999999");
    assert_false(decimal_multiply(large, large, &value));
    /* 38 digits hold; the fraction gives way to the whole part */
    assert_true(decimal_multiply(number("12345678901234567890.123456789"),
                                 number("1.000000000000000000000001"), &value));
    assert_true(decimal_compare(value, number("12345678901234567890.1234")) > 0);
    assert_true(decimal_compare(value, number("12345678901234567890.1236")) < 0);
    assert_true(decimal_compare(number("1e30"), number("1e-30")) > 0);
    assert_true(decimal_compare(number("-1e30"), number("1e-30")) < 0);
    assert_int_equal(decimal_compare(number("1.0"), number("1.00000")), 0);
    assert_int_equal(decimal_compare(number("-0"), number("0.00")), 0);
}

static void test_decimal_rounding(void **state)
{
    (void)state;
    assert_decimal(decimal_rounded(number("2.5"), 0), "3");
    assert_decimal(decimal_rounded(number("-2.5"), 0), "-3");
    assert_decimal(decimal_rounded(number("3.14159"), 3), "3.142");
    assert_decimal(decimal_rounded(number("9.99"), 1), "10.0");
    assert_decimal(decimal_truncated(number("-1.56"), 0), "-1");
    assert_decimal(decimal_floor(number("-2.1")), "-3");
    assert_decimal(decimal_ceiling(number("-1.1")), "-1");
    assert_decimal(decimal_ceiling(number("1.1")), "2");
    assert_decimal(decimal_stripped(number("1.500")), "1.5");
    long long whole;
    assert_true(decimal_whole(number("12.00"), &whole));
    assert_int_equal(whole, 12);
    assert_false(decimal_whole(number("12.01"), &whole));
}

/* ---- moments ---- */

static struct moment moment(const char *text, enum moment_kind kind)
{
    struct moment value;
    if (!moment_parse(text, strlen(text), kind, &value))
        fail_msg("%s was refused", text);
    return value;
}

static void test_moment_text(void **state)
{
    (void)state;
    static const char *const texts[] = {"2015",
                                        "2015-02",
                                        "2015-02-04",
                                        "2016-02-29",
                                        "2015-02-04T14",
                                        "2015-02-04T14:34",
                                        "2015-02-04T14:34:28",
                                        "2015-02-04T14:34:28.123",
                                        "2015-02-04T14:34:28Z",
                                        "2015-02-04T14:34:28.123+10:00",
                                        "2015-02-04T14:34-05:30"};
    char room[MOMENT_TEXT_MAX];
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct moment value = moment(texts[i], MOMENT_DATETIME);
        assert_string_equal(moment_print(&value, room), texts[i]);
    }
    struct moment time = moment("10:30:59.999", MOMENT_TIME);
    assert_string_equal(moment_print(&time, room), "10:30:59.999");
}

static void test_moment_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum moment_kind kind;
    } bad[] = {{"2015-02-29", MOMENT_DATE},
               {"1900-02-29", MOMENT_DATE},
               {"2015-13", MOMENT_DATE},
               {"2015-00-01", MOMENT_DATE},
               {"0000-01-01", MOMENT_DATE},
               {"15-01-01", MOMENT_DATE},
               {"2015-1-1", MOMENT_DATE},
               {"2015-02-04T14:34", MOMENT_DATE},
               {"2015-02-04T24:00", MOMENT_DATETIME},
               {"2015-02-04T14:60", MOMENT_DATETIME},
               {"2015-02T14:30", MOMENT_DATETIME},
               {"2015-02-04T14:34:28.", MOMENT_DATETIME},
               {"2015-02-04T14:34:28+15:00", MOMENT_DATETIME},
               {"14:34:28Z", MOMENT_TIME},
               {"2015-02-04 14:34", MOMENT_DATETIME},
               {"", MOMENT_DATE},
               {"", MOMENT_TIME}};
    struct moment value;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (moment_parse(bad[i].text, strlen(bad[i].text), bad[i].kind, &value))
            fail_msg("%s was taken", bad[i].text);
    }
}

static void test_moment_order(void **state)
{
    (void)state;
    static const struct {
        const char *one, *other;
        enum moment_order order;
    } rows[] = {{"2015-02-04", "2015-02-05", MOMENT_BEFORE},
                {"2015-02", "2015-02-05", MOMENT_UNKNOWN},
                {"2015-01", "2015-02-05", MOMENT_BEFORE},
                {"2015-02-04T10:00:00Z", "2015-02-04T11:00:00+01:00", MOMENT_SAME},
                {"2015-12-31T23:30:00-01:00", "2016-01-01T00:30:00Z", MOMENT_SAME},
                {"2015-02-04T10:00:00", "2015-02-04T10:00:00.0", MOMENT_SAME},
                {"2015-02-04T10:00", "2015-02-04T10:00:00", MOMENT_UNKNOWN},
                {"2015-02-04T10:00:00Z", "2015-02-04T12:00:00", MOMENT_UNKNOWN},
                {"2015-02-04T10:00:00Z", "2015-02-06T12:00:00", MOMENT_BEFORE},
                {"2015-02-04T10:00:00", "2015-02-01T12:00:00+02:00", MOMENT_AFTER},
                {"2015-02-04", "2015-02-04T12:00:00Z", MOMENT_UNKNOWN}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct moment one = moment(rows[i].one, MOMENT_DATETIME);
        struct moment other = moment(rows[i].other, MOMENT_DATETIME);
        if (moment_compare(&one, &other) != rows[i].order)
            fail_msg("%s beside %s", rows[i].one, rows[i].other);
    }
}

static void test_moment_adding(void **state)
{
    (void)state;
    static const struct {
        const char *from;
        long long amount;
        enum moment_unit unit;
        const char *to;
    } rows[] = {{"2015-01-31", 1, UNIT_MONTH, "2015-02-28"},
                {"2016-02-29", 1, UNIT_YEAR, "2017-02-28"},
                {"2015-03-31", -1, UNIT_MONTH, "2015-02-28"},
                {"2015-12-31", 1, UNIT_DAY, "2016-01-01"},
                {"2000-03-01", -1, UNIT_DAY, "2000-02-29"},
                {"2015-01-01", 36524, UNIT_DAY, "2115-01-01"},
                {"2015", 24, UNIT_MONTH, "2017"},
                {"2015", 11, UNIT_MONTH, "2015"},
                {"2015-02", 60, UNIT_DAY, "2015-04"},
                {"2015-02-04", 25, UNIT_HOUR, "2015-02-05"},
                {"2015-02-04T23:59:59.999Z", 1, UNIT_MILLISECOND, "2015-02-05T00:00:00.000Z"},
                {"2015-02-04T00:00:00+10:00", -1, UNIT_SECOND, "2015-02-03T23:59:59+10:00"}};
    char room[MOMENT_TEXT_MAX];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct moment from = moment(rows[i].from, MOMENT_DATETIME);
        struct moment to;
        assert_true(moment_add(&from, rows[i].amount, rows[i].unit, &to));
        assert_string_equal(moment_print(&to, room), rows[i].to);
    }
    struct moment late = moment("9999-12-31", MOMENT_DATE);
    struct moment none;
    assert_false(moment_add(&late, 1, UNIT_DAY, &none));
    assert_false(moment_add(&late, INT64_MAX, UNIT_SECOND, &none));
}

/* Every day of 400 years there and back by day numbers. */
static void test_moment_calendar(void **state)
{
    (void)state;
    struct moment day = moment("1800-01-01", MOMENT_DATE);
    for (int i = 0; i < 146097; i++) {
        struct moment next;
        struct moment back;
        assert_true(moment_add(&day, 1, UNIT_DAY, &next));
        assert_true(moment_add(&next, -1, UNIT_DAY, &back));
        assert_int_equal(moment_compare(&day, &next), MOMENT_BEFORE);
        assert_int_equal(moment_compare(&day, &back), MOMENT_SAME);
        day = next;
    }
    struct moment end = moment("2200-01-01", MOMENT_DATE);
    assert_int_equal(moment_compare(&day, &end), MOMENT_SAME);
}

static void test_moment_boundaries(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int digits;
        const char *low, *high;
    } rows[] = {
        {"2014", 8, "2014-01-01", "2014-12-31"},
        {"2016-02", 8, "2016-02-01", "2016-02-29"},
        {"2014-01-05", 17, "2014-01-05T00:00:00.000+14:00", "2014-01-05T23:59:59.999-12:00"},
        {"2014-01-05T10:30:00Z", 17, "2014-01-05T10:30:00.000Z", "2014-01-05T10:30:00.999Z"},
        {"2014-01-05T10:30:00.5Z", 4, "2014", "2014"}};
    char room[MOMENT_TEXT_MAX];
    struct moment end;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct moment value = moment(rows[i].text, MOMENT_DATETIME);
        assert_true(moment_boundary(&value, false, rows[i].digits, &end));
        assert_string_equal(moment_print(&end, room), rows[i].low);
        assert_true(moment_boundary(&value, true, rows[i].digits, &end));
        assert_string_equal(moment_print(&end, room), rows[i].high);
    }
    struct moment value = moment("2014", MOMENT_DATE);
    assert_false(moment_boundary(&value, true, 5, &end));
}

/* ---- units ---- */

static void assert_converts(const char *one, const char *one_unit, const char *other,
                            const char *other_unit, int expected)
{
    struct quantity left = {.value = number(one), .unit = one_unit};
    struct quantity right = {.value = number(other), .unit = other_unit};
    int order = 2;
    if (!quantity_compare(&left, &right, &order) || order != expected)
        fail_msg("%s '%s' beside %s '%s': %d", one, one_unit, other, other_unit, order);
}

static void test_units_convert(void **state)
{
    (void)state;
    assert_converts("1", "[in_i]", "2.54", "cm", 0);
    assert_converts("1", "[ft_i]", "0.3048", "m", 0);
    assert_converts("1", "[lb_av]", "0.45359237", "kg", 0);
    assert_converts("16", "[oz_av]", "1", "[lb_av]", 0);
    assert_converts("1", "wk", "7", "d", 0);
    assert_converts("90", "min", "1.5", "h", 0);
    assert_converts("60", "/min", "1", "/s", 0);
    assert_converts("1", "mm[Hg]", "133.322", "Pa", 0);
    assert_converts("1", "L", "1000", "mL", 0);
    assert_converts("1", "mg/dL", "10", "mg/L", 0);
    assert_converts("1", "10*3/uL", "1", "10*9/L", 0);
    assert_converts("1", "m2", "10000", "cm2", 0);
    assert_converts("1", "kg.m/s2", "1", "N", 0);
    assert_converts("50", "%", "0.5", "1", 0);
    assert_converts("10", "gon", "9", "deg", 0);
    assert_converts("3", "{score}", "3", "1", 0);
    assert_converts("3", "{visits}/wk", "3", "/wk", 0);
    assert_converts("5", "km/h", "1", "m/s", 1);
    assert_converts("99", "cm", "1", "m", -1);
}

static void test_units_that_do_not(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"m", "s"},     {"Cel", "[degF]"}, {"[IU]", "mg"},
                                           {"mo", "mol"},  {"year", "a"},     {"nonsense", "m"},
                                           {"m", "m//s"},  {"(m", "m"},       {"", "1"},
                                           {"m9999", "m"}, {"{open", "1"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct quantity left = {.value = number("1"), .unit = pairs[i][0]};
        struct quantity right = {.value = number("1"), .unit = pairs[i][1]};
        int order;
        if (quantity_compare(&left, &right, &order))
            fail_msg("%s compares with %s", pairs[i][0], pairs[i][1]);
    }
    assert_converts("2", "nonsense", "1", "nonsense", 1);
}

static void test_calendar_units(void **state)
{
    (void)state;
    struct quantity year = {.value = number("1"), .unit = "year", .is_calendar = true};
    struct quantity months = {.value = number("12"), .unit = "months", .is_calendar = true};
    struct quantity days = {.value = number("365"), .unit = "days", .is_calendar = true};
    struct quantity definite = {.value = number("1"), .unit = "a"};
    int order;
    assert_true(quantity_compare(&year, &months, &order));
    assert_int_equal(order, 0);
    assert_false(quantity_compare(&year, &days, &order));
    assert_false(quantity_compare(&year, &definite, &order));
    assert_true(quantity_equivalent(&year, &definite));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decimal_text),       cmocka_unit_test(test_decimal_refuses),
        cmocka_unit_test(test_decimal_arithmetic), cmocka_unit_test(test_decimal_limits),
        cmocka_unit_test(test_decimal_rounding),   cmocka_unit_test(test_moment_text),
        cmocka_unit_test(test_moment_refuses),     cmocka_unit_test(test_moment_order),
        cmocka_unit_test(test_moment_adding),      cmocka_unit_test(test_moment_calendar),
        cmocka_unit_test(test_moment_boundaries),  cmocka_unit_test(test_units_convert),
        cmocka_unit_test(test_units_that_do_not),  cmocka_unit_test(test_calendar_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
