/* map: the mapping tables, one file a resource, one row a field; the same row writes and reads.
 *
 * fhir/message composes messages of them: which parts each kind of record has (struct map_part),
 * and where their references go. Tables are constant. docs/mapping.md tells them in words. */
#ifndef FHIR_MAP_MAP_H
#define FHIR_MAP_MAP_H

#include "fhir/field.h"

/* ---- people and clinics: the local side is a row of directory.csv ---- */
extern const struct field map_practitioner[], map_practitioner_role[];
extern const struct field map_organization[], map_endpoint[];

/* ---- one resource made of the record itself ---- */
extern const struct field map_patient[];
extern const struct field map_move[], map_withdrawn[], map_retraction[];
extern const struct field map_service_request[], map_task[], map_coverage[], map_claim_response[];
extern const struct field map_composition[], map_conference[], map_encounter[],
    map_conference_encounter[];
extern const struct field map_session[], map_response_rating[], map_home_care[], map_next_visit[];
extern const struct field map_episode[], map_follow_up[], map_conference_team[];
extern const struct field map_next_conference[], map_care_plan[], map_plan_team[];
extern const struct field map_consent[], map_consent_giver[], map_revocation[], map_provenance[];

/* ---- one resource for each item of a list ---- */
extern const struct field map_condition[], map_precaution[], map_avoid[], map_goal[];
extern const struct field map_observation[], map_palpation[], map_procedure[];
extern const struct field map_document[], map_action[];

/* A part of a message: the record, or each item of one of its lists, as resources of one type. */
struct map_part {
    const char *local; /* list of the record; NULL: the record itself, one resource */
    const char *type;  /* of the resource */
    const char *name;  /* of the entry: "Goal" makes "Goal/1", "Goal/2" */
    const struct field *rows;
    const char *link; /* path in the main resource for references to it; NULL: none */
    /* Outbound: whether the record has this part. NULL: when the list is there, or always. */
    bool (*is_wanted)(const struct json *record);
    /* Inbound: whether a resource of TYPE is this part. NULL: any. */
    bool (*is_it)(const struct field_job *job, const struct json *resource);
    /* For lists where items and resources do not pair one to one; NULL: field_write and field_read.
     */
    void (*write)(struct field_job *job, const struct map_part *part);
    void (*read)(struct field_job *job, const struct map_part *part, struct json *resource);
};

#endif
