/* fetch: one small file from a web server, such as a revocation list from its CA.
 *
 * Not for partners: those are reached by transmit. Plain HTTP is fine, for what is fetched carries
 * its own signature; HTTPS is checked against the system's CAs. No redirects, no encodings, no
 * proxies; a ceiling for time and size. Blocking, for a pool thread or a command. */
#ifndef GATEWAY_TLS_FETCH_H
#define GATEWAY_TLS_FETCH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

enum { FETCH_MS_MAX = 20000 };

/* The body of a 200, in ARENA; NULL with a sentence that says why not. */
char *fetch_file(struct arena *arena, const char *url, size_t bytes_max, size_t *ret_length,
                 const char **ret_why);

#endif
