/* places: see record/places.h. */
#include "fhir/record/places.h"

#include <string.h>

/* Whether CELL is PATH itself or a list cell that PATH is an item of. */
static bool covers(const char *cell, const char *path)
{
    size_t length = strlen(cell);
    return strncmp(cell, path, length) == 0 &&
           (path[length] == '\0' || path[length] == '[' || path[length] == '.');
}

static void place_in_row(const struct record_places *places, const char *path, int *ret_line,
                         int *ret_column)
{
    *ret_line = places->line;
    *ret_column = 0;
    for (size_t i = 0; path != NULL && i < places->cell_count; i++) {
        const struct record_cell *cell = &places->cells[i];
        if (!covers(cell->path, path))
            continue;
        *ret_line = cell->line;
        *ret_column = cell->column;
        return;
    }
}

void record_place(const struct record_places *places, const struct json *node, const char *path,
                  int *ret_line, int *ret_column)
{
    *ret_line = 0;
    *ret_column = 0;
    if (places == NULL)
        return;
    if (places->document.root == NULL) {
        place_in_row(places, path, ret_line, ret_column);
        return;
    }
    if (node == NULL)
        return;
    json_place(&places->document, node, ret_line, ret_column);
    *ret_line += places->line_offset;
}
