/* profile_codes: see profile_codes.h. */
#include "fhir/validate/profile_codes.h"

#include <string.h>

static void add_code(struct arena *arena, struct profile_codes *codes, const char *system,
                     const struct json *concept)
{
    const char *code = json_get_text(concept, "code");
    if (code != NULL)
        index_add(&codes->codes, arena_print(arena, "%s|%s", system == NULL ? "" : system, code),
                  concept);
}

static void add_include(struct arena *arena, struct profile_codes *codes,
                        const struct json *include)
{
    const char *system = json_get_text(include, "system");
    const struct json *concepts = json_get(include, "concept");
    if (json_get(include, "valueSet") != NULL || json_get(include, "filter") != NULL)
        codes->is_open = true;
    else if (json_first(concepts) == NULL && system != NULL)
        index_add(&codes->systems, system, include);
    for (const struct json *each = json_first(concepts); each != NULL; each = json_next(each))
        add_code(arena, codes, system, each);
}

static void add_expansion(struct arena *arena, struct profile_codes *codes,
                          const struct json *contains)
{
    for (const struct json *each = json_first(contains); each != NULL; each = json_next(each)) {
        add_code(arena, codes, json_get_text(each, "system"), each);
        add_expansion(arena, codes, json_get(each, "contains"));
    }
}

/* Listed codes below NODE, at most: room for the table. */
static size_t count_codes(const struct json *node)
{
    size_t count = json_get(node, "code") != NULL;
    for (const struct json *each = json_first(node); each != NULL; each = json_next(each))
        count += count_codes(each);
    return count;
}

struct profile_codes *profile_codes_new(struct arena *arena, const struct json *value_set)
{
    struct profile_codes *codes = arena_alloc(arena, sizeof *codes);
    const struct json *compose = json_get(value_set, "compose");
    const struct json *include = json_get(compose, "include");
    const struct json *expansion = json_get(value_set, "expansion");
    codes->url = json_get_text(value_set, "url");
    if (codes->url == NULL)
        return NULL;
    codes->codes = index_new(arena, NULL, count_codes(compose) + count_codes(expansion));
    codes->systems = index_new(arena, NULL, json_count(include));
    codes->is_open = (include == NULL && expansion == NULL) || json_get(compose, "exclude") != NULL;
    for (const struct json *each = json_first(include); each != NULL; each = json_next(each))
        add_include(arena, codes, each);
    add_expansion(arena, codes, json_get(expansion, "contains"));
    return codes;
}

static bool has_pair(const struct validation *run, const struct profile_codes *codes,
                     const char *system, const char *code)
{
    if (code == NULL)
        return false;
    if (system != NULL && index_find(&codes->systems, system) != NULL)
        return true;
    const char *pair = arena_print(run->arena, "%s|%s", system == NULL ? "" : system, code);
    return index_find(&codes->codes, pair) != NULL;
}

/* A plain code has no system: it may be of any that the set has. */
static bool has_code(const struct profile_codes *codes, const char *code)
{
    if (code == NULL)
        return false;
    for (size_t i = 0; i <= codes->systems.mask; i++) {
        if (codes->systems.rows[i].key != NULL)
            return true;
    }
    for (size_t i = 0; i <= codes->codes.mask; i++) {
        const char *key = codes->codes.rows[i].key;
        const char *bar = key == NULL ? NULL : strrchr(key, '|');
        if (bar != NULL && strcmp(bar + 1, code) == 0)
            return true;
    }
    return false;
}

bool profile_codes_fit(const struct validation *run, const struct profile_codes *codes,
                       const struct subject *subject)
{
    if (codes->is_open)
        return true;
    if (subject->type->kind == DEFINITION_PRIMITIVE)
        return has_code(codes, json_text(subject->node));
    const struct json *coding = subject->node;
    if (subject->type == run->validator->types.codeable_concept)
        coding = json_first(json_get(subject->node, "coding"));
    for (; coding != NULL; coding = json_next(coding)) {
        if (has_pair(run, codes, json_get_text(coding, "system"), json_get_text(coding, "code")))
            return true;
        if (coding == subject->node)
            break;
    }
    return false;
}
