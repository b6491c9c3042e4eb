/* disk: what happens to the files of a simulated gateway: retention lets go of what is old, a
 * backup is taken and put back, a byte of the journal changes.
 *
 * A restore takes from the model, too, what it takes from the store: what was written and decided
 * since the backup is forgotten. Somebody has the records yet and hands them in again at the end;
 * where both sides then stand apart, it must be named for a person (check.c). */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/maintenance/retention.h"
#include "gateway/store/backup.h"
#include "gateway/store/lived.h"
#include "tests/sim/parts.h"

enum { PAGE = 64, ROTTEN_MAX = 64, SLICES_MAX = 500, OLD_MS = 1800 * 1000 };

struct file {
    const char *name; /* in the journal's folder; NULL: the database */
    char *bytes;
    size_t length;
};

struct kept { /* a backup, and the model as it was then */
    struct file *files;
    size_t count;
    struct decision decisions[CLIENTS][DECISIONS_MAX];
    size_t decision_count[CLIENTS];
    struct own own[OWN_MAX];
    size_t own_count;
    int64_t row; /* its newest message */
    int64_t lived_ms;
    uint64_t takings;
};

/* ---- files ---- */

static const char *journal_folder(struct arena *arena, const char *path)
{
    return arena_print(arena, "%.*s.journal", (int)(strlen(path) - strlen(".db")), path);
}

static struct file read_file(struct arena *arena, const char *path, size_t most)
{
    struct stat about;
    struct file read = {.bytes = NULL};
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return read;
    if (fstat(fileno(file), &about) != 0)
        exit(2);
    size_t length = (size_t)about.st_size < most ? (size_t)about.st_size : most;
    read.bytes = arena_alloc(arena, length + 1);
    read.length = fread(read.bytes, 1, length, file);
    fclose(file);
    return read;
}

static void write_file(const char *path, const struct file *written)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(written->bytes, 1, written->length, file) != written->length)
        exit(2);
    fclose(file);
}

/* The database at PATH, and its journal beside it. */
static void write_files(struct arena *arena, const char *path, const struct file *files,
                        size_t count)
{
    const char *folder = journal_folder(arena, path);
    for (size_t i = 0; i < count; i++) {
        if (files[i].name != NULL)
            mkdir(folder, 0700);
        write_file(files[i].name == NULL ? path
                                         : arena_print(arena, "%s/%s", folder, files[i].name),
                   &files[i]);
    }
}

static int by_name(const void *one, const void *other)
{
    return strcmp(((const struct file *)one)->name, ((const struct file *)other)->name);
}

/* The files of the journal as they lie there, in their order. */
static size_t read_journal(struct arena *arena, const char *path, struct file *ret_files)
{
    const char *folder = journal_folder(arena, path);
    size_t count = 0;
    DIR *entries = opendir(folder);
    if (entries == NULL)
        return 0;
    for (struct dirent *entry; (entry = readdir(entries)) != NULL && count < ROTTEN_MAX;) {
        if (entry->d_name[0] == '.')
            continue;
        const char *name = arena_copy(arena, entry->d_name);
        ret_files[count] = read_file(arena, arena_print(arena, "%s/%s", folder, name), SIZE_MAX);
        ret_files[count++].name = name;
    }
    closedir(entries);
    qsort(ret_files, count, sizeof *ret_files, by_name);
    return count;
}

/* ---- retention ---- */

struct sweeping { /* a unit */
    struct unit unit;
    const struct store_ages *ages;
    const struct store_old *old;
    size_t count;
    uint32_t below;
    bool has_freed;
};

static bool let_go(struct unit *unit, struct store *store)
{
    const struct sweeping *sweeping = (struct sweeping *)unit;
    for (size_t i = 0; i < sweeping->count; i++)
        store_let_go(store, unit->arena, sweeping->ages, &sweeping->old[i]);
    return true;
}

static bool give_back(struct unit *unit, struct store *store)
{
    struct sweeping *sweeping = (struct sweeping *)unit;
    sweeping->has_freed = store_free_segment(store, sweeping->below);
    return true;
}

/* Planted: the oldest file goes, whatever is in it. */
static void remove_oldest(struct gate *gate)
{
    struct arena arena = ARENA_EMPTY;
    struct file files[ROTTEN_MAX];
    size_t count = read_journal(&arena, gate->path, files);
    if (count > 1)
        remove(arena_print(&arena, "%s/%s", journal_folder(&arena, gate->path), files[0].name));
    arena_free(&arena);
}

/* Reads what is old as care.c does, beside the writer, and lets go of it in units. Ids are kept: no
 * message of this world is older than the time for which it may be tried. */
static bool sweep_page(struct world *world, int at, struct store *reader, struct store_sweep *sweep)
{
    struct gate *gate = &world->gates[at];
    struct arena arena = ARENA_EMPTY;
    struct store_old *old;
    struct store_ages ages = {.payload_before_ms = store_lived_ms(gate->store) - OLD_MS};
    if (world->plant == PLANT_SHORT_LEDGER)
        ages.row_before_ms = ages.payload_before_ms;
    unsigned life = gate->life;
    struct sweeping sweeping = {.unit = {.run = let_go, .arena = &arena}, .ages = &ages};
    sweeping.count = store_find_old(reader, &arena, &ages, PAGE, sweep, &old);
    sweeping.old = old;
    if (sweeping.count > 0)
        gate_commit(world, at, &sweeping.unit);
    arena_free(&arena);
    return gate->life == life;
}

static void free_segments(struct world *world, int at, struct store *reader)
{
    struct arena arena = ARENA_EMPTY;
    struct sweeping sweeping = {.unit = {.run = give_back, .arena = &arena},
                                .below = store_first_segment(reader)};
    do {
        sweeping.has_freed = false;
        gate_commit(world, at, &sweeping.unit);
    } while (sweeping.has_freed);
    arena_free(&arena);
}

/* As the service does it, slice by slice, by the settings. */
static void retain(struct world *world, int at)
{
    struct gate *gate = &world->gates[at];
    struct retention retention = {.removed_rows = 0};
    const struct office office = files_office(gate, gate->writer);
    int slices = 0;
    files_settle(gate);
    while (retention_slice(&retention, &office) && ++slices < SLICES_MAX)
        continue;
    world_tell(world, "%s lets go of what is old by its settings: %llu rows", gate->org,
               (unsigned long long)retention.removed_rows);
    if (slices == SLICES_MAX)
        world_break(world, "%s: retention finds no end", gate->org);
}

static void sweep(struct world *world, int at)
{
    struct gate *gate = &world->gates[at];
    struct arena arena = ARENA_EMPTY;
    struct store *reader;
    struct fault fault;
    struct store_sweep sweep = {.message = 0};
    bool lives = true;
    world_tell(world, "%s lets go of what is old", gate->org);
    if (world->plant == PLANT_REMOVES_UNREAD)
        remove_oldest(gate);
    if (!store_open_reader(gate->path, &reader, &arena, &fault)) {
        world_break(world, "%s cannot read its store: %s", gate->org, fault_sentence(&fault));
    } else {
        while (lives && !sweep.is_done)
            lives = sweep_page(world, at, reader, &sweep);
        if (lives)
            free_segments(world, at, reader);
        store_close(reader);
    }
    arena_free(&arena);
}

/* ---- backups ---- */

static void keep_files(struct world *world, struct gate *gate, struct kept *kept,
                       const struct store_copy *copy)
{
    kept->files = arena_array(&world->arena, copy->segment_count + 1, sizeof *kept->files);
    kept->files[0] = read_file(&world->arena, copy->database, SIZE_MAX);
    for (size_t i = 0; i < copy->segment_count; i++) {
        const struct store_segment *segment = &copy->segments[i];
        kept->files[i + 1] = read_file(&world->arena, segment->path, segment->length);
        kept->files[i + 1].name = arena_copy(&world->arena, segment->name);
    }
    kept->count = copy->segment_count + 1;
    world_tell(world, "%s is backed up", gate->org);
}

static void keep_model(const struct world *world, struct gate *gate, struct kept *kept)
{
    memcpy(kept->decisions, gate->decisions, sizeof kept->decisions);
    memcpy(kept->decision_count, gate->decision_count, sizeof kept->decision_count);
    memcpy(kept->own, gate->own, sizeof kept->own);
    kept->own_count = gate->own_count;
    kept->takings = world->takings;
    kept->row = store_next_message(gate->store) - 1;
    kept->lived_ms = store_lived_ms(gate->store);
}

static void back_up(struct world *world, int at)
{
    struct gate *gate = &world->gates[at];
    struct arena arena = ARENA_EMPTY;
    struct store *reader;
    struct store_copy copy;
    struct fault fault;
    const char *path = arena_print(&arena, "%s.copy", gate->path);
    struct kept *kept = arena_alloc(&world->arena, sizeof *kept);
    keep_model(world, gate, kept);
    if (!store_open_reader(gate->path, &reader, &arena, &fault)) {
        world_break(world, "%s cannot be backed up: %s", gate->org, fault_sentence(&fault));
    } else {
        if (store_copy_take(reader, path, &arena, &copy, &fault)) {
            keep_files(world, gate, kept, &copy);
            store_copy_release(&copy);
            gate->kept = kept;
        } else {
            world_break(world, "%s cannot be backed up: %s", gate->org, fault_sentence(&fault));
        }
        store_close(reader);
    }
    remove(path);
    arena_free(&arena);
}

/* ---- and the way back ---- */

static bool is_lost(const struct kept *kept, const struct own *own)
{
    for (size_t i = 0; i < kept->own_count; i++) {
        if (strcmp(kept->own[i].number, own->number) == 0)
            return false;
    }
    return true;
}

/* Of a record that came back everything was forgotten but what its receivers did. */
static void put_back_own(struct gate *gate, const struct kept *kept)
{
    for (size_t i = 0; i < gate->own_count; i++) {
        struct own *own = &gate->own[i];
        if (!is_lost(kept, own)) {
            bool is_returned = own->is_returned;
            for (size_t k = 0; k < kept->own_count; k++) {
                if (strcmp(kept->own[k].number, own->number) == 0)
                    *own = kept->own[k];
            }
            own->is_returned = is_returned;
        } else if (gate->lost_count < OWN_MAX) {
            own->is_replaced = own->is_retracted = own->is_confirmed = false;
            own->dropped = 0;
            gate->lost[gate->lost_count++] = *own;
        }
    }
    size_t count = 0;
    for (size_t i = 0; i < gate->own_count; i++) {
        if (!is_lost(kept, &gate->own[i]))
            gate->own[count++] = gate->own[i];
    }
    gate->own_count = count;
}

static void put_back_model(struct world *world, int at, const struct kept *kept)
{
    struct gate *gate = &world->gates[at];
    memcpy(gate->decisions, kept->decisions, sizeof kept->decisions);
    memcpy(gate->decision_count, kept->decision_count, sizeof kept->decision_count);
    put_back_own(gate, kept);
    gate->restored_row = kept->row;
    gate->restored_life = gate->life;
    gate->is_restored = true;
    for (size_t i = 0; i < world->message_count; i++) {
        struct message *message = &world->messages[i];
        if (message->gate == at && message->row > kept->row)
            message->gate = NOWHERE; /* its number is somebody else's from now on */
        if (message->effects > 0 && message->to == at && message->taken_at > kept->takings)
            message->effects = 0;
    }
    for (size_t i = 0; i < world->lane_count; i++) {
        if (world->lanes[i].from == at || world->lanes[i].to == at)
            world->lanes[i].last = 0;
    }
}

static void begin_epoch(struct world *world, struct gate *gate)
{
    struct store *store;
    struct fault fault;
    bool opened = store_open(gate->path, &store, &world->arena, &fault);
    if (opened && world->plant != PLANT_NO_EPOCH) {
        store_begin(store);
        store_begin_epoch(store);
        store_commit(store, &fault);
    }
    if (opened)
        store_close(store);
    else
        world_break(world, "a backup of %s cannot be used: %s", gate->org, fault_sentence(&fault));
}

static void restore(struct world *world, int at)
{
    struct gate *gate = &world->gates[at];
    struct arena arena = ARENA_EMPTY;
    world_tell(world, "%s is put back from its backup", gate->org);
    store_rollback(gate->store);
    gate_close(gate);
    gate_remove_files(gate);
    write_files(&arena, gate->path, gate->kept->files, gate->kept->count);
    put_back_model(world, at, gate->kept);
    gate->life++;
    memset(gate->paces, 0, sizeof gate->paces);
    memset(&gate->east_pace, 0, sizeof gate->east_pace);
    begin_epoch(world, gate);
    gate_open(world, gate);
    /* the service notes it every few minutes; here days may pass between two of its groups */
    store_let_live(gate->store, gate->kept->lived_ms - store_lived_ms(gate->store));
    gate_recover(world, gate);
    arena_free(&arena);
}

void disk_hand_in_again(struct world *world, int at)
{
    struct gate *gate = &world->gates[at];
    for (size_t i = 0; i < gate->lost_count; i++) {
        struct own own = gate->lost[i];
        if (!clinic_hand_over(world, at, own.text))
            continue;
        world_tell(world, "%s hands in %s %s again", gate->org, own.kind, own.number);
        own_remember(gate, &own);
        memmove(&gate->lost[i], &gate->lost[i + 1],
                (gate->lost_count - i - 1) * sizeof *gate->lost);
        gate->lost_count--;
        i--;
    }
}

void disk_act(struct world *world, int at)
{
    struct gate *gate = &world->gates[at];
    uint32_t what = world_random(world) % 100;
    if (world->is_old && what % 2 == 0)
        retain(world, at);
    else if (!world->is_restless || what < 20)
        sweep(world, at);
    else if (gate->kept == NULL || what < 35)
        back_up(world, at);
    else
        restore(world, at);
}

/* ---- rot ---- */

/* One byte of what was written is another one. */
static const char *spoil(struct world *world, struct arena *arena, struct file *files, size_t count)
{
    struct file *file = &files[world_random(world) % count];
    while (file->length > 0 && file->bytes[file->length - 1] == 0)
        file->length--; /* was only reserved */
    if (file->length == 0)
        return NULL;
    size_t offset = world_random(world) % file->length;
    file->bytes[offset] ^= (char)(1 << world_random(world) % 8);
    return arena_print(arena, "byte %zu of %s", offset, file->name);
}

static void read_state(struct store *store, int64_t *ret_messages, int64_t *ret_audits)
{
    *ret_messages = store_next_message(store);
    *ret_audits = store_count_audits(store);
}

static void open_rotten(struct world *world, const char *path, struct disk_rot *rot)
{
    struct store *store;
    struct fault fault;
    rot->was_opened = store_open(path, &store, &world->arena, &fault);
    if (!rot->was_opened) {
        world_tell(world, "  with %s changed: %s", rot->place, fault_sentence(&fault));
        return;
    }
    read_state(store, &rot->messages, &rot->audits);
    store_close(store);
}

/* On a copy: the gate itself goes on with sound files. */
struct disk_rot disk_rot(struct world *world, struct gate *gate)
{
    struct disk_rot rot = {.is_tried = false};
    struct arena arena = ARENA_EMPTY;
    struct file files[ROTTEN_MAX + 2];
    if (!gate->is_serving || !world_chance(world, 15))
        return rot;
    const char *copy =
        arena_print(&arena, "%.*s-rot.db", (int)(strlen(gate->path) - strlen(".db")), gate->path);
    size_t count = read_journal(&arena, gate->path, files);
    rot.place = count == 0 ? NULL : spoil(world, &world->arena, files, count);
    if (rot.place != NULL) {
        struct gate other = {.path = copy};
        struct file log = read_file(&arena, arena_print(&arena, "%s-wal", gate->path), SIZE_MAX);
        files[count++] = read_file(&arena, gate->path, SIZE_MAX);
        gate_remove_files(&other);
        write_files(&arena, copy, files, count);
        write_file(arena_print(&arena, "%s-wal", copy), &log);
        rot.is_tried = true;
        open_rotten(world, copy, &rot);
        gate_remove_files(&other);
    }
    arena_free(&arena);
    return rot;
}

/* Either the start refused it in words, or nothing of what was promised is missing. */
void disk_compare(struct world *world, struct gate *gate, const struct disk_rot *rot)
{
    int64_t messages, audits;
    if (!rot->is_tried || !rot->was_opened || world->why[0] != '\0')
        return;
    read_state(gate->store, &messages, &audits);
    if (messages != rot->messages || audits != rot->audits)
        world_break(world,
                    "%s was opened with %s changed, and lacks what was promised: %lld messages of "
                    "%lld, %lld audit rows of %lld",
                    gate->org, rot->place, (long long)rot->messages, (long long)messages,
                    (long long)rot->audits, (long long)audits);
}
