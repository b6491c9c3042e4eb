/* choose: which resources of a received message are a part of its record, and in which
 * order.
 *
 * What the record names by its references comes first, in their order; of some types that is all
 * there is (struct choose_rule). The rest follows in an order that depends on what it says, never
 * on its place in the Bundle, its id or the form of its references. Resources about somebody else,
 * or of another visit, are none; they say why (message_entry.aside). Used by message_record_read
 * and message_split. Lives in the arena of the job. */
#ifndef FHIR_MESSAGE_CHOOSE_H
#define FHIR_MESSAGE_CHOOSE_H

#include "fhir/map/map.h"
#include "fhir/message/client.h"

struct message_choice {
    struct message_entry **entries;
    size_t count;
};

/* What the record's main resource, its order, its Task or the header (ROOTS, NULL: none) names, at
 * once or by way of others, has its turn. The turns are found when somebody asks for one: where
 * each type has one entry, nobody does. */
void choose_name(struct field_job *job, const struct message_entry *const roots[], size_t count);
/* Says of each clinical resource that is not the client's why it is set aside. */
void choose_set_aside(struct field_job *job, const struct message_client *client);
/* The resources of PART, without those already taken. */
struct message_choice choose_part(struct field_job *job, const struct map_part *part);
/* Of the entries of TYPE the one that comes first by what it says, not by its place; NULL: none.
 * IS_IT NULL: any. */
struct message_entry *choose_first(struct field_job *job, const char *type,
                                   bool (*is_it)(const struct message_entry *entry));

#endif
