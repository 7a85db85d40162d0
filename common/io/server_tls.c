#include "common/io/server_private.h"
#include "common/io/tls.h"

#include <openssl/ssl.h>

/* No tickets, no cache, no early data: each connection shows its certificate itself, so that one
 * which was revoked can't come in by an old session. */
static void tls_no_resumption(SSL_CTX *tls)
{
    (void)SSL_CTX_set_num_tickets(tls, 0);
    (void)SSL_CTX_set_options(tls, SSL_OP_NO_TICKET);
    (void)SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
}

/* Ask for a client certificate and verify it against the CAs of the file. With no callback of ours
 * (nor of libwebsockets, whose callback accepts unless it is told not to) OpenSSL ends the
 * handshake when the verification fails; no certificate at all is let through to HTTP. */
static enum cx_err tls_ask_for_client(SSL_CTX *tls, const char *ca_file, struct cx_fail *fail)
{
    struct cert_chain cas = {0};
    X509_STORE *store = X509_STORE_new();
    enum cx_err err = store != NULL ? cert_chain_read(ca_file, &cas, fail) : CX_E_NOMEM;

    for (size_t i = 0; err == CX_OK && i < cas.count; i++) {
        if (X509_STORE_add_cert(store, cas.items[i]) != 1 ||
            SSL_CTX_add_client_CA(tls, cas.items[i]) != 1) {
            err = cx_fail_set(fail, CX_E_CERT, "listen", "'%s' can't be used as CA", ca_file);
        }
    }
    cert_chain_done(&cas);
    if (err != CX_OK) {
        X509_STORE_free(store);
        return err;
    }
    SSL_CTX_set_cert_store(tls, store); /* takes it over */
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
    return CX_OK;
}

enum cx_err server_tls_identity(SSL_CTX *tls, const char *certificate_file, const char *key_file,
                                struct cx_fail *fail)
{
    struct secret key = {0};
    struct buf chain;
    enum cx_err err;

    buf_init(&chain, CERT_PEM_MAX_BYTES);
    err = file_read(certificate_file, CERT_PEM_MAX_BYTES, &chain, fail);
    if (err == CX_OK) {
        err = file_read_secret(key_file, CERT_PEM_MAX_BYTES, &key, fail);
    }
    if (err == CX_OK) {
        err = tls_set_identity(tls, buf_view(&chain), secret_view(&key), fail);
    }
    secret_done(&key);
    buf_done(&chain);
    return err;
}

enum cx_err server_tls_setup(SSL_CTX *tls, const struct http_server *server, struct cx_fail *fail)
{
    enum cx_err err = tls_apply_profile(tls, fail);

    if (err != CX_OK) {
        return err;
    }
    tls_no_resumption(tls);
    (void)SSL_CTX_set_options(tls, SSL_OP_CLEANSE_PLAINTEXT);
    (void)SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS); /* an idle tunnel keeps none */
    err = server_tls_identity(tls, server->certificate_file, server->key_file, fail);
    if (err == CX_OK && server->client_ca_file != NULL) {
        err = tls_ask_for_client(tls, server->client_ca_file, fail);
    }
    return err;
}
