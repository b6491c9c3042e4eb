/* appointment: the next visit, and the next case conference, <-> Appointment (status proposed: a
 * day or a start alone is a requested period; R4 app-2 and app-3). */
#include "fhir/map/part.h"
#include "fhir/map/timing.h"

/* A booked appointment has a start; its day is a word of ours, its hour is told as received. */
static struct json *write_no_start(struct field_job *job, const struct field *field,
                                   const struct json *value)
{
    (void)job;
    (void)field;
    (void)value;
    return NULL;
}

static struct json *read_start_day(struct field_job *job, const struct field *field,
                                   struct json *node, struct json *into)
{
    const char *day = timing_day(job, json_text(node));
    (void)field;
    (void)into;
    return day == NULL ? NULL : json_new_lasting(job->arena, day);
}

static const struct field_kind start_day = {write_no_start, read_start_day};

static struct json *read_start(struct field_job *job, const struct field *field, struct json *node,
                               struct json *into)
{
    return field_plain.read(job, field, node, into);
}

static const struct field_kind booked_start = {write_no_start, read_start};

static const struct field_code next_visit = {"/CodeSystem/appointment", "next-visit", "Next visit",
                                             "Next visit"};
static const struct field_code next_conference = {"/CodeSystem/appointment", "next-conference",
                                                  "Next case conference", "Next case conference"};

const struct field map_next_visit[] = {
    {NULL, "status", &field_constant, "proposed"},
    {NULL, "appointmentType", &field_fixed_concept, &next_visit},
    {"next_visit_on", "requestedPeriod[0].start", &map_day, "first"},
    {"next_visit_on", "start", &start_day, NULL},
    {NULL, "participant[0].actor", &field_link, "Patient"},
    {NULL, "participant[0].status", &field_constant, "needs-action"},
    FIELD_END};

const struct field map_next_conference[] = {
    {NULL, "status", &field_constant, "proposed"},
    {NULL, "appointmentType", &field_fixed_concept, &next_conference},
    {"next_conference_at", "requestedPeriod[0].start", &field_plain, NULL},
    {"next_conference_at", "start", &booked_start, NULL},
    {NULL, "participant[0].actor", &field_link, "Patient"},
    {NULL, "participant[0].status", &field_constant, "needs-action"},
    FIELD_END};
