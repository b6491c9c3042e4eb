/* clinic: what people do at the simulated clinics: refer, decide, write notes, meet, sign and take
 * back. Most of it is sensible; some is not, and must be refused without harm. */
#include <stdio.h>
#include <string.h>

#include "fhir/json/tree.h"
#include "tests/sim/parts.h"

struct handing { /* a unit: one record of a clinic */
    struct unit unit;
    struct world *world;
    struct gate *gate;
    const char *text;
    struct flow_report report;
};

struct moving { /* a unit: one move of a referral */
    struct unit unit;
    struct world *world;
    struct gate *gate;
    const char *id, *word;
    bool is_done;
};

static struct flow flow_of(struct gate *gate, struct store *store, struct arena *arena)
{
    struct flow flow = {&gate->setup, store, arena, clock_wall_ms(&gate->setup.clock), NULL};
    return flow;
}

/* Records with "attachments" have this one, as attachment_load makes it. */
static const struct json *attachments_of(struct arena *arena, const char *text)
{
    static const char list[] =
        "[{\"data\":\"" SIM_ATTACHED "\",\"hash\":\"84OgER+O8Rsy9KrMY8wsmBpYlHQ=\",\"size\":32}]";
    return strstr(text, "\"attachments\"") == NULL ? NULL : tree_of(arena, list);
}

static bool hand(struct unit *unit, struct store *store)
{
    struct handing *handing = (struct handing *)unit;
    struct record_list records = {NULL, 0, 0};
    struct finding_list findings = finding_list_new(unit->arena);
    struct flow flow = flow_of(handing->gate, store, unit->arena);
    record_read(unit->arena, RECORD_JSON, handing->text, strlen(handing->text), "sim", &records,
                &findings);
    if (records.count == 1)
        handing->report = flow_send(&flow, &records.items[0],
                                    attachments_of(unit->arena, handing->text), &findings);
    else
        handing->report.answer = FLOW_REFUSED;
    if (handing->report.answer == FLOW_ACCEPTED)
        plant_after_send(handing->world, &flow, records.items[0].tree);
    if (handing->report.answer == FLOW_REFUSED && handing->world->tells) {
        struct text why = text_new(unit->arena, 1000);
        for (size_t i = 0; i < findings.count; i++)
            finding_print(&findings.items[i], &why);
        world_tell(handing->world, "  refused: %s", why.at);
    }
    return handing->report.answer != FLOW_REFUSED;
}

/* True when the record was accepted for good. */
bool clinic_hand_over(struct world *world, int gate, const char *text)
{
    struct arena arena = ARENA_EMPTY;
    struct handing handing = {.unit = {.run = hand, .arena = &arena},
                              .world = world,
                              .gate = &world->gates[gate],
                              .text = text};
    enum committed how = gate_commit(world, gate, &handing.unit);
    bool accepted = how != DIED_BEFORE && handing.report.answer == FLOW_ACCEPTED;
    arena_free(&arena);
    return accepted;
}

/* ---- the words of a record ---- */

static const char *time_text(struct world *world)
{
    return clock_text(&world->arena, FIRST_WRITTEN_MS + (int64_t)world->written++ * 1000);
}

/* Referrals are written by others of the clinic, too, who may be elsewhere by another's directory.
 */
static const char *writer(struct world *world, struct gate *gate, const char *kind)
{
    static const unsigned others[] = {PLACE_LINDQVIST, PLACE_WISNIEWSKI};
    int at = (int)(gate - world->gates);
    for (size_t i = 0; i < 2 && strcmp(kind, "referral") == 0; i++) {
        if (place_clinic(gate, others[i]) == at &&
            world_chance(world, world->plant == PLANT_REPLY_TO_AUTHOR ? 90 : 40))
            return place_handle(others[i]);
    }
    return gate->person;
}

static const char *start_of(struct world *world, struct gate *gate, const char *kind, char letter,
                            int client)
{
    return arena_print(
        &world->arena,
        "{\"record\":\"%s\",\"record_id\":\"%c%c-%u\",\"written_at\":\"%s\","
        "\"written_by\":\"%s\",\"client_id\":\"C-%d\",\"client_family_name\":\"Sim\","
        "\"client_birth_date\":\"1980-01-0%d\"",
        kind, gate->org[0], letter, ++gate->records, time_text(world), writer(world, gate, kind),
        client, client + 1);
}

/* Writes a record of our clinic, and remembers it when it is accepted. */
static bool write_record(struct world *world, int at, char letter, struct own *own)
{
    struct gate *gate = &world->gates[at];
    const char *head = start_of(world, gate, own->kind, letter, own->client);
    own->number = arena_print(&world->arena, "%c%c-%u", gate->org[0], letter, gate->records);
    const char *replaces =
        own->replaces == NULL
            ? ""
            : arena_print(&world->arena, ",\"replaces_record_id\":\"%s\"", own->replaces);
    own->text = arena_print(&world->arena, "%s%s%s}", head, replaces, own->tail);
    bool accepted = clinic_hand_over(world, at, own->text);
    if (accepted)
        own_remember(gate, own);
    world_tell(world, "%s writes %s %s about C-%d%s%s%s", gate->org, own->kind, own->number,
               own->client, own->tail, replaces, accepted ? "" : " (not accepted)");
    return accepted;
}

/* Mostly the clinic; else somebody by name, who may not be where the writer believes. */
static unsigned addressee(struct world *world, int from)
{
    if (world_chance(world, 70))
        return ((unsigned)from + 1 + world_random(world) % (GATES - 1)) % GATES;
    return GATES + world_random(world) % (HANDLES - GATES);
}

static void refer(struct world *world, int from, int client)
{
    unsigned to = addressee(world, from);
    struct own own = {.kind = "referral",
                      .client = client,
                      .meant = 1u << to,
                      .attached = world_chance(world, 20) ? SIM_ATTACHED : NULL};
    own.tail = arena_print(
        &world->arena,
        ",\"referred_to\":\"%s\",\"service\":\"massage-therapy\",\"reason\":\"sim\"%s",
        place_handle(to),
        own.attached == NULL ? ""
                             : ",\"attachments\":[{\"title\":\"Letter\",\"file\":\"letter.pdf\","
                               "\"media_type\":\"application/pdf\"}]");
    write_record(world, from, 'R', &own);
}

static void confer(struct world *world, int from, int client)
{
    const char *list = "";
    struct own own = {.kind = "case-conference", .client = client};
    for (unsigned h = GATES; h < HANDLES; h++) {
        if (!world_chance(world, h + 1 == HANDLES ? 10 : 60))
            continue;
        own.meant |= 1u << h;
        list = arena_print(&world->arena, "%s%s{\"who\":\"%s\"}", list, list[0] == '\0' ? "" : ",",
                           place_handle(h));
    }
    own.tail = arena_print(&world->arena,
                           ",\"held_at\":\"2026-08-30T10:00:00Z\",\"summary\":\"sim\","
                           "\"participants\":[%s]",
                           list);
    if (list[0] != '\0')
        write_record(world, from, 'M', &own);
}

void clinic_correct(struct world *world, int at, const struct own *own)
{
    struct own correction = {.kind = own->kind,
                             .client = own->client,
                             .meant = own->meant,
                             .tail = own->tail,
                             .attached = own->attached,
                             .is_doubted = own->is_doubted,
                             .replaces = own->number};
    static const char letters[][2] = {"r", "m", "n",
                                      "d"}; /* referral, conference, note, discharge */
    static const char *const kinds[] = {"referral", "case-conference", "progress-note",
                                        "discharge-summary"};
    size_t which = 0;
    while (strcmp(kinds[which], own->kind) != 0)
        which++;
    write_record(world, at, (char)(letters[which][0] - 'a' + 'A'), &correction);
}

/* ---- referrals ---- */

static bool some_referral(struct world *world, struct gate *gate, struct store_referral *ret)
{
    struct store_referral *referrals;
    size_t count = store_referrals(gate->store, &world->arena, &referrals);
    if (count == 0)
        return false;
    *ret = referrals[world_random(world) % count];
    return true;
}

static bool make_move(struct unit *unit, struct store *store)
{
    struct moving *moving = (struct moving *)unit;
    struct store_referral referral;
    struct track_details details = {
        .by = moving->gate->person, .visits_done = 1 + moving->world->step % 5, .visits_total = 6};
    const struct track_move *move = track_find(moving->word);
    if (move->reason != TRACK_REASON_NONE)
        details.reason_code = "client-choice";
    struct flow flow = flow_of(moving->gate, store, unit->arena);
    moving->is_done = flow_move(&flow, moving->id, moving->word, &details, &referral, &unit->fault);
    return moving->is_done;
}

static void move_it(struct world *world, int at, const struct store_referral *referral,
                    const char *word)
{
    struct gate *gate = &world->gates[at];
    struct arena arena = ARENA_EMPTY;
    struct moving moving = {
        .unit = {.run = make_move, .arena = &arena},
        .world = world,
        .gate = gate,
        .id = arena_print(&world->arena, "%s:%s", referral->placer, referral->number),
        .word = word};
    gate_commit(world, at, &moving.unit);
    if (moving.is_done)
        world_tell(world, "%s: %s of %s", gate->org, moving.word, moving.id);
    arena_free(&arena);
}

/* The client wants neither a referral that was tried to be sent nor that anything goes there. */
static bool think_again(struct world *world, int at)
{
    if (world_chance(world, 40))
        desk_retract_tried(world, at);
    struct gate *gate = &world->gates[at];
    struct store_message *queued;
    struct store_referral referral;
    size_t count = store_messages(gate->store, &world->arena, "out", "queued", 0, 100, &queued);
    size_t tried = 0;
    while (tried < count && (queued[tried].attempts == 0 || queued[tried].referral == 0 ||
                             strcmp(queued[tried].kind, "referral") != 0))
        tried++;
    if (tried == count ||
        !store_get_referral(gate->store, &world->arena, queued[tried].referral, &referral))
        return false;
    int filler = (at + 1) % GATES;
    if (strcmp(world->gates[filler].org, referral.filler) != 0)
        filler = (at + 2) % GATES;
    consents_withdraw(world, at, referral.client[2] - '0', filler);
    move_it(world, at, &referral, "cancel");
    return true;
}

/* Or else refers, at once, so that there is something to take back. */
static void someone_thinks_again(struct world *world, int at, int client)
{
    int i = 0;
    while (i < GATES && !think_again(world, (at + i) % GATES))
        i++;
    if (i < GATES)
        return;
    refer(world, at, client);
    wire_look(world, at, (at + 1) % GATES);
    wire_look(world, at, (at + 2) % GATES);
}

static void move(struct world *world, int at)
{
    static const char *const words[] = {"accept",   "accept",       "accept",       "start",
                                        "start",    "progress",     "hold",         "resume",
                                        "complete", "decline",      "fail",         "cancel",
                                        "abort",    "abort-accept", "abort-decline"};
    struct store_referral referral;
    if (some_referral(world, &world->gates[at], &referral))
        move_it(world, at, &referral, words[world_random(world) % (sizeof words / sizeof *words)]);
}

static bool reconsider(struct unit *unit, struct store *store)
{
    struct handing *handing = (struct handing *)unit;
    struct flow flow = flow_of(handing->gate, store, unit->arena);
    if (handing->world->is_healed || world_chance(handing->world, 50))
        flow_reconsider(&flow, NULL);
    else
        flow_reconsider_due(&flow);
    return true;
}

void clinic_review(struct world *world, int at)
{
    struct arena arena = ARENA_EMPTY;
    struct handing handing = {
        .unit = {.run = reconsider, .arena = &arena}, .world = world, .gate = &world->gates[at]};
    gate_commit(world, at, &handing.unit);
    arena_free(&arena);
}

/* Sometimes about another client than the referral's. */
static void write_note(struct world *world, int at)
{
    struct gate *gate = &world->gates[at];
    struct store_referral referral;
    if (!some_referral(world, gate, &referral))
        return;
    if (world->plant == PLANT_REPLY_TO_AUTHOR) { /* only what a filler writes shows it */
        for (int i = 0; i < 8 && track_ours(&referral) == TRACK_PLACER; i++)
            some_referral(world, gate, &referral);
        if (track_ours(&referral) == TRACK_FILLER)
            move_it(world, at, &referral, "accept");
    }
    int client = referral.client[2] - '0';
    bool ends = world_chance(world, 20);
    struct own own = {.kind = ends ? "discharge-summary" : "progress-note",
                      .client = client,
                      .is_doubted = world_chance(world, 15)};
    if (own.is_doubted)
        own.client = (client + 1) % CLIENTS;
    own.tail = arena_print(
        &world->arena, ",\"referral_id\":\"%s:%s\",%s", referral.placer, referral.number,
        ends ? "\"first_visit_on\":\"2026-08-01\",\"last_visit_on\":\"2026-08-20\","
               "\"visits_completed\":3,\"discharge_reason\":\"goals-met\",\"outcome\":\"sim\""
             : "\"visit_at\":\"2026-08-10T10:00:00Z\",\"subjective\":\"sim\"");
    write_record(world, at, ends ? 'D' : 'N', &own);
}

void clinic_act(struct world *world)
{
    int at = (int)(world_random(world) % GATES);
    int client = (int)(world_random(world) % CLIENTS);
    uint32_t what = world_random(world) % 100;
    if (world->is_hasty && world_chance(world, 50))
        someone_thinks_again(world, at, client);
    else if (world->is_hasty && world_chance(world, 30))
        confer(world, at, client);
    else if (what < 13)
        consents_sign(world, at, client);
    else if (what < 34)
        refer(world, at, client);
    else if (what < 58)
        move(world, at);
    else if (what < 75)
        write_note(world, at);
    else if (what < 91)
        desk_act(world, at);
    else if (what < 93)
        clinic_review(world, at);
    else if (what < 95) {
        place_move(world, at);
        clinic_review(world, at);
    } else
        confer(world, at, client);
}
