/* message_move: every move of a Task and every reply is read back as what was said, and says no
 * more than numbers, state, visits and a short reason. OUT=DIR writes the Bundles. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "lib/mapping.h"

static struct message_inbound read_back(const struct fhir_context *context,
                                        const struct json *bundle)
{
    struct message_inbound in;
    struct json_document document;
    struct json_fault fault;
    struct finding_list findings = finding_list_new(context->arena);
    const char *text = json_print(context->arena, bundle);
    assert_true(json_parse(context->arena, text, strlen(text), NULL, &document, &fault));
    if (!message_read(context, document.root, &in, &findings))
        fail_msg("%s: %s", findings.items[0].path, findings.items[0].found);
    return in;
}

/* The Bundle stays as it is; REGENERATE=1 writes it anew. */
static void check_golden(struct arena *arena, const char *path, const struct json *bundle)
{
    size_t length = 0;
    const char *text = arena_print(arena, "%s\n", json_print_pretty(arena, bundle));
    if (getenv("REGENERATE") != NULL) {
        FILE *file = fopen(path, "wb");
        assert_non_null(file);
        fputs(text, file);
        fclose(file);
    }
    assert_string_equal(mapping_file(arena, path, &length), text);
}

struct move_case {
    const char *move, *status, *event, *code, *reason, *done, *total;
    bool is_placers;
};

static const struct move_case cases[] = {
    {"accept", "accepted", "notify-update-process-request", NULL, NULL, NULL, NULL, false},
    {"decline", "rejected", "notify-update-process-request", "no-capacity", NULL, NULL, NULL,
     false},
    {"start", "in-progress", "notify-update-process-request", NULL, NULL, NULL, NULL, false},
    {"progress", "in-progress", "notify-update-process-request", NULL, NULL, "4", "10", false},
    {"progress", "in-progress", "notify-update-process-request", NULL, NULL, "4", NULL, false},
    {"hold", "on-hold", "notify-update-process-request", "client-choice", NULL, NULL, NULL, false},
    {"resume", "in-progress", "notify-update-process-request", NULL, NULL, NULL, NULL, false},
    {"complete", "completed", "notify-update-process-request", NULL, NULL, "6", "6", false},
    {"fail", "failed", "notify-update-process-request", "other", "Moved <away> & gone", NULL, NULL,
     false},
    {"cancel", "cancelled", "revoke-service-request", "duplicate", NULL, NULL, NULL, true},
    {"abort", "requested", "abort-request", "contraindicated", NULL, NULL, NULL, true},
    {"abort-accept", "cancelled", "notify-update-process-request", NULL, NULL, NULL, NULL, false},
    {"abort-decline", "in-progress", "notify-update-process-request", NULL, NULL, NULL, NULL,
     false},
};

static struct message_move move_of(const struct move_case *row)
{
    return (struct message_move){
        .move = row->move,
        .referral = {"lakeside", "LFP-88231", "willow", "willow-F-7", "L-9"},
        .from = row->is_placers ? "lakeside" : "willow",
        .to = row->is_placers ? "willow" : "lakeside",
        .by = row->is_placers ? "osei" : "alvarez",
        .at = "2026-08-25T08:00:00-04:00",
        .task_status = row->status,
        .reason_code = row->code,
        .reason = row->reason,
        .visits_done = row->done,
        .visits_total = row->total,
        .authored_at = "2026-08-24T09:12:00-04:00"};
}

static void check_move(struct arena *arena, const struct directory *directory,
                       const struct move_case *row)
{
    struct fhir_context context = mapping_context(arena, directory, row->move);
    struct message_move move = move_of(row);
    struct json *bundle = message_of_move(&context, &move);
    struct message_inbound in = read_back(&context, bundle);
    mapping_write_out(
        arena, arena_print(arena, "move-%s-%s", row->move, row->total == NULL ? "x" : row->total),
        bundle);
    assert_int_equal(in.content, MESSAGE_MOVE);
    assert_string_equal(in.event, row->event);
    assert_string_equal(in.move.move, row->move);
    assert_string_equal(in.sender, move.from);
    assert_string_equal(in.destination, move.to);
    assert_string_equal(in.move.by, move.by);
    assert_string_equal(in.move.at, move.at);
    assert_string_equal(in.referral.placer, "lakeside");
    assert_string_equal(in.referral.number, "LFP-88231");
    assert_string_equal(in.referral.filler, "willow");
    assert_string_equal(in.referral.filler_number, "willow-F-7");
    assert_string_equal(in.referral.client_number, "L-9");
    if (strncmp(row->move, "abort", 5) != 0 || strcmp(row->move, "abort-accept") == 0)
        assert_string_equal(in.move.task_status, row->status);
    assert_true(text_equal(in.move.reason_code, row->code));
    assert_true(text_equal(in.move.reason, row->reason));
    assert_true(text_equal(in.move.visits_done, row->done));
    assert_true(text_equal(in.move.visits_total, row->total));
    assert_null(in.record);
}

static void moves_come_back(void **state)
{
    struct arena arena = ARENA_EMPTY;
    struct directory *directory = mapping_directory(&arena);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_move(&arena, directory, &cases[i]);
    arena_free(&arena);
}

/* Without a reason that names the move, the Task's state tells it (other systems send no such
 * reason). */
static void state_tells_the_move(void **state)
{
    struct arena arena = ARENA_EMPTY;
    struct directory *directory = mapping_directory(&arena);
    static const char *const expected[] = {
        "accept",   "decline", "start",  "progress", "progress",     "hold",         "start",
        "complete", "fail",    "cancel", "abort",    "abort-accept", "abort-decline"};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fhir_context context = mapping_context(&arena, directory, "x");
        struct message_move move = move_of(&cases[i]);
        struct json *bundle = message_of_move(&context, &move);
        json_remove(json_find(bundle, "entry", "resource", NULL), "reason");
        assert_string_equal(read_back(&context, bundle).move.move, expected[i]);
    }
    arena_free(&arena);
}

/* A move needs no consent, so nothing of the client is in it but the placer's number. */
static void a_move_says_no_more(void **state)
{
    struct arena arena = ARENA_EMPTY;
    struct directory *directory = mapping_directory(&arena);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fhir_context context = mapping_context(&arena, directory, "x");
        struct message_move move = move_of(&cases[i]);
        const char *text = json_print(&arena, message_of_move(&context, &move));
        static const char *const foreign[] = {"\"resourceType\":\"Patient\"",
                                              "Observation",
                                              "Condition",
                                              "birthDate",
                                              "reasonCode",
                                              "\"resourceType\":\"Practitioner",
                                              "In\xc3\xa9s",
                                              "Osei"};
        for (size_t j = 0; j < sizeof foreign / sizeof *foreign; j++) {
            if (strstr(text, foreign[j]) != NULL)
                fail_msg("%s: %s", cases[i].move, foreign[j]);
        }
    }
    arena_free(&arena);
}

/* What other systems write as statusReason: a code that we know is kept, else the words, cut. */
static void foreign_reasons_are_claims(void **state)
{
    struct arena arena = ARENA_EMPTY;
    struct directory *directory = mapping_directory(&arena);
    struct fhir_context context = mapping_context(&arena, directory, "x");
    char longest[400];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    static const char known[] =
        "{\"coding\":[{\"system\":\"urn:theirs\",\"code\":\"full\"},"
        "{\"system\":\"" MESSAGE_BASE_DEFAULT "/CodeSystem/reason\",\"code\":\"coverage\"}],"
        "\"text\":\"a long story\"}";
    const struct {
        const char *concept, *code, *text;
        size_t length;
    } rows[] = {
        {known, "coverage", NULL, 0},
        {"{\"coding\":[{\"system\":\"urn:theirs\",\"code\":\"no-capacity\"}]}", NULL, "no-capacity",
         11},
        {"{\"coding\":[{\"code\":\"a\",\"display\":\"Full until May\"}]}", NULL, "Full until May",
         14},
        {"{\"text\":\"two\\nlines\"}", NULL, "two lines", 9},
        {arena_print(&arena, "{\"text\":\"%s\"}", longest), NULL, "xxx", 200},
        {"{\"text\":\"  \"}", NULL, NULL, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct json_document document;
        struct json_fault fault;
        struct message_move move = move_of(&cases[1]);
        struct json *bundle = message_of_move(&context, &move);
        struct json *task = NULL;
        for (struct json *entry = json_first(json_get(bundle, "entry")); entry != NULL;
             entry = json_next(entry)) {
            struct json *resource = json_get(entry, "resource");
            if (text_equal(json_get_text(resource, "resourceType"), "Task"))
                task = resource;
        }
        assert_true(
            json_parse(&arena, rows[i].concept, strlen(rows[i].concept), NULL, &document, &fault));
        json_replace(&arena, task, "statusReason", json_copy(&arena, document.root));
        struct message_inbound in = read_back(&context, bundle);
        assert_true(text_equal(in.move.reason_code, rows[i].code));
        assert_int_equal(in.move.reason == NULL ? 0 : strlen(in.move.reason), rows[i].length);
        if (rows[i].text != NULL)
            assert_true(text_starts(in.move.reason, rows[i].text));
    }
    arena_free(&arena);
}

/* A record of each kind is named by its number and type, and nothing else of it is told. */
static void check_retraction(struct arena *arena, const struct fhir_context *context,
                             const char *kind)
{
    struct message_retraction retraction = {
        .kind = kind,
        .number = "WSM-N-2201",
        .code = "wrong-client",
        .referral = {"lakeside", "LFP-88231", "willow", "willow-F-7", "L-9"},
        .from = "willow",
        .to = "lakeside",
        .by = "alvarez",
        .at = "2026-08-25T08:00:00-04:00"};
    struct json *bundle = message_of_retraction(context, &retraction);
    mapping_write_out(arena, arena_print(arena, "retraction-%s", kind), bundle);
    if (strcmp(kind, "progress-note") == 0)
        check_golden(arena, "tests/golden/retraction/progress-note.bundle.json", bundle);
    struct message_inbound in = read_back(context, bundle);
    assert_int_equal(in.content, MESSAGE_RETRACTION);
    assert_string_equal(in.event, "notify-update-service-record");
    assert_string_equal(in.retracted_kind, kind);
    assert_string_equal(in.retracted_number, "WSM-N-2201");
    assert_string_equal(in.retracted_code, "wrong-client");
    assert_string_equal(in.move.by, "alvarez");
    assert_null(in.record);
    if (strcmp(kind, "case-conference") != 0) /* it may discuss several */
        assert_string_equal(in.referral.number, "LFP-88231");
    assert_null(strstr(json_print(arena, bundle), "L-9"));
}

static void retractions_come_back(void **state)
{
    struct arena arena = ARENA_EMPTY;
    struct directory *directory = mapping_directory(&arena);
    struct fhir_context context = mapping_context(&arena, directory, "retraction");
    static const char *const kinds[] = {"progress-note", "discharge-summary", "case-conference",
                                        "treatment-plan", "referral"};
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        check_retraction(&arena, &context, kinds[i]);
    arena_free(&arena);
}

/* Whatever document of another system says of itself that it was a mistake is one; of a type that
 * we do not know it is not said what it was. */
static void foreign_mistakes_are_retractions(void **state)
{
    struct arena arena = ARENA_EMPTY;
    struct directory *directory = mapping_directory(&arena);
    struct fhir_context context = mapping_context(&arena, directory, "retraction");
    struct message_retraction retraction = {.kind = "progress-note",
                                            .number = "N-1",
                                            .from = "willow",
                                            .to = "lakeside",
                                            .at = "2026-08-25T08:00:00-04:00"};
    static const char *const types[][2] = {
        {"11506-3", "progress-note"},
        {"34824-3", "progress-note"},
        {"18842-5", "discharge-summary"},
        {"57154-7", "referral"},
        {"59284-0", "consent"}, /* never a note of the same number */
        {"0-0", NULL}};
    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct json_document document;
        struct json_fault fault;
        struct json *bundle = message_of_retraction(&context, &retraction);
        const char *text = json_print(&arena, bundle);
        const char *code = strstr(text, "11506-3");
        const char *other = arena_print(&arena, "%.*s%s%s", (int)(code - text), text, types[i][0],
                                        code + strlen("11506-3"));
        assert_true(json_parse(&arena, other, strlen(other), NULL, &document, &fault));
        struct message_inbound in = read_back(&context, document.root);
        assert_int_equal(in.content, MESSAGE_RETRACTION);
        assert_true(text_equal(in.retracted_kind, types[i][1]));
        assert_string_equal(in.retracted_code, "entered-in-error");
    }
    arena_free(&arena);
}

static struct json *issues(struct arena *arena)
{
    struct json *list = json_new_list(arena);
    struct json *issue = json_push(list, json_new_object(arena));
    json_set_text(arena, issue, "severity", "error");
    json_set_text(arena, issue, "code", "business-rule");
    json_set_text(arena, issue, "diagnostics", "accept it first");
    return list;
}

static void replies_come_back(void **state)
{
    struct arena arena = ARENA_EMPTY;
    struct directory *directory = mapping_directory(&arena);
    struct fhir_context context = mapping_context(&arena, directory, "reply");
    struct message_reply reply = {.answers = "5a3b0000-0000-5000-a000-000000000001",
                                  .code = "fatal-error",
                                  .event = "notify-add-service-record",
                                  .from = "lakeside",
                                  .to = "willow",
                                  .to_endpoint = "https://willow.example/fhir/$process-message",
                                  .at = "2026-08-25T08:00:00-04:00",
                                  .issues = issues(&arena)};
    (void)state;
    struct json *bundle = message_of_reply(&context, &reply);
    struct message_inbound in = read_back(&context, bundle);
    mapping_write_out(&arena, "reply-error", bundle);
    assert_int_equal(in.content, MESSAGE_REPLY);
    assert_string_equal(in.reply_to, reply.answers);
    assert_string_equal(in.reply_code, "fatal-error");
    assert_string_equal(in.sender, "lakeside");
    assert_true(json_same(in.reply_issues, reply.issues));
    assert_string_equal(
        json_text(json_find(bundle, "entry", "resource", "destination", "endpoint", NULL)),
        reply.to_endpoint);
    reply.code = "ok";
    reply.issues = NULL;
    bundle = message_of_reply(&context, &reply);
    mapping_write_out(&arena, "reply-ok", bundle);
    in = read_back(&context, bundle);
    assert_string_equal(in.reply_code, "ok");
    assert_null(in.reply_issues);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moves_come_back),       cmocka_unit_test(state_tells_the_move),
        cmocka_unit_test(a_move_says_no_more),   cmocka_unit_test(foreign_reasons_are_claims),
        cmocka_unit_test(retractions_come_back), cmocka_unit_test(foreign_mistakes_are_retractions),

        cmocka_unit_test(replies_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
