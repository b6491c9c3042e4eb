/* courier: moves what is due to the partners. deliver.c decides, transmit.c moves the bytes.
 *
 * Belongs to loop 0. One look at a time claims what is due for every partner with free slots; each
 * answer is settled in the store before the next message of its referral may go. A timer wakes it
 * for the next retry, courier_wake() for fresh messages. */
#ifndef GATEWAY_COURIER_H
#define GATEWAY_COURIER_H

#include "certs/context.h"
#include "gateway/setup.h"
#include "gateway/writer.h"

struct uv_loop_s;
struct courier;

struct courier *courier_start(struct uv_loop_s *loop, struct setup *setup, struct context *context,
                              struct writer *writer);
void courier_wake(struct courier *courier);
/* What is sent from now on uses these; partners whose settings changed get fresh connections. */
void courier_use(struct courier *courier, struct setup *setup, struct context *context);
/* Breaks off what is under way (it is sent again after the next start) and frees it. */
void courier_stop(struct courier *courier, void (*on_stopped)(void *owner), void *owner);

#endif
