/* coding: look-ups in the built-in tables, with a clinic's rows in front. See coding.h. */
#include "fhir/codes/coding.h"

#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/hash.h"
#include "base/nearest.h"
#include "fhir/codes/coding_tables.h"

struct coding {
    const struct coding_row *own; /* the clinic's rows, in file order */
    size_t own_count;
};

const struct coding *coding_standard(void)
{
    static const struct coding standard = {NULL, 0};
    return &standard;
}

/* A kind is a word of ours, so its hash is enough; ANY_KIND: every one will do. */
enum { ANY_KIND = 0 };

static uint32_t kind_hash(const char *kind)
{
    return kind == NULL ? ANY_KIND : hash_name(kind, strlen(kind));
}

static bool is_of(const struct coding_row *row, uint32_t kind)
{
    return kind == ANY_KIND || row->kind_hash == kind;
}

/* The first built-in row of KEY, or NULL. */
static const struct coding_row *first_of(const char *key)
{
    size_t at = hash_name(key, strlen(key)) & coding_slots_by_key_mask;
    for (; coding_slots_by_key[at] != 0; at = (at + 1) & coding_slots_by_key_mask) {
        const struct coding_row *row = &coding_rows[coding_slots_by_key[at] - 1];
        if (strcmp(row->key, key) == 0)
            return row;
    }
    return NULL;
}

/* Of ROW and those of its key that follow. */
static const struct coding_row *first_of_kind(const struct coding_row *row, uint32_t kind)
{
    while (row != NULL && !is_of(row, kind))
        row = row->more > 0 ? row + 1 : NULL;
    return row;
}

static bool is_own(const struct coding *coding, const struct coding_row *row)
{
    return coding->own_count > 0 && row >= coding->own && row < coding->own + coding->own_count;
}

const struct coding_row *coding_next(const struct coding *coding, const char *kind_name,
                                     const char *key, const struct coding_row *start)
{
    bool is_built_in = start != NULL && !is_own(coding, start);
    if (is_built_in && start->more == 0) /* as nearly always */
        return NULL;
    uint32_t kind = kind_hash(kind_name);
    if (is_built_in)
        return first_of_kind(start + 1, kind);
    for (size_t i = start == NULL ? 0 : (size_t)(start - coding->own) + 1; i < coding->own_count;
         i++) {
        if (is_of(&coding->own[i], kind) && strcmp(coding->own[i].key, key) == 0)
            return &coding->own[i];
    }
    return first_of_kind(first_of(key), kind);
}

const struct coding_row *coding_find(const struct coding *coding, const char *kind, const char *key)
{
    return coding_next(coding, kind, key, NULL);
}

/* ---- back from a code ---- */

static int compare_code(const struct coding_row *row, const char *system, const char *code)
{
    int order = strcmp(row->system, system);
    return order != 0 ? order : strcmp(row->code, code);
}

/* The name of a product code system ("technique") when SYSTEM lies under BASE, else SYSTEM. */
static const char *table_system(const char *base, const char *system)
{
    static const char folder[] = "/CodeSystem/";
    size_t length = base == NULL ? 0 : strlen(base);
    if (length == 0 || strncmp(system, base, length) != 0 ||
        strncmp(system + length, folder, sizeof folder - 1) != 0)
        return system;
    return system + length + sizeof folder - 1;
}

/* Index into coding_by_code of the first row that is not before SYSTEM and CODE. */
static size_t lower_bound(const char *system, const char *code)
{
    size_t from = 0;
    size_t to = coding_row_count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (compare_code(&coding_rows[coding_by_code[middle]], system, code) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

const struct coding_row *coding_find_code(const struct coding *coding, const char *base,
                                          const char *kind_name, const char *system,
                                          const char *code)
{
    uint32_t kind = kind_hash(kind_name);
    if (system == NULL || code == NULL)
        return NULL;
    for (size_t i = 0; i < coding->own_count; i++) {
        const struct coding_row *row = &coding->own[i];
        if (is_of(row, kind) && compare_code(row, system, code) == 0)
            return row;
    }
    const char *table = table_system(base, system);
    size_t at = hash_name(code, strlen(code)) & coding_slots_by_code_mask;
    for (; coding_slots_by_code[at] != 0; at = (at + 1) & coding_slots_by_code_mask) {
        const struct coding_row *row = &coding_rows[coding_slots_by_code[at] - 1];
        bool may_be = is_of(row, kind) && row->is_local == (table != system);
        if (may_be && strcmp(row->code, code) == 0 && strcmp(row->system, table) == 0)
            return row;
    }
    return NULL;
}

static bool is_beside(const struct coding_row *row, const char *kind, const char *key)
{
    return strcmp(row->kind, kind) == 0 &&
           (text_equal(row->also[0], key) || text_equal(row->also[1], key));
}

const struct coding_row *coding_beside(const struct coding *coding, const char *kind,
                                       const char *key, const struct coding_row *start)
{
    bool was_own = start == NULL || is_own(coding, start);
    size_t at = start == NULL ? 0 : (size_t)(start - (was_own ? coding->own : coding_rows)) + 1;
    for (; was_own && at < coding->own_count; at++) {
        if (is_beside(&coding->own[at], kind, key))
            return &coding->own[at];
    }
    for (at = was_own ? 0 : at; at < coding_row_count; at++) {
        if (is_beside(&coding_rows[at], kind, key))
            return &coding_rows[at];
    }
    return NULL;
}

const struct coding_row *coding_below(const char *system, const char *code)
{
    size_t at = lower_bound(system, code);
    while (at < coding_row_count &&
           compare_code(&coding_rows[coding_by_code[at]], system, code) == 0)
        at++;
    if (at == coding_row_count)
        return NULL;
    const struct coding_row *row = &coding_rows[coding_by_code[at]];
    return strcmp(row->system, system) == 0 && text_starts(row->code, code) ? row : NULL;
}

/* ---- nearest words ---- */

const char *coding_nearest(const struct coding *coding, const char *kind, const char *word)
{
    struct nearest nearest = nearest_start(word);
    for (size_t i = 0; i < coding->own_count; i++) {
        if (kind == NULL || strcmp(coding->own[i].kind, kind) == 0)
            nearest_try(&nearest, coding->own[i].key);
    }
    for (size_t i = 0; i < coding_row_count; i++) {
        if (kind == NULL || strcmp(coding_rows[i].kind, kind) == 0)
            nearest_try(&nearest, coding_rows[i].key);
    }
    return nearest.best;
}

/* ---- measures and units ---- */

const struct measure_row *coding_measure(const char *key)
{
    for (size_t i = 0; key != NULL && i < coding_measure_count; i++) {
        if (strcmp(coding_measures[i].key, key) == 0)
            return &coding_measures[i];
    }
    return NULL;
}

const char *coding_measure_nearest(const char *word)
{
    struct nearest nearest = nearest_start(word);
    for (size_t i = 0; i < coding_measure_count; i++)
        nearest_try(&nearest, coding_measures[i].key);
    return nearest.best;
}

const struct unit_row *coding_unit(const char *written)
{
    for (size_t i = 0; written != NULL && i < coding_unit_count; i++) {
        if (strcmp(coding_units[i].written, written) == 0)
            return &coding_units[i];
    }
    return NULL;
}

const struct measure_unit_row *coding_measure_unit(const char *measure, size_t index)
{
    for (size_t i = 0; i < coding_measure_unit_count; i++) {
        if (strcmp(coding_measure_units[i].measure, measure) == 0 && index-- == 0)
            return &coding_measure_units[i];
    }
    return NULL;
}

const char *coding_unit_nearest(const char *word)
{
    struct nearest nearest = nearest_start(word);
    for (size_t i = 0; i < coding_unit_count; i++)
        nearest_try(&nearest, coding_units[i].written);
    return nearest.best;
}

const char *coding_unit_of(const char *ucum)
{
    for (size_t i = 0; ucum != NULL && i < coding_unit_count; i++) {
        if (strcmp(coding_units[i].ucum, ucum) == 0)
            return coding_units[i].written;
    }
    return NULL;
}

const struct unit_row *coding_unit_at(size_t index)
{
    return index < coding_unit_count ? &coding_units[index] : NULL;
}

/* ---- a clinic's own map ---- */

enum { MAP_KEY, MAP_SYSTEM, MAP_CODE, MAP_DISPLAY, MAP_UNIT, MAP_KIND, MAP_COLUMNS };

static const char *const map_columns[MAP_COLUMNS] = {"key",     "system", "code",
                                                     "display", "unit",   "kind"};

static const char *nearest_kind(const char *word)
{
    struct nearest nearest = nearest_start(word);
    for (size_t i = 0; i < coding_row_count; i++)
        nearest_try(&nearest, coding_rows[i].kind);
    return nearest.best;
}

static bool is_kind(const char *word)
{
    for (size_t i = 0; i < coding_row_count; i++) {
        if (strcmp(coding_rows[i].kind, word) == 0)
            return true;
    }
    return false;
}

static bool read_header(struct csv *csv, const struct csv_row *header, int columns[MAP_COLUMNS],
                        struct finding_list *findings)
{
    bool complete = true;
    for (int i = 0; i < MAP_COLUMNS; i++) {
        columns[i] = csv_column(header, map_columns[i]);
        if (columns[i] >= 0 || i == MAP_DISPLAY || i == MAP_UNIT)
            continue;
        finding_add(findings,
                    (struct finding){
                        .row = header->number,
                        .path = map_columns[i],
                        .found = "no such column",
                        .expected = arena_print(csv->arena, "a column named %s", map_columns[i])});
        complete = false;
    }
    return complete;
}

static bool read_row(const struct csv_row *row, const int columns[MAP_COLUMNS],
                     struct coding_row *ret_row, struct finding_list *findings)
{
    const char *cells[MAP_COLUMNS];
    for (int i = 0; i < MAP_COLUMNS; i++) {
        cells[i] = csv_value(row, columns[i]);
        if (cells[i] != NULL || i == MAP_DISPLAY || i == MAP_UNIT)
            continue;
        finding_add(findings, (struct finding){.row = row->number,
                                               .path = map_columns[i],
                                               .line = row->line,
                                               .found = "nothing",
                                               .expected = "a value in every row"});
        return false;
    }
    if (!is_kind(cells[MAP_KIND])) {
        finding_add(findings, (struct finding){.row = row->number,
                                               .path = "kind",
                                               .line = row->line,
                                               .found = cells[MAP_KIND],
                                               .expected = "a kind of the built-in code tables",
                                               .nearest = nearest_kind(cells[MAP_KIND])});
        return false;
    }
    *ret_row = (struct coding_row){.key = cells[MAP_KEY],
                                   .system = cells[MAP_SYSTEM],
                                   .code = cells[MAP_CODE],
                                   .display = cells[MAP_DISPLAY],
                                   .unit = cells[MAP_UNIT],
                                   .kind = cells[MAP_KIND],
                                   .kind_hash = kind_hash(cells[MAP_KIND])};
    return true;
}

const struct coding *coding_with_map(struct arena *arena, const char *csv, size_t length,
                                     const char *file, struct finding_list *findings)
{
    struct coding *coding = arena_alloc(arena, sizeof *coding);
    struct coding_row *own = NULL;
    size_t room = 0;
    int columns[MAP_COLUMNS];
    bool has_header = false;
    struct csv reader;
    struct csv_row row;
    enum csv_answer answer;
    findings->file = file;
    if (!csv_start(&reader, arena, csv, length, findings))
        return coding;
    while ((answer = csv_next(&reader, &row, findings)) != CSV_END) {
        if (answer == CSV_FAULT || row.is_blank)
            continue;
        if (!has_header) {
            if (!read_header(&reader, &row, columns, findings))
                return coding;
            has_header = true;
            continue;
        }
        own = arena_room(arena, own, sizeof *own, coding->own_count, &room, 32);
        if (read_row(&row, columns, &own[coding->own_count], findings))
            coding->own_count++;
        coding->own = own;
    }
    return coding;
}
