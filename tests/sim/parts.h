/* parts: what the files of the simulator share. */
#ifndef TESTS_SIM_PARTS_H
#define TESTS_SIM_PARTS_H

#include "gateway/data_folder/data_folder.h"
#include "gateway/delivery/attempt.h"
#include "gateway/inbound/inbox.h"
#include "gateway/outbound/release.h"
#include "gateway/store/writer.h"
#include "tests/sim/world.h"

enum {
    PACKETS_MAX = 4000,
    MESSAGES_MAX = 4000,
    LANES_MAX = 1000,
    DECISIONS_MAX = 64,
    OWN_MAX = 64,
    FILED_MAX = 400,
    HANDLES = 9, /* the clinics, in the order of the gates, then people */
    NOWHERE = -1,
    PLACE_LINDQVIST = 6,
    PLACE_WISNIEWSKI = 7,
    EAST_SERVES = 1, /* the gate whose clinic moves to EAST at times */
    PARK_HOURS = 24, /* of worlds in which days pass */
    LEDGER_DAYS = 4,
    WHY_MAX = 600
};

#define EAST "east"                                   /* a partner that nobody reaches */
#define FIRST_WRITTEN_MS ((int64_t)1788220800 * 1000) /* 2026-09-01 */

#define SIM_ATTACHED "YSBsZXR0ZXIgb2YgdGhlIHNpbXVsYXRlZCBjbGluaWM="

struct own { /* what the model knows of one record of a gate */
    const char *kind, *number, *tail;
    int client;
    unsigned meant;       /* bits: the handles it was written to; 0: whoever is at the other side */
    const char *replaces; /* a number, or NULL */
    const char *attached; /* what must be in its message, or NULL */
    const char *text;     /* as it was handed in */
    bool is_replaced, is_retracted, is_doubted, is_confirmed, is_returned;
    bool is_resent;   /* a person has sent its message again */
    unsigned dropped; /* bits: clinics */
};

struct kept; /* a backup (disk.c) */

struct filed { /* a file that has stood in records/in or records/to-match (files.c) */
    const char *name, *text;
    bool is_away;     /* a person has taken it */
    bool is_unmarked; /* the process died before it noted that it had written it */
};

struct expected { /* WORD: an answer, and NAME the beginning of its file's; else a record's file */
    const char *name, *word;
};

struct gate { /* one gateway */
    const char *org, *person, *path, *dir;
    int lock; /* a file descriptor; -1: none */
    struct setup setup;
    struct store *store;
    struct writer *writer;
    bool is_serving; /* promises by its journal */
    unsigned life;   /* counts restarts: an answer to a former life reaches nobody */
    struct deliver_pace paces[GATES], east_pace;
    unsigned records;
    unsigned generation; /* of its directory (places.c) */
    /* The model: what each client decided, in the order of acceptance (consents.c judges). */
    struct decision {
        enum form { ALLOWS, ALLOWS_REFERRALS, REFUSES, WITHDRAWS } form;
        const char *number;
        unsigned named; /* bits: handles */
        int64_t written_ms, accepted_ms;
        int64_t from_ms, until_ms; /* by this gate's clock */
        size_t replaces;           /* its place among them, counted from 1; 0: none */
    } decisions[CLIENTS][DECISIONS_MAX];
    size_t decision_count[CLIENTS];
    struct own own[OWN_MAX];
    size_t own_count;
    const char *given_up[OWN_MAX]; /* "riverbend:rR-4": of a move that may have arrived */
    size_t given_up_count;
    struct filed filed[FILED_MAX];
    struct expected expected[FILED_MAX];
    size_t filed_count, expected_count;
    unsigned moves_taken;
    /* disk.c */
    bool turns;               /* its journal turns to a new file every few groups */
    bool is_restored;         /* ever */
    struct kept *kept;        /* its last backup; NULL: none */
    struct own lost[OWN_MAX]; /* what a restore took from it, until somebody hands it in again */
    size_t lost_count;
    unsigned restored_life; /* the one in which it was restored last */
    int64_t restored_row;   /* the newest message that came back */
};

struct packet { /* one exchange on the wire */
    int from, to;
    unsigned life;        /* of the sender when it was sent */
    int64_t row;          /* the sender's message */
    int64_t turn;         /* its place in the referral's order */
    const char *referral; /* as in struct lane; NULL: none */
    const char *body;
    size_t length;
    bool is_waiting; /* the request has not arrived yet */
    bool is_orphan;  /* the sender has given it up, or it is a copy */
    bool is_east;    /* to a system that nobody reaches */
    bool is_forged;  /* sent by a partner in another one's name */
    bool is_recall;  /* asks what a restore took ($send-again) */
};

struct message { /* what the oracle knows of one message of a gate */
    int gate;
    int64_t row, referral;
    int to;
    unsigned effects;  /* times it was taken and took effect at the receiver */
    int64_t seen_ms;   /* it was not there before */
    int64_t taken_ms;  /* when it was taken or refused last */
    uint64_t taken_at; /* the last of them, by world.takings */
};

struct world {
    struct arena arena;
    uint64_t random;
    enum plant plant;
    bool tells, is_healed;
    bool is_hasty;    /* people often take back what is on its way, and much of that comes late */
    bool is_restless; /* gateways are put back from backups */
    bool is_meddled;  /* people often hold, park, drop and send again what waits */
    bool is_old;      /* days pass: messages are given up for their age, rows are let go */
    uint64_t takings; /* messages that took effect, anywhere */
    unsigned step, half_days;
    int64_t checked_ms; /* when the stores were asked last */
    int64_t now_ms;     /* true time */
    unsigned written;   /* seconds: records are dated one after another, long ago */
    struct gate gates[GATES];
    bool is_cut[GATES][GATES]; /* partitions */
    struct packet packets[PACKETS_MAX];
    size_t packet_count;
    struct message messages[MESSAGES_MAX];
    size_t message_count;
    struct lane { /* messages of one referral from one gate to another */
        int from, to;
        const char *referral; /* "riverbend:rR-4" */
        int64_t last;         /* the newest turn that arrived */
        bool is_haunted;      /* something of before a restore of its sender came after it */
    } lanes[LANES_MAX];
    size_t lane_count;
    char why[WHY_MAX]; /* the first broken invariant; "" while all hold */
};

/* ---- world.c ---- */
uint32_t world_random(struct world *world);
bool world_chance(struct world *world, unsigned percent);
void world_tell(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));
void world_break(struct world *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- gate.c ---- */
void gate_begin(struct world *world, int gate, const char *folder);
void gate_end(struct gate *gate);
enum committed { COMMITTED, DIED_BEFORE, DIED_AFTER };
/* Runs a unit as the writer would; the process may die around the commit, and is then started
 * again. */
enum committed gate_commit(struct world *world, int gate, struct unit *unit);
void gate_restart(struct world *world, int gate);
/* Its store, as a start opens it. */
void gate_open(struct world *world, struct gate *gate);
void gate_close(struct gate *gate);
void gate_remove_files(const struct gate *gate);
/* A start after a crash: what was on its way goes again, and partners are asked. */
void gate_recover(struct world *world, struct gate *gate);
/* Over a store that nobody reads: what it takes is lost. */
struct writer *gate_nowhere(void);
/* The newest file of its journal; NULL: none. */
const char *gate_journal_file(struct arena *arena, const struct gate *gate);

/* ---- disk.c: what happens to its files ---- */
void disk_act(struct world *world, int at);
/* Before a start: a byte of its journal has changed. The start must see it. */
struct disk_rot {
    bool is_tried, was_opened;
    int64_t messages, audits;
    const char *place;
};
struct disk_rot disk_rot(struct world *world, struct gate *gate);
void disk_compare(struct world *world, struct gate *gate, const struct disk_rot *rot);
/* Somebody hands in again what the restore took. */
void disk_hand_in_again(struct world *world, int at);

/* ---- files.c: the data folder ---- */
void files_begin(struct gate *gate, const char *dir);
void files_end(const struct gate *gate);
void files_lock(struct world *world, struct gate *gate);
void files_unlock(struct gate *gate);
void files_act(struct world *world, int at);
/* ROW has taken effect at GATE, which is to put it into a file. */
void files_expect(struct world *world, struct gate *gate, const char *clinic,
                  const struct store_message *row);
void files_check_end(struct world *world, int at);
/* For what runs beside the writer. */
struct office files_office(struct gate *gate, struct writer *writer);
/* What was promised is seen by readers. */
void files_settle(struct gate *gate);

/* ---- clinic.c: what people do ---- */
void clinic_act(struct world *world);
/* Hands a record in. True when it was accepted for good. */
bool clinic_hand_over(struct world *world, int gate, const char *text);
/* Writes a record that replaces OWN. */
void clinic_correct(struct world *world, int at, const struct own *own);
/* Partners, days and consents are looked at again, as the service does by itself. */
void clinic_review(struct world *world, int at);

/* ---- desk.c: what people do about records that are there ---- */
void desk_act(struct world *world, int at);
void desk_retract_tried(struct world *world, int at);
/* What waits for a person is decided, and what was stopped goes on. */
void desk_clear(struct world *world, int at);

/* ---- consents.c ---- */
/* Somebody gives or takes back a consent. */
void consents_sign(struct world *world, int at, int client);
/* To both of the other clinics. */
void consents_give(struct world *world, int at, int client);
void consents_withdraw(struct world *world, int at, int client, int from);
bool consents_allow(const struct gate *gate, int client, unsigned handle, bool is_referral);

/* ---- plant.c: planted mistakes ---- */
size_t plant_claim(const struct flow *flow, const char *partner, size_t slots,
                   struct deliver_item **ret_items);
void plant_after_claim(struct world *world, const struct flow *flow, struct deliver_item *items,
                       size_t count);
void plant_after_send(struct world *world, const struct flow *flow, const struct json *record);
void plant_before_taking(struct world *world, struct store *store);
void plant_after_change(struct world *world, int at, struct store_message *message);
void plant_before_export(struct world *world, struct gate *gate);
void plant_after_export(struct world *world, struct gate *gate);
const char *plant_state(const struct world *world, const struct gate *gate,
                        const struct deliver_result *result, const struct store_message *message);

/* ---- places.c ---- */
bool places_prepare(struct arena *arena, const char *csv);
const char *place_handle(unsigned handle);
bool place_find(const char *handle, size_t length, unsigned *ret_handle);
/* By the directory that the gate has now: a gate, or NOWHERE. */
int place_clinic(const struct gate *gate, unsigned handle);
/* The partner that serves a gate's clinic. */
const char *place_server(const struct gate *gate, int clinic);
void place_set(struct world *world, struct gate *gate, unsigned generation);
void place_settle(struct world *world, struct gate *gate);
void place_move(struct world *world, int at);

/* ---- records.c ---- */
void own_remember(struct gate *gate, const struct own *own);
struct own *own_find(struct gate *gate, const char *kind, const char *number);
struct own *own_some(struct world *world, int at);
void own_check_leaving(struct world *world, int from, int to, const char *partner,
                       const struct store_message *message, const char *body);
void own_check_end(struct world *world, int at, struct arena *arena);

/* ---- wire.c: what the network does ---- */
void wire_look(struct world *world, int from, int to);
void wire_move(struct world *world);
/* Days pass: nothing is under way any more. */
void wire_forget(struct world *world);
bool wire_is_quiet(const struct world *world);

/* ---- check.c: what must hold ---- */
void check_gates(struct world *world);
void check_end(struct world *world);
/* Its receiver took it so long ago that neither side keeps its row. */
bool check_is_ancient(const struct world *world, const struct message *message);
/* SENT had arrived at gate TO, and a restore may have taken it for good. */
bool check_may_be_missing(struct world *world, int at, int to, const struct store_message *sent);
/* A person of the gate is told that the other side has it otherwise (refgate referrals differ). */
bool check_is_told(const struct gate *gate, struct arena *arena,
                   const struct store_referral *referral);
/* The oracle's row of a message, made when it is first seen. */
struct message *check_message(struct world *world, int gate, int64_t row, int64_t referral);

#endif
