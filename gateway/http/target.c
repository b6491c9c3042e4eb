/* target: see target.h. */
#include "gateway/http/target.h"

#include <string.h>
#include <strings.h>

#include "base/text.h"

static int escape_value(const char *at)
{
    int value = 0;
    for (int i = 1; i <= 2; i++) {
        char byte = at[i];
        int digit = byte >= '0' && byte <= '9'   ? byte - '0'
                    : byte >= 'a' && byte <= 'f' ? byte - 'a' + 10
                    : byte >= 'A' && byte <= 'F' ? byte - 'A' + 10
                                                 : -1;
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* Undoes the escapes of a path; NULL when one is malformed or hides a control character. */
static char *unescape_path(struct arena *arena, const char *path, size_t length)
{
    char *out = arena_copy_n(arena, path, length);
    if (memchr(path, '%', length) == NULL)
        return out;
    size_t to = 0;
    for (size_t from = 0; from < length; from++) {
        if (path[from] != '%') {
            out[to++] = path[from];
            continue;
        }
        int value = from + 2 < length ? escape_value(path + from) : -1;
        if (value < 0x20 || value == 0x7f)
            return NULL;
        if (value == '/') { /* stays %2F */
            out[to++] = '%';
            continue;
        }
        out[to++] = (char)value;
        from += 2;
    }
    out[to] = '\0';
    return text_utf8_fault(out, to) == to ? out : NULL;
}

/* Behind `https://host` of the absolute form; NULL when there is no host. */
static const char *skip_host(const char *target)
{
    if (strncasecmp(target, "http://", 7) != 0 && strncasecmp(target, "https://", 8) != 0)
        return target;
    const char *host = strstr(target, "://") + 3;
    size_t length = strcspn(host, "/?");
    return length == 0 ? NULL : host + length;
}

bool target_read(struct arena *arena, const char *method, const char *target, const char **ret_path,
                 const char **ret_query)
{
    const char *start = skip_host(target);
    const char *path = NULL;
    if (start == NULL)
        return false;
    size_t length = strcspn(start, "?");
    bool is_star = strcmp(start, "*") == 0 && strcmp(method, "OPTIONS") == 0;
    if (start != target && length == 0)
        path = "/";
    else if (*start == '/' || is_star)
        path = unescape_path(arena, start, length);
    if (path == NULL)
        return false;
    *ret_path = path;
    *ret_query = start[length] == '?' ? start + length + 1 : NULL;
    return true;
}
