/* store clients: rows behind the numbers that callers speak. A number is its owner's: a partner's
 * client is never ours of the same number, nor another partner's. What is undone makes no client.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/store/sqlite/sqlite.h"
#include "lib/clinic.h"

#define ARENA (&clinic->arena)
#define STORE (clinic->store)

static void add(struct clinic *clinic, const char *origin, const char *number, const char *client)
{
    struct store_record record = {.clinic = text_equal(origin, STORE_OWN) ? "willow" : origin,
                                  .kind = "referral",
                                  .number = number,
                                  .origin = origin,
                                  .client = client};
    assert_true(store_add_record(STORE, &record) > 0);
}

static int64_t clients(struct clinic *clinic)
{
    return sqlite_number(STORE, "SELECT count(*) FROM client", "");
}

static void test_a_number_is_its_owners(void **state)
{
    struct clinic *clinic = *state;
    struct store_record *records;
    struct store_client client;
    clinic_begin(clinic);
    add(clinic, STORE_OWN, "R-1", "C-1");
    add(clinic, "lakeside", "R-1", "C-1");
    add(clinic, "harbor", "R-1", "C-1");
    add(clinic, "lakeside", "R-2", "C-1");
    clinic_commit(clinic);
    assert_int_equal(clients(clinic), 3);
    assert_int_equal(store_records(STORE, ARENA, "C-1", NULL, STORE_OWN, &records), 1);
    assert_int_equal(store_records(STORE, ARENA, "C-1", NULL, "lakeside", &records), 2);
    assert_int_equal(store_records(STORE, ARENA, "C-1", NULL, NULL, &records), 4);
    assert_string_equal(records[3].number, "R-2");
    assert_string_equal(records[3].client, "C-1");
    assert_true(store_find_client(STORE, ARENA, "harbor", "C-1", &client));
    assert_string_equal(client.owner, "harbor");
    assert_false(store_find_client(STORE, ARENA, "riverbend", "C-1", &client));
    clinic_reopen(clinic);
    assert_int_equal(store_records(STORE, ARENA, "C-1", NULL, "lakeside", &records), 2);
    assert_true(store_find_client(STORE, ARENA, STORE_OWN, "C-1", &client));
}

static void note(struct clinic *clinic, const char *owner, const char *family, const char *born)
{
    clinic_begin(clinic);
    store_note_client(
        STORE, &(struct store_client){
                   .owner = owner, .number = "C-1", .family_name = family, .birth_date = born});
    clinic_commit(clinic);
}

static void test_the_last_accepted_record_says_who_it_is(void **state)
{
    struct clinic *clinic = *state;
    struct store_client client;
    note(clinic, STORE_OWN, "Smith", "1984-03-09");
    note(clinic, "lakeside", "Jones", "1990-01-01");
    note(clinic, STORE_OWN, "Smith-Miller", "1984-03-09");
    note(clinic, STORE_OWN, "Smith-Miller", "1984-03-09");
    assert_int_equal(clients(clinic), 2);
    assert_true(store_find_client(STORE, ARENA, STORE_OWN, "C-1", &client));
    assert_string_equal(client.family_name, "Smith-Miller");
    assert_string_equal(client.state, "active");
    assert_true(store_find_client(STORE, ARENA, "lakeside", "C-1", &client));
    assert_string_equal(client.family_name, "Jones");
}

static void test_what_is_undone_makes_no_client(void **state)
{
    struct clinic *clinic = *state;
    struct store_client client;
    clinic_begin(clinic);
    store_mark(STORE);
    add(clinic, STORE_OWN, "R-1", "C-1");
    store_undo(STORE);
    add(clinic, STORE_OWN, "R-2", "C-2");
    clinic_commit(clinic);
    assert_false(store_find_client(STORE, ARENA, STORE_OWN, "C-1", &client));
    clinic_begin(clinic);
    add(clinic, STORE_OWN, "R-3", "C-3");
    store_rollback(STORE);
    clinic_begin(clinic);
    add(clinic, STORE_OWN, "R-3", "C-1");
    clinic_commit(clinic);
    clinic_reopen(clinic);
    assert_int_equal(clients(clinic), 2);
    assert_true(store_find_client(STORE, ARENA, STORE_OWN, "C-1", &client));
    assert_false(store_find_client(STORE, ARENA, STORE_OWN, "C-3", &client));
}

static void test_a_client_is_made_again_from_the_journal(void **state)
{
    struct clinic *clinic = *state;
    struct fault fault;
    struct store *again;
    struct store_record *records;
    clinic_begin(clinic);
    add(clinic, "lakeside", "R-1", "L-1");
    assert_true(store_sync(STORE, &fault));
    setenv("DIR", clinic->folder, 1);
    assert_int_equal(system("mkdir $DIR/copy && cp -a $DIR/store.* $DIR/copy"), 0);
    assert_true(
        store_open(arena_print(ARENA, "%s/copy/store.db", clinic->folder), &again, ARENA, &fault));
    assert_int_equal(store_records(again, ARENA, "L-1", NULL, "lakeside", &records), 1);
    assert_string_equal(records[0].client, "L-1");
    store_close(again);
}

static void test_a_message_is_about_its_records_client(void **state)
{
    struct clinic *clinic = *state;
    struct store_referral referral = {.placer = "harbor",
                                      .number = "H-1",
                                      .filler = "willow",
                                      .role = "filler",
                                      .partner = "harbor",
                                      .client = "HC-9",
                                      .task_status = "requested"};
    clinic_begin(clinic);
    struct store_message message = {.referral = store_add_referral(STORE, &referral)};
    clinic_commit(clinic);
    assert_true(store_client_of(STORE, &message) > 0);
    assert_int_equal(store_client_of(STORE, &message), store_client_row(STORE, "harbor", "HC-9"));
    assert_true(store_get_referral(STORE, ARENA, message.referral, &referral));
    assert_string_equal(referral.client, "HC-9");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_number_is_its_owners, clinic_start, clinic_stop),
        cmocka_unit_test_setup_teardown(test_a_number_is_its_owners, clinic_start_serving,
                                        clinic_stop),
        cmocka_unit_test_setup_teardown(test_the_last_accepted_record_says_who_it_is,
                                        clinic_start_serving, clinic_stop),
        cmocka_unit_test_setup_teardown(test_what_is_undone_makes_no_client, clinic_start,
                                        clinic_stop),
        cmocka_unit_test_setup_teardown(test_what_is_undone_makes_no_client, clinic_start_serving,
                                        clinic_stop),
        cmocka_unit_test_setup_teardown(test_a_client_is_made_again_from_the_journal,
                                        clinic_start_serving, clinic_stop),
        cmocka_unit_test_setup_teardown(test_a_message_is_about_its_records_client, clinic_start,
                                        clinic_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
