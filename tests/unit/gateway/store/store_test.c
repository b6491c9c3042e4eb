/* store: the contract of store/rows.h, function by function, on a real store in a folder of its
 * own. What stands here holds for any store behind the contract. Messages in the order of their
 * going are in store_due_test.c, what is left after a crash in store_recovery_test.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "lib/rows.h"

#define ARENA (&clinic->arena)
#define STORE (clinic->store)

static const char *store_path(struct clinic *clinic)
{
    return arena_print(ARENA, "%s/store.db", clinic->folder);
}

static int64_t add_inbound(struct clinic *clinic, const char *partner, const char *id,
                           const char *bundle)
{
    struct store_message message = rows_message(clinic, partner, id);
    message.direction = "in";
    message.bundle_id = bundle;
    message.state = "done";
    return rows_add_message(clinic, message);
}

/* ---- opening ---- */

static void it_is_private_and_demands_durability(void **state)
{
    struct clinic *clinic = *state;
    struct stat about;
    assert_int_equal(stat(store_path(clinic), &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    char *log = arena_print(ARENA, "%s-wal", store_path(clinic));
    assert_int_equal(stat(log, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
}

static void refuse_to_open(struct clinic *clinic, const char *path, const char *word)
{
    struct store *store = NULL;
    struct fault fault = {FAULT_none, NULL};
    assert_false(store_open(path, &store, ARENA, &fault));
    assert_null(store);
    assert_int_equal(fault.kind, FAULT_store_broken);
    assert_non_null(strstr(fault.sentence, word));
    assert_non_null(strstr(fault.sentence, "restore"));
}

static void what_is_no_store_is_refused_and_left_alone(void **state)
{
    struct clinic *clinic = *state;
    const char *text =
        "this is a letter to the bank, and not a store at all, whatever its name says; "
        "it is long enough to be looked at as the first page of one ...............";
    clinic_put(clinic, "other.db", text);
    const char *path = arena_print(ARENA, "%s/other.db", clinic->folder);
    size_t length;
    refuse_to_open(clinic, path, "cannot be used");
    assert_string_equal(file_read(ARENA, path, 10000, &length, &clinic->findings), text);
    refuse_to_open(clinic, arena_print(ARENA, "%s/no/such/folder.db", clinic->folder), "cannot be");
    refuse_to_open(clinic, clinic->folder, "cannot be");
}

static void a_reader_needs_a_store(void **state)
{
    struct clinic *clinic = *state;
    struct store *reader;
    struct fault fault;
    assert_false(store_open_reader(arena_print(ARENA, "%s/none.db", clinic->folder), &reader, ARENA,
                                   &fault));
    assert_int_equal(fault.kind, FAULT_store_broken);
}

static void a_reader_sees_what_is_committed_and_writes_nothing(void **state)
{
    struct clinic *clinic = *state;
    struct store *reader;
    struct fault fault;
    struct store_referral referral;
    assert_true(store_open_reader(store_path(clinic), &reader, ARENA, &fault));
    clinic_begin(clinic);
    rows_add_referral(clinic, "lakeside", "R-1");
    assert_false(store_find_referral(reader, ARENA, "lakeside", "R-1", &referral));
    clinic_commit(clinic);
    assert_true(store_find_referral(reader, ARENA, "lakeside", "R-1", &referral));
    store_begin(reader);
    store_drop_place(reader, "x");
    assert_true(store_failed(reader));
    assert_false(store_commit(reader, &fault));
    store_close(reader);
}

/* ---- transactions ---- */

static void a_commit_survives_and_a_rollback_leaves_nothing(void **state)
{
    struct clinic *clinic = *state;
    struct store_referral referral;
    clinic_begin(clinic);
    rows_add_referral(clinic, "lakeside", "R-1");
    clinic_commit(clinic);
    clinic_begin(clinic);
    rows_add_referral(clinic, "lakeside", "R-2");
    store_rollback(STORE);
    clinic_reopen(clinic);
    assert_true(store_find_referral(STORE, ARENA, "lakeside", "R-1", &referral));
    assert_false(store_find_referral(STORE, ARENA, "lakeside", "R-2", &referral));
}

static void a_part_is_undone_alone(void **state)
{
    struct clinic *clinic = *state;
    struct store_referral referral;
    clinic_begin(clinic);
    store_mark(STORE);
    rows_add_referral(clinic, "lakeside", "R-1");
    store_keep(STORE);
    store_mark(STORE);
    rows_add_referral(clinic, "lakeside", "R-2");
    store_undo(STORE);
    store_mark(STORE);
    rows_add_referral(clinic, "lakeside", "R-3");
    store_keep(STORE);
    clinic_commit(clinic);
    assert_true(store_find_referral(STORE, ARENA, "lakeside", "R-1", &referral));
    assert_false(store_find_referral(STORE, ARENA, "lakeside", "R-2", &referral));
    assert_true(store_find_referral(STORE, ARENA, "lakeside", "R-3", &referral));
}

/* Rows that are added wait for each other while the store serves; nobody may see a difference. */
static void many_rows_at_once_are_the_same_rows(void **state)
{
    enum { MANY = 600 };
    struct clinic *clinic = *state;
    struct store_event *events;
    struct store_referral referral;
    clinic_begin(clinic);
    int64_t id = rows_add_referral(clinic, "lakeside", "R-0");
    for (int i = 1; i <= MANY; i++) {
        const char *number = arena_print(ARENA, "R-%d", i);
        if (i % 200 == 199)
            store_mark(STORE);
        store_add_event(STORE, &(struct store_event){.referral = id,
                                                     .at_ms = i,
                                                     .what = number,
                                                     .by = i % 2 == 0 ? "osei" : NULL});
        rows_add_referral(clinic, "lakeside", number);
        if (i % 200 == 199)
            store_undo(STORE);
        if (i % 250 == 0)
            assert_true(store_find_referral(STORE, ARENA, "lakeside", number, &referral));
    }
    clinic_commit(clinic);
    assert_int_equal(store_events(STORE, ARENA, id, &events), MANY - 3);
    assert_int_equal(events[0].at_ms, 1);
    assert_null(events[0].by);
    assert_string_equal(events[1].by, "osei");
    assert_string_equal(events[MANY - 4].what, "R-600");
    assert_null(events[MANY - 4].detail);
    assert_true(store_find_referral(STORE, ARENA, "lakeside", "R-600", &referral));
    assert_int_equal(referral.created_ms, 1000);
    assert_null(referral.reason);
    assert_false(store_find_referral(STORE, ARENA, "lakeside", "R-399", &referral));
}

/* Whichever way it goes in: alone, or with many. */
static void a_row_that_may_not_be_shows_before_the_promise(void **state)
{
    struct clinic *clinic = *state;
    struct store_event *events;
    for (int count = 1; count <= 20; count += 19) {
        clinic_begin(clinic);
        for (int i = 1; i <= count; i++)
            store_add_event(STORE, &(struct store_event){.referral = 1, .what = NULL});
        store_apply(STORE);
        assert_true(store_refused(STORE));
        store_rollback(STORE);
    }
    clinic_begin(clinic);
    store_add_event(STORE, &(struct store_event){.referral = 1, .what = "accepted"});
    clinic_commit(clinic);
    assert_int_equal(store_events(STORE, ARENA, 1, &events), 1);
}

static void the_first_error_sticks_until_the_next_begin(void **state)
{
    struct clinic *clinic = *state;
    struct store_referral referral;
    struct fault fault = {FAULT_none, NULL};
    clinic_begin(clinic);
    assert_true(rows_add_referral(clinic, "lakeside", "R-1") > 0);
    assert_int_equal(rows_add_referral(clinic, "lakeside", "R-1"), 0); /* the key is unique */
    assert_true(store_failed(STORE));
    assert_int_equal(rows_add_referral(clinic, "lakeside", "R-2"), 0); /* later calls do nothing */
    assert_false(store_commit(STORE, &fault));
    assert_true(fault.kind == FAULT_store_broken && fault.sentence[0] != '\0');
    assert_false(store_failed(STORE));
    assert_false(store_find_referral(STORE, ARENA, "lakeside", "R-1", &referral));
    clinic_begin(clinic);
    assert_true(rows_add_referral(clinic, "lakeside", "R-1") > 0);
    clinic_commit(clinic);
}

/* ---- payloads ---- */

static void payloads_come_back_byte_by_byte(void **state)
{
    struct clinic *clinic = *state;
    size_t length;
    char *large = arena_alloc(ARENA, 3 << 20);
    for (size_t i = 0; i < 3 << 20; i++)
        large[i] = (char)(i * 2654435761u >> 13);
    clinic_begin(clinic);
    int64_t zero = payload_put(STORE, "a\0b", 3);
    int64_t empty = payload_put(STORE, "", 0);
    int64_t huge = payload_put(STORE, large, 3 << 20);
    clinic_commit(clinic);
    clinic_reopen(clinic);
    assert_memory_equal(payload_get(STORE, ARENA, zero, &length), "a\0b", 4);
    assert_int_equal(length, 3);
    assert_string_equal(payload_get(STORE, ARENA, empty, &length), "");
    assert_int_equal(length, 0);
    assert_memory_equal(payload_get(STORE, ARENA, huge, &length), large, 3 << 20);
    assert_int_equal(length, 3 << 20);
    assert_null(payload_get(STORE, ARENA, 999999, &length));
    assert_int_equal(length, 0);
}

/* ---- records ---- */

static void records_are_found_by_identity_and_client(void **state)
{
    struct clinic *clinic = *state;
    struct store_record record;
    struct store_record *rows;
    clinic_begin(clinic);
    int64_t first = rows_add_record(clinic, "referral", "R-1", "C-1");
    int64_t second =
        rows_add_record(clinic, "consent", "R-1", "C-1"); /* another kind, same number */
    rows_add_record(clinic, "consent", "K-2", "C-2");
    clinic_commit(clinic);
    assert_true(store_find_record(STORE, ARENA, "willow", "referral", "R-1", &record));
    assert_int_equal(record.id, first);
    assert_int_equal(record.hash[0], '1');
    assert_true(record.exported);
    assert_int_equal(record.referral, 0);
    assert_false(store_find_record(STORE, ARENA, "lakeside", "referral", "R-1", &record));
    assert_false(store_find_record(STORE, ARENA, "willow", "referral", "r-1", &record));
    assert_true(store_get_record(STORE, ARENA, second, &record));
    assert_string_equal(record.text, "{\"record_id\":\"R-1\"}");
    assert_false(store_get_record(STORE, ARENA, 999, &record));
    assert_int_equal(store_records(STORE, ARENA, "C-1", NULL, NULL, &rows), 2);
    assert_int_equal(store_records(STORE, ARENA, "C-1", "consent", "own", &rows), 1);
    assert_string_equal(rows[0].text, "{\"record_id\":\"R-1\"}");
    assert_int_equal(store_records(STORE, ARENA, NULL, "consent", NULL, &rows), 2);
    assert_string_equal(rows[0].number, "R-1");
    assert_string_equal(rows[1].number, "K-2");
    assert_int_equal(store_records(STORE, ARENA, NULL, NULL, "lakeside", &rows), 0);
    assert_int_equal(store_records(STORE, ARENA, "C-3", NULL, NULL, &rows), 0);
}

static void a_record_identity_is_unique(void **state)
{
    struct clinic *clinic = *state;
    struct fault fault;
    clinic_begin(clinic);
    assert_true(rows_add_record(clinic, "referral", "R-1", "C-1") > 0);
    assert_int_equal(rows_add_record(clinic, "referral", "R-1", "C-2"), 0);
    assert_false(store_commit(STORE, &fault));
}

static void what_is_not_exported_is_listed_until_it_is(void **state)
{
    struct clinic *clinic = *state;
    struct store_record *rows;
    clinic_begin(clinic);
    for (int i = 0; i < 3; i++) {
        struct store_record record = {.clinic = "lakeside",
                                      .kind = "referral",
                                      .number = arena_print(ARENA, "R-%d", i),
                                      .origin = "lakeside",
                                      .client = ""};
        record.payload = payload_put(STORE, "{}", 2);
        store_add_record(STORE, &record);
    }
    rows_add_record(clinic, "referral", "R-9", "C-1");
    clinic_commit(clinic);
    assert_int_equal(store_unexported(STORE, ARENA, 0, &rows), 3);
    assert_string_equal(rows[0].text, "{}");
    clinic_begin(clinic);
    store_set_exported(STORE, rows[1].id);
    clinic_commit(clinic);
    assert_int_equal(store_unexported(STORE, ARENA, 0, &rows), 2);
    assert_string_equal(rows[1].number, "R-2");
}

/* ---- referrals ---- */

static void referrals_are_found_by_either_number(void **state)
{
    struct clinic *clinic = *state;
    struct store_referral referral;
    struct store_referral *rows;
    clinic_begin(clinic);
    int64_t id = rows_add_referral(clinic, "lakeside", "R-1");
    rows_add_referral(clinic, "harbor", "R-1");
    rows_add_referral(clinic, "harbor", "R-2");
    store_get_referral(STORE, ARENA, id, &referral);
    referral.filler_number = "willow-F-1";
    store_set_referral(STORE, &referral);
    clinic_commit(clinic);
    assert_int_equal(store_referrals_numbered(STORE, ARENA, "R-1", &rows), 2);
    assert_int_equal(store_referrals_numbered(STORE, ARENA, "willow-F-1", &rows), 0);
    assert_int_equal(store_referrals_filled(STORE, ARENA, "willow-F-1", &rows), 1);
    assert_int_equal(rows[0].id, id);
    assert_int_equal(store_referrals_filled(STORE, ARENA, "R-1", &rows), 0);
    assert_int_equal(store_referrals_numbered(STORE, ARENA, "R-3", &rows), 0);
    assert_int_equal(store_referrals(STORE, ARENA, &rows), 3);
}

static void only_what_may_change_changes(void **state)
{
    struct clinic *clinic = *state;
    struct store_referral referral;
    clinic_begin(clinic);
    int64_t id = rows_add_referral(clinic, "lakeside", "R-1");
    store_get_referral(STORE, ARENA, id, &referral);
    referral.placer = "harbor";
    referral.number = "R-2";
    referral.client = "C-9";
    referral.created_ms = 9;
    referral.task_status = "accepted";
    referral.reason = "why";
    referral.abort_status = "requested";
    referral.visits_done = 2;
    referral.visits_total = 6;
    referral.priority = "urgent";
    referral.valid_until = "2026-12-31";
    referral.changed_ms = 2000;
    store_set_referral(STORE, &referral);
    clinic_commit(clinic);
    assert_true(store_get_referral(STORE, ARENA, id, &referral));
    assert_string_equal(referral.placer, "lakeside");
    assert_string_equal(referral.number, "R-1");
    assert_string_equal(referral.client, "C-1");
    assert_int_equal(referral.created_ms, 1000);
    assert_string_equal(referral.task_status, "accepted");
    assert_string_equal(referral.reason, "why");
    assert_string_equal(referral.abort_status, "requested");
    assert_int_equal(referral.visits_done * 10 + referral.visits_total, 26);
    assert_string_equal(referral.priority, "urgent");
    assert_string_equal(referral.valid_until, "2026-12-31");
    assert_int_equal(referral.changed_ms, 2000);
    assert_null(referral.service);
}

static void events_keep_their_order(void **state)
{
    struct clinic *clinic = *state;
    struct store_event *events;
    clinic_begin(clinic);
    int64_t one = rows_add_referral(clinic, "lakeside", "R-1");
    int64_t other = rows_add_referral(clinic, "lakeside", "R-2");
    for (int i = 0; i < 6; i++) {
        struct store_event event = {.referral = i % 2 == 0 ? one : other,
                                    .at_ms =
                                        1000 - i, /* the clock may go back: order is by number */
                                    .what = arena_print(ARENA, "step %d", i)};
        store_add_event(STORE, &event);
    }
    clinic_commit(clinic);
    assert_int_equal(store_events(STORE, ARENA, one, &events), 3);
    assert_string_equal(events[0].what, "step 0");
    assert_string_equal(events[2].what, "step 4");
    assert_null(events[0].by);
    assert_int_equal(store_events(STORE, ARENA, 999, &events), 0);
}

/* ---- messages ---- */

static void inbound_ids_are_unique_to_their_partner(void **state)
{
    struct clinic *clinic = *state;
    struct store_message message;
    struct fault fault;
    clinic_begin(clinic);
    assert_true(add_inbound(clinic, "lakeside", "m-1", "b-1") > 0);
    assert_true(add_inbound(clinic, "harbor", "m-1", "b-1") > 0);
    assert_true(rows_add_waiting(clinic, "lakeside", "m-1", 0, 0) > 0); /* outbound ids are ours */
    clinic_commit(clinic);
    clinic_begin(clinic);
    assert_int_equal(add_inbound(clinic, "lakeside", "m-1", "b-2"), 0);
    assert_false(store_commit(STORE, &fault));
    clinic_begin(clinic);
    assert_int_equal(add_inbound(clinic, "lakeside", "m-2", "b-1"), 0);
    assert_false(store_commit(STORE, &fault));
    clinic_begin(clinic);
    assert_int_equal(rows_add_waiting(clinic, "harbor", "m-1", 0, 0), 0);
    assert_false(store_commit(STORE, &fault));
    assert_true(store_find_inbound(STORE, ARENA, "lakeside", "m-1", &message));
    assert_string_equal(message.partner, "lakeside");
    assert_false(store_find_inbound(STORE, ARENA, "lakeside", "b-1", &message));
    assert_true(store_find_inbound_bundle(STORE, ARENA, "harbor", "b-1", &message));
    assert_string_equal(message.partner, "harbor");
    assert_false(store_find_inbound(STORE, ARENA, "riverbend", "m-1", &message));
    assert_true(store_find_outbound(STORE, ARENA, "m-1", &message));
    assert_string_equal(message.direction, "out");
}

static void messages_are_listed_newest_first(void **state)
{
    struct clinic *clinic = *state;
    struct store_message *rows;
    clinic_begin(clinic);
    int64_t referral = rows_add_referral(clinic, "lakeside", "R-1");
    int64_t first = rows_add_waiting(clinic, "lakeside", "m-1", referral, 0);
    rows_add_waiting(clinic, "lakeside", "m-2", 0, 0);
    add_inbound(clinic, "lakeside", "m-3", "b-3");
    rows_set_state(clinic, first, "sent");
    clinic_commit(clinic);
    assert_int_equal(store_messages(STORE, ARENA, NULL, NULL, 0, 10, &rows), 3);
    assert_string_equal(rows[0].message_id, "m-3");
    assert_string_equal(rows[2].message_id, "m-1");
    assert_int_equal(store_messages(STORE, ARENA, NULL, NULL, 0, 2, &rows), 2);
    assert_int_equal(store_messages(STORE, ARENA, "out", NULL, 0, 10, &rows), 2);
    assert_int_equal(store_messages(STORE, ARENA, "out", "sent", 0, 10, &rows), 1);
    assert_int_equal(store_messages(STORE, ARENA, NULL, NULL, referral, 10, &rows), 1);
    assert_int_equal(store_messages(STORE, ARENA, "in", "sent", 0, 10, &rows), 0);
}

static void only_the_state_of_a_message_changes(void **state)
{
    struct clinic *clinic = *state;
    struct store_message message;
    clinic_begin(clinic);
    int64_t id = rows_add_waiting(clinic, "lakeside", "m-1", 0, 5);
    store_get_message(STORE, ARENA, id, &message);
    message.partner = "harbor";
    message.message_id = "m-9";
    message.state = "rejected";
    message.reason = "no";
    message.attempts = 3;
    message.due_ms = 50;
    message.settled_ms = 60;
    message.response_code = "fatal-error";
    message.response_issues = "[]";
    store_set_message(STORE, &message);
    clinic_commit(clinic);
    store_get_message(STORE, ARENA, id, &message);
    assert_string_equal(message.partner, "lakeside");
    assert_string_equal(message.message_id, "m-1");
    assert_string_equal(message.state, "rejected");
    assert_string_equal(message.reason, "no");
    assert_int_equal(message.attempts, 3);
    assert_int_equal(message.due_ms + message.settled_ms, 110);
    assert_string_equal(message.response_code, "fatal-error");
    assert_string_equal(message.response_issues, "[]");
}

/* ---- the tray, people, links ---- */

static void the_tray(void **state)
{
    struct clinic *clinic = *state;
    struct store_release *rows;
    struct store_release release;
    const char **clients;
    struct fault fault;
    clinic_begin(clinic);
    int64_t record = rows_add_record(clinic, "referral", "R-1", "C-1");
    struct store_message of_record = rows_message(clinic, "lakeside", "m-1");
    of_record.record = record;
    int64_t message = rows_add_message(clinic, of_record);
    struct store_release waiting = {.record = record,
                                    .recipient = "lakeside",
                                    .addressed_as = "osei;lindqvist",
                                    .partner = "",
                                    .client = "C-1",
                                    .state = "waiting",
                                    .reason = "no consent",
                                    .decided_ms = 5};
    waiting.id = store_add_release(STORE, &waiting);
    clinic_commit(clinic);
    assert_int_equal(store_releases(STORE, ARENA, "C-1", "waiting", &rows), 1);
    assert_string_equal(rows[0].addressed_as, "osei;lindqvist");
    assert_int_equal(store_releases(STORE, ARENA, NULL, NULL, &rows), 1);
    assert_int_equal(store_releases(STORE, ARENA, "C-2", NULL, &rows), 0);
    assert_int_equal(store_waiting_clients(STORE, ARENA, &clients), 1);
    assert_string_equal(clients[0], "C-1");
    clinic_begin(clinic);
    waiting.state = "sent";
    waiting.reason = NULL;
    waiting.partner = "lakeside";
    waiting.message = message;
    store_set_release(STORE, &waiting);
    clinic_commit(clinic);
    assert_int_equal(store_waiting_clients(STORE, ARENA, &clients), 0);
    assert_true(store_find_release(STORE, ARENA, message, &release));
    assert_string_equal(release.partner, "lakeside");
    assert_null(release.reason);
    assert_false(store_find_release(STORE, ARENA, message + 1, &release));
    clinic_begin(clinic);
    assert_int_equal(store_add_release(STORE, &waiting), 0); /* one row for each recipient */
    assert_false(store_commit(STORE, &fault));
}

static struct store_claim claim_of(const char *partner, const char *key, int64_t at_ms)
{
    return (struct store_claim){.partner = partner,
                                .key = key,
                                .kind = "person",
                                .name = "Dr. Kim",
                                .first_ms = at_ms,
                                .last_ms = at_ms};
}

static enum store_seen see(struct clinic *clinic, const char *partner, const char *key,
                           int64_t at_ms)
{
    struct store_claim claim = claim_of(partner, key, at_ms);
    return store_see_claim(STORE, &claim);
}

static int64_t last_seen(struct clinic *clinic, const char *partner, const char *key)
{
    struct store_claim claim;
    assert_true(store_find_claim(STORE, ARENA, partner, key, &claim));
    return claim.last_ms;
}

/* The hot path writes nothing for somebody who is named in every message. */
static void a_claim_that_comes_again_is_noted_once_a_day(void **state)
{
    struct clinic *clinic = *state;
    struct store_claim other = claim_of("lakeside", "k", 3);
    other.kind = "clinic";
    clinic_begin(clinic);
    assert_int_equal(see(clinic, "lakeside", "k", 1000), STORE_SEEN_FIRST);
    assert_int_equal(see(clinic, "lakeside", "k", 2000), STORE_SEEN_BEFORE);
    assert_int_equal(see(clinic, "harbor", "k", 2000), STORE_SEEN_FIRST); /* another's claim */
    assert_int_equal(last_seen(clinic, "lakeside", "k"), 1000);
    assert_int_equal(see(clinic, "lakeside", "k", 1000 + STORE_CLAIM_SEEN_MS), STORE_SEEN_BEFORE);
    assert_int_equal(last_seen(clinic, "lakeside", "k"), 1000 + STORE_CLAIM_SEEN_MS);
    assert_int_equal(store_see_claim(STORE, &other), STORE_SEEN_OTHERWISE);
    clinic_commit(clinic);
}

static void a_partners_oldest_new_claims_go_first(void **state)
{
    struct clinic *clinic = *state;
    struct store_claim kept = claim_of("lakeside", "k-0", 1);
    clinic_begin(clinic);
    see(clinic, "harbor", "old", 1);
    for (int i = 0; i < STORE_CLAIMS_OF_PARTNER_MAX + 5; i++) {
        see(clinic, "lakeside", arena_print(ARENA, "k-%d", i), 10 + i);
        if (i == 0) {
            assert_true(store_find_claim(STORE, ARENA, "lakeside", "k-0", &kept));
            kept.state = "confirmed";
            kept.handle = "kim";
            store_decide_claim(STORE, &kept);
        }
        store_trim_claims(STORE, "lakeside");
    }
    clinic_commit(clinic);
    assert_true(store_find_claim(STORE, ARENA, "lakeside", "k-0", &kept));
    assert_string_equal(kept.handle, "kim");
    assert_false(store_find_claim(STORE, ARENA, "lakeside", "k-1", &kept));
    assert_false(store_find_claim(STORE, ARENA, "lakeside", "k-5", &kept));
    assert_true(store_find_claim(STORE, ARENA, "lakeside", "k-6", &kept));
    assert_true(store_find_claim(STORE, ARENA, "harbor", "old", &kept));
}

static void the_ceiling_of_all_claims_holds(void **state)
{
    struct clinic *clinic = *state;
    struct store_claim claim;
    clinic_begin(clinic);
    for (int i = 0; i <= STORE_CLAIMS_MAX; i++)
        see(clinic, arena_print(ARENA, "p-%d", i / STORE_CLAIMS_OF_PARTNER_MAX),
            arena_print(ARENA, "k-%d", i), 10 + i);
    store_trim_claims(STORE, "p-0");
    clinic_commit(clinic);
    assert_false(store_find_claim(STORE, ARENA, "p-0", "k-0", &claim));
    assert_true(store_find_claim(STORE, ARENA, "p-0", "k-1", &claim));
}

static void claims_and_places_are_listed_page_by_page(void **state)
{
    struct clinic *clinic = *state;
    struct store_claims_asked asked = {.partner = "lakeside"};
    struct store_claim *claims;
    struct store_place *places;
    clinic_begin(clinic);
    for (int i = 0; i < STORE_PAGE + 3; i++) {
        const char *key = arena_print(ARENA, "k-%04d", i);
        see(clinic, "lakeside", key, 1 + i);
        store_put_place(STORE,
                        &(struct store_place){.handle = key, .kind = "person", .name = "Kim"});
    }
    clinic_commit(clinic);
    assert_int_equal(store_claims(STORE, ARENA, &asked, &claims), STORE_PAGE);
    asked.after = claims[STORE_PAGE - 1].id;
    assert_int_equal(store_claims(STORE, ARENA, &asked, &claims), 3);
    assert_string_equal(claims[2].key, "k-0502");
    asked = (struct store_claims_asked){.only_decided = true};
    assert_int_equal(store_claims(STORE, ARENA, &asked, &claims), 0);
    assert_int_equal(store_places(STORE, ARENA, "person", "", &places), STORE_PAGE);
    assert_int_equal(store_places(STORE, ARENA, "person", "k-0499", &places), 3);
    assert_int_equal(store_places(STORE, ARENA, "clinic", "", &places), 0);
}

static void links_are_kept_once(void **state)
{
    struct clinic *clinic = *state;
    const char **rows;
    clinic_begin(clinic);
    store_add_link(STORE, "C-1", "lakeside", "L-1");
    store_add_link(STORE, "C-1", "lakeside", "L-1");
    store_add_link(STORE, "C-1", "lakeside", "L-2");
    clinic_commit(clinic);
    assert_int_equal(store_links(STORE, ARENA, "C-1", "lakeside", &rows), 2);
    assert_int_equal(store_links(STORE, ARENA, "C-1", "harbor", &rows), 0);
    assert_int_equal(store_links(STORE, ARENA, "C-2", "lakeside", &rows), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, clinic_start, clinic_stop)
/* On a store as commands open it, and on one that serves. */
#define BOTH(name)                                                                                 \
    TEST(name), cmocka_unit_test_setup_teardown(name, clinic_start_serving, clinic_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_is_private_and_demands_durability),
        TEST(what_is_no_store_is_refused_and_left_alone),
        TEST(a_reader_needs_a_store),
        BOTH(a_reader_sees_what_is_committed_and_writes_nothing),
        BOTH(a_commit_survives_and_a_rollback_leaves_nothing),
        BOTH(a_part_is_undone_alone),
        BOTH(many_rows_at_once_are_the_same_rows),
        BOTH(a_row_that_may_not_be_shows_before_the_promise),
        BOTH(the_first_error_sticks_until_the_next_begin),
        BOTH(payloads_come_back_byte_by_byte),
        BOTH(records_are_found_by_identity_and_client),
        BOTH(a_record_identity_is_unique),
        BOTH(what_is_not_exported_is_listed_until_it_is),
        BOTH(referrals_are_found_by_either_number),
        BOTH(only_what_may_change_changes),
        BOTH(events_keep_their_order),
        BOTH(inbound_ids_are_unique_to_their_partner),
        BOTH(messages_are_listed_newest_first),
        BOTH(only_the_state_of_a_message_changes),
        BOTH(the_tray),
        BOTH(links_are_kept_once),
        BOTH(a_claim_that_comes_again_is_noted_once_a_day),
        BOTH(a_partners_oldest_new_claims_go_first),
        BOTH(claims_and_places_are_listed_page_by_page),
        TEST(the_ceiling_of_all_claims_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
