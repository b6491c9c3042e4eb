/* wire: claims what is due, carries it with all that a network and a partner can do to it, and
 * settles. */
#include <stdio.h>
#include <string.h>

#include "fhir/json/tree.h"
#include "fhir/message/message.h"
#include "gateway/inbound/acknowledge.h"
#include "gateway/inbound/admit.h"
#include "gateway/referral/recall.h"
#include "tests/sim/parts.h"

struct claiming { /* a unit: what a gate sends to a partner next */
    struct unit unit;
    struct world *world;
    struct gate *gate;
    const char *partner;
    size_t slots;
    struct deliver_item *items;
    size_t count;
};

struct taking { /* a unit: the inbox of the receiver */
    struct unit unit;
    struct inbox_item item;
    enum inbox_outcome outcome;
    struct store_message row;
    struct fault refusal;
    struct world *world;
};

struct recalling { /* a unit: a restored partner asks what it lacks */
    struct unit unit;
    const struct gate *gate;
    const char *partner, *answer;
    const struct json *question;
};

struct settling { /* a unit: what became of it at the sender */
    struct unit unit;
    struct world *world;
    struct gate *gate;
    int64_t row;
    struct deliver_result result;
    enum deliver_verdict verdict;
};

/* ---- sending ---- */

static bool claim(struct unit *unit, struct store *store)
{
    struct claiming *claiming = (struct claiming *)unit;
    struct world *world = claiming->world;
    struct gate *gate = claiming->gate;
    int64_t now_ms = clock_wall_ms(&gate->setup.clock);
    struct flow flow = {&gate->setup, store, unit->arena, now_ms, NULL};
    claiming->count =
        world->plant == PLANT_CONSENT_ONCE
            ? plant_claim(&flow, claiming->partner, claiming->slots, &claiming->items)
            : attempt_claim(&flow, claiming->partner, claiming->slots, &claiming->items);
    plant_after_claim(world, &flow, claiming->items, claiming->count);
    return true;
}

static char *with_other_ids(struct world *world, const struct deliver_item *item)
{
    char *body = arena_copy_n(&world->arena, item->body, item->length);
    const char *const ids[] = {item->message.message_id, item->message.bundle_id};
    for (size_t i = 0; i < 2; i++) {
        char digit = (char)('0' + world_random(world) % 10);
        for (char *at = body; (at = strstr(at, ids[i])) != NULL; at++)
            at[0] = at[0] == digit ? 'a' : digit;
    }
    return body;
}

static struct packet *new_packet(struct world *world)
{
    if (world->packet_count == PACKETS_MAX)
        return NULL;
    struct packet *packet = &world->packets[world->packet_count++];
    memset(packet, 0, sizeof *packet);
    return packet;
}

/* "riverbend:rR-4"; NULL: it belongs to none. */
static const char *referral_name(struct world *world, int at, int64_t row)
{
    struct store_referral referral;
    if (row == 0 || !store_get_referral(world->gates[at].store, &world->arena, row, &referral))
        return NULL;
    return arena_print(&world->arena, "%s:%s", referral.placer, referral.number);
}

static void send_item(struct world *world, int from, int to, const char *partner,
                      const struct deliver_item *item)
{
    struct packet *packet = new_packet(world);
    bool is_retry = item->message.attempts > 1;
    if (packet == NULL)
        return;
    own_check_leaving(world, from, to, partner, &item->message, item->body);
    const struct message *known =
        check_message(world, from, item->message.id, item->message.referral);
    *packet = (struct packet){
        .from = from,
        .to = to,
        .life = world->gates[from].life,
        .row = item->message.id,
        .turn = item->message.turn != 0 ? item->message.turn : item->message.id,
        .referral = known == NULL || strcmp(item->message.kind, RELEASE_RETRACTION) == 0
                        ? NULL
                        : referral_name(world, from, known->referral),
        .length = item->length,
        .is_east = strcmp(partner, EAST) == 0,
        .is_recall = strcmp(item->message.kind, RECALL_KIND) == 0,
        .is_waiting = true};
    packet->body = world->plant == PLANT_NEW_ID_ON_RETRY && is_retry
                       ? with_other_ids(world, item)
                       : arena_copy_n(&world->arena, item->body, item->length);
    world_tell(world, "%s -> %s: %s (message %lld, try %lld)", world->gates[from].org,
               world->gates[to].org, item->message.kind, (long long)item->message.id,
               (long long)item->message.attempts);
}

static struct deliver_pace *pace_of(struct gate *gate, int to, bool is_east)
{
    return is_east ? &gate->east_pace : &gate->paces[to];
}

static void look_for(struct world *world, int from, int to, const char *name)
{
    struct gate *gate = &world->gates[from];
    struct arena arena = ARENA_EMPTY;
    const struct partner *partner = folder_partner(&gate->setup.partners, name);
    struct deliver_pace *pace = pace_of(gate, to, strcmp(name, EAST) == 0);
    struct claiming claiming = {
        .unit = {.run = claim, .arena = &arena},
        .world = world,
        .gate = gate,
        .partner = partner->name,
        .slots = deliver_slots(pace, &gate->setup.config, partner, world->now_ms)};
    if (claiming.slots > 0 && gate_commit(world, from, &claiming.unit) == COMMITTED) {
        deliver_started(pace, claiming.count);
        for (size_t i = 0; i < claiming.count; i++)
            send_item(world, from, to, partner->name, &claiming.items[i]);
    }
    arena_free(&arena);
}

void wire_look(struct world *world, int from, int to)
{
    look_for(world, from, to, world->gates[to].org);
    if (to == EAST_SERVES)
        look_for(world, from, to, EAST);
}

/* ---- settling ---- */

static bool settle(struct unit *unit, struct store *store)
{
    struct settling *settling = (struct settling *)unit;
    struct world *world = settling->world;
    const struct setup *setup = &settling->gate->setup;
    struct flow flow = {setup, store, unit->arena, clock_wall_ms(&setup->clock), NULL};
    settling->verdict =
        attempt_settle(&flow, settling->row, &settling->result, world_random(world));
    struct store_message message;
    const char *planted;
    if (store_get_message(store, unit->arena, settling->row, &message) &&
        (planted = plant_state(world, settling->gate, &settling->result, &message)) != NULL) {
        message.state = planted;
        store_set_message(store, &message);
    }
    return true;
}

static void end_exchange(struct world *world, const struct packet *packet,
                         const struct deliver_result *result)
{
    struct gate *gate = &world->gates[packet->from];
    struct arena arena = ARENA_EMPTY;
    if (packet->is_orphan || packet->life != gate->life)
        return; /* nobody waits for it any more */
    struct settling settling = {.unit = {.run = settle, .arena = &arena},
                                .world = world,
                                .gate = gate,
                                .row = packet->row,
                                .result = *result};
    const struct partner *partner = folder_partner(
        &gate->setup.partners, packet->is_east ? EAST : world->gates[packet->to].org);
    deliver_ended(pace_of(gate, packet->to, packet->is_east), &gate->setup.config, partner, result,
                  world->now_ms, world_random(world));
    gate_commit(world, packet->from, &settling.unit);
    arena_free(&arena);
}

static void end_unknown(struct world *world, struct packet *packet)
{
    struct deliver_result result = {.outcome = DELIVER_UNKNOWN, .sentence = "no answer in time"};
    world_tell(world, "%s hears nothing of message %lld", world->gates[packet->from].org,
               (long long)packet->row);
    end_exchange(world, packet, &result);
    packet->is_orphan = true;
}

/* Nobody is there. */
static void end_nowhere(struct world *world, struct packet *packet)
{
    struct deliver_result result = {.outcome = DELIVER_CANNOT_CONNECT, .sentence = "no such host"};
    packet->is_waiting = false;
    end_exchange(world, packet, &result);
    packet->is_orphan = true;
}

static void end_answered(struct world *world, struct packet *packet, int status, const char *body)
{
    struct deliver_result result = {.outcome = DELIVER_ANSWERED,
                                    .status = status,
                                    .body = body,
                                    .length = strlen(body),
                                    .sentence = ""};
    if (status != 200)
        world_tell(world, "%s is answered %d: %s", world->gates[packet->from].org, status, body);
    end_exchange(world, packet, &result);
    packet->is_orphan = true;
}

/* ---- receiving ---- */

static bool take(struct unit *unit, struct store *store)
{
    struct taking *taking = (struct taking *)unit;
    plant_before_taking(taking->world, store);
    taking->outcome = inbox_commit(store, &taking->item, &taking->row, &taking->refusal);
    return true;
}

/* A referral may come behind its cancel, when it was given up on its way; it is nobody's work. */
static bool is_filed_as_cancelled(struct world *world, const struct packet *packet,
                                  const struct taking *taking)
{
    struct store_referral referral;
    return strcmp(taking->row.kind, "referral") == 0 &&
           store_get_referral(world->gates[packet->to].store, &world->arena, taking->row.referral,
                              &referral) &&
           strcmp(referral.task_status, "cancelled") == 0;
}

/* Its consent was withdrawn after it had left, and given again: the record went out twice, and is
 * known already when the other copy comes; so did a move, when its clinic was with another partner
 * for a while. Or it was retracted, and comes behind that. */
static bool is_known_copy(struct world *world, const struct packet *packet,
                          const struct taking *taking)
{
    struct store *store = world->gates[packet->from].store;
    struct store_message message;
    struct store_record record;
    if (!store_get_message(store, &world->arena, packet->row, &message) ||
        strcmp(message.state, "withdrawn") != 0)
        return false;
    if (message.record == 0 || strcmp(taking->row.state, "done") != 0)
        return true;
    return store_get_record(store, &world->arena, message.record, &record) &&
           (taking->row.referral == 0 || record.retracted != NULL);
}

/* It was sent before a restore that took it, and its number is another message's now. */
static bool is_forgotten(const struct world *world, const struct packet *packet)
{
    const struct gate *gate = &world->gates[packet->from];
    return gate->is_restored && packet->life <= gate->restored_life &&
           packet->row > gate->restored_row;
}

static struct lane *lane_of(struct world *world, const struct packet *packet)
{
    for (size_t i = 0; i < world->lane_count; i++) {
        struct lane *lane = &world->lanes[i];
        if (lane->from == packet->from && lane->to == packet->to &&
            strcmp(lane->referral, packet->referral) == 0)
            return lane;
    }
    if (world->lane_count == LANES_MAX)
        return NULL;
    struct lane *lane = &world->lanes[world->lane_count++];
    *lane = (struct lane){.from = packet->from, .to = packet->to, .referral = packet->referral};
    return lane;
}

/* What comes too early is refused, and a fault all the same. A restore takes what it follows, and
 * what was on its way meanwhile comes before what is sent again. */
static void note_order(struct world *world, const struct packet *packet,
                       const struct taking *taking)
{
    struct lane *lane = packet->referral == NULL ? NULL : lane_of(world, packet);
    bool is_restored =
        world->gates[packet->from].is_restored || world->gates[packet->to].is_restored;
    if (lane == NULL || is_restored)
        return;
    if (packet->turn > lane->last)
        lane->last = packet->turn;
    else if (packet->turn < lane->last && !is_filed_as_cancelled(world, packet, taking) &&
             !is_known_copy(world, packet, taking))
        world_break(world, "%s: message %lld arrived after turn %lld of the same referral",
                    world->gates[packet->to].org, (long long)packet->row, (long long)lane->last);
}

/* What is sent again when its ids were let go long ago must be known by what it says. A count of
 * visits is told once more. */
static bool changes_something(struct world *world, const struct packet *packet,
                              const struct taking *taking)
{
    struct store_event *events;
    const struct track_move *move = track_find(taking->row.kind);
    struct store *store = world->gates[packet->to].store;
    size_t count = move == NULL || move->to[0] == '\0'
                       ? 0
                       : store_events(store, &world->arena, taking->row.referral, &events);
    for (size_t i = 0; i < count; i++) {
        if (events[i].message == taking->row.id &&
            strncmp(events[i].what, move->sentence, strlen(move->sentence)) == 0)
            return true;
    }
    return taking->row.record != 0;
}

static void note_taken(struct world *world, const struct packet *packet,
                       const struct taking *taking)
{
    if (taking->outcome != INBOX_TAKEN)
        return;
    bool took_effect = strcmp(taking->row.state, "done") == 0;
    if (packet->is_forged) {
        world_break(world, "%s took a message of %s from another partner",
                    world->gates[packet->to].org, world->gates[packet->from].org);
        return;
    }
    bool is_ghost = is_forgotten(world, packet);
    struct lane *lane = is_ghost && packet->referral != NULL ? lane_of(world, packet) : NULL;
    if (lane != NULL)
        lane->is_haunted = true;
    if (took_effect)
        files_expect(world, &world->gates[packet->to], world->gates[packet->from].org,
                     &taking->row);
    struct message *message = is_ghost ? NULL : check_message(world, packet->from, packet->row, 0);
    if (message == NULL)
        return;
    message->to = packet->to;
    message->taken_at = took_effect ? ++world->takings : message->taken_at;
    bool is_new = !check_is_ancient(world, message) || changes_something(world, packet, taking);
    message->taken_ms = world->now_ms;
    if (took_effect && ++message->effects > 1 && is_new)
        world_break(world, "message %lld of %s took effect %u times at %s", (long long)packet->row,
                    world->gates[packet->from].org, message->effects, world->gates[packet->to].org);
    note_order(world, packet, taking);
}

static void tell_taken(struct world *world, const struct packet *packet,
                       const struct taking *taking, enum committed how)
{
    static const char *const outcomes[] = {"takes", "has", "has another one with the id of"};
    const char *state = taking->outcome == INBOX_CONFLICT ? "" : taking->row.state;
    const char *reason = taking->outcome == INBOX_CONFLICT ? NULL : taking->row.reason;
    world_tell(world, "%s %s message %lld of %s%s (%s%s%s)", world->gates[packet->to].org,
               outcomes[taking->outcome], (long long)packet->row, world->gates[packet->from].org,
               how == DIED_BEFORE ? ", and loses it" : "", state, reason == NULL ? "" : ": ",
               reason == NULL ? "" : reason);
}

static bool recall(struct unit *unit, struct store *store)
{
    struct recalling *recalling = (struct recalling *)unit;
    const struct setup *setup = &recalling->gate->setup;
    return recall_answer(store, unit->arena, setup->config.org, recalling->partner,
                         recalling->question, clock_wall_ms(&setup->clock), &recalling->answer,
                         &unit->fault);
}

static const char *receive_question(struct world *world, const struct packet *packet,
                                    int *ret_status)
{
    struct arena *arena = &world->arena;
    struct recalling recalling = {.unit = {.run = recall, .arena = arena},
                                  .gate = &world->gates[packet->to],
                                  .partner = world->gates[packet->from].org,
                                  .answer = "",
                                  .question = tree_of_n(arena, packet->body, packet->length)};
    enum committed how = gate_commit(world, packet->to, &recalling.unit);
    enum fault_kind kind = recalling.unit.fault.kind;
    *ret_status = how != COMMITTED ? 0 : kind == FAULT_none ? 200 : fault_http_status(kind);
    return recalling.answer;
}

/* A record that a restore took, and that somebody handed in again under another directory; or its
 * first copy, when that comes last. */
static bool may_conflict(struct world *world, const struct packet *packet)
{
    struct store_message message;
    const struct gate *gate = &world->gates[packet->from];
    return world->plant != PLANT_NO_EPOCH && gate->is_restored &&
           (is_forgotten(world, packet) ||
            !store_get_message(gate->store, &world->arena, packet->row, &message) ||
            message.record != 0);
}

/* The chain of receive.c without its loop. *ret_status 0: the process died, no answer. */
static const char *receive(struct world *world, const struct packet *packet, int *ret_status)
{
    struct gate *gate = &world->gates[packet->to];
    int by = packet->is_forged ? GATES - packet->from - packet->to : packet->from;
    struct arena *arena = &world->arena;
    struct setup_ids ids = {.space = "inbound"};
    struct fhir_context context = setup_context(&gate->setup, arena, &ids);
    struct finding_list findings = finding_list_new(arena);
    struct json_document document;
    struct json_fault fault;
    struct message_inbound message;
    struct taking taking = {.unit = {.run = take, .arena = arena, .is_written_late = true},
                            .world = world};
    *ret_status = 400;
    if (packet->is_recall && !packet->is_forged)
        return receive_question(world, packet, ret_status);
    if (!json_parse(arena, packet->body, packet->length, NULL, &document, &fault) ||
        !message_read(&context, document.root, &message, &findings))
        return "";
    const struct admission *admission =
        admit_peer(&gate->setup, arena, world->gates[by].org, &taking.refusal);
    *ret_status = 403;
    if (world->plant != PLANT_SPEAKS_FOR_OTHERS &&
        !admit_message(admission, &gate->setup, arena, &message, &taking.refusal))
        return acknowledge_fault(arena, &taking.refusal, NULL);
    if (world->plant == PLANT_NO_LEDGER) {
        message.message_id = arena_print(arena, "%s-%u", message.message_id, world_random(world));
        message.bundle_id = message.message_id;
    }
    taking.item = (struct inbox_item){.setup = &gate->setup,
                                      .admission = admission,
                                      .message = &message,
                                      .bundle = document.root,
                                      .body = packet->body,
                                      .length = packet->length,
                                      .now_ms = clock_wall_ms(&gate->setup.clock),
                                      .arena = arena};
    enum committed how = gate_commit(world, packet->to, &taking.unit);
    *ret_status = 0;
    tell_taken(world, packet, &taking, how);
    if (how != DIED_BEFORE)
        note_taken(world, packet, &taking);
    if (how == DIED_AFTER || (how == DIED_BEFORE && world->plant != PLANT_ACK_BEFORE_COMMIT))
        return "";
    if (taking.outcome == INBOX_CONFLICT && !packet->is_forged && !may_conflict(world, packet))
        world_break(world, "%s has given message %lld for %s the id of another one: %s",
                    world->gates[packet->from].org, (long long)packet->row, gate->org,
                    fault_sentence(&taking.refusal));
    *ret_status = taking.outcome == INBOX_CONFLICT ? 409 : 200;
    if (taking.outcome == INBOX_CONFLICT)
        return acknowledge_fault(arena, &taking.refusal, NULL);
    if (world->plant == PLANT_NO_LEDGER)
        taking.row.message_id =
            json_get_text(json_find(document.root, "entry", "resource", NULL), "id");
    return acknowledge_message(&gate->setup, arena, &taking.row);
}

/* ---- the network's whims ---- */

static void duplicate(struct world *world, const struct packet *packet, bool is_forged)
{
    struct packet *copy = new_packet(world);
    if (copy == NULL)
        return;
    *copy = *packet;
    copy->is_waiting = true;
    copy->is_orphan = true;
    copy->is_forged = is_forged;
}

/* A partner that lies: an answer that has nothing to do with what it did. */
static bool lie(struct world *world, struct packet *packet)
{
    static const struct {
        int status;
        const char *body;
    } lies[] = {{200, "<html>ok</html>"}, {200, "{}"}, {500, ""}, {503, ""}, {429, ""}, {200, ""}};
    if (world->is_healed || !world_chance(world, 8))
        return false;
    uint32_t which = world_random(world) % (sizeof lies / sizeof *lies);
    world_tell(world, "%s answers %d and has done nothing", world->gates[packet->to].org,
               lies[which].status);
    packet->is_waiting = false;
    end_answered(world, packet, lies[which].status, lies[which].body);
    return true;
}

static void arrive(struct world *world, struct packet *packet)
{
    int status;
    packet->is_waiting = false;
    const char *body = receive(world, packet, &status);
    bool is_lost = status == 0 || (!world->is_healed && world_chance(world, 12)) ||
                   world->is_cut[packet->to][packet->from];
    if (is_lost)
        end_unknown(world, packet);
    else
        end_answered(world, packet, status, body);
}

void wire_forget(struct world *world)
{
    for (size_t i = 0; i < world->packet_count; i++) {
        struct packet *packet = &world->packets[i];
        if (packet->is_waiting && !packet->is_orphan)
            end_unknown(world, packet);
        packet->is_waiting = false;
    }
}

/* Picks one waiting request and lets something happen to it. */
void wire_move(struct world *world)
{
    size_t waiting[PACKETS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < world->packet_count; i++) {
        if (world->packets[i].is_waiting)
            waiting[count++] = i;
    }
    if (count == 0)
        return;
    struct packet *packet = &world->packets[waiting[world_random(world) % count]];
    if (world->is_hasty && packet->is_orphan && world_chance(world, 80))
        return; /* it has time */
    bool is_cut = world->is_cut[packet->from][packet->to];
    if (packet->is_east) {
        end_nowhere(world, packet);
        return;
    }
    uint32_t what = world->is_healed ? 99 : world_random(world) % 100;
    if (is_cut || what < 6) { /* lost on the way */
        packet->is_waiting = false;
        end_unknown(world, packet);
    } else if (what < (world->is_hasty ? 40 : 12)) { /* given up by the sender, and arrives yet */
        end_unknown(world, packet);
    } else if (!lie(world, packet)) {
        if (what < 22)
            duplicate(world, packet, what < 16);
        packet = &world->packets[packet - world->packets];
        arrive(world, packet);
    }
}

bool wire_is_quiet(const struct world *world)
{
    for (size_t i = 0; i < world->packet_count; i++) {
        if (world->packets[i].is_waiting)
            return false;
    }
    for (int i = 0; i < GATES; i++) {
        struct arena arena = ARENA_EMPTY;
        struct store_message *messages;
        struct store *store = world->gates[i].store;
        size_t open = store_messages(store, &arena, "out", "queued", 0, 10, &messages) +
                      store_messages(store, &arena, "out", "sending", 0, 10, &messages);
        arena_free(&arena);
        if (open > 0)
            return false;
    }
    return true;
}
