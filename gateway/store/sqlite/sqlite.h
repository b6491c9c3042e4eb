/* sqlite: what the store's query files share. Not for anyone outside gateway/store/.
 *
 * A table describes how a struct maps to columns, once; insert, select and read are made from it.
 * Statements are prepared once per connection and found again by their SQL text's address. */
#ifndef GATEWAY_STORE_SQLITE_SQLITE_H
#define GATEWAY_STORE_SQLITE_SQLITE_H

#include <stddef.h>
#include <stdint.h>

#include "gateway/store/rows.h"

enum column_type {
    COLUMN_WHOLE,
    COLUMN_LINK, /* another row's key: 0 here, NULL there, for "none" */
    COLUMN_TEXT,
    COLUMN_HASH,
    COLUMN_YES_NO,
    COLUMN_PARTNER, /* a partner's name here, its row's key there: "" and NULL for "none" */
    COLUMN_TICK,    /* of the group that writes the row, whatever the struct says */
    COLUMN_CLIENT,  /* a client's number here, its row's key there; `owner` of the table says whose
                     */
    COLUMN_ORIGIN,  /* the same, with STORE_OWN for ourselves */
    /* As those without SELDOM; few rows say other than 0 or NULL there, which are the defaults. */
    COLUMN_SELDOM_WHOLE,
    COLUMN_SELDOM_LINK,
    COLUMN_SELDOM_TEXT
};

struct column {
    const char *name;
    enum column_type type;
    size_t offset;
};

/* The column that has the name of a member of STRUCTURE. */
#define COLUMN(structure, member, type)                                                            \
    {                                                                                              \
#member, type, offsetof(structure, member)                                                 \
    }

/* Outbound messages that are not settled: the words of the index message_waiting. */
#define WAITING "(state='queued' OR state='sending' OR state='held' OR state='parked')"

/* Tables whose keys the store gives out. */
enum sqlite_ids {
    IDS_RECORD,
    IDS_REFERRAL,
    IDS_MESSAGE,
    IDS_ATTEMPT,
    IDS_EVENT,
    IDS_RELEASE,
    IDS_AUDIT,
    IDS_PAYLOAD,
    IDS_CLIENT,
    SQLITE_IDS
};

struct table {
    const char *name;
    size_t row_size;
    const struct column *columns; /* the first one is the key */
    size_t column_count;
    enum sqlite_ids ids;
    const char *(*owner)(const void *row); /* of the number of its client; NULL: ours */
};

#define TABLE_WITH_IDS(name, type, columns, ids)                                                   \
    {                                                                                              \
        name, sizeof(struct type), columns, sizeof(columns) / sizeof *(columns), ids, NULL         \
    }
#define TABLE_OF_CLIENTS(name, type, columns, ids, owner)                                          \
    {                                                                                              \
        name, sizeof(struct type), columns, sizeof(columns) / sizeof *(columns), ids, owner        \
    }
/* One that is only read. */
#define TABLE(name, type, columns) TABLE_WITH_IDS(name, type, columns, SQLITE_IDS)

/* The key that the next row gets. */
int64_t sqlite_next_id(struct store *store, enum sqlite_ids ids);
/* Inserts the row under its key, or under the next one when it has none; returns the key, 0 on
 * failure. */
int64_t sqlite_insert(struct store *store, const struct table *table, const void *row);
/* A row that may not be: the transaction fails with this reason. */
void sqlite_refuse(struct store *store, const char *why);
/* Writes the columns behind the first SKIP ones of the row whose key is the first column. */
void sqlite_update(struct store *store, const struct table *table, size_t skip, const void *row);
/* `SELECT columns FROM table` and REST; TYPES names the arguments: i whole, t text, h hash, b
 * bytes and their length (int64_t). */
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

/* The tick that the changes of this group take. */
int64_t sqlite_tick(struct store *store);

/* ---- partners ---- */

/* The row of the partner that has this name now; 0 when there is none. */
int64_t sqlite_partner(struct store *store, const char *name);
/* The same, made when there is none. */
int64_t sqlite_partner_made(struct store *store, const char *name);
/* The name of a row, "" when there is no such row; valid until the next call. */
const char *sqlite_partner_name(struct store *store, int64_t id);

/* ---- clients ---- */

/* The row of a client; 0 when there is none. */
int64_t sqlite_client(struct store *store, const char *owner, const char *number);
/* The same, made when there is none. */
int64_t sqlite_client_made(struct store *store, const char *owner, const char *number);
size_t sqlite_clients_numbered(struct store *store, struct arena *arena, const char *number,
                               struct store_client **ret_clients);
/* "" when there is no such row. */
const char *sqlite_client_number(struct store *store, struct arena *arena, int64_t id);

/* ---- look-up keys of random texts (keys.h) ---- */

enum key_family_name { KEYS_LEDGER, KEYS_RECORDS, KEYS_CLIENTS, KEY_FAMILIES };
enum key_tag {               /* what the texts of a key are */
               KEY_INBOUND,  /* partner's row, message id -> message */
               KEY_BUNDLE,   /* partner's row, Bundle id -> inbound message */
               KEY_OUTBOUND, /* message id -> message */
               KEY_RECORD,   /* clinic, kind, number -> record */
               KEY_CLIENT,   /* number -> client, whoever's */
               KEY_NUMBER,   /* placer's number -> referral */
               KEY_TAGS
};

/* Rows that may have the key of these texts (NULL: fewer), in ascending order, each once; the
 * caller reads them and compares. */
size_t sqlite_rows_of(struct store *store, struct arena *arena, enum key_tag tag, const char *one,
                      const char *two, const char *three, int64_t **ret_rows);
/* The same for messages: of a partner's by KEY_INBOUND and KEY_BUNDLE, of ours by KEY_OUTBOUND. */
size_t sqlite_messages_of(struct store *store, struct arena *arena, enum key_tag tag,
                          const char *partner, const char *id, int64_t **ret_rows);
/* Rows of the records of clients with this number, without their text, in their order. */
size_t sqlite_records_of(struct store *store, struct arena *arena, const char *client,
                         struct store_record **ret_records);
/* After a row was inserted. */
void sqlite_key_message(struct store *store, const struct store_message *message, int64_t id);
void sqlite_key_record(struct store *store, const struct store_record *record, int64_t id);
void sqlite_key_client(struct store *store, const char *number, int64_t id);
void sqlite_key_referral(struct store *store, const struct store_referral *referral, int64_t id);

#endif
