/* standing: the table of modifier elements holds against the definitions of R4, for every type that
 * a mapping table reads; and what an object says by it. */
#include "fhir/codes/standing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "fhir/codes/standing_tables.h"
#include "fhir/json/json.h"
#include "fhir/model/definitions.h"

static const char *const read_types[] = {
#define MAP_TABLE(type, rows) #type,
#define MAP_BY_HAND(type) #type,
#include "fhir/map/table.def"
#undef MAP_TABLE
#undef MAP_BY_HAND
    NULL};

/* ---- every modifier of R4 has its rows ---- */

/* Of the type itself or of one that it is made from ("Resource.implicitRules"). */
static const struct standing_row *row_for(const struct definition_type *type, const char *element,
                                          const char *code)
{
    const struct standing_row *row = NULL;
    for (; type != NULL && row == NULL; type = definition_base(type))
        row = standing_find(definition_type_name(type), element, code);
    return row;
}

static bool has_one_row(const struct definition_type *type, const char *name)
{
    for (size_t i = 0; i < standing_type_count; i++) {
        for (unsigned j = 0; j < standing_types[i].count; j++) {
            const struct standing_element *element =
                &standing_elements[standing_types[i].first + j];
            if (strcmp(standing_types[i].name, definition_type_name(type)) == 0 &&
                strcmp(element->name, name) == 0)
                return element->count == 1;
        }
    }
    return false;
}

/* Every code of a required set has a row of its own. What the sender calls "unknown" is like any
 * other value, and so is everything where one row says it all. */
static void expect_codes(const struct definition_type *type,
                         const struct definition_element *element, const char *name)
{
    const struct definition_value_set *set = &definition_value_sets[element->value_set];
    if (element->value_set == 0 || element->strength != BINDING_REQUIRED || has_one_row(type, name))
        return;
    for (unsigned i = 0; i < set->code_count; i++) {
        const char *code = definition_word(definition_codes[set->code + i].code);
        if (!text_equal(row_for(type, name, code)->code, code) && strcmp(code, "unknown") != 0)
            fail_msg("%s.%s: no row for the code %s", definition_type_name(type), name, code);
    }
}

static void expect_rows(const struct definition_type *type,
                        const struct definition_element *element)
{
    for (unsigned i = 0; i < element->choice_count; i++) {
        const struct definition_choice *choice = &definition_choices[element->choice + i];
        const char *name = definition_word(choice->key);
        if (choice->type == 0)
            continue; /* the stem of a choice, which JSON never uses */
        if (row_for(type, name, NULL) == NULL)
            fail_msg("%s.%s is a modifier in R4 and has no row for other values",
                     definition_type_name(type), name);
        expect_codes(type, element, name);
    }
}

enum { SEEN_MAX = 1024 };
struct seen {
    const struct definition_type *types[SEEN_MAX];
    size_t count;
};

static void see(struct seen *seen, const struct definition_type *type)
{
    for (size_t i = 0; i < seen->count; i++) {
        if (seen->types[i] == type)
            return;
    }
    assert_true(seen->count < SEEN_MAX);
    seen->types[seen->count++] = type;
}

/* The types that elements of TYPE are of: nested ones and data types, no resources. */
static void see_inner(struct seen *seen, const struct definition_type *type)
{
    for (unsigned i = 0; i < type->element_count; i++) {
        const struct definition_element *element = &definition_elements[type->element + i];
        for (unsigned j = 0; j < element->choice_count; j++) {
            const struct definition_choice *choice = &definition_choices[element->choice + j];
            const struct definition_type *inner = &definition_types[choice->type];
            if (choice->type != 0 &&
                (inner->kind == DEFINITION_DATATYPE || inner->kind == DEFINITION_BACKBONE))
                see(seen, inner);
        }
    }
}

static void every_modifier_of_what_is_read_has_its_rows(void **state)
{
    (void)state;
    static struct seen seen;
    unsigned modifiers = 0;
    for (size_t i = 0; read_types[i] != NULL; i++) {
        assert_non_null(definition_find(read_types[i]));
        see(&seen, definition_find(read_types[i]));
    }
    for (size_t i = 0; i < seen.count; i++) { /* the list grows on the way */
        const struct definition_type *type = seen.types[i];
        see_inner(&seen, type);
        for (unsigned j = 0; j < type->element_count; j++) {
            const struct definition_element *element = &definition_elements[type->element + j];
            if (!element->is_modifier)
                continue;
            expect_rows(type, element);
            modifiers++;
        }
    }
    assert_true(modifiers > 70);
}

/* ---- the table holds no row that R4 does not know ---- */

static bool is_read(const struct standing_type *type)
{
    size_t length = strcspn(type->name, ".");
    const struct definition_type *definition = definition_find(type->name);
    if (definition->kind == DEFINITION_DATATYPE || definition->is_abstract)
        return true;
    for (size_t i = 0; read_types[i] != NULL; i++) {
        if (strlen(read_types[i]) == length && strncmp(read_types[i], type->name, length) == 0)
            return true;
    }
    return false;
}

static void expect_known_code(const struct standing_element *element,
                              const struct definition_element *definition, const char *code)
{
    if (code == NULL || definition->value_set == 0)
        return;
    if (!definition_value_set_has(&definition_value_sets[definition->value_set], NULL, code))
        fail_msg("%s: R4 has no code %s", element->name, code);
}

static void every_row_is_of_an_element_that_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < standing_type_count; i++) {
        const struct standing_type *type = &standing_types[i];
        const struct definition_type *definition = definition_find(type->name);
        if (definition == NULL || !is_read(type))
            fail_msg("%s is not read", type->name);
        for (unsigned j = 0; j < type->count; j++) {
            const struct standing_element *element = &standing_elements[type->first + j];
            const struct definition_choice *choice =
                definition_key(definition, element->name, element->length);
            if (choice == NULL || choice->type == 0)
                fail_msg("R4 has no %s.%s", type->name, element->name);
            for (unsigned k = 0; k < element->count; k++)
                expect_known_code(element, definition_element_of(choice),
                                  standing_rows[element->first + k].code);
            if (standing_rows[element->first + element->count - 1].code != NULL)
                fail_msg("%s.%s: the last row is not for other codes", type->name, element->name);
        }
    }
}

/* ---- what an object says ---- */

static struct standing_said said_of(struct arena *arena, const char *type, const char *text)
{
    struct json_document document;
    struct json_fault fault;
    assert_true(json_parse(arena, text, strlen(text), NULL, &document, &fault));
    return standing_of(type, document.root);
}

static void what_an_object_says(void **state)
{
    (void)state;
    static const struct {
        const char *type, *text, *code, *word;
        enum standing_act act;
    } cases[] = {
        {"Observation", "{\"status\":\"final\"}", NULL, NULL, STANDING_FACT},
        {"Observation", "{\"status\":\"preliminary\"}", "preliminary", "preliminary",
         STANDING_KEPT},
        {"Observation", "{\"status\":\"entered-in-error\"}", "entered-in-error", NULL,
         STANDING_ASIDE},
        {"Observation", "{}", NULL, NULL, STANDING_FACT},
        {"Observation", "{\"status\":\"sundry\"}", "sundry", NULL, STANDING_ASIDE},
        {"Observation", "{\"_status\":{\"extension\":[]}}", NULL, NULL, STANDING_ASIDE},
        {"ServiceRequest", "{\"status\":\"active\",\"doNotPerform\":false}", NULL, NULL,
         STANDING_FACT},
        {"ServiceRequest", "{\"status\":\"active\",\"doNotPerform\":true}", "true", NULL,
         STANDING_REFUSED},
        {"Condition",
         "{\"clinicalStatus\":{\"coding\":[{\"code\":\"resolved\"}]},"
         "\"verificationStatus\":{\"coding\":[{\"code\":\"x\"},{\"code\":\"refuted\"}]}}",
         "refuted", "refuted", STANDING_KEPT},
        {"Condition", "{\"verificationStatus\":{\"text\":\"perhaps\"}}", NULL, "preliminary",
         STANDING_KEPT},
        {"Condition",
         "{\"clinicalStatus\":{\"coding\":[{\"code\":\"local\"},{\"code\":\"active\"}]}}", NULL,
         NULL, STANDING_FACT},
        {"Patient", "{\"deceasedDateTime\":\"2026-01-01\"}", "2026-01-01", NULL, STANDING_TOLD},
        {"Patient", "{\"link\":[{\"type\":\"seealso\"},{\"type\":\"replaced-by\"}]}", "seealso",
         NULL, STANDING_TOLD},
        {"CarePlan.activity.detail", "{\"doNotPerform\":true}", "true", NULL, STANDING_ASIDE},
        {"Provenance", "{\"status\":\"draft\"}", NULL, NULL, STANDING_FACT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena arena = ARENA_EMPTY;
        struct standing_said said = said_of(&arena, cases[i].type, cases[i].text);
        enum standing_act act = said.row == NULL ? STANDING_FACT : said.row->act;
        if (act != cases[i].act)
            fail_msg("%s: act %d", cases[i].text, (int)act);
        if (act != STANDING_FACT) {
            assert_true(text_equal(said.code, cases[i].code));
            assert_true(text_equal(said.row->word, cases[i].word));
        }
        arena_free(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_modifier_of_what_is_read_has_its_rows),
        cmocka_unit_test(every_row_is_of_an_element_that_is_read),
        cmocka_unit_test(what_an_object_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
