/* refusals: a row of the audit for each kind of refused caller, however often it came. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "gateway/maintenance/refusals.h"
#include "lib/clinic.h"

#define ARENA (&clinic->arena)

static int start(void **state)
{
    *state = clinic_new("willow", "");
    return 0;
}

static void note(struct refusals *refusals, enum verdict verdict, const char *claimed)
{
    struct verify_peer peer = {.verdict = verdict, .serial = "0A0B"};
    snprintf(peer.claimed, sizeof peer.claimed, "%s", claimed);
    refusals_note(refusals, &peer);
}

/* Writes what waits; the rows that this made. */
static size_t write_all(struct clinic *clinic, struct refusals *refusals,
                        struct store_audit **ret_rows)
{
    struct writer *writer = writer_inline(clinic->store);
    int64_t before = store_count_audits(clinic->store);
    refusals_write(refusals, writer, 1000);
    writer_stop(writer);
    return store_audits(clinic->store, ARENA, before, 100, ret_rows);
}

static void each_kind_has_a_row_with_its_count(void **state)
{
    struct clinic *clinic = *state;
    struct refusals *refusals = refusals_new();
    struct store_audit *rows;
    assert_false(refusals_wait(refusals));
    note(refusals, VERDICT_no_partner, "");
    note(refusals, VERDICT_wrong_pin, "lakeside");
    note(refusals, VERDICT_wrong_pin, "lakeside");
    note(refusals, VERDICT_wrong_pin, "harbor");
    assert_true(refusals_wait(refusals));
    assert_int_equal(write_all(clinic, refusals, &rows), 3);
    assert_string_equal(rows[0].what, "caller-refused");
    assert_string_equal(rows[0].detail, "no_partner, 1 times");
    assert_string_equal(rows[1].detail, "wrong_pin, 2 times, it calls itself lakeside");
    assert_string_equal(rows[1].subject, "0A0B");
    assert_string_equal(rows[2].detail, "wrong_pin, 1 times, it calls itself harbor");
    refusals_free(refusals);
}

static void what_was_written_waits_no_more(void **state)
{
    struct clinic *clinic = *state;
    struct refusals *refusals = refusals_new();
    struct store_audit *rows;
    note(refusals, VERDICT_no_partner, "");
    assert_int_equal(write_all(clinic, refusals, &rows), 1);
    assert_false(refusals_wait(refusals));
    assert_int_equal(write_all(clinic, refusals, &rows), 0);
    refusals_free(refusals);
}

/* Strangers choose what they call themselves: their number must not grow a table. */
static void what_finds_no_row_is_counted_together(void **state)
{
    struct clinic *clinic = *state;
    struct refusals *refusals = refusals_new();
    struct store_audit *rows;
    for (int i = 0; i < 20; i++)
        note(refusals, VERDICT_wrong_name, arena_print(ARENA, "name-%d", i));
    assert_int_equal(write_all(clinic, refusals, &rows), 17);
    assert_string_equal(rows[16].detail, "others, 4 times");
    refusals_free(refusals);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_kind_has_a_row_with_its_count, start, clinic_stop),
        cmocka_unit_test_setup_teardown(what_was_written_waits_no_more, start, clinic_stop),
        cmocka_unit_test_setup_teardown(what_finds_no_row_is_counted_together, start, clinic_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
