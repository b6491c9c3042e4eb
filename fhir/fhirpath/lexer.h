/* lexer: the words of a FHIRPath text (N1 2.0 section 5.1 and its grammar), one at a time.
 *
 * Called by parse.c. A token points into the text; only strings and delimited names are decoded
 * into the arena. */
#ifndef FHIR_FHIRPATH_LEXER_H
#define FHIR_FHIRPATH_LEXER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "fhir/fhirpath/fhirpath.h"

enum token_kind {
    TOKEN_END,
    TOKEN_NAME,   /* also the keywords: and, is, div, ... */
    TOKEN_QUOTED, /* `name` */
    TOKEN_STRING, /* 'text' */
    TOKEN_NUMBER,
    TOKEN_DATE,     /* @2015-02-04; text without the @ */
    TOKEN_DATETIME, /* @2015-02-04T14:34Z, @2015T */
    TOKEN_TIME,     /* @T14:34; text without @T */
    TOKEN_DOLLAR,   /* $this; text without $ */
    TOKEN_PERCENT,  /* %name, %`name`, %'name'; text without % */
    TOKEN_SYMBOL    /* + - * / | & < <= = ~ != !~ ( ) [ ] { } . , */
};

struct token {
    enum token_kind kind;
    const char *text; /* ends at `length`; decoded texts end in NUL too */
    size_t length;
    int line, column;
};

struct lexer {
    struct arena *arena;
    const char *at, *end;
    const char *line_start;
    int line;
    const char *column_at; /* `column` is the column of this place of the line */
    int column;
    struct token token; /* the current one */
    struct fhirpath_fault *fault;
};

/* Reads the next token into lexer->token; false: *lexer->fault says why. */
bool lexer_next(struct lexer *lexer);
/* The current token is this symbol or keyword. */
bool lexer_is(const struct lexer *lexer, const char *word);
bool lexer_fail(struct lexer *lexer, int line, int column, enum fhirpath_fault_kind kind,
                const char *format, ...) __attribute__((format(printf, 5, 6)));

#endif
