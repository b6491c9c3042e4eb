/* visit: kinds of field that the resources of one visit share. */
#ifndef FHIR_MAP_VISIT_H
#define FHIR_MAP_VISIT_H

#include "fhir/map/part.h"

extern const struct field_kind map_author;     /* always who wrote the record */
extern const struct field_kind map_visit_time; /* always the start of the visit */
extern const struct field_kind map_own_clinic; /* always the clinic of the writer */
/* referral_id <-> a logical Reference to the ServiceRequest. */
extern const struct field_kind map_referral_id;

/* Measurements: blood pressure makes one panel of two items. */
void map_write_measurements(struct field_job *job, const struct map_part *part);
void map_read_measurement(struct field_job *job, const struct map_part *part,
                          struct json *observation);
/* Techniques: one after the other within the visit. */
void map_write_techniques(struct field_job *job, const struct map_part *part);

#endif
