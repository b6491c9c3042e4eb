/* files: the data folder of a simulated gateway: its lock, which a second service must not get, and
 * records/in, where people take away what partners sent and answered.
 *
 * The export writes a file and marks it then; a process may die in between, which is played by
 * marks that go to another store. Kept beside it: which files have stood there, and what must come
 * to stand there by what arrived on the wire. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/export/answer_files.h"
#include "gateway/export/export.h"
#include "gateway/runtime/file.h"
#include "gateway/store/answers.h"
#include "tests/sim/parts.h"

enum { PAGES_MAX = 20 };

static const char *const folders[] = {"in", "to-match"};

/* ---- the folder ---- */

void files_begin(struct gate *gate, const char *dir)
{
    struct arena arena = ARENA_EMPTY;
    gate->dir = dir;
    gate->lock = -1;
    file_make_folder(dir, 0700);
    file_make_folder(arena_print(&arena, "%s/records", dir), 0700);
    for (size_t i = 0; i < 2; i++)
        file_make_folder(arena_print(&arena, "%s/records/%s", dir, folders[i]), 0700);
    arena_free(&arena);
}

void files_end(const struct gate *gate)
{
    file_remove_folder(gate->dir);
}

/* A process takes the lock before anything else, and it goes with the process. */
void files_lock(struct world *world, struct gate *gate)
{
    struct fault fault;
    if (world->plant != PLANT_NO_LOCK &&
        !office_lock(gate->dir, &world->arena, &gate->lock, &fault))
        world_break(world, "%s cannot start: %s", gate->org, fault_sentence(&fault));
}

void files_unlock(struct gate *gate)
{
    if (gate->lock >= 0)
        close(gate->lock);
    gate->lock = -1;
}

/* Somebody starts a second service on the folder. */
static void intrude(struct world *world, struct gate *gate)
{
    struct arena arena = ARENA_EMPTY;
    struct fault fault;
    int lock;
    world_tell(world, "a second service of %s is started", gate->org);
    if (office_lock(gate->dir, &arena, &lock, &fault)) {
        close(lock);
        world_break(world, "%s: two services work on one folder", gate->org);
    } else if (fault.kind != FAULT_locked) {
        world_break(world, "%s: a second service is refused for another reason: %s", gate->org,
                    fault_sentence(&fault));
    }
    arena_free(&arena);
}

/* ---- records/in ---- */

static bool ends(const char *text, const char *end)
{
    size_t length = strlen(text);
    return length >= strlen(end) && strcmp(text + length - strlen(end), end) == 0;
}

static struct filed *find(struct gate *gate, const char *name)
{
    for (size_t i = 0; i < gate->filed_count; i++) {
        if (strcmp(gate->filed[i].name, name) == 0)
            return &gate->filed[i];
    }
    return NULL;
}

static const char *read_text(struct arena *arena, const char *path)
{
    struct finding_list findings = finding_list_new(arena);
    size_t length;
    const char *text = file_read(arena, path, 1 << 20, &length, &findings);
    return text == NULL ? "" : text;
}

/* Once it is marked it never comes again, unless something became of it: it was retracted, somebody
 * decided whose it is, or a restore forgot it. */
static void check_again(struct world *world, const struct gate *gate, const struct filed *filed,
                        const char *text)
{
    const char *base = strchr(filed->name, '/') + 1;
    struct gate *mutable = &world->gates[gate - world->gates];
    bool is_answer = strstr(base, "--answer--") != NULL;
    bool is_decided = find(mutable, arena_print(&world->arena, "to-match/%s", base)) != NULL;
    bool is_retracted = strstr(text, "entered-in-error") != NULL;
    if (gate->is_restored)
        return;
    if (filed->is_away && !filed->is_unmarked && (is_answer || (!is_decided && !is_retracted)))
        world_break(world, "%s: records/%s came a second time", gate->org, filed->name);
    if (is_answer && strcmp(text, filed->text) != 0)
        world_break(world, "%s: records/%s says something else now", gate->org, filed->name);
}

static void look_at(struct world *world, struct gate *gate, const char *name, bool is_unmarked)
{
    struct arena *arena = &world->arena;
    const char *path = arena_print(arena, "%s/records/%s", gate->dir, name);
    const char *text = read_text(arena, path);
    struct filed *filed = find(gate, name);
    if (filed != NULL) {
        check_again(world, gate, filed, text);
    } else if (gate->filed_count < FILED_MAX) {
        filed = &gate->filed[gate->filed_count++];
        *filed = (struct filed){.name = name, .text = text};
        world_tell(world, "%s: records/%s", gate->org, name);
    } else {
        return;
    }
    filed->is_away = false;
    filed->is_unmarked = is_unmarked;
    const char *stem = arena_copy_n(arena, path, strlen(path) - strlen(".json"));
    if (strstr(text, "\"attachments\"") != NULL && strstr(text, "entered-in-error") == NULL &&
        !file_exists(arena_print(arena, "%s.files/letter.pdf", stem)))
        world_break(world, "%s: records/%s lacks what is attached to it", gate->org, name);
}

static void look(struct world *world, struct gate *gate, bool is_unmarked)
{
    for (size_t i = 0; i < 2; i++) {
        DIR *open = opendir(arena_print(&world->arena, "%s/records/%s", gate->dir, folders[i]));
        for (struct dirent *file; open != NULL && (file = readdir(open)) != NULL;) {
            if (ends(file->d_name, ".json"))
                look_at(world, gate, arena_print(&world->arena, "%s/%s", folders[i], file->d_name),
                        is_unmarked);
        }
        if (open != NULL)
            closedir(open);
    }
}

static void take_away(struct world *world, struct gate *gate)
{
    const char *in = arena_print(&world->arena, "%s/records/in", gate->dir);
    file_remove_folder(in);
    file_make_folder(in, 0700);
    for (size_t i = 0; i < gate->filed_count; i++)
        gate->filed[i].is_away |= strncmp(gate->filed[i].name, "in/", 3) == 0;
}

/* ---- the export ---- */

struct office files_office(struct gate *gate, struct writer *writer)
{
    return (struct office){.setup = &gate->setup, .writer = writer, .lock = -1};
}

static bool do_nothing(struct unit *unit, struct store *store)
{
    (void)unit;
    (void)store;
    return true;
}

void files_settle(struct gate *gate)
{
    struct arena arena = ARENA_EMPTY;
    struct unit unit = {.run = do_nothing, .arena = &arena};
    writer_call(gate->writer, &unit);
    arena_free(&arena);
}

static size_t write_page(struct gate *gate, struct writer *writer)
{
    struct arena arena = ARENA_EMPTY;
    struct alarm_texts news = {.arena = &arena};
    const struct office office = files_office(gate, writer);
    size_t written = export_sweep(&office, &news) + answer_files_sweep(&office, &news);
    arena_free(&arena);
    return written;
}

/* The process dies behind the files and before their marks. */
static void export_and_die(struct world *world, int at)
{
    struct gate *gate = &world->gates[at];
    struct writer *nowhere = gate_nowhere();
    files_settle(gate);
    write_page(gate, nowhere);
    look(world, gate, true);
    gate_restart(world, at);
}

static void export(struct world *world, int at)
{
    struct gate *gate = &world->gates[at];
    files_settle(gate);
    plant_before_export(world, gate);
    write_page(gate, gate->writer);
    look(world, gate, false);
    plant_after_export(world, gate);
}

void files_act(struct world *world, int at)
{
    struct gate *gate = &world->gates[at];
    uint32_t what = world_random(world) % 100;
    if (what < 20) {
        intrude(world, gate);
        return;
    }
    if (what < 35)
        export_and_die(world, at);
    else
        export(world, at);
    if (what % 2 == 0)
        take_away(world, gate);
}

/* ---- what must stand there ---- */

static void expect(struct gate *gate, const char *name, const char *word)
{
    if (gate->expected_count < FILED_MAX)
        gate->expected[gate->expected_count++] = (struct expected){name, word};
}

/* "in/willow--answer--lR-4--", up to its number in the referral's answers. */
static const char *answer_stem(struct world *world, const struct gate *gate, const char *clinic,
                               const struct store_referral *referral)
{
    bool is_ours = strcmp(referral->placer, gate->org) == 0;
    const char *number =
        is_ours ? referral->number
                : arena_print(&world->arena, "%s:%s", referral->placer, referral->number);
    const char *name = export_name(&world->arena, clinic, "answer", number);
    return arena_print(&world->arena, "in/%.*s--", (int)(strlen(name) - strlen(".json")), name);
}

/* The message ROW of CLINIC took effect at a gate: a record, or a move that the track tells of. */
void files_expect(struct world *world, struct gate *gate, const char *clinic,
                  const struct store_message *row)
{
    struct store_record record;
    struct store_referral referral;
    struct store_event *events;
    const struct track_move *move = track_find(row->kind);
    if (row->record != 0 && store_get_record(gate->store, &world->arena, row->record, &record) &&
        record.exported == 0)
        expect(gate, export_name(&world->arena, clinic, record.kind, record.number), NULL);
    if (move == NULL || row->referral == 0 ||
        !store_get_referral(gate->store, &world->arena, row->referral, &referral))
        return;
    gate->moves_taken++;
    size_t count = store_events(gate->store, &world->arena, row->referral, &events);
    for (size_t i = 0; i < count; i++) {
        if (events[i].message == row->id &&
            strncmp(events[i].what, move->sentence, strlen(move->sentence)) == 0)
            expect(gate, answer_stem(world, gate, clinic, &referral), move->word);
    }
}

/* The answers of one stem stand in the order in which they came: WORD is the next or a later one.
 */
static bool has_answer(struct world *world, struct gate *gate, const char *stem, const char *word,
                       unsigned *place)
{
    const char *said = arena_print(&world->arena, "\"move\": \"%s\"", word);
    const struct filed *filed;
    do {
        filed = find(gate, arena_print(&world->arena, "%s%u.json", stem, ++*place));
    } while (filed != NULL && strstr(filed->text, said) == NULL);
    return filed != NULL;
}

static void check_answers(struct world *world, struct gate *gate, size_t first)
{
    unsigned place = 0;
    const char *stem = gate->expected[first].name;
    for (size_t i = first; i < gate->expected_count; i++) {
        if (gate->expected[i].word == NULL || strcmp(gate->expected[i].name, stem) != 0)
            continue;
        if (!has_answer(world, gate, stem, gate->expected[i].word, &place))
            world_break(world, "%s was never told in records/in: %s of %s", gate->org,
                        gate->expected[i].word, stem);
        gate->expected[i].word = NULL;
        gate->expected[i].name = NULL;
    }
}

static void check_record_file(struct world *world, struct gate *gate, const char *name)
{
    for (size_t i = 0; i < 2; i++) {
        if (find(gate, arena_print(&world->arena, "%s/%s", folders[i], name)) != NULL)
            return;
    }
    struct store_match *matches;
    if (store_matches(gate->store, &world->arena, NULL, &matches) == 0)
        world_break(world, "%s never got the file %s", gate->org, name);
}

/* An answer about a referral; what tells of a note that was given back is none. */
static bool is_move(const struct filed *filed)
{
    return strstr(filed->name, "--answer--") != NULL &&
           (filed->text == NULL || strstr(filed->text, "\"move\": \"return\"") == NULL);
}

void files_check_end(struct world *world, int at)
{
    struct gate *gate = &world->gates[at];
    size_t answers = 0;
    size_t before;
    int page = 0;
    do {
        before = gate->filed_count;
        export(world, at);
    } while (gate->filed_count > before && ++page < PAGES_MAX);
    if (gate->is_restored)
        return; /* it forgot what had stood there */
    for (size_t i = 0; i < gate->filed_count; i++)
        answers += is_move(&gate->filed[i]);
    if (answers > gate->moves_taken)
        world_break(world, "%s: %zu answers stand in records/in, of %u that came", gate->org,
                    answers, gate->moves_taken);
    for (size_t i = 0; i < gate->expected_count; i++) {
        if (gate->expected[i].name == NULL)
            continue;
        if (gate->expected[i].word != NULL)
            check_answers(world, gate, i);
        else
            check_record_file(world, gate, gate->expected[i].name);
    }
}
