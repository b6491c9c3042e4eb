/* keys: see keys.h. Entries stand in the order they came; a table of cells, open addressing with
 * steps of one, finds them by hash. A key that is not there is known by one cell, which is what
 * nearly all look-ups end with. */
#include "gateway/store/journal/keys.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/store/journal/checksum.h"
#include "gateway/store/journal/wide.h"

enum {
    CELLS_FIRST = 1 << 10, /* a power of two; at most half of the cells are taken */
    RADIX = 1 << 16,
    CELLS_KEPT = 2 * KEYS_MOST,
    PASSES = 4,
    FILTER_BLOCKS = KEYS_FILTER_BYTES / 32
};

static void *zeros_new(size_t bytes)
{
    void *zeros = wide_new(bytes);
    return zeros == NULL ? NULL : memset(zeros, 0, bytes);
}

struct cell {
    uint32_t high;   /* of the hash; the low half says where to begin */
    uint32_t number; /* of the entry, + 1; 0: nothing here */
};

struct keys {
    struct key_entry *entries;
    struct cell *cells;
    size_t count, cell_count;
};

static bool make_cells(struct keys *keys, size_t cell_count)
{
    struct cell *cells = zeros_new(cell_count * sizeof *cells);
    if (cells == NULL)
        return false;
    struct key_entry *entries = realloc(keys->entries, cell_count / 2 * sizeof *entries);
    if (entries == NULL) {
        free(cells);
        return false;
    }
    free(keys->cells);
    keys->entries = entries;
    keys->cells = cells;
    keys->cell_count = cell_count;
    return true;
}

struct keys *keys_new(void)
{
    struct keys *keys = calloc(1, sizeof *keys);
    if (keys != NULL && make_cells(keys, CELLS_FIRST))
        return keys;
    keys_free(keys);
    return NULL;
}

void keys_free(struct keys *keys)
{
    if (keys == NULL)
        return;
    free(keys->entries);
    free(keys->cells);
    free(keys);
}

void keys_clear(struct keys *keys)
{
    keys->count = 0;
    if (keys->cell_count <= CELLS_KEPT || !make_cells(keys, CELLS_KEPT))
        memset(keys->cells, 0, keys->cell_count * sizeof *keys->cells);
}

static struct cell *cell_at(const struct keys *keys, int64_t hash, size_t step)
{
    return &keys->cells[((size_t)hash + step) & (keys->cell_count - 1)];
}

static uint32_t high_of(int64_t hash)
{
    return (uint32_t)((uint64_t)hash >> 32);
}

static void place(struct keys *keys, size_t entry)
{
    int64_t hash = keys->entries[entry].hash;
    size_t step = 0;
    while (cell_at(keys, hash, step)->number != 0)
        step++;
    *cell_at(keys, hash, step) = (struct cell){high_of(hash), (uint32_t)entry + 1};
}

void keys_add(struct keys *keys, int64_t hash, int64_t row)
{
    if (keys->count == keys->cell_count / 2) {
        if (!make_cells(keys, keys->cell_count * 2))
            abort(); /* as an arena without memory */
        for (size_t i = 0; i < keys->count; i++)
            place(keys, i);
    }
    keys->entries[keys->count] = (struct key_entry){hash, row};
    place(keys, keys->count++);
}

size_t keys_count(const struct keys *keys)
{
    return keys->count;
}

void keys_expect(const struct keys *keys, int64_t hash)
{
    __builtin_prefetch(cell_at(keys, hash, 0));
}

bool keys_next(const struct keys *keys, int64_t hash, size_t *at, int64_t *ret_row)
{
    for (;;) {
        const struct cell *cell = cell_at(keys, hash, (*at)++);
        if (cell->number == 0)
            return false;
        const struct key_entry *entry = &keys->entries[cell->number - 1];
        if (cell->high != high_of(hash) || entry->hash != hash)
            continue;
        *ret_row = entry->row;
        return true;
    }
}

/* One pass of a radix sort, by 16 bits of the hash. Keeps the order of equals. */
static void sort_pass(const struct key_entry *from, struct key_entry *to, size_t count,
                      uint32_t *places, int pass)
{
    int shift = 16 * pass;
    memset(places, 0, RADIX * sizeof *places);
    for (size_t i = 0; i < count; i++)
        places[from[i].hash >> shift & (RADIX - 1)]++;
    uint32_t place = 0;
    for (size_t i = 0; i < RADIX; i++) {
        uint32_t here = places[i];
        places[i] = place;
        place += here;
    }
    for (size_t i = 0; i < count; i++)
        to[places[from[i].hash >> shift & (RADIX - 1)]++] = from[i];
}

struct key_entry *keys_sorted(const struct keys *keys)
{
    struct key_entry *one = malloc((keys->count + 1) * sizeof *one);
    struct key_entry *other = malloc((keys->count + 1) * sizeof *other);
    uint32_t *places = malloc(RADIX * sizeof *places);
    bool has_memory = one != NULL && other != NULL && places != NULL;
    if (has_memory)
        memcpy(one, keys->entries, keys->count * sizeof *one);
    for (int pass = 0; has_memory && pass < PASSES; pass++) {
        sort_pass(one, other, keys->count, places, pass);
        struct key_entry *sorted = other;
        other = one;
        one = sorted;
    }
    free(other);
    free(places);
    if (has_memory)
        return one;
    free(one);
    return NULL;
}

/* ---- filters ---- */

/* Odd numbers that spread the low half of the hash over the eight words of a block, as in the
 * Parquet format's split block Bloom filter. */
static const uint32_t salts[8] = {0x47b6137bu, 0x44974d91u, 0x8824ad5bu, 0xa2b7289du,
                                  0x705495c7u, 0x2df1424bu, 0x9efc4947u, 0x5c6bfb31u};

static size_t block_of(int64_t hash)
{
    uint64_t high = (uint64_t)hash >> 31;
    return (size_t)(high * FILTER_BLOCKS >> 32);
}

static uint32_t bit_of(int64_t hash, int word)
{
    return 1u << ((uint32_t)hash * salts[word] >> 27);
}

void keys_filter_fill(unsigned char filter[KEYS_FILTER_BYTES], const struct key_entry *entries,
                      size_t count)
{
    memset(filter, 0, KEYS_FILTER_BYTES);
    for (size_t i = 0; i < count; i++) {
        unsigned char *block = filter + 32 * block_of(entries[i].hash);
        for (int word = 0; word < 8; word++, block += 4)
            checksum_put32(block, checksum_get32(block) | bit_of(entries[i].hash, word));
    }
}

static uint32_t (*block_at(const struct keys_filters *filters, size_t place, size_t at))[8]
{
    return &filters->blocks[place * filters->room + at];
}

static void make_room(struct keys_filters *filters)
{
    struct keys_filters bigger = {.count = filters->count,
                                  .room = filters->room == 0 ? 2 : filters->room * 2};
    bigger.blocks = zeros_new(FILTER_BLOCKS * bigger.room * sizeof *bigger.blocks);
    if (bigger.blocks == NULL)
        abort(); /* as an arena without memory */
    for (size_t place = 0; place < FILTER_BLOCKS && filters->count > 0; place++)
        memcpy(block_at(&bigger, place, 0), block_at(filters, place, 0),
               filters->count * sizeof *filters->blocks);
    free(filters->blocks);
    *filters = bigger;
}

void keys_filters_add(struct keys_filters *filters, const unsigned char filter[KEYS_FILTER_BYTES])
{
    if (filters->count == filters->room)
        make_room(filters);
    for (size_t place = 0; place < FILTER_BLOCKS; place++) {
        uint32_t *block = *block_at(filters, place, filters->count);
        for (int word = 0; word < 8; word++)
            block[word] = checksum_get32(filter + 32 * place + 4 * word);
    }
    filters->count++;
}

void keys_filters_drop(struct keys_filters *filters, size_t at)
{
    filters->count--;
    for (size_t place = 0; place < FILTER_BLOCKS; place++)
        memmove(block_at(filters, place, at), block_at(filters, place, at + 1),
                (filters->count - at) * sizeof *filters->blocks);
}

void keys_filters_free(struct keys_filters *filters)
{
    free(filters->blocks);
    *filters = (struct keys_filters){.blocks = NULL};
}

size_t keys_filters_next(const struct keys_filters *filters, int64_t hash, size_t at)
{
    if (filters->count == 0)
        return 0;
    uint32_t bits[8];
    const uint32_t(*blocks)[8] = (const uint32_t(*)[8])block_at(filters, block_of(hash), 0);
    for (size_t i = at; i < filters->count; i += 2)
        __builtin_prefetch(blocks[i]); /* the first wait is the only one */
    for (int word = 0; word < 8; word++)
        bits[word] = bit_of(hash, word);
    for (; at < filters->count; at++) {
        uint32_t missing = 0;
        for (int word = 0; word < 8; word++)
            missing |= ~blocks[at][word] & bits[word];
        if (missing == 0)
            break;
    }
    return at;
}
