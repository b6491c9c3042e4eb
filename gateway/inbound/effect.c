/* effect: whether what a message asks for is possible here, and what stands against it;
 * effect_apply.c does it. See effect.h. */
#include "gateway/inbound/effect.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "fhir/json/tree.h"
#include "fhir/record/record.h"
#include "gateway/referral/whose.h"
#include "gateway/store/store.h"

enum { RELATED_MAX = 64 };

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
    if (number == NULL)
        return fault_set(ret_fault, FAULT_not_found,
                         "the message names no referral; expected its number: of a move in "
                         "Task.focus or ServiceRequest.identifier, of a note in "
                         "Composition.event.detail, of a result in its basedOn, of a document in "
                         "context.related");
    return fault_set(
        ret_fault, FAULT_not_found,
        arena_print(item->arena, "referral %s is not found among those we share with you", number));
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

/* A filler whose Task says no more than "cancelled", though nobody asked it to stop: before the
 * first visit that is R4's "rejected", after it "failed". */
static bool gives_up(const struct inbox_item *item, const struct store_referral *referral)
{
    return item->message->is_by_status &&
           text_equal(item->message->move.task_status, "cancelled") &&
           their_side(referral) == TRACK_FILLER && !text_equal(referral->abort_status, "requested");
}

static const struct track_move *move_of_giving_up(const struct store_referral *referral)
{
    bool is_begun = text_equal(referral->task_status, "in-progress") ||
                    text_equal(referral->task_status, "on-hold");
    return track_find(is_begun ? "fail" : "decline");
}

/* The row of the table that the message asks for: by its word where that is possible, else by the
 * Task state it names (another system's "in progress" means start, or resume after a pause). */
static const struct track_move *asked_move(const struct inbox_item *item,
                                           const struct store_referral *referral)
{
    const struct message_move *asked = &item->message->move;
    const struct track_move *move = asked->move == NULL ? NULL : track_find(asked->move);
    if (gives_up(item, referral))
        return move_of_giving_up(referral);
    enum track_side side = their_side(referral);
    struct fault ignored;
    if (asked->task_status == NULL ||
        (move != NULL && track_allows(move, side, referral, item->arena, &ignored)))
        return move;
    const struct track_move *other = track_between(side, referral->task_status, asked->task_status);
    bool is_first_count = item->message->is_by_status && text_equal(asked->move, "progress");
    return other != NULL ? other : is_first_count ? track_find("start") : move;
}

/* Has the Task, of which the filler says no more than its state, been there already? "accepted" may
 * come behind "in-progress", which implied it. What is over is not reopened so. */
static bool is_passed(const struct inbox_item *item, const struct store_referral *referral,
                      const struct track_move *move)
{
    struct fault ignored;
    const char *now = referral->task_status;
    return item->message->is_by_status && move != NULL && move->who == TRACK_FILLER &&
           !track_is_over(now) &&
           !track_allows(move, TRACK_FILLER, referral, item->arena, &ignored) &&
           (text_equal(move->to, now) || track_leads_on(move, now));
}

/* It stands there already: saying it again changes nothing. */
static bool is_known_state(const struct inbox_item *item, const struct store_referral *referral,
                           const struct track_move *move)
{
    const struct message_move *asked = &item->message->move;
    bool is_state = move == NULL || move->to[0] != '\0';
    bool is_given_up = gives_up(item, referral) && (text_equal(referral->task_status, "rejected") ||
                                                    text_equal(referral->task_status, "failed"));
    return is_given_up || (is_state && text_equal(referral->task_status, asked->task_status)) ||
           is_passed(item, referral, move);
}

static const struct track_move *implied_move(const struct inbox_item *item,
                                             const struct store_referral *referral,
                                             const struct track_move *move)
{
    bool may_imply = item->message->is_by_status && move->who == TRACK_FILLER &&
                     their_side(referral) == TRACK_FILLER;
    return may_imply ? track_implied(move, referral->task_status) : NULL;
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

static void describe_giving_up(struct effect *effect)
{
    effect->kind = effect->move->word;
    if (effect->details.reason_code == NULL && effect->details.reason == NULL)
        effect->details.reason = "they cancelled it";
}

static bool check_move(struct store *store, const struct inbox_item *item, struct effect *effect,
                       struct fault *ret_fault)
{
    const struct message_move *asked = &item->message->move;
    effect->kind = asked->move == NULL ? "status" : asked->move;
    if (!find_moved(store, item, &effect->referral))
        return move_nothing(item, effect, ret_fault);
    const struct track_move *move = asked_move(item, &effect->referral);
    if (is_known_state(item, &effect->referral, move))
        return true;
    if (move == NULL)
        return fault_set(ret_fault, FAULT_illegal_move,
                         arena_print(item->arena,
                                     "referral %s is %s; a Task of it cannot become %s",
                                     effect->referral.number, effect->referral.task_status,
                                     asked->task_status == NULL ? "that" : asked->task_status));
    if (is_made_again(store, item, &effect->referral, move))
        return true;
    effect->move = move;
    effect->implied = implied_move(item, &effect->referral, move);
    effect->details = details_of(item);
    if (gives_up(item, &effect->referral))
        describe_giving_up(effect);
    if (text_equal(move->word, "accept") &&
        track_unconfirmed_cancel(&effect->referral, item->arena) != NULL) {
        effect->is_behind_cancel = true;
        return true;
    }
    return effect->implied != NULL || allows(item, effect, move, ret_fault);
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
    const char *text = store_record_text(store, item->arena, filed, &length);
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

/* ---- of a message that is refused ---- */

void effect_remember(struct store *store, const struct inbox_item *item,
                     const struct effect *effect)
{
    const char *corrected = corrected_number(item);
    if (effect->is_early_cancel)
        store_add_early_cancel(store, admission_partner(item->admission), item->message->sender,
                               corrected != NULL ? corrected : item->message->referral.number,
                               store_lived_ms(store));
}
