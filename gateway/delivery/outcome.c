/* outcome: see outcome.h. */
#include "gateway/delivery/outcome.h"

#include <string.h>

static const char wrong_name[] = "unrecognized name";

/* The other side's refusal of our certificate, such as `tlsv1 alert unknown ca`, in OpenSSL's words
 * `error:0A000418:SSL routines::tlsv1 alert unknown ca, errno 0`; NULL: none. */
static const char *refusal_in(const char *error, size_t *ret_length)
{
    static const char mark[] = "SSL routines::";
    static const char *const refusals[] = {"certificate",       "unknown ca",    "access denied",
                                           "handshake failure", "decrypt error", "protocol version",
                                           wrong_name};
    const char *alert = strstr(error, mark);
    if (alert == NULL || (strstr(alert, "alert") == NULL && strstr(alert, wrong_name) == NULL))
        return NULL;
    alert += strlen(mark);
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        if (strstr(alert, refusals[i]) != NULL) {
            *ret_length = strcspn(alert, ",");
            return alert;
        }
    }
    return NULL;
}

static bool is_refused(const struct outcome_facts *facts)
{
    size_t length;
    return refusal_in(facts->tls_error, &length) != NULL;
}

/* The server showed a certificate that is not the partner's. */
static bool is_impostor(const struct outcome_facts *facts)
{
    return facts->verdict != VERDICT_admitted && facts->verdict != VERDICT_no_handshake &&
           facts->verdict != VERDICT_no_certificate;
}

enum transmit_outcome outcome_of(const struct outcome_facts *facts)
{
    switch (facts->end) {
    case OUTCOME_END_WHOLE:
        return TRANSMIT_ANSWERED;
    case OUTCOME_END_STOPPED:
        return TRANSMIT_STOPPED;
    case OUTCOME_END_SIZE:
        return TRANSMIT_TOO_LARGE;
    case OUTCOME_END_CERTIFICATE:
        return TRANSMIT_TLS_REFUSED;
    case OUTCOME_END_HANDSHAKE: /* also when the connection breaks in the middle of it */
        return is_refused(facts) || is_impostor(facts) ? TRANSMIT_TLS_REFUSED
                                                       : TRANSMIT_CANNOT_CONNECT;
    case OUTCOME_END_TIME:
        return facts->may_have_sent ? TRANSMIT_TIMED_OUT : TRANSMIT_CANNOT_CONNECT;
    default:
        break;
    }
    /* TLS 1.3 (RFC 8446 section 4.4): the server judges our certificate when we have already begun
     * to send; what we sent was thrown away unread. */
    if (!facts->has_head && facts->new_connection && is_refused(facts))
        return TRANSMIT_TLS_REFUSED;
    return facts->may_have_sent ? TRANSMIT_BROKEN : TRANSMIT_CANNOT_CONNECT;
}

static const char *say_cannot_connect(struct arena *arena, const struct outcome_facts *facts)
{
    if (facts->refused_address != NULL)
        return arena_print(arena,
                           "cannot connect to %s: its address %s may not be used for a partner; "
                           "check the name and the partner's url",
                           facts->place, facts->refused_address);
    switch (facts->end) {
    case OUTCOME_END_NAME:
        return arena_print(arena, "cannot connect to %s: the name %s is not known", facts->place,
                           facts->host);
    case OUTCOME_END_URL:
        return "cannot connect: the partner's url is not an https address";
    case OUTCOME_END_HANDSHAKE:
        return arena_print(arena, "cannot connect to %s: TLS broke off: %s", facts->place,
                           facts->reason);
    case OUTCOME_END_TIME:
        return arena_print(arena, "cannot connect to %s: %s within %u ms", facts->place,
                           facts->connected ? "the TLS handshake did not end" : "nobody answered",
                           facts->limits->connect_ms);
    default:
        return arena_print(arena, "cannot connect to %s: %s", facts->place, facts->reason);
    }
}

static const char *say_tls_refused(struct arena *arena, const struct outcome_facts *facts)
{
    size_t length = 0;
    const char *alert = refusal_in(facts->tls_error, &length);
    if (is_impostor(facts))
        return arena_print(arena, "%s does not prove to be %s: %s", facts->place, facts->partner,
                           verdict_sentence(facts->verdict));
    if (alert != NULL && strstr(alert, wrong_name) != NULL)
        return arena_print(arena, "%s does not answer to the name %s; correct the partner's url",
                           facts->place, facts->host);
    if (alert != NULL)
        return arena_print(arena,
                           "%s refused our certificate or our TLS settings (%.*s); ask the partner "
                           "whether our certificate is registered there",
                           facts->place, (int)length, alert);
    return arena_print(arena, "TLS with %s failed: %s", facts->place, facts->reason);
}

const char *outcome_say(struct arena *arena, const struct outcome_facts *facts)
{
    switch (outcome_of(facts)) {
    case TRANSMIT_ANSWERED:
        return arena_print(arena, "%s answered %d", facts->place, facts->status);
    case TRANSMIT_CANNOT_CONNECT:
        return say_cannot_connect(arena, facts);
    case TRANSMIT_TLS_REFUSED:
        return say_tls_refused(arena, facts);
    case TRANSMIT_TIMED_OUT:
        return arena_print(arena,
                           "%s gave no whole answer in time (%u ms, or %u ms without progress); "
                           "whether it has the message is unknown",
                           facts->place, facts->limits->total_ms, facts->limits->stall_ms);
    case TRANSMIT_TOO_LARGE:
        return arena_print(arena,
                           "%s sent an answer larger than %zu bytes, or %zu of headers; it was cut "
                           "off",
                           facts->place, facts->limits->body_bytes_max,
                           facts->limits->head_bytes_max);
    case TRANSMIT_STOPPED:
        return arena_print(arena, "the exchange with %s was broken off here", facts->place);
    default:
        return arena_print(arena,
                           "the connection to %s broke before a whole answer came (%s); whether it "
                           "has the message is unknown",
                           facts->place, facts->reason);
    }
}
