/* field_site: body areas with their side. See field.h.
 *
 * The area is a CodeableConcept; R4 has no element for the side, so a contained BodyStructure with
 * `locationQualifier` hangs on the R4 extensions bodySite and flag-detail (docs/mapping.md).
 * Nothing is read from the text. */
#include "fhir/entries/entries.h"
#include "fhir/field/field.h"
#include "fhir/field/standing.h"

#include <string.h>

static const char body_site_extension[] = "http://hl7.org/fhir/StructureDefinition/bodySite";
static const char flag_detail_extension[] = "http://hl7.org/fhir/StructureDefinition/flag-detail";
static const struct field_codes areas = {"bodysite", true};
static const struct field_codes sides = {"laterality", true};

static const char *site_text(struct field_job *job, const char *area, const char *side)
{
    const char *words = area == NULL ? NULL : field_sentence(job, area);
    if (side == NULL)
        return words;
    const char *where = strcmp(side, "both") == 0 ? "both sides" : side;
    return words == NULL ? field_sentence(job, where)
                         : arena_print(job->arena, "%s, %s", words, where);
}

/* The CodeableConcept of an area, with its text; the side is told in the text only. */
static struct json *area_concept(struct field_job *job, const char *area, const char *side)
{
    struct json *codes =
        area == NULL ? json_new_object(job->arena) : field_concept_of(job, &areas, area);
    json_remove(codes, "text");
    json_put_text(job->arena, codes, "text", site_text(job, area, side));
    return codes;
}

/* A contained BodyStructure of the resource at hand; returns the reference to it. */
static struct json *contain(struct field_job *job, const char *area, const char *side)
{
    struct json *contained = json_get(job->resource, "contained");
    if (contained == NULL)
        contained = json_put(job->resource, "contained", json_new_list(job->arena));
    const char *id = arena_print(job->arena, "site-%zu", json_count(contained) + 1);
    struct json *body = json_push(contained, json_new_object(job->arena));
    json_set_text(job->arena, body, "resourceType", "BodyStructure");
    json_set_text(job->arena, body, "id", id);
    if (area != NULL)
        json_put(body, "location", field_concept_of(job, &areas, area));
    if (side != NULL) {
        struct json *list = json_put(body, "locationQualifier", json_new_list(job->arena));
        json_push(list, field_concept_of(job, &sides, side));
    }
    json_put(body, "patient", entries_reference(job, "Patient", NULL));
    struct json *reference = json_new_object(job->arena);
    json_set_text(job->arena, reference, "reference", arena_print(job->arena, "#%s", id));
    return reference;
}

static struct json *site_extension(struct field_job *job, const char *url, const char *area,
                                   const char *side)
{
    struct json *extension = json_new_object(job->arena);
    json_set_text(job->arena, extension, "url", url);
    json_put(extension, "valueReference", contain(job, area, side));
    return extension;
}

struct json *field_new_site(struct field_job *job, const char *area, const char *side)
{
    if (area == NULL && side == NULL)
        return NULL;
    struct json *codes = area_concept(job, area, side);
    if (side == NULL)
        return codes;
    struct json *extensions = json_new_list(job->arena);
    json_push(extensions, site_extension(job, body_site_extension, area, side));
    json_put(codes, "extension", extensions);
    return codes;
}

static struct json *contained_body(struct field_job *job, const struct json *extension)
{
    const char *reference = json_text(json_find(extension, "valueReference", "reference", NULL));
    if (reference == NULL || reference[0] != '#')
        return NULL;
    for (struct json *item = json_first(json_get(job->resource, "contained")); item != NULL;
         item = json_next(item)) {
        if (text_equal(json_get_text(item, "id"), reference + 1) &&
            text_equal(json_get_text(item, "resourceType"), "BodyStructure"))
            return item;
    }
    return NULL;
}

/* The one of its qualifiers that tells a side, or NULL; both sides are no side. */
static struct json *qualifier_of(struct field_job *job, const struct json *body)
{
    struct json *found = NULL;
    for (struct json *item = json_first(json_get(body, "locationQualifier")); item != NULL;
         item = json_next(item)) {
        const char *side = field_word_of(job, "laterality", item);
        if (side == NULL)
            continue;
        if (found != NULL && !text_equal(side, field_word_of(job, "laterality", found)))
            return NULL;
        found = item;
    }
    return found;
}

/* Area and side of the BodyStructure an extension points at; what is understood is marked. */
static void read_body(struct field_job *job, struct json *extension, const char **ret_area,
                      const char **ret_side)
{
    struct json *body = contained_body(job, extension);
    struct json *qualifier = qualifier_of(job, body);
    struct json *location = json_get(body, "location");
    if (body == NULL || standing_sets_aside(job, job->resource, "BodyStructure", body, NULL))
        return;
    const char *side = field_word_of(job, "laterality", qualifier);
    const char *area = field_word_of(job, "bodysite", location);
    if (side != NULL) {
        field_mark_word(job, qualifier, &sides, side, NULL);
        *ret_side = side;
    }
    if (area != NULL) {
        field_mark_word(job, location, &areas, area, NULL);
        *ret_area = area;
    }
    if (side != NULL || area != NULL)
        json_mark(extension);
}

static struct json *extension_of(struct json *node, const char *url)
{
    for (struct json *item = json_first(json_get(node, "extension")); item != NULL;
         item = json_next(item)) {
        if (text_equal(json_get_text(item, "url"), url))
            return item;
    }
    return NULL;
}

void field_read_site(struct field_job *job, struct json *node, const char **ret_area,
                     const char **ret_side)
{
    const char *inner_area = NULL;
    const char *side = NULL;
    const char *area = field_word_of(job, "bodysite", node);
    read_body(job, extension_of(node, body_site_extension), &inner_area, &side);
    if (area == NULL && side == NULL)
        return;
    if (area != NULL)
        field_mark_word(job, node, &areas, area, site_text(job, area, side));
    else
        field_mark_concept(job, node, area_concept(job, area, side));
    *ret_area = area;
    *ret_side = side;
}

static struct json *write_site(struct field_job *job, const struct field *field,
                               const struct json *value)
{
    (void)field;
    return field_new_site(job, json_get_text(value, "area"), json_get_text(value, "side"));
}

static struct json *read_site(struct field_job *job, const struct field *field, struct json *node,
                              struct json *into)
{
    const char *area = NULL;
    const char *side = NULL;
    field_read_site(job, node, &area, &side);
    if (area == NULL && side == NULL)
        return NULL;
    struct json *target = field->local == NULL ? into : json_new_object(job->arena);
    json_put_text(job->arena, target, "area", area);
    json_put_text(job->arena, target, "side", side);
    return field->local == NULL ? NULL : target;
}

const struct field_kind field_site = {write_site, read_site};

static struct json *write_flag_site(struct field_job *job, const struct field *field,
                                    const struct json *value)
{
    (void)field;
    const char *area = json_get_text(value, "area");
    const char *side = json_get_text(value, "side");
    return area == NULL && side == NULL ? NULL
                                        : site_extension(job, flag_detail_extension, area, side);
}

static struct json *read_flag_site(struct field_job *job, const struct field *field,
                                   struct json *node, struct json *into)
{
    const char *area = NULL;
    const char *side = NULL;
    (void)field;
    if (!text_equal(json_get_text(node, "url"), flag_detail_extension))
        return NULL;
    read_body(job, node, &area, &side);
    if (json_get(into, "area") == NULL)
        json_put_text(job->arena, into, "area", area);
    if (json_get(into, "side") == NULL)
        json_put_text(job->arena, into, "side", side);
    return NULL;
}

const struct field_kind field_flag_site = {write_flag_site, read_flag_site};
