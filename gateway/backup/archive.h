/* archive: one file that holds many, for backups: POSIX tar (ustar; sizes beyond 8 GB as GNU tar
 * writes them), so that any tar lists it, with the SHA-256 of each member in the last one,
 * SHA256SUMS.
 *
 * Who uses it: backup.c. Blocking, in a command's own process. A new archive has a temporary name
 * until it is whole and synced, is for its owner only, and never takes the place of another file.
 * Reading trusts nothing: names, sizes and sums are checked before anything of it is used. */
#ifndef GATEWAY_BACKUP_ARCHIVE_H
#define GATEWAY_BACKUP_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "gateway/runtime/fault.h"

/* A name in the folder of PATH for what is there only while this process works: ".tmp" or so behind
 * it. Such names hold patient data, so what a process that was killed left is removed by
 * archive_tidy, which whoever uses the folder next calls. */
const char *archive_beside(struct arena *arena, const char *path, const char *end);
void archive_tidy(struct arena *arena, const char *path);

struct archive; /* being written */

/* NULL with a fault: PATH exists, or its folder cannot be written. TIME_S: that of every member. */
struct archive *archive_new(struct arena *arena, const char *path, int64_t time_s,
                            struct fault *ret_fault);
/* The first LENGTH bytes of FILE; a file that is shorter is a fault. After a fault the rest does
 * nothing. */
void archive_add_file(struct archive *archive, const char *name, const char *file, uint64_t length);
void archive_add_bytes(struct archive *archive, const char *name, const void *bytes, size_t length);
/* Puts it under its name and frees it; false: nothing is there. */
bool archive_end(struct archive *archive, struct fault *ret_fault);
/* Leaves nothing behind. */
void archive_drop(struct archive *archive);

struct archive_member {
    const char *name;
    uint64_t length;
};
/* Writes all members of the archive PATH below FOLDER, which exists and is empty; folders are made.
 * False when it is not one, is cut off or is not what was written once; what is in FOLDER then must
 * not be used. */
bool archive_extract(struct arena *arena, const char *path, const char *folder,
                     struct archive_member **ret_members, size_t *ret_count,
                     struct fault *ret_fault);

#endif
