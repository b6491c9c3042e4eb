/* message: no list whose order R4 gives no meaning changes what a record says. SEEDS=N tries more
 * orders of the message. */
#include "lib/foreign.h"
#include "lib/random_record.h"

static struct json *message_with_many_of_each(struct arena *arena)
{
    struct json_document document;
    struct json_fault fault;
    size_t length = 0;
    const char *text =
        mapping_file(arena, "tests/records/foreign/referral-with-many-of-each.json", &length);
    assert_non_null(text);
    assert_true(json_parse(arena, text, length, NULL, &document, &fault));
    return document.root;
}

/* Given names and lines of an address have an order. */
static bool is_unordered(const struct json *list)
{
    static const char *const keys[] = {"identifier", "name",          "telecom",   "address",
                                       "entry",      "communication", "performer", "coding",
                                       "specialty",  "security",      NULL};
    const char *key = json_key(list);
    for (size_t i = 0; key != NULL && keys[i] != NULL; i++) {
        if (strcmp(keys[i], key) == 0)
            return true;
    }
    return false;
}

/* A copy of NODE with each list shuffled; the MessageHeader stays the first entry. */
static struct json *shuffled(struct random_maker *maker, const struct json *node)
{
    struct arena *arena = maker->arena;
    struct json *items[64];
    size_t count = 0;
    if (json_kind(node) == JSON_OBJECT) {
        struct json *object = json_new_object(arena);
        for (struct json *member = json_first(node); member != NULL; member = json_next(member))
            json_set(arena, object, json_key(member), shuffled(maker, member));
        return object;
    }
    if (json_kind(node) != JSON_LIST)
        return json_copy(arena, node);
    for (struct json *item = json_first(node); item != NULL && count < 64; item = json_next(item))
        items[count++] = shuffled(maker, item);
    size_t fixed = text_equal(json_key(node), "entry") ? 1 : 0;
    struct json *list = json_new_list(arena);
    for (size_t i = 0; i < count; i++) {
        size_t left = count - i;
        size_t pick =
            is_unordered(node) && i >= fixed ? i + random_below(maker, (unsigned)left) : i;
        struct json *chosen = items[pick];
        items[pick] = items[i];
        json_push(list, chosen);
    }
    return list;
}

static int compare_texts(const void *one, const void *other)
{
    return strcmp(*(const char *const *)one, *(const char *const *)other);
}

/* The JSON of ENTRY without the numbers of places, which shuffling changes. */
static const char *without_places(struct arena *arena, const struct json *entry)
{
    struct text text = text_new(arena, 4096);
    for (const char *at = json_print(arena, entry); *at != '\0';) {
        text_print(&text, "%c", *at);
        at += *at == '[' ? 1 + strspn(at + 1, "0123456789") : 1;
    }
    return text.at;
}

/* What is told, sorted. */
static const char *told(struct arena *arena, const struct json *record)
{
    enum { LINES_MAX = 200 };
    const char *lines[LINES_MAX];
    size_t count = 0;
    struct text all = text_new(arena, 1 << 16);
    for (struct json *entry = json_first(json_get(record, "received"));
         entry != NULL && count < LINES_MAX; entry = json_next(entry))
        lines[count++] = without_places(arena, entry);
    qsort(lines, count, sizeof *lines, compare_texts);
    for (size_t i = 0; i < count; i++)
        text_print(&all, "%s\n", lines[i]);
    return all.at;
}

static const char *said(struct arena *arena, const struct message_inbound *in)
{
    struct json *record = json_copy(arena, in->record);
    json_remove(record, "received");
    return arena_print(arena, "%s\n%s\n%s", json_print(arena, record),
                       in->claims == NULL ? "" : json_print(arena, in->claims),
                       told(arena, in->record));
}

static void no_order_changes_the_record(void **state)
{
    struct world *world = open_world();
    struct json *bundle = message_with_many_of_each(&world->arena);
    unsigned seeds = getenv("SEEDS") == NULL ? 200 : (unsigned)atoi(getenv("SEEDS"));
    (void)state;
    world->context.partner = "lakeside";
    struct message_inbound first;
    assert_true(message_read(&world->context, bundle, &first, &world->findings));
    const char *expected = said(&world->arena, &first);
    assert_string_equal(json_get_text(first.record, "client_id"), "7");
    assert_string_equal(json_get_text(first.record, "client_family_name"), "Roe");
    assert_string_equal(json_get_text(first.record, "client_phone"), "3");
    assert_string_equal(json_get_text(first.record, "client_language"), "es");
    assert_string_equal(json_get_text(first.record, "service"), "physiotherapy");
    assert_string_equal(json_get_text(first.record, "referred_to"), "alvarez");
    assert_string_equal(json_get_text(first.record, "written_by"), "lakeside/1234567893");
    for (unsigned seed = 1; seed <= seeds; seed++) {
        struct random_maker maker = {.arena = &world->arena, .state = seed};
        struct message_inbound in;
        assert_true(message_read(&world->context, shuffled(&maker, bundle), &in, &world->findings));
        assert_string_equal(said(&world->arena, &in), expected);
    }
    close_world(world);
}

/* Whoever reads only one of the two may not wait longer than the other asks. */
static void the_more_urgent_priority_counts(void **state)
{
    static const struct {
        const char *of_order, *of_task, *counts, *told;
    } cases[] = {{"routine", "stat", "stat", "ServiceRequest.priority"},
                 {"stat", "routine", "stat", "Task.priority"},
                 {"urgent", "asap", "asap", "ServiceRequest.priority"},
                 {"urgent", "urgent", "urgent", NULL}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world *world = open_world();
        struct message_inbound in = take(
            world,
            arena_print(
                &world->arena,
                MESSAGE(HEADER(EVENT("add-service-request"),
                               "") "," PATIENT "," DOCTOR
                                   ",{'resource':{'resourceType':'ServiceRequest','id':'s1',"
                                   "'priority':'%s'," ORDER_BODY "}},{'resource':{'resourceType':"
                                   "'Task','id':'t1','status':'requested','intent':'order',"
                                   "'priority':'%s','focus':{'reference':'ServiceRequest/s1'},"
                                   "'for':{'reference':'Patient/p1'}}}"),
                cases[i].of_order, cases[i].of_task));
        assert_string_equal(json_get_text(in.record, "priority"), cases[i].counts);
        if (cases[i].told != NULL)
            received(&in, cases[i].told);
        close_world(world);
    }
}

/* Results without a document, sent twice: the number and time are their own. */
static void a_result_has_its_own_number(void **state)
{
    static const struct {
        const char *type, *members;
    } cases[] = {
        {"QuestionnaireResponse",
         "'identifier':{'system':'urn:o','value':'Q-1'},'authored':'2026-08-20T12:00:00Z'"},
        {"DiagnosticReport", "'identifier':[{'system':'urn:o','value':'Q-1'}],'code':{'text':'X'},"
                             "'issued':'2026-08-20T12:00:00Z'"},
        {"DocumentReference", "'masterIdentifier':{'system':'urn:o','value':'Q-1'},"
                              "'date':'2026-08-20T12:00:00Z','context':{'related':[{'type':"
                              "'ServiceRequest','identifier':{'value':'X-1'}}]}"},
        {"Observation", "'id':'Q-1','code':{'text':'X'},'issued':'2026-08-20T12:00:00Z'"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world *world = open_world();
        struct message_inbound in = take(
            world, arena_print(&world->arena,
                               MESSAGE(HEADER(EVENT("notify-add-service-record"),
                                              "") "," PATIENT ",{'resource':"
                                                  "{'resourceType':'%s','status':'final','subject':"
                                                  "{'reference':'Patient/p1'},%s}}"),
                               cases[i].type, cases[i].members));
        assert_string_equal(json_get_text(in.record, "record"), "progress-note");
        assert_string_equal(json_get_text(in.record, "record_id"), "Q-1");
        if (strcmp(cases[i].type, "DocumentReference") == 0)
            assert_string_equal(in.referral.number, "X-1");
        assert_string_equal(json_get_text(in.record, "written_at"), "2026-08-20T12:00:00Z");
        close_world(world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_more_urgent_priority_counts),
        cmocka_unit_test(a_result_has_its_own_number),
        cmocka_unit_test(no_order_changes_the_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
