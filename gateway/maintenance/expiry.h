/* expiry: what changes or runs out while nobody looks: certificates and revocation lists, ours and
 * the partners' (as they showed them, not as they were filed), and the files of the data folder.
 *
 * Facts and decisions only; care.c has the timers. `check` and `cert show` ask the same functions.
 * A struct watch_served may be used by any thread; the rest by one at a time. */
#ifndef GATEWAY_MAINTENANCE_EXPIRY_H
#define GATEWAY_MAINTENANCE_EXPIRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "certs/tls/context.h"
#include "gateway/setup/setup.h"

/* ---- what runs out ---- */

enum watch_kind { WATCH_CERTIFICATE, WATCH_STAPLE, WATCH_SERVED, WATCH_CA, WATCH_CRL };

struct watch_term {
    enum watch_kind kind;
    const char *partner; /* NULL: ours */
    const char *name;    /* of the CA; else NULL */
    int64_t since;       /* seconds since 1970; 0: unknown */
    int64_t until;
};

/* The last certificate each partner showed. */
struct watch_served;
struct watch_served *watch_served_new(void);
/* With what SETUP's folder keeps of it (served.csv). Blocking. */
struct watch_served *watch_served_load(const struct setup *setup);
void watch_served_free(struct watch_served *served);
/* True when it is another one than before. */
bool watch_served_note(struct watch_served *served, const char *partner, int64_t not_after,
                       int64_t now);
/* As lines `PARTNER,NOT_AFTER,SEEN`, and back; so that a start does not forget. */
const char *watch_served_write(struct watch_served *served, struct arena *arena);
void watch_served_read(struct watch_served *served, const char *text);
/* Writes served.csv. Blocking. */
void watch_served_save(struct watch_served *served, const struct setup *setup);

/* Our certificate, the OCSP answer we hand over, every CA and list in the trust of CONTEXT, and
 * what SERVED knows (NULL: nothing) of the partners of SETUP. */
size_t watch_terms(const struct setup *setup, const struct context *context,
                   struct watch_served *served, struct arena *arena, struct watch_term **ret_terms);
/* The step last passed: 60, 30, 14, 7 or 1 days left, 0 when it is over, -1 when none is passed. A
 * step counts only when it is at most half of the whole life, so that a list that is renewed every
 * week does not warn for ever. */
int watch_step(const struct watch_term *term, int64_t now);
/* `certificate`, `staple`, `served`, `ca`, `crl` */
const char *watch_kind_name(enum watch_kind kind);
/* What happens and what to do, for a person. */
const char *watch_say(struct arena *arena, const struct watch_term *term, int64_t now);
/* Is this step news? Remembers it for as long as the term is the same one. */
struct watch_told;
struct watch_told *watch_told_new(void);
void watch_told_free(struct watch_told *told);
bool watch_is_news(struct watch_told *told, const struct watch_term *term, int step);

/* ---- files ---- */

enum { WATCH_PRINT_BYTES = 32 };

/* A digest over names, sizes and times of the settings, the partners, the directory, the code map,
 * and all key, CA and list files they name. Blocking. */
void watch_files(const struct setup *setup, unsigned char ret_print[WATCH_PRINT_BYTES]);

/* Have the files changed, and settled? One look after the other, each with the time since some
 * start. */
struct watch_look {
    unsigned char taken[WATCH_PRINT_BYTES]; /* in force, or refused: not tried again */
    unsigned char seen[WATCH_PRINT_BYTES];  /* at the last look */
    int64_t changed_ms;                     /* when SEEN was first seen */
    bool is_started;
};
/* PRINT is now in force or was tried. */
void watch_taken(struct watch_look *look, const unsigned char print[WATCH_PRINT_BYTES]);
/* True when PRINT is another one than the one in force and has stayed for SETTLE_MS. */
bool watch_has_changed(struct watch_look *look, const unsigned char print[WATCH_PRINT_BYTES],
                       int64_t now_ms, int64_t settle_ms);

#endif
