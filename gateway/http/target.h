/* target: path and query of a request target (RFC 9112 section 3.2). Called by http.c. Pure. */
#ifndef GATEWAY_HTTP_TARGET_H
#define GATEWAY_HTTP_TARGET_H

#include <stdbool.h>

#include "base/arena.h"

/* Of `/a%20b?c` the path `/a b` and the query `c`; of `https://host/a` the path `/a`. The path has
 * its escapes undone, except %2F, which is no border between segments; it is `*` for OPTIONS *. The
 * query points into TARGET, as sent; NULL: none. False, and nothing is set: no path, a malformed
 * escape, one that hides a control character, or no UTF-8. */
bool target_read(struct arena *arena, const char *method, const char *target, const char **ret_path,
                 const char **ret_query);

#endif
