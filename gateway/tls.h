/* tls: the settings and partners of a setup as one generation of trust and TLS policy (certs/). */
#ifndef GATEWAY_TLS_H
#define GATEWAY_TLS_H

#include "base/finding.h"
#include "certs/context.h"
#include "gateway/setup.h"

/* Reads key, certificate, CA and CRL files (blocking). NULL with findings when there is no identity
 * to speak with. Else a context, and findings about what is faulty in it: a partner whose CA or
 * list cannot be read is refused until it can, everybody else is served. At start that is better
 * than nothing; a reload takes no new fault. The caller releases it with context_release. */
struct context *tls_context(const struct setup *setup, struct finding_list *findings);
/* The same with another pair than the one of the settings, for a trial before it is installed. */
struct context *tls_context_with(const struct setup *setup, const struct identity_files *files,
                                 struct finding_list *findings);
/* Where our key and certificate lie. */
struct identity_files tls_identity_files(const struct setup *setup, struct arena *arena);

#endif
