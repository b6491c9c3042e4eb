/* human_name: names of the client and of people of the directory <-> HumanName. See human_name.h.
 *
 * Who has several is called by the official or usual one that holds at the message's moment; what
 * they were called before (old, maiden, ended) is never their name and stays in `received`, with
 * its use. */
#include "fhir/map/human_name.h"

#include <string.h>

#include "fhir/field/choice.h"

/* ---- the name in Latin letters: R4 extension iso21090-EN-representation, ABC ---- */

static const char representation_extension[] =
    "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation";

static struct json *representation_of(const struct json *name)
{
    struct json *extension = json_first(json_get(name, "extension"));
    while (extension != NULL &&
           !text_equal(json_get_text(extension, "url"), representation_extension))
        extension = json_next(extension);
    return extension;
}

static bool is_written_in(const struct json *name, const char *code)
{
    return text_equal(json_get_text(representation_of(name), "valueCode"), code);
}

static struct json *new_latin(struct field_job *job, const struct json *value)
{
    struct json *name = json_new_object(job->arena);
    struct json *extensions = json_put(name, "extension", json_new_list(job->arena));
    struct json *extension = json_push(extensions, json_new_object(job->arena));
    json_set_text(job->arena, extension, "url", representation_extension);
    json_set_text(job->arena, extension, "valueCode", "ABC");
    json_put(name, "text", json_copy_nodes(job->arena, value));
    return name;
}

/* ---- which name ---- */

static void add_word(struct text *text, const char *word)
{
    if (text->length > 0)
        text_add_char(text, ' ');
    text_add(text, word);
}

/* The words of a list of names, with a space between them; NULL: none. */
static const char *words_in(struct field_job *job, const struct json *list)
{
    struct text text = text_new(job->arena, 4096);
    for (struct json *word = json_first(list); word != NULL; word = json_next(word)) {
        if (json_text(word) != NULL)
            add_word(&text, json_text(word));
    }
    return text.length == 0 ? NULL : text.at;
}

static bool has_parts(const struct json *name)
{
    return json_get_text(name, "family") != NULL || json_first(json_get(name, "given")) != NULL;
}

/* OPTION: NULL: as they write it themselves; else the same in Latin letters. */
static bool judge_name(struct field_job *job, struct json *name, const void *option,
                       struct choice *ret_choice)
{
    static const char *const uses[] = {"official", "usual",     "",  "temp",
                                       "nickname", "anonymous", NULL};
    int use = choice_use(name, uses);
    enum choice_time time = choice_time(job, name);
    const char *text = json_get_text(name, "text");
    if (use < 0 || time == CHOICE_ENDED || (text == NULL && !has_parts(name)) ||
        is_written_in(name, "ABC") != (option != NULL))
        return false;
    int sounds = is_written_in(name, "SYL") ? 1 : 0; /* as it is spoken: kana beside kanji */
    ret_choice->rank = (int)time * 100 + sounds * 10 + use;
    ret_choice->first =
        json_get_text(name, "family") != NULL ? json_get_text(name, "family") : text;
    ret_choice->second = words_in(job, json_get(name, "given"));
    return true;
}

enum { NAME_LONGEST = 500, WORDS_MAX = 16 }; /* of a name that is looked for in another */

/* The number of words of LIST (or of a text alone) if TEXT has all of them. */
static bool has_all(const char *text, const struct json *part, size_t *count)
{
    const struct json *word = json_kind(part) == JSON_LIST ? json_first(part) : part;
    for (size_t i = 0; word != NULL; word = json_next(word), i++) {
        if (i >= WORDS_MAX || json_text(word) == NULL || !text_has_words(text, json_text(word)))
            return false;
        *count += text_count_words(json_text(word));
        if (json_kind(part) != JSON_LIST)
            break;
    }
    return true;
}

/* A name in parts that a whole one, OPTION, says in one piece. */
static bool judge_parts(struct field_job *job, struct json *name, const void *option,
                        struct choice *ret_choice)
{
    size_t count = 0;
    return judge_name(job, name, NULL, ret_choice) && json_get_text(name, "family") != NULL &&
           strlen(option) <= NAME_LONGEST && has_all(option, json_get(name, "family"), &count) &&
           has_all(option, json_get(name, "given"), &count);
}

/* Whether the parts say every word of the whole name. */
static bool say_all(const struct json *parts, const char *text)
{
    static const char *const members[] = {"family", "given", "prefix", "suffix"};
    size_t count = 0;
    for (size_t i = 0; i < 4; i++)
        has_all(text, json_get(parts, members[i]), &count);
    return count >= text_count_words(text);
}

/* NAME, or the one that says its text in parts. */
static struct json *in_parts(struct field_job *job, struct json *list, struct json *name)
{
    struct json *text = json_get(name, "text");
    if (json_text(text) == NULL || has_parts(name))
        return name;
    struct json *parts = choice_best(job, list, judge_parts, json_text(text));
    if (parts == NULL)
        return name;
    if (say_all(parts, json_text(text)))
        json_mark(text);
    return parts;
}

/* ---- reading ---- */

static void put_part(struct field_job *job, struct json *into, const char *local,
                     struct json *value)
{
    if (json_get(into, local) == NULL && value != NULL)
        json_set(job->arena, into, local, value);
}

/* ---- given names by what they are: R4 extension iso21090-EN-qualifier ---- */

static bool is_qualified(const struct json *shadow, const char *code)
{
    static const char url[] = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-qualifier";
    const struct json *extension = json_first(json_get(shadow, "extension"));
    for (; extension != NULL; extension = json_next(extension)) {
        if (text_equal(json_get_text(extension, "url"), url) &&
            text_equal(json_get_text(extension, "valueCode"), code))
            return true;
    }
    return false;
}

/* An initial (IN) or what they are called (CL) says a given name again, where there is one. */
static bool is_again(const struct json *shadow)
{
    return is_qualified(shadow, "IN") || is_qualified(shadow, "CL");
}

/* Whether one of the words is more than that; SHADOWS stand beside them, and may be fewer. */
static bool has_full_word(const struct json *words, const struct json *shadows)
{
    const struct json *shadow = json_first(shadows);
    for (const struct json *word = json_first(words); word != NULL; word = json_next(word)) {
        if (json_text(word) != NULL && !is_again(shadow))
            return true;
        shadow = shadow == NULL ? NULL : json_next(shadow);
    }
    return false;
}

/* What is left out stays in `received`, with its qualifier. */
static struct json *read_given(struct field_job *job, struct json *name)
{
    struct text text = text_new(job->arena, 4096);
    struct json *shadows = json_get(name, "_given");
    struct json *shadow = json_first(shadows);
    bool has_full = has_full_word(json_get(name, "given"), shadows);
    for (struct json *word = json_first(json_get(name, "given")); word != NULL;
         word = json_next(word)) {
        if (json_text(word) != NULL && !(has_full && is_again(shadow))) {
            add_word(&text, json_text(word));
            json_mark(word);
            if (is_qualified(shadow, "BR"))
                json_mark(shadow);
        }
        shadow = shadow == NULL ? NULL : json_next(shadow);
    }
    return text.length == 0 ? NULL : json_new_lasting(job->arena, text.at);
}

static void read_parts(struct field_job *job, const struct human_name *names, struct json *name,
                       struct json *into)
{
    const struct field family = {names->family, "family", &field_plain, NULL};
    if (json_get(name, "family") != NULL)
        put_part(job, into, names->family,
                 family.kind->read(job, &family, json_get(name, "family"), into));
    if (json_get(name, "given") != NULL)
        put_part(job, into, names->given, read_given(job, name));
}

/* In one piece: its words alone do not tell which of them is the family's. */
static void read_text(struct field_job *job, const char *local, struct json *name,
                      struct json *into)
{
    struct json *text = json_get(name, "text");
    if (json_text(text) == NULL || json_get(into, local) != NULL)
        return;
    put_part(job, into, local, json_copy_nodes(job->arena, text));
    json_mark(text);
}

static void read_latin(struct field_job *job, const struct human_name *names, struct json *name,
                       struct json *into)
{
    struct json *family = json_get(name, "family");
    struct json *given = json_get(name, "given");
    const char *first = words_in(job, given);
    read_text(job, names->latin, name, into);
    json_mark(representation_of(name));
    if (json_get(into, names->latin) != NULL)
        return;
    bool has_both = first != NULL && json_text(family) != NULL;
    json_set_text(job->arena, into, names->latin,
                  has_both        ? field_join(job, first, " ", json_text(family))
                  : first != NULL ? first
                                  : json_text(family));
    json_mark(family);
    json_mark(given);
}

static struct json *read_name(struct field_job *job, const struct field *field, struct json *node,
                              struct json *into)
{
    const struct human_name *names = field->option;
    struct json *name = choice_best(job, node, judge_name, NULL);
    struct json *latin = choice_best(job, node, judge_name, names);
    if (name == NULL && (names->latin == NULL || has_parts(latin))) {
        name = latin; /* the only one, and so whoever writes it so */
        latin = NULL;
    }
    if (names->text == NULL)
        name = in_parts(job, node, name);
    if (name != NULL && names->text != NULL)
        read_text(job, names->text, name, into);
    if (name != NULL && has_parts(name))
        read_parts(job, names, name, into);
    else if (name != NULL && names->text == NULL && json_get(into, names->given) == NULL)
        read_text(job, names->family, name, into);
    if (latin != NULL && names->latin != NULL)
        read_latin(job, names, latin, into);
    return NULL;
}

/* ---- writing ---- */

static void write_part(struct field_job *job, const char *local, const char *path,
                       const struct field_kind *kind, const struct json *value, struct json *name)
{
    const struct field row = {local, path, kind, NULL};
    const struct json *part = local == NULL ? NULL : json_get(value, local);
    if (part != NULL)
        field_put(job, name, path, kind->write(job, &row, part));
}

static struct json *write_name(struct field_job *job, const struct field *field,
                               const struct json *value)
{
    const struct human_name *names = field->option;
    const struct json *latin = names->latin == NULL ? NULL : json_get(value, names->latin);
    struct json *list = json_new_list(job->arena);
    struct json *name = json_new_object(job->arena);
    write_part(job, names->text, "text", &field_plain, value, name);
    write_part(job, names->family, "family", &field_plain, value, name);
    write_part(job, names->given, "given", &field_words, value, name);
    if (json_first(name) != NULL)
        json_push(list, name);
    if (latin != NULL)
        json_push(list, new_latin(job, latin));
    return json_first(list) == NULL ? NULL : list;
}

const struct field_kind map_human_name = {write_name, read_name};
