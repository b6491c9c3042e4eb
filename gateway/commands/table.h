/* table: every command of refgate, by groups; each group stands in the file of its family.
 *
 * Taken by main and by the tests; all others are handed the set. Constant. */
#ifndef GATEWAY_COMMANDS_TABLE_H
#define GATEWAY_COMMANDS_TABLE_H

#include "gateway/command/command.h"

extern const struct command commands_setup[];     /* init, check, settings, partner */
extern const struct command commands_check[];     /* check, status */
extern const struct command commands_run[];       /* serve, demo */
extern const struct command commands_records[];   /* send, map, validate, fhirpath */
extern const struct command commands_referrals[]; /* referrals and their moves */
extern const struct command commands_messages[];  /* messages */
extern const struct command commands_differ[];    /* referrals that differ */
extern const struct command commands_tray[];      /* tray */
extern const struct command commands_consent[];   /* consent */
extern const struct command commands_queue[];     /* queue, records retract */
extern const struct command commands_desk[];      /* records list, show */
extern const struct command commands_match[];     /* records to match */
extern const struct command commands_people[];    /* people */
extern const struct command commands_cert[];      /* cert show, request, install, rollback, renew */
extern const struct command commands_authority[]; /* cert authority, cert revoke */
extern const struct command commands_backup[];    /* backup, restore */
extern const struct command commands_audit[];     /* audit list */
extern const struct command commands_partner_row[]; /* partner rename, remove */
extern const struct command commands_partner[];     /* partner test, disable, enable */

extern const struct command_set commands_all;

#endif
