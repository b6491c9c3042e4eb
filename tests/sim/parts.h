/* parts: what the files of the simulator share. */
#ifndef TESTS_SIM_PARTS_H
#define TESTS_SIM_PARTS_H

#include "gateway/deliver.h"
#include "gateway/flow.h"
#include "gateway/inbox.h"
#include "gateway/writer.h"
#include "tests/sim/world.h"

enum {
    PACKETS_MAX = 4000,
    MESSAGES_MAX = 4000,
    REFERRALS_MAX = 64,
    DECISIONS_MAX = 64,
    WHY_MAX = 600
};

struct gate { /* one gateway */
    const char *org, *person, *path;
    struct setup setup;
    struct store *store;
    struct writer *writer;
    bool is_serving; /* promises by its journal */
    unsigned life;   /* counts restarts: an answer to a former life reaches nobody */
    struct deliver_pace paces[GATES];
    unsigned records;
    /* The model: what this client decided about records going there, in the order of acceptance
     * (wire.c judges). */
    struct decision {
        enum { ALLOWS, ALLOWS_REFERRALS, REFUSES, WITHDRAWS } form;
        int64_t written_ms, accepted_ms;
        int64_t until_ms; /* by this gate's clock */
    } decisions[CLIENTS][GATES][DECISIONS_MAX];
    size_t decision_count[CLIENTS][GATES];
};

struct packet { /* one exchange on the wire */
    int from, to;
    unsigned life; /* of the sender when it was sent */
    int64_t row;   /* the sender's message */
    int64_t turn;  /* its place in the referral's order */
    int64_t referral;
    const char *body;
    size_t length;
    bool is_waiting; /* the request has not arrived yet */
    bool is_orphan;  /* the sender has given it up, or it is a copy */
    bool is_forged;  /* sent by a partner in another one's name */
};

struct message { /* what the oracle knows of one message of a gate */
    int gate;
    int64_t row, referral;
    unsigned effects; /* times it was taken and took effect at the receiver */
};

struct world {
    struct arena arena;
    uint64_t random;
    enum plant plant;
    bool tells, is_healed;
    bool is_hasty; /* people often take back what is on its way, and much of that comes late */
    unsigned step, half_days;
    int64_t now_ms;   /* true time */
    unsigned written; /* seconds: records are dated one after another, long ago */
    struct gate gates[GATES];
    bool is_cut[GATES][GATES]; /* partitions */
    struct packet packets[PACKETS_MAX];
    size_t packet_count;
    struct message messages[MESSAGES_MAX];
    size_t message_count;
    int64_t last_turn[GATES][GATES][REFERRALS_MAX]; /* order: newest that arrived, by referral */
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

/* ---- clinic.c: what people do ---- */
void clinic_act(struct world *world);
/* Somebody gives or takes back a consent. */
void clinic_sign(struct world *world, int at, int client);

/* ---- wire.c: what the network does ---- */
void wire_look(struct world *world, int from, int to);
void wire_move(struct world *world);
bool wire_is_quiet(const struct world *world);

/* ---- check.c: what must hold ---- */
void check_gates(struct world *world);
void check_end(struct world *world);
/* The oracle's row of a message, made when it is first seen. */
struct message *check_message(struct world *world, int gate, int64_t row, int64_t referral);

#endif
