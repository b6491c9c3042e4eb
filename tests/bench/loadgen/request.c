/* request: the bytes of a request, and the places in it that differ from message to message. See
 * load.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "load.h"

enum { UUID_TEXT = 36, NUMBER_TEXT = 12 };

static char *read_file(const char *path, size_t *ret_length)
{
    FILE *file = fopen(path, "rb");
    char *bytes = NULL;
    size_t length = 0;
    size_t room = 0;
    if (file == NULL)
        die("%s cannot be read", path);
    do {
        room = room == 0 ? 65536 : 2 * room;
        bytes = realloc(bytes, room + 1);
        if (bytes == NULL)
            die("no memory");
        length += fread(bytes + length, 1, room - length, file);
    } while (length == room);
    fclose(file);
    bytes[length] = '\0';
    *ret_length = length;
    return bytes;
}

/* The placeholder that starts at TEXT, `{{`; 0 when it is none. */
static size_t placeholder(const char *text, int *ret_uuid)
{
    int end = 0;
    if (strncmp(text, "{{n}}", 5) == 0) {
        *ret_uuid = -1;
        return 5;
    }
    if (strncmp(text, "{{uuid}}", 8) == 0) {
        *ret_uuid = 0;
        return 8;
    }
    if (sscanf(text, "{{uuid%3d}}%n", ret_uuid, &end) == 1 && end > 0 && *ret_uuid > 0 &&
        *ret_uuid < UUIDS)
        return (size_t)end;
    return 0;
}

static void add_patch(struct request *request, size_t at, int uuid)
{
    size_t size = (request->patches_count + 1) * sizeof *request->patches;
    request->patches = realloc(request->patches, size);
    if (request->patches == NULL)
        die("no memory");
    request->patches[request->patches_count++] = (struct patch){at, uuid};
}

/* Every placeholder has a fixed width, so the body's length is known before it is filled in. */
static size_t put_body(struct request *request, char *to, const char *body, size_t offset)
{
    size_t length = 0;
    while (*body != '\0') {
        int uuid = 0;
        size_t skip = *body == '{' ? placeholder(body, &uuid) : 0;
        if (skip == 0) {
            to[length++] = *body++;
            continue;
        }
        add_patch(request, offset + length, uuid);
        length += uuid < 0 ? NUMBER_TEXT : UUID_TEXT;
        body += skip;
    }
    return length;
}

void request_make(struct request *request, const char *method, const char *path, const char *host,
                  const char *body_file)
{
    size_t template_length = 0;
    char *template = body_file == NULL ? NULL : read_file(body_file, &template_length);
    size_t room = template_length * 5 + 1; /* `{{uuid}}` grows to 36 bytes, `{{n}}` to 12 */
    char *body = malloc(room);
    char head[1024];
    if (body == NULL)
        die("no memory");
    size_t length = template == NULL ? 0 : put_body(request, body, template, 0);
    int head_length =
        template == NULL
            ? snprintf(head, sizeof head,
                       "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: loadgen\r\n\r\n", method, path,
                       host)
            : snprintf(head, sizeof head,
                       "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: loadgen\r\n"
                       "Accept: application/fhir+json\r\nContent-Type: application/fhir+json\r\n"
                       "Content-Length: %zu\r\n\r\n",
                       method, path, host, length);
    for (size_t i = 0; i < request->patches_count; i++)
        request->patches[i].at += (size_t)head_length;
    request->length = (size_t)head_length + length;
    request->bytes = malloc(request->length);
    if (request->bytes == NULL)
        die("no memory");
    memcpy(request->bytes, head, (size_t)head_length);
    memcpy(request->bytes + head_length, body, length);
    free(body);
    free(template);
    if (getrandom(request->random, sizeof request->random, 0) != sizeof request->random)
        die("no randomness");
}

/* xorshift128+: unique is enough, nobody guesses. */
static uint64_t next_random(struct request *request)
{
    uint64_t one = request->random[0];
    uint64_t other = request->random[1];
    request->random[0] = other;
    one ^= one << 23;
    request->random[1] = one ^ other ^ one >> 17 ^ other >> 26;
    return request->random[1] + other;
}

/* RFC 9562 version 4. */
static void make_uuid(struct request *request, char text[UUID_TEXT])
{
    static const char digits[] = "0123456789abcdef";
    uint64_t halves[2] = {next_random(request), next_random(request)};
    halves[0] = (halves[0] & ~0xf000ull) | 0x4000;
    halves[1] = (halves[1] & ~(3ull << 62)) | 2ull << 62;
    int digit = 0;
    for (int i = 0; i < UUID_TEXT; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        text[i] = is_dash ? '-' : digits[halves[digit / 16] >> (60 - 4 * (digit % 16)) & 15];
        digit += is_dash ? 0 : 1;
    }
}

void request_next(struct request *request, char *bytes)
{
    static char uuids[UUIDS][UUID_TEXT];
    static uint64_t made_for[UUIDS]; /* the number it was made for, and 1 */
    uint64_t number = request->number++;
    memcpy(bytes, request->bytes, request->length);
    for (size_t i = 0; i < request->patches_count; i++) {
        struct patch patch = request->patches[i];
        if (patch.uuid < 0) {
            uint64_t rest = number;
            for (int digit = NUMBER_TEXT - 1; digit >= 0; digit--, rest /= 10)
                bytes[patch.at + (size_t)digit] = (char)('0' + rest % 10);
            continue;
        }
        if (made_for[patch.uuid] != number + 1) {
            make_uuid(request, uuids[patch.uuid]);
            made_for[patch.uuid] = number + 1;
        }
        memcpy(bytes + patch.at, uuids[patch.uuid], UUID_TEXT);
    }
}
