/* keys: see keys.h. Entries stand in the order they came, chained by bucket. */
#include "gateway/store/keys.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/store/checksum.h"

enum { BUCKETS = 1 << 17, RADIX = 1 << 16, PASSES = 4, FILTER_BLOCKS = KEYS_FILTER_BYTES / 32 };

struct slot {
    struct key_entry entry;
    uint32_t older; /* of the same bucket: slot number + 1; 0 is none */
};

struct keys {
    struct slot *slots;
    size_t count, room;
    uint32_t newest[BUCKETS];
};

struct keys *keys_new(void)
{
    return calloc(1, sizeof(struct keys));
}

void keys_free(struct keys *keys)
{
    if (keys == NULL)
        return;
    free(keys->slots);
    free(keys);
}

void keys_clear(struct keys *keys)
{
    keys->count = 0;
    memset(keys->newest, 0, sizeof keys->newest);
}

static size_t bucket_of(int64_t hash)
{
    return (size_t)hash % BUCKETS;
}

void keys_add(struct keys *keys, int64_t hash, int64_t row)
{
    if (keys->count == keys->room) {
        size_t room = keys->room == 0 ? 256 : keys->room * 2;
        struct slot *slots = realloc(keys->slots, room * sizeof *slots);
        if (slots == NULL)
            abort(); /* as an arena without memory */
        keys->slots = slots;
        keys->room = room;
    }
    uint32_t *newest = &keys->newest[bucket_of(hash)];
    keys->slots[keys->count++] = (struct slot){{hash, row}, *newest};
    *newest = (uint32_t)keys->count;
}

size_t keys_count(const struct keys *keys)
{
    return keys->count;
}

bool keys_next(const struct keys *keys, int64_t hash, size_t *at, int64_t *ret_row)
{
    uint32_t number = *at == 0 ? keys->newest[bucket_of(hash)] : keys->slots[*at - 1].older;
    while (number != 0 && keys->slots[number - 1].entry.hash != hash)
        number = keys->slots[number - 1].older;
    *at = number;
    if (number == 0)
        return false;
    *ret_row = keys->slots[number - 1].entry.row;
    return true;
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
    for (size_t i = 0; has_memory && i < keys->count; i++)
        one[i] = keys->slots[i].entry;
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

void keys_filter_fetch(const unsigned char filter[KEYS_FILTER_BYTES], int64_t hash)
{
    __builtin_prefetch(filter + 32 * block_of(hash));
}

bool keys_filter_holds(const unsigned char filter[KEYS_FILTER_BYTES], int64_t hash)
{
    const unsigned char *block = filter + 32 * block_of(hash);
    uint32_t missing = 0;
    for (int word = 0; word < 8; word++, block += 4)
        missing |= ~checksum_get32(block) & bit_of(hash, word);
    return missing == 0;
}
