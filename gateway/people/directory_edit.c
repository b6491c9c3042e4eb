/* directory_edit: see directory_edit.h. */
#include "gateway/people/directory_edit.h"

#include <string.h>

#include "base/csv.h"
#include "base/text.h"

enum { NAMES_MAX = 500 };

struct editing {
    struct arena *arena;
    const char *from, *to, *our;
    int handle, partner;   /* columns; -1: there is none */
    const char *separator; /* a text of one character */
    struct text out, names;
    size_t count;
};

static bool names_it(const struct editing *editing, const struct csv_row *row)
{
    const char *partner = csv_value(row, editing->partner);
    const char *handle = csv_value(row, editing->handle);
    if (text_equal(partner, editing->from))
        return true;
    return text_equal(partner, "self") && text_equal(handle, editing->from) &&
           !text_equal(handle, editing->our);
}

static void add_cell(struct text *out, const char *cell, const char *separator)
{
    if (cell[strcspn(cell, separator)] == '\0' && cell[strcspn(cell, "\"\r\n")] == '\0') {
        text_add(out, cell);
        return;
    }
    text_add(out, "\"");
    for (; *cell != '\0'; cell++)
        text_add_n(out, *cell == '"' ? "\"\"" : cell, *cell == '"' ? 2 : 1);
    text_add(out, "\"");
}

static void add_edited(struct editing *editing, const struct csv_row *row)
{
    const char *end = row->text + row->length;
    size_t ending = 0;
    for (size_t i = 0; i < row->count; i++) {
        text_add(&editing->out, i == 0 ? "" : editing->separator);
        add_cell(&editing->out, (int)i == editing->partner ? editing->to : row->cells[i].text,
                 editing->separator);
    }
    while (ending < row->length && (end[-1 - (int)ending] == '\n' || end[-1 - (int)ending] == '\r'))
        ending++;
    text_add_n(&editing->out, end - ending, ending);
}

static void take_row(struct editing *editing, const struct csv_row *row)
{
    if (!names_it(editing, row)) {
        text_add_n(&editing->out, row->text, row->length);
        return;
    }
    const char *handle = csv_value(row, editing->handle);
    text_print(&editing->names, "%s%s", editing->count++ == 0 ? "" : ", ",
               handle == NULL ? "?" : handle);
    if (editing->to == NULL)
        text_add_n(&editing->out, row->text, row->length);
    else
        add_edited(editing, row);
}

/* Every row may get the longer name; quotation marks are only where they are in CSV. */
static size_t room_for(const char *csv, size_t length, const char *to)
{
    size_t rows = 1;
    for (size_t i = 0; i < length; i++)
        rows += csv[i] == '\n' || csv[i] == '\r';
    return length + rows * ((to == NULL ? 0 : strlen(to)) + 2) + 1;
}

struct directory_edit directory_edit_partner(struct arena *arena, const char *csv, size_t length,
                                             const char *from, const char *to, const char *our)
{
    struct finding_list ignored = finding_list_new(arena);
    struct editing editing = {.arena = arena,
                              .from = from,
                              .to = to,
                              .our = our,
                              .handle = -1,
                              .partner = -1,
                              .out = text_new(arena, room_for(csv, length, to)),
                              .names = text_new(arena, NAMES_MAX)};
    struct csv reader;
    struct csv_row row;
    enum csv_answer answer;
    bool is_header = true;
    if (!csv_start(&reader, arena, csv, length, &ignored))
        return (struct directory_edit){.text = csv, .names = ""};
    editing.separator = (const char[]){csv_separator(&reader), '\0'};
    while ((answer = csv_next(&reader, &row, &ignored)) != CSV_END) {
        if (is_header) /* with what stands before it, such as a byte-order mark */
            text_add_n(&editing.out, csv, (size_t)(row.text - csv));
        if (is_header || answer == CSV_FAULT || row.is_blank)
            text_add_n(&editing.out, row.text, row.length);
        else
            take_row(&editing, &row);
        if (is_header && answer == CSV_ROW) {
            editing.handle = csv_column(&row, "handle");
            editing.partner = csv_column(&row, "partner");
        }
        is_header = false;
    }
    return (struct directory_edit){editing.out.full ? NULL : editing.out.at, editing.count,
                                   editing.names.at};
}
