/* effect: see effect.h. */
#include "gateway/effect.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "fhir/reason.h"
#include "fhir/record.h"
#include "gateway/acknowledge.h"
#include "gateway/outbox.h"
#include "gateway/people.h"
#include "gateway/store/answers.h"
#include "gateway/store/lived.h"
#include "gateway/store/recall.h"
#include "gateway/tree.h"
#include "gateway/whose.h"

enum { NUMBER_MAX = 1024, NOTE_MAX = 4096, RELATED_MAX = 64, OTHER_IDS_MAX = 32, EPOCH_SHOWN = 4 };

/* A clinic may be with another partner now than when its referral came: who serves it by
 * directory.csv speaks for it. */
static bool is_theirs(const struct inbox_item *item, struct store_referral *referral)
{
    const char *partner = admission_partner(item->admission);
    bool is_ours = track_ours(referral) == TRACK_PLACER;
    const char *clinic = is_ours ? referral->filler : referral->placer;
    const struct partner *serves = setup_partner_of(item->setup, clinic);
    bool has_moved = referral->partner[0] != '\0' && text_equal(clinic, item->message->sender) &&
                     serves != NULL && text_equal(serves->name, partner);
    if (has_moved)
        referral->partner = partner;
    return text_equal(referral->partner, partner);
}

/* Of COUNT referrals the one that is this partner's; false when there is none, or several. */
static bool find_theirs(const struct inbox_item *item, struct store_referral *referrals,
                        size_t count, struct store_referral *ret_referral)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        if (!is_theirs(item, &referrals[i]))
            continue;
        *ret_referral = referrals[i];
        found++;
    }
    return found == 1;
}

/* What PLACER placed under this number, or under that of a record that corrected it. */
static bool find_placed(struct store *store, const struct inbox_item *item, const char *placer,
                        const char *number, struct store_referral *ret_referral)
{
    struct store_record record;
    if (store_find_referral(store, item->arena, placer, number, ret_referral))
        return true;
    return store_find_record(store, item->arena, placer, "referral", number, &record) &&
           store_get_referral(store, item->arena, record.referral, ret_referral);
}

/* A referral of this partner by number, in any spelling both sides use: (placer, number) goes
 * before everything, and a number that a filler gave comes last, since it may be one that is taken.
 * Somebody else's referral is "not found", as is none at all. */
static bool find_referral(struct store *store, const struct inbox_item *item,
                          struct store_referral *ret_referral)
{
    const struct message_referral *wanted = &item->message->referral;
    struct store_referral *matches;
    if (wanted->number == NULL)
        return false;
    if (wanted->placer != NULL &&
        find_placed(store, item, wanted->placer, wanted->number, ret_referral))
        return is_theirs(item, ret_referral);
    size_t count = store_referrals_numbered(store, item->arena, wanted->number, &matches);
    if (find_theirs(item, matches, count, ret_referral))
        return true;
    count = store_referrals_filled(store, item->arena, wanted->number, &matches);
    return find_theirs(item, matches, count, ret_referral);
}

/* The referral that a record of the sender names as the one it corrects: one it placed itself. */
static bool find_replaced(struct store *store, const struct inbox_item *item, const char *replaced,
                          struct store_referral *ret_referral)
{
    return find_placed(store, item, item->message->sender, replaced, ret_referral) &&
           is_theirs(item, ret_referral);
}

static bool not_found(const struct inbox_item *item, struct fault *ret_fault)
{
    const char *number = item->message->referral.number;
    return fault_set(ret_fault, FAULT_not_found,
                     arena_print(item->arena,
                                 "referral %s is not found among those we share with you",
                                 number == NULL ? "(no number given)" : number));
}

static enum track_side their_side(const struct store_referral *referral)
{
    return track_ours(referral) == TRACK_PLACER ? TRACK_FILLER : TRACK_PLACER;
}

/* A whole number of visits in its plain form; 0, which says nothing, for anything else. */
static int64_t visits_of(const char *text)
{
    static const char digits[] = "0123456789";
    if (text == NULL || strlen(text) > 3 || text[strspn(text, digits)] != '\0')
        return 0;
    return strtoll(text, NULL, 10);
}

static struct track_details details_of(const struct inbox_item *item)
{
    const struct message_move *move = &item->message->move;
    struct track_details details = {.by = move->by != NULL ? move->by : item->message->sender,
                                    .reason_code = move->reason_code,
                                    .reason = move->reason,
                                    .business_status = move->business_status,
                                    .visits_done = visits_of(move->visits_done),
                                    .visits_total = visits_of(move->visits_total),
                                    .at_ms = item->now_ms};
    return details;
}

/* ---- moves ---- */

/* Our cancel and their start or hold may cross: what they did before they knew stands, and their
 * refusal of the cancel follows. Cancelling what they only accepted needs no such care: they
 * follow. */
static bool crosses_cancel(const struct inbox_item *item, const struct effect *effect,
                           const struct track_move *move, struct fault *ret_fault)
{
    static const char *const words[] = {"start", "hold", "complete", "fail", "decline"};
    static const char *const from[] = {"accepted", "accepted", "accepted", "accepted", "received"};
    struct store_referral before = effect->referral;
    if (track_unconfirmed_cancel(&before, item->arena) == NULL)
        return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        before.task_status = from[i];
        if (text_equal(move->word, words[i]))
            return track_allows(move, TRACK_FILLER, &before, item->arena, ret_fault);
    }
    return false;
}

static bool allows(const struct inbox_item *item, const struct effect *effect,
                   const struct track_move *move, struct fault *ret_fault)
{
    return crosses_cancel(item, effect, move, ret_fault) ||
           track_allows(move, their_side(&effect->referral), &effect->referral, item->arena,
                        ret_fault);
}

/* The row of the table that the message asks for: by its word where that is possible, else by the
 * Task state it names (another system's "in progress" means start, or resume after a pause). */
static const struct track_move *asked_move(const struct inbox_item *item,
                                           const struct store_referral *referral)
{
    const struct message_move *asked = &item->message->move;
    const struct track_move *move = asked->move == NULL ? NULL : track_find(asked->move);
    enum track_side side = their_side(referral);
    struct fault ignored;
    if (asked->task_status == NULL ||
        (move != NULL && track_allows(move, side, referral, item->arena, &ignored)))
        return move;
    const struct track_move *other = track_between(side, referral->task_status, asked->task_status);
    return other != NULL ? other : move;
}

/* A referral is also taken back by a corrected one that says "cancelled". NULL: it corrects none.
 */
static const char *corrected_number(const struct inbox_item *item)
{
    return item->message->content == MESSAGE_RECORD_CANCEL
               ? json_get_text(item->message->record, "replaces_record_id")
               : NULL;
}

static bool find_moved(struct store *store, const struct inbox_item *item,
                       struct store_referral *ret_referral)
{
    const char *corrected = corrected_number(item);
    return find_referral(store, item, ret_referral) ||
           (corrected != NULL && find_replaced(store, item, corrected, ret_referral));
}

/* A clinic takes back what it placed itself. */
static bool is_cancel_of_own(const struct inbox_item *item)
{
    const struct message_move *asked = &item->message->move;
    const struct message_referral *named = &item->message->referral;
    bool is_cancel = asked->move == NULL ? text_equal(asked->task_status, "cancelled")
                                         : text_equal(asked->move, "cancel");
    return is_cancel && named->number != NULL &&
           (named->placer == NULL || text_equal(named->placer, item->message->sender));
}

static bool move_nothing(const struct inbox_item *item, struct effect *effect,
                         struct fault *ret_fault)
{
    effect->referral.id = 0;
    effect->is_early_cancel = is_cancel_of_own(item);
    if (!effect->is_early_cancel)
        return not_found(item, ret_fault);
    return fault_set(ret_fault, FAULT_not_found,
                     arena_print(item->arena,
                                 "referral %s is not found among those we share with you; should "
                                 "it come yet, it is taken as cancelled",
                                 item->message->referral.number));
}

/* A filler that was restored from a backup makes its moves again, up to where the referral stands
 * here: on the way they change nothing. */
static bool is_made_again(struct store *store, const struct inbox_item *item,
                          const struct store_referral *referral, const struct track_move *move)
{
    int64_t again_ms;
    struct fault ignored;
    return move->who == TRACK_FILLER && their_side(referral) == TRACK_FILLER &&
           !track_allows(move, TRACK_FILLER, referral, item->arena, &ignored) &&
           track_leads_on(move, referral->task_status) &&
           *store_recalled(store, item->arena, admission_partner(item->admission), &again_ms) != 0;
}

static bool check_move(struct store *store, const struct inbox_item *item, struct effect *effect,
                       struct fault *ret_fault)
{
    const struct message_move *asked = &item->message->move;
    effect->kind = asked->move == NULL ? "status" : asked->move;
    if (!find_moved(store, item, &effect->referral))
        return move_nothing(item, effect, ret_fault);
    const struct track_move *move = asked_move(item, &effect->referral);
    bool is_state = move == NULL || move->to[0] != '\0';
    if (is_state && text_equal(effect->referral.task_status, asked->task_status))
        return true; /* it stands there already: saying it again changes nothing */
    if (move == NULL)
        return fault_set(ret_fault, FAULT_illegal_move,
                         arena_print(item->arena,
                                     "referral %s is %s; a Task of it cannot become %s",
                                     effect->referral.number, effect->referral.task_status,
                                     asked->task_status == NULL ? "that" : asked->task_status));
    if (is_made_again(store, item, &effect->referral, move))
        return true;
    effect->move = move;
    effect->details = details_of(item);
    if (text_equal(move->word, "accept") &&
        track_unconfirmed_cancel(&effect->referral, item->arena) != NULL) {
        effect->is_behind_cancel = true;
        return true;
    }
    return allows(item, effect, move, ret_fault);
}

/* ---- records ---- */

/* By what travels of it, and by whether it is a plain record: what was only proposed may be ordered
 * in the same words. */
static bool is_same_record(const struct inbox_item *item, const struct json *record)
{
    const struct directory *directory = item->setup->directory;
    return text_equal(json_get_text(record, "standing"),
                      json_get_text(item->message->record, "standing")) &&
           strcmp(record_canonical(item->arena, record, directory, false),
                  record_canonical(item->arena, item->message->record, directory, false)) == 0;
}

static const struct json *filed_record(struct store *store, const struct inbox_item *item,
                                       const struct store_record *filed)
{
    size_t length;
    const char *text = payload_get(store, item->arena, filed->payload, &length);
    return tree_of_n(item->arena, text, length);
}

static bool check_identity(struct store *store, const struct inbox_item *item,
                           struct effect *effect, struct fault *ret_fault)
{
    const struct json *record = item->message->record;
    const char *number = json_get_text(record, "record_id");
    struct store_record known;
    if (!store_find_record(store, item->arena, item->message->sender, effect->kind, number, &known))
        return true;
    const struct json *filed = filed_record(store, item, &known);
    if (filed == NULL)
        return fault_set(ret_fault, FAULT_conflict,
                         arena_print(item->arena,
                                     "%s %s was received before, and that copy can no longer be "
                                     "read here, so nobody can say whether this one is the same; "
                                     "call us, and send it with a number of its own",
                                     effect->kind, number));
    effect->is_known_record = is_same_record(item, filed);
    if (effect->is_known_record)
        return true;
    return fault_set(
        ret_fault, FAULT_conflict,
        arena_print(item->arena,
                    "%s %s was received before with other content; send a correction with "
                    "a number of its own that names the one it replaces",
                    effect->kind, number));
}

static bool is_cancelled_early(struct store *store, const struct inbox_item *item,
                               const char *number)
{
    return store_has_early_cancel(store, admission_partner(item->admission), item->message->sender,
                                  number);
}

/* What the placer calls a referral that is new here: by its record, or, when a correction is the
 * first that comes of it, by what that corrects, since every later move names that. */
static const char *referral_number(const struct json *record)
{
    const char *replaced = json_get_text(record, "replaces_record_id");
    return replaced != NULL ? replaced : json_get_text(record, "record_id");
}

/* A referral of its own. */
static bool stand_alone(struct store *store, const struct inbox_item *item, struct effect *effect,
                        const char *replaced)
{
    effect->referral.id = 0;
    effect->is_cancelled =
        is_cancelled_early(store, item, json_get_text(item->message->record, "record_id")) ||
        (replaced != NULL && is_cancelled_early(store, item, replaced));
    return true;
}

static bool check_new_referral(struct store *store, const struct inbox_item *item,
                               struct effect *effect, struct fault *ret_fault)
{
    const char *replaced = json_get_text(item->message->record, "replaces_record_id");
    if (effect->is_known_record)
        return true;
    if (replaced == NULL) {
        const char *number = json_get_text(item->message->record, "record_id");
        if (!find_placed(store, item, item->message->sender, number, &effect->referral))
            return stand_alone(store, item, effect, NULL);
        return fault_set(ret_fault, FAULT_conflict,
                         arena_print(item->arena, "referral number %s is in use already",
                                     effect->referral.number));
    }
    return find_replaced(store, item, replaced, &effect->referral) ||
           (find_referral(store, item, &effect->referral) &&
            text_equal(effect->referral.placer, item->message->sender)) ||
           stand_alone(store, item, effect, replaced); /* what it corrects never came */
}

/* ---- about the right client? ---- */

static bool compare_client(struct store *store, const struct inbox_item *item,
                           struct effect *effect, const struct store_referral *referral)
{
    struct client_difference difference;
    if (effect->is_known_record ||
        !whose_differs(store, item->arena, item->setup->config.org, item->message->record,
                       item->message->sender, referral, &difference))
        return false;
    effect->contradiction =
        whose_say(item->arena, referral, whose_referral(store, item->arena, referral), &difference);
    effect->contradicted = difference.path;
    effect->to_match = referral->id;
    return true;
}

/* Of the referrals that minutes name those we share with the sender. */
static void compare_related(struct store *store, const struct inbox_item *item,
                            struct effect *effect)
{
    const struct json *id = json_first(json_get(item->message->record, "related_referral_ids"));
    for (; id != NULL; id = json_next(id)) {
        struct message_inbound asked = *item->message;
        struct inbox_item about = *item;
        struct store_referral referral;
        const char *number = json_text(id);
        const char *colon = number == NULL ? NULL : strchr(number, ':');
        asked.referral.number = colon == NULL ? number : colon + 1;
        asked.referral.placer =
            colon == NULL ? NULL : arena_copy_n(item->arena, number, (size_t)(colon - number));
        about.message = &asked;
        if (find_referral(store, &about, &referral) &&
            compare_client(store, item, effect, &referral))
            return;
    }
}

/* ---- notes, plans, minutes ---- */

/* What a note or discharge of the filler does to the Task (a first note starts it, a discharge ends
 * it). After the end only corrections are taken. */
static bool check_note(struct store *store, const struct inbox_item *item, struct effect *effect,
                       struct fault *ret_fault)
{
    struct store_referral *referral = &effect->referral;
    bool corrects = json_get(item->message->record, "replaces_record_id") != NULL;
    if (!find_referral(store, item, referral)) {
        referral->id = 0;
        return not_found(item, ret_fault);
    }
    effect->details = details_of(item);
    compare_client(store, item, effect, referral);
    if (track_ours(referral) == TRACK_FILLER || corrects || effect->is_known_record)
        return true;
    const char *wanted = text_equal(effect->kind, "discharge-summary") ? "complete" : "start";
    const struct track_move *move = track_find(wanted);
    bool is_under_way = text_equal(referral->task_status, "in-progress") ||
                        text_equal(referral->task_status, "on-hold");
    if (text_equal(wanted, "start") && is_under_way)
        return true;
    effect->move = move;
    return allows(item, effect, move, ret_fault);
}

/* A plan or a conference may name a referral of ours, and need not. */
static bool check_shared(struct store *store, const struct inbox_item *item, struct effect *effect,
                         struct fault *ret_fault)
{
    if (json_count(json_get(item->message->record, "related_referral_ids")) > RELATED_MAX)
        return fault_set(ret_fault, FAULT_unsupported,
                         arena_print(item->arena,
                                     "found more than %d referrals discussed; expected at most as "
                                     "many, since each client is compared",
                                     RELATED_MAX));
    bool is_found = find_referral(store, item, &effect->referral);
    if (!is_found)
        effect->referral.id = 0;
    if (!is_found || !compare_client(store, item, effect, &effect->referral))
        compare_related(store, item, effect);
    effect->details = details_of(item);
    return true;
}

static const struct {
    const char *kind;
    bool (*check)(struct store *store, const struct inbox_item *item, struct effect *effect,
                  struct fault *ret_fault);
} record_kinds[] = {
    {"referral", check_new_referral},  {"progress-note", check_note},
    {"discharge-summary", check_note}, {"treatment-plan", check_shared},
    {"case-conference", check_shared},
};

static bool check_record(struct store *store, const struct inbox_item *item, struct effect *effect,
                         struct fault *ret_fault)
{
    const struct json *record = item->message->record;
    effect->kind = json_get_text(record, "record");
    if (!check_identity(store, item, effect, ret_fault))
        return false;
    for (size_t i = 0; i < sizeof record_kinds / sizeof *record_kinds; i++) {
        if (text_equal(record_kinds[i].kind, effect->kind))
            return record_kinds[i].check(store, item, effect, ret_fault);
    }
    return fault_set(ret_fault, FAULT_unsupported,
                     arena_print(item->arena, "a %s is not taken here", effect->kind));
}

/* ---- retractions ---- */

static const char *const retractable[] = {"progress-note", "discharge-summary", "case-conference",
                                          "treatment-plan", "referral"};
enum { RETRACTABLE = sizeof retractable / sizeof *retractable };

/* The sender's own record; when it does not say of which kind, the only one of that number. */
static bool find_retracted(struct store *store, const struct inbox_item *item,
                           struct store_record *ret_record)
{
    const struct message_inbound *message = item->message;
    struct store_record found;
    size_t count = 0;
    for (size_t i = 0; i < RETRACTABLE; i++) {
        bool is_meant =
            message->retracted_kind == NULL || text_equal(message->retracted_kind, retractable[i]);
        if (!is_meant || !store_find_record(store, item->arena, message->sender, retractable[i],
                                            message->retracted_number, &found))
            continue;
        *ret_record = found;
        count++;
    }
    return count == 1;
}

static bool check_retraction(struct store *store, const struct inbox_item *item,
                             struct effect *effect)
{
    effect->kind = "retraction";
    effect->details = details_of(item);
    if (!find_retracted(store, item, &effect->retracted))
        effect->retracted.id = 0;
    if (!find_referral(store, item, &effect->referral))
        effect->referral.id = 0;
    return true;
}

/* ---- answers ---- */

/* A late refusal of a note that was taken gives it back; any other late answer changes nothing. */
static void find_returned(struct store *store, const struct inbox_item *item, struct effect *effect)
{
    struct store_message sent;
    if (item->message->reply_to == NULL || !text_equal(item->message->reply_code, "fatal-error") ||
        !store_find_outbound(store, item->arena, item->message->reply_to, &sent) ||
        !text_equal(sent.partner, admission_partner(item->admission)) ||
        !text_equal(sent.state, "sent") || !whose_is_asked(sent.kind))
        return;
    effect->returned = sent;
    effect->referral.id = 0;
}

bool effect_check(struct store *store, const struct inbox_item *item, struct effect *ret_effect,
                  struct fault *ret_fault)
{
    memset(ret_effect, 0, sizeof *ret_effect);
    switch (item->message->content) {
    case MESSAGE_RECORD:
        return check_record(store, item, ret_effect, ret_fault);
    case MESSAGE_MOVE:
    case MESSAGE_RECORD_CANCEL:
        return check_move(store, item, ret_effect, ret_fault);
    case MESSAGE_REPLY:
        ret_effect->kind = "answer"; /* answers come with the exchange */
        find_returned(store, item, ret_effect);
        return true;
    case MESSAGE_RETRACTION:
        return check_retraction(store, item, ret_effect);
    case MESSAGE_REFUSED:
        ret_effect->kind =
            text_starts(item->message->refused_at, "Consent") ? "consent" : "referral";
        return fault_set(ret_fault, FAULT_unsupported,
                         arena_print(item->arena, "%s: found %s; expected %s",
                                     item->message->refused_at, item->message->refused,
                                     item->message->expected));
    }
    return fault_set(ret_fault, FAULT_unsupported, NULL);
}

/* ---- apply ---- */

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
    if (corrects) {
        effect->referral.corrected_by = row;
        effect->referral.client_facts = facts_of(item);
        store_set_referral(store, &effect->referral);
    }
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
    returned->response_code = item->message->reply_code;
    returned->reason = arena_print(item->arena,
                                   OUTBOX_RETURNED_BY
                                   "%s: it seems to be about another client than its "
                                   "referral; send it again about the right one, with a new number",
                                   item->message->sender);
    store_set_message(store, returned);
    store_get_record(store, item->arena, returned->record, &record);
    if (returned->referral != 0)
        track_note(store, returned->referral,
                   arena_print(item->arena, "%s %s returned", returned->kind, record.number),
                   &details);
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
    else if (effect->move != NULL)
        track_apply(store, &effect->referral, effect->move, &effect->details, item->arena);
    if (effect->move != NULL)
        keep_answer(store, item, effect);
}

void effect_remember(struct store *store, const struct inbox_item *item,
                     const struct effect *effect)
{
    const char *corrected = corrected_number(item);
    if (effect->is_early_cancel)
        store_add_early_cancel(store, admission_partner(item->admission), item->message->sender,
                               corrected != NULL ? corrected : item->message->referral.number,
                               store_lived_ms(store));
}
