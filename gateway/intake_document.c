/* intake_document: files in the drop folder that are no records, but attached to one.
 *
 * A record waits for the files that it names, until they are whole and for ATTACHMENT_TIMES
 * drop_give_up_ms at most; they follow it to records/sent or records/refused. Many programs call
 * every scan alike, so one that has served is not there for a record that was dropped later, which
 * may be another client's. A file that no record names stays where it is. What waits says why
 * beside itself (intake_wait.h). Called by intake_folder.c in a sweep.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/nearest.h"
#include "gateway/attachment.h"
#include "gateway/intake_parts.h"
#include "gateway/intake_wait.h"
#include "gateway/log.h"

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

/* It went with a record that had been taken before the one of SINCE was dropped. */
static bool has_served(const struct seen *document, int64_t since_ms)
{
    return document->after != NULL && since_ms > document->used_ms;
}

/* For a record dropped at SINCE_MS: the file of this name is not there, or somebody is still
 * writing it. */
static bool is_awaited(const struct sweep *sweep, const char *name, int64_t since_ms)
{
    struct stat about;
    const struct seen *seen = intake_find(sweep->intake, name);
    if (seen != NULL)
        return !intake_is_settled(sweep, seen) || has_served(seen, since_ms);
    return attachment_is_name(name) &&
           lstat(arena_print(sweep->arena, "%s/%s", sweep->out, name), &about) != 0 &&
           errno == ENOENT;
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
    int64_t since_ms;    /* the record was dropped */
    bool has_other_only; /* of a name it awaits, there is one that has served */
};

static void note_awaited(struct sweep *sweep, const struct record *record, size_t place,
                         const char *name, void *into)
{
    struct awaiting *awaiting = into;
    if (!is_awaited(sweep, name, awaiting->since_ms))
        return;
    awaiting->has_other_only = awaiting->has_other_only || intake_find(sweep->intake, name) != NULL;
    struct finding finding = {
        .file = record->file,
        .row = record->row,
        .path = arena_print(sweep->arena, "attachments[%zu].file", place),
        .found = arena_print(sweep->arena, "%s, which is not in records/out yet", name),
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
    const int64_t *since_ms = into;
    struct seen *seen = intake_find(sweep->intake, name);
    (void)record;
    (void)place;
    if (seen != NULL && !has_served(seen, *since_ms))
        seen->is_wanted = true;
}

bool intake_waits(struct sweep *sweep, const struct seen *seen, const struct record_list *records)
{
    struct awaiting awaiting = {.why = text_new(sweep->arena, WHY_MAX_BYTES),
                                .since_ms = seen->since_ms};
    each_attached(sweep, records, note_awaited, &awaiting);
    bool is_given_up = seen->unchanged_ms >= waiting_ms(sweep) && !awaiting.has_other_only;
    if (awaiting.why.length == 0 || is_given_up)
        return false;
    if (intake_wait_say(sweep->arena, sweep->out, seen->name, awaiting.why.at))
        log_event(LOG_LEVEL_INFO, "records-waiting", "why",
                  "an attachment is not there yet; see NAME.waits.txt in records/out", NULL);
    return true;
}

void intake_stay(struct sweep *sweep, const struct seen *seen, const struct record_list *records)
{
    int64_t since_ms = seen->since_ms;
    each_attached(sweep, records, note_wanted, &since_ms);
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
    if (!is_refused || seen->after == NULL)
        seen->after = is_refused ? sweep->refused : sweep->sent;
    seen->used_ms = sweep->now_ms;
}

void intake_use(struct sweep *sweep, const struct record_list *records,
                const struct intake_report *report)
{
    struct used used = {report, records};
    each_attached(sweep, records, note_used, &used);
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
    bool is_named = seen->is_wanted || seen->after != NULL;
    if (is_named)
        intake_wait_end(sweep->arena, sweep->out, seen->name);
    if (seen->after != NULL && !seen->is_wanted && sweep->pending_since_ms > seen->used_ms)
        intake_move(sweep, seen->name, seen->after);
    else if (!is_named && !seen->is_told && seen->unchanged_ms >= waiting_ms(sweep))
        tell_unnamed(sweep, seen);
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
