/* message_people: see message_people.h. How people are matched: docs/wire-profile.md, "People". */
#include "fhir/message_people.h"

#include <stdint.h>
#include <string.h>

#include "fhir/map/map.h"
#include "fhir/message_entries.h"

/* ---- number systems ---- */

const char *people_system(struct field_job *job, const char *clinic, const char *what)
{
    const struct directory_entry *entry =
        directory_meet(job->context->directory, job->arena, clinic);
    const char *token = entry != NULL && entry->npi != NULL ? entry->npi : clinic;
    return token == NULL
               ? NULL
               : field_join(job, field_join(job, job->context->base, "/sid/", token), "/", what);
}

const char *people_system_clinic(struct field_job *job, const char *system, const char *what)
{
    const char *sid = system == NULL ? NULL : strstr(system, "/sid/");
    if (sid == NULL)
        return NULL;
    const char *token = sid + strlen("/sid/");
    const char *slash = strrchr(token, '/');
    if (slash == NULL || strcmp(slash + 1, what) != 0 || slash == token)
        return NULL;
    const char *name = arena_copy_n(job->arena, token, (size_t)(slash - token));
    const struct directory_entry *entry = directory_find_npi(job->context->directory, name);
    if (entry != NULL)
        return entry->handle;
    return directory_npi_valid(name) ? arena_print(job->arena, "npi:%s", name) : name;
}

/* ---- asking the directory ---- */

const char *people_clinic(struct field_job *job, const char *handle)
{
    const char *clinic = directory_clinic_handle(job->context->directory, handle);
    return clinic != NULL ? clinic : handle;
}

const char *people_name(const struct field_job *job, const char *handle)
{
    const struct directory_entry *entry =
        directory_meet(job->context->directory, job->arena, handle);
    return entry != NULL && entry->name != NULL ? entry->name : handle;
}

const char *people_endpoint(struct field_job *job, const char *clinic)
{
    const struct fhir_context *context = job->context;
    const char *url =
        context->endpoint_of == NULL ? NULL : context->endpoint_of(context->maker, clinic);
    return url != NULL ? url : arena_print(job->arena, "%s/clinic/%s", context->base, clinic);
}

/* ---- outbound: a handle's resources ---- */

static struct json *row_of(struct field_job *job, const struct directory_entry *entry)
{
    struct json *row = json_new_object(job->arena);
    json_put_text(job->arena, row, "handle", entry->handle);
    json_put_text(job->arena, row, "name", entry->name);
    json_put_text(job->arena, row, "given_names", entry->given_names);
    json_put_text(job->arena, row, "family_name", entry->family_name);
    json_put_text(job->arena, row, "profession", entry->profession);
    json_put_text(job->arena, row, "npi", entry->npi);
    json_put_text(job->arena, row, "works_at", entry->works_at);
    json_put_text(job->arena, row, "phone", entry->phone);
    json_put_text(job->arena, row, "email", entry->email);
    return row;
}

static const char *entry_name(struct field_job *job, const char *type, const char *handle)
{
    return field_join(job, type, "/", handle);
}

static void add(struct field_job *job, const char *type, const struct directory_entry *entry,
                const struct field *rows)
{
    const char *name = entry_name(job, type, entry->handle);
    if (entries_has(job, name))
        return;
    struct json *outer = job->resource;
    struct json *resource = entries_add(job, type, name, false);
    job->resource = resource;
    field_write(job, rows, row_of(job, entry), resource);
    job->resource = outer;
}

/* Who stands in no directory is named, with the handle as all that is known. */
static struct json *unknown_reference(struct field_job *job, const char *handle)
{
    struct json *reference = json_new_object(job->arena);
    json_put(reference, "identifier",
             field_new_identifier(job, NULL, field_uri(job, "/sid/handle"), handle));
    json_put_text(job->arena, reference, "display", handle);
    return reference;
}

struct json *people_reference(struct field_job *job, const char *handle)
{
    if (handle == NULL)
        return NULL;
    const struct directory_entry *entry =
        directory_meet(job->context->directory, job->arena, handle);
    if (entry == NULL)
        return unknown_reference(job, handle);
    const char *type = "Organization";
    if (entry->is_person) {
        add(job, "Practitioner", entry, map_practitioner);
        type = entry->works_at == NULL && entry->profession == NULL ? "Practitioner"
                                                                    : "PractitionerRole";
        if (strcmp(type, "PractitionerRole") == 0)
            add(job, type, entry, map_practitioner_role);
    } else {
        add(job, type, entry, map_organization);
    }
    return entries_reference(job, entry_name(job, type, entry->handle), entry->name);
}

struct json *people_organization(struct field_job *job, const char *handle)
{
    const struct directory_entry *entry =
        directory_meet(job->context->directory, job->arena, handle);
    return entry != NULL && entry->is_person ? NULL : people_reference(job, handle);
}

/* ---- inbound: the handle of a resource ---- */

/* Resources of this message that were matched already: open addressing by address, which no
 * partner knows, at most half full. */
struct person {
    const struct json *resource; /* NULL: a free place */
    const char *handle;
};

struct people {
    struct person *places;
    size_t count, room; /* a power of two */
};

enum { PEOPLE_FIRST = 16 };

/* ASCII letter for the Latin letters U+00C0 to U+017F, else '-'. */
static char plain_letter(unsigned point)
{
    static const char latin[] =
        "aaaaaaaceeeeiiiidnooooo-ouuuuytsaaaaaaaceeeeiiiidnooooo-ouuuuyty"
        "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkklllllllllln"
        "nnnnnnnnooooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";
    if (point >= 'A' && point <= 'Z')
        return (char)(point - 'A' + 'a');
    if ((point >= 'a' && point <= 'z') || (point >= '0' && point <= '9'))
        return (char)point;
    if (point >= 0xc0 && point < 0xc0 + sizeof latin - 1)
        return latin[point - 0xc0];
    return '-';
}

static const char *slug_of(struct field_job *job, const char *name)
{
    char slug[41];
    size_t length = 0;
    unsigned hash = 2166136261u;
    for (const char *at = name; *at != '\0';) {
        unsigned point = text_utf8_next(&at);
        char letter = plain_letter(point);
        hash = (hash ^ point) * 16777619u;
        if (letter == '-' && (length == 0 || slug[length - 1] == '-'))
            continue;
        if (length < sizeof slug - 1)
            slug[length++] = letter;
    }
    while (length > 0 && slug[length - 1] == '-')
        length--;
    slug[length] = '\0';
    return length >= 2 ? arena_copy(job->arena, slug) : arena_print(job->arena, "p-%08x", hash);
}

/* Our own handle, when the sender's word for a person without NPI means the same in our directory.
 */
static const char *shared_handle(struct field_job *job, const struct json *row)
{
    const char *theirs = json_get_text(row, "their_handle");
    const struct directory_entry *entry =
        theirs == NULL ? NULL : directory_find(job->context->directory, theirs);
    if (entry == NULL || entry->npi != NULL)
        return NULL;
    const char *clinic = people_clinic(job, entry->handle);
    return text_equal(clinic, json_get_text(row, "their_clinic")) ? entry->handle : NULL;
}

/* What one message says of people whom nobody here knows is a claim: as many are kept as a long one
 * names, and of those behind them the names in the record. */
enum { NEW_PEOPLE_MAX = 200 };

static bool is_new(struct field_job *job, const char *handle)
{
    if (job->new_people == NULL)
        job->new_people = json_new_list(job->arena);
    if (json_count(job->new_people) >= NEW_PEOPLE_MAX)
        return false;
    for (struct json *row = json_first(job->new_people); row != NULL; row = json_next(row)) {
        if (text_equal(json_get_text(row, "handle"), handle))
            return false;
    }
    return true;
}

/* A row of directory.csv for who is not known here. */
static void add_row(struct field_job *job, struct json *row, const char *handle, bool is_person)
{
    static const char *const columns[] = {"given_names", "family_name", "profession", "npi",
                                          "works_at",    "phone",       "email",      NULL};
    if (!is_new(job, handle))
        return;
    struct json *known = json_push(job->new_people, json_new_object(job->arena));
    const char *name = json_get_text(row, "name");
    json_put_text(job->arena, known, "handle", handle);
    json_put_text(job->arena, known, "kind", is_person ? "person" : "clinic");
    json_put_text(job->arena, known, "name", name != NULL ? name : handle);
    for (size_t i = 0; columns[i] != NULL; i++)
        json_set_text(job->arena, known, columns[i], json_get_text(row, columns[i]));
    json_put_text(job->arena, known, "partner", is_person ? NULL : job->partner);
}

static const char *stranger_handle(struct field_job *job, const struct json *row)
{
    const char *name = json_get_text(row, "name");
    if (name == NULL)
        name = json_get_text(row, "family_name");
    if (name == NULL)
        name = json_get_text(row, "their_handle");
    if (name == NULL)
        return NULL;
    const char *partner = job->partner == NULL ? "unknown" : job->partner;
    return arena_print(job->arena, "%.20s/%s", partner, slug_of(job, name));
}

static const char *match(struct field_job *job, struct json *row, bool is_person)
{
    const struct directory *directory = job->context->directory;
    const char *npi = json_get_text(row, "npi");
    const struct directory_entry *entry = directory_find_npi(directory, npi);
    const char *handle = entry != NULL ? entry->handle : NULL;
    if (handle == NULL && npi == NULL)
        handle = shared_handle(job, row);
    if (handle != NULL)
        return handle;
    handle = npi != NULL ? arena_print(job->arena, "npi:%s", npi) : stranger_handle(job, row);
    if (handle != NULL && (npi != NULL || directory_find(directory, handle) == NULL))
        add_row(job, row, handle, is_person);
    return handle;
}

static void read_resource(struct field_job *job, const struct field *rows, struct json *resource,
                          struct json *row)
{
    struct json *outer = job->resource;
    job->resource = resource;
    field_read(job, rows, resource, row);
    job->resource = outer;
}

static struct person *place_of(const struct people *people, const struct json *resource)
{
    uint64_t mixed = (uint64_t)(uintptr_t)resource * 0x9e3779b97f4a7c15ull;
    mixed = (mixed ^ mixed >> 32) * 0xc2b2ae3d27d4eb4full;
    size_t at = (size_t)(mixed >> 32) & (people->room - 1);
    while (people->places[at].resource != NULL && people->places[at].resource != resource)
        at = (at + 1) & (people->room - 1);
    return &people->places[at];
}

static void make_room(struct field_job *job, struct people *people)
{
    struct people larger = {.count = people->count,
                            .room = people->room == 0 ? PEOPLE_FIRST : 2 * people->room};
    larger.places = arena_array(job->arena, larger.room, sizeof *larger.places);
    for (size_t i = 0; i < people->room; i++) {
        if (people->places[i].resource != NULL)
            *place_of(&larger, people->places[i].resource) = people->places[i];
    }
    *people = larger;
}

/* The place of RESOURCE, which is free when it was not met before. */
static struct person *person_of(struct field_job *job, const struct json *resource)
{
    if (job->people == NULL)
        job->people = arena_alloc(job->arena, sizeof *job->people);
    if (2 * job->people->count >= job->people->room)
        make_room(job, job->people);
    return place_of(job->people, resource);
}

/* A PractitionerRole says who at PRACTITIONER, or only by a name there. */
static void read_role(struct field_job *job, struct json *role, struct json *row)
{
    struct json *reference = json_get(role, "practitioner");
    struct json *person = entries_resource(job, reference, role);
    if (person != NULL) {
        read_resource(job, map_practitioner, person, row);
    } else {
        struct json *identifier = json_get(reference, "identifier");
        if (text_equal(json_get_text(identifier, "system"), "http://hl7.org/fhir/sid/us-npi") &&
            directory_npi_valid(json_get_text(identifier, "value")))
            json_put_text(job->arena, row, "npi", json_get_text(identifier, "value"));
    }
    read_resource(job, map_practitioner_role, role, row);
    if (person != NULL && json_get(row, "npi") == NULL && json_get(row, "their_handle") == NULL)
        json_put_text(job->arena, row, "their_handle", json_get_text(person, "id"));
}

static bool read_who(struct field_job *job, struct json *resource, struct json *row)
{
    const char *type = json_get_text(resource, "resourceType");
    if (text_equal(type, "PractitionerRole"))
        read_role(job, resource, row);
    else if (text_equal(type, "Practitioner"))
        read_resource(job, map_practitioner, resource, row);
    else if (text_equal(type, "Organization"))
        read_resource(job, map_organization, resource, row);
    else
        return false;
    return true;
}

/* The handle of an Organization, Practitioner or PractitionerRole resource. */
static const char *handle_of(struct field_job *job, struct json *resource)
{
    struct person *who = person_of(job, resource);
    if (who->resource != NULL)
        return who->handle;
    who->resource = resource; /* before reading: who refers to itself ends here */
    job->people->count++;
    struct json *row = json_new_object(job->arena);
    if (!read_who(job, resource, row))
        return NULL;
    const char *handle =
        match(job, row, !text_equal(json_get_text(resource, "resourceType"), "Organization"));
    person_of(job, resource)->handle = handle; /* others were met meanwhile */
    return handle;
}

/* By an identifier in the Reference itself, else by the name shown. */
static const char *handle_of_logical(struct field_job *job, const struct json *reference)
{
    struct json *row = json_new_object(job->arena);
    const struct json *identifier = json_get(reference, "identifier");
    const char *system = json_get_text(identifier, "system");
    const char *value = json_get_text(identifier, "value");
    const char *type = json_get_text(reference, "type");
    if (text_equal(system, "http://hl7.org/fhir/sid/us-npi") && directory_npi_valid(value))
        json_put_text(job->arena, row, "npi", value);
    else if (field_is_ours(job, system, "/sid/handle") &&
             directory_meet(job->context->directory, job->arena, value) != NULL)
        return value;
    else if (field_is_ours(job, system, "/sid/handle"))
        json_put_text(job->arena, row, "their_handle", value);
    json_put_text(job->arena, row, "name", json_get_text(reference, "display"));
    if (json_first(row) == NULL)
        return NULL;
    return match(job, row, !text_equal(type, "Organization"));
}

const char *people_handle(struct field_job *job, struct json *reference, struct json *container)
{
    struct json *resource = entries_resource(job, reference, container);
    return resource != NULL ? handle_of(job, resource) : handle_of_logical(job, reference);
}
