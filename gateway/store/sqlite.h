/* sqlite: what the store's query files share. Not for anyone outside gateway/store/.
 *
 * A table describes how a struct maps to columns, once; insert, select and read are made from it.
 * Statements are prepared once per connection and found again by their SQL text's address. */
#ifndef GATEWAY_STORE_SQLITE_H
#define GATEWAY_STORE_SQLITE_H

#include <stddef.h>
#include <stdint.h>

#include "gateway/store/store.h"

/* A link is another row's key: 0 here, NULL there, for "none". */
enum column_type { COLUMN_WHOLE, COLUMN_LINK, COLUMN_TEXT, COLUMN_HASH, COLUMN_YES_NO };

struct column {
    const char *name;
    enum column_type type;
    size_t offset;
};

struct table {
    const char *name;
    size_t row_size;
    const struct column *columns; /* the first one is the key, left out when inserting */
    size_t column_count;
};

#define TABLE(name, type, columns)                                                                 \
    {                                                                                              \
        name, sizeof(struct type), columns, sizeof(columns) / sizeof *(columns)                    \
    }

/* Inserts all columns but the first; returns the new key, 0 on failure. */
int64_t sqlite_insert(struct store *store, const struct table *table, const void *row);
/* Writes the columns behind the first SKIP ones of the row whose key is the first column. */
void sqlite_update(struct store *store, const struct table *table, size_t skip, const void *row);
/* `SELECT columns FROM table` and REST; TYPES names the arguments: i whole, t text, h hash. */
size_t sqlite_select(struct store *store, struct arena *arena, const struct table *table,
                     void *ret_rows, const char *rest, const char *types, ...);
/* The first row only; false when there is none. */
bool sqlite_select_one(struct store *store, struct arena *arena, const struct table *table,
                       void *ret_row, const char *rest, const char *types, ...);
void sqlite_run(struct store *store, const char *sql, const char *types, ...);
/* One number of one row; 0 when there is none. */
int64_t sqlite_number(struct store *store, const char *sql, const char *types, ...);
/* The first column of each row as text. */
size_t sqlite_texts(struct store *store, struct arena *arena, const char ***ret_texts,
                    const char *sql, const char *types, ...);

#endif
