/* transmit_call: one exchange with a partner as an easy handle of curl: what curl is told, what it
 * asks meanwhile, and what came of it. For transmit.c alone, which lets curl work on its calls and
 * tells their owners; a call serves one exchange after the other. On the loop's thread. */
#ifndef GATEWAY_DELIVERY_TRANSMIT_CALL_H
#define GATEWAY_DELIVERY_TRANSMIT_CALL_H

#include <curl/curl.h>

#include "base/arena.h"
#include "gateway/delivery/transmit.h"
#include "gateway/runtime/address.h"

/* A connection that was idle longer is not used again: the other side may just close it. */
enum { TRANSMIT_CALL_AGE_S = 240 };

struct lane;

struct call_terms { /* the same for all calls of a lane, which outlives them */
    const char *partner;
    struct context *context;
    const struct transmit_options *options;
};

struct call {
    struct lane *lane; /* transmit.c's, like the next one */
    struct call *next; /* of the lane: active, spare or done */
    const struct call_terms *terms;
    CURL *easy;
    struct arena arena;
    struct context_call tls;
    struct curl_slist *headers;
    struct transmit_limits limits;
    transmit_done *on_done;
    void *owner;
    char *place; /* host:port */
    char *host;
    char refused_address[ADDRESS_TEXT]; /* "" none */
    char suite[CONTEXT_SUITE_TEXT];     /* "" none */
    char *body;
    size_t body_length, body_room, head_bytes;
    bool connected; /* TCP, by this call */
    bool too_large;
    bool is_done;
    bool is_stopped;
    CURLcode code;
    char error[CURL_ERROR_SIZE];
};

/* Never NULL; LANE is only kept. */
struct call *transmit_call_new(struct lane *lane, const struct call_terms *terms);
/* Ready for curl_multi_add_handle(); the body of REQUEST is not copied. */
void transmit_call_fill(struct call *call, const struct transmit_request *request);
/* Once CODE stands. Lives until the call is cleared. */
struct transmit_result transmit_call_result(struct call *call);
/* Forgets the exchange; the handle and its settings stay. Not while curl has it. */
void transmit_call_clear(struct call *call);
void transmit_call_free(struct call *call);

#endif
