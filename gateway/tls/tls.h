/* tls: the settings and partners of a setup as one generation of trust and TLS policy (certs/). */
#ifndef GATEWAY_TLS_TLS_H
#define GATEWAY_TLS_TLS_H

#include "base/finding.h"
#include "certs/tls/context.h"
#include "gateway/setup/setup.h"

/* Reads key, certificate, CA and CRL files (blocking). NULL with findings when there is no identity
 * to speak with. Else a context, and findings about what is faulty in it: a partner whose CA or
 * list cannot be read is refused until it can, everybody else is served. The caller releases it
 * with context_release. */
struct context *tls_context(const struct setup *setup, struct finding_list *findings);
/* The same with another pair than the one of the settings, for a trial before it is installed. */
struct context *tls_context_with(const struct setup *setup, const struct identity_files *files,
                                 struct finding_list *findings);
/* The files of the partner's revocation lists: those filed, and the one fetched. */
size_t tls_list_files(const struct setup *setup, struct arena *arena, const struct partner *partner,
                      const char *const **ret_files);
/* Where our key and certificate lie. */
struct identity_files tls_identity_files(const struct setup *setup, struct arena *arena);

/* At a reload. Partners whose files changed, and name keys or lists that are faulty, stay as they
 * are in BEFORE; each fault is a finding. Before others see the setup. */
void tls_keep_partners(struct setup *setup, const struct setup *before,
                       struct finding_list *findings);
/* The same as tls_context; what is faulty of our own keys and of partners' stays as it is in BEFORE
 * (NULL: nothing does). Warnings are of our certificate when it can be used all the same. */
struct context *tls_context_after(const struct setup *setup, const struct context *before,
                                  struct finding_list *warnings, struct finding_list *findings);

#endif
