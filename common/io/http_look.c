#include "common/io/cert.h"
#include "common/io/clock.h"
#include "common/io/http_private.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a trace tells of TLS and of the answer's headers, noted for requests that ask for it alone.
 * Such a request has a connection of its own, so that every hop shows, and nothing of OpenSSL's
 * points here once it has ended. */

enum { HEADERS_KEPT_BYTES = 4096 };

struct http_look {
    struct trace_tls tls;
    struct buf headers;
};

static void put_name(struct trace_tls *tls, const char *text, int len)
{
    size_t used = strlen(tls->names);

    (void)snprintf(tls->names + used, sizeof(tls->names) - used, "%s%.*s", used > 0 ? ", " : "",
                   len, text);
}

static void put_general(struct trace_tls *tls, const GENERAL_NAME *name)
{
    char text[INET6_ADDRSTRLEN];

    if (name->type == GEN_DNS) {
        put_name(tls, (const char *)ASN1_STRING_get0_data(name->d.dNSName),
                 ASN1_STRING_length(name->d.dNSName));
    } else if (name->type == GEN_IPADD) {
        const ASN1_OCTET_STRING *ip = name->d.iPAddress;
        int family = ASN1_STRING_length(ip) == 4 ? AF_INET : AF_INET6;

        if ((family == AF_INET || ASN1_STRING_length(ip) == 16) &&
            inet_ntop(family, ASN1_STRING_get0_data(ip), text, sizeof(text)) != NULL) {
            put_name(tls, text, (int)strlen(text));
        }
    }
}

/* The names that count (RFC 6125): the subject's own only where there are no others. */
static void put_names(struct trace_tls *tls, const X509 *cert)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    char own[256];

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        put_general(tls, sk_GENERAL_NAME_value(names, i));
    }
    if (tls->names[0] == '\0' && X509_NAME_get_text_by_NID(X509_get_subject_name(cert),
                                                           NID_commonName, own, sizeof(own)) > 0) {
        put_name(tls, own, (int)strlen(own));
    }
    GENERAL_NAMES_free(names);
    cx_text_clean(tls->names);
}

static void note_tls(struct trace_tls *tls, const SSL *ssl, const X509 *cert)
{
    uint64_t now_s = clock_wall_s();

    _Static_assert(sizeof(tls->issuer) >= CERT_NAME_TEXT_BYTES, "an issuer must fit");
    tls->is_seen = true;
    (void)snprintf(tls->protocol, sizeof(tls->protocol), "%s", SSL_get_version(ssl));
    put_names(tls, cert);
    (void)cert_issuer_text(cert, tls->issuer);
    tls->days_left = cert_days_left(cert, now_s);
    tls->is_early = cert_not_before_s(cert) > now_s;
}

/* OpenSSL asks for every certificate of the chain, and again for every fault: the verdict stays as
 * it is. */
static int on_verify(int is_good, X509_STORE_CTX *store)
{
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct http_transfer *call = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    const X509 *cert = X509_STORE_CTX_get0_cert(store);

    if (call->look != NULL && !call->look->tls.is_seen && cert != NULL) {
        note_tls(&call->look->tls, ssl, cert);
    }
    return is_good;
}

static CURLcode on_context(CURL *easy, void *context, void *call)
{
    SSL_CTX *ctx = context;

    (void)easy;
    SSL_CTX_set_app_data(ctx, call);
    SSL_CTX_set_verify(ctx, SSL_CTX_get_verify_mode(ctx), on_verify);
    return CURLE_OK;
}

#define SET(option, value) (curl_easy_setopt(call->easy, (option), (value)) == CURLE_OK)

bool http_look_set(struct http_transfer *call, bool is_traced)
{
    if (!is_traced) {
        return true;
    }
    call->look = calloc(1, sizeof(*call->look));
    if (call->look == NULL) {
        return false;
    }
    buf_init(&call->look->headers, HEADERS_KEPT_BYTES);
    return SET(CURLOPT_SSL_CTX_FUNCTION, on_context) && SET(CURLOPT_SSL_CTX_DATA, call) &&
           SET(CURLOPT_FRESH_CONNECT, 1L) && SET(CURLOPT_FORBID_REUSE, 1L);
}

void http_look_header(struct http_transfer *call, struct slice line)
{
    if (slice_has_prefix(line, SLICE_LIT("HTTP/"))) {
        buf_clear(&call->look->headers); /* of an interim answer */
    } else if (buf_put(&call->look->headers, line) != CX_OK) {
        return; /* enough of them */
    }
}

void http_look_end(const struct http_transfer *call, struct http_end *end)
{
    end->tls = &call->look->tls;
    end->headers = buf_view(&call->look->headers);
}

void http_look_free(struct http_transfer *call)
{
    if (call->look != NULL) {
        buf_done(&call->look->headers);
        free(call->look);
        call->look = NULL;
    }
}
