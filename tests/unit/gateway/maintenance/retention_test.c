/* retention: what has had its time goes, in slices; what somebody still needs stays, wherever it
 * lies. Time is what the store has lived through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/backup/backup.h"
#include "gateway/maintenance/retention.h"
#include "gateway/store/lived.h"
#include "lib/rows.h"

#define ARENA (&clinic->arena)
#define STORE (clinic->store)

static const int64_t day_ms = 86400000;

static int start(void **state)
{
    *state = clinic_new("willow", "payload_days: 10\nledger_days: 30\n");
    return 0;
}

static int64_t now(struct clinic *clinic)
{
    return clock_wall_ms(&clinic->setup->clock);
}

static void pass_days(struct clinic *clinic, int days)
{
    store_let_live(STORE, days * day_ms);
    clinic_begin(clinic);
    clinic_commit(clinic);
}

/* Slices until there is nothing more to do; how many. */
static int run(struct clinic *clinic, struct retention *retention)
{
    struct office office = {.setup = clinic->setup, .writer = writer_inline(STORE), .lock = -1};
    int slices = 1;
    while (retention_slice(retention, &office) && slices < 10000)
        slices++;
    writer_stop(office.writer);
    assert_true(slices < 10000);
    return slices;
}

static void keep(struct clinic *clinic)
{
    struct retention retention = {.squeeze = 0};
    run(clinic, &retention);
}

static int64_t add_referral(struct clinic *clinic, const char *number, const char *task_status)
{
    struct store_referral referral = rows_referral("lakeside", number);
    referral.task_status = task_status;
    referral.created_ms = referral.changed_ms = now(clinic);
    clinic_begin(clinic);
    int64_t id = store_add_referral(STORE, &referral);
    clinic_commit(clinic);
    return id;
}

static int64_t put(struct clinic *clinic, const char *direction, const char *id, const char *state,
                   int64_t referral, size_t size)
{
    struct store_message message = rows_message(clinic, "lakeside", id);
    message.direction = direction;
    message.referral = referral;
    message.state = state;
    message.due_ms = message.created_ms = now(clinic);
    char *bytes = calloc(1, size + strlen(id) + 1);
    memcpy(bytes, id, strlen(id));
    message.payload = payload_put(STORE, bytes, size + strlen(id));
    free(bytes);
    return store_add_message(STORE, &message);
}

static int64_t add_sized(struct clinic *clinic, const char *direction, const char *id,
                         const char *state, int64_t referral, size_t size)
{
    clinic_begin(clinic);
    int64_t row = put(clinic, direction, id, state, referral, size);
    clinic_commit(clinic);
    return row;
}

static int64_t add(struct clinic *clinic, const char *direction, const char *id, const char *state,
                   int64_t referral)
{
    return add_sized(clinic, direction, id, state, referral, 0);
}

static int64_t add_record(struct clinic *clinic, const char *number)
{
    struct store_record record = {.clinic = "willow",
                                  .kind = "progress-note",
                                  .number = number,
                                  .origin = "own",
                                  .client = "C-1",
                                  .accepted_ms = now(clinic),
                                  .exported = true};
    const char *text = arena_print(ARENA, "{\"record_id\":\"%s\"}", number);
    clinic_begin(clinic);
    record.payload = payload_put(STORE, text, strlen(text));
    record.attachments = payload_put(STORE, "[]", 2);
    int64_t id = store_add_record(STORE, &record);
    clinic_commit(clinic);
    return id;
}

static const char *body_of(struct clinic *clinic, int64_t row)
{
    struct store_message message;
    size_t length;
    assert_true(store_get_message(STORE, ARENA, row, &message));
    return payload_get(STORE, ARENA, message.payload, &length);
}

static bool is_there(struct clinic *clinic, int64_t row)
{
    struct store_message message;
    return store_get_message(STORE, ARENA, row, &message);
}

static void bytes_go_before_ids(void **state)
{
    struct clinic *clinic = *state;
    struct store_message seen;
    int64_t row = add(clinic, "in", "one", "done", 0);
    struct store_attempt attempt = {.message = row, .at_ms = 1, .outcome = "answered"};
    clinic_begin(clinic);
    store_add_attempt(STORE, &attempt);
    clinic_commit(clinic);
    add(clinic, "in", "newest", "done", 0);
    pass_days(clinic, 9);
    keep(clinic);
    assert_string_equal(body_of(clinic, row), "one");
    pass_days(clinic, 2);
    keep(clinic);
    assert_null(body_of(clinic, row));
    assert_true(store_find_inbound(STORE, ARENA, "lakeside", "one", &seen));
    pass_days(clinic, 18);
    keep(clinic);
    assert_true(store_find_inbound(STORE, ARENA, "lakeside", "one", &seen));
    pass_days(clinic, 2);
    keep(clinic);
    struct store_attempt *attempts;
    assert_false(store_find_inbound(STORE, ARENA, "lakeside", "one", &seen));
    assert_false(is_there(clinic, row));
    assert_int_equal(store_attempts(STORE, ARENA, row, &attempts), 0);
}

static void ids_are_never_given_twice(void **state)
{
    struct clinic *clinic = *state;
    add(clinic, "in", "one", "done", 0);
    int64_t newest = add(clinic, "in", "two", "done", 0);
    pass_days(clinic, 400);
    keep(clinic);
    assert_true(is_there(clinic, newest));
    clinic_reopen(clinic);
    assert_int_equal(add(clinic, "in", "three", "done", 0), newest + 1);
}

static void what_is_open_stays(void **state)
{
    struct clinic *clinic = *state;
    static const char *const states[] = {"queued", "sending", "held", "parked"};
    int64_t rows[4];
    int64_t open = add_referral(clinic, "R-1", "in-progress");
    int64_t over = add_referral(clinic, "R-2", "completed");
    for (int i = 0; i < 4; i++)
        rows[i] = add(clinic, "out", states[i], states[i], over);
    int64_t of_open = add(clinic, "in", "of-open", "done", open);
    int64_t of_over = add(clinic, "in", "of-over", "done", over);
    int64_t withdrawn = add(clinic, "out", "withdrawn", "withdrawn", over);
    add(clinic, "in", "newest", "done", 0);
    pass_days(clinic, 400);
    keep(clinic);
    keep(clinic);
    for (int i = 0; i < 4; i++)
        assert_string_equal(body_of(clinic, rows[i]), states[i]);
    assert_string_equal(body_of(clinic, of_open), "of-open");
    assert_false(is_there(clinic, of_over));
    assert_true(is_there(clinic, withdrawn));
    assert_null(body_of(clinic, withdrawn));
}

static void the_audit_stays(void **state)
{
    struct clinic *clinic = *state;
    clinic_send(clinic, clinic_referral(clinic, "R-7", "alvarez", "lakeside"));
    int64_t before = store_count_audits(STORE);
    assert_true(before > 0);
    pass_days(clinic, 2000);
    keep(clinic);
    assert_int_equal(store_count_audits(STORE), before);
}

static unsigned segments(struct clinic *clinic)
{
    struct store *reader;
    struct fault fault;
    struct store_copy copy;
    assert_true(store_open_reader(arena_print(ARENA, "%s/store.db", clinic->folder), &reader, ARENA,
                                  &fault));
    const char *beside = arena_print(ARENA, "%s/copy.db", clinic->folder);
    unlink(beside);
    assert_true(store_copy_take(reader, beside, ARENA, &copy, &fault));
    unsigned count = (unsigned)copy.segment_count;
    store_copy_release(&copy);
    store_close(reader);
    return count;
}

/* More than two segments of old bytes, with a record and an unsent message among them. */
static void fill_journal(struct clinic *clinic, int64_t *ret_record, int64_t *ret_unsent)
{
    struct fault fault;
    assert_true(store_serve(STORE, &fault));
    *ret_record = add_record(clinic, "N-1");
    *ret_unsent = add(clinic, "out", "unsent", "queued", 0);
    for (int i = 0; i < 10; i++)
        add_sized(clinic, "in", arena_print(ARENA, "big-%d", i), "done", 0, 16 << 20);
    add(clinic, "in", "newest", "done", 0);
}

static void must_read(struct clinic *clinic, int64_t record, int64_t unsent)
{
    struct store_record row;
    size_t length;
    assert_true(store_get_record(STORE, ARENA, record, &row));
    assert_string_equal(row.text, "{\"record_id\":\"N-1\"}");
    assert_string_equal(payload_get(STORE, ARENA, row.attachments, &length), "[]");
    assert_string_equal(body_of(clinic, unsent), "unsent");
}

static void segments_become_free(void **state)
{
    struct clinic *clinic = *state;
    struct retention retention = {.squeeze = 0};
    int64_t record;
    int64_t unsent;
    fill_journal(clinic, &record, &unsent);
    assert_int_equal(segments(clinic), 3);
    pass_days(clinic, 11);
    run(clinic, &retention);
    assert_int_equal(segments(clinic), 1);
    assert_int_equal(retention.segments, 2);
    assert_int_equal(retention.removed_bodies, 11);
    assert_int_equal(retention.moved, 2);
    must_read(clinic, record, unsent);
    clinic_reopen(clinic);
    must_read(clinic, record, unsent);
}

static void a_backup_keeps_its_segments(void **state)
{
    struct clinic *clinic = *state;
    int64_t record;
    int64_t unsent;
    struct store *reader;
    struct fault fault;
    struct store_copy copy;
    fill_journal(clinic, &record, &unsent);
    assert_true(store_open_reader(arena_print(ARENA, "%s/store.db", clinic->folder), &reader, ARENA,
                                  &fault));
    assert_true(store_copy_take(reader, arena_print(ARENA, "%s/held.db", clinic->folder), ARENA,
                                &copy, &fault));
    pass_days(clinic, 11);
    keep(clinic);
    for (size_t i = 0; i < copy.segment_count; i++)
        assert_true(file_exists(copy.segments[i].path));
    store_copy_release(&copy);
    store_close(reader);
    keep(clinic);
    assert_int_equal(segments(clinic), 1);
}

/* What the journal alone holds of it is done again by whoever opens the store after a crash. */
static void a_crash_does_it_again(void **state)
{
    struct clinic *clinic = *state;
    struct fault fault = {FAULT_none, NULL};
    struct backup_facts facts;
    struct backup_restored restored;
    assert_true(store_serve(STORE, &fault));
    int64_t record = add_record(clinic, "N-1");
    int64_t row = add(clinic, "in", "one", "done", 0);
    add(clinic, "in", "newest", "done", 0);
    pass_days(clinic, 11);
    const struct store_ages ages = {store_lived_ms(STORE) - 10 * day_ms, 0};
    const struct store_old old[] = {{STORE_OLD_PAYLOAD, row}, {STORE_OLD_RECORD, record}};
    clinic_begin(clinic);
    for (int i = 0; i < 2; i++)
        store_let_go(STORE, ARENA, &ages, &old[i]);
    assert_true(store_sync(STORE, &fault)); /* promised; the database has not committed */
    const char *path = arena_print(ARENA, "%s/b.tar", clinic->folder);
    const char *again = arena_print(ARENA, "%s/again", clinic->folder);
    assert_true(backup_make(clinic->folder, path, &clinic->setup->clock, ARENA, &facts, &fault));
    assert_true(file_make_folder(again, 0700));
    assert_true(
        backup_restore(path, again, false, &clinic->setup->clock, ARENA, &restored, &fault));
    store_close(STORE);
    assert_true(
        store_open(arena_print(ARENA, "%s/store.db", again), &clinic->store, ARENA, &fault));
    assert_null(body_of(clinic, row));
    struct store_record found;
    assert_true(store_get_record(STORE, ARENA, record, &found));
    assert_string_equal(found.text, "{\"record_id\":\"N-1\"}");
    assert_true(found.payload < (int64_t)1 << 32);
}

static void a_store_that_is_too_large_keeps_less(void **state)
{
    struct clinic *clinic = *state;
    struct retention retention = {.squeeze = 0};
    int64_t old = add_sized(clinic, "in", "old", "done", 0, 8 << 20);
    pass_days(clinic, 6);
    int64_t newer = add_sized(clinic, "in", "newer", "done", 0, 1 << 20);
    clinic->setup->config.store_max_bytes = 1 << 30;
    run(clinic, &retention);
    assert_non_null(body_of(clinic, old));
    clinic->setup->config.store_max_bytes = 12 << 20;
    run(clinic, &retention);
    run(clinic, &retention);
    assert_null(body_of(clinic, old));
    assert_non_null(body_of(clinic, newer));
}

static void it_goes_in_small_slices(void **state)
{
    struct clinic *clinic = *state;
    struct retention retention = {.squeeze = 0};
    clinic_begin(clinic);
    for (int i = 0; i < 1200; i++)
        put(clinic, "in", arena_print(ARENA, "m-%d", i), "done", 0, 0);
    clinic_commit(clinic);
    pass_days(clinic, 11);
    assert_true(run(clinic, &retention) >= 4);
    assert_int_equal(retention.removed_bodies, 1200);
    pass_days(clinic, 30);
    run(clinic, &retention);
    assert_int_equal(retention.removed_rows, 1199);
}

static void cancels_go_with_the_ids(void **state)
{
    struct clinic *clinic = *state;
    clinic_begin(clinic);
    for (int i = 0; i < 600; i++)
        store_add_early_cancel(STORE, "lakeside", "lakeside", arena_print(ARENA, "R-%d", i),
                               store_lived_ms(STORE));
    clinic_commit(clinic);
    pass_days(clinic, 29);
    clinic_begin(clinic);
    store_add_early_cancel(STORE, "lakeside", "lakeside", "R-7",
                           store_lived_ms(STORE)); /* said again */
    clinic_commit(clinic);
    keep(clinic);
    assert_true(store_has_early_cancel(STORE, "lakeside", "lakeside", "R-1"));
    pass_days(clinic, 2);
    keep(clinic);
    for (int i = 0; i < 600; i++)
        assert_int_equal(
            store_has_early_cancel(STORE, "lakeside", "lakeside", arena_print(ARENA, "R-%d", i)),
            i == 7);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, clinic_stop)
    const struct CMUnitTest tests[] = {
        TEST(bytes_go_before_ids),     TEST(ids_are_never_given_twice),
        TEST(what_is_open_stays),      TEST(the_audit_stays),
        TEST(segments_become_free),    TEST(a_backup_keeps_its_segments),
        TEST(a_crash_does_it_again),   TEST(a_store_that_is_too_large_keeps_less),
        TEST(it_goes_in_small_slices), TEST(cancels_go_with_the_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
