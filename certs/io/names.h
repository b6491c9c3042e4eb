/* names: the names a certificate carries, as far as they may identify a partner. For the sources of
 * certs/ only. Nothing here looks at the common name (RFC 9525 section 2). */
#ifndef CERTS_IO_NAMES_H
#define CERTS_IO_NAMES_H

#include <openssl/x509.h>
#include <stdbool.h>

enum { NAMES_MAX = 64, NAME_TEXT_MAX = 512 };

struct names {
    const char *uri[NAMES_MAX];
    const char
        *dns[NAMES_MAX]; /* as they stand, in any case; a wild card counts as any other text */
    size_t uri_count, dns_count;
    bool has_san;
    bool has_wildcard;
    bool is_bad; /* a NUL, a control character, an empty or overlong or unreadable name */
    void *owner; /* the texts live here */
};

/* Reads SAN and looks for NUL in the subject. names_free() afterwards. */
void names_read(const X509 *certificate, struct names *ret_names);
void names_free(struct names *names);
/* A name without wild card, blank, control character and what RFC 3986 keeps out of a URI. */
bool names_is_clean(const char *text);

#endif
