/* config: the settings as one struct. option.def makes the table, option.c reads and writes by
 * it; here stand the rules between settings that no single row can say. See config.h.
 *
 * Called by the gateway at start and at reload, and by commands. Pure; texts live in the arena
 * that the caller gives. */
#include "config/config.h"

#include <ctype.h>
#include <string.h>

#define ROWS_OF config
#include "config/rows.h"
static const struct option rows[] = {
#include "config/option.def"
};

static const struct option_table table = {rows, sizeof rows / sizeof *rows, "setting"};

/* Names in the environment that begin like ours and are none: where the data folder is, and what
 * container platforms set for a service called refgate. */
static const char *const not_settings[] = {"DIR=", "SERVICE_", "PORT_", "PORT=tcp://",
                                           "PORT=udp://"};

const struct option_table *config_options(void)
{
    return &table;
}

struct config config_defaults(struct arena *arena)
{
    struct config config;
    memset(&config, 0, sizeof config);
    option_defaults(&table, arena, &config);
    return config;
}

static bool is_other(const char *name)
{
    for (size_t i = 0; i < sizeof not_settings / sizeof *not_settings; i++) {
        if (text_starts(name, not_settings[i]))
            return true;
    }
    return false;
}

/* `FIRST_RETRY_MS=500` as the setting first_retry_ms. */
static bool take_variable(struct arena *arena, const char *variable, struct finding_list *findings,
                          struct config *config, struct option_origin *origins)
{
    size_t length = strcspn(variable, "=");
    char *key = arena_copy_n(arena, variable, length);
    for (char *at = key; *at != '\0'; at++)
        *at = (char)tolower((unsigned char)*at);
    const char *value = variable + length + (variable[length] == '=');
    if (!option_set(&table, arena, key, value, findings, config))
        return false;
    origins[option_find(&table, key) - rows] = (struct option_origin){OPTION_FROM_ENVIRONMENT, 0};
    return true;
}

static bool take_environment(struct arena *arena, const char *const *environment,
                             struct finding_list *findings, struct config *config,
                             struct option_origin *origins)
{
    static const char prefix[] = "REFGATE_";
    const char *file = findings->file;
    bool good = true;
    findings->file = "environment REFGATE_...";
    for (; environment != NULL && *environment != NULL; environment++) {
        const char *name = *environment + sizeof prefix - 1;
        if (text_starts(*environment, prefix) && !is_other(name))
            good = take_variable(arena, name, findings, config, origins) && good;
    }
    findings->file = file;
    return good;
}

struct rule {
    const char *key;
    bool broken;
    const char *found, *expected;
};

/* What no single row can say. */
static bool hold_together(const struct config *config, struct arena *arena,
                          const struct option_origin *origins, struct finding_list *findings)
{
    const struct rule rules[] = {
        {"retry_max_ms", config->retry_max_ms < config->first_retry_ms,
         arena_print(arena, "%llu", (unsigned long long)config->retry_max_ms),
         arena_print(arena, "at least first_retry_ms (%llu)",
                     (unsigned long long)config->first_retry_ms)},
        {"ledger_days", config->ledger_days * 24 < config->park_after_hours,
         arena_print(arena, "%llu days", (unsigned long long)config->ledger_days),
         arena_print(arena,
                     "at least park_after_hours (%llu): ids must be known for as long as "
                     "they may be sent again",
                     (unsigned long long)config->park_after_hours)},
        {"attachments_max_bytes", config->attachments_max_bytes / 3 * 4 > config->body_max_bytes,
         arena_print(arena, "%zu", config->attachments_max_bytes),
         arena_print(arena,
                     "at most three quarters of body_max_bytes (%zu): attachments grow by a "
                     "third on the wire",
                     config->body_max_bytes)},
        {"connections_per_partner_max",
         config->connections_per_partner_max > config->connections_max,
         arena_print(arena, "%u", config->connections_per_partner_max),
         arena_print(arena, "at most connections_max (%u)", config->connections_max)},
        {"drop_give_up_ms", config->drop_give_up_ms < config->drop_settle_ms,
         arena_print(arena, "%llu", (unsigned long long)config->drop_give_up_ms),
         arena_print(arena, "at least drop_settle_ms (%llu)",
                     (unsigned long long)config->drop_settle_ms)},
        {"connect_deadline_ms", config->connect_deadline_ms > config->request_deadline_ms,
         arena_print(arena, "%llu", (unsigned long long)config->connect_deadline_ms),
         arena_print(arena, "at most request_deadline_ms (%llu), which includes it",
                     (unsigned long long)config->request_deadline_ms)},
    };
    size_t faults = findings->count;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (!rules[i].broken)
            continue;
        finding_add(findings,
                    (struct finding){.path = rules[i].key,
                                     .line = origins[option_find(&table, rules[i].key) - rows].line,
                                     .found = rules[i].found,
                                     .expected = rules[i].expected,
                                     .says_line = true});
    }
    return findings->count == faults;
}

bool config_load(struct arena *arena, const struct config_text *from, struct finding_list *findings,
                 struct config *ret_config, struct option_origin *ret_origins)
{
    if (ret_origins == NULL)
        ret_origins = arena_array(arena, table.count, sizeof *ret_origins);
    memset(ret_origins, 0, table.count * sizeof *ret_origins);
    const char *file = findings->file;
    findings->file = from->file;
    *ret_config = config_defaults(arena);
    bool good =
        option_read(&table, arena, from->text, from->length, findings, ret_config, ret_origins);
    good = take_environment(arena, from->environment, findings, ret_config, ret_origins) && good;
    good = option_require(&table, findings, ret_origins) && good;
    good = good && hold_together(ret_config, arena, ret_origins, findings);
    findings->file = file;
    return good;
}

const char *config_write(struct arena *arena, const struct config *config)
{
    struct text out = text_new(arena, 256 * 1024);
    text_add(&out,
             "# Settings of this gateway. A line that begins with # is a comment; a setting in a\n"
             "# comment stands at its default. `refgate check` finds mistakes, `refgate settings`\n"
             "# shows what is in force, `refgate reload` takes changes while running.\n");
    option_write(&table, arena, config, &out);
    return out.at;
}

const char *config_needs_restart(struct arena *arena, const struct config *running,
                                 const struct config *wanted)
{
    struct text keys = text_new(arena, 4096);
    for (size_t i = 0; i < table.count; i++) {
        const struct option *row = &rows[i];
        if (row->kind == OPTION_SECTION || row->when == OPTION_LIVE ||
            option_equal(row, arena, running, wanted))
            continue;
        text_print(&keys, "%s%s", keys.length == 0 ? "" : ", ", row->key);
    }
    return keys.length == 0 ? NULL : keys.at;
}
