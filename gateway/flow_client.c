/* flow_client: is a record of ours about the client of its referral? One that contradicts waits in
 * the tray until a person confirms it (flow_confirm). Asked each time the record may leave, since
 * the referral may be corrected meanwhile. Runs inside a store transaction; changes nothing. */
#include "gateway/flow_parts.h"
#include "gateway/whose.h"

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
