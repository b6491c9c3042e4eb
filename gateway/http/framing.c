/* framing: see framing.h. Each line of a head is checked as soon as it is complete. */
#include "gateway/http/framing.h"

#include <string.h>
#include <strings.h>

enum {
    CHUNK_DIGITS_MAX = 8,
    CHUNK_LINE_MAX = 256,
    TRAILER_BYTES_MAX = 4096,
    LENGTH_DIGITS_MAX = 15,
    REQUEST_LINE_REST = 64 /* method, version and blanks */
};

static bool refuse(struct framing_fault *fault, int status, const char *found)
{
    *fault = (struct framing_fault){status, found};
    return false;
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

/* RFC 9110 section 5.6.2: tchar */
static bool is_token(char byte)
{
    return is_digit(byte) || is_letter(byte) || (byte != '\0' && strchr("!#$%&'*+-.^_`|~", byte));
}

static bool all_tokens(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (!is_token(text[i]))
            return false;
    }
    return length > 0;
}

/* HTAB, SP, VCHAR and obs-text; other control characters are refused. */
static bool is_control(char byte)
{
    unsigned char value = (unsigned char)byte;
    return (value < 0x20 && value != '\t') || value == 0x7f;
}

/* Characters of a request target (RFC 3986), and `|`, which FHIR searches write bare. */
static bool is_target(char byte)
{
    unsigned char value = (unsigned char)byte;
    return value > 0x20 && value < 0x7f && strchr("\"<>\\^`{}#", byte) == NULL;
}

static bool same_word(const char *text, size_t length, const char *word)
{
    return strlen(word) == length && strncasecmp(text, word, length) == 0;
}

/* ---- the request line ---- */

static bool check_version(struct framing_head *head, const char *text, size_t length,
                          struct framing_fault *fault)
{
    bool shaped = length == 8 && memcmp(text, "HTTP/", 5) == 0 && is_digit(text[5]) &&
                  text[6] == '.' && is_digit(text[7]);
    if (!shaped)
        return refuse(fault, 400, "the request line does not end in an HTTP version");
    if (text[5] != '1' || (text[7] != '0' && text[7] != '1'))
        return refuse(fault, 505, "this HTTP version is not spoken here, only HTTP/1.1");
    head->minor = (unsigned)(text[7] - '0');
    return true;
}

static bool check_request_line(struct framing_head *head, const struct framing_limits *limits,
                               const char *line, size_t length, struct framing_fault *fault)
{
    const char *end = line + length;
    const char *target = memchr(line, ' ', length);
    if (target == NULL || !all_tokens(line, (size_t)(target - line)))
        return refuse(fault, 400, "the request line does not start with a method and a space");
    target++;
    const char *version = memchr(target, ' ', (size_t)(end - target));
    if (version == NULL || version == target)
        return refuse(fault, 400, "the request line is not METHOD TARGET HTTP/1.1");
    if ((size_t)(version - target) > limits->target_bytes_max)
        return refuse(fault, 414, "the request target is too long");
    for (const char *at = target; at < version; at++) {
        if (!is_target(*at))
            return refuse(fault, 400, "the request target has a character that must be escaped");
    }
    return check_version(head, version + 1, (size_t)(end - version - 1), fault);
}

/* ---- headers that frame the message ---- */

static bool check_length(struct framing_head *head, const struct framing_limits *limits,
                         const char *value, size_t length, struct framing_fault *fault)
{
    if (head->has_length)
        return refuse(fault, 400, "Content-Length is given twice");
    uint64_t sum = 0;
    for (size_t i = 0; i < length; i++) {
        if (!is_digit(value[i]))
            return refuse(fault, 400, "Content-Length is not a number");
        if (i < LENGTH_DIGITS_MAX)
            sum = sum * 10 + (uint64_t)(value[i] - '0');
    }
    if (length == 0 || (value[0] == '0' && length > 1))
        return refuse(fault, 400, "Content-Length is not a plain number");
    if (length > LENGTH_DIGITS_MAX || sum > limits->body_bytes_max)
        return refuse(fault, 413, "the body is larger than is taken here");
    head->has_length = true;
    head->length = sum;
    return true;
}

static bool check_encoding(struct framing_head *head, const struct framing_limits *limits,
                           const char *value, size_t length, struct framing_fault *fault)
{
    (void)limits;
    if (head->chunked)
        return refuse(fault, 400, "Transfer-Encoding is given twice");
    if (!same_word(value, length, "chunked")) {
        bool known = same_word(value, length, "gzip") || same_word(value, length, "deflate") ||
                     same_word(value, length, "compress") ||
                     same_word(value, length, "gzip, chunked");
        return refuse(fault, known ? 501 : 400, "Transfer-Encoding is not chunked");
    }
    head->chunked = true;
    return true;
}

/* `[IPv6]` or a name of letters, digits, `-._~%`; returns what follows, or NULL. */
static const char *skip_host_name(const char *at, const char *end)
{
    if (at < end && *at == '[') {
        const char *close = memchr(at, ']', (size_t)(end - at));
        for (const char *in = at + 1; close != NULL && in < close; in++) {
            if (!is_digit(*in) && !is_letter(*in) && *in != ':' && *in != '.')
                return NULL;
        }
        return close == NULL || close == at + 1 ? NULL : close + 1;
    }
    const char *start = at;
    while (at < end && (is_digit(*at) || is_letter(*at) || strchr("-._~%", *at) != NULL))
        at++;
    return at == start ? NULL : at;
}

static bool check_host(struct framing_head *head, const struct framing_limits *limits,
                       const char *value, size_t length, struct framing_fault *fault)
{
    (void)limits;
    if (++head->hosts > 1)
        return refuse(fault, 400, "Host is given twice");
    const char *end = value + length;
    const char *at = skip_host_name(value, end);
    if (at == NULL || (at < end && *at != ':'))
        return refuse(fault, 400, "Host is not a name and a port");
    long port = 0;
    for (at++; at < end; at++) {
        if (!is_digit(*at) || (port = port * 10 + (*at - '0')) > 65535)
            return refuse(fault, 400, "the port in Host is not a number up to 65535");
    }
    return true;
}

static bool check_type(struct framing_head *head, const struct framing_limits *limits,
                       const char *value, size_t length, struct framing_fault *fault)
{
    (void)limits;
    (void)value;
    (void)length;
    if (head->has_type)
        return refuse(fault, 400, "Content-Type is given twice");
    head->has_type = true;
    return true;
}

static bool check_expect(struct framing_head *head, const struct framing_limits *limits,
                         const char *value, size_t length, struct framing_fault *fault)
{
    (void)limits;
    if (!same_word(value, length, "100-continue"))
        return refuse(fault, 417, "Expect asks for something other than 100-continue");
    head->wants_go = true;
    return true;
}

/* A list of words; only `close` matters to the frame. */
static bool check_connection(struct framing_head *head, const struct framing_limits *limits,
                             const char *value, size_t length, struct framing_fault *fault)
{
    (void)limits;
    (void)fault;
    const char *end = value + length;
    while (value < end) {
        while (value < end && (*value == ' ' || *value == '\t' || *value == ','))
            value++;
        const char *word = value;
        while (value < end && is_token(*value))
            value++;
        if (same_word(word, (size_t)(value - word), "close"))
            head->close = true;
        if (value == word)
            value++;
    }
    return true;
}

static const struct {
    const char *name;
    bool (*check)(struct framing_head *, const struct framing_limits *, const char *, size_t,
                  struct framing_fault *);
} header_rules[] = {
    {"host", check_host},
    {"content-length", check_length},
    {"content-type", check_type},
    {"transfer-encoding", check_encoding},
    {"connection", check_connection},
    {"expect", check_expect},
};

static bool check_header_line(struct framing_head *head, const struct framing_limits *limits,
                              const char *line, size_t length, struct framing_fault *fault)
{
    if (*line == ' ' || *line == '\t')
        return refuse(fault, 400, "a header line is folded");
    const char *colon = memchr(line, ':', length);
    if (colon == NULL || !all_tokens(line, (size_t)(colon - line)))
        return refuse(fault, 400, "a header line is not NAME: VALUE");
    const char *value = colon + 1;
    const char *end = line + length;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    size_t name_length = (size_t)(colon - line);
    for (size_t i = 0; i < sizeof header_rules / sizeof header_rules[0]; i++) {
        if (same_word(line, name_length, header_rules[i].name))
            return header_rules[i].check(head, limits, value, (size_t)(end - value), fault);
    }
    return true;
}

/* ---- the head as a whole ---- */

static bool check_whole(const struct framing_head *head, struct framing_fault *fault)
{
    if (head->hosts == 0 && head->minor == 1)
        return refuse(fault, 400, "Host is missing");
    if (head->chunked && head->has_length)
        return refuse(fault, 400, "Content-Length and Transfer-Encoding are both given");
    if (head->chunked && head->minor == 0)
        return refuse(fault, 400, "HTTP/1.0 knows no Transfer-Encoding");
    return true;
}

/* The offset that the head may not reach; judged byte by byte, so that the answer does not depend
 * on how the bytes were cut. */
static size_t ceiling_of(const struct framing_head *head, const struct framing_limits *limits)
{
    size_t line = head->line + limits->target_bytes_max + REQUEST_LINE_REST;
    return head->lines == 0 && line < limits->head_bytes_max ? line : limits->head_bytes_max;
}

static bool refuse_length(const struct framing_head *head, struct framing_fault *fault)
{
    if (head->lines == 0)
        return refuse(fault, 414, "the request line is too long");
    return refuse(fault, 431, "the headers are too long");
}

/* The line that ends before the CR at END. *ret_last: it was the empty line behind the headers. */
static bool take_line(struct framing_head *head, const struct framing_limits *limits,
                      const char *bytes, size_t end, bool *ret_last, struct framing_fault *fault)
{
    const char *line = bytes + head->line;
    size_t length = end - head->line;
    *ret_last = length == 0 && head->lines > 0;
    if (*ret_last)
        return check_whole(head, fault);
    if (length == 0 && head->skipped)
        return refuse(fault, 400, "empty lines stand before the request line");
    if (length == 0) {
        head->skipped = true;
        return true;
    }
    head->lines++;
    if (head->lines > limits->headers_max + 1)
        return refuse(fault, 431, "there are too many headers");
    if (head->lines == 1)
        return check_request_line(head, limits, line, length, fault);
    return check_header_line(head, limits, line, length, fault);
}

static bool check_byte(bool after_cr, char byte, struct framing_fault *fault)
{
    if (after_cr && byte != '\n')
        return refuse(fault, 400, "a carriage return stands without its line feed");
    if (!after_cr && byte == '\n')
        return refuse(fault, 400, "a line feed stands without its carriage return");
    if (byte != '\r' && byte != '\n' && is_control(byte))
        return refuse(fault, 400, "a control character stands in the head");
    return true;
}

enum framing_step framing_head(struct framing_head *head, const struct framing_limits *limits,
                               const char *bytes, size_t length, size_t *ret_end,
                               struct framing_fault *ret_fault)
{
    size_t ceiling = ceiling_of(head, limits);
    while (head->at < length) {
        if (head->at >= ceiling) {
            refuse_length(head, ret_fault);
            return FRAMING_FAULT;
        }
        char byte = bytes[head->at++];
        if (byte >= ' ' && byte != 0x7f && !head->after_cr)
            continue;
        if (!check_byte(head->after_cr, byte, ret_fault))
            return FRAMING_FAULT;
        head->after_cr = byte == '\r';
        if (byte != '\n')
            continue;
        bool last = false;
        if (!take_line(head, limits, bytes, head->at - 2, &last, ret_fault))
            return FRAMING_FAULT;
        head->line = head->at;
        ceiling = ceiling_of(head, limits);
        if (last) {
            *ret_end = head->at;
            return FRAMING_DONE;
        }
    }
    return FRAMING_MORE;
}

/* ---- chunked bodies ---- */

enum chunk_state {
    CHUNK_SIZE,
    CHUNK_EXTENSION,
    CHUNK_SIZE_LF,
    CHUNK_DATA,
    CHUNK_DATA_CR,
    CHUNK_DATA_LF,
    TRAILER_START,
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    TRAILERS_END_LF,
    CHUNKS_END
};

static int hex_value(char byte)
{
    if (is_digit(byte))
        return byte - '0';
    if (byte >= 'a' && byte <= 'f')
        return byte - 'a' + 10;
    if (byte >= 'A' && byte <= 'F')
        return byte - 'A' + 10;
    return -1;
}

static bool size_byte(struct framing_chunks *chunks, const struct framing_limits *limits, char byte,
                      struct framing_fault *fault)
{
    int value = hex_value(byte);
    if (value >= 0) {
        chunks->left = chunks->left * 16 + (unsigned)value;
        if (++chunks->digits > CHUNK_DIGITS_MAX)
            return refuse(fault, 400, "a chunk size has too many digits");
        return true;
    }
    if (chunks->digits == 0 || (byte != '\r' && byte != ';'))
        return refuse(fault, 400, "a chunk size is not a hexadecimal number");
    chunks->total += chunks->left;
    if (chunks->total > limits->body_bytes_max)
        return refuse(fault, 413, "the body is larger than is taken here");
    chunks->line_bytes = 0;
    chunks->state = byte == '\r' ? CHUNK_SIZE_LF : CHUNK_EXTENSION;
    return true;
}

static bool extension_byte(struct framing_chunks *chunks, char byte, struct framing_fault *fault)
{
    if (byte == '\r')
        chunks->state = CHUNK_SIZE_LF;
    else if (is_control(byte) || byte == ' ' || byte == '\t' ||
             ++chunks->line_bytes > CHUNK_LINE_MAX)
        return refuse(fault, 400, "a chunk extension is malformed or too long");
    return true;
}

static void next_chunk(struct framing_chunks *chunks)
{
    chunks->last = chunks->left == 0;
    chunks->digits = 0;
    chunks->line_bytes = 0;
    chunks->state = chunks->last ? TRAILER_START : CHUNK_DATA;
}

static bool trailer_name_byte(struct framing_chunks *chunks, char byte, struct framing_fault *fault)
{
    static const char *const forbidden[] = {"content-length", "transfer-encoding", "host",
                                            "trailer",        "content-type",      "connection",
                                            "authorization"};
    if (byte != ':') {
        if (!is_token(byte))
            return refuse(fault, 400, "a trailer line is not NAME: VALUE");
        if (chunks->name_bytes < sizeof chunks->name)
            chunks->name[chunks->name_bytes] = byte;
        chunks->name_bytes++;
        return true;
    }
    for (size_t i = 0; i < sizeof forbidden / sizeof forbidden[0]; i++) {
        if (chunks->name_bytes <= sizeof chunks->name &&
            same_word(chunks->name, chunks->name_bytes, forbidden[i]))
            return refuse(fault, 400, "a trailer tries to change the frame of the message");
    }
    if (chunks->name_bytes == 0)
        return refuse(fault, 400, "a trailer has no name");
    chunks->state = TRAILER_VALUE;
    return true;
}

static bool trailer_byte(struct framing_chunks *chunks, char byte, struct framing_fault *fault)
{
    if (++chunks->line_bytes > TRAILER_BYTES_MAX)
        return refuse(fault, 431, "the trailers are too long");
    if (chunks->state == TRAILER_START) {
        chunks->name_bytes = 0;
        if (byte == '\r') {
            chunks->state = TRAILERS_END_LF;
            return true;
        }
        chunks->state = TRAILER_NAME;
    }
    if (chunks->state == TRAILER_NAME)
        return trailer_name_byte(chunks, byte, fault);
    if (byte == '\r')
        chunks->state = TRAILER_LF;
    else if (is_control(byte))
        return refuse(fault, 400, "a control character stands in a trailer");
    return true;
}

/* The states that allow exactly one byte. */
static bool fixed_byte(struct framing_chunks *chunks, char byte, struct framing_fault *fault)
{
    static const struct {
        char byte;
        int next;
    } fixed[] = {
        [CHUNK_SIZE_LF] = {'\n', -1},           [CHUNK_DATA_CR] = {'\r', CHUNK_DATA_LF},
        [CHUNK_DATA_LF] = {'\n', CHUNK_SIZE},   [TRAILER_LF] = {'\n', TRAILER_START},
        [TRAILERS_END_LF] = {'\n', CHUNKS_END},
    };
    if (byte != fixed[chunks->state].byte)
        return refuse(fault, 400, "a line of the chunked body does not end in CR LF");
    if (fixed[chunks->state].next < 0)
        next_chunk(chunks);
    else
        chunks->state = fixed[chunks->state].next;
    return true;
}

static bool chunk_byte(struct framing_chunks *chunks, const struct framing_limits *limits,
                       char byte, struct framing_fault *fault)
{
    switch (chunks->state) {
    case CHUNK_SIZE:
        return size_byte(chunks, limits, byte, fault);
    case CHUNK_EXTENSION:
        return extension_byte(chunks, byte, fault);
    case TRAILER_START:
    case TRAILER_NAME:
    case TRAILER_VALUE:
        return trailer_byte(chunks, byte, fault);
    default:
        return fixed_byte(chunks, byte, fault);
    }
}

enum framing_step framing_chunks(struct framing_chunks *chunks, const struct framing_limits *limits,
                                 const char *bytes, size_t length, size_t *ret_used,
                                 struct framing_fault *ret_fault)
{
    size_t at = 0;
    while (at < length && chunks->state != CHUNKS_END) {
        if (chunks->state == CHUNK_DATA) {
            size_t step = length - at < chunks->left ? length - at : (size_t)chunks->left;
            chunks->left -= step;
            at += step;
            if (chunks->left == 0)
                chunks->state = CHUNK_DATA_CR;
        } else if (!chunk_byte(chunks, limits, bytes[at++], ret_fault)) {
            return FRAMING_FAULT;
        }
    }
    *ret_used = at;
    return chunks->state == CHUNKS_END ? FRAMING_DONE : FRAMING_MORE;
}
