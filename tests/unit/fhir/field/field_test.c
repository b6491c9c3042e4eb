/* field: paths, marks and tables, both ways, on a small table of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fhir/field/field.h"
#include "fhir/field/field_path.h"
#include "fhir/map/contact.h"
#include "fhir/map/timing.h"
#include "lib/mapping.h"

struct bench {
    struct arena arena;
    struct fhir_context context;
    struct field_job job;
};

static struct bench *open_bench(void)
{
    struct bench *bench = calloc(1, sizeof *bench);
    bench->context = mapping_context(&bench->arena, mapping_directory(&bench->arena), "field");
    bench->job =
        (struct field_job){.context = &bench->context, .arena = &bench->arena, .kind = "referral"};
    return bench;
}

static void close_bench(struct bench *bench)
{
    arena_free(&bench->arena);
    free(bench);
}

static struct json *parse(struct bench *bench, const char *text)
{
    struct json_document document;
    struct json_fault fault;
    assert_true(json_parse(&bench->arena, text, strlen(text), NULL, &document, &fault));
    return document.root;
}

static struct json *at(struct bench *bench, struct json *from, const char *path)
{
    return field_path_find(field_path_of(&bench->arena, path), from);
}

static void put_text(struct bench *bench, struct json *target, const char *path, const char *text)
{
    field_put(&bench->job, target, path, json_new_text(&bench->arena, text));
}

static void paths_make_what_lies_between(void **state)
{
    struct bench *bench = open_bench();
    struct json *target = json_new_object(&bench->arena);
    (void)state;
    put_text(bench, target, "a.b", "1");
    put_text(bench, target, "list[]", "x");
    put_text(bench, target, "list[]", "y");
    put_text(bench, target, "name[0].family", "Roe");
    put_text(bench, target, "name[0].given[]", "Jane");
    put_text(bench, target, "telecom[system=phone].value", "555");
    put_text(bench, target, "telecom[system=phone].use", "work");
    put_text(bench, target, "note[+].text", "one");
    put_text(bench, target, "a.b", "2");
    field_put(&bench->job, target, "none", NULL);
    assert_string_equal(
        json_print(&bench->arena, target),
        "{\"a\":{\"b\":\"2\"},\"list\":[\"x\",\"y\"],\"name\":[{\"family\":\"Roe\","
        "\"given\":[\"Jane\"]}],\"telecom\":[{\"system\":\"phone\",\"value\":\"555\","
        "\"use\":\"work\"}],\"note\":[{\"text\":\"one\"}]}");
    assert_string_equal(json_text(at(bench, target, "name[0].family")), "Roe");
    assert_string_equal(json_text(at(bench, target, "name.family")), "Roe");
    assert_string_equal(json_text(at(bench, target, "telecom[system=phone].value")), "555");
    assert_null(at(bench, target, "telecom[system=email].value"));
    assert_null(at(bench, target, "name[1].family"));
    assert_null(at(bench, target, "a.b.c"));
    close_bench(bench);
}

static const struct field_word words[] = {{"open", "active"}, {"shut", "revoked"}, {NULL, NULL}};
static const struct field_unit weeks = {"wk", "weeks", 1};
static const struct field inner[] = {{"text", "display", &field_plain, NULL}, FIELD_END};
static const struct contact contact = {"phone", "email", contact_uses_of_client};
static const struct field table[] = {
    {"plain", "x.plain", &field_plain, NULL},     {"number", "x.number", &field_plain, NULL},
    {"flag", "x.flag", &field_plain, NULL},       {"word", "status", &field_word, words},
    {"names", "given", &field_words, NULL},       {NULL, "telecom", &map_contact, &contact},
    {"weeks", "length", &field_measured, &weeks}, {"list", "items[]", &field_plain, NULL},
    {"groups", "groups[]", &field_group, inner},  {NULL, "intent", &field_constant, "order"},
    {NULL, "timing", &map_timing, NULL},          FIELD_END};

static void a_table_writes_and_reads(void **state)
{
    struct bench *bench = open_bench();
    struct json *local =
        parse(bench,
              "{\"plain\":\"a\",\"number\":1.50,\"flag\":false,\"word\":\"shut\",\"names\":\"A B\","
              "\"phone\":\"1\",\"email\":\"e\",\"weeks\":6,\"list\":[\"p\",\"q\"],"
              "\"groups\":[{\"text\":\"g\"},{\"text\":\"h\"}],\"visits_per_week\":1.5}");
    struct json *target = json_new_object(&bench->arena);
    struct json *back = json_new_object(&bench->arena);
    (void)state;
    field_write(&bench->job, table, local, target);
    assert_string_equal(json_get_text(target, "status"), "revoked");
    assert_string_equal(json_get_text(target, "intent"), "order");
    assert_string_equal(json_print(&bench->arena, json_find(target, "timing", "repeat", NULL)),
                        "{\"boundsDuration\":{\"value\":6,\"unit\":\"weeks\",\"system\":"
                        "\"http://unitsofmeasure.org\",\"code\":\"wk\"},\"frequency\":3,"
                        "\"period\":2,\"periodUnit\":\"wk\"}");
    field_read(&bench->job, table, target, back);
    assert_true(json_same(local, back));
    close_bench(bench);
}

/* What does not fit is neither read nor marked. */
static void what_is_not_ours_stays(void **state)
{
    struct bench *bench = open_bench();
    struct json *source = parse(
        bench, "{\"status\":\"draft\",\"intent\":\"plan\",\"telecom\":[{\"system\":\"fax\","
               "\"value\":\"9\"}],\"length\":{\"value\":6,\"code\":\"d\"},\"x\":{\"plain\":{}},"
               "\"timing\":{\"repeat\":{\"frequency\":1,\"period\":1,\"periodUnit\":\"mo\"}}}");
    struct json *back = json_new_object(&bench->arena);
    static const char *const unread[] = {"status", "intent", "telecom", "length"};
    (void)state;
    field_read(&bench->job, table, source, back);
    assert_null(json_first(back));
    for (size_t i = 0; i < sizeof unread / sizeof *unread; i++)
        assert_false(json_marked(json_get(source, unread[i])));
    close_bench(bench);
}

static void marks_are_of_nodes(void **state)
{
    struct bench *bench = open_bench();
    struct json *list = json_new_list(&bench->arena);
    (void)state;
    for (int i = 0; i < 5000; i++) {
        struct json *node = json_push(list, json_new_whole(&bench->arena, i));
        if (i % 2 == 0)
            json_mark(node);
    }
    int place = 0;
    for (struct json *node = json_first(list); node != NULL; node = json_next(node), place++)
        assert_true(json_marked(node) == (place % 2 == 0));
    json_mark(NULL);
    close_bench(bench);
}

struct rhythm {
    const char *repeat, *visits;
};

static void rhythms_are_counted_by_the_week(void **state)
{
    static const struct rhythm rhythms[] = {
        {"{\"frequency\":2,\"period\":1,\"periodUnit\":\"wk\"}", "2"},
        {"{\"frequency\":1,\"period\":2,\"periodUnit\":\"wk\"}", "0.5"},
        {"{\"frequency\":1,\"period\":1.0,\"periodUnit\":\"d\"}", "7"},
        {"{\"frequency\":1,\"period\":3.5,\"periodUnit\":\"d\"}", "2"},
        {"{\"period\":4,\"periodUnit\":\"wk\"}", "0.25"},
        {"{\"frequency\":1,\"period\":3,\"periodUnit\":\"wk\"}", NULL}, /* 0.333... */
        {"{\"frequency\":1,\"period\":1,\"periodUnit\":\"mo\"}", NULL},
        {"{\"frequency\":1,\"frequencyMax\":2,\"period\":1,\"periodUnit\":\"wk\"}", NULL},
        {"{\"frequency\":0,\"period\":1,\"periodUnit\":\"wk\"}", NULL},
        {"{\"frequency\":1,\"period\":0,\"periodUnit\":\"wk\"}", NULL}};
    struct bench *bench = open_bench();
    (void)state;
    for (size_t i = 0; i < sizeof rhythms / sizeof *rhythms; i++) {
        struct json *back = json_new_object(&bench->arena);
        struct json *source = json_new_object(&bench->arena);
        field_put(&bench->job, source, "timing.repeat", parse(bench, rhythms[i].repeat));
        field_read(&bench->job, table, source, back);
        assert_true(text_equal(json_number(json_get(back, "visits_per_week")), rhythms[i].visits));
    }
    close_bench(bench);
}

static void sums_with_times(void **state)
{
    struct bench *bench = open_bench();
    long minutes = 0;
    (void)state;
    assert_string_equal(timing_later(&bench->job, "2026-09-02T10:00:00-04:00", 75),
                        "2026-09-02T11:15:00-04:00");
    assert_string_equal(timing_later(&bench->job, "2024-02-28T23:59:30.5Z", 1),
                        "2024-02-29T00:00:30.5Z");
    assert_string_equal(timing_later(&bench->job, "2023-12-31T23:00:00+09:30", 120),
                        "2024-01-01T01:00:00+09:30");
    assert_string_equal(timing_later(&bench->job, "2023-02-28T23:00:00+00:00", 60 * 24 * 366),
                        "2024-02-29T23:00:00+00:00");
    assert_null(timing_later(&bench->job, "2023-02-28", 5));
    assert_null(timing_later(&bench->job, NULL, 5));
    assert_true(timing_between("2026-09-02T23:50:00Z", "2026-09-03T00:05:00Z", &minutes));
    assert_int_equal(minutes, 15);
    assert_false(timing_between("2026-09-02T23:50:00Z", "2026-09-03T00:05:30Z", &minutes));
    assert_false(timing_between("2026-09-02T10:00:00Z", "2026-09-02T09:00:00Z", &minutes));
    close_bench(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_make_what_lies_between),
        cmocka_unit_test(a_table_writes_and_reads),
        cmocka_unit_test(what_is_not_ours_stays),
        cmocka_unit_test(marks_are_of_nodes),
        cmocka_unit_test(rhythms_are_counted_by_the_week),
        cmocka_unit_test(sums_with_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
