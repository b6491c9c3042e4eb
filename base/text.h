/* text: growing text in an arena, and small questions about bytes and UTF-8.
 *
 * Used by every layer. Text is UTF-8 and always ends in NUL; lengths exclude it. A struct text
 * names its ceiling at birth: what would pass it is cut off and `full` is set, nothing is overrun.
 * A struct text belongs to one thread at a time, like its arena; the questions are pure. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"

struct text {
    struct arena *arena;
    char *at; /* NUL-terminated, never NULL */
    size_t length;
    size_t room;
    size_t ceiling; /* longest length allowed */
    bool full;      /* something did not fit */
};

/* Empty; of at most CEILING bytes. */
struct text text_new(struct arena *arena, size_t ceiling);
void text_add(struct text *text, const char *more);
void text_add_n(struct text *text, const char *more, size_t length);
void text_add_char(struct text *text, char c);
void text_add_whole(struct text *text, int64_t number);
void text_print(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* MORE as a quoted JSON string (RFC 8259 section 7). */
void text_add_json(struct text *text, const char *more);
void text_add_json_n(struct text *text, const char *more, size_t length);

/* NULL equals only NULL. */
static inline bool text_equal(const char *one, const char *other)
{
    if (one == NULL || other == NULL)
        return one == other;
    return *one == *other && /* most differ at once, and many are empty */
           (*one == '\0' || strcmp(one + 1, other + 1) == 0);
}
/* NULL starts with nothing. */
static inline bool text_starts(const char *text, const char *prefix)
{
    return text != NULL && (*prefix == '\0' || *text == *prefix) &&
           strncmp(text, prefix, strlen(prefix)) == 0;
}
/* Whether TEXT is one of WORDS, which end in NULL. NULL is none of them. */
bool text_is_one_of(const char *text, const char *const *words);
bool text_ends(const char *text, const char *suffix);
/* Whether WORDS stand in TEXT, with no letter or digit before or behind. */
bool text_has_words(const char *text, const char *words);
/* The number of words between spaces. */
size_t text_count_words(const char *text);
bool text_is_space(unsigned point);   /* a code point of white space, or of no width at all */
bool text_is_blank(const char *text); /* NULL, empty, or only white space (Unicode spaces too) */
/* Offset of the first byte that is not well-formed UTF-8 (RFC 3629), or LENGTH. */
size_t text_utf8_fault(const char *text, size_t length);
/* The code point at *AT, which is moved behind it; the text must be well-formed UTF-8. */
unsigned text_utf8_next(const char **at);
/* Number of code points in well-formed UTF-8. */
size_t text_utf8_length(const char *text);
/* Bytes of the first CHARACTERS_MAX code points of well-formed UTF-8, or of all there are. */
size_t text_utf8_head(const char *text, size_t characters_max);

#endif
