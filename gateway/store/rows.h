/* rows: what must survive a power cut, in the language of the flow.
 *
 * One `struct store` opened for writing exists per data folder (the holder of DIR/lock), used by
 * the writer thread alone, or by a command when no service runs. Readers open their own. Errors
 * stick: the first failure inside a transaction is kept, later calls do nothing, and store_commit
 * reports it; so stages read straight down and nothing half-done is ever committed. Texts that come
 * back live in the arena given. Row ids are > 0; 0 means "none", and the next one when a row is
 * added. Partners are named as their files in partners/ are; inside they are rows, made when a name
 * is first used. Behind this contract: sqlite*.c (embedded, WAL, synchronous=FULL). */
#ifndef GATEWAY_STORE_ROWS_H
#define GATEWAY_STORE_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "gateway/runtime/fault.h"

enum { STORE_HASH_BYTES = 32, STORE_EPOCH_TEXT = 17 };

struct json;
struct store;

/* Opens, or makes, the store file at PATH for writing; checks it and demands WAL and FULL. */
bool store_open(const char *path, struct store **ret_store, struct arena *arena,
                struct fault *ret_fault);
/* Opens an existing store for reading only; works beside a writer in another process. */
bool store_open_reader(const char *path, struct store **ret_store, struct arena *arena,
                       struct fault *ret_fault);
/* For a service, whose writer commits groups many times a second: from now on what is promised goes
 * through a journal beside the store (journal.h), and the write-ahead log is copied into the
 * database on a thread of its own. */
bool store_serve(struct store *store, struct fault *ret_fault);
/* For tests and the simulator, of a store that serves: the journal goes on in a new file after
 * BYTES already, not after 64 MB. */
void store_turn_journal_at(struct store *store, uint64_t bytes);
void store_close(struct store *store);

/* Begins, or goes on after store_sync. False when the store cannot be written now; the commit says
 * why. */
bool store_begin(struct store *store);
/* True when everything since store_begin is on disk and other connections see it. On false nothing
 * of it happened. */
bool store_commit(struct store *store, struct fault *ret_fault);
/* True when everything since store_begin, or since the last store_sync, is on disk: it may be
 * promised. Other connections see it after the next store_commit. On false nothing of it happened;
 * what was synced before stands. */
bool store_sync(struct store *store, struct fault *ret_fault);
void store_rollback(struct store *store);
/* A part of a transaction that can be undone alone, for one unit among many; undone with it is the
 * mistake of a row that may not be (store_refused). */
void store_mark(struct store *store);
void store_keep(struct store *store);
void store_undo(struct store *store);
/* Rows that were added may wait to go into the database together; here they do, so that one that
 * may not be shows now. (Whatever reads comes behind them anyway.) */
void store_apply(struct store *store);
/* An error of the store itself stands; the transaction cannot be committed. */
bool store_failed(const struct store *store);
/* The error is a row that may not be (a key taken already, a column left empty), not the disk. */
bool store_refused(const struct store *store);
/* The error is a page of the database that has changed on the disk: what needs it cannot be done,
 * and all else can. */
bool store_is_damaged(const struct store *store);
/* What stands, for a person. */
const char *store_error(const struct store *store);

/* ---- order ----
 * Whatever is promised together takes the next tick as its last statement: the time in
 * milliseconds, or one more than the tick before where that is later. So the order of commits is
 * the order of ticks, and a tick is also the time of last change, which only rises. Members named
 * `tick` are written by the store: the tick a row was last changed at. */

/* ---- the epoch ---- */
/* Drawn by a restore, because what the store gave names to since the backup is forgotten: names
 * made from now on (ids of moves and answers, numbers of referrals that we fill) hold it. "" before
 * the first restore. Lives as long as the store. */
const char *store_epoch(struct store *store);
void store_begin_epoch(struct store *store);

/* ---- payloads ---- */
int64_t payload_put(struct store *store, const void *bytes, size_t length);
/* The same for bytes that are seldom read again: cheaper to write, and dearer to read. SHA256 is
 * theirs, or NULL when it is not known. */
int64_t payload_keep(struct store *store, const void *bytes, size_t length,
                     const unsigned char *sha256);
const char *payload_get(struct store *store, struct arena *arena, int64_t id, size_t *ret_length);

/* ---- records ---- */

/* The origin of our own records; no partner is called so. */
#define STORE_OWN "own"

struct store_record {
    int64_t id;
    const char *clinic, *kind, *number, *origin, *client;
    int64_t referral, accepted_ms, payload, attachments;
    int64_t lived_ms; /* when it was accepted, in lived time (lived.h); given when it is added */
    bool exported;
    unsigned char hash[STORE_HASH_BYTES]; /* of one of our own, when it was sent; else zero */
    const char *replaces; /* of one of our own: the number it takes the place of, "": none; NULL: it
                             is not ours, or older than this column */
    const char *retracted; /* why it was taken back (a code of reasons.csv); NULL: it stands */
    int64_t retracted_ms;
    const char *text; /* the record as JSON, when asked for */
};

int64_t store_add_record(struct store *store, const struct store_record *record);
bool store_find_record(struct store *store, struct arena *arena, const char *clinic,
                       const char *kind, const char *number, struct store_record *ret_record);
bool store_get_record(struct store *store, struct arena *arena, int64_t id,
                      struct store_record *ret_record);
/* The same without its text. */
bool store_get_record_row(struct store *store, struct arena *arena, int64_t id,
                          struct store_record *ret_record);
/* At most LIMIT rows without their text, next to the id AFTER: those behind it, oldest first, or
 * (IS_BACK) those before it, newest first, from the newest when AFTER is 0. */
size_t store_record_rows(struct store *store, struct arena *arena, int64_t after, bool is_back,
                         size_t limit, struct store_record **ret_records);
/* Records of a client of one kind with their text, oldest first (KIND NULL: all kinds; CLIENT NULL:
 * all clients; ORIGIN NULL: from anywhere, with whoever's number is CLIENT). */
size_t store_records(struct store *store, struct arena *arena, const char *client, const char *kind,
                     const char *origin, struct store_record **ret_records);
/* At most STORE_EXPORT_PAGE received ones behind the row AFTER (0: from the oldest) that records/in
 * lacks, with their text, oldest first. */
size_t store_unexported(struct store *store, struct arena *arena, int64_t after,
                        struct store_record **ret_records);
/* The text of a row; NULL: it is not there, not whole, or that of another record. */
const char *store_record_text(struct store *store, struct arena *arena,
                              const struct store_record *row, size_t *ret_length);
/* The attachments of a row of our own, whose text is RECORD, as attachment_load made the list;
 * NULL: there are none. False: they are not there, not whole, or not those that RECORD names. */
bool store_record_attachments(struct store *store, struct arena *arena,
                              const struct store_record *row, const struct json *record,
                              const struct json **ret_list);
void store_set_exported(struct store *store, int64_t record);
/* records/in is to show a record anew. */
void store_set_unexported(struct store *store, int64_t record);

/* The newest record of ours, of the same kind and client, that takes the place of ROW. */
bool store_find_correction(struct store *store, struct arena *arena, const struct store_record *row,
                           struct store_record *ret_record);
/* Those of ours of this client whose `replaces` is not known, with their text, oldest first. */
size_t store_older_records(struct store *store, struct arena *arena, const char *client,
                           struct store_record **ret_records);

void store_retract_record(struct store *store, int64_t record, const char *code, int64_t at_ms);
/* A retraction of a record that never came here: of CLINIC, with this number; KIND NULL: of any
 * kind. Said again, it is kept longer. */
void store_add_early_retraction(struct store *store, const char *clinic, const char *kind,
                                const char *number, const char *code, int64_t at_ms);
/* Its code; NULL: there is none. */
const char *store_early_retraction(struct store *store, struct arena *arena, const char *clinic,
                                   const char *kind, const char *number);

/* ---- clients ----
 * A number is its owner's: STORE_OWN or a partner. Records, referrals and tray rows speak of the
 * client by its number; whose it is follows from where they came from. Rows are made when a number
 * is first used. */
struct store_client {
    int64_t id;
    const char *owner, *number, *state;
    const char *family_name, *given_names, *birth_date; /* as the last record accepted says */
};

/* Notes what an accepted record says of its client; `id` and `state` are the store's. */
void store_note_client(struct store *store, const struct store_client *client);
bool store_find_client(struct store *store, struct arena *arena, const char *owner,
                       const char *number, struct store_client *ret_client);
bool store_get_client(struct store *store, struct arena *arena, int64_t id,
                      struct store_client *ret_client);
/* At most LIMIT who were born on that day, whoever gave their numbers, newest first. */
size_t store_clients_born(struct store *store, struct arena *arena, const char *birth_date,
                          size_t limit, struct store_client **ret_clients);
/* At most LIMIT before the row BEFORE (0: from the newest), newest first. */
size_t store_client_rows(struct store *store, struct arena *arena, int64_t before, size_t limit,
                         struct store_client **ret_clients);
/* The client's row, made when there is none; 0 for no number. */
int64_t store_client_row(struct store *store, const char *owner, const char *number);

/* ---- referrals and their track ---- */
struct store_referral {
    int64_t id;
    const char *placer, *number, *filler, *filler_number, *role, *partner, *client;
    const char *service, *priority, *task_status, *business_status, *abort_status;
    const char *reason_code, *reason; /* of the last move that gave one (fhir/codes/reason.h) */
    int64_t visits_done, visits_total;
    const char *valid_until, *authored_at;
    int64_t created_ms, changed_ms;
    int64_t corrected_by;     /* the record that corrected it last; 0: none did */
    const char *client_facts; /* of its client, as its record said last; NULL: not kept yet */
    int64_t tick;
};

int64_t store_add_referral(struct store *store, const struct store_referral *referral);
/* Writes what can change: filler, partner, filler_number, statuses, reason, visits, priority,
 * valid_until, changed_ms. */
void store_set_referral(struct store *store, const struct store_referral *referral);
/* Its client, whom only a correction by its placer changes. */
void store_set_referral_client(struct store *store, const struct store_referral *referral);
bool store_get_referral(struct store *store, struct arena *arena, int64_t id,
                        struct store_referral *ret_referral);
bool store_find_referral(struct store *store, struct arena *arena, const char *placer,
                         const char *number, struct store_referral *ret_referral);
/* All referrals to which their placers gave this number, oldest first. */
size_t store_referrals_numbered(struct store *store, struct arena *arena, const char *number,
                                struct store_referral **ret_referrals);
/* All to which their fillers gave it: a partner may give any, such as one that is taken, so look
 * for placers' numbers first. */
size_t store_referrals_filled(struct store *store, struct arena *arena, const char *number,
                              struct store_referral **ret_referrals);
size_t store_referrals(struct store *store, struct arena *arena,
                       struct store_referral **ret_referrals);
/* At most LIMIT of them next to the id AFTER, as store_record_rows. */
size_t store_referral_rows(struct store *store, struct arena *arena, int64_t after, bool is_back,
                           size_t limit, struct store_referral **ret_referrals);
/* The id that the next referral added gets; a filler number is made of it. */
int64_t store_next_referral(struct store *store);

/* A cancel of a referral that never came here: of this partner's own clinic PLACER and with this
 * number. Said again, it is kept longer. */
void store_add_early_cancel(struct store *store, const char *partner, const char *placer,
                            const char *number, int64_t at_ms);
bool store_has_early_cancel(struct store *store, const char *partner, const char *placer,
                            const char *number);

struct store_event {
    int64_t seq, referral, message, at_ms, tick;
    const char *what, *by, *detail;
};

void store_add_event(struct store *store, const struct store_event *event);
size_t store_events(struct store *store, struct arena *arena, int64_t referral,
                    struct store_event **ret_events);

/* ---- messages ---- */
struct store_message {
    int64_t id;
    const char *direction, *partner, *message_id, *bundle_id, *event, *kind, *recipient;
    int64_t referral, record;
    const char *state, *reason;
    int64_t due_ms, attempts, created_ms, settled_ms;
    const char *response_code, *response_issues, *response_to;
    int64_t payload, tick;
    int64_t turn; /* its place among those of its referral: made anew, that of the first; 0: id */
    int64_t lived_ms;        /* when it got its state, in lived time; given when it is added */
    const char *moved_from;  /* out: the state of the Task that a move of ours was made in */
    int64_t refusals;        /* out: how often it was answered that it comes too early */
    const char *cause;       /* out: why it stands in its state, a word below; NULL: none of them */
    const char *answer_mark; /* in: what the ids of our answer are made of beside its own */
    unsigned char hash[STORE_HASH_BYTES];
};

#define STORE_CAUSE_BY_HAND "by-hand"             /* parked by a person */
#define STORE_CAUSE_RETURNED "returned"           /* rejected: given back as about another client */
#define STORE_CAUSE_NOT_CONNECTED "not-connected" /* queued: the last try found nobody */

/* The row of the client that a message is about: its record's, else its referral's; 0: nobody's. */
int64_t store_client_of(struct store *store, const struct store_message *message);
/* The id that the next message added gets. */
int64_t store_next_message(struct store *store);
int64_t store_add_message(struct store *store, const struct store_message *message);
void store_set_message(struct store *store, const struct store_message *message);
bool store_get_message(struct store *store, struct arena *arena, int64_t id,
                       struct store_message *ret_message);
/* Its bytes; NULL: they are not there, not whole, or those of another message. */
const char *store_message_bytes(struct store *store, struct arena *arena,
                                const struct store_message *message, size_t *ret_length);
/* The inbound message of a partner with this MessageHeader.id, or with this Bundle.id. */
/* What a message that came is going to be looked up by; NULL: not by that. */
struct store_expected {
    const char *partner, *message_id, *bundle_id;
    const char *clinic, *kind, *number; /* of its record */
    const char *client;
};
/* Each is a place in a large table that is in no cache: they are fetched together, not one by one
 * when they are asked for. Changes nothing. */
void store_expect(struct store *store, const struct store_expected *expected);
bool store_find_inbound(struct store *store, struct arena *arena, const char *partner,
                        const char *message_id, struct store_message *ret_message);
bool store_find_inbound_bundle(struct store *store, struct arena *arena, const char *partner,
                               const char *bundle_id, struct store_message *ret_message);
/* What waits for a later try to this partner is due at once: it answers again. */
void store_hasten(struct store *store, const char *partner, int64_t now_ms);
bool store_find_outbound(struct store *store, struct arena *arena, const char *message_id,
                         struct store_message *ret_message);
/* Newest first; DIRECTION, STATE NULL: any; REFERRAL 0: any. */
size_t store_messages(struct store *store, struct arena *arena, const char *direction,
                      const char *state, int64_t referral, size_t limit,
                      struct store_message **ret_messages);
/* The same behind BEFORE (an id; 0: from the newest), of every referral. */
size_t store_message_rows(struct store *store, struct arena *arena, const char *direction,
                          const char *state, int64_t before, size_t limit,
                          struct store_message **ret_messages);
/* Of ours in one of the states that a person looks at (queued, sending, held, parked, rejected),
 * newest first; costs these rows, however many messages there are. */
size_t store_unfinished(struct store *store, struct arena *arena, const char *state, size_t limit,
                        struct store_message **ret_messages);
/* Queued messages of a partner that are due and first of their referral, oldest due first. */
size_t store_due(struct store *store, struct arena *arena, const char *partner, int64_t now_ms,
                 size_t limit, struct store_message **ret_messages);
/* Queued messages of records of this client. */
size_t store_queued_of_client(struct store *store, struct arena *arena, const char *client,
                              struct store_message **ret_messages);
/* Every message of ours that carried this record, oldest first. */
size_t store_messages_of_record(struct store *store, struct arena *arena, int64_t record,
                                struct store_message **ret_messages);
/* One queued or held message, or parked move, for each pair of partner and recipient that has any.
 */
size_t store_routes(struct store *store, struct arena *arena, struct store_message **ret_messages);
/* All such messages of such a pair. */
size_t store_queued_on_route(struct store *store, struct arena *arena, const char *partner,
                             const char *recipient, struct store_message **ret_messages);
/* What waits behind a message, of the same referral to the same clinic; oldest first. */
size_t store_behind(struct store *store, struct arena *arena, const struct store_message *message,
                    struct store_message **ret_messages);
/* How often a record was taken back from the queue to this recipient before. */
int64_t store_count_withdrawn(struct store *store, int64_t record, const char *recipient);
/* Whether a referral's own message may have reached its partner, under whichever ids. */
bool store_was_tried(struct store *store, int64_t referral);
/* When the first of them is due; 0: nothing is queued for the partner that has its turn. */
int64_t store_next_due(struct store *store, const char *partner);
/* After a crash: what was being sent is queued again with the same ids. Returns how many. */
int64_t store_requeue_claimed(struct store *store, int64_t now_ms);

struct store_attempt {
    int64_t id, message, at_ms, status;
    const char *outcome, *detail;
    int64_t connect_us, tls_us, first_byte_us, total_us;
};

void store_add_attempt(struct store *store, const struct store_attempt *attempt);
size_t store_attempts(struct store *store, struct arena *arena, int64_t message,
                      struct store_attempt **ret_attempts);

/* ---- the tray ---- */
struct store_release {
    int64_t id, record, decided_ms, message;
    const char *recipient, *addressed_as, *partner, *client, *state, *reason;
    const char *confirmed_by, *confirmed_what; /* a doubt that a person has settled */
    int64_t confirmed_ms;
    /* The grant that MESSAGE was made under, with PARTNER and RECIPIENT: the very handles that may
     * receive it, and the rows of the consents that say so ("12;15"). */
    const char *granted_to, *consents;
    int64_t again_ms; /* a waiting one may be let go by itself then; 0: no such time is known */
};

/* The id that the next one added gets. */
int64_t store_next_release(struct store *store);

int64_t store_add_release(struct store *store, const struct store_release *release);
void store_set_release(struct store *store, const struct store_release *release);
/* Of one client (NULL: all) in STATE (NULL: any), oldest first. */
size_t store_releases(struct store *store, struct arena *arena, const char *client,
                      const char *state, struct store_release **ret_releases);
bool store_get_release(struct store *store, struct arena *arena, int64_t id,
                       struct store_release *ret_release);
bool store_find_release(struct store *store, struct arena *arena, int64_t message,
                        struct store_release *ret_release);
/* Of one record, oldest first: a row for each recipient. */
size_t store_releases_of_record(struct store *store, struct arena *arena, int64_t record,
                                struct store_release **ret_releases);
/* Clients that have something waiting in the tray. */
size_t store_waiting_clients(struct store *store, struct arena *arena, const char ***ret_clients);
/* Those of them whose again_ms has come. */
size_t store_again_clients(struct store *store, struct arena *arena, int64_t now_ms,
                           const char ***ret_clients);

/* ---- received records to match ---- */
struct store_match {
    int64_t record, referral, message; /* the record is its id */
    const char *state;                 /* "to match", "attached", "kept apart", "returned" */
    const char *what;                  /* what contradicts, for a person */
    const char *by;
    int64_t at_ms, decided_ms;
};

void store_add_match(struct store *store, const struct store_match *match);
void store_set_match(struct store *store, const struct store_match *match);
bool store_get_match(struct store *store, struct arena *arena, int64_t record,
                     struct store_match *ret_match);
/* In this STATE (NULL: any), oldest first. */
size_t store_matches(struct store *store, struct arena *arena, const char *state,
                     struct store_match **ret_matches);
/* The record belongs to this referral from now on (0: to none), and is written out again. */
void store_attach_record(struct store *store, int64_t record, int64_t referral);

/* ---- claims and places ---- */
/* A claim is what a partner says of somebody; it decides nothing. A place is a person or clinic
 * that a person of ours confirmed; it stands behind directory.csv. */
enum {
    STORE_CLAIMS_OF_PARTNER_MAX = 1000,
    STORE_CLAIMS_MAX = 20000,
    STORE_CLAIM_SEEN_MS = 24 * 3600 * 1000, /* a claim that comes again is noted this often */
    STORE_EXPORT_PAGE = 100,
    STORE_PAGE = 500 /* rows that a list gives at once */
};

struct store_claim {
    int64_t id;
    const char *partner, *key, *kind; /* "person" or "clinic" */
    const char *name, *npi, *profession, *works_at;
    int64_t first_ms, last_ms;
    const char *state;       /* new confirmed ignored merged */
    const char *handle, *by; /* whom we take it for, and who said so; or NULL */
    int64_t decided_ms;
};

enum store_seen {
    STORE_SEEN_FIRST,
    STORE_SEEN_BEFORE,
    STORE_SEEN_OTHERWISE /* the key is one of the other kind: nothing was kept */
};
enum store_seen store_see_claim(struct store *store, const struct store_claim *claim);
/* After claims were seen first: the oldest new ones beyond the ceilings go. */
void store_trim_claims(struct store *store, const char *partner);

struct store_claims_asked {
    int64_t after;               /* id of the last one had; 0: from the first */
    const char *state, *partner; /* NULL: any */
    bool only_decided;           /* that are taken for somebody */
};
/* At most STORE_PAGE, in the order in which they came. */
size_t store_claims(struct store *store, struct arena *arena,
                    const struct store_claims_asked *asked, struct store_claim **ret_claims);
bool store_find_claim(struct store *store, struct arena *arena, const char *partner,
                      const char *key, struct store_claim *ret_claim);
/* Writes state, handle, by and decided_ms. */
void store_decide_claim(struct store *store, const struct store_claim *claim);
/* How many claims are taken for HANDLE. */
int64_t store_count_claims_of(struct store *store, const char *handle);

struct store_place {
    const char *handle, *kind, *name, *npi, *profession;
    const char *works_at, *by; /* or NULL */
    const char *partner;       /* of a clinic; "" for none */
    int64_t decided_ms;
};
/* Adds it, or writes it anew. */
void store_put_place(struct store *store, const struct store_place *place);
void store_drop_place(struct store *store, const char *handle);
bool store_find_place(struct store *store, struct arena *arena, const char *handle,
                      struct store_place *ret_place);
/* At most STORE_PAGE of one kind behind the handle AFTER ("": from the first). */
size_t store_places(struct store *store, struct arena *arena, const char *kind, const char *after,
                    struct store_place **ret_places);

/* ---- links, audit ---- */
void store_add_link(struct store *store, const char *client, const char *clinic,
                    const char *number);
void store_remove_link(struct store *store, const char *client, const char *clinic,
                       const char *number);
size_t store_links(struct store *store, struct arena *arena, const char *client, const char *clinic,
                   const char ***ret_numbers);

struct store_audit {
    int64_t seq, at_ms;
    int64_t tick; /* 0: a row of before there were ticks */
    const char *what, *partner, *subject, *detail;
    const char *actor;        /* who did it, as in actor.h; NULL: the gateway of itself */
    const char *purpose;      /* "treatment", "care-coordination"; NULL: none */
    int64_t client;           /* a client's row */
    const char *partner_name; /* of a row without a tick */
    unsigned char hash[STORE_HASH_BYTES];
};

void store_add_audit(struct store *store, const struct store_audit *audit);
/* The row of the partner of this name, made when there is none; 0 for no name. */
int64_t store_partner_row(struct store *store, const char *name);
/* Hash of the last audit row; false when there is none. */
bool store_last_audit(struct store *store, unsigned char ret_hash[STORE_HASH_BYTES]);
size_t store_audits(struct store *store, struct arena *arena, int64_t after_seq, size_t limit,
                    struct store_audit **ret_audits);
/* How many audit rows were ever added, those included that somebody took away. */
int64_t store_count_audits(struct store *store);

#endif
