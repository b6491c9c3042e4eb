/* coding_tables: the constant tables that fhir/codes/generate.py makes from the CSV files beside
 * it. Only coding.c and reason.c include this. */
#ifndef FHIR_CODES_CODING_TABLES_H
#define FHIR_CODES_CODING_TABLES_H

#include <stddef.h>

#include "fhir/codes/coding.h"
#include "fhir/codes/reason.h"

extern const struct coding_row coding_rows[]; /* sorted by key; rows of one key in file order */
extern const size_t coding_row_count;
extern const unsigned short coding_by_code[]; /* indexes into coding_rows, sorted by system, code */
/* Open-addressing tables by hash_name() of a key or code: index into coding_rows plus one, 0 empty.
 * By key: the first row of each; by code: every row, those of one code by system. */
extern const unsigned short coding_slots_by_key[], coding_slots_by_code[];
extern const unsigned coding_slots_by_key_mask, coding_slots_by_code_mask;
extern const struct measure_row coding_measures[]; /* in the order of measures.csv */
extern const size_t coding_measure_count;
extern const struct measure_unit_row coding_measure_units[];
extern const size_t coding_measure_unit_count;
extern const struct unit_row coding_units[]; /* in the order of unit-aliases.csv */
extern const size_t coding_unit_count;
extern const struct reason_row coding_reasons[]; /* in the order of reasons.csv */
extern const size_t coding_reason_count;

#endif
