/* client: is a record of ours about the client of its referral? One that contradicts waits in
 * the tray until a person confirms it. Asked each time the record may leave, since the referral may
 * be corrected meanwhile. Runs inside a store transaction. */
#include "gateway/audit/audit.h"
#include "gateway/outbound/outbound_internal.h"
#include "gateway/referral/whose.h"

static const char *doubt_of(const struct flow *flow, const struct json *record,
                            const struct store_referral *referral)
{
    struct client_difference difference;
    const char *our = flow->setup->config.org;
    if (!whose_differs(flow->store, flow->arena, our, record, our, referral, &difference))
        return NULL;
    return whose_say(flow->arena, referral, whose_referral(flow->store, flow->arena, referral),
                     &difference);
}

/* A number that other clinics use too may mean one of several: one that fits is enough. */
static const char *doubt_of_related(const struct flow *flow, const struct json *record,
                                    const char *id)
{
    struct store_referral *referrals;
    const char *doubt = NULL;
    size_t count = flow_referrals_called(flow, id, &referrals);
    for (size_t i = 0; i < count; i++) {
        const char *another = doubt_of(flow, record, &referrals[i]);
        if (another == NULL)
            return NULL;
        doubt = doubt == NULL ? another : doubt;
    }
    return doubt;
}

const char *flow_doubt(const struct flow *flow, const struct json *record,
                       const struct store_referral *referral)
{
    const char *doubt = NULL;
    if (!whose_is_asked(record_kind(record)))
        return NULL;
    const struct json *related = json_get(record, "related_referral_ids");
    bool names_one = related == NULL || json_get(record, "referral_id") != NULL;
    if (referral->id != 0 && names_one)
        doubt = doubt_of(flow, record, referral);
    for (const struct json *id = json_first(related); id != NULL && doubt == NULL;
         id = json_next(id))
        doubt = json_text(id) == NULL ? NULL : doubt_of_related(flow, record, json_text(id));
    return doubt;
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
           fault_set(
               ret_fault, FAULT_not_found,
               arena_print(flow->arena,
                           "found nothing in the tray called %s; expected a number that refgate "
                           "tray list shows (what has left is in refgate messages list)",
                           number));
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
    const struct track_move *move = flow_move_by_note(flow, loaded.tree, &loaded.referral);
    struct release_consents consents =
        release_consents(flow->store, flow->arena, loaded.row.client);
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
    if (move != NULL)
        flow_tell_move_alone(flow, loaded.tree, &loaded.referral, move, ret_report);
    return true;
}
