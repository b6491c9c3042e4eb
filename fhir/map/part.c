/* part: how a part of a record becomes a resource of its message. Called by the tables that write a
 * part by hand and by message_record for all others. Pure. */
#include "fhir/map/part.h"
#include "fhir/entries/entries.h"

struct json *map_add_part(struct field_job *job, const struct map_part *part,
                          const struct json *local, const char *name)
{
    struct json *resource = entries_add(job, part->type, name, true);
    job->resource = resource;
    field_write(job, part->rows, local, resource);
    if (part->link != NULL)
        field_put(job, job->main, part->link, entries_reference(job, name, NULL));
    return resource;
}
