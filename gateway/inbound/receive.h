/* receive: the inward chain for one loop: request -> admit -> validate -> message -> INBOX ->
 * acknowledge.
 *
 * listen hands it requests; it answers each exactly once. What stands before the commit (reading,
 * checking) runs on the loop, in the exchange's arena; the inbox runs on the writer thread; the
 * answer is made from the committed row, back on the loop. One receiver a loop; it belongs to that
 * loop. */
#ifndef GATEWAY_INBOUND_RECEIVE_H
#define GATEWAY_INBOUND_RECEIVE_H

#include "gateway/http/http.h"
#include "gateway/setup/setup.h"
#include "gateway/store/writer.h"

struct uv_loop_s;
struct receiver;

struct receiver_options {
    struct uv_loop_s *loop;
    struct setup *setup; /* held */
    struct writer *writer;
    /* A message was committed: something may be due for delivery or export. Runs on the loop. */
    void (*on_taken)(void *owner);
    void *owner;
};

struct receiver *receiver_new(const struct receiver_options *options);
/* Gives back what a large message took; to be called between requests, now and then. */
void receiver_trim(struct receiver *receiver);
/* Requests from now on see SETUP. */
void receiver_use(struct receiver *receiver, struct setup *setup);
/* No request may be under way any more. */
void receiver_free(struct receiver *receiver);
/* Takes a request; it is answered once, now or later, on this loop. */
void receiver_on_request(struct receiver *receiver, struct exchange *exchange);

#endif
