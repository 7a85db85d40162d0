#include "agent/io/enroll_ask.h"

#include "common/core/message.h"
#include "common/io/http_proxy.h"
#include "common/io/tls.h"

#include <curl/curl.h>
#include <jansson.h>
#include <string.h>

enum { ANSWER_BYTES_MAX = 256 * 1024, TEXT_BYTES_MAX = 64 * 1024, CONNECT_S = 15, TOTAL_S = 30 };

void enroll_answer_init(struct enroll_answer *a)
{
    struct buf *const bufs[] = {&a->certificate, &a->ca, &a->connector, &a->agent, &a->tunnel_url};

    for (size_t i = 0; i < sizeof(bufs) / sizeof(bufs[0]); i++) {
        buf_init(bufs[i], TEXT_BYTES_MAX);
    }
}

void enroll_answer_done(struct enroll_answer *a)
{
    struct buf *const bufs[] = {&a->certificate, &a->ca, &a->connector, &a->agent, &a->tunnel_url};

    for (size_t i = 0; i < sizeof(bufs) / sizeof(bufs[0]); i++) {
        buf_done(bufs[i]);
    }
}

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
    return buf_put(arg, slice_of(data, size * n)) == CX_OK ? size * n : 0;
}

static CURLcode on_ssl_ctx(CURL *curl, void *ssl_ctx, void *arg)
{
    struct cx_fail fail;

    (void)curl;
    return tls_apply_profile(ssl_ctx, &fail) == CX_OK &&
                   tls_pin_install(ssl_ctx, arg, &fail) == CX_OK
               ? CURLE_OK
               : CURLE_SSL_CERTPROBLEM;
}

/* The request's JSON; it holds the token. */
static enum cx_err make_body(const struct enrolment *enrolment, struct slice csr_pem,
                             struct buf *out)
{
    struct slice token = secret_view(&enrolment->token);
    json_t *json = json_pack("{s:s%, s:s%}", "token", (const char *)token.ptr, token.len, "csr",
                             (const char *)csr_pem.ptr, csr_pem.len);
    size_t bytes = json == NULL ? 0 : json_dumpb(json, NULL, 0, JSON_COMPACT);
    uint8_t *at;
    enum cx_err err = bytes == 0 ? CX_E_NOMEM : buf_reserve(out, bytes, &at);

    if (err == CX_OK) {
        buf_grew(out, json_dumpb(json, (char *)at, bytes, JSON_COMPACT));
    }
    json_decref(json);
    return err;
}

struct asking {
    CURL *curl;
    const struct proxy *proxy;
    struct curl_slist *headers;
    struct buf url, body, answer;
    struct tls_pin pin;
    char words[CURL_ERROR_SIZE];
};

/* It ended at the proxy, before there was a connection to the platform. */
static bool failed_at_proxy(const struct asking *a, CURLcode rc, long proxy_status)
{
    return proxy_is_set(a->proxy) && (proxy_status < 200 || proxy_status >= 300) &&
           rc != CURLE_OUT_OF_MEMORY;
}

static enum cx_err proxy_failed(const struct asking *a, CURLcode rc, long proxy_status,
                                struct cx_fail *fail)
{
    struct proxy_answer answer = {.status = (unsigned)proxy_status};
    char url[PROXY_URL_BYTES];
    struct cx_fail why = {0};

    if (proxy_status >= 300) {
        (void)proxy_refused(&answer, secret_is_set(&a->proxy->credentials), &why);
    }
    return cx_fail_set(fail, rc == CURLE_OPERATION_TIMEDOUT ? CX_E_TIMEOUT : CX_E_CONNECT, "enroll",
                       "no connection through %s: %s", proxy_url(a->proxy, url),
                       why.code != CX_OK        ? cx_fail_text(&why)
                       : rc == CURLE_RECV_ERROR ? "the proxy closed the connection without a whole "
                                                  "answer, or what answers there is no HTTP proxy"
                       : a->words[0] != '\0'    ? a->words
                                                : curl_easy_strerror(rc));
}

static enum cx_err transport_failed(const struct asking *a, CURLcode rc, struct cx_fail *fail)
{
    const char *words = a->words[0] != '\0' ? a->words : curl_easy_strerror(rc);
    long proxy_status = 0;

    (void)curl_easy_getinfo(a->curl, CURLINFO_HTTP_CONNECTCODE, &proxy_status);
    if (failed_at_proxy(a, rc, proxy_status)) {
        return proxy_failed(a, rc, proxy_status, fail);
    }
    switch (rc) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
        return cx_fail_set(fail, CX_E_TRUST, "enroll", "not the platform that the string names: %s",
                           a->pin.fail.detail[0] != '\0' ? a->pin.fail.detail : words);
    case CURLE_OPERATION_TIMEDOUT:
        return cx_fail_set(fail, CX_E_TIMEOUT, "enroll", "%s", words);
    case CURLE_OUT_OF_MEMORY:
        return cx_fail_set(fail, CX_E_NOMEM, "enroll", "out of memory");
    default:
        return cx_fail_set(fail, CX_E_CONNECT, "enroll", "%s", words);
    }
}

static enum cx_err take_text(const json_t *json, const char *key, struct buf *out)
{
    const char *text = json_string_value(json_object_get(json, key));

    return text == NULL || text[0] == '\0' ? CX_E_MISSING : buf_put_str(out, text);
}

static enum cx_err read_answer(long status, struct slice body, struct enroll_answer *out,
                               struct cx_fail *fail)
{
    json_t *json = json_loadb((const char *)body.ptr, body.len, JSON_REJECT_DUPLICATES, NULL);
    const char *detail = json_string_value(json_object_get(json, "detail"));
    enum cx_err err = CX_OK;

    if (status != 200 && status != 201) {
        err = cx_fail_set(fail, CX_E_DENIED, "enroll", "the platform refused (HTTP %ld)%s%s",
                          status, detail != NULL ? ": " : "", detail != NULL ? detail : "");
    } else if (take_text(json, "certificate", &out->certificate) != CX_OK ||
               take_text(json, "ca", &out->ca) != CX_OK ||
               take_text(json, "connector", &out->connector) != CX_OK ||
               take_text(json, "agent", &out->agent) != CX_OK ||
               take_text(json, "tunnel_url", &out->tunnel_url) != CX_OK) {
        err = cx_fail_set(fail, CX_E_SYNTAX, "enroll", "the platform's answer can't be read");
    }
    json_decref(json);
    return err;
}

static CURLcode set_up(struct asking *a)
{
    CURL *c = a->curl;
    CURLcode rc[] = {
        curl_easy_setopt(c, CURLOPT_URL, buf_cstr(&a->url)),
        curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https"),
        http_proxy_set(c, a->proxy) ? CURLE_OK : CURLE_OUT_OF_MEMORY,
        curl_easy_setopt(c, CURLOPT_HTTPHEADER, a->headers),
        curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)a->body.len),
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, a->body.ptr),
        curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body),
        curl_easy_setopt(c, CURLOPT_WRITEDATA, &a->answer),
        curl_easy_setopt(c, CURLOPT_ERRORBUFFER, a->words),
        curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S),
        curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)TOTAL_S),
        curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1),
        curl_easy_setopt(c, CURLOPT_SSL_CTX_FUNCTION, on_ssl_ctx),
        curl_easy_setopt(c, CURLOPT_SSL_CTX_DATA, &a->pin),
    };

    for (size_t i = 0; i < sizeof(rc) / sizeof(rc[0]); i++) {
        if (rc[i] != CURLE_OK) {
            return rc[i];
        }
    }
    return CURLE_OK;
}

enum cx_err enroll_ask(const struct enrolment *enrolment, const struct proxy *proxy,
                       struct slice csr_pem, struct enroll_answer *out, struct cx_fail *fail)
{
    struct asking a = {.proxy = proxy, .pin = {.host = enrolment->host}};
    long status = 0;
    CURLcode rc = CURLE_OUT_OF_MEMORY;
    enum cx_err err;

    memcpy(a.pin.spki_sha256, enrolment->pin, sizeof(a.pin.spki_sha256));
    buf_init(&a.url, 4096);
    buf_init(&a.body, ANSWER_BYTES_MAX);
    buf_init(&a.answer, ANSWER_BYTES_MAX);
    a.curl = curl_easy_init();
    a.headers = curl_slist_append(NULL, "Content-Type: application/json");
    if (a.curl != NULL && a.headers != NULL && make_body(enrolment, csr_pem, &a.body) == CX_OK &&
        buf_put_str(&a.url, enrolment->url) == CX_OK &&
        buf_put_str(&a.url, MSG_ENROLL_PATH) == CX_OK && buf_cstr(&a.url) != NULL) {
        rc = set_up(&a);
        rc = rc == CURLE_OK ? curl_easy_perform(a.curl) : rc;
    }
    if (rc == CURLE_OK) {
        rc = curl_easy_getinfo(a.curl, CURLINFO_RESPONSE_CODE, &status);
    }
    err = rc == CURLE_OK ? read_answer(status, buf_view(&a.answer), out, fail)
                         : transport_failed(&a, rc, fail);
    curl_easy_cleanup(a.curl);
    curl_slist_free_all(a.headers);
    buf_done(&a.url);
    buf_done(&a.body);
    buf_done(&a.answer);
    return err;
}
