/* number: the numbers that a received message gives: of records, referrals and clients.
 *
 * They become keys of the store, names of files and words of commands, and travel back in answers,
 * so what is no number is refused before any of that. Called by message/read.c. */
#ifndef FHIR_MESSAGE_NUMBER_H
#define FHIR_MESSAGE_NUMBER_H

#include "fhir/message/message.h"

/* False: one of them is longer than 200 characters or holds control characters; FINDINGS says
 * which. */
bool number_check_all(struct arena *arena, const struct message_inbound *message,
                      struct finding_list *findings);

#endif
