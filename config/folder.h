/* folder: the settings and partners of a data folder. The only file of config/ that touches the
 * disk.
 *
 * Called by the gateway at start, at reload (on a pool thread) and by commands. Blocking. Files are
 * read whole, at most FOLDER_FILE_MAX bytes; a missing or unreadable file is a finding that says
 * what to do. */
#ifndef CONFIG_FOLDER_H
#define CONFIG_FOLDER_H

#include "config/config.h"
#include "config/partner.h"
#include "config/parts.h"

enum { FOLDER_FILE_MAX = 256 * 1024, FOLDER_PARTNERS_MAX = 10000 };

struct partner_list {
    const struct partner *items; /* sorted by name */
    size_t count;
};

/* DIR/settings.yaml; see config_load for the rest. */
bool folder_config(struct arena *arena, const char *dir, const char *const *environment,
                   struct finding_list *findings, struct config *ret_config,
                   struct option_origin *ret_origins);
/* Every DIR/partners/NAME.yaml; other names, and names that start with '.', are left alone. A
 * partner whose file is faulty is left out of the list and makes the result false. No folder: no
 * partners. */
bool folder_partners(struct arena *arena, const char *dir, struct finding_list *findings,
                     struct partner_list *ret_partners);
/* The same at a reload: a partner whose file is faulty stays as it is in BEFORE; one whose file
 * says `disabled: true` in whatever else is disabled in any case. */
bool folder_partners_after(struct arena *arena, const char *dir, const struct partner_list *before,
                           struct finding_list *findings, struct partner_list *ret_partners);
/* Does a line of the text of a partner's file switch it off? For files that cannot be read else. */
bool folder_says_disabled(const char *text, size_t length);
/* A copy of PARTNER in ARENA. */
struct partner folder_copy_partner(struct arena *arena, const struct partner *partner);
const struct partner *folder_partner(const struct partner_list *partners, const char *name);
/* `DIR/FILE`, or FILE itself when it is absolute. */
const char *folder_path(struct arena *arena, const char *dir, const char *file);
/* The key, certificate and list files that the settings and partners name can be read; the setup
 * itself tells of the directory and the code map when it is loaded. */
bool folder_check(struct arena *arena, const char *dir, const struct config *config,
                  const struct partner_list *partners, struct finding_list *findings);
/* Is the time zone one that this machine knows? */
bool folder_knows_zone(struct arena *arena, const char *dir, const struct config *config,
                       struct finding_list *findings);
/* The programs that the settings name are there and can be run. */
void folder_programs(struct arena *arena, const char *dir, const struct config *config,
                     struct finding_list *findings);

#endif
