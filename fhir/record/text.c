/* text: the forms of texts that their type does not tell: ids, e-mail, language, file names,
 * media types, diagnosis codes. Hand-written scanners; called by record/check.c and record/rules.c.
 */
#include <string.h>

#include "base/visible.h"
#include "fhir/record/check.h"

static const char digits[] = "0123456789";
static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
static const char alphanumeric[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
static const char id_bytes[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/";
static const char token_bytes[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$&^_.+-";

/* Two numbers that differ look different: nothing in them hides, joiners and selectors included. */
static bool is_all_seen(const char *text)
{
    while (*text != '\0') {
        unsigned point = text_utf8_next(&text);
        bool hides = point == 0x200c || point == 0x200d || (point >= 0xfe00 && point <= 0xfe0f);
        if (hides || !visible_is_seen(point))
            return false;
    }
    return true;
}

/* Nearly every number: ASCII without a space, which is all seen. */
static bool is_plain_number(const char *text)
{
    const char *at = text;
    while (*at > ' ' && *at <= '~')
        at++;
    return *at == '\0' && at > text && at - text <= RECORD_ID_RECEIVED_MAX;
}

bool record_id_form(const char *text, bool is_received, struct text_form *ret_form)
{
    if (is_received && is_plain_number(text))
        return true;
    size_t length = strlen(text);
    if (is_received) {
        bool is_printable =
            !text_is_blank(text) && text_utf8_fault(text, length) == length && is_all_seen(text);
        bool is_short =
            length <= RECORD_ID_RECEIVED_MAX || text_utf8_length(text) <= RECORD_ID_RECEIVED_MAX;
        if (is_printable && is_short)
            return true;
        *ret_form = (struct text_form){NULL, "1 to 200 printable characters", NULL};
        return false;
    }
    if (length >= 1 && length <= RECORD_ID_MAX && strspn(text, id_bytes) == length)
        return true;
    *ret_form =
        (struct text_form){length == 0              ? NULL
                           : length > RECORD_ID_MAX ? "which is too long"
                                                    : "with a character that an id cannot have",
                           "1 to 64 of the characters A-Z a-z 0-9 . _ - /", NULL};
    return false;
}

const char *record_received_id_expected(const char *number)
{
    struct text_form form;
    return record_id_form(number, true, &form) ? NULL : form.expected;
}

/* FHIR keeps given names one by one: odd spaces between them would be lost on the way. */
static bool is_spaced(const char *text, struct text_form *ret_form)
{
    size_t length = strlen(text);
    if (text[0] != ' ' && text[length - 1] != ' ' && strstr(text, "  ") == NULL)
        return true;
    *ret_form =
        (struct text_form){"with a space too many", "names with one space between them", NULL};
    return false;
}

static bool is_email(const char *text, struct text_form *ret_form)
{
    const char *at = strchr(text, '@');
    if (at != NULL && at > text && at[1] != '\0' && strchr(at + 1, '@') == NULL &&
        strpbrk(text, " \t,;<>") == NULL)
        return true;
    *ret_form = (struct text_form){NULL, "one e-mail address, such as name@clinic.example", NULL};
    return false;
}

static bool is_phone(const char *text, struct text_form *ret_form)
{
    size_t count = 0;
    for (const char *at = text; *at != '\0'; at++)
        count += strchr(digits, *at) != NULL;
    if (count >= 3)
        return true;
    *ret_form =
        (struct text_form){"without a number", "a telephone number, such as +1 555 0142", NULL};
    return false;
}

/* BCP 47 in its usual part: a language of two or three letters, then subtags of two to eight. */
static bool is_language(const char *text, struct text_form *ret_form)
{
    size_t part = strspn(text, letters);
    bool is_right = part == 2 || part == 3;
    const char *at = text + part;
    while (is_right && *at == '-') {
        part = strspn(++at, alphanumeric);
        is_right = part >= 2 && part <= 8;
        at += part;
    }
    if (is_right && *at == '\0')
        return true;
    *ret_form = (struct text_form){NULL, "a language tag, such as en or es-MX", NULL};
    return false;
}

static bool is_file_name(const char *text, struct text_form *ret_form)
{
    if (strpbrk(text, "/\\") == NULL && strcmp(text, ".") != 0 && strcmp(text, "..") != 0 &&
        strlen(text) <= 255)
        return true;
    *ret_form =
        (struct text_form){NULL, "the name of a file beside the record, without a folder", NULL};
    return false;
}

static bool is_media_type(const char *text, struct text_form *ret_form)
{
    size_t type = strspn(text, token_bytes);
    size_t rest = text[type] == '/' ? strspn(text + type + 1, token_bytes) : 0;
    if (type > 0 && rest > 0 && text[type + 1 + rest] == '\0')
        return true;
    *ret_form = (struct text_form){NULL, "a media type, such as application/pdf", NULL};
    return false;
}

bool record_text_form(const char *shape, const char *name, const char *text,
                      struct text_form *ret_form)
{
    static const struct {
        const char *shape, *name;
        bool (*is_right)(const char *text, struct text_form *ret_form);
    } forms[] = {{NULL, "client_given_names", is_spaced},    {NULL, "client_email", is_email},
                 {NULL, "client_phone", is_phone},           {NULL, "client_language", is_language},
                 {"consent", "form_file", is_file_name},     {"attachment", "file", is_file_name},
                 {"attachment", "media_type", is_media_type}};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (strcmp(forms[i].name, name) == 0 &&
            (forms[i].shape == NULL || strcmp(forms[i].shape, shape) == 0))
            return forms[i].is_right(text, ret_form);
    }
    return true;
}

/* ---- diagnosis codes ---- */

/* ICD-10-CM: a letter, a digit, a digit or letter, then a dot and one to four digits or letters.
 * ICD-10 (WHO): two digits, and one or two behind the dot. */
static bool is_icd(const char *code, bool is_clinical)
{
    const char *tail = is_clinical ? "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ" : digits;
    if (strlen(code) < 3 || code[0] < 'A' || code[0] > 'Z' || strchr(digits, code[1]) == NULL ||
        strchr(tail, code[2]) == NULL)
        return false;
    if (code[3] == '\0')
        return true;
    size_t rest = code[3] == '.' ? strspn(code + 4, tail) : 0;
    return rest >= 1 && rest <= (is_clinical ? 4 : 2) && code[4 + rest] == '\0';
}

/* Verhoeff check digit (SNOMED CT Technical Implementation Guide, SCTID). */
static bool has_verhoeff_digit(const char *number)
{
    static const unsigned char permute[8][10] = {
        {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 5, 7, 6, 2, 8, 3, 0, 9, 4},
        {5, 8, 0, 3, 7, 9, 6, 1, 4, 2}, {8, 9, 1, 6, 0, 4, 3, 5, 2, 7},
        {9, 4, 5, 3, 1, 2, 6, 8, 7, 0}, {4, 2, 8, 6, 5, 7, 3, 9, 0, 1},
        {2, 7, 9, 3, 8, 0, 6, 4, 1, 5}, {7, 0, 4, 6, 9, 1, 3, 2, 5, 8}};
    unsigned check = 0;
    size_t length = strlen(number);
    for (size_t i = 0; i < length; i++) {
        unsigned digit = permute[i % 8][number[length - 1 - i] - '0'];
        /* multiplication in the dihedral group D5 */
        unsigned turned = check < 5   ? (digit < 5 ? (check + digit) % 5 : 5 + (check + digit) % 5)
                          : digit < 5 ? 5 + (check - 5 + 5 - digit) % 5
                                      : (check - digit + 5) % 5;
        check = turned;
    }
    return check == 0;
}

static bool is_snomed(const char *code)
{
    size_t length = strlen(code);
    return length >= 6 && length <= 18 && strspn(code, digits) == length && code[0] != '0' &&
           has_verhoeff_digit(code);
}

/* The code that was probably meant: capital letters, and the dot behind the third. */
static const char *mended_icd(struct arena *arena, const char *code, bool is_clinical)
{
    char plain[16] = "";
    size_t length = 0;
    for (; *code != '\0' && length < sizeof plain - 1; code++) {
        if (*code != '.' && *code != ' ')
            plain[length++] = (char)(*code >= 'a' && *code <= 'z' ? *code - 'a' + 'A' : *code);
    }
    if (*code != '\0' || length < 3)
        return NULL;
    const char *mended =
        length == 3 ? arena_copy(arena, plain) : arena_print(arena, "%.3s.%s", plain, plain + 3);
    return is_icd(mended, is_clinical) ? mended : NULL;
}

bool record_code_form(struct arena *arena, const char *system, const char *code,
                      struct text_form *ret_form)
{
    if (strcmp(system, "snomed") == 0) {
        *ret_form = (struct text_form){
            NULL, "a SNOMED CT number of 6 to 18 digits with a right check digit", NULL};
        return is_snomed(code);
    }
    bool is_clinical = strcmp(system, "icd-10-cm") == 0;
    *ret_form = (struct text_form){
        NULL,
        is_clinical
            ? "an ICD-10-CM code: a letter, two characters, then a dot and up to four more, "
              "such as M54.2"
            : "an ICD-10 code: a letter, two digits, then a dot and up to two more, such as "
              "M54.2",
        mended_icd(arena, code, is_clinical)};
    return is_icd(code, is_clinical);
}
