/* gate: one gateway of the simulated world: its store, its transactions, and its deaths.
 *
 * Some gates serve as the real service does: a group is promised by the journal, and the database's
 * own commit follows some groups later, or is lost with the process, which then does the groups
 * again from the journal. A death may also leave a torn group at the end of the journal. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/referral/recall.h"
#include "gateway/store/lived.h"
#include "tests/sim/parts.h"

enum {
    TEMPLATE_MAX = 4 << 20,
    JOURNAL_MAX = 1 << 20,
    SECTOR = 512,
    PADDING = 0xa5,
    TURN_BYTES = 24 << 10 /* a few groups */
};

static struct arena shared; /* of the process: directory, partners */
static struct partner partners[GATES + 1];
static char template_bytes[TEMPLATE_MAX];
static size_t template_length;
static struct writer *nowhere;
static unsigned char before[JOURNAL_MAX], after[JOURNAL_MAX];

static const char *const orgs[GATES] = {"lakeside", "riverbend", "willow"};
static const char *const people[GATES] = {"osei", "tanaka", "alvarez"};

/* ---- once a process ---- */

static bool make_template(const char *folder)
{
    struct store *store;
    struct fault fault;
    const char *path = arena_print(&shared, "%s/template.db", folder);
    if (!store_open(path, &store, &shared, &fault))
        return false;
    store_close(store);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return false;
    template_length = fread(template_bytes, 1, TEMPLATE_MAX, file);
    fclose(file);
    if (!store_open(path, &store, &shared, &fault))
        return false;
    nowhere = writer_inline(store);
    return template_length > 0;
}

struct writer *gate_nowhere(void)
{
    return nowhere;
}

bool world_prepare(const char *folder, const char *directory_csv)
{
    struct finding_list findings = finding_list_new(&shared);
    for (int i = 0; i <= GATES; i++) { /* in the order of a partner list */
        const char *name = i == 0 ? EAST : orgs[i - 1];
        partner_new(&shared, name, &findings, &partners[i]);
        partner_set(&shared, &partners[i], "url",
                    arena_print(&shared, "https://%s.example/fhir", name), &findings);
    }
    return findings.count == 0 && places_prepare(&shared, directory_csv) && make_template(folder);
}

/* ---- the journal's newest file ---- */

const char *gate_journal_file(struct arena *arena, const struct gate *gate)
{
    const char *folder =
        arena_print(arena, "%.*s.journal", (int)(strlen(gate->path) - strlen(".db")), gate->path);
    const char *newest = "";
    DIR *files = opendir(folder);
    if (files == NULL)
        return NULL;
    for (struct dirent *file; (file = readdir(files)) != NULL;) {
        if (file->d_name[0] != '.' && strcmp(file->d_name, newest) > 0)
            newest = arena_copy(arena, file->d_name);
    }
    closedir(files);
    return newest[0] == '\0' ? NULL : arena_print(arena, "%s/%s", folder, newest);
}

static size_t read_journal(const char *path, unsigned char *bytes)
{
    FILE *file = path == NULL ? NULL : fopen(path, "rb");
    size_t length = file == NULL ? 0 : fread(bytes, 1, JOURNAL_MAX, file);
    if (file != NULL)
        fclose(file);
    return length;
}

/* Of the group that was written since `before` was read, only a part came to the disk: the rest, or
 * one of its sectors, is as it was. (Rubbish there would be rot, which the store refuses.) */
static void tear(struct world *world, const char *path, size_t length_before)
{
    size_t length = read_journal(path, after);
    size_t first = 0, last = length;
    memset(before + length_before, 0, JOURNAL_MAX - length_before);
    while (first < length && before[first] == after[first])
        first++;
    while (last > first && before[last - 1] == after[last - 1])
        last--;
    size_t behind = last;
    while (last > first && (after[last - 1] == PADDING || before[last - 1] == after[last - 1]))
        last--; /* without its padding a group is whole */
    if (first == last)
        return;
    size_t cut = first + world_random(world) % (last - first);
    size_t end = world_chance(world, 30) ? (cut / SECTOR + 1) * SECTOR : last;
    if (end < last && cut / SECTOR * SECTOR > first)
        cut = cut / SECTOR * SECTOR;
    else
        end = behind;
    memcpy(after + cut, before + cut, end - cut);
    FILE *file = fopen(path, "r+b");
    if (file == NULL || fwrite(after, 1, length, file) != length)
        exit(2);
    fclose(file);
    world_tell(world, "  a torn group of %zu bytes is left at %zu of its journal", cut - first,
               first);
}

void gate_remove_files(const struct gate *gate)
{
    struct arena arena = ARENA_EMPTY;
    const char *folder =
        arena_print(&arena, "%.*s.journal", (int)(strlen(gate->path) - strlen(".db")), gate->path);
    for (const char *file; (file = gate_journal_file(&arena, gate)) != NULL;)
        remove(file);
    remove(folder);
    remove(gate->path);
    remove(arena_print(&arena, "%s-wal", gate->path));
    remove(arena_print(&arena, "%s-shm", gate->path));
    arena_free(&arena);
}

/* ---- life ---- */

static int64_t sim_monotonic(const struct clock *clock)
{
    return clock->fixed_ms; /* the simulated world has no other */
}

static int64_t sim_wall(const struct clock *clock)
{
    return clock->fixed_ms;
}

/* So that one mistake is found soon: writers who are elsewhere by another's directory. */
static bool moves_often(const struct world *world)
{
    return world->plant == PLANT_REPLY_TO_AUTHOR;
}

static void set_up(struct world *world, struct gate *gate, int index)
{
    struct partner *others = arena_array(&world->arena, GATES, sizeof *others);
    size_t count = 0;
    for (int i = 0; i <= GATES; i++) {
        if (i != index + 1)
            others[count++] = partners[i];
    }
    gate->org = orgs[index];
    gate->person = people[index];
    gate->setup.config = config_defaults(&world->arena);
    gate->setup.config.org = gate->org;
    if (world->is_old) {
        gate->setup.config.park_after_hours = world->plant == PLANT_PARKS_EARLY ? 1 : PARK_HOURS;
        gate->setup.config.ledger_days = LEDGER_DAYS;
        gate->setup.config.payload_days = 1;
    }
    gate->setup.partners = (struct partner_list){others, count};
    place_set(world, gate,
              world_chance(world, moves_often(world) ? 90 : 40) ? world_random(world) % 3 : 0);
    gate->setup.coding = coding_standard();
    gate->setup.clock = (struct clock){sim_wall, sim_monotonic, world->now_ms};
    gate->setup.references = 1000; /* never freed by a unit: the world owns it */
}

static bool try_to_open(struct world *world, struct gate *gate, struct fault *ret_fault)
{
    if (!store_open(gate->path, &gate->store, &world->arena, ret_fault))
        return false;
    if (!gate->is_serving || store_serve(gate->store, ret_fault)) {
        if (gate->turns)
            store_turn_journal_at(gate->store, TURN_BYTES);
        return true;
    }
    store_close(gate->store);
    return false;
}

static void write_template(const struct gate *gate)
{
    FILE *file = fopen(gate->path, "wb");
    if (file == NULL || fwrite(template_bytes, 1, template_length, file) != template_length)
        exit(2);
    fclose(file);
}

/* A world whose store cannot be opened has ended: with an empty one the others are not in its way.
 */
void gate_open(struct world *world, struct gate *gate)
{
    struct fault fault;
    files_lock(world, gate);
    if (!try_to_open(world, gate, &fault)) {
        world_break(world, "%s cannot open its store: %s", gate->org, fault_sentence(&fault));
        gate_remove_files(gate);
        write_template(gate);
        if (!try_to_open(world, gate, &fault))
            exit(2);
    }
    gate->writer = writer_inline(gate->store);
}

void gate_close(struct gate *gate)
{
    writer_stop(gate->writer);
    store_close(gate->store);
    files_unlock(gate);
}

void gate_begin(struct world *world, int index, const char *folder)
{
    struct gate *gate = &world->gates[index];
    const char *dir = arena_print(&world->arena, "%s/%s", folder, orgs[index]);
    gate->path = arena_print(&world->arena, "%s/store.db", dir);
    files_begin(gate, dir);
    write_template(gate);
    gate->is_serving = world_chance(world, 40) && world->plant != PLANT_NO_ORDER;
    gate->turns = gate->is_serving && world_chance(world, 50);
    set_up(world, gate, index);
    gate->setup.dir = dir;
    gate_open(world, gate);
}

void gate_end(struct gate *gate)
{
    gate_close(gate);
    gate_remove_files(gate);
    files_end(gate);
}

static void ask_partners(struct world *world, struct gate *gate)
{
    struct setup reached = gate->setup; /* nobody answers for EAST */
    reached.partners.items++;
    reached.partners.count--;
    recall_ask(gate->store, &reached, &world->arena, clock_wall_ms(&gate->setup.clock));
}

void gate_recover(struct world *world, struct gate *gate)
{
    struct fault fault;
    store_begin(gate->store);
    if (world->plant != PLANT_NO_RECOVERY)
        store_requeue_claimed(gate->store, world->now_ms);
    ask_partners(world, gate);
    if (!store_commit(gate->store, &fault))
        world_break(world, "%s cannot start: %s", gate->org, fault_sentence(&fault));
}

void gate_restart(struct world *world, int index)
{
    struct gate *gate = &world->gates[index];
    world_tell(world, "%s dies and is started again", gate->org);
    int64_t lived_ms = store_lived_ms(gate->store);
    store_rollback(gate->store); /* what the database has not committed dies with the process */
    gate_close(gate);
    gate->life++;
    memset(gate->paces, 0, sizeof gate->paces);
    memset(&gate->east_pace, 0, sizeof gate->east_pace);
    struct disk_rot rot = disk_rot(world, gate);
    gate_open(world, gate);
    disk_compare(world, gate, &rot);
    store_let_live(gate->store, lived_ms - store_lived_ms(gate->store)); /* by the wall clock */
    gate_recover(world, gate);
}

/* ---- transactions ---- */

/* As the writer's thread does: promised by the journal, and seen by others some groups later. */
static void promise(struct world *world, struct gate *gate, struct unit *unit)
{
    unit->fault = (struct fault){FAULT_none, NULL};
    store_begin(gate->store);
    store_mark(gate->store);
    if (unit->run(unit, gate->store))
        store_keep(gate->store);
    else
        store_undo(gate->store);
    if (world->plant != PLANT_ACK_BEFORE_SYNC && !store_sync(gate->store, &unit->fault))
        world_break(world, "%s cannot promise: %s", gate->org, fault_sentence(&unit->fault));
    if (world_chance(world, 30) && !store_commit(gate->store, &unit->fault))
        world_break(world, "%s cannot commit: %s", gate->org, fault_sentence(&unit->fault));
}

/* The process dies while the group is on its way to the disk. Where the journal has turned to a new
 * file with it, the group is there. */
static enum committed die_before(struct world *world, int index, struct unit *unit)
{
    struct gate *gate = &world->gates[index];
    struct arena arena = ARENA_EMPTY;
    struct fault fault;
    const char *file = gate->is_serving ? gate_journal_file(&arena, gate) : NULL;
    size_t length = read_journal(file, before);
    bool has_turned = false;
    store_begin(gate->store);
    unit->run(unit, gate->store);
    if (gate->is_serving && length > 0 && world_chance(world, 50)) {
        store_sync(gate->store, &fault);
        has_turned = strcmp(file, gate_journal_file(&arena, gate)) != 0;
        if (!has_turned)
            tear(world, file, length);
    }
    store_rollback(gate->store);
    gate_restart(world, index);
    arena_free(&arena);
    return has_turned ? DIED_AFTER : DIED_BEFORE;
}

enum committed gate_commit(struct world *world, int index, struct unit *unit)
{
    struct gate *gate = &world->gates[index];
    if (!world->is_healed && world_chance(world, 2))
        return die_before(world, index, unit);
    if (gate->is_serving)
        promise(world, gate, unit);
    else
        writer_call(gate->writer, unit);
    if (world->is_healed || !world_chance(world, 2))
        return COMMITTED;
    gate_restart(world, index);
    return DIED_AFTER;
}
