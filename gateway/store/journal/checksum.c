/* checksum: XXH64 comes from the library, in its form without a function call, since most of what
 * is summed is short. SipHash-2-4 is written out, with the round of base/hash.h: libraries keep it
 * behind a context that costs more than the hash of one id. See checksum.h for the contract. */
#include "gateway/store/journal/checksum.h"

#include "base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t checksum_of(const void *bytes, size_t length, uint64_t seed)
{
    return XXH64(bytes, length, seed);
}

/* ---- SipHash-2-4 (Aumasson and Bernstein, 2012) ---- */

static inline void sip_word(uint64_t state[4], uint64_t word)
{
    state[3] ^= word;
    hash_round(state);
    hash_round(state);
    state[0] ^= word;
}

uint64_t checksum_keyed(const unsigned char key[CHECKSUM_KEY_BYTES], const void *bytes,
                        size_t length)
{
    const char *at = bytes;
    uint64_t low = checksum_get64(key);
    uint64_t high = checksum_get64(key + 8);
    uint64_t state[4] = {low ^ 0x736f6d6570736575u, high ^ 0x646f72616e646f6du,
                         low ^ 0x6c7967656e657261u, high ^ 0x7465646279746573u};
    size_t left = length;
    for (; left >= 8; left -= 8, at += 8)
        sip_word(state, hash_load(at, 8));
    sip_word(state, hash_rest(at, left, length) | (uint64_t)length << 56);
    state[2] ^= 0xff;
    for (int round = 0; round < 4; round++)
        hash_round(state);
    return state[0] ^ state[1] ^ state[2] ^ state[3];
}
