/* coding_tables: the constant tables that fhir/codes/generate.py makes from the CSV files beside
 * it. Only coding.c includes this. */
#ifndef FHIR_CODING_TABLES_H
#define FHIR_CODING_TABLES_H

#include <stddef.h>

#include "fhir/coding.h"

extern const struct coding_row coding_rows[]; /* sorted by key; rows of one key in file order */
extern const size_t coding_row_count;
extern const unsigned short coding_by_code[]; /* indexes into coding_rows, sorted by system, code */
extern const struct measure_row coding_measures[]; /* in the order of measures.csv */
extern const size_t coding_measure_count;
extern const struct unit_row coding_units[]; /* in the order of unit-aliases.csv */
extern const size_t coding_unit_count;

#endif
