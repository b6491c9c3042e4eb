/* world: the order of events, from a seed. See world.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/store/lived.h"
#include "tests/sim/parts.h"

enum { SLICES = 4 };
static const int64_t HOUR_MS = 3600000;

const char *const plant_names[PLANTS] = {
    "none",
    "ack-before-commit",
    "no-ledger",
    "new-id-on-retry",
    "consent-once",
    "timeout-fails",
    "any-200",
    "no-order",
    "no-recovery",
    "busy-is-final",
    "speaks-for-others",
    "ack-before-sync",
    "forgets-cancels",
    "any-grant",
    "future-consent",
    "withdrawal-by-date",
    "routes-by-claims",
    "replaced-leaves",
    "wrong-client-leaves",
    "forgets-retraction",
    "without-attachments",
    "parked-is-passed",
    "wall-clock-parks",
    "reply-to-author",
    "order-refusal-final",
    "epochless-restore",
    "removes-unread-segment",
    "two-services",
    "answer-twice",
    "mark-before-file",
    "short-ledger",
    "parks-early",
};

/* ---- small things ---- */

uint32_t world_random(struct world *world)
{
    uint64_t z = (world->random += 0x9e3779b97f4a7c15u); /* splitmix64 */
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)((z ^ (z >> 31)) >> 32);
}

bool world_chance(struct world *world, unsigned percent)
{
    return world_random(world) % 100 < percent;
}

void world_tell(struct world *world, const char *format, ...)
{
    va_list arguments;
    if (!world->tells)
        return;
    printf("%4u  ", world->step);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
}

void world_break(struct world *world, const char *format, ...)
{
    va_list arguments;
    if (world->why[0] != '\0')
        return;
    va_start(arguments, format);
    vsnprintf(world->why, WHY_MAX, format, arguments);
    va_end(arguments);
    world_tell(world, "BROKEN: %s", world->why);
}

/* ---- life of a world ---- */

struct world *world_new(const char *folder, uint64_t seed, enum plant plant, bool tells)
{
    struct world *world = calloc(1, sizeof *world);
    if (world == NULL)
        return NULL;
    world->random = seed * 0x2545f4914f6cdd1du + 1;
    world->plant = plant;
    world->is_hasty = seed % 4 == 0;
    world->is_restless = seed % 5 == 0;
    world->is_meddled = seed % 7 == 0;
    world->is_old = (seed % 6 == 1 && !world->is_restless) || plant == PLANT_SHORT_LEDGER ||
                    plant == PLANT_PARKS_EARLY;
    world->tells = tells;
    world->now_ms = 1793000000000; /* a day of October 2026 */
    world->checked_ms = world->now_ms;
    for (int i = 0; i < GATES; i++)
        gate_begin(world, i, folder);
    return world;
}

static void advance(struct world *world, int64_t ms)
{
    world->now_ms += ms;
    for (int i = 0; i < GATES; i++) {
        world->gates[i].setup.clock.fixed_ms += ms;
        store_let_live(world->gates[i].store, ms);
    }
}

/* A clock that was wrong is set, forwards or back, by up to twenty minutes; or it is set wrong, by
 * weeks. */
static void jump(struct world *world)
{
    struct gate *gate = &world->gates[world_random(world) % GATES];
    int64_t off = (int64_t)(world_random(world) % 2400000) - 1200000;
    if (world_chance(world, 30))
        off += (int64_t)(4 + world_random(world) % 20) * 86400000;
    world_tell(world, "the clock of %s is set, and is off by %lld s", gate->org,
               (long long)(off / 1000));
    gate->setup.clock.fixed_ms = world->now_ms + off;
}

/* Whatever waits is tried now and then meanwhile. */
static void let_pass(struct world *world, int64_t ms)
{
    for (unsigned i = 0; i < SLICES && world->why[0] == '\0'; i++) {
        wire_forget(world);
        advance(world, ms / SLICES);
        for (int k = 0; k < GATES * GATES; k++) {
            if (k % GATES != k / GATES)
                wire_look(world, k / GATES, k % GATES);
        }
        for (int k = 0; k < GATES; k++)
            wire_move(world);
    }
}

static void let_time_pass(struct world *world)
{
    unsigned days = 1 + world_random(world) % 3;
    if (world_chance(world, 50)) {
        let_pass(world, 3 * HOUR_MS);
        return;
    }
    world->half_days += 2 * days;
    world_tell(world, "%u days pass", days);
    let_pass(world, days * 24 * HOUR_MS);
}

static void toggle_cut(struct world *world)
{
    int one = (int)(world_random(world) % GATES);
    int other = (int)(world_random(world) % GATES);
    bool is_cut = !world->is_cut[one][other];
    world->is_cut[one][other] = is_cut;
    world_tell(world, "%s -> %s is %s", world->gates[one].org, world->gates[other].org,
               is_cut ? "cut" : "mended");
}

static void look_somewhere(struct world *world)
{
    int from = (int)(world_random(world) % GATES);
    int to = (int)(world_random(world) % GATES);
    if (from != to)
        wire_look(world, from, to);
}

static void one_step(struct world *world)
{
    uint32_t kind = world_random(world) % 100;
    advance(world, 1000 + world_random(world) % 20000);
    if (world->is_old && world->half_days < 40 && world_chance(world, 15))
        let_time_pass(world);
    else if (world_chance(world, world->is_restless ? 7 : world->is_old ? 10 : 2))
        disk_act(world, (int)(world_random(world) % GATES));
    else if (world_chance(world, 3))
        files_act(world, (int)(world_random(world) % GATES));
    else if (kind < 30)
        clinic_act(world);
    else if (kind < 60)
        look_somewhere(world);
    else if (kind < 92)
        wire_move(world);
    else if (kind < 95)
        toggle_cut(world);
    else if (kind < 97)
        gate_restart(world, (int)(world_random(world) % GATES));
    else if (kind < 98)
        jump(world);
    else if (kind < 99 || world->half_days >= 3)
        advance(world, 600000);
    else {
        world->half_days++;
        advance(world, 43200000);
    }
}

/* Consents that have begun meanwhile let nothing more go. */
static bool is_at_rest(struct world *world)
{
    for (int i = 0; i < GATES; i++)
        clinic_review(world, i);
    return wire_is_quiet(world);
}

/* Everything works again; what is under way may arrive. */
static void heal(struct world *world)
{
    world_tell(world, "all is mended");
    world->is_healed = true;
    memset(world->is_cut, 0, sizeof world->is_cut);
    for (int i = 0; i < GATES; i++) {
        world->gates[i].setup.clock.fixed_ms = world->now_ms;
        place_settle(world, &world->gates[i]);
    }
    check_gates(world);
    for (int i = 0; i < GATES; i++) {
        desk_clear(world, i);
        clinic_review(world, i);
    }
    for (int round = 0; round < 400 && world->why[0] == '\0'; round++) {
        for (int i = 0; i < GATES; i++) {
            world->gates[i].setup.clock.fixed_ms = world->now_ms;
            for (int k = 0; k < GATES; k++) {
                if (i != k)
                    wire_look(world, i, k);
            }
        }
        for (size_t i = 0; i < 30; i++)
            wire_move(world);
        advance(world, 30000);
        for (int i = 0; i < GATES; i++)
            desk_clear(world, i);
        if (round > 3 && wire_is_quiet(world) && is_at_rest(world))
            return;
    }
}

const char *world_play(struct world *world, unsigned steps)
{
    for (int i = 0; i < GATES * CLIENTS; i++) {
        if (world->is_hasty)
            consents_give(world, i % GATES, i / GATES);
        else
            consents_sign(world, i % GATES, i / GATES);
    }
    steps = world->is_old ? steps * 3 / 2 : steps; /* much of it is waiting */
    for (world->step = 1; world->step <= steps && world->why[0] == '\0'; world->step++) {
        one_step(world);
        if (world->step % 8 == 0)
            check_gates(world);
    }
    if (world->why[0] == '\0')
        heal(world);
    if (world->why[0] == '\0')
        check_end(world);
    return world->why[0] == '\0' ? NULL : world->why;
}

void world_free(struct world *world)
{
    for (int i = 0; i < GATES; i++)
        gate_end(&world->gates[i]);
    arena_free(&world->arena);
    free(world);
}
