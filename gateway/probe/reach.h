/* reach: does anything answer at the addresses of the partners? For `check` and `status`.
 *
 * Opens a TCP connection to each at once and closes it; says nothing to whoever answers, so it
 * tells a partner that is down from one that is up, and no more (`partner test` walks the whole
 * way). Blocks for WAIT_MS at most, and for DNS. */
#ifndef GATEWAY_PROBE_REACH_H
#define GATEWAY_PROBE_REACH_H

#include <netdb.h>

#include "base/arena.h"
#include "config/folder.h"
#include "config/partner.h"

struct reach {
    const struct partner *partner;
    const char *why; /* nothing answers: in words; NULL: something does */
};

/* Every partner that is in use; their number. */
size_t reach_all(struct arena *arena, const struct partner_list *partners, int wait_ms,
                 struct reach **ret_reaches);
/* HOST and PORT of a URL; 443 when it names none. */
void reach_address(struct arena *arena, const char *url, const char **ret_host,
                   const char **ret_port);

#endif
