/* check: the invariants, asked of the stores themselves. */
#include <string.h>

#include "gateway/referral/recall.h"
#include "tests/sim/parts.h"

struct message *check_message(struct world *world, int gate, int64_t row, int64_t referral)
{
    for (size_t i = 0; i < world->message_count; i++) {
        struct message *message = &world->messages[i];
        if (message->gate == gate && message->row == row)
            return message;
    }
    if (world->message_count == MESSAGES_MAX)
        return NULL;
    struct message *message = &world->messages[world->message_count++];
    *message = (struct message){
        .gate = gate, .row = row, .referral = referral, .seen_ms = world->checked_ms};
    return message;
}

static int gate_named(const struct world *world, const char *org)
{
    for (int i = 0; i < GATES; i++) {
        if (strcmp(world->gates[i].org, org) == 0)
            return i;
    }
    return -1;
}

/* It has waited for so long, whatever the clocks say. */
static bool is_given_up_for_age(struct world *world, int at, const struct store_message *message)
{
    const struct message *known = check_message(world, at, message->id, message->referral);
    return world->is_old && known != NULL && strstr(message->reason, "given up after") != NULL &&
           world->now_ms - known->seen_ms >= (int64_t)PARK_HOURS * 3600000;
}

bool check_is_ancient(const struct world *world, const struct message *message)
{
    return world->is_old && message->taken_ms != 0 &&
           world->now_ms - message->taken_ms >= (int64_t)LEDGER_DAYS * 86400000;
}

/* The row of a message of ours that is not there any more was let go when it had had its time. */
static bool was_let_go(struct world *world, int at, int64_t row)
{
    const struct message *message = check_message(world, at, row, 0);
    return message != NULL && check_is_ancient(world, message);
}

/* Only a person parks, or a partner that takes no such thing, or age by lived time; not a clock,
 * silence or a 5xx. */
static void check_parked(struct world *world, int at, struct arena *arena)
{
    static const char *const fair[] = {"by a person", "the partner answered 4"};
    struct store_message *parked;
    size_t count = store_messages(world->gates[at].store, arena, "out", "parked", 0, 1000, &parked);
    for (size_t i = 0; i < count; i++) {
        const char *reason = parked[i].reason == NULL ? "" : parked[i].reason;
        size_t k = 0;
        if (strcmp(parked[i].kind, RECALL_KIND) == 0 || is_given_up_for_age(world, at, &parked[i]))
            continue; /* answered by one who does not know the question, or lies */
        while (k < 2 && strncmp(reason, fair[k], strlen(fair[k])) != 0)
            k++;
        if (k == 2)
            world_break(world, "%s has parked message %lld (%s): %s", world->gates[at].org,
                        (long long)parked[i].id, parked[i].kind, reason);
    }
}

/* Every referral stands in exactly one list; every record of ours is in the tray or sent for each
 * recipient. With the plant of a lost order, queued messages forget what they belong to. */
void check_gates(struct world *world)
{
    struct arena arena = ARENA_EMPTY;
    for (int i = 0; i < GATES; i++) {
        struct store *store = world->gates[i].store;
        struct store_referral *referrals;
        struct store_release *releases;
        struct store_message *messages;
        size_t count = store_referrals(store, &arena, &referrals);
        for (size_t k = 0; k < count; k++) {
            if (strcmp(track_list(&referrals[k]), "unknown") == 0)
                world_break(world, "%s: referral %s stands in no list (%s)", world->gates[i].org,
                            referrals[k].number, referrals[k].task_status);
        }
        check_parked(world, i, &arena);
        count = store_releases(store, &arena, NULL, "sent", &releases);
        for (size_t k = 0; k < count; k++) {
            struct store_message message;
            if (!store_get_message(store, &arena, releases[k].message, &message) &&
                !was_let_go(world, i, releases[k].message))
                world_break(world, "%s: a record counts as sent without a message",
                            world->gates[i].org);
        }
        count = store_messages(store, &arena, "out", "queued", 0, 1000, &messages);
        for (size_t k = 0; k < count; k++) {
            check_message(world, i, messages[k].id, messages[k].referral);
            if (world->plant != PLANT_NO_ORDER)
                continue;
            messages[k].referral = 0;
            store_set_message(store, &messages[k]);
        }
    }
    world->checked_ms = world->now_ms;
    arena_free(&arena);
}

/* ---- the end: all is mended and quiet ---- */

static void check_all_settled(struct world *world, int at, struct arena *arena)
{
    static const char *const open_states[] = {"queued", "sending", "held", "parked"};
    struct store *store = world->gates[at].store;
    for (size_t i = 0; i < sizeof open_states / sizeof *open_states; i++) {
        struct store_message *messages;
        size_t count = store_messages(store, arena, "out", open_states[i], 0, 10, &messages);
        /* a move within a referral that went to a system nobody reaches waits for a person */
        if (count > 0 && strcmp(messages[0].partner, EAST) != 0)
            world_break(world, "%s: message %lld (%s) is still %s: %s", world->gates[at].org,
                        (long long)messages[0].id, messages[0].kind, messages[0].state,
                        messages[0].reason == NULL ? "" : messages[0].reason);
    }
}

/* After a restore of its receiver the sender could send it again, and it may still go there. */
bool check_may_be_missing(struct world *world, int at, int to, const struct store_message *sent)
{
    if (was_let_go(world, at, sent->id))
        return true;
    bool is_kept = sent->reason != NULL; /* "not sent again: ...", or the second answer's */
    return world->gates[to].is_restored && (sent->payload == 0 || is_kept);
}

/* What the sender counts as delivered is at the receiver. */
static void check_arrived(struct world *world, int at, struct arena *arena)
{
    struct store_message *sent;
    size_t count = store_messages(world->gates[at].store, arena, "out", "sent", 0, 4000, &sent);
    for (size_t i = 0; i < count; i++) {
        int to = gate_named(world, sent[i].recipient);
        struct store_message there;
        if (strcmp(sent[i].kind, RECALL_KIND) == 0)
            continue;
        if (world->plant != PLANT_NO_LEDGER && world->plant != PLANT_NEW_ID_ON_RETRY && to >= 0 &&
            !store_find_inbound(world->gates[to].store, arena, world->gates[at].org,
                                sent[i].message_id, &there) &&
            !check_may_be_missing(world, at, to, &sent[i]))
            world_break(world, "%s counts message %lld (%s) as delivered, %s never took it",
                        world->gates[at].org, (long long)sent[i].id, sent[i].kind,
                        sent[i].recipient);
    }
}

/* A restore of the partner took the referral that it is about, and it could not be sent again. */
static bool is_about_lost(const struct world *world, int at, struct arena *arena,
                          const struct store_message *rejected)
{
    struct store_referral referral, theirs;
    int to = gate_named(world, rejected->recipient);
    return to >= 0 && world->gates[to].is_restored &&
           store_get_referral(world->gates[at].store, arena, rejected->referral, &referral) &&
           !store_find_referral(world->gates[to].store, arena, referral.placer, referral.number,
                                &theirs);
}

/* A partner's refusal for good is one that a person gave, or a move that crossed one of theirs. */
static void check_rejected(struct world *world, int at, struct arena *arena)
{
    struct gate *gate = &world->gates[at];
    struct store_message *rejected;
    size_t count = store_messages(gate->store, arena, "out", "rejected", 0, 1000, &rejected);
    for (size_t i = 0; i < count; i++) {
        struct store_record record;
        struct store_referral referral;
        const struct own *own =
            rejected[i].record != 0 &&
                    store_get_record(gate->store, arena, rejected[i].record, &record)
                ? own_find(gate, record.kind, record.number)
                : NULL;
        bool crossed =
            rejected[i].record == 0 &&
            store_get_referral(gate->store, arena, rejected[i].referral, &referral) &&
            (track_is_over(referral.task_status) || strcmp(rejected[i].kind, "cancel") == 0);
        /* it went again after a restore, and came behind its correction */
        bool is_late = own != NULL && own->is_replaced && gate->is_restored;
        if (crossed || is_late || is_about_lost(world, at, arena, &rejected[i]) ||
            (own != NULL && own->is_returned))
            continue;
        world_break(world, "%s was refused message %lld (%s): %s", gate->org,
                    (long long)rejected[i].id, rejected[i].kind, rejected[i].reason);
    }
}

static bool agree(const struct store_referral *ours, const struct store_referral *theirs)
{
    bool is_received =
        strcmp(ours->task_status, "received") == 0 && strcmp(theirs->task_status, "requested") == 0;
    return is_received || strcmp(ours->task_status, theirs->task_status) == 0;
}

bool check_is_told(const struct gate *gate, struct arena *arena,
                   const struct store_referral *referral)
{
    struct store_told *told;
    size_t count = recall_differences(gate->store, arena, &told);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(told[i].placer, referral->placer) == 0 &&
            strcmp(told[i].number, referral->number) == 0)
            return true;
    }
    return false;
}

/* What a gateway sent before its restore came to the partner when that had been asked already. */
static bool is_of_former_life(const struct world *world, const struct store_referral *referral)
{
    for (size_t i = 0; i < world->lane_count; i++) {
        const struct lane *lane = &world->lanes[i];
        size_t length = strlen(referral->placer);
        if (lane->is_haunted && strncmp(lane->referral, referral->placer, length) == 0 &&
            lane->referral[length] == ':' &&
            strcmp(lane->referral + length + 1, referral->number) == 0)
            return true;
    }
    return false;
}

/* A person dropped a move that may have arrived. */
static bool is_given_up(const struct gate *gate, const struct store_referral *referral)
{
    size_t length = strlen(referral->placer);
    for (size_t i = 0; i < gate->given_up_count; i++) {
        const char *name = gate->given_up[i];
        if (strncmp(name, referral->placer, length) == 0 && name[length] == ':' &&
            strcmp(name + length + 1, referral->number) == 0)
            return true;
    }
    return false;
}

static void check_agreement(struct world *world, int at, struct arena *arena)
{
    struct store_referral *referrals;
    struct store_message *sent;
    struct store *store = world->gates[at].store;
    size_t count = store_referrals(store, arena, &referrals);
    for (size_t i = 0; i < count; i++) {
        const struct store_referral *ours = &referrals[i];
        struct store_referral theirs;
        int other = gate_named(world, ours->filler);
        if (strcmp(ours->role, "placer") != 0 || other < 0)
            continue;
        bool was_sent = false;
        size_t messages = store_messages(store, arena, "out", "sent", ours->id, 100, &sent);
        for (size_t k = 0; k < messages; k++)
            was_sent = was_sent || strcmp(sent[k].kind, "referral") == 0;
        bool is_there = store_find_referral(world->gates[other].store, arena, ours->placer,
                                            ours->number, &theirs);
        if (!is_there && (!was_sent || world->gates[other].is_restored))
            continue; /* it waits for a consent, or was taken back before it left */
        if (is_given_up(&world->gates[at], ours) || is_given_up(&world->gates[other], ours))
            continue;
        if (is_of_former_life(world, ours) || check_is_told(&world->gates[at], arena, ours) ||
            check_is_told(&world->gates[other], arena, ours))
            continue;
        if (!is_there)
            world_break(world, "%s never heard of referral %s", ours->filler, ours->number);
        else if (!agree(ours, &theirs))
            world_break(world, "referral %s is %s at %s and %s at %s", ours->number,
                        ours->task_status, ours->placer, theirs.task_status, ours->filler);
    }
}

/* A partner gives each of our referrals a number of its own. */
static void check_numbers(struct world *world, int at, struct arena *arena)
{
    struct store_referral *referrals;
    size_t count = store_referrals(world->gates[at].store, arena, &referrals);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = i + 1; k < count && referrals[i].filler_number != NULL; k++) {
            if (referrals[k].filler_number != NULL &&
                strcmp(referrals[i].filler, referrals[k].filler) == 0 &&
                strcmp(referrals[i].filler_number, referrals[k].filler_number) == 0)
                world_break(world, "%s calls referrals %s and %s of %s both %s",
                            referrals[i].filler, referrals[i].number, referrals[k].number,
                            world->gates[at].org, referrals[i].filler_number);
        }
    }
}

void check_end(struct world *world)
{
    struct arena arena = ARENA_EMPTY;
    check_gates(world);
    for (int i = 0; i < GATES; i++) {
        check_all_settled(world, i, &arena);
        check_arrived(world, i, &arena);
        check_agreement(world, i, &arena);
        check_rejected(world, i, &arena);
        check_numbers(world, i, &arena);
        own_check_end(world, i, &arena);
        files_check_end(world, i);
    }
    arena_free(&arena);
}
