/* authority: the small private CA of a folder (DIR/ca unless --ca-dir names another): for our own
 * certificates, and for partners who have no CA. Runs in the caller's process;
 * certs/issue/authority.h keeps the files and their order. */
#include "certs/issue/authority.h"
#include "gateway/commands/table.h"

#include <string.h>

#include "gateway/commands/cert_parts.h"
#include "gateway/commands/lists.h"
#include "gateway/runtime/file.h"

static const char *folder_of(struct command_call *call)
{
    const char *given = command_option(call, "ca-dir");
    return given == NULL ? cert_path(call, "ca") : command_path(call, given);
}

static const char *passphrase_of(struct command_call *call)
{
    const char *given = command_option(call, "ca-passphrase-file");
    return given == NULL ? NULL : command_path(call, given);
}

/* NULL, with the findings printed, when it cannot be used. */
static struct authority *open_authority(struct command_call *call)
{
    struct finding_list findings = finding_list_new(call->arena);
    struct authority *authority = authority_open(folder_of(call), passphrase_of(call), &findings);
    if (authority == NULL)
        command_findings(call, &findings);
    return authority;
}

/* ---- init ---- */

static int init(struct command_call *call)
{
    struct finding_list findings = finding_list_new(call->arena);
    struct authority_options options = {.handle = call->words[0],
                                        .passphrase_file = passphrase_of(call)};
    const char *folder = folder_of(call);
    const char *given = command_option(call, "ca-key");
    options.key_file = given == NULL ? NULL : command_path(call, given);
    if (!cert_key_kind(call, &options.key) || !cert_days(call, &options.days))
        return fault_exit_code(FAULT_usage);
    if (!authority_init(folder, &options, &findings))
        return cert_refuse(call, &findings, FAULT_refused);
    text_print(
        &call->out,
        "Made the private CA of %s in %s.\nca.crt: for partners. ca.crl: its revocation list, "
        "good for %d days; publish a new one in time. ca.key: whoever has it can be anybody; "
        "keep it safe.\n",
        call->words[0], folder, AUTHORITY_CRL_DAYS);
    return 0;
}

/* ---- issue, sign ---- */

static const char *out_path(struct command_call *call, const char *option, const char *handle,
                            const char *ending)
{
    const char *given = command_option(call, option);
    return given != NULL ? command_path(call, given)
                         : command_path(call, arena_print(call->arena, "%s.%s", handle, ending));
}

static int issue(struct command_call *call)
{
    struct finding_list findings = finding_list_new(call->arena);
    struct request_names names;
    enum request_key kind;
    int days;
    const char *handle = call->words[0];
    const char *cert = out_path(call, "out", handle, "crt");
    const char *key = out_path(call, "out-key", handle, "key");
    if (!cert_key_kind(call, &kind) || !cert_days(call, &days))
        return fault_exit_code(FAULT_usage);
    cert_names(call, handle, NULL, &names);
    struct authority *authority = open_authority(call);
    if (authority == NULL)
        return fault_exit_code(FAULT_unreadable);
    bool done = authority_issue(authority, kind, &names, days, cert, key, &findings);
    authority_close(authority);
    if (!done)
        return cert_refuse(call, &findings, FAULT_refused);
    text_print(&call->out, "Issued %s with the key %s to urn:refgate:org:%s.\n", cert, key, handle);
    cert_note(call, "certificate-issued", arena_print(call->arena, "urn:refgate:org:%s", handle));
    return 0;
}

static int sign(struct command_call *call)
{
    struct finding_list findings = finding_list_new(call->arena);
    struct request_names names;
    int days;
    const char *request = command_path(call, call->words[0]);
    const char *handle = command_option(call, "handle");
    const char *out = command_option(call, "out");
    if (!cert_days(call, &days))
        return fault_exit_code(FAULT_usage);
    const char *cert =
        out != NULL ? command_path(call, out) : arena_print(call->arena, "%s.crt", request);
    cert_names(call, handle, NULL, &names);
    struct authority *authority = open_authority(call);
    if (authority == NULL)
        return fault_exit_code(FAULT_unreadable);
    bool done =
        authority_sign(authority, request, handle == NULL ? NULL : &names, days, cert, &findings);
    authority_close(authority);
    if (!done)
        return cert_refuse(call, &findings, FAULT_refused);
    text_print(&call->out, "Signed: %s\n", cert);
    return 0;
}

/* ---- list, revoke, publish ---- */

static void list_leaf(struct command_call *call, struct command_table *table,
                      const struct authority_leaf *leaf)
{
    const char *state = leaf->revoked_at == 0
                            ? cert_until(call, leaf->not_after)
                            : arena_print(call->arena, "revoked %s",
                                          clock_date(call->arena, leaf->revoked_at * 1000));
    if (!command_has(call, "json")) {
        command_cell(table, leaf->serial);
        command_cell(table, leaf->names);
        command_cell(table, state);
        return;
    }
    struct json *object = json_new_object(call->arena);
    json_set_text(call->arena, object, "serial", leaf->serial);
    json_set_text(call->arena, object, "names", leaf->names);
    json_set_text(call->arena, object, "not_after",
                  clock_text(call->arena, leaf->not_after * 1000));
    if (leaf->revoked_at != 0)
        json_set_text(call->arena, object, "revoked_at",
                      clock_text(call->arena, leaf->revoked_at * 1000));
    lists_object(call, object);
}

static int list(struct command_call *call)
{
    static const char *const headings[] = {"SERIAL", "NAMES", "VALID UNTIL"};
    struct command_table table = lists_table(call->arena, headings, 3);
    struct authority *authority = open_authority(call);
    if (authority == NULL)
        return fault_exit_code(FAULT_unreadable);
    struct authority_leaf *leaves;
    size_t count = authority_list(authority, call->arena, &leaves);
    authority_close(authority);
    for (size_t i = 0; i < count; i++)
        list_leaf(call, &table, &leaves[i]);
    if (!command_has(call, "json"))
        command_print_table(&table, &call->out);
    return 0;
}

static bool reason_of(struct command_call *call, enum authority_reason *ret_reason)
{
    static const struct {
        const char *word;
        enum authority_reason reason;
    } reasons[] = {{"unspecified", AUTHORITY_UNSPECIFIED},
                   {"key-compromise", AUTHORITY_KEY_COMPROMISE},
                   {"affiliation-changed", AUTHORITY_AFFILIATION_CHANGED},
                   {"superseded", AUTHORITY_SUPERSEDED},
                   {"cessation", AUTHORITY_CESSATION}};
    const char *word = command_option(call, "reason");
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        if (word != NULL && !text_equal(word, reasons[i].word))
            continue;
        *ret_reason = reasons[i].reason;
        return true;
    }
    text_print(&call->err,
               "refgate %s: found --reason %s; expected unspecified, key-compromise, "
               "affiliation-changed, superseded or cessation\n",
               call->command->name, word);
    return false;
}

/* WORD is a serial number, or a certificate file that has one. */
static const char *serial_of(struct command_call *call, const char *word)
{
    struct finding_list ignored = finding_list_new(call->arena);
    struct certificate *items;
    size_t count;
    if (word[0] != '\0' && strspn(word, "0123456789abcdefABCDEF") == strlen(word))
        return word;
    if (certificate_read(call->arena, command_path(call, word), &ignored, &items, &count))
        return items[0].serial;
    return word;
}

static void say_published(struct command_call *call, int days)
{
    text_print(
        &call->out,
        "New revocation list: %s/ca.crl, good for %d days. Your partners need it: send it to "
        "them, or put it where their setting crl_url looks.\n",
        folder_of(call), days == 0 ? AUTHORITY_CRL_DAYS : days);
}

static int revoke(struct command_call *call)
{
    struct finding_list findings = finding_list_new(call->arena);
    enum authority_reason reason;
    if (!reason_of(call, &reason))
        return fault_exit_code(FAULT_usage);
    struct authority *authority = open_authority(call);
    if (authority == NULL)
        return fault_exit_code(FAULT_unreadable);
    bool done = authority_revoke(authority, serial_of(call, call->words[0]), reason, &findings);
    authority_close(authority);
    if (!done)
        return cert_refuse(call, &findings, FAULT_not_found);
    const char *serial = serial_of(call, call->words[0]);
    text_print(&call->out, "Revoked %s.\n", serial);
    say_published(call, 0);
    bool is_taken = cert_reload_and_wait(call);
    cert_note(call, "certificate-revoked", serial);
    if (is_taken)
        return 0;
    text_print(
        &call->err,
        "refgate: %s is revoked in the list, but the running service has not taken the list: "
        "it may still admit that certificate. Run `refgate reload`, or stop the service\n",
        serial);
    return fault_exit_code(FAULT_busy);
}

static int publish(struct command_call *call)
{
    struct finding_list findings = finding_list_new(call->arena);
    int days;
    if (!cert_days(call, &days))
        return fault_exit_code(FAULT_usage);
    struct authority *authority = open_authority(call);
    if (authority == NULL)
        return fault_exit_code(FAULT_unreadable);
    bool done = authority_publish(authority, days, &findings);
    authority_close(authority);
    if (!done)
        return cert_refuse(call, &findings, FAULT_unreadable);
    say_published(call, days);
    return 0;
}

#define CA_OPTIONS                                                                                 \
    {"ca-dir", "FOLDER", "folder of the CA; default: ca in the data folder", false},               \
        {"ca-passphrase-file", "FILE", "first line opens ca.key", false},                          \
    {                                                                                              \
        NULL, NULL, NULL, false                                                                    \
    }

static const struct command_option init_options[] = {
    {"key-type", "p256|rsa2048|rsa3072", "kind of its key; default p256", false},
    {"days", "N", "how long it is to be valid; default 3650", false},
    {"ca-key", "FILE", "a key that is there already (PEM, or the pkcs11: URI of one in a token)",
     false},
    CA_OPTIONS,
};
static const struct command_option issue_options[] = {
    {"dns", "NAME", "DNS name that partners connect to", true},
    {"ip", "ADDRESS", "address that partners connect to", true},
    {"days", "N", "how long it is to be valid; default 365, at most 825", false},
    {"key-type", "p256|rsa2048|rsa3072", "kind of the key; default p256", false},
    {"out", "FILE", "certificate; default HANDLE.crt", false},
    {"out-key", "FILE", "key; default HANDLE.key", false},
    CA_OPTIONS,
};
static const struct command_option sign_options[] = {
    {"handle", "HANDLE",
     "names instead of those of the request: urn:refgate:org:HANDLE, --dns, --ip", false},
    {"dns", "NAME", "with --handle: DNS name", true},
    {"ip", "ADDRESS", "with --handle: address", true},
    {"days", "N", "how long it is to be valid; default 365, at most 825", false},
    {"out", "FILE", "certificate; default REQUEST.crt", false},
    CA_OPTIONS,
};
static const struct command_option revoke_options[] = {
    {"reason", "WORD", "unspecified, key-compromise, affiliation-changed, superseded or cessation",
     false},
    CA_OPTIONS,
};
static const struct command_option publish_options[] = {
    {"days", "N", "how long the list is good; default 30", false},
    CA_OPTIONS,
};
static const struct command_option list_options[] = {CA_OPTIONS};

#define HERE(name, arguments, help, words, run, options)                                           \
    {                                                                                              \
        name, arguments, help, COMMAND_HERE, words, words, run, options                            \
    }
const struct command commands_authority[] = {
    HERE("cert authority init", "HANDLE", "a private CA", 1, init, init_options),
    HERE("cert authority issue", "HANDLE", "a key and a certificate from the private CA", 1, issue,
         issue_options),
    HERE("cert authority sign", "REQUEST", "a certificate for a partner's request", 1, sign,
         sign_options),
    HERE("cert authority list", "", "what the private CA issued and revoked", 0, list,
         list_options),
    HERE("cert authority revoke", "SERIAL|FILE", "revoke a certificate and publish the list", 1,
         revoke, revoke_options),
    HERE("cert authority publish", "", "a new revocation list", 0, publish, publish_options),
    HERE("cert revoke", "SERIAL|FILE", "the same as cert authority revoke", 1, revoke,
         revoke_options),
    {NULL, NULL, NULL, COMMAND_HERE, 0, 0, NULL, NULL},
};
