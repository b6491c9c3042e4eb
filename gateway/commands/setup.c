/* setup: a new gateway, its settings and its partners. */
#include "gateway/commands/table.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "certs/issue/authority.h"
#include "gateway/commands/ask.h"
#include "gateway/commands/cert_parts.h"
#include "gateway/commands/lists.h"
#include "gateway/people/people.h"
#include "gateway/runtime/file.h"
#include "gateway/tls/own_ca.h"
#include "gateway/tls/revocation.h"
#include "gateway/tls/tls.h"

enum { FILE_MAX_BYTES = 1 << 20 };

/* ---- init ---- */

static const char *const folders[] = {"",           "keys",         "ca",
                                      "partners",   "records",      "records/out",
                                      "records/in", "records/sent", "records/refused"};

static bool put(struct command_call *call, const char *dir, const char *name, const char *text,
                unsigned mode)
{
    const char *path = arena_print(call->arena, "%s/%s", dir, name);
    if (file_replace(path, text, strlen(text), mode))
        return true;
    text_print(&call->err, "refgate: %s cannot be written: %s\n", path, strerror(errno));
    return false;
}

static bool copy(struct command_call *call, const char *from, const char *dir, const char *name,
                 unsigned mode, struct finding_list *findings)
{
    size_t length;
    const char *text =
        file_read(call->arena, command_path(call, from), FILE_MAX_BYTES, &length, findings);
    return text != NULL && put(call, dir, name, text, mode);
}

static bool is_address(const char *host)
{
    unsigned char bytes[16];
    return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

/* HOST of "HOST:PORT" or "[::1]:PORT". */
static const char *host_of(struct arena *arena, const char *listen)
{
    const char *colon = strrchr(listen, ':');
    size_t length = colon == NULL ? strlen(listen) : (size_t)(colon - listen);
    if (length >= 2 && listen[0] == '[')
        return arena_copy_n(arena, listen + 1, length - 2);
    return arena_copy_n(arena, listen, length);
}

/* A private CA of this gateway's own, and a first certificate from it. */
static bool make_keys(struct command_call *call, const char *dir, const char *org,
                      const char *listen, struct finding_list *findings)
{
    const char *ca = arena_print(call->arena, "%s/ca", dir);
    const char *host = host_of(call->arena, listen);
    bool is_any = text_equal(host, "0.0.0.0") || text_equal(host, "::");
    struct authority_options options = {.handle = org};
    struct request_names names = {.handle = org};
    static const char *const localhost[] = {"localhost"};
    if (is_any) {
        names.dns = localhost;
        names.dns_count = 1;
    } else if (is_address(host)) {
        names.ip = &host;
        names.ip_count = 1;
    } else {
        names.dns = &host;
        names.dns_count = 1;
    }
    if (!authority_finish(ca, &options, findings))
        return false;
    struct authority *authority = authority_open(ca, NULL, findings);
    if (authority == NULL)
        return false;
    const char *cert = arena_print(call->arena, "%s/keys/gateway.crt", dir);
    bool issued =
        file_exists(cert) ||
        authority_issue_again(authority, REQUEST_KEY_P256, &names, 0, cert,
                              arena_print(call->arena, "%s/keys/gateway.key", dir), findings);
    authority_close(authority);
    return issued && copy(call, arena_print(call->arena, "%s/ca.crt", ca), dir, "keys/ca.crt", 0644,
                          findings);
}

static bool take_keys(struct command_call *call, const char *dir, struct finding_list *findings)
{
    return copy(call, command_option(call, "cert"), dir, "keys/gateway.crt", 0644, findings) &&
           copy(call, command_option(call, "key"), dir, "keys/gateway.key", 0600, findings) &&
           copy(call, command_option(call, "ca"), dir, "keys/ca.crt", 0644, findings);
}

/* Handles are written in small letters; WORD itself when that makes none of it either. */
static const char *as_handle(struct arena *arena, const char *word)
{
    char *lowered = arena_copy(arena, word);
    for (char *at = lowered; *at != '\0'; at++)
        *at = (char)tolower((unsigned char)*at);
    return check_handle.holds(lowered) ? lowered : word;
}

/* --org, else the folder's own name as a handle, when it is one. */
static const char *org_of(struct command_call *call, const char *dir)
{
    const char *given = command_option(call, "org");
    const char *org = as_handle(call->arena, given != NULL ? given : file_base(dir));
    return given != NULL || check_handle.holds(org) ? org : "clinic";
}

/* What became of the name that was written otherwise. */
static void say_org(struct command_call *call, const char *dir, const char *org)
{
    const char *given = command_option(call, "org");
    if (!text_equal(org, given != NULL ? given : file_base(dir)))
        text_print(&call->out,
                   "The clinic's handle is %s (small letters, digits and dashes): partners add it "
                   "under this name.\n",
                   org);
}

static bool write_files(struct command_call *call, const char *dir, const char *org,
                        const char *listen)
{
    struct config config = config_defaults(call->arena);
    config.org = org;
    config.listen = listen;
    const char *directory =
        arena_print(call->arena,
                    "handle,kind,name,given_names,family_name,profession,npi,works_at,phone,email,"
                    "partner\n%s,clinic,%s,,,,,,,,self\n",
                    org, org);
    bool has_directory = file_exists(arena_print(call->arena, "%s/directory.csv", dir));
    return (has_directory || put(call, dir, "directory.csv", directory, 0600)) &&
           put(call, dir, "settings.yaml", config_write(call->arena, &config), 0600);
}

/* ---- an init that was broken off ---- */

/* Stands in the folder from before the first key is made until all is there: what is found beside
 * it is init's own, and is kept when init is run again. */
static const char *mark_path(struct command_call *call, const char *dir)
{
    return arena_print(call->arena, "%s/.init", dir);
}

/* Keys that init did not make are never touched. */
static bool has_foreign_keys(struct command_call *call, const char *dir)
{
    static const char *const names[] = {"ca/ca.crt", "ca/ca.key", "keys/gateway.crt",
                                        "keys/gateway.key", "keys/ca.crt"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *path = arena_print(call->arena, "%s/%s", dir, names[i]);
        if (!file_exists(path))
            continue;
        text_print(&call->err,
                   "refgate init: found %s, which is already there; expected a folder without "
                   "keys: a CA or a key is never replaced\n",
                   path);
        return true;
    }
    return false;
}

/* Takes up an init that was broken off, or begins one. */
static bool begin_init(struct command_call *call, const char *dir, const char *org,
                       const char *listen)
{
    struct finding_list ignored = finding_list_new(call->arena);
    size_t length;
    const char *mark = mark_path(call, dir);
    const char *ours = arena_print(call->arena, "%s %s\n", org, listen);
    if (!file_exists(mark))
        return !has_foreign_keys(call, dir) && put(call, dir, ".init", ours, 0600);
    const char *theirs = file_read(call->arena, mark, FILE_MAX_BYTES, &length, &ignored);
    if (theirs != NULL && text_equal(theirs, ours)) {
        text_print(&call->out, "An earlier init of %s was broken off; going on from there.\n", dir);
        return true;
    }
    text_print(&call->err,
               "refgate init: found an init in %s that was broken off, of %s; expected the same "
               "--org and --listen again, or a new folder\n",
               dir,
               theirs == NULL ? "another clinic"
                              : arena_copy_n(call->arena, theirs, strcspn(theirs, "\n")));
    return false;
}

static bool check_init(struct command_call *call, const char *dir, const char *org,
                       const char *listen)
{
    const char *const pair[] = {"cert", "key", "ca"};
    size_t given = 0;
    for (size_t i = 0; i < 3; i++)
        given += command_has(call, pair[i]);
    if (file_exists(arena_print(call->arena, "%s/settings.yaml", dir)) &&
        !file_exists(mark_path(call, dir)))
        text_print(&call->err, "refgate init: found a gateway in %s; expected a new folder\n", dir);
    else if (!check_handle.holds(org))
        text_print(&call->err, "refgate init: found --org %s; expected %s\n", org,
                   check_handle.expected);
    else if (!check_host_port.holds(listen))
        text_print(&call->err, "refgate init: found --listen %s; expected %s\n", listen,
                   check_host_port.expected);
    else if (given != 0 && given != 3)
        text_add(&call->err,
                 "refgate init: found some of --cert, --key and --ca; expected all three, "
                 "or none for a private CA of its own\n");
    else
        return true;
    return false;
}

static const char *partner_url(struct arena *arena, const char *listen)
{
    const char *host = host_of(arena, listen);
    bool is_any = text_equal(host, "0.0.0.0") || text_equal(host, "::");
    return arena_print(arena, "https://%s%s/fhir", is_any ? "YOUR-HOST" : host,
                       strrchr(listen, ':'));
}

static bool make_folders(struct command_call *call, const char *dir)
{
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        const char *folder = arena_print(call->arena, "%s/%s", dir, folders[i]);
        if (file_make_folder(folder, 0700))
            continue;
        text_print(&call->err, "refgate init: %s cannot be made: %s\n", folder, strerror(errno));
        return false;
    }
    return true;
}

/* Keys, store and files, in the folder that begin_init took; the exit code. */
static int make_gateway(struct command_call *call, const char *dir, const char *org,
                        const char *listen, struct finding_list *findings)
{
    struct fault fault;
    struct store *store;
    bool made = command_has(call, "cert") ? take_keys(call, dir, findings)
                                          : make_keys(call, dir, org, listen, findings);
    if (!made) {
        command_findings(call, findings);
        return fault_exit_code(FAULT_settings);
    }
    if (!store_open(arena_print(call->arena, "%s/store.db", dir), &store, call->arena, &fault))
        return command_fail(call, &fault);
    store_close(store);
    if (!write_files(call, dir, org, listen) || unlink(mark_path(call, dir)) != 0)
        return fault_exit_code(FAULT_unreadable);
    return 0;
}

static void say_made(struct command_call *call, const char *dir, const char *org,
                     const char *listen)
{
    say_org(call, dir, org);
    text_print(&call->out,
               "Made the gateway of %s in %s.\nNext: list your people and partners in "
               "%s/directory.csv, add partners, then run: refgate serve -d %s\n"
               "Send your partners %s/keys/ca.crt and this line:\n"
               "  refgate partner add %s --url %s --ca ca.crt\n",
               org, dir, dir, dir, dir, org, partner_url(call->arena, listen));
}

static int init(struct command_call *call)
{
    const char *dir = command_path(call, call->words[0]);
    const char *org = org_of(call, dir);
    const char *listen = command_option(call, "listen");
    struct finding_list findings = finding_list_new(call->arena);
    if (listen == NULL)
        listen = "0.0.0.0:8443";
    if (!check_init(call, dir, org, listen))
        return fault_exit_code(FAULT_usage);
    if (command_has(call, "cert") && !cert_check_given(call, org, &findings)) {
        command_findings(call, &findings);
        text_add(&call->err, "refgate init: nothing was made\n");
        return fault_exit_code(FAULT_settings);
    }
    if (!make_folders(call, dir))
        return fault_exit_code(FAULT_unreadable);
    if (!begin_init(call, dir, org, listen))
        return fault_exit_code(FAULT_usage);
    int code = make_gateway(call, dir, org, listen, &findings);
    if (code == 0)
        say_made(call, dir, org, listen);
    return code;
}

/* ---- settings ---- */

static int settings(struct command_call *call)
{
    extern char **environ;
    const struct option_table *table = config_options();
    struct finding_list findings = finding_list_new(call->arena);
    struct option_origin *origins = arena_array(call->arena, table->count, sizeof *origins);
    struct config config;
    folder_config(call->arena, call->dir, (const char *const *)environ, &findings, &config,
                  origins);
    struct command_table rows = command_table(call->arena, 3);
    for (size_t i = 0; i < table->count; i++) {
        if (table->rows[i].kind == OPTION_SECTION)
            continue;
        const char *value = option_value(&table->rows[i], call->arena, &config);
        const char *origin = option_origin(&origins[i], call->arena);
        if (command_has(call, "json")) {
            struct json *object = json_new_object(call->arena);
            json_set_text(call->arena, object, "key", table->rows[i].key);
            json_set_text(call->arena, object, "value", value);
            json_set_text(call->arena, object, "from", origin);
            lists_object(call, object);
            continue;
        }
        command_cell(&rows, table->rows[i].key);
        command_cell(&rows, value);
        command_cell(&rows, origin);
    }
    command_print_table(&rows, &call->out);
    command_findings(call, &findings);
    return findings.count == 0 ? 0 : fault_exit_code(FAULT_settings);
}

/* ---- partners ---- */

/* Not by partner_set: a contact may hold commas. */
static bool set_contacts(struct command_call *call, struct partner *partner,
                         struct finding_list *findings)
{
    const char *const *contacts;
    size_t count = command_all(call, "contact", &contacts);
    for (size_t i = 0; i < count; i++) {
        if (check_contact.holds(contacts[i]))
            continue;
        finding_add(findings, (struct finding){.path = "contacts",
                                               .found = contacts[i],
                                               .expected = check_contact.expected});
        return false;
    }
    partner->contacts = (struct option_list){contacts, count};
    return true;
}

static bool set_partner(struct command_call *call, struct partner *partner,
                        struct finding_list *findings)
{
    static const struct {
        const char *option, *key;
    } flags[] = {{"url", "url"},
                 {"style", "style"},
                 {"dialect", "dialect"},
                 {"pin", "pins"},
                 {"san", "san"}};
    bool is_right = true;
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        const char *value = command_option(call, flags[i].option);
        if (value != NULL)
            is_right = partner_set(call->arena, partner, flags[i].key, value, findings) && is_right;
    }
    return is_right;
}

/* A certificate that fits two partners belongs to neither: both are refused when they call. */
static void warn_of_twins(struct command_call *call, const struct partner *partner)
{
    struct finding_list ignored = finding_list_new(call->arena);
    struct partner_list all;
    if (!folder_partners(call->arena, call->dir, &ignored, &all))
        return;
    for (size_t i = 0; i < all.count; i++) {
        const char *sentence = partner_twin(call->arena, partner, &all.items[i]);
        if (sentence != NULL)
            text_print(&call->err, "refgate: %s\n", sentence);
    }
}

static void warn_of_own_ca(struct command_call *call, const struct partner *partner)
{
    const char *sentence = own_ca_sentence(call->dir, call->arena, partner);
    if (sentence != NULL)
        text_print(&call->err, "refgate: %s\n", sentence);
}

/* What the options say of it. Its certificate authority is copied last, when all else is right. */
static bool make_partner(struct command_call *call, const char *name, const char *file,
                         struct finding_list *findings, struct partner *ret_partner)
{
    const char *ca = command_option(call, "ca");
    const char *ca_file = arena_print(call->arena, "partners/%s.ca.crt", name);
    struct certificate *items;
    size_t count;
    if (!partner_new(call->arena, name, findings, ret_partner))
        return false;
    if (file_exists(arena_print(call->arena, "%s/%s", call->dir, file))) {
        finding_add(findings, (struct finding){.file = file,
                                               .found = "a partner of this name already",
                                               .expected = "another name, or edit its file"});
        return false;
    }
    if (!set_partner(call, ret_partner, findings) || !set_contacts(call, ret_partner, findings))
        return false;
    if (ca != NULL &&
        (!certificate_read(call->arena, command_path(call, ca), findings, &items, &count) ||
         !partner_set(call->arena, ret_partner, "ca_file", ca_file, findings)))
        return false;
    return partner_settle(call->arena, ret_partner, file, findings) &&
           (ca == NULL || copy(call, ca, call->dir, ca_file, 0644, findings));
}

static int partner_add(struct command_call *call)
{
    struct finding_list findings = finding_list_new(call->arena);
    struct partner partner;
    const char *name = call->words[0];
    const char *file = arena_print(call->arena, "partners/%s.yaml", name);
    if (check_partner_name.holds(name) && ask_is_wanted(call) && !ask_partner(call))
        return fault_exit_code(FAULT_usage);
    if (!make_partner(call, name, file, &findings, &partner)) {
        command_findings(call, &findings);
        return fault_exit_code(FAULT_usage);
    }
    if (!put(call, call->dir, file, partner_write(call->arena, &partner), 0600))
        return fault_exit_code(FAULT_unreadable);
    text_print(&call->out,
               "Added partner %s (%s/%s).\nPut its clinics and people in directory.csv; a running "
               "service takes it with: refgate reload\n",
               name, call->dir, file);
    warn_of_twins(call, &partner);
    warn_of_own_ca(call, &partner);
    return 0;
}

static bool load_partners(struct command_call *call, struct partner_list *ret_partners)
{
    struct finding_list findings = finding_list_new(call->arena);
    bool is_right = folder_partners(call->arena, call->dir, &findings, ret_partners);
    command_findings(call, &findings);
    return is_right;
}

static struct json *partner_object(struct arena *arena, const struct partner *partner)
{
    const struct option_table *table = partner_options();
    struct json *object = json_new_object(arena);
    json_set_text(arena, object, "partner", partner->name);
    for (size_t i = 0; i < table->count; i++) {
        if (table->rows[i].kind != OPTION_SECTION)
            json_set_text(arena, object, table->rows[i].key,
                          option_value(&table->rows[i], arena, partner));
    }
    return object;
}

static int partner_list(struct command_call *call)
{
    static const char *const headings[] = {"PARTNER", "URL", "STYLE", "STATE"};
    struct partner_list partners;
    bool is_right = load_partners(call, &partners);
    struct command_table table = lists_table(call->arena, headings, 4);
    for (size_t i = 0; i < partners.count; i++) {
        const struct partner *partner = &partners.items[i];
        if (command_has(call, "json")) {
            lists_object(call, partner_object(call->arena, partner));
            continue;
        }
        command_cell(&table, partner->name);
        command_cell(&table, partner->url);
        command_cell(&table, partner->style == PARTNER_MESSAGE ? "message" : "rest");
        command_cell(&table, partner->disabled ? "disabled" : "in use");
    }
    if (!command_has(call, "json"))
        command_print_table(&table, &call->out);
    if (is_right)
        return 0;
    text_add(&call->err, "refgate: a partner whose file is faulty is not listed; a running service "
                         "has it as it was: refgate partner state NAME\n");
    return fault_exit_code(FAULT_settings);
}

static int partner_show(struct command_call *call)
{
    struct partner_list partners;
    bool is_right = load_partners(call, &partners);
    const struct partner *partner = folder_partner(&partners, call->words[0]);
    if (partner == NULL) {
        struct fault fault = {
            is_right ? FAULT_not_found : FAULT_settings,
            arena_print(call->arena, "found no %spartner %s; expected one of refgate partner list",
                        is_right ? "" : "sound file of a ", call->words[0])};
        return command_fail(call, &fault);
    }
    if (command_has(call, "json"))
        lists_object(call, partner_object(call->arena, partner));
    else
        text_add(&call->out, partner_write(call->arena, partner));
    return 0;
}

/* ---- reload ---- */

int command_reload(struct command_call *call, const char **ret_later)
{
    const struct setup *running = call->office->setup;
    struct finding_list findings = finding_list_new(call->arena);
    struct setup *fresh = NULL;
    struct finding_list warnings = finding_list_new(call->arena);
    *ret_later = NULL;
    if (setup_load_after(running->dir, running, &findings, &fresh)) {
        revocation_fetch_missing(fresh, running, &findings);
        tls_keep_partners(fresh, running, &findings);
        context_release(tls_context_after(fresh, NULL, &warnings, &findings));
        *ret_later = config_needs_restart(call->arena, &running->config, &fresh->config);
    }
    bool is_worse = setup_is_worse(running, &findings);
    setup_release(fresh);
    call->office->reload(call->office->owner);
    command_findings(call, &findings);
    command_findings(call, &warnings);
    if (!is_worse && findings.count > 0)
        text_add(&call->err, "refgate: what is named above was faulty before and stays as it was; "
                             "the rest is taken\n");
    if (!is_worse)
        return 0;
    text_add(&call->err, "refgate: what is named above is faulty and stays as it was; the rest is "
                         "taken\n");
    return fault_exit_code(FAULT_settings);
}

static int reload(struct command_call *call)
{
    const char *later;
    if (call->office->reload == NULL) {
        text_add(&call->out, "No service runs on this folder; nothing to reload.\n");
        return 0;
    }
    int code = command_reload(call, &later);
    text_add(&call->out, "Reloading.\n");
    if (later != NULL)
        text_print(&call->out, "Taken only after a restart: %s\n", later);
    return code;
}

/* One more than before once a reload has taken what changed. */
static int reload_state(struct command_call *call)
{
    text_print(&call->out, "%lu\n", call->office->setup->generation);
    return 0;
}

static const struct command_option init_options[] = {
    {"org", "HANDLE", "our clinic's short name; default: the folder's name", false},
    {"listen", "HOST:PORT", "where partners reach us; default 0.0.0.0:8443", false},
    {"cert", "FILE", "a certificate of ours (PEM), with --key and --ca", false},
    {"key", "FILE", "its key (PEM)", false},
    {"ca", "FILE", "the CA that issued it (PEM)", false},
    {NULL, NULL, NULL, false},
};
static const struct command_option partner_options_table[] = {
    {"url", "URL", "its FHIR base, https://...", false},
    {"ca", "FILE", "its CA (PEM)", false},
    {"san", "NAMES",
     "names its certificate may carry, separated by commas; default "
     "urn:refgate:org:NAME and the URL's host name",
     false},
    {"pin", "SPKI", "SHA-256 of its public key, sha256//BASE64", false},
    {"contact", "TEXT", "whom to call there: name, telephone, mail", true},
    {"style", "message|rest", "how it speaks; default message", false},
    {"dialect", "WORD", "habits of its system; default refgate", false},
    {NULL, NULL, NULL, false},
};

#define HERE(name, arguments, help, words, run, options)                                           \
    {                                                                                              \
        name, arguments, help, COMMAND_HERE, words, words, run, options                            \
    }
const struct command commands_setup[] = {
    HERE("init", "DIR", "a new gateway: settings, keys, store, folders", 1, init, init_options),
    HERE("settings", "", "the settings in force and where each came from", 0, settings, NULL),
    HERE("partner add", "NAME",
         "a new partner: its address and how we know it; at a terminal, without --url, it asks", 1,
         partner_add, partner_options_table),
    HERE("partner list", "", "every partner", 0, partner_list, NULL),
    HERE("partner show", "NAME", "one partner's settings", 1, partner_show, NULL),
    {"reload", "", "let a running service take changed settings, partners and certificates",
     COMMAND_STORE, 0, 0, reload, NULL},
    {"reload state", "", "how often the service that runs has taken its files, counted from 1",
     COMMAND_STORE, 0, 0, reload_state, NULL},
    {NULL, NULL, NULL, COMMAND_HERE, 0, 0, NULL, NULL},
};
