/* definition: what resources that define something must hold, beyond their invariants.
 *
 * Called after the walk of each outermost or contained resource; most types have no rule here. What
 * a definition says of one of FHIR's own search parameters is compared with that parameter
 * (https://hl7.org/fhir/R4/searchparameter.html). */
#include <string.h>

#include "base/text.h"
#include "fhir/validate/validate_internal.h"

#define OWN_PARAMETERS "http://hl7.org/fhir/SearchParameter/"

static bool is_text(const struct json *object, const char *name, const char *word)
{
    const char *text = json_get_text(object, name);
    return text != NULL && strcmp(text, word) == 0;
}

/* The parameter at URL, where that names one type and one code: `.../Patient-birthdate`. */
static const struct definition_search *own_parameter(struct arena *arena, const char *url)
{
    if (url == NULL || !text_starts(url, OWN_PARAMETERS))
        return NULL;
    const char *name = url + strlen(OWN_PARAMETERS);
    size_t length = strcspn(name, "-");
    if (name[length] == '\0')
        return NULL;
    const char *code = arena_copy_n(arena, name + length + 1, strcspn(name + length + 1, "|"));
    return definition_search_find(arena_copy_n(arena, name, length), code);
}

static void wrong_kind(struct validation *run, const struct place *place,
                       const struct json *parameter, const struct definition_search *own)
{
    if (json_get_text(parameter, "type") != NULL &&
        !is_text(parameter, "type", definition_word(own->kind)))
        validation_add(run, ISSUE_ERROR, ISSUE_INVALID, place, "type", json_get(parameter, "type"),
                       "another type than that search parameter has", definition_word(own->kind));
}

static void code_system(struct validation *run, const struct subject *subject)
{
    const struct json *content = json_get(subject->node, "content");
    if (json_get(subject->node, "supplements") != NULL && json_text(content) != NULL &&
        strcmp(json_text(content), "supplement") != 0)
        validation_add(run, ISSUE_ERROR, ISSUE_INVALID, subject->place, "content", content,
                       "another content in a code system that supplements one", "supplement");
}

/* PARAMETER exists for TYPE, too: the same expression under the same code. */
static bool is_of_type(const struct definition_search *parameter, const char *type)
{
    const struct definition_search *other =
        definition_search_find(type, definition_word(parameter->code));
    return other != NULL &&
           strcmp(definition_word(other->expression), definition_word(parameter->expression)) == 0;
}

static void search_parameter(struct validation *run, const struct subject *subject)
{
    if (is_text(subject->node, "type", "composite") &&
        json_count(json_get(subject->node, "component")) < 2)
        validation_add(run, ISSUE_ERROR, ISSUE_INVALID, subject->place, "component", subject->node,
                       "a composite of less than two components", "two or more");
    const struct definition_search *own =
        own_parameter(run->arena, json_get_text(subject->node, "derivedFrom"));
    if (own == NULL)
        return;
    wrong_kind(run, subject->place, subject->node, own);
    const struct json *base = json_first(json_get(subject->node, "base"));
    struct place place = {subject->place, "base", NULL, 0};
    for (; base != NULL; base = json_next(base), place.index++) {
        if (json_text(base) != NULL && !is_of_type(own, json_text(base)))
            validation_add(run, ISSUE_ERROR, ISSUE_INVALID, &place, NULL, base,
                           "a type that the search parameter derived from does not have",
                           "one of its types");
    }
}

static void capability_statement(struct validation *run, const struct subject *subject)
{
    struct place rest_place = {subject->place, "rest", NULL, 0};
    const struct json *rest = json_first(json_get(subject->node, "rest"));
    for (; rest != NULL; rest = json_next(rest), rest_place.index++) {
        struct place resource_place = {&rest_place, "resource", NULL, 0};
        const struct json *resource = json_first(json_get(rest, "resource"));
        for (; resource != NULL; resource = json_next(resource), resource_place.index++) {
            struct place place = {&resource_place, "searchParam", NULL, 0};
            const struct json *parameter = json_first(json_get(resource, "searchParam"));
            for (; parameter != NULL; parameter = json_next(parameter), place.index++) {
                const struct definition_search *own =
                    own_parameter(run->arena, json_get_text(parameter, "definition"));
                if (own != NULL)
                    wrong_kind(run, &place, parameter, own);
            }
        }
    }
}

static const struct {
    const char *type;
    void (*check)(struct validation *run, const struct subject *subject);
} rules[] = {
    {"CapabilityStatement", capability_statement},
    {"CodeSystem", code_system},
    {"SearchParameter", search_parameter},
};

void validation_definition(struct validation *run, const struct subject *subject)
{
    const char *name = definition_type_name(subject->type);
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (*name == *rules[i].type && strcmp(rules[i].type, name) == 0)
            rules[i].check(run, subject);
    }
}
