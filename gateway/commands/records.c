/* records: handing over the clinic's records, and looking at resources without sending anything. */
#include "gateway/commands/table.h"

#include <string.h>

#include "fhir/fhirpath/fhirpath.h"
#include "fhir/validate/validate.h"
#include "gateway/commands/lists.h"
#include "gateway/commands/map.h"
#include "gateway/intake/intake.h"
#include "gateway/runtime/file.h"
#include "gateway/setup/profiles.h"

enum { FILE_MAX_BYTES = 64 << 20 };

/* ---- send ---- */

static const char *const answers[] = {"taken", "known already", "refused"};

/* The record was taken; a person may still want to know. */
static void print_warnings(struct command_call *call, const struct finding_list *warnings)
{
    for (size_t i = 0; i < warnings->count; i++)
        text_print(&call->out, "  worth a second look: %s: found %s; expected %s\n",
                   warnings->items[i].path, warnings->items[i].found, warnings->items[i].expected);
}

static void add_warnings(struct command_call *call, struct json *object,
                         const struct finding_list *warnings)
{
    if (warnings->count == 0)
        return;
    struct json *list = json_set(call->arena, object, "warnings", json_new_list(call->arena));
    for (size_t i = 0; i < warnings->count; i++) {
        struct json *item = json_push(list, json_new_object(call->arena));
        json_set_text(call->arena, item, "path", warnings->items[i].path);
        json_set_text(call->arena, item, "found", warnings->items[i].found);
        json_set_text(call->arena, item, "expected", warnings->items[i].expected);
    }
}

static void print_report(struct command_call *call, const char *file,
                         const struct intake_report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        const struct intake_record *record = &report->items[i];
        text_print(&call->out, "%s: %s %s %s\n", file,
                   record->kind == NULL ? "record" : record->kind,
                   record->number == NULL ? "" : record->number, answers[record->report.answer]);
        for (size_t k = 0; k < record->report.count; k++) {
            const struct flow_recipient *recipient = &record->report.recipients[k];
            text_print(&call->out, "  for %s: %s%s\n", recipient->clinic,
                       recipient->is_queued ? "on its way" : "waits: ",
                       recipient->is_queued ? "" : recipient->reason);
        }
        print_warnings(call, &record->report.warnings);
    }
}

static void print_report_json(struct command_call *call, const char *file,
                              const struct intake_report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        const struct intake_record *record = &report->items[i];
        struct json *object = json_new_object(call->arena);
        json_set_text(call->arena, object, "file", file);
        if (record->row > 0)
            json_set(call->arena, object, "row", json_new_whole(call->arena, record->row));
        json_set_text(call->arena, object, "record", record->kind);
        json_set_text(call->arena, object, "record_id", record->number);
        json_set_text(call->arena, object, "answer", answers[record->report.answer]);
        struct json *list = json_set(call->arena, object, "recipients", json_new_list(call->arena));
        for (size_t k = 0; k < record->report.count; k++) {
            const struct flow_recipient *recipient = &record->report.recipients[k];
            struct json *item = json_push(list, json_new_object(call->arena));
            json_set_text(call->arena, item, "clinic", recipient->clinic);
            json_set_text(call->arena, item, "state", recipient->is_queued ? "queued" : "waiting");
            json_set_text(call->arena, item, "reason", recipient->reason);
        }
        add_warnings(call, object, &record->report.warnings);
        lists_object(call, object);
    }
}

/* Exit codes of one file; the largest of all files is the command's. */
static int send_file(struct command_call *call, const char *file)
{
    struct finding_list findings = finding_list_new(call->arena);
    const char *path = command_path(call, file);
    struct attachment_folder folder = {.path = file_folder(call->arena, path)};
    size_t length = call->input_length;
    const char *text = strcmp(file, "-") == 0
                           ? call->input
                           : file_read(call->arena, path, FILE_MAX_BYTES, &length, &findings);
    if (text == NULL) {
        command_findings(call, &findings);
        return fault_exit_code(FAULT_unreadable);
    }
    struct intake_report report = intake_take(call->office, call->arena, file, text, length,
                                              &folder, clock_wall_ms(&call->clock), &findings);
    if (command_has(call, "json"))
        print_report_json(call, file, &report);
    else
        print_report(call, file, &report);
    command_findings(call, &findings);
    if (report.fault.kind != FAULT_none)
        return command_fail(call, &report.fault);
    return report.refused > 0 ? fault_exit_code(FAULT_refused) : 0;
}

static int send(struct command_call *call)
{
    int worst = 0;
    for (size_t i = 0; i < call->word_count; i++) {
        int code = send_file(call, call->words[i]);
        worst = code > worst ? code : worst;
    }
    return worst;
}

/* ---- validate ---- */

struct validating {
    struct command_call *call;
    struct validator *validator;
    struct validate_options options;
    struct arena arena; /* of one resource and what is said about it */
    int worst;          /* exit code of all files so far */
};

static bool validate_one(struct validating *validating, const char *name, const char *text,
                         size_t length)
{
    struct command_call *call = validating->call;
    struct arena *arena = &validating->arena;
    struct issue_list issues = issue_list_new(arena);
    issues.shows_values = command_has(call, "show-values");
    bool valid =
        validate_text(validating->validator, arena, text, length, &validating->options, &issues);
    if (command_has(call, "ndjson"))
        issue_print_line(&issues, name, &call->out);
    else if (command_has(call, "json"))
        text_print(&call->out, "%s\n", json_print(arena, issue_outcome(arena, &issues)));
    else
        issue_print(&issues, name, &call->out);
    return valid;
}

/* Each line of NDJSON is a resource of its own, named FILE:LINE. */
static bool validate_lines(struct validating *validating, const char *name, const char *text,
                           size_t length)
{
    bool all_valid = true;
    const char *end = text + length;
    for (int line = 1; text < end; line++) {
        const char *line_end = memchr(text, '\n', (size_t)(end - text));
        size_t size = (size_t)((line_end == NULL ? end : line_end) - text);
        const char *place = arena_print(&validating->arena, "%s:%d", name, line);
        const char *one = arena_copy_n(&validating->arena, text, size);
        if (!text_is_blank(one))
            all_valid = validate_one(validating, place, one, size) && all_valid;
        text += size + 1;
        command_show(validating->call);
        arena_reset(&validating->arena);
    }
    return all_valid;
}

static int validate_text_of(struct validating *validating, const char *file, struct arena *arena)
{
    struct command_call *call = validating->call;
    struct finding_list findings = finding_list_new(arena);
    size_t length = 0;
    const char *text =
        file_read(arena, command_path_in(call, arena, file), FILE_MAX_BYTES, &length, &findings);
    if (text == NULL) {
        command_findings(call, &findings);
        return fault_exit_code(FAULT_unreadable);
    }
    bool valid = record_format_of(file) == RECORD_NDJSON
                     ? validate_lines(validating, file, text, length)
                     : validate_one(validating, file, text, length);
    return valid ? 0 : 1;
}

/* Whatever one file needs is given back before the next: the number of files is nobody's limit. */
static void validate_file(struct validating *validating, const char *file, struct arena *arena)
{
    int code = validate_text_of(validating, file, arena);
    validating->worst = code > validating->worst ? code : validating->worst;
    command_show(validating->call);
    arena_reset(&validating->arena);
    arena_reset(arena);
}

/* --files-from LIST: the names of the files, one a line; "-" is standard input. */
static bool validate_listed(struct validating *validating, const char *list, struct arena *arena)
{
    struct command_call *call = validating->call;
    struct finding_list findings = finding_list_new(call->arena);
    size_t length = 0;
    char *line =
        file_read(call->arena, command_path(call, list), FILE_MAX_BYTES, &length, &findings);
    if (line == NULL) {
        command_findings(call, &findings);
        return false;
    }
    for (char *end = line + length; line < end;) {
        size_t size = strcspn(line, "\r\n");
        line[size] = '\0';
        if (size > 0)
            validate_file(validating, line, arena);
        line += size + 1;
    }
    return true;
}

/* The profiles of --profiles FOLDER (default DIR/profiles), and which of them --profile asks for.
 */
static bool use_profiles(struct validating *validating)
{
    struct command_call *call = validating->call;
    struct finding_list findings = finding_list_new(call->arena);
    const char *folder = command_option(call, "profiles");
    const char **urls = arena_array(call->arena, call->value_count + 1, sizeof *urls);
    folder = folder != NULL ? command_path(call, folder)
                            : arena_print(call->arena, "%s/profiles", call->dir);
    validating->options.profiles = profiles_load(call->arena, folder, &findings);
    validating->options.checks_meta_profile = true;
    for (size_t i = 0; i < call->value_count; i++) {
        const char *url = call->values[i].value;
        if (!text_equal(call->values[i].option->name, "profile"))
            continue;
        if (validating->options.profiles == NULL ||
            profile_find(validating->options.profiles, url) == NULL)
            finding_add(&findings,
                        (struct finding){.file = folder,
                                         .path = url,
                                         .found = "no such profile",
                                         .expected = "its StructureDefinition as a .json "
                                                     "file of this folder"});
        urls[validating->options.profile_count++] = url;
    }
    validating->options.profile_urls = urls;
    command_findings(call, &findings);
    return findings.count == 0;
}

static int validate(struct command_call *call)
{
    struct validating validating = {.call = call, .validator = validator_new(call->arena)};
    struct arena arena = ARENA_EMPTY;
    const char *list = command_option(call, "files-from");
    if (list == NULL && call->word_count == 0) {
        text_add(&call->err,
                 "refgate validate: found no file; expected refgate validate FILE... or "
                 "--files-from LIST\n");
        return fault_exit_code(FAULT_usage);
    }
    if (!use_profiles(&validating))
        return fault_exit_code(FAULT_unreadable);
    validating.options.notes_best_practice = command_has(call, "best-practice") ||
                                             command_has(call, "json") ||
                                             command_has(call, "ndjson");
    for (size_t i = 0; i < call->word_count; i++)
        validate_file(&validating, call->words[i], &arena);
    if (list != NULL && !validate_listed(&validating, list, &arena))
        validating.worst = fault_exit_code(FAULT_unreadable);
    arena_free(&arena);
    arena_free(&validating.arena);
    return validating.worst;
}

/* ---- fhirpath ---- */

static int fhirpath_fail(struct command_call *call, const struct fhirpath_fault *fault)
{
    text_print(&call->err, "refgate fhirpath: line %d column %d: %s\n", fault->line, fault->column,
               fault->message);
    return 1;
}

/* Types and values as the public FHIRPath suite writes them: `integer`, `HumanName`; dates and
 * times as literals (@1974-12-25, @T14:34). */
static const struct {
    const char *type, *name, *before;
} value_forms[] = {
    {"System.Boolean", "boolean", ""},    {"System.String", "string", ""},
    {"System.Integer", "integer", ""},    {"System.Decimal", "decimal", ""},
    {"System.Quantity", "Quantity", ""},  {"System.Date", "date", "@"},
    {"System.DateTime", "dateTime", "@"}, {"System.Time", "time", "@T"},
    {"FHIR.date", "date", "@"},           {"FHIR.dateTime", "dateTime", "@"},
    {"FHIR.instant", "instant", "@"},     {"FHIR.time", "time", "@T"},
};

static const char *value_name(const struct fhirpath_value *value, const char **ret_before)
{
    *ret_before = "";
    for (size_t i = 0; i < sizeof value_forms / sizeof *value_forms; i++) {
        if (!text_equal(value_forms[i].type, value->type))
            continue;
        *ret_before = value_forms[i].before;
        return value_forms[i].name;
    }
    const char *dot = strchr(value->type, '.');
    return dot == NULL ? value->type : dot + 1;
}

static void print_value(struct command_call *call, const struct fhirpath_value *value,
                        struct json *list)
{
    const char *before;
    const char *name = value_name(value, &before);
    struct json *item = json_push(list, json_new_object(call->arena));
    json_set_text(call->arena, item, "type", name);
    if (value->text == NULL && value->node != NULL)
        json_set(call->arena, item, "value", json_copy(call->arena, value->node));
    else if (value->text != NULL) /* else: a primitive that has only extensions */
        json_set_text(call->arena, item, "value",
                      arena_print(call->arena, "%s%s", before, value->text));
    if (command_has(call, "json"))
        return;
    const struct json *shown = json_get(item, "value");
    const char *text = json_text(shown);
    text_print(&call->out, "%-16s %s\n", name,
               text != NULL    ? text
               : shown == NULL ? ""
                               : json_print(call->arena, shown));
}

static void print_values(struct command_call *call, const struct fhirpath_result *result)
{
    struct json *list = json_new_list(call->arena);
    for (size_t i = 0; i < result->count; i++)
        print_value(call, &result->values[i], list);
    if (command_has(call, "json"))
        lists_object(call, list);
}

static int fhirpath(struct command_call *call)
{
    struct finding_list findings = finding_list_new(call->arena);
    struct json_document document;
    struct json_fault json_fault;
    struct fhirpath_fault fault;
    struct fhirpath_result result;
    const struct fhirpath *expression;
    size_t length = 0;
    const char *path = command_path(call, call->words[1]);
    const char *text = file_read(call->arena, path, FILE_MAX_BYTES, &length, &findings);
    if (text == NULL) {
        command_findings(call, &findings);
        return fault_exit_code(FAULT_unreadable);
    }
    if (!json_parse(call->arena, text, length, NULL, &document, &json_fault)) {
        text_print(&call->err, "%s: line %d column %d: found %s\n", call->words[1], json_fault.line,
                   json_fault.column, json_fault.found);
        return fault_exit_code(FAULT_unreadable);
    }
    struct fhirpath_input input = {.resource = document.root,
                                   .bundle = document.root,
                                   .strict = true,
                                   .now = clock_text(call->arena, clock_wall_ms(&call->clock))};
    if (!fhirpath_compile(call->arena, call->words[0], &expression, &fault) ||
        !fhirpath_evaluate(call->arena, expression, &input, &result, &fault))
        return fhirpath_fail(call, &fault);
    print_values(call, &result);
    return 0;
}

static const struct command_option map_options[] = {
    {"directory", "FILE", "people and clinics; default: the data folder's, else beside the record",
     false},
    {"known", "FILE", "records that are known already; checked, not printed; may be repeated",
     true},
    {"out", "DIR", "write DIR/NAME.bundle.json instead of printing", false},
    {NULL, NULL, NULL, false},
};
static const struct command_option validate_options[] = {
    {"files-from", "LIST", "also the files that LIST names, one a line; - is standard input",
     false},
    {"best-practice", NULL,
     "also what is only good practice (dom-6, a narrative in every resource); --json and --ndjson "
     "always have it",
     false},
    {"ndjson", NULL, "one JSON line a file", false},
    {"profile", "URL", "a profile that each resource must meet; may be repeated", true},
    {"profiles", "FOLDER", "where StructureDefinitions lie (*.json); default DIR/profiles", false},
    {"show-values", NULL, "messages may show values of the resource", false},
    {NULL, NULL, NULL, false},
};

const struct command commands_records[] = {
    {"send", "FILE...", "hand over local records (JSON, NDJSON, CSV)", COMMAND_STORE, 1,
     COMMAND_WORDS_MAX, send, NULL},
    {"map", "FILE...", "print what would be sent, or a Bundle's records; send nothing",
     COMMAND_HERE, 1, COMMAND_WORDS_MAX, map_command, map_options},
    {"validate", "FILE...", "check FHIR R4 resources", COMMAND_HERE, 0, COMMAND_WORDS_ANY, validate,
     validate_options},
    {"fhirpath", "EXPR FILE", "evaluate a FHIRPath expression on a resource", COMMAND_HERE, 2, 2,
     fhirpath, NULL},
    {NULL, NULL, NULL, COMMAND_HERE, 0, 0, NULL, NULL},
};
