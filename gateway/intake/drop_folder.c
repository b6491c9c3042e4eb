/* drop_folder: the drop folder records/out.
 *
 * A file is taken once it has not changed for drop_settle_ms; a text that ends early is given more
 * time (drop_give_up_ms), because somebody may still be writing it. A record waits for the files
 * that it attaches (intake/document.c). Names that start with '.' or end in .tmp or .part, links,
 * folders and devices are left alone. The sweep's memory is only a convenience: after a restart
 * every file is looked at afresh, what was taken before is known, and what has served is marked
 * (intake/mark.c). What was looked at is what is read and moved: another file that came under its
 * name meanwhile waits for the next sweep. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/csv.h"
#include "gateway/intake/intake.h"
#include "gateway/intake/intake_internal.h"
#include "gateway/intake/wait.h"
#include "gateway/runtime/file.h"
#include "gateway/runtime/log.h"

enum { NAME_TRIES = 1000, WHY_MAX_BYTES = 1 << 20 };

struct intake *intake_new(void)
{
    return calloc(1, sizeof(struct intake));
}

static void free_seen(struct seen *seen)
{
    free(seen->name);
    free(seen->faults);
}

void intake_free(struct intake *intake)
{
    if (intake == NULL)
        return;
    for (size_t i = 0; i < intake->count; i++)
        free_seen(&intake->files[i]);
    free(intake->files);
    free(intake);
}

/* ---- what was there before ---- */

struct seen *intake_find(struct intake *intake, const char *name)
{
    for (size_t i = 0; i < intake->count; i++) {
        if (strcmp(intake->files[i].name, name) == 0)
            return &intake->files[i];
    }
    return NULL;
}

static struct seen *seen_of(struct intake *intake, const char *name)
{
    struct seen *known = intake_find(intake, name);
    if (known != NULL)
        return known;
    if (intake->count == intake->room) {
        size_t room = intake->room == 0 ? 32 : intake->room * 2;
        struct seen *files = realloc(intake->files, room * sizeof *files);
        if (files == NULL)
            return NULL;
        intake->files = files;
        intake->room = room;
    }
    struct seen *seen = &intake->files[intake->count];
    *seen = (struct seen){.name = strdup(name)};
    if (seen->name == NULL)
        return NULL;
    intake->count++;
    return seen;
}

static void forget_absent(struct intake *intake)
{
    size_t kept = 0;
    for (size_t i = 0; i < intake->count; i++) {
        if (!intake->files[i].is_there) {
            free_seen(&intake->files[i]);
            continue;
        }
        intake->files[kept] = intake->files[i];
        intake->files[kept++].is_there = false;
    }
    intake->count = kept;
}

/* How long the file has stood unchanged, -1 when it has just changed. */
static int64_t unchanged_ms(struct seen *seen, const struct stat *about, int64_t now_ms)
{
    struct file_identity as = file_identity_of(about);
    bool same = file_identity_equal(&as, &seen->as);
    seen->is_there = true;
    seen->is_wanted = false;
    if (same)
        return now_ms - seen->since_ms;
    seen->look = LOOK_NOT_YET;
    seen->after = WENT_NOWHERE;
    seen->is_told = false;
    free(seen->faults);
    seen->faults = NULL;
    seen->as = as;
    seen->changed_ns = (long long)about->st_ctim.tv_sec * 1000000000 + about->st_ctim.tv_nsec;
    seen->marked_ns = 0;
    seen->is_from_before = false;
    seen->since_ms = now_ms;
    return -1;
}

/* ---- where files end ---- */

/* NAME in FOLDER, or with a number behind it when that is taken. */
static const char *free_name(struct arena *arena, const char *folder, const char *name)
{
    const char *path = arena_print(arena, "%s/%s", folder, name);
    for (int i = 2; file_exists(path) && i < NAME_TRIES; i++)
        path = arena_print(arena, "%s/%s.%d", folder, name, i);
    return path;
}

static bool is_as_seen(const struct seen *seen, const char *path)
{
    struct stat about;
    if (lstat(path, &about) != 0)
        return false;
    struct file_identity as = file_identity_of(&about);
    return file_identity_equal(&as, &seen->as);
}

static bool move_failed(bool is_done)
{
    if (!is_done)
        log_event(LOG_LEVEL_ERROR, "drop-folder", "what",
                  "a file cannot be moved out of records/out", "why", strerror(errno), NULL);
    return !is_done;
}

/* Another file came under the name between the look and the move: it goes back unread, or, when a
 * third has the name by now, beside that. */
static void put_back(const struct sweep *sweep, const struct seen *seen, const char *from,
                     const char *to)
{
    const char *beside = arena_print(sweep->arena, "%s/again-%s", sweep->out, seen->name);
    if (renameat2(AT_FDCWD, to, AT_FDCWD, from, RENAME_NOREPLACE) != 0)
        move_failed(renameat2(AT_FDCWD, to, AT_FDCWD, beside, RENAME_NOREPLACE) == 0);
}

/* False: the file FROM is not the one that was looked at, or cannot be moved; it stays. */
static bool move_as_seen(const struct sweep *sweep, const struct seen *seen, const char *to)
{
    const char *from = arena_print(sweep->arena, "%s/%s", sweep->out, seen->name);
    if (!is_as_seen(seen, from) || move_failed(file_move(from, to)))
        return false;
    if (is_as_seen(seen, to))
        return true;
    put_back(sweep, seen, from, to);
    return false;
}

bool intake_move(const struct sweep *sweep, const struct seen *seen, enum went where)
{
    const char *folder = where == WENT_REFUSED ? sweep->refused : sweep->sent;
    return move_as_seen(sweep, seen, free_name(sweep->arena, folder, seen->name));
}

/* Of a record, TEXT was dealt with: that is what is kept, whatever has its name by now. */
static void move_record(const struct sweep *sweep, const struct seen *seen, const char *path,
                        const char *text, size_t length)
{
    const char *from = arena_print(sweep->arena, "%s/%s", sweep->out, seen->name);
    if (!move_as_seen(sweep, seen, path) && text != NULL && !is_as_seen(seen, from))
        move_failed(file_replace(path, text, length, 0600));
}

void intake_pending(struct sweep *sweep, const struct seen *seen)
{
    if (seen->since_ms < sweep->pending_since_ms)
        sweep->pending_since_ms = seen->since_ms;
}

static void write_why(const struct sweep *sweep, const char *refused_path,
                      const struct finding_list *findings)
{
    struct text why = text_new(sweep->arena, WHY_MAX_BYTES);
    for (size_t i = 0; i < findings->count; i++)
        finding_print(&findings->items[i], &why);
    file_replace(arena_print(sweep->arena, "%s.why.txt", refused_path), why.at, why.length, 0600);
}

/* What waits for a person, such as "n.csv: row 3: progress-note N-3, for lakeside: waits:
 * client_family_name: found Smith; ...". */
static void say_waiting(const struct sweep *sweep, const char *name,
                        const struct intake_record *record, struct text *look)
{
    const char *row = record->row == 0 ? "" : arena_print(sweep->arena, " row %d:", record->row);
    for (size_t i = 0; i < record->report.count; i++) {
        const struct flow_recipient *recipient = &record->report.recipients[i];
        if (!recipient->is_queued && strstr(recipient->reason, "refgate tray confirm") != NULL)
            text_print(look, "%s:%s %s %s, for %s: waits: %s\n", name, row, record->kind,
                       record->number, recipient->clinic, recipient->reason);
    }
}

/* What is worth a second look, and what waits, goes beside the file that was taken. */
static void write_look(const struct sweep *sweep, const char *name, const char *sent_path,
                       const struct intake_report *report)
{
    struct text look = text_new(sweep->arena, WHY_MAX_BYTES);
    for (size_t i = 0; i < report->count; i++) {
        say_waiting(sweep, name, &report->items[i], &look);
        const struct finding_list *warnings = &report->items[i].report.warnings;
        for (size_t k = 0; k < warnings->count; k++)
            finding_print(&warnings->items[k], &look);
    }
    if (look.length > 0)
        file_replace(arena_print(sweep->arena, "%s.look.txt", sent_path), look.at, look.length,
                     0600);
}

/* ---- the bad rows of a table ---- */

static bool is_bad_row(int row, const struct intake_report *report,
                       const struct finding_list *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        if (findings->items[i].row == row)
            return true;
    }
    for (size_t i = 0; i < report->count; i++) {
        if (report->items[i].row == row && report->items[i].report.answer == FLOW_REFUSED)
            return true;
    }
    return false;
}

/* The header and the bad rows, as they stand in the file. */
static void bad_csv_rows(struct arena *arena, const char *text, size_t length,
                         const struct intake_report *report, const struct finding_list *findings,
                         struct text *out)
{
    struct csv csv;
    struct csv_row row;
    struct finding_list ignored = finding_list_new(arena);
    if (!csv_start(&csv, arena, text, length, &ignored))
        return;
    while (csv_next(&csv, &row, &ignored) != CSV_END) {
        if (row.number != 1 && !is_bad_row(row.number, report, findings))
            continue;
        text_add_n(out, row.text, row.length);
        if (row.text[row.length - 1] != '\n')
            text_add(out, "\n");
    }
}

static void bad_lines(const char *text, size_t length, const struct intake_report *report,
                      const struct finding_list *findings, struct text *out)
{
    const char *end = text + length;
    for (int row = 1; text < end; row++) {
        const char *line_end = memchr(text, '\n', (size_t)(end - text));
        size_t size = (size_t)((line_end == NULL ? end : line_end) - text);
        if (is_bad_row(row, report, findings)) {
            text_add_n(out, text, size);
            text_add(out, "\n");
        }
        text += size + 1;
    }
}

/* ---- one file ---- */

/* A fault this near to the end is the end: a cut may stand inside a character or an escape. */
enum { CUT_BYTES = 12 };

static bool json_is_cut(struct arena *arena, const char *text, size_t length)
{
    struct json_document document;
    struct json_fault fault;
    return !json_parse(arena, text, length, NULL, &document, &fault) &&
           fault.offset + CUT_BYTES >= length;
}

/* The last row has fewer cells than the header, or ends inside quotes. */
static bool csv_is_cut(struct arena *arena, const char *text, size_t length)
{
    struct csv csv;
    struct csv_row row;
    struct finding_list ignored = finding_list_new(arena);
    size_t columns = 0;
    size_t last = 0;
    enum csv_answer answer;
    if (!csv_start(&csv, arena, text, length, &ignored))
        return true;
    while ((answer = csv_next(&csv, &row, &ignored)) != CSV_END) {
        last = answer == CSV_ROW ? row.count : 0;
        columns = columns == 0 ? last : columns;
    }
    return last < columns;
}

/* Does the text stop in the middle? Somebody may still be writing it. */
static bool ends_early(struct arena *arena, const char *name, const char *text, size_t length)
{
    bool has_line_end = length > 0 && text[length - 1] == '\n';
    const char *line = has_line_end ? NULL : memrchr(text, '\n', length);
    line = line == NULL ? text : line + 1;
    switch (record_format_of(name)) {
    case RECORD_JSON:
        return json_is_cut(arena, text, length);
    case RECORD_NDJSON:
        return !has_line_end && json_is_cut(arena, line, length - (size_t)(line - text));
    case RECORD_CSV:
        return !has_line_end && csv_is_cut(arena, text, length);
    default:
        return false;
    }
}

static void settle(const struct sweep *sweep, const struct seen *seen, const char *text,
                   size_t length, const struct intake_report *report,
                   const struct finding_list *findings)
{
    size_t taken =
        report->count - (report->refused < report->count ? report->refused : report->count);
    const char *name = seen->name;
    enum record_format format = record_format_of(name);
    if (report->refused == 0) {
        const char *sent = free_name(sweep->arena, sweep->sent, name);
        write_look(sweep, name, sent, report);
        move_record(sweep, seen, sent, text, length);
        return;
    }
    const char *refused = free_name(sweep->arena, sweep->refused, name);
    log_event(LOG_LEVEL_WARNING, "records-refused", "why", "see records/refused", NULL);
    write_why(sweep, refused, findings);
    if (taken == 0 || (format != RECORD_CSV && format != RECORD_NDJSON)) {
        move_record(sweep, seen, refused, text, length);
        return;
    }
    struct text rows = text_new(sweep->arena, length * 2 + 1000);
    if (format == RECORD_CSV)
        bad_csv_rows(sweep->arena, text, length, report, findings, &rows);
    else
        bad_lines(text, length, report, findings, &rows);
    file_replace(refused, rows.at, rows.length, 0600);
    const char *sent = free_name(sweep->arena, sweep->sent, name);
    write_look(sweep, name, sent, report);
    move_record(sweep, seen, sent, text, length);
}

/* ---- one file ---- */

static const struct file_identity *identity_of(void *owner, const char *name)
{
    const struct seen *seen = intake_find(owner, name);
    return seen == NULL ? NULL : &seen->as;
}

/* What TEXT holds when it speaks of attachments, else nothing; what is wrong in it is found when it
 * is taken. */
static struct record_list records_with_files(struct arena *arena, const char *name,
                                             const char *text, size_t length)
{
    static const char member[] = "attachments";
    struct record_list records = {NULL, 0, 0};
    struct finding_list ignored = {.arena = arena};
    if (text != NULL && memmem(text, length, member, strlen(member)) != NULL)
        record_read(arena, record_format_of(name), text, length, name, &records, &ignored);
    return records;
}

static void take_file(struct sweep *sweep, struct seen *seen)
{
    const char *name = seen->name;
    const struct setup *setup = sweep->office->setup;
    struct finding_list findings = finding_list_new(sweep->arena);
    const char *path = arena_print(sweep->arena, "%s/%s", sweep->out, name);
    size_t length = 0;
    bool has_changed;
    const char *text = file_read_known(sweep->arena, path, setup->config.body_max_bytes, &seen->as,
                                       &has_changed, &length, &findings);
    bool may_grow = seen->unchanged_ms < (int64_t)setup->config.drop_give_up_ms;
    if (has_changed || (text != NULL && may_grow && ends_early(sweep->arena, name, text, length))) {
        intake_pending(sweep, seen);
        return;
    }
    struct record_list records = records_with_files(sweep->arena, name, text, length);
    if (intake_waits(sweep, seen, &records, text, length) || !intake_mark(sweep, &records)) {
        intake_stay(sweep, seen, &records);
        return;
    }
    struct attachment_folder folder = {
        .path = sweep->out, .known = identity_of, .owner = sweep->intake};
    struct intake_report report = {.refused = text == NULL};
    if (text != NULL)
        report = intake_take(sweep->office, sweep->arena, name, text, length, &folder,
                             clock_wall_ms(&setup->clock), &findings);
    intake_use(sweep, &records, &report);
    if (report.fault.kind != FAULT_none || folder.has_changed) {
        intake_unmark(sweep, &records);
        intake_stay(sweep, seen, &records); /* the store is not well, or a file is new: later */
        return;
    }
    if (report.refused > 0 && text != NULL)
        intake_use_refused(sweep, text, length);
    settle(sweep, seen, text, length, &report, &findings);
    intake_wait_end(sweep->arena, sweep->out, name);
    sweep->dealt_with++;
}

bool intake_is_left_alone(const char *name)
{
    static const char *const made_by_programs[] = {"Thumbs.db", "desktop.ini", NULL};
    return text_is_one_of(name, made_by_programs) || name[0] == '.' || text_starts(name, "~$") ||
           text_ends(name, ".tmp") || text_ends(name, ".part");
}

/* What NAME looks like now. A notice whose file has gone goes, too. */
static void note(struct sweep *sweep, const char *name)
{
    struct stat about;
    const char *file;
    const char *path = arena_print(sweep->arena, "%s/%s", sweep->out, name);
    if (intake_wait_is_notice(sweep->arena, sweep->out, name, &file)) {
        if (!file_exists(arena_print(sweep->arena, "%s/%s", sweep->out, file)))
            intake_wait_end(sweep->arena, sweep->out, file);
        return;
    }
    if (intake_mark_tidy(sweep, name) || intake_is_left_alone(name) || lstat(path, &about) != 0 ||
        !S_ISREG(about.st_mode))
        return;
    struct seen *seen = seen_of(sweep->intake, name);
    if (seen == NULL)
        return;
    seen->unchanged_ms = unchanged_ms(seen, &about, sweep->now_ms);
    if (seen->unchanged_ms < 0 && record_format_of(name) == RECORD_GUESS)
        intake_mark_read(sweep, seen);
}

/* Takes it when it is a record that has settled. */
static void look_at(struct sweep *sweep, struct seen *seen)
{
    if (!intake_is_settled(sweep, seen)) {
        intake_pending(sweep, seen);
        return;
    }
    if (seen->look == LOOK_NOT_YET)
        seen->look = intake_look_of(sweep, seen->name);
    if (seen->look == LOOK_RECORD)
        take_file(sweep, seen);
}

/* In order, so that the referral of a batch goes before its notes when they are named so. */
static int by_seen_name(const void *one, const void *other)
{
    return strcmp(((const struct seen *)one)->name, ((const struct seen *)other)->name);
}

static size_t list_names(struct arena *arena, const char *folder, const char ***ret_names)
{
    DIR *open_folder = opendir(folder);
    const char **names = NULL;
    size_t count = 0;
    size_t room = 0;
    struct dirent *entry;
    while (open_folder != NULL && (entry = readdir(open_folder)) != NULL) {
        names = arena_room(arena, names, sizeof *names, count, &room, 64);
        names[count++] = arena_copy(arena, entry->d_name);
    }
    if (open_folder != NULL)
        closedir(open_folder);
    *ret_names = names;
    return count;
}

size_t intake_sweep(struct intake *intake, const struct office *office)
{
    struct arena names_arena = ARENA_EMPTY;
    struct arena arena = ARENA_EMPTY;
    const char **names;
    struct sweep sweep = {.intake = intake,
                          .office = office,
                          .arena = &arena,
                          .out = setup_path(office->setup, &names_arena, "records/out"),
                          .sent = setup_path(office->setup, &names_arena, "records/sent"),
                          .refused = setup_path(office->setup, &names_arena, "records/refused"),
                          .pending_since_ms = INT64_MAX,
                          .now_ms = clock_monotonic_ms(&office->setup->clock)};
    size_t count = list_names(&names_arena, sweep.out, &names);
    for (size_t i = 0; i < count; i++) {
        note(&sweep, names[i]);
        arena_reset(&arena);
    }
    forget_absent(intake);
    if (intake->count > 1)
        qsort(intake->files, intake->count, sizeof *intake->files, by_seen_name);
    for (size_t i = 0; i < intake->count; i++) {
        look_at(&sweep, &intake->files[i]);
        arena_reset(&arena);
    }
    for (size_t i = 0; i < intake->count; i++) {
        if (intake->files[i].look == LOOK_DOCUMENT)
            intake_settle_document(&sweep, &intake->files[i]);
        arena_reset(&arena);
    }
    arena_free(&arena);
    arena_free(&names_arena);
    return sweep.dealt_with;
}
