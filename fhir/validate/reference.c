/* reference: the form of references, what they point at, and contained resources.
 *
 * A reference is judged by what it says (relative, absolute, #contained), by its `type`, and, where
 * the target is at hand (contained, or in the same Bundle), by the target itself
 * (https://hl7.org/fhir/R4/references.html). Nothing is fetched. */
#include <string.h>

#include "base/bytes.h"
#include "base/nearest.h"
#include "fhir/model/primitive.h"
#include "fhir/validate/validate_internal.h"

/* ---- reading references ---- */

/* A resource type named by LENGTH bytes. */
static const struct definition_type *resource_named(const char *name, size_t length)
{
    if (length == 0 || name[0] < 'A' || name[0] > 'Z')
        return NULL;
    const struct definition_type *type = definition_find_n(name, length);
    return type != NULL && type->kind == DEFINITION_RESOURCE ? type : NULL;
}

/* Ends the part of URL before `/_history/` and a `#fragment`. */
static const char *end_of_identity(const char *url)
{
    const char *end = url + strcspn(url, "#");
    const char *history = strstr(url, "/_history/");
    return history != NULL && history < end ? history : end;
}

const struct definition_type *validation_type_in_url(const char *url)
{
    const char *end = end_of_identity(url);
    const char *id = end;
    while (id > url && id[-1] != '/')
        id--;
    if (id <= url + 1 || id == end)
        return NULL;
    const char *type = id - 1;
    while (type > url && type[-1] != '/')
        type--;
    return resource_named(type, (size_t)(id - 1 - type));
}

/* `Type?search` of transactions. */
static bool is_conditional(const char *reference)
{
    size_t length = strcspn(reference, "?");
    return reference[length] == '?' && resource_named(reference, length) != NULL;
}

/* `Type/id`, `Type/id/_history/version`, with or without #fragment. */
static bool is_relative(const char *reference)
{
    const char *slash = strchr(reference, '/');
    if (slash == NULL || resource_named(reference, (size_t)(slash - reference)) == NULL)
        return false;
    const char *end = end_of_identity(reference);
    size_t length = (size_t)(end - slash - 1);
    return end > slash + 1 && length <= 64 &&
           strspn(slash + 1, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.") >=
               length;
}

/* ---- targets ---- */

static bool is_target(const struct definition_choice *choice, const struct definition_type *type)
{
    const uint16_t *targets = &definition_targets[choice->target];
    for (unsigned i = 0; i < choice->target_count; i++) {
        if (targets[i] == definition_type_index(type))
            return true;
    }
    for (unsigned i = 0; i < choice->target_count; i++) {
        if (definition_is(type, &definition_types[targets[i]]))
            return true;
    }
    return choice->target_count == 0;
}

static const char *target_words(struct arena *arena, const struct definition_choice *choice)
{
    struct text words = text_new(arena, 300);
    text_add(&words, "a reference to ");
    for (unsigned i = 0; i < choice->target_count; i++) {
        if (i > 0)
            text_add(&words, i + 1 == choice->target_count ? " or " : ", ");
        text_add(&words,
                 definition_type_name(&definition_types[definition_targets[choice->target + i]]));
    }
    return words.at;
}

/* Targets that the definition does not allow but the official examples use, so that systems in the
 * field do too: a warning. */
static bool is_common_slip(const struct definition_choice *choice,
                           const struct definition_type *type)
{
    static const char *const slips[][3] = {
        {"DeviceMetric", "parent", "DeviceDefinition"},
        {"DeviceUseStatement", "reasonReference", "Procedure"},
        {"MedicationRequest.dispenseRequest", "performer", "Practitioner"},
        {"Observation", "performer", "Encounter"},
    };
    const struct definition_element *element = definition_element_of(choice);
    const char *owner = definition_type_name(&definition_types[element->type]);
    for (size_t i = 0; i < sizeof slips / sizeof *slips; i++) {
        if (strcmp(slips[i][0], owner) == 0 &&
            strcmp(slips[i][1], definition_element_name(element)) == 0 &&
            strcmp(slips[i][2], definition_type_name(type)) == 0)
            return true;
    }
    return false;
}

static void wrong_target(struct validation *run, const struct subject *subject, const char *name,
                         const struct definition_choice *choice, const struct definition_type *type)
{
    const struct json *node = json_get(subject->node, name);
    validation_add(run, is_common_slip(choice, type) ? ISSUE_WARNING : ISSUE_ERROR, ISSUE_STRUCTURE,
                   subject->place, name, node,
                   arena_print(run->arena, "a reference to %s", definition_type_name(type)),
                   target_words(run->arena, choice));
}

/* ---- finding the target at hand ---- */

static struct scope *outermost(struct scope *scope)
{
    while (scope->container != NULL)
        scope = scope->container;
    return scope;
}

void validation_index_contained(struct validation *run, struct scope *scope)
{
    const struct json *list = json_get(scope->resource, "contained");
    if (json_first(list) == NULL)
        return;
    scope->contained = index_new(run->arena, &run->validator->secret, json_count(list));
    for (const struct json *each = json_first(list); each != NULL; each = json_next(each)) {
        const char *id = json_get_text(each, "id");
        if (id != NULL)
            index_add(&scope->contained, id, each);
    }
}

static void contained_id(struct validation *run, const struct place *place,
                         const struct json *resource)
{
    const struct json *id = json_get(resource, "id");
    const struct index_row *row =
        json_text(id) == NULL ? NULL : index_find(&run->scope->contained, json_text(id));
    if (id == NULL)
        validation_add(run, ISSUE_ERROR, ISSUE_REQUIRED, place, "id", resource,
                       "a contained resource without id", "an id to refer to");
    else if (row != NULL && row->node != resource)
        validation_add(run, ISSUE_ERROR, ISSUE_INVALID, place, "id", id,
                       "the id of another contained resource", "each id once");
}

void validation_local_use(struct validation *run, const char *text)
{
    const char *id = text + 1;
    if (*id == '\0') /* `#` in a contained resource: it points at its container */
        id = json_get_text(run->scope->resource, "id");
    if (id == NULL)
        return;
    struct index_row *row = index_find(&outermost(run->scope)->contained, id);
    if (row != NULL)
        row->used = true;
}

enum { NEAREST_AMONG = 100 }; /* contained resources; who has more finds it otherwise */

/* The id in `contained` nearest to ID. */
static const char *nearest_contained(const struct json *resource, const char *id)
{
    struct nearest nearest = nearest_start(id);
    const struct json *each = json_first(json_get(resource, "contained"));
    for (size_t i = 0; each != NULL && i < NEAREST_AMONG; each = json_next(each), i++) {
        if (json_get_text(each, "id") != NULL)
            nearest_try(&nearest, json_get_text(each, "id"));
    }
    return nearest.best;
}

static const struct json *find_contained(struct validation *run, const struct subject *subject,
                                         const char *reference)
{
    const struct scope *root = outermost(run->scope);
    if (reference[1] == '\0')
        return root->resource;
    const struct index_row *row = index_find(&root->contained, reference + 1);
    if (row != NULL)
        return row->node;
    struct issue *issue = validation_add(run, ISSUE_ERROR, ISSUE_INVARIANT, subject->place,
                                         "reference", json_get(subject->node, "reference"),
                                         "a # reference to a contained resource that is not there",
                                         "the id of a resource in `contained`");
    if (issue != NULL) {
        issue->key = "ref-1";
        issue->nearest = nearest_contained(root->resource, reference + 1);
    }
    return NULL;
}

static bool is_of_type(const struct bundle *bundle, const char *type)
{
    return bundle_type(bundle) != NULL && strcmp(bundle_type(bundle), type) == 0;
}

/* What a message or document is about must be inside: the focus of its header, or what its
 * Composition names (but for other documents). */
static bool must_be_inside(const struct bundle *bundle, const struct definition_choice *choice)
{
    const struct definition_element *element = definition_element_of(choice);
    const char *owner = definition_type_name(&definition_types[element->type]);
    if (strcmp(owner, "MessageHeader") == 0)
        return is_of_type(bundle, "message") &&
               strcmp(definition_element_name(element), "focus") == 0;
    return strncmp(owner, "Composition", 11) == 0 && strcmp(owner, "Composition.relatesTo") != 0 &&
           is_of_type(bundle, "document");
}

/* In the Bundle around us. In a message or document what cannot be found is said: an error where
 * only this Bundle could hold it, else a warning. */
static const struct json *find_in_bundle(struct validation *run, const struct subject *subject,
                                         const struct definition_choice *choice,
                                         const char *reference)
{
    const struct scope *scope = outermost(run->scope);
    const struct bundle *bundle = scope->bundle;
    const struct json *found = NULL;
    if (bundle == NULL)
        return NULL;
    enum bundle_match match = bundle_resolve(run->arena, bundle, scope->entry, reference, &found);
    if (match == BUNDLE_FOUND || !(is_of_type(bundle, "message") || is_of_type(bundle, "document")))
        return found;
    static const char *const words[] = {
        [BUNDLE_MISSING] = "a reference to a resource that is not in the Bundle",
        [BUNDLE_SEVERAL] = "a reference that several entries of the Bundle answer",
        [BUNDLE_OTHER_URL] =
            "a reference to a resource that is in the Bundle under another fullUrl",
    };
    bool is_forgiven =
        run->options->forgives_urls && (bundle_lacks_urls(bundle) || match == BUNDLE_OTHER_URL);
    bool only_here = !is_forgiven && (strncmp(reference, "urn:", 4) == 0 ||
                                      match != BUNDLE_MISSING || must_be_inside(bundle, choice));
    validation_add(run, only_here ? ISSUE_ERROR : ISSUE_WARNING, ISSUE_NOT_FOUND, subject->place,
                   "reference", json_get(subject->node, "reference"), words[match],
                   "the fullUrl of an entry");
    return NULL;
}

/* ---- one Reference ---- */

static bool has_space(const char *reference, size_t length)
{
    return bytes_have_below(reference, length, ' ' + 1) && strpbrk(reference, " \t\r\n") != NULL;
}

static void check_form(struct validation *run, const struct subject *subject, const char *reference,
                       size_t length)
{
    bool absolute = primitive_uri_scheme(reference) > 0;
    if (has_space(reference, length) ||
        !(absolute || is_relative(reference) || is_conditional(reference))) {
        validation_add(run, ISSUE_ERROR, ISSUE_VALUE, subject->place, "reference",
                       json_get(subject->node, "reference"), "text that is no reference",
                       "Type/id, an absolute url, urn:uuid:... or #id");
        return;
    }
    /* a uuid or oid that is none may still be found by its text */
    const struct primitive_fault *fault =
        absolute ? primitive_check(PRIMITIVE_URI, reference, length) : NULL;
    if (fault != NULL)
        validation_add(run, ISSUE_WARNING, ISSUE_VALUE, subject->place, "reference",
                       json_get(subject->node, "reference"), fault->found, fault->expected);
}

const struct definition_type *validation_type_of(const struct json *resource)
{
    const struct json *type = json_get(resource, "resourceType");
    return json_text(type) == NULL ? NULL : definition_find_n(type->text, json_length(type));
}

/* The type of what a right reference by uuid leads to, as most are in a message; NULL: look closer.
 */
static const struct definition_type *type_by_uuid(const struct validation *run,
                                                  const char *reference, size_t length)
{
    const struct scope *scope = outermost(run->scope);
    if (scope->bundle == NULL || !primitive_is_uuid_urn(reference, length))
        return NULL;
    return bundle_type_at(scope->bundle, scope->entry, reference, length);
}

/* The type that the target itself or the text of the reference tells; NULL: unknown. */
static const struct definition_type *target_type(struct validation *run,
                                                 const struct subject *subject,
                                                 const struct definition_choice *choice,
                                                 const struct json *node)
{
    const char *reference = json_text(node);
    const struct json *target = NULL;
    const struct definition_type *type = type_by_uuid(run, reference, json_length(node));
    if (type != NULL)
        return type;
    if (*reference == '#') {
        validation_local_use(run, reference);
        target = find_contained(run, subject, reference);
    } else {
        check_form(run, subject, reference, json_length(node));
        target = find_in_bundle(run, subject, choice, reference);
    }
    if (target != NULL)
        return validation_type_of(target);
    return *reference == '#' ? NULL : validation_type_in_url(reference);
}

static const struct definition_type *named_type(const struct json *reference)
{
    static const char prefix[] = "http://hl7.org/fhir/StructureDefinition/";
    const char *name = json_get_text(reference, "type");
    if (name != NULL && strncmp(name, prefix, sizeof prefix - 1) == 0)
        name += sizeof prefix - 1;
    return name == NULL ? NULL : resource_named(name, strlen(name));
}

const struct definition_type *validation_reference_type(struct validation *run,
                                                        const struct json *reference)
{
    const struct scope *scope = outermost(run->scope);
    const char *text = json_get_text(reference, "reference");
    const struct json *target = NULL;
    if (text != NULL && *text == '#') {
        const struct index_row *row = index_find(&scope->contained, text + 1);
        target = text[1] == '\0' ? scope->resource : row == NULL ? NULL : row->node;
    } else if (text != NULL && scope->bundle != NULL) {
        bundle_resolve(run->arena, scope->bundle, scope->entry, text, &target);
    }
    if (target != NULL)
        return validation_type_of(target);
    const struct definition_type *type = text == NULL ? NULL : validation_type_in_url(text);
    return type != NULL ? type : named_type(reference);
}

static void check_named_type(struct validation *run, const struct subject *subject,
                             const struct definition_choice *choice,
                             const struct definition_type *actual)
{
    const struct json *node = json_get(subject->node, "type");
    const char *text = json_text(node);
    if (text == NULL)
        return;
    const struct definition_type *named = named_type(subject->node);
    if (named == NULL && (choice->target_count > 0 || primitive_uri_scheme(text) == 0)) {
        validation_add(run, ISSUE_ERROR, ISSUE_VALUE, subject->place, "type", node,
                       "a type that is no resource type", "the name of a resource type");
    } else if (named != NULL && !is_target(choice, named)) {
        wrong_target(run, subject, "type", choice, named);
    } else if (named != NULL && actual != NULL && actual != named) {
        validation_add(run, ISSUE_ERROR, ISSUE_STRUCTURE, subject->place, "type", node,
                       "another type than the reference leads to", definition_type_name(actual));
    }
}

void validation_reference(struct validation *run, const struct subject *subject,
                          const struct definition_choice *choice)
{
    const struct json *node = json_get(subject->node, "reference");
    const struct definition_type *actual = NULL;
    if (json_text(node) != NULL && json_length(node) > 0) {
        actual = target_type(run, subject, choice, node);
        if (actual != NULL && !is_target(choice, actual))
            wrong_target(run, subject, "reference", choice, actual);
    }
    check_named_type(run, subject, choice, actual);
}

/* ---- contained resources ---- */

static void contained_issue(struct validation *run, const struct place *place, const char *name,
                            const struct json *node, const char *key, const char *found,
                            const char *expected)
{
    struct issue *issue =
        validation_add(run, ISSUE_ERROR, ISSUE_INVARIANT, place, name, node, found, expected);
    if (issue != NULL)
        issue->key = key;
}

static bool is_unused(const struct scope *scope, const char *id)
{
    const struct index_row *row = id == NULL ? NULL : index_find(&scope->contained, id);
    return row != NULL && !row->used;
}

static void check_contained(struct validation *run, const struct place *place,
                            const struct json *resource)
{
    const struct json *meta = json_get(resource, "meta");
    const struct json *version = json_get(meta, "versionId");
    const struct json *updated = json_get(meta, "lastUpdated");
    const char *id = json_get_text(resource, "id");
    contained_id(run, place, resource);
    if (json_get(resource, "contained") != NULL)
        contained_issue(run, place, "contained", json_get(resource, "contained"), "dom-2",
                        "a contained resource inside a contained resource",
                        "all contained resources in the outermost one");
    if (is_unused(run->scope, id))
        contained_issue(run, place, NULL, resource, "dom-3",
                        "a contained resource that nothing refers to",
                        "a reference to # and its id, or a reference from it to #");
    if (version != NULL || updated != NULL)
        contained_issue(run, place, version != NULL ? "meta.versionId" : "meta.lastUpdated",
                        version != NULL ? version : updated, "dom-4",
                        "a version or time of change on a contained resource", "neither");
    if (json_get(meta, "security") != NULL)
        contained_issue(run, place, "meta.security", json_get(meta, "security"), "dom-5",
                        "security labels on a contained resource", "none");
}

void validation_contained(struct validation *run, const struct place *place)
{
    if (run->scope->contained.rows == NULL) /* none, or this one is contained itself */
        return;
    struct place at = {place, "contained", NULL, 0};
    const struct json *list = json_get(run->scope->resource, "contained");
    for (const struct json *each = json_first(list); each != NULL; each = json_next(each)) {
        check_contained(run, &at, each);
        at.index++;
    }
}
