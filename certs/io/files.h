/* files: whole small files in and out. For the sources of certs/ only. Reading has a ceiling; a
 * secret is read only when nobody but its owner can; writing is atomic (temporary file, fsync,
 * rename, fsync of the folder), so that a crash leaves the old file or the new one. */
#ifndef CERTS_IO_FILES_H
#define CERTS_IO_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/finding.h"

enum { FILES_BYTES_MAX = 16 * 1024 * 1024, FILES_SECRET_MAX = 64 * 1024 };

/* Adds a finding about the file PATH, which is copied; the other texts live with the list. */
void files_fault(struct finding_list *findings, const char *path, const char *found,
                 const char *expected);

/* NUL-terminated; NULL with a finding. */
char *files_read(struct arena *arena, const char *path, struct finding_list *findings,
                 size_t *ret_length);
/* A key or a passphrase: a regular file of this user or root, without rights for group and others,
 * at most FILES_SECRET_MAX bytes. The caller wipes the bytes after use. */
char *files_read_secret(struct arena *arena, const char *path, struct finding_list *findings,
                        size_t *ret_length);
enum files_replace { FILES_NEW, FILES_REPLACE };
/* MODE as in chmod. FILES_NEW refuses to replace what exists. False with a finding. */
bool files_write(const char *path, unsigned mode, const char *bytes, size_t length,
                 enum files_replace replace, struct finding_list *findings);
/* Copies a secret, 0600. */
bool files_copy_secret(const char *from, const char *to, enum files_replace replace,
                       struct finding_list *findings);
bool files_exists(const char *path);
/* Renames and syncs the folder. */
bool files_move(const char *from, const char *to, struct finding_list *findings);

#endif
