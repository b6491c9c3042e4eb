/* document: files in the drop folder that are no records, but attached to one.
 *
 * A record waits for the files that it names, until they are whole and for ATTACHMENT_TIMES
 * drop_give_up_ms at most; they follow it to records/sent or records/refused. Many programs call
 * every scan alike, so one that has served is not there for a record that was dropped later, which
 * may be another client's, and what a refused record names goes with it. A file that no record
 * names stays where it is. What waits says why beside itself (intake/wait.h). Called by
 * intake/drop_folder.c in a sweep.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/nearest.h"
#include "gateway/exchange/attachment.h"
#include "gateway/intake/intake_internal.h"
#include "gateway/intake/wait.h"
#include "gateway/runtime/log.h"

enum {
    WHY_MAX_BYTES = 1 << 20,
    HEAD_BYTES = 4096,
    ATTACHMENT_TIMES = 30 /* five minutes, when nothing is set */
};

/* ---- attachments ---- */

static int64_t waiting_ms(const struct sweep *sweep)
{
    return (int64_t)sweep->office->setup->config.drop_give_up_ms * ATTACHMENT_TIMES;
}

bool intake_is_settled(const struct sweep *sweep, const struct seen *seen)
{
    return seen->unchanged_ms >= 0 &&
           seen->unchanged_ms >= (int64_t)sweep->office->setup->config.drop_settle_ms;
}

/* It went with a record that had been taken before the one of the file FROM was dropped. */
static bool has_served(const struct seen *document, const struct seen *from)
{
    if (document->after == WENT_NOWHERE)
        return false;
    return document->is_from_before ? from->changed_ns > document->marked_ns
                                    : from->since_ms > document->used_ms;
}

/* For a record of the file FROM: the file of this name is not there, or somebody is still writing
 * it, or may be, because it came since this sweep looked. */
static bool is_awaited(const struct sweep *sweep, const char *name, const struct seen *from)
{
    struct stat about;
    const char *file;
    const struct seen *seen = intake_find(sweep->intake, name);
    if (seen != NULL)
        return !intake_is_settled(sweep, seen) || has_served(seen, from);
    if (!attachment_is_name(name))
        return false;
    if (lstat(arena_print(sweep->arena, "%s/%s", sweep->out, name), &about) != 0)
        return errno == ENOENT;
    return S_ISREG(about.st_mode) && !intake_is_left_alone(name) &&
           !intake_wait_is_notice(sweep->arena, sweep->out, name, &file);
}

/* Calls EACH for every file that a record of RECORDS attaches, by its row and place from 1. */
static void each_attached(struct sweep *sweep, const struct record_list *records,
                          void (*each)(struct sweep *sweep, const struct record *record,
                                       size_t place, const char *name, void *into),
                          void *into)
{
    for (size_t i = 0; i < records->count; i++) {
        const struct json *item = json_first(json_get(records->items[i].tree, "attachments"));
        for (size_t place = 1; item != NULL; item = json_next(item), place++) {
            if (json_get_text(item, "file") != NULL)
                each(sweep, &records->items[i], place, json_get_text(item, "file"), into);
        }
    }
}

/* A file that is there under nearly the same name: a slip, or another case of letters. */
static const char *nearest_document(const struct sweep *sweep, const char *name)
{
    struct nearest nearest = nearest_start(name);
    for (size_t i = 0; i < sweep->intake->count; i++) {
        if (sweep->intake->files[i].look == LOOK_DOCUMENT)
            nearest_try(&nearest, sweep->intake->files[i].name);
    }
    return nearest.best;
}

struct awaiting {
    struct text why;
    const struct seen *from; /* the file of the record */
    bool has_other_only;     /* of a name it awaits, there is one that has served */
};

static void note_awaited(struct sweep *sweep, const struct record *record, size_t place,
                         const char *name, void *into)
{
    struct awaiting *awaiting = into;
    const struct seen *seen = intake_find(sweep->intake, name);
    if (!is_awaited(sweep, name, awaiting->from))
        return;
    bool has_other = seen != NULL && has_served(seen, awaiting->from);
    awaiting->has_other_only = awaiting->has_other_only || seen != NULL;
    struct finding finding = {
        .file = record->file,
        .row = record->row,
        .path = arena_print(sweep->arena, "attachments[%zu].file", place),
        .found = arena_print(sweep->arena,
                             has_other ? "%s, which went with a record that was dropped before"
                                       : "%s, which is not in records/out yet",
                             name),
        .nearest = nearest_document(sweep, name),
        .expected = arena_print(sweep->arena,
                                "the file beside the record; the record waits %lld minutes for "
                                "it, then it goes to records/refused",
                                (long long)((waiting_ms(sweep) + 59999) / 60000))};
    finding_print(&finding, &awaiting->why);
}

static void note_wanted(struct sweep *sweep, const struct record *record, size_t place,
                        const char *name, void *into)
{
    const struct seen *const *from = into;
    struct seen *seen = intake_find(sweep->intake, name);
    (void)record;
    (void)place;
    if (seen != NULL && !has_served(seen, *from))
        seen->is_wanted = true;
}

/* All that is wrong is told at once, also while a file is awaited. Looked for once. */
static const char *faults_of(struct sweep *sweep, struct seen *seen, const char *text,
                             size_t length)
{
    struct finding_list findings = finding_list_new(sweep->arena);
    struct text why = text_new(sweep->arena, WHY_MAX_BYTES);
    if (seen->faults != NULL)
        return seen->faults;
    intake_check(sweep->office, sweep->arena, seen->name, text, length,
                 clock_wall_ms(&sweep->office->setup->clock), &findings);
    for (size_t i = 0; i < findings.count; i++)
        finding_print(&findings.items[i], &why);
    seen->faults = strdup(why.at);
    return why.at;
}

bool intake_waits(struct sweep *sweep, struct seen *seen, const struct record_list *records,
                  const char *text, size_t length)
{
    struct awaiting awaiting = {.why = text_new(sweep->arena, WHY_MAX_BYTES), .from = seen};
    each_attached(sweep, records, note_awaited, &awaiting);
    bool is_given_up = seen->unchanged_ms >= waiting_ms(sweep) && !awaiting.has_other_only;
    if (awaiting.why.length == 0 || is_given_up)
        return false;
    text_add(&awaiting.why, faults_of(sweep, seen, text, length));
    if (intake_wait_say(sweep->arena, sweep->out, seen->name, awaiting.why.at))
        log_event(LOG_LEVEL_INFO, "records-waiting", "why",
                  "an attachment is not there yet; see NAME.waits.txt in records/out", NULL);
    return true;
}

void intake_stay(struct sweep *sweep, const struct seen *seen, const struct record_list *records)
{
    each_attached(sweep, records, note_wanted, &seen);
}

static void note_mark(struct sweep *sweep, const struct record *record, size_t place,
                      const char *name, void *into)
{
    bool *is_marked = into;
    struct seen *seen = intake_find(sweep->intake, name);
    (void)record;
    (void)place;
    if (seen != NULL && seen->marked_ns == 0 && !intake_mark_write(sweep, seen))
        *is_marked = false;
}

bool intake_mark(struct sweep *sweep, const struct record_list *records)
{
    bool is_marked = true;
    each_attached(sweep, records, note_mark, &is_marked);
    return is_marked;
}

static void note_unmark(struct sweep *sweep, const struct record *record, size_t place,
                        const char *name, void *into)
{
    struct seen *seen = intake_find(sweep->intake, name);
    (void)record;
    (void)place;
    (void)into;
    if (seen != NULL && seen->after == WENT_NOWHERE)
        intake_mark_end(sweep, seen);
}

void intake_unmark(struct sweep *sweep, const struct record_list *records)
{
    each_attached(sweep, records, note_unmark, NULL);
}

/* It went with a record, to WHERE. The first time counts: a record that came between it and a
 * second one is not served either. */
static void follow(struct sweep *sweep, struct seen *seen, enum went where)
{
    if (seen->after == WENT_NOWHERE)
        seen->used_ms = sweep->now_ms;
    if (seen->after == where)
        return;
    seen->after = where;
    intake_mark_write(sweep, seen);
}

struct used {
    const struct intake_report *report;
    const struct record_list *records;
};

static void note_used(struct sweep *sweep, const struct record *record, size_t place,
                      const char *name, void *into)
{
    const struct used *used = into;
    size_t at = (size_t)(record - used->records->items);
    struct seen *seen = intake_find(sweep->intake, name);
    (void)place;
    if (seen == NULL || at >= used->report->count)
        return;
    bool is_refused = used->report->items[at].report.answer == FLOW_REFUSED;
    if (!is_refused || seen->after == WENT_NOWHERE)
        follow(sweep, seen, is_refused ? WENT_REFUSED : WENT_SENT);
}

void intake_use(struct sweep *sweep, const struct record_list *records,
                const struct intake_report *report)
{
    struct used used = {report, records};
    each_attached(sweep, records, note_used, &used);
}

/* NAME stands in TEXT as a value of its own, not as a part of a longer one. */
static bool is_value_in(const char *text, size_t length, const char *name)
{
    static const char around[] = "\",;\t\r\n";
    size_t size = strlen(name);
    const char *end = text + length;
    for (const char *at = text; (at = memmem(at, (size_t)(end - at), name, size)) != NULL; at++) {
        const char *before = at;
        const char *after = at + size;
        while (before > text && before[-1] == ' ')
            before--;
        while (after < end && *after == ' ')
            after++;
        if ((before == text || strchr(around, before[-1]) != NULL) &&
            (after == end || strchr(around, *after) != NULL))
            return true;
    }
    return false;
}

void intake_use_refused(struct sweep *sweep, const char *text, size_t length)
{
    for (size_t i = 0; i < sweep->intake->count; i++) {
        struct seen *seen = &sweep->intake->files[i];
        if (seen->after == WENT_NOWHERE && record_format_of(seen->name) == RECORD_GUESS &&
            is_value_in(text, length, seen->name))
            follow(sweep, seen, WENT_REFUSED);
    }
}

/* Beside the file, and in the log without its name. */
static void tell_unnamed(const struct sweep *sweep, struct seen *seen)
{
    const char *why = arena_print(sweep->arena,
                                  "%s: found a file that is no record and that no record in "
                                  "records/out attaches; expected a record beside it that names it "
                                  "in attachments. It stays here until one does.\n",
                                  seen->name);
    seen->is_told = true;
    if (intake_wait_say(sweep->arena, sweep->out, seen->name, why))
        log_event(LOG_LEVEL_WARNING, "drop-folder", "what", "no record names a file in records/out",
                  "why", "it stays there; see NAME.waits.txt beside it, or refgate check", NULL);
}

/* A document goes where its record went, once no other record of that time can want it. */
void intake_settle_document(struct sweep *sweep, struct seen *seen)
{
    bool is_named = seen->is_wanted || seen->after != WENT_NOWHERE;
    if (is_named)
        intake_wait_end(sweep->arena, sweep->out, seen->name);
    if (seen->after != WENT_NOWHERE && !seen->is_wanted &&
        sweep->pending_since_ms > seen->used_ms) {
        if (intake_move(sweep, seen, seen->after))
            intake_mark_end(sweep, seen);
    } else if (!is_named && !seen->is_told && seen->unchanged_ms >= waiting_ms(sweep)) {
        tell_unnamed(sweep, seen);
    }
}

/* ---- records and documents ---- */

/* A sheet has the column `record`, whatever parts its cells. */
static bool has_record_column(const char *head)
{
    static const char column[] = "record";
    const char *end = head + strcspn(head, "\r\n");
    while (head < end) {
        size_t length = strcspn(head, ",;\t\r\n");
        size_t quoted = length == sizeof column + 1 && head[0] == '"';
        if ((quoted || length == sizeof column - 1) &&
            strncmp(head + quoted, column, sizeof column - 1) == 0)
            return true;
        head += length + 1;
    }
    return false;
}

/* The beginning of a text that may be a record: JSON (and no RTF, which also has braces), or a
 * sheet. */
static bool begins_as_record(const char *head)
{
    static const char space[] = " \t\r\n";
    head += text_starts(head, "\xef\xbb\xbf") ? 3 : 0;
    head += strspn(head, space);
    if (*head == '{' || *head == '[') {
        const char next = head[1 + strspn(head + 1, space)];
        return next == '\0' || strchr("\"{}]", next) != NULL;
    }
    return has_record_column(head);
}

enum look intake_look_of(const struct sweep *sweep, const char *name)
{
    char head[HEAD_BYTES + 1] = "";
    if (record_format_of(name) != RECORD_GUESS)
        return LOOK_RECORD;
    int file = open(arena_print(sweep->arena, "%s/%s", sweep->out, name),
                    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    ssize_t length = file < 0 ? -1 : read(file, head, HEAD_BYTES);
    if (file >= 0)
        close(file);
    head[length < 0 ? 0 : length] = '\0';
    return length < 0 || begins_as_record(head) ? LOOK_RECORD : LOOK_DOCUMENT;
}
