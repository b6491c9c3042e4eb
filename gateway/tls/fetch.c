/* fetch: one GET by curl into memory, under a ceiling of bytes and time. See fetch.h. Blocking. */
#include "gateway/tls/fetch.h"

#include <curl/curl.h>
#include <string.h>
#include <sys/socket.h>

#include "gateway/runtime/address.h"

enum { CONNECT_MS_MAX = 5000 };

struct fetching {
    struct arena *arena;
    const char *host;
    char *bytes;
    size_t length, room, bytes_max;
    bool is_too_large, is_refused;
};

static size_t on_body(char *bytes, size_t one, size_t length, void *owner)
{
    struct fetching *fetching = owner;
    (void)one;
    if (length > fetching->bytes_max - fetching->length) {
        fetching->is_too_large = true;
        return 0;
    }
    size_t need = fetching->length + length + 1;
    if (need > fetching->room) {
        size_t room = need > 2 * fetching->room ? need : 2 * fetching->room;
        fetching->bytes = arena_grow(fetching->arena, fetching->bytes, fetching->room, room);
        fetching->room = room;
    }
    memcpy(fetching->bytes + fetching->length, bytes, length);
    fetching->length += length;
    return length;
}

static curl_socket_t on_open(void *owner, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct fetching *fetching = owner;
    struct sockaddr_storage to = {0};
    (void)purpose;
    memcpy(&to, &address->addr, address->addrlen < sizeof to ? address->addrlen : sizeof to);
    fetching->is_refused = !address_fits(fetching->host, &to);
    if (fetching->is_refused)
        return CURL_SOCKET_BAD;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static const char *host_of(struct arena *arena, const char *url)
{
    const char *start = strstr(url, "://");
    start = start == NULL ? url : start + 3;
    size_t length = start[0] == '[' ? strcspn(start, "]") + 1 : strcspn(start, ":/?#");
    return arena_copy_n(arena, start, length);
}

static void set_options(CURL *easy, const char *url, struct fetching *fetching)
{
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "refgate/" REFGATE_VERSION);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS_MAX);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)FETCH_MS_MAX);
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)fetching->bytes_max);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, fetching);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, fetching);
}

static const char *why_not(struct arena *arena, const struct fetching *fetching, CURLcode code,
                           long status)
{
    if (fetching->is_refused)
        return "the name leads to an address that may not be used";
    if (fetching->is_too_large || code == CURLE_FILESIZE_EXCEEDED)
        return arena_print(arena, "it is larger than %zu bytes", fetching->bytes_max);
    if (code != CURLE_OK)
        return arena_print(arena, "%s", curl_easy_strerror(code));
    return arena_print(arena, "the server answered %ld", status);
}

char *fetch_file(struct arena *arena, const char *url, size_t bytes_max, size_t *ret_length,
                 const char **ret_why)
{
    struct fetching fetching = {.arena = arena, .bytes_max = bytes_max};
    long status = 0;
    CURL *easy = curl_easy_init();
    if (easy == NULL) {
        *ret_why = "no memory";
        return NULL;
    }
    fetching.host = host_of(arena, url);
    set_options(easy, url, &fetching);
    CURLcode code = curl_easy_perform(easy);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(easy);
    if (code == CURLE_OK && status == 200 && fetching.length > 0) {
        fetching.bytes[fetching.length] = '\0';
        *ret_length = fetching.length;
        return fetching.bytes;
    }
    *ret_why = why_not(arena, &fetching, code, status);
    return NULL;
}
