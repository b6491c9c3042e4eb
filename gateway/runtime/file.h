/* file: reading and replacing small files safely. Used by setup, intake, commands. Blocking: never
 * on an event loop. */
#ifndef GATEWAY_RUNTIME_FILE_H
#define GATEWAY_RUNTIME_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/finding.h"

/* The whole of a regular file (no symbolic link as its last step), with a NUL behind it; NULL with
 * a finding when it cannot be read or is longer than BYTES_MAX. "-" is standard input. */
char *file_read(struct arena *arena, const char *path, size_t bytes_max, size_t *ret_length,
                struct finding_list *findings);
/* Which file it is, and as of when: another one under the same name, or one written since, differs.
 */
struct file_identity {
    unsigned long long inode;
    long long size, modified_ns;
};
struct file_identity file_identity_of(const struct stat *about);
bool file_identity_equal(const struct file_identity *one, const struct file_identity *other);
/* As file_read, of a file that was looked at before. NULL with *ret_has_changed, and no finding,
 * when PATH is no longer the file that EXPECTED says. EXPECTED may be NULL. */
char *file_read_known(struct arena *arena, const char *path, size_t bytes_max,
                      const struct file_identity *expected, bool *ret_has_changed,
                      size_t *ret_length, struct finding_list *findings);
/* Puts BYTES under PATH with MODE in one step: a temporary file, synced, renamed, its folder
 * synced. False with errno set; what stood there stands. */
bool file_replace(const char *path, const void *bytes, size_t length, unsigned mode);
/* Moves FROM to TO (same file system), synced. */
bool file_move(const char *from, const char *to);
/* Makes TO, which must not be there, of the first LENGTH bytes of FROM (UINT64_MAX: of all),
 * synced. False with errno set. */
bool file_copy(const char *from, const char *to, uint64_t length);
bool file_exists(const char *path);
bool file_make_folder(const char *path, unsigned mode);
/* With all that is in it; nothing happens when it is not there. */
void file_remove_folder(const char *path);
/* The part of PATH behind the last slash. */
const char *file_base(const char *path);
/* The folder of PATH, "." when it names none. */
const char *file_folder(struct arena *arena, const char *path);

#endif
