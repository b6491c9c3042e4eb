/* directory_edit: directory.csv with another name of a partner in its column `partner`, and every
 * other byte as whoever keeps the file wrote it. Asked by `partner rename` and `partner remove`.
 * Pure. */
#ifndef GATEWAY_PEOPLE_DIRECTORY_EDIT_H
#define GATEWAY_PEOPLE_DIRECTORY_EDIT_H

#include "base/arena.h"

struct directory_edit {
    const char *text;  /* NULL: it would be longer than was reckoned */
    size_t count;      /* rows that name the partner */
    const char *names; /* "willow, harbor": their handles */
};

/* Rows that name the partner FROM, and, since `self` means the partner of the row's own handle, the
 * row of that handle with `self`, unless it is that of OUR clinic. TO NULL: only counted. */
struct directory_edit directory_edit_partner(struct arena *arena, const char *csv, size_t length,
                                             const char *from, const char *to, const char *our);

#endif
