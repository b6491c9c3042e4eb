/* export: writes received records into records/in, page by page. See export.h.
 *
 * A record's attachments are written first, then its file, then the mark in the store: a crash in
 * between writes the same files again. Blocking: on a pool thread. */
#include "gateway/export/export.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "certs/io/digest.h"
#include "fhir/codes/reason.h"
#include "fhir/json/tree.h"
#include "gateway/exchange/attachment.h"
#include "gateway/referral/track.h"
#include "gateway/runtime/file.h"
#include "gateway/runtime/log.h"

enum {
    NAME_MAX_BYTES = 180,
    END_MAX_BYTES = 12,
    NAMESAKES_MAX = 64,
    MARK_BYTES = 8,
    RECORD_MAX_BYTES = 64 << 20,
    BUSY_UNITS_A_SECOND = 300,
    REST_US = 40 * 1000
};

static void add_escaped(struct text *name, const char *part)
{
    for (; *part != '\0'; part++) {
        unsigned char byte = (unsigned char)*part;
        if (isalnum(byte) || byte == '-' || byte == '_' || (byte == '.' && name->length > 0))
            text_add_n(name, part, 1);
        else
            text_print(name, "%%%02X", byte);
    }
}

/* Keeps two numbers apart that a file name is too short for. */
static const char *mark_of(struct arena *arena, const char *number)
{
    unsigned char hash[DIGEST_SHA256_BYTES];
    char hex[2 * MARK_BYTES + 1];
    digest_sha256(number, strlen(number), hash);
    digest_hex(hash, MARK_BYTES, hex);
    return arena_print(arena, "~%s", hex);
}

const char *export_name(struct arena *arena, const char *from, const char *kind, const char *number)
{
    struct text name = text_new(arena, NAME_MAX_BYTES);
    add_escaped(&name, from);
    text_add(&name, "--");
    add_escaped(&name, kind);
    text_add(&name, "--");
    add_escaped(&name, number);
    return arena_print(arena, "%s%s.json", name.at, name.full ? mark_of(arena, number) : "");
}

/* The text of one record as records/in holds it. */
static const char *text_of(struct arena *arena, const struct json *record)
{
    return arena_print(arena, "%s\n", json_print_pretty(arena, record));
}

/* ---- what is written is noted, a page in one unit ---- */

struct marking {
    struct unit unit;
    const int64_t *records;
    size_t count;
};

static bool mark(struct unit *unit, struct store *store)
{
    const struct marking *marking = (const struct marking *)unit;
    for (size_t i = 0; i < marking->count; i++)
        store_set_exported(store, marking->records[i]);
    return true;
}

static size_t mark_all(const struct office *office, struct arena *arena, const int64_t *records,
                       size_t count)
{
    struct marking marking = {
        .unit = {.run = mark, .arena = arena}, .records = records, .count = count};
    return count > 0 && writer_call(office->writer, &marking.unit) ? count : 0;
}

/* ---- pace: partners who wait for an answer go before files ---- */

struct pace {
    const struct office *office;
    unsigned long long units; /* that the writer had done at the file before */
    int64_t at_ms;
};

/* Before a file: rests when the writer had much to do since the one before. */
static void pace_rest(struct pace *pace)
{
    unsigned long long units = writer_figures(pace->office->writer).units;
    int64_t now_ms = clock_monotonic_ms(&pace->office->setup->clock);
    bool is_busy = (units - pace->units) * 1000 >
                   (unsigned long long)(now_ms - pace->at_ms + 1) * BUSY_UNITS_A_SECOND;
    if (is_busy && pace->at_ms != 0)
        usleep(REST_US);
    pace->units = units;
    pace->at_ms = now_ms;
}

/* ---- attachments: NAME.files/FILE beside NAME.json ---- */

/* What a program opens by its name needs an end that tells what it is. */
static const struct {
    const char *type, *end;
} ends[] = {
    {"application/pdf", ".pdf"}, {"image/jpeg", ".jpg"}, {"image/png", ".png"},
    {"image/tiff", ".tif"},      {"image/gif", ".gif"},  {"text/plain", ".txt"},
    {"text/html", ".html"},      {"text/xml", ".xml"},   {"application/xml", ".xml"},
    {"application/rtf", ".rtf"}, {"text/rtf", ".rtf"},   {"application/dicom", ".dcm"},
};

static const char *end_of(const char *media_type)
{
    for (size_t i = 0; media_type != NULL && i < sizeof ends / sizeof *ends; i++) {
        if (strncasecmp(ends[i].type, media_type, strlen(ends[i].type)) == 0)
            return ends[i].end;
    }
    return "";
}

/* The name of one attachment as a file: no path, nothing a shell would take amiss, not too long. */
static const char *safe_name(struct arena *arena, const struct json *item)
{
    const char *file = json_get_text(item, "file");
    const char *dot = file == NULL ? NULL : strrchr(file, '.');
    bool has_end = dot != NULL && dot != file && strlen(dot) <= END_MAX_BYTES;
    struct text name = text_new(arena, NAME_MAX_BYTES);
    struct text end = text_new(arena, NAME_MAX_BYTES);
    add_escaped(&name, file == NULL || file[0] == '\0' ? "unnamed" : file);
    if (!name.full)
        return has_end
                   ? name.at
                   : arena_print(arena, "%s%s", name.at, end_of(json_get_text(item, "media_type")));
    text_add(&end, ".");
    add_escaped(&end, has_end ? dot + 1 : "");
    return arena_print(arena, "%.*s%s%s", NAME_MAX_BYTES / 2, name.at, mark_of(arena, file),
                       has_end ? end.at : end_of(json_get_text(item, "media_type")));
}

/* How many of the NAMES before PLACE are the same: each gets a file of its own. Far down a list
 * every one counts, since a sender could make comparing all with all endless. */
static size_t namesakes(const char *const *names, size_t place)
{
    size_t same = 0;
    if (place >= NAMESAKES_MAX)
        return place;
    for (size_t i = 0; i < place; i++)
        same += text_equal(names[i], names[place]);
    return same;
}

/* `scan.pdf`; the second of its name `scan~2.pdf`. The same list always gets the same names. */
static const char *const *attachment_names(struct arena *arena, const struct json *list)
{
    size_t count = json_count(list);
    const char **names = arena_array(arena, count + 1, sizeof *names);
    const char **distinct = arena_array(arena, count + 1, sizeof *distinct);
    size_t place = 0;
    for (const struct json *item = json_first(list); item != NULL;
         item = json_next(item), place++) {
        names[place] = safe_name(arena, item);
        size_t same = namesakes(names, place);
        const char *dot = strrchr(names[place], '.');
        size_t stem = dot == NULL ? strlen(names[place]) : (size_t)(dot - names[place]);
        distinct[place] = same == 0 ? names[place]
                                    : arena_print(arena, "%.*s~%zu%s", (int)stem, names[place],
                                                  same + 1, names[place] + stem);
    }
    return distinct;
}

static bool write_attachment(struct arena *arena, const char *folder, const struct json *item,
                             const char *name)
{
    size_t length;
    const unsigned char *bytes = attachment_bytes(arena, item, &length);
    if (bytes == NULL)
        return true; /* named only; the record says so */
    return file_replace(arena_print(arena, "%s/%s", folder, name), bytes, length, 0600);
}

/* NAME.files beside NAME.json. */
static const char *files_folder(struct arena *arena, const char *path)
{
    return arena_print(arena, "%.*s.files", (int)(strlen(path) - strlen(".json")), path);
}

/* RECORD says of its attachments how their files are called here, and not what the sender called
 * them: a program that reads the record opens what stands there, ../../etc/passwd if it is said. */
static const struct json *name_files(struct arena *arena, const struct json *record,
                                     const struct json *list, const char *const *names)
{
    struct json *named = json_copy(arena, record);
    struct json *shown = json_first(json_get(named, "attachments"));
    size_t place = 0;
    for (const struct json *item = json_first(list); shown != NULL && item != NULL;
         item = json_next(item), place++) {
        const char *file = json_get_text(item, "file");
        if (!text_equal(json_get_text(shown, "file"), file))
            continue; /* one that the record has no word for */
        json_replace(arena, shown, "file", json_new_text(arena, names[place]));
        shown = json_next(shown);
    }
    return named;
}

/* PATH: of the record's own file; *RECORD becomes what stands in it. */
static bool write_attachments(struct arena *arena, struct store *reader,
                              const struct store_record *row, const char *path,
                              const struct json **record)
{
    size_t length;
    if (row->attachments == 0)
        return true;
    const char *text = payload_get(reader, arena, row->attachments, &length);
    const struct json *list = tree_of_n(arena, text, length);
    if (list == NULL)
        return false;
    const char *folder = files_folder(arena, path);
    const char *const *names = attachment_names(arena, list);
    bool written = file_make_folder(folder, 0700);
    size_t place = 0;
    for (const struct json *item = json_first(list); written && item != NULL;
         item = json_next(item), place++)
        written = write_attachment(arena, folder, item, names[place]);
    *record = name_files(arena, *record, list, names);
    return written;
}

/* ---- retracted records: the file is marked, and a note stands beside it ---- */

static const char *const identity[] = {"record", "record_id", "written_by", "referral_id"};

/* As it is shown once it was taken back: the file that the desk has at hand is marked; what is not
 * there, or never was, is named and not brought back. */
static const struct json *marked(struct arena *arena, const char *path, const struct json *record,
                                 const struct store_record *row)
{
    size_t length = 0;
    struct finding_list ignored = finding_list_new(arena);
    const char *old =
        file_exists(path) ? file_read(arena, path, RECORD_MAX_BYTES, &length, &ignored) : NULL;
    const struct json *at_hand = old == NULL ? NULL : tree_of_n(arena, old, length);
    struct json *shown = at_hand == NULL ? json_new_object(arena) : json_copy(arena, at_hand);
    for (size_t i = 0; at_hand == NULL && i < sizeof identity / sizeof *identity; i++)
        json_set_text(arena, shown, identity[i], json_get_text(record, identity[i]));
    json_remove(shown, "standing");
    json_remove(shown, "retracted");
    json_set_text(arena, shown, "standing", "entered-in-error");
    json_set_text(arena, shown, "retracted", reason_of_retraction(arena, row->retracted));
    return shown;
}

static bool write_notice(struct arena *arena, const char *path, const struct store_record *row)
{
    const char *stem = arena_copy_n(arena, path, strlen(path) - strlen(".json"));
    const char *text = arena_print(arena, "%s %s of %s\nretracted: %s\n", row->kind, row->number,
                                   row->clinic, reason_of_retraction(arena, row->retracted));
    return file_replace(arena_print(arena, "%s.RETRACTED.txt", stem), text, strlen(text), 0600);
}

/* ---- where a record stands ---- */

static void remove_files(struct arena *arena, const char *path)
{
    const char *folder = files_folder(arena, path);
    DIR *open = opendir(folder);
    unlink(path);
    for (struct dirent *entry = open == NULL ? NULL : readdir(open); entry != NULL;
         entry = readdir(open))
        unlink(arena_print(arena, "%s/%s", folder, entry->d_name));
    if (open != NULL)
        closedir(open);
    rmdir(folder);
}

/* One that contradicts its referral's client stands in a folder of its own until a person has
 * decided, or its sender has taken it back; what they keep apart or return is in the store only.
 * NULL: it is written nowhere. */
static const char *place_of(const struct office *office, struct arena *arena, struct store *reader,
                            const struct store_record *row)
{
    const char *name = export_name(arena, row->clinic, row->kind, row->number);
    const char *in = setup_path(office->setup, arena, arena_print(arena, "records/in/%s", name));
    const char *apart =
        setup_path(office->setup, arena, arena_print(arena, "records/to-match/%s", name));
    struct store_match match;
    if (!store_get_match(reader, arena, row->id, &match))
        return in;
    bool is_retracted = row->retracted != NULL && !text_equal(match.state, "attached");
    if (text_equal(match.state, "to match") || is_retracted) {
        file_make_folder(file_folder(arena, apart), 0700);
        return apart;
    }
    remove_files(arena, apart);
    if (text_equal(match.state, "attached"))
        return in;
    remove_files(arena, in);
    return NULL;
}

static bool write_record(const struct office *office, struct arena *arena, struct store *reader,
                         const struct store_record *row)
{
    const struct json *record = tree_of(arena, row->text);
    if (record == NULL) {
        log_event(LOG_LEVEL_ERROR, "records-in", "what", "a received record cannot be read", "why",
                  "the store does not give it back whole", NULL);
        return false;
    }
    const char *path = place_of(office, arena, reader, row);
    if (path == NULL)
        return true;
    bool is_retracted = row->retracted != NULL;
    if (is_retracted)
        record = marked(arena, path, record, row);
    bool is_written = is_retracted ? write_notice(arena, path, row)
                                   : write_attachments(arena, reader, row, path, &record);
    const char *text = text_of(arena, record);
    is_written = is_written && file_replace(path, text, strlen(text), 0600);
    if (!is_written) {
        log_event(LOG_LEVEL_ERROR, "records-in", "what", "a received record cannot be written",
                  "why", strerror(errno), NULL);
        return false;
    }
    return true;
}

/* ---- what a person is told ---- */

/* "new referral R-1 (urgent) from lakeside: answer it ..." */
static const char *referral_words(struct arena *arena, struct store *reader,
                                  const struct store_record *row, struct store_referral *referral)
{
    const struct json *record = tree_of(arena, row->text);
    const char *replaced = json_get_text(record, "replaces_record_id");
    const char *soon = json_get_text(record, "priority");
    const char *number = row->number;
    if (!store_get_referral(reader, arena, row->referral, referral))
        return arena_print(arena, "referral %s from %s: see refgate records show %s", number,
                           row->clinic, number);
    bool is_routine = soon == NULL || text_equal(soon, "routine");
    const char *priority = is_routine ? "" : arena_print(arena, " (%s)", soon);
    if (replaced != NULL)
        return arena_print(arena,
                           "referral %s%s from %s corrects %s: see refgate referrals show %s",
                           number, priority, row->clinic, replaced, referral->number);
    if (!text_equal(track_list(referral), "to answer"))
        return arena_print(arena, "referral %s%s from %s: see refgate referrals show %s", number,
                           priority, row->clinic, number);
    return arena_print(arena,
                       "new referral %s%s from %s: answer it with refgate referrals accept %s or "
                       "decline %s",
                       number, priority, row->clinic, number, number);
}

static const char *record_words(struct arena *arena, const struct store_record *row,
                                const struct store_referral *referral)
{
    const char *of = referral->id == 0 ? "" : " of referral ";
    return arena_print(arena, "%s %s%s%s from %s is there: see refgate records show %s", row->kind,
                       row->number, of, referral->id == 0 ? "" : referral->number, row->clinic,
                       row->number);
}

/* One that a person of ours has decided about is no news. */
static bool describe(struct arena *arena, struct store *reader, const struct store_record *row,
                     struct store_referral *referral, struct alarm_text *text)
{
    struct store_match match = {.state = NULL};
    bool is_matched = store_get_match(reader, arena, row->id, &match);
    store_get_referral(reader, arena, row->referral, referral);
    if (row->retracted != NULL) {
        text->kind = ALARM_RETRACTED;
        text->sentence =
            arena_print(arena, "%s %s from %s was retracted: %s", row->kind, row->number,
                        row->clinic, reason_of_retraction(arena, row->retracted));
    } else if (is_matched && text_equal(match.state, "to match")) {
        text->kind = ALARM_TO_MATCH;
        text->sentence = arena_print(arena,
                                     "%s %s from %s seems to be about another client than its "
                                     "referral: see refgate records to-match",
                                     row->kind, row->number, row->clinic);
    } else if (is_matched) {
        return false;
    } else if (text_equal(row->kind, "referral")) {
        text->kind = ALARM_REFERRAL;
        text->sentence = referral_words(arena, reader, row, referral);
    } else {
        text->kind = ALARM_RECORD;
        text->sentence = record_words(arena, row, referral);
    }
    return true;
}

static void add_news(struct arena *arena, struct store *reader, const struct store_record *row,
                     struct alarm_texts *news)
{
    struct store_referral referral = {.id = 0};
    struct alarm_text text = {.message = 0};
    if (!describe(arena, reader, row, &referral, &text))
        return;
    text.partner = arena_copy(news->arena, row->origin);
    text.record = arena_copy(news->arena, row->kind);
    text.record_id = arena_copy(news->arena, row->number);
    text.referral = referral.id == 0 ? NULL : arena_copy(news->arena, referral.number);
    text.sentence = arena_copy(news->arena, text.sentence);
    alarm_add(news, &text);
}

/* ---- a page ---- */

/* How many of those behind *AFTER were written; *AFTER then: the last that was tried, 0 when there
 * is no more. */
static size_t write_page(const struct office *office, struct arena *arena, struct store *reader,
                         int64_t *after, struct alarm_texts *news)
{
    struct store_record *rows;
    size_t written = 0;
    size_t known = news->count;
    size_t count = store_unexported(reader, arena, *after, &rows);
    int64_t *records = arena_array(arena, count, sizeof *records);
    struct pace pace = {.office = office};
    for (size_t i = 0; i < count; i++) { /* one that cannot be written does not stop the others */
        pace_rest(&pace);
        if (!write_record(office, arena, reader, &rows[i]))
            continue;
        records[written++] = rows[i].id;
        add_news(arena, reader, &rows[i], news);
    }
    *after = count == STORE_EXPORT_PAGE ? rows[count - 1].id : 0;
    written = mark_all(office, arena, records, written);
    news->count = written == 0 ? known : news->count; /* told when it is noted */
    return written;
}

size_t export_sweep(const struct office *office, struct alarm_texts *news)
{
    struct arena arena = ARENA_EMPTY;
    struct arena page = ARENA_EMPTY;
    struct store *reader = NULL;
    struct fault fault;
    size_t written = 0;
    int64_t after = 0;
    if (!office_reader(office, &arena, &reader, &fault)) {
        arena_free(&arena);
        return 0;
    }
    do { /* a page that cannot be written at all hides none behind it */
        arena_reset(&page);
        written = write_page(office, &page, reader, &after, news);
    } while (written == 0 && after != 0);
    store_close(reader);
    arena_free(&page);
    arena_free(&arena);
    return written;
}
