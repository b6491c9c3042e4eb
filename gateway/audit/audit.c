/* audit: appends to the chain of audit rows and verifies it. See audit.h.
 *
 * A row's hash covers the hash of the row before it and its own fields, each quoted, so that none
 * runs into the next. Runs inside the caller's transaction. */
#include "gateway/audit/audit.h"

#include <string.h>

#include "base/text.h"
#include "certs/io/digest.h"

enum { ROWS_A_PAGE = 500, OLD_LINE_MAX = 4096, LINE_MAX = 1 << 20 };

static void add_field(struct text *line, const char *field)
{
    text_add_char(line, '\n');
    text_add_json(line, field == NULL ? "" : field);
}

static void add_number(struct text *line, int64_t number)
{
    text_add_char(line, '\n');
    text_add_whole(line, number);
}

static void add_fields(struct text *line, const char *const *fields, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add_field(line, fields[i]);
}

/* Rows of before there were ticks are hashed as they were then, with their partner's name. */
static void add_old_row(struct text *line, const struct store_audit *row)
{
    const char *const fields[] = {row->what, row->partner_name, row->subject, row->detail};
    add_fields(line, fields, sizeof fields / sizeof *fields);
}

/* Rows' keys, not names: a partner may be called something else later. */
static void add_row(struct text *line, struct store *store, const struct store_audit *row)
{
    const char *const fields[] = {row->what, row->subject, row->detail, row->actor, row->purpose};
    add_fields(line, fields, sizeof fields / sizeof *fields);
    add_number(line, store_partner_row(store, row->partner));
    add_number(line, row->client);
}

static void chain(struct store *store, const unsigned char before[STORE_HASH_BYTES],
                  const struct store_audit *row, bool is_old,
                  unsigned char ret_hash[STORE_HASH_BYTES])
{
    struct arena arena = ARENA_EMPTY;
    struct text line = text_new(&arena, is_old ? OLD_LINE_MAX : LINE_MAX);
    char hex[2 * STORE_HASH_BYTES + 1];
    digest_hex(before, STORE_HASH_BYTES, hex);
    text_add_n(&line, hex, sizeof hex - 1);
    add_number(&line, row->at_ms);
    if (is_old)
        add_old_row(&line, row);
    else
        add_row(&line, store, row);
    digest_sha256(line.at, line.length, ret_hash);
    arena_free(&arena);
}

void audit_write(struct store *store, const struct store_audit *row)
{
    unsigned char before[STORE_HASH_BYTES] = {0};
    struct store_audit chained = *row;
    store_last_audit(store, before);
    chain(store, before, row, false, chained.hash);
    store_add_audit(store, &chained);
}

void audit_add(struct store *store, int64_t at_ms, const char *what, const char *partner,
               const char *subject, const char *detail)
{
    struct store_audit row = {
        .at_ms = at_ms, .what = what, .partner = partner, .subject = subject, .detail = detail};
    audit_write(store, &row);
}

const char *audit_purpose(const char *kind)
{
    bool is_shared = text_equal(kind, "treatment-plan") || text_equal(kind, "case-conference");
    return is_shared ? "care-coordination" : "treatment";
}

bool audit_verify(struct store *store, int64_t *ret_rows, int64_t *ret_bad_seq)
{
    struct arena arena = ARENA_EMPTY;
    unsigned char before[STORE_HASH_BYTES] = {0};
    struct store_audit *rows;
    int64_t last = 0;
    int64_t count = 0;
    size_t page;
    bool fits = true;
    while (fits && (page = store_audits(store, &arena, last, ROWS_A_PAGE, &rows)) > 0) {
        for (size_t i = 0; fits && i < page; i++) {
            unsigned char hash[STORE_HASH_BYTES];
            chain(store, before, &rows[i], rows[i].tick == 0, hash);
            fits = rows[i].seq == last + 1 && memcmp(hash, rows[i].hash, sizeof hash) == 0;
            memcpy(before, hash, sizeof before);
            last = rows[i].seq;
            count++;
        }
        arena_reset(&arena);
    }
    arena_free(&arena);
    if (fits &&
        (last < store_count_audits(store) || store_failed(store))) { /* the end is missing */
        fits = false;
        last++;
    }
    *ret_rows = count;
    *ret_bad_seq = fits ? 0 : last;
    return fits;
}
