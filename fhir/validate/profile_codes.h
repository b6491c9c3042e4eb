/* profile_codes: value sets that come with profiles. Private to fhir/validate/profile*.c.
 *
 * Of a ValueSet with listed codes, an expansion, or whole code systems it can be told whether a
 * code is in it; of one with filters or imports it cannot, and then nothing is said against a code.
 */
#ifndef FHIR_VALIDATE_PROFILE_CODES_H
#define FHIR_VALIDATE_PROFILE_CODES_H

#include "fhir/validate/index.h"
#include "fhir/validate/validate_internal.h"

struct profile_codes {
    const char *url;
    struct index codes;   /* "system|code" */
    struct index systems; /* whole systems */
    bool is_open;         /* more may be in it than can be told */
    struct profile_codes *next;
};

/* From a ValueSet resource; NULL when it has no url. */
struct profile_codes *profile_codes_new(struct arena *arena, const struct json *value_set);
/* The code, Coding, CodeableConcept or Quantity at SUBJECT is in the set, or it cannot be told. */
bool profile_codes_fit(const struct validation *run, const struct profile_codes *codes,
                       const struct subject *subject);

#endif
