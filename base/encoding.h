/* encoding: what a text that is no UTF-8 seems to be, so that a person can be told how to save it.
 * Called where a sheet, a record or a directory is read. Nothing is converted: a wrong guess would
 * put another letter into a client's name. Pure. */
#ifndef BASE_ENCODING_H
#define BASE_ENCODING_H

#include <stddef.h>

/* Words for what was found in TEXT, which is no UTF-8 or holds NUL. Constant. */
const char *encoding_found(const char *text, size_t length);

#endif
