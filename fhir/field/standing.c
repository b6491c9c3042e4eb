/* standing: what is noted of modifier elements while a message is read, and how it is told.
 * Pure. */
#include "fhir/field/standing.h"

#include <string.h>

#include "fhir/entries/entries.h"

/* ---- notes ---- */

enum { NOTES_MAX = 100, TOLD_MAX = 300, SUMMARY_MAX = 1000, PATH_MAX = 2048, STEPS_MAX = 100000 };

struct note {
    const struct json *root, *object; /* the resource, and what of it says so */
    const char *type, *element;       /* of the object; what says so */
    const char *code;                 /* one that the table knows, or NULL */
    const char *text;
    bool is_aside;
};

struct standing_notes {
    struct note notes[NOTES_MAX];
    size_t count, left_out;
};

static void add_note(struct field_job *job, struct note note)
{
    if (job->notes == NULL)
        job->notes = arena_alloc(job->arena, sizeof *job->notes);
    if (job->notes->count < NOTES_MAX)
        job->notes->notes[job->notes->count++] = note;
    else
        job->notes->left_out++;
}

const char *standing_within(struct arena *arena, const char *sentence)
{
    char *text = arena_copy(arena, sentence);
    if (text[0] >= 'A' && text[0] <= 'Z' && (text[1] == ' ' || (text[1] >= 'a' && text[1] <= 'z')))
        text[0] = (char)(text[0] - 'A' + 'a');
    return text;
}

/* The value itself, where it is no code that the meaning tells ("2026-01-01"). */
static const char *value_of(const struct standing_said *said)
{
    bool is_plain = said->row->code == NULL && json_text(said->node) != NULL;
    return is_plain ? json_text(said->node) : NULL;
}

const char *standing_say(struct arena *arena, const char *before, const char *meaning,
                         const char *value)
{
    if (value == NULL)
        return arena_print(arena, "%s%s", before, meaning);
    return arena_print(arena, "%s%s: %.*s", before, meaning, (int)text_utf8_head(value, TOLD_MAX),
                       value);
}

void standing_note(struct field_job *job, const struct json *root, const char *type,
                   const struct json *object, const struct standing_said *said, const char *what,
                   bool is_aside)
{
    struct arena *arena = job->arena;
    const char *value = what != NULL ? what : value_of(said);
    const char *meaning =
        is_aside ? standing_within(arena, said->row->meaning) : said->row->meaning;
    add_note(job, (struct note){
                      .root = root,
                      .object = object,
                      .type = type,
                      .element = said->element,
                      .code = said->row->code,
                      .is_aside = is_aside,
                      .text = standing_say(arena, is_aside ? "Not filed: " : "", meaning, value)});
    json_mark(said->node);
}

/* ---- resources ---- */

bool standing_has_word(const struct field *rows, const struct standing_said *said)
{
    for (const struct field *row = rows; row != NULL && row->path != NULL; row++) {
        if (row->kind == &field_word && row->local != NULL && row->option != NULL &&
            strcmp(row->path, said->element) == 0)
            return field_word_back(row->option, said->code) != NULL;
    }
    return false;
}

const char *standing_word(const char *type, const struct json *resource)
{
    const struct standing_type *elements = standing_type_of(type);
    struct standing_said said;
    for (size_t i = 0; standing_at(elements, resource, i, &said); i++) {
        if (said.row != NULL && said.row->act == STANDING_KEPT && !json_marked(said.node))
            return said.row->word;
    }
    return NULL;
}

void standing_tell(struct field_job *job, const struct json *root, const char *type,
                   struct json *object, const struct field *rows)
{
    const struct standing_type *elements = standing_type_of(type);
    struct standing_said said;
    for (size_t i = 0; standing_at(elements, object, i, &said); i++) {
        if (said.row == NULL || (rows != NULL && standing_has_word(rows, &said)))
            continue;
        if (said.row->act == STANDING_TOLD)
            standing_note(job, root, type, object, &said, NULL, false);
        else if (said.row->act == STANDING_KEPT || said.row->meaning == NULL)
            json_mark(said.node);
    }
}

bool standing_sets_aside(struct field_job *job, const struct json *root, const char *type,
                         const struct json *object, struct json *what)
{
    struct standing_said said = standing_of(type, object);
    if (said.row == NULL || said.row->act < STANDING_ASIDE)
        return false;
    standing_note(job, root, type, object, &said, json_text(what), true);
    if (json_text(what) != NULL && strlen(json_text(what)) <= TOLD_MAX)
        json_mark(what);
    return true;
}

void standing_leave_out(struct field_job *job, const struct json *root, const char *type,
                        const struct json *object, const char *element, const char *text)
{
    add_note(job, (struct note){.root = root,
                                .object = object,
                                .type = type,
                                .element = element,
                                .is_aside = true,
                                .text = text});
}

bool standing_is_limit(struct field_job *job, const struct json *quantity)
{
    struct standing_said said = standing_of("Quantity", quantity);
    if (said.row == NULL || said.row->act < STANDING_ASIDE)
        return false;
    bool was_marked = json_marked(said.node);
    standing_note(job, job->resource, "Quantity", quantity, &said, NULL, true);
    if (!was_marked)
        json_unmark(said.node); /* "<5 mm" is told as one */
    return true;
}

/* ---- telling ---- */

/* Looking for a node within its resource; STEPS are shared by all that are looked for, so that no
 * message makes it long. */
struct looking {
    const struct json *node;
    struct text *path;
    size_t *steps;
};

static void add_step(struct text *path, const struct json *from, const struct json *child,
                     size_t index)
{
    if (json_kind(from) == JSON_OBJECT)
        text_print(path, ".%s", json_key(child));
    else if (json_next(json_first(from)) != NULL)
        text_print(path, "[%zu]", index);
}

static bool find_path(const struct looking *looking, const struct json *from)
{
    struct text *path = looking->path;
    size_t length = path->length;
    size_t index = 0;
    for (const struct json *child = json_first(from); child != NULL && *looking->steps > 0;
         child = json_next(child), index++) {
        --*looking->steps;
        if (json_first(child) == NULL)
            continue;
        add_step(path, from, child, index);
        if (child == looking->node || find_path(looking, child))
            return true;
        path->length = length;
        path->at[length] = '\0';
    }
    return false;
}

static const char *path_of(struct field_job *job, const struct note *note, size_t *steps)
{
    struct text path = text_new(job->arena, PATH_MAX);
    const struct message_entry *entry = entries_of_resource(job, note->root);
    if (entry != NULL)
        entries_path(job, entry, &path);
    else
        text_add(&path, json_get_text(note->root, "resourceType"));
    if (note->root != note->object)
        find_path(&(struct looking){note->object, &path, steps}, note->root);
    text_print(&path, ".%s", note->element);
    return path.at;
}

void standing_put(struct field_job *job, struct json *list)
{
    size_t steps = STEPS_MAX;
    for (size_t i = 0; job->notes != NULL && i < job->notes->count; i++) {
        const struct note *note = &job->notes->notes[i];
        struct json *entry = json_push(list, json_new_object(job->arena));
        json_put_text(job->arena, entry, "path", path_of(job, note, &steps));
        json_put_text(job->arena, entry, "code", note->code);
        json_put_text(job->arena, entry, "text", note->text);
    }
}

static bool is_alike(const struct note *one, const struct note *other)
{
    return one->is_aside == other->is_aside && strcmp(one->type, other->type) == 0 &&
           strcmp(one->element, other->element) == 0 && text_equal(one->code, other->code);
}

/* How many notes are like number FIRST; 0: one before it was. */
static size_t count_alike(const struct standing_notes *notes, size_t first)
{
    size_t count = 0;
    for (size_t i = 0; i < notes->count; i++) {
        if (!is_alike(&notes->notes[i], &notes->notes[first]))
            continue;
        if (i < first)
            return 0;
        count++;
    }
    return count;
}

static void add_count(struct text *text, size_t count, const char *what, const char *code)
{
    if (count > 0)
        text_print(text, "%s%zu %s%s%s", text->length == 0 ? "" : ", ", count, what,
                   code == NULL ? "" : " ", code == NULL ? "" : code);
}

static size_t count_aside(const struct message_entries *all, bool is_strangers)
{
    size_t aside = 0;
    for (size_t i = 0; i < all->count; i++)
        aside += all->entries[i].aside != NULL && all->entries[i].is_strangers == is_strangers;
    for (size_t i = 0; i < all->contained_count; i++)
        aside += all->contained[i].aside != NULL && all->contained[i].is_strangers == is_strangers;
    return aside;
}

const char *standing_summary(struct field_job *job)
{
    struct text text = text_new(job->arena, SUMMARY_MAX);
    for (size_t i = 0; job->notes != NULL && i < job->notes->count; i++) {
        const struct note *note = &job->notes->notes[i];
        if (note->is_aside)
            add_count(&text, count_alike(job->notes, i),
                      arena_print(job->arena, "%s.%s", note->type, note->element), note->code);
    }
    add_count(&text, job->notes == NULL ? 0 : job->notes->left_out, "more", NULL);
    add_count(&text, count_aside(job->entries, true), "about somebody else", NULL);
    add_count(&text, count_aside(job->entries, false), "not of this record", NULL);
    return text.length == 0 ? NULL : text.at;
}
