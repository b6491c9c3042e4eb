/* records_list: every record that we wrote or received, whom it is about, and what became of it. */
#include <string.h>

#include "fhir/codes/reason.h"
#include "fhir/json/tree.h"
#include "gateway/commands/lists.h"
#include "gateway/commands/record_show.h"
#include "gateway/commands/table.h"

enum { STATE_MAX = 2000 };

/* ---- where one of our own stands, for each of its recipients ---- */

struct delivery {
    const char *clinic, *person;
    const char *state, *reason; /* "delivered", "waits", ... */
};

static struct delivery delivery_of(const struct shown *shown, const struct store_release *release)
{
    static const struct {
        const char *state, *said;
    } words[] = {{"queued", "on its way"},   {"sending", "on its way"}, {"sent", "delivered"},
                 {"held", "held back"},      {"parked", "parked"},      {"rejected", "refused"},
                 {"withdrawn", "withdrawn"}, {"dropped", "given up"}};
    struct store_message message;
    struct delivery delivery = {.clinic = release->recipient,
                                .person = release->addressed_as,
                                .state = release->state,
                                .reason = release->reason};
    if (text_equal(release->state, "waiting")) {
        delivery.state = "waits";
        return delivery;
    }
    if (text_equal(release->state, "dropped")) {
        delivery.state = "given up";
        return delivery;
    }
    if (!store_get_message(shown->store, shown->arena, release->message, &message))
        return delivery; /* its row ended long ago (ledger_days): "sent" */
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (text_equal(words[i].state, message.state))
            delivery.state = words[i].said;
    }
    delivery.reason = text_equal(message.state, "sent") ? NULL : message.reason;
    return delivery;
}

static size_t deliveries_of(const struct shown *shown, const struct store_record *row,
                            struct delivery **ret_deliveries)
{
    struct store_release *releases;
    size_t count = store_releases_of_record(shown->store, shown->arena, row->id, &releases);
    *ret_deliveries = arena_array(shown->arena, count, sizeof **ret_deliveries);
    for (size_t i = 0; i < count; i++)
        (*ret_deliveries)[i] = delivery_of(shown, &releases[i]);
    return count;
}

/* "delivered to lakeside, Dr. Ama Osei; waits for harbor: no consent ..." */
static const char *own_words(const struct shown *shown, const struct store_record *row)
{
    struct delivery *deliveries;
    struct text out = text_new(shown->arena, STATE_MAX);
    size_t count = deliveries_of(shown, row, &deliveries);
    for (size_t i = 0; i < count; i++) {
        const struct delivery *at = &deliveries[i];
        bool is_waiting = text_equal(at->state, "waits");
        text_print(&out, "%s%s %s %s%s%s", i == 0 ? "" : "; ", at->state, is_waiting ? "for" : "to",
                   shown_place(shown, at->clinic, at->person), at->reason == NULL ? "" : ": ",
                   at->reason == NULL ? "" : at->reason);
    }
    return count == 0 ? "kept here; it goes to nobody" : out.at;
}

/* ---- what a person has to know of a row ---- */

struct standing {
    const char *state; /* for programs: retracted, to match, ...; NULL: it stands */
    const char *said;
    bool is_apart; /* attached to nobody */
};

/* "received; preliminary" */
static const char *received_words(const struct shown *shown, const struct store_record *row)
{
    size_t length;
    const char *text = store_record_text(shown->store, shown->arena, row, &length);
    const char *caution = shown_caution(shown->arena, tree_of_n(shown->arena, text, length));
    return caution == NULL ? "received" : arena_print(shown->arena, "received; %s", caution);
}

static struct standing standing_of(const struct shown *shown, const struct store_record *row)
{
    struct store_match match;
    struct store_record correction;
    struct standing standing = {.said = NULL};
    bool is_ours = text_equal(row->origin, STORE_OWN);
    if (!is_ours && store_get_match(shown->store, shown->arena, row->id, &match) &&
        !text_equal(match.state, "attached"))
        standing = (struct standing){.state = match.state, .said = match.state, .is_apart = true};
    if (row->retracted != NULL) { /* with the last words for a record of somebody else */
        standing.state = "retracted";
        standing.said = arena_print(shown->arena, "retracted: %s",
                                    is_ours ? row->retracted
                                            : reason_of_retraction(shown->arena, row->retracted));
    }
    if (standing.said == NULL)
        standing.said = is_ours ? own_words(shown, row) : received_words(shown, row);
    if (is_ours && store_find_correction(shown->store, shown->arena, row, &correction))
        standing.said =
            arena_print(shown->arena, "corrected by %s; %s", correction.number, standing.said);
    return standing;
}

/* ---- rows ---- */

static struct json *delivery_objects(const struct shown *shown, const struct store_record *row)
{
    struct delivery *deliveries;
    struct arena *arena = shown->arena;
    struct json *list = json_new_list(arena);
    size_t count = deliveries_of(shown, row, &deliveries);
    for (size_t i = 0; i < count; i++) {
        struct json *item = json_push(list, json_new_object(arena));
        json_set_text(arena, item, "clinic", deliveries[i].clinic);
        json_set_text(arena, item, "for", deliveries[i].person);
        json_set_text(arena, item, "state", deliveries[i].state);
        json_set_text(arena, item, "reason", deliveries[i].reason);
    }
    return list;
}

static struct json *record_object(const struct shown *shown, const struct store_record *row,
                                  const struct standing *standing)
{
    struct arena *arena = shown->arena;
    struct json *object = json_new_object(arena);
    bool is_ours = text_equal(row->origin, STORE_OWN);
    struct shown_client client = shown_client_of_record(shown, row);
    json_set_text(arena, object, "record_id", row->number);
    json_set_text(arena, object, "record", row->kind);
    json_set_text(arena, object, "clinic", row->clinic);
    if (!standing->is_apart)
        shown_add_client(arena, object, &client);
    json_set_text(arena, object, "origin", row->origin);
    if (!is_ours)
        json_set_text(arena, object, "received_from", row->origin);
    json_set_text(arena, object, "since", clock_text(arena, row->accepted_ms));
    json_set_text(arena, object, "state", standing->state);
    json_set_text(arena, object, "shown_as", standing->said);
    if (is_ours)
        json_set(arena, object, "recipients", delivery_objects(shown, row));
    if (row->retracted == NULL)
        return object;
    json_set_text(arena, object, "text", standing->said);
    json_set_text(arena, object, "retracted", clock_text(arena, row->retracted_ms));
    return object;
}

static void record_cells(struct command_table *table, const struct shown *shown,
                         const struct store_record *row, const struct standing *standing)
{
    const struct shown_client nobody = {.name = NULL};
    struct shown_client client = standing->is_apart ? nobody : shown_client_of_record(shown, row);
    command_cell(table, row->number);
    command_cell(table, row->kind);
    command_cell(table, shown_name(shown->arena, &client));
    command_cell(table, client.birth_date);
    command_cell(table, text_equal(row->origin, STORE_OWN) ? "us" : row->clinic);
    command_cell(table, shown_time(shown->arena, row->accepted_ms));
    command_cell(table, standing->said);
}

static void print_row(struct listing *listing, const struct store_record *row)
{
    struct shown shown = lists_shown(listing->call, listing->store, &listing->arena);
    struct standing standing = standing_of(&shown, row);
    if (command_has(listing->call, "json"))
        lists_object(listing->call, record_object(&shown, row, &standing));
    else
        record_cells(&listing->table, &shown, row, &standing);
}

/* The id before the oldest of the newest LIMIT; 0: all are shown. */
static int64_t start_of(struct listing *listing, size_t limit)
{
    struct store_record *rows;
    int64_t before = 0;
    size_t count;
    do {
        arena_reset(&listing->arena);
        count = store_record_rows(listing->store, &listing->arena, before, true, STORE_PAGE, &rows);
        if (count > limit)
            return rows[limit].id;
        limit -= count;
        before = count == 0 ? 0 : rows[count - 1].id;
    } while (count == STORE_PAGE);
    return 0;
}

static bool is_asked(struct listing *listing, const struct store_record *row)
{
    struct shown shown = lists_shown(listing->call, listing->store, &listing->arena);
    struct shown_client client = {.name = NULL};
    if (listing->client != NULL)
        client = shown_client_of_record(&shown, row);
    return shown_client_is(&client, listing->client);
}

static void print_rows(struct listing *listing, int64_t after)
{
    struct store_record *rows;
    size_t count;
    do {
        arena_reset(&listing->arena);
        count = store_record_rows(listing->store, &listing->arena, after, false, STORE_PAGE, &rows);
        for (size_t i = 0; i < count; i++) {
            if (!is_asked(listing, &rows[i]))
                continue;
            print_row(listing, &rows[i]);
            listing->printed++;
        }
        after = count == 0 ? after : rows[count - 1].id;
    } while (count == STORE_PAGE);
}

/* Those of one client, by whoever's number it is; else by the name, for which all are read. */
static void print_client(struct listing *listing)
{
    struct arena arena = ARENA_EMPTY;
    struct store_record *rows;
    size_t count = store_records(listing->store, &arena, listing->client, NULL, NULL, &rows);
    listing->printed = count;
    for (size_t i = 0; i < count; i++) {
        arena_reset(&listing->arena);
        print_row(listing, &rows[i]);
    }
    arena_free(&arena);
    if (count == 0)
        print_rows(listing, 0);
}

/* Prints what was asked for; returns the id before the oldest shown, 0: all are. */
static int64_t print_asked(struct listing *listing, size_t limit)
{
    int64_t after = listing->client == NULL ? start_of(listing, limit) : 0;
    if (listing->client != NULL)
        print_client(listing);
    else
        print_rows(listing, after);
    return after;
}

static int list(struct command_call *call)
{
    const char *since = shown_zoned(call->arena, call->office->setup, "SINCE");
    const char *const headings[] = {"RECORD", "KIND", "CLIENT", "BORN", "FROM", since, "STATE"};
    struct listing listing;
    struct fault fault;
    size_t limit;
    if (!lists_limit(call, &limit, &fault) || !lists_begin(&listing, call, headings, 7, &fault))
        return command_fail(call, &fault);
    int64_t after = print_asked(&listing, limit);
    lists_end(&listing);
    if (after != 0)
        lists_say_cut(call, limit, "--client WHO");
    return 0;
}

static const struct command_option list_options[] = {
    LISTS_LIMIT,
    {"client", "WHO", "those of one client: our number or a partner's, or the name (delgado r)",
     false},
    {NULL, NULL, NULL, false},
};

const struct command commands_desk[] = {
    {"records list", "", "every record we wrote or received, and what became of it", COMMAND_STORE,
     0, 0, list, list_options},
    {"records show", "ID", "one record in words: its number, CLINIC:NUMBER or KIND:NUMBER",
     COMMAND_STORE, 1, 1, desk_show, NULL},
    {NULL, NULL, NULL, COMMAND_HERE, 0, 0, NULL, NULL},
};
