/* admit: see admit.h. */
#include "gateway/inbound/admit.h"

#include "base/text.h"

struct admission {
    const struct partner *partner;
};

const struct admission *admit_peer(const struct setup *setup, struct arena *arena,
                                   const char *partner, struct fault *ret_fault)
{
    const struct partner *known =
        partner == NULL || partner[0] == '\0' ? NULL : folder_partner(&setup->partners, partner);
    if (known == NULL) {
        fault_set(ret_fault, FAULT_forbidden,
                  "this certificate is good but belongs to no partner of this gateway; ask its "
                  "administrator to add you as a partner");
        return NULL;
    }
    if (known->disabled) {
        fault_set(ret_fault, FAULT_forbidden, "this partner is disabled at this gateway");
        return NULL;
    }
    struct admission *admission = arena_alloc(arena, sizeof *admission);
    admission->partner = known;
    return admission;
}

static const char *partner_of_sender(const struct setup *setup, const char *sender)
{
    const struct directory_entry *entry =
        sender == NULL ? NULL : directory_find(setup->directory, sender);
    if (entry == NULL)
        return NULL;
    return directory_partner(setup->directory, entry, setup->config.org);
}

bool admit_message(const struct admission *admission, const struct setup *setup,
                   struct arena *arena, const struct message_inbound *message,
                   struct fault *ret_fault)
{
    const struct partner *partner = admission->partner;
    if (message->message_id == NULL)
        return fault_set(ret_fault, FAULT_invalid,
                         "found neither MessageHeader.id nor Bundle.id; expected an id, because "
                         "without one a duplicate cannot be told");
    if (!text_equal(partner_of_sender(setup, message->sender), partner->name))
        return fault_set(
            ret_fault, FAULT_forbidden,
            arena_print(arena,
                        "MessageHeader.sender must be an Organization of partner %s by "
                        "its NPI or name; a partner speaks only for itself",
                        partner->name));
    if (message->destination != NULL && !text_equal(message->destination, setup->config.org))
        return fault_set(ret_fault, FAULT_not_found,
                         arena_print(arena, "this gateway serves %s, not the clinic addressed",
                                     setup->config.org));
    const char *kind = json_get_text(message->record, "record");
    if (kind != NULL && !partner_may_receive(partner, kind))
        return fault_set(
            ret_fault, FAULT_forbidden,
            arena_print(arena, "a %s is not taken from partner %s", kind, partner->name));
    return true;
}

const char *admission_partner(const struct admission *admission)
{
    return admission->partner->name;
}
