/* consent_list: the consents we hold, and what each is worth today. Called by consent.c.
 *
 * What a record calls itself is not what it is worth: an active consent may have been withdrawn by
 * a later one. So each is asked for everybody it names, by the rules that release asks
 * (fhir/consent/consent.h), and its state is what they say. */
#include "gateway/commands/consent_list.h"

#include "fhir/json/tree.h"
#include "fhir/record/record.h"
#include "gateway/commands/lists.h"
#include "gateway/commands/record_show.h"
#include "gateway/outbound/release.h"

enum { RECIPIENTS_MAX = 50 };

struct standing { /* of one consent among those of its client */
    const struct setup *setup;
    struct arena *arena;
    const struct json *consent;
    const struct release_consents *consents;
    struct consent_question question;
};

static bool is_same(const struct json *one, const struct json *other)
{
    return text_equal(json_get_text(one, "record_id"), json_get_text(other, "record_id"));
}

/* What the consent may be asked about: the first kind, purpose and day that it covers. */
static void put_question(struct standing *standing, int64_t now_ms)
{
    static const char *const alone[] = {"psychotherapy-note"};
    const struct json *consent = standing->consent;
    const struct json *sensitivity = json_get(consent, "sensitivity");
    const char *kind = json_text(json_first(json_get(consent, "covers")));
    const char *from = json_get_text(consent, "records_from");
    bool is_alone =
        json_count(sensitivity) == 1 && text_equal(json_text(json_first(sensitivity)), alone[0]);
    struct consent_question question =
        release_question(standing->setup, standing->arena, consent, standing->consents, now_ms);
    question.kind = kind == NULL || text_equal(kind, "all") ? "referral" : kind;
    question.purpose = json_text(json_first(json_get(consent, "purposes")));
    question.written_at = from == NULL ? clock_text(standing->arena, now_ms)
                                       : arena_print(standing->arena, "%.10sT12:00:00+00:00", from);
    question.sensitivity = alone;
    question.sensitivity_count = is_alone;
    standing->question = question;
}

/* Does the consent govern what goes to RECIPIENT? If not, *ret_other is one that does. */
static bool governs(struct standing *standing, const char *recipient, const struct json **ret_other)
{
    struct consent_view *views;
    const char *advice;
    bool does = false;
    standing->question.recipient = recipient;
    consent_explain(standing->arena, &standing->question, &views, &advice);
    for (size_t i = 0; i < standing->consents->count; i++) {
        if (!text_equal(views[i].state, "governs"))
            continue;
        if (is_same(views[i].consent, standing->consent))
            does = true;
        else if (*ret_other == NULL || json_get(views[i].consent, "revoked_at") != NULL)
            *ret_other = views[i].consent;
    }
    return does;
}

static bool is_withdrawal(const struct json *consent)
{
    return text_equal(json_get_text(consent, "status"), "revoked") ||
           json_get(consent, "revoked_at") != NULL;
}

/* By what the consent itself says; NULL: it depends on the others. */
static const char *state_by_itself(const struct standing *standing)
{
    const struct json *consent = standing->consent;
    const char *from = json_get_text(consent, "valid_from");
    const char *until = json_get_text(consent, "valid_until");
    struct date day;
    if (is_withdrawal(consent))
        return "a withdrawal";
    if (text_equal(json_get_text(consent, "status"), "draft"))
        return "draft";
    if (from != NULL && date_parse(from, &day) == DATE_RIGHT &&
        date_compare(standing->question.today, day) < 0)
        return "not yet in force";
    if (until != NULL && date_parse(until, &day) == DATE_RIGHT &&
        date_compare(standing->question.today, day) > 0)
        return "over";
    return NULL;
}

static const char *outranked_by(struct arena *arena, const struct json *other)
{
    if (other == NULL)
        return "not in force";
    return arena_print(arena, "%s by %s", is_withdrawal(other) ? "withdrawn" : "outranked",
                       json_get_text(other, "record_id"));
}

static struct consent_worth worth_of(struct standing *standing)
{
    struct arena *arena = standing->arena;
    bool allows = text_equal(json_get_text(standing->consent, "decision"), "allow");
    const char *word = allows ? "in force" : "refuses";
    const char *by_itself = state_by_itself(standing);
    const struct json *other = NULL;
    struct text names = text_new(arena, 4000);
    size_t asked = 0;
    size_t governed = 0;
    const struct json *name = json_first(json_get(standing->consent, "share_with"));
    if (by_itself != NULL)
        return (struct consent_worth){.said = by_itself};
    for (; name != NULL && asked < RECIPIENTS_MAX; name = json_next(name), asked++) {
        if (json_text(name) == NULL || !governs(standing, json_text(name), &other))
            continue;
        text_print(&names, "%s%s", governed == 0 ? "" : ", ", json_text(name));
        governed++;
    }
    if (governed == 0)
        return (struct consent_worth){.said = outranked_by(arena, other),
                                      .withdrawn =
                                          other != NULL && is_withdrawal(other) ? other : NULL};
    return (struct consent_worth){.said = governed == asked
                                              ? word
                                              : arena_print(arena, "%s for %s; else %s", word,
                                                            names.at, outranked_by(arena, other)),
                                  .is_in_force = allows};
}

struct consent_worth consent_worth(const struct command_call *call, const struct shown *shown,
                                   const struct store_record *row, const struct json *consent)
{
    struct release_consents all = release_consents(shown->store, shown->arena, row->client);
    struct standing standing = {
        .setup = shown->setup, .arena = shown->arena, .consent = consent, .consents = &all};
    put_question(&standing, clock_wall_ms(&call->clock));
    return all.is_whole ? worth_of(&standing)
                        : (struct consent_worth){.said = "another one cannot be read"};
}

/* ---- printing ---- */

static const char *words(struct arena *arena, const struct json *list)
{
    struct text out = text_new(arena, 1000);
    for (const struct json *item = json_first(list); item != NULL; item = json_next(item))
        text_print(&out, "%s%s", out.length == 0 ? "" : ", ", json_text(item));
    return out.at;
}

static void consent_cells(struct command_table *table, const struct shown *shown,
                          const struct store_record *row, const struct json *consent,
                          const char *state)
{
    struct arena *arena = shown->arena;
    struct shown_client client = shown_client_of_record(shown, row);
    command_cell(table, row->number);
    command_cell(table, shown_name(arena, &client));
    command_cell(table, client.birth_date);
    command_cell(table, state);
    command_cell(table, json_get_text(consent, "decision"));
    command_cell(table, words(arena, json_get(consent, "share_with")));
    command_cell(table, words(arena, json_get(consent, "covers")));
    command_cell(table, json_get_text(consent, "valid_from"));
    command_cell(table, json_get_text(consent, "valid_until"));
}

static void print_row(struct command_call *call, const struct shown *shown,
                      const struct store_record *row, struct command_table *table)
{
    struct arena *arena = shown->arena;
    const struct json *consent = tree_of(arena, row->text);
    if (consent == NULL) {
        text_print(&call->err,
                   "refgate: consent %s cannot be read from the store; see refgate check\n",
                   row->number);
        return;
    }
    const char *state = consent_worth(call, shown, row, consent).said;
    if (!command_has(call, "json")) {
        consent_cells(table, shown, row, consent, state);
        return;
    }
    struct json *object = json_copy(arena, consent);
    json_set_text(arena, object, "state", state);
    lists_object(call, object);
}

/* By our number; else by the name, for which all are read. */
static size_t consents_of(struct listing *listing, struct store_record **ret_rows)
{
    struct arena *arena = listing->call->arena;
    struct store *store = listing->store;
    struct shown shown = lists_shown(listing->call, store, arena);
    size_t count = store_records(store, arena, listing->client, "consent", STORE_OWN, ret_rows);
    size_t all = 0;
    if (count == 0 && listing->client != NULL)
        all = store_records(store, arena, NULL, "consent", STORE_OWN, ret_rows);
    for (size_t i = 0; i < all; i++) {
        struct shown_client about = shown_client_of_record(&shown, &(*ret_rows)[i]);
        if (shown_client_is(&about, listing->client))
            (*ret_rows)[count++] = (*ret_rows)[i];
    }
    listing->printed = count;
    return count;
}

int consent_list(struct command_call *call)
{
    static const char *const headings[] = {"CONSENT",    "CLIENT", "BORN", "STATE", "DECISION",
                                           "SHARE WITH", "COVERS", "FROM", "UNTIL"};
    struct listing listing;
    struct fault fault;
    struct store_record *rows;
    if (!lists_begin(&listing, call, headings, 9, &fault))
        return command_fail(call, &fault);
    size_t count = consents_of(&listing, &rows);
    struct shown shown = lists_shown(call, listing.store, &listing.arena);
    for (size_t i = 0; i < count; i++) {
        print_row(call, &shown, &rows[i], &listing.table);
        arena_reset(&listing.arena);
    }
    lists_end(&listing);
    return 0;
}

int consent_show(struct command_call *call)
{
    struct store *store;
    struct fault fault;
    struct store_record found;
    const char *org = call->office->setup->config.org;
    if (!office_reader(call->office, call->arena, &store, &fault))
        return command_fail(call, &fault);
    bool is_found = store_find_record(store, call->arena, org, "consent", call->words[0], &found) &&
                    store_get_record(store, call->arena, found.id, &found);
    struct shown shown = lists_shown(call, store, call->arena);
    const struct json *consent = is_found ? tree_of(call->arena, found.text) : NULL;
    if (consent == NULL)
        fault_set(&fault, is_found ? FAULT_store_broken : FAULT_not_found,
                  arena_print(call->arena,
                              is_found ? "consent %s cannot be read from the store; see refgate "
                                         "check"
                                       : "found no consent %s; expected a number of refgate "
                                         "consent list",
                              call->words[0]));
    else if (command_has(call, "json")) /* as recorded */
        lists_object(call, consent);
    else
        desk_print_record(call, &shown, &found, consent);
    store_close(store);
    return consent == NULL ? command_fail(call, &fault) : 0;
}
