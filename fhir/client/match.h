/* match: whether a record is about another client than the referral it names.
 *
 * Compares number, name and birth date, each only where both sides give it: what is not said
 * contradicts nothing. Numbers are compared only with numbers that the same clinic gave, so a
 * filler may call the client as it likes while name and birth date agree. Pure; texts live in the
 * arena. */
#ifndef FHIR_CLIENT_MATCH_H
#define FHIR_CLIENT_MATCH_H

#include <stdbool.h>

#include "base/arena.h"
#include "fhir/json/json.h"

struct client_told {
    const struct json *record;
    const char *clinic; /* whose number its client_id is */
};

/* The first thing that contradicts. */
struct client_difference {
    const char *path;             /* "client_family_name" */
    const char *found, *expected; /* as the record and the referral say it */
    const char *clinic;           /* of a client_id: which clinic gave both numbers */
};

/* True when RECORD contradicts REFERRAL. */
bool client_differs(const struct client_told *record, const struct client_told *referral,
                    struct client_difference *ret_difference);
/* Only by name and birth date. */
bool client_differs_in_person(const struct json *record, const struct json *referral,
                              struct client_difference *ret_difference);
/* What is compared of a record, as an object with those members alone: small, whatever the record
 * holds. */
struct json *client_facts(struct arena *arena, const struct json *record);
/* "Núñez-O'Hara, María José", cut to a length that fits a line; NULL: no name is given. */
const char *client_shown(struct arena *arena, const struct json *record);

#endif
