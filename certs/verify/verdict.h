/* verdict: the named answers of certificate checks, from verdict.def. Who calls it: everyone who
 * shows or records why a peer was admitted or refused. Constant tables, any thread. */
#ifndef CERTS_VERIFY_VERDICT_H
#define CERTS_VERIFY_VERDICT_H

#include <stddef.h>

enum verdict {
#define VERDICT(name, kind, alert, sentence) VERDICT_##name,
#include "certs/verify/verdict.def"
#undef VERDICT
    VERDICT_COUNT
};

enum verdict_kind {
    VERDICT_KIND_ADMITTED, /* one partner's good certificate */
    VERDICT_KIND_STRANGER, /* a good certificate, but no partner's: TLS yes, then 403 */
    VERDICT_KIND_REFUSED,  /* the handshake fails */
};

/* The word of verdict.def: `wrong_pin`. */
const char *verdict_name(enum verdict verdict);
enum verdict_kind verdict_kind(enum verdict verdict);
/* The TLS alert as RFC 8446 spells it, `none` for admitted. */
const char *verdict_alert(enum verdict verdict);
/* What to tell the operator: what is wrong and what to do. */
const char *verdict_sentence(enum verdict verdict);

#endif
