/* records: what the clinics have written and what people did about it, kept beside the stores; and
 * what follows from that for every record on the wire and at the end. */
#include <stdio.h>
#include <string.h>

#include "tests/sim/parts.h"

struct own *own_find(struct gate *gate, const char *kind, const char *number)
{
    for (size_t i = 0; i < gate->own_count; i++) {
        struct own *own = &gate->own[i];
        if (strcmp(own->number, number) == 0 && (kind == NULL || strcmp(own->kind, kind) == 0))
            return own;
    }
    return NULL;
}

struct own *own_some(struct world *world, int at)
{
    struct gate *gate = &world->gates[at];
    return gate->own_count == 0 ? NULL : &gate->own[world_random(world) % gate->own_count];
}

void own_remember(struct gate *gate, const struct own *own)
{
    struct own *replaced = own->replaces == NULL ? NULL : own_find(gate, own->kind, own->replaces);
    if (replaced != NULL)
        replaced->is_replaced = true;
    if (gate->own_count < OWN_MAX)
        gate->own[gate->own_count++] = *own;
}

/* ---- on the wire ---- */

/* Why it may not go there whatever its consents say; NULL: nothing. */
static const char *is_kept(const struct own *own, int clinic)
{
    if (own->is_retracted)
        return "was retracted";
    if (own->is_replaced && !own->is_resent)
        return "was corrected by another one";
    if (own->is_doubted && !own->is_confirmed)
        return "is about another client than its referral, and nobody has confirmed it";
    return own->dropped >> clinic & 1 ? "was dropped by a person" : NULL;
}

struct leaving {
    struct world *world;
    struct gate *gate;
    const struct own *own;
    int to;
};

static void check_addressee(const struct leaving *leaving, const char *handle, size_t length)
{
    unsigned h;
    const struct own *own = leaving->own;
    struct gate *gate = leaving->gate;
    if (!place_find(handle, length, &h) || place_clinic(gate, h) != leaving->to) {
        world_break(leaving->world, "%s sent %s %s for %.*s to %s, who is not there", gate->org,
                    own->kind, own->number, (int)length, handle,
                    leaving->world->gates[leaving->to].org);
        return;
    }
    if (own->meant != 0 && (own->meant >> h & 1) == 0)
        world_break(leaving->world, "%s sent %s %s to %s, whom it was not written to", gate->org,
                    own->kind, own->number, place_handle(h));
    if (!consents_allow(gate, own->client, h, strcmp(own->kind, "referral") == 0))
        world_break(leaving->world, "%s sent %s %s to %s without a consent of C-%d at that moment",
                    gate->org, own->kind, own->number, place_handle(h), own->client);
}

/* What is about a referral goes to the other side of it, whoever wrote that. */
static void check_side(const struct leaving *leaving, const struct store_record *record)
{
    struct store_referral referral;
    unsigned side;
    const struct gate *gate = leaving->gate;
    const char *to = leaving->world->gates[leaving->to].org;
    if (leaving->own->meant != 0 || record->referral == 0 ||
        !store_get_referral(gate->store, &leaving->world->arena, record->referral, &referral))
        return;
    const char *other = strcmp(referral.placer, gate->org) == 0 ? referral.filler : referral.placer;
    if (!place_find(other, strlen(other), &side) || place_clinic(gate, side) != leaving->to)
        world_break(leaving->world, "%s sent %s %s about referral %s of %s to %s", gate->org,
                    leaving->own->kind, leaving->own->number, referral.number, referral.placer, to);
}

/* Granted at this moment for this partner and for each of the handles it was made for. */
void own_check_leaving(struct world *world, int from, int to, const char *partner,
                       const struct store_message *message, const char *body)
{
    struct gate *gate = &world->gates[from];
    struct store_record record;
    struct store_release release;
    if (message->record == 0 ||
        !store_get_record(gate->store, &world->arena, message->record, &record) ||
        !store_find_release(gate->store, &world->arena, message->id, &release))
        return;
    struct leaving leaving = {world, gate, own_find(gate, record.kind, record.number), to};
    if (leaving.own == NULL)
        return; /* more than we keep */
    /* a person may send again what had arrived before it was corrected */
    bool arrived = message->response_code != NULL && strcmp(message->response_code, "ok") == 0;
    const char *kept = arrived ? NULL : is_kept(leaving.own, to);
    if (kept != NULL)
        world_break(world, "%s sent %s %s to %s, which %s", gate->org, record.kind, record.number,
                    world->gates[to].org, kept);
    if (strcmp(partner, place_server(gate, to)) != 0)
        world_break(world, "%s sent %s %s to %s, which %s serves no more", gate->org, record.kind,
                    record.number, world->gates[to].org, partner);
    if (leaving.own->attached != NULL && strstr(body, leaving.own->attached) == NULL)
        world_break(world, "%s sent %s %s without what is attached to it", gate->org, record.kind,
                    record.number);
    check_side(&leaving, &record);
    for (const char *at = release.granted_to; at != NULL && at[0] != '\0';) {
        size_t length = strcspn(at, ";");
        check_addressee(&leaving, at, length);
        at += length + (at[length] == ';');
    }
}

/* ---- at the end: each is delivered, in the tray with a reason, or given up by a person ---- */

struct fate {
    struct world *world;
    int at;
    struct arena *arena;
    const struct own *own;
    const struct store_record *record;
};

static void complain(const struct fate *fate, const char *clinic, const char *what)
{
    world_break(fate->world, "%s: %s %s for %s %s", fate->world->gates[fate->at].org,
                fate->own->kind, fate->own->number, clinic, what);
}

/* A restore of its receiver took the referral that it is about, which a person there is told. */
static bool is_about_lost(const struct fate *fate, int to)
{
    struct store_referral referral;
    const struct gate *other = &fate->world->gates[to];
    return other->is_restored && fate->record->referral != 0 &&
           store_get_referral(fate->world->gates[fate->at].store, fate->arena,
                              fate->record->referral, &referral) &&
           check_is_told(other, fate->arena, &referral);
}

static void check_there(const struct fate *fate, const struct store_release *release, int to)
{
    struct store_record there;
    if (fate->world->plant == PLANT_NO_LEDGER || fate->world->plant == PLANT_NEW_ID_ON_RETRY)
        return;
    if (!store_find_record(fate->world->gates[to].store, fate->arena,
                           fate->world->gates[fate->at].org, fate->own->kind, fate->own->number,
                           &there)) {
        if (!is_about_lost(fate, to))
            complain(fate, release->recipient, "counts as sent and is not there");
    } else if (fate->own->attached != NULL && there.attachments == 0)
        complain(fate, release->recipient, "has lost what is attached to it");
}

static void check_sent(const struct fate *fate, const struct store_release *release, int to)
{
    struct store_message message;
    struct gate *gate = &fate->world->gates[fate->at];
    const struct message *known = check_message(fate->world, fate->at, release->message, 0);
    bool is_ancient = known != NULL && check_is_ancient(fate->world, known);
    if (!store_get_message(gate->store, fate->arena, release->message, &message)) {
        if (is_ancient && !fate->world->gates[to].is_restored)
            check_there(fate, release, to);
        else if (!is_ancient)
            complain(fate, release->recipient, "counts as sent without a message");
    } else if (strcmp(message.state, "sent") == 0 &&
               (is_ancient || !check_may_be_missing(fate->world, fate->at, to, &message)))
        check_there(fate, release, to);
}

/* It waits in the tray itself, or is with a system that nobody reaches. */
static bool is_unsent(const struct fate *fate, const struct store_referral *referral)
{
    struct store_release *waiting;
    struct store_record row;
    struct store *store = fate->world->gates[fate->at].store;
    size_t count = store_releases(store, fate->arena, NULL, "waiting", &waiting);
    for (size_t i = 0; i < count; i++) {
        if (store_get_record(store, fate->arena, waiting[i].record, &row) &&
            row.referral == referral->id && strcmp(row.kind, "referral") == 0)
            return true;
    }
    return strcmp(referral->task_status, "draft") == 0;
}

/* Of a record about one that we placed: it is a draft, or cancelled. */
static bool is_draft_or_over(const struct fate *fate, bool counts_drafts)
{
    struct store_referral referral;
    return fate->record->referral != 0 &&
           store_get_referral(fate->world->gates[fate->at].store, fate->arena,
                              fate->record->referral, &referral) &&
           track_ours(&referral) == TRACK_PLACER &&
           ((counts_drafts && is_unsent(fate, &referral)) ||
            strcmp(referral.task_status, "cancelled") == 0);
}

/* Somebody of those it was written to could have it. */
static bool is_free(const struct fate *fate, const struct store_release *release, int to)
{
    const struct gate *gate = &fate->world->gates[fate->at];
    for (const char *at = release->addressed_as; at[0] != '\0';) {
        unsigned h;
        size_t length = strcspn(at, ";");
        if (place_find(at, length, &h) && place_clinic(gate, h) == to &&
            consents_allow(gate, fate->own->client, h, strcmp(fate->own->kind, "referral") == 0))
            return true;
        at += length + (at[length] == ';');
    }
    return false;
}

static void check_waiting(const struct fate *fate, const struct store_release *release, int to)
{
    bool is_referral = strcmp(fate->own->kind, "referral") == 0;
    if (release->reason == NULL || release->reason[0] == '\0')
        complain(fate, release->recipient, "waits in the tray without a reason");
    if (is_kept(fate->own, to) == NULL && is_free(fate, release, to) &&
        !is_draft_or_over(fate, !is_referral))
        complain(fate, release->recipient,
                 arena_print(fate->arena, "waits although it may go: %s", release->reason));
}

static void check_dropped(const struct fate *fate, const struct store_release *release, int to)
{
    const struct own *own = fate->own;
    if (!own->is_replaced && !own->is_retracted && (own->dropped >> to & 1) == 0 &&
        !is_draft_or_over(fate, true))
        complain(fate, release->recipient, "was dropped, and nobody wanted that");
}

/* It belongs to a referral from one of our own people to another. */
static bool is_among_us(const struct fate *fate)
{
    struct store_referral referral;
    unsigned filler;
    const struct gate *gate = &fate->world->gates[fate->at];
    return fate->record->referral != 0 &&
           store_get_referral(gate->store, fate->arena, fate->record->referral, &referral) &&
           place_find(referral.filler, strlen(referral.filler), &filler) &&
           (place_clinic(gate, filler) == fate->at || place_clinic(gate, filler) == NOWHERE);
}

static void check_release(const struct fate *fate, const struct store_release *release)
{
    unsigned to;
    if (!place_find(release->recipient, strlen(release->recipient), &to) || to >= GATES)
        return; /* a stranger whose clinic nobody knows */
    if (strcmp(release->state, "sent") == 0)
        check_sent(fate, release, (int)to);
    else if (strcmp(release->state, "waiting") == 0)
        check_waiting(fate, release, (int)to);
    else
        check_dropped(fate, release, (int)to);
}

/* Wherever it came to, by whichever copy, it is marked. (A restore may have taken the mark, and
 * retention at our side what said it.) */
static void check_retracted(const struct fate *fate)
{
    for (int i = 0; i < GATES; i++) {
        struct store_record there;
        const struct gate *other = &fate->world->gates[i];
        if (i != fate->at && !other->is_restored &&
            store_find_record(other->store, fate->arena, fate->world->gates[fate->at].org,
                              fate->own->kind, fate->own->number, &there) &&
            there.retracted == NULL)
            complain(fate, other->org, "was retracted, and stands there unmarked");
    }
}

void own_check_end(struct world *world, int at, struct arena *arena)
{
    struct gate *gate = &world->gates[at];
    struct store_release *releases;
    size_t count = store_releases(gate->store, arena, NULL, NULL, &releases);
    for (size_t i = 0; i < gate->own_count; i++) {
        struct store_record record;
        const struct own *own = &gate->own[i];
        if (!store_find_record(gate->store, arena, gate->org, own->kind, own->number, &record)) {
            world_break(world, "%s has lost %s %s", gate->org, own->kind, own->number);
            continue;
        }
        struct fate fate = {world, at, arena, own, &record};
        size_t found = 0;
        if (own->is_retracted)
            check_retracted(&fate);
        for (size_t k = 0; k < count; k++) {
            if (releases[k].record != record.id)
                continue;
            check_release(&fate, &releases[k]);
            found++;
        }
        if (found == 0 && own->meant == 0 && !is_among_us(&fate))
            world_break(world, "%s: %s %s is for nobody", gate->org, own->kind, own->number);
    }
}
