/* keep: see message.h. What a message says, out of the memory that it was read in. */
#include <stddef.h>

#include "fhir/json/json.h"
#include "fhir/message/message.h"

#define TEXT(member) offsetof(struct message_inbound, member)

/* Members that are texts. */
static const size_t texts[] = {
    TEXT(message_id),
    TEXT(bundle_id),
    TEXT(event),
    TEXT(event_as_sent),
    TEXT(sender),
    TEXT(sender_name),
    TEXT(source_endpoint),
    TEXT(destination),
    TEXT(referral.placer),
    TEXT(referral.number),
    TEXT(referral.filler),
    TEXT(referral.filler_number),
    TEXT(referral.client_number),
    TEXT(move.move),
    TEXT(move.referral.placer),
    TEXT(move.referral.number),
    TEXT(move.referral.filler),
    TEXT(move.referral.filler_number),
    TEXT(move.referral.client_number),
    TEXT(move.from),
    TEXT(move.to),
    TEXT(move.by),
    TEXT(move.at),
    TEXT(move.task_status),
    TEXT(move.business_status),
    TEXT(move.reason_code),
    TEXT(move.reason),
    TEXT(move.visits_done),
    TEXT(move.visits_total),
    TEXT(move.authored_at),
    TEXT(retracted_kind),
    TEXT(retracted_number),
    TEXT(retracted_code),
    TEXT(refused),
    TEXT(refused_at),
    TEXT(expected),
    TEXT(set_aside),
    TEXT(reply_code),
    TEXT(reply_to),
};
enum { TEXTS = sizeof texts / sizeof *texts, TREES = 6 };

/* A member more has to be kept, too. */
_Static_assert(sizeof(struct message_inbound) == sizeof(void *) * (1 + TEXTS + TREES),
               "message_keep knows all members of struct message_inbound");

void message_keep(struct arena *arena, struct message_inbound *message)
{
    for (size_t i = 0; i < TEXTS; i++) {
        const char **text = (const char **)(void *)((char *)message + texts[i]);
        *text = arena_copy(arena, *text);
    }
    message->record = json_copy(arena, message->record);
    message->reply_issues = json_copy(arena, message->reply_issues);
    message->received = json_copy(arena, message->received);
    message->consents = json_copy(arena, message->consents);
    message->attachments = json_copy(arena, message->attachments);
    message->claims = json_copy(arena, message->claims);
}
