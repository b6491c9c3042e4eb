/* section: the sections of a Composition, by one table per kind of record.
 *
 * A section tells fields of the record in readable text, with each value beside it as a
 * record-field extension (nothing is read back from the text), or lists the resources of a part. */
#ifndef FHIR_MAP_SECTION_H
#define FHIR_MAP_SECTION_H

#include "fhir/map/part.h"

/* Writes the sections of job->main, when all parts stand. */
void section_write(struct field_job *job);
/* Reads the sections of job->main: record-fields into the record, marks what is ours. */
void section_read(struct field_job *job);
/* What a section of job->main is called: "Subjective"; NULL: it does not say. */
const char *section_heading(struct field_job *job, const struct json *section);
/* All that Composition still has to compare when everything else is read; the sections too. */
void composition_finish_reading(struct field_job *job);

#endif
