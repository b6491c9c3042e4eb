/* rows: rows of a store as a test wants them, put there without the stages that would make them.
 * For the tests of the store and of what looks at waiting messages. All times are small numbers of
 * milliseconds unless a test sets others. Header only; what is made lives in the clinic's arena. */
#ifndef TESTS_LIB_ROWS_H
#define TESTS_LIB_ROWS_H

#include "lib/clinic.h"

/* A referral from PLACER that Willow is to fulfill, not yet in the store. */
static inline struct store_referral rows_referral(const char *placer, const char *number)
{
    struct store_referral referral = {.placer = placer,
                                      .number = number,
                                      .filler = "willow",
                                      .role = "filler",
                                      .partner = "lakeside",
                                      .client = "C-1",
                                      .task_status = "requested",
                                      .created_ms = 1000,
                                      .changed_ms = 1000};
    return referral;
}

/* A message to PARTNER that waits, not yet in the store, without a payload. */
static inline struct store_message rows_message(struct clinic *clinic, const char *partner,
                                                const char *id)
{
    struct store_message message = {.direction = "out",
                                    .partner = partner,
                                    .message_id = id,
                                    .bundle_id = arena_print(&clinic->arena, "b-%s", id),
                                    .event = "add-service-request",
                                    .kind = "referral",
                                    .recipient = partner,
                                    .state = "queued",
                                    .created_ms = 1000};
    return message;
}

/* The rest within the caller's transaction. Each returns the row's id. */

static inline int64_t rows_add_referral(struct clinic *clinic, const char *placer,
                                        const char *number)
{
    struct store_referral referral = rows_referral(placer, number);
    return store_add_referral(clinic->store, &referral);
}

static inline int64_t rows_add_record(struct clinic *clinic, const char *kind, const char *number,
                                      const char *client)
{
    struct store_record record = {.clinic = "willow",
                                  .kind = kind,
                                  .number = number,
                                  .origin = "own",
                                  .client = client,
                                  .accepted_ms = 1000,
                                  .exported = true};
    const char *text = arena_print(&clinic->arena, "{\"record_id\":\"%s\"}", number);
    record.payload = payload_put(clinic->store, text, strlen(text));
    memset(record.hash, number[strlen(number) - 1], sizeof record.hash);
    return store_add_record(clinic->store, &record);
}

/* The payload is the id. */
static inline int64_t rows_add_message(struct clinic *clinic, struct store_message message)
{
    message.payload = payload_put(clinic->store, message.message_id, strlen(message.message_id));
    return store_add_message(clinic->store, &message);
}

static inline int64_t rows_add_waiting(struct clinic *clinic, const char *partner, const char *id,
                                       int64_t referral, int64_t due_ms)
{
    struct store_message message = rows_message(clinic, partner, id);
    message.referral = referral;
    message.due_ms = due_ms;
    return rows_add_message(clinic, message);
}

static inline void rows_set_state(struct clinic *clinic, int64_t message, const char *state)
{
    struct store_message row;
    if (!store_get_message(clinic->store, &clinic->arena, message, &row))
        clinic_fail(clinic, "no such message");
    row.state = state;
    store_set_message(clinic->store, &row);
}

#endif
