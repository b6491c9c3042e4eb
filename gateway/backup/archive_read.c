/* archive_read: the reading half of archive.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "certs/io/digest.h"
#include "gateway/backup/archive.h"
#include "gateway/backup/archive_internal.h"
#include "gateway/runtime/file.h"

enum { MEMBERS_MAX = 1000000, SUM_TEXT = 2 * DIGEST_SHA256_BYTES + 1, PIECE = 1 << 20 };

struct taken { /* a member, as found */
    struct archive_member member;
    char sum[SUM_TEXT];
};

struct reading {
    struct arena *arena;
    const char *path, *folder;
    int file;
    unsigned char *piece;
    struct taken *taken;
    size_t count, room;
    struct fault *fault;
};

static bool refuse(struct reading *reading, const char *why)
{
    const char *sentence = arena_print(reading->arena, "%s cannot be used: %s", reading->path, why);
    return fault_set(reading->fault, FAULT_unreadable, sentence);
}

/* Exactly LENGTH bytes. */
static bool read_all(struct reading *reading, void *bytes, size_t length)
{
    char *at = bytes;
    while (length > 0) {
        ssize_t count = read(reading->file, at, length);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return refuse(reading, strerror(errno));
        if (count == 0)
            return refuse(reading, "it is cut off; expected the whole file that was written");
        at += count;
        length -= (size_t)count;
    }
    return true;
}

static bool read_zeros(struct reading *reading, size_t length)
{
    if (!read_all(reading, reading->piece, length))
        return false;
    for (size_t i = 0; i < length; i++) {
        if (reading->piece[i] != 0)
            return refuse(reading, "it is damaged: between two files in it");
    }
    return true;
}

/* Sizes are octal, or base 256 with the top bit set. */
static bool get_number(const char *field, size_t room, uint64_t *ret_number)
{
    uint64_t number = 0;
    const unsigned char *at = (const unsigned char *)field;
    if (at[0] & 0x80) {
        for (size_t i = room - 8; i < room; i++)
            number = number << 8 | at[i];
        *ret_number = number;
        return number < (uint64_t)1 << 62;
    }
    for (size_t i = 0; i < room && at[i] != '\0' && at[i] != ' '; i++) {
        if (at[i] < '0' || at[i] > '7')
            return false;
        number = number << 3 | (unsigned)(at[i] - '0');
    }
    *ret_number = number;
    return true;
}

static bool is_empty(const struct tar_head *head)
{
    const char *bytes = (const char *)head;
    for (size_t i = 0; i < sizeof *head; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

/* A relative name whose parts are neither empty nor begin with a dot. */
static bool is_plain(const char *name)
{
    for (const char *at = name; *at != '\0'; at++) {
        bool starts_part = at == name || at[-1] == '/';
        if ((unsigned char)*at < 0x20 || *at == 0x7f || (starts_part && strchr("./", *at) != NULL))
            return false;
    }
    return name[0] != '\0' && !text_ends(name, "/");
}

static int make_file(struct reading *reading, const char *name)
{
    const char *path = arena_print(reading->arena, "%s/%s", reading->folder, name);
    for (const char *slash = strchr(name, '/'); slash != NULL; slash = strchr(slash + 1, '/'))
        file_make_folder(
            arena_print(reading->arena, "%s/%.*s", reading->folder, (int)(slash - name), name),
            0700);
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0)
        refuse(reading,
               arena_print(reading->arena, "%s cannot be made: %s", path, strerror(errno)));
    return file;
}

static bool write_piece(struct reading *reading, int file, size_t length)
{
    const unsigned char *at = reading->piece;
    while (length > 0) {
        ssize_t count = write(file, at, length);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return refuse(reading, arena_print(reading->arena, "there is no room to unpack it: %s",
                                               strerror(errno)));
        at += count;
        length -= (size_t)count;
    }
    return true;
}

static bool copy_out(struct reading *reading, struct taken *taken, int file)
{
    unsigned char digest[DIGEST_SHA256_BYTES];
    struct digest_sum *sum = digest_sum_new();
    uint64_t left = taken->member.length;
    bool done = true;
    while (done && left > 0) {
        size_t length = left < PIECE ? (size_t)left : PIECE;
        done = read_all(reading, reading->piece, length) && write_piece(reading, file, length);
        digest_sum_add(sum, reading->piece, length);
        left -= length;
    }
    digest_sum_end(sum, digest);
    digest_hex(digest, sizeof digest, taken->sum);
    size_t over = taken->member.length % TAR_BLOCK;
    return done && (over == 0 || read_zeros(reading, TAR_BLOCK - over));
}

static struct taken *add_taken(struct reading *reading)
{
    reading->taken = arena_room(reading->arena, reading->taken, sizeof *reading->taken,
                                reading->count, &reading->room, 64);
    return &reading->taken[reading->count++];
}

/* One member to its file. */
static bool take_member(struct reading *reading, const struct tar_head *head)
{
    uint64_t sum = 0;
    struct taken *taken = add_taken(reading);
    bool is_right = memcmp(head->magic, "ustar", 6) == 0 && head->kind == '0' &&
                    head->prefix[0] == '\0' && get_number(head->sum, sizeof head->sum, &sum) &&
                    sum == tar_sum(head) && reading->count < MEMBERS_MAX &&
                    get_number(head->size, sizeof head->size, &taken->member.length);
    taken->member.name =
        arena_copy_n(reading->arena, head->name, strnlen(head->name, sizeof head->name));
    if (!is_right || !is_plain(taken->member.name))
        return refuse(reading, reading->count == 1 ? "it is no backup of refgate"
                                                   : "it is damaged: a file's head in it");
    int file = make_file(reading, taken->member.name);
    if (file < 0)
        return false;
    bool done = copy_out(reading, taken, file);
    if (done && fsync(file) != 0)
        done = refuse(reading, strerror(errno));
    return close(file) == 0 && done;
}

/* The last member says what the sums of the others are, in their order. */
static bool check_sums(struct reading *reading)
{
    struct finding_list findings = finding_list_new(reading->arena);
    const struct taken *last = reading->count == 0 ? NULL : &reading->taken[reading->count - 1];
    size_t length;
    if (last == NULL || !text_equal(last->member.name, TAR_SUMS))
        return refuse(reading, "it is damaged: its list of sums is missing");
    const char *path = arena_print(reading->arena, "%s/%s", reading->folder, TAR_SUMS);
    const char *at = file_read(reading->arena, path, SIZE_MAX / 2, &length, &findings);
    for (size_t i = 0; at != NULL && i + 1 < reading->count; i++) {
        const struct taken *taken = &reading->taken[i];
        const char *line = arena_print(reading->arena, "%s  %s\n", taken->sum, taken->member.name);
        if (!text_starts(at, line))
            return refuse(reading,
                          arena_print(reading->arena, "it is damaged: %s is not what was written",
                                      taken->member.name));
        at += strlen(line);
    }
    reading->count--;
    unlink(path);
    return at != NULL && *at == '\0' ? true : refuse(reading, "it is damaged: its list of sums");
}

static bool read_members(struct reading *reading)
{
    struct tar_head head;
    for (;;) {
        if (!read_all(reading, &head, sizeof head))
            return false;
        if (is_empty(&head) && reading->count == 0)
            return refuse(reading, "it is no backup of refgate");
        if (is_empty(&head))
            return read_zeros(reading, TAR_BLOCK) && check_sums(reading);
        if (!take_member(reading, &head))
            return false;
    }
}

bool archive_extract(struct arena *arena, const char *path, const char *folder,
                     struct archive_member **ret_members, size_t *ret_count,
                     struct fault *ret_fault)
{
    struct reading reading = {.arena = arena, .path = path, .folder = folder, .fault = ret_fault};
    reading.piece = arena_alloc(arena, PIECE);
    reading.file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (reading.file < 0)
        return refuse(&reading, strerror(errno));
    bool done = read_members(&reading);
    close(reading.file);
    struct archive_member *members = arena_array(arena, reading.count, sizeof *members);
    for (size_t i = 0; i < reading.count; i++)
        members[i] = reading.taken[i].member;
    *ret_members = members;
    *ret_count = reading.count;
    return done;
}
