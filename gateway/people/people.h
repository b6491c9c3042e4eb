/* people: what partners say of people and clinics (claims), and whom a person of ours confirmed
 * (places).
 *
 * people_keep is called by the inbox inside its transaction, the decisions by `refgate people`
 * inside one of its own, people_join by whoever loaded a setup and before others see it. */
#ifndef GATEWAY_PEOPLE_PEOPLE_H
#define GATEWAY_PEOPLE_PEOPLE_H

#include <stdbool.h>

#include "base/arena.h"
#include "fhir/json/json.h"
#include "gateway/runtime/fault.h"
#include "gateway/setup/setup.h"
#include "gateway/store/store.h"

/* Keeps the claims of one message (message_inbound.claims; NULL: none). What is faulty in one drops
 * that one and is logged. */
void people_keep(struct store *store, const char *partner, const struct json *claims,
                 int64_t now_ms);

/* Puts the places, and the claims taken for somebody, behind the rows of directory.csv. A place
 * that contradicts them is left out; TELLS: and logged. */
void people_join(struct setup *setup, struct store *store, bool tells);
/* The same from the store of the setup's folder, when it has one that can be read. */
void people_read(struct setup *setup, bool tells);

/* "PARTNER/KEY" taken apart. False when it is no such thing. */
bool people_split(struct arena *arena, const char *claim, const char **ret_partner,
                  const char **ret_key);

struct people_choice {
    const char *claim;    /* PARTNER/KEY */
    const char *handle;   /* to be known by; NULL: one is made of the name */
    const char *works_at; /* of a person, a clinic; NULL: none is known */
    const char *partner;  /* of a clinic, its system; NULL: none is known */
    const char *by;
    int64_t now_ms;
};
/* Each writes what was decided, and *ret_claim says how the claim stands then. */
typedef bool people_decision(struct store *store, const struct setup *setup, struct arena *arena,
                             const struct people_choice *choice, struct store_claim *ret_claim,
                             struct fault *ret_fault);
people_decision people_confirm;
people_decision people_merge; /* CHOICE->handle: whom the claim is about */
people_decision people_ignore;

#endif
