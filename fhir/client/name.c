/* name: see client/name.h. A name is folded into plain words, and the words are compared. */
#include "fhir/client/name.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/text.h"

enum {
    WORDS_MAX = 16,    /* of one name; what is longer is compared by its first words */
    WORD_BYTES = 96,   /* of one word, likewise */
    RUN_MAX = 3,       /* words that another clinic may have written as one */
    NAME_BYTES = 2048, /* of one field that are looked at */
};

enum script {
    SCRIPT_NONE = 0,
    SCRIPT_LATIN = 1,
    SCRIPT_GREEK = 2,
    SCRIPT_CYRILLIC = 4,
    SCRIPT_OTHER = 8
};

struct word {
    char plain[WORD_BYTES];   /* "muller" */
    char spelled[WORD_BYTES]; /* "mueller" */
    size_t plain_length, spelled_length;
};

struct words {
    struct word at[WORDS_MAX];
    size_t count;
    unsigned scripts;
};

/* ---- folding ---- */

/* The base letter of U+00C0 to U+024F and of U+1E00 to U+1EFF, by Unicode decomposition; '-': it
 * has none. */
static const char latin_first[] = "aaaaaa-ceeeeiiiidnooooo-ouuuuy--aaaaaa-ceeeeiiiidnooooo-ouuuuy-y"
                                  "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiii--jjkkklllllll"
                                  "lllnnnnnnnnnoooooo--rrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs"
                                  "b-----------------f-------------oo-------------uu---------------"
                                  "----dddlllnnnaaiioouuuuuuuuuu-aaaa----ggkkoooo--jdddgg--nnaa----"
                                  "aaaaeeeeiiiioooorrrruuuusstt--hh------aaeeooooooooyy------------"
                                  "----------------";
static const char latin_more[] = "aabbbbbbccddddddddddeeeeeeeeeeffgghhhhhhhhhhiiiikkkkkkllllllllmm"
                                 "mmmmnnnnnnnnoooooooopppprrrrrrrrssssssssssttttttttuuuuuuuuuuvvvv"
                                 "wwwwwwwwwwxxxxyyzzzzzzhtwyas----aaaaaaaaaaaaaaaaaaaaaaaaeeeeeeee"
                                 "eeeeeeeeiiiioooooooooooooooooooooooouuuuuuuuuuuuuuyyyyyyyy------";

/* Letters that are written as two: always, or by some (Müller, Mueller). */
static const struct {
    unsigned point;
    const char *plain, *spelled;
} pairs[] = {
    {0xc4, "a", "ae"},   {0xe4, "a", "ae"},   {0xd6, "o", "oe"},   {0xf6, "o", "oe"},
    {0xdc, "u", "ue"},   {0xfc, "u", "ue"},   {0xd8, "o", "oe"},   {0xf8, "o", "oe"},
    {0xc5, "a", "aa"},   {0xe5, "a", "aa"},   {0xc6, "ae", "ae"},  {0xe6, "ae", "ae"},
    {0x152, "oe", "oe"}, {0x153, "oe", "oe"}, {0xdf, "ss", "ss"},  {0x1e9e, "ss", "ss"},
    {0xde, "th", "th"},  {0xfe, "th", "th"},  {0x132, "ij", "ij"}, {0x133, "ij", "ij"},
};

/* Greek letters with a mark, and the final sigma. */
static const struct {
    unsigned from, to;
} marked[] = {
    {0x386, 0x3b1}, {0x388, 0x3b5}, {0x389, 0x3b7}, {0x38a, 0x3b9}, {0x38c, 0x3bf}, {0x38e, 0x3c5},
    {0x38f, 0x3c9}, {0x390, 0x3b9}, {0x3ac, 0x3b1}, {0x3ad, 0x3b5}, {0x3ae, 0x3b7}, {0x3af, 0x3b9},
    {0x3b0, 0x3c5}, {0x3c2, 0x3c3}, {0x3ca, 0x3b9}, {0x3cb, 0x3c5}, {0x3cc, 0x3bf}, {0x3cd, 0x3c5},
    {0x3ce, 0x3c9}, {0x451, 0x435}, {0x439, 0x438},
};

static bool is_in(unsigned point, unsigned first, unsigned last)
{
    return point >= first && point <= last;
}

/* Capitals of Greek, Cyrillic and full-width Latin made small, marks taken off. */
static unsigned small_letter(unsigned point)
{
    if (is_in(point, 'A', 'Z') || is_in(point, 0x391, 0x3a9) || is_in(point, 0x410, 0x42f))
        point += 0x20;
    else if (is_in(point, 0x400, 0x40f))
        point += 0x50;
    else if (is_in(point, 0xff21, 0xff3a))
        point -= 0xff21 - 'a';
    else if (is_in(point, 0xff41, 0xff5a))
        point -= 0xff41 - 'a';
    for (size_t i = 0; point >= 0x386 && point <= 0x451 && i < sizeof marked / sizeof *marked;
         i++) {
        if (marked[i].from == point)
            return marked[i].to;
    }
    return point;
}

/* Apostrophes, marks that follow their letter, and what has no width: O'Hara is one word. */
static bool is_silent(unsigned point)
{
    return point == '\'' || point == '`' || point == 0xb4 || point == 0xad || point == 0xb7 ||
           is_in(point, 0x2b9, 0x2bc) || is_in(point, 0x2018, 0x201b) ||
           is_in(point, 0x300, 0x36f) || is_in(point, 0x591, 0x5c7) || point == 0x640 ||
           is_in(point, 0x64b, 0x652) || is_in(point, 0x200b, 0x200f) || point == 0xfeff;
}

static bool is_gap(unsigned point)
{
    bool is_plain = is_in(point, '0', '9') || is_in(point, 'a', 'z') || is_in(point, 'A', 'Z');
    return (point < 0x80 && !is_plain) || point == 0xa0 || is_in(point, 0x2000, 0x206f) ||
           point == 0x2212 || is_in(point, 0x3000, 0x3003) || point == 0x30fb;
}

static unsigned script_of(unsigned point)
{
    if (point < 0x250 || is_in(point, 0x1e00, 0x1eff))
        return SCRIPT_LATIN;
    if (is_in(point, 0x370, 0x3ff))
        return SCRIPT_GREEK;
    return is_in(point, 0x400, 0x4ff) ? SCRIPT_CYRILLIC : SCRIPT_OTHER;
}

static void put(char *word, size_t *length, const char *more, size_t count)
{
    if (*length + count >= WORD_BYTES)
        return;
    memcpy(word + *length, more, count);
    *length += count;
}

/* BYTES: the code point as it was written. */
static void put_letter(struct word *word, unsigned point, const char *bytes, size_t count)
{
    char base = '-';
    for (size_t i = 0; point >= 0xc4 && i < sizeof pairs / sizeof *pairs; i++) {
        if (pairs[i].point != point)
            continue;
        put(word->plain, &word->plain_length, pairs[i].plain, strlen(pairs[i].plain));
        put(word->spelled, &word->spelled_length, pairs[i].spelled, strlen(pairs[i].spelled));
        return;
    }
    point = small_letter(point);
    if (point < 0x80)
        base = (char)point;
    else if (is_in(point, 0xc0, 0x24f))
        base = latin_first[point - 0xc0];
    else if (is_in(point, 0x1e00, 0x1eff))
        base = latin_more[point - 0x1e00];
    if (base != '-') {
        bytes = &base;
        count = 1;
    }
    char two[2] = {(char)(0xc0 | point >> 6), (char)(0x80 | (point & 0x3f))};
    if (is_in(point, 0x370, 0x4ff)) {
        bytes = two;
        count = 2;
    }
    put(word->plain, &word->plain_length, bytes, count);
    put(word->spelled, &word->spelled_length, bytes, count);
}

/* Adds the words of NAME. */
static void add_words(struct words *words, const char *name)
{
    const char *end = name == NULL ? NULL : name + strnlen(name, NAME_BYTES);
    bool is_inside = false;
    for (const char *at = name; at < end;) {
        const char *start = at;
        unsigned point = text_utf8_next(&at);
        if (is_silent(point))
            continue;
        if (is_gap(point)) {
            is_inside = false;
            continue;
        }
        if (!is_inside && words->count == WORDS_MAX)
            return;
        if (!is_inside)
            words->at[words->count++] = (struct word){.plain_length = 0};
        is_inside = true;
        words->scripts |= script_of(point);
        put_letter(&words->at[words->count - 1], point, start, (size_t)(at - start));
    }
}

/* ---- comparing words ---- */

struct run {
    char plain[WORD_BYTES * RUN_MAX], spelled[WORD_BYTES * RUN_MAX];
    size_t plain_length, spelled_length;
};

/* COUNT words from FIRST on, as one. */
static void join(const struct words *words, size_t first, size_t count, struct run *ret_run)
{
    ret_run->plain_length = ret_run->spelled_length = 0;
    for (size_t i = first; i < first + count; i++) {
        const struct word *word = &words->at[i];
        memcpy(ret_run->plain + ret_run->plain_length, word->plain, word->plain_length);
        memcpy(ret_run->spelled + ret_run->spelled_length, word->spelled, word->spelled_length);
        ret_run->plain_length += word->plain_length;
        ret_run->spelled_length += word->spelled_length;
    }
}

static bool same_bytes(const char *one, size_t length, const char *other, size_t other_length)
{
    return length == other_length && memcmp(one, other, length) == 0;
}

static bool same_run(const struct run *one, const struct run *other)
{
    return same_bytes(one->plain, one->plain_length, other->plain, other->plain_length) ||
           same_bytes(one->spelled, one->spelled_length, other->plain, other->plain_length) ||
           same_bytes(one->plain, one->plain_length, other->spelled, other->spelled_length);
}

static bool is_initial(const struct word *one, const struct word *other)
{
    return one->plain_length == 1 && one->plain[0] == other->plain[0];
}

/* Words of MANY that no word of the other name has been matched with yet. */
struct left {
    const struct words *many;
    bool is_used[WORDS_MAX];
    bool with_initials;
};

static bool is_free(const struct left *left, size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++) {
        if (i >= left->many->count || left->is_used[i])
            return false;
    }
    return true;
}

/* Finds RUN in one word, or, when it is a word itself, in several that stand side by side. */
static bool use_run(struct left *left, const struct run *run, size_t longest)
{
    for (size_t count = 1; count <= longest; count++) {
        for (size_t first = 0; first + count <= left->many->count; first++) {
            struct run other;
            if (!is_free(left, first, count))
                continue;
            join(left->many, first, count, &other);
            if (!same_run(run, &other))
                continue;
            memset(left->is_used + first, 1, count);
            return true;
        }
    }
    return false;
}

static bool use_initial(struct left *left, const struct word *word)
{
    for (size_t i = 0; left->with_initials && i < left->many->count; i++) {
        if (left->is_used[i] ||
            (!is_initial(word, &left->many->at[i]) && !is_initial(&left->many->at[i], word)))
            continue;
        left->is_used[i] = true;
        return true;
    }
    return false;
}

/* Whether each word of FEW is one of MANY. */
static bool is_within(const struct words *few, const struct words *many, bool with_initials)
{
    struct left left = {.many = many, .with_initials = with_initials};
    for (size_t i = 0; i < few->count;) {
        size_t taken = 0;
        for (size_t count = 1; taken == 0 && count <= RUN_MAX && i + count <= few->count; count++) {
            struct run run;
            join(few, i, count, &run);
            taken = use_run(&left, &run, count == 1 ? RUN_MAX : 1) ? count : 0;
        }
        if (taken == 0 && use_initial(&left, &few->at[i]))
            taken = 1;
        if (taken == 0)
            return false;
        i += taken;
    }
    return few->count > 0;
}

/* Whether one leaves out at most what the other says. */
static bool fits(const struct words *one, const struct words *other, bool with_initials)
{
    return is_within(one, other, with_initials) || is_within(other, one, with_initials);
}

/* ---- comparing names ---- */

struct folded {
    struct words family, given, all, latin;
};

static void fold(const struct client_name *name, struct folded *ret_folded)
{
    struct words *all[] = {&ret_folded->family, &ret_folded->given, &ret_folded->all,
                           &ret_folded->latin};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        all[i]->count = all[i]->scripts = 0;
    add_words(&ret_folded->family, name->family);
    add_words(&ret_folded->given, name->given);
    add_words(&ret_folded->all, name->family);
    add_words(&ret_folded->all, name->given);
    add_words(&ret_folded->latin, name->latin);
}

static bool share_script(const struct words *one, const struct words *other)
{
    return (one->scripts & other->scripts) != 0;
}

/* Family and given name changed places, or a part of one stands in the other. */
static bool fits_in_other_order(const struct folded *one, const struct folded *other)
{
    if (fits(&one->family, &other->given, true) && fits(&one->given, &other->family, true))
        return true;
    return is_within(&one->family, &other->all, false) &&
           is_within(&other->family, &one->all, false) && fits(&one->given, &other->all, true);
}

static enum client_name_answer compare_parts(const struct folded *one, const struct folded *other)
{
    bool has_families = one->family.count > 0 && other->family.count > 0;
    bool has_givens = one->given.count > 0 && other->given.count > 0;
    if (!share_script(&one->all, &other->all))
        return CLIENT_NAME_UNKNOWN;
    if (!has_families || !has_givens)
        return fits(&one->all, &other->all, true) ? CLIENT_NAME_AGREES
               : has_givens                       ? CLIENT_NAME_OTHER_GIVEN
                                                  : CLIENT_NAME_OTHER_FAMILY;
    bool is_same_family = fits(&one->family, &other->family, false);
    if ((is_same_family && fits(&one->given, &other->given, true)) ||
        fits_in_other_order(one, other))
        return CLIENT_NAME_AGREES;
    return is_same_family ? CLIENT_NAME_OTHER_GIVEN : CLIENT_NAME_OTHER_FAMILY;
}

/* With the names in Latin letters in the place of those in another script. */
static enum client_name_answer compare_latin(const struct folded *one, const struct folded *other,
                                             enum client_name_answer before)
{
    const struct words *const tries[][2] = {
        {&one->latin, &other->latin}, {&one->latin, &other->all}, {&one->all, &other->latin}};
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        if (!share_script(tries[i][0], tries[i][1]))
            continue;
        if (fits(tries[i][0], tries[i][1], true))
            return CLIENT_NAME_AGREES;
        if (before == CLIENT_NAME_UNKNOWN)
            before = CLIENT_NAME_OTHER_FAMILY;
    }
    return before;
}

enum client_name_answer client_name_compare(const struct client_name *one,
                                            const struct client_name *other)
{
    struct folded left, right;
    bool has_name = one->family != NULL || one->given != NULL;
    if (has_name && text_equal(one->family, other->family) && text_equal(one->given, other->given))
        return CLIENT_NAME_AGREES; /* as nearly always */
    fold(one, &left);
    fold(other, &right);
    enum client_name_answer answer = compare_parts(&left, &right);
    return answer == CLIENT_NAME_AGREES ? answer : compare_latin(&left, &right, answer);
}

void client_name_slug(const char *name, char *slug, size_t room)
{
    struct words words = {.count = 0};
    size_t length = 0;
    add_words(&words, name);
    for (size_t i = 0; i < words.count; i++) {
        bool is_first = true;
        for (size_t k = 0; k < words.at[i].plain_length; k++) {
            char letter = words.at[i].plain[k];
            bool is_ascii =
                is_in((unsigned char)letter, 'a', 'z') || is_in((unsigned char)letter, '0', '9');
            if (!is_ascii || length + 2 >= room)
                continue;
            if (is_first && length > 0)
                slug[length++] = '-';
            slug[length++] = letter;
            is_first = false;
        }
    }
    slug[length] = '\0';
}
