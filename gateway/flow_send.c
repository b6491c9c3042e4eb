/* flow_send: the outward chain for a record: check, release, message, outbox; and the tray.
 *
 * Runs inside a store transaction. The record is accepted first (row, referral, tray), then each
 * recipient is decided on its own, so a refused recipient never holds up another. See flow.h. */
#include <stdlib.h>
#include <string.h>

#include "fhir/client_match.h"
#include "gateway/audit.h"
#include "gateway/compose.h"
#include "gateway/flow.h"
#include "gateway/flow_parts.h"
#include "gateway/outbox.h"
#include "gateway/release.h"
#include "gateway/tree.h"
#include "gateway/whose.h"

/* A record on its way in, and what was found out about it. */
struct sending {
    const struct flow *flow;
    const struct json *tree; /* defaults filled */
    const char *kind, *number, *client;
    struct store_record row;
    struct store_referral referral; /* the one it belongs to, or is; id 0: none */
    const struct track_move *move;  /* what it does to our Task; NULL: nothing */
    const char *doubt;              /* that it is about the referral's client; NULL: none */
    struct flow_lookup *lookup;     /* which referral the check found */
    struct record_rules rules;
    struct finding_list *findings;
};

static bool refuse(struct sending *sending, const char *path, const char *found,
                   const char *expected)
{
    finding_add(sending->findings,
                (struct finding){.path = path, .found = found, .expected = expected});
    return false;
}

/* ---- may it be accepted? ---- */

static bool is_ours(struct sending *sending)
{
    const struct setup *setup = sending->flow->setup;
    const char *sender = record_sender(sending->tree, setup->directory);
    if (text_equal(sender, setup->config.org))
        return true;
    return refuse(sending, "written_by",
                  arena_print(sending->flow->arena, "%s, who works at %s",
                              json_get_text(sending->tree, "written_by"),
                              sender == NULL ? "no clinic we know" : sender),
                  arena_print(sending->flow->arena, "someone of %s, whose gateway this is",
                              setup->config.org));
}

/* True when the number is free, or *ret_known when the same record is here already. */
static bool is_number_free(struct sending *sending, bool *ret_known)
{
    const struct flow *flow = sending->flow;
    struct store_record known;
    *ret_known = false;
    if (!store_find_record(flow->store, flow->arena, flow->setup->config.org, sending->kind,
                           sending->number, &known))
        return true;
    if (known.retracted != NULL)
        return refuse(sending, "record_id",
                      arena_print(flow->arena, "%s, which was retracted", sending->number),
                      "a new record with a number of its own; a retraction is final");
    *ret_known = memcmp(known.hash, sending->row.hash, STORE_HASH_BYTES) == 0;
    if (*ret_known)
        return true;
    return refuse(
        sending, "record_id",
        arena_print(flow->arena, "%s, which was used before for other content", sending->number),
        "a new number, with replaces_record_id naming this one if it corrects it");
}

/* What was retracted is corrected no more. */
static bool is_replaced_standing(struct sending *sending)
{
    const struct flow *flow = sending->flow;
    const char *replaced = json_get_text(sending->tree, "replaces_record_id");
    struct store_record known;
    if (replaced == NULL ||
        !store_find_record(flow->store, flow->arena, flow->setup->config.org, sending->kind,
                           replaced, &known) ||
        known.retracted == NULL)
        return true;
    return refuse(sending, "replaces_record_id",
                  arena_print(flow->arena, "%s, which was retracted", replaced),
                  "a new record that replaces none; a retraction is final");
}

/* A clock that is a little behind the writer's is no reason to refuse; a year typed wrong is. What
 * a consent may do before its time is for the consent rules to say. */
static bool is_written_by_now(struct sending *sending)
{
    const struct flow *flow = sending->flow;
    const char *text = json_get_text(sending->tree, "written_at");
    struct date_time written;
    if (text_equal(sending->kind, "consent") || date_time_parse(text, &written) != DATE_RIGHT ||
        written.seconds * 1000 <= flow->now_ms + FLOW_AHEAD_MAX_MS)
        return true;
    return refuse(sending, "written_at",
                  arena_print(flow->arena, "%s, ahead of this gateway's clock, which says %s", text,
                              clock_text(flow->arena, flow->now_ms)),
                  "the time at which it was written; or this machine's clock set right");
}

static bool is_note(const char *kind)
{
    return text_equal(kind, "progress-note") || text_equal(kind, "discharge-summary");
}

/* What a note or discharge of ours would do to the Task of the referral we fill; NULL: nothing. */
static const struct track_move *wanted_move(const struct sending *sending)
{
    bool is_discharge = text_equal(sending->kind, "discharge-summary");
    bool corrects = json_get(sending->tree, "replaces_record_id") != NULL;
    bool is_started = text_equal(sending->referral.task_status, "in-progress") ||
                      text_equal(sending->referral.task_status, "on-hold");
    if (!is_note(sending->kind) || track_ours(&sending->referral) == TRACK_PLACER || corrects ||
        (!is_discharge && is_started))
        return NULL;
    return track_find(is_discharge ? "complete" : "start");
}

static bool choose_move(struct sending *sending)
{
    const struct flow *flow = sending->flow;
    const struct track_move *move = wanted_move(sending);
    struct fault fault;
    if (move == NULL)
        return true;
    if (track_allows(move, TRACK_FILLER, &sending->referral, flow->arena, &fault)) {
        sending->move = move;
        return true;
    }
    const char *state = sending->referral.task_status;
    bool is_open = !track_is_over(state);
    return refuse(
        sending, "referral_id",
        arena_print(flow->arena, "referral %s, which is %s", sending->referral.number, state),
        is_open ? "a referral that was accepted: accept it first (refgate referrals accept)"
                : "a referral that is not closed, or a correction with "
                  "replaces_record_id");
}

/* The referral a record belongs to: for a correction of a referral the one it corrects, else the
 * one that the check found. A plan or a conference may name one that only others know. */
static bool find_its_referral(struct sending *sending)
{
    const struct flow *flow = sending->flow;
    const char *replaced = json_get_text(sending->tree, "replaces_record_id");
    const char *placer = sending->lookup->found.placer;
    const char *number = sending->lookup->found.number;
    if (text_equal(sending->kind, "referral")) {
        placer = flow->setup->config.org;
        number = replaced;
    }
    if (number == NULL || !flow_find_placed(flow, placer, number, &sending->referral)) {
        sending->referral.id = 0;
        return true;
    }
    return choose_move(sending);
}

/* ---- accepting ---- */

static const char *facts_of(const struct sending *sending)
{
    struct arena *arena = sending->flow->arena;
    return json_print(arena, client_facts(arena, sending->tree));
}

static void add_referral(struct sending *sending)
{
    const struct flow *flow = sending->flow;
    const char *to = json_get_text(sending->tree, "referred_to");
    const char *filler = directory_clinic_handle(flow->setup->directory, to);
    long visits = 0;
    json_whole(json_get(sending->tree, "visits_requested"), &visits);
    sending->referral =
        (struct store_referral){.placer = flow->setup->config.org,
                                .number = sending->number,
                                .filler = filler == NULL ? to : filler,
                                .role = "placer",
                                .partner = "", /* until its first message is queued */
                                .client = sending->client,
                                .service = json_get_text(sending->tree, "service"),
                                .priority = json_get_text(sending->tree, "priority"),
                                .task_status = "draft",
                                .visits_total = visits,
                                .valid_until = json_get_text(sending->tree, "valid_until"),
                                .authored_at = json_get_text(sending->tree, "written_at"),
                                .created_ms = flow->now_ms,
                                .changed_ms = flow->now_ms,
                                .client_facts = facts_of(sending)};
    sending->referral.id = store_add_referral(flow->store, &sending->referral);
}

static struct track_details details_of(const struct sending *sending, const char *reason)
{
    struct track_details details = {.by = json_get_text(sending->tree, "written_by"),
                                    .reason = reason,
                                    .at_ms = sending->flow->now_ms};
    return details;
}

static void note(const struct sending *sending, const char *what, const char *reason)
{
    struct track_details details = details_of(sending, reason);
    if (sending->referral.id != 0)
        track_note(
            sending->flow->store, sending->referral.id,
            arena_print(sending->flow->arena, "%s %s %s", sending->kind, sending->number, what),
            &details);
}

/* A corrected referral that says "cancelled" takes the referral back. */
static void move_placed(struct sending *sending)
{
    const struct flow *flow = sending->flow;
    const struct track_move *cancel = track_find("cancel");
    struct track_details details = details_of(sending, NULL);
    struct fault fault;
    if (text_equal(json_get_text(sending->tree, "status"), "cancelled") &&
        track_allows(cancel, TRACK_PLACER, &sending->referral, flow->arena, &fault))
        track_apply(flow->store, &sending->referral, cancel, &details, flow->arena);
}

static void accept_row(struct sending *sending, const struct json *attachments)
{
    const struct flow *flow = sending->flow;
    const char *text = json_print(flow->arena, sending->tree);
    bool is_referral = text_equal(sending->kind, "referral");
    whose_note(flow->store, STORE_OWN, sending->tree);
    bool corrects = is_referral && sending->referral.id != 0;
    if (corrects)
        move_placed(sending);
    else if (is_referral)
        add_referral(sending);
    sending->row.clinic = flow->setup->config.org;
    sending->row.kind = sending->kind;
    sending->row.number = sending->number;
    sending->row.origin = STORE_OWN;
    sending->row.client = sending->client;
    sending->row.referral = sending->referral.id;
    sending->row.accepted_ms = flow->now_ms;
    sending->row.exported = true;
    sending->row.payload = payload_put(flow->store, text, strlen(text));
    if (attachments != NULL) {
        const char *list = json_print(flow->arena, attachments);
        sending->row.attachments = payload_put(flow->store, list, strlen(list));
    }
    sending->row.id = store_add_record(flow->store, &sending->row);
    if (corrects) {
        sending->referral.corrected_by = sending->row.id;
        sending->referral.client_facts = facts_of(sending);
        store_set_referral(flow->store, &sending->referral);
    }
    note(sending, "accepted", NULL);
}

/* ---- one recipient ---- */

/* False when there are some and they cannot be read: the record does not go without them. */
static bool attachments_of(const struct flow *flow, const struct store_record *row,
                           const struct json **ret_list, const char **ret_reason)
{
    size_t length;
    *ret_list = NULL;
    if (row->attachments == 0)
        return true;
    const char *text = payload_get(flow->store, flow->arena, row->attachments, &length);
    *ret_list = tree_of_n(flow->arena, text, length);
    if (*ret_list == NULL)
        *ret_reason = "its attachments cannot be read from the store, and it does not go without "
                      "them; see refgate check";
    return *ret_list != NULL;
}

/* The linked numbers of the client at the recipient go with the record (exactly those confirmed).
 */
static const struct json *with_links(const struct flow *flow, const struct flow_loaded *loaded,
                                     const char *recipient)
{
    const char **numbers;
    size_t count = store_links(flow->store, flow->arena, loaded->row.client, recipient, &numbers);
    if (count == 0)
        return loaded->tree;
    struct json *copy = json_copy(flow->arena, loaded->tree);
    struct json *list = json_get(copy, "client_other_ids");
    if (list == NULL)
        list = json_set(flow->arena, copy, "client_other_ids", json_new_list(flow->arena));
    for (size_t i = 0; i < count; i++) {
        bool is_there = false;
        for (struct json *item = json_first(list); item != NULL; item = json_next(item))
            is_there = is_there || (text_equal(json_get_text(item, "id"), numbers[i]) &&
                                    text_equal(json_get_text(item, "issued_by"), recipient));
        if (is_there)
            continue;
        struct json *item = json_push(list, json_new_object(flow->arena));
        json_set_text(flow->arena, item, "id", numbers[i]);
        json_set_text(flow->arena, item, "issued_by", recipient);
    }
    return copy;
}

/* What a corrected referral corrects may have been dropped before it left; then the partner knows
 * the referral at most by its number. */
static const struct json *with_known_number(const struct flow *flow,
                                            const struct flow_loaded *loaded,
                                            const struct json *tree, const char *recipient)
{
    const char *replaced = json_get_text(tree, "replaces_record_id");
    struct store_record row;
    struct store_release *dropped;
    if (!text_equal(loaded->row.kind, "referral") || replaced == NULL || loaded->referral.id == 0 ||
        !store_find_record(flow->store, flow->arena, loaded->row.clinic, "referral", replaced,
                           &row))
        return tree;
    size_t count = store_releases(flow->store, flow->arena, row.client, "dropped", &dropped);
    for (size_t i = 0; i < count; i++) {
        if (dropped[i].record != row.id || !text_equal(dropped[i].recipient, recipient))
            continue;
        struct json *copy = json_copy(flow->arena, tree);
        json_replace(flow->arena, copy, "replaces_record_id",
                     json_new_text(flow->arena, loaded->referral.number));
        return copy;
    }
    return tree;
}

/* The recipients' handles, as the tray row holds them ("osei;lindqvist"). */
static size_t split_handles(struct arena *arena, const char *list, const char ***ret_handles)
{
    char *rest = arena_copy(arena, list);
    const char **handles = arena_array(arena, strlen(list) / 2 + 1, sizeof *handles);
    size_t count = 0;
    for (char *next; rest != NULL; rest = next) {
        next = strchr(rest, ';');
        if (next != NULL)
            *next++ = '\0';
        handles[count++] = rest;
    }
    *ret_handles = handles;
    return count;
}

/* The message's row; 0 with the reason when we would not take such a message ourselves. */
static int64_t queue(const struct flow *flow, const struct flow_loaded *loaded,
                     const struct grant *grant, const char **ret_reason)
{
    const char **handles;
    const struct json *attachments;
    if (!attachments_of(flow, &loaded->row, &attachments, ret_reason))
        return 0;
    struct message_referral referral = flow_message_referral(&loaded->referral);
    struct compose_item message = {
        .record = with_known_number(flow, loaded, with_links(flow, loaded, grant_recipient(grant)),
                                    grant_recipient(grant)),
        .sender = flow->setup->config.org,
        .clinics = grant_recipient(grant),
        .referral = loaded->referral.id == 0 ? NULL : &referral,
        .visits_total = (long)loaded->referral.visits_total,
        .consent = grant_consent(grant),
        .attachments = attachments,
        .taken_back = store_count_withdrawn(flow->store, loaded->row.id, grant_recipient(grant))};
    message.recipient_count = split_handles(flow->arena, grant_addressed_as(grant), &handles);
    message.recipients = handles;
    const struct json *bundle = compose_record(flow->setup, flow->arena, &message);
    if (!flow_is_valid(flow, grant_partner(grant), bundle, ret_reason))
        return 0;
    struct outbox_item item = {.bundle = bundle,
                               .kind = loaded->row.kind,
                               .referral = loaded->referral.id,
                               .record = loaded->row.id,
                               .turn = loaded->turn,
                               .is_held = loaded->is_held,
                               .by = json_get_text(loaded->tree, "written_by"),
                               .now_ms = clock_wall_ms(&flow->setup->clock)};
    return outbox_commit(flow->store, flow->arena, grant, &item);
}

/* A referral's first message out of the gate makes it "requested". */
static void note_requested(const struct flow *flow, struct flow_loaded *loaded)
{
    const struct track_move *request = track_find("request");
    struct track_details details = {.by = json_get_text(loaded->tree, "written_by"),
                                    .at_ms = flow->now_ms};
    struct fault fault;
    if (text_equal(loaded->row.kind, "referral") &&
        track_allows(request, track_ours(&loaded->referral), &loaded->referral, flow->arena,
                     &fault))
        track_apply(flow->store, &loaded->referral, request, &details, flow->arena);
}

/* A note that was withdrawn with the move it followed, or that waited in doubt about its client,
 * moves the Task when it goes after all. */
static void note_moved(const struct flow *flow, struct flow_loaded *loaded)
{
    static const struct {
        const char *kind, *word;
    } moves[] = {{"progress-note", "start"}, {"discharge-summary", "complete"}};
    struct track_details details = {.by = json_get_text(loaded->tree, "written_by"),
                                    .at_ms = flow->now_ms};
    struct fault fault;
    bool is_correction = json_get(loaded->tree, "replaces_record_id") != NULL;
    track_count_visits(flow->store, &loaded->referral, loaded->tree);
    if (loaded->referral.id == 0 || track_ours(&loaded->referral) != TRACK_FILLER || is_correction)
        return;
    for (size_t i = 0; i < sizeof moves / sizeof *moves; i++) {
        const struct track_move *move = track_find(moves[i].word);
        if (text_equal(moves[i].kind, loaded->row.kind) &&
            track_allows(move, TRACK_FILLER, &loaded->referral, flow->arena, &fault))
            track_apply(flow->store, &loaded->referral, move, &details, flow->arena);
    }
}

static void note_waiting(const struct flow *flow, const struct flow_loaded *loaded,
                         const struct store_release *release, const char *reason)
{
    struct track_details details = {.reason = reason, .at_ms = flow->now_ms};
    struct store_audit noted = {
        .at_ms = flow->now_ms,
        .what = "withheld",
        .subject = loaded->row.number,
        .detail = arena_print(flow->arena, "for %s: %s", release->recipient, reason),
        .actor = json_get_text(loaded->tree, "written_by"),
        .purpose = audit_purpose(loaded->row.kind),
        .client = store_client_row(flow->store, STORE_OWN, loaded->row.client)};
    audit_write(flow->store, &noted);
    if (loaded->referral.id != 0)
        track_note(flow->store, loaded->referral.id,
                   arena_print(flow->arena, "%s %s waits", loaded->row.kind, loaded->row.number),
                   &details);
}

/* A note to the placer goes behind our accept; when that was given up, the note waits for the next.
 */
static bool is_held_by_answer(const struct flow *flow, const struct flow_loaded *loaded,
                              struct store_release *release)
{
    const struct store_referral *referral = &loaded->referral;
    bool is_note = text_equal(loaded->row.kind, "progress-note") ||
                   text_equal(loaded->row.kind, "discharge-summary");
    bool is_unanswered = text_equal(referral->task_status, "requested") ||
                         text_equal(referral->task_status, "received");
    if (!is_note || !is_unanswered)
        return false;
    release->reason = arena_print(flow->arena,
                                  "referral %s stands as not accepted; accept it (again), then "
                                  "this goes behind it",
                                  referral->number);
    return true;
}

/* A referral that was cancelled before it left never leaves, and neither does what belongs to it;
 * nor does it leave again when it was taken back on its way and then cancelled. A note about a
 * referral that still waits waits behind it. */
static bool is_held_by_referral(const struct flow *flow, const struct flow_loaded *loaded,
                                struct store_release *release)
{
    const struct store_referral *referral = &loaded->referral;
    if (referral->id != 0 && track_ours(referral) == TRACK_FILLER)
        return is_held_by_answer(flow, loaded, release);
    bool is_referral = text_equal(loaded->row.kind, "referral");
    bool is_shared = text_equal(loaded->row.kind, "treatment-plan");
    if (referral->id == 0 || is_shared || track_ours(referral) != TRACK_PLACER)
        return false;
    bool is_cancelled = text_equal(referral->task_status, "cancelled");
    bool is_first = is_referral && text_equal(loaded->row.number, referral->number);
    bool is_open = track_unconfirmed_cancel(referral, flow->arena) != NULL;
    if (is_cancelled && (text_equal(referral->partner, "") || (is_first && !is_open))) {
        release->state = "dropped";
        release->reason = "its referral was cancelled before it was sent";
        return true;
    }
    if (is_cancelled && is_first) {
        release->reason = "its referral was cancelled; the partner has not answered that yet";
        return true;
    }
    if (is_referral || !text_equal(referral->task_status, "draft"))
        return false;
    release->reason = "its referral has not been sent yet";
    return true;
}

static bool is_retracted(const struct flow_loaded *loaded, struct store_release *release)
{
    if (loaded->row.retracted == NULL)
        return false;
    release->state = "dropped";
    release->reason = "it was retracted";
    return true;
}

/* It seems to be about another client than its referral, and nobody has said that it is not. The
 * names stand in the tray only, not in the track and the audit. */
static bool is_in_doubt(const struct flow *flow, const struct flow_loaded *loaded,
                        struct store_release *release)
{
    const char *before = release->reason;
    if (loaded->doubt == NULL || text_equal(loaded->doubt, release->confirmed_what))
        return false;
    release->decided_ms = flow->now_ms;
    release->reason = arena_print(flow->arena,
                                  "%s: wrong client? confirm with refgate tray confirm %lld "
                                  "--by HANDLE",
                                  loaded->doubt, (long long)release->id);
    if (!text_equal(release->reason, before))
        note_waiting(flow, loaded, release, "wrong client?");
    return true;
}

/* Which system has the referral: the one that its own message goes to. */
static void note_partner(const struct flow *flow, struct flow_loaded *loaded, const char *partner)
{
    bool is_own = text_equal(loaded->row.kind, "referral") && loaded->referral.id != 0;
    bool is_moved = is_own && !text_equal(loaded->referral.partner, partner);
    loaded->referral.partner = partner;
    if (is_moved)
        store_set_referral(flow->store, &loaded->referral);
}

bool flow_decide(const struct flow *flow, struct flow_loaded *loaded,
                 const struct release_consents *consents, struct store_release *release)
{
    const char *before = release->reason;
    struct release_refusal refusal = {NULL, 0};
    if (is_retracted(loaded, release) || is_held_by_referral(flow, loaded, release) ||
        is_in_doubt(flow, loaded, release))
        return false;
    const struct grant *grant =
        release_record(flow->setup, flow->arena, loaded->tree, consents, release->recipient,
                       release->addressed_as, flow->now_ms, &refusal);
    int64_t message = grant == NULL ? 0 : queue(flow, loaded, grant, &refusal.reason);
    release->decided_ms = flow->now_ms;
    release->reason = message == 0 ? refusal.reason : NULL;
    release->again_ms = message == 0 ? refusal.again_ms : 0;
    if (message == 0) {
        if (!text_equal(release->reason, before))
            note_waiting(flow, loaded, release, release->reason);
        return false;
    }
    release->partner = grant_partner(grant);
    release->granted_to = grant_addressed_as(grant);
    release->consents = grant_consent_rows(grant);
    release->message = message;
    release->state = "sent";
    note_partner(flow, loaded, release->partner);
    note_requested(flow, loaded);
    note_moved(flow, loaded);
    return true;
}

/* ---- all recipients of a fresh record ---- */

/* Handles of one clinic stand side by side; they become one tray row. */
static void release_all(struct sending *sending, struct flow_report *report)
{
    const struct flow *flow = sending->flow;
    const struct record_recipient *recipients;
    size_t count = record_recipients(
        flow->arena, sending->tree, flow->setup->directory,
        sending->lookup->found.number == NULL ? NULL : &sending->lookup->found, &recipients);
    struct release_consents consents = release_consents(flow->store, flow->arena, sending->client);
    struct flow_loaded loaded = {.row = sending->row,
                                 .tree = sending->tree,
                                 .referral = sending->referral,
                                 .doubt = sending->doubt};
    const char *correction = flow_correction_of(flow, &sending->row);
    report->recipients = arena_array(flow->arena, count, sizeof *report->recipients);
    for (size_t i = 0; i < count;) {
        struct text handles = text_new(flow->arena, 10000);
        const char *clinic = recipients[i].clinic;
        for (; i < count && text_equal(recipients[i].clinic, clinic); i++)
            text_print(&handles, "%s%s", handles.length == 0 ? "" : ";", recipients[i].handle);
        struct store_release release = {.id = store_next_release(flow->store),
                                        .record = sending->row.id,
                                        .recipient = clinic,
                                        .addressed_as = handles.at,
                                        .partner = "",
                                        .client = sending->client,
                                        .state = "waiting"};
        bool is_queued = correction == NULL && flow_decide(flow, &loaded, &consents, &release);
        if (correction != NULL)
            flow_drop_corrected(flow, &loaded.row, correction, &release);
        store_add_release(flow->store, &release);
        report->recipients[report->count++] =
            (struct flow_recipient){clinic, is_queued, release.reason};
    }
    sending->referral = loaded.referral;
}

/* When the note itself must wait, the partner still learns that the Task moved: ids, status and
 * count need no consent of their own. */
static void tell_move_alone(struct sending *sending, const struct flow_report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        if (report->recipients[i].is_queued)
            return;
    }
    struct track_details details = details_of(sending, NULL);
    struct fault fault;
    flow_tell(sending->flow, &sending->referral, sending->move->word, &details, NULL, &fault);
}

static void move_task(struct sending *sending)
{
    struct track_details details = details_of(sending, NULL);
    if (text_equal(sending->kind, "discharge-summary"))
        details.business_status = json_get_text(sending->tree, "discharge_reason");
    track_apply(sending->flow->store, &sending->referral, sending->move, &details,
                sending->flow->arena);
}

static bool check(struct sending *sending, const struct record *record, bool *ret_known)
{
    const struct flow *flow = sending->flow;
    sending->lookup = flow_lookup_new(flow);
    sending->rules = (struct record_rules){.arena = flow->arena,
                                           .directory = flow->setup->directory,
                                           .coding = flow->setup->coding,
                                           .referrals = &sending->lookup->referrals};
    if (!record_check(record, &sending->rules, sending->findings))
        return false;
    record_fill_defaults(flow->arena, record->tree, flow->setup->directory);
    sending->tree = record->tree;
    sending->kind = record_kind(record->tree);
    sending->number = json_get_text(record->tree, "record_id");
    sending->client = json_get_text(record->tree, "client_id");
    setup_record_hash(flow->setup, flow->arena, record->tree, true, sending->row.hash);
    return is_ours(sending) && is_number_free(sending, ret_known) &&
           (*ret_known || (is_written_by_now(sending) && is_replaced_standing(sending) &&
                           find_its_referral(sending)));
}

/* What it corrects and has not left never leaves; a referral may be a draft again by that. */
static void drop_replaced(struct sending *sending)
{
    const struct flow *flow = sending->flow;
    const char *replaced = json_get_text(sending->tree, "replaces_record_id");
    if (replaced == NULL || text_equal(sending->kind, "consent"))
        return;
    const struct store_record correction = {
        .kind = sending->kind, .number = sending->number, .client = sending->client};
    flow_drop_replaced(flow, &correction, replaced);
    if (sending->referral.id != 0)
        store_get_referral(flow->store, flow->arena, sending->referral.id, &sending->referral);
}

struct flow_report flow_send(const struct flow *flow, const struct record *record,
                             const struct json *attachments, struct finding_list *findings)
{
    struct sending sending = {.flow = flow, .findings = findings};
    struct flow_report report = {.answer = FLOW_REFUSED};
    bool is_known = false;
    findings->file = record->file;
    findings->row = record->row;
    if (!check(&sending, record, &is_known))
        return report;
    report.answer = is_known ? FLOW_KNOWN : FLOW_ACCEPTED;
    if (is_known)
        return report;
    report.warnings = flow_warnings(flow, record, &sending.rules, &sending.referral);
    drop_replaced(&sending);
    accept_row(&sending, attachments);
    if (text_equal(sending.kind, "consent")) {
        flow_reconsider(flow, sending.client);
        return report;
    }
    sending.doubt = flow_doubt(flow, sending.tree, &sending.referral);
    if (sending.doubt != NULL)
        sending.move = NULL; /* it may be about somebody else: until a person says no */
    if (sending.move != NULL)
        move_task(&sending);
    if (sending.doubt == NULL)
        track_count_visits(flow->store, &sending.referral, sending.tree);
    release_all(&sending, &report);
    if (sending.move != NULL)
        tell_move_alone(&sending, &report);
    return report;
}

/* ---- a person settles a doubt ---- */

/* NUMBER: of a tray row, else of a record; records of two kinds may have it. */
static bool find_waiting(const struct flow *flow, const char *number,
                         struct store_release *ret_release, struct fault *ret_fault)
{
    struct store_record record;
    struct store_release *waiting;
    size_t count = store_releases(flow->store, flow->arena, NULL, "waiting", &waiting);
    int64_t row = flow_tray_row(waiting, count, number);
    *ret_release = (struct store_release){.id = 0};
    for (size_t i = 0; i < count; i++) {
        bool is_meant =
            row != 0 ? waiting[i].id == row
                     : store_get_record(flow->store, flow->arena, waiting[i].record, &record) &&
                           text_equal(record.number, number);
        if (is_meant && ret_release->id != 0 && ret_release->record != waiting[i].record)
            return fault_set(ret_fault, FAULT_usage,
                             arena_print(flow->arena,
                                         "found several records %s that wait; expected the NUMBER "
                                         "of one in refgate tray list",
                                         number));
        if (is_meant)
            *ret_release = waiting[i];
    }
    return ret_release->id != 0 ||
           fault_set(ret_fault, FAULT_not_found,
                     arena_print(flow->arena,
                                 "found nothing %s that waits; expected a number of refgate tray "
                                 "list",
                                 number));
}

/* The Task moves as it would have, had there been no doubt. */
static struct sending confirmed_sending(const struct flow *flow, const struct flow_loaded *loaded)
{
    struct fault fault;
    struct sending sending = {.flow = flow,
                              .tree = loaded->tree,
                              .kind = loaded->row.kind,
                              .number = loaded->row.number,
                              .client = loaded->row.client,
                              .row = loaded->row,
                              .referral = loaded->referral};
    const struct track_move *move = loaded->referral.id == 0 ? NULL : wanted_move(&sending);
    if (move != NULL && track_allows(move, TRACK_FILLER, &sending.referral, flow->arena, &fault)) {
        sending.move = move;
        move_task(&sending);
    }
    track_count_visits(flow->store, &sending.referral, sending.tree);
    return sending;
}

/* Of one tray row. */
static void mark_confirmed(const struct flow *flow, const struct flow_loaded *loaded,
                           const char *by, struct store_release *release)
{
    release->confirmed_by = by;
    release->confirmed_ms = flow->now_ms;
    release->confirmed_what = loaded->doubt;
    struct store_audit noted = {.at_ms = flow->now_ms,
                                .what = "client-confirmed",
                                .subject = loaded->row.number,
                                .detail = arena_print(flow->arena, "for %s", release->recipient),
                                .client =
                                    store_client_row(flow->store, STORE_OWN, loaded->row.client),
                                .actor = by};
    audit_write(flow->store, &noted);
}

static void note_confirmed(const struct flow *flow, const struct flow_loaded *loaded,
                           const char *by)
{
    struct track_details details = {.by = by, .at_ms = flow->now_ms};
    if (loaded->referral.id != 0)
        track_note(flow->store, loaded->referral.id,
                   arena_print(flow->arena, "%s %s confirmed: it is about the right client",
                               loaded->row.kind, loaded->row.number),
                   &details);
}

bool flow_confirm(const struct flow *flow, const char *number, const char *by,
                  struct flow_report *ret_report, struct fault *ret_fault)
{
    struct store_release confirmed;
    struct store_release *waiting;
    struct flow_loaded loaded;
    *ret_report = (struct flow_report){.answer = FLOW_ACCEPTED};
    if (!find_waiting(flow, number, &confirmed, ret_fault))
        return false;
    if (!flow_load(flow, confirmed.record, &loaded))
        return fault_set(ret_fault, FAULT_not_found, "its record is not in the store");
    if (loaded.doubt != NULL && text_equal(loaded.doubt, confirmed.confirmed_what))
        return fault_set(
            ret_fault, FAULT_illegal_move,
            arena_print(flow->arena,
                        "%s %s does not wait for a confirmation of its client, but: %s",
                        loaded.row.kind, loaded.row.number, confirmed.reason));
    if (loaded.doubt != NULL)
        note_confirmed(flow, &loaded, by);
    struct sending sending = confirmed_sending(flow, &loaded);
    struct release_consents consents =
        release_consents(flow->store, flow->arena, loaded.row.client);
    loaded.referral = sending.referral;
    size_t count = store_releases(flow->store, flow->arena, loaded.row.client, "waiting", &waiting);
    ret_report->recipients = arena_array(flow->arena, count, sizeof *ret_report->recipients);
    for (size_t i = 0; i < count; i++) {
        if (waiting[i].record != loaded.row.id)
            continue;
        if (loaded.doubt != NULL) /* else the referral was corrected meanwhile, and agrees */
            mark_confirmed(flow, &loaded, by, &waiting[i]);
        bool is_queued = flow_decide(flow, &loaded, &consents, &waiting[i]);
        store_set_release(flow->store, &waiting[i]);
        ret_report->recipients[ret_report->count++] =
            (struct flow_recipient){waiting[i].recipient, is_queued, waiting[i].reason};
    }
    if (sending.move != NULL)
        tell_move_alone(&sending, ret_report);
    return true;
}
