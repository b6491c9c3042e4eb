/* look_up: see look_up.h. */
#include "fhir/entries/look_up.h"

#include <stdlib.h>
#include <string.h>

static int by_text(const char *one, const char *other)
{
    if (one == NULL || other == NULL)
        return (one != NULL) - (other != NULL);
    return strcmp(one, other);
}

static int by_names(const struct look_up_row *one, const struct look_up_row *other)
{
    int order = 0;
    for (size_t i = 0; order == 0 && i < LOOK_UP_NAMES; i++)
        order = by_text(one->names[i], other->names[i]);
    return order;
}

static int by_names_and_place(const void *one, const void *other)
{
    const struct look_up_row *left = one;
    const struct look_up_row *right = other;
    int order = by_names(left, right);
    return order != 0 ? order : (left->place > right->place) - (left->place < right->place);
}

void look_up_add(struct look_up *look_up, struct arena *arena, struct look_up_row row)
{
    look_up->rows =
        arena_room(arena, look_up->rows, sizeof *look_up->rows, look_up->count, &look_up->room, 16);
    look_up->rows[look_up->count++] = row;
}

static const struct look_up_row *halve(const struct look_up *look_up,
                                       const struct look_up_row *wanted)
{
    size_t from = 0;
    size_t to = look_up->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (by_names(&look_up->rows[middle], wanted) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    bool is_there = from < look_up->count && by_names(&look_up->rows[from], wanted) == 0;
    return is_there ? &look_up->rows[from] : NULL;
}

static const struct look_up_row *first(struct look_up *look_up, const struct look_up_row *wanted)
{
    if (!look_up->is_sorted && look_up->count > 0) {
        qsort(look_up->rows, look_up->count, sizeof *look_up->rows, by_names_and_place);
        look_up->is_sorted = true;
    }
    return halve(look_up, wanted);
}

long look_up_first(struct look_up *look_up, const char *one, const char *two, const char *three)
{
    const struct look_up_row *row = first(look_up, &(struct look_up_row){{one, two, three}, 0});
    return row == NULL ? LOOK_UP_NOTHING : (long)row->place;
}

const struct look_up_row *look_up_all(struct look_up *look_up, const char *one, const char *two,
                                      const char *three, size_t *ret_count)
{
    const struct look_up_row wanted = {.names = {one, two, three}};
    const struct look_up_row *row = first(look_up, &wanted);
    size_t count = 0;
    while (row != NULL && row + count < look_up->rows + look_up->count &&
           by_names(&row[count], &wanted) == 0)
        count++;
    *ret_count = count;
    return row;
}
