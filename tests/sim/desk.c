/* desk: what people do about what waits, what was sent and what came: correct, retract, confirm,
 * drop, hold, park and send again, match. */
#include <stdio.h>
#include <string.h>

#include "tests/sim/parts.h"

struct deed { /* a unit */
    struct unit unit;
    struct world *world;
    struct gate *gate;
    const char *id, *word;
    int64_t row;
    enum flow_match decision;
    unsigned dropped; /* bits: clinics */
    bool is_done;
};

static struct flow flow_of(const struct deed *deed, struct store *store)
{
    return (struct flow){&deed->gate->setup, store, deed->unit.arena,
                         clock_wall_ms(&deed->gate->setup.clock), NULL};
}

/* True when it was done for good. */
static bool do_it(struct world *world, int at, struct deed *deed,
                  bool (*run)(struct unit *, struct store *))
{
    struct arena arena = ARENA_EMPTY;
    deed->unit = (struct unit){.run = run, .arena = &arena};
    deed->world = world;
    deed->gate = &world->gates[at];
    bool is_done = gate_commit(world, at, &deed->unit) != DIED_BEFORE && deed->is_done;
    arena_free(&arena);
    return is_done;
}

/* ---- retracted, confirmed, dropped ---- */

static bool retract(struct unit *unit, struct store *store)
{
    struct deed *deed = (struct deed *)unit;
    struct flow flow = flow_of(deed, store);
    struct flow_retraction report;
    deed->is_done =
        flow_retract(&flow, deed->id, deed->word, deed->gate->person, &report, &unit->fault);
    return deed->is_done;
}

static bool confirm(struct unit *unit, struct store *store)
{
    struct deed *deed = (struct deed *)unit;
    struct flow flow = flow_of(deed, store);
    struct flow_report report;
    deed->is_done = flow_confirm(&flow, deed->id, deed->gate->person, &report, &unit->fault);
    return deed->is_done;
}

/* The clinics for which it waits now. */
static unsigned waits_for(struct deed *deed, struct store *store)
{
    struct store_release *waiting;
    struct store_record record;
    unsigned clinics = 0, clinic;
    size_t count = store_releases(store, deed->unit.arena, NULL, "waiting", &waiting);
    for (size_t i = 0; i < count; i++) {
        if (store_get_record(store, deed->unit.arena, waiting[i].record, &record) &&
            strcmp(record.number, deed->id) == 0 &&
            place_find(waiting[i].recipient, strlen(waiting[i].recipient), &clinic))
            clinics |= 1u << clinic;
    }
    return clinics;
}

static bool drop(struct unit *unit, struct store *store)
{
    struct deed *deed = (struct deed *)unit;
    struct flow flow = flow_of(deed, store);
    size_t count;
    deed->dropped = waits_for(deed, store);
    deed->is_done = flow_drop(&flow, deed->id, deed->gate->person, "sim", &count, &unit->fault);
    return deed->is_done;
}

static void take_back(struct world *world, int at, struct own *own)
{
    struct deed deed = {.word = world_chance(world, 50) ? "wrong-client" : "entered-in-error",
                        .id = arena_print(&world->arena, "%s:%s", own->kind, own->number)};
    if (!do_it(world, at, &deed, retract))
        return;
    own->is_retracted = true;
    world_tell(world, "%s retracts %s", world->gates[at].org, deed.id);
}

static void confirm_it(struct world *world, int at, struct own *own)
{
    struct deed deed = {.id = own->number};
    if (!do_it(world, at, &deed, confirm))
        return;
    own->is_confirmed = true;
    world_tell(world, "%s confirms %s", world->gates[at].org, own->number);
}

static void drop_it(struct world *world, int at, struct own *own)
{
    struct deed deed = {.id = own->number};
    if (!do_it(world, at, &deed, drop))
        return;
    own->dropped |= deed.dropped;
    world_tell(world, "%s drops %s", world->gates[at].org, own->number);
}

/* A record that was tried to be sent and has not arrived for all we know. */
void desk_retract_tried(struct world *world, int at)
{
    struct gate *gate = &world->gates[at];
    struct store_message *queued;
    struct store_record record;
    size_t count = store_messages(gate->store, &world->arena, "out", "queued", 0, 100, &queued);
    for (size_t i = 0; i < count; i++) {
        struct own *own =
            queued[i].record != 0 && queued[i].attempts > 0 &&
                    strcmp(queued[i].kind, "referral") != 0 &&
                    store_get_record(gate->store, &world->arena, queued[i].record, &record)
                ? own_find(gate, record.kind, record.number)
                : NULL;
        if (own != NULL)
            take_back(world, at, own);
    }
}

/* ---- the queue ---- */

static const struct {
    const char *word, *from, *to;
} changes[] = {{"resend", "sent parked rejected held queued dropped", "queued"},
               {"hold", "queued parked", "held"},
               {"park", "queued held", "parked"},
               {"drop", "queued held parked", "dropped"},
               {"dismiss", "rejected", "dropped"}};

static bool may_go_again(const struct deed *deed, struct store *store,
                         const struct store_message *message, int64_t now_ms)
{
    const char *reason;
    return strcmp(message->state, "sent") != 0 || strcmp(deed->word, "resend") != 0 ||
           release_again(&deed->gate->setup, store, deed->unit.arena, message, now_ms, &reason);
}

/* As commands/queue.c does. */
static bool change(struct unit *unit, struct store *store)
{
    struct deed *deed = (struct deed *)unit;
    struct flow flow = flow_of(deed, store);
    struct store_message message;
    size_t at = 0;
    while (strcmp(changes[at].word, deed->word) != 0)
        at++;
    if (!store_get_message(store, unit->arena, deed->row, &message) ||
        strstr(changes[at].from, message.state) == NULL || message.payload == 0 ||
        !may_go_again(deed, store, &message, flow.now_ms))
        return false;
    if (strcmp(deed->word, "drop") == 0) {
        deed->is_done =
            flow_give_up(&flow, &message, deed->gate->person, "by a person", &unit->fault);
        return deed->is_done;
    }
    if (strcmp(deed->word, "resend") == 0 &&
        !flow_resend(&flow, &message, "by a person", &unit->fault))
        return false;
    message.state = changes[at].to;
    message.reason = "by a person";
    message.cause = strcmp(deed->word, "park") == 0 ? STORE_CAUSE_BY_HAND : NULL;
    message.due_ms = flow.now_ms;
    plant_after_change(deed->world, (int)(deed->gate - deed->world->gates), &message);
    store_set_message(store, &message);
    deed->is_done = true;
    return true;
}

/* Nobody knows then where the other side stands, and the command says so. */
static void note_unsure(struct world *world, struct gate *gate, const struct deed *deed,
                        const struct store_message *message)
{
    struct store_referral referral;
    if (strcmp(deed->word, "drop") == 0 && message->record == 0 && message->attempts > 0 &&
        gate->given_up_count < OWN_MAX &&
        store_get_referral(gate->store, &world->arena, message->referral, &referral))
        gate->given_up[gate->given_up_count++] =
            arena_print(&world->arena, "%s:%s", referral.placer, referral.number);
}

/* What the model knows of it: a record that was given up for one of its clinics, or not after all.
 */
static void note_given_up(struct world *world, int at, const struct deed *deed)
{
    struct gate *gate = &world->gates[at];
    struct store_message message;
    struct store_record record;
    unsigned clinic;
    if (!store_get_message(gate->store, &world->arena, deed->row, &message))
        return;
    note_unsure(world, gate, deed, &message);
    if (!place_find(message.recipient, strlen(message.recipient), &clinic) || message.record == 0 ||
        !store_get_record(gate->store, &world->arena, message.record, &record))
        return;
    struct own *own = own_find(gate, record.kind, record.number);
    if (own != NULL && strcmp(deed->word, "resend") == 0) {
        own->dropped &= ~(1u << clinic);
        own->is_resent = true;
    } else if (own != NULL && strcmp(message.state, "dropped") == 0)
        own->dropped |= 1u << clinic;
}

static void change_queue(struct world *world, int at)
{
    struct store_message *messages;
    struct gate *gate = &world->gates[at];
    static const char *const often[] = {"resend", "resend", "hold", "park", "drop", "dismiss"};
    struct deed deed = {.word = often[world_random(world) % 6]};
    const char *state = world_chance(world, 60) ? "queued" : NULL;
    size_t count = store_messages(gate->store, &world->arena, "out", state, 0, 20, &messages);
    if (count == 0)
        return;
    deed.row = messages[world_random(world) % count].id;
    if (!do_it(world, at, &deed, change))
        return;
    note_given_up(world, at, &deed);
    world_tell(world, "%s: %s message %lld", gate->org, deed.word, (long long)deed.row);
}

/* Whatever a person or a refusal has stopped goes on. */
static void resend_all(struct world *world, int at)
{
    static const char *const states[] = {"held", "parked"};
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        struct store_message *messages;
        size_t count = store_messages(world->gates[at].store, &world->arena, "out", states[i], 0,
                                      1000, &messages);
        for (size_t k = 0; k < count; k++) {
            struct deed deed = {.word = "resend", .row = messages[k].id};
            if (do_it(world, at, &deed, change))
                note_given_up(world, at, &deed);
        }
    }
}

/* ---- to match ---- */

static bool match(struct unit *unit, struct store *store)
{
    struct deed *deed = (struct deed *)unit;
    struct flow flow = flow_of(deed, store);
    struct store_record record;
    deed->is_done =
        flow_match(&flow, deed->id, deed->decision, deed->gate->person, &record, &unit->fault);
    return deed->is_done;
}

static void match_one(struct world *world, int at)
{
    struct gate *gate = &world->gates[at];
    struct store_match *matches;
    struct store_record record;
    size_t count = store_matches(gate->store, &world->arena, "to match", &matches);
    if (count == 0)
        return;
    const struct store_match *one = &matches[world_random(world) % count];
    struct deed deed = {.id = arena_print(&world->arena, "%lld", (long long)one->record),
                        .decision = (enum flow_match)(world_random(world) % 3)};
    if (!store_get_record(gate->store, &world->arena, one->record, &record) ||
        !do_it(world, at, &deed, match))
        return;
    world_tell(world, "%s decides about %s of %s", gate->org, record.number, record.clinic);
    for (int i = 0; i < GATES && deed.decision == FLOW_RETURN; i++) {
        struct own *own = strcmp(world->gates[i].org, record.clinic) == 0
                              ? own_find(&world->gates[i], record.kind, record.number)
                              : NULL;
        if (own != NULL)
            own->is_returned = true;
    }
}

/* ---- which of all that ---- */

static struct own *some_doubted(struct gate *gate)
{
    for (size_t i = gate->own_count; i-- > 0;) {
        struct own *own = &gate->own[i];
        if (own->is_doubted && !own->is_confirmed && !own->is_retracted && !own->is_replaced)
            return own;
    }
    return NULL;
}

void desk_act(struct world *world, int at)
{
    struct own *own = own_some(world, at);
    struct own *doubted = some_doubted(&world->gates[at]);
    uint32_t what = world_random(world) % 100;
    if (doubted != NULL && world_chance(world, 40))
        confirm_it(world, at, doubted);
    else if (what < (world->is_meddled ? 60 : 25))
        change_queue(world, at);
    else if (what < (world->is_meddled ? 70 : 40))
        match_one(world, at);
    else if (own == NULL)
        return;
    else if (what < 68)
        clinic_correct(world, at, own);
    else if (what < 90)
        take_back(world, at, own);
    else
        drop_it(world, at, own);
}

/* Whoever could not be told before is told now. */
static void retract_again(struct world *world, int at)
{
    struct gate *gate = &world->gates[at];
    for (size_t i = 0; i < gate->own_count; i++) {
        if (gate->own[i].is_retracted)
            take_back(world, at, &gate->own[i]);
    }
}

/* At the end of the day: what waits for a person is decided, and what was stopped goes on. */
void desk_clear(struct world *world, int at)
{
    struct own *doubted = some_doubted(&world->gates[at]);
    if (doubted != NULL && world_chance(world, 50))
        confirm_it(world, at, doubted);
    match_one(world, at);
    resend_all(world, at);
    retract_again(world, at);
    disk_hand_in_again(world, at);
}
