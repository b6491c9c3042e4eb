/* audit: the audit trail for people: who did what, for whom, about which client, under which
 * consent. Reads the store; whether the trail is whole is told by `refgate check`. */
#include <stdlib.h>

#include "gateway/audit/audit.h"
#include "gateway/commands/lists.h"
#include "gateway/commands/table.h"

enum { ROWS_A_PAGE = 500 };

/* "C-1042" for a client of ours, "lakeside:LP-7" for a partner's. */
static const char *client_words(struct arena *arena, struct store *store, int64_t row)
{
    struct store_client client;
    if (row == 0 || !store_get_client(store, arena, row, &client))
        return NULL;
    return text_equal(client.owner, STORE_OWN)
               ? client.number
               : arena_print(arena, "%s:%s", client.owner, client.number);
}

/* A row of before partners were rows says the name it was written with. */
static const char *partner_words(const struct store_audit *row)
{
    const char *name = row->tick == 0 ? row->partner_name : row->partner;
    return name == NULL || *name == '\0' ? NULL : name;
}

enum { FIELDS = 9 };
static const char *const names[FIELDS] = {"number", "at",      "what",    "by",    "partner",
                                          "client", "purpose", "subject", "detail"};

static void print_row(struct command_call *call, struct store *store, struct command_table *table,
                      const struct store_audit *row)
{
    const char *const fields[FIELDS] = {arena_print(call->arena, "%lld", (long long)row->seq),
                                        clock_text(call->arena, row->at_ms),
                                        row->what,
                                        row->actor,
                                        partner_words(row),
                                        client_words(call->arena, store, row->client),
                                        row->purpose,
                                        row->subject,
                                        row->detail};
    struct json *object = json_new_object(call->arena);
    for (size_t i = 0; i < FIELDS; i++) {
        command_cell(table, fields[i]);
        if (i == 0)
            json_set(call->arena, object, names[i], json_new_whole(call->arena, (long)row->seq));
        else
            json_set_text(call->arena, object, names[i], fields[i]);
    }
    if (command_has(call, "json"))
        lists_object(call, object);
}

/* The number behind --after, or what leaves the newest page. */
static bool first_row(struct command_call *call, struct store *store, int64_t *ret_after)
{
    const char *after = command_option(call, "after");
    char *end = NULL;
    int64_t count = store_count_audits(store);
    *ret_after = count > ROWS_A_PAGE ? count - ROWS_A_PAGE : 0;
    if (after != NULL)
        *ret_after = strtoll(after, &end, 10);
    if (after == NULL || (end != after && *end == '\0' && *ret_after >= 0))
        return true;
    text_print(&call->err, "--after: found %s; expected a number of refgate audit list\n", after);
    return false;
}

static int list(struct command_call *call)
{
    static const char *const headings[FIELDS] = {"NUMBER", "AT",      "WHAT",    "BY",    "PARTNER",
                                                 "CLIENT", "PURPOSE", "SUBJECT", "DETAIL"};
    struct store *store;
    struct fault fault;
    struct store_audit *rows;
    int64_t after;
    if (!office_reader(call->office, call->arena, &store, &fault))
        return command_fail(call, &fault);
    if (!first_row(call, store, &after)) {
        store_close(store);
        return fault_exit_code(FAULT_unreadable);
    }
    struct command_table table = lists_table(call->arena, headings, FIELDS);
    size_t count = store_audits(store, call->arena, after, ROWS_A_PAGE, &rows);
    for (size_t i = 0; i < count; i++)
        print_row(call, store, &table, &rows[i]);
    store_close(store);
    if (!command_has(call, "json"))
        command_print_table(&table, &call->out);
    return 0;
}

/* ---- a line of one's own ---- */

enum { WORD_MAX = 40, SUBJECT_MAX = 200 };

struct noting {
    struct unit unit;
    struct command_call *call;
};

static bool run_note(struct unit *unit, struct store *store)
{
    const struct command_call *call = ((struct noting *)unit)->call;
    audit_write(store, &(struct store_audit){.at_ms = clock_wall_ms(&call->clock),
                                             .what = call->words[0],
                                             .subject = call->words[1],
                                             .actor = call->caller});
    return true;
}

static int note(struct command_call *call)
{
    struct noting noting = {.unit = {.run = run_note, .arena = call->arena}, .call = call};
    struct fault fault;
    if (strlen(call->words[0]) > WORD_MAX || strlen(call->words[1]) > SUBJECT_MAX) {
        fault_set(&fault, FAULT_usage,
                  arena_print(call->arena, "expected at most %d characters of what, and %d of whom",
                              (int)WORD_MAX, (int)SUBJECT_MAX));
        return command_fail(call, &fault);
    }
    if (!writer_call(call->office->writer, &noting.unit))
        return command_fail(call, &noting.unit.fault);
    text_print(&call->out, "noted: %s %s\n", call->words[0], call->words[1]);
    return 0;
}

static const struct command_option list_options[] = {
    {"after", "NUMBER", "the rows behind this one; default: the newest", false},
    {NULL, NULL, NULL, false},
};

const struct command commands_audit[] = {
    {"audit list", "", "who did what, for whom and about which client: 500 rows", COMMAND_STORE, 0,
     0, list, list_options},
    {"audit note", "WHAT SUBJECT", "a row of your own, such as key-moved gateway.key",
     COMMAND_STORE, 2, 2, note, NULL},
    {NULL, NULL, NULL, COMMAND_HERE, 0, 0, NULL, NULL},
};
