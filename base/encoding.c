/* encoding: a guess by the bytes that no UTF-8 has. See encoding.h. */
#include "base/encoding.h"

#include <stdbool.h>
#include <string.h>

#include "base/text.h"

static bool begins(const char *text, size_t length, const char *mark, size_t mark_length)
{
    return length >= mark_length && memcmp(text, mark, mark_length) == 0;
}

/* Every byte from 0x80 on is a character there but five. */
static bool can_be_windows_1252(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\0' || memchr("\x81\x8d\x8f\x90\x9d", text[i], 5) != NULL)
            return false;
    }
    return true;
}

const char *encoding_found(const char *text, size_t length)
{
    if (begins(text, length, "\xff\xfe", 2) || begins(text, length, "\xfe\xff", 2))
        return "bytes that are not UTF-8; this looks like UTF-16 (Excel calls it Unicode Text)";
    if (text_utf8_fault(text, length) == length)
        return "a NUL character";
    return can_be_windows_1252(text, length)
               ? "bytes that are not UTF-8; this looks like Windows-1252 (Excel's plain CSV)"
               : "bytes that are not UTF-8";
}
