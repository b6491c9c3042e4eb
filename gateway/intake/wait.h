/* wait: why a file stays in records/out, told beside it in NAME.waits.txt, or, where that
 * is a file of somebody's own, in NAME.waits.2.txt.
 *
 * The drop folder writes and removes these notices (intake/drop_folder.c); `check` and `status`
 * read them. A notice names files, which may be called after a client: so it stands with the files,
 * and the log only says that there is one. Blocking; any thread, one writer. */
#ifndef GATEWAY_INTAKE_WAIT_H
#define GATEWAY_INTAKE_WAIT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

struct setup;

struct intake_waiting {
    const char *file; /* "records/out/r.json" */
    const char *why;  /* one line or more */
};

/* NAME of FOLDER is a notice; *ret_file, the file that it stands beside. */
bool intake_wait_is_notice(struct arena *arena, const char *folder, const char *name,
                           const char **ret_file);
/* Says WHY, one or more whole lines that begin with NAME, beside the file NAME of FOLDER; of many
 * lines, the first. False: it says so already, or somebody's own files have both names. */
bool intake_wait_say(struct arena *arena, const char *folder, const char *name, const char *why);
/* NAME waits no longer. */
void intake_wait_end(struct arena *arena, const char *folder, const char *name);
/* Every file of the data folder's records/out that waits, by name; returns their number. */
size_t intake_wait_list(const struct setup *setup, struct arena *arena,
                        struct intake_waiting **ret_items);

#endif
