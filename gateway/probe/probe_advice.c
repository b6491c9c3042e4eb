/* probe_advice: see probe_advice.h. */
#include "gateway/probe/probe_advice.h"

#include <string.h>

#include "gateway/tls/own_ca.h"

/* What the other side's alert tells about us. */
const char *probe_advice_on_refusal(const struct probe_options *options, const char *sentence)
{
    static const struct {
        const char *alert, *advice;
    } known[] = {
        {"unknown ca",
         "it does not trust our CA: send the partner our CA certificate (the file of the "
         "setting ca_file), to be named as ca_file in its file about us"},
        {"certificate expired", "our certificate, or our CA, has run out: refgate cert show, then "
                                "refgate cert renew or cert install"},
        {"certificate revoked",
         "our certificate was revoked: get a new one (refgate cert request)"},
        {"unsupported certificate",
         "our certificate lacks a usage: it needs clientAuth and serverAuth (refgate cert show)"},
        {"certificate unknown", "the partner has no fresh revocation list of our CA: publish one "
                                "(refgate cert authority publish) and send it, or ask the partner"},
        {"unrecognized name",
         "it does not answer to this host name: correct url in the partner's file, "
         "or the partner adds the name to its setting server_names"},
        {"protocol version", "it speaks none of TLS 1.2 and 1.3: its system must be updated"},
        {"handshake failure",
         "no common cipher suite or signature: its system must allow ECDHE with "
         "AES-GCM"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strstr(sentence, known[i].alert) != NULL)
            return known[i].advice;
    }
    return arena_print(
        options->arena,
        "it does not take our certificate and does not say why. At the partner: refgate partner "
        "list must show %s, not disabled; its partners/%s.ca.crt must be our keys/ca.crt (compare "
        "the pin that refgate cert show prints on both sides); both clocks must be right",
        options->setup->config.org, options->setup->config.org);
}

/* A chain that does not end in the CA that we have of the partner: whose is the one we have? */
static const char *advice_on_ca(const struct probe_options *options,
                                const struct verify_peer *server)
{
    struct arena *arena = options->arena;
    const struct partner *partner = options->partner;
    struct finding_list ignored = finding_list_new(arena);
    struct certificate *items;
    size_t count;
    const char *own_ca = own_ca_sentence(options->setup->dir, arena, partner);
    if (own_ca != NULL || partner->ca_file[0] == '\0')
        return own_ca;
    if (!certificate_read(arena, setup_path(options->setup, arena, partner->ca_file), &ignored,
                          &items, &count))
        return arena_print(arena,
                           "%s here holds no certificate that can be read, so nobody is believed: "
                           "ask %s, by telephone, for its CA certificate (its keys/ca.crt) and put "
                           "it there",
                           partner->ca_file, partner->name);
    return arena_print(arena,
                       "%s here holds %s, and that certificate was issued by %s: ask %s, by "
                       "telephone, for its CA certificate (its keys/ca.crt) and put it into %s. If "
                       "%s says that ours is right, somebody else answers at this address",
                       partner->ca_file, items[0].subject, server->issuer, partner->name,
                       partner->ca_file, partner->name);
}

const char *probe_advice_on_verdict(const struct probe_options *options,
                                    const struct verify_peer *server)
{
    static const enum verdict chains[] = {VERDICT_foreign_ca, VERDICT_unknown_ca,
                                          VERDICT_incomplete, VERDICT_false_ca,
                                          VERDICT_self_signed};
    const char *advice = NULL;
    for (size_t i = 0; i < sizeof chains / sizeof *chains && advice == NULL; i++) {
        if (server->verdict == chains[i])
            advice = advice_on_ca(options, server);
    }
    return advice != NULL ? advice : verdict_sentence(server->verdict);
}
