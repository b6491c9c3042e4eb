/* clinic: what people do at the simulated clinics: refer, decide, write notes, meet, sign and take
 * back. Most of it is sensible; some is not, and must be refused without harm. */
#include <stdio.h>
#include <string.h>

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

static struct flow flow_of(struct world *world, struct gate *gate, struct store *store,
                           struct arena *arena)
{
    struct flow flow = {&gate->setup, store, arena, world->now_ms, NULL};
    return flow;
}

static bool hand(struct unit *unit, struct store *store)
{
    struct handing *handing = (struct handing *)unit;
    struct record_list records = {NULL, 0, 0};
    struct finding_list findings = finding_list_new(unit->arena);
    struct flow flow = flow_of(handing->world, handing->gate, store, unit->arena);
    record_read(unit->arena, RECORD_JSON, handing->text, strlen(handing->text), "sim", &records,
                &findings);
    if (records.count == 1)
        handing->report = flow_send(&flow, &records.items[0], NULL, &findings);
    else
        handing->report.answer = FLOW_REFUSED;
    if (handing->report.answer == FLOW_REFUSED && handing->world->tells) {
        struct text why = text_new(unit->arena, 1000);
        for (size_t i = 0; i < findings.count; i++)
            finding_print(&findings.items[i], &why);
        world_tell(handing->world, "  refused: %s", why.at);
    }
    return handing->report.answer != FLOW_REFUSED;
}

/* True when the record was accepted for good. */
static bool hand_over(struct world *world, int gate, const char *text)
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

enum { FIRST_WRITTEN_S = 1788220800 }; /* 2026-09-01 */
#define FIRST_WRITTEN_MS ((int64_t)FIRST_WRITTEN_S * 1000)

static const char *time_text(struct world *world)
{
    return clock_text(&world->arena, FIRST_WRITTEN_MS + (int64_t)world->written++ * 1000);
}

static const char *start_of(struct world *world, struct gate *gate, const char *kind, char letter,
                            int client)
{
    return arena_print(
        &world->arena,
        "{\"record\":\"%s\",\"record_id\":\"%c%c-%u\",\"written_at\":\"%s\","
        "\"written_by\":\"%s\",\"client_id\":\"C-%d\",\"client_family_name\":\"Sim\","
        "\"client_birth_date\":\"1980-01-0%d\"",
        kind, gate->org[0], letter, ++gate->records, time_text(world), gate->person, client,
        client + 1);
}

static void refer(struct world *world, int from, int client)
{
    int to = (int)((unsigned)from + 1 + world_random(world) % (GATES - 1)) % GATES;
    struct gate *gate = &world->gates[from];
    const char *text =
        arena_print(&world->arena,
                    "%s,\"referred_to\":\"%s\",\"service\":\"massage-therapy\",\"reason\":\"sim\"}",
                    start_of(world, gate, "referral", 'R', client), world->gates[to].org);
    bool accepted = hand_over(world, from, text);
    world_tell(world, "%s refers C-%d to %s%s", gate->org, client, world->gates[to].org,
               accepted ? "" : " (not accepted)");
}

static void confer(struct world *world, int from, int client)
{
    struct gate *gate = &world->gates[from];
    const char *text =
        arena_print(&world->arena,
                    "%s,\"held_at\":\"2026-08-30T10:00:00Z\",\"summary\":\"sim\",\"participants\":["
                    "{\"who\":\"alvarez\"},{\"who\":\"osei\"},{\"who\":\"tanaka\"}]}",
                    start_of(world, gate, "case-conference", 'M', client));
    hand_over(world, from, text);
    world_tell(world, "%s writes minutes about C-%d", gate->org, client);
}

static void decide(struct gate *gate, int client, unsigned to, struct decision decision)
{
    size_t *count = &gate->decision_count[client][to];
    if (*count < DECISIONS_MAX)
        gate->decisions[client][to][(*count)++] = decision;
}

/* When a consent says it was written: mostly in the order of signing; some come late, some bear a
 * date ahead of the clock. */
static int64_t written_ms(struct world *world, int64_t now_ms)
{
    uint32_t kind = world_random(world) % 100;
    int64_t in_order_ms = FIRST_WRITTEN_MS + (int64_t)world->written++ * 1000;
    if (kind < 75)
        return in_order_ms;
    if (kind < 88)
        return in_order_ms - (int64_t)(world_random(world) % 600) * 1000;
    return now_ms / 1000 * 1000 + (int64_t)(world_random(world) % 40000 + 1) * 1000;
}

/* What the client says about one or both of the others (WHOM, bits: the next gate, the one after),
 * until this day ENDS or for good; the model changes when it is on disk. */
static void sign(struct world *world, int at, int client, int form, unsigned whom, bool ends)
{
    struct gate *gate = &world->gates[at];
    const char *share = "";
    struct clock *clock = &gate->setup.clock;
    int64_t day_end_ms = (clock_wall_ms(clock) / 86400000 + 1) * 86400000;
    const char *until = ends ? arena_print(&world->arena, "\"valid_until\":\"%s\",",
                                           clock_date(&world->arena, clock_wall_ms(clock)))
                             : "";
    static const char *const says[] = {"gives", "gives for referrals", "refuses", "takes back"};
    for (unsigned i = 0; i < GATES - 1; i++) {
        if (whom >> i & 1)
            share = arena_print(&world->arena, "%s%s\"%s\"", share, share[0] == '\0' ? "" : ",",
                                world->gates[((unsigned)at + 1 + i) % GATES].org);
    }
    struct decision decision = {.form = form,
                                .written_ms = written_ms(world, world->now_ms),
                                .accepted_ms = world->now_ms,
                                .until_ms = ends ? day_end_ms : INT64_MAX};
    const char *text = arena_print(
        &world->arena,
        "{\"record\":\"consent\",\"record_id\":\"%cC-%u\",\"written_at\":\"%s\","
        "\"written_by\":\"%s\",\"client_id\":\"C-%d\",\"client_family_name\":\"Sim\","
        "\"client_birth_date\":\"1980-01-0%d\",\"status\":\"%s\",\"decision\":\"%s\","
        "\"given_by\":\"client\",%s%s\"valid_from\":\"2026-01-01\",\"share_from\":\"%s\","
        "\"share_with\":[%s],\"purposes\":[\"treatment\",\"care-coordination\"],"
        "\"covers\":[\"%s\"]}",
        gate->org[0], ++gate->records, clock_text(&world->arena, decision.written_ms), gate->person,
        client, client + 1, form == WITHDRAWS ? "revoked" : "active",
        form == REFUSES ? "refuse" : "allow",
        form == WITHDRAWS ? "\"revoked_at\":\"2026-09-30T00:00:00Z\"," : "", until, gate->org,
        share, form == ALLOWS_REFERRALS ? "referral" : "all");
    bool accepted = hand_over(world, at, text);
    world_tell(world, "C-%d %s consent at %s to %s, dated %s%s", client, says[form], gate->org,
               share, clock_text(&world->arena, decision.written_ms),
               accepted ? "" : " (not accepted)");
    for (unsigned i = 0; accepted && i < GATES - 1; i++) {
        if (whom >> i & 1)
            decide(gate, client, ((unsigned)at + 1 + i) % GATES, decision);
    }
}

void clinic_sign(struct world *world, int at, int client)
{
    static const int forms[] = {ALLOWS,           ALLOWS,  ALLOWS,    ALLOWS,   ALLOWS,
                                ALLOWS_REFERRALS, REFUSES, WITHDRAWS, WITHDRAWS};
    int form = forms[world_random(world) % (sizeof forms / sizeof *forms)];
    unsigned whom = 1 + world_random(world) % 3;
    sign(world, at, client, form, whom, world_chance(world, 30) && form <= ALLOWS_REFERRALS);
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
    struct flow flow = flow_of(moving->world, moving->gate, store, unit->arena);
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
static void think_again(struct world *world, int at)
{
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
        return;
    bool is_next = strcmp(world->gates[(at + 1) % GATES].org, referral.filler) == 0;
    sign(world, at, referral.client[2] - '0', WITHDRAWS, is_next ? 1 : 2, false);
    move_it(world, at, &referral, "cancel");
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

/* Partners, days and consents are looked at again, as the service does by itself. */
static bool reconsider(struct unit *unit, struct store *store)
{
    struct handing *handing = (struct handing *)unit;
    struct flow flow = flow_of(handing->world, handing->gate, store, unit->arena);
    if (world_chance(handing->world, 50))
        flow_reconsider(&flow, NULL);
    else
        flow_reconsider_due(&flow);
    return true;
}

static void review(struct world *world, int at)
{
    struct arena arena = ARENA_EMPTY;
    struct handing handing = {
        .unit = {.run = reconsider, .arena = &arena}, .world = world, .gate = &world->gates[at]};
    gate_commit(world, at, &handing.unit);
    arena_free(&arena);
}

static void write_note(struct world *world, int at)
{
    struct gate *gate = &world->gates[at];
    struct store_referral referral;
    if (!some_referral(world, gate, &referral))
        return;
    int client = referral.client[2] - '0';
    bool ends = world_chance(world, 20);
    const char *head =
        arena_print(&world->arena, "%s,\"referral_id\":\"%s:%s\"",
                    start_of(world, gate, ends ? "discharge-summary" : "progress-note",
                             ends ? 'D' : 'N', client),
                    referral.placer, referral.number);
    const char *text =
        ends
            ? arena_print(&world->arena,
                          "%s,\"first_visit_on\":\"2026-08-01\",\"last_visit_on\":\"2026-08-20\","
                          "\"visits_completed\":3,\"discharge_reason\":\"goals-met\","
                          "\"outcome\":\"sim\"}",
                          head)
            : arena_print(&world->arena,
                          "%s,\"visit_at\":\"2026-08-10T10:00:00Z\",\"subjective\":\"sim\"}", head);
    bool accepted = hand_over(world, at, text);
    world_tell(world, "%s writes a %s for %s:%s%s", gate->org, ends ? "discharge" : "note",
               referral.placer, referral.number, accepted ? "" : " (not accepted)");
}

void clinic_act(struct world *world)
{
    int at = (int)(world_random(world) % GATES);
    int client = (int)(world_random(world) % CLIENTS);
    uint32_t what = world_random(world) % 100;
    if (world->is_hasty && world_chance(world, 40))
        think_again(world, at);
    else if (what < 15)
        clinic_sign(world, at, client);
    else if (what < 40)
        refer(world, at, client);
    else if (what < 70)
        move(world, at);
    else if (what < 91)
        write_note(world, at);
    else if (what < 93)
        review(world, at);
    else
        confer(world, at, client);
}
