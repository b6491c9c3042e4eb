/* people: see map/people.h. How people are matched: docs/wire-profile.md, "People". */
#include "fhir/map/people.h"

#include <stdint.h>
#include <string.h>

#include "fhir/entries/entries.h"
#include "fhir/field/choice.h"
#include "fhir/field/standing.h"
#include "fhir/map/claim.h"
#include "fhir/map/part.h"

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

/* What may be meant: a resource says so, a Reference need not. */
enum kind { PERSON, CLINIC, EITHER };

struct person {                  /* somebody this message names */
    const struct json *resource; /* NULL: by a Reference alone */
    const struct json *row;      /* as the tables read it */
    const char *handle;
    enum kind kind;
    struct person *earlier;
};

/* Those of resources stand in a table, too: open addressing by address, which no partner knows, at
 * most half full. */
struct people {
    struct person **places;
    size_t count, room; /* a power of two */
    struct person *last;
};

enum { PEOPLE_FIRST = 16 };

static struct person **place_of(const struct people *people, const struct json *resource)
{
    uint64_t mixed = (uint64_t)(uintptr_t)resource * 0x9e3779b97f4a7c15ull;
    mixed = (mixed ^ mixed >> 32) * 0xc2b2ae3d27d4eb4full;
    size_t at = (size_t)(mixed >> 32) & (people->room - 1);
    while (people->places[at] != NULL && people->places[at]->resource != resource)
        at = (at + 1) & (people->room - 1);
    return &people->places[at];
}

static void make_room(struct field_job *job, struct people *people)
{
    struct people larger = *people;
    larger.room = people->room == 0 ? PEOPLE_FIRST : 2 * people->room;
    larger.places = arena_array(job->arena, larger.room, sizeof *larger.places);
    for (size_t i = 0; i < people->room; i++) {
        if (people->places[i] != NULL)
            *place_of(&larger, people->places[i]->resource) = people->places[i];
    }
    *people = larger;
}

static struct people *people_of(struct field_job *job)
{
    if (job->people == NULL)
        job->people = arena_alloc(job->arena, sizeof *job->people);
    if (2 * job->people->count >= job->people->room)
        make_room(job, job->people);
    return job->people;
}

static struct person *note(struct field_job *job, const struct json *resource)
{
    struct people *people = people_of(job);
    struct person *person = arena_alloc(job->arena, sizeof *person);
    *person = (struct person){.resource = resource, .earlier = people->last};
    people->last = person;
    if (resource == NULL)
        return person;
    *place_of(people, resource) = person;
    people->count++;
    return person;
}

static struct person *known_already(struct field_job *job, const struct json *resource)
{
    return *place_of(people_of(job), resource);
}

static bool is_of_kind(const struct directory_entry *entry, enum kind kind)
{
    return entry != NULL && (kind == EITHER || entry->is_person == (kind == PERSON));
}

/* Our own handle, when the sender's word for a person without NPI means the same in our directory.
 */
static const struct directory_entry *shared_entry(struct field_job *job, const struct json *row)
{
    const char *theirs = json_get_text(row, "their_handle");
    const struct directory_entry *entry =
        theirs == NULL ? NULL : directory_find(job->context->directory, theirs);
    if (entry == NULL || entry->npi != NULL)
        return NULL;
    const char *clinic = people_clinic(job, entry->handle);
    return text_equal(clinic, json_get_text(row, "their_clinic")) ? entry : NULL;
}

static const struct directory_entry *entry_of(struct field_job *job, const struct json *row,
                                              enum kind kind)
{
    const char *npi = json_get_text(row, "npi");
    const struct directory_entry *entry =
        npi != NULL ? directory_find_npi(job->context->directory, npi) : shared_entry(job, row);
    return is_of_kind(entry, kind) ? entry : NULL;
}

/* Shown as the partner claims it, or as whom a person of ours took that claim for. */
static const char *claimed(struct field_job *job, const struct json *row, enum kind kind)
{
    const char *handle = claim_handle(job, row, kind != CLINIC);
    if (handle == NULL)
        return NULL;
    const struct directory_entry *entry = directory_find(job->context->directory, handle);
    if (entry != NULL && strcmp(entry->handle, handle) == 0)
        return arena_print(job->arena, "%s~", handle); /* a row of that name is another matter */
    if (is_of_kind(entry, kind))
        return entry->handle;
    claim_add(job, row, handle, kind != CLINIC);
    return handle;
}

static const char *match(struct field_job *job, const struct json *row, enum kind kind)
{
    const struct directory_entry *entry = entry_of(job, row, kind);
    const char *npi = json_get_text(row, "npi");
    if (entry != NULL)
        return entry->handle;
    if (job->context->partner == NULL && npi != NULL)
        return arena_print(job->arena, "npi:%s", npi); /* nobody's claim: a file on our desk */
    return claimed(job, row, kind);
}

static void read_resource(struct field_job *job, const struct field *rows, struct json *resource,
                          struct json *holder, struct json *row)
{
    struct json *outer = job->resource;
    job->resource = holder;
    field_read(job, rows, resource, row);
    job->resource = outer;
}

bool people_is_npi(const struct json *identifier)
{
    const char *system = json_get_text(identifier, "system");
    return (text_equal(system, "http://hl7.org/fhir/sid/us-npi") ||
            text_equal(system, "urn:oid:2.16.840.1.113883.4.6")) &&
           directory_npi_valid(json_get_text(identifier, "value"));
}

/* Whether a role is over, by what it says of itself: then it names no place. */
static bool has_left(struct field_job *job, struct json *role)
{
    return standing_sets_aside(job, role, "PractitionerRole", role, NULL) ||
           choice_time(job, role) == CHOICE_ENDED;
}

/* A PractitionerRole says who at PRACTITIONER, or only by a name there. */
static struct json *read_role(struct field_job *job, struct json *role, struct json *holder,
                              struct json *row)
{
    struct json *reference = json_get(role, "practitioner");
    struct json *person = entries_resource(job, reference, holder);
    if (person != NULL) {
        standing_tell(job, person, "Practitioner", person, NULL);
        read_resource(job, map_practitioner, person, holder, row);
    } else if (people_is_npi(json_get(reference, "identifier"))) {
        json_put_text(job->arena, row, "npi",
                      json_get_text(json_get(reference, "identifier"), "value"));
    }
    read_resource(job, map_practitioner_role, role, holder, row);
    if (has_left(job, role))
        json_remove(row, "works_at");
    return person != NULL ? person : role;
}

/* What tells one stranger from another: an identifier of any system, else the resource's id. */
static void take_identifier(struct field_job *job, const struct json *resource, struct json *row)
{
    const struct json *identifier =
        choice_best(job, json_get(resource, "identifier"), choice_of_value, NULL);
    const char *value = json_get_text(identifier, "value");
    const char *system = json_get_text(identifier, "system");
    if (json_get(row, "npi") != NULL || json_get(row, "their_handle") != NULL)
        return;
    if (value != NULL)
        json_put_text(job->arena, row, "their_identifier",
                      field_join(job, system == NULL ? "" : system, "|", value));
    else if (json_get(row, "name") == NULL && json_get(row, "family_name") == NULL)
        json_put_text(job->arena, row, "their_handle", json_get_text(resource, "id"));
}

static bool read_who(struct field_job *job, struct json *resource, struct json *holder,
                     struct json *row, enum kind *ret_kind)
{
    const char *type = json_get_text(resource, "resourceType");
    const struct json *who = resource;
    *ret_kind = PERSON;
    if (text_equal(type, "PractitionerRole")) {
        who = read_role(job, resource, holder, row);
    } else if (text_equal(type, "Practitioner")) {
        read_resource(job, map_practitioner, resource, holder, row);
    } else if (text_equal(type, "Organization")) {
        read_resource(job, map_organization, resource, holder, row);
        *ret_kind = CLINIC;
    } else {
        return false;
    }
    standing_tell(job, resource, type, resource, NULL);
    take_identifier(job, who, row);
    return true;
}

/* Of what is no person the clinic that stands behind it; NULL: RESOURCE is asked itself. */
static struct json *clinic_behind(const struct json *resource)
{
    const char *type = json_get_text(resource, "resourceType");
    if (text_equal(type, "HealthcareService"))
        return json_get(resource, "providedBy");
    if (text_equal(type, "Location"))
        return json_get(resource, "managingOrganization");
    bool is_post =
        text_equal(type, "PractitionerRole") && json_get(resource, "practitioner") == NULL;
    return is_post ? json_get(resource, "organization") : NULL;
}

/* The service of a post that names no organization. */
static struct json *service_of(struct field_job *job, const struct json *resource,
                               const struct json *holder)
{
    bool is_post = text_equal(json_get_text(resource, "resourceType"), "PractitionerRole") &&
                   json_get(resource, "practitioner") == NULL;
    struct json *service = is_post ? json_first(json_get(resource, "healthcareService")) : NULL;
    return service == NULL ? NULL : json_get(entries_resource(job, service, holder), "providedBy");
}

/* The handle of an Organization, Practitioner or PractitionerRole resource, or of the clinic behind
 * another. HOLDER: where its references lead from, itself unless it is contained. */
static const char *handle_of(struct field_job *job, struct json *resource, struct json *holder)
{
    struct person *who = known_already(job, resource);
    if (who != NULL)
        return who->handle;
    who = note(job, resource); /* before reading: who refers to itself ends here */
    struct json *row = json_new_object(job->arena);
    struct json *behind = clinic_behind(resource);
    who->row = row;
    if (behind == NULL)
        behind = service_of(job, resource, holder);
    if (behind != NULL)
        who->handle = people_handle(job, behind, holder);
    else if (read_who(job, resource, holder, row, &who->kind))
        who->handle = match(job, row, who->kind);
    return who->handle;
}

/* A handle means something within one clinic: of ours only clinics are known by it elsewhere. */
static const struct directory_entry *entry_of_handle(struct field_job *job, const char *handle)
{
    const struct directory *directory = job->context->directory;
    const struct directory_entry *entry = directory_meet(directory, job->arena, handle);
    const char *partner = job->context->partner;
    if (entry == NULL || partner == NULL || !entry->is_person)
        return entry;
    return text_equal(directory_partner(directory, entry, NULL), partner) ? entry : NULL;
}

/* By an identifier in the Reference itself, else by the name shown. */
static const char *handle_of_logical(struct field_job *job, const struct json *reference)
{
    struct json *row = json_new_object(job->arena);
    const struct json *identifier = json_get(reference, "identifier");
    const char *system = json_get_text(identifier, "system");
    const char *value = json_get_text(identifier, "value");
    const char *type = json_get_text(reference, "type");
    bool is_handle = field_is_ours(job, system, "/sid/handle");
    const struct directory_entry *entry = is_handle ? entry_of_handle(job, value) : NULL;
    if (people_is_npi(identifier))
        json_put_text(job->arena, row, "npi", value);
    else if (is_handle)
        json_put_text(job->arena, row, "their_handle", value);
    json_put_text(job->arena, row, "name", json_get_text(reference, "display"));
    if (json_first(row) == NULL)
        return NULL;
    struct person *who = note(job, NULL);
    who->row = row;
    who->kind = text_equal(type, "Organization") ? CLINIC : type == NULL ? EITHER : PERSON;
    who->handle = entry != NULL ? value : match(job, row, who->kind);
    return who->handle;
}

const char *people_handle(struct field_job *job, struct json *reference, struct json *container)
{
    struct json *resource = entries_resource(job, reference, container);
    bool is_contained = text_starts(json_get_text(reference, "reference"), "#");
    if (resource == NULL)
        return handle_of_logical(job, reference);
    return handle_of(job, resource, is_contained ? container : resource);
}

/* ---- inbound: one of several ---- */

struct asked {
    struct json *container;
    const char *clinic;
};

static bool is_clinic(struct field_job *job, const struct json *reference,
                      const struct directory_entry *entry, const struct json *container)
{
    const struct json *resource = entries_resource(job, reference, container);
    const char *type = resource != NULL ? json_get_text(resource, "resourceType")
                                        : json_get_text(reference, "type");
    return entry != NULL ? !entry->is_person : text_equal(type, "Organization");
}

static bool judge_person(struct field_job *job, struct json *reference, const void *option,
                         struct choice *ret_choice)
{
    const struct asked *asked = option;
    const char *handle = people_handle(job, reference, asked->container);
    const struct directory_entry *entry =
        handle == NULL ? NULL : directory_find(job->context->directory, handle);
    if (handle == NULL)
        return false;
    bool is_there = asked->clinic != NULL && text_equal(people_clinic(job, handle), asked->clinic);
    ret_choice->rank = is_clinic(job, reference, entry, asked->container) ? 10 : 0;
    ret_choice->rank += is_there ? 0 : entry != NULL ? 1 : 2;
    ret_choice->first = handle;
    return true;
}

struct json *people_choose(struct field_job *job, struct json *list, struct json *container,
                           const char *clinic)
{
    if (json_kind(list) == JSON_LIST && json_next(json_first(list)) == NULL)
        return json_first(list); /* as nearly always */
    return choice_best(job, list, judge_person, &(struct asked){container, clinic});
}

/* ---- inbound: who wrote it ---- */

static const struct person *named_so(const struct field_job *job, const char *handle)
{
    const struct person *at = job->people == NULL ? NULL : job->people->last;
    while (at != NULL && !text_equal(at->handle, handle))
        at = at->earlier;
    return at;
}

const char *people_author(struct field_job *job, const char *handle, const char *sender)
{
    const struct directory *directory = job->context->directory;
    const struct directory_entry *entry = directory_find(directory, handle);
    if (handle == NULL || entry == NULL || job->context->partner == NULL ||
        text_equal(directory_clinic_handle(directory, handle), sender))
        return handle;
    const struct person *who = named_so(job, handle);
    const char *shown = who == NULL ? NULL : claim_handle(job, who->row, who->kind != CLINIC);
    if (shown == NULL)
        return sender;
    claim_add(job, who->row, shown, who->kind != CLINIC);
    return shown;
}
