/* build_message: see exchange/build_message.h. */
#include "gateway/exchange/build_message.h"

#include "fhir/record/record.h"
#include "gateway/exchange/attachment.h"

/* What a note of the filler says of the Task: it is under way, or has ended. A correction says
 * nothing, and neither does the placer, to whom the Task does not belong. */
static const char *task_status_of(const struct compose_item *item)
{
    const char *kind = record_kind(item->record);
    bool is_placer = item->referral != NULL && text_equal(item->referral->placer, item->sender);
    if (item->referral == NULL || is_placer || json_get(item->record, "replaces_record_id") != NULL)
        return NULL;
    if (text_equal(kind, "progress-note"))
        return "in-progress";
    return text_equal(kind, "discharge-summary") ? "completed" : NULL;
}

static const char *visits_of(struct arena *arena, const struct json *record)
{
    long visits = 0;
    bool is_said = json_whole(json_get(record, "visit_number"), &visits) ||
                   json_whole(json_get(record, "visits_completed"), &visits);
    return is_said ? arena_print(arena, "%ld", visits) : NULL;
}

struct json *compose_record(const struct setup *setup, struct arena *arena,
                            const struct compose_item *item)
{
    unsigned char hash[32];
    setup_record_hash(setup, arena, item->record, false, hash);
    struct setup_ids ids = {.space =
                                setup_record_space(arena, item->sender, record_kind(item->record),
                                                   json_get_text(item->record, "record_id"), hash,
                                                   item->clinics, item->taken_back)};
    struct fhir_context context = setup_context(setup, arena, &ids);
    struct message_record_options options = {.sender = item->sender,
                                             .recipients = item->recipients,
                                             .recipient_count = item->recipient_count,
                                             .referral = item->referral,
                                             .consents = &item->consent,
                                             .consent_count = item->consent == NULL ? 0 : 1,
                                             .task_status = task_status_of(item)};
    if (options.task_status != NULL && item->visits_total > 0) {
        options.visits_done = visits_of(arena, item->record);
        options.visits_total = arena_print(arena, "%ld", item->visits_total);
    }
    options.attachments = attachment_items(arena, item->attachments, &options.attachment_count);
    return message_of_record(&context, item->record, &options);
}
