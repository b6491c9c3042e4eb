/* own_ca: the mistake of filing our own CA as a partner's, named as what it is. Asked by `check`,
 * `status`, `partner add` and `partner test`, whose TLS would only say that the partner's CA is
 * unknown. */
#ifndef GATEWAY_TLS_OWN_CA_H
#define GATEWAY_TLS_OWN_CA_H

#include "config/folder.h"

/* In a sentence with what to do; NULL when the partner's CA is not the private CA of this folder,
 * or that CA did sign a certificate for the partner. */
const char *own_ca_sentence(const char *dir, struct arena *arena, const struct partner *partner);

#endif
