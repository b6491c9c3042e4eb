/* consent: see message/consent.h. The Consent is written and read by the tables of a
 * consent record, in a job of its own that shares the entries of the message. */
#include "fhir/message/consent.h"

#include "fhir/entries/entries.h"
#include "fhir/field/standing.h"
#include "fhir/map/people.h"
#include "fhir/record/record.h"

/* ---- outbound ---- */

static struct field_job inner_job(const struct field_job *job, struct json *record)
{
    struct field_job inner = *job;
    inner.kind = "consent";
    inner.record = record;
    inner.extras = NULL;
    inner.list = NULL;
    return inner;
}

static void write_one(struct field_job *job, const struct json *consent, size_t place,
                      const char *link)
{
    const struct message_kind *kind = message_kind_find("consent");
    struct field_job inner = inner_job(job, json_copy(job->arena, consent));
    const char *writer = json_get_text(consent, "written_by");
    record_fill_defaults(job->arena, inner.record, job->context->directory);
    inner.clinic = writer == NULL ? job->clinic : people_clinic(job, writer);
    inner.target = arena_print(job->arena, "Consent/%zu", place);
    inner.giver = arena_print(job->arena, "RelatedPerson/%zu", place);
    inner.main = entries_add(&inner, kind->type, inner.target, true);
    kind->prepare(&inner);
    inner.resource = inner.main;
    field_write(&inner, kind->rows, inner.record, inner.main);
    for (const struct map_part *part = kind->parts; part->type != NULL; part++) {
        if (part->is_wanted == NULL || part->is_wanted(inner.record))
            map_add_part(&inner, part, inner.record,
                         arena_print(job->arena, "%s/%zu", part->name, place));
    }
    field_put_extras(&inner);
    if (link != NULL)
        field_put(job, job->main, link, entries_reference(job, inner.target, NULL));
}

void consent_write_evidence(struct field_job *job, const char *link)
{
    const struct message_record_options *options = job->options;
    for (size_t i = 0; i < options->consent_count; i++)
        write_one(job, options->consents[i], i + 1, link);
}

/* ---- inbound ---- */

static bool is_about(struct field_job *job, const struct json *provenance,
                     const struct message_entry *consent)
{
    for (struct json *target = json_first(json_get(provenance, "target")); target != NULL;
         target = json_next(target)) {
        if (entries_resolve(job, target) == consent)
            return true;
    }
    return false;
}

static void read_provenance(struct field_job *job, const struct message_kind *kind,
                            const struct message_entry *consent)
{
    for (struct message_entry *entry = entries_next(job, "Provenance", NULL); entry != NULL;
         entry = entries_next(job, "Provenance", entry)) {
        if (entry->is_taken || !is_about(job, entry->resource, consent))
            continue;
        for (const struct map_part *part = kind->parts; part->type != NULL; part++) {
            if (!part->is_it(job, entry->resource))
                continue;
            job->resource = entry->resource;
            entry->is_taken = true;
            field_read(job, part->rows, entry->resource, job->record);
        }
    }
}

static struct json *read_one(struct field_job *job, struct message_entry *entry)
{
    const struct message_kind *kind = message_kind_find("consent");
    struct field_job inner = inner_job(job, json_new_object(job->arena));
    inner.main = entry->resource;
    inner.resource = entry->resource;
    entry->is_taken = true;
    json_set_text(job->arena, inner.record, "record", "consent");
    field_read_extras(&inner, json_get(inner.main, "extension"), inner.record);
    field_read(&inner, kind->rows, inner.main, inner.record);
    read_provenance(&inner, kind, entry);
    if (json_get(inner.record, "record_id") == NULL)
        json_set_text(job->arena, inner.record, "record_id", entry->id);
    job->people = inner.people;
    job->claims = inner.claims;
    job->claim_count = inner.claim_count;
    return inner.record;
}

/* What was entered in error, or is about something else than records, is no evidence. */
static bool is_evidence(struct field_job *job, struct message_entry *entry)
{
    if (!entry->is_no_fact)
        entry->is_no_fact =
            standing_sets_aside(job, entry->resource, "Consent", entry->resource, NULL);
    return !entry->is_no_fact;
}

enum { EVIDENCE_MAX = 16 }; /* consents beside a record; more are told as `received` */

struct json *consent_read_evidence(struct field_job *job)
{
    struct json *list = json_new_list(job->arena);
    size_t count = 0;
    for (struct message_entry *entry = entries_next(job, "Consent", NULL);
         entry != NULL && count < EVIDENCE_MAX; entry = entries_next(job, "Consent", entry)) {
        if (entry->is_taken || entry->aside != NULL || !is_evidence(job, entry))
            continue;
        json_push(list, read_one(job, entry));
        count++;
    }
    return json_first(list) == NULL ? NULL : list;
}
