/* consent: the consents we hold, and why a record may or may not go to somebody.
 *
 * `consent explain` asks what release asks before each attempt, and says all of it: the record,
 * each consent with what it says and which of them govern, the partner, the answer and what to do.
 * It reads only. */
#include <string.h>

#include "fhir/json/tree.h"
#include "fhir/record/record.h"
#include "gateway/commands/consent_list.h"
#include "gateway/commands/lists.h"
#include "gateway/commands/table.h"
#include "gateway/outbound/outbound.h"
#include "gateway/outbound/release.h"

/* ---- explain ---- */

struct explaining {
    struct command_call *call;
    struct store *store;
    struct store_record row;
    const struct json *record;
    const char *recipient, *clinic;
    struct release_consents consents;
    struct consent_question question;
    struct consent_view *views;
    struct consent_answer answer;
    struct store_release release; /* its row for this clinic; state NULL: not meant for it */
    const char *barrier;          /* of the partner; NULL: none */
    const char *hold;             /* of the referral or the client; NULL: none */
    const char *advice;
};

/* A record of ours that leaves: by its number, or KIND:NUMBER where two kinds have it. */
static bool find_record(struct explaining *explaining, const char *id, struct fault *ret_fault)
{
    static const char *const kinds[] = {"referral", "progress-note", "discharge-summary",
                                        "treatment-plan", "case-conference"};
    struct command_call *call = explaining->call;
    const char *org = call->office->setup->config.org;
    const char *also = NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct store_record found;
        size_t length = strlen(kinds[i]);
        bool is_kind = strncmp(id, kinds[i], length) == 0 && id[length] == ':';
        if (!store_find_record(explaining->store, call->arena, org, kinds[i],
                               is_kind ? id + length + 1 : id, &found))
            continue;
        if (also != NULL)
            return fault_set(ret_fault, FAULT_usage,
                             arena_print(call->arena,
                                         "found two records %s; expected %s:%s or %s:%s", id, also,
                                         id, kinds[i], id));
        also = kinds[i];
        store_get_record(explaining->store, call->arena, found.id, &explaining->row);
    }
    if (also == NULL)
        return fault_set(ret_fault, FAULT_not_found,
                         arena_print(call->arena,
                                     "found no record %s of ours; expected a number of refgate "
                                     "records list",
                                     id));
    explaining->record = tree_of(call->arena, explaining->row.text);
    return explaining->record != NULL ||
           fault_set(ret_fault, FAULT_store_broken,
                     "the record cannot be read from the store; see refgate check");
}

static bool find_recipient(struct explaining *explaining, const char *to, struct fault *ret_fault)
{
    struct command_call *call = explaining->call;
    const struct directory *directory = call->office->setup->directory;
    const struct directory_entry *entry = directory_meet(directory, call->arena, to);
    if (entry == NULL) {
        const char *nearest = directory_nearest(directory, to);
        return fault_set(ret_fault, FAULT_not_found,
                         arena_print(call->arena,
                                     "--to: found \"%s\"; expected a handle of directory.csv%s%s%s",
                                     to, nearest == NULL ? "" : "; did you mean \"",
                                     nearest == NULL ? "" : nearest, nearest == NULL ? "" : "\"?"));
    }
    const char *clinic = directory_clinic_handle(directory, entry->handle);
    explaining->recipient = entry->handle;
    explaining->clinic = clinic == NULL ? entry->handle : clinic;
    return true;
}

/* Who is written as an NPI, or has moved, stands in the row as written. */
static bool is_for_clinic(const struct explaining *explaining, const struct store_release *release)
{
    const struct directory *directory = explaining->call->office->setup->directory;
    return text_equal(release->recipient, explaining->clinic) ||
           text_equal(directory_clinic_handle(directory, release->recipient), explaining->clinic);
}

static void find_release(struct explaining *explaining)
{
    struct store_release *releases;
    size_t count = store_releases(explaining->store, explaining->call->arena,
                                  explaining->row.client, NULL, &releases);
    explaining->release = (struct store_release){.state = NULL};
    for (size_t i = 0; i < count; i++) {
        if (releases[i].record == explaining->row.id && is_for_clinic(explaining, &releases[i]))
            explaining->release = releases[i];
    }
}

/* What else stands in the way comes first: only then is the client to be asked. */
static const char *advice_with(struct explaining *explaining, const char *of_consents)
{
    struct arena *arena = explaining->call->arena;
    const char *other = explaining->barrier != NULL ? explaining->barrier : explaining->hold;
    if (other == NULL)
        return of_consents;
    if (!explaining->answer.is_allowed)
        return arena_print(arena, "%s; then: %s", other, of_consents);
    if (explaining->barrier != NULL)
        return arena_print(
            arena, "the consents allow it; what stands in the way is the partner: %s", other);
    return arena_print(arena,
                       "the consents allow it; do what the answer says, or take it out of the tray "
                       "for good: refgate tray drop %lld --by WHO",
                       (long long)explaining->release.id);
}

static void ask(struct explaining *explaining)
{
    struct command_call *call = explaining->call;
    const struct setup *setup = call->office->setup;
    int64_t now_ms = clock_wall_ms(&call->clock);
    struct flow flow = {setup, explaining->store, call->arena, now_ms, call->office->validator};
    const char *advice;
    find_release(explaining);
    explaining->consents = release_consents(explaining->store, call->arena, explaining->row.client);
    explaining->question =
        release_question(setup, call->arena, explaining->record, &explaining->consents, now_ms);
    explaining->question.recipient = explaining->recipient;
    explaining->answer =
        consent_explain(call->arena, &explaining->question, &explaining->views, &advice);
    explaining->barrier =
        explaining->consents.is_whole
            ? release_barrier(setup, call->arena, explaining->clinic, explaining->row.kind)
            : "a consent of the client cannot be read from the store, and may be the one that "
              "forbids; see refgate check";
    explaining->hold =
        explaining->release.state == NULL ? NULL : flow_hold(&flow, &explaining->release);
    explaining->advice = advice_with(explaining, advice);
}

static bool is_allowed(const struct explaining *explaining)
{
    return explaining->answer.is_allowed && explaining->barrier == NULL && explaining->hold == NULL;
}

static const char *reason_of(const struct explaining *explaining)
{
    if (!explaining->answer.is_allowed || is_allowed(explaining))
        return explaining->answer.reason;
    return explaining->barrier != NULL ? explaining->barrier : explaining->hold;
}

/* Where the record stands for this clinic now: "waiting: REASON", "sent", ...; NULL: it was not
 * meant for it. */
static const char *tray_state(const struct explaining *explaining)
{
    const struct store_release *release = &explaining->release;
    return release->state == NULL || release->reason == NULL
               ? release->state
               : arena_print(explaining->call->arena, "%s: %s", release->state, release->reason);
}

static struct json *view_object(struct explaining *explaining, size_t at)
{
    struct arena *arena = explaining->call->arena;
    const struct consent_view *view = &explaining->views[at];
    int64_t accepted_ms = (int64_t)explaining->consents.given[at].accepted.seconds * 1000;
    struct json *object = json_new_object(arena);
    json_set_text(arena, object, "consent", json_get_text(view->consent, "record_id"));
    json_set_text(arena, object, "written_at", json_get_text(view->consent, "written_at"));
    json_set_text(arena, object, "accepted", clock_text(arena, accepted_ms));
    json_set_text(arena, object, "status", json_get_text(view->consent, "status"));
    json_set_text(arena, object, "decision", json_get_text(view->consent, "decision"));
    json_set_text(arena, object, "state", view->state);
    json_set_text(arena, object, "reason", view->reason);
    return object;
}

static void print_json(struct explaining *explaining)
{
    struct arena *arena = explaining->call->arena;
    struct json *object = json_new_object(arena);
    json_set_text(arena, object, "record", explaining->row.kind);
    json_set_text(arena, object, "record_id", explaining->row.number);
    json_set_text(arena, object, "client_id", explaining->row.client);
    json_set_text(arena, object, "to", explaining->recipient);
    json_set_text(arena, object, "clinic", explaining->clinic);
    json_set_text(arena, object, "purpose", explaining->question.purpose);
    json_set(arena, object, "allowed", json_new_boolean(arena, is_allowed(explaining)));
    json_set_text(arena, object, "reason", reason_of(explaining));
    json_set_text(arena, object, "partner",
                  explaining->barrier == NULL ? "may be sent to" : explaining->barrier);
    json_set_text(arena, object, "what_to_do", explaining->advice);
    json_set_text(arena, object, "now", tray_state(explaining));
    struct json *considered = json_set(arena, object, "considered", json_new_list(arena));
    for (size_t i = 0; i < explaining->consents.count; i++)
        json_push(considered, view_object(explaining, i));
    lists_object(explaining->call, object);
}

static void print_views(struct explaining *explaining)
{
    static const char *const headings[] = {"CONSENT", "WRITTEN", "TAKEN", "STATE", "WHY"};
    struct command_call *call = explaining->call;
    struct command_table table = lists_table(call->arena, headings, 5);
    for (size_t i = 0; i < explaining->consents.count; i++) {
        const struct consent_view *view = &explaining->views[i];
        int64_t accepted_ms = (int64_t)explaining->consents.given[i].accepted.seconds * 1000;
        command_cell(&table, json_get_text(view->consent, "record_id"));
        command_cell(&table, json_get_text(view->consent, "written_at"));
        command_cell(&table, clock_text(call->arena, accepted_ms));
        command_cell(&table, view->state);
        command_cell(&table, view->reason);
    }
    if (explaining->consents.count == 0)
        return;
    text_add(&call->out, "\n");
    command_print_table(&table, &call->out);
    text_add(&call->out, "\n");
}

static void print_text(struct explaining *explaining)
{
    struct text *out = &explaining->call->out;
    const char *state = tray_state(explaining);
    text_print(out, "%s %s of client %s, for %s%s%s, purpose %s\n", explaining->row.kind,
               explaining->row.number, explaining->row.client, explaining->recipient,
               text_equal(explaining->recipient, explaining->clinic) ? "" : " of ",
               text_equal(explaining->recipient, explaining->clinic) ? "" : explaining->clinic,
               explaining->question.purpose);
    text_print(out, "  written     %s\n", json_get_text(explaining->record, "written_at"));
    text_print(out, "  stands      %s\n", state == NULL ? "not meant for this clinic" : state);
    text_print(out, "  partner     %s\n",
               explaining->barrier == NULL ? "set up for it" : explaining->barrier);
    text_print(out, "  consents    %zu considered, in the order in which they were taken\n",
               explaining->consents.count);
    print_views(explaining);
    text_print(out, "  answer      %s: %s\n",
               is_allowed(explaining) ? "it may be sent" : "it may not be sent",
               reason_of(explaining));
    text_print(out, "  what to do  %s\n", explaining->advice);
}

static bool explain_to(struct explaining *explaining, const char *to, struct fault *ret_fault)
{
    if (!find_recipient(explaining, to, ret_fault))
        return false;
    ask(explaining);
    if (command_has(explaining->call, "json"))
        print_json(explaining);
    else
        print_text(explaining);
    return true;
}

/* HANDLES: those of one clinic ("osei;lindqvist"). */
static bool explain_each(struct explaining *explaining, const char *handles,
                         struct fault *ret_fault)
{
    struct arena *arena = explaining->call->arena;
    while (*handles != '\0') {
        size_t length = strcspn(handles, ";");
        if (!explain_to(explaining, arena_copy_n(arena, handles, length), ret_fault))
            return false;
        handles += length + (handles[length] == ';');
    }
    return true;
}

/* Without --to: to everybody it was written to. */
static bool explain_all(struct explaining *explaining, struct fault *ret_fault)
{
    struct store_release *releases;
    size_t said = 0;
    size_t count = store_releases(explaining->store, explaining->call->arena,
                                  explaining->row.client, NULL, &releases);
    for (size_t i = 0; i < count; i++) {
        if (releases[i].record != explaining->row.id)
            continue;
        said++;
        if (!explain_each(explaining, releases[i].addressed_as, ret_fault))
            return false;
    }
    return said > 0 ||
           fault_set(ret_fault, FAULT_usage,
                     "consent explain: found no recipient of this record; expected --to HANDLE, a "
                     "person or clinic of directory.csv");
}

static int explain(struct command_call *call)
{
    struct explaining explaining = {.call = call};
    struct fault fault;
    const char *to = command_option(call, "to");
    if (!office_reader(call->office, call->arena, &explaining.store, &fault))
        return command_fail(call, &fault);
    bool is_asked =
        find_record(&explaining, call->words[0], &fault) &&
        (to != NULL ? explain_to(&explaining, to, &fault) : explain_all(&explaining, &fault));
    store_close(explaining.store);
    return is_asked ? 0 : command_fail(call, &fault);
}

static const struct command_option explain_options[] = {
    {"to", "HANDLE", "the person or clinic it would go to; default: each that it was written to",
     false},
    {NULL, NULL, NULL, false},
};

static const struct command_option list_options[] = {
    {"client", "WHO", "those of one client: our number, or the name (delgado r)", false},
    {NULL, NULL, NULL, false},
};
static const struct command_option withdraw_options[] = {
    {"by", "HANDLE",
     "who takes it down: a person of ours, by the short name in directory.csv; needed", false},
    {"for", "HANDLE", "for this person or clinic of its share_with alone; may be repeated", true},
    {"at", "TIME", "when the client said so; default: now", false},
    {NULL, NULL, NULL, false},
};

#define ROW(name, arguments, help, words, run, options)                                            \
    {                                                                                              \
        name, arguments, help, COMMAND_STORE, words, words, run, options                           \
    }
const struct command commands_consent[] = {
    ROW("consent list", "", "consents we hold, and which of them are in force today", 0,
        consent_list, list_options),
    ROW("consent show", "RECORD_ID", "one consent in words, and what it is worth today", 1,
        consent_show, NULL),
    ROW("consent withdraw", "RECORD_ID", "the client takes it back: nothing leaves by it any more",
        1, consent_withdraw, withdraw_options),
    ROW("consent explain", "RECORD",
        "why a record may, or may not, go to whom it was written to, or to somebody else (--to)", 1,
        explain, explain_options),
    {NULL, NULL, NULL, COMMAND_HERE, 0, 0, NULL, NULL},
};
