/* cert_parts: what the `cert` commands share: paths, words for keys, one certificate shown, and
 * asking the running service to take what was changed. See cert_parts.h. Blocking. */
#include "gateway/commands/cert_parts.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certs/issue/install.h"
#include "gateway/audit/audit.h"
#include "gateway/commands/lists.h"
#include "gateway/data_folder/data_folder.h"
#include "gateway/runtime/file.h"
#include "gateway/service/control.h"

enum { STATE_MAX = 4096, STATE_TRIES = 200, STATE_WAIT_US = 50 * 1000 };

bool cert_find_place(struct command_call *call, struct cert_place *ret_place)
{
    extern char **environ;
    struct finding_list findings = finding_list_new(call->arena);
    struct config *config = &ret_place->config;
    if (!folder_config(call->arena, call->dir, (const char *const *)environ, &findings, config,
                       NULL)) {
        command_findings(call, &findings);
        return false;
    }
    const char *passphrase = config->key_passphrase_file;
    ret_place->ca_file = cert_path(call, config->ca_file);
    ret_place->live = (struct identity_files){
        .cert_file = cert_path(call, config->cert_file),
        .key_file = cert_path(call, config->key_file),
        .passphrase_file = passphrase[0] == '\0' ? NULL : cert_path(call, passphrase)};
    return true;
}

const char *cert_path(struct command_call *call, const char *name)
{
    return folder_path(call->arena, call->dir, name);
}

bool cert_key_kind(struct command_call *call, enum request_key *ret_kind)
{
    static const struct {
        const char *word;
        enum request_key kind;
    } kinds[] = {{"p256", REQUEST_KEY_P256},
                 {"rsa2048", REQUEST_KEY_RSA2048},
                 {"rsa3072", REQUEST_KEY_RSA3072}};
    const char *word = command_option(call, "key-type");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (word != NULL && !text_equal(word, kinds[i].word))
            continue;
        *ret_kind = kinds[i].kind;
        return true;
    }
    text_print(&call->err, "refgate %s: found --key-type %s; expected p256, rsa2048 or rsa3072\n",
               call->command->name, word);
    return false;
}

bool cert_days(struct command_call *call, int *ret_days)
{
    const char *word = command_option(call, "days");
    char *end;
    *ret_days = 0;
    if (word == NULL)
        return true;
    long days = strtol(word, &end, 10);
    if (*end == '\0' && days > 0 && days < 100000) {
        *ret_days = (int)days;
        return true;
    }
    text_print(&call->err, "refgate %s: found --days %s; expected a number of days\n",
               call->command->name, word);
    return false;
}

/* ---- names ---- */

/* Names of one kind (`DNS:`, `IP:`) of a certificate. */
static size_t names_of_kind(struct arena *arena, const struct certificate *certificate,
                            const char *kind, const char *const **ret_names)
{
    const char **names = arena_array(arena, certificate->name_count + 1, sizeof *names);
    size_t count = 0;
    for (size_t i = 0; i < certificate->name_count; i++) {
        if (text_starts(certificate->names[i], kind))
            names[count++] = certificate->names[i] + strlen(kind);
    }
    *ret_names = names;
    return count;
}

void cert_names(struct command_call *call, const char *handle, const char *old_file,
                struct request_names *ret_names)
{
    struct finding_list ignored = finding_list_new(call->arena);
    struct certificate *old;
    size_t count;
    *ret_names = (struct request_names){.handle = handle};
    ret_names->dns_count = command_all(call, "dns", &ret_names->dns);
    ret_names->ip_count = command_all(call, "ip", &ret_names->ip);
    if (ret_names->dns_count + ret_names->ip_count > 0 || old_file == NULL ||
        !certificate_read(call->arena, old_file, &ignored, &old, &count))
        return;
    ret_names->dns_count = names_of_kind(call->arena, &old[0], "DNS:", &ret_names->dns);
    ret_names->ip_count = names_of_kind(call->arena, &old[0], "IP:", &ret_names->ip);
}

/* ---- showing ---- */

const char *cert_until(struct command_call *call, int64_t not_after)
{
    int days = certificate_days_left(not_after, clock_wall_ms(&call->clock) / 1000);
    const char *date = clock_date(call->arena, not_after * 1000);
    return days >= 0 ? arena_print(call->arena, "%s, %d days left", date, days)
                     : arena_print(call->arena, "%s, over for %d days", date, -days);
}

static const char *join(struct arena *arena, const struct certificate *certificate)
{
    struct text all = text_new(arena, 64 * 1024);
    for (size_t i = 0; i < certificate->name_count; i++)
        text_print(&all, "%s%s", i == 0 ? "" : ", ", certificate->names[i]);
    return certificate->name_count == 0 ? "none" : all.at;
}

static const char *usage_words(const struct certificate *certificate)
{
    if (certificate->is_ca)
        return "a CA";
    if (certificate->for_client && certificate->for_server)
        return "client and server";
    if (certificate->for_client)
        return "client only: partners cannot connect to it";
    return certificate->for_server ? "server only: it cannot connect to partners"
                                   : "none: every partner refuses it";
}

static void print_object(struct command_call *call, const char *title, const char *file,
                         const struct certificate *certificate)
{
    struct arena *arena = call->arena;
    struct json *object = json_new_object(arena);
    struct json *names = json_new_list(arena);
    int days = certificate_days_left(certificate->not_after, clock_wall_ms(&call->clock) / 1000);
    for (size_t i = 0; i < certificate->name_count; i++)
        json_push(names, json_new_text(arena, certificate->names[i]));
    json_set_text(arena, object, "what", title);
    json_set_text(arena, object, "file", file);
    json_set_text(arena, object, "subject", certificate->subject);
    json_set_text(arena, object, "issuer", certificate->issuer);
    json_set_text(arena, object, "serial", certificate->serial);
    json_set(arena, object, "names", names);
    json_set_text(arena, object, "key", certificate->key);
    json_set_text(arena, object, "signature", certificate->signature);
    json_set(arena, object, "ca", json_new_boolean(arena, certificate->is_ca));
    json_set(arena, object, "client", json_new_boolean(arena, certificate->for_client));
    json_set(arena, object, "server", json_new_boolean(arena, certificate->for_server));
    json_set_text(arena, object, "not_before", clock_text(arena, certificate->not_before * 1000));
    json_set_text(arena, object, "not_after", clock_text(arena, certificate->not_after * 1000));
    json_set(arena, object, "days_left", json_new_whole(arena, days));
    json_set_text(arena, object, "pin", arena_print(arena, "sha256//%s", certificate->pin));
    json_set_text(arena, object, "fingerprint", certificate->fingerprint);
    lists_object(call, object);
}

void cert_print(struct command_call *call, const char *title, const char *file,
                const struct certificate *certificate)
{
    struct text *out = &call->out;
    if (command_has(call, "json")) {
        print_object(call, title, file, certificate);
        return;
    }
    text_print(out, "%s (%s)\n", title, file);
    text_print(out, "  subject    %s\n", certificate->subject);
    text_print(out, "  issuer     %s\n", certificate->issuer);
    text_print(out, "  serial     %s\n", certificate->serial);
    if (!certificate->is_ca)
        text_print(out, "  names      %s\n", join(call->arena, certificate));
    text_print(out, "  key        %s, signed with %s\n", certificate->key, certificate->signature);
    text_print(out, "  use        %s\n", usage_words(certificate));
    text_print(out, "  valid      %s to %s\n",
               clock_date(call->arena, certificate->not_before * 1000),
               cert_until(call, certificate->not_after));
    text_print(out, "  pin        sha256//%s\n", certificate->pin);
}

int cert_refuse(struct command_call *call, const struct finding_list *findings,
                enum fault_kind kind)
{
    command_findings(call, findings);
    return fault_exit_code(kind);
}

void cert_reload(struct command_call *call)
{
    const char *const arguments[] = {"reload"};
    int code;
    control_ask(call, arguments, 1, &code);
}

/* Does another process hold the folder? */
static bool is_held(struct command_call *call)
{
    struct fault fault;
    int lock = -1;
    if (!file_exists(cert_path(call, "lock"))) /* whoever only asks leaves none behind */
        return false;
    if (office_lock(call->dir, call->arena, &lock, &fault)) {
        close(lock);
        return false;
    }
    return fault.kind == FAULT_locked;
}

/* What the running service answers; "" when it does not. */
static const char *answer_of(struct command_call *call, const char *const *arguments, size_t count)
{
    struct command_call ask = *call;
    int code = 0;
    ask.out = text_new(call->arena, STATE_MAX);
    ask.err = text_new(call->arena, STATE_MAX);
    if (!control_ask(&ask, arguments, count, &code) || code != 0)
        return "";
    return ask.out.at;
}

/* The running service's word on a partner. */
static const char *state_of(struct command_call *call, const char *partner)
{
    const char *const arguments[] = {"partner", "state", partner};
    return answer_of(call, arguments, 3);
}

/* Which generation of its files the running service has. */
static long generation_of(struct command_call *call)
{
    const char *const arguments[] = {"reload", "state"};
    return strtol(answer_of(call, arguments, 2), NULL, 10);
}

bool cert_reload_and_wait(struct command_call *call)
{
    if (!is_held(call))
        return true;
    long before = generation_of(call);
    cert_reload(call);
    for (int tries = 0; tries < STATE_TRIES && before > 0; tries++) {
        if (generation_of(call) > before)
            return true;
        usleep(STATE_WAIT_US);
    }
    return !is_held(call);
}

/* False with the fault when a store is there and cannot be written. */
static bool write_note(struct command_call *call, const char *what, const char *subject,
                       struct fault *ret_fault)
{
    int lock = -1;
    struct store *store;
    const char *path = cert_path(call, "store.db");
    if (!file_exists(path))
        return true; /* a CA, or partners, without a gateway */
    if (!office_lock(call->dir, call->arena, &lock, ret_fault))
        return false;
    bool opened = store_open(path, &store, call->arena, ret_fault);
    bool written = opened && store_begin(store);
    if (written) {
        audit_write(store, &(struct store_audit){.at_ms = clock_wall_ms(&call->clock),
                                                 .what = what,
                                                 .subject = subject,
                                                 .actor = call->caller});
        written = store_commit(store, ret_fault);
    }
    if (opened)
        store_close(store);
    close(lock);
    return written;
}

void cert_note(struct command_call *call, const char *what, const char *subject)
{
    const char *const arguments[] = {"audit", "note", what, subject};
    struct fault fault = {FAULT_none, NULL};
    if (answer_of(call, arguments, 4)[0] != '\0' || write_note(call, what, subject, &fault))
        return;
    text_print(&call->err, "refgate: the audit has no row about that (%s %s): %s\n", what, subject,
               fault_sentence(&fault));
}

bool cert_wait_disabled(struct command_call *call, const char *partner)
{
    for (int tries = 0; tries < STATE_TRIES; tries++) {
        if (text_equal(state_of(call, partner), "disabled\n"))
            return true;
        if (tries == 0 && !is_held(call))
            return true;
        usleep(STATE_WAIT_US);
    }
    return !is_held(call);
}

/* ---- a pair that init is given ---- */

enum { KEY_MAX_BYTES = 1 << 20 };

/* A key that opens with a passphrase, or is in a token: the setting that says how comes later, and
 * then `check` looks at the pair. */
static bool opens_later(const struct command_call *call, const char *key)
{
    struct finding_list ignored = finding_list_new(call->arena);
    size_t length;
    const char *text = file_read(call->arena, key, KEY_MAX_BYTES, &length, &ignored);
    return text != NULL && (strstr(text, "ENCRYPTED") != NULL || text_starts(text, "pkcs11:"));
}

/* A DNS name by which partners may know us instead of our URN. */
static const char *dns_name_in(const struct command_call *call, const char *cert)
{
    struct finding_list ignored = finding_list_new(call->arena);
    struct certificate *items;
    size_t count;
    if (!certificate_read(call->arena, cert, &ignored, &items, &count))
        return NULL;
    for (size_t i = 0; i < items[0].name_count; i++) {
        if (text_starts(items[0].names[i], "DNS:") &&
            !text_equal(items[0].names[i], "DNS:localhost"))
            return items[0].names[i] + strlen("DNS:");
    }
    return NULL;
}

bool cert_check_given(const struct command_call *call, const char *org,
                      struct finding_list *findings)
{
    const char *cert = command_path(call, command_option(call, "cert"));
    const char *key = command_path(call, command_option(call, "key"));
    const struct install install = {.cert_file = cert,
                                    .key_file = key,
                                    .ca_file = command_path(call, command_option(call, "ca")),
                                    .handle = org,
                                    .dns = dns_name_in(call, cert),
                                    .now = clock_wall_ms(&call->clock) / 1000};
    return opens_later(call, key) || install_check(&install, findings);
}
