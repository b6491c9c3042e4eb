/* checksum: XXH64 (xxhash.com, specification 0.1.1) of stored bytes, to tell a torn or rotten block
 * from a whole one; and SipHash-2-4, the keyed hash of look-up keys, so that no partner can choose
 * ids that collide. Neither is for secrets. Pure, any thread. */
#ifndef GATEWAY_STORE_CHECKSUM_H
#define GATEWAY_STORE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

uint64_t checksum_of(const void *bytes, size_t length, uint64_t seed);

enum { CHECKSUM_KEY_BYTES = 16 };

uint64_t checksum_keyed(const unsigned char key[CHECKSUM_KEY_BYTES], const void *bytes,
                        size_t length);

/* Numbers as they lie on disk: lowest byte first. */
static inline uint32_t checksum_get32(const unsigned char *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static inline uint64_t checksum_get64(const unsigned char *at)
{
    return (uint64_t)at[0] | (uint64_t)at[1] << 8 | (uint64_t)at[2] << 16 | (uint64_t)at[3] << 24 |
           (uint64_t)at[4] << 32 | (uint64_t)at[5] << 40 | (uint64_t)at[6] << 48 |
           (uint64_t)at[7] << 56;
}

static inline void checksum_put32(unsigned char *at, uint32_t number)
{
    for (int i = 0; i < 4; i++)
        at[i] = (unsigned char)(number >> 8 * i);
}

static inline void checksum_put64(unsigned char *at, uint64_t number)
{
    for (int i = 0; i < 8; i++)
        at[i] = (unsigned char)(number >> 8 * i);
}

#endif
