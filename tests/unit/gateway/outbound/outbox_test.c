/* outbox and compose: the message, its ids and its audit row stand together; the same message is
 * queued once; what is taken back is never sent under the same ids. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/exchange/build_message.h"
#include "gateway/outbound/outbox.h"
#include "gateway/store/sqlite/sqlite.h"
#include "lib/rows.h"

struct bench {
    struct clinic *clinic;
    const struct grant *grant;
    struct store_referral referral;
};

static int start(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    const char *reason;
    bench->clinic = clinic_new("willow", "");
    bench->referral = rows_referral("lakeside", "R-1");
    bench->referral.client = "C-1042";
    bench->referral.task_status = "in-progress";
    clinic_begin(bench->clinic);
    bench->referral.id = store_add_referral(bench->clinic->store, &bench->referral);
    clinic_commit(bench->clinic);
    bench->grant =
        release_reply(bench->clinic->setup, &bench->clinic->arena, &bench->referral, &reason);
    *state = bench;
    return 0;
}

static int stop(void **state)
{
    struct bench *bench = *state;
    clinic_free(bench->clinic);
    free(bench);
    return 0;
}

static struct json *note_bundle(struct bench *bench, const char *number, int64_t taken_back)
{
    static const char *const recipients[] = {"osei"};
    struct clinic *clinic = bench->clinic;
    struct message_referral referral = {.placer = "lakeside",
                                        .number = "R-1",
                                        .filler = "willow",
                                        .filler_number = "F-1",
                                        .client_number = "C-1042"};
    struct compose_item item = {
        .record = clinic_read(clinic, clinic_note(clinic, number, "alvarez", "R-1", 2)).tree,
        .sender = "willow",
        .recipients = recipients,
        .recipient_count = 1,
        .clinics = "lakeside",
        .referral = &referral,
        .visits_total = 6,
        .taken_back = taken_back};
    return compose_record(clinic->setup, &clinic->arena, &item);
}

static int64_t commit(struct bench *bench, const struct json *bundle)
{
    struct outbox_item item = {
        .bundle = bundle, .kind = "progress-note", .referral = bench->referral.id, .now_ms = 5000};
    clinic_begin(bench->clinic);
    int64_t id = outbox_commit(bench->clinic->store, &bench->clinic->arena, bench->grant, &item);
    clinic_commit(bench->clinic);
    return id;
}

static const struct json *resource_of(const struct json *bundle, const char *type)
{
    for (const struct json *entry = json_first(json_get(bundle, "entry")); entry != NULL;
         entry = json_next(entry)) {
        const struct json *resource = json_get(entry, "resource");
        if (text_equal(json_get_text(resource, "resourceType"), type))
            return resource;
    }
    return NULL;
}

static void the_row_says_what_the_bundle_says(void **state)
{
    struct bench *bench = *state;
    struct clinic *clinic = bench->clinic;
    struct store_message message;
    size_t length;
    const struct json *bundle = note_bundle(bench, "N-1", 0);
    int64_t id = commit(bench, bundle);
    assert_true(store_get_message(clinic->store, &clinic->arena, id, &message));
    assert_string_equal(message.direction, "out");
    assert_string_equal(message.partner, "lakeside");
    assert_string_equal(message.recipient, "lakeside");
    assert_string_equal(message.state, "queued");
    assert_string_equal(message.event, "notify-add-service-record");
    assert_string_equal(message.bundle_id, json_get_text(bundle, "id"));
    assert_string_equal(message.message_id,
                        json_get_text(resource_of(bundle, "MessageHeader"), "id"));
    assert_int_equal(message.due_ms, 5000);
    assert_int_equal(message.attempts, 0);
    assert_string_equal(payload_get(clinic->store, &clinic->arena, message.payload, &length),
                        json_print(&clinic->arena, bundle));
    struct store_audit *audits;
    size_t count = store_audits(clinic->store, &clinic->arena, 0, 100, &audits);
    assert_string_equal(audits[count - 1].what, "queued");
    assert_string_equal(audits[count - 1].subject, message.message_id);
    assert_string_equal(audits[count - 1].detail, "reply");
}

static void the_same_message_is_queued_once(void **state)
{
    struct bench *bench = *state;
    int64_t id = commit(bench, note_bundle(bench, "N-1", 0));
    int64_t audits = sqlite_number(bench->clinic->store, "SELECT count(*) FROM audit", "");
    assert_int_equal(commit(bench, note_bundle(bench, "N-1", 0)), id);
    assert_int_equal(sqlite_number(bench->clinic->store, "SELECT count(*) FROM message", ""), 1);
    assert_int_equal(sqlite_number(bench->clinic->store, "SELECT count(*) FROM audit", ""), audits);
    assert_int_not_equal(commit(bench, note_bundle(bench, "N-2", 0)), id);
    assert_int_not_equal(commit(bench, note_bundle(bench, "N-1", 1)), id);
}

static void ids_come_from_what_is_said(void **state)
{
    struct bench *bench = *state;
    struct json *one = note_bundle(bench, "N-1", 0);
    struct json *same = note_bundle(bench, "N-1", 0);
    assert_string_equal(json_print(&bench->clinic->arena, one),
                        json_print(&bench->clinic->arena, same));
    const char *id = json_get_text(one, "id");
    assert_string_not_equal(id, json_get_text(note_bundle(bench, "N-2", 0), "id"));
    assert_string_not_equal(id, json_get_text(note_bundle(bench, "N-1", 1), "id"));
}

static void a_note_moves_the_task_of_the_filler(void **state)
{
    struct bench *bench = *state;
    const struct json *task = resource_of(note_bundle(bench, "N-1", 0), "Task");
    assert_string_equal(json_get_text(task, "status"), "in-progress");
    struct text text = text_new(&bench->clinic->arena, 100000);
    text_add(&text, json_print(&bench->clinic->arena, task));
    assert_non_null(strstr(text.at, "F-1"));
}

static void what_is_withdrawn_is_never_sent(void **state)
{
    struct bench *bench = *state;
    struct clinic *clinic = bench->clinic;
    struct store_message message;
    struct store_message *due;
    int64_t id = commit(bench, note_bundle(bench, "N-1", 0));
    store_get_message(clinic->store, &clinic->arena, id, &message);
    clinic_begin(clinic);
    outbox_withdraw(clinic->store, &clinic->arena, &message, "consent taken back", 6000);
    clinic_commit(clinic);
    store_get_message(clinic->store, &clinic->arena, id, &message);
    assert_string_equal(message.state, "withdrawn");
    assert_string_equal(message.reason, "consent taken back");
    assert_int_equal(message.settled_ms, 6000);
    assert_int_equal(store_due(clinic->store, &clinic->arena, "lakeside", INT64_MAX, 10, &due), 0);
    struct store_audit *audits;
    size_t count = store_audits(clinic->store, &clinic->arena, 0, 100, &audits);
    assert_string_equal(audits[count - 1].what, "withheld");
}

static const char *status_after_withdrawal(struct bench *bench, struct store_message message)
{
    struct clinic *clinic = bench->clinic;
    message.kind = "referral";
    message.referral = bench->referral.id;
    clinic_begin(clinic);
    bench->referral.task_status = "requested";
    store_set_referral(clinic->store, &bench->referral);
    message.id = rows_add_message(clinic, message);
    store_get_message(clinic->store, &clinic->arena, message.id, &message);
    outbox_withdraw(clinic->store, &clinic->arena, &message, "consent taken back", 6000);
    clinic_commit(clinic);
    store_get_referral(clinic->store, &clinic->arena, bench->referral.id, &bench->referral);
    return bench->referral.task_status;
}

/* Consent may be taken back twice: the first message was tried, the second was not. */
static void only_a_referral_that_never_left_is_a_draft_again(void **state)
{
    struct bench *bench = *state;
    struct store_message untried = rows_message(bench->clinic, "lakeside", "m-1");
    struct store_message tried = rows_message(bench->clinic, "lakeside", "m-2");
    struct store_message again = rows_message(bench->clinic, "lakeside", "m-3");
    tried.attempts = 1;
    assert_string_equal(status_after_withdrawal(bench, untried), "draft");
    assert_string_equal(status_after_withdrawal(bench, tried), "requested");
    assert_string_equal(status_after_withdrawal(bench, again), "requested");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_row_says_what_the_bundle_says),
        TEST(the_same_message_is_queued_once),
        TEST(ids_come_from_what_is_said),
        TEST(a_note_moves_the_task_of_the_filler),
        TEST(what_is_withdrawn_is_never_sent),
        TEST(only_a_referral_that_never_left_is_a_draft_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
