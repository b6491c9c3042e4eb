/* csv: rows of comma-separated values with the place of every cell.
 *
 * RFC 4180: quotes, doubled quotes, line breaks in cells, CRLF or LF; a byte-order mark is skipped.
 * A sheet whose header has semicolons or tabs and no comma is separated by those. Stricter than
 * most: UTF-8 only, no NUL, no quotation mark inside an unquoted cell, nothing after a closing one.
 * Used for records, the directory and code maps. Pure; cells live in the arena. */
#ifndef BASE_CSV_H
#define BASE_CSV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/finding.h"

enum { CSV_COLUMNS_MAX = 2000 };

struct csv_cell {
    const char *text; /* NUL-terminated */
    int line, column; /* 1-based, in characters, of its first byte */
};

struct csv_row {
    struct csv_cell *cells;
    size_t count;
    int number;       /* 1-based as a spreadsheet shows it: the header is row 1 */
    int line;         /* where the row starts */
    bool is_blank;    /* no cell holds anything */
    const char *text; /* the row as it stands in the file, with its line end */
    size_t length;
};

struct csv { /* a reader; its fields belong to csv.c */
    struct arena *arena;
    const char *at, *end;
    const char *counted; /* up to here `column` has been counted */
    int row, line, column;
    char separator; /* ',', or what the header has in its place */
};

/* Starts reading LENGTH bytes, which must outlive the reader. False, with a finding, when the text
 * is not UTF-8 or holds NUL. */
bool csv_start(struct csv *csv, struct arena *arena, const char *text, size_t length,
               struct finding_list *findings);

/* What parts the cells: ',', or what the header has in its place. */
char csv_separator(const struct csv *csv);

enum csv_answer { CSV_ROW, CSV_END, CSV_FAULT };

/* The next row. CSV_FAULT: a finding with row, line and column was added and reading goes on behind
 * the faulty line; of the row only number, line, text and length are told. */
enum csv_answer csv_next(struct csv *csv, struct csv_row *ret_row, struct finding_list *findings);

/* The index of the column NAME in a header row, or -1. */
int csv_column(const struct csv_row *header, const char *name);
/* The text of a column (as csv_column gives it), or NULL when it is absent or empty. */
const char *csv_value(const struct csv_row *row, int column);

#endif
