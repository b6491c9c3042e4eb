/* message_kind: see message_kind.h. docs/mapping.md tells the same in words. */
#include "fhir/message_kind.h"

#include <string.h>

#include "fhir/message_event.h"

static bool has_any(const struct json *record, const char *const *fields)
{
    for (size_t i = 0; fields[i] != NULL; i++) {
        if (json_get(record, fields[i]) != NULL)
            return true;
    }
    return false;
}

/* ---- referral ---- */

static bool has_coverage(const struct json *record)
{
    return has_any(record, (const char *const[]){"payer", "member_id", "claim_number", NULL});
}

static bool has_authorization(const struct json *record)
{
    return has_any(record, (const char *const[]){"authorization_number", "authorized_visits",
                                                 "authorization_expires", NULL});
}

static bool is_avoid(const struct field_job *job, const struct json *flag)
{
    (void)job;
    for (struct json *category = json_first(json_get(flag, "category")); category != NULL;
         category = json_next(category)) {
        if (field_has_code(category, NULL, "technique-to-avoid"))
            return true;
    }
    return false;
}

static bool is_precaution(const struct field_job *job, const struct json *flag)
{
    return !is_avoid(job, flag);
}

static const struct map_part referral_parts[] = {
    {.local = "diagnoses",
     .type = "Condition",
     .name = "Condition",
     .rows = map_condition,
     .link = "reasonReference[]"},
    {.local = "precautions",
     .type = "Flag",
     .name = "Flag",
     .rows = map_precaution,
     .link = "supportingInfo[]",
     .is_it = is_precaution},
    {.local = "techniques_to_avoid",
     .type = "Flag",
     .name = "Avoid",
     .rows = map_avoid,
     .link = "supportingInfo[]",
     .is_it = is_avoid},
    {.local = "goals",
     .type = "Goal",
     .name = "Goal",
     .rows = map_goal,
     .link = "supportingInfo[]"},
    {.type = "Coverage",
     .name = "Coverage",
     .rows = map_coverage,
     .link = "insurance[]",
     .is_wanted = has_coverage},
    {.type = "ClaimResponse",
     .name = "ClaimResponse",
     .rows = map_claim_response,
     .link = "insurance[]",
     .is_wanted = has_authorization},
    {.local = "attachments",
     .type = "DocumentReference",
     .name = "DocumentReference",
     .rows = map_document,
     .link = "supportingInfo[]"},
    {.type = NULL},
};

/* ---- all kinds ---- */

static const struct message_kind kinds[] = {
    {.kind = "referral",
     .type = "ServiceRequest",
     .name = "ServiceRequest",
     .rows = map_service_request,
     .parts = referral_parts,
     .event = EVENT_REFERRAL,
     .event_corrected = EVENT_REFERRAL_UPDATE,
     .event_cancelled = EVENT_REFERRAL_CANCEL,
     .task = MESSAGE_TASK_ALWAYS,
     .is_task_first = true},
};

const struct message_kind *message_kind_find(const char *kind)
{
    for (size_t i = 0; kind != NULL && i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i].kind, kind) == 0)
            return &kinds[i];
    }
    return NULL;
}
