/* partner: see partner.h. partner.def makes the table; the rules between keys stand in
 * partner_settle. */
#include "config/partner.h"

#include <string.h>

#include "config/window.h"

enum { PIN_HEX_DIGITS = 64, URL_SCHEME_LENGTH = sizeof "https://" - 1 };

#define ROWS_OF partner
#include "config/rows.h"
static const struct option rows[] = {
#include "config/partner.def"
};

static const struct option_table table = {rows, sizeof rows / sizeof *rows, "partner setting"};

const struct option_table *partner_options(void)
{
    return &table;
}

bool partner_new(struct arena *arena, const char *name, struct finding_list *findings,
                 struct partner *ret_partner)
{
    memset(ret_partner, 0, sizeof *ret_partner);
    option_defaults(&table, arena, ret_partner);
    ret_partner->name = arena_copy(arena, name);
    if (check_partner_name.holds(name))
        return true;
    finding_add(findings, (struct finding){.path = "name",
                                           .found = *name == '\0' ? "nothing" : ret_partner->name,
                                           .expected = check_partner_name.expected});
    return false;
}

bool partner_set(struct arena *arena, struct partner *partner, const char *key, const char *value,
                 struct finding_list *findings)
{
    return option_set(&table, arena, key, value, findings, partner);
}

static unsigned hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9')
        return (unsigned)(digit - '0');
    return (unsigned)((digit | 0x20) - 'a') + 10;
}

/* A pin that check_pin lets through, as sha256//BASE64 (RFC 4648 section 4). */
static const char *pin_as_base64(struct arena *arena, const char *pin)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (text_starts(pin, "sha256//"))
        return pin;
    struct text text = text_new(arena, 64);
    text_add(&text, "sha256//");
    /* Three hex digits are two base64 digits; the 64th is followed by two bits of zero. */
    for (size_t i = 0; i < PIN_HEX_DIGITS; i += 3) {
        unsigned bits = hex_digit(pin[i]) << 8;
        if (i + 1 < PIN_HEX_DIGITS)
            bits |= hex_digit(pin[i + 1]) << 4 | hex_digit(pin[i + 2]);
        text_add_n(&text, &digits[bits >> 6], 1);
        text_add_n(&text, i + 1 < PIN_HEX_DIGITS ? &digits[bits & 0x3f] : "=", 1);
    }
    return text.at;
}

static struct option_list pins_as_base64(struct arena *arena, const struct option_list *pins)
{
    const char **items = arena_array(arena, pins->count, sizeof *items);
    for (size_t i = 0; i < pins->count; i++)
        items[i] = pin_as_base64(arena, pins->items[i]);
    return (struct option_list){items, pins->count};
}

/* The DNS name in the partner's URL; NULL when an IP address stands there. */
static const char *url_name(struct arena *arena, const char *url)
{
    const char *host = url + URL_SCHEME_LENGTH;
    size_t length = strcspn(host, ":/");
    const char *name = arena_copy_n(arena, host, length);
    return check_san.holds(name) ? name : NULL;
}

/* Without names and pins: the URI that `refgate init` puts into certificates, and the URL's name.
 */
static struct option_list usual_names(struct arena *arena, const struct partner *partner)
{
    const char **items = arena_array(arena, 2, sizeof *items);
    items[0] = arena_print(arena, "urn:refgate:org:%s", partner->name);
    items[1] = url_name(arena, partner->url);
    return (struct option_list){items, items[1] == NULL ? 1 : 2};
}

static void refuse(struct finding_list *findings, const char *file, const char *key,
                   const char *found, const char *expected)
{
    finding_add(findings,
                (struct finding){.file = file, .path = key, .found = found, .expected = expected});
}

/* What the table can say and this version does not do. It is refused, not ignored: a setting
 * without effect would be trusted. A row goes when the thing is built. */
static void refuse_unbuilt(const struct partner *partner, const char *file,
                           struct finding_list *findings)
{
    const struct {
        const char *key;
        bool is_used;
        const char *expected;
    } unbuilt[] = {
        {"style", partner->style != PARTNER_MESSAGE, "message: REST is not built yet"},
        {"dialect", partner->dialect != PARTNER_REFGATE, "refgate: no other dialect is built yet"},
    };
    for (size_t i = 0; i < sizeof unbuilt / sizeof *unbuilt; i++) {
        if (unbuilt[i].is_used)
            refuse(findings, file, unbuilt[i].key, "what this version does not do",
                   unbuilt[i].expected);
    }
}

bool partner_settle(struct arena *arena, struct partner *partner, const char *file,
                    struct finding_list *findings)
{
    size_t faults = findings->count;
    bool has_url = *partner->url != '\0';
    if (!has_url)
        refuse(findings, file, "url", "nothing", check_base_url.expected);
    if (*partner->ca_file == '\0' && partner->pins.count == 0)
        refuse(findings, file, "ca_file", "neither a CA file nor a pinned key",
               "ca_file, pins, or both: without them nobody could be trusted");
    if (partner->next_pins.count > 0 && partner->pins.count == 0)
        refuse(findings, file, "next_pins", "a next pin without a current one",
               "the key in use under pins");
    if (partner->crl_policy == PARTNER_CRL_HARD && partner->crl_files.count == 0 &&
        *partner->crl_url == '\0')
        refuse(findings, file, "crl_policy", "hard without a revocation list",
               "crl_files or crl_url; or crl_policy: off");
    if (*partner->crl_url != '\0' && *partner->ca_file == '\0')
        refuse(findings, file, "crl_url", "a revocation list without a CA",
               "the CA that publishes it, as ca_file");
    if (partner->staple != PARTNER_STAPLE_OFF && *partner->ca_file == '\0')
        refuse(findings, file, "staple", "an OCSP answer without a CA",
               "the CA whose responder signs it, as ca_file; or staple: off");
    if (partner->requests_burst_max > 0 && partner->requests_per_minute_max == 0)
        refuse(findings, file, "requests_burst_max", "a burst without a rate",
               "requests_per_minute_max beside it; or 0");
    refuse_unbuilt(partner, file, findings);
    if (partner->san.count == 0 && partner->pins.count == 0 && has_url)
        partner->san = usual_names(arena, partner);
    partner->pins = pins_as_base64(arena, &partner->pins);
    partner->next_pins = pins_as_base64(arena, &partner->next_pins);
    return findings->count == faults;
}

bool partner_load(struct arena *arena, const char *name, const char *file, const char *text,
                  size_t length, struct finding_list *findings, struct partner *ret_partner)
{
    struct option_origin *origins = arena_array(arena, table.count, sizeof *origins);
    const char *outer = findings->file;
    findings->file = file;
    bool good = partner_new(arena, name, findings, ret_partner);
    good = option_read(&table, arena, text, length, findings, ret_partner, origins) && good;
    good = good && partner_settle(arena, ret_partner, file, findings);
    findings->file = outer;
    return good;
}

const char *partner_write(struct arena *arena, const struct partner *partner)
{
    struct text out = text_new(arena, 1024 * 1024);
    text_print(
        &out,
        "# The partner %s. A line that begins with # is a comment; a key in a comment stands at\n"
        "# its default. `refgate check` finds mistakes.\n",
        partner->name);
    option_write(&table, arena, partner, &out);
    return out.at;
}

/* Is KIND among the words whose bits are set? */
static bool allows(const char *key, unsigned bits, const char *kind)
{
    const char *words = option_find(&table, key)->words;
    size_t length = strlen(kind);
    for (unsigned bit = 0; words != NULL; bit++) {
        if (strncmp(words, kind, length) == 0 && (words[length] == '|' || words[length] == '\0'))
            return (bits >> bit & 1u) != 0;
        words = strchr(words, '|');
        words += words != NULL;
    }
    return false;
}

bool partner_may_receive(const struct partner *partner, const char *kind)
{
    return allows("receive", partner->receive, kind);
}

bool partner_may_send(const struct partner *partner, const char *kind)
{
    return allows("send", partner->send, kind);
}

/* The first of ONE that stands in OTHER, too; NULL: none. */
static const char *shared(const struct option_list *one, const struct option_list *other)
{
    for (size_t i = 0; i < one->count; i++) {
        for (size_t k = 0; k < other->count; k++) {
            if (strcmp(one->items[i], other->items[k]) == 0)
                return one->items[i];
        }
    }
    return NULL;
}

const char *partner_twin(struct arena *arena, const struct partner *one,
                         const struct partner *other)
{
    const char *pin = shared(&one->pins, &other->pins);
    const char *name = shared(&one->san, &other->san);
    if (strcmp(one->name, other->name) == 0 || (pin == NULL && name == NULL))
        return NULL;
    return arena_print(
        arena,
        "partner %s has the same %s as %s (%s): a certificate that fits both is refused, so both "
        "are locked out; correct or remove one of partners/%s.yaml and partners/%s.yaml",
        one->name, pin != NULL ? "pin" : "name in its certificate (san)", other->name,
        pin != NULL ? pin : name, one->name, other->name);
}

bool partner_in_maintenance(const struct partner *partner, unsigned weekday, unsigned minute)
{
    for (size_t i = 0; i < partner->maintenance.count; i++) {
        struct window window;
        if (window_read(partner->maintenance.items[i], &window) &&
            window_covers(&window, weekday, minute))
            return true;
    }
    return false;
}
