/* record: the clinic's own records (referral, progress note, discharge summary, case conference,
 * treatment plan, consent) from bytes to checked trees.
 *
 * Commands, the drop folder and the local API read with record_read and check with record_check;
 * the map, consent and the store ask the questions below. A record is a `struct json` object in the
 * words of fhir/codes/vocabulary.csv, whatever form it came in (docs/records.md). Everything is
 * pure and lives in the arena given; a tree belongs to one thread at a time. */
#ifndef FHIR_RECORD_RECORD_H
#define FHIR_RECORD_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/finding.h"
#include "fhir/codes/coding.h"
#include "fhir/json/json.h"
#include "fhir/record/directory.h"

/* ---- reading ---- */

enum {
    RECORD_BYTES_MAX = 16 * 1024 * 1024, /* of one file */
    RECORD_LIST_MAX = 500,               /* items in one list */
    RECORD_ID_MAX = 64,                  /* characters of an id of our own */
    RECORD_ID_RECEIVED_MAX = 200         /* of a partner's */
};

enum record_format { RECORD_GUESS, RECORD_JSON, RECORD_NDJSON, RECORD_CSV };

struct record_places; /* where each field stands in its file */

struct record {
    struct json *tree;
    const char *file;
    int row; /* row of CSV (the header is row 1) or line of NDJSON; 0: a file of its own */
    const struct record_places *places;
};

struct record_list {
    struct record *items;
    size_t count, room;
};

/* By the end of a file name; RECORD_GUESS when it tells nothing. */
enum record_format record_format_of(const char *file_name);
/* Adds the records of one text to *records. What cannot be read becomes findings with file, row,
 * line and column; the other rows are read all the same. TEXT must outlive the records. */
void record_read(struct arena *arena, enum record_format format, const char *text, size_t length,
                 const char *file, struct record_list *records, struct finding_list *findings);

/* ---- checking ---- */

enum record_lookup {
    RECORD_FOUND,
    RECORD_UNKNOWN,
    RECORD_AMBIGUOUS,   /* two referrals have this number: the clinic must be written before it */
    RECORD_OTHER_CLIENT /* there is one, but of somebody else */
};

struct record_referral {     /* a referral as a note needs to know it */
    const char *placer;      /* handle of the placing clinic */
    const char *number;      /* the placer's number */
    const char *written_by;  /* handle of who wrote it */
    const char *referred_to; /* handle of the clinic or person asked */
    const char *filler;      /* handle of the clinic that fills it; NULL: that of referred_to */
};

/* How a check learns whether a referral exists. */
struct record_referrals {
    /* Finds the referral that REFERRAL_ID ("R-1" or "lakeside:R-1") of RECORD means. *ret_referral
     * is written when found, and when the only one is of another client; *ret_nearest may name a
     * number that would be right, else stays. */
    enum record_lookup (*find)(void *context, struct arena *arena, const struct json *record,
                               const char *referral_id, struct record_referral *ret_referral,
                               const char **ret_nearest);
    void *context;
};

struct record_rules { /* what a check needs to know of the world */
    struct arena *arena;
    const struct directory *directory;        /* never NULL; an empty one knows nobody */
    const struct coding *coding;              /* NULL: the built-in tables */
    const struct record_referrals *referrals; /* NULL: referral_id is checked for its form only */
    bool is_received; /* from a partner: fields may be missing, ids may be any printable text */
};

/* All faults of one record become findings. True when there is none. */
bool record_check(const struct record *record, const struct record_rules *rules,
                  struct finding_list *findings);
/* The same for a tree without a file. */
bool record_check_tree(const struct json *tree, const struct record_rules *rules,
                       struct finding_list *findings);
/* Whether NODE, which a partner wrote, may stand in FIELD by itself, as an item where that is a
 * list: type, form, words and range. Never a small object. */
struct record_field;
bool record_value_fits(struct arena *arena, const struct coding *coding,
                       const struct record_field *field, const struct json *node);
/* Things worth a second look in a right record (a technique against a precaution, more visits than
 * authorised, an order that has lapsed). EARLIER: other records of the client, of any kind. */
void record_warn(const struct record *record, const struct record_rules *rules,
                 const struct json *const *earlier, size_t earlier_count,
                 struct finding_list *warnings);

/* A record_referrals over referral records, for commands that hold them in memory. A bare number
 * resolves among the referrals that the writer's clinic placed and those of the same client (a
 * shared number, or the same birth date). The list may grow between look-ups. */
struct record_known {
    const struct directory *directory;
    const struct json *const *referrals;
    const char *const *placers; /* clinics that placed them; NULL: those of their writers */
    size_t count;
};
struct record_referrals record_referrals_of(struct record_known *known);

/* ---- one form for all ---- */

/* Writes in what the vocabulary says holds when a field is left out: status, priority, visit kind,
 * note kind by the writer's profession, day of measuring, and so on; a PHQ-2 score adds
 * mental-health to the sensitivity. Idempotent. */
void record_fill_defaults(struct arena *arena, struct json *tree,
                          const struct directory *directory);
/* The record as one line of JSON with defaults filled, members in the order of the vocabulary and
 * visits_per_week in its shortest form: equal texts are equal records. Without WITH_PRIVATE neither
 * private_note nor `received` is in it: the text for the hash of a message. */
const char *record_canonical(struct arena *arena, const struct json *tree,
                             const struct directory *directory, bool with_private);
/* Whether two records say the same: times by text, decimals by digits. */
bool record_same(struct arena *arena, const struct json *one, const struct json *other,
                 const struct directory *directory);

/* ---- asking ---- */

/* "progress-note" and so on; NULL when the tree is no record. */
const char *record_kind(const struct json *tree);
/* A member that the receipt of a record added: nobody writes it, `map` and `send` ignore it. */
bool record_is_receipt(const char *name);
/* Whether an item of a list is a plain fact: one with a `standing` is none (refuted, preliminary,
 * ...), and checks, charts and what is sent leave it out. */
bool record_is_fact(const struct json *item);
/* Handle of the clinic of written_by: the sender; NULL when the directory does not know it. */
const char *record_sender(const struct json *tree, const struct directory *directory);
/* What a disclosure of this kind of record is for: "treatment" or "care-coordination". */
const char *record_purpose(const char *kind);

struct record_recipient {
    const char *handle; /* person or clinic, as the record names it */
    const char *clinic; /* its clinic; of a stranger the handle itself */
};

/* Who gets this record, in the order of the record, those of one clinic side by side, nobody of the
 * sender's clinic. REFERRAL: the one that a note belongs to, else NULL. Returns their number. */
size_t record_recipients(struct arena *arena, const struct json *tree,
                         const struct directory *directory, const struct record_referral *referral,
                         const struct record_recipient **ret_recipients);
/* The sensitivity words of a record, with those that its content adds. Returns their number. */
size_t record_sensitivity(struct arena *arena, const struct json *tree,
                          const char *const **ret_words);
/* What a number that a message gives should have been ("1 to 200 printable characters"); NULL: it
 * may be the number of a record, referral or client. */
const char *record_received_id_expected(const char *number);

#endif
