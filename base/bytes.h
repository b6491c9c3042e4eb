/* bytes: sixteen bytes looked at in one step, for the loops that see every byte of a message.
 *
 * Used by the JSON reader and writer and by the scanners of primitive values. SSE2, which every
 * x86-64 has, else two words of eight bytes; both answer the same. Pure. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { BYTES_STEP = 16 };

#define BYTES_ONES 0x0101010101010101ull
#define BYTES_HIGHS 0x8080808080808080ull

/* The eight bytes at AT, the first one lowest. */
static inline uint64_t bytes_word(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return le64toh(word);
}

/* The highest bit of the first byte below 0x20, or equal to `"` or `\`, is set, and none before it;
 * what comes behind the first does not count. */
static inline uint64_t bytes_special_bits(uint64_t word)
{
    uint64_t quote = word ^ BYTES_ONES * '"';
    uint64_t backslash = word ^ BYTES_ONES * '\\';
    uint64_t found = (quote - BYTES_ONES) & ~quote;
    found |= (backslash - BYTES_ONES) & ~backslash;
    found |= (word - BYTES_ONES * 0x20) & ~word;
    return found & BYTES_HIGHS;
}

/* How many of the sixteen bytes at AT come before the first that JSON escapes in a text: `"`, `\`
 * and control characters. 16: none of them is there. */
static inline size_t bytes_plain(const char *at)
{
#ifdef __SSE2__
    __m128i step = _mm_loadu_si128((const __m128i *)(const void *)at);
    __m128i found = _mm_or_si128(_mm_cmpeq_epi8(step, _mm_set1_epi8('"')),
                                 _mm_cmpeq_epi8(step, _mm_set1_epi8('\\')));
    __m128i low = _mm_min_epu8(step, _mm_set1_epi8(0x1f));
    found = _mm_or_si128(found, _mm_cmpeq_epi8(low, step));
    return (size_t)__builtin_ctz((unsigned)_mm_movemask_epi8(found) | 0x10000u);
#else
    uint64_t found = bytes_special_bits(bytes_word(at));
    if (found != 0)
        return (size_t)__builtin_ctzll(found) / 8;
    found = bytes_special_bits(bytes_word(at + 8));
    return found == 0 ? 16 : 8 + (size_t)__builtin_ctzll(found) / 8;
#endif
}

/* The bytes of a text of one to seven, each at least once, and no others but 0xff. */
static inline uint64_t bytes_short_word(const char *at, size_t length)
{
    uint32_t first;
    uint32_t last;
    if (length < 4)
        return ~(uint64_t)0xffffff | (uint64_t)(unsigned char)at[length / 2] << 16 |
               (uint64_t)(unsigned char)at[length - 1] << 8 | (unsigned char)at[0];
    memcpy(&first, at, sizeof first);
    memcpy(&last, at + length - sizeof last, sizeof last);
    return (uint64_t)first << 32 | last;
}

/* Any of the bytes of WORD is below LIMIT, which is at most 0x80. */
static inline bool bytes_word_below(uint64_t word, unsigned char limit)
{
    return ((word - BYTES_ONES * limit) & ~word & BYTES_HIGHS) != 0;
}

/* Any of the LENGTH bytes at AT is below LIMIT, which is at most 0x80. */
static inline bool bytes_have_below(const char *at, size_t length, unsigned char limit)
{
    const char *end = at + length;
#ifdef __SSE2__
    if (length >= BYTES_STEP) {
        const __m128i most = _mm_set1_epi8((char)(limit - 1));
        for (;; at += BYTES_STEP) {
            if (end - at < BYTES_STEP)
                at = end - BYTES_STEP; /* some of them a second time */
            __m128i step = _mm_loadu_si128((const __m128i *)(const void *)at);
            if (_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(step, most), step)) != 0)
                return true;
            if (end - at == BYTES_STEP)
                return false;
        }
    }
#endif
    if (length < 8)
        return length > 0 && bytes_word_below(bytes_short_word(at, length), limit);
    for (; end - at > 8; at += 8) {
        if (bytes_word_below(bytes_word(at), limit))
            return true;
    }
    return bytes_word_below(bytes_word(end - 8), limit); /* some of them a second time */
}

/* How many of the LENGTH bytes at AT are in whole steps of sixteen that are ASCII; four steps at a
 * time where that goes. */
static inline size_t bytes_ascii(const char *at, size_t length)
{
    size_t count = 0;
#ifdef __SSE2__
    for (; length - count >= (size_t)4 * BYTES_STEP; count += (size_t)4 * BYTES_STEP) {
        const __m128i *steps = (const __m128i *)(const void *)(at + count);
        __m128i one = _mm_or_si128(_mm_loadu_si128(steps), _mm_loadu_si128(steps + 1));
        __m128i other = _mm_or_si128(_mm_loadu_si128(steps + 2), _mm_loadu_si128(steps + 3));
        if (_mm_movemask_epi8(_mm_or_si128(one, other)) != 0)
            break;
    }
#endif
    for (; length - count >= BYTES_STEP; count += BYTES_STEP) {
        if (((bytes_word(at + count) | bytes_word(at + count + 8)) & BYTES_HIGHS) != 0)
            break;
    }
    return count;
}

#ifdef __SSE2__
/* 0xff where a byte of STEP is from FIRST to LAST. */
static inline __m128i bytes_between(__m128i step, char first, char last)
{
    __m128i above = _mm_sub_epi8(step, _mm_set1_epi8(first));
    return _mm_cmpeq_epi8(_mm_min_epu8(above, _mm_set1_epi8((char)(last - first))), above);
}
#endif

/* Bit i is set: byte i of the sixteen at AT is a digit or a lower-case letter from a to f. */
static inline unsigned bytes_hex_bits(const char *at)
{
#ifdef __SSE2__
    __m128i step = _mm_loadu_si128((const __m128i *)(const void *)at);
    return (unsigned)_mm_movemask_epi8(
        _mm_or_si128(bytes_between(step, '0', '9'), bytes_between(step, 'a', 'f')));
#else
    unsigned bits = 0;
    for (unsigned i = 0; i < BYTES_STEP; i++)
        bits |= (unsigned)((at[i] >= '0' && at[i] <= '9') || (at[i] >= 'a' && at[i] <= 'f')) << i;
    return bits;
#endif
}

/* All sixteen bytes at AT are ASCII letters, digits, `-` or `.`. */
static inline bool bytes_are_id(const char *at)
{
#ifdef __SSE2__
    __m128i step = _mm_loadu_si128((const __m128i *)(const void *)at);
    __m128i letters = bytes_between(_mm_or_si128(step, _mm_set1_epi8(0x20)), 'a', 'z');
    __m128i others = _mm_or_si128(bytes_between(step, '0', '9'), bytes_between(step, '-', '.'));
    return _mm_movemask_epi8(_mm_or_si128(letters, others)) == 0xffff;
#else
    for (unsigned i = 0; i < BYTES_STEP; i++) {
        bool is_letter = (unsigned char)((at[i] | 0x20) - 'a') < 26;
        if (!is_letter && !(at[i] >= '0' && at[i] <= '9') && at[i] != '-' && at[i] != '.')
            return false;
    }
    return true;
#endif
}

#endif
