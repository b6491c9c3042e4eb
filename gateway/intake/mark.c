/* mark: that a document in the drop folder has served, kept beside it in a hidden file.
 *
 * A document may lie there a while after its record was taken, and the sweep's memory ends with the
 * service; the mark says to the next one that it is not there for records which were dropped since.
 * It is written before the record is taken, so that no crash comes in between, and goes with the
 * document. Its name is a hash, because document names may be as long as a name can be. Called in a
 * sweep by intake/document.c and intake/drop_folder.c.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certs/io/digest.h"
#include "gateway/intake/intake_internal.h"
#include "gateway/runtime/log.h"

enum { HASH_BYTES = 16, MARK_MAX_BYTES = 1024 };

static const char prefix[] = ".served-";

static const char *path_of(const struct sweep *sweep, const char *name)
{
    unsigned char hash[DIGEST_SHA256_BYTES];
    char hex[2 * HASH_BYTES + 1];
    digest_sha256(name, strlen(name), hash);
    digest_hex(hash, HASH_BYTES, hex);
    return arena_print(sweep->arena, "%s/%s%s", sweep->out, prefix, hex);
}

static char *read_mark(const struct sweep *sweep, const char *path)
{
    struct finding_list ignored = finding_list_new(sweep->arena);
    size_t length;
    return file_exists(path) ? file_read(sweep->arena, path, MARK_MAX_BYTES, &length, &ignored)
                             : NULL;
}

static long long changed_ns(const char *path)
{
    struct stat about;
    return lstat(path, &about) != 0
               ? 0
               : (long long)about.st_mtim.tv_sec * 1000000000 + about.st_mtim.tv_nsec;
}

bool intake_mark_write(const struct sweep *sweep, struct seen *seen)
{
    const char *path = path_of(sweep, seen->name);
    const char *where = seen->after == WENT_REFUSED ? "refused" : "sent";
    const char *text =
        arena_print(sweep->arena, "%llu %lld %lld %lld %s\n%s\n", seen->as.inode, seen->as.size,
                    seen->as.modified_ns, seen->marked_ns, where, seen->name);
    if (!file_replace(path, text, strlen(text), 0600)) {
        log_event(LOG_LEVEL_ERROR, "drop-folder", "what", "a mark cannot be written in records/out",
                  "why", strerror(errno), NULL);
        return false;
    }
    if (seen->marked_ns == 0) /* by the clock of the file system, as the times of the records */
        seen->marked_ns = changed_ns(path);
    return true;
}

void intake_mark_read(const struct sweep *sweep, struct seen *seen)
{
    struct file_identity as;
    long long marked_ns;
    char where[8];
    const char *path = path_of(sweep, seen->name);
    const char *text = read_mark(sweep, path);
    if (text == NULL)
        return;
    if (sscanf(text, "%llu %lld %lld %lld %7s", &as.inode, &as.size, &as.modified_ns, &marked_ns,
               where) != 5 ||
        !file_identity_equal(&as, &seen->as)) {
        unlink(path); /* of the document that had this name before */
        return;
    }
    seen->after = strcmp(where, "refused") == 0 ? WENT_REFUSED : WENT_SENT;
    seen->used_ms = sweep->now_ms;
    seen->marked_ns = marked_ns == 0 ? changed_ns(path) : marked_ns;
    seen->is_from_before = true;
}

void intake_mark_end(const struct sweep *sweep, struct seen *seen)
{
    if (seen->marked_ns != 0)
        unlink(path_of(sweep, seen->name));
    seen->marked_ns = 0;
}

bool intake_mark_tidy(const struct sweep *sweep, const char *name)
{
    if (!text_starts(name, prefix))
        return false;
    const char *path = arena_print(sweep->arena, "%s/%s", sweep->out, name);
    char *text = read_mark(sweep, path);
    char *document = text == NULL ? NULL : strchr(text, '\n');
    if (document == NULL)
        return true;
    document++;
    document[strlen(document) - (text_ends(document, "\n") ? 1 : 0)] = '\0';
    if (!file_exists(arena_print(sweep->arena, "%s/%s", sweep->out, document)))
        unlink(path);
    return true;
}
