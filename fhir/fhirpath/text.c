/* text: functions on strings (FHIRPath N1 2.0 section 5.6). Places and lengths count characters
 * (code points). An empty input or argument answers nothing; an input that is no string is a fault.
 */
#include <string.h>

#include "base/text.h"
#include "fhir/fhirpath/convert.h"
#include "fhir/fhirpath/function.h"
#include "fhir/fhirpath/regex.h"

static bool push_text(struct machine *machine, const struct step *step, const char *text)
{
    return machine_push(machine, step, value_text(text));
}

static bool push_copy(struct machine *machine, const struct step *step, const char *text,
                      size_t length)
{
    const char *copy = machine_copy(machine, step, text, length);
    return copy != NULL && push_text(machine, step, copy);
}

/* Input and first argument; *ret_known false when one is empty. */
static bool texts(struct machine *machine, const struct step *step, const char **ret_text,
                  const char **ret_argument, bool *ret_known)
{
    if (!machine_text_input(machine, step, ret_text) ||
        !machine_text_argument(machine, step, 0, ret_argument))
        return false;
    *ret_known = *ret_text != NULL && *ret_argument != NULL;
    return true;
}

/* ---- searching ---- */

/* Pushes whether TEST holds of the input and the argument; nothing when one of them is empty. */
static bool run_test(struct machine *machine, const struct step *step,
                     bool (*test)(const char *text, const char *argument))
{
    const char *text;
    const char *argument;
    bool known;
    if (!texts(machine, step, &text, &argument, &known))
        return false;
    return !known || machine_push(machine, step, value_boolean(test(text, argument)));
}

bool call_starts_with(struct machine *machine, const struct step *step)
{
    return run_test(machine, step, text_starts);
}

bool call_ends_with(struct machine *machine, const struct step *step)
{
    return run_test(machine, step, text_ends);
}

static bool has_part(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

bool call_contains(struct machine *machine, const struct step *step)
{
    return run_test(machine, step, has_part);
}

static long long characters_before(const char *text, const char *at)
{
    long long count = 0;
    for (; text < at; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

bool call_index_of(struct machine *machine, const struct step *step)
{
    const char *text;
    const char *part;
    bool known;
    if (!texts(machine, step, &text, &part, &known))
        return false;
    if (!known)
        return true;
    const char *found = strstr(text, part);
    return machine_push(machine, step,
                        value_integer(found == NULL ? -1 : characters_before(text, found)));
}

bool call_last_index_of(struct machine *machine, const struct step *step)
{
    const char *text;
    const char *part;
    bool known;
    if (!texts(machine, step, &text, &part, &known))
        return false;
    if (!known)
        return true;
    size_t length = strlen(text);
    size_t part_length = strlen(part);
    const char *found = NULL;
    for (size_t i = 0; part_length <= length && i <= length - part_length && found == NULL; i++) {
        if (memcmp(text + length - part_length - i, part, part_length) == 0)
            found = text + length - part_length - i;
    }
    return machine_push(machine, step,
                        value_integer(found == NULL ? -1 : characters_before(text, found)));
}

bool call_length(struct machine *machine, const struct step *step)
{
    const char *text;
    if (!machine_text_input(machine, step, &text))
        return false;
    return text == NULL ||
           machine_push(machine, step, value_integer((long long)text_utf8_length(text)));
}

/* ---- parts ---- */

static const char *skip_characters(const char *at, long long count)
{
    while (count > 0 && *at != '\0') {
        at++;
        while (((unsigned char)*at & 0xc0) == 0x80)
            at++;
        count--;
    }
    return at;
}

bool call_substring(struct machine *machine, const struct step *step)
{
    const char *text;
    long long start;
    long long count = INT32_MAX;
    bool known;
    bool known_count = true;
    if (!machine_text_input(machine, step, &text) ||
        !machine_whole_argument(machine, step, 0, &known, &start))
        return false;
    if (step->argument_count > 1 && !machine_whole_argument(machine, step, 1, &known_count, &count))
        return false;
    if (text == NULL || !known || start < 0)
        return true;
    const char *from = skip_characters(text, start);
    if (*from == '\0')
        return true;
    if (!known_count)
        count = INT32_MAX;
    return push_copy(machine, step, from, (size_t)(skip_characters(from, count) - from));
}

bool call_trim(struct machine *machine, const struct step *step)
{
    static const char space[] = " \t\r\n\f\v";
    const char *text;
    if (!machine_text_input(machine, step, &text))
        return false;
    if (text == NULL)
        return true;
    text += strspn(text, space);
    size_t length = strlen(text);
    while (length > 0 && strchr(space, text[length - 1]) != NULL)
        length--;
    return push_copy(machine, step, text, length);
}

bool call_to_chars(struct machine *machine, const struct step *step)
{
    const char *text;
    if (!machine_text_input(machine, step, &text))
        return false;
    while (text != NULL && *text != '\0') {
        const char *next = skip_characters(text, 1);
        if (!machine_spend(machine, step, 1) ||
            !push_copy(machine, step, text, (size_t)(next - text)))
            return false;
        text = next;
    }
    return true;
}

bool call_split(struct machine *machine, const struct step *step)
{
    const char *text;
    const char *separator;
    bool known;
    if (!texts(machine, step, &text, &separator, &known))
        return false;
    if (!known)
        return true;
    if (*separator == '\0')
        return push_text(machine, step, text);
    for (;;) {
        const char *found = strstr(text, separator);
        size_t length = found == NULL ? strlen(text) : (size_t)(found - text);
        if (!machine_spend(machine, step, 1) || !push_copy(machine, step, text, length))
            return false;
        if (found == NULL)
            return true;
        text = found + strlen(separator);
    }
}

/* Turns the slice into texts in place, dropping what has none; false for what is no string. */
static bool make_texts(struct machine *machine, const struct step *step, struct slice *slice)
{
    size_t kept = slice->from;
    for (size_t i = slice->from; i < slice->to; i++) {
        struct value value;
        if (!convert_system(machine, step, machine->stack[i], &value))
            return false;
        if (value.kind == VALUE_NONE)
            continue;
        if (value.kind != VALUE_TEXT)
            return machine_fail(machine, step, FHIRPATH_FAULT_SEMANTIC,
                                "%s for '%s'; expected strings", convert_kind_words(value),
                                step->name);
        machine->stack[kept++] = value;
    }
    slice->to = kept;
    return true;
}

bool call_join(struct machine *machine, const struct step *step)
{
    struct slice slice;
    const char *separator = "";
    if (!machine_input(machine, step, &slice) ||
        (step->argument_count > 0 && !machine_text_argument(machine, step, 0, &separator)) ||
        !make_texts(machine, step, &slice))
        return false;
    if (slice_count(slice) == 0 || separator == NULL)
        return machine_give_nothing(machine, slice.from);
    size_t gap = strlen(separator);
    size_t length = 1;
    for (size_t i = slice.from; i < slice.to; i++)
        length += strlen(machine->stack[i].text) + gap;
    char *joined = machine_alloc(machine, step, length);
    if (joined == NULL)
        return false;
    char *at = joined;
    for (size_t i = slice.from; i < slice.to; i++) {
        at = stpcpy(at, i == slice.from ? "" : separator);
        at = stpcpy(at, machine->stack[i].text);
    }
    return machine_give(machine, step, slice.from, value_text(joined));
}

/* ---- replacing ---- */

/* Occurrences of PART, or the places between characters when it is empty. */
static size_t count_parts(const char *text, const char *part)
{
    size_t count = 0;
    if (*part == '\0')
        return text_utf8_length(text) + 1;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + strlen(part), part))
        count++;
    return count;
}

static char *put(char *at, const char *text, size_t length)
{
    memcpy(at, text, length);
    return at + length;
}

static char *put_replaced(char *at, const char *text, const char *part, const char *replacement)
{
    size_t part_length = strlen(part);
    size_t length = strlen(replacement);
    if (part_length == 0) {
        while (*text != '\0') {
            const char *next = skip_characters(text, 1);
            at = put(at, replacement, length);
            at = put(at, text, (size_t)(next - text));
            text = next;
        }
        return put(at, replacement, length);
    }
    for (const char *found; (found = strstr(text, part)) != NULL; text = found + part_length) {
        at = put(at, text, (size_t)(found - text));
        at = put(at, replacement, length);
    }
    return put(at, text, strlen(text));
}

bool call_replace(struct machine *machine, const struct step *step)
{
    const char *text;
    const char *part;
    const char *replacement;
    bool known;
    if (!texts(machine, step, &text, &part, &known) ||
        !machine_text_argument(machine, step, 1, &replacement))
        return false;
    if (!known || replacement == NULL)
        return true;
    size_t count = count_parts(text, part);
    size_t length = strlen(text) + count * strlen(replacement) + 1;
    char *replaced = machine_alloc(machine, step, length);
    if (replaced == NULL)
        return false;
    *put_replaced(replaced, text, part, replacement) = '\0';
    return push_text(machine, step, replaced);
}

/* The argument with flags at INDEX, when there is one. */
static bool flags_argument(struct machine *machine, const struct step *step, unsigned index,
                           const char **ret_flags)
{
    *ret_flags = NULL;
    return index >= step->argument_count || machine_text_argument(machine, step, index, ret_flags);
}

static bool run_matches(struct machine *machine, const struct step *step, bool is_full)
{
    const char *text;
    const char *pattern;
    const char *flags;
    bool known;
    bool matches;
    if (!texts(machine, step, &text, &pattern, &known) || !flags_argument(machine, step, 1, &flags))
        return false;
    if (!known)
        return true;
    return regex_matches(machine, step, pattern, flags, text, is_full, &matches) &&
           machine_push(machine, step, value_boolean(matches));
}

bool call_matches(struct machine *machine, const struct step *step)
{
    return run_matches(machine, step, false);
}

bool call_matches_full(struct machine *machine, const struct step *step)
{
    return run_matches(machine, step, true);
}

bool call_replace_matches(struct machine *machine, const struct step *step)
{
    const char *text;
    const char *pattern;
    const char *replacement;
    const char *flags;
    const char *replaced;
    bool known;
    if (!texts(machine, step, &text, &pattern, &known) ||
        !machine_text_argument(machine, step, 1, &replacement) ||
        !flags_argument(machine, step, 2, &flags))
        return false;
    if (!known || replacement == NULL)
        return true;
    if (*pattern == '\0')
        return push_text(machine, step, text);
    return regex_replace(machine, step, pattern, flags, text, replacement, &replaced) &&
           push_text(machine, step, replaced);
}

/* ---- case ---- */

/* Two-byte letters of Latin-1, Latin Extended-A, Greek and Cyrillic whose other case has two bytes
 * too. */
static unsigned other_case(unsigned code, bool upper)
{
    static const struct {
        unsigned first, last; /* lower-case letters */
        unsigned distance;    /* of the upper-case one; 1: they alternate, upper first */
    } ranges[] = {{0xe0, 0xf6, 32},   {0xf8, 0xfe, 32},   {0x101, 0x137, 1},  {0x14b, 0x177, 1},
                  {0x3b1, 0x3c1, 32}, {0x3c3, 0x3cb, 32}, {0x430, 0x44f, 32}, {0x450, 0x45f, 80}};
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        unsigned distance = ranges[i].distance;
        if (distance == 1) {
            bool inside = code >= ranges[i].first - 1 && code <= ranges[i].last;
            bool is_lower = code % 2 == 1;
            if (inside && code != 0x131 && code != 0x130 && is_lower == upper)
                return upper ? code - 1 : code + 1;
        } else if (upper && code >= ranges[i].first && code <= ranges[i].last) {
            return code - distance;
        } else if (!upper && code + distance >= ranges[i].first &&
                   code + distance <= ranges[i].last) {
            return code + distance;
        }
    }
    return code;
}

static bool change_case(struct machine *machine, const struct step *step, bool upper)
{
    const char *text;
    if (!machine_text_input(machine, step, &text))
        return false;
    if (text == NULL)
        return true;
    char *changed = machine_copy(machine, step, text, strlen(text));
    if (changed == NULL)
        return false;
    for (char *at = changed; *at != '\0'; at++) {
        unsigned char byte = (unsigned char)*at;
        if (upper ? byte >= 'a' && byte <= 'z' : byte >= 'A' && byte <= 'Z') {
            *at = (char)(byte ^ 0x20);
        } else if (byte >= 0xc3 && byte <= 0xd1) {
            unsigned code = (unsigned)(byte & 0x1f) << 6 | ((unsigned char)at[1] & 0x3f);
            code = other_case(code, upper);
            at[0] = (char)(0xc0 | code >> 6);
            at[1] = (char)(0x80 | (code & 0x3f));
            at++;
        }
    }
    return push_text(machine, step, changed);
}

bool call_upper(struct machine *machine, const struct step *step)
{
    return change_case(machine, step, true);
}

bool call_lower(struct machine *machine, const struct step *step)
{
    return change_case(machine, step, false);
}
