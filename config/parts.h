/* parts: what a data folder is made of, and how each part must stand: is it needed, is it a folder,
 * who besides its owner may write or read it.
 *
 * One table for whoever asks: `serve` (folder_is_private, before anything is read), `check` and
 * `status` (gateway/commands/health_folder.c). Blocking where it touches the disk; any thread. */
#ifndef CONFIG_PARTS_H
#define CONFIG_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/finding.h"

enum folder_kind {
    FOLDER_FILE,
    FOLDER_FOLDER,
    FOLDER_OF_FILES /* a folder whose files must stand like it */
};

struct folder_part {
    const char *name; /* "": the data folder itself */
    enum folder_kind kind;
    bool is_needed;
    mode_t no_writer; /* who must not write it: `serve` refuses to start */
    mode_t no_reader; /* who must not read it: a warning */
    const char *holds;
};

const struct folder_part *folder_parts(size_t *ret_count);
/* `DIR/NAME`, or DIR itself. */
const char *folder_part_path(struct arena *arena, const char *dir, const struct folder_part *part);
/* Nobody else may change what stands in the data folder: who can write it can add a partner, or put
 * keys of their own in. False with a finding for each part that others may write. */
bool folder_is_private(struct arena *arena, const char *dir, struct finding_list *findings);

#endif
