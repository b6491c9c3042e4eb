/* outcome: what came of one exchange with a partner: its kind, and a sentence for a person. Called
 * by transmit.c, which translates curl's words into these facts. Pure. */
#ifndef GATEWAY_DELIVERY_OUTCOME_H
#define GATEWAY_DELIVERY_OUTCOME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "gateway/delivery/transmit.h"

enum outcome_end {
    OUTCOME_END_WHOLE, /* a whole answer */
    OUTCOME_END_TIME,
    OUTCOME_END_NAME,        /* the host name is not known */
    OUTCOME_END_URL,         /* no https URL */
    OUTCOME_END_HANDSHAKE,   /* TLS broke off */
    OUTCOME_END_CERTIFICATE, /* TLS broke off because of a certificate */
    OUTCOME_END_SIZE,        /* a ceiling was passed */
    OUTCOME_END_STOPPED,     /* by us */
    OUTCOME_END_OTHER
};

struct outcome_facts {
    enum outcome_end end;
    const char *partner;
    const char *host;            /* `gw.example` */
    const char *place;           /* `gw.example:8443` */
    const char *refused_address; /* that the name pointed at and that may not be used; NULL: none */
    const char *tls_error;       /* OpenSSL's words, or "" */
    const char *reason;          /* the system's or curl's words, never NULL */
    enum verdict verdict;        /* about the server's certificate */
    bool connected;              /* TCP */
    bool may_have_sent;          /* the request was begun */
    bool has_head;               /* bytes of an answer came */
    bool new_connection;
    int status;
    const struct transmit_limits *limits;
};

enum transmit_outcome outcome_of(const struct outcome_facts *facts);
/* The sentence lives in ARENA. */
const char *outcome_say(struct arena *arena, const struct outcome_facts *facts);

#endif
