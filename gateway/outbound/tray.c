/* tray: what waits in the tray, and what the queue must give back to it.
 *
 * Runs inside a store transaction: after a consent or a correction came, when partners, directory
 * or date have changed, before an attempt (attempt_claim), and by command. A queued message holds
 * one grant; what the grant no longer covers is taken back and, for whoever may still have it, made
 * anew in the same turn, so that nothing of its referral overtakes it. See outbound/outbound.h. */
#include <stdlib.h>
#include <string.h>

#include "fhir/json/tree.h"
#include "gateway/audit/audit.h"
#include "gateway/outbound/outbound.h"
#include "gateway/outbound/outbound_internal.h"
#include "gateway/outbound/outbox.h"

bool flow_load(const struct flow *flow, int64_t record, struct flow_loaded *ret_loaded)
{
    memset(ret_loaded, 0, sizeof *ret_loaded);
    if (!store_get_record(flow->store, flow->arena, record, &ret_loaded->row))
        return false;
    ret_loaded->tree = tree_of(flow->arena, ret_loaded->row.text);
    if (ret_loaded->row.referral != 0)
        store_get_referral(flow->store, flow->arena, ret_loaded->row.referral,
                           &ret_loaded->referral);
    if (ret_loaded->tree != NULL)
        ret_loaded->doubt = flow_doubt(flow, ret_loaded->tree, &ret_loaded->referral);
    return true;
}

/* ---- taken back, and made anew ---- */

static bool find_waiting(const struct flow *flow, const struct flow_loaded *loaded,
                         const char *recipient, struct store_release *ret_release)
{
    struct store_release *waiting;
    size_t count =
        store_releases(flow->store, flow->arena, loaded->row.client, "waiting", &waiting);
    for (size_t i = 0; i < count; i++) {
        if (waiting[i].record == loaded->row.id && text_equal(waiting[i].recipient, recipient)) {
            *ret_release = waiting[i];
            return true;
        }
    }
    return false;
}

static bool make_anew(const struct flow *flow, const struct store_message *withdrawn, bool is_held)
{
    struct flow_loaded loaded;
    struct store_release release;
    if (!flow_load(flow, withdrawn->record, &loaded) ||
        !find_waiting(flow, &loaded, withdrawn->recipient, &release))
        return false;
    struct release_consents consents =
        release_consents(flow->store, flow->arena, loaded.row.client);
    loaded.turn = withdrawn->turn != 0 ? withdrawn->turn : withdrawn->id;
    loaded.is_held = is_held;
    bool is_queued = flow_decide(flow, &loaded, &consents, &release);
    store_set_release(flow->store, &release);
    return is_queued;
}

bool flow_make_anew(const struct flow *flow, const struct store_message *withdrawn)
{
    return make_anew(flow, withdrawn, false);
}

static bool take_back(const struct flow *flow, struct store_message *message, const char *reason)
{
    bool is_held = text_equal(message->state, "held");
    if (!outbox_withdraw(flow->store, flow->arena, message, reason, flow->now_ms))
        return false;
    if (make_anew(flow, message, is_held))
        return true;
    flow_tell_instead(flow, message);
    return false;
}

bool flow_resend_elsewhere(const struct flow *flow, struct store_message *message,
                           bool *ret_is_queued, struct fault *ret_fault)
{
    struct store_release release;
    *ret_is_queued = true;
    if (message->record == 0)
        return flow_follow(flow, message) ||
               fault_set(ret_fault, FAULT_illegal_move,
                         arena_print(flow->arena,
                                     "message %lld is for %s, which is removed, and no partner "
                                     "serves %s now: add it, write its name into the column "
                                     "partner of the directory, and resend again; or drop it",
                                     (long long)message->id, message->partner, message->recipient));
    if (store_find_release(flow->store, flow->arena, message->id, &release) &&
        text_equal(release.state, "dropped")) {
        release.state = "sent";
        store_set_release(flow->store, &release);
    }
    *ret_is_queued = take_back(flow, message, "its partner was removed; sent anew by command");
    return true;
}

/* A status has no tray: it stays, and says why it does not go. */
static void note_kept(const struct flow *flow, struct store_message *message, const char *reason)
{
    message->reason = reason;
    store_set_message(flow->store, message);
}

/* Returns how many were made anew. */
static size_t ask_again(const struct flow *flow, struct store_message *queued, size_t count)
{
    size_t made = 0;
    for (size_t i = 0; i < count; i++) {
        const char *reason;
        struct store_message now;
        bool waits = store_get_message(flow->store, flow->arena, queued[i].id, &now) &&
                     text_equal(now.state, queued[i].state); /* else it went with another */
        if (!waits ||
            release_again(flow->setup, flow->store, flow->arena, &queued[i], flow->now_ms, &reason))
            continue;
        if (queued[i].record != 0)
            made += take_back(flow, &queued[i], reason);
        else if (flow_follow(flow, &queued[i]))
            made++;
        else if (!text_equal(queued[i].state, "parked")) /* that one says why already */
            note_kept(flow, &queued[i], reason);
    }
    return made;
}

/* ---- reconsidered ---- */

static size_t release_waiting(const struct flow *flow, const char *client,
                              const struct release_consents *consents)
{
    struct store_release *waiting;
    size_t queued = 0;
    size_t count = store_releases(flow->store, flow->arena, client, "waiting", &waiting);
    for (size_t i = 0; i < count; i++) {
        struct flow_loaded loaded;
        if (!flow_load(flow, waiting[i].record, &loaded))
            continue;
        queued += flow_decide(flow, &loaded, consents, &waiting[i]);
        store_set_release(flow->store, &waiting[i]);
    }
    return queued;
}

static size_t reconsider_one(const struct flow *flow, const char *client)
{
    struct store_message *queued;
    size_t count = store_queued_of_client(flow->store, flow->arena, client, &queued);
    size_t made = ask_again(flow, queued, count);
    struct release_consents consents = release_consents(flow->store, flow->arena, client);
    return made + release_waiting(flow, client, &consents);
}

static size_t reconsider_all(const struct flow *flow, const char **clients, size_t count)
{
    size_t queued = 0;
    for (size_t i = 0; i < count; i++)
        queued += reconsider_one(flow, clients[i]);
    return queued;
}

/* A clinic that another partner serves now, or none: nothing is claimed for the old one any more,
 * so what is queued there is taken back here. */
static size_t follow_clinics(const struct flow *flow)
{
    struct store_message *routes;
    size_t made = 0;
    size_t count = store_routes(flow->store, flow->arena, &routes);
    for (size_t i = 0; i < count; i++) {
        struct store_message *queued;
        const struct partner *serves = setup_partner_of(flow->setup, routes[i].recipient);
        if (serves != NULL && text_equal(serves->name, routes[i].partner))
            continue;
        size_t there = store_queued_on_route(flow->store, flow->arena, routes[i].partner,
                                             routes[i].recipient, &queued);
        made += ask_again(flow, queued, there);
    }
    return made;
}

size_t flow_reconsider(const struct flow *flow, const char *client)
{
    const char **clients;
    if (client != NULL)
        return reconsider_one(flow, client);
    size_t made = follow_clinics(flow);
    size_t count = store_waiting_clients(flow->store, flow->arena, &clients);
    return made + reconsider_all(flow, clients, count);
}

size_t flow_reconsider_due(const struct flow *flow)
{
    const char **clients;
    size_t count = store_again_clients(flow->store, flow->arena, flow->now_ms, &clients);
    return reconsider_all(flow, clients, count);
}

/* ---- dropped for good ---- */

static void note_dropped(const struct flow *flow, const struct store_record *row,
                         const struct store_release *release, const char *by)
{
    struct track_details details = {.by = by, .reason = release->reason, .at_ms = flow->now_ms};
    struct store_audit noted = {
        .at_ms = flow->now_ms,
        .what = "dropped",
        .subject = row->number,
        .detail = arena_print(flow->arena, "for %s: %s", release->recipient, release->reason),
        .actor = by,
        .purpose = audit_purpose(row->kind),
        .client = store_client_row(flow->store, row->origin, row->client)};
    audit_write(flow->store, &noted);
    if (row->referral != 0)
        track_note(flow->store, row->referral,
                   arena_print(flow->arena, "%s %s dropped", row->kind, row->number), &details);
}

/* A message that nobody can have taken for good: not one that arrived or was refused. */
static bool is_unsent(const struct store_message *message)
{
    static const char *const states[] = {"queued", "held", "parked", "sending", NULL};
    return text_is_one_of(message->state, states) && !outbox_was_delivered(message);
}

/* One on its way now is found dropped when its try has ended without an answer. */
static void drop(const struct flow *flow, const struct store_record *row,
                 struct store_release *release, const char *by, const char *reason)
{
    struct store_message message = {.state = ""};
    bool has_message = release->message != 0 &&
                       store_get_message(flow->store, flow->arena, release->message, &message);
    if (has_message && !is_unsent(&message))
        return;
    release->state = "dropped";
    release->reason = reason;
    release->decided_ms = flow->now_ms;
    release->again_ms = 0;
    store_set_release(flow->store, release);
    note_dropped(flow, row, release, by);
    if (!has_message || text_equal(message.state, "sending"))
        return;
    outbox_withdraw(flow->store, flow->arena, &message, reason, flow->now_ms);
    flow_tell_instead(flow, &message);
}

static const char *taken_by(const struct flow *flow, const char *kind, const char *number)
{
    return arena_print(flow->arena, "%s %s takes its place", kind, number);
}

void flow_drop_replaced(const struct flow *flow, const struct store_record *correction,
                        const char *number)
{
    struct store_record row;
    struct store_release *releases;
    if (!store_find_record(flow->store, flow->arena, flow->setup->config.org, correction->kind,
                           number, &row))
        return;
    size_t count = store_releases(flow->store, flow->arena, row.client, NULL, &releases);
    const char *reason = taken_by(flow, correction->kind, correction->number);
    for (size_t i = 0; i < count; i++) {
        if (releases[i].record == row.id && !text_equal(releases[i].state, "dropped"))
            drop(flow, &row, &releases[i], NULL, reason);
    }
}

/* A referral whose only record was dropped was never sent: nobody need hear of its end. */
static void cancel_draft(const struct flow *flow, const struct store_record *row, const char *by)
{
    struct store_referral referral;
    struct track_details details = {.by = by, .at_ms = flow->now_ms};
    if (!text_equal(row->kind, "referral") ||
        !store_get_referral(flow->store, flow->arena, row->referral, &referral) ||
        !text_equal(referral.task_status, "draft"))
        return;
    track_apply(flow->store, &referral, track_find("cancel"), &details, flow->arena);
}

/* Records of before there was a column for it say it in their text only. */
static const char *older_correction(const struct flow *flow, const struct store_record *row)
{
    struct store_record *others;
    size_t count = store_older_records(flow->store, flow->arena, row->client, &others);
    for (size_t i = count; i-- > 0;) {
        if (!text_equal(others[i].kind, row->kind) || others[i].text == NULL ||
            strstr(others[i].text, row->number) == NULL)
            continue;
        const struct json *tree = tree_of(flow->arena, others[i].text);
        if (text_equal(json_get_text(tree, "replaces_record_id"), row->number))
            return others[i].number;
    }
    return NULL;
}

const char *flow_correction_of(const struct flow *flow, const struct store_record *row)
{
    struct store_record correction;
    return store_find_correction(flow->store, flow->arena, row, &correction)
               ? correction.number
               : older_correction(flow, row);
}

void flow_drop_corrected(const struct flow *flow, const struct store_record *row,
                         const char *correction, struct store_release *release)
{
    release->state = "dropped";
    release->reason = taken_by(flow, row->kind, correction);
    release->decided_ms = flow->now_ms;
    note_dropped(flow, row, release, NULL);
    cancel_draft(flow, row, NULL);
}

int64_t flow_tray_row(const struct store_release *waiting, size_t count, const char *number)
{
    char *end;
    long long id = strtoll(number, &end, 10);
    for (size_t i = 0; i < count && *end == '\0'; i++) {
        if (waiting[i].id == id)
            return id;
    }
    return 0;
}

bool flow_drop(const struct flow *flow, const char *number, const char *by, const char *reason,
               size_t *ret_count, struct fault *ret_fault)
{
    struct store_release *waiting;
    size_t count = store_releases(flow->store, flow->arena, NULL, "waiting", &waiting);
    const char **clients = arena_array(flow->arena, count, sizeof *clients);
    int64_t only = flow_tray_row(waiting, count, number);
    *ret_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct store_record row;
        if (!store_get_record(flow->store, flow->arena, waiting[i].record, &row) ||
            (only != 0 ? waiting[i].id != only : !text_equal(row.number, number)))
            continue;
        drop(flow, &row, &waiting[i], by, reason == NULL ? "dropped by a person" : reason);
        cancel_draft(flow, &row, by);
        clients[(*ret_count)++] = row.client;
    }
    for (size_t i = 0; i < *ret_count; i++) /* what waited behind it */
        flow_reconsider(flow, clients[i]);
    return *ret_count > 0 ||
           fault_set(
               ret_fault, FAULT_not_found,
               arena_print(flow->arena,
                           "found nothing in the tray called %s; expected a number that refgate "
                           "tray list shows (what has left is in refgate messages list)",
                           number));
}
