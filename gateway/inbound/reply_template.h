/* reply_template: answers of one loop, quickly. Two answers "ok" to the same partner for the same
 * event differ in four places: two ids, the time, and the id of the message answered. So the text
 * between these places is made once and kept.
 *
 * What it gives are the same bytes that acknowledge_message() makes; what has no form yet, or
 * cannot have one, is made by it. Owned by a receiver; one loop. */
#ifndef GATEWAY_INBOUND_REPLY_TEMPLATE_H
#define GATEWAY_INBOUND_REPLY_TEMPLATE_H

#include "base/arena.h"
#include "gateway/setup/setup.h"
#include "gateway/store/store.h"

struct acknowledge_forms;

/* Lives in ARENA. */
struct acknowledge_forms *acknowledge_forms_new(struct arena *arena, struct setup *setup);
/* What was made by the older generation is forgotten; SETUP is held. */
void acknowledge_forms_use(struct acknowledge_forms *forms, struct setup *setup);
void acknowledge_forms_end(struct acknowledge_forms *forms);
/* The response Bundle of an inbound message, as text in ARENA. */
const char *acknowledge_by_form(struct acknowledge_forms *forms, const struct setup *setup,
                                struct arena *arena, const struct store_message *message,
                                size_t *ret_length);

#endif
