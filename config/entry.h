/* entry: a settings text (YAML) as a flat list of keys with their values and places.
 *
 * Called by option.c only. The one door to libyaml. What settings need is one mapping of words to
 * values or to lists of values; everything else that YAML can say (anchors and aliases, tags,
 * several documents, nesting, duplicate keys) is refused with its place, so that no text can grow
 * in memory or mean something other than what it looks like. Pure; entries live in the arena. */
#ifndef CONFIG_ENTRY_H
#define CONFIG_ENTRY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/finding.h"

enum { ENTRY_KEYS_MAX = 1000, ENTRY_ITEMS_MAX = 1000 };

struct entry_value {
    const char *text;
    int line, column; /* 1-based */
    bool plain;       /* not quoted: may be a number or true/false */
};

struct entry {
    const char *key;
    int line, column;
    bool is_list;
    struct entry_value *values; /* exactly one unless is_list */
    size_t count, room;
};

struct entry_list {
    struct entry *items;
    size_t count, room;
};

/* False when the text is not such a mapping; the faults are findings and ret_list holds what was
 * read before the first fault of syntax. An empty text is an empty list. */
bool entry_read(struct arena *arena, const char *text, size_t length, struct finding_list *findings,
                struct entry_list *ret_list);

#endif
