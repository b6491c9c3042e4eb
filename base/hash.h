/* hash: a number for a short text, for the tables of names.
 *
 * For tables in memory only: the number may change with the program, and nothing that is stored or
 * sent depends on it. A table of texts that an enemy chooses uses hash_keyed(), with a key he does
 * not know; those of the others name their ceiling. When tables are generated, fhir/name_hash.py is
 * hash_name(). Pure. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Looked into by the compiler, so that the hash of a name in the source is a constant. */
#ifdef __OPTIMIZE__
#define HASH_INLINE static inline __attribute__((always_inline))
#else
#define HASH_INLINE static inline
#endif

HASH_INLINE uint64_t hash_load(const char *at, size_t length)
{
    uint64_t word = 0;
    memcpy(&word, at, length);
    return le64toh(word);
}

/* Of the length and the first and last eight bytes (of fewer than eight: all of them). Never 0. */
HASH_INLINE uint32_t hash_name(const char *at, size_t length)
{
    uint64_t first;
    uint64_t last;
    if (length >= 8) {
        first = hash_load(at, 8);
        last = hash_load(at + length - 8, 8);
    } else if (length >= 4) {
        first = hash_load(at, 4);
        last = hash_load(at + length - 4, 4);
    } else {
        first = length > 0 ? (unsigned char)at[0] : 0;
        last = length > 0 ? hash_load(at + length / 2, 1) << 8 | (unsigned char)at[length - 1] : 0;
    }
    uint64_t mixed = (first ^ length) * 0x9e3779b97f4a7c15ull;
    mixed = (mixed ^ mixed >> 32 ^ last) * 0xc2b2ae3d27d4eb4full;
    return (uint32_t)(mixed >> 32) | 0x80000000u;
}

enum { HASH_SHORT_NAME = 16 }; /* bytes at most; most names are no longer */

/* Two short names of LENGTH bytes are the same: compared in two pieces that may overlap. */
static inline bool hash_same_short_name(const char *one, const char *other, size_t length)
{
    if (length >= 8)
        return hash_load(one, 8) == hash_load(other, 8) &&
               hash_load(one + length - 8, 8) == hash_load(other + length - 8, 8);
    if (length >= 4)
        return hash_load(one, 4) == hash_load(other, 4) &&
               hash_load(one + length - 4, 4) == hash_load(other + length - 4, 4);
    return length == 0 || (one[0] == other[0] && one[length / 2] == other[length / 2] &&
                           one[length - 1] == other[length - 1]);
}

/* Two names of LENGTH bytes are the same. */
static inline bool hash_same_name(const char *one, const char *other, size_t length)
{
    return length > HASH_SHORT_NAME ? memcmp(one, other, length) == 0
                                    : hash_same_short_name(one, other, length);
}

/* The LENGTH bytes at AT, at most eight, with which a text of WHOLE bytes ends. Copied one by one
 * they would have to be waited for before they can be read as a word. */
static inline uint64_t hash_rest(const char *at, size_t length, size_t whole)
{
    if (length == 0)
        return 0;
    if (whole >= 8)
        return hash_load(at + length - 8, 8) >> 8 * (8 - length);
    if (length >= 4)
        return hash_load(at, 4) | hash_load(at + length - 4, 4) << 8 * (length - 4);
    return hash_load(at, 1) | hash_load(at + length / 2, 1) << 8 * (length / 2) |
           hash_load(at + length - 1, 1) << 8 * (length - 1);
}

/* Of every byte of the text. */
static inline uint64_t hash_text(const char *at, size_t length)
{
    size_t whole = length;
    uint64_t mixed = length * 0x9e3779b97f4a7c15ull;
    for (; length > 8; at += 8, length -= 8) {
        mixed = (mixed ^ hash_load(at, 8)) * 0xc2b2ae3d27d4eb4full;
        mixed ^= mixed >> 29;
    }
    mixed = (mixed ^ hash_rest(at, length, whole)) * 0xc2b2ae3d27d4eb4full;
    return mixed ^ mixed >> 32;
}

/* A secret of whoever owns the table; zeros will do where nobody means harm. */
struct hash_key {
    uint64_t first, second;
};

static inline uint64_t hash_turn(uint64_t word, unsigned bits)
{
    return word << bits | word >> (64 - bits);
}

static inline void hash_round(uint64_t state[4])
{
    state[0] += state[1];
    state[1] = hash_turn(state[1], 13) ^ state[0];
    state[0] = hash_turn(state[0], 32);
    state[2] += state[3];
    state[3] = hash_turn(state[3], 16) ^ state[2];
    state[0] += state[3];
    state[3] = hash_turn(state[3], 21) ^ state[0];
    state[2] += state[1];
    state[1] = hash_turn(state[1], 17) ^ state[2];
    state[2] = hash_turn(state[2], 32);
}

/* SipHash-1-3: without the key nobody finds texts that meet in one place (Aumasson, Bernstein:
 * SipHash, a fast short-input PRF, 2012). */
static inline uint64_t hash_keyed(const struct hash_key *key, const char *at, size_t length)
{
    uint64_t state[4] = {key->first ^ 0x736f6d6570736575ull, key->second ^ 0x646f72616e646f6dull,
                         key->first ^ 0x6c7967656e657261ull, key->second ^ 0x7465646279746573ull};
    size_t whole = length;
    uint64_t last = (uint64_t)length << 56;
    for (; length >= 8; at += 8, length -= 8) {
        uint64_t word = hash_load(at, 8);
        state[3] ^= word;
        hash_round(state);
        state[0] ^= word;
    }
    last |= hash_rest(at, length, whole);
    state[3] ^= last;
    hash_round(state);
    state[0] ^= last;
    state[2] ^= 0xff;
    for (int round = 0; round < 3; round++)
        hash_round(state);
    return state[0] ^ state[1] ^ state[2] ^ state[3];
}

#endif
