/* names: the URIs and DNS names of a certificate's subjectAltName, as far as they are plain text.
 * See names.h.
 *
 * A name that is empty, too long, or holds a space, a control character or a byte beyond ASCII
 * marks the whole list as bad. The texts belong to OpenSSL's list, which is kept with them. */
#include "certs/io/names.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

/* IA5String has a length and may hold a NUL: strlen() must agree with it (CVE-2009-2408). */
static bool is_clean(const ASN1_STRING *text)
{
    const unsigned char *bytes = ASN1_STRING_get0_data(text);
    int length = ASN1_STRING_length(text);
    if (length <= 0 || length > NAME_TEXT_MAX)
        return false;
    for (int i = 0; i < length; i++) {
        if (bytes[i] <= ' ' || bytes[i] >= 0x7f)
            return false;
    }
    return true;
}

static void add(struct names *names, const ASN1_STRING *text, bool is_dns)
{
    if (!is_clean(text) || names->uri_count == NAMES_MAX || names->dns_count == NAMES_MAX) {
        names->is_bad = true;
        return;
    }
    const char *plain = (const char *)ASN1_STRING_get0_data(text);
    if (is_dns) {
        names->dns[names->dns_count++] = plain;
        if (strchr(plain, '*') != NULL)
            names->has_wildcard = true;
    } else {
        names->uri[names->uri_count++] = plain;
    }
}

static bool subject_has_nul(const X509 *certificate)
{
    const X509_NAME *subject = X509_get_subject_name(certificate);
    for (int i = 0; i < X509_NAME_entry_count(subject); i++) {
        const ASN1_STRING *value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, i));
        int kind = ASN1_STRING_type(value);
        bool wide = kind == V_ASN1_BMPSTRING || kind == V_ASN1_UNIVERSALSTRING;
        int length = ASN1_STRING_length(value);
        if (!wide && length > 0 && memchr(ASN1_STRING_get0_data(value), 0, (size_t)length) != NULL)
            return true;
    }
    return false;
}

void names_read(const X509 *certificate, struct names *ret_names)
{
    int critical = -1;
    memset(ret_names, 0, sizeof *ret_names);
    ret_names->is_bad = subject_has_nul(certificate);
    GENERAL_NAMES *all = X509_get_ext_d2i(certificate, NID_subject_alt_name, &critical, NULL);
    ret_names->owner = all;
    if (all == NULL) {
        ret_names->is_bad = ret_names->is_bad || critical != -1; /* there, but twice or damaged */
        ERR_clear_error();
        return;
    }
    ret_names->has_san = true;
    for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(all, i);
        if (name->type == GEN_URI)
            add(ret_names, name->d.uniformResourceIdentifier, false);
        else if (name->type == GEN_DNS)
            add(ret_names, name->d.dNSName, true);
    }
}

void names_free(struct names *names)
{
    GENERAL_NAMES_free(names->owner);
    names->owner = NULL;
}

bool names_is_clean(const char *text)
{
    size_t length = strlen(text);
    if (length == 0 || length > NAME_TEXT_MAX)
        return false;
    for (const char *at = text; *at != '\0'; at++) {
        if ((unsigned char)*at <= ' ' || (unsigned char)*at >= 0x7f ||
            strchr("*\"<>\\^`{|}", *at) != NULL)
            return false;
    }
    return true;
}
