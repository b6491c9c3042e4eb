/* flow_warn: what a person should look at again in a right record of ours. The rules are in
 * fhir/record_warn.c; here they get the referral that the record belongs to, from the store. Runs
 * inside a store transaction; changes nothing. */
#include <string.h>

#include "gateway/flow_parts.h"
#include "gateway/tree.h"

struct finding_list flow_warnings(const struct flow *flow, const struct record *record,
                                  const struct record_rules *rules,
                                  const struct store_referral *referral)
{
    struct finding_list warnings = finding_list_new(flow->arena);
    struct store_record row;
    bool has_referral = referral->id != 0 &&
                        store_find_record(flow->store, flow->arena, referral->placer, "referral",
                                          referral->number, &row) &&
                        store_get_record(flow->store, flow->arena, row.id, &row);
    const struct json *earlier = has_referral ? tree_of(flow->arena, row.text) : NULL;
    record_warn(record, rules, &earlier, earlier == NULL ? 0 : 1, &warnings);
    return warnings;
}
