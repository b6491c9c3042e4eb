/* ledger: the CSV file of what a CA issued and revoked. See ledger.h.
 *
 * It is read whole when it is opened, changed in memory, and written anew, atomically, at each
 * change. */
#include "certs/issue/ledger.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/csv.h"
#include "base/date.h"
#include "base/text.h"
#include "certs/io/io.h"

#define HEADER "serial,not_after,revoked_at,reason,names"

enum { COLUMNS = 5, SERIAL_LENGTH_MAX = 40, REASON_MAX = 10 };

struct ledger {
    struct arena arena;
    const char *file;
    struct authority_leaf *leaves;
    size_t count, room;
};

static void push(struct ledger *ledger, const struct authority_leaf *leaf)
{
    ledger->leaves = arena_room(&ledger->arena, ledger->leaves, sizeof *ledger->leaves,
                                ledger->count, &ledger->room, 16);
    struct authority_leaf copy = *leaf;
    copy.serial = arena_copy(&ledger->arena, leaf->serial);
    copy.names = arena_copy(&ledger->arena, leaf->names);
    ledger->leaves[ledger->count++] = copy;
}

static bool read_time(const char *text, int64_t *ret_seconds)
{
    struct date_time time;
    if (*text == '\0') {
        *ret_seconds = 0;
        return true;
    }
    if (date_time_parse(text, &time) != DATE_RIGHT)
        return false;
    *ret_seconds = time.seconds;
    return true;
}

static bool read_row(const struct csv_row *row, struct authority_leaf *ret_leaf)
{
    if (row->count != COLUMNS)
        return false;
    const char *serial = row->cells[0].text;
    const char *reason_text = row->cells[3].text;
    long reason = strtol(reason_text, NULL, 10);
    size_t length = strlen(serial);
    if (length == 0 || length > SERIAL_LENGTH_MAX || strspn(serial, "0123456789abcdef") != length ||
        strspn(reason_text, "0123456789") != strlen(reason_text) || reason > REASON_MAX)
        return false;
    *ret_leaf = (struct authority_leaf){
        .serial = serial, .names = row->cells[4].text, .reason = (int)reason};
    return read_time(row->cells[1].text, &ret_leaf->not_after) &&
           read_time(row->cells[2].text, &ret_leaf->revoked_at);
}

/* A list that cannot be read whole must not be used: what it revoked would be good again. */
static bool read_rows(struct ledger *ledger, const char *bytes, size_t length,
                      struct finding_list *findings)
{
    struct csv csv;
    struct csv_row row;
    bool is_header = true;
    if (!csv_start(&csv, &ledger->arena, bytes, length, findings))
        return false;
    for (;;) {
        enum csv_answer answer = csv_next(&csv, &row, findings);
        if (answer != CSV_ROW)
            return answer == CSV_END;
        struct authority_leaf leaf;
        if (!is_header && !row.is_blank && !read_row(&row, &leaf)) {
            finding_add(
                findings,
                (struct finding){.row = row.number, .found = "a damaged row", .expected = HEADER});
            return false;
        }
        if (!is_header && !row.is_blank)
            push(ledger, &leaf);
        is_header = false;
    }
}

struct ledger *ledger_open(const char *file, struct finding_list *findings)
{
    struct ledger *ledger = calloc(1, sizeof *ledger);
    if (ledger == NULL)
        abort(); /* as the arena */
    ledger->file = arena_copy(&ledger->arena, file);
    if (!files_exists(file))
        return ledger;
    size_t length = 0;
    char *bytes = files_read(&ledger->arena, file, findings, &length);
    const char *outer = findings->file; /* rows are ours only here */
    findings->file = arena_copy(findings->arena, file);
    bool whole = bytes != NULL && read_rows(ledger, bytes, length, findings);
    findings->file = outer;
    if (whole)
        return ledger;
    ledger_close(ledger);
    return NULL;
}

void ledger_close(struct ledger *ledger)
{
    if (ledger == NULL)
        return;
    arena_free(&ledger->arena);
    free(ledger);
}

static void put_time(struct text *out, int64_t seconds)
{
    char text[DATE_TEXT] = "";
    if (seconds != 0)
        date_time_format_utc((struct date_time){.seconds = seconds}, text);
    text_print(out, "%s,", text);
}

static bool save(const struct ledger *ledger, struct finding_list *findings)
{
    struct arena arena = ARENA_EMPTY;
    struct text out = text_new(&arena, FILES_BYTES_MAX);
    text_add(&out, HEADER "\n");
    for (size_t i = 0; i < ledger->count; i++) {
        const struct authority_leaf *leaf = &ledger->leaves[i];
        text_print(&out, "%s,", leaf->serial);
        put_time(&out, leaf->not_after);
        put_time(&out, leaf->revoked_at);
        text_print(&out, "%d,\"%s\"\n", leaf->reason,
                   leaf->names); /* names hold no quotation mark */
    }
    bool done =
        !out.full && files_write(ledger->file, 0600, out.at, out.length, FILES_REPLACE, findings);
    if (out.full)
        files_fault(findings, ledger->file, "a list that has grown too long",
                    "at most 16 MB: begin a new CA");
    arena_free(&arena);
    return done;
}

bool ledger_add(struct ledger *ledger, const struct authority_leaf *leaf,
                struct finding_list *findings)
{
    push(ledger, leaf);
    if (save(ledger, findings))
        return true;
    ledger->count--;
    return false;
}

static struct authority_leaf *find(const struct ledger *ledger, const char *serial)
{
    for (size_t i = 0; i < ledger->count; i++) {
        if (strcasecmp(ledger->leaves[i].serial, serial) == 0)
            return &ledger->leaves[i];
    }
    return NULL;
}

bool ledger_revoke(struct ledger *ledger, const char *serial, int64_t now, int reason,
                   struct finding_list *findings)
{
    struct authority_leaf *leaf = find(ledger, serial);
    if (leaf == NULL) {
        files_fault(findings, ledger->file,
                    arena_print(findings->arena, "no certificate with serial %s", serial),
                    "a serial that `cert show` prints for a certificate of this CA");
        return false;
    }
    if (leaf->revoked_at != 0)
        return true;
    leaf->revoked_at = now;
    leaf->reason = reason;
    if (save(ledger, findings))
        return true;
    leaf->revoked_at = 0;
    leaf->reason = 0;
    return false;
}

const struct authority_leaf *ledger_find(const struct ledger *ledger, const char *serial)
{
    return find(ledger, serial);
}

size_t ledger_count(const struct ledger *ledger)
{
    return ledger->count;
}

const struct authority_leaf *ledger_at(const struct ledger *ledger, size_t at)
{
    return &ledger->leaves[at];
}
