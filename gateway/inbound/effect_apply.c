/* effect_apply: what a message that nothing stands against does here: rows of records, referrals,
 * claims and links, and what its sender is told beside "ok". See effect.h; effect.c has checked it.
 */
#include <string.h>

#include "base/text.h"
#include "fhir/codes/reason.h"
#include "fhir/json/tree.h"
#include "gateway/inbound/acknowledge.h"
#include "gateway/inbound/effect.h"
#include "gateway/outbound/outbox.h"
#include "gateway/people/people.h"
#include "gateway/referral/whose.h"
#include "gateway/store/store.h"

enum { NUMBER_MAX = 1024, NOTE_MAX = 4096, OTHER_IDS_MAX = 32, EPOCH_SHOWN = 4 };

/* ---- a referral that is new here ---- */

/* What the placer calls a referral that is new here: by its record, or, when a correction is the
 * first that comes of it, by what that corrects, since every later move names that. */
static const char *referral_number(const struct json *record)
{
    const char *replaced = json_get_text(record, "replaces_record_id");
    return replaced != NULL ? replaced : json_get_text(record, "record_id");
}

/* A received record may lack our client number. */
static const char *client_of(const struct json *record)
{
    const char *client = json_get_text(record, "client_id");
    return client == NULL ? "" : client;
}

/* store_referrals_filled finds it again by its end. After a restore it names the epoch: the row
 * may have been given before to a referral that the backup lacked. */
static const char *our_number(struct store *store, struct arena *arena, const char *our)
{
    struct text number = text_new(arena, NUMBER_MAX);
    const char *epoch = store_epoch(store);
    text_add(&number, our);
    text_add(&number, "-F-");
    if (epoch[0] != '\0') {
        text_add_n(&number, epoch, EPOCH_SHOWN);
        text_add_char(&number, '-');
    }
    text_add_whole(&number, store_next_referral(store));
    return number.at;
}

static const char *facts_of(const struct inbox_item *item)
{
    return json_print(item->arena, client_facts(item->arena, item->message->record));
}

/* A new referral waits for an answer, unless it comes as one that is over. */
static const char *first_status(const struct inbox_item *item, const struct effect *effect)
{
    bool is_over = text_equal(item->message->move.task_status, "completed") ||
                   text_equal(json_get_text(item->message->record, "status"), "completed");
    return effect->is_cancelled ? "cancelled" : is_over ? "completed" : "requested";
}

static void add_referral(struct store *store, const struct inbox_item *item, struct effect *effect)
{
    const struct json *record = item->message->record;
    struct store_referral *referral = &effect->referral;
    const char *our = item->setup->config.org;
    long visits = 0;
    if (!json_whole(json_get(record, "visits_requested"), &visits) || visits < 0 ||
        visits > TRACK_VISITS_MAX)
        visits = 0;
    *referral = (struct store_referral){.placer = item->message->sender,
                                        .number = referral_number(record),
                                        .filler = our,
                                        .filler_number = our_number(store, item->arena, our),
                                        .role = "filler",
                                        .partner = admission_partner(item->admission),
                                        .client = client_of(record),
                                        .service = json_get_text(record, "service"),
                                        .priority = json_get_text(record, "priority"),
                                        .task_status = first_status(item, effect),
                                        .visits_total = visits,
                                        .valid_until = json_get_text(record, "valid_until"),
                                        .authored_at = json_get_text(record, "written_at"),
                                        .created_ms = item->now_ms,
                                        .changed_ms = item->now_ms,
                                        .client_facts = facts_of(item)};
    referral->id = store_add_referral(store, referral);
}

static int64_t add_record(struct store *store, const struct inbox_item *item, struct effect *effect)
{
    const struct json *record = item->message->record;
    const char *text = item->ready.text;
    struct store_record row = {.clinic = item->message->sender,
                               .kind = effect->kind,
                               .number = json_get_text(record, "record_id"),
                               .origin = admission_partner(item->admission),
                               .client = client_of(record),
                               .referral = effect->contradiction == NULL ? effect->referral.id : 0,
                               .accepted_ms = item->now_ms,
                               .exported = effect->is_cancelled}; /* no work for anyone */
    row.retracted = store_early_retraction(store, item->arena, row.clinic, row.kind, row.number);
    row.retracted_ms = row.retracted == NULL ? 0 : item->now_ms;
    row.payload = payload_keep(store, text, strlen(text), NULL);
    if (item->message->attachments != NULL) {
        const char *list = json_print(item->arena, item->message->attachments);
        row.attachments = payload_keep(store, list, strlen(list), NULL);
    }
    row.id = store_add_record(store, &row);
    effect->retracted = row;
    return row.id;
}

/* Of our client NUMBER as our last record said it; of one that no record has named since clients
 * became rows, as our first record says. NULL: not known. */
static const char *birth_date_of(struct store *store, struct arena *arena, const char *number)
{
    struct store_client client;
    struct store_record *ours;
    if (!store_find_client(store, arena, STORE_OWN, number, &client))
        return NULL;
    if (client.birth_date != NULL ||
        store_records(store, arena, number, NULL, STORE_OWN, &ours) == 0)
        return client.birth_date;
    return json_get_text(tree_of(arena, ours[0].text), "client_birth_date");
}

/* Their number for a client of ours, when they name one of our numbers and the birth date agrees.
 * Of a message that names more than a few numbers the first are looked at. */
static void link_client(struct store *store, const struct inbox_item *item)
{
    const struct json *record = item->message->record;
    const char *our = item->setup->config.org;
    const char *their_number = json_get_text(record, "client_id");
    const char *born = json_get_text(record, "client_birth_date");
    const struct json *other = json_first(json_get(record, "client_other_ids"));
    if (their_number == NULL || born == NULL)
        return;
    for (size_t i = 0; other != NULL && i < OTHER_IDS_MAX; other = json_next(other), i++) {
        const char *number = json_get_text(other, "id");
        if (number != NULL && text_equal(json_get_text(other, "issued_by"), our) &&
            text_equal(birth_date_of(store, item->arena, number), born))
            store_add_link(store, number, item->message->sender, their_number);
    }
}

/* It stands in a list of its own until a person has looked. */
static void keep_to_match(struct store *store, const struct inbox_item *item,
                          const struct effect *effect, int64_t record,
                          struct store_message *message)
{
    struct store_match match = {.record = record,
                                .referral = effect->to_match,
                                .message = message->id,
                                .state = "to match",
                                .what = effect->contradiction,
                                .at_ms = item->now_ms};
    store_add_match(store, &match);
    message->response_issues = acknowledge_notice(
        item->arena,
        arena_print(item->arena,
                    "taken, but %s does not agree with the client of the referral: it waits here "
                    "for a person, who attaches it or returns it",
                    effect->contradicted));
}

/* Its placer says whom a referral is about, and may have been wrong: whoever treats sees it. */
static void correct_referral(struct store *store, const struct inbox_item *item,
                             struct effect *effect, int64_t row)
{
    struct store_referral *referral = &effect->referral;
    struct client_difference difference;
    const char *client = client_of(item->message->record);
    effect->corrects_client =
        whose_differs(store, item->arena, item->setup->config.org, item->message->record,
                      item->message->sender, referral, &difference);
    referral->corrected_by = row;
    referral->client_facts = facts_of(item);
    track_correct(referral, item->message->record);
    store_set_referral(store, referral);
    if (text_equal(referral->client, client))
        return;
    referral->client = client;
    store_set_referral_client(store, referral);
}

static void apply_record(struct store *store, const struct inbox_item *item, struct effect *effect,
                         struct store_message *message)
{
    bool is_referral = text_equal(effect->kind, "referral");
    bool corrects = is_referral && effect->referral.id != 0;
    effect->details.at_ms = item->now_ms;
    if (effect->contradiction == NULL)
        whose_note(store, admission_partner(item->admission), item->message->record);
    if (is_referral && !corrects)
        add_referral(store, item, effect);
    int64_t row = add_record(store, item, effect);
    message->record = row;
    if (corrects)
        correct_referral(store, item, effect, row);
    if (effect->contradiction != NULL)
        keep_to_match(store, item, effect, row, message);
    else
        link_client(store, item);
}

/* "progress-note WSM-N-2201 received", with what the Task did beside it. */
static void note_record(struct store *store, const struct inbox_item *item, struct effect *effect)
{
    const char *number = json_get_text(item->message->record, "record_id");
    if (effect->referral.id == 0)
        return;
    effect->details.by = json_get_text(item->message->record, "written_by");
    effect->details.reason_code = NULL;
    effect->details.reason = NULL;
    struct text note = text_new(item->arena, NOTE_MAX);
    text_add(&note, effect->kind);
    text_add_char(&note, ' ');
    text_add(&note, number);
    text_add(&note, effect->contradiction == NULL ? " received" : " received, to match");
    text_add(&note, effect->corrects_client ? ": it is about another client than before" : "");
    track_note(store, effect->referral.id, note.at, &effect->details);
}

/* The record it carried is back on our desk. */
static void take_back(struct store *store, const struct inbox_item *item, struct effect *effect)
{
    struct store_message *returned = &effect->returned;
    struct store_record record = {.number = ""};
    struct track_details details = {.by = item->message->sender,
                                    .reason = "it seems to be about another client",
                                    .message = returned->id,
                                    .at_ms = item->now_ms};
    if (returned->id == 0)
        return;
    returned->state = "rejected";
    returned->cause = STORE_CAUSE_RETURNED;
    returned->response_code = item->message->reply_code;
    returned->reason = arena_print(item->arena,
                                   "returned by %s: it seems to be about another client than its "
                                   "referral; send it again about the right one, with a new number",
                                   item->message->sender);
    store_set_message(store, returned);
    store_get_record(store, item->arena, returned->record, &record);
    if (returned->referral == 0)
        return;
    track_note(store, returned->referral,
               arena_print(item->arena, "%s %s returned", returned->kind, record.number), &details);
    const struct store_answer answer = {
        .referral = returned->referral,
        .clinic = item->message->sender,
        .move = OUTBOX_RETURN,
        .code = "wrong-client",
        .reason = arena_print(item->arena, "%s %s", returned->kind, record.number),
        .at_ms = item->now_ms};
    store_add_answer(store, &answer);
}

static void note_cancelled(struct store *store, const struct inbox_item *item,
                           struct effect *effect, struct store_message *message)
{
    if (!effect->is_cancelled)
        return;
    track_note(store, effect->referral.id, "cancelled before it came", &effect->details);
    message->response_issues = acknowledge_notice(
        item->arena, arena_print(item->arena,
                                 "you had taken referral %s back: it is filed as "
                                 "cancelled",
                                 effect->referral.number));
}

/* It was attached, and their number taken for our client's; now they say that it was not. */
static void unlink_client(struct store *store, const struct inbox_item *item,
                          const struct store_match *match, const struct store_record *record)
{
    struct store_referral referral;
    if (store_get_referral(store, item->arena, match->referral, &referral) &&
        track_ours(&referral) == TRACK_PLACER)
        store_remove_link(store, referral.client, record->clinic, record->client);
}

/* Whose it is needs no decision any more. */
static void settle_match(struct store *store, const struct inbox_item *item,
                         const struct store_record *record, const char *code)
{
    struct store_match match;
    if (!store_get_match(store, item->arena, record->id, &match))
        return;
    if (text_equal(match.state, "attached") && text_equal(code, "wrong-client"))
        unlink_client(store, item, &match, record);
    if (!text_equal(match.state, "to match"))
        return;
    match.state = "kept apart";
    match.by = item->message->sender;
    match.decided_ms = item->now_ms;
    store_set_match(store, &match);
}

/* "progress-note WSM-N-2201 retracted", with the reason. */
static void note_retracted(struct store *store, const struct inbox_item *item,
                           const struct effect *effect, const char *code)
{
    const struct store_record *record = &effect->retracted;
    struct track_details details = effect->details;
    int64_t referral = record->referral != 0 ? record->referral : effect->referral.id;
    settle_match(store, item, record, code);
    if (referral == 0)
        return;
    details.reason = reason_of_retraction(item->arena, code);
    track_note(store, referral,
               arena_print(item->arena, "%s %s retracted", record->kind, record->number), &details);
}

/* A copy that came behind its retraction. */
static void note_late_copy(struct store *store, const struct inbox_item *item,
                           struct effect *effect, struct store_message *message)
{
    if (effect->retracted.retracted == NULL)
        return;
    note_retracted(store, item, effect, effect->retracted.retracted);
    message->response_issues = acknowledge_notice(
        item->arena, arena_print(item->arena, "you had retracted %s %s: it is filed as retracted",
                                 effect->kind, effect->retracted.number));
}

/* Its sender learns that not everything became a fact here. */
static void note_set_aside(const struct inbox_item *item, struct store_message *message)
{
    if (item->message->set_aside == NULL)
        return;
    message->response_issues = acknowledge_warning(
        item->arena, message->response_issues,
        arena_print(item->arena,
                    "taken, but not all of it was filed as facts; beside the record stand: %s",
                    item->message->set_aside));
}

/* The record is marked, and never deleted; the Task does not move. */
static void apply_retraction(struct store *store, const struct inbox_item *item,
                             struct effect *effect, struct store_message *message)
{
    const struct message_inbound *said = item->message;
    const struct store_record *record = &effect->retracted;
    message->referral = record->referral != 0 ? record->referral : effect->referral.id;
    effect->details.message = message->id;
    if (record->id == 0) {
        store_add_early_retraction(store, said->sender, said->retracted_kind,
                                   said->retracted_number, said->retracted_code,
                                   store_lived_ms(store));
        message->response_issues = acknowledge_notice(
            item->arena,
            arena_print(item->arena,
                        "%s is not among the records that we have of you; should it come yet, it "
                        "is filed as retracted",
                        said->retracted_number));
    } else if (record->retracted == NULL) {
        store_retract_record(store, record->id, said->retracted_code, item->now_ms);
        store_set_unexported(store, record->id);
        note_retracted(store, item, effect, said->retracted_code);
    }
}

static void take_filler_number(struct store *store, const struct inbox_item *item,
                               struct store_referral *referral)
{
    const char *number = item->message->referral.filler_number;
    if (referral->id == 0 || number == NULL || text_equal(referral->filler_number, number) ||
        track_ours(referral) != TRACK_PLACER)
        return;
    referral->filler_number = number;
    store_set_referral(store, referral);
}

/* What a person of ours has to hear of: a record that moves the Task is a file by itself, and that
 * they have received a referral is no answer to it. */
static void keep_answer(struct store *store, const struct inbox_item *item,
                        const struct effect *effect)
{
    const struct store_referral *referral = &effect->referral;
    const struct store_answer answer = {.referral = referral->id,
                                        .clinic = item->message->sender,
                                        .move = effect->move->word,
                                        .by = effect->details.by,
                                        .code = effect->details.reason_code,
                                        .reason = effect->details.reason,
                                        .visits_done = referral->visits_done,
                                        .visits_total = referral->visits_total,
                                        .at_ms = item->now_ms};
    if (item->message->content != MESSAGE_RECORD && !text_equal(effect->move->word, "receive"))
        store_add_answer(store, &answer);
}

void effect_apply(struct store *store, const struct inbox_item *item, struct effect *effect,
                  struct store_message *message)
{
    bool has_record = item->message->content == MESSAGE_RECORD;
    people_keep(store, admission_partner(item->admission), item->message->claims, item->now_ms);
    if (effect->is_known_record)
        return;
    if (item->message->content == MESSAGE_RETRACTION) {
        apply_retraction(store, item, effect, message);
        return;
    }
    if (has_record)
        apply_record(store, item, effect, message);
    take_back(store, item, effect);
    message->referral = effect->referral.id;
    effect->details.message = message->id;
    take_filler_number(store, item, &effect->referral);
    if (has_record) {
        track_count_visits(store, &effect->referral, item->message->record);
        note_record(store, item, effect);
        note_cancelled(store, item, effect, message);
        note_late_copy(store, item, effect, message);
        note_set_aside(item, message);
    }
    if (effect->is_behind_cancel)
        track_accept_behind_cancel(store, &effect->referral, &effect->details, item->arena);
    else if (effect->move != NULL) {
        if (effect->implied != NULL)
            track_imply(store, &effect->referral, effect->implied, item->message->move.task_status,
                        &effect->details, item->arena);
        track_apply(store, &effect->referral, effect->move, &effect->details, item->arena);
    }
    if (effect->move != NULL)
        keep_answer(store, item, effect);
}
