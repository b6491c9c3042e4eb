/* table: the groups of commands in the order in which --help lists them. */
#include "gateway/commands/table.h"

static const struct command *const groups[] = {
    commands_setup,    commands_check,       commands_run,     commands_records, commands_referrals,
    commands_messages, commands_differ,      commands_consent, commands_tray,    commands_queue,
    commands_desk,     commands_people,      commands_match,   commands_cert,    commands_authority,
    commands_partner,  commands_partner_row, commands_backup,  commands_audit};

const struct command_set commands_all = {groups, sizeof groups / sizeof *groups};
