/* definitions: the generated tables answer for types, elements, choices, bindings and searches. */
#include "fhir/model/definitions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fhir/model/primitive.h"

static const struct definition_choice *key(const char *type, const char *name)
{
    return definition_key(definition_find(type), name, strlen(name));
}

static void every_row_is_found_by_its_name(void **state)
{
    (void)state;
    for (unsigned i = 1; i < definition_type_count; i++) {
        const struct definition_type *type = &definition_types[i];
        assert_ptr_equal(definition_find(definition_type_name(type)), type);
        for (unsigned j = 0; j < type->element_count; j++) {
            const struct definition_element *element = &definition_elements[type->element + j];
            assert_int_equal(element->type, i);
            assert_ptr_equal(definition_child(type, definition_element_name(element)), element);
            for (unsigned k = 0; k < element->choice_count; k++) {
                const struct definition_choice *choice = &definition_choices[element->choice + k];
                const char *name = definition_word(choice->key);
                assert_ptr_equal(definition_key(type, name, strlen(name)), choice);
                assert_int_equal(choice->rank, j);
            }
        }
    }
}

static void choices_carry_their_type(void **state)
{
    (void)state;
    const struct definition_choice *quantity = key("Observation", "valueQuantity");
    assert_string_equal(definition_type_name(definition_type_of(quantity)), "Quantity");
    assert_string_equal(definition_element_name(definition_element_of(quantity)), "value");
    assert_true(definition_element_of(quantity)->is_choice);
    assert_int_equal(key("Observation", "value")->type, 0);
    assert_null(key("Observation", "valueMoney"));
    assert_null(key("Observation", "Value"));
    assert_null(definition_child(definition_find("Observation"), "valueQuantity"));
    assert_non_null(definition_child(definition_find("Observation"), "value"));
}

static void nested_types_and_content_references(void **state)
{
    (void)state;
    const struct definition_type *range = definition_find("Observation.referenceRange");
    assert_ptr_equal(definition_type_of(key("Observation", "referenceRange")), range);
    assert_ptr_equal(definition_type_of(key("Observation.component", "referenceRange")), range);
    assert_true(definition_is(range, definition_find("BackboneElement")));
    assert_true(definition_is(range, definition_find("Element")));
    assert_false(definition_is(range, definition_find("Resource")));
    assert_int_equal(range->kind, DEFINITION_BACKBONE);
    assert_null(definition_find("Observation.nothing"));
    assert_null(definition_find(NULL));
}

static void constraints_come_with_their_bases(void **state)
{
    (void)state;
    const struct definition_type *age = definition_find("Age");
    bool ele_1 = false;
    bool age_1 = false;
    for (unsigned i = 0; i < age->constraint_count; i++) {
        const struct definition_constraint *row =
            &definition_constraints[definition_constraint_lists[age->constraint + i]];
        ele_1 |= strcmp(definition_word(row->key), "ele-1") == 0;
        age_1 |= strcmp(definition_word(row->key), "age-1") == 0;
    }
    assert_true(ele_1 && age_1);
    assert_int_equal(definition_constraint_count, 240);
}

static void bindings_and_targets(void **state)
{
    (void)state;
    const struct definition_element *status = definition_element_of(key("Observation", "status"));
    assert_int_equal(status->strength, BINDING_REQUIRED);
    assert_int_equal(status->min, 1);
    const struct definition_value_set *set = &definition_value_sets[status->value_set];
    assert_true(definition_value_set_has(set, NULL, "final"));
    assert_true(definition_value_set_has(set, "http://hl7.org/fhir/observation-status", "final"));
    assert_false(definition_value_set_has(set, "http://other", "final"));
    assert_false(definition_value_set_has(set, NULL, "Final"));
    assert_ptr_equal(definition_value_set_find("http://hl7.org/fhir/ValueSet/observation-status"),
                     set);
    assert_null(definition_value_set_find("http://hl7.org/fhir/ValueSet/none"));

    const struct definition_choice *subject = key("Observation", "subject");
    assert_int_equal(subject->target_count, 4);
    bool patient = false;
    for (unsigned i = 0; i < subject->target_count; i++)
        patient |= definition_targets[subject->target + i] ==
                   definition_type_index(definition_find("Patient"));
    assert_true(patient);
}

/* And their letters are right, so that a code that is in a set needs no look at them. */
static void value_sets_have_their_codes_and_no_others(void **state)
{
    (void)state;
    const struct definition_value_set *gender =
        definition_value_set_find("http://hl7.org/fhir/ValueSet/administrative-gender");
    assert_non_null(gender);
    assert_false(definition_value_set_has(gender, NULL, "Male"));
    assert_false(definition_value_set_has(gender, NULL, "final"));
    assert_false(definition_value_set_has(gender, NULL, ""));
    assert_false(definition_value_set_has(&definition_value_sets[0], NULL, "male"));
    for (unsigned i = 1; i < definition_value_set_count; i++) {
        const struct definition_value_set *set = &definition_value_sets[i];
        for (unsigned j = 0; j < set->code_count; j++) {
            const char *code = definition_word(definition_codes[set->code + j].code);
            assert_null(primitive_check(PRIMITIVE_CODE, code, strlen(code)));
            const char *system = definition_word(definition_codes[set->code + j].system);
            assert_true(definition_value_set_has(set, NULL, code));
            assert_true(definition_value_set_has(set, system, code));
            assert_false(definition_value_set_has(set, "urn:other", code));
            assert_true(definition_value_set_has_code(set, code, strlen(code)));
        }
    }
}

static void search_parameters_with_their_base(void **state)
{
    (void)state;
    const struct definition_search *patient = definition_search_find("Observation", "patient");
    assert_string_equal(definition_word(patient->kind), "reference");
    assert_non_null(strstr(definition_word(patient->expression), "Observation.subject"));
    assert_non_null(definition_search_find("Observation", "_lastUpdated"));
    assert_null(definition_search_find("Observation", "nothing"));
    assert_null(definition_search_find("Nothing", "_id"));
    const struct definition_search *composite =
        definition_search_find("Observation", "code-value-quantity");
    assert_int_equal(composite->component_count, 2);
    assert_string_equal(
        definition_word(definition_search_components[composite->component].expression), "code");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_found_by_its_name),
        cmocka_unit_test(choices_carry_their_type),
        cmocka_unit_test(nested_types_and_content_references),
        cmocka_unit_test(constraints_come_with_their_bases),
        cmocka_unit_test(bindings_and_targets),
        cmocka_unit_test(value_sets_have_their_codes_and_no_others),
        cmocka_unit_test(search_parameters_with_their_base),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
