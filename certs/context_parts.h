/* context_parts: a session without a socket, for trial.c and context.c only. */
#ifndef CERTS_CONTEXT_PARTS_H
#define CERTS_CONTEXT_PARTS_H

#include "certs/context.h"

/* As context_session_new(), but the caller gives it its BIOs. */
struct ssl_st *context_session_open(struct context *context);

#endif
