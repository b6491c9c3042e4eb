/* health: what a person should know of a gateway beside its faults: partners that are down,
 * messages and records that wait for somebody, certificates, mistakes of the files that only show
 * when they are compared. `check` and `status` say the same, because both ask here.
 *
 * Each item is one sentence with what to do. Nothing of a client is in it, unless a dropped file is
 * called after one. Blocking (files, store, and the network for health_partners). */
#ifndef GATEWAY_COMMANDS_HEALTH_H
#define GATEWAY_COMMANDS_HEALTH_H

#include "certs/tls/context.h"
#include "gateway/setup/setup.h"
#include "gateway/store/store.h"

enum health_weight {
    HEALTH_NOTE,   /* worth knowing, part of the day's work */
    HEALTH_WARNING /* somebody must act: `check` and `status` end with another code than 0 */
};

struct health_item {
    enum health_weight weight;
    const char *what;    /* one word, for programs: "partner-down" */
    const char *partner; /* NULL: none */
    const char *sentence;
    const int *days_left; /* of what runs out; NULL: nothing does */
};

struct health {
    struct arena *arena;
    const char *dir;
    const struct setup *setup; /* NULL until the settings are read: then health_folder alone */
    int64_t now_ms;
    bool has_asked; /* the partners, over TLS */
    struct health_item *items;
    size_t count, room;
};

struct health health_new(struct arena *arena, const char *dir, int64_t now_ms);
void health_add(struct health *health, enum health_weight weight, const char *what,
                const char *partner, const char *sentence);
/* The parts of the data folder: there, its owner's, closed to others, and can be written. */
void health_folder(struct health *health);
/* Files that lie in the folders of records and wait for somebody, and misnamed ones of partners. */
void health_files(struct health *health);
/* The disk, the clock, the time zone. STORE may be NULL. */
void health_machine(struct health *health, struct store *store);
/* Can the service listen where its settings say? Only while it does not run. */
void health_ports(struct health *health);
/* Our own certificate as partners will judge it, partners' CAs and keys, and what runs out soon, as
 * filed and as the partners last showed it. CONTEXT may be NULL. */
void health_trust(struct health *health, const struct context *context);
/* directory.csv against itself and against the partners. */
void health_directory(struct health *health);
/* What waits, and which partners nothing reaches. */
void health_store(struct health *health, struct store *store);
/* Asks every partner in use for its /metadata, over TLS: who does not answer, or is not the one we
 * trust, or does not trust us. TELLS_DOWN: also that nothing answers at all, of those that
 * health_store has not named. CONTEXT may be NULL: then only whether anything answers. */
void health_partners(struct health *health, struct context *context, bool tells_down);
/* How many of this weight. */
size_t health_count(const struct health *health, enum health_weight weight);
/* Is it said of the partner already? */
bool health_says(const struct health *health, const char *what, const char *partner);
/* "1 message", "3 messages". */
const char *health_counted(struct arena *arena, int64_t count, const char *one, const char *many);

#endif
