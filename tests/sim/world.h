/* world: several gateways in one process, with production code between simulated seams.
 *
 * The flow, inbox, outbox, release, deliver and track code runs as it does in the service, each
 * gateway on a real store of its own. Simulated are the clock, the randomness, the wire and the
 * moments at which a process dies: every transaction may end before its commit or after it, before
 * anyone hears of it, and what a journal has promised may be all that is left. One seed decides
 * everything; the same seed plays the same story. */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

enum { GATES = 3, CLIENTS = 3 };

/* Planted mistakes, to see that the simulator finds each. */
enum plant {
    PLANT_NONE,
    PLANT_ACK_BEFORE_COMMIT,  /* the receiver answers, then loses the transaction */
    PLANT_NO_LEDGER,          /* duplicates are not recognised */
    PLANT_NEW_ID_ON_RETRY,    /* a retry carries fresh ids */
    PLANT_CONSENT_ONCE,       /* consent is not asked again before an attempt */
    PLANT_TIMEOUT_IS_FAILURE, /* a time-out gives up */
    PLANT_ANY_200_IS_DONE,    /* any 200 counts as delivered */
    PLANT_NO_ORDER,           /* messages of a referral overtake each other */
    PLANT_NO_RECOVERY,        /* what was being sent is forgotten at a start */
    PLANT_BUSY_IS_FINAL,      /* a 503 counts as refused for good */
    PLANT_SPEAKS_FOR_OTHERS,  /* a partner may send in another clinic's name */
    PLANT_ACK_BEFORE_SYNC,    /* what stands in memory counts as promised */
    PLANT_FORGETS_CANCELS,    /* a cancel that came before its referral is not kept in mind */
    PLANT_ANY_GRANT,          /* the grant that a message was made under is not compared */
    PLANT_FUTURE_CONSENT,     /* a permission dated ahead of the clock is in force */
    PLANT_WITHDRAWAL_BY_DATE, /* a withdrawal dated before a permission does not count */
    PLANT_ROUTES_BY_CLAIMS,   /* where people work is what partners say */
    PLANT_REPLACED_LEAVES,    /* a record goes from the tray after its correction */
    PLANT_WRONG_CLIENT,       /* what contradicts its referral's client goes unconfirmed */
    PLANT_FORGETS_RETRACTION, /* a retraction that came before its record is not kept in mind */
    PLANT_NO_ATTACHMENTS,     /* a message goes without the data of its attachments */
    PLANT_PARKED_IS_PASSED,   /* nothing waits behind what a person has parked */
    PLANT_WALL_CLOCK_PARKS,   /* a clock that was set ahead has messages given up */
    PLANT_REPLY_TO_AUTHOR,    /* what answers a referral goes to where its writer is, not there */
    PLANT_ORDER_IS_FINAL,     /* what was refused for its order is never judged anew */
    PLANT_NO_EPOCH,           /* a restored gateway gives the ids of before the restore again */
    PLANT_REMOVES_UNREAD,     /* retention removes a file of the journal that is still needed */
    PLANT_NO_LOCK,            /* a second service gets the folder */
    PLANT_ANSWER_TWICE,       /* a file is written, and never marked */
    PLANT_MARK_FIRST,         /* a file is marked, and never written */
    PLANT_SHORT_LEDGER,       /* ids are forgotten after an hour */
    PLANT_PARKS_EARLY,        /* messages are given up after an hour */
    PLANTS
};
extern const char *const plant_names[PLANTS];

struct world;

/* FOLDER: on a memory file system; TEMPLATE: a fresh store in it. */
struct world *world_new(const char *folder, uint64_t seed, enum plant plant, bool tells);
/* Plays STEPS random steps, then heals the network and lets everything arrive. NULL when every
 * invariant held; else what broke. The text lives until world_free. */
const char *world_play(struct world *world, unsigned steps);
void world_free(struct world *world);

/* Once a process: the directory and the partners that all worlds share, and a fresh store as a
 * template. */
bool world_prepare(const char *folder, const char *directory_csv);

#endif
