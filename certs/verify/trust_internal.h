/* trust_internal: the inside of a trust generation, for trust.c and verify.c only. */
#ifndef CERTS_VERIFY_TRUST_INTERNAL_H
#define CERTS_VERIFY_TRUST_INTERNAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "certs/io/digest.h"
#include "certs/verify/anchors.h"
#include "certs/verify/trust.h"

struct partner {
    const char *name;
    const struct anchors *anchors; /* NULL: known by its pins alone */
    bool has_pins, has_sans;
    bool disabled;
    enum trust_staple staple;
};

struct pin {
    unsigned char digest[DIGEST_SHA256_BYTES];
    int partner;
};

enum san_kind { SAN_URI, SAN_DNS };

struct san {
    enum san_kind kind;
    const char *text; /* DNS names in lower case */
    int partner;
};

struct named {
    const char *name;
    int partner;
};

struct trust {
    atomic_uint holders;
    struct arena arena;
    struct partner *partners;
    int count;
    struct named *by_name; /* sorted */
    struct pin *pins;      /* sorted */
    size_t pin_count;
    struct san *sans; /* sorted */
    size_t san_count;
    struct anchors **anchors;   /* each different one once */
    const char **anchors_owner; /* the first partner of it; NULL: our own issuer */
    size_t anchors_count;
    const struct trust *before; /* only while this one is made */
};

/* The partners that have this pin or name: the first index into pins or sans, and how many. */
size_t trust_pins(const struct trust *trust, const unsigned char digest[DIGEST_SHA256_BYTES],
                  size_t *ret_first);
size_t trust_sans(const struct trust *trust, enum san_kind kind, const char *text,
                  size_t *ret_first);
/* Number of the partner, -1 when there is none. */
int trust_find(const struct trust *trust, const char *name);

#endif
