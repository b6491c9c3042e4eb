/* durable: the steps by which a small file is written so that it survives a crash: all of its
 * bytes, and the folder that names it. Used by certs/io and gateway/runtime, each with findings of
 * its own. Blocking: never on an event loop. Any thread; nothing is kept. */
#ifndef BASE_DURABLE_H
#define BASE_DURABLE_H

#include <stdbool.h>
#include <stddef.h>

/* Writes all of BYTES to the descriptor FILE, which stays open. False with errno set. */
bool durable_write(int file, const void *bytes, size_t length);
/* Syncs the folder in which PATH stands. False with errno set. */
bool durable_sync_folder_of(const char *path);

#endif
