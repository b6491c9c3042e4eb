/* encode: encode(), decode(), escape(), unescape() (FHIRPath N1 3.0 section 5.6; RFC 4648).
 *
 * One row of `codings` a format. What does not decode to well-formed UTF-8 text answers nothing. */
#include <string.h>

#include "base/text.h"
#include "fhir/fhirpath/function.h"

static const char base64_letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Each writes to OUT, which has room, and returns the length; -1: TEXT is not of the format. */

static long encode_hex(const char *text, size_t length, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < length; i++) {
        out[2 * i] = digits[(unsigned char)text[i] >> 4];
        out[2 * i + 1] = digits[text[i] & 0xf];
    }
    return (long)(2 * length);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static long decode_hex(const char *text, size_t length, char *out)
{
    if (length % 2 != 0)
        return -1;
    for (size_t i = 0; i < length / 2; i++) {
        int high = hex_digit(text[2 * i]);
        int low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return -1;
        out[i] = (char)(high << 4 | low);
    }
    return (long)(length / 2);
}

static long encode_64(const char *letters, const char *text, size_t length, char *out)
{
    char *at = out;
    for (size_t i = 0; i < length; i += 3) {
        unsigned bits = (unsigned)(unsigned char)text[i] << 16;
        if (i + 1 < length)
            bits |= (unsigned)(unsigned char)text[i + 1] << 8;
        if (i + 2 < length)
            bits |= (unsigned char)text[i + 2];
        *at++ = letters[bits >> 18];
        *at++ = letters[bits >> 12 & 0x3f];
        *at++ = i + 1 < length ? letters[bits >> 6 & 0x3f] : '=';
        *at++ = i + 2 < length ? letters[bits & 0x3f] : '=';
    }
    return at - out;
}

static long decode_64(const char *letters, const char *text, size_t length, char *out)
{
    unsigned bits = 0;
    int count = 0;
    char *at = out;
    while (length > 0 && text[length - 1] == '=')
        length--;
    for (size_t i = 0; i < length; i++) {
        const char *found = text[i] == '\0' ? NULL : strchr(letters, text[i]);
        if (found == NULL)
            return -1;
        bits = bits << 6 | (unsigned)(found - letters);
        count += 6;
        if (count >= 8) {
            count -= 8;
            *at++ = (char)(bits >> count & 0xff);
        }
    }
    return at - out;
}

static long encode_base64(const char *text, size_t length, char *out)
{
    return encode_64(base64_letters, text, length, out);
}

static long decode_base64(const char *text, size_t length, char *out)
{
    return decode_64(base64_letters, text, length, out);
}

static long encode_urlbase64(const char *text, size_t length, char *out)
{
    return encode_64(url_letters, text, length, out);
}

static long decode_urlbase64(const char *text, size_t length, char *out)
{
    return decode_64(url_letters, text, length, out);
}

/* ---- html and json ---- */

static const struct entity {
    char letter;
    const char *html;
} entities[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};

static long escape_html(const char *text, size_t length, char *out)
{
    char *at = out;
    for (size_t i = 0; i < length; i++) {
        const char *html = NULL;
        for (size_t k = 0; k < sizeof entities / sizeof *entities && html == NULL; k++)
            html = entities[k].letter == text[i] ? entities[k].html : NULL;
        if (html == NULL)
            *at++ = text[i];
        else
            at = stpcpy(at, html);
    }
    return at - out;
}

static long unescape_html(const char *text, size_t length, char *out)
{
    char *at = out;
    for (size_t i = 0; i < length;) {
        size_t taken = 0;
        for (size_t k = 0; k < sizeof entities / sizeof *entities && taken == 0; k++) {
            if (!text_starts(text + i, entities[k].html))
                continue;
            taken = strlen(entities[k].html);
            *at++ = entities[k].letter;
        }
        if (taken == 0)
            *at++ = text[i];
        i += taken == 0 ? 1 : taken;
    }
    return at - out;
}

static const char json_letters[] = "\"\\\b\f\n\r\t";
static const char json_escapes[] = "\"\\bfnrt";

static long escape_json(const char *text, size_t length, char *out)
{
    char *at = out;
    for (size_t i = 0; i < length; i++) {
        const char *found = strchr(json_letters, text[i]);
        if (found != NULL) {
            *at++ = '\\';
            *at++ = json_escapes[found - json_letters];
        } else if ((unsigned char)text[i] < 0x20) {
            at = stpcpy(at, "\\u00");
            at += encode_hex(text + i, 1, at);
        } else {
            *at++ = text[i];
        }
    }
    return at - out;
}

/* \u below 0x80 only: FHIR JSON writes everything else as itself. */
static long unescape_json(const char *text, size_t length, char *out)
{
    char *at = out;
    for (size_t i = 0; i < length; i++) {
        if (text[i] != '\\') {
            *at++ = text[i];
            continue;
        }
        char escape = text[++i];
        const char *found = escape == '\0' ? NULL : strchr(json_escapes, escape);
        if (found != NULL) {
            *at++ = json_letters[found - json_escapes];
        } else if (escape == '/') {
            *at++ = '/';
        } else if (escape == 'u' && length - i > 4 && strncmp(text + i + 1, "00", 2) == 0 &&
                   decode_hex(text + i + 3, 2, at) == 2 / 2 && (unsigned char)*at < 0x80) {
            at++;
            i += 4;
        } else {
            return -1;
        }
    }
    return at - out;
}

/* ---- the functions ---- */

struct coding {
    const char *name;
    long (*to)(const char *text, size_t length, char *out);
    long (*from)(const char *text, size_t length, char *out);
};

static const struct coding encodings[] = {{"hex", encode_hex, decode_hex},
                                          {"base64", encode_base64, decode_base64},
                                          {"urlbase64", encode_urlbase64, decode_urlbase64}};
static const struct coding escapings[] = {{"html", escape_html, unescape_html},
                                          {"json", escape_json, unescape_json}};

static const struct coding *find_coding(const struct coding *codings, size_t count,
                                        const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(codings[i].name, name) == 0)
            return &codings[i];
    }
    return NULL;
}

/* At most six bytes come of one (&quot;). */
static bool run_coding(struct machine *machine, const struct step *step,
                       const struct coding *codings, size_t count, bool back)
{
    const char *text;
    const char *name;
    if (!machine_text_input(machine, step, &text) ||
        !machine_text_argument(machine, step, 0, &name))
        return false;
    if (text == NULL || name == NULL)
        return true;
    const struct coding *coding = find_coding(codings, count, name);
    if (coding == NULL)
        return machine_fail(machine, step, FHIRPATH_FAULT_EXECUTION,
                            "an unknown format for %s(); expected %s", step->name,
                            codings == encodings ? "hex, base64 or urlbase64" : "html or json");
    size_t length = strlen(text);
    char *out = machine_alloc(machine, step, length * 6 + 8);
    if (out == NULL)
        return false;
    long made = back ? coding->from(text, length, out) : coding->to(text, length, out);
    if (made < 0 || memchr(out, '\0', (size_t)made) != NULL ||
        text_utf8_fault(out, (size_t)made) < (size_t)made)
        return true;
    out[made] = '\0';
    return machine_push(machine, step, value_text(out));
}

bool call_encode(struct machine *machine, const struct step *step)
{
    return run_coding(machine, step, encodings, sizeof encodings / sizeof *encodings, false);
}

bool call_decode(struct machine *machine, const struct step *step)
{
    return run_coding(machine, step, encodings, sizeof encodings / sizeof *encodings, true);
}

bool call_escape(struct machine *machine, const struct step *step)
{
    return run_coding(machine, step, escapings, sizeof escapings / sizeof *escapings, false);
}

bool call_unescape(struct machine *machine, const struct step *step)
{
    return run_coding(machine, step, escapings, sizeof escapings / sizeof *escapings, true);
}
