/* checksum: XXH64 (xxhash.com, specification 0.1.1) of stored bytes, to tell a torn or rotten block
 * from a whole one; and SipHash-2-4, the keyed hash of look-up keys, so that no partner can choose
 * ids that collide. Neither is for secrets. Pure, any thread. */
#ifndef GATEWAY_STORE_JOURNAL_CHECKSUM_H
#define GATEWAY_STORE_JOURNAL_CHECKSUM_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

uint64_t checksum_of(const void *bytes, size_t length, uint64_t seed);

enum { CHECKSUM_KEY_BYTES = 16 };

uint64_t checksum_keyed(const unsigned char key[CHECKSUM_KEY_BYTES], const void *bytes,
                        size_t length);

/* Numbers as they lie on disk: lowest byte first. */
static inline uint32_t checksum_get32(const unsigned char *at)
{
    uint32_t number;
    memcpy(&number, at, sizeof number);
    return le32toh(number);
}

static inline uint64_t checksum_get64(const unsigned char *at)
{
    uint64_t number;
    memcpy(&number, at, sizeof number);
    return le64toh(number);
}

static inline void checksum_put32(unsigned char *at, uint32_t number)
{
    number = htole32(number);
    memcpy(at, &number, sizeof number);
}

static inline void checksum_put64(unsigned char *at, uint64_t number)
{
    number = htole64(number);
    memcpy(at, &number, sizeof number);
}

#endif
