/* trial: a TLS handshake between two sessions of this process, joined in memory. See trial.h.
 *
 * Both ends take turns until each has finished or one has failed; what is tried is the code that
 * serves partners, and no socket is opened. */
#include "certs/tls/trial.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>

#include "certs/tls/context_internal.h"

enum { ROUNDS_MAX = 64, PIPE_BYTES = 32 * 1024 };

enum step { STEP_AGAIN, STEP_DONE, STEP_FAILED };

static enum step step_of(SSL *session, int result)
{
    if (result == 1)
        return STEP_DONE;
    int error = SSL_get_error(session, result);
    ERR_clear_error();
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? STEP_AGAIN : STEP_FAILED;
}

/* One byte from the client shows that the server took its certificate (TLS 1.3 tells only then). */
static enum step exchange(SSL *client, SSL *server)
{
    char byte = 'x';
    if (SSL_write(client, &byte, 1) != 1)
        return STEP_FAILED;
    return step_of(server, SSL_read(server, &byte, 1));
}

static bool run(SSL *client, SSL *server)
{
    enum step client_step = STEP_AGAIN;
    enum step server_step = STEP_AGAIN;
    for (int i = 0; i < ROUNDS_MAX; i++) {
        if (client_step == STEP_AGAIN)
            client_step = step_of(client, SSL_do_handshake(client));
        if (server_step == STEP_AGAIN)
            server_step = step_of(server, SSL_do_handshake(server));
        if (client_step == STEP_FAILED || server_step == STEP_FAILED)
            return false;
        if (client_step == STEP_DONE && server_step == STEP_DONE)
            return exchange(client, server) == STEP_DONE;
    }
    return false;
}

static bool join(SSL *client, SSL *server)
{
    BIO *one = NULL;
    BIO *other = NULL;
    if (BIO_new_bio_pair(&one, PIPE_BYTES, &other, PIPE_BYTES) != 1)
        return false;
    SSL_set_bio(client, one, one);
    SSL_set_bio(server, other, other);
    SSL_set_connect_state(client);
    return true;
}

bool trial_handshake(struct context *listener, struct context *caller, const char *partner,
                     struct verify_peer *ret_server, struct verify_peer *ret_client)
{
    struct context_call call = {.context = caller, .partner = partner};
    memset(ret_client, 0, sizeof *ret_client);
    ret_client->verdict = VERDICT_no_handshake;
    SSL_CTX *client_side = SSL_CTX_new(TLS_client_method());
    bool ready = client_side != NULL && context_apply_client(client_side, &call);
    SSL *client = ready ? SSL_new(client_side) : NULL;
    SSL *server = context_session_open(listener);
    bool done = client != NULL && server != NULL && join(client, server) && run(client, server);
    if (server != NULL)
        verify_peer_of(server, ret_client);
    *ret_server = call.peer;
    ERR_clear_error();
    context_session_free(server);
    SSL_free(client);
    SSL_CTX_free(client_side);
    return done;
}
