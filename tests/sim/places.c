/* places: who works where and which system serves which clinic, as each gate's directory.csv says
 * at the moment.
 *
 * A person leaves a clinic for another one or for none; a clinic moves to another system (here one
 * that nobody reaches, so that what is made for it must come back). Every such generation of the
 * directory is read once a process; a gate changes over to one at run time, as a reload does. */
#include <stdio.h>
#include <string.h>

#include "tests/sim/parts.h"

enum { LAYOUTS = 3, GENERATIONS = 2 * LAYOUTS };

static const struct place {
    const char *handle;
    int at[LAYOUTS]; /* a gate, or NOWHERE */
    const char *row; /* what its row in the CSV holds, up to works_at */
} places[HANDLES] = {
    {"lakeside", {0, 0, 0}, NULL},
    {"riverbend", {1, 1, 1}, NULL},
    {"willow", {2, 2, 2}, NULL},
    {"osei", {0, 0, 0}, NULL},
    {"tanaka", {1, 1, 1}, NULL},
    {"alvarez", {2, 2, 2}, NULL},
    {"lindqvist", {0, 1, NOWHERE}, "9900000081,"},
    {"wisniewski", {2, 2, 0}, "9900000065,"},
    {"npi:1234567893", {NOWHERE, NOWHERE, NOWHERE}, NULL}, /* in no directory */
};

static struct directory *generations[GENERATIONS];
/* Planted: what a partner claims of the stranger and of lindqvist decides where they are. */
static struct directory *claimed;

/* TEXT with the first FOUND followed by INSTEAD in the place of the word that stands there. */
static const char *with_word(struct arena *arena, const char *text, const char *found,
                             const char *instead)
{
    const char *at = strstr(text, found) + strlen(found);
    return arena_print(arena, "%.*s%s%s", (int)(at - text), text, instead,
                       at + strcspn(at, ",\r\n"));
}

static struct directory *read_text(struct arena *arena, const char *text,
                                   struct finding_list *findings)
{
    struct directory *directory = directory_new(arena);
    directory_read(directory, text, strlen(text), "directory.csv", findings);
    return directory;
}

bool places_prepare(struct arena *arena, const char *csv)
{
    struct finding_list findings = finding_list_new(arena);
    for (size_t i = 0; i < GENERATIONS; i++) {
        const char *text = csv;
        for (size_t h = 0; h < HANDLES; h++) {
            int at = places[h].at[i % LAYOUTS];
            if (places[h].row != NULL)
                text =
                    with_word(arena, text, places[h].row, at == NOWHERE ? "" : places[at].handle);
        }
        if (i >= LAYOUTS)
            text = with_word(arena, text, "intake@riverbend.example,", EAST);
        generations[i] = read_text(arena, text, &findings);
    }
    const char *text = arena_print(arena,
                                   "%snpi:1234567893,person,Somebody,,,massage-therapist,"
                                   "1234567893,riverbend,,,\n",
                                   with_word(arena, csv, "9900000081,", "riverbend"));
    claimed = read_text(arena, text, &findings);
    return findings.count == 0;
}

const char *place_handle(unsigned handle)
{
    return places[handle].handle;
}

bool place_find(const char *handle, size_t length, unsigned *ret_handle)
{
    for (unsigned h = 0; h < HANDLES; h++) {
        *ret_handle = h;
        if (strlen(places[h].handle) == length && strncmp(places[h].handle, handle, length) == 0)
            return true;
    }
    return false;
}

int place_clinic(const struct gate *gate, unsigned handle)
{
    return places[handle].at[gate->generation % LAYOUTS];
}

const char *place_server(const struct gate *gate, int clinic)
{
    return gate->generation >= LAYOUTS && clinic == EAST_SERVES ? EAST : places[clinic].handle;
}

void place_set(struct world *world, struct gate *gate, unsigned generation)
{
    gate->generation = generation % GENERATIONS;
    gate->setup.directory =
        world->plant == PLANT_ROUTES_BY_CLAIMS ? claimed : generations[gate->generation];
}

/* People stay where they went; the clinics are with their first systems again. */
void place_settle(struct world *world, struct gate *gate)
{
    place_set(world, gate, gate->generation % LAYOUTS);
}

void place_move(struct world *world, int at)
{
    struct gate *gate = &world->gates[at];
    unsigned generation = world_random(world) % LAYOUTS;
    if (at != EAST_SERVES && world_chance(world, 25))
        generation += LAYOUTS;
    place_set(world, gate, generation);
    world_tell(world, "%s: lindqvist is at %s, riverbend with %s", gate->org,
               place_clinic(gate, 6) == NOWHERE ? "no clinic"
                                                : places[place_clinic(gate, 6)].handle,
               place_server(gate, EAST_SERVES));
}
