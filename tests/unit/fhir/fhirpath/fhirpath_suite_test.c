/* The public FHIRPath R4 suite (tests/fhirpath/cases.jsonl): every case is run, counted by what
 * became of it, and each that is not met is printed. Cases known not to be met stand in
 * docs/fhirpath.md; any other fails the test. REFGATE_FHIRPATH_CASES names another file of cases
 * beside it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "fhir/fhirpath/fhirpath.h"

static char *read_file(struct arena *arena, const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return NULL;
    struct text text = text_new(arena, (size_t)1 << 26);
    char chunk[8192];
    size_t length;
    while ((length = fread(chunk, 1, sizeof chunk, file)) > 0)
        text_add_n(&text, chunk, length);
    fclose(file);
    return text.at;
}

static struct json *read_json(struct arena *arena, const char *text)
{
    struct json_document document;
    struct json_fault fault;
    if (text == NULL)
        return NULL;
    return json_parse(arena, text, strlen(text), NULL, &document, &fault) ? document.root : NULL;
}

/* "@T10:30" and "@2014" as their values write them; computed decimals may drop zeros of their end.
 */
static const char *plain(const char *expected)
{
    if (text_starts(expected, "@T"))
        return expected + 2;
    return expected[0] == '@' ? expected + 1 : expected;
}

/* "FHIR.code" and "System.String" against the suite's "code" and "string". */
static bool same_type(const char *type, const char *expected)
{
    const char *name = strchr(type, '.') + 1;
    return expected == NULL || strcasecmp(name, expected) == 0;
}

static bool same_values(const struct fhirpath_result *result, const struct json *outputs)
{
    size_t index = 0;
    for (const struct json *output = json_first(outputs); output != NULL;
         output = json_next(output), index++) {
        if (index >= result->count)
            return false;
        const struct fhirpath_value *value = &result->values[index];
        const char *expected = json_get_text(output, "value");
        if (!same_type(value->type, json_get_text(output, "type")) ||
            (expected != NULL && !text_equal(value->text, plain(expected))))
            return false;
    }
    return index == result->count;
}

static bool is_single_true(const struct fhirpath_result *result)
{
    return result->count == 1 && !text_equal(result->values[0].text, "false");
}

/* NULL: the case is met; else what happened instead. */
static const char *run_case(struct arena *arena, const char *folder, const struct json *test)
{
    const char *input_name = json_get_text(test, "input");
    const struct fhirpath *expression;
    struct fhirpath_fault fault;
    struct fhirpath_result result = {0};
    struct fhirpath_input input = {.now = "2026-11-23T12:00:00.000Z", .strict = true};
    if (input_name != NULL)
        input.resource = read_json(
            arena, read_file(arena, arena_print(arena, "%s/inputs/%s", folder, input_name)));
    bool must_fail = json_get_text(test, "invalid") != NULL;
    bool done = fhirpath_compile(arena, json_get_text(test, "expression"), &expression, &fault) &&
                fhirpath_evaluate(arena, expression, &input, &result, &fault);
    if (must_fail)
        return done ? "not refused" : NULL;
    if (!done)
        return arena_print(arena, "%s (line %d, column %d)", fault.message, fault.line,
                           fault.column);
    if (json_true(json_get(test, "predicate")))
        return is_single_true(&result) ? NULL : "the predicate does not hold";
    if (same_values(&result, json_get(test, "outputs")))
        return NULL;
    struct text seen = text_new(arena, 2000);
    text_print(&seen, "%zu values:", result.count);
    for (size_t i = 0; i < result.count; i++)
        text_print(&seen, " %s %s", result.values[i].type,
                   result.values[i].text == NULL ? "-" : result.values[i].text);
    return seen.at;
}

/* Stands in docs/fhirpath.md as a case that is not met, in a line that begins with its name. */
static bool is_known(const char *document, struct arena *arena, const char *name)
{
    return document != NULL && strstr(document, arena_print(arena, "\n| %s |", name)) != NULL;
}

static void run_file(const char *folder, const char *path)
{
    struct arena cases_arena = ARENA_EMPTY;
    struct arena arena = ARENA_EMPTY;
    unsigned met = 0;
    unsigned known = 0;
    unsigned surprises = 0;
    char *text = read_file(&cases_arena, path);
    const char *document = read_file(&cases_arena, SOURCE_DIR "/docs/fhirpath.md");
    assert_non_null(text);
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        const struct json *test = read_json(&arena, line);
        assert_non_null(test);
        const char *problem = run_case(&arena, folder, test);
        const char *name = json_get_text(test, "name");
        bool is_expected = problem != NULL && is_known(document, &arena, name);
        met += problem == NULL;
        known += is_expected;
        surprises += problem != NULL && !is_expected;
        if (problem != NULL)
            print_message("%s %s: %s: %s\n", is_expected ? "known" : "NOT MET", name,
                          json_get_text(test, "expression"), problem);
        arena_reset(&arena);
    }
    print_message("FHIRPath suite: %u met, %u known not to be met, %u surprises\n", met, known,
                  surprises);
    arena_free(&arena);
    arena_free(&cases_arena);
    assert_int_equal(surprises, 0);
}

static void test_the_public_suite(void **state)
{
    (void)state;
    const char *folder = getenv("REFGATE_FHIRPATH_SUITE");
    if (folder == NULL)
        folder = SOURCE_DIR "/tests/fhirpath";
    struct arena arena = ARENA_EMPTY;
    run_file(folder, arena_print(&arena, "%s/cases.jsonl", folder));
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_public_suite)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
