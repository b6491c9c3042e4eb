/* partner: the way to a partner tried step by step, and a partner switched off and on.
 *
 * `partner test` runs in the caller's process with the keys of the folder, whether the service runs
 * or not. Switching changes one line of partners/NAME.yaml; a running service takes it at once and
 * closes the partner's connections. */
#include <errno.h>
#include <string.h>

#include "gateway/commands/cert_parts.h"
#include "gateway/commands/lists.h"
#include "gateway/commands/table.h"
#include "gateway/people/people.h"
#include "gateway/probe/probe.h"
#include "gateway/runtime/file.h"
#include "gateway/tls/tls.h"

enum { FILE_MAX_BYTES = FOLDER_FILE_MAX };

static int no_such_partner(struct command_call *call)
{
    const struct fault fault = {
        FAULT_not_found,
        arena_print(call->arena, "found no partner %s; expected one of refgate partner list",
                    call->words[0])};
    return command_fail(call, &fault);
}

/* Is there a file of the partner? A faulty one is told as that. */
static bool has_file(struct command_call *call)
{
    const char *name = call->words[0];
    return check_partner_name.holds(name) &&
           file_exists(cert_path(call, arena_print(call->arena, "partners/%s.yaml", name)));
}

/* ---- test ---- */

static void print_step(struct command_call *call, struct command_table *table,
                       const struct probe_step *step)
{
    if (command_has(call, "json")) {
        struct json *object = json_new_object(call->arena);
        json_set_text(call->arena, object, "step", step->name);
        json_set_text(call->arena, object, "state", probe_state_name(step->state));
        json_set_text(call->arena, object, "found", step->said);
        json_set_text(call->arena, object, "what_to_do", step->advice);
        lists_object(call, object);
        return;
    }
    command_cell(table, step->name);
    command_cell(table, probe_state_name(step->state));
    command_cell(table, step->said);
    if (step->advice == NULL)
        return;
    command_cell(table, " ");
    command_cell(table, " ");
    command_cell(table, arena_print(call->arena, "what to do: %s", step->advice));
}

static int test(struct command_call *call)
{
    struct finding_list findings = finding_list_new(call->arena);
    struct command_table table = command_table(call->arena, 3);
    struct probe_report report = {.is_failed = true};
    struct setup *setup = NULL;
    struct context *context = NULL;
    const struct partner *partner = NULL;
    if (setup_load(call->dir, &findings, &setup)) {
        setup->clock = call->clock;
        people_read(setup, false);
        context = tls_context(setup, &findings);
        partner = folder_partner(&setup->partners, call->words[0]);
    }
    command_findings(call, &findings);
    int code = fault_exit_code(FAULT_settings);
    if (setup != NULL && partner == NULL && !has_file(call))
        code = no_such_partner(call);
    if (context != NULL && partner != NULL) {
        const struct probe_options options = {.setup = setup,
                                              .context = context,
                                              .partner = partner,
                                              .arena = call->arena,
                                              .with_message = true};
        probe_partner(&options, &report);
        for (size_t i = 0; i < report.count; i++)
            print_step(call, &table, &report.steps[i]);
        command_print_table(&table, &call->out);
        code = report.is_failed ? fault_exit_code(FAULT_unreachable) : 0;
    }
    context_release(context);
    setup_release(setup);
    return code;
}

/* ---- disable, enable ---- */

/* Writes `disabled: IS_DISABLED` into the partner's file at PATH; all else in it stays as it is.
 * The exit code. */
static int write_switch(struct command_call *call, const char *file, const char *path,
                        bool is_disabled)
{
    struct finding_list findings = finding_list_new(call->arena);
    struct partner partner;
    size_t length;
    const char *text = file_read(call->arena, path, FILE_MAX_BYTES, &length, &findings);
    bool is_right = text != NULL && partner_load(call->arena, call->words[0], file, text, length,
                                                 &findings, &partner);
    if (text == NULL || (!is_right && !is_disabled)) /* a faulty one can be switched off */
        return cert_refuse(call, &findings, FAULT_settings);
    command_findings(call, &findings);
    partner.disabled = is_disabled;
    const char *edited =
        option_edit(option_find(partner_options(), "disabled"), call->arena, text, &partner);
    if (file_replace(path, edited, strlen(edited), 0600))
        return 0;
    text_print(&call->err, "refgate: %s cannot be written: %s\n", path, strerror(errno));
    return fault_exit_code(FAULT_unreadable);
}

static int switch_partner(struct command_call *call, bool is_disabled)
{
    const char *name = call->words[0];
    const char *file = arena_print(call->arena, "partners/%s.yaml", name);
    const char *path = cert_path(call, file);
    if (!check_partner_name.holds(name) || !file_exists(path))
        return no_such_partner(call);
    int code = write_switch(call, file, path, is_disabled);
    if (code != 0)
        return code;
    cert_reload(call);
    cert_note(call, is_disabled ? "partner-disabled" : "partner-enabled", name);
    if (is_disabled && !cert_wait_disabled(call, name)) {
        text_print(&call->err,
                   "refgate: %s is switched off in %s, but the running service has not taken that: "
                   "it may still exchange messages with it. Run `refgate reload`, or stop the "
                   "service\n",
                   name, path);
        return fault_exit_code(FAULT_busy);
    }
    text_print(&call->out, "Partner %s is %s.\n", name,
               is_disabled
                   ? "disabled: nothing is taken from it or sent to it; what is meant for it "
                     "waits"
                   : "in use again");
    return 0;
}

/* As the running service has it, whatever stands in the file. */
static int state(struct command_call *call)
{
    const struct partner *partner = folder_partner(&call->office->setup->partners, call->words[0]);
    text_add(&call->out, partner == NULL || partner->disabled ? "disabled\n" : "in use\n");
    return 0;
}

static int disable(struct command_call *call)
{
    return switch_partner(call, true);
}

static int enable(struct command_call *call)
{
    return switch_partner(call, false);
}

const struct command commands_partner[] = {
    {"partner test", "NAME", "DNS, TCP, TLS, HTTP, /metadata and a test message, step by step",
     COMMAND_HERE, 1, 1, test, NULL},
    {"partner disable", "NAME", "switch a partner off; its connections are closed at once",
     COMMAND_HERE, 1, 1, disable, NULL},
    {"partner state", "NAME", "whether the service that runs has it in use or disabled",
     COMMAND_STORE, 1, 1, state, NULL},
    {"partner enable", "NAME", "switch it on again", COMMAND_HERE, 1, 1, enable, NULL},
    {NULL, NULL, NULL, COMMAND_HERE, 0, 0, NULL, NULL},
};
