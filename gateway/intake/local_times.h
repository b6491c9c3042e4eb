/* local_times: days and times of a record in the form that records keep: `13.2.2026` and `2026-9-2`
 * become year-month-day (base/date_written.h), and times that a record writes as the clock on the
 * wall shows them are given their zone.
 *
 * Called for the clinic's own records, in the drop folder and the commands, before they are
 * checked: `2026-09-02 11:20` becomes `2026-09-02T11:20:00-04:00` where the setting time_zone says
 * so. An hour that the clock skips or shows twice stays as it is and is refused by the check, since
 * nobody knows which is meant; so does every time without a zone when none is set. Reads the
 * process's zone (TZ); any thread. */
#ifndef GATEWAY_INTAKE_LOCAL_TIMES_H
#define GATEWAY_INTAKE_LOCAL_TIMES_H

#include "fhir/record/record.h"
#include "gateway/setup/setup.h"

/* SETUP NULL, or with no zone to go by: times stay as they are. */
void local_times_complete(const struct setup *setup, struct arena *arena,
                          const struct record_list *records);
/* One text; the same text when there is nothing to complete, or nothing to go by. */
const char *local_times_text(struct arena *arena, const char *text);

#endif
