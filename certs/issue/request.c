/* request: see request.h. */
#include "certs/issue/request.h"

#include "certs/io/io.h"
#include "certs/issue/forms.h"

static bool add_extension(STACK_OF(X509_EXTENSION) * all, int kind, const char *value)
{
    X509_EXTENSION *one = X509V3_EXT_conf_nid(NULL, NULL, kind, value);
    if (one != NULL && sk_X509_EXTENSION_push(all, one) > 0)
        return true;
    X509_EXTENSION_free(one);
    return false;
}

static bool add_extensions(X509_REQ *request, GENERAL_NAMES *names)
{
    STACK_OF(X509_EXTENSION) *all = sk_X509_EXTENSION_new_null();
    bool done = all != NULL &&
                X509V3_add1_i2d(&all, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1 &&
                add_extension(all, NID_key_usage, "critical,digitalSignature") &&
                add_extension(all, NID_ext_key_usage, "serverAuth,clientAuth") &&
                X509_REQ_add_extensions(request, all) == 1;
    sk_X509_EXTENSION_pop_free(all, X509_EXTENSION_free);
    return done;
}

static X509_REQ *make(EVP_PKEY *key, const struct request_names *names, GENERAL_NAMES *san)
{
    X509_REQ *request = X509_REQ_new();
    if (request != NULL && X509_REQ_set_version(request, X509_REQ_VERSION_1) == 1 &&
        forms_set_subject(X509_REQ_get_subject_name(request), names->handle, names->handle) &&
        X509_REQ_set_pubkey(request, key) == 1 && add_extensions(request, san) &&
        X509_REQ_sign(request, key, EVP_sha256()) > 0)
        return request;
    X509_REQ_free(request);
    return NULL;
}

static void refuse(struct finding_list *findings)
{
    finding_add(findings, (struct finding){.path = "request",
                                           .found = pem_why(findings->arena),
                                           .expected = "a request that OpenSSL can make"});
}

bool request_new(enum request_key kind, const struct request_names *names, const char *key_file,
                 const char *csr_file, struct finding_list *findings)
{
    GENERAL_NAMES *san = forms_names(names, findings);
    if (san == NULL)
        return false;
    EVP_PKEY *key = forms_new_key(kind);
    X509_REQ *request = key == NULL ? NULL : make(key, names, san);
    bool done = false;
    if (request == NULL)
        refuse(findings);
    else
        done = pem_write_key(key_file, key, NULL, findings) &&
               pem_write_request(csr_file, request, findings);
    X509_REQ_free(request);
    EVP_PKEY_free(key);
    GENERAL_NAMES_free(san);
    return done;
}

bool request_for_key(const char *key_source, const char *passphrase_file,
                     const struct request_names *names, const char *key_file, const char *csr_file,
                     struct finding_list *findings)
{
    GENERAL_NAMES *san = forms_names(names, findings);
    EVP_PKEY *key = san == NULL ? NULL : pem_read_key(key_source, passphrase_file, findings);
    X509_REQ *request = key == NULL ? NULL : make(key, names, san);
    bool done = false;
    if (key != NULL && request == NULL)
        refuse(findings);
    else if (key != NULL)
        done = files_copy_secret(key_source, key_file, FILES_NEW, findings) &&
               pem_write_request(csr_file, request, findings);
    X509_REQ_free(request);
    EVP_PKEY_free(key);
    GENERAL_NAMES_free(san);
    return done;
}
