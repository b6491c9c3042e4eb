/* token: see token.h. Engines are deprecated in OpenSSL 3.0 in favour of providers; Debian 12 has a
 * PKCS#11 engine and no such provider. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "certs/io/token.h"

#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/ui.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "certs/io/files.h"
#include "certs/io/pem.h"

#define SCHEME "pkcs11:"
#define PACKAGE "the Debian package libengine-pkcs11-openssl"

bool token_is_named(const char *bytes)
{
    return strncmp(bytes, SCHEME, strlen(SCHEME)) == 0;
}

/* A key file's line in its parts. */
struct address {
    const char *object; /* the URI without its query */
    const char *module; /* module-path of the query; NULL: the engine's own choice (p11-kit) */
};

/* False, with a finding, for a query that we do not understand: it would be silently ignored. */
static bool read_query(struct arena *arena, const char *file, const char *query,
                       struct address *address, struct finding_list *findings)
{
    static const char module[] = "module-path=";
    while (*query != '\0') {
        size_t length = strcspn(query, "&");
        if (strncmp(query, module, sizeof module - 1) != 0) {
            files_fault(findings, file,
                        "a PKCS#11 URI whose query names something else than module-path",
                        "?module-path=/path/of/module.so at most; the PIN stands in the "
                        "passphrase file");
            return false;
        }
        address->module =
            arena_copy_n(arena, query + sizeof module - 1, length - (sizeof module - 1));
        query += length + (query[length] == '&');
    }
    return true;
}

static bool read_address(struct arena *arena, const char *bytes, const char *file,
                         struct address *address, struct finding_list *findings)
{
    size_t length = strcspn(bytes, "\r\n");
    const char *line = arena_copy_n(arena, bytes, length);
    size_t end = strcspn(line, "?");
    *address = (struct address){arena_copy_n(arena, line, end), NULL};
    return line[end] == '\0' || read_query(arena, file, line + end + 1, address, findings);
}

/* Ready for use; NULL with a finding. The reference is kept on purpose: keys outlive the call. */
static ENGINE *open_engine(const struct address *address, const char *file, const char *pin,
                           struct finding_list *findings)
{
    if (address->module != NULL && access(address->module, R_OK) != 0) {
        files_fault(findings, file,
                    arena_print(findings->arena, "the PKCS#11 module %s, which cannot be read",
                                address->module),
                    "module-path of the URI: the token's module");
        return NULL;
    }
    ENGINE_load_dynamic();
    ENGINE *engine = ENGINE_by_id("pkcs11");
    if (engine == NULL) {
        ERR_clear_error();
        files_fault(findings, file, "a key in a PKCS#11 token, and no way to reach it", PACKAGE);
        return NULL;
    }
    /* Else, when libcurl registers all engines, other people's keys would go through it too. */
    ENGINE_set_flags(engine, ENGINE_get_flags(engine) | ENGINE_FLAGS_NO_REGISTER_ALL);
    bool is_ready = ENGINE_ctrl_cmd_string(engine, "QUIET", NULL, 0) == 1 &&
                    (address->module == NULL ||
                     ENGINE_ctrl_cmd_string(engine, "MODULE_PATH", address->module, 0) == 1) &&
                    ENGINE_ctrl_cmd_string(engine, "PIN", pin, 0) == 1 && ENGINE_init(engine) == 1;
    if (!is_ready)
        files_fault(findings, file,
                    arena_print(findings->arena, "a PKCS#11 module that cannot be used (%s)",
                                pem_why(findings->arena)),
                    "module-path of the URI: the token's module");
    ENGINE_free(engine); /* ENGINE_init() has its own reference */
    return is_ready ? engine : NULL;
}

EVP_PKEY *token_key(const char *bytes, const char *file, const char *pin, const char *pin_file,
                    struct finding_list *findings)
{
    struct arena arena = ARENA_EMPTY;
    struct address address;
    ENGINE *engine = NULL;
    EVP_PKEY *key = NULL;
    if (pin[0] == '\0')
        files_fault(findings, file, "a key in a PKCS#11 token, and no PIN",
                    "a passphrase file whose first line is the PIN");
    else if (read_address(&arena, bytes, file, &address, findings))
        engine = open_engine(&address, file, pin, findings);
    if (engine != NULL) {
        key = ENGINE_load_private_key(engine, address.object, (UI_METHOD *)(uintptr_t)UI_null(),
                                      NULL);
        if (key == NULL)
            files_fault(
                findings, file,
                arena_print(findings->arena, "%s, and no such private key (%s)", address.object,
                            pem_why(findings->arena)),
                arena_print(findings->arena,
                            "the module, token and object of a key that the PIN in %s opens",
                            pin_file));
    }
    arena_free(&arena);
    return key;
}
