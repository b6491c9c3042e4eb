/* received: a walk over all resources of a message that collects what is not marked.
 *
 * Passed over as carrying no content of its own: types, ids, fullUrls, meta except labels,
 * references that lead to another entry (which is walked itself), and narratives generated from the
 * data beside them. Of what is about somebody else only that is told: it is not this client's to
 * keep. What is no plain fact is told first. Everything else is told with its FHIR path, once. See
 * message/received.h. */
#include "fhir/message/received.h"

#include <string.h>

#include "fhir/entries/entries.h"
#include "fhir/field/choice.h"
#include "fhir/field/standing.h"
#include "fhir/map/map.h"
#include "fhir/message/labels.h"
#include "fhir/message/named.h"
#include "fhir/narrative/narrative.h"

struct walk {
    struct field_job *job;
    struct json *list;
    size_t count, left_out;
    const struct message_entry *entry; /* being walked; NULL: the Bundle */
    bool is_document;                  /* its sections may be about others */
};

/* Where the walk stands: a member of what is above, or an item. Written out only when it is told.
 */
struct place {
    const struct place *above; /* NULL: the entry's resource */
    const char *key;           /* NULL: the item INDEX */
    size_t index;
    const char *heading; /* of a section of a document, or NULL */
};

static void print_place(const struct walk *walk, const struct place *place, struct text *text)
{
    if (place->above == NULL) {
        entries_path(walk->job, walk->entry, text);
        return;
    }
    print_place(walk, place->above, text);
    if (place->key != NULL)
        text_print(text, ".%s%s%s%s", place->key, place->heading == NULL ? "" : "[",
                   place->heading == NULL ? "" : place->heading, place->heading == NULL ? "" : "]");
    else
        text_print(text, "[%zu%s%s]", place->index, place->heading == NULL ? "" : ": ",
                   place->heading == NULL ? "" : place->heading);
}

static void tell(struct walk *walk, const struct place *place, const char *system, const char *code,
                 const char *text)
{
    struct arena *arena = walk->job->arena;
    struct text path = text_new(arena, 4096);
    if (walk->count >= RECEIVED_MAX) {
        walk->left_out++;
        return;
    }
    walk->count++;
    print_place(walk, place, &path);
    struct json *entry = json_push(walk->list, json_new_object(arena));
    json_set_text(arena, entry, "path", path.at);
    json_set_text(arena, entry, "system", system);
    json_set_text(arena, entry, "code", code);
    json_set_text(arena, entry, "text", text);
}

static bool is_set(const struct json *node)
{
    return node != NULL && !json_marked(node);
}

/* Whether none of the members is marked, so that the object can be told as one. */
static bool is_whole(const struct json *object)
{
    for (struct json *member = json_first(object); member != NULL; member = json_next(member)) {
        if (json_marked(member))
            return false;
    }
    return true;
}

/* ---- objects that are told as one ---- */

/* Whether OBJECT has no other members than WORDS, so that nothing of it is lost in one line. */
static bool has_only(const struct json *object, const char *const *words)
{
    for (const struct json *member = json_first(object); member != NULL;
         member = json_next(member)) {
        size_t i = 0;
        while (words[i] != NULL && !json_has_key(member, words[i]))
            i++;
        if (words[i] == NULL)
            return false;
    }
    return true;
}

static bool tell_coding(struct walk *walk, const struct place *place, const struct json *node)
{
    static const char *const words[] = {"id",      "system",       "version",   "code",
                                        "display", "userSelected", "extension", NULL};
    if (json_get_text(node, "code") == NULL || !has_only(node, words))
        return false;
    tell(walk, place, json_get_text(node, "system"), json_get_text(node, "code"),
         json_get_text(node, "display"));
    return true;
}

static bool tell_quantity(struct walk *walk, const struct place *place, const struct json *node)
{
    const char *value = json_number(json_get(node, "value"));
    const char *unit = json_get_text(node, "unit");
    const char *code = json_get_text(node, "code");
    const char *comparator = json_get_text(node, "comparator");
    static const char *const words[] = {"id",     "value", "comparator", "unit",
                                        "system", "code",  "extension",  NULL};
    if (value == NULL || !has_only(node, words))
        return false;
    if (unit == NULL)
        unit = code;
    tell(walk, place, json_get_text(node, "system"), code,
         arena_print(walk->job->arena, "%s%s%s%s", comparator == NULL ? "" : comparator, value,
                     unit == NULL ? "" : " ", unit == NULL ? "" : unit));
    return true;
}

static void add_remark(struct text *text, const char *before, const char *remark)
{
    if (remark == NULL)
        return;
    text_print(text, "%s%s%s", text->length == 0 ? " (" : ", ", before, remark);
}

/* What an Identifier or ContactPoint says of itself: its sort, its use, how long it holds. */
static const char *remarks_on(struct walk *walk, const struct json *node)
{
    const struct json *type = json_get(node, "type");
    const struct json *period = json_get(node, "period");
    const char *code = json_get_text(
        choice_best(walk->job, json_get(type, "coding"), choice_of_coding, NULL), "code");
    struct text text = text_new(walk->job->arena, 1000);
    add_remark(&text, "", code != NULL ? code : json_get_text(type, "text"));
    add_remark(&text, "", json_get_text(node, "use"));
    add_remark(&text, "preference ", json_number(json_get(node, "rank")));
    add_remark(&text, "from ", json_get_text(period, "start"));
    add_remark(&text, "until ", json_get_text(period, "end"));
    add_remark(&text, "given by ", json_get_text(json_get(node, "assigner"), "display"));
    if (text.length > 0)
        text_add(&text, ")");
    return text.at;
}

static bool tell_identifier(struct walk *walk, const struct place *place, const struct json *node)
{
    const char *value = json_get_text(node, "value");
    if (value == NULL || json_get(node, "url") != NULL)
        return false;
    tell(walk, place, json_get_text(node, "system"), NULL,
         field_join(walk->job, value, remarks_on(walk, node), ""));
    return true;
}

static bool tell_narrative(struct walk *walk, const struct place *place, const struct json *node)
{
    const char *div = json_get_text(node, "div");
    if (div == NULL)
        return false;
    tell(walk, place, NULL, NULL, narrative_plain(walk->job->arena, div));
    return true;
}

static bool is_reference(const struct json *node)
{
    return json_get_text(node, "reference") != NULL ||
           (json_get(node, "display") != NULL && json_get(node, "code") == NULL &&
            json_get(node, "url") == NULL);
}

/* The member under which a Reference stands, alone or in a list. */
static const char *key_of(const struct place *place)
{
    while (place->key == NULL && place->above != NULL)
        place = place->above;
    return place->key;
}

/* How people and clinics hang together is told with themselves. */
static bool is_of_people(const struct message_entry *entry)
{
    static const char *const types[] = {"Organization",
                                        "Practitioner",
                                        "PractitionerRole",
                                        "Endpoint",
                                        "Provenance",
                                        "MessageHeader",
                                        NULL};
    size_t i = 0;
    while (types[i] != NULL && strcmp(types[i], entry->type) != 0)
        i++;
    return types[i] != NULL;
}

/* The entry itself is walked; who it is, no field may have said. */
static void tell_target(struct walk *walk, const struct place *place, const struct json *node,
                        const struct message_entry *target)
{
    const char *name =
        is_of_people(walk->entry) ? NULL : named_target(walk->job, key_of(place), target);
    const char *display = json_get_text(node, "display");
    if (name != NULL)
        tell(walk, place, NULL, NULL, display != NULL ? display : name);
}

static bool tell_reference(struct walk *walk, const struct place *place, struct json *node)
{
    if (!is_reference(node))
        return false;
    const struct message_entry *target = entries_resolve(walk->job, node);
    if (target != NULL) {
        tell_target(walk, place, node, target);
        return true;
    }
    const char *reference = json_get_text(node, "reference");
    const char *display = json_get_text(node, "display");
    const char *number = json_text(json_find(node, "identifier", "value", NULL));
    if (reference != NULL && reference[0] == '#')
        return true; /* `contained` is walked */
    tell(walk, place, json_text(json_find(node, "identifier", "system", NULL)), number,
         display != NULL ? display : reference);
    return true;
}

/* A plain extension: its URL and what it says. */
static bool tell_extension(struct walk *walk, const struct place *place, const struct json *node)
{
    const char *url = json_get_text(node, "url");
    struct json *value = json_first(node);
    while (value != NULL && !text_starts(json_key(value), "value"))
        value = json_next(value);
    const char *text = json_text(value) != NULL ? json_text(value) : json_number(value);
    if (url == NULL || (text == NULL && json_kind(value) != JSON_BOOLEAN))
        return false;
    if (text == NULL)
        text = json_true(value) ? "true" : "false";
    tell(walk, place, url, NULL, text);
    return true;
}

/* Each is asked only when the member that it cannot do without may be there. */
static bool tell_as_one(struct walk *walk, const struct place *place, struct json *node)
{
    if (json_kind(node) != JSON_OBJECT || !is_whole(node))
        return false;
    bool may_refer = json_may_have_key(node, "reference") || json_may_have_key(node, "display");
    bool has_value = json_may_have_key(node, "value");
    return (json_may_have_key(node, "div") && tell_narrative(walk, place, node)) ||
           (may_refer && tell_reference(walk, place, node)) ||
           (json_may_have_key(node, "url") && tell_extension(walk, place, node)) ||
           (has_value && tell_quantity(walk, place, node)) ||
           (has_value && tell_identifier(walk, place, node)) ||
           (json_may_have_key(node, "code") && tell_coding(walk, place, node));
}

/* ---- leaves ---- */

static void tell_leaf(struct walk *walk, const struct place *place, const struct json *node)
{
    enum { LONGEST = 8000 };
    const char *text = json_text(node);
    if (json_kind(node) == JSON_BOOLEAN)
        text = json_true(node) ? "true" : "false";
    else if (text == NULL)
        text = json_number(node);
    if (text == NULL)
        return;
    if (strlen(text) > LONGEST)
        text = arena_print(walk->job->arena, "(%zu characters)", strlen(text));
    tell(walk, place, NULL, NULL, text);
}

/* ---- the walk ---- */

static void walk_node(struct walk *walk, const struct place *place, struct json *node);

static bool is_generated(const struct json *narrative)
{
    const char *status = json_get_text(narrative, "status");
    return text_equal(status, "generated") || text_equal(status, "empty");
}

static bool is_passed_over(const struct json *object, const struct json *member)
{
    bool is_text = json_has_key(member, "text") && json_kind(member) == JSON_OBJECT;
    return json_has_key(member, "resourceType") ||
           (is_text && is_generated(member) && json_get(object, "resourceType") != NULL);
}

/* A section that is about somebody else: R4 Composition.section.focus. */
static bool is_other_section(struct walk *walk, const struct json *node)
{
    const struct json *focus = walk->is_document ? json_get(node, "focus") : NULL;
    return focus != NULL &&
           client_of_reference(walk->job, walk->job->client, walk->entry, focus) != CLIENT_THEIRS;
}

static bool tell_other_section(struct walk *walk, const struct place *place,
                               const struct json *node)
{
    if (!is_other_section(walk, node))
        return false;
    tell(walk, place, NULL, NULL, "not filed: this section is about somebody else");
    return true;
}

/* A contained resource that is not the client's is told by why alone. */
static bool tell_stranger(struct walk *walk, const struct place *place, const struct json *node)
{
    if (json_get(node, "resourceType") == NULL)
        return false;
    const struct message_entry *entry = entries_of_contained(walk->job, node);
    if (entry != NULL && entry->aside != NULL)
        tell(walk, place, NULL, NULL, entry->aside);
    return entry != NULL && entry->is_strangers;
}

/* What is a word of the record is not told again. */
static void walk_labels(struct walk *walk, const struct place *place, struct json *meta)
{
    const struct place of_meta = {place, "meta", 0, NULL};
    const struct place security = {&of_meta, "security", 0, NULL};
    struct json *labels = json_get(meta, "security");
    bool has_word = labels_have_word(walk->job, labels);
    size_t index = 0;
    for (struct json *label = json_first(labels); label != NULL;
         label = json_next(label), index++) {
        if (!labels_said(walk->job, label, has_word) && is_set(label))
            walk_node(walk, &(struct place){&security, NULL, index, NULL}, label);
    }
}

static void walk_members(struct walk *walk, const struct place *place, struct json *object)
{
    for (struct json *member = json_first(object); member != NULL; member = json_next(member)) {
        if (json_has_key(member, "id"))
            continue; /* of a resource or an element: says nothing */
        if (json_has_key(member, "meta"))
            walk_labels(walk, place, member);
        else if (is_set(member) && !is_passed_over(object, member))
            walk_node(walk, &(struct place){place, member->key, 0, NULL}, member);
    }
}

/* What a section is called, so that nobody takes words of the plan for a finding. */
static const char *heading_of(struct walk *walk, const struct place *place, struct json *section)
{
    enum { HEADING_MAX = 60 };
    if (place->key == NULL || !text_equal(place->key, "section") || is_other_section(walk, section))
        return NULL; /* what is said of somebody else is not told */
    const char *heading = section_heading(walk->job, section);
    return heading == NULL
               ? NULL
               : arena_copy_n(walk->job->arena, heading, text_utf8_head(heading, HEADING_MAX));
}

static void walk_items(struct walk *walk, const struct place *place, struct json *list)
{
    size_t index = 0;
    bool is_single = json_first(list) != NULL && json_next(json_first(list)) == NULL;
    for (struct json *item = json_first(list); item != NULL; item = json_next(item), index++) {
        if (!is_set(item))
            continue;
        const char *heading = heading_of(walk, place, item);
        const struct place single = {place->above, place->key, place->index, heading};
        const struct place one = {place, NULL, index, heading};
        walk_node(walk, is_single ? &single : &one, item);
    }
}

static void walk_node(struct walk *walk, const struct place *place, struct json *node)
{
    if (tell_as_one(walk, place, node) || tell_stranger(walk, place, node) ||
        tell_other_section(walk, place, node))
        return;
    if (json_kind(node) == JSON_OBJECT)
        walk_members(walk, place, node);
    else if (json_kind(node) == JSON_LIST)
        walk_items(walk, place, node);
    else
        tell_leaf(walk, place, node);
}

struct json *received_list(struct field_job *job)
{
    struct walk walk = {.job = job, .list = json_new_list(job->arena)};
    standing_put(job, walk.list);
    walk.count = json_count(walk.list);
    for (size_t i = 0; i < job->entries->count; i++) {
        const struct place place = {NULL, NULL, 0, NULL};
        walk.entry = &job->entries->entries[i];
        walk.is_document = job->client != NULL && entries_is(walk.entry, "Composition");
        job->resource = walk.entry->resource;
        if (walk.entry->aside != NULL)
            tell(&walk, &place, NULL, NULL, walk.entry->aside);
        if (is_set(walk.entry->resource) && !walk.entry->is_strangers)
            walk_members(&walk, &place, walk.entry->resource);
    }
    walk.entry = NULL;
    walk.is_document = false;
    walk_labels(&walk, &(struct place){NULL, NULL, 0, NULL}, json_get(job->bundle, "meta"));
    if (walk.left_out > 0) {
        struct json *last = json_push(walk.list, json_new_object(job->arena));
        json_set_text(job->arena, last, "path", "Bundle");
        json_set_text(job->arena, last, "text",
                      arena_print(job->arena, "%zu more; see the message itself", walk.left_out));
    }
    return json_first(walk.list) == NULL ? NULL : walk.list;
}
