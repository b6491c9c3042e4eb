/* tls: the settings and partners of a setup as one generation of trust and TLS policy (certs/). */
#ifndef GATEWAY_TLS_H
#define GATEWAY_TLS_H

#include "base/finding.h"
#include "certs/context.h"
#include "gateway/setup.h"

/* NULL with findings when anything of it is wrong; reads key, certificate, CA and CRL files
 * (blocking). The caller releases it with context_release. */
struct context *tls_context(const struct setup *setup, struct finding_list *findings);
/* Where our key and certificate lie. */
struct identity_files tls_identity_files(const struct setup *setup, struct arena *arena);

#endif
