/* trial: a whole TLS handshake with ourselves in memory, by the same code that serves partners. For
 * install.c; no socket. */
#ifndef CERTS_TLS_TRIAL_H
#define CERTS_TLS_TRIAL_H

#include <stdbool.h>

#include "certs/tls/context.h"

/* The client of CALLER calls the server of LISTENER as its partner PARTNER. RET_SERVER: what the
 * client found about the server; RET_CLIENT: what the server found. True when the handshake ended
 * well on both sides and the client's certificate was accepted. */
bool trial_handshake(struct context *listener, struct context *caller, const char *partner,
                     struct verify_peer *ret_server, struct verify_peer *ret_client);

#endif
