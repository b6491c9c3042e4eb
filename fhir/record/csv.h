/* csv: rows of a sheet to the same trees that JSON gives. Called by record/read.c only. */
#ifndef FHIR_RECORD_CSV_H
#define FHIR_RECORD_CSV_H

#include "fhir/record/record.h"

/* Adds the records of a CSV text; see record_read. */
void record_csv_read(struct arena *arena, const char *text, size_t length,
                     struct record_list *records, struct finding_list *findings);
/* Adds one record to a list that lives in ARENA. */
void record_list_add(struct arena *arena, struct record_list *records, struct record record);

#endif
