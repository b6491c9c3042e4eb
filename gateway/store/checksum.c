/* checksum: see checksum.h. */
#include "gateway/store/checksum.h"

static const uint64_t prime1 = 0x9e3779b185ebca87u;
static const uint64_t prime2 = 0xc2b2ae3d27d4eb4fu;
static const uint64_t prime3 = 0x165667b19e3779f9u;
static const uint64_t prime4 = 0x85ebca77c2b2ae63u;
static const uint64_t prime5 = 0x27d4eb2f165667c5u;

static uint64_t turn(uint64_t number, int bits)
{
    return number << bits | number >> (64 - bits);
}

/* ---- XXH64 ---- */

static uint64_t round_of(uint64_t lane, uint64_t input)
{
    return turn(lane + input * prime2, 31) * prime1;
}

static uint64_t merge(uint64_t sum, uint64_t lane)
{
    return (sum ^ round_of(0, lane)) * prime1 + prime4;
}

static uint64_t take_stripes(const unsigned char **at, const unsigned char *end, uint64_t seed)
{
    uint64_t lanes[4] = {seed + prime1 + prime2, seed + prime2, seed, seed - prime1};
    for (; end - *at >= 32; *at += 32) {
        for (int i = 0; i < 4; i++)
            lanes[i] = round_of(lanes[i], checksum_get64(*at + 8 * i));
    }
    uint64_t sum = turn(lanes[0], 1) + turn(lanes[1], 7) + turn(lanes[2], 12) + turn(lanes[3], 18);
    for (int i = 0; i < 4; i++)
        sum = merge(sum, lanes[i]);
    return sum;
}

uint64_t checksum_of(const void *bytes, size_t length, uint64_t seed)
{
    const unsigned char *at = bytes;
    const unsigned char *end = at + length;
    uint64_t sum = length >= 32 ? take_stripes(&at, end, seed) : seed + prime5;
    sum += length;
    for (; end - at >= 8; at += 8)
        sum = turn(sum ^ round_of(0, checksum_get64(at)), 27) * prime1 + prime4;
    if (end - at >= 4) {
        sum = turn(sum ^ checksum_get32(at) * prime1, 23) * prime2 + prime3;
        at += 4;
    }
    for (; at < end; at++)
        sum = turn(sum ^ *at * prime5, 11) * prime1;
    sum = (sum ^ sum >> 33) * prime2;
    sum = (sum ^ sum >> 29) * prime3;
    return sum ^ sum >> 32;
}

/* ---- SipHash-2-4 ---- */

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
