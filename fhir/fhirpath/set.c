/* set: which values of a collection are equal (see compare.h, last part).
 *
 * Few values are compared each with each; many by way of a hash table in scratch memory, as long as
 * equal values have equal hashes. Dates, quantities and elements have no such hash and share one.
 */
#include <string.h>

#include "fhir/fhirpath/compare.h"
#include "fhir/fhirpath/convert.h"

enum { FEW = 16 };

bool compare_contains(struct machine *machine, const struct step *step, struct slice slice,
                      struct value wanted, bool *ret_found)
{
    enum truth truth = TRUTH_NO;
    if (!machine_spend(machine, step, slice_count(slice)))
        return false;
    for (size_t i = slice.from; i < slice.to && truth != TRUTH_YES; i++) {
        if (!compare_equal(machine, step, machine->stack[i], wanted, &truth))
            return false;
    }
    *ret_found = truth == TRUTH_YES;
    return true;
}

static bool unite_few(struct machine *machine, const struct step *step, struct slice slice,
                      size_t *ret_to)
{
    size_t to = slice.from;
    for (size_t i = slice.from; i < slice.to; i++) {
        bool found;
        struct value value = machine->stack[i];
        if (!compare_contains(machine, step, (struct slice){slice.from, to}, value, &found))
            return false;
        if (!found)
            machine->stack[to++] = value;
    }
    *ret_to = to;
    return true;
}

static uint32_t hash_bytes(const char *text, uint32_t hash)
{
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * 16777619u;
    return hash;
}

/* Numbers hash alike whatever their scale; what may equal values of other kinds hashes to 0. */
static uint32_t hash_of(struct value value)
{
    char room[DECIMAL_TEXT_MAX];
    const char *text = convert_plain_text(value);
    if (text != NULL)
        return hash_bytes(text, 2166136261u);
    if (value.kind == VALUE_INTEGER)
        return hash_bytes(decimal_print(decimal_of(value.whole), room), 7);
    if (value.kind == VALUE_DECIMAL) {
        struct decimal plain = decimal_stripped(*value.decimal);
        plain.negative = plain.negative && plain.digits != 0;
        return hash_bytes(decimal_print(plain, room), 7);
    }
    return 0;
}

/* Every value is of a kind that has a hash, so that values of different hash are not equal. */
static bool has_hashes(const struct machine *machine, struct slice slice)
{
    bool texts = true;
    bool numbers = true;
    for (size_t i = slice.from; i < slice.to; i++) {
        struct value value = machine->stack[i];
        texts = texts && convert_plain_text(value) != NULL;
        numbers = numbers && (value.kind == VALUE_INTEGER || value.kind == VALUE_DECIMAL);
    }
    return texts || numbers;
}

static bool unite_many(struct machine *machine, const struct step *step, struct slice slice,
                       size_t *ret_to)
{
    size_t slots = 64;
    while (slots < slice_count(slice) * 2)
        slots *= 2;
    uint32_t *table = machine_alloc(machine, step, slots * sizeof *table); /* index + 1; 0: free */
    size_t to = slice.from;
    if (table == NULL || !machine_spend(machine, step, slice_count(slice)))
        return false;
    memset(table, 0, slots * sizeof *table);
    for (size_t i = slice.from; i < slice.to; i++) {
        struct value value = machine->stack[i];
        const char *text = convert_plain_text(value);
        if (text != NULL && !machine_spend_text(machine, step, text))
            return false;
        size_t at = hash_of(value) & (slots - 1);
        enum truth truth = TRUTH_NO;
        for (; table[at] != 0 && truth != TRUTH_YES; at = (at + 1) & (slots - 1)) {
            if (!machine_spend(machine, step, 1) ||
                !compare_equal(machine, step, machine->stack[slice.from + table[at] - 1], value,
                               &truth))
                return false;
        }
        if (truth == TRUTH_YES)
            continue;
        table[at] = (uint32_t)(to - slice.from + 1);
        machine->stack[to++] = value;
    }
    *ret_to = to;
    return true;
}

bool compare_unite(struct machine *machine, const struct step *step, struct slice slice,
                   size_t *ret_to)
{
    bool few = slice_count(slice) <= FEW || slice_count(slice) > UINT32_MAX / 4;
    return few || !has_hashes(machine, slice) ? unite_few(machine, step, slice, ret_to)
                                              : unite_many(machine, step, slice, ret_to);
}
