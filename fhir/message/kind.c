/* kind: see message/kind.h. docs/mapping.md tells the same in words. */
#include "fhir/message/kind.h"

#include <string.h>

#include "fhir/entries/entries.h"
#include "fhir/map/map.h"
#include "fhir/message/event.h"

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
     .link = "supportingInfo[]",
     .read = map_read_document},
    {.type = NULL},
};

/* ---- progress note ---- */

static bool has_code_of(const struct json *resource, const char *code)
{
    return field_has_code(json_get(resource, "code"), NULL, code);
}

static bool is_palpation(const struct field_job *job, const struct json *observation)
{
    (void)job;
    return has_code_of(observation, "palpation");
}

static bool is_rating(const struct field_job *job, const struct json *observation)
{
    (void)job;
    return has_code_of(observation, "response-rating");
}

static bool is_measurement(const struct field_job *job, const struct json *observation)
{
    return !is_palpation(job, observation) && !is_rating(job, observation);
}

static bool is_session(const struct field_job *job, const struct json *procedure)
{
    (void)job;
    return has_code_of(procedure, "session");
}

static bool is_technique(const struct field_job *job, const struct json *procedure)
{
    return field_word_of(job, "technique", json_get(procedure, "code")) != NULL;
}

static bool has_rating(const struct json *record)
{
    return json_get(record, "response_rating") != NULL;
}

static bool has_response(const struct json *record)
{
    return has_any(record, (const char *const[]){"response", "adverse_reaction", NULL});
}

static bool has_home_care(const struct json *record)
{
    return json_first(json_get(record, "home_care")) != NULL;
}

static bool has_next_visit(const struct json *record)
{
    return json_get(record, "next_visit_on") != NULL;
}

static const struct map_part note_parts[] = {
    {.type = "Encounter", .name = "Encounter", .rows = map_encounter, .link = "encounter"},
    {.local = "measurements",
     .type = "Observation",
     .name = "Observation",
     .rows = map_observation,
     .is_it = is_measurement,
     .write = map_write_measurements,
     .read = map_read_measurement},
    {.local = "palpation",
     .type = "Observation",
     .name = "Palpation",
     .rows = map_palpation,
     .is_it = is_palpation},
    {.type = "Observation",
     .name = "Rating",
     .rows = map_response_rating,
     .is_wanted = has_rating,
     .is_it = is_rating},
    {.local = "techniques",
     .type = "Procedure",
     .name = "Procedure",
     .rows = map_procedure,
     .is_it = is_technique,
     .write = map_write_techniques},
    {.type = "Procedure",
     .name = "Session",
     .rows = map_session,
     .is_wanted = has_response,
     .is_it = is_session},
    {.type = "CarePlan", .name = "HomeCare", .rows = map_home_care, .is_wanted = has_home_care},
    {.local = "goals", .type = "Goal", .name = "Goal", .rows = map_goal},
    {.type = "Appointment",
     .name = "NextVisit",
     .rows = map_next_visit,
     .is_wanted = has_next_visit},
    {.local = "attachments",
     .type = "DocumentReference",
     .name = "DocumentReference",
     .rows = map_document,
     .read = map_read_document},
    {.type = NULL},
};

/* ---- discharge summary ---- */

static bool has_follow_up(const struct json *record)
{
    return json_get(record, "follow_up_with") != NULL;
}

static const struct map_part discharge_parts[] = {
    {.type = "EpisodeOfCare",
     .name = "EpisodeOfCare",
     .rows = map_episode,
     .link = "event[0].detail[]"},
    {.local = "measurements",
     .type = "Observation",
     .name = "Observation",
     .rows = map_observation,
     .is_it = is_measurement,
     .write = map_write_measurements,
     .read = map_read_measurement},
    {.local = "goals", .type = "Goal", .name = "Goal", .rows = map_goal},
    {.type = "CareTeam", .name = "CareTeam", .rows = map_follow_up, .is_wanted = has_follow_up},
    {.local = "attachments",
     .type = "DocumentReference",
     .name = "DocumentReference",
     .rows = map_document,
     .read = map_read_document},
    {.type = NULL},
};

/* ---- case conference ---- */

static bool is_action(const struct field_job *job, const struct json *task)
{
    (void)job;
    return has_code_of(task, "conference-action");
}

static bool has_next_conference(const struct json *record)
{
    return json_get(record, "next_conference_at") != NULL;
}

static const struct map_part conference_parts[] = {
    {.type = "CareTeam", .name = "CareTeam", .rows = map_conference_team},
    {.type = "Encounter",
     .name = "Encounter",
     .rows = map_conference_encounter,
     .link = "encounter"},
    {.local = "actions", .type = "Task", .name = "Action", .rows = map_action, .is_it = is_action},
    {.type = "Appointment",
     .name = "NextConference",
     .rows = map_next_conference,
     .is_wanted = has_next_conference},
    {.local = "attachments",
     .type = "DocumentReference",
     .name = "DocumentReference",
     .rows = map_document,
     .read = map_read_document},
    {.type = NULL},
};

/* ---- treatment plan ---- */

static const struct map_part plan_parts[] = {
    {.type = "CareTeam", .name = "CareTeam", .rows = map_plan_team, .link = "careTeam[]"},
    {.local = "diagnoses",
     .type = "Condition",
     .name = "Condition",
     .rows = map_condition,
     .link = "addresses[]"},
    {.local = "precautions",
     .type = "Flag",
     .name = "Flag",
     .rows = map_precaution,
     .link = "supportingInfo[]",
     .is_it = is_precaution},
    {.local = "goals", .type = "Goal", .name = "Goal", .rows = map_goal, .link = "goal[]"},
    {.local = "attachments",
     .type = "DocumentReference",
     .name = "DocumentReference",
     .rows = map_document,
     .link = "supportingInfo[]",
     .read = map_read_document},
    {.type = NULL},
};

/* ---- consent ---- */

static bool is_by_another(const struct json *record)
{
    return !text_equal(json_get_text(record, "given_by"), "client");
}

static bool is_revoked(const struct json *record)
{
    return json_get(record, "revoked_at") != NULL;
}

static bool is_revocation(const struct field_job *job, const struct json *provenance)
{
    (void)job;
    return field_has_code(json_get(provenance, "activity"), NULL, "consent-revoked");
}

static bool is_authorship(const struct field_job *job, const struct json *provenance)
{
    return !is_revocation(job, provenance);
}

/* The giver stands before the Consent that refers to it; Provenance is about the Consent. */
static void prepare_consent(struct field_job *job)
{
    if (job->target == NULL) { /* a record of its own, not evidence beside another */
        job->target = "Consent";
        job->giver = "RelatedPerson";
    }
    if (!is_by_another(job->record))
        return;
    struct json *person = entries_add(job, "RelatedPerson", job->giver, true);
    job->resource = person;
    field_write(job, map_consent_giver, job->record, person);
}

static const struct map_part consent_parts[] = {
    {.type = "Provenance", .name = "Provenance", .rows = map_provenance, .is_it = is_authorship},
    {.type = "Provenance",
     .name = "Revocation",
     .rows = map_revocation,
     .is_wanted = is_revoked,
     .is_it = is_revocation},
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
     .is_task_first = true,
     .evidence_link = "supportingInfo[]",
     .finish_reading = map_read_reason_codes},
    {.kind = "progress-note",
     .type = "Composition",
     .name = "Composition",
     .rows = map_composition,
     .parts = note_parts,
     .event = EVENT_RECORD,
     .event_corrected = EVENT_RECORD_UPDATE,
     .task = MESSAGE_TASK_MOVED,
     .finish = section_write,
     .finish_reading = composition_finish_reading},
    {.kind = "discharge-summary",
     .type = "Composition",
     .name = "Composition",
     .rows = map_composition,
     .parts = discharge_parts,
     .event = EVENT_RECORD,
     .event_corrected = EVENT_RECORD_UPDATE,
     .task = MESSAGE_TASK_ALWAYS,
     .task_status = "completed",
     .finish = section_write,
     .finish_reading = composition_finish_reading},
    {.kind = "case-conference",
     .type = "Composition",
     .name = "Composition",
     .rows = map_conference,
     .parts = conference_parts,
     .event = EVENT_CONFERENCE,
     .event_corrected = EVENT_CONFERENCE,
     .task = MESSAGE_TASK_NEVER,
     .finish = section_write,
     .finish_reading = composition_finish_reading},
    {.kind = "treatment-plan",
     .type = "CarePlan",
     .name = "CarePlan",
     .rows = map_care_plan,
     .parts = plan_parts,
     .event = EVENT_PLAN,
     .event_corrected = EVENT_PLAN,
     .task = MESSAGE_TASK_NEVER,
     .evidence_link = "supportingInfo[]"},
    {.kind = "consent",
     .type = "Consent",
     .name = "Consent",
     .rows = map_consent,
     .parts = consent_parts,
     .event = EVENT_CONSENT,
     .event_corrected = EVENT_CONSENT,
     .task = MESSAGE_TASK_NEVER,
     .prepare = prepare_consent},
};

const struct message_kind *message_kind_find(const char *kind)
{
    for (size_t i = 0; kind != NULL && i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i].kind, kind) == 0)
            return &kinds[i];
    }
    return NULL;
}
