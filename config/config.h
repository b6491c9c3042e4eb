/* config: the settings of one gateway, as members of a struct.
 *
 * Called by the gateway at start, at reload and by commands. Loading takes text (config/folder.h
 * reads the files), so that a faulty file is a list of findings and the running settings stay
 * untouched. A struct config never changes once loaded; a reload makes a new one in a new arena.
 * Any thread may read it. The table is option.def; docs/settings.md is printed from it. */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "config/option.h"

enum config_log_level { CONFIG_LOG_DEBUG, CONFIG_LOG_INFO, CONFIG_LOG_WARNING, CONFIG_LOG_ERROR };
enum config_log_format { CONFIG_LOG_FORMAT_TEXT, CONFIG_LOG_FORMAT_JSON };
enum config_log_target { CONFIG_LOG_TARGET_STDERR, CONFIG_LOG_TARGET_SYSLOG };

struct config {
#define SECTION(title)
#define TEXT(key, check, start, when, help) const char *key;
#define WORD(key, tag, words, start, when, help) enum tag key;
#define LIST(key, check, when, help) struct option_list key;
#define FLAG(key, start, when, help) bool key;
#define COUNT(key, unit, start, min, max, when, help) unsigned key;
#define BYTES(key, unit, start, min, max, when, help) size_t key;
#define TIME(key, unit, start, min, max, when, help) uint64_t key;
#include "config/option.def"
};

/* What a load starts from. */
struct config_text {
    const char *file; /* name for findings: `settings.yaml` */
    const char *text;
    size_t length;
    /* `NAME=VALUE` texts ended by NULL, such as environ; REFGATE_<KEY> overrides a key. NULL: none.
     */
    const char *const *environment;
};

/* Defaults, then the file, then the environment, then the rules between settings. False when
 * anything was wrong; *ret_config is then usable for showing, not for running. ret_origins may be
 * NULL, else it has config_options()->count items, one a row. Texts live in the arena. */
bool config_load(struct arena *arena, const struct config_text *from, struct finding_list *findings,
                 struct config *ret_config, struct option_origin *ret_origins);
/* The defaults alone; `org` is "". */
struct config config_defaults(struct arena *arena);
/* The rows of option.def, headings included. */
const struct option_table *config_options(void);
/* The text of a settings.yaml that holds CONFIG, with its help as comments. */
const char *config_write(struct arena *arena, const struct config *config);
/* The keys that differ and that a running gateway does not take at reload, separated by ", "; NULL:
 * none. */
const char *config_needs_restart(struct arena *arena, const struct config *running,
                                 const struct config *wanted);

#endif
