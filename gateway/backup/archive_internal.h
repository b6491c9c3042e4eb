/* archive_internal: what the writing and the reading half of an archive share. Not for anyone else.
 * POSIX.1-2017, pax, "ustar Interchange Format". */
#ifndef GATEWAY_BACKUP_ARCHIVE_INTERNAL_H
#define GATEWAY_BACKUP_ARCHIVE_INTERNAL_H

enum { TAR_BLOCK = 512 };
#define TAR_SUMS "SHA256SUMS"

struct tar_head {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], kind, link[100];
    char magic[6], version[2], owner[32], group[32], major[8], minor[8], prefix[155], rest[12];
};

/* The sum of its bytes, with blanks in place of the sum. */
static inline unsigned tar_sum(const struct tar_head *head)
{
    const unsigned char *bytes = (const unsigned char *)head;
    unsigned sum = 8 * ' ';
    for (unsigned i = 0; i < TAR_BLOCK; i++)
        sum += i >= 148 && i < 156 ? 0 : bytes[i];
    return sum;
}

#endif
