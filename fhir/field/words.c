/* words: see words.h. R4 lets a concept be said by a coding alone, and a reason or note be given
 * several times; a record has one text for each. What stands beside the words (codes, who wrote a
 * note and when) is told as received. */
#include "fhir/field/words.h"

#include "fhir/field/choice.h"

enum { TOGETHER_MAX_BYTES = 64 * 1024 };

static bool judge_display(struct field_job *job, struct json *coding, const void *option,
                          struct choice *ret_choice)
{
    bool may_serve = choice_of_coding(job, coding, option, ret_choice);
    return may_serve && !text_is_blank(json_get_text(coding, "display"));
}

struct json *words_of(struct field_job *job, const struct json *concept)
{
    struct json *text = json_get(concept, "text");
    if (!text_is_blank(json_text(text)))
        return text;
    return json_get(choice_best(job, json_get(concept, "coding"), judge_display, NULL), "display");
}

/* A display stays with its code, which is told as received. */
static void mark_words(struct json *concept, struct json *words)
{
    if (json_get(concept, "text") == words)
        json_mark(words);
}

/* ---- one concept ---- */

static struct json *write_words(struct field_job *job, const struct field *field,
                                const struct json *value)
{
    (void)field;
    if (text_is_blank(json_text(value)))
        return NULL;
    struct json *concept = json_new_object(job->arena);
    json_put(concept, "text", json_copy_nodes(job->arena, value));
    return concept;
}

static struct json *read_words(struct field_job *job, const struct field *field, struct json *node,
                               struct json *into)
{
    struct json *words = words_of(job, node);
    const struct json *there = json_get(into, field->local);
    if (there == NULL || json_same(there, words))
        mark_words(node, words);
    return json_copy_nodes(job->arena, words);
}

const struct field_kind map_words = {write_words, read_words};

/* ---- several in one text ---- */

/* False: it is no text, or does not fit any more and stays where it is. */
static bool add_to(struct text *together, const char *between, const char *text)
{
    if (text_is_blank(text) || together->length + strlen(text) > TOGETHER_MAX_BYTES - 8)
        return false;
    if (together->length > 0)
        text_add(together, between);
    text_add(together, text);
    return true;
}

static struct json *text_or_none(struct field_job *job, const struct text *together)
{
    return together->length == 0 ? NULL : json_new_lasting(job->arena, together->at);
}

static struct json *write_words_of_all(struct field_job *job, const struct field *field,
                                       const struct json *value)
{
    struct json *concept = write_words(job, field, value);
    if (concept == NULL)
        return NULL;
    struct json *list = json_new_list(job->arena);
    json_push(list, concept);
    return list;
}

static struct json *read_words_of_all(struct field_job *job, const struct field *field,
                                      struct json *node, struct json *into)
{
    struct text together = text_new(job->arena, TOGETHER_MAX_BYTES);
    if (json_get(into, field->local) != NULL || json_kind(node) != JSON_LIST)
        return NULL;
    for (struct json *item = json_first(node); item != NULL; item = json_next(item)) {
        struct json *words = words_of(job, item);
        if (add_to(&together, "; ", json_text(words)))
            mark_words(item, words);
    }
    return text_or_none(job, &together);
}

const struct field_kind map_words_of_all = {write_words_of_all, read_words_of_all};

/* ---- notes ---- */

static struct json *write_note(struct field_job *job, const struct field *field,
                               const struct json *value)
{
    struct json *note = json_new_object(job->arena);
    (void)field;
    json_put(note, "text", json_copy_nodes(job->arena, value));
    return note;
}

static struct json *write_nothing(struct field_job *job, const struct field *field,
                                  const struct json *value)
{
    (void)job;
    (void)field;
    (void)value;
    return NULL;
}

static struct json *read_nothing(struct field_job *job, const struct field *field,
                                 struct json *node, struct json *into)
{
    (void)job;
    (void)field;
    (void)node;
    (void)into;
    return NULL;
}

static struct json *read_notes(struct field_job *job, const struct field *field, struct json *node,
                               struct json *into)
{
    struct text together = text_new(job->arena, TOGETHER_MAX_BYTES);
    if (json_get(into, field->local) != NULL || json_kind(node) != JSON_LIST)
        return NULL;
    for (struct json *item = json_first(node); item != NULL; item = json_next(item)) {
        struct json *text = json_get(item, "text");
        if (!json_marked(text) && add_to(&together, field->option, json_text(text)))
            json_mark(text);
    }
    return text_or_none(job, &together);
}

const struct field_kind map_note = {write_note, read_nothing};
const struct field_kind map_notes = {write_nothing, read_notes};
