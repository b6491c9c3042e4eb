/* setup: everything a gateway knows from its data folder's files, as one generation that never
 * changes.
 *
 * Made at start, at each reload and by each command; reference-counted, because units that wait for
 * the writer and requests under way keep the generation they began with. Any thread may read it. */
#ifndef GATEWAY_SETUP_SETUP_H
#define GATEWAY_SETUP_SETUP_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/finding.h"
#include "config/config.h"
#include "config/folder.h"
#include "fhir/codes/coding.h"
#include "fhir/message/message.h"
#include "fhir/record/directory.h"
#include "gateway/runtime/clock.h"

struct setup {
    struct arena arena; /* holds all below */
    const char *dir;
    struct config config;
    struct partner_list partners;
    struct directory *directory;
    const struct coding *coding;
    const struct profile_set *profiles; /* of DIR/profiles; NULL: there are none */
    struct clock clock;
    struct setup *lender; /* of profiles that are faulty now; held; NULL: they are its own */
    const char *directory_text, *codes_text; /* as read; NULL: there is none */
    size_t directory_length, codes_length;
    unsigned long generation; /* 1 at the start, one more with each reload */
    const char *faults; /* lines about keys and trust that this generation lives with; never NULL */
    _Atomic int references;
};

/* Reads settings.yaml, partners, directory.csv and the code map of DIR; people_join adds whom the
 * store holds beside them. False with findings when it would be unsafe to go on with what is sound:
 * without right settings, our own row of the directory, the code map or the profiles. A faulty
 * partner or row of the directory is left out, and is a finding all the same. */
bool setup_load(const char *dir, struct finding_list *findings, struct setup **ret_setup);
/* The same at a reload, file by file: what is faulty stays as it is in BEFORE. */
bool setup_load_after(const char *dir, const struct setup *before, struct finding_list *findings,
                      struct setup **ret_setup);
/* Partner number AT stays as it is in BEFORE, but for being switched off; false when it was not
 * there. Before others see the setup. */
bool setup_keep_partner(struct setup *setup, size_t at, const struct setup *before);
/* Notes the findings with which the generation goes into service; before others see it. BEFORE: the
 * generation that it follows (NULL: none), with whose faults alone it may live: what has become
 * faulty since the start is told at every reload. */
void setup_live_with(struct setup *setup, const struct setup *before,
                     const struct finding_list *findings);
/* Is there a finding among them that RUNNING does not live with already? */
bool setup_is_worse(const struct setup *running, const struct finding_list *findings);
struct setup *setup_hold(struct setup *setup);
void setup_release(struct setup *setup);

/* Why dates may be taken for those of another zone than the clinic's; NULL: the zone is known. */
const char *setup_zone_fault(const struct setup *setup);
/* `DIR/NAME` in ARENA. */
const char *setup_path(const struct setup *setup, struct arena *arena, const char *name);
/* The partner that serves a clinic, enabled or not; NULL when none is configured. */
const struct partner *setup_partner_of(const struct setup *setup, const char *clinic);

/* Message ids (RFC 4122 version 5): the same names give the same ids, so that `map` prints what
 * `send` sends and a resend after a restore is recognised. SPACE is fixed by what the message is
 * about. */
struct setup_ids {
    const char *space;
    const struct setup *setup; /* for endpoints; may be NULL */
};
/* A context for fhir/message whose ids stand under IDS->space; IDS must outlive it. */
struct fhir_context setup_context(const struct setup *setup, struct arena *arena,
                                  struct setup_ids *ids);
/* SHA-256 of a record's canonical text. WITH_PRIVATE: all of it, to tell whether the same number
 * came with other content; else what travels. */
void setup_record_hash(const struct setup *setup, struct arena *arena, const struct json *record,
                       bool with_private, unsigned char *ret_hash);
/* The space of a record's message: record identity with our organization, content hash, recipient,
 * and how often it was taken back from the queue before. */
const char *setup_record_space(struct arena *arena, const char *clinic, const char *kind,
                               const char *number, const unsigned char *hash, const char *recipient,
                               int64_t taken_back);

#endif
