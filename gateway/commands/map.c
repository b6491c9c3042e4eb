/* map: see map/part.h. Any clinic's record is mapped: the sender is the clinic of written_by. The
 * consent decision of each recipient is named on stderr and withholds nothing; a note whose
 * referral is neither in the store nor among the files is refused. */
#include "gateway/commands/map.h"

#include <stdio.h>
#include <string.h>

#include "fhir/codes/reason.h"
#include "fhir/consent/consent.h"
#include "fhir/json/tree.h"
#include "fhir/record/record.h"
#include "gateway/exchange/attachment.h"
#include "gateway/exchange/build_message.h"
#include "gateway/export/export.h"
#include "gateway/intake/local_times.h"
#include "gateway/people/people.h"
#include "gateway/runtime/file.h"

enum { FILE_MAX_BYTES = 64 << 20, DIRECTORY_MAX_BYTES = 16 << 20, WARNING_MAX_BYTES = 4096 };

struct source { /* one file's records or Bundles */
    const char *file, *folder;
    bool is_known_only; /* --known */
    struct record_list records;
    struct finding_list findings; /* of reading */
    const struct json **bundles;  /* NULL: it holds records */
    size_t bundle_count;
};

struct mapping {
    struct command_call *call;
    struct arena *arena;
    struct setup *setup; /* the data folder's, or `own` */
    struct setup own;
    struct source *sources;
    size_t source_count;
    struct record_known known; /* referrals of the files and of the store */
    const struct json **referrals;
    const struct json **consents;
    size_t consent_count, consent_room, referral_room;
    const char *out;     /* --out */
    struct text remarks; /* consent and second looks: they follow all that is wrong */
    bool is_refused, is_unreadable;
};

/* ---- what is known ---- */

static void add_tree(struct arena *arena, const struct json ***list, size_t *count, size_t *room,
                     const struct json *tree)
{
    *list = arena_room(arena, (void *)*list, sizeof **list, *count, room, 32);
    (*list)[(*count)++] = tree;
}

static void learn(struct mapping *mapping, const struct json *tree)
{
    const char *kind = record_kind(tree);
    if (text_equal(kind, "referral"))
        add_tree(mapping->arena, &mapping->referrals, &mapping->known.count,
                 &mapping->referral_room, tree);
    if (text_equal(kind, "consent"))
        add_tree(mapping->arena, &mapping->consents, &mapping->consent_count,
                 &mapping->consent_room, tree);
    mapping->known.referrals = mapping->referrals;
}

/* The store of the data folder, when there is one; it is only read. */
static void learn_from_store(struct mapping *mapping)
{
    static const char *const kinds[] = {"referral", "consent"};
    struct office office = {.setup = mapping->setup};
    struct store *store;
    struct fault fault;
    if (!file_exists(office_store_path(mapping->setup, mapping->arena)) ||
        !office_reader(&office, mapping->arena, &store, &fault))
        return;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        struct store_record *rows;
        size_t count = store_records(store, mapping->arena, NULL, kinds[k], NULL, &rows);
        for (size_t i = 0; i < count; i++) {
            const struct json *tree = tree_of(mapping->arena, rows[i].text);
            if (tree != NULL)
                learn(mapping, tree);
        }
    }
    store_close(store);
}

/* ---- the directory ---- */

static bool read_directory(struct mapping *mapping, const char *path)
{
    struct finding_list findings = finding_list_new(mapping->arena);
    size_t length;
    const char *text = file_read(mapping->arena, path, DIRECTORY_MAX_BYTES, &length, &findings);
    mapping->own.directory = directory_new(mapping->arena);
    if (text != NULL)
        directory_read(mapping->own.directory, text, length, path, &findings);
    command_findings(mapping->call, &findings);
    return findings.count == 0;
}

/* --directory FILE, else the data folder's, else directory.csv beside the first record. */
static bool use_setup(struct mapping *mapping)
{
    struct command_call *call = mapping->call;
    const char *given = command_option(call, "directory");
    const char *settings = arena_print(call->arena, "%s/settings.yaml", call->dir);
    struct finding_list findings = finding_list_new(call->arena);
    mapping->own.config = config_defaults(call->arena);
    mapping->own.coding = coding_standard();
    mapping->own.dir = call->dir;
    if (file_exists(settings)) {
        if (!setup_load(call->dir, &findings, &mapping->setup)) {
            command_findings(call, &findings);
            return false;
        }
        people_read(mapping->setup, false);
        mapping->own.config = mapping->setup->config;
        mapping->own.coding = mapping->setup->coding;
        mapping->own.partners = mapping->setup->partners;
        mapping->own.directory = mapping->setup->directory;
    }
    mapping->own.clock = call->clock;
    if (given != NULL)
        return read_directory(mapping, command_path(call, given));
    if (mapping->setup != NULL)
        return true;
    const char *beside = arena_print(call->arena, "%s/directory.csv",
                                     file_folder(call->arena, command_path(call, call->words[0])));
    if (file_exists(beside))
        return read_directory(mapping, beside);
    text_print(&call->err,
               "refgate map: found neither %s nor %s; expected the data folder (-d DIR), or who is "
               "who (--directory FILE)\n",
               settings, beside);
    return false;
}

/* ---- reading the files ---- */

static bool is_no_record_file(const char *file)
{
    const char *base = file_base(file);
    return strcmp(base, "directory.csv") == 0 || strcmp(base, "measurements.csv") == 0;
}

static const struct json *bundle_of(struct arena *arena, const char *text, size_t length)
{
    const struct json *tree = tree_of_n(arena, text, length);
    return text_equal(json_get_text(tree, "resourceType"), "Bundle") ? tree : NULL;
}

/* A Bundle, or one a line, as `map` prints them. False when the text holds anything else. */
static bool read_bundles(struct arena *arena, const char *text, size_t length,
                         struct source *source)
{
    const char *end = text + length;
    const struct json **bundles = NULL;
    size_t room = 0;
    if (record_format_of(source->file) == RECORD_CSV)
        return false;
    const struct json *whole = bundle_of(arena, text, length);
    if (whole != NULL) {
        add_tree(arena, &source->bundles, &source->bundle_count, &room, whole);
        return true;
    }
    for (size_t count = 0; text < end; text += strnlen(text, 1)) {
        const char *line_end = memchr(text, '\n', (size_t)(end - text));
        size_t size = (size_t)((line_end == NULL ? end : line_end) - text);
        const struct json *bundle = size == 0 ? NULL : bundle_of(arena, text, size);
        if (bundle == NULL && size > 0)
            return false;
        if (bundle != NULL)
            add_tree(arena, &bundles, &count, &room, bundle);
        text += size;
        source->bundle_count = count;
    }
    source->bundles = bundles;
    return bundles != NULL;
}

static void read_source(struct mapping *mapping, const char *file, bool is_known_only)
{
    struct source *source = &mapping->sources[mapping->source_count];
    const char *path = command_path(mapping->call, file);
    size_t length;
    if (is_no_record_file(file))
        return;
    source->file = file;
    source->folder = file_folder(mapping->arena, path);
    source->is_known_only = is_known_only;
    source->findings = finding_list_new(mapping->arena);
    mapping->source_count++;
    const char *text = file_read(mapping->arena, path, FILE_MAX_BYTES, &length, &source->findings);
    if (text == NULL) {
        mapping->is_unreadable = true;
        command_findings(mapping->call, &source->findings);
        return;
    }
    if (read_bundles(mapping->arena, text, length, source))
        return;
    record_read(mapping->arena, record_format_of(file), text, length, file, &source->records,
                &source->findings);
    local_times_complete(mapping->setup, mapping->arena, &source->records);
    command_findings(mapping->call, &source->findings);
    mapping->is_refused = mapping->is_refused || source->findings.count > 0;
    for (size_t i = 0; i < source->records.count; i++)
        learn(mapping, source->records.items[i].tree);
}

static void read_all(struct mapping *mapping)
{
    struct command_call *call = mapping->call;
    mapping->sources =
        arena_array(mapping->arena, call->word_count + call->value_count, sizeof *mapping->sources);
    for (size_t i = 0; i < call->value_count; i++) {
        if (text_equal(call->values[i].option->name, "known"))
            read_source(mapping, call->values[i].value, true);
    }
    for (size_t i = 0; i < call->word_count; i++)
        read_source(mapping, call->words[i], false);
}

/* ---- consent, named but not enforced ---- */

/* The client's consents, as if each had been accepted when it was written. */
static size_t consents_of(struct mapping *mapping, const char *client, struct date_time now,
                          struct consent_given **ret_given)
{
    struct consent_given *given =
        arena_array(mapping->arena, mapping->consent_count + 1, sizeof *given);
    size_t count = 0;
    for (size_t i = 0; i < mapping->consent_count; i++) {
        const char *written = json_get_text(mapping->consents[i], "written_at");
        struct consent_given next = {mapping->consents[i], now};
        size_t at = count;
        if (!text_equal(json_get_text(next.record, "client_id"), client))
            continue;
        if (written != NULL)
            date_time_parse(written, &next.accepted);
        for (; at > 0 && date_time_compare(given[at - 1].accepted, next.accepted) > 0; at--)
            given[at] = given[at - 1];
        given[at] = next;
        count++;
    }
    *ret_given = given;
    return count;
}

static void name_consent(struct mapping *mapping, const struct record *record, const char *sender,
                         const struct record_recipient *recipient)
{
    const struct json *tree = record->tree;
    int64_t now_ms = clock_wall_ms(&mapping->own.clock);
    struct consent_given *given;
    struct consent_question question = {.directory = mapping->own.directory,
                                        .sender = sender,
                                        .recipient = recipient->handle,
                                        .kind = record_kind(tree),
                                        .written_at = json_get_text(tree, "written_at")};
    date_parse(clock_date(mapping->arena, now_ms), &question.today);
    date_time_parse(clock_text(mapping->arena, now_ms), &question.now);
    question.purpose = record_purpose(question.kind);
    question.sensitivity_count = record_sensitivity(mapping->arena, tree, &question.sensitivity);
    question.consent_count =
        consents_of(mapping, json_get_text(tree, "client_id"), question.now, &given);
    question.consents = given;
    struct consent_answer answer = consent_ask(mapping->arena, &question);
    text_print(&mapping->remarks, "%s: ", record->file);
    if (record->row > 0)
        text_print(&mapping->remarks, "row %d: ", record->row);
    text_print(&mapping->remarks, "for %s: %s: %s\n", recipient->handle,
               answer.is_allowed ? "may be sent" : "would wait", answer.reason);
}

/* ---- one record ---- */

static const char *stem(struct arena *arena, const char *file)
{
    const char *base = file_base(file);
    const char *dot = strrchr(base, '.');
    return dot == NULL || dot == base ? base : arena_copy_n(arena, base, (size_t)(dot - base));
}

static void put_out(struct mapping *mapping, const char *name, const char *line)
{
    if (mapping->out == NULL) {
        text_print(&mapping->call->out, "%s\n", line);
        return;
    }
    const char *path = arena_print(mapping->arena, "%s/%s", mapping->out, name);
    const char *text = arena_print(mapping->arena, "%s\n", line);
    if (file_replace(path, text, strlen(text), 0600))
        return;
    text_print(&mapping->call->err,
               "refgate map: found %s, which cannot be written; expected a folder "
               "for --out\n",
               path);
    mapping->is_unreadable = true;
}

/* The referral a note belongs to, as far as the known records tell. */
static const struct json *find_referral(struct mapping *mapping, const struct json *tree,
                                        struct message_referral *ret_referral)
{
    const char *id = json_get_text(tree, "referral_id");
    const char *nearest;
    struct record_referral found;
    struct record_referrals lookup = record_referrals_of(&mapping->known);
    if (id == NULL ||
        lookup.find(lookup.context, mapping->arena, tree, id, &found, &nearest) != RECORD_FOUND)
        return NULL;
    const char *filler = directory_clinic_handle(mapping->own.directory, found.referred_to);
    *ret_referral =
        (struct message_referral){.placer = found.placer,
                                  .number = found.number,
                                  .filler = filler == NULL ? found.referred_to : filler};
    for (size_t i = 0; i < mapping->known.count; i++) {
        const struct json *referral = mapping->referrals[i];
        if (text_equal(json_get_text(referral, "record_id"), found.number) &&
            text_equal(record_sender(referral, mapping->own.directory), found.placer)) {
            ret_referral->client_number = json_get_text(referral, "client_id");
            return referral;
        }
    }
    return NULL;
}

static const char *join_clinics(struct arena *arena, const struct record_recipient *recipients,
                                size_t count, const char ***ret_handles)
{
    struct text clinics = text_new(arena, 10000);
    const char **handles = arena_array(arena, count + 1, sizeof *handles);
    for (size_t i = 0; i < count; i++) {
        handles[i] = recipients[i].handle;
        if (i == 0 || !text_equal(recipients[i].clinic, recipients[i - 1].clinic))
            text_print(&clinics, "%s%s", clinics.length == 0 ? "" : ";", recipients[i].clinic);
    }
    *ret_handles = handles;
    return clinics.at;
}

static void compose(struct mapping *mapping, const struct source *source,
                    const struct record *record, const struct json *attachments)
{
    const struct json *tree = record->tree;
    const char *sender = record_sender(tree, mapping->own.directory);
    const struct record_recipient *recipients;
    struct message_referral referral;
    const char **handles;
    const struct json *placed = find_referral(mapping, tree, &referral);
    struct record_referral known = {.placer = referral.placer,
                                    .number = referral.number,
                                    .written_by = json_get_text(placed, "written_by"),
                                    .referred_to = json_get_text(placed, "referred_to")};
    size_t count = record_recipients(mapping->arena, tree, mapping->own.directory,
                                     placed == NULL ? NULL : &known, &recipients);
    struct compose_item item = {.record = tree,
                                .sender = sender,
                                .recipient_count = count,
                                .referral = placed == NULL ? NULL : &referral,
                                .attachments = attachments};
    json_whole(json_get(placed, "visits_requested"), &item.visits_total);
    item.clinics = join_clinics(mapping->arena, recipients, count, &handles);
    item.recipients = handles;
    for (size_t i = 0; i < count; i++)
        name_consent(mapping, record, sender, &recipients[i]);
    const char *name =
        record->row > 0
            ? arena_print(mapping->arena, "%s.row%d.bundle.json",
                          stem(mapping->arena, source->file), record->row)
            : arena_print(mapping->arena, "%s.bundle.json", stem(mapping->arena, source->file));
    put_out(mapping, name,
            json_print(mapping->arena, compose_record(&mapping->own, mapping->arena, &item)));
}

/* On standard error, like what is wrong, but the record goes. */
static void print_warnings(struct mapping *mapping, const struct record *record,
                           const struct record_rules *rules)
{
    struct command_call *call = mapping->call;
    struct finding_list warnings = finding_list_new(mapping->arena);
    record_warn(record, rules, mapping->known.referrals, mapping->known.count, &warnings);
    for (size_t i = 0; i < warnings.count; i++) {
        struct text line = text_new(mapping->arena, WARNING_MAX_BYTES);
        if (command_has(call, "json")) {
            finding_print_json(&warnings.items[i], &line);
            text_print(&mapping->remarks, "{\"warning\":%.*s}\n", (int)strcspn(line.at, "\n"),
                       line.at);
        } else {
            finding_print(&warnings.items[i], &line);
            text_print(&mapping->remarks, "worth a second look: %s", line.at);
        }
    }
}

static void map_record(struct mapping *mapping, const struct source *source,
                       const struct record *record)
{
    struct finding_list findings = finding_list_new(mapping->arena);
    struct record_referrals lookup = record_referrals_of(&mapping->known);
    struct record_rules rules = {.arena = mapping->arena,
                                 .directory = mapping->own.directory,
                                 .coding = mapping->own.coding,
                                 .referrals = &lookup};
    struct attachment_folder folder = {.path = source->folder};
    struct json *attachments = NULL;
    findings.file = record->file;
    findings.row = record->row;
    bool is_right = record_check(record, &rules, &findings);
    if (!source->is_known_only)
        is_right =
            attachment_load(mapping->arena, record->tree, &folder,
                            mapping->own.config.attachments_max_bytes, &findings, &attachments) &&
            is_right;
    if (!is_right) {
        mapping->is_refused = true;
        command_findings(mapping->call, &findings);
        return;
    }
    record_fill_defaults(mapping->arena, record->tree, mapping->own.directory);
    if (source->is_known_only)
        return;
    print_warnings(mapping, record, &rules);
    compose(mapping, source, record, attachments);
}

/* ---- a Bundle back into its records ---- */

/* A retraction as it stands in records/in when its record is not there. */
static struct json *retracted_record(struct arena *arena, const struct message_inbound *message)
{
    struct json *record = json_new_object(arena);
    json_set_text(arena, record, "record", message->retracted_kind);
    json_set_text(arena, record, "record_id", message->retracted_number);
    json_set_text(arena, record, "referral_id", message->referral.number);
    json_set_text(arena, record, "standing", "entered-in-error");
    json_set_text(arena, record, "retracted", reason_of_retraction(arena, message->retracted_code));
    return record;
}

static void unmap(struct mapping *mapping, const struct source *source, const struct json *bundle)
{
    struct finding_list findings = finding_list_new(mapping->arena);
    struct setup_ids ids = {.space = "inbound"};
    struct fhir_context context = setup_context(&mapping->own, mapping->arena, &ids);
    struct message_inbound message;
    findings.file = source->file;
    if (!message_read(&context, bundle, &message, &findings)) {
        mapping->is_refused = true;
        command_findings(mapping->call, &findings);
        return;
    }
    if (message.content == MESSAGE_REFUSED) {
        finding_add(&findings, (struct finding){.path = message.refused_at,
                                                .found = message.refused,
                                                .expected = message.expected});
        mapping->is_refused = true;
        command_findings(mapping->call, &findings);
        return;
    }
    if (message.set_aside != NULL)
        text_print(&mapping->call->err, "%s: not everything is a fact; beside the record: %s\n",
                   source->file, message.set_aside);
    if (message.content == MESSAGE_RETRACTION)
        message.record = retracted_record(mapping->arena, &message);
    if (message.record == NULL) {
        text_print(&mapping->call->err, "%s: a %s message without a record\n", source->file,
                   message.event == NULL ? "response" : message.event);
        return;
    }
    const char *kind = record_kind(message.record);
    const char *name =
        export_name(mapping->arena, message.sender == NULL ? "unknown" : message.sender,
                    kind == NULL ? "record" : kind, json_get_text(message.record, "record_id"));
    put_out(mapping, name, json_print(mapping->arena, message.record));
}

int map_command(struct command_call *call)
{
    struct mapping mapping = {
        .call = call, .arena = call->arena, .remarks = text_new(call->arena, COMMAND_OUTPUT_MAX)};
    const char *out = command_option(call, "out");
    if (!use_setup(&mapping))
        return fault_exit_code(FAULT_unreadable);
    mapping.out = out == NULL ? NULL : command_path(call, out);
    mapping.known.directory = mapping.own.directory;
    if (mapping.out != NULL)
        file_make_folder(mapping.out, 0700);
    if (mapping.setup != NULL)
        learn_from_store(&mapping);
    read_all(&mapping);
    for (size_t i = 0; i < mapping.source_count; i++) {
        const struct source *source = &mapping.sources[i];
        for (size_t k = 0; source->bundles != NULL && k < source->bundle_count; k++)
            unmap(&mapping, source, source->bundles[k]);
        for (size_t k = 0; k < source->records.count; k++)
            map_record(&mapping, source, &source->records.items[k]);
    }
    text_add_n(&call->err, mapping.remarks.at, mapping.remarks.length);
    if (mapping.setup != NULL)
        setup_release(mapping.setup);
    return mapping.is_unreadable ? fault_exit_code(FAULT_unreadable) : mapping.is_refused ? 1 : 0;
}
