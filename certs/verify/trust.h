/* trust: whom we believe, one immutable generation at a time. Who calls it: the gateway builds one
 * from the partner files at start and at each reload and hands it to context and verify;
 * connections made under an older generation are asked again (verify_again). Reference-counted; any
 * thread may read it.
 *
 * Everything fails closed: a partner whose CA file cannot be read is in the generation but nothing
 * verifies for it, two partners with one name are both refused. Each such fault is a finding. */
#ifndef CERTS_VERIFY_TRUST_H
#define CERTS_VERIFY_TRUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/finding.h"

enum trust_crl {
    TRUST_CRL_AUTO, /* hard when the partner has revocation lists, otherwise off */
    TRUST_CRL_HARD, /* no fresh list of an issuer in the chain: refused */
    TRUST_CRL_SOFT, /* what a list names is refused; a missing or old list is only reported */
    TRUST_CRL_OFF,
};

enum trust_staple {
    TRUST_STAPLE_OFF,     /* not asked for */
    TRUST_STAPLE_PREFER,  /* asked for; refused only when it says "revoked" */
    TRUST_STAPLE_REQUIRE, /* without a good, fresh one the server is refused */
};

enum { TRUST_NAME_MAX = 64, TRUST_PARTNERS_MAX = 10000 };

/* All texts may go away after trust_new(). */
struct trust_partner {
    const char *name;        /* the partner's handle; NULL for our own issuer */
    const char *ca_file;     /* PEM: the root, and intermediates if the peer does not send them */
    const char *ca_pem;      /* the same as text, instead of the file */
    const char *const *pins; /* base64 of the SHA-256 of the public key (`sha256//` before it is
                                fine): current and next. Without CA the pin alone is the trust */
    size_t pin_count;
    const char *const *sans; /* `URI:urn:refgate:org:x`, `DNS:gw.example`; without the word, what
                                has a colon is a URI. Never an IP, never a wild card */
    size_t san_count;
    const char *const *crl_files; /* PEM or DER, one list for each CA of the chain */
    size_t crl_count;
    enum trust_crl crl;
    enum trust_staple staple; /* of the partner's server, when we call it */
    bool disabled;
};

struct trust;

/* ISSUER (may be NULL): our own CA; what it issued is let through the handshake though no partner's
 * (only its CA and CRL members are read). Never returns NULL. */
struct trust *trust_new(const struct trust_partner *partners, size_t count,
                        const struct trust_partner *issuer, struct finding_list *findings);
/* The same at a reload: where a file of a partner's CA or lists is faulty, what BEFORE holds of
 * that partner stays. BEFORE may be NULL. */
struct trust *trust_new_after(const struct trust_partner *partners, size_t count,
                              const struct trust_partner *issuer, const struct trust *before,
                              struct finding_list *findings);
struct trust *trust_hold(struct trust *trust);
void trust_release(struct trust *trust);

/* What runs out: one row for each CA certificate and each revocation list of each partner. */
struct trust_term {
    const char *partner; /* NULL: our own issuer */
    const char *what;    /* `ca` or `crl` */
    const char *issuer;  /* subject of the CA */
    int64_t since;       /* crl: thisUpdate; ca: notBefore */
    int64_t until;       /* crl: nextUpdate; ca: notAfter */
};
size_t trust_terms(const struct trust *trust, struct arena *arena, struct trust_term **ret_terms);

#endif
