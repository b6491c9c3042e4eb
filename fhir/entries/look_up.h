/* look_up: which of many things bears a name, for lists as long as a partner made them.
 *
 * Used while a message is read (message_entries), when it has many entries or asks much. The rows
 * are sorted at the first question, so the cost is linear in list and questions together, but for a
 * logarithm, whatever names were chosen. Rows live in an arena; names are not copied. Pure. */
#ifndef FHIR_ENTRIES_LOOK_UP_H
#define FHIR_ENTRIES_LOOK_UP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

enum { LOOK_UP_NAMES = 3 };

/* One thing. Names that it lacks are NULL, which is a name too. */
struct look_up_row {
    const char *names[LOOK_UP_NAMES];
    size_t place; /* in the list: of equal rows the first is found */
};

struct look_up {
    struct look_up_row *rows;
    size_t count, room;
    bool is_sorted;
};

enum { LOOK_UP_NOTHING = -1 };

/* Not after the first question. */
void look_up_add(struct look_up *look_up, struct arena *arena, struct look_up_row row);
/* The place of the first row with these names, or LOOK_UP_NOTHING. */
long look_up_first(struct look_up *look_up, const char *one, const char *two, const char *three);
/* All rows with these names, in the order of their places. */
const struct look_up_row *look_up_all(struct look_up *look_up, const char *one, const char *two,
                                      const char *three, size_t *ret_count);

#endif
