/* words: what an invariant asks for, in plain words. Private to fhir/validate*.c. */
#ifndef FHIR_VALIDATE_WORDS_H
#define FHIR_VALIDATE_WORDS_H

/* Words that follow "expected"; NULL: none written for this key. */
const char *validation_rule_words(const char *key);

#endif
