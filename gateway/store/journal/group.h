/* group: how a group of the journal stands on disk, and whether one that is not whole was torn or
 * has rotted. Who uses it: journal.c. Pure, any thread.
 *
 * A head (magic, lengths, chain, checksums of itself and of the changes), payloads, changes, and
 * one to eight bytes of padding that are never zero. A write that was cut short leaves zeros in
 * place of whole sectors, or of everything from some byte on; whole groups hold no such zeros. So
 * what does not match its checksum, and has none either, was whole once: it was promised.
 *
 * Groups of the first builds have no checksum of their head, and zeros for padding. */
#ifndef GATEWAY_STORE_JOURNAL_GROUP_H
#define GATEWAY_STORE_JOURNAL_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GROUP_HEAD = 32,
    GROUP_SECTOR = 512, /* the disk writes one whole or not at all */
    GROUP_FILLING = 0xa5
};

struct group_head {
    size_t changes, payloads; /* bytes of each */
    uint64_t chain;           /* checksum of the group before */
    uint64_t sum;             /* of the head and the changes */
    bool is_old;              /* made by a first build */
};

/* The first four bytes of every group, as checksum_get32 reads them. */
extern const uint32_t group_magic;

/* False when it is no head of the journal ID, or not whole. */
bool group_read(const unsigned char bytes[GROUP_HEAD], uint64_t id, struct group_head *ret_head);
/* Fills in HEAD->sum for these changes. */
void group_write(unsigned char bytes[GROUP_HEAD], uint64_t id, struct group_head *head,
                 const unsigned char *changes);
/* Do the changes match the head that stands in BYTES? */
bool group_matches(const unsigned char bytes[GROUP_HEAD], uint64_t id,
                   const struct group_head *head, const unsigned char *changes);
/* All of it, with its padding. */
uint64_t group_size(const struct group_head *head);

/* May a write that was cut short have left this? BYTES are what stands from OFFSET of the file on:
 * a whole group's, or a head's and at least what follows it up to the next sector but one. */
bool group_is_torn(const unsigned char *bytes, size_t length, uint64_t offset);
bool group_head_is_torn(const unsigned char *bytes, size_t length, uint64_t offset);

#endif
