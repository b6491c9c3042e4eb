/* partner: one partner of the registry, as partners/NAME.yaml describes it: read, checked, written.
 *
 * Called by the gateway at start, at reload and by `partner` commands. Text in, text out; files are
 * read by config/folder.h. A struct partner never changes once loaded. The table is partner.def. */
#ifndef CONFIG_PARTNER_H
#define CONFIG_PARTNER_H

#include "config/option.h"

enum partner_style { PARTNER_MESSAGE, PARTNER_REST };
enum partner_dialect {
    PARTNER_REFGATE,
    PARTNER_US_CORE,
    PARTNER_BSER,
    PARTNER_ONTARIO_EREFERRAL,
    PARTNER_BARS
};
enum partner_crl_policy { PARTNER_CRL_AUTO, PARTNER_CRL_HARD, PARTNER_CRL_SOFT, PARTNER_CRL_OFF };
enum partner_staple { PARTNER_STAPLE_OFF, PARTNER_STAPLE_PREFER, PARTNER_STAPLE_REQUIRE };

struct partner {
    const char *name; /* of its file, without .yaml */
#define SECTION(title)
#define TEXT(key, check, start, when, help) const char *key;
#define LIST(key, check, when, help) struct option_list key;
#define SET(key, words, start, when, help) unsigned key;
#define WORD(key, tag, words, start, when, help) enum tag key;
#define FLAG(key, start, when, help) bool key;
#define COUNT(key, unit, start, min, max, when, help) unsigned key;
#define BYTES(key, unit, start, min, max, when, help) size_t key;
#include "config/partner.def"
};

/* Reads one file. False when anything was wrong, each fault a finding. Pins come out as
 * sha256//BASE64. FILE is the name for findings. */
bool partner_load(struct arena *arena, const char *name, const char *file, const char *text,
                  size_t length, struct finding_list *findings, struct partner *ret_partner);
/* A partner called NAME with all defaults, to be filled by partner_set. A name that is no safe file
 * name is a finding. */
bool partner_new(struct arena *arena, const char *name, struct finding_list *findings,
                 struct partner *ret_partner);
/* Sets one key from text (lists: items separated by commas), as flags of `partner add` give them.
 */
bool partner_set(struct arena *arena, struct partner *partner, const char *key, const char *value,
                 struct finding_list *findings);
/* The rules between keys (a CA or a pin, a name or a pin, ...), and settles what follows from
 * others; done by partner_load, and to be called after partner_set. FILE is the name for findings.
 */
bool partner_settle(struct arena *arena, struct partner *partner, const char *file,
                    struct finding_list *findings);
/* The text of the file, with comments. */
const char *partner_write(struct arena *arena, const struct partner *partner);
const struct option_table *partner_options(void);

/* May a record of KIND ("referral", ...) be taken from, or sent to, this partner? Unknown kind: no.
 */
bool partner_may_receive(const struct partner *partner, const char *kind);
bool partner_may_send(const struct partner *partner, const char *kind);
/* What a person is told when a certificate could fit both; NULL: none can. */
const char *partner_twin(struct arena *arena, const struct partner *one,
                         const struct partner *other);
/* Is it a planned pause? WEEKDAY 0 is Sunday; MINUTE of the day, local time. */
bool partner_in_maintenance(const struct partner *partner, unsigned weekday, unsigned minute);

#endif
