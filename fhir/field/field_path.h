/* field_path: the paths of the mapping tables, taken apart once. Private to fhir/field/field*.c;
 * what a path may say: see struct field. Any thread. */
#ifndef FHIR_FIELD_FIELD_PATH_H
#define FHIR_FIELD_FIELD_PATH_H

#include "fhir/field/field.h"

enum field_selector { SELECT_NONE, SELECT_EACH, SELECT_ONE, SELECT_INDEX, SELECT_MATCH };

struct field_part { /* a part of a path */
    const char *at;
    size_t length;
    uint32_t hash; /* hash_name() */
};

struct field_step {
    struct field_part name;
    enum field_selector selector;
    size_t index;
    struct field_part key, wanted; /* of SELECT_MATCH */
};

enum { FIELD_STEPS_MAX = 6 };

/* A path taken apart. */
struct field_path {
    const char *text;
    size_t count;
    struct field_step steps[FIELD_STEPS_MAX];
};

/* The path that TEXT says, which is a text of the source: it is taken apart once, and known by its
 * address from then on. One that cannot be remembered is made anew, in ARENA. */
const struct field_path *field_path_of(struct arena *arena, const char *text);
/* How the last step selects. */
enum field_selector field_path_last(const struct field_path *path);
/* The node at PATH under FROM, or NULL; for SELECT_EACH and SELECT_ONE the list itself. */
struct json *field_path_find(const struct field_path *path, struct json *from);

/* The parts of it, for who makes what is not there: the member NAME of an object; the first item of
 * a list that is as a step of SELECT_MATCH says. */
struct json *field_path_member(const struct json *object, const struct field_part *name);
struct json *field_path_match(const struct json *list, const struct field_step *step);

#endif
