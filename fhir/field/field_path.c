/* field_path: see field_path.h. */
#include "fhir/field/field_path.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* ---- taking apart ---- */

static struct field_part part_of(const char *at, size_t length)
{
    return (struct field_part){at, length, hash_name(at, length)};
}

static void read_selector(struct field_step *step, const char *at, size_t length)
{
    const char *equals = memchr(at, '=', length);
    if (length == 0) {
        step->selector = SELECT_EACH;
    } else if (*at == '+') {
        step->selector = SELECT_ONE;
    } else if (equals == NULL) {
        step->selector = SELECT_INDEX;
        step->index = (size_t)strtoul(at, NULL, 10);
    } else {
        step->selector = SELECT_MATCH;
        step->key = part_of(at, (size_t)(equals - at));
        step->wanted = part_of(equals + 1, (size_t)(at + length - equals) - 1);
    }
}

/* Takes the step that TEXT starts with; returns what follows it ("" at the end). */
static const char *next_step(const char *text, struct field_step *ret_step)
{
    size_t length = strcspn(text, ".[");
    const char *at = text + length;
    *ret_step = (struct field_step){.name = part_of(text, length), .selector = SELECT_NONE};
    if (*at == '[') {
        size_t inside = strcspn(at, "]") - 1;
        read_selector(ret_step, at + 1, inside);
        at += inside + 2;
    }
    return *at == '.' ? at + 1 : at;
}

static void take_apart(const char *text, struct field_path *ret_path)
{
    ret_path->text = text;
    ret_path->count = 0;
    while (*text != '\0' && ret_path->count < FIELD_STEPS_MAX)
        text = next_step(text, &ret_path->steps[ret_path->count++]);
}

/* ---- remembering ---- */

/* All paths of the tables fit well (a few hundred). What is here stays and never changes, so that
 * no look-up waits for another. */
enum { SLOT_BITS = 11, SLOTS = 1 << SLOT_BITS, TRIES = 8 };
static _Atomic(const struct field_path *) known[SLOTS];

static const struct field_path *remember(size_t slot, const char *text)
{
    const struct field_path *there = NULL;
    struct field_path *path = malloc(sizeof *path);
    if (path == NULL)
        return NULL;
    take_apart(text, path);
    if (atomic_compare_exchange_strong(&known[slot], &there, path))
        return path;
    free(path); /* another thread was first */
    return there->text == text ? there : NULL;
}

/* From SLOT on, which holds another path or none. */
static __attribute__((noinline)) const struct field_path *
look_further(struct arena *arena, const char *text, size_t slot)
{
    for (size_t tries = 0; tries < TRIES; tries++, slot = (slot + 1) % SLOTS) {
        const struct field_path *path = atomic_load_explicit(&known[slot], memory_order_acquire);
        if (path == NULL)
            path = remember(slot, text);
        if (path != NULL && path->text == text)
            return path;
    }
    struct field_path *path = arena_alloc(arena, sizeof *path);
    take_apart(text, path);
    return path;
}

const struct field_path *field_path_of(struct arena *arena, const char *text)
{
    uint64_t hash = (uint64_t)(uintptr_t)text * 0x9e3779b97f4a7c15u;
    size_t slot = (size_t)(hash >> (64 - SLOT_BITS));
    const struct field_path *path = atomic_load_explicit(&known[slot], memory_order_acquire);
    return path != NULL && path->text == text ? path : look_further(arena, text, slot);
}

/* ---- walking ---- */

enum field_selector field_path_last(const struct field_path *path)
{
    return path->count == 0 ? SELECT_NONE : path->steps[path->count - 1].selector;
}

struct json *field_path_member(const struct json *object, const struct field_part *name)
{
    return json_member(object, name->at, name->length, name->hash);
}

struct json *field_path_match(const struct json *list, const struct field_step *step)
{
    for (struct json *item = json_first(list); item != NULL; item = json_next(item)) {
        const struct json *found = field_path_member(item, &step->key);
        if (json_text(found) != NULL && json_length(found) == step->wanted.length &&
            memcmp(json_text(found), step->wanted.at, step->wanted.length) == 0)
            return item;
    }
    return NULL;
}

static struct json *follow(struct json *from, const struct field_step *step)
{
    struct json *node = field_path_member(from, &step->name);
    if (node == NULL || json_kind(node) != JSON_LIST || step->selector == SELECT_EACH ||
        step->selector == SELECT_ONE)
        return node;
    if (step->selector == SELECT_MATCH)
        return field_path_match(node, step);
    return json_at(node, step->index);
}

struct json *field_path_find(const struct field_path *path, struct json *from)
{
    for (size_t i = 0; i < path->count && from != NULL; i++) {
        const struct field_step *step = &path->steps[i];
        bool is_list = i + 1 == path->count && step->selector == SELECT_NONE;
        from = is_list ? field_path_member(from, &step->name) : follow(from, step);
    }
    return from;
}
