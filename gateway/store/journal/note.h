/* note: the changes of a group as the journal holds them: statements by their text, once a group,
 * and the values of each execution. Written by sqlite.c, read again by sqlite/commit.c after a
 * crash. */
#ifndef GATEWAY_STORE_JOURNAL_NOTE_H
#define GATEWAY_STORE_JOURNAL_NOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/store/journal/journal.h"

enum note_kind {
    NOTE_STATEMENT = 1, /* its text; they are numbered from 0 as they come */
    NOTE_CHANGE,        /* a statement's number and how many values follow */
    NOTE_NULL,
    NOTE_WHOLE,
    NOTE_TEXT,
    NOTE_BLOB
};

void note_statement(struct journal *journal, const char *sql);
void note_change(struct journal *journal, unsigned statement, unsigned values);
void note_null(struct journal *journal);
void note_whole(struct journal *journal, int64_t value);
void note_bytes(struct journal *journal, enum note_kind kind, const void *bytes, size_t length);

struct note {
    enum note_kind kind;
    unsigned statement, values; /* of a change */
    int64_t whole;
    const char *bytes; /* of a statement, text or blob; not ended by NUL */
    size_t length;
};
/* Takes the next note from *AT, which is moved behind it; false when there is none that makes
 * sense. */
bool note_take(const unsigned char **at, const unsigned char *end, struct note *ret_note);

#endif
