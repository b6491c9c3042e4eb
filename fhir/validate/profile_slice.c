/* profile_slice: which slice an item is in, by value, pattern, type, existence or profile
 * (https://hl7.org/fhir/R4/profiling.html#discriminator).
 *
 * A discriminator's path is evaluated on the item by FHIRPath; what the slice expects there is read
 * from the slice's tree. An item is in the first slice whose discriminators all agree. Of an item
 * that fits none the slice with the most agreement is named. */
#include <string.h>

#include "base/text.h"
#include "fhir/validate/profile_check.h"

/* ---- what a slice expects at a path ---- */

struct expectation {
    const struct profile_node *node; /* NULL: the slice says nothing there */
    const struct json *pattern;      /* from a pattern or fixed value further up; or NULL */
};

/* The next step of a discriminator path: a plain name; else its length with *ret_is_name false. */
static size_t path_step(const char *path, bool *ret_is_name)
{
    size_t length = 0;
    int depth = 0;
    for (; path[length] != '\0' && (depth > 0 || path[length] != '.'); length++) {
        depth += path[length] == '(';
        depth -= path[length] == ')';
    }
    *ret_is_name = memchr(path, '(', length) == NULL && path[0] != '$';
    return length;
}

static const struct json *part_of(const struct json *value, const char *name)
{
    if (json_kind(value) == JSON_LIST)
        value = json_first(value);
    return json_get(value, name);
}

static struct expectation expect_at(struct arena *arena, const struct profile_node *slice,
                                    const char *path)
{
    struct expectation at = {slice, NULL};
    while (*path != '\0') {
        bool is_name;
        size_t length = path_step(path, &is_name);
        if (is_name) {
            const char *name = arena_copy_n(arena, path, length);
            if (at.node != NULL && at.node->fixed != NULL)
                at.pattern = at.node->fixed;
            else if (at.node != NULL && at.node->pattern != NULL)
                at.pattern = at.node->pattern;
            at.node = at.node == NULL ? NULL : profile_child(at.node, name);
            at.pattern = at.pattern == NULL ? NULL : part_of(at.pattern, name);
        }
        path += length + (path[length] == '.');
    }
    return at;
}

/* ---- whether a value is what is expected ---- */

static bool meets(struct validation *run, const struct subject *subject,
                  const struct profile_node *node);

static bool some_meets(struct validation *run, const struct subject *subject,
                       const struct profile_node *node)
{
    struct profile_items items = profile_items_of(run, subject, node->name);
    for (size_t i = 0; i < items.count; i++) {
        if (meets(run, &items.items[i].subject, node))
            return true;
    }
    return false;
}

static bool says_value(const struct profile_node *node)
{
    if (node->fixed != NULL || node->pattern != NULL || node->required_set != NULL ||
        node->required_url != NULL)
        return true;
    for (const struct profile_node *each = node->children; each != NULL; each = each->next) {
        if (says_value(each))
            return true;
    }
    for (const struct profile_node *each = node->slices; each != NULL; each = each->next) {
        if (each->min > 0 && says_value(each))
            return true;
    }
    return false;
}

static bool meets(struct validation *run, const struct subject *subject,
                  const struct profile_node *node)
{
    if ((node->fixed != NULL && !json_same(node->fixed, subject->node)) ||
        (node->pattern != NULL && !profile_pattern_matches(node->pattern, subject->node)) ||
        !profile_fits_codes(run, subject, node))
        return false;
    for (const struct profile_node *child = node->children; child != NULL; child = child->next) {
        if (says_value(child) && !some_meets(run, subject, child))
            return false;
        for (const struct profile_node *slice = child->slices; slice != NULL; slice = slice->next) {
            if (slice->min > 0 && says_value(slice) && !some_meets(run, subject, slice))
                return false;
        }
    }
    return true;
}

/* A value that FHIRPath found, as a subject. False: it stands nowhere in the tree. */
static bool subject_of(const struct fhirpath_value *value, const struct place *place,
                       struct subject *ret_subject)
{
    const char *name = text_starts(value->type, "FHIR.") ? value->type + 5 : value->type;
    const struct definition_type *type = definition_find(name);
    if (type == NULL || value->node == NULL)
        return false;
    *ret_subject = (struct subject){
        .place = place, .node = value->node, .companion = value->companion, .type = type};
    return true;
}

static bool is_profile_met(struct validation *run, const struct subject *subject, const char *url)
{
    const struct profile *profile = profile_find(run->options->profiles, url);
    if (profile != NULL)
        return validation_conforms(run, subject, profile);
    const char *type = strrchr(url, '/'); /* a core definition: its type must fit */
    const struct definition_type *named = type == NULL ? NULL : definition_find(type + 1);
    return named != NULL && definition_is(subject->type, named);
}

static bool has_profile(struct validation *run, const struct subject *subject,
                        const struct profile_node *node)
{
    for (const struct profile_type_row *row = node->types; row != NULL; row = row->next) {
        for (const char *const *url = row->profiles; url != NULL && *url != NULL; url++) {
            if (is_profile_met(run, subject, *url))
                return true;
        }
        if (row->profiles == NULL && strcmp(row->code, definition_type_name(subject->type)) == 0)
            return true;
    }
    return false;
}

static bool has_type(const struct subject *subject, const struct profile_node *node)
{
    for (const struct profile_type_row *row = node->types; row != NULL; row = row->next) {
        if (strcmp(row->code, definition_type_name(subject->type)) == 0)
            return true;
    }
    return node->types == NULL;
}

static bool agrees(struct validation *run, const struct subject *subject,
                   enum profile_discriminator by, const struct expectation *expected)
{
    if (expected->pattern != NULL && by == BY_VALUE)
        return profile_pattern_matches(expected->pattern, subject->node);
    if (expected->node == NULL)
        return true;
    if (by == BY_TYPE)
        return has_type(subject, expected->node);
    if (by == BY_PROFILE)
        return has_profile(run, subject, expected->node);
    return meets(run, subject, expected->node);
}

/* ---- one discriminator ---- */

static bool wants_anything(const struct expectation *expected, enum profile_discriminator by)
{
    if (expected->pattern != NULL && by == BY_VALUE)
        return true;
    if (expected->node == NULL)
        return false;
    if (by == BY_VALUE)
        return says_value(expected->node);
    return by == BY_EXISTS || expected->node->types != NULL;
}

static bool discriminates(struct validation *run, const struct subject *item,
                          const struct profile_node *slice, const struct profile_slicing *row)
{
    struct expectation expected = expect_at(run->arena, slice, row->path);
    if (!wants_anything(&expected, row->by))
        return true;
    if (strcmp(row->path, "$this") == 0)
        return agrees(run, item, row->by, &expected);
    struct fhirpath_result result;
    struct fhirpath_fault fault;
    struct fhirpath_session *session = validation_session(run, item);
    if (session == NULL || !fhirpath_session_evaluate(session, row->compiled, &result, &fault))
        return false;
    if (row->by == BY_EXISTS)
        return expected.node->max == 0 ? result.count == 0 : result.count > 0;
    struct fhirpath_value *values = arena_array(run->arena, result.count + 1, sizeof *values);
    memcpy(values, result.values, result.count * sizeof *values); /* the session moves on */
    for (size_t i = 0; i < result.count; i++) {
        struct subject subject;
        if (subject_of(&values[i], item->place, &subject) &&
            agrees(run, &subject, row->by, &expected))
            return true;
    }
    return false;
}

/* Extensions are sliced by their url when nothing else is said. */
static bool extension_agrees(const struct subject *item, const struct profile_node *slice)
{
    const char *url = json_get_text(item->node, "url");
    const struct profile_node *child = profile_child(slice, "url");
    if (child != NULL && child->fixed != NULL)
        return text_equal(json_text(child->fixed), url);
    for (const struct profile_type_row *row = slice->types; row != NULL; row = row->next) {
        for (const char *const *each = row->profiles; each != NULL && *each != NULL; each++) {
            size_t length = strcspn(*each, "|");
            if (url != NULL && strlen(url) == length && strncmp(url, *each, length) == 0)
                return true;
        }
    }
    return false;
}

/* Discriminators that agree, of *ret_all. */
static size_t agreement(struct validation *run, const struct subject *item,
                        const struct profile_node *node, const struct profile_node *slice,
                        size_t *ret_all)
{
    if (strcmp(node->name, "extension") == 0 || strcmp(node->name, "modifierExtension") == 0) {
        *ret_all = 1;
        return extension_agrees(item, slice) ? 1 : 0;
    }
    size_t agreed = 0;
    size_t all = 0;
    for (const struct profile_slicing *row = node->slicing; row != NULL; row = row->next) {
        agreed += discriminates(run, item, slice, row);
        all++;
    }
    *ret_all = all;
    return agreed;
}

/* ---- all items ---- */

static const char *slice_words(struct arena *arena, const struct profile_node *node)
{
    struct text words = text_new(arena, 300);
    for (const struct profile_node *slice = node->slices; slice != NULL; slice = slice->next)
        text_print(&words, "%s%s", words.length > 0 ? ", " : "one of the slices ", slice->slice);
    return words.at;
}

static void no_slice(struct validation *run, const struct profile *profile,
                     const struct subject *item, const struct profile_node *node,
                     const struct profile_node *nearest)
{
    struct issue *issue =
        validation_add(run, ISSUE_ERROR, ISSUE_STRUCTURE, item->place, NULL,
                       item->node != NULL ? item->node : item->companion,
                       "an item that is in no slice, though the profile allows no others",
                       slice_words(run->arena, node));
    if (issue == NULL)
        return;
    issue->profile = profile_url(profile);
    issue->nearest = nearest == NULL ? NULL : nearest->slice;
}

static const struct profile_node *slice_of(struct validation *run, const struct subject *item,
                                           const struct profile_node *node,
                                           const struct profile_node **ret_nearest)
{
    size_t best = 0;
    *ret_nearest = NULL;
    for (const struct profile_node *slice = node->slices; slice != NULL; slice = slice->next) {
        size_t all;
        size_t agreed = agreement(run, item, node, slice, &all);
        if (all > 0 && agreed == all)
            return slice;
        if (agreed > best || *ret_nearest == NULL) {
            best = agreed;
            *ret_nearest = slice;
        }
    }
    return NULL;
}

static size_t slice_number(const struct profile_node *node, const struct profile_node *slice)
{
    size_t number = 0;
    for (const struct profile_node *each = node->slices; each != slice; each = each->next)
        number++;
    return number;
}

void profile_check_slices(struct validation *run, const struct profile *profile,
                          const struct subject *subject, const struct profile_node *node,
                          const struct profile_items *items)
{
    bool is_extension = text_ends(node->name, "xtension");
    if (node->slicing == NULL && !is_extension)
        return; /* nothing tells the slices apart */
    size_t *counts = arena_array(run->arena, slice_number(node, NULL) + 1, sizeof *counts);
    for (size_t i = 0; i < items->count; i++) {
        const struct subject *item = &items->items[i].subject;
        const struct profile_node *nearest;
        const struct profile_node *slice = slice_of(run, item, node, &nearest);
        if (slice != NULL) {
            counts[slice_number(node, slice)]++;
            profile_check_item(run, profile, item, slice);
        } else if (node->is_closed) {
            no_slice(run, profile, item, node, nearest);
        }
    }
    for (const struct profile_node *slice = node->slices; slice != NULL; slice = slice->next)
        profile_check_count(run, profile, subject, slice, counts[slice_number(node, slice)]);
}
