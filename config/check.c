/* check: see check.h. Hand-written scanners, one a kind of text.
 *
 * Each answers yes or no for the whole text; the words that explain what would be right stand in
 * the constants at the end, one for each scanner. No state and no memory of its own; any thread. */
#include "config/check.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_letter_or_digit(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || is_digit(byte);
}

/* No control characters; option.c and entry.c refuse them too, arguments of commands come past
 * here. */
static bool holds_words(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return false;
    }
    return true;
}

static bool holds_handle(const char *text)
{
    size_t length = strlen(text);
    if (length < 1 || length > 64 || !is_letter_or_digit(text[0]))
        return false;
    for (size_t i = 1; i < length; i++) {
        if (!is_letter_or_digit(text[i]) && strchr("-_.", text[i]) == NULL)
            return false;
    }
    return text[length - 1] != '.';
}

static bool holds_partner_name(const char *text)
{
    return holds_handle(text) && strcmp(text, "self") != 0 && strcmp(text, "own") != 0;
}

/* One to five digits, 0 to 65535, from TEXT to its end. */
static bool holds_port(const char *text)
{
    unsigned port = 0;
    size_t length = strlen(text);
    if (length < 1 || length > 5)
        return false;
    for (; *text != '\0'; text++) {
        if (!is_digit(*text))
            return false;
        port = port * 10 + (unsigned)(*text - '0');
    }
    return port <= 65535;
}

/* Labels of letters, digits, hyphens (RFC 1123 section 2.1), which lets IPv4 addresses through too.
 */
static bool holds_host(const char *text, size_t length)
{
    if (length < 1 || length > 253 || text[0] == '-' || text[0] == '.')
        return false;
    for (size_t i = 0; i < length; i++) {
        bool dot = text[i] == '.' && i + 1 < length && text[i + 1] != '.';
        if (!is_letter_or_digit(text[i]) && text[i] != '-' && !dot)
            return false;
    }
    return true;
}

/* Between the brackets of `[::1]`: what inet_pton says later decides; here only its alphabet. */
static bool holds_ipv6(const char *text, size_t length)
{
    if (length < 2 || length > 45)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (!isxdigit((unsigned char)text[i]) && text[i] != ':' && text[i] != '.')
            return false;
    }
    return memchr(text, ':', length) != NULL;
}

static bool holds_host_port(const char *text)
{
    const char *colon = strrchr(text, ':');
    if (colon == NULL || colon == text || !holds_port(colon + 1))
        return false;
    size_t length = (size_t)(colon - text);
    if (text[0] == '[' && text[length - 1] == ']')
        return holds_ipv6(text + 1, length - 2);
    return holds_host(text, length);
}

static bool holds_listen(const char *text)
{
    return *text == '\0' || holds_host_port(text);
}

/* Plain HTTP stays on this machine. That a name other than localhost leads here is not known
 * without asking, so it is not taken. */
static bool holds_local_listen(const char *text)
{
    bool is_address = strncmp(text, "127.", 4) == 0 && text[strspn(text, "0123456789.")] == ':';
    bool is_local = is_address || strncmp(text, "localhost:", 10) == 0 ||
                    strncmp(text, "[::1]:", 6) == 0 || *text == '\0';
    return is_local && holds_listen(text);
}

/* Host, perhaps a port, and a path of visible ASCII without query or fragment (RFC 3986). */
static bool holds_authority_and_path(const char *text)
{
    size_t authority = strcspn(text, "/");
    const char *colon = memchr(text, ':', authority);
    bool bracket = text[0] == '[';
    if (bracket) {
        const char *end = memchr(text, ']', authority);
        if (end == NULL || !holds_ipv6(text + 1, (size_t)(end - text) - 1))
            return false;
        colon = end + 1 < text + authority ? end + 1 : NULL;
        if (colon != NULL && *colon != ':')
            return false;
    } else if (!holds_host(text, colon == NULL ? authority : (size_t)(colon - text))) {
        return false;
    }
    if (colon != NULL) {
        char port[8] = "";
        size_t length = authority - (size_t)(colon + 1 - text);
        if (length >= sizeof port)
            return false;
        memcpy(port, colon + 1, length);
        if (!holds_port(port))
            return false;
    }
    for (const char *at = text + authority; *at != '\0'; at++) {
        if (*at <= 0x20 || *at >= 0x7f || strchr("?#\"<>\\^`{|}", *at) != NULL)
            return false;
    }
    return true;
}

static bool holds_base_url(const char *text)
{
    static const char scheme[] = "https://";
    size_t length = strlen(text);
    return length <= 1000 && strncmp(text, scheme, sizeof scheme - 1) == 0 &&
           text[length - 1] != '/' && holds_authority_and_path(text + sizeof scheme - 1);
}

/* The canonical of a profile is a name; published ones begin with http:// too. */
static bool holds_canonical(const char *text)
{
    if (strncmp(text, "http://", 7) == 0)
        return holds_authority_and_path(text + 7);
    return strncmp(text, "https://", 8) == 0 && holds_authority_and_path(text + 8);
}

static bool holds_crl_url(const char *text)
{
    return *text == '\0' || holds_canonical(text);
}

static bool holds_offset(const char *text)
{
    if (strlen(text) != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':')
        return false;
    if (!is_digit(text[1]) || !is_digit(text[2]) || !is_digit(text[4]) || !is_digit(text[5]))
        return false;
    int hours = (text[1] - '0') * 10 + text[2] - '0';
    return hours <= 14 && text[4] <= '5';
}

/* `America/Argentina/Ushuaia`: words of letters separated by single slashes. Whether the system
 * knows the zone is asked by folder_check, which may touch the disk. */
static bool holds_zone_name(const char *text)
{
    if (strlen(text) > 64 || !isalpha((unsigned char)text[0]))
        return false;
    for (size_t i = 0; text[i] != '\0'; i++) {
        bool slash = text[i] == '/' && is_letter_or_digit(text[i + 1]);
        if (!is_letter_or_digit(text[i]) && strchr("_+-", text[i]) == NULL && !slash)
            return false;
    }
    return true;
}

static bool holds_time_zone(const char *text)
{
    return holds_offset(text) || holds_zone_name(text);
}

static bool holds_file(const char *text)
{
    size_t length = strlen(text);
    return length > 0 && length < 4096 && text[length - 1] != '/' && holds_words(text);
}

static bool holds_file_or_none(const char *text)
{
    return *text == '\0' || holds_file(text);
}

static bool is_ipv4(const char *text)
{
    return text[strspn(text, "0123456789.")] == '\0';
}

static bool holds_dns_name(const char *text)
{
    return holds_host(text, strlen(text)) && !is_ipv4(text);
}

/* A URI with a scheme (RFC 3986 section 3.1) or a DNS name with no wild card. */
static bool holds_san(const char *text)
{
    size_t length = strlen(text);
    const char *colon = strchr(text, ':');
    if (length == 0 || length > 1000)
        return false;
    if (colon == NULL)
        return holds_dns_name(text);
    if (!isalpha((unsigned char)text[0]) || colon[1] == '\0')
        return false;
    for (const char *at = text; at < colon; at++) {
        if (!is_letter_or_digit(*at) && strchr("+-.", *at) == NULL)
            return false;
    }
    for (const char *at = colon + 1; *at != '\0'; at++) {
        if (*at <= 0x20 || *at >= 0x7f || strchr("\"<>\\^`{|}", *at) != NULL)
            return false;
    }
    return true;
}

static bool holds_pin(const char *text)
{
    static const char prefix[] = "sha256//";
    size_t length = strlen(text);
    if (length == 64) {
        while (isxdigit((unsigned char)*text))
            text++;
        return *text == '\0';
    }
    /* 32 bytes in base64 (RFC 4648 section 4): 43 digits, of which the last holds four bits, and
     * `=`. */
    if (length != sizeof prefix - 1 + 44 || strncmp(text, prefix, sizeof prefix - 1) != 0)
        return false;
    for (size_t i = sizeof prefix - 1; i < length - 1; i++) {
        if (!is_letter_or_digit(text[i]) && text[i] != '+' && text[i] != '/')
            return false;
    }
    return text[length - 1] == '=' && strchr("AEIMQUYcgkosw048", text[length - 2]) != NULL;
}

static bool holds_contact(const char *text)
{
    return *text != '\0' && strlen(text) <= 500 && holds_words(text);
}

const struct check check_handle = {
    "a handle: 1 to 64 letters, digits, '-', '_' or '.', beginning with a letter or digit",
    holds_handle};
const struct check check_partner_name = {
    "a partner name: 1 to 64 letters, digits, '-', '_' or '.', beginning with a letter or "
    "digit; not self or own",
    holds_partner_name};
const struct check check_host_port = {"HOST:PORT, such as 0.0.0.0:8443 or [::1]:8443",
                                      holds_host_port};
const struct check check_listen = {"HOST:PORT, such as 127.0.0.1:8480, or nothing", holds_listen};
const struct check check_local_listen = {
    "a loopback address and port, such as 127.0.0.1:9180, or nothing", holds_local_listen};
const struct check check_base_url = {
    "a web address that begins with https:// and does not end in '/', such as "
    "https://gw.lakeside.example:8443/fhir",
    holds_base_url};
const struct check check_canonical = {"the web address that names a profile", holds_canonical};
const struct check check_crl_url = {"a web address (http:// or https://), or nothing",
                                    holds_crl_url};
const struct check check_time_zone = {
    "system, UTC, a zone such as America/New_York, or an offset such as -05:00", holds_time_zone};
const struct check check_file = {"the path of a file", holds_file};
const struct check check_file_or_none = {"the path of a file, or nothing", holds_file_or_none};
const struct check check_san = {
    "a URI such as urn:refgate:org:lakeside, or a DNS name without wild card; never an IP address",
    holds_san};
const struct check check_dns_name = {"a DNS name without wild card", holds_dns_name};
const struct check check_pin = {
    "64 hex digits or sha256// and 44 signs of base64: the SHA-256 of the public key", holds_pin};
const struct check check_contact = {"a name, telephone number or mail address on one line",
                                    holds_contact};
