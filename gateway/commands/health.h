/* health: what a person should know of a gateway beside its faults: partners that are down,
 * messages and records that wait for somebody, certificates, mistakes of the files that only show
 * when they are compared. `check` and `status` say the same, because both ask here.
 *
 * Each item is one sentence with what to do. Nothing of a client is in it, unless a dropped file is
 * called after one. Blocking (files, store, and the network for health_reach). */
#ifndef GATEWAY_COMMANDS_HEALTH_H
#define GATEWAY_COMMANDS_HEALTH_H

#include "certs/context.h"
#include "gateway/setup.h"
#include "gateway/store/store.h"

enum health_weight {
    HEALTH_NOTE,   /* worth knowing, part of the day's work */
    HEALTH_WARNING /* somebody must act: `check` ends with another code than 0 */
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
    const struct setup *setup;
    int64_t now_ms;
    struct health_item *items;
    size_t count, room;
};

struct health health_new(struct arena *arena, const struct setup *setup, int64_t now_ms);
void health_add(struct health *health, enum health_weight weight, const char *what,
                const char *partner, const char *sentence);
/* The disk, the clock, the time zone. STORE may be NULL. */
void health_machine(struct health *health, struct store *store);
/* What runs out soon, as filed and as the partners last showed it. */
void health_terms(struct health *health, const struct context *context);
/* directory.csv against itself and against the partners. */
void health_directory(struct health *health);
/* Our own certificate, partners' CAs, whose files they are, and dropped files that wait. */
void health_files(struct health *health);
/* What waits, and which partners nothing reaches. */
void health_store(struct health *health, struct store *store);
/* At which partners' addresses nothing answers now; those that health_store named are left out. */
void health_reach(struct health *health, int wait_ms);
/* How many of this weight. */
size_t health_count(const struct health *health, enum health_weight weight);
/* Is it said of the partner already? */
bool health_says(const struct health *health, const char *what, const char *partner);

#endif
