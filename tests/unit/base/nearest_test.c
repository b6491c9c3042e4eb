/* nearest: slips are counted, close words offered, far ones not. */
#include "base/nearest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void counts_slips(void **state)
{
    (void)state;
    static const struct {
        const char *one, *other;
        unsigned distance;
    } rows[] = {
        {"", "", 0},
        {"a", "", 1},
        {"degress", "degrees", 1},
        {"abcd", "abdc", 1},
        {"ca", "abc", 3},
        {"Neck", "neck", 0},
        {"kitten", "sitting", 3},
        {"LFP-88213", "LFP-88231", 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(nearest_distance(rows[i].one, rows[i].other), rows[i].distance);
        assert_int_equal(nearest_distance(rows[i].other, rows[i].one), rows[i].distance);
    }
    char longer[80];
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(nearest_distance(longer, "a"), NEAREST_LENGTH_MAX + 1);
}

static void offers_what_is_close(void **state)
{
    (void)state;
    static const char *const words[] = {"client_birth_date", "client_gender", "neck",       "hip",
                                        "massage-therapy",   "rotation",      "not-started"};
    static const struct {
        const char *word, *best;
    } rows[] = {
        {"client_birthdate", "client_birth_date"},
        {"nek", "neck"},
        {"NECK", "neck"},
        {"massage", "massage-therapy"},
        {"rotate", "rotation"},
        {"started", NULL},
        {"hi", "hip"},
        {"h", NULL},
        {"", NULL},
        {"elbow", NULL},
        {"something else altogether", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *best = nearest_of(rows[i].word, words, sizeof words / sizeof *words);
        if (rows[i].best == NULL)
            assert_null(best);
        else
            assert_string_equal(best, rows[i].best);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_slips),
        cmocka_unit_test(offers_what_is_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
