/* intake_document: files in the drop folder that are no records, but attached to one.
 *
 * A record waits for the files that it names, until they are whole and for ATTACHMENT_TIMES
 * drop_give_up_ms at most; they follow it to records/sent. A file that no record names stays where
 * it is. What waits says why beside itself (intake_wait.h). Called by intake_folder.c in a sweep.
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

/* The file of this name is not there, or somebody is still writing it. */
static bool is_awaited(const struct sweep *sweep, const char *name)
{
    struct stat about;
    const struct seen *seen = intake_find(sweep->intake, name);
    if (seen != NULL)
        return !intake_is_settled(sweep, seen);
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

static void note_awaited(struct sweep *sweep, const struct record *record, size_t place,
                         const char *name, void *into)
{
    struct text *why = into;
    if (!is_awaited(sweep, name))
        return;
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
    finding_print(&finding, why);
}

static void note_wanted(struct sweep *sweep, const struct record *record, size_t place,
                        const char *name, void *into)
{
    struct seen *seen = intake_find(sweep->intake, name);
    (void)record;
    (void)place;
    (void)into;
    if (seen != NULL)
        seen->is_wanted = true;
}

/* Some file that the records of NAME attach is not there yet: they wait for it together. */
bool intake_waits(struct sweep *sweep, const char *name, const struct record_list *records,
                  int64_t unchanged_ms)
{
    struct text why = text_new(sweep->arena, WHY_MAX_BYTES);
    each_attached(sweep, records, note_awaited, &why);
    if (why.length == 0 || unchanged_ms >= waiting_ms(sweep))
        return false;
    if (intake_wait_say(sweep->arena, sweep->out, name, why.at))
        log_event(LOG_LEVEL_INFO, "records-waiting", "why",
                  "an attachment is not there yet; see NAME.waits.txt in records/out", NULL);
    return true;
}

/* The record stays; its attachments do too. */
void intake_stay(struct sweep *sweep, const struct record_list *records)
{
    each_attached(sweep, records, note_wanted, NULL);
    sweep->is_pending = true;
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
    if (seen != NULL && at < used->report->count &&
        used->report->items[at].report.answer != FLOW_REFUSED)
        seen->is_used = true;
}

void intake_use(struct sweep *sweep, const struct record_list *records,
                const struct intake_report *report)
{
    struct used used = {report, records};
    each_attached(sweep, records, note_used, &used);
}

/* A document goes where its record went, once no other record can want it. */
void intake_settle_document(struct sweep *sweep, struct seen *seen)
{
    if (seen->is_used && !seen->is_wanted && !sweep->is_pending) {
        intake_move_to_sent(sweep, seen->name);
        intake_wait_end(sweep->arena, sweep->out, seen->name);
    } else if (seen->is_wanted || seen->is_used) {
        intake_wait_end(sweep->arena, sweep->out, seen->name);
    } else if (seen->unchanged_ms >= waiting_ms(sweep) &&
               intake_wait_say(
                   sweep->arena, sweep->out, seen->name,
                   arena_print(sweep->arena,
                               "%s: found a file that is no record and that no record in "
                               "records/out attaches; expected a record beside it that names it "
                               "in attachments. It stays here until one does.\n",
                               seen->name))) {
        log_event(LOG_LEVEL_WARNING, "drop-folder", "what", "no record names a file in records/out",
                  "why", "it stays there; see NAME.waits.txt beside it, or refgate check", NULL);
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
