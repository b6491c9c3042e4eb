/* number: see message/number.h. */
#include "fhir/message/number.h"

#include <string.h>

#include "base/text.h"
#include "fhir/record/record.h"

#define MEMBER(name) offsetof(struct message_inbound, name)

static const struct {
    size_t member;
    const char *path;
} members[] = {{MEMBER(message_id), "MessageHeader.id"},
               {MEMBER(bundle_id), "Bundle.id"},
               {MEMBER(reply_to), "MessageHeader.response.identifier"},
               {MEMBER(referral.number), "ServiceRequest.identifier.value"},
               {MEMBER(referral.filler_number), "Task.identifier.value"},
               {MEMBER(referral.client_number), "Patient.identifier.value"},
               {MEMBER(retracted_number), "Composition.identifier.value"}};

/* Fields of the local record: a text or a list of texts, and of objects their `id`. */
static const struct {
    const char *field, *path;
} fields[] = {{"record_id", "identifier.value of the record"},
              {"replaces_record_id", "identifier.value of the record replaced"},
              {"client_id", "Patient.identifier.value"},
              {"client_other_ids", "Patient.identifier.value"},
              {"referral_id", "ServiceRequest.identifier.value"},
              {"reply_to_referral_id", "ServiceRequest.basedOn.identifier.value"},
              {"related_referral_ids", "Composition.event.detail.identifier.value"}};

static bool check(struct arena *arena, const char *path, const char *number,
                  struct finding_list *findings)
{
    const char *expected = number == NULL ? NULL : record_received_id_expected(number);
    if (expected == NULL)
        return true;
    finding_add(findings, (struct finding){.path = path,
                                           .found = arena_print(arena, "a number of %zu characters",
                                                                text_utf8_length(number)),
                                           .expected = expected});
    return false;
}

static bool check_items(struct arena *arena, const char *path, const struct json *list,
                        struct finding_list *findings)
{
    for (const struct json *item = json_first(list); item != NULL; item = json_next(item)) {
        const char *number =
            json_kind(item) == JSON_OBJECT ? json_get_text(item, "id") : json_text(item);
        if (!check(arena, path, number, findings))
            return false;
    }
    return true;
}

static bool check_record(struct arena *arena, const struct json *record,
                         struct finding_list *findings)
{
    for (size_t i = 0; record != NULL && i < sizeof fields / sizeof *fields; i++) {
        const struct json *value = json_get(record, fields[i].field);
        bool is_sound = json_kind(value) == JSON_LIST
                            ? check_items(arena, fields[i].path, value, findings)
                            : check(arena, fields[i].path, json_text(value), findings);
        if (!is_sound)
            return false;
    }
    return true;
}

bool number_check_all(struct arena *arena, const struct message_inbound *message,
                      struct finding_list *findings)
{
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        const char *const *number =
            (const char *const *)(const void *)((const char *)message + members[i].member);
        if (!check(arena, members[i].path, *number, findings))
            return false;
    }
    return check_record(arena, message->record, findings);
}
