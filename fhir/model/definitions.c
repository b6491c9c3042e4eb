/* definitions: look-ups over the generated tables. See definitions.h. */
#include "fhir/model/definitions.h"

#include <string.h>

const struct definition_type *definition_find(const char *name)
{
    return name == NULL ? NULL : definition_find_n(name, strlen(name));
}

const struct definition_type *definition_find_n(const char *name, size_t length)
{
    uint32_t hash = hash_name(name, length);
    uint32_t mask = definition_type_slot_mask;
    for (uint32_t i = hash & mask; definition_type_slots[i].tag != 0; i = (i + 1) & mask) {
        const struct definition_type *type = &definition_types[definition_type_slots[i].row];
        if (definition_type_slots[i].tag == hash >> 16 && type->name_length == length &&
            hash_same_name(definition_type_name(type), name, length))
            return type;
    }
    return NULL;
}

const struct definition_choice *definition_key_search(const struct definition_type *type,
                                                      const char *key, size_t length, uint32_t hash)
{
    const struct definition_slot *slots = &definition_slots[type->slot];
    uint32_t mask = type->slot_mask;
    for (uint32_t i = hash & mask; slots[i].tag != 0; i = (i + 1) & mask) {
        if (slots[i].tag == hash >> 16 && definition_is_key(&slots[i], key, length))
            return &definition_choices[slots[i].row];
    }
    return NULL;
}

const struct definition_choice *definition_key(const struct definition_type *type, const char *key,
                                               size_t length)
{
    return definition_key_hashed(type, key, length, hash_name(key, length));
}

const struct definition_element *definition_child(const struct definition_type *type,
                                                  const char *name)
{
    const struct definition_choice *choice = definition_key(type, name, strlen(name));
    if (choice == NULL)
        return NULL;
    const struct definition_element *element = definition_element_of(choice);
    bool is_key_of_a_type = element->is_choice && choice->type != 0; /* "valueQuantity" */
    return is_key_of_a_type ? NULL : element;
}

bool definition_is(const struct definition_type *type, const struct definition_type *ancestor)
{
    while (type != NULL && type != ancestor)
        type = definition_base(type);
    return type != NULL;
}

const struct definition_value_set *definition_value_set_find(const char *url)
{
    for (unsigned i = 1; i < definition_value_set_count; i++) {
        if (strcmp(definition_word(definition_value_sets[i].url), url) == 0)
            return &definition_value_sets[i];
    }
    return NULL;
}

/* The first row of CODE in the set, or NULL. Rows of the same code follow each other. */
static const struct definition_code *code_in(const struct definition_value_set *set,
                                             const char *code, size_t length)
{
    const struct definition_slot *slots = &definition_slots[set->slot];
    uint32_t hash = hash_name(code, length);
    for (uint32_t i = hash & set->slot_mask; slots[i].tag != 0; i = (i + 1) & set->slot_mask) {
        const struct definition_code *row = &definition_codes[slots[i].row];
        if (slots[i].tag == hash >> 16 && strcmp(definition_word(row->code), code) == 0)
            return row;
    }
    return NULL;
}

bool definition_value_set_has_code(const struct definition_value_set *set, const char *code,
                                   size_t length)
{
    return code_in(set, code, length) != NULL;
}

bool definition_value_set_has(const struct definition_value_set *set, const char *system,
                              const char *code)
{
    const struct definition_code *row = code_in(set, code, strlen(code));
    if (row == NULL || system == NULL)
        return row != NULL;
    const struct definition_code *end = &definition_codes[set->code + set->code_count];
    const uint32_t word = row->code; /* equal texts share a place */
    for (; row < end && row->code == word; row++) {
        if (strcmp(definition_word(row->system), system) == 0)
            return true;
    }
    return false;
}

static int search_order(const struct definition_search *search, unsigned type, const char *code)
{
    if (search->type != type)
        return search->type < type ? -1 : 1;
    return strcmp(definition_word(search->code), code);
}

static const struct definition_search *search_of(unsigned type, const char *code)
{
    unsigned low = 0;
    unsigned high = definition_search_count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        int order = search_order(&definition_searches[middle], type, code);
        if (order == 0)
            return &definition_searches[middle];
        if (order > 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const struct definition_search *definition_search_find(const char *type, const char *code)
{
    for (const struct definition_type *at = definition_find(type); at != NULL;
         at = definition_base(at)) {
        const struct definition_search *search = search_of(definition_type_index(at), code);
        if (search != NULL)
            return search;
    }
    return NULL;
}
