/* csv: a one-pass reader. See csv.h for the contract.
 *
 * One function for each kind of cell, quoted and plain; line and column are noted where a cell
 * starts. A row with a fault is reported at its place and passed over to the end of its line, so
 * that the caller may go on with the next. Cells lie in the caller's arena. */
#include "base/csv.h"

#include <string.h>

#include "base/encoding.h"

static int column_of(struct csv *csv, const char *at)
{
    for (; csv->counted < at; csv->counted++)
        csv->column += ((unsigned char)*csv->counted & 0xc0) != 0x80;
    return csv->column;
}

static void fault_at(struct csv *csv, const char *at, const char *found, const char *expected,
                     struct finding_list *findings)
{
    finding_add(findings, (struct finding){.row = csv->row,
                                           .line = csv->line,
                                           .column = column_of(csv, at),
                                           .found = found,
                                           .expected = expected});
}

static void new_line(struct csv *csv)
{
    csv->at++;
    csv->line++;
    csv->counted = csv->at;
    csv->column = 1;
}

/* Programs of some countries part cells by semicolons, and some by tabs. A header without any comma
 * outside of quotation marks shows it; every other one is separated by commas. */
static char separator_of(const char *at, const char *end)
{
    bool is_quoted = false;
    char found = ',';
    for (; at < end && (is_quoted || *at != '\n'); at++) {
        if (*at == '"')
            is_quoted = !is_quoted;
        else if (!is_quoted && *at == ',')
            return ',';
        else if (!is_quoted && found == ',' && (*at == ';' || *at == '\t'))
            found = *at;
    }
    return found;
}

bool csv_start(struct csv *csv, struct arena *arena, const char *text, size_t length,
               struct finding_list *findings)
{
    *csv = (struct csv){arena, text, text + length, text, 0, 1, 1, ','};
    size_t bad = text_utf8_fault(text, length);
    const char *zero = memchr(text, '\0', length);
    if (bad < length || zero != NULL) {
        const char *at = bad < length ? text + bad : zero;
        while (csv->at < at) {
            if (*csv->at == '\n')
                new_line(csv);
            else
                csv->at++;
        }
        fault_at(csv, at, encoding_found(text, length),
                 "UTF-8 text: save the sheet as \"CSV UTF-8 (Comma delimited)\"", findings);
        return false;
    }
    if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        csv->at += 3;
        csv->counted += 3;
    }
    csv->separator = separator_of(csv->at, csv->end);
    return true;
}

char csv_separator(const struct csv *csv)
{
    return csv->separator;
}

static bool at_line_end(const struct csv *csv)
{
    if (csv->at >= csv->end || *csv->at == '\n')
        return true;
    return *csv->at == '\r' && (csv->at + 1 == csv->end || csv->at[1] == '\n');
}

static void take_line_end(struct csv *csv)
{
    if (csv->at < csv->end && *csv->at == '\r')
        csv->at++;
    if (csv->at < csv->end)
        new_line(csv);
}

static void skip_line(struct csv *csv)
{
    while (!at_line_end(csv))
        csv->at++;
    take_line_end(csv);
}

/* Of the quoted cell at csv->at; NULL: it is missing. */
static const char *closing_mark(const struct csv *csv)
{
    const char *close = csv->at + 1;
    while ((close = memchr(close, '"', (size_t)(csv->end - close))) != NULL) {
        if (close + 1 == csv->end || close[1] != '"')
            return close;
        close += 2; /* doubled: it belongs to the text */
    }
    return NULL;
}

/* Takes the text up to CLOSE, each doubled mark once. */
static const char *take_quoted(struct csv *csv, const char *close)
{
    char *copy = arena_copy_n(csv->arena, csv->at + 1, (size_t)(close - csv->at - 1));
    size_t length = 0;
    for (csv->at++; csv->at < close;) {
        if (*csv->at == '"')
            csv->at++;
        copy[length++] = *csv->at;
        if (*csv->at == '\n')
            new_line(csv);
        else
            csv->at++;
    }
    csv->at++;
    copy[length] = '\0';
    return copy;
}

/* Copies the quoted cell at csv->at; NULL with a finding when its closing mark is missing. */
static const char *quoted_cell(struct csv *csv, struct finding_list *findings)
{
    const char *close = closing_mark(csv);
    if (close == NULL) {
        fault_at(csv, csv->at, "a quotation mark that is never closed",
                 "a second quotation mark at the end of the cell", findings);
        csv->at = csv->end;
        return NULL;
    }
    const char *copy = take_quoted(csv, close);
    if (csv->at < csv->end && *csv->at != csv->separator && !at_line_end(csv)) {
        fault_at(csv, csv->at, "more text after a closing quotation mark",
                 "the next cell, or the mark doubled (\"\") when it belongs to the text", findings);
        return NULL;
    }
    return copy;
}

static const char *plain_cell(struct csv *csv, struct finding_list *findings)
{
    const char *start = csv->at;
    while (!at_line_end(csv) && *csv->at != csv->separator) {
        if (*csv->at == '"') {
            fault_at(csv, csv->at, "a quotation mark inside a cell that has none around it",
                     "the whole cell in quotation marks, and this one doubled (\"\")", findings);
            return NULL;
        }
        csv->at++;
    }
    return arena_copy_n(csv->arena, start, (size_t)(csv->at - start));
}

static void add_cell(struct csv *csv, struct csv_row *row, size_t *room, struct csv_cell cell)
{
    row->cells = arena_room(csv->arena, row->cells, sizeof *row->cells, row->count, room, 32);
    row->cells[row->count++] = cell;
    row->is_blank = row->is_blank && text_is_blank(cell.text);
}

enum csv_answer csv_next(struct csv *csv, struct csv_row *ret_row, struct finding_list *findings)
{
    if (csv->at >= csv->end)
        return CSV_END;
    csv->row++;
    struct csv_row row = {.number = csv->row, .line = csv->line, .is_blank = true, .text = csv->at};
    size_t room = 0;
    for (;;) {
        struct csv_cell cell = {NULL, csv->line, column_of(csv, csv->at)};
        bool is_quoted = csv->at < csv->end && *csv->at == '"';
        cell.text = is_quoted ? quoted_cell(csv, findings) : plain_cell(csv, findings);
        if (cell.text != NULL && row.count == CSV_COLUMNS_MAX) {
            fault_at(csv, csv->at, "too many columns", "at most 2000", findings);
            cell.text = NULL;
        }
        if (cell.text == NULL) {
            skip_line(csv);
            *ret_row = (struct csv_row){.number = row.number,
                                        .line = row.line,
                                        .text = row.text,
                                        .length = (size_t)(csv->at - row.text)};
            return CSV_FAULT;
        }
        add_cell(csv, &row, &room, cell);
        if (at_line_end(csv))
            break;
        csv->at++; /* the separator */
    }
    take_line_end(csv);
    row.length = (size_t)(csv->at - row.text);
    *ret_row = row;
    return CSV_ROW;
}

int csv_column(const struct csv_row *header, const char *name)
{
    for (size_t i = 0; i < header->count; i++) {
        if (strcmp(header->cells[i].text, name) == 0)
            return (int)i;
    }
    return -1;
}

const char *csv_value(const struct csv_row *row, int column)
{
    if (column < 0 || (size_t)column >= row->count || row->cells[column].text[0] == '\0')
        return NULL;
    return row->cells[column].text;
}
