/* parse: operator precedence over the lexer's tokens. Everything that can be known from the text is
 * settled here, so that running only looks at data: functions and operators become pointers, type
 * names rows of the definitions, constants values. See parse.h. */
#include "fhir/fhirpath/parse.h"

#include <string.h>

#include "base/text.h"
#include "fhir/fhirpath/lexer.h"
#include "fhir/fhirpath/machine.h"
#include "fhir/fhirpath/unit.h"

enum { ARGUMENTS_MAX = 64 };

struct parser {
    struct lexer lexer;
    int depth; /* of open parentheses, arguments and signs */
};

static const struct precedence {
    const char *symbol;
    int level; /* higher binds tighter */
} precedences[] = {{"implies", 1}, {"or", 2}, {"xor", 2}, {"and", 3}, {"in", 4},   {"contains", 4},
                   {"=", 5},       {"~", 5},  {"!=", 5},  {"!~", 5},  {"<", 6},    {"<=", 6},
                   {">", 6},       {">=", 6}, {"|", 7},   {"is", 8},  {"as", 8},   {"+", 9},
                   {"-", 9},       {"&", 9},  {"*", 10},  {"/", 10},  {"div", 10}, {"mod", 10}};

static struct step *parse_expression(struct parser *parser, int level);

/* ---- helpers ---- */

static bool fail_at(struct parser *parser, const struct token *token, enum fhirpath_fault_kind kind,
                    const char *message)
{
    return lexer_fail(&parser->lexer, token->line, token->column, kind, "%s", message);
}

static bool fail_expected(struct parser *parser, const char *expected)
{
    const struct token *token = &parser->lexer.token;
    if (token->kind == TOKEN_END)
        return lexer_fail(&parser->lexer, token->line, token->column, FHIRPATH_FAULT_SYNTAX,
                          "the expression ends here; expected %s", expected);
    return lexer_fail(&parser->lexer, token->line, token->column, FHIRPATH_FAULT_SYNTAX,
                      "found '%.*s'; expected %s", (int)(token->length > 40 ? 40 : token->length),
                      token->text, expected);
}

static bool take(struct parser *parser, const char *symbol)
{
    return lexer_is(&parser->lexer, symbol) && lexer_next(&parser->lexer);
}

static bool expect(struct parser *parser, const char *symbol)
{
    if (!lexer_is(&parser->lexer, symbol))
        return fail_expected(parser, symbol);
    return lexer_next(&parser->lexer);
}

static bool failed(const struct parser *parser)
{
    return parser->lexer.fault->kind != FHIRPATH_FAULT_NONE;
}

static struct step *new_step(struct parser *parser, enum step_kind kind, const struct token *token,
                             bool (*run)(struct machine *, const struct step *))
{
    struct step *step = arena_alloc(parser->lexer.arena, sizeof *step);
    step->kind = (uint8_t)kind;
    step->run = run;
    step->line = token->line;
    step->column = token->column;
    step->height = 1;
    return step;
}

/* Sets the heights of INPUT and ARGUMENTS above STEP; NULL when the tree is too high. */
static struct step *link_step(struct parser *parser, struct step *step, const struct step *input,
                              const struct step *const *arguments, unsigned count)
{
    unsigned height = input == NULL ? 0 : input->height;
    for (unsigned i = 0; i < count; i++)
        height = arguments[i]->height > height ? arguments[i]->height : height;
    step->input = input;
    step->arguments = arguments;
    step->argument_count = (uint8_t)count;
    step->height = (uint16_t)(height + 1);
    if (height < FHIRPATH_DEPTH_MAX)
        return step;
    lexer_fail(&parser->lexer, step->line, step->column, FHIRPATH_FAULT_LIMIT,
               "an expression nested too deep; expected at most %d levels", FHIRPATH_DEPTH_MAX);
    return NULL;
}

static struct step *link_one(struct parser *parser, struct step *step, const struct step *input,
                             const struct step *argument)
{
    const struct step **arguments = arena_alloc(parser->lexer.arena, sizeof *arguments);
    arguments[0] = argument;
    return link_step(parser, step, input, arguments, 1);
}

static const char *token_copy(struct parser *parser, const struct token *token)
{
    return arena_copy_n(parser->lexer.arena, token->text, token->length);
}

/* ---- type names ---- */

static uint8_t system_kind(const char *name)
{
    static const struct {
        const char *name;
        uint8_t kind;
    } kinds[] = {{"Boolean", VALUE_BOOLEAN}, {"Integer", VALUE_INTEGER},
                 {"Decimal", VALUE_DECIMAL}, {"String", VALUE_TEXT},
                 {"Date", VALUE_DATE},       {"DateTime", VALUE_DATETIME},
                 {"Time", VALUE_TIME},       {"Quantity", VALUE_QUANTITY}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(name, kinds[i].name) == 0)
            return kinds[i].kind;
    }
    return VALUE_NONE;
}

static const struct definition_type *same_primitive(struct parser *parser, const char *name)
{
    char *lower = arena_copy(parser->lexer.arena, name);
    if (lower[0] >= 'A' && lower[0] <= 'Z')
        lower[0] = (char)(lower[0] | 0x20);
    const struct definition_type *type = definition_find(lower);
    return type != NULL && type->kind == DEFINITION_PRIMITIVE ? type : NULL;
}

/* QUALIFIER may be NULL. A System type that does not exist is allowed: nothing is of it. */
static bool resolve_type(struct parser *parser, const struct token *token, const char *qualifier,
                         const char *name, struct type_name *ret_type)
{
    struct type_name type = {.word = name, .is_qualified = qualifier != NULL};
    bool is_system = text_equal(qualifier, "System");
    if (qualifier == NULL || is_system)
        type.system = system_kind(name);
    if (!is_system)
        type.fhir = definition_find(name);
    if (qualifier == NULL && type.fhir == NULL && type.system != VALUE_NONE)
        type.same = same_primitive(parser, name);
    *ret_type = type;
    if (type.fhir != NULL || type.system != VALUE_NONE || is_system)
        return true;
    return lexer_fail(&parser->lexer, token->line, token->column, FHIRPATH_FAULT_SEMANTIC,
                      "'%.60s' is no type; expected a FHIR R4 type such as Patient or code, or a "
                      "System type such as Boolean",
                      name);
}

/* The words of `a` or `a.b` as a type. */
static bool parse_type(struct parser *parser, struct type_name *ret_type)
{
    struct lexer *lexer = &parser->lexer;
    const char *words[2] = {NULL, NULL};
    struct token first = lexer->token;
    for (int i = 0;; i++) {
        if (lexer->token.kind != TOKEN_NAME && lexer->token.kind != TOKEN_QUOTED)
            return fail_expected(parser, "the name of a type");
        words[0] = words[1];
        words[1] = token_copy(parser, &lexer->token);
        if (!lexer_next(lexer))
            return false;
        if (i == 1 || !lexer_is(lexer, "."))
            break;
        if (!lexer_next(lexer))
            return false;
    }
    return resolve_type(parser, &first, words[0], words[1], ret_type);
}

/* The argument of is(), as(), ofType(): what was parsed as a path of one or two names. */
static bool type_of_path(struct parser *parser, const struct step *path, struct type_name *ret_type)
{
    const struct step *outer = path->input;
    struct token token = {.line = path->line, .column = path->column};
    bool is_name = path->kind == STEP_MEMBER &&
                   (outer == NULL || (outer->kind == STEP_MEMBER && outer->input == NULL));
    if (!is_name)
        return fail_at(parser, &token, FHIRPATH_FAULT_SEMANTIC,
                       "this is no type name; expected one such as Patient or System.Boolean");
    return resolve_type(parser, &token, outer == NULL ? NULL : outer->name, path->name, ret_type);
}

/* ---- literals ---- */

static struct step *constant(struct parser *parser, const struct token *token, struct value value)
{
    struct step *step = new_step(parser, STEP_CONSTANT, token, run_constant);
    step->constant = value;
    return step;
}

static struct step *parse_string(struct parser *parser)
{
    struct token token = parser->lexer.token;
    return lexer_next(&parser->lexer) ? constant(parser, &token, value_text(token.text)) : NULL;
}

static bool number_value(struct parser *parser, const struct token *token, struct decimal number,
                         struct value *ret_value)
{
    long long whole;
    if (memchr(token->text, '.', token->length) == NULL && decimal_whole(number, &whole)) {
        if (whole > INT32_MAX)
            return fail_at(parser, token, FHIRPATH_FAULT_SEMANTIC,
                           "an integer above 2147483647; expected a smaller one, or a decimal with "
                           "a point");
        *ret_value = value_integer(whole);
        return true;
    }
    struct decimal *copy = arena_alloc(parser->lexer.arena, sizeof *copy);
    *copy = number;
    *ret_value = (struct value){.kind = VALUE_DECIMAL, .decimal = copy};
    return true;
}

/* A number; with a unit behind it, a quantity: 4 days, 4 'mg'. */
static struct step *parse_number(struct parser *parser)
{
    struct lexer *lexer = &parser->lexer;
    struct token token = lexer->token;
    struct decimal number;
    enum moment_unit unit;
    if (!decimal_parse(token.text, token.length, &number)) {
        fail_at(parser, &token, FHIRPATH_FAULT_SEMANTIC, "a number with more than 38 digits");
        return NULL;
    }
    if (!lexer_next(lexer))
        return NULL;
    bool is_calendar = lexer->token.kind == TOKEN_NAME &&
                       unit_of_calendar_word(lexer->token.text, lexer->token.length, &unit);
    if (!is_calendar && lexer->token.kind != TOKEN_STRING) {
        struct value value;
        return number_value(parser, &token, number, &value) ? constant(parser, &token, value)
                                                            : NULL;
    }
    struct quantity *quantity = arena_alloc(lexer->arena, sizeof *quantity);
    quantity->value = number;
    quantity->unit = token_copy(parser, &lexer->token);
    quantity->is_calendar = is_calendar;
    if (!lexer_next(lexer))
        return NULL;
    return constant(parser, &token, (struct value){.kind = VALUE_QUANTITY, .quantity = quantity});
}

static struct step *parse_moment(struct parser *parser)
{
    static const uint8_t kinds[] = {
        [MOMENT_DATE] = VALUE_DATE, [MOMENT_DATETIME] = VALUE_DATETIME, [MOMENT_TIME] = VALUE_TIME};
    struct token token = parser->lexer.token;
    enum moment_kind kind = token.kind == TOKEN_DATE   ? MOMENT_DATE
                            : token.kind == TOKEN_TIME ? MOMENT_TIME
                                                       : MOMENT_DATETIME;
    struct moment *moment = arena_alloc(parser->lexer.arena, sizeof *moment);
    if (!moment_parse(token.text, token.length, kind, moment)) {
        fail_at(parser, &token, FHIRPATH_FAULT_SYNTAX,
                "no date or time; expected @2026-02-28, @2026-02-28T14:30:00Z or @T14:30");
        return NULL;
    }
    if (!lexer_next(&parser->lexer))
        return NULL;
    return constant(parser, &token, (struct value){.kind = kinds[kind], .moment = moment});
}

/* ---- %name and $name ---- */

static const struct {
    const char *name, *text;
} known_constants[] = {{"sct", "http://snomed.info/sct"},
                       {"loinc", "http://loinc.org"},
                       {"ucum", "http://unitsofmeasure.org"},
                       {"us-zip", "[0-9]{5}(-[0-9]{4}){0,1}"}};

static const char *constant_text(struct parser *parser, const char *name)
{
    for (size_t i = 0; i < sizeof known_constants / sizeof *known_constants; i++) {
        if (strcmp(name, known_constants[i].name) == 0)
            return known_constants[i].text;
    }
    if (text_starts(name, "vs-"))
        return arena_print(parser->lexer.arena, "http://hl7.org/fhir/ValueSet/%s", name + 3);
    if (text_starts(name, "ext-"))
        return arena_print(parser->lexer.arena, "http://hl7.org/fhir/StructureDefinition/%s",
                           name + 4);
    return NULL;
}

static struct step *parse_variable(struct parser *parser)
{
    struct token token = parser->lexer.token;
    const char *name = token_copy(parser, &token);
    const char *text = constant_text(parser, name);
    if (!lexer_next(&parser->lexer))
        return NULL;
    if (text != NULL)
        return constant(parser, &token, value_text(text));
    struct step *step = new_step(parser, STEP_VARIABLE, &token, run_variable);
    step->name = name;
    return step;
}

static struct step *parse_dollar(struct parser *parser)
{
    static const struct {
        const char *name;
        enum step_kind kind;
        bool (*run)(struct machine *, const struct step *);
    } names[] = {{"this", STEP_THIS, run_this},
                 {"index", STEP_INDEX, run_index},
                 {"total", STEP_TOTAL, run_total}};
    struct token token = parser->lexer.token;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strlen(names[i].name) != token.length ||
            memcmp(names[i].name, token.text, token.length) != 0)
            continue;
        if (!lexer_next(&parser->lexer))
            return NULL;
        return new_step(parser, names[i].kind, &token, names[i].run);
    }
    fail_at(parser, &token, FHIRPATH_FAULT_SYNTAX,
            "an unknown $name; expected $this, $index or $total");
    return NULL;
}

/* ---- members and calls ---- */

static struct step *member(struct parser *parser, const struct token *token,
                           const struct step *input)
{
    struct step *step = new_step(parser, STEP_MEMBER, token, run_member);
    step->name = token_copy(parser, token);
    step->name_length = (uint16_t)token->length;
    if (token->length > 255) {
        fail_at(parser, token, FHIRPATH_FAULT_SEMANTIC, "a name of more than 255 bytes");
        return NULL;
    }
    if (input == NULL && step->name[0] >= 'A' && step->name[0] <= 'Z') {
        step->type.word = step->name;
        step->type.fhir = definition_find(step->name);
    }
    return link_step(parser, step, input, NULL, 0);
}

static bool parse_arguments(struct parser *parser, const struct step **arguments, unsigned *count)
{
    while (!lexer_is(&parser->lexer, ")")) {
        if (*count == ARGUMENTS_MAX)
            return fail_expected(parser, ") after so many arguments");
        if (*count > 0 && !expect(parser, ","))
            return false;
        arguments[*count] = parse_expression(parser, 0);
        if (arguments[(*count)++] == NULL)
            return false;
    }
    return lexer_next(&parser->lexer);
}

static bool check_arguments(struct parser *parser, const struct step *step, unsigned count)
{
    const struct function *function = step->function;
    if (count >= function->least && count <= function->most)
        return true;
    return lexer_fail(&parser->lexer, step->line, step->column, FHIRPATH_FAULT_SEMANTIC,
                      "%s() with %u arguments; expected %s%d", function->name, count,
                      function->least == function->most ? ""
                      : count < function->least         ? "at least "
                                                        : "at most ",
                      count < function->least ? function->least : function->most);
}

static struct step *call(struct parser *parser, const struct token *token, const struct step *input)
{
    const struct step *arguments[ARGUMENTS_MAX] = {NULL};
    unsigned count = 0;
    const struct function *function = function_find(token->text, token->length);
    if (function == NULL) {
        lexer_fail(&parser->lexer, token->line, token->column, FHIRPATH_FAULT_SEMANTIC,
                   "an unknown function '%.*s'; expected one of FHIRPath such as exists()",
                   (int)(token->length > 40 ? 40 : token->length), token->text);
        return NULL;
    }
    struct step *step = new_step(parser, STEP_CALL, token, function->run);
    step->name = function->name;
    step->function = function;
    if (!lexer_next(&parser->lexer) || !parse_arguments(parser, arguments, &count) ||
        !check_arguments(parser, step, count))
        return NULL;
    if (function->takes == TAKES_TYPE && count > 0 &&
        !type_of_path(parser, arguments[0], &step->type))
        return NULL;
    const struct step **kept = arena_array(parser->lexer.arena, count, sizeof *kept);
    if (count > 0)
        memcpy(kept, arguments, count * sizeof *kept);
    return link_step(parser, step, input, kept, count);
}

/* A member or a call on INPUT; INPUT NULL stands for $this. */
static struct step *parse_invocation(struct parser *parser, const struct step *input)
{
    struct token token = parser->lexer.token;
    if (token.kind == TOKEN_DOLLAR && input == NULL)
        return parse_dollar(parser);
    if (token.kind != TOKEN_NAME && token.kind != TOKEN_QUOTED) {
        fail_expected(parser, "the name of an element or a function");
        return NULL;
    }
    if (!lexer_next(&parser->lexer))
        return NULL;
    if (lexer_is(&parser->lexer, "("))
        return call(parser, &token, input);
    return member(parser, &token, input);
}

/* ---- terms and postfix ---- */

static struct step *parse_parenthesis(struct parser *parser)
{
    if (!take(parser, "("))
        return NULL;
    struct step *inner = parse_expression(parser, 0);
    return inner != NULL && expect(parser, ")") ? inner : NULL;
}

static struct step *parse_empty(struct parser *parser)
{
    struct token token = parser->lexer.token;
    if (!take(parser, "{") || !expect(parser, "}"))
        return NULL;
    return constant(parser, &token, (struct value){.kind = VALUE_NONE});
}

static struct step *parse_term(struct parser *parser)
{
    const struct lexer *lexer = &parser->lexer;
    struct token token = lexer->token;
    switch (token.kind) {
    case TOKEN_STRING:
        return parse_string(parser);
    case TOKEN_NUMBER:
        return parse_number(parser);
    case TOKEN_DATE:
    case TOKEN_DATETIME:
    case TOKEN_TIME:
        return parse_moment(parser);
    case TOKEN_PERCENT:
        return parse_variable(parser);
    default:
        break;
    }
    if (lexer_is(lexer, "("))
        return parse_parenthesis(parser);
    if (lexer_is(lexer, "{"))
        return parse_empty(parser);
    if (lexer_is(lexer, "true") || lexer_is(lexer, "false")) {
        bool is_true = lexer_is(lexer, "true");
        return lexer_next(&parser->lexer) ? constant(parser, &token, value_boolean(is_true)) : NULL;
    }
    return parse_invocation(parser, NULL);
}

static struct step *parse_postfix(struct parser *parser)
{
    struct step *left = parse_term(parser);
    while (left != NULL) {
        struct token token = parser->lexer.token;
        if (take(parser, ".")) {
            left = parse_invocation(parser, left);
        } else if (take(parser, "[")) {
            struct step *index = parse_expression(parser, 0);
            if (index == NULL || !expect(parser, "]"))
                return NULL;
            left = link_one(parser, new_step(parser, STEP_ITEM, &token, run_item), left, index);
        } else {
            return failed(parser) ? NULL : left;
        }
    }
    return NULL;
}

/* ---- operators ---- */

static bool enter(struct parser *parser)
{
    const struct token *token = &parser->lexer.token;
    if (++parser->depth <= FHIRPATH_DEPTH_MAX)
        return true;
    return lexer_fail(&parser->lexer, token->line, token->column, FHIRPATH_FAULT_LIMIT,
                      "an expression nested too deep; expected at most %d levels",
                      FHIRPATH_DEPTH_MAX);
}

static struct step *parse_signed(struct parser *parser)
{
    struct token token = parser->lexer.token;
    if (!lexer_is(&parser->lexer, "-") && !lexer_is(&parser->lexer, "+"))
        return parse_postfix(parser);
    if (!enter(parser) || !lexer_next(&parser->lexer))
        return NULL;
    struct step *operand = parse_signed(parser);
    parser->depth--;
    if (operand == NULL)
        return NULL;
    struct step *step = new_step(parser, STEP_SIGN, &token, run_sign);
    step->has_sign = token.text[0] == '-';
    return link_step(parser, step, operand, NULL, 0);
}

static const struct precedence *operator_here(const struct parser *parser)
{
    for (size_t i = 0; i < sizeof precedences / sizeof *precedences; i++) {
        if (lexer_is(&parser->lexer, precedences[i].symbol))
            return &precedences[i];
    }
    return NULL;
}

static struct step *parse_type_test(struct parser *parser, const struct step *left)
{
    struct token token = parser->lexer.token;
    bool is_test = lexer_is(&parser->lexer, "is");
    struct step *step = new_step(parser, STEP_TYPE, &token, is_test ? run_is : run_as);
    step->name = is_test ? "is" : "as";
    if (!lexer_next(&parser->lexer) || !parse_type(parser, &step->type))
        return NULL;
    return link_step(parser, step, left, NULL, 0);
}

static struct step *parse_binary(struct parser *parser, const struct step *left,
                                 const struct precedence *operator)
{
    struct token token = parser->lexer.token;
    if (operator->level == 8)
        return parse_type_test(parser, left);
    if (!lexer_next(&parser->lexer))
        return NULL;
    struct step *right = parse_expression(parser, operator->level + 1);
    if (right == NULL)
        return NULL;
    struct step *step = new_step(parser, STEP_BINARY, &token, operator_find(operator->symbol));
    step->name = operator->symbol;
    return link_one(parser, step, left, right);
}

static struct step *parse_expression(struct parser *parser, int level)
{
    if (!enter(parser))
        return NULL;
    struct step *left = parse_signed(parser);
    while (left != NULL) {
        const struct precedence *operator= operator_here(parser);
        if (operator== NULL || operator->level<level)
            break;
        left = parse_binary(parser, left, operator);
    }
    parser->depth--;
    return left;
}

const struct step *parse(struct arena *arena, const char *text, size_t length,
                         struct fhirpath_fault *ret_fault)
{
    struct parser parser = {.lexer = {.arena = arena,
                                      .at = text,
                                      .end = text + length,
                                      .line_start = text,
                                      .line = 1,
                                      .column_at = text,
                                      .column = 1,
                                      .fault = ret_fault}};
    if (!lexer_next(&parser.lexer))
        return NULL;
    struct step *root = parse_expression(&parser, 0);
    if (root == NULL)
        return NULL;
    if (parser.lexer.token.kind != TOKEN_END) {
        fail_expected(&parser, "an operator, a . or the end");
        return NULL;
    }
    return root;
}
