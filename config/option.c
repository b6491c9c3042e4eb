/* option: see option.h. Everything here is driven by the row: which member, which range, which
 * words. */
#include "config/option.h"

#include <string.h>

#include "base/nearest.h"
#include "config/entry.h"

/* The text of a value to be taken, and where it stands. */
struct given {
    const char *text;
    int line, column; /* 0 when it did not come from a file */
    bool plain;
};

static void *member_of(const struct option *option, void *object)
{
    return (char *)object + option->offset;
}

const struct option *option_find(const struct option_table *table, const char *key)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct option *row = &table->rows[i];
        if (row->kind != OPTION_SECTION && strcmp(row->key, key) == 0)
            return row;
    }
    return NULL;
}

size_t option_words(const struct option *option, struct arena *arena,
                    const char *ret_words[OPTION_WORDS_MAX])
{
    char *rest = arena_copy(arena, option->words);
    size_t count = 0;
    for (char *word = strsep(&rest, "|"); word != NULL && count < OPTION_WORDS_MAX;
         word = strsep(&rest, "|"))
        ret_words[count++] = word;
    return count;
}

static int find_word(const struct option *option, struct arena *arena, const char *word)
{
    const char *words[OPTION_WORDS_MAX];
    size_t count = option_words(option, arena, words);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(words[i], word) == 0)
            return (int)i;
    }
    return -1;
}

/* `one of a, b, c` */
static const char *words_in_prose(const struct option *option, struct arena *arena,
                                  const char *intro)
{
    const char *words[OPTION_WORDS_MAX];
    size_t count = option_words(option, arena, words);
    struct text text = text_new(arena, 1000);
    text_add(&text, intro);
    for (size_t i = 0; i < count; i++)
        text_print(&text, "%s%s", i == 0 ? "" : ", ", words[i]);
    return text.at;
}

static const char *number_in_prose(const struct option *option, struct arena *arena)
{
    return arena_print(arena, "a number of %s from %llu to %llu", option->unit,
                       (unsigned long long)option->min, (unsigned long long)option->max);
}

const char *option_expected(const struct option *option, struct arena *arena)
{
    switch (option->kind) {
    case OPTION_TEXT:
        return option->check->expected;
    case OPTION_LIST:
        return arena_print(arena, "a list, each item %s", option->check->expected);
    case OPTION_FLAG:
        return "true or false";
    case OPTION_WORD:
        return words_in_prose(option, arena, "one of ");
    case OPTION_SET:
        return words_in_prose(option, arena, "a list of any of ");
    case OPTION_COUNT:
    case OPTION_BYTES:
    case OPTION_TIME:
        return number_in_prose(option, arena);
    case OPTION_SECTION:
        break;
    }
    return "nothing";
}

/* Digits only; false beyond what a uint64_t holds. */
static bool read_number(const char *text, uint64_t *ret_number)
{
    uint64_t number = 0;
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        unsigned digit = (unsigned)(*text - '0');
        if (*text < '0' || *text > '9' || number > (UINT64_MAX - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *ret_number = number;
    return true;
}

static void store_number(const struct option *option, uint64_t number, void *member)
{
    unsigned count = (unsigned)number;
    size_t bytes = (size_t)number;
    if (option->kind == OPTION_COUNT)
        memcpy(member, &count, sizeof count);
    else if (option->kind == OPTION_BYTES)
        memcpy(member, &bytes, sizeof bytes);
    else
        memcpy(member, &number, sizeof number);
}

static bool take_number(const struct option *option, const struct given *given, void *member)
{
    uint64_t number;
    if (!given->plain || !read_number(given->text, &number) || number < option->min ||
        number > option->max)
        return false;
    store_number(option, number, member);
    return true;
}

static bool take_flag(const struct given *given, void *member)
{
    bool flag = strcmp(given->text, "true") == 0;
    if (!given->plain || (!flag && strcmp(given->text, "false") != 0))
        return false;
    *(bool *)member = flag;
    return true;
}

static bool take_word(const struct option *option, struct arena *arena, const struct given *given,
                      void *member)
{
    int found = find_word(option, arena, given->text);
    if (found < 0)
        return false;
    unsigned word = (unsigned)found; /* an enum whose constants begin at 0 is stored as unsigned */
    memcpy(member, &word, sizeof word);
    return true;
}

static bool take_text(const struct option *option, struct arena *arena, const struct given *given,
                      void *member)
{
    if (!option->check->holds(given->text))
        return false;
    *(const char **)member = arena_copy(arena, given->text);
    return true;
}

static bool take_one(const struct option *option, struct arena *arena, const struct given *given,
                     void *member)
{
    switch (option->kind) {
    case OPTION_TEXT:
        return take_text(option, arena, given, member);
    case OPTION_FLAG:
        return take_flag(given, member);
    case OPTION_WORD:
        return take_word(option, arena, given, member);
    case OPTION_COUNT:
    case OPTION_BYTES:
    case OPTION_TIME:
        return take_number(option, given, member);
    case OPTION_LIST:
    case OPTION_SET:
    case OPTION_SECTION:
        break;
    }
    return false;
}

/* What stands there, shown shortly. Settings hold no patient data and no secrets (those are files).
 */
static const char *shown(struct arena *arena, const struct given *given)
{
    if (*given->text == '\0')
        return "nothing";
    size_t length = strlen(given->text);
    size_t cut = length;
    if (length > 60) {
        for (cut = 57; ((unsigned char)given->text[cut] & 0xc0) == 0x80;)
            cut--;
    }
    return arena_print(arena, given->plain ? "%.*s%s" : "\"%.*s%s\"", (int)cut, given->text,
                       cut < length ? "..." : "");
}

static const char *nearest_word(const struct option *option, struct arena *arena, const char *word)
{
    const char *words[OPTION_WORDS_MAX];
    if (option->words == NULL)
        return NULL;
    size_t count = option_words(option, arena, words);
    return nearest_of(word, words, count);
}

static void refuse(const struct option *option, struct arena *arena, const struct given *given,
                   const char *path, struct finding_list *findings)
{
    finding_add(findings, (struct finding){.path = path,
                                           .line = given->line,
                                           .column = given->column,
                                           .found = shown(arena, given),
                                           .expected = option_expected(option, arena),
                                           .nearest = nearest_word(option, arena, given->text),
                                           .says_line = true});
}

static bool take_list(const struct option *option, struct arena *arena, const struct given *given,
                      size_t count, struct finding_list *findings, void *member)
{
    const char **items = arena_array(arena, count, sizeof *items);
    bool good = true;
    for (size_t i = 0; i < count; i++) {
        items[i] = arena_copy(arena, given[i].text);
        if (option->check->holds(items[i]))
            continue;
        good = false;
        refuse(option, arena, &given[i], arena_print(arena, "%s[%zu]", option->key, i + 1),
               findings);
    }
    if (good)
        *(struct option_list *)member = (struct option_list){items, count};
    return good;
}

static bool take_set(const struct option *option, struct arena *arena, const struct given *given,
                     size_t count, struct finding_list *findings, void *member)
{
    unsigned bits = 0;
    bool good = true;
    for (size_t i = 0; i < count; i++) {
        int found = find_word(option, arena, given[i].text);
        if (found >= 0) {
            bits |= 1u << found;
            continue;
        }
        good = false;
        refuse(option, arena, &given[i], arena_print(arena, "%s[%zu]", option->key, i + 1),
               findings);
    }
    if (good)
        *(unsigned *)member = bits;
    return good;
}

/* Takes COUNT texts as the value of OPTION. */
static bool take_values(const struct option *option, struct arena *arena, const struct given *given,
                        size_t count, struct finding_list *findings, void *object)
{
    void *member = member_of(option, object);
    if (option->kind == OPTION_LIST)
        return take_list(option, arena, given, count, findings, member);
    if (option->kind == OPTION_SET)
        return take_set(option, arena, given, count, findings, member);
    if (take_one(option, arena, given, member))
        return true;
    refuse(option, arena, given, option->key, findings);
    return false;
}

static bool holds_many(const struct option *option)
{
    return option->kind == OPTION_LIST || option->kind == OPTION_SET;
}

/* The items of `a, b,c`; an empty text has none. */
static size_t split_items(struct arena *arena, const char *value, struct given **ret_items)
{
    size_t count = 1;
    for (const char *at = value; *at != '\0'; at++)
        count += *at == ',';
    struct given *items = arena_array(arena, count, sizeof *items);
    char *rest = arena_copy(arena, value);
    size_t kept = 0;
    for (char *item = strsep(&rest, ","); item != NULL; item = strsep(&rest, ",")) {
        item += strspn(item, " ");
        for (size_t length = strlen(item); length > 0 && item[length - 1] == ' ';)
            item[--length] = '\0';
        if (*item != '\0')
            items[kept++] = (struct given){.text = item, .plain = true};
    }
    *ret_items = items;
    return kept;
}

static bool take_text_value(const struct option *option, struct arena *arena, const char *value,
                            struct finding_list *findings, void *object)
{
    struct given one = {.text = value, .plain = true};
    struct given *items = &one;
    size_t count = 1;
    if (holds_many(option))
        count = split_items(arena, value, &items);
    return take_values(option, arena, items, count, findings, object);
}

/* The known key nearest to WORD, or NULL. */
static const char *nearest_key(const struct option_table *table, const char *word)
{
    struct nearest nearest = nearest_start(word);
    for (size_t i = 0; i < table->count; i++) {
        if (table->rows[i].kind != OPTION_SECTION)
            nearest_try(&nearest, table->rows[i].key);
    }
    return nearest.best;
}

static void refuse_key(const struct option_table *table, const char *key, int line, int column,
                       struct finding_list *findings)
{
    finding_add(findings, (struct finding){.path = key,
                                           .line = line,
                                           .column = column,
                                           .found = "an unknown key",
                                           .expected = arena_print(
                                               findings->arena,
                                               "a %s (docs/settings.md lists them)", table->what),
                                           .nearest = nearest_key(table, key),
                                           .says_line = true});
}

bool option_set(const struct option_table *table, struct arena *arena, const char *key,
                const char *value, struct finding_list *findings, void *object)
{
    const struct option *option = option_find(table, key);
    if (option == NULL) {
        refuse_key(table, key, 0, 0, findings);
        return false;
    }
    return take_text_value(option, arena, value, findings, object);
}

void option_defaults(const struct option_table *table, struct arena *arena, void *object)
{
    struct finding_list unused = finding_list_new(arena);
    for (size_t i = 0; i < table->count; i++) {
        const struct option *row = &table->rows[i];
        if (row->kind == OPTION_TEXT)
            *(const char **)member_of(row, object) = row->start == NULL ? "" : row->start;
        else if (row->kind != OPTION_SECTION)
            take_text_value(row, arena, row->start, &unused, object);
    }
}

static bool read_entry(const struct option *option, struct arena *arena, const struct entry *entry,
                       struct finding_list *findings, void *object)
{
    struct given *given = arena_array(arena, entry->count, sizeof *given);
    for (size_t i = 0; i < entry->count; i++) {
        const struct entry_value *value = &entry->values[i];
        given[i] = (struct given){value->text, value->line, value->column, value->plain};
    }
    if (entry->is_list == holds_many(option))
        return take_values(option, arena, given, entry->count, findings, object);
    finding_add(findings, (struct finding){.path = entry->key,
                                           .line = entry->line,
                                           .column = entry->column,
                                           .found = entry->is_list ? "a list" : shown(arena, given),
                                           .expected = option_expected(option, arena),
                                           .says_line = true});
    return false;
}

bool option_read(const struct option_table *table, struct arena *arena, const char *text,
                 size_t length, struct finding_list *findings, void *object,
                 struct option_origin *origins)
{
    struct entry_list entries;
    bool good = entry_read(arena, text, length, findings, &entries);
    for (size_t i = 0; i < entries.count; i++) {
        const struct entry *entry = &entries.items[i];
        const struct option *option = option_find(table, entry->key);
        if (option == NULL) {
            refuse_key(table, entry->key, entry->line, entry->column, findings);
            good = false;
            continue;
        }
        good = read_entry(option, arena, entry, findings, object) && good;
        origins[option - table->rows] = (struct option_origin){OPTION_FROM_FILE, entry->line};
    }
    return good;
}

bool option_require(const struct option_table *table, struct finding_list *findings,
                    const struct option_origin *origins)
{
    bool good = true;
    for (size_t i = 0; i < table->count; i++) {
        const struct option *row = &table->rows[i];
        if (row->kind != OPTION_TEXT || row->start != NULL ||
            origins[i].source != OPTION_FROM_DEFAULT)
            continue;
        good = false;
        finding_add(findings, (struct finding){.path = row->key,
                                               .found = "no such key in the file",
                                               .expected = row->check->expected});
    }
    return good;
}
