/* search: which parameters there are, and running them. What becomes of each value found stands in
 * search/value.c. See search.h. */
#include "fhir/search/search.h"

#include <string.h>

#include "base/text.h"
#include "fhir/fhirpath/fhirpath.h"
#include "fhir/model/definitions.h"
#include "fhir/search/value.h"

enum { VALUES_MAX = 10 * 1000, COMPONENTS_MAX = 4 };

static const char *const stored_types[] = {"Appointment",
                                           "Bundle",
                                           "CarePlan",
                                           "CareTeam",
                                           "Communication",
                                           "Composition",
                                           "Condition",
                                           "Consent",
                                           "Coverage",
                                           "DocumentReference",
                                           "Encounter",
                                           "Flag",
                                           "Goal",
                                           "MessageHeader",
                                           "Observation",
                                           "Organization",
                                           "Patient",
                                           "Practitioner",
                                           "PractitionerRole",
                                           "Procedure",
                                           "Provenance",
                                           "ServiceRequest",
                                           "Task",
                                           NULL};

enum { TYPE_COUNT = sizeof stored_types / sizeof *stored_types - 1 };

struct parameter {
    const struct definition_search *definition;
    const struct fhirpath *expression;
    const struct fhirpath *components[COMPONENTS_MAX]; /* of a composite */
    enum search_kind kind;
};

struct parameter_list {
    struct parameter *items;
    size_t count;
};

struct search {
    struct parameter_list types[TYPE_COUNT];
    struct parameter_list every; /* of Resource and DomainResource */
};

/* ---- making ---- */

static bool kind_of(const char *word, enum search_kind *ret_kind)
{
    static const struct {
        const char *word;
        enum search_kind kind;
    } kinds[] = {{"token", SEARCH_TOKEN},       {"string", SEARCH_STRING},
                 {"date", SEARCH_DATE},         {"reference", SEARCH_REFERENCE},
                 {"quantity", SEARCH_QUANTITY}, {"uri", SEARCH_URI},
                 {"composite", SEARCH_TOKEN}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(word, kinds[i].word) != 0)
            continue;
        *ret_kind = kinds[i].kind;
        return true;
    }
    return false;
}

static bool compile(struct arena *arena, const char *text, const struct fhirpath **ret_expression)
{
    struct fhirpath_fault fault;
    return *text != '\0' && fhirpath_compile(arena, text, ret_expression, &fault);
}

static bool make_parameter(struct arena *arena, const struct definition_search *row,
                           struct parameter *ret_parameter)
{
    struct parameter parameter = {.definition = row};
    if (!kind_of(definition_word(row->kind), &parameter.kind) ||
        !compile(arena, definition_word(row->expression), &parameter.expression))
        return false;
    for (unsigned i = 0; i < row->component_count && i < COMPONENTS_MAX; i++) {
        const struct definition_search_component *component =
            &definition_search_components[row->component + i];
        if (!compile(arena, definition_word(component->expression), &parameter.components[i]))
            return false;
    }
    *ret_parameter = parameter;
    return true;
}

/* Adds the parameters of the type named TYPE alone. */
static void add_type(struct arena *arena, struct parameter_list *list, const char *type)
{
    unsigned index = definition_type_index(definition_find(type));
    for (unsigned i = 0; i < definition_search_count; i++) {
        struct parameter parameter;
        if (definition_searches[i].type != index ||
            !make_parameter(arena, &definition_searches[i], &parameter))
            continue;
        size_t size = list->count * sizeof *list->items;
        list->items = arena_grow(arena, list->items, size, size + sizeof *list->items);
        list->items[list->count++] = parameter;
    }
}

struct search *search_new(struct arena *arena)
{
    struct search *search = arena_alloc(arena, sizeof *search);
    add_type(arena, &search->every, "Resource");
    add_type(arena, &search->every, "DomainResource");
    for (size_t i = 0; i < TYPE_COUNT; i++)
        add_type(arena, &search->types[i], stored_types[i]);
    return search;
}

const char *const *search_types(void)
{
    return stored_types;
}

bool search_parameter(const char *type, const char *code, enum search_kind *ret_kind)
{
    const struct definition_search *row = definition_search_find(type, code);
    return row != NULL && kind_of(definition_word(row->kind), ret_kind);
}

/* ---- running ---- */

struct extraction {
    struct arena *arena;
    const struct json *resource;
    const struct search_options *options;
    struct fhirpath_session *session;
    struct search_list list;
    size_t room;
    unsigned groups;
};

static void add_value(void *taker, const struct search_value *value)
{
    struct extraction *run = taker;
    if (run->list.count == VALUES_MAX)
        return;
    run->list.values =
        arena_room(run->arena, run->list.values, sizeof *value, run->list.count, &run->room, 32);
    run->list.values[run->list.count++] = *value;
}

/* The values of EXPRESSION on NODE; texts are copied out of the session. */
static struct fhirpath_result evaluate(struct extraction *run, const struct fhirpath *expression,
                                       const struct json *node, const struct definition_type *type)
{
    struct fhirpath_result result = {0};
    struct fhirpath_fault fault;
    struct fhirpath_input *input = fhirpath_session_input(run->session);
    input->context = node;
    input->type = type;
    if (!fhirpath_session_evaluate(run->session, expression, &result, &fault))
        return (struct fhirpath_result){0};
    return result;
}

static struct search_maker maker_of(struct extraction *run, const struct parameter *parameter)
{
    return (struct search_maker){.arena = run->arena,
                                 .take = add_value,
                                 .taker = run,
                                 .zone_minutes = run->options->zone_minutes,
                                 .code = definition_word(parameter->definition->code),
                                 .kind = parameter->kind};
}

static const struct definition_type *type_named(const char *type)
{
    return text_starts(type, "FHIR.") ? definition_find(type + 5) : NULL;
}

/* The components of one item of a composite, all under one group number. */
static void extract_item(struct extraction *run, const struct parameter *parameter,
                         const struct json *node, const struct definition_type *type)
{
    struct search_maker maker = maker_of(run, parameter);
    size_t before = run->list.count;
    maker.group = run->groups + 1;
    for (unsigned i = 0; i < parameter->definition->component_count; i++) {
        struct fhirpath_result result = evaluate(run, parameter->components[i], node, type);
        size_t start = run->list.count;
        maker.component = i + 1;
        for (size_t k = 0; k < result.count; k++)
            search_make_any(&maker, &result.values[k]);
        if (run->list.count == start) { /* a composite without one of its parts is none */
            run->list.count = before;
            return;
        }
    }
    run->groups++;
}

static void extract_composite(struct extraction *run, const struct parameter *parameter)
{
    struct item {
        const struct json *node;
        const struct definition_type *type;
    };
    struct fhirpath_result result = evaluate(run, parameter->expression, run->resource, NULL);
    struct item *items = arena_array(run->arena, result.count + 1, sizeof *items);
    size_t count = result.count;
    for (size_t i = 0; i < count; i++)
        items[i] = (struct item){result.values[i].node, type_named(result.values[i].type)};
    for (size_t i = 0; i < count; i++)
        extract_item(run, parameter, items[i].node, items[i].type);
}

static void extract_parameter(struct extraction *run, const struct parameter *parameter)
{
    if (parameter->definition->component_count > 0) {
        extract_composite(run, parameter);
        return;
    }
    struct search_maker maker = maker_of(run, parameter);
    struct fhirpath_result result = evaluate(run, parameter->expression, run->resource, NULL);
    for (size_t i = 0; i < result.count; i++)
        search_make(&maker, &result.values[i]);
}

static void extract_list(struct extraction *run, const struct parameter_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        extract_parameter(run, &list->items[i]);
}

struct search_list search_extract(const struct search *search, struct arena *arena,
                                  const struct json *resource, const struct search_options *options)
{
    struct fhirpath_input input = {
        .resource = resource, .bundle = options->bundle, .guess_references = true};
    struct extraction run = {.arena = arena, .resource = resource, .options = options};
    const char *type = json_get_text(resource, "resourceType");
    run.session = fhirpath_session_new(arena, &input);
    extract_list(&run, &search->every);
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        if (text_equal(type, stored_types[i]))
            extract_list(&run, &search->types[i]);
    }
    return run.list;
}
