/* finding: one thing that is wrong with a file, a record or a setting, said so that a person can
 * fix it: where, what was found, what was expected, and the nearest thing that would be right.
 *
 * A finding is a value; lists live in an arena, on one thread at a time. Printing order is the
 * order of adding. `found` may show a value of the record on screen; findings never go to the log
 * (docs/security.md). */
#ifndef BASE_FINDING_H
#define BASE_FINDING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/text.h"

struct finding {
    const char *file;     /* NULL when there is none */
    int row;              /* 1-based row of CSV or line of NDJSON; 0: none */
    const char *path;     /* `measurements[2].unit`, 1-based; NULL: the whole record */
    int line, column;     /* 1-based; 0: unknown */
    const char *found;    /* what stands there, in words */
    const char *expected; /* what would be right */
    const char *nearest;  /* the nearest right word, or NULL */
    bool says_line;       /* print FILE:LINE: even beside a path, as for settings */
};

struct finding_list {
    struct arena *arena;
    struct finding *items;
    size_t count, room;
    const char *file; /* put on every finding that is added */
    int row;          /* likewise */
};

struct finding_list finding_list_new(struct arena *arena);
/* Copies nothing: all texts must live as long as the list's arena. Returns the finding in place. */
struct finding *finding_add(struct finding_list *list, struct finding finding);
/* `FILE: row 3: PATH: found ...; expected ...; did you mean ...` and a line end. */
void finding_print(const struct finding *finding, struct text *out);
/* One JSON object {file,row,path,line,column,found,expected,nearest} and a line end. */
void finding_print_json(const struct finding *finding, struct text *out);

#endif
