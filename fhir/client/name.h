/* name: whether two ways of writing a client's name may mean the same person.
 *
 * Tolerant of what differs between two front desks about one person: accents, case, hyphens and
 * apostrophes, the order of family and given names, a second name left out, an initial, ü written
 * ue, a name in Latin letters beside another script. Not tolerant of another name. Used by
 * client_match; people.c makes handles of names with it. Pure, without allocation; the cost is
 * bounded whatever the length of the names. */
#ifndef FHIR_CLIENT_NAME_H
#define FHIR_CLIENT_NAME_H

#include <stddef.h>

struct client_name { /* NULL or blank: not given */
    const char *family, *given;
    const char *latin; /* the whole name in Latin letters */
};

enum client_name_answer {
    CLIENT_NAME_AGREES,
    CLIENT_NAME_UNKNOWN, /* one has no name, or they share no script */
    CLIENT_NAME_OTHER_FAMILY,
    CLIENT_NAME_OTHER_GIVEN
};

enum client_name_answer client_name_compare(const struct client_name *one,
                                            const struct client_name *other);

/* The words of NAME in small letters of ASCII, without accents: "Dr. Åsa Lee" is "dr-asa-lee". What
 * has no such letters is left out; SLUG may be empty. */
void client_name_slug(const char *name, char *slug, size_t room);

#endif
