/* check: is this text a host and port, a web address, a handle ...? One constant a kind of text
 * that settings hold, with the words that explain it to a person.
 *
 * Called by the option tables (option.def, partner.def) and by commands that take such a text as an
 * argument. Pure; any thread. The text given is UTF-8 and never NULL. */
#ifndef CONFIG_CHECK_H
#define CONFIG_CHECK_H

#include <stdbool.h>

struct check {
    const char *expected; /* what would be right, for `expected ...` of a finding */
    bool (*holds)(const char *text);
};

extern const struct check check_handle; /* `willow`: also safe as a file name */
extern const struct check
    check_host_port; /* `127.0.0.1:8443`, `[::1]:8443`, `gw.willow.example:443` */
extern const struct check check_listen;       /* the same, or empty for none */
extern const struct check check_local_listen; /* the same, on this machine only */
extern const struct check check_base_url;  /* https://..., no query, no fragment, no final slash */
extern const struct check check_time_zone; /* `system`, `UTC`, `-05:00`, `America/New_York` */
extern const struct check check_file;      /* a path, not empty */
extern const struct check check_file_or_none;
extern const struct check check_canonical; /* the name of a profile: http:// or https:// */
extern const struct check check_crl_url;  /* http:// or https:// or empty: a CRL is signed itself */
extern const struct check check_san;      /* DNS name, or URI with a scheme; never an IP address */
extern const struct check check_dns_name; /* no wild card, no IP address */
extern const struct check check_pin; /* SHA-256 of a public key: sha256//BASE64, or 64 hex digits */
extern const struct check check_window; /* `sat,sun 22:00-02:00`, `daily 01:00-01:30` */
extern const struct check check_contact;

/* A partner's name: its file is partners/NAME.yaml. A handle, but not `self`. */
extern const struct check check_partner_name;

#endif
