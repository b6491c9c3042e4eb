/* cert: our certificate: shown, requested, put in place after all checks, taken back, renewed.
 *
 * Runs in the caller's process; a running service is told to take what changed. Nothing is replaced
 * before the new pair passed every check, a handshake with ourselves and, if asked, one with a
 * partner (docs/decisions/0010-install.md). */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "certs/issue/authority.h"
#include "certs/issue/install.h"
#include "gateway/commands/cert_parts.h"
#include "gateway/commands/lists.h"
#include "gateway/commands/table.h"
#include "gateway/probe/probe.h"
#include "gateway/runtime/file.h"
#include "gateway/tls/tls.h"

enum { FILE_MAX_BYTES = 1 << 20 };

/* What `cert request` and `cert renew` leave beside the pair until it is installed. */
static const char new_key[] = "keys/new.key";
static const char new_request[] = "keys/new.csr";
static const char new_certificate[] = "keys/new.crt";

/* ---- show ---- */

static int show_file(struct command_call *call, const char *file)
{
    struct finding_list findings = finding_list_new(call->arena);
    struct certificate *items;
    size_t count;
    if (!certificate_read(call->arena, command_path(call, file), &findings, &items, &count))
        return cert_refuse(call, &findings, FAULT_unreadable);
    for (size_t i = 0; i < count; i++)
        cert_print(call, i == 0 ? "certificate" : "issuer", file, &items[i]);
    return 0;
}

static void show_term(struct command_call *call, struct command_table *table,
                      const struct trust_term *term)
{
    const char *partner = term->partner == NULL ? "ourselves" : term->partner;
    int days = certificate_days_left(term->until, clock_wall_ms(&call->clock) / 1000);
    if (!command_has(call, "json")) {
        command_cell(table, partner);
        command_cell(table, term->what);
        command_cell(table, term->issuer);
        command_cell(table, cert_until(call, term->until));
        return;
    }
    struct json *object = json_new_object(call->arena);
    json_set_text(call->arena, object, "what", term->what);
    json_set_text(call->arena, object, "partner", partner);
    json_set_text(call->arena, object, "issuer", term->issuer);
    json_set_text(call->arena, object, "since", clock_text(call->arena, term->since * 1000));
    json_set_text(call->arena, object, "until", clock_text(call->arena, term->until * 1000));
    json_set(call->arena, object, "days_left", json_new_whole(call->arena, days));
    lists_object(call, object);
}

/* The CA certificates and revocation lists of all partners. */
static void show_terms(struct command_call *call, const struct context *context)
{
    static const char *const headings[] = {"PARTNER", "WHAT", "ISSUER", "UNTIL"};
    struct command_table table = lists_table(call->arena, headings, 4);
    struct trust_term *terms;
    size_t count = trust_terms(context_trust(context), call->arena, &terms);
    for (size_t i = 0; i < count; i++)
        show_term(call, &table, &terms[i]);
    if (command_has(call, "json") || count == 0)
        return;
    text_add(&call->out, "\n");
    command_print_table(&table, &call->out);
}

static int show(struct command_call *call)
{
    struct finding_list findings = finding_list_new(call->arena);
    struct cert_place place;
    struct setup *setup = NULL;
    struct certificate *items;
    size_t count;
    if (call->word_count > 0)
        return show_file(call, call->words[0]);
    if (!cert_find_place(call, &place))
        return fault_exit_code(FAULT_settings);
    if (!certificate_read(call->arena, place.live.cert_file, &findings, &items, &count))
        return cert_refuse(call, &findings, FAULT_unreadable);
    for (size_t i = 0; i < count; i++)
        cert_print(call, i == 0 ? "ours" : "issuer", place.config.cert_file, &items[i]);
    if (setup_load(call->dir, &findings, &setup)) {
        struct context *context = tls_context(setup, &findings);
        if (context != NULL)
            show_terms(call, context);
        context_release(context);
    }
    setup_release(setup);
    command_findings(call, &findings);
    return 0;
}

/* ---- request ---- */

static int request(struct command_call *call)
{
    struct finding_list findings = finding_list_new(call->arena);
    struct cert_place place;
    struct request_names names;
    enum request_key kind;
    const char *out = command_option(call, "out");
    const char *csr = out == NULL ? cert_path(call, new_request) : command_path(call, out);
    if (!cert_key_kind(call, &kind) || !cert_find_place(call, &place))
        return fault_exit_code(FAULT_usage);
    cert_names(call, place.config.org, place.live.cert_file, &names);
    const char *given = command_option(call, "key");
    bool is_made = given == NULL
                       ? request_new(kind, &names, cert_path(call, new_key), csr, &findings)
                       : request_for_key(command_path(call, given), place.live.passphrase_file,
                                         &names, cert_path(call, new_key), csr, &findings);
    if (!is_made) {
        command_findings(call, &findings);
        text_print(&call->err,
                   "refgate cert request: an earlier request is given up by removing %s\n",
                   cert_path(call, new_key));
        return fault_exit_code(FAULT_unreadable);
    }
    text_print(&call->out,
               "Made a %s (%s, keep it there) and a request for it (%s).\nLet your CA sign the "
               "request for client and server use, then: refgate cert install --cert FILE\n",
               given == NULL ? "new key" : "copy of the key", cert_path(call, new_key), csr);
    return 0;
}

/* ---- install ---- */

static bool replace_ca(struct command_call *call, const struct cert_place *place, const char *ca,
                       struct finding_list *findings)
{
    size_t length;
    const char *fresh = file_read(call->arena, ca, FILE_MAX_BYTES, &length, findings);
    if (fresh == NULL)
        return false;
    const char *previous = arena_print(call->arena, "%s.previous", place->ca_file);
    struct finding_list ignored = finding_list_new(call->arena);
    size_t old_length;
    const char *old = file_read(call->arena, place->ca_file, FILE_MAX_BYTES, &old_length, &ignored);
    if ((old == NULL || file_replace(previous, old, old_length, 0644)) &&
        file_replace(place->ca_file, fresh, length, 0644))
        return true;
    finding_add(findings, (struct finding){.file = place->ca_file,
                                           .found = arena_copy(call->arena, strerror(errno)),
                                           .expected = "a file that can be written"});
    return false;
}

/* Shows the new certificate to a partner and asks for its /metadata. */
static bool try_partner(struct command_call *call, const struct identity_files *files,
                        const char *name)
{
    struct finding_list findings = finding_list_new(call->arena);
    struct probe_report report = {.is_failed = true};
    struct setup *setup = NULL;
    struct context *context = NULL;
    const struct partner *partner = NULL;
    if (setup_load(call->dir, &findings, &setup)) {
        context = tls_context_with(setup, files, &findings);
        partner = folder_partner(&setup->partners, name);
    }
    if (context != NULL && partner != NULL) {
        const struct probe_options options = {
            .setup = setup, .context = context, .partner = partner, .arena = call->arena};
        probe_partner(&options, &report);
        const struct probe_step *last = &report.steps[report.count - 1];
        text_print(report.is_failed ? &call->err : &call->out, "Trial with %s: %s: %s%s%s\n", name,
                   last->name, last->said, last->advice == NULL ? "" : "\n  what to do: ",
                   last->advice == NULL ? "" : last->advice);
    } else {
        command_findings(call, &findings);
        text_print(&call->err, "refgate cert install: found no partner %s to try it with\n", name);
    }
    context_release(context);
    setup_release(setup);
    return !report.is_failed;
}

static bool try_partners(struct command_call *call, const struct identity_files *files)
{
    const char *const *names;
    size_t count = command_all(call, "partner", &names);
    for (size_t i = 0; i < count; i++) {
        if (!try_partner(call, files, names[i]))
            return false;
    }
    return true;
}

/* A DNS name that partners may know us by instead of our URI. */
static const char *dns_name_of(struct command_call *call, const char *cert_file)
{
    struct request_names names;
    struct command_call without_options = {.arena = call->arena};
    cert_names(&without_options, NULL, cert_file, &names);
    return names.dns_count == 0 ? NULL : names.dns[0];
}

static int not_installed(struct command_call *call, const struct finding_list *findings)
{
    command_findings(call, findings);
    text_add(&call->err, "Nothing was replaced; the old pair is in use.\n");
    return fault_exit_code(FAULT_refused);
}

/* Checks and installs the pair; CA NULL: our issuer stays. */
static int put_in_place(struct command_call *call, const struct cert_place *place,
                        const struct identity_files *fresh, const char *ca)
{
    struct finding_list findings = finding_list_new(call->arena);
    const struct install install = {.cert_file = fresh->cert_file,
                                    .key_file = fresh->key_file,
                                    .live = place->live,
                                    .ca_file = ca == NULL ? place->ca_file : ca,
                                    .handle = place->config.org,
                                    .dns = dns_name_of(call, place->live.cert_file),
                                    .now = clock_wall_ms(&call->clock) / 1000};
    if (!install_check(&install, &findings) || !try_partners(call, fresh))
        return not_installed(call, &findings);
    if (command_has(call, "check")) {
        text_add(&call->out, "The pair passed every check. Nothing was replaced.\n");
        return 0;
    }
    if (!install_apply(&install, &findings))
        return not_installed(call, &findings);
    if (ca != NULL && !replace_ca(call, place, ca, &findings))
        return cert_refuse(call, &findings, FAULT_unreadable);
    struct certificate *items;
    size_t count;
    if (certificate_read(call->arena, place->live.cert_file, &findings, &items, &count))
        text_print(&call->out,
                   "Installed: valid until %s. The old pair is kept: refgate cert rollback\n",
                   cert_until(call, items[0].not_after));
    cert_reload(call);
    return 0;
}

static int install(struct command_call *call)
{
    struct cert_place place;
    const char *cert = command_option(call, "cert");
    const char *key = command_option(call, "key");
    const char *ca = command_option(call, "ca");
    const char *made = cert_path(call, new_key);
    if (cert == NULL) {
        text_add(&call->err, "refgate cert install: found no --cert; expected --cert FILE\n");
        return fault_exit_code(FAULT_usage);
    }
    if (!cert_find_place(call, &place))
        return fault_exit_code(FAULT_settings);
    /* Without --key: the key of our own request, else (renewed with the old key) the one in use. */
    const char *chosen = key != NULL         ? command_path(call, key)
                         : file_exists(made) ? made
                                             : place.live.key_file;
    const struct identity_files fresh = {command_path(call, cert), chosen,
                                         place.live.passphrase_file};
    int code = put_in_place(call, &place, &fresh, ca == NULL ? NULL : command_path(call, ca));
    if (code == 0 && text_equal(chosen, made) && !command_has(call, "check")) {
        unlink(made); /* it is in its place now; a second copy would only be a risk */
        unlink(cert_path(call, new_request));
    }
    return code;
}

static int rollback(struct command_call *call)
{
    struct finding_list findings = finding_list_new(call->arena);
    struct cert_place place;
    if (!cert_find_place(call, &place))
        return fault_exit_code(FAULT_settings);
    if (!install_rollback(&place.live, &findings))
        return cert_refuse(call, &findings, FAULT_refused);
    const char *ca = arena_print(call->arena, "%s.previous", place.ca_file);
    if (file_exists(ca) && !replace_ca(call, &place, ca, &findings))
        return cert_refuse(call, &findings, FAULT_unreadable);
    text_add(&call->out,
             "The earlier pair is in place again; refgate cert rollback undoes this.\n");
    cert_reload(call);
    return 0;
}

/* ---- renew, from our own CA ---- */

static bool make_renewed(struct command_call *call, const struct cert_place *place, int days,
                         const struct identity_files *fresh, struct finding_list *findings)
{
    const char *passphrase = command_option(call, "ca-passphrase-file");
    struct authority *authority =
        authority_open(cert_path(call, "ca"),
                       passphrase == NULL ? NULL : command_path(call, passphrase), findings);
    if (authority == NULL)
        return false;
    struct request_names names;
    cert_names(call, place->config.org, place->live.cert_file, &names);
    bool is_same_key = fresh->key_file == place->live.key_file;
    enum request_key kind;
    bool made = is_same_key ? authority_renew(authority, place->live.cert_file, days,
                                              fresh->cert_file, findings)
                            : cert_key_kind(call, &kind) &&
                                  authority_issue(authority, kind, &names, days, fresh->cert_file,
                                                  fresh->key_file, findings);
    authority_close(authority);
    return made;
}

static int renew(struct command_call *call)
{
    struct finding_list findings = finding_list_new(call->arena);
    struct cert_place place;
    int days;
    if (!cert_days(call, &days) || !cert_find_place(call, &place))
        return fault_exit_code(FAULT_usage);
    if (!file_exists(cert_path(call, "ca/ca.key"))) {
        text_add(&call->err, "refgate cert renew: found no private CA in this folder; expected "
                             "ca/ca.key. Ask the CA "
                             "that issued the certificate: refgate cert request\n");
        return fault_exit_code(FAULT_not_found);
    }
    const struct identity_files fresh = {cert_path(call, new_certificate),
                                         command_has(call, "new-key") ? cert_path(call, new_key)
                                                                      : place.live.key_file,
                                         place.live.passphrase_file};
    unlink(fresh.cert_file); /* left by a renewal that was not installed */
    if (!make_renewed(call, &place, days, &fresh, &findings))
        return cert_refuse(call, &findings, FAULT_refused);
    int code = put_in_place(call, &place, &fresh, NULL);
    unlink(fresh.cert_file);
    if (fresh.key_file != place.live.key_file)
        unlink(fresh.key_file);
    return code;
}

static const struct command_option request_options[] = {
    {"key-type", "p256|rsa2048|rsa3072", "kind of the new key; default p256", false},
    {"dns", "NAME", "DNS name that partners connect to; default: those of the present certificate",
     true},
    {"ip", "ADDRESS", "address that partners connect to", true},
    {"key", "FILE", "a key that is there already (PEM, or the pkcs11: URI of one in a token)",
     false},
    {"out", "FILE", "where to write the request; default keys/new.csr", false},
    {NULL, NULL, NULL, false},
};
static const struct command_option install_options[] = {
    {"cert", "FILE", "the new certificate and its intermediates (PEM)", false},
    {"key", "FILE", "its key (PEM); default: that of cert request, else the present one", false},
    {"ca", "FILE", "the CA that issued it, when it is another one than before (PEM)", false},
    {"partner", "NAME", "also show it to this partner before anything is replaced", true},
    {"check", NULL, "only check; replace nothing", false},
    {NULL, NULL, NULL, false},
};
static const struct command_option renew_options[] = {
    {"days", "N", "how long it is to be valid; default 365", false},
    {"new-key", NULL,
     "with a new key; partners who pinned the old one must learn the new pin first", false},
    {"key-type", "p256|rsa2048|rsa3072", "kind of a new key; default p256", false},
    {"ca-passphrase-file", "FILE", "opens ca/ca.key", false},
    {"partner", "NAME", "also show it to this partner before anything is replaced", true},
    {"check", NULL, "only check; replace nothing", false},
    {NULL, NULL, NULL, false},
};

const struct command commands_cert[] = {
    {"cert show", "[FILE]", "our certificate, its chain, and the partners' CAs and lists",
     COMMAND_HERE, 0, 1, show, NULL},
    {"cert request", "", "a new key, and a request for a CA to sign", COMMAND_HERE, 0, 0, request,
     request_options},
    {"cert install", "--cert FILE", "put a new certificate in place after all checks", COMMAND_HERE,
     0, 0, install, install_options},
    {"cert rollback", "", "the pair before the last cert install again", COMMAND_HERE, 0, 0,
     rollback, NULL},
    {"cert renew", "", "a new certificate from this folder's own CA, installed", COMMAND_HERE, 0, 0,
     renew, renew_options},
    {NULL, NULL, NULL, COMMAND_HERE, 0, 0, NULL, NULL},
};
