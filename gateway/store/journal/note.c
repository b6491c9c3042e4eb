/* note: writes the changes of a group into the journal's buffer, and reads them back. See note.h.
 *
 * A statement's text is noted once a group; each execution names it by number and has its values
 * behind it. */
#include "gateway/store/journal/note.h"

#include <string.h>

#include "gateway/store/journal/checksum.h"

enum { BYTES_HEAD = 5, CHANGE_BYTES = 5, WHOLE_BYTES = 9 };

void note_bytes(struct journal *journal, enum note_kind kind, const void *bytes, size_t length)
{
    unsigned char *at = journal_note(journal, BYTES_HEAD + length);
    at[0] = (unsigned char)kind;
    checksum_put32(at + 1, (uint32_t)length);
    memcpy(at + BYTES_HEAD, bytes, length);
}

void note_statement(struct journal *journal, const char *sql)
{
    note_bytes(journal, NOTE_STATEMENT, sql, strlen(sql));
}

void note_change(struct journal *journal, unsigned statement, unsigned values)
{
    unsigned char *at = journal_note(journal, CHANGE_BYTES);
    at[0] = NOTE_CHANGE;
    checksum_put32(at + 1, (uint32_t)statement << 8 | values);
}

void note_null(struct journal *journal)
{
    *journal_note(journal, 1) = NOTE_NULL;
}

void note_whole(struct journal *journal, int64_t value)
{
    unsigned char *at = journal_note(journal, WHOLE_BYTES);
    at[0] = NOTE_WHOLE;
    checksum_put64(at + 1, (uint64_t)value);
}

static bool take_bytes(const unsigned char **at, const unsigned char *end, struct note *note)
{
    if (end - *at < BYTES_HEAD)
        return false;
    note->length = checksum_get32(*at + 1);
    if ((size_t)(end - *at - BYTES_HEAD) < note->length)
        return false;
    note->bytes = (const char *)*at + BYTES_HEAD;
    *at += BYTES_HEAD + note->length;
    return true;
}

/* Member by member into the caller's own: a note made here and copied would be read in other pieces
 * than it was written in, for which the processor waits. */
bool note_take(const unsigned char **at, const unsigned char *end, struct note *ret_note)
{
    if (*at >= end)
        return false;
    ret_note->kind = (enum note_kind) * *at;
    switch (ret_note->kind) {
    case NOTE_NULL:
        *at += 1;
        return true;
    case NOTE_WHOLE:
        if (end - *at < WHOLE_BYTES)
            return false;
        ret_note->whole = (int64_t)checksum_get64(*at + 1);
        *at += WHOLE_BYTES;
        return true;
    case NOTE_CHANGE:
        if (end - *at < CHANGE_BYTES)
            return false;
        ret_note->statement = checksum_get32(*at + 1) >> 8;
        ret_note->values = checksum_get32(*at + 1) & 0xff;
        *at += CHANGE_BYTES;
        return true;
    case NOTE_STATEMENT:
    case NOTE_TEXT:
    case NOTE_BLOB:
        return take_bytes(at, end, ret_note);
    default:
        return false;
    }
}
