/* wide: large pieces of memory on large pages, where the system has them. What is asked at random
 * then costs fewer walks through the page tables, and what is written past the page cache is handed
 * to the disk in few pieces. Used by the store's key tables and the journal's buffers. Any thread.
 */
#ifndef GATEWAY_STORE_JOURNAL_WIDE_H
#define GATEWAY_STORE_JOURNAL_WIDE_H

#include <stddef.h>

enum {
    WIDE_PAGE = 2 << 20,
    WIDE_BLOCK = 4096 /* below WIDE_PAGE bytes it begins at such a multiple */
};

/* Not cleared. For free(). NULL without memory. */
void *wide_new(size_t bytes);

#endif
