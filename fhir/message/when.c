/* when: see message/when.h. */
#include "fhir/message/when.h"

#include <string.h>

#include "fhir/field/choice.h"
#include "fhir/map/map.h"
#include "fhir/message/client.h"
#include "fhir/model/primitive.h"

/* The visit or meeting that the record tells of; without a time of its own, when it was written. */
static const char *time_of_record(const struct field_job *job)
{
    static const char *const fields[] = {"visit_at", "held_at", "written_at"};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const char *time = json_get_text(job->record, fields[i]);
        if (time != NULL)
            return time;
    }
    return job->moment;
}

/* Only a booked one has a start; the appointment of the visit itself is not the next one. */
static bool is_past(const struct field_job *job, const struct json *appointment)
{
    const char *start = json_get_text(appointment, "start");
    const char *now = time_of_record(job);
    int order = 0;
    return start != NULL && now != NULL && primitive_date_order(start, now, &order) && order <= 0;
}

static bool has_ended(const struct field_job *job, const struct message_entry *entry)
{
    bool is_of_meeting = entries_is(entry, "CareTeam") && strcmp(job->kind, "case-conference") == 0;
    return !is_of_meeting && choice_time(job, entry->resource) == CHOICE_ENDED;
}

static const char *when_done(const struct json *resource)
{
    static const char *const times[] = {"performedDateTime", "effectiveDateTime"};
    static const char *const periods[] = {"performedPeriod", "effectivePeriod"};
    for (size_t i = 0; i < 2; i++) {
        const char *time = json_get_text(resource, times[i]);
        if (time == NULL)
            time = json_get_text(json_get(resource, periods[i]), "start");
        if (time != NULL)
            return time;
    }
    return NULL;
}

/* What was done on another day than that of the visit; a measurement says its own day. */
static bool is_of_other_day(struct field_job *job, const struct map_part *part,
                            const struct json *resource)
{
    const char *visit = json_get_text(job->record, "visit_at");
    const char *time = when_done(resource);
    if (visit == NULL || time == NULL || json_get(resource, "encounter") != NULL ||
        text_equal(part->local, "measurements"))
        return false;
    const char *day = timing_day(job, time);
    return day != NULL && !text_equal(day, timing_day(job, visit));
}

/* A condition that somebody says has ended, in whatever form, unless that lies ahead. */
static bool has_abated(const struct field_job *job, const struct json *condition)
{
    static const char stem[] = "abatement";
    const char *start = json_get_text(json_get(condition, "abatementPeriod"), "start");
    const char *time = start != NULL ? start : json_get_text(condition, "abatementDateTime");
    int order = 0;
    if (time != NULL && job->moment != NULL && primitive_date_order(time, job->moment, &order) &&
        order > 0)
        return false;
    const struct json *member = json_first(condition);
    while (member != NULL && !text_starts(json_key(member) + (json_key(member)[0] == '_'), stem))
        member = json_next(member);
    return member != NULL;
}

const char *when_standing(const struct field_job *job, const char *type,
                          const struct json *resource)
{
    if (strcmp(type, "Condition") == 0)
        return has_abated(job, resource) ? "resolved" : NULL;
    bool is_over = strcmp(type, "Flag") == 0 && choice_time(job, resource) == CHOICE_ENDED;
    return is_over ? "inactive" : NULL;
}

/* Whether the client said that they will not come. */
static bool is_declined(struct field_job *job, const struct message_entry *appointment)
{
    for (const struct json *comes = json_first(json_get(appointment->resource, "participant"));
         comes != NULL; comes = json_next(comes)) {
        const struct json *actor = json_get(comes, "actor");
        if (actor != NULL && text_equal(json_get_text(comes, "status"), "declined") &&
            client_of_reference(job, job->client, appointment, actor) == CLIENT_THEIRS)
            return true;
    }
    return false;
}

static const char *appointment_aside(struct field_job *job, const struct message_entry *entry)
{
    if (is_past(job, entry->resource))
        return "not filed: it is not after this record";
    return is_declined(job, entry) ? "not filed: the client declined this appointment" : NULL;
}

/* What holds for a time, and has no word of standing where it is read. */
static bool is_bounded(const struct map_part *part)
{
    static const char *const types[] = {"Coverage", "CareTeam", "CarePlan", NULL};
    size_t i = 0;
    while (types[i] != NULL && strcmp(types[i], part->type) != 0)
        i++;
    return types[i] != NULL || text_equal(part->local, "techniques_to_avoid");
}

const char *when_sets_aside(struct field_job *job, const struct map_part *part,
                            const struct message_entry *entry)
{
    if (entries_is(entry, "Appointment"))
        return appointment_aside(job, entry);
    if (is_bounded(part))
        return has_ended(job, entry)
                   ? arena_print(job->arena, "not filed: it ended on %.10s",
                                 json_get_text(json_get(entry->resource, "period"), "end"))
                   : NULL;
    bool is_done = entries_is(entry, "Procedure") || entries_is(entry, "Observation");
    return is_done && is_of_other_day(job, part, entry->resource)
               ? "not filed: it belongs to another visit"
               : NULL;
}

static int rank_of_authorization(const struct field_job *job, const struct json *resource)
{
    const struct json *period = json_get(resource, "preAuthPeriod");
    const char *start = json_get_text(period, "start");
    const char *end = json_get_text(period, "end");
    int order = 0;
    if (end != NULL && job->moment != NULL && primitive_date_order(end, job->moment, &order) &&
        order < 0)
        return 2;
    return start != NULL && job->moment != NULL &&
           primitive_date_order(start, job->moment, &order) && order > 0;
}

int when_rank(const struct field_job *job, const struct message_entry *entry)
{
    if (entries_is(entry, "ClaimResponse"))
        return rank_of_authorization(job, entry->resource);
    bool has_period = entries_is(entry, "Coverage") || when_latest_first(entry->type);
    return has_period && choice_time(job, entry->resource) == CHOICE_NOT_YET ? 1 : 0;
}

bool when_latest_first(const char *type)
{
    return strcmp(type, "EpisodeOfCare") == 0;
}
