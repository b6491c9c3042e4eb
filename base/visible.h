/* visible: text from elsewhere, made harmless for a terminal and for one line of a list.
 *
 * Partners write names, reasons and titles; a terminal that is handed them raw obeys their control
 * characters: it can be made to clear the screen, to forge a line, or to show letters in another
 * order than they stand in; and what has no width makes two numbers look like one. Such characters
 * are shown by their number (\u001b), which is also how JSON writes them inside a string, so one
 * rule serves both. The joiners U+200C and U+200D are left: Persian is spelled with them. Used by
 * main for all that commands print, and by lists and findings for a value that must stay on its
 * line. Pure. */
#ifndef BASE_VISIBLE_H
#define BASE_VISIBLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

enum { VISIBLE_ESCAPE_MAX = 13 };

/* Whether the character shows as itself and touches no other. */
bool visible_is_seen(unsigned point);

/* Bytes at the start of TEXT that a terminal only shows; line ends and tabs are among them. */
size_t visible_plain(const char *text);
/* How the character at TEXT is shown instead, in RET_ESCAPE; returns the bytes it takes in TEXT. */
size_t visible_escape(const char *text, char ret_escape[VISIBLE_ESCAPE_MAX]);

/* VALUE on one line: line ends and tabs are shown as \n, \r and \t, too. NULL adds nothing. */
void visible_add_line(struct text *out, const char *value);
/* The same as a text of its own, cut to CHARACTERS_MAX with an ellipsis when it is longer. */
const char *visible_line(struct arena *arena, const char *value, size_t characters_max);

#endif
