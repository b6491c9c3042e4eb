/* received: what an incoming message says that has no word of ours. */
#ifndef FHIR_MESSAGE_RECEIVED_H
#define FHIR_MESSAGE_RECEIVED_H

#include "fhir/entries/entries.h"

enum { RECEIVED_MAX = 500 }; /* entries of `received`; the message itself is kept whole elsewhere */

/* Lists [{path, system, code, text}] of everything no table has marked; NULL: nothing is left. */
struct json *received_list(struct field_job *job);

#endif
