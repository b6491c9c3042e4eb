/* client_name: names as two front desks write them of one person, and names of two people. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fhir/client/name.h"

#define FAMILY CLIENT_NAME_OTHER_FAMILY
#define GIVEN CLIENT_NAME_OTHER_GIVEN
#define UNKNOWN CLIENT_NAME_UNKNOWN
#define AGREES CLIENT_NAME_AGREES

struct row {
    struct client_name one, other;
    enum client_name_answer answer;
};

static const struct row rows[] = {
    /* Accents, case, hyphens, apostrophes. */
    {{"Núñez-O'Hara", "María José", NULL}, {"Núñez-O'Hara", "María José", NULL}, AGREES},
    {{"Núñez-O'Hara", "María José", NULL}, {"NUNEZ OHARA", "MARIA JOSE", NULL}, AGREES},
    {{"Núñez-O'Hara", "María José", NULL}, {"Nunez O’Hara", "Maria", NULL}, AGREES},
    {{"Núñez-O'Hara", "María José", NULL},
     {"Nun\xcc\x83"
      "ez O Hara",
      "Mari\xcc\x81"
      "a Jose",
      NULL},
     AGREES},
    {{"Kowalski-Łącki", "Paweł", NULL}, {"kowalski lacki", "pawel", NULL}, AGREES},
    {{"Nguyễn", "Thị Hương", NULL}, {"NGUYEN", "Thi Huong", NULL}, AGREES},
    {{"Șerban", "Ștefan", NULL}, {"Serban", "Stefan", NULL}, AGREES},
    {{"Sørensen", "Åse", NULL}, {"Soerensen", "Aase", NULL}, AGREES},
    {{"Müller", "Jörg", NULL}, {"Mueller", "Joerg", NULL}, AGREES},
    {{"Groß", "Änne", NULL}, {"GROSS", "Anne", NULL}, AGREES},
    {{"Þórsdóttir", "Æsa", NULL}, {"Thorsdottir", "Aesa", NULL}, AGREES},
    {{"D'Angelo", "Lucia", NULL}, {"Dangelo", "Lucia", NULL}, AGREES},
    {{"De la Cruz", "Ana", NULL}, {"Delacruz", "Ana", NULL}, AGREES},
    {{"Smith", "Anne-Marie", NULL}, {"Smith", "Annemarie", NULL}, AGREES},
    {{"Kāne", "Kaʻiulani", NULL}, {"Kane", "Kaiulani", NULL}, AGREES},
    /* Order, second names, initials, a name of one part. */
    {{"José", "María Núñez", NULL}, {"Núñez", "María José", NULL}, AGREES},
    {{"María", "Núñez", NULL}, {"Núñez-O'Hara", "María José", NULL}, AGREES},
    {{"O'Hara", "María José Núñez", NULL}, {"Núñez O'Hara", "María José", NULL}, AGREES},
    {{"Núñez", "María", NULL}, {"Núñez-O'Hara", "María José", NULL}, AGREES},
    {{"Smith", "J. R.", NULL}, {"Smith", "John Robert", NULL}, AGREES},
    {{"Smith Jr.", "John", NULL}, {"Smith", "John", NULL}, AGREES},
    {{"Suharto", NULL, NULL}, {NULL, "Suharto", NULL}, AGREES},
    {{"Suharto", "", NULL}, {"Suharto", NULL, NULL}, AGREES},
    {{"山田太郎", NULL, NULL}, {"山田", "太郎", NULL}, AGREES},
    /* Other scripts. */
    {{"ИВАНОВА", "Алёна", NULL}, {"Иванова", "Алена", NULL}, AGREES},
    {{"Παπαδόπουλος", "Νίκος", NULL}, {"ΠΑΠΑΔΟΠΟΥΛΟΣ", "ΝΙΚΟΣ", NULL}, AGREES},
    {{"山田", "太郎", "Yamada Tarō"}, {"Yamada", "Taro", NULL}, AGREES},
    {{"山田", "太郎", "Yamada Tarō"}, {"Smith", "Taro", NULL}, FAMILY},
    {{"山田", "太郎", NULL}, {"Yamada", "Taro", NULL}, UNKNOWN},
    {{"山田", "太郎", NULL}, {"田中", "太郎", NULL}, FAMILY},
    {{"Иванова", "Алёна", NULL}, {"Ivanova", "Alena", NULL}, UNKNOWN},
    /* Nothing to compare. */
    {{NULL, NULL, NULL}, {"Smith", "Ann", NULL}, UNKNOWN},
    {{"   ", "-", NULL}, {"Smith", "Ann", NULL}, UNKNOWN},
    {{NULL, NULL, NULL}, {NULL, NULL, NULL}, UNKNOWN},
    /* Other people. */
    {{"Smith", "María José", NULL}, {"Núñez-O'Hara", "María José", NULL}, FAMILY},
    {{"Smith", "John", NULL}, {"Núñez-O'Hara", "María José", NULL}, FAMILY},
    {{"Smith", NULL, NULL}, {"Núñez-O'Hara", "María José", NULL}, FAMILY},
    {{"Núñez-O'Hara", "Luis", NULL}, {"Núñez-O'Hara", "María José", NULL}, GIVEN},
    {{NULL, "Luis", NULL}, {"Núñez-O'Hara", "María José", NULL}, GIVEN},
    {{"Smith", "Anna", NULL}, {"Smith", "Hanna", NULL}, GIVEN},
    {{"Smith", "Anna", NULL}, {"Smithson", "Anna", NULL}, FAMILY},
    {{"García López", "Ana", NULL}, {"García Pérez", "Ana", NULL}, FAMILY},
    {{"Van Dyke", "Ann", NULL}, {"Van Berg", "Ann", NULL}, FAMILY},
    {{"O'Brien", "Pat", NULL}, {"O'Hara", "Pat", NULL}, FAMILY},
    {{"Lee", "Min Ho", NULL}, {"Lee", "Min Jun", NULL}, GIVEN},
};

static void tells_people_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int is_turned = 0; is_turned < 2; is_turned++) {
            const struct client_name *one = is_turned ? &rows[i].other : &rows[i].one;
            const struct client_name *other = is_turned ? &rows[i].one : &rows[i].other;
            enum client_name_answer answer = client_name_compare(one, other);
            if (answer != rows[i].answer)
                fail_msg("row %zu (%s, %s): found %d, expected %d", i, one->family, one->given,
                         answer, rows[i].answer);
        }
    }
}

/* A partner may send anything. */
static void long_names_cost_little(void **state)
{
    (void)state;
    enum { LONG = 4 << 20 };
    char *words = malloc(LONG + 1);
    char *word = malloc(LONG + 1);
    memset(word, 'a', LONG);
    for (size_t i = 0; i < LONG; i++)
        words[i] = i % 2 == 0 ? (char)('a' + i % 25) : ' ';
    word[LONG] = words[LONG] = '\0';
    for (int i = 0; i < 100; i++) {
        assert_int_not_equal(client_name_compare(&(struct client_name){word, words, word},
                                                 &(struct client_name){"Smith", "Ann", NULL}),
                             CLIENT_NAME_AGREES);
    }
    free(words);
    free(word);
}

static void a_name_makes_a_handle(void **state)
{
    static const struct {
        const char *name, *slug;
    } names[] = {
        {"Dr. Ann Lee", "dr-ann-lee"},
        {"Dr. Åsa Lindqvist", "dr-asa-lindqvist"},
        {"Siobhán O'Brien-Núñez", "siobhan-obrien-nunez"},
        {"李小龙", ""},
        {"", ""},
        {"Abcdefghijklmnopqrstuvwxyz Abcdefghijklm", "abcdefghijklmnopqrstuvwxyz-abcdefghijk"}};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char slug[40];
        client_name_slug(names[i].name, slug, sizeof slug);
        assert_string_equal(slug, names[i].slug);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_people_apart),
        cmocka_unit_test(long_names_cost_little),
        cmocka_unit_test(a_name_makes_a_handle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
