/* cert_parts: what the `cert` commands share: where our pair lies, words for keys, one certificate
 * shown. For cert.c and authority.c only. */
#ifndef GATEWAY_COMMANDS_CERT_PARTS_H
#define GATEWAY_COMMANDS_CERT_PARTS_H

#include "certs/io/certificate.h"
#include "certs/issue/request.h"
#include "certs/tls/identity.h"
#include "gateway/command/command.h"

enum { CERT_NAMES_MAX = REQUEST_NAMES_MAX };

/* Where the service reads its pair, by settings.yaml alone: a partner's faulty file must not keep
 * us from replacing a certificate. */
struct cert_place {
    struct config config;
    struct identity_files live;
    const char *ca_file;
};

/* False, with the findings printed, when the settings cannot be read. */
bool cert_find_place(struct command_call *call, struct cert_place *ret_place);
/* `DIR/NAME`. */
const char *cert_path(struct command_call *call, const char *name);
/* Option --key-type; false, with a message, for an unknown word. */
bool cert_key_kind(struct command_call *call, enum request_key *ret_kind);
/* Option --days; 0 when not given; false, with a message, when it is no number. */
bool cert_days(struct command_call *call, int *ret_days);
/* Names from --dns and --ip; when none is given those of the certificate at OLD_FILE (NULL: none).
 * The handle is HANDLE. */
void cert_names(struct command_call *call, const char *handle, const char *old_file,
                struct request_names *ret_names);
/* Prints one certificate; TITLE says whose it is. */
void cert_print(struct command_call *call, const char *title, const char *file,
                const struct certificate *certificate);
/* `2027-11-23, 365 days left` or `2025-11-23, over for 365 days`. */
const char *cert_until(struct command_call *call, int64_t not_after);
/* Prints FINDINGS and returns the exit code of KIND. */
int cert_refuse(struct command_call *call, const struct finding_list *findings,
                enum fault_kind kind);
/* Lets a running service take what changed. */
void cert_reload(struct command_call *call);
/* Lets a running service take what changed, and waits until it has; false when it does not. True
 * when none runs. */
bool cert_reload_and_wait(struct command_call *call);
/* A row of the audit about something that the store has no part in: written by a service that runs,
 * else into the store itself. Says on stderr when it cannot be. */
void cert_note(struct command_call *call, const char *what, const char *subject);
/* Waits until a running service has switched the partner off; false when it does not. */
bool cert_wait_disabled(struct command_call *call, const char *partner);

/* The pair and its CA that --cert, --key and --ca of the call name, as partners will judge them,
 * for a gateway of ORG, before anything is made of them. */
bool cert_check_given(const struct command_call *call, const char *org,
                      struct finding_list *findings);

#endif
