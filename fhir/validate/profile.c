/* profile: reads StructureDefinitions and lays them over their bases. See profile.h. */
#include "fhir/validate/profile.h"

#include <limits.h>
#include <string.h>

#include "base/text.h"
#include "fhir/validate/profile_codes.h"
#include "fhir/validate/profile_tree.h"

#define CORE "http://hl7.org/fhir/StructureDefinition/"

/* ---- reading files ---- */

struct profile_set *profile_set_new(struct arena *arena)
{
    struct profile_set *set = arena_alloc(arena, sizeof *set);
    set->arena = arena;
    return set;
}

static struct profile *find(const struct profile_set *set, const char *url)
{
    size_t length = strcspn(url, "|");
    const char *version = url[length] == '|' ? url + length + 1 : NULL;
    for (struct profile *profile = set->first; profile != NULL; profile = profile->next) {
        if (strncmp(profile->url, url, length) == 0 && profile->url[length] == '\0' &&
            (version == NULL || text_equal(version, profile->version)))
            return profile;
    }
    return NULL;
}

static bool fault(struct finding_list *findings, const char *file, const char *path,
                  const char *found, const char *expected)
{
    finding_add(findings,
                (struct finding){.file = file, .path = path, .found = found, .expected = expected});
    return false;
}

static bool add_definition(struct profile_set *set, const struct json *definition, const char *file,
                           struct finding_list *findings)
{
    const char *url = json_get_text(definition, "url");
    const char *type = json_get_text(definition, "type");
    if (url == NULL || type == NULL)
        return fault(findings, file, url, "a StructureDefinition without url or type", "both");
    if (profile_find(set, url) != NULL)
        return fault(findings, file, "url", "a profile that another file has already",
                     "each url once");
    struct profile *profile = arena_alloc(set->arena, sizeof *profile);
    profile->url = url;
    profile->version = json_get_text(definition, "version");
    profile->type = type;
    profile->base = json_get_text(definition, "baseDefinition");
    profile->file = arena_copy(set->arena, file);
    profile->definition = definition;
    if (set->last == NULL)
        set->first = profile;
    else
        set->last->next = profile;
    set->last = profile;
    set->count++;
    return true;
}

static bool add_resource(struct profile_set *set, const struct json *resource, const char *file,
                         struct finding_list *findings)
{
    const char *type = json_get_text(resource, "resourceType");
    if (type == NULL)
        return fault(findings, file, NULL, "no resourceType", "a StructureDefinition");
    if (strcmp(type, "StructureDefinition") == 0)
        return add_definition(set, resource, file, findings);
    bool fine = true;
    if (strcmp(type, "ValueSet") == 0) {
        struct profile_codes *codes = profile_codes_new(set->arena, resource);
        if (codes == NULL)
            return fault(findings, file, NULL, "a ValueSet without url", "its url");
        codes->next = set->codes;
        set->codes = codes;
    } else if (strcmp(type, "Bundle") == 0) {
        const struct json *entry = json_first(json_get(resource, "entry"));
        for (; entry != NULL; entry = json_next(entry))
            fine = add_resource(set, json_get(entry, "resource"), file, findings) && fine;
    }
    return fine;
}

bool profile_set_add(struct profile_set *set, const char *text, size_t length, const char *file,
                     struct finding_list *findings)
{
    struct json_document document;
    struct json_fault json_fault;
    const char *copy = arena_copy_n(set->arena, text, length);
    if (!json_parse(set->arena, copy, length, NULL, &document, &json_fault)) {
        struct finding *finding = finding_add(findings, (struct finding){.file = file});
        finding->path = json_fault.path;
        finding->line = json_fault.line;
        finding->column = json_fault.column;
        finding->found = json_fault.found;
        finding->expected = json_fault.expected;
        return false;
    }
    return add_resource(set, document.root, file, findings);
}

/* ---- the tree ---- */

struct profile_node *profile_child(const struct profile_node *node, const char *name)
{
    struct profile_node *child = node->children;
    while (child != NULL && strcmp(child->name, name) != 0)
        child = child->next;
    return child;
}

static struct profile_node *slice_of(const struct profile_node *node, const char *slice)
{
    struct profile_node *each = node->slices;
    while (each != NULL && strcmp(each->slice, slice) != 0)
        each = each->next;
    return each;
}

static struct profile_node *new_node(struct profile_set *set, const char *name, const char *slice)
{
    struct profile_node *node = arena_alloc(set->arena, sizeof *node);
    node->name = name;
    node->slice = slice;
    node->min = node->max = node->length_max = PROFILE_UNSET;
    return node;
}

static void append(struct profile_node **list, struct profile_node *node)
{
    while (*list != NULL)
        list = &(*list)->next;
    *list = node;
}

static struct profile_node *copy_nodes(struct profile_set *set, const struct profile_node *from)
{
    struct profile_node *first = NULL;
    for (; from != NULL; from = from->next) {
        struct profile_node *node = arena_alloc(set->arena, sizeof *node);
        *node = *from;
        node->next = NULL;
        node->children = copy_nodes(set, from->children);
        node->slices = copy_nodes(set, from->slices);
        append(&first, node);
    }
    return first;
}

static struct profile_node *child_named(struct profile_set *set, struct profile_node *node,
                                        const char *name)
{
    struct profile_node *child = profile_child(node, name);
    if (child == NULL) {
        child = new_node(set, name, NULL);
        append(&node->children, child);
    }
    return child;
}

static struct profile_node *slice_named(struct profile_set *set, struct profile_node *node,
                                        const char *name)
{
    struct profile_node *slice = slice_of(node, name);
    if (slice == NULL) {
        slice = new_node(set, node->name, name);
        append(&node->slices, slice);
    }
    return slice;
}

/* The type of the choice that a name such as "valueQuantity" means in any type, or NULL. */
static const char *type_in_name(const char *name, const char *stem)
{
    size_t length = strlen(stem);
    if (strncmp(name, stem, length) != 0)
        return NULL;
    for (unsigned i = 1; i < definition_type_count; i++) {
        const char *type = definition_type_name(&definition_types[i]);
        if (type[0] != '\0' && strcmp(name + length + 1, type + 1) == 0 &&
            (name[length] | 32) == (type[0] | 32) && name[length] >= 'A' && name[length] <= 'Z')
            return type;
    }
    return NULL;
}

static void set_only_type(struct profile_set *set, struct profile_node *node, const char *type)
{
    struct profile_type_row *row = arena_alloc(set->arena, sizeof *row);
    row->code = type;
    node->types = row;
}

static void slice_by_type(struct profile_set *set, struct profile_node *node)
{
    if (node->slicing != NULL)
        return;
    node->slicing = arena_alloc(set->arena, sizeof *node->slicing);
    node->slicing->by = BY_TYPE;
    node->slicing->path = "$this";
}

/* One step of an element id: `name`, `name:slice`, `value[x]`, `value[x]:valueQuantity`, and the
 * short form `valueQuantity`. PARENT is the type of the node, as far as it is known. */
static struct profile_node *step(struct profile_set *set, struct profile_node *node,
                                 const struct definition_type *parent, const char *text,
                                 size_t length)
{
    char *name = arena_copy_n(set->arena, text, length);
    char *slice = strchr(name, ':');
    if (slice != NULL)
        *slice++ = '\0';
    bool is_choice = text_ends(name, "[x]");
    if (is_choice)
        name[strlen(name) - 3] = '\0';
    const struct definition_choice *choice =
        parent == NULL || is_choice ? NULL : definition_key(parent, name, strlen(name));
    if (choice != NULL && choice->type != 0 && definition_element_of(choice)->is_choice) {
        slice = name;
        name = arena_copy(set->arena, definition_element_name(definition_element_of(choice)));
        is_choice = true;
    }
    struct profile_node *child = child_named(set, node, name);
    if (slice == NULL)
        return child;
    struct profile_node *found = slice_named(set, child, slice);
    const char *type = is_choice ? type_in_name(slice, name) : NULL;
    if (type != NULL && found->types == NULL) {
        slice_by_type(set, child);
        set_only_type(set, found, type);
    }
    return found;
}

/* The type below NODE's name in PARENT, when there is only one. */
static const struct definition_type *type_below(const struct definition_type *parent,
                                                const struct profile_node *node)
{
    if (node->types != NULL && node->types->next == NULL && parent != NULL) {
        const struct definition_type *only = definition_find(node->types->code);
        if (only != NULL && only->kind == DEFINITION_DATATYPE && !only->is_abstract)
            return only;
    }
    const struct definition_element *element =
        parent == NULL ? NULL : definition_child(parent, node->name);
    if (element == NULL || element->choice_count != 1)
        return NULL;
    const struct definition_type *type = definition_type_of(&definition_choices[element->choice]);
    return type->is_abstract ? NULL : type; /* of a resource inside nothing is known */
}

/* The node of an element id, made with all above it; NULL: the type has no such element. */
static struct profile_node *node_of(struct profile_set *set, struct profile *profile,
                                    const char *id)
{
    struct profile_node *node = profile->root;
    const struct definition_type *type = profile->model;
    const char *at = strchr(id, '.');
    while (at != NULL) {
        at++;
        size_t length = strcspn(at, ".");
        node = step(set, node, type, at, length);
        if (type != NULL && definition_child(type, node->name) == NULL)
            return NULL;
        type = type_below(type, node);
        at = at[length] == '.' ? at + length : NULL;
    }
    return node;
}

/* ---- what an element says ---- */

static const char *const *texts(struct profile_set *set, const struct json *list)
{
    size_t count = json_count(list);
    if (count == 0)
        return NULL;
    const char **array = arena_array(set->arena, count + 1, sizeof *array);
    size_t used = 0;
    for (const struct json *each = json_first(list); each != NULL; each = json_next(each)) {
        if (json_text(each) != NULL)
            array[used++] = json_text(each);
    }
    return array;
}

static void read_types(struct profile_set *set, struct profile_node *node,
                       const struct json *element)
{
    const struct json *list = json_get(element, "type");
    struct profile_type_row **last = &node->types;
    if (json_first(list) != NULL)
        *last = NULL;
    for (const struct json *each = json_first(list); each != NULL; each = json_next(each)) {
        const char *code = json_get_text(each, "code");
        if (code == NULL)
            continue;
        struct profile_type_row *row = arena_alloc(set->arena, sizeof *row);
        row->code = code;
        row->profiles = texts(set, json_get(each, "profile"));
        row->targets = texts(set, json_get(each, "targetProfile"));
        *last = row;
        last = &row->next;
    }
}

static void read_values(struct profile_node *node, const struct json *element)
{
    for (const struct json *at = json_first(element); at != NULL; at = json_next(at)) {
        const char *key = json_key(at);
        if (text_starts(key, "fixed"))
            node->fixed = at;
        else if (text_starts(key, "pattern"))
            node->pattern = at;
        else if (text_starts(key, "minValue"))
            node->minimum = at;
        else if (text_starts(key, "maxValue"))
            node->maximum = at;
    }
}

static const struct definition_value_set *known_set(struct profile_set *set, const char *url)
{
    if (url == NULL)
        return NULL;
    return definition_value_set_find(arena_copy_n(set->arena, url, strcspn(url, "|")));
}

/* "*" and anything that is no small number: no limit. */
static long max_of(const char *max)
{
    long value = 0;
    size_t length = strspn(max, "0123456789");
    if (length == 0 || length > 9 || max[length] != '\0')
        return LONG_MAX;
    for (; *max != '\0'; max++)
        value = value * 10 + (*max - '0');
    return value;
}

static void read_limits(struct profile_set *set, struct profile_node *node,
                        const struct json *element)
{
    json_whole(json_get(element, "min"), &node->min);
    const char *max = json_get_text(element, "max");
    if (max != NULL)
        node->max = max_of(max);
    json_whole(json_get(element, "maxLength"), &node->length_max);
    node->must_support = node->must_support || json_true(json_get(element, "mustSupport"));
    const struct json *binding = json_get(element, "binding");
    const char *strength = json_get_text(binding, "strength");
    if (strength == NULL || strcmp(strength, "required") != 0)
        return;
    node->required_set = known_set(set, json_get_text(binding, "valueSet"));
    if (node->required_set == NULL)
        node->required_url = json_get_text(binding, "valueSet");
}

static bool compile(struct profile_set *set, const struct profile *profile, const char *expression,
                    const struct fhirpath **ret_compiled, struct finding_list *findings)
{
    struct fhirpath_fault path_fault;
    if (fhirpath_compile(set->arena, expression, ret_compiled, &path_fault))
        return true;
    return fault(
        findings, profile->file, profile->url,
        arena_print(set->arena, "the expression \"%s\": %s", expression, path_fault.message),
        "FHIRPath");
}

/* Constraints that the definitions have anyway are left to them. */
static bool is_of_definitions(const char *key)
{
    for (unsigned i = 0; i < definition_constraint_count; i++) {
        if (strcmp(definition_word(definition_constraints[i].key), key) == 0)
            return true;
    }
    return false;
}

static bool read_rules(struct profile_set *set, const struct profile *profile,
                       struct profile_node *node, const struct json *element,
                       struct finding_list *findings)
{
    const struct json *each = json_first(json_get(element, "constraint"));
    for (; each != NULL; each = json_next(each)) {
        const char *key = json_get_text(each, "key");
        const char *expression = json_get_text(each, "expression");
        const char *severity = json_get_text(each, "severity");
        if (key == NULL || expression == NULL || is_of_definitions(key))
            continue;
        struct profile_rule *rule = arena_alloc(set->arena, sizeof *rule);
        rule->key = key;
        rule->human = json_get_text(each, "human");
        rule->is_error = severity == NULL || strcmp(severity, "warning") != 0;
        rule->expression = expression;
        if (!compile(set, profile, expression, &rule->compiled, findings))
            return false;
        rule->next = node->rules;
        node->rules = rule;
    }
    return true;
}

static bool read_slicing(struct profile_set *set, const struct profile *profile,
                         struct profile_node *node, const struct json *element,
                         struct finding_list *findings)
{
    static const char *const words[] = {"value", "exists", "type", "profile"};
    const struct json *slicing = json_get(element, "slicing");
    const char *rules = json_get_text(slicing, "rules");
    if (rules != NULL)
        node->is_closed = strcmp(rules, "closed") == 0;
    const struct json *each = json_first(json_get(slicing, "discriminator"));
    if (each != NULL)
        node->slicing = NULL;
    for (; each != NULL; each = json_next(each)) {
        struct profile_slicing *row = arena_alloc(set->arena, sizeof *row);
        const char *by = json_get_text(each, "type");
        row->path = json_get_text(each, "path");
        row->by = BY_VALUE; /* `pattern` is the same */
        for (size_t i = 0; by != NULL && i < sizeof words / sizeof *words; i++) {
            if (strcmp(words[i], by) == 0)
                row->by = (enum profile_discriminator)i;
        }
        if (row->path == NULL || !compile(set, profile, row->path, &row->compiled, findings))
            return false;
        row->next = node->slicing;
        node->slicing = row;
    }
    return true;
}

static bool read_element(struct profile_set *set, struct profile *profile,
                         const struct json *element, struct finding_list *findings)
{
    const char *id = json_get_text(element, "id");
    const char *path = json_get_text(element, "path");
    const char *slice = json_get_text(element, "sliceName");
    if (id == NULL && path != NULL)
        id = slice == NULL ? path : arena_print(set->arena, "%s:%s", path, slice);
    if (id == NULL)
        return fault(findings, profile->file, profile->url, "an element without id and path",
                     "both");
    struct profile_node *node = node_of(set, profile, id);
    if (node == NULL)
        return fault(findings, profile->file, profile->url,
                     arena_print(set->arena, "the unknown element %s", id),
                     "an element of the type");
    read_limits(set, node, element);
    read_types(set, node, element);
    read_values(node, element);
    return read_rules(set, profile, node, element, findings) &&
           read_slicing(set, profile, node, element, findings);
}

/* ---- linking ---- */

static bool link_profile(struct profile_set *set, struct profile *profile,
                         struct finding_list *findings);

/* The root to build on: a copy of the base profile's tree, or an empty one over the definitions. */
static bool link_base(struct profile_set *set, struct profile *profile,
                      struct finding_list *findings)
{
    struct profile *base = profile->base == NULL ? NULL : find(set, profile->base);
    if (base != NULL && base != profile) {
        if (!link_profile(set, base, findings))
            return fault(findings, profile->file, profile->url, "a profile over a faulty base",
                         "a base that can be used");
        profile->root = copy_nodes(set, base->root);
        return true;
    }
    bool is_core = profile->base == NULL || text_starts(profile->base, CORE);
    if (!is_core ||
        (profile->base != NULL && definition_find(profile->base + strlen(CORE)) == NULL))
        return fault(findings, profile->file, profile->url, "a base that is not here",
                     arena_print(set->arena, "%s in the same folder", profile->base));
    profile->root = new_node(set, profile->type, NULL);
    return true;
}

static bool build(struct profile_set *set, struct profile *profile, struct finding_list *findings)
{
    profile->model = definition_find(profile->type);
    if (profile->model == NULL)
        return fault(findings, profile->file, profile->url, "a type that FHIR R4 does not have",
                     "a resource or data type");
    if (!link_base(set, profile, findings))
        return false;
    const struct json *elements =
        json_get(json_get(profile->definition, "differential"), "element");
    if (json_first(elements) == NULL)
        elements = json_get(json_get(profile->definition, "snapshot"), "element");
    for (const struct json *each = json_first(elements); each != NULL; each = json_next(each)) {
        if (!read_element(set, profile, each, findings))
            return false;
    }
    return true;
}

static bool link_profile(struct profile_set *set, struct profile *profile,
                         struct finding_list *findings)
{
    if (profile->is_linking) /* profiles that are each other's base */
        return fault(findings, profile->file, profile->url, "a profile that is its own base",
                     "a base that ends in FHIR's own");
    if (!profile->is_linked && !profile->is_broken) {
        profile->is_linking = true;
        profile->is_linked = build(set, profile, findings);
        profile->is_broken = !profile->is_linked;
        profile->is_linking = false;
    }
    return profile->is_linked;
}

void profile_set_link(struct profile_set *set, struct finding_list *findings)
{
    for (struct profile *profile = set->first; profile != NULL; profile = profile->next)
        link_profile(set, profile, findings);
}

/* ---- looking up ---- */

size_t profile_set_count(const struct profile_set *set)
{
    return set->count;
}

const struct profile *profile_at(const struct profile_set *set, size_t index)
{
    const struct profile *profile = set->first;
    while (profile != NULL && index-- > 0)
        profile = profile->next;
    return profile;
}

const struct profile *profile_find(const struct profile_set *set, const char *url)
{
    return find(set, url);
}

const struct profile_codes *profile_codes_find(const struct profile_set *set, const char *url)
{
    size_t length = strcspn(url, "|");
    const struct profile_codes *codes = set->codes;
    while (codes != NULL && (strncmp(codes->url, url, length) != 0 || codes->url[length] != '\0'))
        codes = codes->next;
    return codes;
}

const char *profile_url(const struct profile *profile)
{
    return profile->url;
}

const char *profile_type(const struct profile *profile)
{
    return profile->type;
}
