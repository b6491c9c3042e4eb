/* shown: rows of the store as a person at the desk reads them: the client by name, the clinic with
 * the person, the local time.
 *
 * Used by the commands that list and show. A row costs a few look-ups by key, and a payload only
 * where what is shown stands nowhere else; so a list costs what it shows, not what the store holds.
 * Texts live in the arena given and are as their writers wrote them: tables make them visible. */
#ifndef GATEWAY_COMMANDS_SHOWN_H
#define GATEWAY_COMMANDS_SHOWN_H

#include "base/arena.h"
#include "fhir/json/json.h"
#include "gateway/setup/setup.h"
#include "gateway/store/store.h"

struct shown {
    struct arena *arena;
    struct store *store;
    const struct setup *setup;
};

struct shown_client {
    const char *name, *birth_date, *number; /* NULL: not known */
};

/* "2026-09-02 11:20" in the clinic's time zone; NULL for 0. */
const char *shown_time(struct arena *arena, int64_t ms);
/* The same for a time as a record holds it; as it stands when it is no time. */
const char *shown_written_time(struct arena *arena, const char *time);
/* A heading over such times, which says the zone once: "CHANGED (America/New_York)". */
const char *shown_zoned(struct arena *arena, const struct setup *setup, const char *heading);

/* "Núñez-O'Hara, María José (C-1042)"; the number alone when no name is known; NULL: nobody. */
const char *shown_name(struct arena *arena, const struct shown_client *client);
/* Whether a person who asks for ASKED may mean this client: it is the number, or each word of it
 * begins a word of the name ("delgado r"), whatever the accents. NULL means everybody. */
bool shown_client_is(const struct shown_client *client, const char *asked);
/* Says that nothing was found of the client asked for (--client), where one was. */
void shown_say_no_client(struct text *err, const char *asked);
/* Adds client_id, client_name and client_birth_date. */
void shown_add_client(struct arena *arena, struct json *object, const struct shown_client *client);
/* Whom a number of OWNER (STORE_OWN, or a partner) means, as the last record said. */
struct shown_client shown_client(const struct shown *shown, const char *owner, const char *number);
struct shown_client shown_client_of_record(const struct shown *shown,
                                           const struct store_record *row);
struct shown_client shown_client_of_referral(const struct shown *shown,
                                             const struct store_referral *referral);
/* Of the record or the referral that it is about; a number NULL for nobody's. */
struct shown_client shown_client_of_message(const struct shown *shown,
                                            const struct store_message *message);

/* "Dr. Ama Osei"; the handle itself when the directory does not know it. */
const char *shown_somebody(const struct shown *shown, const char *handle);
/* "lakeside, Dr. Ama Osei"; the clinic alone when PERSON is NULL, or the clinic itself. */
const char *shown_place(const struct shown *shown, const char *clinic, const char *person);
/* "progress-note W-1b"; of a move "accept of referral LFP-88231". */
const char *shown_what(const struct shown *shown, const struct store_message *message);

/* The record that says what is asked for in a referral: the one that corrected it last, else the
 * first. NULL: it cannot be read. */
const struct json *shown_referral_record(const struct shown *shown,
                                         const struct store_referral *referral);
/* What to know before acting on a record: "preliminary", "the order is on hold", "proposed; The
 * sender says that this client has died: ..."; NULL: nothing. */
const char *shown_caution(struct arena *arena, const struct json *record);
/* "Takes a blood thinner (caution); ..."; NULL: the record names none. */
const char *shown_precautions(struct arena *arena, const struct json *record);

#endif
