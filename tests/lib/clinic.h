/* clinic: one practice without its service, for unit tests of the gateway's stages: a data folder
 * under /tmp with settings, the sample directory and partners, a real store, and a clock that
 * stands still. Header only. A failure here ends the test program. */
#ifndef TESTS_LIB_CLINIC_H
#define TESTS_LIB_CLINIC_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/date.h"
#include "fhir/message/message.h"
#include "fhir/record/record.h"
#include "gateway/data_folder/data_folder.h"
#include "gateway/inbound/inbox.h"
#include "gateway/outbound/outbound.h"
#include "gateway/runtime/file.h"
#include "gateway/setup/setup.h"
#include "gateway/store/writer.h"

/* A test that is killed at each step of something, once a step: under sanitizers each is dear, and
 * the plain build tries every one. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { KILLS_APART = 7 };
#else
enum { KILLS_APART = 1 };
#endif

#define CLINIC_NOW "2026-10-20T12:00:00Z"

struct clinic {
    char folder[64];
    struct arena arena;
    struct finding_list findings;
    struct setup *setup;
    struct store *store;
};

static inline void clinic_fail(struct clinic *clinic, const char *what)
{
    struct text text = text_new(&clinic->arena, 10000);
    for (size_t i = 0; i < clinic->findings.count; i++)
        finding_print(&clinic->findings.items[i], &text);
    fprintf(stderr, "clinic: %s: %s\n", what, text.at);
    abort();
}

static inline int64_t clinic_ms(const char *time)
{
    struct date_time parts;
    if (date_time_parse(time, &parts) != DATE_RIGHT)
        abort();
    return parts.seconds * 1000;
}

static inline void clinic_put(struct clinic *clinic, const char *name, const char *text)
{
    const char *path = arena_print(&clinic->arena, "%s/%s", clinic->folder, name);
    if (!file_replace(path, text, strlen(text), 0600))
        clinic_fail(clinic, path);
}

static inline void clinic_load(struct clinic *clinic)
{
    setup_release(clinic->setup);
    if (!setup_load(clinic->folder, &clinic->findings, &clinic->setup))
        clinic_fail(clinic, "setup");
    clinic->setup->clock = clock_fixed(clinic_ms(CLINIC_NOW));
}

/* A practice of the sample directory that has the other three as partners. SETTINGS: further lines
 * of settings.yaml, "" for none. */
static inline struct clinic *clinic_new(const char *org, const char *settings)
{
    static const char *const folders[] = {"partners",   "records",      "records/out",
                                          "records/in", "records/sent", "records/refused"};
    static const char *const names[] = {"willow", "lakeside", "riverbend", "harbor"};
    struct clinic *clinic = calloc(1, sizeof *clinic);
    struct fault fault;
    size_t length;
    strcpy(clinic->folder, "/tmp/refgate-clinic-XXXXXX");
    clinic->findings = finding_list_new(&clinic->arena);
    if (mkdtemp(clinic->folder) == NULL)
        clinic_fail(clinic, "mkdtemp");
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        file_make_folder(arena_print(&clinic->arena, "%s/%s", clinic->folder, folders[i]), 0700);
    clinic_put(clinic, "settings.yaml",
               arena_print(&clinic->arena, "org: %s\ntime_zone: UTC\n%s", org, settings));
    clinic_put(clinic, "directory.csv",
               file_read(&clinic->arena, "tests/records/good/directory.csv", 1 << 20, &length,
                         &clinic->findings));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i], org) != 0)
            clinic_put(clinic, arena_print(&clinic->arena, "partners/%s.yaml", names[i]),
                       arena_print(&clinic->arena, "url: https://127.0.0.1:1/fhir\npins: [%064d]\n",
                                   (int)i));
    }
    clinic_load(clinic);
    if (!store_open(arena_print(&clinic->arena, "%s/store.db", clinic->folder), &clinic->store,
                    &clinic->arena, &fault)) {
        fprintf(stderr, "clinic: %s\n", fault_sentence(&fault));
        abort();
    }
    return clinic;
}

static inline int clinic_unlink(const char *path, const struct stat *info, int kind,
                                struct FTW *place)
{
    (void)info;
    (void)kind;
    (void)place;
    return remove(path);
}

static inline void clinic_free(struct clinic *clinic)
{
    store_close(clinic->store);
    setup_release(clinic->setup);
    nftw(clinic->folder, clinic_unlink, 16, FTW_DEPTH | FTW_PHYS);
    arena_free(&clinic->arena);
    free(clinic);
}

/* Around a test: *STATE is a clinic of Willow, with a store as commands open it. */
static inline int clinic_start(void **state)
{
    *state = clinic_new("willow", "");
    return 0;
}

/* The same with a store as the service opens it, with a journal. */
static inline int clinic_start_serving(void **state)
{
    struct clinic *clinic = clinic_new("willow", "");
    struct fault fault;
    *state = clinic;
    return store_serve(clinic->store, &fault) ? 0 : 1;
}

/* The store closed and opened again, without a service. */
static inline void clinic_reopen(struct clinic *clinic)
{
    struct fault fault;
    store_close(clinic->store);
    if (!store_open(arena_print(&clinic->arena, "%s/store.db", clinic->folder), &clinic->store,
                    &clinic->arena, &fault))
        clinic_fail(clinic, fault_sentence(&fault));
}

static inline int clinic_stop(void **state)
{
    clinic_free(*state);
    return 0;
}

/* ---- transactions ---- */

static inline void clinic_begin(struct clinic *clinic)
{
    if (!store_begin(clinic->store))
        clinic_fail(clinic, "begin");
}

static inline void clinic_commit(struct clinic *clinic)
{
    struct fault fault;
    if (store_commit(clinic->store, &fault))
        return;
    fprintf(stderr, "clinic: commit: %s\n", fault_sentence(&fault));
    abort();
}

static inline struct flow clinic_flow(struct clinic *clinic)
{
    struct flow flow = {clinic->setup, clinic->store, &clinic->arena,
                        clock_wall_ms(&clinic->setup->clock), NULL};
    return flow;
}

/* What the edges of a service get, with a writer that works in the caller's thread; writer_stop()
 * is the caller's. */
static inline struct office clinic_office(struct clinic *clinic)
{
    struct office office = {.setup = clinic->setup,
                            .store = clinic->store,
                            .writer = writer_inline(clinic->store),
                            .lock = -1};
    return office;
}

/* ---- records ---- */

/* A record of the client C-1042, with further members. */
static inline const char *clinic_record(struct clinic *clinic, const char *kind, const char *number,
                                        const char *by, const char *more)
{
    return arena_print(&clinic->arena,
                       "{\"record\":\"%s\",\"record_id\":\"%s\",\"written_by\":\"%s\","
                       "\"written_at\":\"2026-10-01T12:00:00Z\",\"client_id\":\"C-1042\","
                       "\"client_family_name\":\"Kanarienvogel\",\"client_birth_date\":"
                       "\"1984-03-09\",%s}",
                       kind, number, by, more);
}

static inline const char *clinic_referral(struct clinic *clinic, const char *number, const char *by,
                                          const char *to)
{
    return clinic_record(clinic, "referral", number, by,
                         arena_print(&clinic->arena,
                                     "\"referred_to\":\"%s\",\"service\":\"massage-therapy\","
                                     "\"reason\":\"Neck pain\",\"visits_requested\":6",
                                     to));
}

static inline const char *clinic_note(struct clinic *clinic, const char *number, const char *by,
                                      const char *referral, int visit)
{
    return clinic_record(clinic, "progress-note", number, by,
                         arena_print(&clinic->arena,
                                     "\"referral_id\":\"%s\",\"visit_at\":\"2026-10-01T10:00:00Z\","
                                     "\"visit_minutes\":60,\"visit_number\":%d,"
                                     "\"subjective\":\"Better\"",
                                     referral, visit));
}

static inline const char *clinic_discharge(struct clinic *clinic, const char *number,
                                           const char *by, const char *referral)
{
    return clinic_record(clinic, "discharge-summary", number, by,
                         arena_print(&clinic->arena,
                                     "\"referral_id\":\"%s\",\"first_visit_on\":\"2026-09-01\","
                                     "\"last_visit_on\":\"2026-10-01\",\"visits_completed\":6,"
                                     "\"discharge_reason\":\"goals-met\",\"outcome\":\"Better\"",
                                     referral));
}

/* WITH: handles as JSON texts, such as "\"willow\"". */
static inline const char *clinic_consent(struct clinic *clinic, const char *number, const char *by,
                                         const char *from, const char *with)
{
    return clinic_record(
        clinic, "consent", number, by,
        arena_print(&clinic->arena,
                    "\"status\":\"active\",\"decision\":\"allow\",\"given_by\":\"client\","
                    "\"valid_from\":\"2026-09-01\",\"valid_until\":\"2027-09-01\","
                    "\"share_from\":\"%s\",\"share_with\":[%s],\"purposes\":[\"treatment\","
                    "\"care-coordination\"],\"covers\":[\"all\"]",
                    from, with));
}

static inline struct record clinic_read(struct clinic *clinic, const char *text)
{
    struct record_list records = {NULL, 0, 0};
    record_read(&clinic->arena, RECORD_JSON, text, strlen(text), "record.json", &records,
                &clinic->findings);
    if (records.count != 1)
        clinic_fail(clinic, text);
    return records.items[0];
}

/* Hands a record over in a transaction of its own; what was found wrong is in clinic->findings. */
static inline struct flow_report clinic_send(struct clinic *clinic, const char *text)
{
    struct flow flow = clinic_flow(clinic);
    struct record record = clinic_read(clinic, text);
    clinic_begin(clinic);
    struct flow_report report = flow_send(&flow, &record, NULL, &clinic->findings);
    if (report.answer == FLOW_REFUSED)
        store_rollback(clinic->store);
    else
        clinic_commit(clinic);
    return report;
}

static inline bool clinic_move(struct clinic *clinic, const char *id, const char *word,
                               struct fault *ret_fault)
{
    struct flow flow = clinic_flow(clinic);
    struct store_referral referral;
    const struct track_move *move = track_find(word);
    bool has_reason = move != NULL && move->reason != TRACK_REASON_NONE;
    struct track_details details = {.reason_code = has_reason ? "client-choice" : NULL,
                                    .at_ms = flow.now_ms};
    clinic_begin(clinic);
    bool moved = flow_move(&flow, id, word, &details, &referral, ret_fault);
    if (moved)
        clinic_commit(clinic);
    else
        store_rollback(clinic->store);
    return moved;
}

/* ---- messages ---- */

/* The newest outbound message to PARTNER, and its Bundle. */
static inline const char *clinic_outgoing(struct clinic *clinic, const char *partner,
                                          struct store_message *ret_message)
{
    struct store_message *all;
    size_t length;
    size_t count = store_messages(clinic->store, &clinic->arena, "out", NULL, 0, 100, &all);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(all[i].partner, partner) == 0) {
            *ret_message = all[i];
            return payload_get(clinic->store, &clinic->arena, all[i].payload, &length);
        }
    }
    clinic_fail(clinic, "no message");
    return NULL;
}

struct clinic_arrival { /* a message that has come to a clinic */
    enum inbox_outcome outcome;
    struct store_message row;
    struct fault fault;
    struct message_inbound message;
};

static inline struct clinic_arrival clinic_receive(struct clinic *clinic, const char *partner,
                                                   const char *body)
{
    struct clinic_arrival arrival = {.outcome = INBOX_CONFLICT};
    struct json_document document;
    struct json_fault fault;
    struct setup_ids ids = {.space = "inbound"};
    struct fhir_context context = setup_context(clinic->setup, &clinic->arena, &ids);
    if (!json_parse(&clinic->arena, body, strlen(body), NULL, &document, &fault) ||
        !message_read(&context, document.root, &arrival.message, &clinic->findings))
        clinic_fail(clinic, body);
    struct inbox_item item = {
        .setup = clinic->setup,
        .admission = admit_peer(clinic->setup, &clinic->arena, partner, &arrival.fault),
        .message = &arrival.message,
        .bundle = document.root,
        .body = body,
        .length = strlen(body),
        .now_ms = clock_wall_ms(&clinic->setup->clock),
        .arena = &clinic->arena};
    clinic_begin(clinic);
    arrival.outcome = inbox_commit(clinic->store, &item, &arrival.row, &arrival.fault);
    clinic_commit(clinic);
    return arrival;
}

/* BODY with every OLD replaced. */
static inline const char *clinic_replaced(struct clinic *clinic, const char *body, const char *old,
                                          const char *new)
{
    struct text text = text_new(&clinic->arena, strlen(body) * 2 + 1000);
    const char *found;
    while ((found = strstr(body, old)) != NULL) {
        text_add_n(&text, body, (size_t)(found - body));
        text_add(&text, new);
        body = found + strlen(old);
    }
    text_add(&text, body);
    return text.at;
}

static inline struct store_referral clinic_find(struct clinic *clinic, const char *placer,
                                                const char *number)
{
    struct store_referral referral;
    if (!store_find_referral(clinic->store, &clinic->arena, placer, number, &referral))
        clinic_fail(clinic, number);
    return referral;
}

#endif
