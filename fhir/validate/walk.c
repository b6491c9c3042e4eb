/* walk: one walk over a resource, member by member, guided by the type tables.
 *
 * Every member is looked up in its type's key table; what the type does not know, what is there too
 * often, too seldom or in the wrong JSON kind is said here. The other parts are called for what the
 * member turns out to be. Recursion is bounded by the depth that the JSON scan allows. */
#include "fhir/validate/validate_internal.h"

#include <string.h>

#include "base/nearest.h"
#include "fhir/model/primitive.h"

/* ---- places and issues ---- */

static void add_place(struct text *path, const struct place *place)
{
    if (place->above != NULL) {
        add_place(path, place->above);
        text_add(path, ".");
    }
    text_add(path, place->name);
    if (place->index >= 0)
        text_print(path, "[%ld]", place->index);
    if (place->cast != NULL)
        text_print(path, ".ofType(%s)", place->cast);
}

const char *validation_path(struct arena *arena, const struct place *place, const char *name)
{
    struct text path = text_new(arena, 4096);
    add_place(&path, place);
    if (name != NULL)
        text_print(&path, ".%s", name);
    return path.at;
}

struct issue *validation_add(struct validation *run, enum issue_severity severity,
                             enum issue_code code, const struct place *place, const char *name,
                             const struct json *node, const char *found, const char *expected)
{
    struct issue issue = {.severity = severity, .code = code, .node = node};
    struct issue *added = issue_add(run->issues, issue);
    if (added == NULL)
        return NULL;
    added->path = validation_path(run->arena, place, name);
    added->found = found;
    added->expected = expected;
    if (run->issues->shows_values)
        added->value = json_text(node) != NULL ? json_text(node) : json_number(node);
    return added;
}

static struct issue *structure(struct validation *run, const struct place *place, const char *name,
                               const struct json *node, const char *found, const char *expected)
{
    return validation_add(run, ISSUE_ERROR, ISSUE_STRUCTURE, place, name, node, found, expected);
}

/* ---- names ---- */

/* Names are shown only when they look like names: a key may hold anything, a patient's name too. */
static bool is_plain_name(const char *key)
{
    size_t length = strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    return length > 0 && length <= NEAREST_LENGTH_MAX && key[length] == '\0';
}

static const char *nearest_element(const struct definition_type *type, const char *key)
{
    struct nearest nearest = nearest_start(key);
    for (unsigned i = 0; i < type->element_count; i++) {
        const struct definition_element *element = &definition_elements[type->element + i];
        for (unsigned j = 0; j < element->choice_count; j++)
            nearest_try(&nearest, definition_word(definition_choices[element->choice + j].key));
    }
    return nearest.best;
}

/* "valueQuantity, valueString, ..." of a choice, for people. */
static const char *choice_names(struct arena *arena, const struct definition_element *element)
{
    struct text names = text_new(arena, 200);
    for (unsigned i = 0; i < element->choice_count; i++) {
        if (i > 0)
            text_add(&names, i + 1 == element->choice_count ? " or " : ", ");
        text_add(&names, definition_word(definition_choices[element->choice + i].key));
    }
    return names.full ? "one of its names with a type at the end" : names.at;
}

static void unknown_member(struct validation *run, const struct subject *subject,
                           const struct json *member, const struct definition_choice *stem)
{
    const char *key = json_key(member);
    bool plain = is_plain_name(key);
    const char *found = "a field whose name is no FHIR name";
    if (plain)
        found = arena_print(run->arena, "the unknown element %s", key);
    const char *expected =
        arena_print(run->arena, "an element of %s", definition_type_name(subject->type));
    if (stem != NULL)
        expected = choice_names(run->arena, definition_element_of(stem));
    struct issue *issue =
        structure(run, subject->place, plain ? key : NULL, member, found, expected);
    if (issue != NULL && plain && stem == NULL)
        issue->nearest = nearest_element(subject->type, key);
    if (issue != NULL)
        issue->value = NULL;
}

/* ---- primitives and their companions ---- */

static void walk(struct validation *run, struct subject *subject);

/* The `_name` object of a primitive: only id and extension. */
static void check_companion(struct validation *run, const struct subject *primitive)
{
    if (json_kind(primitive->companion) != JSON_OBJECT) {
        structure(run, primitive->place, NULL, primitive->companion,
                  "something else than an object beside a value", "an object with id or extension");
        return;
    }
    struct subject subject = {.place = primitive->place,
                              .node = primitive->companion,
                              .type = run->validator->types.element};
    walk(run, &subject);
}

/* ele-1 of a primitive without a value: it needs more than an id. */
static bool says_something(const struct json *object)
{
    for (struct json *member = json_first(object); member != NULL; member = json_next(member)) {
        if (!json_has_key(member, "id") && !json_has_key(member, "_id"))
            return true;
    }
    return false;
}

static void breaks_ele_1(struct validation *run, const struct subject *subject,
                         const struct json *node, const char *found, const char *expected)
{
    struct issue *issue = validation_add(run, ISSUE_ERROR, ISSUE_INVARIANT, subject->place, NULL,
                                         node, found, expected);
    if (issue != NULL)
        issue->key = "ele-1";
}

/* An extension that carries the code of another FHIR version
 * (https://hl7.org/fhir/R4/versions.html#extensions). */
static bool has_code_of_other_version(const struct json *companion)
{
    const struct json *each = json_first(json_get(companion, "extension"));
    for (; each != NULL; each = json_next(each)) {
        const char *url = json_get_text(each, "url");
        if (url != NULL && text_starts(url, "http://hl7.org/fhir/") &&
            strstr(url, "/StructureDefinition/extension-") != NULL)
            return true;
    }
    return false;
}

/* A primitive with extensions only. Where a code is required they are no code. */
static void check_no_value(struct validation *run, const struct subject *subject,
                           const struct definition_element *element)
{
    if (!says_something(subject->companion)) {
        breaks_ele_1(run, subject, subject->companion,
                     "an element without value and without extension", "a value or an extension");
    } else if (element->strength == BINDING_REQUIRED &&
               subject->type->primitive == PRIMITIVE_CODE &&
               !has_code_of_other_version(subject->companion)) {
        validation_add(run, ISSUE_ERROR, ISSUE_CODE_INVALID, subject->place, NULL,
                       subject->companion, "no code beside the extension",
                       "a code of the required set");
    }
}

static void check_primitive(struct validation *run, struct subject *subject,
                            const struct definition_element *element)
{
    if (subject->companion != NULL)
        check_companion(run, subject);
    if (subject->node != NULL)
        validation_primitive(run, subject, element);
    else if (json_kind(subject->companion) == JSON_OBJECT)
        check_no_value(run, subject, element);
    if (element->constraint_count > 0)
        validation_element_rules(run, subject, element);
}

/* ---- objects ---- */

static void check_extension(struct validation *run, const struct subject *subject,
                            const struct subject *owner)
{
    const char *url = json_get_text(subject->node, "url");
    bool nested = owner->type == run->validator->types.extension;
    if (url != NULL && !nested && primitive_uri_scheme(url) == 0)
        validation_add(run, ISSUE_ERROR, ISSUE_EXTENSION, subject->place, "url",
                       json_get(subject->node, "url"), "an extension url that is not absolute",
                       "an absolute url");
}

static void check_modifier(struct validation *run, const struct subject *subject)
{
    validation_add(run, ISSUE_WARNING, ISSUE_NOT_SUPPORTED, subject->place, NULL, subject->node,
                   "a modifier extension, which changes the meaning of what is around it",
                   "that every reader knows this extension");
}

/* Part of check_one(), as that is of its two callers: every object of a message comes through. */
static inline __attribute__((always_inline)) void
check_object(struct validation *run, const struct subject *owner, struct subject *subject,
             const struct definition_choice *choice)
{
    const struct known_types *types = &run->validator->types;
    const struct definition_element *element = definition_element_of(choice);
    walk(run, subject);
    if (subject->type == types->extension) {
        check_extension(run, subject, owner);
        if (element->is_modifier)
            check_modifier(run, subject);
    } else if (subject->type == types->reference) {
        validation_reference(run, subject, choice);
    } else if (subject->type == types->identifier) {
        validation_identifier(run, subject);
    } else if (subject->type == types->attachment) {
        validation_attachment(run, subject);
    } else if (element->strength == BINDING_REQUIRED) {
        validation_binding(run, subject, element);
    }
    if (element->constraint_count > 0)
        validation_element_rules(run, subject, element);
}

static void check_resource(struct validation *run, const struct subject *owner,
                           const struct place *place, const struct json *value,
                           const struct definition_element *element)
{
    struct scope scope = {.bundle = run->scope->bundle, .entry = run->scope->entry};
    if (element->name == run->validator->types.contained_word) {
        scope.container = run->scope;
    } else if (owner->type == run->validator->types.bundle_entry) {
        scope.bundle = run->scope->index;
        scope.entry = owner->node;
    }
    validation_resource(run, place, value, scope);
}

/* One value of an element. VALUE or COMPANION may be NULL, not both. */
static inline __attribute__((always_inline)) void
check_one(struct validation *run, const struct subject *owner,
          const struct definition_choice *choice, const struct place *place,
          const struct json *value, const struct json *companion)
{
    const struct definition_element *element = definition_element_of(choice);
    struct subject subject = {
        .place = place, .node = value, .companion = companion, .type = definition_type_of(choice)};
    if (subject.type->kind == DEFINITION_PRIMITIVE) {
        check_primitive(run, &subject, element);
    } else if (value->type != JSON_TYPE_OBJECT) {
        structure(
            run, place, NULL, value,
            json_kind(value) == JSON_NULL ? "null" : "a plain value where an object belongs",
            arena_print(run->arena, "an object of type %s", definition_type_name(subject.type)));
    } else if (subject.type->kind == DEFINITION_RESOURCE) {
        check_resource(run, owner, place, value, element);
    } else {
        check_object(run, owner, &subject, choice);
    }
}

/* ---- members ---- */

static bool is_null(const struct json *node)
{
    return node != NULL && node->type == JSON_TYPE_NULL;
}

static const struct json *not_null(const struct json *node)
{
    return is_null(node) ? NULL : node;
}

/* A list and its companion list, item by item; null pads what the other side has. */
static void check_items(struct validation *run, const struct subject *owner,
                        const struct definition_choice *choice, struct place *place,
                        const struct json *list, const struct json *companions)
{
    const struct json *item = json_first(list);
    const struct json *companion = json_first(companions);
    bool primitive = definition_type_of(choice)->kind == DEFINITION_PRIMITIVE;
    for (place->index = 0; item != NULL || companion != NULL; place->index++) {
        const struct json *value = not_null(item);
        const struct json *beside = not_null(companion);
        if (value != NULL || (primitive && beside != NULL))
            check_one(run, owner, choice, place, value, beside);
        else
            structure(run, place, NULL, item != NULL ? item : companion, "null",
                      primitive ? "a value, or an object in the list with _" : "an object");
        item = json_next(item);
        companion = json_next(companion);
    }
}

static bool is_list(const struct json *node)
{
    return node != NULL && node->type == JSON_TYPE_LIST;
}

static void check_list(struct validation *run, const struct subject *owner,
                       const struct definition_choice *choice, struct place *place,
                       const struct json *value, const struct json *companion)
{
    const struct json *odd = value != NULL && !is_list(value)           ? value
                             : companion != NULL && !is_list(companion) ? companion
                                                                        : NULL;
    if (odd != NULL) {
        structure(run, place, NULL, odd, "one value where a list belongs", "a list in [ ]");
        return;
    }
    if (json_first(value) == NULL && json_first(companion) == NULL) {
        structure(run, place, NULL, value != NULL ? value : companion, "an empty list",
                  "at least one item, or no element at all");
        return;
    }
    check_items(run, owner, choice, place, value, companion);
}

/* A member with its companion; either may be NULL. */
static void check_field(struct validation *run, const struct subject *owner,
                        const struct definition_choice *choice, const struct json *value,
                        const struct json *companion)
{
    const struct definition_element *element = definition_element_of(choice);
    struct place place = {owner->place, definition_element_name(element), NULL, -1};
    if (element->is_choice)
        place.cast = definition_type_name(definition_type_of(choice));
    if (element->is_list) {
        check_list(run, owner, choice, &place, value, companion);
    } else if (is_list(value) || is_list(companion)) {
        structure(run, &place, NULL, is_list(value) ? value : companion,
                  "a list where one value belongs", "one value without [ ]");
    } else if (is_null(value) || is_null(companion)) {
        structure(run, &place, NULL, is_null(value) ? value : companion, "null",
                  "a value, or no element at all: null only fills places of a list");
    } else {
        check_one(run, owner, choice, &place, value, companion);
    }
}

static bool has_companions(const struct json *object)
{
    for (struct json *member = json_first(object); member != NULL; member = json_next(member)) {
        if (*json_key(member) == '_')
            return true;
    }
    return false;
}

static const struct json *companion_of(const struct json *object, const char *key)
{
    for (struct json *member = json_first(object); member != NULL; member = json_next(member)) {
        const char *name = json_key(member);
        if (*name == '_' && strcmp(name + 1, key) == 0)
            return member;
    }
    return NULL;
}

static __attribute__((noinline)) void seen_before(struct validation *run,
                                                  const struct subject *subject,
                                                  const struct definition_element *element,
                                                  const struct json *member)
{
    const char *name = definition_element_name(element);
    structure(run, subject->place, name, member,
              arena_print(run->arena, "a second choice of %s[x]", name), "only one of its types");
}

/* Notes that the element of CHOICE is there; an issue when another choice of it was there before.
 */
static inline void see(struct validation *run, struct subject *subject,
                       const struct definition_choice *choice, const struct json *member)
{
    uint64_t bit = 1ull << choice->rank;
    if ((subject->seen & bit) != 0)
        seen_before(run, subject, definition_element_of(choice), member);
    subject->seen |= bit;
}

/* A member whose name the type does not know; a stem ("value") is known but no name. */
static void check_stranger(struct validation *run, const struct subject *subject,
                           const struct json *member, const struct definition_choice *stem)
{
    if (subject->type->kind != DEFINITION_RESOURCE || !json_has_key(member, "resourceType"))
        unknown_member(run, subject, member, stem);
}

/* `_name`, of a primitive alone. */
static void check_companion_member(struct validation *run, struct subject *subject,
                                   const struct json *member)
{
    const char *name = json_key(member) + 1;
    const struct definition_choice *choice = definition_key(subject->type, name, strlen(name));
    if (choice == NULL || choice->type == 0) {
        unknown_member(run, subject, member, choice);
    } else if (definition_type_of(choice)->kind != DEFINITION_PRIMITIVE) {
        unknown_member(run, subject, member, NULL);
    } else if (json_get(subject->node, name) == NULL) { /* else checked with its value */
        see(run, subject, choice, member);
        check_field(run, subject, choice, NULL, member);
    }
}

static void check_member(struct validation *run, struct subject *subject, const struct json *member,
                         bool companions)
{
    const char *key = json_key(member);
    if (*key == '_') {
        check_companion_member(run, subject, member);
        return;
    }
    const struct definition_choice *choice = /* none has a key of JSON_KEY_LONG bytes */
        definition_key_hashed(subject->type, key, member->key_length, member->key_hash);
    if (choice == NULL || choice->type == 0) {
        check_stranger(run, subject, member, choice);
        return;
    }
    see(run, subject, choice, member);
    if (companions && definition_type_of(choice)->kind == DEFINITION_PRIMITIVE)
        check_field(run, subject, choice, member, companion_of(subject->node, key));
    else if (choice->plain == PLAIN_NOT || !validation_is_plainly_right(run, choice, member))
        check_field(run, subject, choice, member, NULL);
}

static __attribute__((noinline)) void say_missing(struct validation *run,
                                                  const struct subject *subject, uint64_t missing)
{
    for (unsigned rank = 0; missing != 0; rank++, missing >>= 1) {
        if ((missing & 1) == 0)
            continue;
        const struct definition_element *element =
            &definition_elements[subject->type->element + rank];
        const char *name = definition_element_name(element);
        const char *expected =
            element->is_choice ? choice_names(run->arena, element) : "at least one, it is required";
        validation_add(run, ISSUE_ERROR, ISSUE_REQUIRED, subject->place, name, subject->node,
                       arena_print(run->arena, "no %s", name), expected);
    }
}

static inline void check_missing(struct validation *run, const struct subject *subject)
{
    uint64_t missing = subject->type->required & ~subject->seen;
    if (missing != 0)
        say_missing(run, subject, missing);
}

enum { ELEMENT_IDS_FIRST = 8 };

/* The id of an element is its own within the resource. An ElementDefinition stands in a snapshot
 * and a differential under the same id. */
static void check_element_id(struct validation *run, const struct subject *subject)
{
    struct scope *scope = run->scope;
    if (subject->node == scope->resource ||
        subject->type == run->validator->types.element_definition)
        return;
    const struct json *id = json_get(subject->node, "id");
    if (json_text(id) == NULL)
        return;
    if (scope->element_ids.rows == NULL)
        scope->element_ids = index_new(run->arena, &run->validator->secret, ELEMENT_IDS_FIRST);
    else if (2 * scope->element_id_count > scope->element_ids.mask)
        scope->element_ids = index_doubled(run->arena, &scope->element_ids);
    scope->element_id_count++;
    if (index_add(&scope->element_ids, json_text(id), subject->node)->count > 1)
        validation_add(run, ISSUE_ERROR, ISSUE_INVALID, subject->place, "id", id,
                       "an element id that another element has", "each id once in a resource");
}

/* ele-1 of an object: an id alone says nothing, but beside a primitive's value. */
static void check_says_something(struct validation *run, const struct subject *subject)
{
    if (subject->type != run->validator->types.element && !says_something(subject->node))
        breaks_ele_1(run, subject, subject->node, "an element with an id only",
                     "at least one other element");
}

/* All members of the object, what is missing, and the rules of its type. */
static void walk(struct validation *run, struct subject *subject)
{
    if (json_first(subject->node) == NULL) {
        structure(run, subject->place, NULL, subject->node, "an empty object",
                  "at least one element, or no object at all");
        return;
    }
    bool companions = has_companions(subject->node);
    for (struct json *member = json_first(subject->node); member != NULL;
         member = json_next(member))
        check_member(run, subject, member, companions);
    check_missing(run, subject);
    if ((subject->seen & 1) != 0) { /* `id` is the first element of every type */
        check_element_id(run, subject);
        check_says_something(run, subject);
    }
    if (run->validator->has_rules[definition_type_index(subject->type)])
        validation_type_rules(run, subject);
}

/* ---- resources ---- */

static const char *nearest_resource(const char *name)
{
    struct nearest nearest = nearest_start(name);
    for (unsigned i = 1; i < definition_type_count; i++) {
        const struct definition_type *type = &definition_types[i];
        if (type->kind == DEFINITION_RESOURCE && !type->is_abstract)
            nearest_try(&nearest, definition_type_name(type));
    }
    return nearest.best;
}

static const struct definition_type *
resource_type(struct validation *run, const struct place *place, const struct json *resource)
{
    const struct json *named = json_get(resource, "resourceType");
    const char *name = json_text(named);
    if (name == NULL) {
        structure(run, place, NULL, named != NULL ? named : resource,
                  named != NULL ? "a resourceType that is no text" : "no resourceType",
                  "the name of a resource type, such as \"Patient\"");
        return NULL;
    }
    const struct definition_type *type = definition_find_n(name, json_length(named));
    if (type != NULL && type->kind == DEFINITION_RESOURCE && !type->is_abstract)
        return type;
    struct issue *issue = structure(run, place, NULL, named, "an unknown resource type",
                                    "a resource type of FHIR R4");
    if (issue != NULL)
        issue->nearest = nearest_resource(name);
    return NULL;
}

static void check_resource_id(struct validation *run, const struct subject *subject)
{
    const struct json *id = json_get(subject->node, "id");
    const struct primitive_fault *fault =
        json_text(id) == NULL ? NULL
                              : primitive_check(PRIMITIVE_ID, json_text(id), json_length(id));
    if (fault != NULL && *json_text(id) != '\0')
        validation_add(run, ISSUE_ERROR, ISSUE_VALUE, subject->place, "id", id, fault->found,
                       fault->expected);
}

void validation_resource(struct validation *run, const struct place *place,
                         const struct json *resource, struct scope scope)
{
    struct place root = {NULL, "Resource", NULL, -1};
    const struct definition_type *type =
        resource_type(run, place != NULL ? place : &root, resource);
    if (type == NULL)
        return;
    struct scope *outer = run->scope;
    root.name = definition_type_name(type);
    scope.resource = resource;
    scope.type = type;
    if (type == run->validator->types.bundle)
        scope.index = bundle_index(run, resource);
    if (scope.container == NULL)
        validation_index_contained(run, &scope);
    run->scope = &scope;
    struct subject subject = {
        .place = place != NULL ? place : &root, .node = resource, .type = type};
    if (scope.index != NULL)
        validation_bundle(run, &subject, scope.index);
    walk(run, &subject);
    check_resource_id(run, &subject);
    validation_contained(run, subject.place);
    if (run->options->level == VALIDATE_ALL)
        validation_definition(run, &subject);
    if (scope.index != NULL)
        validation_bundle_links(run, &subject, scope.index);
    if (run->options->profiles != NULL)
        validation_profiles(run, &subject);
    run->scope = outer;
}
