/* store partners: rows behind the names that callers speak. A new name changes one row, a removed
 * partner's things never pass to the next one of its name, and what is undone or lost takes the
 * rows it made with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/store/figures.h"
#include "gateway/store/partners.h"
#include "gateway/store/sqlite/sqlite.h"
#include "lib/clinic.h"

#define ARENA (&clinic->arena)
#define STORE (clinic->store)

static struct store_message message_of(const char *direction, const char *partner, const char *id)
{
    return (struct store_message){.direction = direction,
                                  .partner = partner,
                                  .message_id = id,
                                  .bundle_id = id,
                                  .event = "e",
                                  .kind = "referral",
                                  .state = text_equal(direction, "out") ? "queued" : "done"};
}

static int64_t add(struct clinic *clinic, const char *direction, const char *partner,
                   const char *id)
{
    struct store_message message = message_of(direction, partner, id);
    return store_add_message(STORE, &message);
}

static int64_t number(struct clinic *clinic, const char *sql)
{
    return sqlite_number(STORE, arena_copy(ARENA, sql), "");
}

static void rename_to(struct clinic *clinic, const char *from, const char *to, bool expected)
{
    clinic_begin(clinic);
    assert_int_equal(store_rename_partner(STORE, from, to), expected);
    clinic_commit(clinic);
}

static void retire(struct clinic *clinic, const char *name)
{
    clinic_begin(clinic);
    store_retire_partner(STORE, name, 1);
    clinic_commit(clinic);
}

static bool has_inbound(struct clinic *clinic, const char *partner, const char *id)
{
    struct store_message message;
    return store_find_inbound(STORE, ARENA, partner, id, &message) &&
           text_equal(message.partner, partner);
}

static void fill(struct clinic *clinic)
{
    struct store_referral referral = {.placer = "willow",
                                      .number = "R-1",
                                      .filler = "lakeside",
                                      .role = "placer",
                                      .partner = "lakeside",
                                      .client = "C-1",
                                      .task_status = "requested"};
    struct store_record record = {.clinic = "lakeside",
                                  .kind = "progress-note",
                                  .number = "N-1",
                                  .origin = "lakeside",
                                  .client = "L-1"};
    clinic_begin(clinic);
    add(clinic, "in", "lakeside", "m-1");
    add(clinic, "out", "lakeside", "m-2");
    record.referral = store_add_referral(STORE, &referral);
    int64_t id = store_add_record(STORE, &record);
    store_add_release(STORE, &(struct store_release){.record = id,
                                                     .recipient = "lakeside",
                                                     .addressed_as = "lakeside",
                                                     .partner = "lakeside",
                                                     .client = "C-1",
                                                     .state = "sent"});
    store_add_early_cancel(STORE, "lakeside", "lakeside", "R-9", 1);
    clinic_commit(clinic);
}

static void test_other_tables_hold_rows(void **state)
{
    struct clinic *clinic = *state;
    static const char *const columns[] = {"partner FROM message", "partner FROM referral",
                                          "origin FROM record", "partner FROM release",
                                          "partner FROM early_cancel"};
    fill(clinic);
    assert_int_equal(number(clinic, "SELECT count(*) FROM partner"), 1);
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        assert_int_equal(
            number(clinic, arena_print(ARENA, "SELECT count(*) FROM (SELECT %s) WHERE %s=1",
                                       columns[i], i == 2 ? "origin" : "partner")),
            i == 0 ? 2 : 1);
}

static void test_a_new_name_changes_one_row(void **state)
{
    struct clinic *clinic = *state;
    struct store_message *due;
    struct store_record *records;
    struct store_release *releases;
    struct store_referral referral;
    fill(clinic);
    rename_to(clinic, "lakeside", "harbor", true);
    assert_true(has_inbound(clinic, "harbor", "m-1"));
    assert_false(has_inbound(clinic, "lakeside", "m-1"));
    assert_int_equal(store_due(STORE, ARENA, "harbor", 1, 9, &due), 1);
    assert_int_equal(store_due(STORE, ARENA, "lakeside", 1, 9, &due), 0);
    assert_true(store_get_referral(STORE, ARENA, 1, &referral));
    assert_string_equal(referral.partner, "harbor");
    assert_int_equal(store_records(STORE, ARENA, NULL, NULL, "harbor", &records), 1);
    assert_int_equal(store_releases(STORE, ARENA, "C-1", NULL, &releases), 1);
    assert_string_equal(releases[0].partner, "harbor");
    assert_true(store_has_early_cancel(STORE, "harbor", "lakeside", "R-9"));
    clinic_begin(clinic);
    assert_int_equal(add(clinic, "in", "harbor", "m-1"), 0); /* the ledger stays with the row */
    assert_true(store_refused(STORE));
    store_rollback(STORE);
}

static void test_a_removed_partners_name_is_another_partner(void **state)
{
    struct clinic *clinic = *state;
    struct store_message message;
    struct store_message *due;
    fill(clinic);
    retire(clinic, "lakeside");
    assert_false(has_inbound(clinic, "lakeside", "m-1"));
    assert_int_equal(store_due(STORE, ARENA, "lakeside", 1, 9, &due), 0);
    clinic_begin(clinic);
    assert_true(add(clinic, "in", "lakeside", "m-1") > 0);
    clinic_commit(clinic);
    assert_int_equal(number(clinic, "SELECT count(*) FROM partner WHERE name='lakeside'"), 2);
    assert_true(store_get_message(STORE, ARENA, 1, &message));
    assert_string_equal(message.partner, "lakeside (removed, 1)");
    assert_true(store_get_message(STORE, ARENA, 3, &message));
    assert_string_equal(message.partner, "lakeside");
}

static void test_a_removed_partners_referral_can_still_be_written(void **state)
{
    struct clinic *clinic = *state;
    struct store_referral referral;
    fill(clinic);
    retire(clinic, "lakeside");
    assert_true(store_get_referral(STORE, ARENA, 1, &referral));
    referral.task_status = "cancelled";
    clinic_begin(clinic);
    store_set_referral(STORE, &referral);
    clinic_commit(clinic);
    assert_int_equal(number(clinic, "SELECT partner FROM referral"), 1);
    assert_int_equal(number(clinic, "SELECT count(*) FROM partner"), 1);
}

/* What a name that is in use means stays; one without a row has nothing to be renamed. */
static void test_a_name_in_use_is_not_given(void **state)
{
    struct clinic *clinic = *state;
    fill(clinic);
    clinic_begin(clinic);
    add(clinic, "in", "harbor", "m-9");
    clinic_commit(clinic);
    rename_to(clinic, "lakeside", "harbor", false);
    rename_to(clinic, "nobody", "somebody", true);
    rename_to(clinic, "nobody", "harbor", false); /* what is harbor's is not for nobody */
    assert_int_equal(number(clinic, "SELECT count(*) FROM partner"), 2);
    retire(clinic, "harbor");
    rename_to(clinic, "lakeside", "harbor", true);
    assert_true(has_inbound(clinic, "harbor", "m-1"));
    assert_false(has_inbound(clinic, "harbor", "m-9"));
}

static void test_what_hangs_on_a_partner_is_counted(void **state)
{
    struct clinic *clinic = *state;
    struct store_message *waiting;
    struct store_partner_use use = store_partner_use(STORE, "lakeside");
    assert_false(use.is_known);
    fill(clinic);
    use = store_partner_use(STORE, "lakeside");
    assert_true(use.is_known);
    assert_int_equal(use.open_referrals, 1);
    assert_int_equal(use.waiting_messages, 1);
    assert_int_equal(store_waiting_for(STORE, ARENA, "lakeside", &waiting), 1);
    assert_string_equal(waiting[0].message_id, "m-2");
    assert_false(store_partner_use(STORE, "harbor").is_known);
}

static void test_what_is_undone_makes_no_partner(void **state)
{
    struct clinic *clinic = *state;
    clinic_begin(clinic);
    add(clinic, "in", "lakeside", "m-1");
    store_mark(STORE);
    add(clinic, "in", "harbor", "m-2");
    store_undo(STORE);
    add(clinic, "in", "riverbend", "m-3");
    clinic_commit(clinic);
    clinic_begin(clinic);
    add(clinic, "in", "harbor", "m-4");
    store_rollback(STORE);
    clinic_begin(clinic);
    add(clinic, "in", "orchard", "m-5");
    clinic_commit(clinic);
    assert_int_equal(number(clinic, "SELECT count(*) FROM partner"), 3);
    assert_int_equal(number(clinic, "SELECT count(*) FROM partner WHERE name='harbor'"), 0);
    clinic_reopen(clinic);
    assert_true(has_inbound(clinic, "lakeside", "m-1"));
    assert_true(has_inbound(clinic, "riverbend", "m-3"));
    assert_true(has_inbound(clinic, "orchard", "m-5"));
}

/* The rows are in the journal only, as after a crash. */
static void test_a_partner_is_made_again_from_the_journal(void **state)
{
    struct clinic *clinic = *state;
    struct fault fault;
    struct store *again;
    clinic_begin(clinic);
    add(clinic, "in", "lakeside", "m-1");
    assert_true(store_sync(STORE, &fault));
    setenv("DIR", clinic->folder, 1);
    assert_int_equal(system("mkdir $DIR/copy && cp -a $DIR/store.* $DIR/copy"), 0);
    clinic_commit(clinic);
    assert_true(
        store_open(arena_print(ARENA, "%s/copy/store.db", clinic->folder), &again, ARENA, &fault));
    struct store_message message;
    assert_true(store_find_inbound(again, ARENA, "lakeside", "m-1", &message));
    assert_string_equal(message.partner, "lakeside");
    store_close(again);
}

static void test_a_reader_hears_of_new_partners(void **state)
{
    struct clinic *clinic = *state;
    struct fault fault;
    struct store *reader;
    struct store_message message;
    struct store_waiting *waiting;
    fill(clinic);
    assert_true(store_open_reader(arena_print(ARENA, "%s/store.db", clinic->folder), &reader, ARENA,
                                  &fault));
    assert_int_equal(store_count_waiting(reader, ARENA, &waiting), 1);
    assert_string_equal(waiting[0].partner, "lakeside");
    clinic_begin(clinic);
    add(clinic, "in", "harbor", "m-3");
    clinic_commit(clinic);
    assert_true(store_find_inbound(reader, ARENA, "harbor", "m-3", &message));
    assert_string_equal(message.partner, "harbor");
    assert_false(store_find_inbound(reader, ARENA, "orchard", "m-3", &message));
    store_close(reader);
}

static void test_our_own_records_are_nobodys(void **state)
{
    struct clinic *clinic = *state;
    struct store_record *records;
    struct store_record record = {.clinic = "willow",
                                  .kind = "consent",
                                  .number = "CON-1",
                                  .origin = STORE_OWN,
                                  .client = "C-1"};
    clinic_begin(clinic);
    store_add_record(STORE, &record);
    clinic_commit(clinic);
    assert_int_equal(number(clinic, "SELECT count(*) FROM record WHERE origin IS NULL"), 1);
    assert_int_equal(number(clinic, "SELECT count(*) FROM partner"), 0);
    assert_int_equal(store_records(STORE, ARENA, "C-1", NULL, STORE_OWN, &records), 1);
    assert_string_equal(records[0].origin, STORE_OWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_other_tables_hold_rows, clinic_start, clinic_stop),
        cmocka_unit_test_setup_teardown(test_a_new_name_changes_one_row, clinic_start, clinic_stop),
        cmocka_unit_test_setup_teardown(test_a_removed_partners_name_is_another_partner,
                                        clinic_start, clinic_stop),
        cmocka_unit_test_setup_teardown(test_a_removed_partners_referral_can_still_be_written,
                                        clinic_start, clinic_stop),
        cmocka_unit_test_setup_teardown(test_a_name_in_use_is_not_given, clinic_start, clinic_stop),
        cmocka_unit_test_setup_teardown(test_what_hangs_on_a_partner_is_counted, clinic_start,
                                        clinic_stop),
        cmocka_unit_test_setup_teardown(test_what_is_undone_makes_no_partner, clinic_start,
                                        clinic_stop),
        cmocka_unit_test_setup_teardown(test_what_is_undone_makes_no_partner, clinic_start_serving,
                                        clinic_stop),
        cmocka_unit_test_setup_teardown(test_a_partner_is_made_again_from_the_journal,
                                        clinic_start_serving, clinic_stop),
        cmocka_unit_test_setup_teardown(test_a_reader_hears_of_new_partners, clinic_start,
                                        clinic_stop),
        cmocka_unit_test_setup_teardown(test_our_own_records_are_nobodys, clinic_start,
                                        clinic_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
