/* provenance: who wrote a consent down, and when it was taken back <-> Provenance. */
#include "fhir/entries/entries.h"
#include "fhir/map/part.h"

static const struct field_code author = {
    "http://terminology.hl7.org/CodeSystem/provenance-participant-type", "author", "Author", NULL};
static const struct field_code revoked = {"/CodeSystem/provenance-activity", "consent-revoked",
                                          "Consent taken back", "Consent taken back"};

/* The entry that the job says the Provenance is about. */
static struct json *write_target(struct field_job *job, const struct field *field,
                                 const struct json *value)
{
    (void)field;
    (void)value;
    return entries_reference(job, job->target, NULL);
}

static const struct field_kind target = {write_target, field_read_link};

const struct field map_provenance[] = {{NULL, "target[+]", &target, NULL},
                                       {"written_at", "recorded", &field_plain, NULL},
                                       {NULL, "agent[0].type", &field_fixed_concept, &author},
                                       {"written_by", "agent[0].who", &field_person, NULL},
                                       FIELD_END};

const struct field map_revocation[] = {{NULL, "target[+]", &target, NULL},
                                       {"revoked_at", "recorded", &field_plain, NULL},
                                       {NULL, "activity", &field_fixed_concept, &revoked},
                                       {NULL, "agent[0].type", &field_fixed_concept, &author},
                                       {"written_by", "agent[0].who", &field_person, NULL},
                                       FIELD_END};
