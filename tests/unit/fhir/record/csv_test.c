/* record_csv, record_read: sheets and lines give the trees that JSON gives, and faults their place.
 */
#include "unit/fhir/record/sample.h"

#include "fhir/record/vocabulary.h"

/* ---- a tree as a sheet of one row ---- */

struct sheet {
    struct arena *arena;
    struct text header, row;
};

static void add_cell(struct sheet *sheet, const char *name, const char *value)
{
    text_print(&sheet->header, "%s%s", sheet->header.length > 0 ? "," : "", name);
    if (sheet->header.length > strlen(name))
        text_add(&sheet->row, ",");
    if (strpbrk(value, ",\"\r\n") == NULL) {
        text_add(&sheet->row, value);
        return;
    }
    text_add(&sheet->row, "\"");
    for (; *value != '\0'; value++)
        text_add_n(&sheet->row, *value == '"' ? "\"\"" : value, *value == '"' ? 2 : 1);
    text_add(&sheet->row, "\"");
}

static const char *cell_of(const struct json *node)
{
    if (json_kind(node) == JSON_BOOLEAN)
        return json_true(node) ? "yes" : "no";
    return json_kind(node) == JSON_NUMBER ? json_number(node) : json_text(node);
}

static const char *joined(struct arena *arena, const struct json *list)
{
    struct text text = text_new(arena, 10000);
    for (struct json *item = json_first(list); item != NULL; item = json_next(item))
        text_print(&text, "%s%s", item == json_first(list) ? "" : "; ", json_text(item));
    return text.at;
}

static void add_members(struct sheet *sheet, const char *prefix, const struct json *object);

static void add_member(struct sheet *sheet, const char *name, const struct json *node)
{
    bool is_text = false; /* a list of texts gets a column an item: texts may hold semicolons and
                             ends of lines */
    size_t item = 1;
    if (json_kind(node) != JSON_LIST) {
        add_cell(sheet, name, cell_of(node));
        return;
    }
    for (struct json *one = json_first(node); one != NULL; one = json_next(one))
        is_text =
            is_text || (json_text(one) != NULL && strpbrk(json_text(one), "; \t\r\n") != NULL);
    if (!is_text && json_kind(json_first(node)) != JSON_OBJECT) {
        add_cell(sheet, name, joined(sheet->arena, node));
        return;
    }
    for (struct json *one = json_first(node); one != NULL; one = json_next(one), item++) {
        const char *numbered = arena_print(sheet->arena, "%s.%zu", name, item);
        if (is_text)
            add_cell(sheet, numbered, json_text(one));
        else
            add_members(sheet, arena_print(sheet->arena, "%s.", numbered), one);
    }
}

static void add_members(struct sheet *sheet, const char *prefix, const struct json *object)
{
    for (struct json *node = json_first(object); node != NULL; node = json_next(node))
        add_member(sheet, arena_print(sheet->arena, "%s%s", prefix, json_key(node)), node);
}

static void same_as_sheet(struct arena *arena, const struct json *tree)
{
    struct sheet sheet = {arena, text_new(arena, 1 << 20), text_new(arena, 1 << 20)};
    struct finding_list findings = finding_list_new(arena);
    struct record_list records = {NULL, 0, 0};
    add_members(&sheet, "", tree);
    const char *text = arena_print(arena, "%s\r\n%s\r\n", sheet.header.at, sheet.row.at);
    record_read(arena, RECORD_CSV, text, strlen(text), "sheet.csv", &records, &findings);
    sample_print(&findings);
    assert_int_equal(findings.count, 0);
    assert_int_equal(records.count, 1);
    assert_int_equal(records.items[0].row, 2);
    if (!json_same(records.items[0].tree, tree))
        fail_msg("%s\n%s\n%s", text, json_print(arena, records.items[0].tree),
                 json_print(arena, tree));
}

static void a_sheet_says_what_json_says(void **state)
{
    (void)state;
    struct sample sample;
    sample_open(&sample);
    for (size_t i = 0; i < sample.records.count; i++)
        same_as_sheet(&sample.arena, sample.records.items[i].tree);
    sample_close(&sample);
}

/* ---- records made at random from the vocabulary ---- */

static unsigned roll(unsigned *seed, unsigned sides)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) % sides;
}

static const char *random_word(struct arena *arena, unsigned *seed,
                               const struct record_field *field)
{
    size_t count = 0;
    if (field->allowed != RECORD_WORDS)
        return arena_print(arena, "word-%u", roll(seed, 1000));
    while (field->words[count] != NULL)
        count++;
    return field->words[roll(seed, (unsigned)count)];
}

static const char *random_text(struct arena *arena, unsigned *seed)
{
    static const char *const parts[] = {"a", "b c",      ",", "\"", "\"\"", "\n", "\r\n",
                                        ";", "\xc3\xa9", "x", " y", "'",    "=1", "\t"};
    struct text text = text_new(arena, 500);
    text_add(&text, "t");
    for (unsigned i = roll(seed, 12); i > 0; i--)
        text_add(&text, parts[roll(seed, sizeof parts / sizeof *parts)]);
    return text.at;
}

static struct json *random_value(struct arena *arena, unsigned *seed,
                                 const struct record_field *field);

static struct json *random_object(struct arena *arena, unsigned *seed,
                                  const struct record_shape *shape)
{
    struct json *object = json_new_object(arena);
    for (size_t i = 0; i < shape->count; i++) {
        const struct record_field *field = &shape->fields[i];
        if (!field->required && roll(seed, 2) == 0)
            continue;
        struct json *value = field->is_list ? json_new_list(arena) : NULL;
        for (unsigned items = 1 + roll(seed, 3); field->is_list && items > 0; items--)
            json_push(value, random_value(arena, seed, field));
        json_set(arena, object, field->name,
                 field->is_list ? value : random_value(arena, seed, field));
    }
    return object;
}

static struct json *random_value(struct arena *arena, unsigned *seed,
                                 const struct record_field *field)
{
    switch (field->type) {
    case RECORD_ITEM:
        return random_object(arena, seed, field->item);
    case RECORD_YES_NO:
        return json_new_boolean(arena, roll(seed, 2) == 0);
    case RECORD_WHOLE:
        return json_new_whole(arena, (long)roll(seed, 300) - 20);
    case RECORD_NUMBER:
        return json_new_number(arena, arena_print(arena, "%s%u.%02u", roll(seed, 3) ? "" : "-",
                                                  roll(seed, 20), roll(seed, 100)));
    case RECORD_TEXT:
    case RECORD_LONG_TEXT:
        return json_new_text(arena, random_text(arena, seed));
    default:
        return json_new_text(arena, random_word(arena, seed, field));
    }
}

static void random_records_survive_the_sheet(void **state)
{
    (void)state;
    unsigned seed = 20261123;
    for (int i = 0; i < 300; i++) {
        struct arena arena = ARENA_EMPTY;
        const struct record_shape *shape = &record_kinds[i % (int)record_kind_count];
        struct json *tree = random_object(&arena, &seed, shape);
        struct json *common = random_object(&arena, &seed, &record_common);
        for (struct json *node = json_first(common); node != NULL; node = json_next(node))
            json_replace(&arena, tree, json_key(node), json_copy(&arena, node));
        json_replace(&arena, tree, "record", json_new_text(&arena, shape->name));
        same_as_sheet(&arena, tree);
        arena_free(&arena);
    }
}

/* ---- faults and odd sheets ---- */

struct reading {
    struct arena arena;
    struct record_list records;
    struct finding_list findings;
};

static void read_text(struct reading *reading, enum record_format format, const char *text)
{
    memset(reading, 0, sizeof *reading);
    reading->findings = finding_list_new(&reading->arena);
    record_read(&reading->arena, format, text, strlen(text), "f", &reading->records,
                &reading->findings);
}

static void tells_what_is_wrong_with_a_sheet(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t records;
        int row, line, column;
        const char *path, *word;
    } cases[] = {
        {"", 0, 0, 0, 0, NULL, "no rows"},
        {"\n\n,,\n", 0, 0, 0, 0, NULL, "no rows"},
        {"record_id,client_id\nA,B\nC,D\n", 0, 1, 1, 0, "record", "column"},
        {"record,record_id,record\n", 0, 1, 1, 18, "record", "two columns"},
        {"record,diagnoses.1.code,diagnoses.1.code\n", 0, 1, 1, 25, "diagnoses[1].code", "two"},
        {"record,record_id\nconsent,A\nconsent\nconsent,B\n", 2, 3, 3, 0, NULL, "1 cells"},
        {"record,record_id\nconsent,A,\nconsent,B,x\n", 1, 3, 3, 11, NULL, "3 cells"},
        {"record,record_id\nconsent,A\"b\nconsent,B\n", 1, 2, 2, 10, NULL, "quotation"},
        {"record,record_id\nconsent,\"A\"b\nconsent,B\n", 1, 2, 2, 12, NULL, "closing"},
        {"record,record_id\nconsent,B\nconsent,\"A\nx,y\n", 1, 3, 3, 9, NULL, "never closed"},
        {"record,\xff\n", 0, 0, 1, 8, NULL, "UTF-8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct reading reading;
        read_text(&reading, RECORD_CSV, cases[i].text);
        assert_int_equal(reading.records.count, cases[i].records);
        assert_int_equal(reading.findings.count, 1);
        const struct finding *finding = &reading.findings.items[0];
        assert_int_equal(finding->row, cases[i].row);
        assert_int_equal(finding->line, cases[i].line);
        assert_int_equal(finding->column, cases[i].column);
        assert_true(text_equal(finding->path, cases[i].path));
        assert_non_null(strstr(finding->found, cases[i].word));
        arena_free(&reading.arena);
    }
}

/* A row of good/referrals.csv with one cell changed, checked: row, place and path. */
static const char header[] =
    "record,record_id,written_at,written_by,client_id,client_family_name,client_birth_date,"
    "referred_to,service,reason,visits_requested,techniques_requested,diagnoses.1.text,"
    "diagnoses.1.code,goals.2.text,goals.1.text,client_frist_name,home_care\n";

static void tells_what_is_wrong_with_a_cell(void **state)
{
    (void)state;
    static const struct {
        const char *row, *path;
        int line, column;
        const char *nearest;
    } cases[] = {
        {"referral,R-1,2026-10-01T14:10:00-04:00,alvarez,C-1,X,1984-03-09,harbor,chiropractic,a,"
         "two,"
         ",,,,,,",
         "visits_requested", 3, 87, NULL},
        {"referral,R-1,2026-10-01T14:10:00-04:00,alvarez,C-1,X,1984-03-09,harbor,chiropractic,\"a\n"
         "b\",5,stretching; stretchin,,,,,,",
         "techniques_requested[2]", 4, 6, "stretching"},
        {"referral,R-1,2026-10-01T14:10:00-04:00,alvarez,C-1,X,1984-03-09,harbor,chiropractic,a,,,"
         ",M54.6,,,,",
         "diagnoses[1].text", 3, 89, NULL},
        {"referral,R-1,2026-10-01T14:10:00-04:00,alvarez,C-1,X,1984-03-09,harbor,chiropractic,a,,,,"
         ",second,,,",
         "goals[1].text", 3, 98, NULL},
        {"referral,R-1,2026-10-01T14:10:00-04:00,alvarez,C-1,X,1984-03-09,harbor,chiropractic,a,,,,"
         ",,,Ann,",
         "client_frist_name", 3, 93, "client_family_name"},
        {"referral,R-1,2026-10-01T14:10:00-04:00,alvarez,C-1,X,1984-03-09,harbor,chiropractic,a,,,,"
         ",,,,rest",
         "home_care", 3, 94, NULL},
        {"referral,R-1,2026-10-01T14:10:00-04:00,alvarez,C-1,X,1984-03-09,harbr,chiropractic,a,,,,"
         ",,,,",
         "referred_to", 3, 65, "harbor"},
    };
    struct sample sample;
    sample_open(&sample);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct record_list records = {NULL, 0, 0};
        const char *text = arena_print(&sample.arena, "%s\n%s\n", header, cases[i].row);
        sample.findings.count = 0;
        record_read(&sample.arena, RECORD_GUESS, text, strlen(text), "r", &records,
                    &sample.findings);
        assert_int_equal(records.count, 1);
        record_check(&records.items[0], &sample.rules, &sample.findings);
        const struct finding *finding = &sample.findings.items[0];
        if (sample.findings.count != 1 || finding->line != cases[i].line ||
            finding->column != cases[i].column)
            sample_print(&sample.findings);
        assert_int_equal(sample.findings.count, 1);
        assert_string_equal(finding->path, cases[i].path);
        assert_int_equal(finding->row, 3);
        assert_int_equal(finding->line, cases[i].line);
        assert_int_equal(finding->column, cases[i].column);
        assert_true(text_equal(finding->nearest, cases[i].nearest));
    }
    sample_close(&sample);
}

static void a_list_stands_in_one_cell_or_in_several(void **state)
{
    (void)state;
    struct reading reading;
    read_text(&reading, RECORD_CSV,
              "\xef\xbb\xbfrecord,home_care,home_care.1,home_care.2,client_present\n"
              "progress-note,one; two,,,\n"
              "progress-note,,\"a;b\",c,\n"
              "progress-note,one,two,,\n"
              "case-conference,,,, No\n");
    struct json *tree = reading.records.items[0].tree;
    assert_int_equal(reading.records.count, 4);
    assert_string_equal(json_text(json_at(json_get(tree, "home_care"), 1)), "two");
    tree = reading.records.items[1].tree;
    assert_string_equal(json_text(json_at(json_get(tree, "home_care"), 0)), "a;b");
    tree = reading.records.items[2].tree; /* said twice: kept apart, to be refused */
    assert_string_equal(json_get_text(tree, "home_care.1"), "two");
    tree = reading.records.items[3].tree;
    assert_int_equal(json_kind(json_get(tree, "client_present")), JSON_BOOLEAN);
    arena_free(&reading.arena);
}

static void lines_are_records(void **state)
{
    (void)state;
    struct reading reading;
    static const char text[] = "\xef\xbb\xbf{\"record\":\"consent\",\"record_id\":\"A\"}\r\n"
                               "\n"
                               "{\"record\":\"consent\",\"record_id\":\"B\",}\n"
                               "[1]\n"
                               "{\"record\":\"consent\",\"record_id\":\"C\",\"record_id\":\"D\"}\n"
                               "{\"record\":\"consent\",\"record_id\":\"E\"}";
    for (int i = 0; i < 2; i++) {
        read_text(&reading, i == 0 ? RECORD_NDJSON : RECORD_GUESS, text);
        assert_int_equal(reading.records.count, 2);
        assert_int_equal(reading.records.items[0].row, 1);
        assert_int_equal(reading.records.items[1].row, 6);
        assert_int_equal(reading.findings.count, 3);
        assert_int_equal(reading.findings.items[0].row, 3);
        assert_int_equal(reading.findings.items[0].line, 3);
        assert_int_equal(reading.findings.items[0].column, 37);
        assert_null(reading.findings.items[0].path);
        assert_int_equal(reading.findings.items[1].row, 4);
        assert_string_equal(reading.findings.items[2].path, "record_id");
        arena_free(&reading.arena);
    }
    read_text(&reading, RECORD_NDJSON, "\n\n");
    assert_int_equal(reading.findings.count, 1);
    arena_free(&reading.arena);
}

static void tells_the_form_of_a_file(void **state)
{
    (void)state;
    assert_int_equal(record_format_of("a.json"), RECORD_JSON);
    assert_int_equal(record_format_of("a.ndjson"), RECORD_NDJSON);
    assert_int_equal(record_format_of("a.csv"), RECORD_CSV);
    assert_int_equal(record_format_of("a.json.txt"), RECORD_GUESS);
    struct reading reading;
    static const char *const broken[] = {"", "  ", "hello", "{\n\"a\":1}\n{\n", "\"text\"", "7"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        read_text(&reading, RECORD_GUESS, broken[i]);
        assert_int_equal(reading.records.count, 0);
        assert_int_equal(reading.findings.count, 1);
        arena_free(&reading.arena);
    }
}

/* ---- noise ---- */

static void flip(unsigned *seed, char *text, size_t *length, size_t room)
{
    static const char odd[] = "{}[],:\"\\;.\n\r\t 0-9eE\xff\xc3\x80nt\0a";
    size_t at = roll(seed, (unsigned)*length + 1);
    switch (roll(seed, 4)) {
    case 0:
        if (at < *length)
            text[at] = odd[roll(seed, sizeof odd)];
        break;
    case 1:
        memmove(text + at, text + at + (at < *length), *length - at);
        *length -= at < *length;
        break;
    case 2:
        if (*length < room) {
            memmove(text + at + 1, text + at, *length - at);
            text[at] = odd[roll(seed, sizeof odd)];
            ++*length;
        }
        break;
    default:
        if (roll(seed, 20) == 0)
            *length = at;
        break;
    }
}

static void noise_never_breaks_it(void **state)
{
    (void)state;
    static const char *const files[] = {"02-note-visit-1.json", "12-case-conference.json",
                                        "referrals.csv", "consents.csv"};
    struct sample sample;
    unsigned seed = 4;
    size_t refused = 0;
    sample_open(&sample);
    for (int i = 0; i < 1200; i++) {
        struct arena arena = ARENA_EMPTY;
        size_t length;
        const char *name = files[i % 4];
        const char *text = sample_file(&sample.arena, SAMPLES, name, &length);
        char *noisy = malloc(length + 64); /* an exact size, so that an overrun is seen */
        memcpy(noisy, text, length);
        for (unsigned flips = 1 + roll(&seed, 6); flips > 0; flips--)
            flip(&seed, noisy, &length, length + 10);
        struct finding_list findings = finding_list_new(&arena);
        struct record_list records = {NULL, 0, 0};
        struct record_rules rules = sample.rules;
        rules.arena = &arena;
        record_read(&arena, (enum record_format)(i % 8 / 4 == 0 ? RECORD_GUESS : i % 3 + 1), noisy,
                    length, name, &records, &findings);
        for (size_t j = 0; j < records.count; j++) {
            const struct record_recipient *recipients;
            record_check(&records.items[j], &rules, &findings);
            record_canonical(&arena, records.items[j].tree, sample.directory, true);
            record_recipients(&arena, records.items[j].tree, sample.directory, NULL, &recipients);
        }
        refused += findings.count > 0;
        free(noisy);
        arena_free(&arena);
        if (i % 50 == 0) {
            sample_close(&sample);
            sample_open(&sample);
        }
    }
    assert_true(refused > 600);
    sample_close(&sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sheet_says_what_json_says),
        cmocka_unit_test(random_records_survive_the_sheet),
        cmocka_unit_test(tells_what_is_wrong_with_a_sheet),
        cmocka_unit_test(tells_what_is_wrong_with_a_cell),
        cmocka_unit_test(a_list_stands_in_one_cell_or_in_several),
        cmocka_unit_test(lines_are_records),
        cmocka_unit_test(tells_the_form_of_a_file),
        cmocka_unit_test(noise_never_breaks_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
