/* rows: the forms of option.def and partner.def as rows of a table of struct option.
 *
 * Included by config.c and partner.c right before the .def file, with ROWS_OF defined as the struct
 * that holds the members; the .def file undefines the forms again. Hence no include guard. */
#define ROW(form, member, ...)                                                                     \
    {.kind = OPTION_##form,                                                                        \
     .key = #member,                                                                               \
     .offset = offsetof(struct ROWS_OF, member),                                                   \
     __VA_ARGS__},
#define NUMBER(form, member, unit_, start_, min_, max_, when_, help_)                              \
    ROW(form, member, .unit = unit_, .start = #start_, .min = min_, .max = max_,                   \
        .when = OPTION_##when_, .help = help_)

#define SECTION(title) {.kind = OPTION_SECTION, .key = title},
#define TEXT(member, rule_, start_, when_, help_)                                                  \
    ROW(TEXT, member, .start = start_, .check = &check_##rule_, .when = OPTION_##when_,            \
        .help = help_)
#define LIST(member, rule_, when_, help_)                                                          \
    ROW(LIST, member, .start = "", .check = &check_##rule_, .when = OPTION_##when_, .help = help_)
#define FLAG(member, start_, when_, help_)                                                         \
    ROW(FLAG, member, .start = #start_, .when = OPTION_##when_, .help = help_)
#define WORD(member, tag, words_, start_, when_, help_)                                            \
    ROW(WORD, member, .start = start_, .words = words_, .when = OPTION_##when_, .help = help_)
#define SET(member, words_, start_, when_, help_)                                                  \
    ROW(SET, member, .start = start_, .words = words_, .when = OPTION_##when_, .help = help_)
#define COUNT(...) NUMBER(COUNT, __VA_ARGS__)
#define BYTES(...) NUMBER(BYTES, __VA_ARGS__)
#define TIME(...) NUMBER(TIME, __VA_ARGS__)
