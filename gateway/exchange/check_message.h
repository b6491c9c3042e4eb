/* check_message: is this Bundle what R4, and the profiles agreed with a partner, ask for? Both
 * directions use it: what we would refuse we do not send. No store, no file; a validator serves one
 * thread at a time. */
#ifndef GATEWAY_EXCHANGE_CHECK_MESSAGE_H
#define GATEWAY_EXCHANGE_CHECK_MESSAGE_H

#include "fhir/validate/validate.h"
#include "gateway/setup/setup.h"

/* Of the FHIRPath rules of one message together: an ordinary one takes a few hundred, and a million
 * take a twentieth of a second. */
enum { CONFORM_STEPS_MAX = 1000 * 1000 };

/* A validator for what partners send: no choice of texts makes its tables slow. */
struct validator *conform_validator(struct arena *arena);
/* More content under costly rules than a message may have is an error, too. DOCUMENT: the parsed
 * text, so that issues have their place; NULL for a Bundle that we made. PARTNER: whose profiles
 * hold. Issues go to ISSUES; true when there is no error. */
bool conform_bundle(struct validator *validator, struct arena *arena, const struct setup *setup,
                    const struct partner *partner, const struct json_document *document,
                    const struct json *bundle, struct issue_list *issues);

#endif
