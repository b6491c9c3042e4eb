/* flow_warn: what a person should look at again in a right record of ours. The rules are in
 * fhir/record_warn.c; here they get the referral that the record belongs to, from the store. Runs
 * inside a store transaction; changes nothing. */
#include <string.h>

#include "gateway/flow_parts.h"

struct finding_list flow_warnings(const struct flow *flow, const struct record *record,
                                  const struct record_rules *rules,
                                  const struct store_referral *referral)
{
    struct finding_list warnings = finding_list_new(flow->arena);
    struct json_document document;
    struct json_fault fault;
    struct store_record row;
    bool has_referral =
        referral->id != 0 &&
        store_find_record(flow->store, flow->arena, referral->placer, "referral", referral->number,
                          &row) &&
        store_get_record(flow->store, flow->arena, row.id, &row) && row.text != NULL &&
        json_parse(flow->arena, row.text, strlen(row.text), NULL, &document, &fault);
    const struct json *earlier = has_referral ? document.root : NULL;
    record_warn(record, rules, &earlier, has_referral ? 1 : 0, &warnings);
    return warnings;
}
