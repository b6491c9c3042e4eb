/* part: the mapping tables, one file a resource, one row a field; the same row writes and reads.
 *
 * fhir/message composes messages of them: which parts each kind of record has (struct map_part),
 * and where their references go. Tables are constant. docs/mapping.md tells them in words. */
#ifndef FHIR_MAP_PART_H
#define FHIR_MAP_PART_H

#include "fhir/field/field.h"

#define MAP_TABLE(type, rows) extern const struct field rows[];
#define MAP_BY_HAND(type)
#include "fhir/map/table.def"
#undef MAP_TABLE
#undef MAP_BY_HAND

/* Inbound: an order that names no Condition has its diagnoses as coded reasons. */
void map_read_reason_codes(struct field_job *job);
bool map_has_reason_codes(struct field_job *job);
/* A diagnosis in words alone has no code list either, whatever holds by default. */
void map_tidy_diagnoses(struct field_job *job);

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

/* Outbound: one resource of a part, filled from LOCAL, linked from the main resource. */
struct json *map_add_part(struct field_job *job, const struct map_part *part,
                          const struct json *local, const char *name);

/* Inbound: files of other resources than documents are attachments too. */
extern const struct map_part map_file_parts[];
/* The read of a part of map_document. */
void map_read_document(struct field_job *job, const struct map_part *part, struct json *document);

#endif
