/* consents: what clients sign at the simulated clinics, and a model of what that allows, told
 * another way than fhir/consent/consent.c tells it: without records, words and reasons. */
#include <stdio.h>
#include <string.h>

#include "tests/sim/parts.h"

enum { DAY_MS = 86400000 };

/* ---- the model ---- */

static bool is_permission(const struct decision *decision)
{
    return decision->form == ALLOWS || decision->form == ALLOWS_REFERRALS;
}

/* A mistyped date cannot make what forbids later than its acceptance. */
static int64_t written_s(const struct decision *decision)
{
    bool is_ahead = decision->written_ms > decision->accepted_ms;
    return (!is_permission(decision) && is_ahead ? decision->accepted_ms : decision->written_ms) /
           1000;
}

struct judging { /* may this go to this handle? */
    const struct decision *decisions;
    size_t count;
    unsigned handle, either; /* bits: the handle, and it with its clinic */
    int64_t now_ms;
    bool is_referral;
};

/* It is about the handle, and has begun. */
static bool speaks(const struct judging *judging, const struct decision *decision)
{
    if ((decision->named & judging->either) == 0)
        return false;
    if (decision->form == WITHDRAWS)
        return true;
    bool is_ahead = is_permission(decision) && decision->written_ms > judging->now_ms;
    return !is_ahead && decision->from_ms <= judging->now_ms;
}

static bool is_replaced(const struct judging *judging, size_t at)
{
    for (size_t i = 0; i < judging->count; i++) {
        if (judging->decisions[i].replaces == at + 1)
            return true;
    }
    return false;
}

/* The later in both orders counts; a withdrawal and a replacement end a permission whatever their
 * date; a refusal for a person stands against what is allowed for the clinic. */
static bool is_ended_by(const struct judging *judging, size_t at, size_t later)
{
    const struct decision *one = &judging->decisions[at];
    const struct decision *other = &judging->decisions[later];
    bool is_personal = one->form == REFUSES && one->until_ms > judging->now_ms &&
                       (one->named & judging->handle) != 0 &&
                       (other->named & judging->handle) == 0 && other->replaces != at + 1;
    if (written_s(other) > written_s(one) && !is_personal)
        return true;
    return is_permission(one) && (other->form == WITHDRAWS || other->replaces == at + 1);
}

static bool is_ended(const struct judging *judging, size_t at)
{
    for (size_t i = at + 1; i < judging->count; i++) {
        if (speaks(judging, &judging->decisions[i]) && is_ended_by(judging, at, i))
            return true;
    }
    return false;
}

static bool lets_go(const struct judging *judging, size_t at)
{
    const struct decision *decision = &judging->decisions[at];
    return is_permission(decision) && decision->until_ms > judging->now_ms &&
           (judging->is_referral || decision->form == ALLOWS) && !is_replaced(judging, at);
}

/* Nothing that has not ended stands against it, and something allows it. */
bool consents_allow(const struct gate *gate, int client, unsigned handle, bool is_referral)
{
    int clinic = place_clinic(gate, handle);
    struct judging judging = {.decisions = gate->decisions[client],
                              .count = gate->decision_count[client],
                              .handle = 1u << handle,
                              .either = 1u << handle | (clinic == NOWHERE ? 0 : 1u << clinic),
                              .now_ms = clock_wall_ms(&gate->setup.clock),
                              .is_referral = is_referral};
    bool is_given = false;
    for (size_t i = 0; i < judging.count; i++) {
        if (!speaks(&judging, &judging.decisions[i]) || is_ended(&judging, i))
            continue;
        if (!lets_go(&judging, i))
            return false;
        is_given = true;
    }
    return is_given;
}

/* ---- signing ---- */

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

static const char *share_list(struct world *world, unsigned named)
{
    const char *list = "";
    for (unsigned h = 0; h < HANDLES; h++) {
        if (named >> h & 1)
            list = arena_print(&world->arena, "%s%s\"%s\"", list, list[0] == '\0' ? "" : ",",
                               place_handle(h));
    }
    return list;
}

static const char *consent_text(struct world *world, struct gate *gate, int client,
                                const struct decision *decision, const char *replaces)
{
    struct arena *arena = &world->arena;
    const char *until = decision->until_ms == INT64_MAX
                            ? ""
                            : arena_print(arena, "\"valid_until\":\"%s\",",
                                          clock_date(arena, decision->until_ms - DAY_MS));
    return arena_print(
        arena,
        "{\"record\":\"consent\",\"record_id\":\"%cC-%u\",\"written_at\":\"%s\","
        "\"written_by\":\"%s\",\"client_id\":\"C-%d\",\"client_family_name\":\"Sim\","
        "\"client_birth_date\":\"1980-01-0%d\",\"status\":\"%s\",\"decision\":\"%s\","
        "\"given_by\":\"client\",%s%s%s\"valid_from\":\"%s\",\"share_from\":\"%s\","
        "\"share_with\":[%s],\"purposes\":[\"treatment\",\"care-coordination\"],"
        "\"covers\":[\"%s\"]}",
        gate->org[0], ++gate->records, clock_text(arena, decision->written_ms), gate->person,
        client, client + 1, decision->form == WITHDRAWS ? "revoked" : "active",
        decision->form == REFUSES ? "refuse" : "allow",
        decision->form == WITHDRAWS ? "\"revoked_at\":\"2026-09-30T00:00:00Z\"," : "", until,
        replaces, clock_date(arena, decision->from_ms), gate->org,
        share_list(world, decision->named),
        decision->form == ALLOWS_REFERRALS ? "referral" : "all");
}

/* Planted: a permission dated ahead is taken as one of now; a withdrawal with an older date than a
 * permission is lost. */
static bool is_planted(struct world *world, const struct gate *gate, int client,
                       struct decision *decision)
{
    if (world->plant == PLANT_FUTURE_CONSENT && decision->written_ms > decision->accepted_ms &&
        is_permission(decision))
        decision->written_ms = decision->accepted_ms / 1000 * 1000 - 1000;
    bool is_lost = false;
    for (size_t i = 0; i < gate->decision_count[client]; i++)
        is_lost = is_lost || gate->decisions[client][i].written_ms > decision->written_ms;
    return world->plant == PLANT_WITHDRAWAL_BY_DATE && decision->form == WITHDRAWS && is_lost;
}

/* The model changes when the consent is on disk. */
static void sign(struct world *world, int at, int client, struct decision decision)
{
    static const char *const says[] = {"gives", "gives for referrals", "refuses", "takes back"};
    struct gate *gate = &world->gates[at];
    size_t *count = &gate->decision_count[client];
    if (*count == DECISIONS_MAX)
        return;
    decision.accepted_ms = clock_wall_ms(&gate->setup.clock);
    decision.written_ms = written_ms(world, decision.accepted_ms);
    struct decision told = decision;
    const char *replaces = decision.replaces == 0
                               ? ""
                               : arena_print(&world->arena, "\"replaces_record_id\":\"%s\",",
                                             gate->decisions[client][decision.replaces - 1].number);
    bool is_lost = is_planted(world, gate, client, &told);
    const char *text = consent_text(world, gate, client, &told, replaces);
    decision.number = arena_print(&world->arena, "%cC-%u", gate->org[0], gate->records);
    bool accepted = is_lost || clinic_hand_over(world, at, text);
    world_tell(world, "C-%d %s consent %s at %s to %s, dated %s%s%s", client, says[decision.form],
               decision.number, gate->org, share_list(world, decision.named),
               clock_text(&world->arena, decision.written_ms),
               decision.replaces == 0 ? "" : ", replacing one", accepted ? "" : " (not accepted)");
    if (accepted)
        gate->decisions[client][(*count)++] = decision;
}

void consents_withdraw(struct world *world, int at, int client, int from)
{
    sign(world, at, client,
         (struct decision){.form = WITHDRAWS,
                           .named = 1u << from,
                           .from_ms = FIRST_WRITTEN_MS,
                           .until_ms = INT64_MAX});
}

/* One or both of the other clinics, or somebody by name, or all of them. */
static unsigned whom(struct world *world, int at)
{
    unsigned named = 0;
    unsigned some = 1 + world_random(world) % 3;
    for (unsigned i = 0; i < GATES - 1; i++) {
        if (some >> i & 1)
            named |= 1u << (((unsigned)at + 1 + i) % GATES);
    }
    if (world_chance(world, 75))
        return named;
    unsigned person = 1u << (GATES + world_random(world) % (HANDLES - GATES));
    return world_chance(world, 50) ? person : named | person;
}

void consents_sign(struct world *world, int at, int client)
{
    static const enum form forms[] = {ALLOWS,           ALLOWS,  ALLOWS,    ALLOWS,   ALLOWS,
                                      ALLOWS_REFERRALS, REFUSES, WITHDRAWS, WITHDRAWS};
    const struct gate *gate = &world->gates[at];
    int64_t day_ms = clock_wall_ms(&gate->setup.clock) / DAY_MS * DAY_MS;
    struct decision decision = {.form = forms[world_random(world) % (sizeof forms / sizeof *forms)],
                                .named = whom(world, at),
                                .from_ms = FIRST_WRITTEN_MS,
                                .until_ms = INT64_MAX};
    if (decision.form != WITHDRAWS && world_chance(world, 30))
        decision.until_ms = day_ms + DAY_MS;
    else if (decision.form != WITHDRAWS && world_chance(world, 8))
        decision.from_ms = day_ms + DAY_MS;
    if (gate->decision_count[client] > 0 && world_chance(world, 12))
        decision.replaces = 1 + world_random(world) % gate->decision_count[client];
    sign(world, at, client, decision);
}

void consents_give(struct world *world, int at, int client)
{
    sign(world, at, client,
         (struct decision){.form = ALLOWS,
                           .named = ((1u << GATES) - 1) & ~(1u << at),
                           .from_ms = FIRST_WRITTEN_MS,
                           .until_ms = INT64_MAX});
}
