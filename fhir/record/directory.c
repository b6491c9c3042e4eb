/* directory: rows of directory.csv in file order, found through hashes of handles and of NPIs. See
 * directory.h. Nothing changes after the last directory_read, so threads ask it without a lock. */
#include "fhir/record/directory.h"

#include <stdint.h>
#include <string.h>

#include "base/csv.h"
#include "base/nearest.h"
#include "fhir/codes/coding.h"

/* Hash -> index of an entry + 1; a power of two, at most half full. */
struct index {
    unsigned *slots;
    const char *(*key)(const struct directory_entry *entry); /* NULL: the entry is not in it */
};

struct alias { /* another name of an entry */
    const char *name;
    const struct directory_entry *entry;
    struct alias *next; /* of the same hash */
};

struct directory {
    struct arena *arena;
    struct directory_entry **entries;
    size_t count, room;
    size_t slot_count;
    struct index handles, npis;
    struct alias **aliases; /* ALIAS_SLOTS of them; NULL: there are none */
};

enum { ALIAS_SLOTS = 1 << 12 };

static const char *handle_of(const struct directory_entry *entry)
{
    return entry->handle;
}

static const char *npi_of(const struct directory_entry *entry)
{
    return entry->npi;
}

struct directory *directory_new(struct arena *arena)
{
    struct directory *directory = arena_alloc(arena, sizeof *directory);
    directory->arena = arena;
    directory->handles.key = handle_of;
    directory->npis.key = npi_of;
    return directory;
}

/* ---- NPI ---- */

bool directory_npi_valid(const char *npi)
{
    if (npi == NULL || strlen(npi) != 10 || strspn(npi, "0123456789") != 10)
        return false;
    int sum = 24; /* of the prefix 80840 (ISO 7812 issuer of the NPI) */
    for (int i = 0; i < 10; i++) {
        int digit = npi[i] - '0';
        if (i % 2 == 0) {
            digit *= 2;
            if (digit > 9)
                digit -= 9;
        }
        sum += digit;
    }
    return sum % 10 == 0;
}

/* ---- the hashes ---- */

static size_t hash_of(const char *text)
{
    uint32_t hash = 2166136261u;
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * 16777619u;
    return hash;
}

static unsigned *slot_of(const struct directory *directory, const struct index *index,
                         const char *key)
{
    size_t mask = directory->slot_count - 1;
    size_t at = hash_of(key) & mask;
    while (index->slots[at] != 0 &&
           strcmp(index->key(directory->entries[index->slots[at] - 1]), key) != 0)
        at = (at + 1) & mask;
    return &index->slots[at];
}

static struct directory_entry *look_up(const struct directory *directory, const struct index *index,
                                       const char *key)
{
    if (directory->slot_count == 0 || key == NULL)
        return NULL;
    unsigned place = *slot_of(directory, index, key);
    return place == 0 ? NULL : directory->entries[place - 1];
}

static struct directory_entry *known(const struct directory *directory, const char *handle)
{
    return look_up(directory, &directory->handles, handle);
}

/* Of several entries with one key the first holds. */
static void put(struct directory *directory, struct index *index, size_t entry)
{
    const char *key = index->key(directory->entries[entry]);
    unsigned *slot = key == NULL ? NULL : slot_of(directory, index, key);
    if (slot != NULL && *slot == 0)
        *slot = (unsigned)entry + 1;
}

static void build(struct directory *directory, struct index *index)
{
    index->slots = arena_array(directory->arena, directory->slot_count, sizeof *index->slots);
    for (size_t i = 0; i < directory->count; i++)
        put(directory, index, i);
}

static void make_room(struct directory *directory)
{
    if (directory->count < directory->room)
        return;
    size_t room = directory->room == 0 ? 32 : directory->room * 2;
    directory->entries = arena_grow(directory->arena, directory->entries,
                                    directory->room * sizeof(void *), room * sizeof(void *));
    directory->room = room;
    directory->slot_count = room * 2;
    build(directory, &directory->handles);
    build(directory, &directory->npis);
}

static void add(struct directory *directory, const struct directory_entry *entry)
{
    make_room(directory);
    struct directory_entry *copy = arena_alloc(directory->arena, sizeof *copy);
    *copy = *entry;
    directory->entries[directory->count] = copy;
    put(directory, &directory->handles, directory->count);
    put(directory, &directory->npis, directory->count);
    directory->count++;
}

/* ---- reading ---- */

enum {
    HANDLE,
    KIND,
    NAME,
    GIVEN_NAMES,
    FAMILY_NAME,
    PROFESSION,
    NPI,
    WORKS_AT,
    PHONE,
    EMAIL,
    PARTNER,
    COLUMNS
};

static const char *const column_names[COLUMNS] = {
    "handle", "kind",     "name",  "given_names", "family_name", "profession",
    "npi",    "works_at", "phone", "email",       "partner"};

struct reading {
    struct directory *directory;
    struct finding_list *findings;
    struct csv csv;
    struct csv_row row; /* the header, then each row */
    int columns[COLUMNS];
};

static void fault(struct reading *reading, int column, const char *found, const char *expected,
                  const char *nearest)
{
    int at = column < 0 ? -1 : reading->columns[column];
    const struct csv_cell *cell =
        at >= 0 && (size_t)at < reading->row.count ? &reading->row.cells[at] : NULL;
    finding_add(reading->findings,
                (struct finding){.row = reading->row.number,
                                 .path = column < 0 ? NULL : column_names[column],
                                 .line = cell == NULL ? reading->row.line : cell->line,
                                 .column = cell == NULL ? 0 : cell->column,
                                 .found = found,
                                 .expected = expected,
                                 .nearest = nearest});
}

static bool read_header(struct reading *reading)
{
    bool complete = true;
    for (int i = 0; i < COLUMNS; i++) {
        reading->columns[i] = csv_column(&reading->row, column_names[i]);
        if (reading->columns[i] >= 0 || (i != HANDLE && i != KIND && i != NAME))
            continue;
        fault(reading, i, "no such column", "the columns handle, kind and name at least", NULL);
        complete = false;
    }
    for (size_t i = 0; i < reading->row.count; i++) {
        const char *name = reading->row.cells[i].text;
        bool is_known = name[0] == '\0';
        for (int j = 0; j < COLUMNS; j++)
            is_known = is_known || strcmp(name, column_names[j]) == 0;
        if (is_known)
            continue;
        finding_add(reading->findings,
                    (struct finding){.row = reading->row.number,
                                     .path = name,
                                     .line = reading->row.cells[i].line,
                                     .column = reading->row.cells[i].column,
                                     .found = "an unknown column",
                                     .expected = "only the columns of a directory",
                                     .nearest = nearest_of(name, column_names, COLUMNS)});
    }
    return complete;
}

static bool handle_is_right(const char *handle)
{
    if (text_starts(handle, "npi:"))
        return directory_npi_valid(handle + 4);
    size_t length = strlen(handle);
    return length <= 64 &&
           strspn(handle, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/") ==
               length;
}

static const char *quote(struct reading *reading, const char *text)
{
    return arena_print(reading->directory->arena, "\"%s\"", text);
}

static bool handle_is_free(struct reading *reading, const char *handle)
{
    if (known(reading->directory, handle) == NULL)
        return true;
    fault(reading, HANDLE, quote(reading, handle), "each handle once", NULL);
    return false;
}

static bool profession_is_right(struct reading *reading, const char *profession)
{
    if (profession == NULL || coding_find(coding_standard(), "specialty", profession) != NULL)
        return true;
    fault(reading, PROFESSION, quote(reading, profession), "a profession of the code tables",
          coding_nearest(coding_standard(), "specialty", profession));
    return false;
}

/* The first cell that is wrong is the row's finding. */
static bool check_cells(struct reading *reading, const char *const *cells)
{
    static const char *const kinds[] = {"person", "clinic", NULL};
    for (int i = HANDLE; i <= NAME; i++) {
        if (text_is_blank(cells[i])) {
            fault(reading, i, "nothing", "a value in every row", NULL);
            return false;
        }
    }
    if (!text_is_one_of(cells[KIND], kinds)) {
        fault(reading, KIND, quote(reading, cells[KIND]), "person or clinic",
              nearest_of(cells[KIND], kinds, 2));
        return false;
    }
    if (!handle_is_right(cells[HANDLE])) {
        fault(reading, HANDLE, quote(reading, cells[HANDLE]),
              "1 to 64 of A-Z a-z 0-9 . _ - /, or npi: and a right NPI", NULL);
        return false;
    }
    if (cells[NPI] != NULL && !directory_npi_valid(cells[NPI])) {
        fault(reading, NPI, quote(reading, cells[NPI]),
              "ten digits with a right check digit; the number is mistyped", NULL);
        return false;
    }
    return profession_is_right(reading, cells[PROFESSION]) &&
           handle_is_free(reading, cells[HANDLE]);
}

static bool read_row(struct reading *reading, struct directory_entry *ret_entry)
{
    const char *cells[COLUMNS];
    for (int i = 0; i < COLUMNS; i++)
        cells[i] = csv_value(&reading->row, reading->columns[i]);
    if (!check_cells(reading, cells))
        return false;
    bool is_person = strcmp(cells[KIND], "person") == 0;
    *ret_entry = (struct directory_entry){
        .handle = cells[HANDLE],
        .is_person = is_person,
        .name = cells[NAME],
        .given_names = cells[GIVEN_NAMES],
        .family_name = cells[FAMILY_NAME],
        .profession = cells[PROFESSION],
        .npi = cells[NPI] == NULL && text_starts(cells[HANDLE], "npi:") ? cells[HANDLE] + 4
                                                                        : cells[NPI],
        .works_at = is_person ? cells[WORKS_AT] : NULL,
        .phone = cells[PHONE],
        .email = cells[EMAIL],
        .partner = cells[PARTNER]};
    return true;
}

/* A clinic may stand below the people who work there, so this is asked when all rows are read. */
static void check_works_at(struct directory *directory, size_t from, struct finding_list *findings)
{
    for (size_t i = from; i < directory->count; i++) {
        struct directory_entry *entry = directory->entries[i];
        const struct directory_entry *clinic = known(directory, entry->works_at);
        if (entry->works_at == NULL || (clinic != NULL && !clinic->is_person))
            continue;
        struct nearest nearest = nearest_start(entry->works_at);
        for (size_t j = 0; j < directory->count; j++) {
            if (!directory->entries[j]->is_person)
                nearest_try(&nearest, directory->entries[j]->handle);
        }
        finding_add(
            findings,
            (struct finding){.path = arena_print(directory->arena, "%s.works_at", entry->handle),
                             .found = arena_print(directory->arena, "\"%s\"", entry->works_at),
                             .expected = "the handle of a clinic of this directory",
                             .nearest = nearest.best});
        entry->works_at = NULL;
    }
}

static void read_rows(struct reading *reading, const char *csv, size_t length)
{
    struct finding_list *findings = reading->findings;
    struct directory *directory = reading->directory;
    bool has_header = false;
    enum csv_answer answer;
    if (!csv_start(&reading->csv, directory->arena, csv, length, findings))
        return;
    while ((answer = csv_next(&reading->csv, &reading->row, findings)) != CSV_END) {
        struct directory_entry entry;
        if (answer == CSV_FAULT || reading->row.is_blank)
            continue;
        if (!has_header) {
            if (!read_header(reading))
                return;
            has_header = true;
        } else if (read_row(reading, &entry)) {
            add(directory, &entry);
        }
    }
}

void directory_read(struct directory *directory, const char *csv, size_t length, const char *file,
                    struct finding_list *findings)
{
    struct reading reading = {.directory = directory, .findings = findings};
    size_t from = directory->count;
    const char *outer = findings->file;
    findings->file = file;
    read_rows(&reading, csv, length);
    check_works_at(directory, from, findings);
    findings->file = outer;
}

/* ---- what joins the rows ---- */

static const char *why_not(const struct directory *directory, const struct directory_entry *entry)
{
    if (text_is_blank(entry->handle) || text_is_blank(entry->name) ||
        !handle_is_right(entry->handle))
        return "its handle or name is none that a directory may hold";
    if (entry->npi != NULL && !directory_npi_valid(entry->npi))
        return "its NPI is mistyped";
    if (directory_find(directory, entry->handle) != NULL)
        return "directory.csv has its handle";
    return directory_find_npi(directory, entry->npi) != NULL ? "directory.csv has its NPI" : NULL;
}

const char *directory_join(struct directory *directory, const struct directory_entry *entry)
{
    const char *why = why_not(directory, entry);
    if (why != NULL)
        return why;
    struct directory_entry joined = *entry;
    const struct directory_entry *clinic = known(directory, entry->works_at);
    if (!entry->is_person || clinic == NULL || clinic->is_person)
        joined.works_at = NULL;
    if (entry->profession != NULL &&
        coding_find(coding_standard(), "specialty", entry->profession) == NULL)
        joined.profession = NULL;
    add(directory, &joined);
    return NULL;
}

static struct alias *find_alias(const struct directory *directory, const char *name)
{
    if (directory->aliases == NULL || name == NULL)
        return NULL;
    struct alias *alias = directory->aliases[hash_of(name) % ALIAS_SLOTS];
    while (alias != NULL && strcmp(alias->name, name) != 0)
        alias = alias->next;
    return alias;
}

bool directory_alias(struct directory *directory, const char *name, const char *handle)
{
    const struct directory_entry *entry = directory_find(directory, handle);
    if (entry == NULL || directory_find(directory, name) != NULL)
        return false;
    if (directory->aliases == NULL)
        directory->aliases = arena_array(directory->arena, ALIAS_SLOTS, sizeof(void *));
    struct alias **slot = &directory->aliases[hash_of(name) % ALIAS_SLOTS];
    struct alias *alias = arena_alloc(directory->arena, sizeof *alias);
    *alias = (struct alias){arena_copy(directory->arena, name), entry, *slot};
    *slot = alias;
    return true;
}

/* ---- asking ---- */

const struct directory_entry *directory_find_npi(const struct directory *directory, const char *npi)
{
    return look_up(directory, &directory->npis, npi);
}

const struct directory_entry *directory_find(const struct directory *directory, const char *handle)
{
    const struct directory_entry *entry = known(directory, handle);
    if (entry == NULL && text_starts(handle, "npi:"))
        entry = directory_find_npi(directory, handle + 4);
    const struct alias *alias = entry == NULL ? find_alias(directory, handle) : NULL;
    return alias == NULL ? entry : alias->entry;
}

static const struct directory_entry *stranger(struct arena *arena, const char *handle)
{
    struct directory_entry *entry = arena_alloc(arena, sizeof *entry);
    entry->handle = arena_copy(arena, handle);
    entry->npi = entry->handle + 4;
    entry->name = arena_print(arena, "NPI %s", entry->npi);
    entry->is_person = true;
    return entry;
}

const struct directory_entry *directory_meet(const struct directory *directory, struct arena *arena,
                                             const char *handle)
{
    const struct directory_entry *entry = directory_find(directory, handle);
    bool is_stranger = entry == NULL && handle != NULL && text_starts(handle, "npi:") &&
                       directory_npi_valid(handle + 4);
    return is_stranger ? stranger(arena, handle) : entry;
}

const struct directory_entry *directory_clinic(const struct directory *directory,
                                               const struct directory_entry *entry)
{
    if (entry == NULL || !entry->is_person)
        return entry;
    return known(directory, entry->works_at);
}

const char *directory_clinic_handle(const struct directory *directory, const char *handle)
{
    const struct directory_entry *clinic =
        directory_clinic(directory, directory_find(directory, handle));
    return clinic == NULL ? NULL : clinic->handle;
}

const char *directory_partner(const struct directory *directory,
                              const struct directory_entry *entry, const char *our)
{
    if (entry == NULL)
        return NULL;
    const struct directory_entry *clinic = directory_clinic(directory, entry);
    if (text_equal(entry->handle, our) || (clinic != NULL && text_equal(clinic->handle, our)))
        return NULL;
    const struct directory_entry *named = entry->partner != NULL ? entry : clinic;
    if (named == NULL || named->partner == NULL)
        return NULL;
    return strcmp(named->partner, "self") == 0 ? named->handle : named->partner;
}

const char *directory_nearest(const struct directory *directory, const char *word)
{
    struct nearest nearest = nearest_start(word);
    for (size_t i = 0; i < directory->count; i++)
        nearest_try(&nearest, directory->entries[i]->handle);
    return nearest.best;
}

size_t directory_count(const struct directory *directory)
{
    return directory->count;
}

const struct directory_entry *directory_at(const struct directory *directory, size_t index)
{
    return index < directory->count ? directory->entries[index] : NULL;
}
