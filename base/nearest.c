/* nearest: see nearest.h. Three rows of the distance table are kept, which is all a swap needs. */
#include "base/nearest.h"

#include <string.h>

enum { START_LEAST = 4 }; /* letters that make a start worth offering */

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static unsigned least(unsigned one, unsigned other)
{
    return one < other ? one : other;
}

unsigned nearest_distance(const char *one, const char *other)
{
    unsigned rows[3][NEAREST_LENGTH_MAX + 1];
    size_t width = strlen(other);
    size_t height = strlen(one);
    if (width > NEAREST_LENGTH_MAX || height > NEAREST_LENGTH_MAX)
        return NEAREST_LENGTH_MAX + 1;
    unsigned *before = rows[0], *above = rows[1], *row = rows[2];
    for (size_t j = 0; j <= width; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= height; i++) {
        unsigned *spare = before;
        before = above;
        above = row;
        row = spare;
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= width; j++) {
            unsigned change = lower(one[i - 1]) == lower(other[j - 1]) ? 0 : 1;
            unsigned best = least(above[j] + 1, least(row[j - 1] + 1, above[j - 1] + change));
            bool swapped = i > 1 && j > 1 && lower(one[i - 1]) == lower(other[j - 2]) &&
                           lower(one[i - 2]) == lower(other[j - 1]);
            row[j] = swapped ? least(best, before[j - 2] + 1) : best;
        }
    }
    return row[width];
}

struct nearest nearest_start(const char *word)
{
    struct nearest nearest = {word, NULL, NEAREST_LENGTH_MAX + 1};
    return nearest;
}

/* Slips allowed between words, the longer of which has LENGTH letters. */
static unsigned allowed(size_t length)
{
    if (length < 3)
        return 0;
    return length <= 4 ? 1 : length <= 8 ? 2 : length <= 14 ? 3 : 4;
}

/* Whether the shorter word starts the longer one, but perhaps for its last letter ("rotate" and
 * "rotation"). A word inside another one is not offered: "started" is not "not-started". */
static bool is_start(const char *one, size_t one_length, const char *other, size_t other_length)
{
    size_t shorter = one_length < other_length ? one_length : other_length;
    size_t common = 0;
    while (common < shorter && lower(one[common]) == lower(other[common]))
        common++;
    return common >= START_LEAST && common + 1 >= shorter;
}

void nearest_try(struct nearest *nearest, const char *candidate)
{
    size_t length = strlen(nearest->word);
    size_t other = strlen(candidate);
    size_t longer = length > other ? length : other;
    size_t difference = longer - (length < other ? length : other);
    unsigned limit = allowed(longer);
    unsigned distance = NEAREST_LENGTH_MAX + 1;
    if (difference <= limit)
        distance = nearest_distance(nearest->word, candidate);
    if (distance > limit)
        distance = is_start(nearest->word, length, candidate, other)
                       ? (unsigned)(difference + NEAREST_LENGTH_MAX / 4)
                       : NEAREST_LENGTH_MAX + 1;
    if (distance >= nearest->distance)
        return;
    nearest->distance = distance;
    nearest->best = candidate;
}

const char *nearest_of(const char *word, const char *const *words, size_t count)
{
    struct nearest nearest = nearest_start(word);
    for (size_t i = 0; i < count; i++)
        nearest_try(&nearest, words[i]);
    return nearest.best;
}
