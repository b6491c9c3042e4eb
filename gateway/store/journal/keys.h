/* keys: which rows may have a look-up key. Newest keys are a hash table in memory; older ones are
 * sorted pages in the database, each run with a filter that says "surely not" without a read.
 *
 * Who uses it: sqlite/keys.c. Random texts (message ids, record numbers) in a B-tree cost a page
 * read and a page written for each; here they cost 16 bytes, written in order once in 122,880 keys.
 * A hit is only a hint: the caller reads the row and compares (two texts may share a hash, a row
 * may be gone). Keys are 63-bit keyed hashes. Pure memory; belongs to one thread. */
#ifndef GATEWAY_STORE_JOURNAL_KEYS_H
#define GATEWAY_STORE_JOURNAL_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    KEYS_MOST = 131072,           /* of a run, and in memory without a larger table */
    KEYS_FULL = KEYS_MOST - 8192, /* so many become a run at the next commit, which may be a little
                                     later: their table must not double just before */
    KEYS_PAGE = 240, /* in one page of a run, with its checksum: fits a database page */
    KEYS_ENTRY_BYTES = 16,
    KEYS_FILTER_BYTES = 2 * KEYS_MOST /* 16 bits a key: 1 in 1000 is a false alarm */
};

struct key_entry {
    int64_t hash;
    int64_t row;
};

struct keys;

struct keys *keys_new(void);
void keys_free(struct keys *keys);
/* Keeps the memory for KEYS_MOST of them. */
void keys_clear(struct keys *keys);
void keys_add(struct keys *keys, int64_t hash, int64_t row);
size_t keys_count(const struct keys *keys);
/* This hash is going to be asked for: what tells of it comes nearer meanwhile. */
void keys_expect(const struct keys *keys, int64_t hash);
/* The next entry with this hash, oldest first; *AT is 0 before the first call, and nothing is added
 * before the last. False at the end. */
bool keys_next(const struct keys *keys, int64_t hash, size_t *at, int64_t *ret_row);
/* All entries by hash and row; the caller frees them. NULL without memory. */
struct key_entry *keys_sorted(const struct keys *keys);

/* A run's filter (split block Bloom filter, 32 bytes a block). */
void keys_filter_fill(unsigned char filter[KEYS_FILTER_BYTES], const struct key_entry *entries,
                      size_t count);

/* The filters of many runs, numbered from 0: what one key asks of all of them stands side by side
 * in memory. All zero is an empty one. */
struct keys_filters {
    uint32_t (*blocks)[8]; /* of each place in a filter: one block a run, `room` of them */
    size_t count, room;
};

void keys_filters_add(struct keys_filters *filters, const unsigned char filter[KEYS_FILTER_BYTES]);
/* The filters behind number AT move up by one. */
void keys_filters_drop(struct keys_filters *filters, size_t at);
void keys_filters_free(struct keys_filters *filters);
/* The first filter from number AT on that may hold the hash; `count` when there is none. */
size_t keys_filters_next(const struct keys_filters *filters, int64_t hash, size_t at);

#endif
