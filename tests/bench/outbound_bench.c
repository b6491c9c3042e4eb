/* outbound_bench: fills the queue of a gateway for tests/bench/outbound.py, through the outward
 * chain itself but without a sync for each record.
 *
 *   outbound_bench DIR REFERRALS NOTES PARTNER...
 *
 * DIR is a data folder of an idle gateway whose directory knows the PARTNERs by their clinics of
 * the same names, with osei as its own writer. Each referral is of a client of its own who consents
 * to everything, goes to one of the partners in turn, and is followed by NOTES progress notes,
 * which must arrive behind it and in their order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fhir/record/record.h"
#include "gateway/data_folder/data_folder.h"
#include "gateway/outbound/outbound.h"
#include "gateway/setup/setup.h"

enum { REFERRALS_A_COMMIT = 50 };

struct filling {
    struct setup *setup;
    struct store *store;
    struct arena arena;
    char **partners;
    size_t partner_count;
    size_t notes;
};

static void fail(const char *what)
{
    fprintf(stderr, "outbound_bench: %s\n", what);
    exit(1);
}

static void send(struct filling *filling, const char *text)
{
    struct finding_list findings = finding_list_new(&filling->arena);
    struct record_list records = {NULL, 0, 0};
    struct flow flow = {filling->setup, filling->store, &filling->arena,
                        clock_wall_ms(&filling->setup->clock), NULL};
    record_read(&filling->arena, RECORD_JSON, text, strlen(text), "bench.json", &records,
                &findings);
    if (records.count == 1 &&
        flow_send(&flow, &records.items[0], NULL, &findings).answer == FLOW_ACCEPTED)
        return;
    struct text out = text_new(&filling->arena, 10000);
    for (size_t i = 0; i < findings.count; i++)
        finding_print(&findings.items[i], &out);
    fail(out.length == 0 ? text : out.at);
}

static const char *record_of(struct filling *filling, const char *kind, const char *prefix,
                             size_t number, size_t client, const char *more)
{
    int64_t now_ms = clock_wall_ms(&filling->setup->clock);
    return arena_print(&filling->arena,
                       "{\"record\":\"%s\",\"record_id\":\"%s-%zu\",\"written_by\":\"osei\","
                       "\"written_at\":\"%s\",\"client_id\":\"C-%zu\",\"client_family_name\":"
                       "\"Varga\",\"client_given_names\":\"Lena\",\"client_birth_date\":"
                       "\"1978-12-24\",%s}",
                       kind, prefix, number, clock_text(&filling->arena, now_ms - 1000), client,
                       more);
}

/* As if the partner had accepted it: only then may notes follow. */
static void accept(struct filling *filling, size_t number)
{
    struct store_referral referral;
    const char *id = arena_print(&filling->arena, "R-%zu", number);
    if (!store_find_referral(filling->store, &filling->arena, filling->setup->config.org, id,
                             &referral))
        fail(id);
    referral.task_status = "in-progress";
    store_set_referral(filling->store, &referral);
}

static void fill_one(struct filling *filling, size_t i)
{
    struct arena *arena = &filling->arena;
    const char *partner = filling->partners[i % filling->partner_count];
    int64_t now_ms = clock_wall_ms(&filling->setup->clock);
    send(filling,
         record_of(filling, "consent", "K", i, i,
                   arena_print(arena,
                               "\"status\":\"active\",\"decision\":\"allow\",\"given_by\":"
                               "\"client\",\"valid_from\":\"%s\",\"valid_until\":\"%s\","
                               "\"share_from\":\"%s\",\"share_with\":[\"%s\"],\"purposes\":["
                               "\"treatment\",\"care-coordination\"],\"covers\":[\"all\"]",
                               clock_date(arena, now_ms - 86400000),
                               clock_date(arena, now_ms + (int64_t)30 * 86400000),
                               filling->setup->config.org, partner)));
    send(filling, record_of(filling, "referral", "R", i, i,
                            arena_print(arena,
                                        "\"referred_to\":\"%s\",\"service\":\"massage-therapy\","
                                        "\"reason\":\"Neck pain\"",
                                        partner)));
    if (filling->notes > 0)
        accept(filling, i);
    for (size_t k = 1; k <= filling->notes; k++)
        send(filling,
             record_of(filling, "progress-note", "N", i * filling->notes + k, i,
                       arena_print(arena,
                                   "\"referral_id\":\"R-%zu\",\"visit_at\":\"%s\","
                                   "\"visit_minutes\":60,\"visit_number\":%zu,\"subjective\":"
                                   "\"Better\"",
                                   i, clock_text(arena, now_ms - 2000), k)));
}

static void fill(struct filling *filling, size_t referrals)
{
    struct fault fault;
    for (size_t i = 0; i < referrals; i++) {
        if (i % REFERRALS_A_COMMIT == 0)
            store_begin(filling->store);
        fill_one(filling, i);
        bool is_last = i + 1 == referrals || (i + 1) % REFERRALS_A_COMMIT == 0;
        if (is_last && !store_commit(filling->store, &fault))
            fail(fault_sentence(&fault));
        arena_reset(&filling->arena);
    }
}

int main(int count, char **arguments)
{
    struct filling filling = {.partners = arguments + 4};
    struct arena arena = ARENA_EMPTY;
    struct finding_list findings = finding_list_new(&arena);
    struct office office;
    struct fault fault;
    if (count < 5)
        fail("usage: outbound_bench DIR REFERRALS NOTES PARTNER...");
    if (!office_open(arguments[1], &arena, &findings, &office, &fault))
        fail(fault_sentence(&fault));
    filling.setup = office.setup;
    filling.store = office.store;
    filling.partner_count = (size_t)(count - 4);
    filling.notes = (size_t)strtoul(arguments[3], NULL, 10);
    fill(&filling, (size_t)strtoul(arguments[2], NULL, 10));
    office_close(&office);
    arena_free(&filling.arena);
    arena_free(&arena);
    return 0;
}
