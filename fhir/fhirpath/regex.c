/* regex: see regex.h. A match is tried with a small limit first; each further try, ten times
 * larger, is charged to the machine, so that many costly matches together stay bounded. */
#include "fhir/fhirpath/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

enum {
    PATTERN_MAX = 16 * 1024,
    TEXT_MAX = 64 * 1024, /* of a text that is searched from every place */
    LIMIT_FIRST = 500,
    LIMIT_MAX = 500 * 1000,
    LIMIT_PER_STEP = 50, /* match steps that cost one step of the machine */
    HEAP_MAX_KIB = 16 * 1024
};

/* Compiled patterns of one session. */
struct regex_cache {
    struct {
        const struct step *step;
        pcre2_code *code;
    } entries[REGEX_SLOTS];
    size_t count;
};

struct memory {
    struct machine *machine;
    const struct step *step;
    bool is_lasting; /* for the cache: until the session ends */
};

static void *allocate(PCRE2_SIZE size, void *context)
{
    struct memory *memory = context;
    if (!memory->is_lasting)
        return machine_alloc(memory->machine, memory->step, size);
    if (size > PATTERN_MAX * 64)
        return NULL;
    return arena_alloc(memory->machine->arena, size);
}

static void release(void *block, void *context)
{
    (void)block; /* goes with the scratch memory or the arena */
    (void)context;
}

/* ---- compiling ---- */

static uint32_t options_of(const char *flags)
{
    uint32_t options = PCRE2_UTF | PCRE2_NO_UTF_CHECK | PCRE2_DOTALL | PCRE2_NEVER_BACKSLASH_C;
    if (flags != NULL && strchr(flags, 'i') != NULL)
        options |= PCRE2_CASELESS;
    if (flags != NULL && strchr(flags, 'm') != NULL)
        options |= PCRE2_MULTILINE;
    return options;
}

static pcre2_code *compile_in(struct memory *memory, const char *pattern, const char *flags)
{
    struct machine *machine = memory->machine;
    if (!machine_spend(machine, memory->step, 100 + 2 * strlen(pattern)))
        return NULL;
    int error = 0;
    PCRE2_SIZE offset = 0;
    pcre2_general_context *general = pcre2_general_context_create(allocate, release, memory);
    pcre2_compile_context *context = general == NULL ? NULL : pcre2_compile_context_create(general);
    pcre2_code *code = NULL;
    if (context != NULL) {
        pcre2_set_max_pattern_length(context, PATTERN_MAX);
        code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, options_of(flags), &error,
                             &offset, context);
    }
    if (code == NULL) {
        PCRE2_UCHAR message[120] = "no memory";
        pcre2_get_error_message(error, message, sizeof message);
        machine_fail(machine, memory->step, FHIRPATH_FAULT_EXECUTION,
                     "a regular expression that is wrong at its character %zu: %s", offset + 1,
                     (const char *)message);
    }
    return code;
}

/* A pattern that is a constant of the expression is kept under its step. */
static pcre2_code *compiled(struct machine *machine, const struct step *step, const char *pattern,
                            const char *flags)
{
    struct memory memory = {machine, step, false};
    bool is_constant = flags == NULL && step->arguments[0]->kind == STEP_CONSTANT;
    if (!is_constant)
        return compile_in(&memory, pattern, flags);
    if (machine->regexes == NULL)
        machine->regexes = arena_alloc(machine->arena, sizeof *machine->regexes);
    struct regex_cache *cache = machine->regexes;
    for (size_t i = 0; i < cache->count; i++) {
        if (cache->entries[i].step == step)
            return cache->entries[i].code;
    }
    memory.is_lasting = cache->count < REGEX_SLOTS;
    pcre2_code *code = compile_in(&memory, pattern, flags);
    if (code != NULL && memory.is_lasting) {
        cache->entries[cache->count].step = step;
        cache->entries[cache->count++].code = code;
    }
    return code;
}

/* ---- matching ---- */

struct search {
    struct machine *machine;
    const struct step *step;
    pcre2_code *code;
    pcre2_match_data *data;
    pcre2_match_context *context;
    const char *text;
    size_t length;
    uint32_t options;
};

static bool fail_match(struct search *search)
{
    return machine_fail(search->machine, search->step, FHIRPATH_FAULT_LIMIT,
                        "a regular expression that takes too long on these data; expected a "
                        "simpler one");
}

/* PCRE2's own memory for a match grows and shrinks; it is malloc'ed under a ceiling, and given
 * back. */
static bool open_search(struct search *search)
{
    search->context = pcre2_match_context_create(NULL);
    uint32_t groups = 0;
    pcre2_pattern_info(search->code, PCRE2_INFO_CAPTURECOUNT, &groups);
    /* Not ..._create_from_pattern, which would take the code's allocator: that one cannot free. */
    search->data = pcre2_match_data_create(groups + 1, NULL);
    if (search->context == NULL || search->data == NULL)
        return fail_match(search);
    pcre2_set_heap_limit(search->context, HEAP_MAX_KIB);
    return true;
}

static void close_search(struct search *search)
{
    pcre2_match_data_free(search->data);
    pcre2_match_context_free(search->context);
}

static bool is_anchored(const struct search *search)
{
    uint32_t options = 0;
    pcre2_pattern_info(search->code, PCRE2_INFO_ALLOPTIONS, &options);
    return ((options | search->options) & PCRE2_ANCHORED) != 0;
}

/* PCRE2's limit holds for each place where a match is tried: STARTS of them, each of which may also
 * scan the whole text. */
static bool spend_tries(struct search *search, size_t starts, uint32_t limit)
{
    return machine_spend(search->machine, search->step,
                         limit / LIMIT_PER_STEP * starts + starts * search->length / 512);
}

/* The next match from START on; *ret_found false: none. The first try is paid for afterwards, by
 * the places that it came to; those with higher limits before. */
static bool find(struct search *search, size_t start, bool *ret_found)
{
    size_t starts = is_anchored(search) ? 1 : search->length - start + 1;
    if (starts > TEXT_MAX)
        return fail_match(search);
    for (uint32_t limit = LIMIT_FIRST;; limit *= 10) {
        if (limit > LIMIT_FIRST && !spend_tries(search, starts, limit))
            return false;
        pcre2_set_match_limit(search->context, limit);
        int result =
            pcre2_match(search->code, (PCRE2_SPTR)search->text, search->length, start,
                        search->options | PCRE2_NO_UTF_CHECK, search->data, search->context);
        *ret_found = result > 0;
        if (result > 0 && starts > 1)
            starts = pcre2_get_startchar(search->data) - start + 1;
        if (result > 0 || result == PCRE2_ERROR_NOMATCH)
            return limit > LIMIT_FIRST || spend_tries(search, starts, limit);
        if (result != PCRE2_ERROR_MATCHLIMIT || limit >= LIMIT_MAX)
            return fail_match(search);
    }
}

bool regex_matches(struct machine *machine, const struct step *step, const char *pattern,
                   const char *flags, const char *text, bool is_full, bool *ret_matches)
{
    struct search search = {.machine = machine,
                            .step = step,
                            .code = compiled(machine, step, pattern, flags),
                            .text = text,
                            .length = strlen(text),
                            .options = is_full ? PCRE2_ANCHORED | PCRE2_ENDANCHORED : 0};
    if (search.code == NULL)
        return false;
    bool done = open_search(&search) && find(&search, 0, ret_matches);
    close_search(&search);
    return done;
}

/* ---- replacing ---- */

struct output {
    char *at; /* NULL: only counting */
    size_t length;
};

static void put(struct output *output, const char *text, size_t length)
{
    if (output->at != NULL)
        memcpy(output->at + output->length, text, length);
    output->length += length;
}

/* The number of the group that `$...` at *AT names, which is moved behind it; -1: it names none. */
static int group_at(const struct search *search, const char **at)
{
    const char *name = *at + 1;
    bool braced = *name == '{';
    name += braced;
    size_t length = braced ? strcspn(name, "}") : strspn(name, "0123456789");
    char room[34];
    if (length == 0 || length >= sizeof room || (braced && name[length] != '}'))
        return -1;
    memcpy(room, name, length);
    room[length] = '\0';
    *at = name + length + braced;
    if (strspn(room, "0123456789") == length)
        return length > 3 ? -1 : (int)strtol(room, NULL, 10);
    return pcre2_substring_number_from_name(search->code, (PCRE2_SPTR)room);
}

static void put_group(struct output *output, const struct search *search, int group)
{
    const PCRE2_SIZE *places = pcre2_get_ovector_pointer(search->data);
    if (group < 0 || (uint32_t)group >= pcre2_get_ovector_count(search->data))
        return;
    PCRE2_SIZE from = places[2 * group];
    PCRE2_SIZE to = places[2 * group + 1];
    if (from != PCRE2_UNSET && to >= from)
        put(output, search->text + from, to - from);
}

static void put_replacement(struct output *output, const struct search *search,
                            const char *replacement)
{
    for (const char *at = replacement; *at != '\0';) {
        const char *start = at;
        if (*at == '$' && at[1] == '$') {
            put(output, at, 1);
            at += 2;
            continue;
        }
        int group = *at == '$' ? group_at(search, &at) : -1;
        if (at == start)
            put(output, at++, 1);
        else
            put_group(output, search, group);
    }
}

static size_t next_character(const char *text, size_t at)
{
    at++;
    while (((unsigned char)text[at] & 0xc0) == 0x80)
        at++;
    return at;
}

/* One pass over the text: counting when output->at is NULL, else writing. */
static bool replace_all(struct search *search, const char *replacement, struct output *output)
{
    size_t start = 0;
    size_t kept = 0; /* written up to here */
    while (start <= search->length) {
        bool found = false;
        if (!find(search, start, &found))
            return false;
        if (!found)
            break;
        const PCRE2_SIZE *places = pcre2_get_ovector_pointer(search->data);
        size_t from = places[0];
        size_t to = places[1] < from ? from : places[1];
        if (from < kept)
            break; /* \K can point back; nothing sensible follows */
        put(output, search->text + kept, from - kept);
        put_replacement(output, search, replacement);
        kept = to;
        start = to > from ? to : to < search->length ? next_character(search->text, to) : to + 1;
    }
    put(output, search->text + kept, search->length - kept);
    return true;
}

static bool replace_twice(struct search *search, const char *replacement, const char **ret_text)
{
    struct output output = {NULL, 0};
    if (!open_search(search) || !replace_all(search, replacement, &output))
        return false;
    char *room = machine_alloc(search->machine, search->step, output.length + 1);
    if (room == NULL)
        return false;
    output = (struct output){room, 0};
    if (!replace_all(search, replacement, &output))
        return false;
    room[output.length] = '\0';
    *ret_text = room;
    return true;
}

bool regex_replace(struct machine *machine, const struct step *step, const char *pattern,
                   const char *flags, const char *text, const char *replacement,
                   const char **ret_text)
{
    struct search search = {.machine = machine,
                            .step = step,
                            .code = compiled(machine, step, pattern, flags),
                            .text = text,
                            .length = strlen(text)};
    if (search.code == NULL)
        return false;
    bool done = replace_twice(&search, replacement, ret_text);
    close_search(&search);
    return done;
}
