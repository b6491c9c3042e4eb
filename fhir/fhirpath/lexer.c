/* lexer: see lexer.h. */
#include "fhir/fhirpath/lexer.h"

#include <string.h>

#include "base/text.h"

bool lexer_fail(struct lexer *lexer, int line, int column, enum fhirpath_fault_kind kind,
                const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    *lexer->fault =
        (struct fhirpath_fault){kind, arena_vprint(lexer->arena, format, arguments), line, column};
    va_end(arguments);
    return false;
}

/* Counts on from the place of the last call where it can: a text of one long line stays cheap. */
static int column_of(struct lexer *lexer, const char *at)
{
    if (lexer->column_at < lexer->line_start || lexer->column_at > at) {
        lexer->column_at = lexer->line_start;
        lexer->column = 1;
    }
    for (; lexer->column_at < at; lexer->column_at++)
        lexer->column += ((unsigned char)*lexer->column_at & 0xc0) != 0x80;
    return lexer->column;
}

static bool fail_here(struct lexer *lexer, const char *message)
{
    return lexer_fail(lexer, lexer->line, column_of(lexer, lexer->at), FHIRPATH_FAULT_SYNTAX, "%s",
                      message);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool starts_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static void step_line(struct lexer *lexer)
{
    if (*lexer->at == '\n') {
        lexer->line++;
        lexer->line_start = lexer->at + 1;
    }
    lexer->at++;
}

/* ---- white space and comments ---- */

static bool looking_at(const struct lexer *lexer, const char *word)
{
    size_t length = strlen(word);
    return (size_t)(lexer->end - lexer->at) >= length && memcmp(lexer->at, word, length) == 0;
}

static bool skip_comment(struct lexer *lexer)
{
    if (looking_at(lexer, "//")) {
        while (lexer->at < lexer->end && *lexer->at != '\n')
            lexer->at++;
        return true;
    }
    struct lexer start = *lexer;
    for (lexer->at += 2; !looking_at(lexer, "*/"); step_line(lexer)) {
        if (lexer->at >= lexer->end)
            return fail_here(&start, "a comment that does not end; expected */");
    }
    lexer->at += 2;
    return true;
}

static bool skip_space(struct lexer *lexer)
{
    while (lexer->at < lexer->end) {
        if (looking_at(lexer, "//") || looking_at(lexer, "/*")) {
            if (!skip_comment(lexer))
                return false;
        } else if (strchr(" \t\r\n", *lexer->at) != NULL && *lexer->at != '\0') {
            step_line(lexer);
        } else {
            return true;
        }
    }
    return true;
}

/* ---- strings ---- */

static size_t put_utf8(char *at, unsigned code)
{
    if (code < 0x80) {
        at[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        at[0] = (char)(0xc0 | code >> 6);
        at[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        at[0] = (char)(0xe0 | code >> 12);
        at[1] = (char)(0x80 | (code >> 6 & 0x3f));
        at[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    at[0] = (char)(0xf0 | code >> 18);
    at[1] = (char)(0x80 | (code >> 12 & 0x3f));
    at[2] = (char)(0x80 | (code >> 6 & 0x3f));
    at[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

/* The code unit of `uXXXX` at AT, or -1. */
static int unit_at(const struct lexer *lexer, const char *at)
{
    int unit = 0;
    if (lexer->end - at < 5 || at[0] != 'u')
        return -1;
    for (int i = 1; i <= 4; i++) {
        const char *digits = "0123456789abcdef";
        const char *digit = at[i] == '\0' ? NULL : strchr(digits, at[i] | 0x20);
        if (digit == NULL || (at[i] < '0'))
            return -1;
        unit = unit * 16 + (int)(digit - digits);
    }
    return unit;
}

static bool decode_unicode(struct lexer *lexer, char *out, size_t *length)
{
    int unit = unit_at(lexer, lexer->at);
    if (unit <= 0 || (unit >= 0xdc00 && unit <= 0xdfff))
        return fail_here(lexer, "an escape that is no character; expected \\u and four digits");
    lexer->at += 5;
    unsigned code = (unsigned)unit;
    if (unit >= 0xd800 && unit <= 0xdbff) {
        int low = lexer->at < lexer->end && *lexer->at == '\\' ? unit_at(lexer, lexer->at + 1) : -1;
        if (low < 0xdc00 || low > 0xdfff)
            return fail_here(lexer, "half of a surrogate pair; expected both halves");
        lexer->at += 6;
        code = 0x10000 + ((code - 0xd800) << 10) + ((unsigned)low - 0xdc00);
    }
    *length += put_utf8(out + *length, code);
    return true;
}

static bool decode_escape(struct lexer *lexer, char *out, size_t *length)
{
    static const char from[] = "'\"`\\/frnt";
    static const char to[] = "'\"`\\/\f\r\n\t";
    lexer->at++;
    char c = lexer->at < lexer->end ? *lexer->at : '\0';
    if (c == 'u')
        return decode_unicode(lexer, out, length);
    const char *found = c == '\0' ? NULL : strchr(from, c);
    if (found == NULL)
        return fail_here(lexer,
                         "an unknown escape; expected one of \\' \\\" \\` \\\\ \\/ \\f \\n \\r "
                         "\\t \\u");
    out[(*length)++] = to[found - from];
    lexer->at++;
    return true;
}

/* Bytes up to the closing quotation mark; no escape is longer decoded than written. */
static size_t written_length(const struct lexer *lexer, char quote)
{
    const char *at = lexer->at;
    while (at < lexer->end && *at != quote)
        at += *at == '\\' && at + 1 < lexer->end ? 2 : 1;
    return (size_t)(at - lexer->at);
}

static bool read_quoted(struct lexer *lexer, enum token_kind kind)
{
    struct lexer start = *lexer;
    char quote = *lexer->at++;
    char *out = arena_alloc(lexer->arena, written_length(lexer, quote) + 1);
    size_t length = 0;
    while (lexer->at < lexer->end && *lexer->at != quote) {
        if (*lexer->at == '\0')
            return fail_here(lexer, "a NUL character");
        if (*lexer->at == '\\') {
            if (!decode_escape(lexer, out, &length))
                return false;
        } else {
            out[length++] = *lexer->at;
            step_line(lexer);
        }
    }
    if (lexer->at >= lexer->end)
        return fail_here(&start, "a text that does not end; expected a closing quotation mark");
    lexer->at++;
    out[length] = '\0';
    lexer->token.kind = kind;
    lexer->token.text = out;
    lexer->token.length = length;
    return true;
}

/* ---- dates ---- */

static size_t digits_at(const struct lexer *lexer, const char *at)
{
    size_t count = 0;
    while (at + count < lexer->end && is_digit(at[count]))
        count++;
    return count;
}

/* SEPARATOR and exactly two digits. */
static bool take_pair(struct lexer *lexer, char separator)
{
    if (lexer->at >= lexer->end || *lexer->at != separator || digits_at(lexer, lexer->at + 1) != 2)
        return false;
    lexer->at += 3;
    return true;
}

static void take_time(struct lexer *lexer)
{
    if (digits_at(lexer, lexer->at) != 2)
        return;
    lexer->at += 2;
    if (!take_pair(lexer, ':') || !take_pair(lexer, ':'))
        return;
    if (lexer->at < lexer->end && *lexer->at == '.' && digits_at(lexer, lexer->at + 1) > 0)
        lexer->at += 1 + digits_at(lexer, lexer->at + 1);
}

static void take_zone(struct lexer *lexer)
{
    if (lexer->at < lexer->end && *lexer->at == 'Z') {
        lexer->at++;
        return;
    }
    bool is_zone = lexer->end - lexer->at >= 6 && (*lexer->at == '+' || *lexer->at == '-') &&
                   digits_at(lexer, lexer->at + 1) == 2 && lexer->at[3] == ':' &&
                   digits_at(lexer, lexer->at + 4) == 2;
    if (is_zone)
        lexer->at += 6;
}

static void read_date(struct lexer *lexer)
{
    struct token *token = &lexer->token;
    lexer->at++;
    token->text = lexer->at;
    token->kind = TOKEN_DATE;
    if (lexer->at < lexer->end && *lexer->at == 'T') {
        token->kind = TOKEN_TIME;
        token->text = ++lexer->at;
        take_time(lexer);
    } else {
        lexer->at += digits_at(lexer, lexer->at);
        if (take_pair(lexer, '-'))
            take_pair(lexer, '-');
        if (lexer->at < lexer->end && *lexer->at == 'T') {
            token->kind = TOKEN_DATETIME;
            lexer->at++;
            if (digits_at(lexer, lexer->at) > 0) {
                take_time(lexer);
                take_zone(lexer);
            }
        }
    }
    token->length = (size_t)(lexer->at - token->text);
}

/* ---- the rest ---- */

static void take_name(struct lexer *lexer)
{
    while (lexer->at < lexer->end && (starts_name(*lexer->at) || is_digit(*lexer->at)))
        lexer->at++;
}

static void read_number(struct lexer *lexer)
{
    lexer->token.kind = TOKEN_NUMBER;
    lexer->at += digits_at(lexer, lexer->at);
    if (lexer->at < lexer->end && *lexer->at == '.')
        lexer->at += digits_at(lexer, lexer->at + 1) > 0 ? 1 + digits_at(lexer, lexer->at + 1) : 0;
    lexer->token.length = (size_t)(lexer->at - lexer->token.text);
}

/* The name behind `$` or `%`; of `%` it may be quoted. */
static bool read_marked(struct lexer *lexer, enum token_kind kind)
{
    lexer->at++;
    char c = lexer->at < lexer->end ? *lexer->at : '\0';
    if (kind == TOKEN_PERCENT && (c == '`' || c == '\''))
        return read_quoted(lexer, kind);
    lexer->token.kind = kind;
    lexer->token.text = lexer->at;
    take_name(lexer);
    lexer->token.length = (size_t)(lexer->at - lexer->token.text);
    if (lexer->token.length == 0)
        return fail_here(lexer, kind == TOKEN_DOLLAR
                                    ? "a $ alone; expected $this, $index or $total"
                                    : "a % alone; expected the name of a constant");
    return true;
}

static bool read_symbol(struct lexer *lexer)
{
    static const char *const doubles[] = {"<=", ">=", "!=", "!~"};
    lexer->token.kind = TOKEN_SYMBOL;
    lexer->token.length = 1;
    for (size_t i = 0; i < sizeof doubles / sizeof *doubles; i++) {
        if (looking_at(lexer, doubles[i]))
            lexer->token.length = 2;
    }
    if (lexer->token.length == 1 && strchr("+-*/|&<>=~()[]{}.,", *lexer->at) == NULL)
        return fail_here(lexer, "a character that FHIRPath does not use here");
    lexer->at += lexer->token.length;
    return true;
}

bool lexer_next(struct lexer *lexer)
{
    if (!skip_space(lexer))
        return false;
    lexer->token =
        (struct token){TOKEN_END, lexer->at, 0, lexer->line, column_of(lexer, lexer->at)};
    if (lexer->at >= lexer->end)
        return true;
    char c = *lexer->at;
    if (c == '\0')
        return fail_here(lexer, "a NUL character");
    if (starts_name(c)) {
        lexer->token.kind = TOKEN_NAME;
        take_name(lexer);
        lexer->token.length = (size_t)(lexer->at - lexer->token.text);
        return true;
    }
    if (is_digit(c)) {
        read_number(lexer);
        return true;
    }
    if (c == '@') {
        read_date(lexer);
        return true;
    }
    if (c == '\'' || c == '`')
        return read_quoted(lexer, c == '`' ? TOKEN_QUOTED : TOKEN_STRING);
    if (c == '$' || c == '%')
        return read_marked(lexer, c == '$' ? TOKEN_DOLLAR : TOKEN_PERCENT);
    return read_symbol(lexer);
}

bool lexer_is(const struct lexer *lexer, const char *word)
{
    const struct token *token = &lexer->token;
    return (token->kind == TOKEN_SYMBOL || token->kind == TOKEN_NAME) &&
           strlen(word) == token->length && memcmp(token->text, word, token->length) == 0;
}
