/* wide: see wide.h. */
#include "gateway/store/journal/wide.h"

#include <stdlib.h>
#include <sys/mman.h>

void *wide_new(size_t bytes)
{
    size_t step = bytes < WIDE_PAGE ? WIDE_BLOCK : WIDE_PAGE;
    size_t rounded = (bytes + step - 1) / step * step;
    void *wide = aligned_alloc(step, rounded);
    if (wide != NULL && step == WIDE_PAGE)
        madvise(wide, rounded, MADV_HUGEPAGE);
    return wide;
}
