/* Search values: each kind of parameter on resources made for it, ranges of dates, folding,
 * composites, and that every stored type's parameters compile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "fhir/fhirpath/fhirpath.h"
#include "fhir/model/definitions.h"
#include "fhir/search/search.h"

struct setting {
    struct arena arena;
    struct search *search;
    struct search_list list; /* of the last extract() */
};

static int set_up(void **state)
{
    static struct setting setting;
    memset(&setting, 0, sizeof setting);
    setting.search = search_new(&setting.arena);
    *state = &setting;
    return 0;
}

static int tear_down(void **state)
{
    struct setting *setting = *state;
    arena_free(&setting->arena);
    return 0;
}

static void extract(struct setting *setting, const char *text)
{
    struct json_document document;
    struct json_fault fault;
    struct search_options options = {.zone_minutes = -5 * 60};
    if (!json_parse(&setting->arena, text, strlen(text), NULL, &document, &fault))
        fail_msg("%s", fault.found);
    setting->list = search_extract(setting->search, &setting->arena, document.root, &options);
}

/* The values of CODE as `system|text|unit|low|high|type/id` with empty parts left out, by commas.
 */
static const char *values(struct setting *setting, const char *code)
{
    struct text out = text_new(&setting->arena, 10000);
    for (size_t i = 0; i < setting->list.count; i++) {
        const struct search_value *value = &setting->list.values[i];
        if (strcmp(value->code, code) != 0)
            continue;
        const char *const parts[] = {
            value->system,   value->folded != NULL ? value->folded : value->text,
            value->unit,     value->low,
            value->high,     value->target_type,
            value->target_id};
        text_add(&out, out.length > 0 ? "," : "");
        for (size_t k = 0; k < sizeof parts / sizeof *parts; k++)
            text_print(&out, "%s%s", parts[k] == NULL || k == 0 ? "" : "|",
                       parts[k] == NULL ? "" : parts[k]);
    }
    return out.at;
}

static void assert_values(struct setting *setting, const char *code, const char *expected)
{
    const char *found = values(setting, code);
    if (strcmp(found, expected) != 0)
        fail_msg("%s: found %s; expected %s", code, found, expected);
}

static void test_tokens(void **state)
{
    struct setting *setting = *state;
    extract(setting,
            "{\"resourceType\":\"Task\",\"id\":\"t1\",\"identifier\":[{\"system\":\"urn:s\","
            "\"value\":\"R-1\"},{\"value\":\"bare\"}],\"status\":\"accepted\",\"code\":{"
            "\"coding\":[{\"system\":\"http://c\",\"code\":\"fulfill\"},{\"code\":\"x\"}]}}");
    assert_values(setting, "_id", "|t1");
    assert_values(setting, "identifier", "urn:s|R-1,|bare");
    assert_values(setting, "status", "|accepted");
    assert_values(setting, "code", "http://c|fulfill,|x");
    assert_values(setting, "priority", "");
}

static void test_strings_are_folded(void **state)
{
    struct setting *setting = *state;
    extract(setting,
            "{\"resourceType\":\"Patient\",\"active\":true,\"name\":[{\"family\":\"M\xc3\xbcller  "
            "\xc5\x81uk\",\"given\":[\"Zo\xc3\xab\",\"J\"]}],\"address\":[{\"line\":[\"1 Main\"],"
            "\"city\":\"K\xc3\xb6ln\"}],\"telecom\":[{\"system\":\"phone\",\"value\":\"555\"},{"
            "\"system\":\"email\",\"value\":\"a@b\"}],\"deceasedBoolean\":true}");
    assert_values(setting, "family", "|muller luk");
    assert_values(setting, "given", "|zoe,|j");
    assert_values(setting, "name", "|muller luk,|zoe,|j");
    assert_values(setting, "address", "|1 main,|koln");
    assert_values(setting, "address-city", "|koln");
    assert_values(setting, "phone", "|555");
    assert_values(setting, "email", "|a@b");
    assert_values(setting, "active", "|true");
    assert_values(setting, "deceased", "|true");
}

static void test_dates_are_ranges(void **state)
{
    struct setting *setting = *state;
    extract(setting, "{\"resourceType\":\"Patient\",\"birthDate\":\"1974-12\"}");
    assert_values(setting, "birthdate",
                  "|1974-12|1974-12-01T05:00:00.000Z|1975-01-01T04:59:59.999Z");
    extract(setting,
            "{\"resourceType\":\"ServiceRequest\",\"authoredOn\":\"2026-02-28T23:30:00-01:00\","
            "\"occurrencePeriod\":{\"start\":\"2026-03-01\"}}");
    assert_values(setting, "authored",
                  "|2026-02-28T23:30:00-01:00|2026-03-01T00:30:00.000Z|2026-03-01T00:30:00.999Z");
    assert_values(setting, "occurrence", "|2026-03-01|2026-03-01T05:00:00.000Z");
    extract(setting, "{\"resourceType\":\"ServiceRequest\",\"occurrenceTiming\":{\"event\":["
                     "\"2026-03-05\",\"2026-03-01\",\"nonsense\"]}}");
    assert_values(setting, "occurrence",
                  "|2026-03-05|2026-03-01T05:00:00.000Z|2026-03-06T04:59:59.999Z");
}

static void test_date_of_a_query(void **state)
{
    struct setting *setting = *state;
    const char *low;
    const char *high;
    assert_true(search_date_range(&setting->arena, "2026", 0, &low, &high));
    assert_string_equal(low, "2026-01-01T00:00:00.000Z");
    assert_string_equal(high, "2026-12-31T23:59:59.999Z");
    assert_true(search_date_range(&setting->arena, "2026-02-28T10:30Z", 0, &low, &high));
    assert_string_equal(high, "2026-02-28T10:30:59.999Z");
    assert_true(search_date_range(&setting->arena, "9999", -300, &low, &high));
    assert_false(search_date_range(&setting->arena, "2026-02-30", 0, &low, &high));
    assert_false(search_date_range(&setting->arena, "soon", 0, &low, &high));
    assert_false(search_date_range(&setting->arena, "", 0, &low, &high));
}

static void test_references(void **state)
{
    struct setting *setting = *state;
    extract(
        setting,
        "{\"resourceType\":\"Task\",\"for\":{\"reference\":\"Patient/p1\"},\"requester\":{"
        "\"reference\":\"http://far/fhir/Organization/o1/_history/3\"},\"owner\":{\"reference\":"
        "\"urn:uuid:6f2c\"},\"focus\":{\"reference\":\"#inside\"},\"basedOn\":[{\"reference\":"
        "\"ServiceRequest/s1\"},{\"display\":\"no reference\"}]}");
    assert_values(setting, "subject", "|Patient/p1|Patient|p1");
    assert_values(setting, "patient", "|Patient/p1|Patient|p1");
    assert_values(setting, "requester",
                  "|http://far/fhir/Organization/o1/_history/3|Organization|o1");
    assert_values(setting, "owner", "|urn:uuid:6f2c");
    assert_values(setting, "focus", "");
    assert_values(setting, "based-on", "|ServiceRequest/s1|ServiceRequest|s1");
    /* the subject is no patient: `patient` does not find it */
    extract(setting, "{\"resourceType\":\"Task\",\"for\":{\"reference\":\"Group/g1\"}}");
    assert_values(setting, "subject", "|Group/g1|Group|g1");
    assert_values(setting, "patient", "");
}

static void test_observation(void **state)
{
    struct setting *setting = *state;
    extract(
        setting,
        "{\"resourceType\":\"Observation\",\"code\":{\"coding\":[{\"system\":\"http://loinc.org\","
        "\"code\":\"72514-3\"}]},\"valueQuantity\":{\"value\":4.50,\"unit\":\"score\",\"system\":"
        "\"http://"
        "unitsofmeasure.org\",\"code\":\"{score}\"},\"component\":[{\"code\":{\"coding\":[{"
        "\"code\":\"left\"}]},\"valueQuantity\":{\"value\":90,\"unit\":\"deg\"}}]}");
    assert_values(setting, "value-quantity", "http://unitsofmeasure.org|4.50|{score}");
    assert_values(setting, "component-value-quantity", "|90|deg");
    assert_values(setting, "combo-code", "http://loinc.org|72514-3,|left");
    assert_values(setting, "code-value-quantity",
                  "http://loinc.org|72514-3,http://unitsofmeasure.org|4.50|{score}");
    assert_values(setting, "combo-code-value-quantity",
                  "http://loinc.org|72514-3,http://unitsofmeasure.org|4.50|{score},|left,|90|deg");
    assert_values(setting, "code-value-string", "");
}

/* Values of one composite share a group; of two they do not. */
static void test_composites_are_grouped(void **state)
{
    struct setting *setting = *state;
    test_observation(state);
    unsigned groups[4];
    size_t count = 0;
    for (size_t i = 0; i < setting->list.count; i++) {
        const struct search_value *value = &setting->list.values[i];
        if (strcmp(value->code, "combo-code-value-quantity") != 0)
            continue;
        assert_int_equal(value->component, count % 2 + 1);
        assert_true(count < 4);
        groups[count++] = value->group;
    }
    assert_int_equal(count, 4);
    assert_int_equal(groups[0], groups[1]);
    assert_int_equal(groups[2], groups[3]);
    assert_int_not_equal(groups[0], groups[2]);
}

static void test_bundle_and_meta(void **state)
{
    struct setting *setting = *state;
    extract(setting,
            "{\"resourceType\":\"Bundle\",\"type\":\"message\",\"meta\":{\"lastUpdated\":"
            "\"2026-01-02T03:04:05.678Z\",\"tag\":[{\"code\":\"urgent\"}],\"profile\":["
            "\"http://p/x\"]},\"entry\":[{\"resource\":{\"resourceType\":\"MessageHeader\","
            "\"id\":\"m1\"}}]}");
    assert_values(setting, "message", "|MessageHeader/m1|MessageHeader|m1");
    assert_values(setting, "_lastUpdated",
                  "|2026-01-02T03:04:05.678Z|2026-01-02T03:04:05.678Z|2026-01-02T03:04:05.678Z");
    assert_values(setting, "_tag", "|urgent");
    assert_values(setting, "_profile", "|http://p/x");
    assert_values(setting, "type", "|message");
}

static void test_bad_resources_yield_little(void **state)
{
    struct setting *setting = *state;
    extract(setting,
            "{\"resourceType\":\"Patient\",\"name\":\"text\",\"birthDate\":7,\"telecom\":[null,"
            "[],{}],\"address\":{},\"active\":[true,\"no\"]}");
    assert_values(setting, "name", "");
    assert_values(setting, "birthdate", "");
    extract(setting, "{\"resourceType\":\"Nothing\",\"id\":\"x\"}");
    assert_values(setting, "_id", "");
    extract(setting, "{\"resourceType\":\"Medication\",\"id\":\"x\"}");
    assert_values(setting, "_id", "|x");
    extract(setting, "[]");
    assert_int_equal(setting->list.count, 0);
}

static void test_parameters(void **state)
{
    (void)state;
    enum search_kind kind;
    assert_true(search_parameter("Task", "owner", &kind));
    assert_int_equal(kind, SEARCH_REFERENCE);
    assert_true(search_parameter("Task", "_lastUpdated", &kind));
    assert_int_equal(kind, SEARCH_DATE);
    assert_true(search_parameter("Observation", "code-value-quantity", &kind));
    assert_false(search_parameter("Task", "colour", &kind));
    assert_false(search_parameter("Colour", "_id", &kind));
}

/* Every expression of the official parameters of the stored types compiles and runs. */
static void test_every_expression(void **state)
{
    struct setting *setting = *state;
    unsigned count = 0;
    for (unsigned i = 0; i < definition_search_count; i++) {
        const struct definition_search *row = &definition_searches[i];
        const char *text = definition_word(row->expression);
        const struct fhirpath *expression;
        struct fhirpath_fault fault;
        if (*text == '\0')
            continue;
        if (!fhirpath_compile(&setting->arena, text, &expression, &fault))
            fail_msg("%s: %s", text, fault.message);
        count++;
    }
    assert_true(count > 1600);
    for (const char *const *type = search_types(); *type != NULL; type++) {
        extract(setting,
                arena_print(&setting->arena, "{\"resourceType\":\"%s\",\"id\":\"a\"}", *type));
        assert_values(setting, "_id", "|a");
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_tokens),
        TEST(test_strings_are_folded),
        TEST(test_dates_are_ranges),
        TEST(test_date_of_a_query),
        TEST(test_references),
        TEST(test_observation),
        TEST(test_composites_are_grouped),
        TEST(test_bundle_and_meta),
        TEST(test_bad_resources_yield_little),
        TEST(test_parameters),
        TEST(test_every_expression),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
