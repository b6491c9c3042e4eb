/* csv: one row a record, one column a field.
 *
 * A column is named like its field: `client_id`, `diagnoses.1.code` (item 1 of a list of small
 * objects), `home_care.2` (item 2 of a list). A list of words may also stand in one cell, separated
 * by semicolons. An empty cell is a field left out. What a cell should be is asked of the
 * vocabulary; what it is not (a word where a number belongs) stays text and is refused by
 * record_check, so that both forms get the same messages. A column that no field has keeps its name
 * for the same reason.
 */
#include "fhir/record/csv.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/csv.h"
#include "base/nearest.h"
#include "fhir/record/places.h"
#include "fhir/record/vocabulary.h"

enum { COLUMN_UNKNOWN = -1, COLUMN_WHOLE = 0 }; /* else the 1-based item */

struct column {
    const char *name; /* as written */
    const char *path; /* `diagnoses[1].code` */
    const char *list; /* name of the list, or of the field itself */
    const char *part; /* name in the small object, or NULL */
    int item;
    size_t index;  /* of its cell */
    size_t family; /* index of the first column with the same list */
};

struct sheet {
    struct arena *arena;
    struct finding_list *findings;
    struct column *columns;
    size_t count;
    int kind_column;
    struct csv_row row;
};

/* ---- columns ---- */

/* The 1-based item number between two dots; 0: none. */
static int item_number(const char *at, size_t length)
{
    int number = 0;
    if (length == 0 || length > 3 || *at == '0')
        return 0;
    for (size_t i = 0; i < length; i++) {
        if (at[i] < '0' || at[i] > '9')
            return 0;
        number = number * 10 + at[i] - '0';
    }
    return number <= RECORD_LIST_MAX ? number : 0;
}

static struct column column_of(struct arena *arena, const char *name)
{
    struct column column = {name, name, name, NULL, COLUMN_WHOLE, 0, 0};
    const char *dot = strchr(name, '.');
    if (dot == NULL)
        return column;
    const char *end = strchrnul(dot + 1, '.');
    column.item = item_number(dot + 1, (size_t)(end - dot - 1));
    if (column.item == 0 || (*end == '.' && (end[1] == '\0' || strchr(end + 1, '.') != NULL))) {
        column.item = COLUMN_UNKNOWN;
        return column;
    }
    column.list = arena_copy_n(arena, name, (size_t)(dot - name));
    column.part = *end == '.' ? end + 1 : NULL;
    column.path = arena_print(arena, "%s[%d]%s", column.list, column.item, end);
    return column;
}

/* Items of a list in their order, lists where their first column stands. */
static int by_item(const void *one, const void *other)
{
    const struct column *left = one;
    const struct column *right = other;
    if (left->family != right->family)
        return left->family < right->family ? -1 : 1;
    if (left->item != right->item)
        return left->item < right->item ? -1 : 1;
    return left->index < right->index ? -1 : 1;
}

static void order_columns(struct sheet *sheet)
{
    for (size_t i = 0; i < sheet->count; i++) {
        struct column *column = &sheet->columns[i];
        column->index = i;
        column->family = i;
        for (size_t j = 0; j < i && column->family == i; j++) {
            if (strcmp(sheet->columns[j].list, column->list) == 0)
                column->family = sheet->columns[j].family;
        }
    }
    qsort(sheet->columns, sheet->count, sizeof *sheet->columns, by_item);
}

/* Two separators in one header: neither can be told to be the one. */
static bool is_parted_twice(const struct csv_row *header)
{
    for (size_t i = 0; i < header->count; i++) {
        if (strchr(header->cells[i].text, ';') != NULL)
            return true;
    }
    return false;
}

/* A sheet without the column `record` holds something else: one message, not one a row. */
static bool has_kind(struct sheet *sheet)
{
    struct nearest nearest = nearest_start("record");
    if (sheet->kind_column >= 0)
        return true;
    if (is_parted_twice(&sheet->row)) {
        finding_add(sheet->findings,
                    (struct finding){.row = sheet->row.number,
                                     .path = "record",
                                     .line = sheet->row.line,
                                     .found = "both , and ; between the columns",
                                     .expected = "one of them in the whole sheet: save it as \"CSV "
                                                 "UTF-8 (Comma delimited)\""});
        return false;
    }
    for (size_t i = 0; i < sheet->count; i++)
        nearest_try(&nearest, sheet->row.cells[i].text);
    finding_add(
        sheet->findings,
        (struct finding){.row = sheet->row.number,
                         .path = "record",
                         .line = sheet->row.line,
                         .found = nearest.best == NULL
                                      ? "no such column"
                                      : arena_print(sheet->arena, "a column \"%s\"", nearest.best),
                         .expected = "a column named record, which says what kind of "
                                     "record each row is"});
    return false;
}

static bool read_header(struct sheet *sheet)
{
    bool right = true;
    sheet->count = sheet->row.count;
    sheet->columns = arena_array(sheet->arena, sheet->count, sizeof *sheet->columns);
    sheet->kind_column = csv_column(&sheet->row, "record");
    for (size_t i = 0; i < sheet->count; i++) {
        const struct csv_cell *cell = &sheet->row.cells[i];
        sheet->columns[i] = column_of(sheet->arena, cell->text);
        if (cell->text[0] == '\0' || csv_column(&sheet->row, cell->text) == (int)i)
            continue;
        finding_add(sheet->findings, (struct finding){.row = sheet->row.number,
                                                      .path = sheet->columns[i].path,
                                                      .line = cell->line,
                                                      .column = cell->column,
                                                      .found = "two columns of this name",
                                                      .expected = "each column once"});
        right = false;
    }
    order_columns(sheet);
    return has_kind(sheet) && right;
}

/* ---- cells ---- */

static bool is_number(const char *text)
{
    text += *text == '-';
    size_t whole = strspn(text, "0123456789");
    if (whole == 0 || (whole > 1 && text[0] == '0'))
        return false;
    text += whole;
    if (*text == '.') {
        size_t decimals = strspn(++text, "0123456789");
        if (decimals == 0)
            return false;
        text += decimals;
    }
    return *text == '\0';
}

static const char *trimmed(struct arena *arena, const char *text, size_t length)
{
    while (length > 0 && (*text == ' ' || *text == '\t')) {
        text++;
        length--;
    }
    while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t'))
        length--;
    return arena_copy_n(arena, text, length);
}

static struct json *yes_or_no(struct arena *arena, const char *text)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {{"yes", true}, {"no", false}, {"true", true}, {"false", false}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcasecmp(text, words[i].word) == 0)
            return json_new_boolean(arena, words[i].value);
    }
    return json_new_text(arena, text);
}

static struct json *single(struct arena *arena, const struct record_field *field, const char *text,
                           size_t length)
{
    enum record_type type = field == NULL ? RECORD_TEXT : field->type;
    if (type == RECORD_TEXT || type == RECORD_LONG_TEXT)
        return json_new_text(arena, arena_copy_n(arena, text, length));
    const char *value = trimmed(arena, text, length);
    if ((type == RECORD_WHOLE || type == RECORD_NUMBER) && is_number(value))
        return json_new_number(arena, value);
    if (type == RECORD_YES_NO)
        return yes_or_no(arena, value);
    return json_new_text(arena, value);
}

/* A cell that holds a whole list, separated by semicolons. */
static struct json *parted(struct arena *arena, const struct record_field *field, const char *text)
{
    struct json *list = json_new_list(arena);
    for (;;) {
        size_t length = strcspn(text, ";");
        const char *item = trimmed(arena, text, length);
        json_push(list, single(arena, field, item, strlen(item)));
        if (text[length] == '\0')
            return list;
        text += length + 1;
    }
}

static struct json *cell_value(struct arena *arena, const struct record_field *field,
                               const struct column *column, const char *text)
{
    bool is_list = field != NULL && field->is_list && field->type != RECORD_ITEM &&
                   (column->item == COLUMN_WHOLE || column->part != NULL);
    return is_list ? parted(arena, field, text) : single(arena, field, text, strlen(text));
}

/* ---- rows ---- */

static struct json *list_at(struct sheet *sheet, struct json *tree, const char *name)
{
    struct json *list = json_get(tree, name);
    return list != NULL ? list : json_set(sheet->arena, tree, name, json_new_list(sheet->arena));
}

/* Makes items up to COUNT; a gap becomes empty items, which record_check refuses. */
static void fill_up(struct sheet *sheet, struct json *list, size_t count, bool is_object)
{
    for (size_t have = json_count(list); have < count; have++)
        json_push(list,
                  is_object ? json_new_object(sheet->arena) : json_new_text(sheet->arena, ""));
}

static void add_item(struct sheet *sheet, struct json *tree, const struct record_field *field,
                     const struct column *column, const char *text)
{
    struct json *list = list_at(sheet, tree, column->list);
    size_t item = (size_t)column->item;
    if (column->part == NULL) {
        fill_up(sheet, list, item - 1, false);
        json_push(list, cell_value(sheet->arena, field, column, text));
        return;
    }
    const struct record_field *part = record_field_find(field->item, column->part);
    fill_up(sheet, list, item, true);
    json_set(sheet->arena, json_at(list, item - 1), column->part,
             cell_value(sheet->arena, part, column, text));
}

/* LAST is the column before this one that held anything in this row, or NULL. */
static void add_cell(struct sheet *sheet, struct json *tree, const struct record_shape *shape,
                     const struct column *column, const struct column *last)
{
    const char *text = sheet->row.cells[column->index].text;
    const struct record_field *field = record_field_find(shape, column->list);
    bool is_part = column->part != NULL;
    bool is_item = column->item > 0 && field != NULL && field->is_list &&
                   (field->type == RECORD_ITEM) == is_part;
    bool is_taken = last != NULL && last->item == COLUMN_WHOLE && last->family == column->family;
    if (is_item && !is_taken)
        add_item(sheet, tree, field, column, text);
    else if (column->item == COLUMN_WHOLE && text_equal(column->name, column->list))
        json_set(sheet->arena, tree, column->name, cell_value(sheet->arena, field, column, text));
    else
        json_set_text(sheet->arena, tree, column->name, text);
}

static bool row_fits(struct sheet *sheet)
{
    const struct csv_row *row = &sheet->row;
    for (size_t i = sheet->count; i < row->count; i++) {
        if (row->cells[i].text[0] == '\0')
            continue;
        finding_add(sheet->findings,
                    (struct finding){.row = row->number,
                                     .line = row->cells[i].line,
                                     .column = row->cells[i].column,
                                     .found = arena_print(sheet->arena, "%zu cells", row->count),
                                     .expected = arena_print(sheet->arena, "%zu as in the header",
                                                             sheet->count)});
        return false;
    }
    if (row->count >= sheet->count)
        return true;
    finding_add(sheet->findings,
                (struct finding){
                    .row = row->number,
                    .line = row->line,
                    .found = arena_print(sheet->arena, "%zu cells", row->count),
                    .expected = arena_print(sheet->arena, "%zu as in the header", sheet->count)});
    return false;
}

static const struct record_places *places_of(struct sheet *sheet)
{
    struct record_places *places = arena_alloc(sheet->arena, sizeof *places);
    struct record_cell *cells = arena_array(sheet->arena, sheet->count, sizeof *cells);
    for (size_t i = 0; i < sheet->count; i++) {
        const struct csv_cell *cell = &sheet->row.cells[sheet->columns[i].index];
        cells[i] = (struct record_cell){sheet->columns[i].path, cell->line, cell->column};
    }
    places->cells = cells;
    places->cell_count = sheet->count;
    places->line = sheet->row.line;
    return places;
}

static void read_row(struct sheet *sheet, struct record_list *records)
{
    struct json *tree = json_new_object(sheet->arena);
    const struct record_shape *shape = NULL;
    const struct column *last = NULL;
    if (!row_fits(sheet))
        return;
    if (sheet->kind_column >= 0)
        shape = record_kind_find(sheet->row.cells[sheet->kind_column].text);
    for (size_t i = 0; i < sheet->count; i++) {
        const struct column *column = &sheet->columns[i];
        if (sheet->row.cells[column->index].text[0] == '\0')
            continue;
        add_cell(sheet, tree, shape, column, last);
        last = column;
    }
    record_list_add(sheet->arena, records,
                    (struct record){.tree = tree,
                                    .file = sheet->findings->file,
                                    .row = sheet->row.number,
                                    .places = places_of(sheet)});
}

void record_csv_read(struct arena *arena, const char *text, size_t length,
                     struct record_list *records, struct finding_list *findings)
{
    struct sheet sheet = {.arena = arena, .findings = findings};
    bool has_header = false;
    struct csv csv;
    enum csv_answer answer;
    if (!csv_start(&csv, arena, text, length, findings))
        return;
    while ((answer = csv_next(&csv, &sheet.row, findings)) != CSV_END) {
        if (answer == CSV_FAULT && !has_header)
            return;
        if (answer == CSV_FAULT || sheet.row.is_blank)
            continue;
        if (has_header)
            read_row(&sheet, records);
        else if (!read_header(&sheet))
            return;
        has_header = true;
    }
    if (!has_header)
        finding_add(findings, (struct finding){.found = "no rows",
                                               .expected = "a header row with the names of fields, "
                                                           "and one row a record"});
}
