/* note: what a note or discharge of ours does to the Task of the referral that we fill: the
 * first note starts it, a discharge completes it.
 *
 * The partner reads that from the record itself (effect.c), so the Task moves here when the record
 * is accepted, and at the latest when its message is queued: a record that was in doubt about its
 * client moves nothing while it waits. Runs inside a store transaction. */
#include "gateway/outbound/outbound_internal.h"

static bool is_under_way(const struct store_referral *referral)
{
    return text_equal(referral->task_status, "in-progress") ||
           text_equal(referral->task_status, "on-hold");
}

const struct track_move *flow_note_move(const struct json *record,
                                        const struct store_referral *referral)
{
    bool is_note = text_equal(record_kind(record), "progress-note");
    bool is_discharge = text_equal(record_kind(record), "discharge-summary");
    bool corrects = json_get(record, "replaces_record_id") != NULL;
    if (referral->id == 0 || track_ours(referral) == TRACK_PLACER || corrects)
        return NULL;
    if (is_discharge)
        return track_find("complete");
    return is_note && !is_under_way(referral) ? track_find("start") : NULL;
}

static struct track_details details_of(const struct flow *flow, const struct json *record)
{
    return (struct track_details){.by = json_get_text(record, "written_by"), .at_ms = flow->now_ms};
}

const struct track_move *flow_move_by_note(const struct flow *flow, const struct json *record,
                                           struct store_referral *referral)
{
    struct fault fault;
    struct track_details details = details_of(flow, record);
    const struct track_move *move = flow_note_move(record, referral);
    if (move != NULL && !track_allows(move, TRACK_FILLER, referral, flow->arena, &fault))
        move = NULL;
    if (text_equal(record_kind(record), "discharge-summary"))
        details.business_status = json_get_text(record, "discharge_reason");
    if (move != NULL)
        track_apply(flow->store, referral, move, &details, flow->arena);
    track_count_visits(flow->store, referral, record);
    return move;
}

void flow_tell_move_alone(const struct flow *flow, const struct json *record,
                          const struct store_referral *referral, const struct track_move *move,
                          const struct flow_report *report)
{
    struct track_details details = details_of(flow, record);
    struct fault fault;
    for (size_t i = 0; i < report->count; i++) {
        if (report->recipients[i].is_queued)
            return;
    }
    flow_tell(flow, referral, move->word, &details, NULL, &fault);
}
