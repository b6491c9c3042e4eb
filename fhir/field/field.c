/* field: tables walked in both directions, and the plain kinds. See field.h. Paths are taken apart
 * by field_path.c. Kinds with codes stand in field_code.c, those of the body in field_site.c,
 * references in field_reference.c. */
#include "fhir/field/field.h"

#include <stdlib.h>
#include <string.h>

#include "fhir/field/field_path.h"

/* ---- paths ---- */

enum { NAME_MAX_BYTES = 48 };

/* PART as a text of its own, in BUFFER of NAME_MAX_BYTES. */
static const char *own_text(const struct field_part *part, char *buffer)
{
    size_t length = part->length < NAME_MAX_BYTES ? part->length : NAME_MAX_BYTES - 1;
    memcpy(buffer, part->at, length);
    buffer[length] = '\0';
    return buffer;
}

static struct json *member(struct field_job *job, struct json *object,
                           const struct field_part *name, bool is_list)
{
    struct json *found = field_path_member(object, name);
    char key[NAME_MAX_BYTES];
    if (found != NULL)
        return found;
    return json_set(job->arena, object, own_text(name, key),
                    is_list ? json_new_list(job->arena) : json_new_object(job->arena));
}

/* The object a step leads to, made when it is not there. */
static struct json *descend(struct field_job *job, struct json *from, const struct field_step *step)
{
    struct json *node = member(job, from, &step->name, step->selector != SELECT_NONE);
    char key[NAME_MAX_BYTES];
    char wanted[NAME_MAX_BYTES];
    if (step->selector == SELECT_NONE)
        return node;
    struct json *item =
        step->selector == SELECT_MATCH ? field_path_match(node, step) : json_at(node, step->index);
    if (item != NULL)
        return item;
    item = json_push(node, json_new_object(job->arena));
    if (step->selector == SELECT_MATCH)
        json_set_text(job->arena, item, own_text(&step->key, key), own_text(&step->wanted, wanted));
    return item;
}

void field_put(struct field_job *job, struct json *target, const char *path, struct json *value)
{
    char key[NAME_MAX_BYTES];
    if (value == NULL)
        return;
    const struct field_path *steps = field_path_of(job->arena, path);
    for (size_t i = 0; i + 1 < steps->count; i++)
        target = descend(job, target, &steps->steps[i]);
    const struct field_step *last = &steps->steps[steps->count - 1];
    if (last->selector == SELECT_NONE)
        json_replace(job->arena, target, own_text(&last->name, key), value);
    else
        json_push(member(job, target, &last->name, true), value);
}

/* ---- the two walks ---- */

static void write_row(struct field_job *job, const struct field *row, const struct json *local,
                      struct json *target)
{
    const struct json *value = row->local == NULL ? local : json_get(local, row->local);
    if (value == NULL)
        return;
    if (row->local == NULL || !text_ends(row->path, "[]") || json_kind(value) != JSON_LIST) {
        field_put(job, target, row->path, row->kind->write(job, row, value));
        return;
    }
    const char *outer = job->list;
    job->list = row->local;
    job->index = 0;
    for (struct json *item = json_first(value); item != NULL; item = json_next(item)) {
        field_put(job, target, row->path, row->kind->write(job, row, item));
        job->index++;
    }
    job->list = outer;
}

void field_write(struct field_job *job, const struct field *rows, const struct json *local,
                 struct json *target)
{
    for (const struct field *row = rows; row->path != NULL; row++)
        write_row(job, row, local, target);
}

static void read_list(struct field_job *job, const struct field *row, struct json *nodes,
                      struct json *into)
{
    struct json *list = row->local == NULL ? NULL : json_get(into, row->local);
    for (struct json *node = json_first(nodes); node != NULL; node = json_next(node)) {
        if (json_marked(node))
            continue;
        struct json *value = row->kind->read(job, row, node, into);
        if (value == NULL || row->local == NULL)
            continue;
        if (list == NULL)
            list = json_put(into, row->local, json_new_list(job->arena));
        json_push(list, value);
    }
}

static bool read_node(struct field_job *job, const struct field *row, struct json *node,
                      struct json *into)
{
    if (row->local == NULL)
        return row->kind->read(job, row, node, into) != NULL;
    /* A name is a path of one step. */
    const struct field_part *local = &field_path_of(job->arena, row->local)->steps[0].name;
    bool is_there = field_path_member(into, local) != NULL;
    struct json *value = row->kind->read(job, row, node, into);
    if (!is_there)
        json_put_named(into, local->at, local->length, local->hash, value);
    return value != NULL;
}

static void read_row(struct field_job *job, const struct field *row, struct json *source,
                     struct json *into)
{
    const struct field_path *path = field_path_of(job->arena, row->path);
    struct json *node = field_path_find(path, source);
    enum field_selector last = field_path_last(path);
    if (node == NULL || json_marked(node))
        return;
    if (last == SELECT_EACH) {
        read_list(job, row, node, into);
        return;
    }
    if (json_kind(node) != JSON_LIST || last != SELECT_ONE) {
        read_node(job, row, node, into);
        return;
    }
    for (struct json *item = json_first(node); item != NULL; item = json_next(item)) {
        if (!json_marked(item) && read_node(job, row, item, into))
            return;
    }
}

void field_read(struct field_job *job, const struct field *rows, struct json *source,
                struct json *local)
{
    for (const struct field *row = rows; row->path != NULL; row++)
        read_row(job, row, source, local);
}

/* ---- plain ---- */

static struct json *write_plain(struct field_job *job, const struct field *field,
                                const struct json *value)
{
    (void)field;
    return text_is_blank(json_text(value)) && json_kind(value) == JSON_TEXT
               ? NULL
               : json_copy_nodes(job->arena, value);
}

static struct json *read_plain(struct field_job *job, const struct field *field, struct json *node,
                               struct json *into)
{
    enum json_kind kind = json_kind(node);
    if (kind == JSON_OBJECT || kind == JSON_LIST || kind == JSON_NULL)
        return NULL;
    struct json *there = field->local == NULL ? NULL : json_get(into, field->local);
    if (there == NULL || json_kind(there) == JSON_LIST || json_same(there, node))
        json_mark(node);
    return json_copy_nodes(job->arena, node);
}

const struct field_kind field_plain = {write_plain, read_plain};

/* ---- words through a table ---- */

static struct json *write_word(struct field_job *job, const struct field *field,
                               const struct json *value)
{
    const struct field_word *words = field->option;
    const char *word = json_text(value);
    if (word == NULL || words == NULL)
        return word == NULL ? NULL : json_new_text(job->arena, word);
    for (; words->local != NULL; words++) {
        if (strcmp(words->local, word) == 0)
            return words->fhir == NULL ? NULL : json_new_text(job->arena, words->fhir);
    }
    return NULL;
}

const char *field_word_back(const struct field_word *words, const char *code)
{
    if (words == NULL || code == NULL)
        return code;
    for (; words->local != NULL; words++) {
        if (text_equal(words->fhir, code))
            return words->local;
    }
    return NULL;
}

static struct json *read_word(struct field_job *job, const struct field *field, struct json *node,
                              struct json *into)
{
    const char *word = field_word_back(field->option, json_text(node));
    if (word == NULL)
        return NULL;
    const char *there = field->local == NULL ? NULL : json_get_text(into, field->local);
    if (there == NULL || strcmp(there, word) == 0)
        json_mark(node);
    return json_new_lasting(job->arena, word);
}

const struct field_kind field_word = {write_word, read_word};

/* ---- a text split into its words; the path names the list itself ---- */

/* Where the words do not give the text back (two spaces), the text itself travels beside them. */
static void keep_spacing(struct field_job *job, const struct field *field, struct json *list,
                         const struct json *value)
{
    struct text joined = text_new(job->arena, 4096);
    for (struct json *word = json_first(list); word != NULL; word = json_next(word))
        text_print(&joined, "%s%s", joined.length > 0 ? " " : "", json_text(word));
    if (!text_equal(joined.at, json_text(value)))
        field_keep(job, field->local, value);
}

static struct json *write_words(struct field_job *job, const struct field *field,
                                const struct json *value)
{
    struct json *list = json_new_list(job->arena);
    const char *at = json_text(value);
    while (at != NULL && *at != '\0') {
        size_t length = strcspn(at, " ");
        if (length > 0)
            json_push(list, json_new_text(job->arena, arena_copy_n(job->arena, at, length)));
        at += length;
        at += strspn(at, " ");
    }
    keep_spacing(job, field, list, value);
    return json_first(list) == NULL ? NULL : list;
}

static struct json *read_words(struct field_job *job, const struct field *field, struct json *node,
                               struct json *into)
{
    (void)field;
    (void)into;
    struct text text = text_new(job->arena, 4096);
    struct json *word = json_kind(node) == JSON_LIST ? json_first(node) : node;
    for (; word != NULL; word = json_kind(node) == JSON_LIST ? json_next(word) : NULL) {
        if (json_text(word) == NULL)
            continue;
        if (text.length > 0)
            text_add(&text, " ");
        text_add(&text, json_text(word));
        json_mark(word);
    }
    return text.length == 0 ? NULL : json_new_lasting(job->arena, text.at);
}

const struct field_kind field_words = {write_words, read_words};

/* ---- always the same ---- */

static struct json *write_constant(struct field_job *job, const struct field *field,
                                   const struct json *value)
{
    (void)value;
    return json_new_text(job->arena, field->option);
}

static struct json *read_constant(struct field_job *job, const struct field *field,
                                  struct json *node, struct json *into)
{
    (void)job;
    (void)into;
    if (text_equal(json_text(node), field->option))
        json_mark(node);
    return NULL;
}

const struct field_kind field_constant = {write_constant, read_constant};

/* ---- an element with a table of its own ---- */

static struct json *write_group(struct field_job *job, const struct field *field,
                                const struct json *value)
{
    struct json *object = json_new_object(job->arena);
    field_write(job, field->option, value, object);
    return json_first(object) == NULL ? NULL : object;
}

static struct json *read_group(struct field_job *job, const struct field *field, struct json *node,
                               struct json *into)
{
    if (json_kind(node) != JSON_OBJECT)
        return NULL;
    if (field->local == NULL) {
        field_read(job, field->option, node, into);
        return NULL;
    }
    struct json *object = json_new_object(job->arena);
    field_read(job, field->option, node, object);
    return json_first(object) == NULL ? NULL : object;
}

const struct field_kind field_group = {write_group, read_group};

/* ---- helpers ---- */

struct json *field_read_elsewhere(struct field_job *job, const struct field *field,
                                  struct json *node, struct json *into)
{
    (void)job;
    (void)field;
    (void)into;
    json_mark(node);
    return NULL;
}

const char *field_join(const struct field_job *job, const char *one, const char *two,
                       const char *three)
{
    return arena_join(job->arena, one, two, three, NULL);
}

const char *field_uri(const struct field_job *job, const char *suffix)
{
    return field_join(job, job->context->base, suffix, "");
}

static bool under(const char *uri, const char *base, const char *suffix)
{
    size_t length = strlen(base);
    return strncmp(uri, base, length) == 0 && strcmp(uri + length, suffix) == 0;
}

bool field_is_ours(const struct field_job *job, const char *uri, const char *suffix)
{
    return uri != NULL &&
           (under(uri, job->context->base, suffix) || under(uri, MESSAGE_BASE_DEFAULT, suffix) ||
            (job->their_base != NULL && under(uri, job->their_base, suffix)));
}

const char *field_sentence(struct field_job *job, const char *word)
{
    char *text = arena_copy(job->arena, word);
    for (char *at = text; *at != '\0'; at++) {
        if (*at == '-')
            *at = ' ';
    }
    if (*text >= 'a' && *text <= 'z')
        *text = (char)(*text - 'a' + 'A');
    return text;
}

/* ---- numbers ---- */

struct json *field_count(struct arena *arena, struct json *number, long least)
{
    enum { MOST = 1000000 }; /* of sessions, minutes or points */
    long count = 0;
    if (json_number(number) == NULL)
        return NULL;
    bool is_plain = json_whole(number, &count);
    double value = is_plain ? (double)count : strtod(json_number(number), NULL);
    if (!(value >= (double)least && value <= MOST) || value != (double)(long)value)
        return NULL;
    return is_plain ? json_copy_nodes(arena, number) : json_new_whole(arena, (long)value);
}
