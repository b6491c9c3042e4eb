/* event: see message/event.h. */
#include "fhir/message/event.h"

#include <stdlib.h>
#include <string.h>

/* Events of ours keep their names; rows here are what others send. SYSTEM NULL: whatever the
 * system. An event that says less than ours ("servicerequest-request") is told apart by its content
 * later. */
struct alias {
    const char *system, *code, *event;
};

#define V2_EVENT "http://terminology.hl7.org/CodeSystem/v2-0003"

static const struct alias aliases[] = {
    /* our own, also in the pan-Canadian and Ontario systems, whose names they are */
    {NULL, EVENT_REFERRAL, EVENT_REFERRAL},
    {NULL, EVENT_REFERRAL_UPDATE, EVENT_REFERRAL_UPDATE},
    {NULL, EVENT_REFERRAL_CANCEL, EVENT_REFERRAL_CANCEL},
    {NULL, EVENT_TASK, EVENT_TASK},
    {NULL, EVENT_ABORT, EVENT_ABORT},
    {NULL, EVENT_RECORD, EVENT_RECORD},
    {NULL, EVENT_RECORD_UPDATE, EVENT_RECORD_UPDATE},
    {NULL, EVENT_PLAN, EVENT_PLAN},
    {NULL, EVENT_CONFERENCE, EVENT_CONFERENCE},
    {NULL, EVENT_CONSENT, EVENT_CONSENT},
    /* CA:eReC and Ontario */
    {NULL, "notify-add-service-request", EVENT_REFERRAL},
    {NULL, "notify-cancel-service-request", EVENT_REFERRAL_CANCEL},
    {NULL, "notify-add-process-request", EVENT_TASK},
    {NULL, "notify-data-correction", EVENT_RECORD_UPDATE},
    /* BSeR, 360X: HL7 v2 event codes */
    {V2_EVENT, "I12", EVENT_REFERRAL},
    {V2_EVENT, "I13", EVENT_REFERRAL_UPDATE},
    {V2_EVENT, "I14", EVENT_REFERRAL_CANCEL},
    {V2_EVENT, "I15", EVENT_TASK},
    /* Clinical Order Workflows */
    {NULL, "new-order", EVENT_REFERRAL},
    {NULL, "order-update", EVENT_TASK},
    /* NHS BaRS */
    {NULL, "servicerequest-request", EVENT_REFERRAL},
    {NULL, "servicerequest-response", EVENT_TASK},
    {NULL, NULL, NULL},
};

static const char *event_of(const char *system, const char *code)
{
    for (const struct alias *alias = aliases; code != NULL && alias->code != NULL; alias++) {
        if (strcmp(alias->code, code) == 0 &&
            (alias->system == NULL || text_equal(alias->system, system)))
            return alias->event;
    }
    return NULL;
}

/* eventUri: the code behind the last '#', '|', '/' or ':' of the URI. */
static const char *uri_code(const char *uri)
{
    const char *code = uri;
    for (const char *at = uri; *at != '\0'; at++) {
        if (strchr("#|/:", *at) != NULL)
            code = at + 1;
    }
    return code;
}

const char *event_read(struct json *header, const char **ret_as_sent)
{
    struct json *coding = json_get(header, "eventCoding");
    struct json *uri = json_get(header, "eventUri");
    if (json_text(uri) != NULL) {
        const char *code = uri_code(json_text(uri));
        const char *event = event_of(NULL, code);
        *ret_as_sent = json_text(uri);
        if (event == NULL)
            event = event_of(V2_EVENT, code);
        if (event != NULL)
            json_mark(uri);
        return event;
    }
    *ret_as_sent = json_get_text(coding, "code");
    const char *event = event_of(json_get_text(coding, "system"), *ret_as_sent);
    if (event != NULL)
        json_mark(coding);
    return event;
}

long event_version(const struct field_job *job, const struct json *header)
{
    const char *definition = json_get_text(header, "definition");
    const char *bar = definition == NULL ? NULL : strrchr(definition, '|');
    const char *folder = definition == NULL ? NULL : strstr(definition, "/MessageDefinition/");
    if (bar == NULL || folder == NULL)
        return MESSAGE_WIRE_VERSION;
    const char *base = arena_copy_n(job->arena, definition, (size_t)(folder - definition));
    return field_is_ours(job, base, "") ? strtol(bar + 1, NULL, 10) : MESSAGE_WIRE_VERSION;
}
