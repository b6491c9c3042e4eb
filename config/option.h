/* option: what one setting is, and the engine that moves settings between text and a struct by
 * table.
 *
 * Two tables use it: option.def (settings.yaml, struct config) and partner.def (partners/NAME.yaml,
 * struct partner). A row gives key, type, unit, range, default, live-reload or not, and help; the
 * parser, the printed file, docs/settings.md and `refgate settings` all read the same row.
 * Pure: text in, text out. Everything made lives in the arena given. Any thread. */
#ifndef CONFIG_OPTION_H
#define CONFIG_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/finding.h"
#include "base/text.h"
#include "config/check.h"

enum { OPTION_WORDS_MAX = 32 }; /* of one row; a SET keeps them as bits of an unsigned */

enum option_kind {
    OPTION_SECTION, /* no setting: a heading of the printed file */
    OPTION_TEXT,    /* const char *, never NULL once loaded (may be empty) */
    OPTION_LIST,    /* struct option_list of texts */
    OPTION_FLAG,    /* bool */
    OPTION_WORD,    /* an enum whose constants stand in the order of `words` */
    OPTION_SET,     /* unsigned: one bit for each of `words`, in their order */
    OPTION_COUNT,   /* unsigned */
    OPTION_BYTES,   /* size_t */
    OPTION_TIME     /* uint64_t, in the unit that ends the key */
};

/* Does a running gateway take a change at reload, or only when started anew? */
enum option_when { OPTION_LIVE, OPTION_RESTART };

struct option_list {
    const char *const *items;
    size_t count;
};

struct option {
    enum option_kind kind;
    const char *key;           /* of a section: its title */
    size_t offset;             /* of the member in the struct */
    const char *unit;          /* as people read it: "milliseconds"; NULL: none */
    const char *start;         /* the default, as it would be written; NULL: must be given */
    uint64_t min, max;         /* of COUNT, BYTES, TIME */
    const char *words;         /* of WORD and SET, separated by '|' */
    const struct check *check; /* of TEXT and of each item of LIST */
    enum option_when when;
    const char *help;
};

struct option_table {
    const struct option *rows;
    size_t count;
    const char *what; /* "setting", "partner setting" */
};

/* Where a value came from. */
enum option_source { OPTION_FROM_DEFAULT, OPTION_FROM_FILE, OPTION_FROM_ENVIRONMENT };
struct option_origin {
    enum option_source source;
    int line; /* of the file */
};

/* Puts the defaults into the struct at OBJECT; a required text becomes "". */
void option_defaults(const struct option_table *table, struct arena *arena, void *object);
/* Reads YAML TEXT (one mapping of keys to values or lists of values) over what OBJECT holds.
 * ORIGINS has one item a row. False when anything was wrong: each fault is a finding, the faulty
 * key keeps its value. */
bool option_read(const struct option_table *table, struct arena *arena, const char *text,
                 size_t length, struct finding_list *findings, void *object,
                 struct option_origin *origins);
/* Sets one key from one text, as an argument or an environment variable gives it; a LIST or SET
 * takes items separated by commas. A fault is a finding with path KEY. */
bool option_set(const struct option_table *table, struct arena *arena, const char *key,
                const char *value, struct finding_list *findings, void *object);
/* One finding for each required key that stands at its default. */
bool option_require(const struct option_table *table, struct finding_list *findings,
                    const struct option_origin *origins);

/* The row of KEY, or NULL. */
const struct option *option_find(const struct option_table *table, const char *key);
/* The words of a WORD or SET row, in order; returns their number. */
size_t option_words(const struct option *option, struct arena *arena,
                    const char *ret_words[OPTION_WORDS_MAX]);
/* The value as it is written in a file: `10000`, `json`, `[a, b]`. */
const char *option_value(const struct option *option, struct arena *arena, const void *object);
/* Where it came from, in words: "default", "line 12", "environment". */
const char *option_origin(const struct option_origin *origin, struct arena *arena);
bool option_equal(const struct option *option, struct arena *arena, const void *one,
                  const void *other);
/* "a number of milliseconds from 100 to 600000", "one of json, text": for findings and the manual.
 */
const char *option_expected(const struct option *option, struct arena *arena);
/* The whole file with headings and help as comments; a key at its default is written as a comment,
 * so that a better default of a later release is taken. */
void option_write(const struct option_table *table, struct arena *arena, const void *object,
                  struct text *out);
/* TEXT with the value of OPTION replaced by what OBJECT holds (or added at the end), and all else
 * as the person who keeps the file wrote it. */
const char *option_edit(const struct option *option, struct arena *arena, const char *text,
                        const void *object);
/* A table in Markdown, as docs/settings.md holds it. */
void option_manual(const struct option_table *table, struct arena *arena, struct text *out);

#endif
