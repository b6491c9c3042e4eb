/* profile_check: a resource against profiles, element by element of the profile's tree.
 *
 * The base definition is checked elsewhere; here is only what a profile adds: cardinality, types
 * and their profiles, fixed values and patterns, required bindings, lengths, constraints, and
 * slices (profile_slice.c decides which slice an item is in). Issues name the profile. */
#include "fhir/validate/profile_check.h"

#include <limits.h>
#include <string.h>

#include "base/text.h"
#include "fhir/fhirpath/quantity.h"
#include "fhir/model/primitive.h"
#include "fhir/validate/profile_codes.h"

static struct issue *say(struct validation *run, const struct profile *profile,
                         enum issue_severity severity, enum issue_code code,
                         const struct place *place, const char *name, const struct json *node,
                         const char *found, const char *expected)
{
    struct issue *issue = validation_add(run, severity, code, place, name, node, found, expected);
    if (issue != NULL)
        issue->profile = profile_url(profile);
    return issue;
}

/* ---- values ---- */

bool profile_pattern_matches(const struct json *pattern, const struct json *value)
{
    enum json_kind kind = json_kind(pattern);
    if (kind != json_kind(value))
        return false;
    if (kind != JSON_OBJECT && kind != JSON_LIST)
        return json_same(pattern, value);
    const struct json *part = json_first(pattern);
    for (; part != NULL; part = json_next(part)) {
        if (kind == JSON_OBJECT) {
            if (!profile_pattern_matches(part, json_get(value, json_key(part))))
                return false;
            continue;
        }
        const struct json *item = json_first(value);
        while (item != NULL && !profile_pattern_matches(part, item))
            item = json_next(item);
        if (item == NULL)
            return false;
    }
    return true;
}

bool profile_fits_codes(struct validation *run, const struct subject *subject,
                        const struct profile_node *node)
{
    if (node->required_set != NULL)
        return validation_fits_set(run, subject, node->required_set);
    const struct profile_codes *codes =
        node->required_url == NULL ? NULL
                                   : profile_codes_find(run->options->profiles, node->required_url);
    return codes == NULL || profile_codes_fit(run, codes, subject);
}

/* How VALUE stands to LIMIT: numbers, quantities (also in other units), dates. False: no telling.
 */
static bool order_of(const struct json *value, const struct json *limit, int *ret_order)
{
    const char *one = json_number(value);
    const char *other = json_number(limit);
    if (one != NULL && other != NULL) {
        struct decimal left;
        struct decimal right;
        if (!decimal_parse(one, strlen(one), &left) || !decimal_parse(other, strlen(other), &right))
            return false;
        *ret_order = decimal_compare(left, right);
        return true;
    }
    if (json_text(value) != NULL && json_text(limit) != NULL)
        return primitive_date_order(json_text(value), json_text(limit), ret_order);
    struct quantity left;
    struct quantity right;
    return quantity_of_node(value, &left) && quantity_of_node(limit, &right) &&
           quantity_compare(&left, &right, ret_order);
}

static void check_range(struct validation *run, const struct profile *profile,
                        const struct subject *subject, const struct profile_node *node)
{
    int order;
    if (node->minimum != NULL && order_of(subject->node, node->minimum, &order) && order < 0)
        say(run, profile, ISSUE_ERROR, ISSUE_VALUE, subject->place, NULL, subject->node,
            "a value below the least that the profile allows",
            arena_print(run->arena, "at least %s", json_print(run->arena, node->minimum)));
    if (node->maximum != NULL && order_of(subject->node, node->maximum, &order) && order > 0)
        say(run, profile, ISSUE_ERROR, ISSUE_VALUE, subject->place, NULL, subject->node,
            "a value above the most that the profile allows",
            arena_print(run->arena, "at most %s", json_print(run->arena, node->maximum)));
}

static void check_values(struct validation *run, const struct profile *profile,
                         const struct subject *subject, const struct profile_node *node)
{
    if (node->fixed != NULL && !json_same(node->fixed, subject->node))
        say(run, profile, ISSUE_ERROR, ISSUE_VALUE, subject->place, NULL, subject->node,
            "another value than the profile fixes",
            arena_print(run->arena, "exactly %s", json_print(run->arena, node->fixed)));
    if (node->pattern != NULL && !profile_pattern_matches(node->pattern, subject->node))
        say(run, profile, ISSUE_ERROR, ISSUE_VALUE, subject->place, NULL, subject->node,
            "a value without what the profile asks for",
            arena_print(run->arena, "at least %s", json_print(run->arena, node->pattern)));
    if (!profile_fits_codes(run, subject, node))
        say(run, profile, ISSUE_ERROR, ISSUE_CODE_INVALID, subject->place, NULL, subject->node,
            "a code that is not in the set of the profile",
            arena_print(run->arena, "a code of %s",
                        node->required_set != NULL ? definition_word(node->required_set->url)
                                                   : node->required_url));
    check_range(run, profile, subject, node);
    const char *text = json_text(subject->node);
    if (node->length_max > 0 && text != NULL && text_utf8_length(text) > (size_t)node->length_max)
        say(run, profile, ISSUE_ERROR, ISSUE_TOO_LONG, subject->place, NULL, subject->node,
            "a text that is too long",
            arena_print(run->arena, "at most %ld characters", node->length_max));
}

/* ---- types ---- */

static bool is_code(const struct definition_type *type, const char *code)
{
    const struct definition_type *named = definition_find(code);
    return named == NULL || definition_is(type, named); /* FHIRPath types: not ours to judge */
}

static const char *type_words(struct arena *arena, const struct profile_node *node)
{
    struct text words = text_new(arena, 300);
    for (const struct profile_type_row *row = node->types; row != NULL; row = row->next)
        text_print(&words, "%s%s", words.length > 0 ? " or " : "", row->code);
    return words.at;
}

/* The type that a canonical of a profile or definition is about; NULL: not known here. */
static const char *type_of_url(const struct profile_set *set, const char *url)
{
    static const char core[] = "http://hl7.org/fhir/StructureDefinition/";
    const struct profile *profile = profile_find(set, url);
    if (profile != NULL)
        return profile_type(profile);
    const struct definition_type *type =
        text_starts(url, core) ? definition_find(url + sizeof core - 1) : NULL;
    return type == NULL ? NULL : definition_type_name(type);
}

static void check_target(struct validation *run, const struct profile *profile,
                         const struct subject *subject, const struct profile_type_row *row)
{
    const struct definition_type *actual =
        row->targets == NULL ? NULL : validation_reference_type(run, subject->node);
    if (actual == NULL)
        return;
    struct text words = text_new(run->arena, 300);
    for (const char *const *target = row->targets; *target != NULL; target++) {
        const char *type = type_of_url(run->options->profiles, *target);
        if (type == NULL || is_code(actual, type))
            return;
        text_print(&words, "%s%s", words.length > 0 ? " or " : "a reference to ", type);
    }
    say(run, profile, ISSUE_ERROR, ISSUE_STRUCTURE, subject->place, "reference",
        json_get(subject->node, "reference"),
        arena_print(run->arena, "a reference to %s", definition_type_name(actual)), words.at);
}

/* One of the profiles of the type must be met; of those that are not here nothing is said. */
static void check_type_profiles(struct validation *run, const struct profile *profile,
                                const struct subject *subject, const struct profile_type_row *row)
{
    const struct profile *known = NULL;
    size_t count = 0;
    for (const char *const *url = row->profiles; url != NULL && *url != NULL; url++) {
        known = profile_find(run->options->profiles, *url);
        if (known == NULL)
            return;
        if (validation_conforms(run, subject, known))
            return;
        count++;
    }
    if (count == 1)
        validation_profile(run, subject, known);
    else if (count > 1)
        say(run, profile, ISSUE_ERROR, ISSUE_STRUCTURE, subject->place, NULL, subject->node,
            "content that meets none of the profiles for it", row->profiles[0]);
}

static void check_types(struct validation *run, const struct profile *profile,
                        const struct subject *subject, const struct profile_node *node)
{
    const struct profile_type_row *row = node->types;
    while (row != NULL && !is_code(subject->type, row->code))
        row = row->next;
    if (row != NULL) {
        check_target(run, profile, subject, row);
        check_type_profiles(run, profile, subject, row);
    } else if (node->types != NULL) {
        say(run, profile, ISSUE_ERROR, ISSUE_STRUCTURE, subject->place, NULL, subject->node,
            arena_print(run->arena, "a value of type %s", definition_type_name(subject->type)),
            type_words(run->arena, node));
    }
}

/* ---- constraints ---- */

static void check_rules(struct validation *run, const struct profile *profile,
                        const struct subject *subject, const struct profile_node *node)
{
    for (const struct profile_rule *rule = node->rules; rule != NULL; rule = rule->next) {
        struct fhirpath_fault fault;
        struct fhirpath_session *session = validation_session(run, subject);
        if (session == NULL)
            return;
        enum fhirpath_truth truth = fhirpath_is_true(session, rule->compiled, &fault);
        if (truth == FHIRPATH_TRUE)
            continue;
        bool evaluated = truth == FHIRPATH_FALSE;
        bool decides = evaluated || fault.kind == FHIRPATH_FAULT_LIMIT;
        struct issue *issue = say(
            run, profile, rule->is_error && decides ? ISSUE_ERROR : ISSUE_WARNING,
            evaluated ? ISSUE_INVARIANT : ISSUE_PROCESSING, subject->place, NULL,
            subject->node != NULL ? subject->node : subject->companion,
            evaluated ? "content that breaks a rule" : "content for which a rule cannot be decided",
            evaluated ? (rule->human != NULL ? rule->human : rule->expression) : fault.message);
        if (issue != NULL)
            issue->key = rule->key;
    }
}

/* ---- elements ---- */

static void add_item(struct profile_items *items, const struct place *place,
                     const struct json *value, const struct json *companion,
                     const struct definition_type *type)
{
    struct profile_item *item = &items->items[items->count++];
    if (json_kind(value) == JSON_NULL)
        value = NULL;
    if (type->kind == DEFINITION_RESOURCE) {
        const struct definition_type *own = definition_find(json_get_text(value, "resourceType"));
        type = own != NULL ? own : type;
    }
    item->place = *place;
    item->subject = (struct subject){
        .place = &item->place, .node = value, .companion = companion, .type = type};
}

static void add_items(struct profile_items *items, struct place place, const struct json *value,
                      const struct json *companion, const struct definition_type *type)
{
    if (json_kind(value) != JSON_LIST && json_kind(companion) != JSON_LIST) {
        add_item(items, &place, value, companion, type);
        return;
    }
    const struct json *item = json_first(value);
    const struct json *beside = json_first(companion);
    for (place.index = 0; item != NULL || beside != NULL; place.index++) {
        add_item(items, &place, item, beside, type);
        item = json_next(item);
        beside = json_next(beside);
    }
}

static size_t room_for(const struct json *value, const struct json *companion)
{
    size_t values = json_kind(value) == JSON_LIST ? json_count(value) : 1;
    size_t companions = json_kind(companion) == JSON_LIST ? json_count(companion) : 1;
    return values > companions ? values : companions;
}

struct profile_items profile_items_of(struct validation *run, const struct subject *subject,
                                      const char *name)
{
    struct profile_items items = {0};
    const struct definition_element *element = definition_child(subject->type, name);
    for (unsigned i = 0; element != NULL && i < element->choice_count; i++) {
        const struct definition_choice *choice = &definition_choices[element->choice + i];
        const char *key = definition_word(choice->key);
        const struct json *value = json_get(subject->node, key);
        const struct definition_type *type = definition_type_of(choice);
        const struct json *companion = NULL;
        if (type->kind == DEFINITION_PRIMITIVE)
            companion = json_get(subject->node, arena_print(run->arena, "_%s", key));
        if (value == NULL && companion == NULL)
            continue;
        struct place place = {subject->place, definition_element_name(element), NULL, -1};
        if (element->is_choice)
            place.cast = definition_type_name(type);
        size_t room = room_for(value, companion);
        items.items = arena_array(run->arena, room, sizeof *items.items);
        add_items(&items, place, value, companion, type);
        break; /* one choice only; a second was reported */
    }
    return items;
}

static const char *many(struct arena *arena, long number)
{
    return number == 0 ? "none" : arena_print(arena, "%ld", number);
}

void profile_check_count(struct validation *run, const struct profile *profile,
                         const struct subject *subject, const struct profile_node *node,
                         size_t count)
{
    const char *what = node->slice == NULL
                           ? node->name
                           : arena_print(run->arena, "%s of the slice %s", node->name, node->slice);
    if (node->min > 0 && count < (size_t)node->min)
        say(run, profile, ISSUE_ERROR, ISSUE_REQUIRED, subject->place, node->name, subject->node,
            arena_print(run->arena, "%s %s", many(run->arena, (long)count), what),
            arena_print(run->arena, "at least %ld", node->min));
    else if (node->max >= 0 && count > (size_t)node->max)
        say(run, profile, ISSUE_ERROR, ISSUE_STRUCTURE, subject->place, node->name, subject->node,
            arena_print(run->arena, "%zu %s", count, what),
            arena_print(run->arena, "at most %s", many(run->arena, node->max)));
    else if (count == 0 && node->must_support && run->options->notes_must_support)
        say(run, profile, ISSUE_INFORMATION, ISSUE_INFORMATIONAL, subject->place, node->name,
            subject->node, arena_print(run->arena, "no %s", what),
            "it where it is known: the profile says must support");
}

static void check_children(struct validation *run, const struct profile *profile,
                           const struct subject *subject, const struct profile_node *node)
{
    for (const struct profile_node *child = node->children; child != NULL; child = child->next) {
        struct profile_items items = profile_items_of(run, subject, child->name);
        profile_check_count(run, profile, subject, child, items.count);
        for (size_t i = 0; i < items.count; i++)
            profile_check_item(run, profile, &items.items[i].subject, child);
        if (child->slices != NULL)
            profile_check_slices(run, profile, subject, child, &items);
    }
}

/* The scope inside a resource that the profile's own resource contains or carries. */
static struct scope scope_inside(struct validation *run, const struct subject *subject)
{
    bool contained = strcmp(subject->place->name, "contained") == 0;
    struct scope scope = {.container = contained ? run->scope : NULL,
                          .resource = subject->node,
                          .type = subject->type,
                          .bundle = contained ? run->scope->bundle : run->scope->index};
    if (!contained)
        validation_index_contained(run, &scope);
    return scope;
}

void profile_check_item(struct validation *run, const struct profile *profile,
                        const struct subject *subject, const struct profile_node *node)
{
    if (subject->node != NULL) {
        check_types(run, profile, subject, node);
        check_values(run, profile, subject, node);
    }
    check_rules(run, profile, subject, node);
    if (json_kind(subject->node) != JSON_OBJECT || node->children == NULL)
        return;
    struct scope *outer = run->scope;
    bool enters = subject->type->kind == DEFINITION_RESOURCE && subject->node != outer->resource;
    struct scope inside = enters ? scope_inside(run, subject) : *outer;
    if (enters)
        run->scope = &inside;
    check_children(run, profile, subject, node);
    run->scope = outer;
}

/* ---- whole resources ---- */

void validation_profile(struct validation *run, const struct subject *subject,
                        const struct profile *profile)
{
    if (!profile->is_linked)
        return;
    if (!definition_is(subject->type, profile->model)) {
        say(run, profile, ISSUE_ERROR, ISSUE_STRUCTURE, subject->place, NULL, subject->node,
            arena_print(run->arena, "a %s", definition_type_name(subject->type)),
            arena_print(run->arena, "a %s, which the profile is for", profile_type(profile)));
        return;
    }
    struct profile_node root = *profile->root;
    root.types = NULL; /* what it is a profile of was just seen */
    profile_check_item(run, profile, subject, &root);
}

bool validation_conforms(struct validation *run, const struct subject *subject,
                         const struct profile *profile)
{
    struct issue_list *outer = run->issues;
    struct issue_list quiet = issue_list_new(run->arena);
    quiet.count_max = 1;
    run->issues = &quiet;
    validation_profile(run, subject, profile);
    run->issues = outer;
    return issue_list_passes(&quiet);
}

static void check_wanted(struct validation *run, const struct subject *subject, const char *url)
{
    const struct profile *profile = profile_find(run->options->profiles, url);
    if (profile != NULL && profile->is_linked) {
        validation_profile(run, subject, profile);
        return;
    }
    struct issue *issue = validation_add(run, ISSUE_ERROR, ISSUE_NOT_SUPPORTED, subject->place,
                                         NULL, subject->node, "a profile that is not loaded here",
                                         "a file with it in the folder of profiles");
    if (issue != NULL)
        issue->profile = url;
}

static void check_claimed(struct validation *run, const struct subject *subject)
{
    const struct json *each = json_first(json_get(json_get(subject->node, "meta"), "profile"));
    for (; each != NULL; each = json_next(each)) {
        const struct profile *profile =
            json_text(each) == NULL ? NULL : profile_find(run->options->profiles, json_text(each));
        if (profile != NULL && profile->is_linked)
            validation_profile(run, subject, profile);
    }
}

void validation_profiles(struct validation *run, const struct subject *subject)
{
    bool is_outermost = subject->place->above == NULL;
    for (size_t i = 0; is_outermost && i < run->options->profile_count; i++)
        check_wanted(run, subject, run->options->profile_urls[i]);
    if (run->options->checks_meta_profile)
        check_claimed(run, subject);
}
