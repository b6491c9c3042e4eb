/* validate_seeded: every value of real resources is spoiled in every way that its type knows, one
 * at a time, and each time the validator must say so at exactly that place.
 *
 * Spoiled are values (what is no value of the type, and every wrong JSON kind), names (an unknown
 * one in place of a known one), and what is required (taken away). With
 * REFGATE_SEEDED_FILES=LIST the resources of the files in LIST are taken instead of the few here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "fhir/model/definitions.h"
#include "fhir/validate/validate.h"

static struct arena keep, arena, run_arena;
static struct validator *validator;
static const char *file_name;
static size_t tried, missed;

/* ---- spoiling ---- */

struct edit {
    const struct json *node; /* the value (or member) that is spoiled */
    const char *value;       /* JSON in its place; NULL: as it is */
    const char *key;         /* name in place of its own; NULL: as it is */
    bool drops;              /* it is left out */
};

static void print(struct text *out, const struct json *node, const struct edit *edit);

static void print_children(struct text *out, const struct json *node, const struct edit *edit)
{
    bool is_object = json_kind(node) == JSON_OBJECT;
    bool first = true;
    text_add(out, is_object ? "{" : "[");
    for (const struct json *at = json_first(node); at != NULL; at = json_next(at)) {
        if (at == edit->node && edit->drops)
            continue;
        text_add(out, first ? "" : ",");
        first = false;
        if (is_object) {
            text_add_json(out, at == edit->node && edit->key != NULL ? edit->key : json_key(at));
            text_add(out, ":");
        }
        print(out, at, edit);
    }
    text_add(out, is_object ? "}" : "]");
}

static void print(struct text *out, const struct json *node, const struct edit *edit)
{
    if (node == edit->node && edit->value != NULL)
        text_add(out, edit->value);
    else if (json_kind(node) == JSON_OBJECT || json_kind(node) == JSON_LIST)
        print_children(out, node, edit);
    else if (json_kind(node) == JSON_TEXT)
        text_add_json(out, json_text(node));
    else
        text_add(out, json_print(&run_arena, node));
}

static bool has_error_at(const struct issue_list *issues, const char *path)
{
    for (size_t i = 0; i < issues->count; i++) {
        if (issues->items[i].severity <= ISSUE_ERROR && text_equal(issues->items[i].path, path))
            return true;
    }
    return false;
}

/* ROOT with EDIT has an error at PATH. */
static void expect(const struct json *root, const struct edit *edit, const char *path)
{
    arena_reset(&run_arena);
    struct text out = text_new(&run_arena, (size_t)1 << 20);
    print(&out, root, edit);
    struct issue_list issues = issue_list_new(&run_arena);
    validate_text(validator, &run_arena, out.at, out.length, NULL, &issues);
    tried++;
    if (has_error_at(&issues, path))
        return;
    if (missed++ > 10)
        return;
    struct text said = text_new(&run_arena, 4000);
    issue_print(&issues, file_name, &said);
    print_error("wanted an error at %s for %s\n%s", path,
                edit->drops         ? "nothing there"
                : edit->key != NULL ? edit->key
                                    : edit->value,
                said.at);
}

/* ---- what is wrong for a type ---- */

enum { WRONG_MAX = 16 };

static const char *const wrong_values[][WRONG_MAX] = {
    [PRIMITIVE_BASE64BINARY] = {"\"###\"", "\"abc\"", "\"a===\""},
    [PRIMITIVE_BOOLEAN] = {"\"true\"", "0", "\"\""},
    [PRIMITIVE_CANONICAL] = {"\"\"", "\"http://a b\""},
    [PRIMITIVE_CODE] = {"\"\"", "\" a\"", "\"a \"", "\"a  b\"", "\"a\\tb\""},
    [PRIMITIVE_DATE] = {"\"2019-02-29\"", "\"2020-13\"", "\"2020-00-10\"", "\"2020-1-05\"",
                        "\"20200105\"", "\"2020-01-05T10:00:00Z\"", "\"05/01/2020\"", "\"\"",
                        "2020"},
    [PRIMITIVE_DATETIME] = {"\"2019-02-29\"", "\"2020-04-31T10:00:00Z\"", "\"2020-01-05T10:00:00\"",
                            "\"2020-01-05T10:00Z\"", "\"2020-01-05T24:00:00Z\"",
                            "\"2020-01-05T10:60:00Z\"", "\"2020-01-05 10:00:00Z\"",
                            "\"2020-01-05T10:00:00+15:00\"", "\"2020-01-05T10:00:00+0100\"", "\"\"",
                            "2020"},
    [PRIMITIVE_DECIMAL] = {"\"1.0\"", "true", "\"\""},
    [PRIMITIVE_ID] = {"\"\"", "\"a b\"", "\"a_b\""},
    [PRIMITIVE_INSTANT] = {"\"2020\"", "\"2020-01-05\"", "\"2020-01-05T10:00Z\"",
                           "\"2020-01-05T10:00:00\"", "\"2019-02-29T10:00:00Z\""},
    [PRIMITIVE_INTEGER] = {"1.5", "1.0", "1e0", "2147483648", "\"1\"", "true"},
    [PRIMITIVE_MARKDOWN] = {"\"\""},
    [PRIMITIVE_OID] = {"\"1.2.3\"", "\"urn:oid:3.1\"", "\"\""},
    [PRIMITIVE_POSITIVEINT] = {"0", "-1", "1.0", "2147483648", "\"1\""},
    [PRIMITIVE_STRING] = {"\"\""},
    [PRIMITIVE_TIME] = {"\"10:00\"", "\"24:00:00\"", "\"10:60:00\"", "\"10:00:00Z\"", "\"\""},
    [PRIMITIVE_UNSIGNEDINT] = {"-1", "1.5", "2147483648", "\"1\""},
    [PRIMITIVE_URI] = {"\"\"", "\"http://a b\"", "\"urn:uuid:1234\"", "\"urn:oid:1.02\""},
    [PRIMITIVE_URL] = {"\"\"", "\"http://a b\""},
    [PRIMITIVE_UUID] = {"\"\"", "\"c757873d-ec9a-4326-a141-556f43239520\""},
    [PRIMITIVE_XHTML] = {"\"\"", "\"x\"", "\"<div>x</div>\"",
                         "\"<div xmlns=\\\"http://www.w3.org/1999/xhtml\\\"> </div>\"",
                         "\"<div xmlns=\\\"http://www.w3.org/1999/xhtml\\\"><p>x</div>\"",
                         "\"<div xmlns=\\\"http://www.w3.org/1999/xhtml\\\"><script/>x</div>\""},
};

static bool takes_number(enum definition_primitive primitive)
{
    return primitive == PRIMITIVE_DECIMAL || primitive == PRIMITIVE_INTEGER ||
           primitive == PRIMITIVE_POSITIVEINT || primitive == PRIMITIVE_UNSIGNEDINT;
}

static void spoil_primitive(const struct json *root, const struct json *node,
                            const struct definition_choice *choice, const char *path)
{
    const struct definition_element *element = definition_element_of(choice);
    enum definition_primitive primitive = definition_type_of(choice)->primitive;
    const char *const *wrong = wrong_values[primitive];
    for (size_t i = 0; i < WRONG_MAX && wrong[i] != NULL; i++)
        expect(root, &(struct edit){.node = node, .value = wrong[i]}, path);
    expect(root, &(struct edit){.node = node, .value = "{\"a\":1}"}, path);
    if (!takes_number(primitive))
        expect(root, &(struct edit){.node = node, .value = "7"}, path);
    if (primitive == PRIMITIVE_CODE && element->strength == BINDING_REQUIRED &&
        element->value_set != 0)
        expect(root, &(struct edit){.node = node, .value = "\"no-such-code\""}, path);
}

/* ---- walking ---- */

static void walk(const struct json *root, const struct json *object,
                 const struct definition_type *type, const char *path);

static void walk_value(const struct json *root, const struct json *node,
                       const struct definition_choice *choice, const char *path)
{
    const struct definition_type *type = definition_type_of(choice);
    if (json_kind(node) == JSON_NULL)
        return; /* padding */
    if (type->kind == DEFINITION_PRIMITIVE) {
        spoil_primitive(root, node, choice, path);
        return;
    }
    expect(root, &(struct edit){.node = node, .value = "\"x\""}, path);
    expect(root, &(struct edit){.node = node, .value = "{}"}, path);
    if (type->kind == DEFINITION_RESOURCE)
        type = definition_find(json_get_text(node, "resourceType"));
    walk(root, node, type, path);
}

static void walk_member(const struct json *root, const struct json *object,
                        const struct json *member, const struct definition_type *owner,
                        const char *path)
{
    const char *key = json_key(member);
    const struct definition_choice *choice = definition_key(owner, key, strlen(key));
    if (choice == NULL)
        return; /* resourceType, and what stands beside a primitive */
    const struct definition_element *element = definition_element_of(choice);
    const char *name = definition_element_name(element);
    const char *at = arena_print(&arena, "%s.%s", path, name);
    bool alone = json_next(json_first(object)) == NULL; /* without it, the object is empty */
    if (element->min > 0 && !alone)
        expect(root, &(struct edit){.node = member, .drops = true}, at);
    if (element->is_choice)
        at = arena_print(&arena, "%s.ofType(%s)", at,
                         definition_type_name(definition_type_of(choice)));
    expect(root, &(struct edit){.node = member, .key = "zzz"}, arena_print(&arena, "%s.zzz", path));
    expect(root, &(struct edit){.node = member, .value = "[]"}, at);
    if (json_kind(member) != JSON_LIST) {
        walk_value(root, member, choice, at);
        return;
    }
    expect(root, &(struct edit){.node = member, .value = "\"x\""}, at);
    long index = 0;
    for (const struct json *item = json_first(member); item != NULL; item = json_next(item))
        walk_value(root, item, choice, arena_print(&arena, "%s[%ld]", at, index++));
}

static void walk(const struct json *root, const struct json *object,
                 const struct definition_type *type, const char *path)
{
    for (const struct json *member = json_first(object); member != NULL; member = json_next(member))
        walk_member(root, object, member, type, path);
}

/* ---- files ---- */

enum { FILE_MAX = 128 * 1024 }; /* each fault prints and validates the whole file */

/* Spoils the resource in a file; false when it cannot be read or is not valid itself. */
static bool spoil_file(const char *path)
{
    static char bytes[FILE_MAX];
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return false;
    size_t length = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    struct json_document document;
    struct json_fault fault;
    arena_reset(&arena);
    file_name = path;
    if (length == sizeof bytes || !json_parse(&arena, bytes, length, NULL, &document, &fault))
        return false;
    struct issue_list issues = issue_list_new(&arena);
    if (!validate_document(validator, &arena, &document, NULL, &issues))
        return false;
    const char *type = json_get_text(document.root, "resourceType");
    walk(document.root, document.root, definition_find(type), type);
    return true;
}

/* The files that the list named by REFGATE_SEEDED_FILES holds, one a line. */
static size_t spoil_listed(const char *list)
{
    char line[4096];
    size_t count = 0;
    FILE *file = fopen(list, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        count += spoil_file(line);
    }
    fclose(file);
    return count;
}

static void every_value_spoiled_is_found_at_its_place(void **state)
{
    (void)state;
    static const char *const files[] = {
        SOURCE_DIR "/tests/bench/fhir/message-bundle.json",
        SOURCE_DIR "/tests/bench/fhir/observation.json",
        SOURCE_DIR "/tests/bench/fhir/service-request.json",
        SOURCE_DIR "/tests/fhirpath/inputs/appointment-examplereq.json",
        SOURCE_DIR "/tests/fhirpath/inputs/observation-example.json",
        SOURCE_DIR "/tests/fhirpath/inputs/patient-example.json",
        SOURCE_DIR "/tests/fhirpath/inputs/questionnaire-example.json",
        SOURCE_DIR "/tests/golden/discharge-summary/08-discharge-summary.bundle.json",
    };
    const char *list = getenv("REFGATE_SEEDED_FILES");
    size_t count = list == NULL ? 0 : spoil_listed(list);
    for (size_t i = 0; list == NULL && i < sizeof files / sizeof *files; i++) {
        assert_true(spoil_file(files[i]));
        count++;
    }
    print_message("%zu faults in %zu resources, %zu missed\n", tried, count, missed);
    assert_true(tried > 0);
    assert_int_equal(missed, 0);
}

int main(void)
{
    validator = validator_new(&keep);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_spoiled_is_found_at_its_place),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(&arena);
    arena_free(&run_arena);
    arena_free(&keep);
    return failed;
}
