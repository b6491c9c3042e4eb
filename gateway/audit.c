/* audit: see audit.h. */
#include "gateway/audit.h"

#include <string.h>

#include "base/text.h"
#include "certs/digest.h"

enum { ROWS_A_PAGE = 500, LINE_MAX = 4096 };

static void chain(const unsigned char before[STORE_HASH_BYTES], const struct store_audit *row,
                  struct arena *arena, unsigned char ret_hash[STORE_HASH_BYTES])
{
    struct text line = text_new(arena, LINE_MAX);
    char hex[2 * STORE_HASH_BYTES + 1];
    digest_hex(before, STORE_HASH_BYTES, hex);
    text_add_n(&line, hex, sizeof hex - 1);
    text_add_char(&line, '\n');
    text_add_whole(&line, row->at_ms);
    const char *const fields[] = {row->what, row->partner, row->subject, row->detail};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        text_add_char(&line, '\n');
        text_add_json(&line, fields[i] == NULL ? "" : fields[i]);
    }
    digest_sha256(line.at, line.length, ret_hash);
}

void audit_add(struct store *store, int64_t at_ms, const char *what, const char *partner,
               const char *subject, const char *detail)
{
    struct arena arena = ARENA_EMPTY;
    unsigned char before[STORE_HASH_BYTES] = {0};
    struct store_audit row = {
        .at_ms = at_ms, .what = what, .partner = partner, .subject = subject, .detail = detail};
    store_last_audit(store, before);
    chain(before, &row, &arena, row.hash);
    store_add_audit(store, &row);
    arena_free(&arena);
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
            chain(before, &rows[i], &arena, hash);
            fits = rows[i].seq == last + 1 && memcmp(hash, rows[i].hash, sizeof hash) == 0;
            memcpy(before, hash, sizeof before);
            last = rows[i].seq;
            count++;
        }
        arena_reset(&arena);
    }
    arena_free(&arena);
    if (fits && last < store_count_audits(store)) { /* the end was cut off */
        fits = false;
        last++;
    }
    *ret_rows = count;
    *ret_bad_seq = fits ? 0 : last;
    return fits;
}
