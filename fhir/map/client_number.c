/* client_number: see client_number.h.
 *
 * A Patient of another system has many numbers, and only some of them are a clinic's number of its
 * client: the medical record number first. What the state, an insurer or an employer gave (Social
 * Security, passport, licence, member, tax numbers) never is, however it is typed; it stays in
 * `received`. A health number of the state serves where there is no other. Where two systems give a
 * number that serves equally well and nothing tells whose it is, neither is taken: a wrong number
 * is worse than none, and the name still identifies. */
#include "fhir/map/client_number.h"

#include <string.h>
#include <strings.h>

#include "fhir/client/name.h"
#include "fhir/field/choice.h"
#include "fhir/map/people.h"

/* ---- what sort of number it is ---- */

/* The better first. */
enum sort {
    SORT_RECORD,
    SORT_PERSON,
    SORT_SECONDARY, /* one of these that its giver uses beside another */
    SORT_UNTYPED,
    SORT_TEMPORARY,
    SORT_HEALTH, /* of the state's for its patients: theirs, but no clinic's */
    SORT_NEVER
};

/* Codes of HL7 v2 table 0203 that a clinic's number of its client may have. */
static const struct {
    const char *code;
    enum sort sort;
} types[] = {{"MR", SORT_RECORD},  {"PI", SORT_PERSON},     {"PT", SORT_PERSON},
             {"PN", SORT_PERSON},  {"PE", SORT_PERSON},     {"U", SORT_UNTYPED},
             {"RI", SORT_UNTYPED}, {"MRT", SORT_TEMPORARY}, {"JHN", SORT_HEALTH},
             {"HC", SORT_HEALTH}};

/* Where the table is meant, every other code is another sort of number. */
static const char *const type_systems[] = {
    "http://terminology.hl7.org/CodeSystem/v2-0203", "http://hl7.org/fhir/v2/0203",
    "http://hl7.org/fhir/identifier-type", "urn:oid:2.16.840.1.113883.18.108", NULL};
/* And these whatever the system. */
static const char *const never_types[] = {
    "SS",  "SB",  "DL",   "PPN", "PPIN", "MC",  "MA",  "MB",  "MCR", "MCD", "MCN", "SN",
    "NI",  "NH",  "NIIP", "TAX", "EN",   "EI",  "PRN", "NPI", "AN",  "VN",  "WC",  "WCN",
    "PRC", "BRN", "BR",   "BC",  "CZ",   "DFN", "MI",  "DN",  "DR",  "LN",  "MD",  NULL};

static enum sort sort_of_coding(const struct json *coding)
{
    const char *code = json_get_text(coding, "code");
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (text_equal(types[i].code, code))
            return types[i].sort;
    }
    bool is_other = text_is_one_of(json_get_text(coding, "system"), type_systems);
    return is_other || text_is_one_of(code, never_types) ? SORT_NEVER : SORT_UNTYPED;
}

/* Whether TEXT says one of WORDS (in small letters), whatever its case. */
static bool says(const char *text, const char *const *words)
{
    char small[200];
    size_t length = 0;
    for (; text != NULL && text[length] != '\0' && length < sizeof small - 1; length++) {
        char letter = text[length];
        small[length] = letter >= 'A' && letter <= 'Z' ? (char)(letter - 'A' + 'a') : letter;
    }
    small[length] = '\0';
    for (; *words != NULL; words++) {
        if (strstr(small, *words) != NULL)
            return true;
    }
    return false;
}

static const char *const health_words[] = {"health card", "health-card", "nhs", NULL};
static const char *const record_words[] = {"mrn", "medical record", "record number", NULL};
static const char *const never_words[] = {
    "ssn",         "social sec", "social-sec", "socialsec", "passport", "driver", "driving",
    "licen",       "insur",      "member",     "subscrib",  "policy",   "payer",  "medicare",
    "medicaid",    "tax id",     "tax-id",     "taxid",     "taxpayer", "employ", "national id",
    "national-id", "military",   "student",    NULL};

static enum sort sort_of_type(const struct json *type)
{
    enum sort best = SORT_UNTYPED;
    bool has_code = false;
    for (struct json *coding = json_first(json_get(type, "coding")); coding != NULL;
         coding = json_next(coding)) {
        enum sort sort = sort_of_coding(coding);
        if (sort == SORT_NEVER)
            return SORT_NEVER;
        best = !has_code || sort < best ? sort : best;
        has_code = has_code || json_get(coding, "code") != NULL;
    }
    const char *text = json_get_text(type, "text");
    if (best == SORT_UNTYPED && says(text, never_words))
        return SORT_NEVER;
    if (best == SORT_UNTYPED && says(text, health_words))
        return SORT_HEALTH;
    return !has_code && says(text, record_words) ? SORT_RECORD : best;
}

/* Systems that R4 itself names: us-ssn, us-medicare, us-mbi, us-npi, passport-... */
static const char known_systems[] = "http://hl7.org/fhir/sid/";
/* Of states, for their patients. */
static const char *const health_systems[] = {
    "https://fhir.nhs.uk/Id/nhs-number",
    "https://fhir.infoway-inforoute.ca/NamingSystem/ca-",
    "http://ns.electronichealth.net.au/id/",
    "urn:oid:2.16.840.1.113883.2.1.4.1",
    "urn:oid:2.16.840.1.113883.2.1.3.2.4.16.53",     /* Scottish CHI */
    "https://standards.digital.health.nz/ns/nhi-id", /* New Zealand NHI */
    NULL};

/* Of states, for all their people or the insured: a person's whole life hangs on them. */
static const char *const state_oids[] = {"2.16.840.1.113883.2.4.6.3", /* Dutch BSN */
                                         "1.2.250.1.213.1.4.",        /* French INS, of the NIR */
                                         "1.2.208.176.1.2",           /* Danish CPR */
                                         "2.16.578.1.12.4.1.4.",      /* Norwegian fnr, D-number */
                                         "1.2.752.129.2.1.3.",        /* Swedish personnummer */
                                         "1.2.246.21",                /* Finnish hetu */
                                         "2.16.756.5.32",             /* Swiss AHV */
                                         "1.2.40.0.10.1.4.3.1",       /* Austrian SVNR */
                                         "2.16.840.1.113883.2.9.4.3.2", /* Italian tax code */
                                         "1.2.276.0.76.4.8",            /* German KVNR */
                                         NULL};
/* The last step of a system's address, whoever's host it stands at. */
static const char *const state_names[] = {"bsn",
                                          "kvid-10",
                                          "kvid",
                                          "kvnr",
                                          "ssin",
                                          "insz",
                                          "niss",
                                          "personnummer",
                                          "fodselsnummer",
                                          "ahv",
                                          "ahvn13",
                                          "svnr",
                                          "codicefiscale",
                                          "codice-fiscale",
                                          "aadhaar",
                                          "uidai",
                                          "hetu",
                                          "cpr-number",
                                          NULL};

/* The first as OIDs; one that ends in a point has others beneath it. */
static const char *const never_oids[] = {"2.16.840.1.113883.4.1",    "2.16.840.1.113883.4.2",
                                         "2.16.840.1.113883.4.3.",   "2.16.840.1.113883.4.6",
                                         "2.16.840.1.113883.4.330.", "2.16.840.1.113883.4.572",
                                         "2.16.840.1.113883.4.927",  NULL};

static bool is_among_oids(const char *oid, const char *const *oids)
{
    if (*oid < '0' || *oid > '2') /* no OID begins so */
        return false;
    for (size_t i = 0; oids[i] != NULL; i++) {
        if (text_ends(oids[i], ".") ? text_starts(oid, oids[i]) : strcmp(oid, oids[i]) == 0)
            return true;
    }
    return false;
}

/* Whatever its case: "http://fhir.nl/fhir/NamingSystem/bsn". */
static bool is_state_name(const char *system)
{
    const char *slash = strrchr(system, '/');
    for (size_t i = 0; slash != NULL && state_names[i] != NULL; i++) {
        if ((slash[1] | 0x20) == state_names[i][0] && strcasecmp(slash + 1, state_names[i]) == 0)
            return true;
    }
    return false;
}

static bool is_never_system(const char *system)
{
    static const char oid[] = "urn:oid:";
    if (system == NULL)
        return false;
    const char *number = text_starts(system, oid) ? system + strlen(oid) : system;
    return text_starts(system, known_systems) || is_among_oids(number, never_oids) ||
           is_among_oids(number, state_oids) || is_state_name(system);
}

static bool is_health_system(const char *system)
{
    size_t i = 0;
    while (system != NULL && health_systems[i] != NULL && !text_starts(system, health_systems[i]))
        i++;
    return system != NULL && health_systems[i] != NULL;
}

/* What follows the host of a web address. */
static const char *after_host(const char *uri)
{
    const char *host = uri == NULL ? NULL : strstr(uri, "://");
    return host == NULL ? NULL : strchr(host + 3, '/');
}

static enum sort sort_of(const struct json *identifier)
{
    const char *system = json_get_text(identifier, "system");
    const char *use = json_get_text(identifier, "use");
    if (is_never_system(system))
        return SORT_NEVER;
    enum sort sort = sort_of_type(json_get(identifier, "type"));
    if (sort != SORT_NEVER && is_health_system(system))
        return SORT_HEALTH;
    if (sort == SORT_UNTYPED && says(after_host(system), never_words))
        return SORT_NEVER;
    if (sort < SORT_SECONDARY && text_equal(use, "secondary"))
        return SORT_SECONDARY;
    return sort < SORT_TEMPORARY && text_equal(use, "temp") ? SORT_TEMPORARY : sort;
}

bool client_number_is_personal(const struct json *identifier)
{
    static const char *const codes[] = {"MB", "SN", "AN", "VN", "GN", "WC", "WCN", "FI", NULL};
    static const char *const words[] = {"member",  "subscrib", "policy",    "insur", "payer",
                                        "account", "family",   "household", "group", NULL};
    const struct json *type = json_get(identifier, "type");
    for (size_t i = 0; codes[i] != NULL; i++) {
        if (field_has_code(type, NULL, codes[i]))
            return false;
    }
    return !says(json_get_text(type, "text"), words) &&
           !says(after_host(json_get_text(identifier, "system")), words);
}

/* ---- who gave it ---- */

/* The sender's own address is in the system: https://lakeside.example/mrn. */
static bool is_at_sender(const struct field_job *job, const char *system)
{
    const char *path = after_host(system);
    size_t length = path == NULL ? 0 : (size_t)(path - system);
    return path != NULL && job->endpoint != NULL && strncmp(job->endpoint, system, length) == 0 &&
           (job->endpoint[length] == '/' || job->endpoint[length] == '\0');
}

/* Whether a slug keeps all letters of NAME: it has none beyond U+024F (UTF-8 from 0xcd on). */
static bool is_latin(const char *name)
{
    while (*name != '\0' && (unsigned char)*name < 0xcd)
        name++;
    return *name == '\0';
}

/* As two front desks write one name: without its capitals, accents and points. */
static bool is_same_name(const char *one, const char *other)
{
    char slugs[2][200];
    if (one == NULL || other == NULL || !is_latin(one) || !is_latin(other))
        return text_equal(one, other) && one != NULL;
    client_name_slug(one, slugs[0], sizeof slugs[0]);
    client_name_slug(other, slugs[1], sizeof slugs[1]);
    return slugs[0][0] != '\0' && strcmp(slugs[0], slugs[1]) == 0;
}

/* A name alone, and the sender's. */
static bool is_named_as_sender(const struct field_job *job, const struct json *assigner)
{
    const char *name = json_get_text(assigner, "display");
    return job->clinic != NULL && json_get(assigner, "reference") == NULL &&
           json_get(assigner, "identifier") == NULL &&
           (is_same_name(name, people_name(job, job->clinic)) ||
            is_same_name(name, job->their_name));
}

/* Which clinic gave a number: by its system, else by the assigner; NULL: it is not told. */
static const char *issuer_of(struct field_job *job, struct json *identifier)
{
    const char *system = json_get_text(identifier, "system");
    const char *clinic = people_system_clinic(job, system, "client");
    struct json *assigner = json_get(identifier, "assigner");
    if (clinic != NULL)
        return clinic;
    if (assigner != NULL && is_named_as_sender(job, assigner))
        return job->clinic;
    clinic = assigner == NULL ? NULL : people_handle(job, assigner, job->resource);
    return clinic == NULL && is_at_sender(job, system) ? job->clinic : clinic;
}

/* ---- which is the client's number ---- */

enum { BY_ANOTHER = 19, PLACES = 20 }; /* BY_ANOTHER: never `client_id`, the sender's */

/* By time, then sort and giver, then use. */
static bool judge_number(struct field_job *job, struct json *identifier, const void *option,
                         struct choice *ret_choice)
{
    static const char *const uses[] = {"usual", "official", "", "secondary", "temp", "old", NULL};
    const char *system = json_get_text(identifier, "system");
    const char *value = json_get_text(identifier, "value");
    enum sort sort = sort_of(identifier);
    (void)option;
    if (value == NULL || sort == SORT_NEVER)
        return false;
    const char *issuer = sort == SORT_HEALTH ? NULL : issuer_of(job, identifier);
    int place = issuer == NULL                    ? 2 * (int)sort + 1
                : text_equal(issuer, job->clinic) ? 2 * (int)sort
                                                  : BY_ANOTHER;
    int use = choice_use(identifier, uses);
    ret_choice->rank =
        ((int)choice_time(job, identifier) * PLACES + place) * 10 + (use < 0 ? 2 : use);
    if (people_system_clinic(job, system, "client") != NULL)
        return true; /* a refgate's: the client's own number is written first */
    ret_choice->first = system == NULL ? "|" : system;
    ret_choice->second = value;
    return true;
}

/* The others: those of a refgate that hold in the order that their record has, then the rest, the
 * best first.
 */
static bool judge_other(struct field_job *job, struct json *identifier, const void *option,
                        struct choice *ret_choice)
{
    if (identifier == option || !judge_number(job, identifier, NULL, ret_choice))
        return false;
    if (ret_choice->second == NULL && choice_time(job, identifier) == CHOICE_CURRENT)
        ret_choice->rank = -1;
    return true;
}

static int place_of(const struct choice *choice)
{
    return choice->rank / 10 % PLACES;
}

/* The second may be meant as well as the first, and nobody says whose they are. */
static bool is_open(const struct choice *choices, size_t count)
{
    return count > 1 && place_of(&choices[0]) % 2 == 1 && choices[0].rank == choices[1].rank &&
           !text_equal(choices[0].first, choices[1].first);
}

/* That it is old, temporary or ended is told as received. */
static void mark_number(struct field_job *job, struct json *identifier)
{
    struct json *use = json_get(identifier, "use");
    struct json *assigner = json_get(identifier, "assigner");
    json_mark(json_get(identifier, "system"));
    json_mark(json_get(identifier, "value"));
    if (text_equal(json_text(use), "usual") || text_equal(json_text(use), "official"))
        json_mark(use);
    if (field_has_code(json_get(identifier, "type"), NULL, "MR"))
        json_mark(json_get(identifier, "type"));
    if (assigner != NULL &&
        (is_named_as_sender(job, assigner) || people_handle(job, assigner, job->resource) != NULL))
        json_mark(assigner);
}

static void add_other(struct field_job *job, struct json *identifier, struct json *into)
{
    static const char field[] = "client_other_ids";
    const char *issuer = sort_of(identifier) == SORT_HEALTH ? NULL : issuer_of(job, identifier);
    if (issuer == NULL)
        return;
    struct json *list = json_get(into, field);
    if (list == NULL)
        list = json_put(into, field, json_new_list(job->arena));
    struct json *other = json_push(list, json_new_object(job->arena));
    json_put_text(job->arena, other, "id", json_get_text(identifier, "value"));
    json_put_text(job->arena, other, "issued_by", issuer);
    mark_number(job, identifier);
}

/* The client's number in the list, or NULL. */
static struct json *own_number(struct field_job *job, struct json *list)
{
    struct choice *choices = NULL;
    size_t count = choice_all(job, list, judge_number, NULL, &choices);
    if (count == 0 || place_of(&choices[0]) == BY_ANOTHER || is_open(choices, count))
        return NULL;
    return choices[0].item;
}

static struct json *read_numbers(struct field_job *job, const struct field *field,
                                 struct json *node, struct json *into)
{
    struct choice *others = NULL;
    struct json *own = json_get(into, "client_id") == NULL ? own_number(job, node) : NULL;
    size_t count = choice_all(job, node, judge_other, own, &others);
    (void)field;
    if (own != NULL) {
        json_put(into, "client_id", json_copy_nodes(job->arena, json_get(own, "value")));
        mark_number(job, own);
    }
    for (size_t i = 0; i < count; i++)
        add_other(job, others[i].item, into);
    return NULL;
}

const char *client_number_of(struct field_job *job, struct json *identifier, const char *clinic)
{
    if (identifier == NULL || sort_of(identifier) == SORT_NEVER)
        return NULL;
    const char *issuer = issuer_of(job, identifier);
    bool is_of_another = issuer != NULL && clinic != NULL && !text_equal(issuer, clinic);
    return is_of_another ? NULL : json_get_text(identifier, "value");
}

/* ---- writing ---- */

static void add_number(struct field_job *job, struct json *list, const char *clinic,
                       const char *number)
{
    struct json *identifier =
        field_new_identifier(job, "record-number", people_system(job, clinic, "client"), number);
    json_put(identifier, "assigner", people_organization(job, clinic));
    json_push(list, identifier);
}

static struct json *write_numbers(struct field_job *job, const struct field *field,
                                  const struct json *value)
{
    struct json *list = json_new_list(job->arena);
    const char *number = json_get_text(value, "client_id");
    (void)field;
    if (number != NULL)
        add_number(job, list, job->clinic, number);
    for (struct json *other = json_first(json_get(value, "client_other_ids")); other != NULL;
         other = json_next(other))
        add_number(job, list, json_get_text(other, "issued_by"), json_get_text(other, "id"));
    return json_first(list) == NULL ? NULL : list;
}

const struct field_kind map_client_numbers = {write_numbers, read_numbers};
