/* group: see group.h. On disk: magic, bytes of changes (32 bits each); bytes of payloads, checksum
 * of the head (32 bits each); chain; checksum of head and changes. */
#include "gateway/store/journal/group.h"

#include <string.h>

#include "gateway/store/journal/checksum.h"

enum {
    SUMMED = GROUP_HEAD - 8, /* of the head, by its last field */
    HEAD_SUM_AT = 12,
    BEHIND = 8 /* at least so much behind a head is looked at */
};

const uint32_t group_magic = 0x31474752; /* "RGG1" */

/* Never 0, which is what the first builds wrote. */
static uint32_t sum_of_head(const unsigned char bytes[GROUP_HEAD], uint64_t id)
{
    unsigned char head[GROUP_HEAD];
    memcpy(head, bytes, sizeof head);
    checksum_put32(head + HEAD_SUM_AT, 0);
    uint32_t sum = (uint32_t)checksum_of(head, sizeof head, id);
    return sum == 0 ? 1 : sum;
}

/* The journal's id is random and nobody else's: no payload can be made that looks like a group. */
static uint64_t sum_of_group(const unsigned char bytes[GROUP_HEAD], uint64_t id,
                             const unsigned char *changes, size_t length)
{
    unsigned char head[SUMMED];
    memcpy(head, bytes, sizeof head);
    checksum_put32(head + HEAD_SUM_AT, 0);
    return checksum_of(changes, length, checksum_of(head, sizeof head, id));
}

bool group_read(const unsigned char bytes[GROUP_HEAD], uint64_t id, struct group_head *ret_head)
{
    uint32_t sum = checksum_get32(bytes + HEAD_SUM_AT);
    if (checksum_get32(bytes) != group_magic || (sum != 0 && sum != sum_of_head(bytes, id)))
        return false;
    *ret_head = (struct group_head){.changes = checksum_get32(bytes + 4),
                                    .payloads = checksum_get32(bytes + 8),
                                    .chain = checksum_get64(bytes + 16),
                                    .sum = checksum_get64(bytes + 24),
                                    .is_old = sum == 0};
    return true;
}

void group_write(unsigned char bytes[GROUP_HEAD], uint64_t id, struct group_head *head,
                 const unsigned char *changes)
{
    checksum_put32(bytes, group_magic);
    checksum_put32(bytes + 4, (uint32_t)head->changes);
    checksum_put32(bytes + 8, (uint32_t)head->payloads);
    checksum_put32(bytes + HEAD_SUM_AT, 0);
    checksum_put64(bytes + 16, head->chain);
    head->sum = sum_of_group(bytes, id, changes, head->changes);
    checksum_put64(bytes + 24, head->sum);
    checksum_put32(bytes + HEAD_SUM_AT, sum_of_head(bytes, id));
}

bool group_matches(const unsigned char bytes[GROUP_HEAD], uint64_t id,
                   const struct group_head *head, const unsigned char *changes)
{
    return sum_of_group(bytes, id, changes, head->changes) == head->sum;
}

uint64_t group_size(const struct group_head *head)
{
    uint64_t length = (uint64_t)GROUP_HEAD + head->payloads + head->changes;
    return (length + (head->is_old ? 7 : 8)) / 8 * 8;
}

static bool is_blank(const unsigned char *bytes, size_t length)
{
    size_t at = 0;
    while (at < length && bytes[at] == 0)
        at++;
    return at == length;
}

static size_t to_sector(uint64_t offset)
{
    return GROUP_SECTOR - (size_t)(offset % GROUP_SECTOR);
}

bool group_is_torn(const unsigned char *bytes, size_t length, uint64_t offset)
{
    if (length == 0 || bytes[length - 1] == 0)
        return true;
    for (size_t at = 0; at < length;) {
        size_t step = to_sector(offset + at);
        step = step < length - at ? step : length - at;
        if (is_blank(bytes + at, step))
            return true;
        at += step;
    }
    return false;
}

bool group_head_is_torn(const unsigned char *bytes, size_t length, uint64_t offset)
{
    size_t written = length < GROUP_HEAD ? length : GROUP_HEAD;
    size_t first = to_sector(offset); /* what of the head stands in its first sector */
    size_t end = GROUP_HEAD + BEHIND - 1;
    end += to_sector(offset + end);
    end = end < length ? end : length;
    if (length < GROUP_HEAD || (first < GROUP_HEAD && is_blank(bytes, first)))
        return true;
    while (written > 0 && bytes[written - 1] == 0)
        written--;
    return written < GROUP_HEAD && is_blank(bytes + written, end - written);
}
