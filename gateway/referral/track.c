/* track: looks a move up in the table of track.def, and makes it. See track.h.
 *
 * A move changes the referral's row and adds a line to its track. Inside a transaction of the
 * store. */
#include "gateway/referral/track.h"

#include <string.h>

#include "base/text.h"
#include "fhir/codes/reason.h"

#define PLACER TRACK_PLACER
#define FILLER TRACK_FILLER
#define NONE TRACK_REASON_NONE
#define MAY TRACK_REASON_MAY
#define MUST TRACK_REASON_MUST
#define ALONE TRACK_ALONE
#define CARRIES TRACK_CARRIES
#define ASKS TRACK_ASKS
static const struct track_move moves[] = {
#define MOVE(word, who, from, to, bond, reason, sentence)                                          \
    {word, who, from, to, bond, reason, sentence},
#include "gateway/referral/track.def"
#undef MOVE
};
enum { MOVES = sizeof moves / sizeof *moves };

/* Every Task state stands in exactly one list of each side, unless it is asked to be stopped. */
static const struct {
    const char *task_status, *placer_list, *filler_list;
    bool is_over;
} states[] = {
    {"draft", "not sent yet", "not sent yet", false},
    {"requested", "waiting for an answer", "to answer", false},
    {"received", "waiting for an answer", "to answer", false},
    {"accepted", "waiting for the first visit", "to start", false},
    {"ready", "waiting for the first visit", "to start", false},
    {"in-progress", "under way", "under way", false},
    {"on-hold", "on hold", "on hold", false},
    {"completed", "closed", "closed", true},
    {"failed", "closed", "closed", true},
    {"rejected", "closed", "closed", true},
    {"cancelled", "closed", "closed", true},
    {"entered-in-error", "closed", "closed", true},
};
enum { STATES = sizeof states / sizeof *states };

const struct track_move *track_find(const char *word)
{
    for (size_t i = 0; i < MOVES; i++) {
        if (text_equal(moves[i].word, word))
            return &moves[i];
    }
    return NULL;
}

static bool list_holds(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = list; length > 0 && (at = strstr(at, word)) != NULL; at += length) {
        bool starts = at == list || at[-1] == ' ';
        if (starts && (at[length] == ' ' || at[length] == '\0'))
            return true;
    }
    return false;
}

const struct track_move *track_between(enum track_side who, const char *from, const char *to)
{
    for (size_t i = 0; i < MOVES; i++) {
        const struct track_move *move = &moves[i];
        if (move->who == who && text_equal(move->to, to) && list_holds(move->from, from))
            return move;
    }
    return NULL;
}

const struct track_move *track_implied(const struct track_move *move, const char *from)
{
    if (list_holds(move->from, from))
        return NULL;
    for (size_t i = 0; i < MOVES; i++) {
        if (moves[i].who == move->who && list_holds(moves[i].from, from) &&
            list_holds(move->from, moves[i].to))
            return &moves[i];
    }
    return NULL;
}

static bool is_among(const char *const *states_seen, size_t count, const char *task_status)
{
    size_t at = 0;
    while (at < count && !text_equal(states_seen[at], task_status))
        at++;
    return at < count;
}

bool track_leads_on(const struct track_move *made, const char *to)
{
    const char *seen[STATES] = {made->to};
    size_t count = 1;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < STATES; j++) {
            const char *next = states[j].task_status;
            if (!is_among(seen, count, next) && track_between(made->who, seen[i], next) != NULL)
                seen[count++] = next;
        }
    }
    return is_among(seen + 1, count - 1, to);
}

bool track_is_over(const char *task_status)
{
    for (size_t i = 0; i < STATES; i++) {
        if (text_equal(states[i].task_status, task_status))
            return states[i].is_over;
    }
    return false;
}

enum track_side track_ours(const struct store_referral *referral)
{
    return text_equal(referral->role, "placer") ? TRACK_PLACER : TRACK_FILLER;
}

bool track_is_stop_asked(const struct store_referral *referral)
{
    return text_equal(referral->abort_status, "requested") && !track_is_over(referral->task_status);
}

const char *track_list(const struct store_referral *referral)
{
    if (track_is_stop_asked(referral))
        return track_ours(referral) == TRACK_PLACER ? "waiting for an answer" : "to answer";
    for (size_t i = 0; i < STATES; i++) {
        if (text_equal(states[i].task_status, referral->task_status))
            return track_ours(referral) == TRACK_PLACER ? states[i].placer_list
                                                        : states[i].filler_list;
    }
    return "unknown";
}

const char *const *track_lists(size_t *ret_count)
{
    static const char *const lists[] = {"to answer",    "waiting for an answer",
                                        "to start",     "waiting for the first visit",
                                        "under way",    "on hold",
                                        "not sent yet", "closed"};
    *ret_count = sizeof lists / sizeof *lists;
    return lists;
}

const char *track_command(const struct track_move *move)
{
    static const struct {
        const char *word, *command;
    } others[] = {{"abort", "cancel"},
                  {"abort-accept", "cancel"},
                  {"abort-decline", "keep"},
                  {"request", NULL},
                  {"receive", NULL}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (text_equal(move->word, others[i].word))
            return others[i].command;
    }
    return move->word;
}

static bool abort_fits(const struct track_move *move, const struct store_referral *referral)
{
    bool is_answer = text_starts(move->word, "abort-");
    bool is_asked = text_equal(referral->abort_status, "requested");
    if (is_answer)
        return is_asked;
    return !text_equal(move->word, "abort") || !is_asked;
}

/* "accept, decline": what this side could do now, in the words of `refgate referrals`. */
static const char *possible(enum track_side who, const struct store_referral *referral,
                            struct arena *arena)
{
    struct text list = text_new(arena, 400);
    for (size_t i = 0; i < MOVES; i++) {
        const char *command = track_command(&moves[i]);
        if (moves[i].who != who || command == NULL || !abort_fits(&moves[i], referral) ||
            !list_holds(moves[i].from, referral->task_status))
            continue;
        text_print(&list, "%s%s", list.length == 0 ? "" : ", ", command);
    }
    return list.length == 0 ? "nothing" : list.at;
}

static const char *named(const struct track_move *move)
{
    const char *command = track_command(move);
    return command == NULL ? move->word : command;
}

bool track_allows(const struct track_move *move, enum track_side who,
                  const struct store_referral *referral, struct arena *arena,
                  struct fault *ret_fault)
{
    if (move->who != who) {
        const char *side = move->who == TRACK_PLACER ? "who placed it" : "who was asked";
        return fault_set(ret_fault, FAULT_wrong_side,
                         arena_print(arena, "referral %s: only the clinic %s can %s it",
                                     referral->number, side, named(move)));
    }
    if (!list_holds(move->from, referral->task_status))
        return fault_set(ret_fault, FAULT_illegal_move,
                         arena_print(arena,
                                     "referral %s is %s, so %s is not possible; possible now: %s",
                                     referral->number, referral->task_status, named(move),
                                     possible(who, referral, arena)));
    if (!abort_fits(move, referral))
        return fault_set(ret_fault, FAULT_illegal_move,
                         arena_print(arena, "referral %s: %s", referral->number,
                                     text_equal(move->word, "abort")
                                         ? "it was asked to be stopped already"
                                         : "nobody asked to stop it"));
    return true;
}

static const char unconfirmed[] = "-before";

const char *track_standing(struct arena *arena, const struct store_referral *referral)
{
    const char *abort_status = referral->abort_status;
    return arena_print(arena, "%s%s%s", referral->task_status, abort_status == NULL ? "" : " ",
                       abort_status == NULL ? "" : abort_status);
}

void track_put_back(struct store *store, struct store_referral *referral, const char *standing,
                    const struct track_details *details, struct arena *arena)
{
    size_t length = strcspn(standing, " ");
    referral->task_status = arena_copy_n(arena, standing, length);
    referral->abort_status =
        standing[length] == '\0' ? NULL : arena_copy(arena, standing + length + 1);
    referral->reason = details->reason;
    referral->reason_code = NULL;
    referral->changed_ms = details->at_ms;
    store_set_referral(store, referral);
}

static const char *abort_status_after(const struct track_move *move,
                                      const struct store_referral *before, struct arena *arena)
{
    if (text_equal(move->word, "abort"))
        return "requested";
    if (text_equal(move->word, "abort-accept"))
        return "accepted";
    if (text_equal(move->word, "abort-decline"))
        return "rejected";
    bool is_told = !text_equal(before->task_status, "draft") && text_equal(before->role, "placer");
    if (text_equal(move->word, "cancel") && is_told)
        return arena_print(arena, "%s%s", before->task_status, unconfirmed);
    return track_unconfirmed_cancel(before, arena) == NULL ? before->abort_status : NULL;
}

const char *track_unconfirmed_cancel(const struct store_referral *referral, struct arena *arena)
{
    const char *status = referral->abort_status;
    if (!text_ends(status, unconfirmed))
        return NULL;
    return arena_copy_n(arena, status, strlen(status) - strlen(unconfirmed));
}

void track_accept_behind_cancel(struct store *store, struct store_referral *referral,
                                const struct track_details *details, struct arena *arena)
{
    referral->abort_status = arena_print(arena, "accepted%s", unconfirmed);
    store_set_referral(store, referral);
    track_note(store, referral->id, "accepted, before our cancel was known there", details);
}

void track_cancel_answered(struct store *store, struct store_referral *referral, bool is_confirmed,
                           const struct track_details *details, struct arena *arena)
{
    const char *before = track_unconfirmed_cancel(referral, arena);
    if (before == NULL)
        return;
    referral->abort_status = is_confirmed ? "accepted" : "rejected";
    if (!is_confirmed)
        referral->task_status = before;
    referral->changed_ms = details->at_ms;
    store_set_referral(store, referral);
    track_note(store, referral->id, is_confirmed ? "cancel confirmed" : "not cancelled after all",
               details);
}

void track_note(struct store *store, int64_t referral, const char *what,
                const struct track_details *details)
{
    struct store_event event = {.referral = referral,
                                .message = details->message,
                                .at_ms = details->at_ms,
                                .what = what,
                                .by = details->by,
                                .detail = details->reason};
    store_add_event(store, &event);
}

void track_correct(struct store_referral *referral, const struct json *record)
{
    long visits = 0;
    referral->service = json_get_text(record, "service");
    referral->priority = json_get_text(record, "priority");
    referral->valid_until = json_get_text(record, "valid_until");
    if (json_whole(json_get(record, "visits_requested"), &visits) && visits > 0 &&
        visits <= TRACK_VISITS_MAX)
        referral->visits_total = visits;
}

void track_count_visits(struct store *store, struct store_referral *referral,
                        const struct json *record)
{
    long visits = 0;
    bool is_said = json_whole(json_get(record, "visit_number"), &visits) ||
                   json_whole(json_get(record, "visits_completed"), &visits);
    if (!is_said || referral->id == 0 || visits <= referral->visits_done ||
        visits > TRACK_VISITS_MAX)
        return;
    referral->visits_done = visits;
    store_set_referral(store, referral);
}

void track_apply(struct store *store, struct store_referral *referral,
                 const struct track_move *move, const struct track_details *details,
                 struct arena *arena)
{
    referral->abort_status = abort_status_after(move, referral, arena);
    if (move->to[0] != '\0')
        referral->task_status = move->to;
    if (details->reason_code != NULL || details->reason != NULL) {
        referral->reason_code = details->reason_code;
        referral->reason = details->reason;
    }
    if (details->business_status != NULL)
        referral->business_status = details->business_status;
    if (details->visits_done > 0)
        referral->visits_done = details->visits_done;
    if (details->visits_total > 0)
        referral->visits_total = details->visits_total;
    referral->changed_ms = details->at_ms;
    store_set_referral(store, referral);
    bool counts = text_equal(move->word, "progress") && details->visits_done > 0;
    struct track_details noted = *details;
    noted.reason = reason_sentence(arena, details->reason_code, details->reason);
    track_note(store, referral->id,
               counts ? arena_print(arena, "%s: %lld of %lld", move->sentence,
                                    (long long)referral->visits_done,
                                    (long long)referral->visits_total)
                      : move->sentence,
               &noted);
}

void track_imply(struct store *store, struct store_referral *referral,
                 const struct track_move *implied, const char *told,
                 const struct track_details *details, struct arena *arena)
{
    struct track_details noted = *details;
    noted.reason = NULL;
    referral->task_status = implied->to;
    referral->changed_ms = details->at_ms;
    store_set_referral(store, referral);
    track_note(store, referral->id,
               arena_print(arena, "%s, as \"%s\" says", implied->sentence, told), &noted);
}
