/* checksum: XXH64 comes from the library, in its form without a function call, since most of what
 * is summed is short. SipHash-2-4 is written out: libraries keep it behind a context that costs
 * more than the hash of one id. See checksum.h for the contract. */
#include "gateway/store/checksum.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t checksum_of(const void *bytes, size_t length, uint64_t seed)
{
    return XXH64(bytes, length, seed);
}

/* ---- SipHash-2-4 (Aumasson and Bernstein, 2012) ---- */

static uint64_t turn(uint64_t number, int bits)
{
    return number << bits | number >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = turn(v[1], 13) ^ v[0];
    v[0] = turn(v[0], 32);
    v[2] += v[3];
    v[3] = turn(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = turn(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = turn(v[1], 17) ^ v[2];
    v[2] = turn(v[2], 32);
}

static void sip_word(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    sip_round(v);
    sip_round(v);
    v[0] ^= word;
}

uint64_t checksum_keyed(const unsigned char key[CHECKSUM_KEY_BYTES], const void *bytes,
                        size_t length)
{
    const unsigned char *at = bytes;
    uint64_t low = checksum_get64(key);
    uint64_t high = checksum_get64(key + 8);
    uint64_t v[4] = {low ^ 0x736f6d6570736575u, high ^ 0x646f72616e646f6du,
                     low ^ 0x6c7967656e657261u, high ^ 0x7465646279746573u};
    uint64_t last = (uint64_t)length << 56;
    size_t left = length;
    for (; left >= 8; left -= 8, at += 8)
        sip_word(v, checksum_get64(at));
    for (size_t i = 0; i < left; i++)
        last |= (uint64_t)at[i] << 8 * i;
    sip_word(v, last);
    v[2] ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
