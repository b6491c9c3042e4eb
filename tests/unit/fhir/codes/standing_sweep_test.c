/* message_standing: every modifier element that our own messages hold, or could hold, with every
 * code that makes no plain fact of it: what is read is never what it was without. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fhir/codes/standing_tables.h"
#include "fhir/model/definitions.h"
#include "lib/mapping.h"

struct sweep {
    struct arena *arena; /* of the Bundle */
    const struct directory *directory;
    struct json *bundle;
    const char *name;
    const char *before; /* all that is read of the Bundle as it is */
    size_t changed;
};

static const char *text_of(struct arena *arena, const struct json *node)
{
    return node == NULL ? "" : json_print(arena, node);
}

/* All that a message says in our words, as one text. */
static const char *read_all(struct arena *arena, const struct sweep *sweep)
{
    struct fhir_context context = mapping_context(arena, sweep->directory, "sweep");
    struct finding_list findings = finding_list_new(arena);
    struct message_inbound in;
    if (!message_read(&context, sweep->bundle, &in, &findings))
        return "refused";
    return arena_print(arena, "%d %s %s %s %s", (int)in.content, text_of(arena, in.record),
                       text_of(arena, in.received), text_of(arena, in.consents),
                       in.set_aside == NULL ? "" : in.set_aside);
}

/* ---- one value ---- */

/* The value that stands for CODE (NULL: any other), as the element wants it. */
static struct json *value_of(struct arena *arena, const char *type, const char *code)
{
    const char *word = code == NULL ? "unknown" : code;
    if (strcmp(type, "boolean") == 0)
        return json_new_boolean(arena, code == NULL || strcmp(code, "true") == 0);
    if (strcmp(type, "dateTime") == 0)
        return json_new_text(arena, "2026-01-01");
    struct json *value = json_new_object(arena);
    if (strcmp(type, "CodeableConcept") == 0) {
        struct json *codings = json_set(arena, value, "coding", json_new_list(arena));
        json_set_text(arena, json_push(codings, json_new_object(arena)), "code", word);
        return value;
    }
    if (strcmp(type, "Patient.link") == 0) {
        struct json *list = json_new_list(arena);
        json_set_text(arena, json_push(list, value), "type", word);
        return list;
    }
    return json_new_text(arena, word);
}

/* A goal that is met or given up says so in its `status`; an action, in its own. */
static bool is_said_elsewhere(const struct standing_type *type, const struct json *object,
                              const char *code)
{
    bool is_goal = strcmp(type->name, "Goal") == 0 && json_get(object, "achievementStatus") != NULL;
    bool is_action = strcmp(type->name, "Task") == 0;
    return (is_goal || is_action) &&
           (text_equal(code, "completed") || text_equal(code, "cancelled"));
}

static void check_changed(struct sweep *sweep, struct arena *arena,
                          const struct standing_type *type, const struct standing_element *element,
                          const char *what)
{
    if (strcmp(read_all(arena, sweep), sweep->before) == 0)
        fail_msg("%s: %s.%s %s changes nothing", sweep->name, type->name, element->name, what);
    sweep->changed++;
}

static void put_back(struct sweep *sweep, struct json *object, const char *name,
                     const struct json *before)
{
    json_remove(object, name);
    if (before != NULL)
        json_set(sweep->arena, object, name, json_copy(sweep->arena, before));
}

/* No value, and an extension that says why: nobody knows which it is. */
static void try_unsaid(struct sweep *sweep, const struct standing_type *type,
                       const struct standing_element *element, struct json *object)
{
    struct arena arena = ARENA_EMPTY;
    struct json *before = json_copy(sweep->arena, json_get(object, element->name));
    struct json *extensions = json_new_list(&arena);
    struct json *extension = json_push(extensions, json_new_object(&arena));
    json_set_text(&arena, extension, "url",
                  "http://hl7.org/fhir/StructureDefinition/data-absent-reason");
    json_set_text(&arena, extension, "valueCode", "unknown");
    json_remove(object, element->name);
    json_set(&arena, json_set(&arena, object, element->shadow, json_new_object(&arena)),
             "extension", extensions);
    check_changed(sweep, &arena, type, element, "without a value");
    json_remove(object, element->shadow);
    put_back(sweep, object, element->name, before);
    arena_free(&arena);
}

static void try_value(struct sweep *sweep, const struct standing_type *type,
                      const struct standing_element *element, const struct standing_row *row,
                      struct json *object)
{
    struct arena arena = ARENA_EMPTY;
    const struct definition_choice *choice =
        definition_key(definition_find(type->name), element->name, element->length);
    struct json *before = json_copy(sweep->arena, json_get(object, element->name));
    struct json *value =
        value_of(&arena, definition_type_name(definition_type_of(choice)), row->code);
    if (json_kind(value) == JSON_BOOLEAN && row->code == NULL &&
        strcmp(element->name, "active") == 0)
        value = json_new_boolean(&arena, false);
    json_replace(&arena, object, element->name, value);
    if (!is_said_elsewhere(type, object, row->code))
        check_changed(sweep, &arena, type, element, row->code == NULL ? "(any other)" : row->code);
    put_back(sweep, object, element->name, before);
    arena_free(&arena);
}

/* ---- every place ---- */

static void sweep_object(struct sweep *sweep, const char *name, struct json *object)
{
    for (size_t i = 0; i < standing_type_count; i++) {
        const struct standing_type *type = &standing_types[i];
        if (strcmp(type->name, name) != 0)
            continue;
        for (unsigned j = 0; j < type->count; j++) {
            const struct standing_element *element = &standing_elements[type->first + j];
            for (unsigned k = 0; k < element->count; k++) {
                const struct standing_row *row = &standing_rows[element->first + k];
                if (row->act > STANDING_FIELD)
                    try_value(sweep, type, element, row, object);
                if (row->act > STANDING_FIELD && row->code == NULL)
                    try_unsaid(sweep, type, element, object);
            }
        }
    }
}

static void sweep_node(struct sweep *sweep, const struct definition_type *type, struct json *node);

static void sweep_member(struct sweep *sweep, const struct definition_type *type,
                         struct json *member)
{
    const struct definition_choice *choice =
        definition_key(type, json_key(member), json_key_length(member));
    const struct definition_type *inner =
        choice == NULL || choice->type == 0 ? NULL : definition_type_of(choice);
    if (inner == NULL || inner->kind == DEFINITION_PRIMITIVE)
        return;
    struct json *item = json_kind(member) == JSON_LIST ? json_first(member) : member;
    for (; item != NULL; item = item == member ? NULL : json_next(item))
        sweep_node(sweep, inner, item);
}

static void sweep_node(struct sweep *sweep, const struct definition_type *type, struct json *node)
{
    const char *resource = json_get_text(node, "resourceType");
    if (json_kind(node) != JSON_OBJECT)
        return;
    type = resource == NULL ? type : definition_find(resource);
    sweep_object(sweep, definition_type_name(type), node);
    if (resource != NULL)
        sweep_object(sweep, "Resource", node);
    for (struct json *member = json_first(node); member != NULL;) {
        struct json *next = json_next(member);
        sweep_member(sweep, type, member);
        member = next;
    }
}

static void no_modifier_is_passed_over(void **state)
{
    struct arena fixed = ARENA_EMPTY;
    struct directory *directory = mapping_directory(&fixed);
    struct mapping_samples samples = mapping_samples(&fixed);
    size_t changed = 0;
    (void)state;
    for (size_t i = 0; i < samples.count; i++) {
        struct arena arena = ARENA_EMPTY;
        struct fhir_context context = mapping_context(&arena, directory, samples.items[i].name);
        struct sweep sweep = {
            .arena = &arena, .directory = directory, .name = samples.items[i].name};
        sweep.bundle = message_of_record(&context, samples.items[i].record, NULL);
        sweep.before = read_all(&arena, &sweep);
        sweep_node(&sweep, definition_find("Bundle"), sweep.bundle);
        changed += sweep.changed;
        arena_free(&arena);
    }
    assert_true(changed > 1000);
    arena_free(&fixed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_modifier_is_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
