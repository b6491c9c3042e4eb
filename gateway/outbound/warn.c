/* warn: what a person should look at again in a right record of ours. The rules are in
 * fhir/record/warn.c; here they get the referral that the record belongs to, from the store. Runs
 * inside a store transaction; changes nothing. */
#include <string.h>

#include "fhir/json/tree.h"
#include "gateway/outbound/outbound_internal.h"

/* A number that nobody knows is a slip, or its record comes later: it stays with what was meant to
 * be replaced that somebody looks. */
static void warn_replaced(const struct flow *flow, const struct record *record,
                          struct finding_list *warnings)
{
    struct store_record known;
    const char *kind = record_kind(record->tree);
    const char *replaced = json_get_text(record->tree, "replaces_record_id");
    if (replaced == NULL)
        return;
    bool is_known = store_find_record(flow->store, flow->arena, flow->setup->config.org, kind,
                                      replaced, &known);
    bool is_of_client =
        is_known && text_equal(known.client, json_get_text(record->tree, "client_id"));
    if (is_of_client)
        return;
    finding_add(
        warnings,
        (struct finding){
            .path = "replaces_record_id",
            .found = arena_print(flow->arena, "\"%s\", which is %s %s of %s", replaced,
                                 is_known ? "a" : "no", kind, is_known ? "another client" : "ours"),
            .expected =
                arena_print(flow->arena, "the number of the %s that it takes the place of", kind)});
}

/* A consent dated ahead is taken, since a withdrawal acts at once; a permission waits for its date.
 */
static void warn_ahead(const struct flow *flow, const struct record *record,
                       struct finding_list *warnings)
{
    struct date_time written;
    const char *text = json_get_text(record->tree, "written_at");
    if (!text_equal(record_kind(record->tree), "consent") || text == NULL ||
        date_time_parse(text, &written) != DATE_RIGHT || written.seconds * 1000 <= flow->now_ms)
        return;
    finding_add(
        warnings,
        (struct finding){
            .path = "written_at",
            .found = arena_print(flow->arena, "%s, ahead of this gateway's clock, which says %s",
                                 text, clock_text(flow->arena, flow->now_ms)),
            .expected = "a time that is past: until then it permits nothing (a refusal or "
                        "a withdrawal holds from now)"});
}

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
    warn_replaced(flow, record, &warnings);
    warn_ahead(flow, record, &warnings);
    if (text_equal(record_kind(record->tree), "consent"))
        flow_warn_client(flow, record->tree, &warnings);
    return warnings;
}
