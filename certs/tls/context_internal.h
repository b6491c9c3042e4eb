/* context_internal: a session without a socket, for trial.c and context.c only. */
#ifndef CERTS_TLS_CONTEXT_INTERNAL_H
#define CERTS_TLS_CONTEXT_INTERNAL_H

#include "certs/tls/context.h"

/* As context_session_new(), but the caller gives it its BIOs. */
struct ssl_st *context_session_open(struct context *context);

#endif
