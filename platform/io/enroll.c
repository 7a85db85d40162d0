#include "platform/io/enroll.h"

#include "common/io/clock.h"
#include "common/io/log.h"
#include "platform/core/enroll_request.h"
#include "platform/core/problem.h"
#include "platform/io/issue.h"
#include "platform/io/platform.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum {
    REFUSE_AFTER_MS = 1000,
    REFUSALS_MAX = 64, /* that wait at once */
};

struct refusal {
    struct enrolls *enrolls;
    struct http_call *call;
    struct loop_timer timer;
    struct refusal *next;
};

struct enrolls {
    struct platform *platform;
    struct refusal *waiting;
    size_t count;
};

/* ---- replies ---- */

static void reply_json(struct http_call *call, unsigned status, const char *content_type,
                       json_t *json)
{
    static const struct http_header headers[] = {{"cache-control", "no-store"}, {"allow", "POST"}};
    struct http_reply reply = {.status = status,
                               .content_type = content_type,
                               .headers = headers,
                               .nheaders = status == 405 ? 2 : 1}; /* RFC 9110 15.5.6 */
    char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);

    if (text == NULL) {
        reply = (struct http_reply){.status = 500};
    } else {
        reply.body = slice_of_str(text);
    }
    http_call_reply(call, &reply);
    free(text);
    json_decref(json);
}

static void refuse(struct http_call *call, unsigned status, const char *code, const char *detail)
{
    struct problem problem = {.status = status,
                              .code = code,
                              .detail = slice_of_str(detail),
                              .safe_to_retry =
                                  status >= 500 || status == 429 ? "yes" : "after_fix"};

    reply_json(call, status, "application/problem+json", problem_json(&problem));
}

/* ---- a token that is not good ---- */

static void end_refusal(struct refusal *r)
{
    struct refusal **at = &r->enrolls->waiting;

    while (*at != r) {
        at = &(*at)->next;
    }
    *at = r->next;
    r->enrolls->count--;
    loop_timer_stop(&r->timer);
    refuse(
        r->call, 403, "enrollment_refused",
        "the enrolment string is not known or has expired (it is good for 15 minutes): ask for a "
        "new one");
    free(r);
}

static void on_refusal_due(void *arg)
{
    end_refusal(arg);
}

static void refuse_token(struct enrolls *e, struct http_call *call)
{
    struct refusal *r = e->count < REFUSALS_MAX ? calloc(1, sizeof(*r)) : NULL;

    if (r == NULL) {
        refuse(call, 429, "too_many", "too many wrong enrolment strings: try again in a moment");
        return;
    }
    r->enrolls = e;
    r->call = call;
    r->next = e->waiting;
    e->waiting = r;
    e->count++;
    loop_timer_start(e->platform->loop, &r->timer, REFUSE_AFTER_MS, on_refusal_due, r);
}

struct enrolls *enrolls_new(struct platform *p)
{
    struct enrolls *e = calloc(1, sizeof(*e));

    if (e != NULL) {
        e->platform = p;
    }
    return e;
}

void enrolls_free(struct enrolls *e)
{
    while (e != NULL && e->waiting != NULL) {
        end_refusal(e->waiting);
    }
    free(e);
}

/* ---- one enrolment ---- */

struct enrolling {
    struct enrolls *enrolls;
    struct http_call *call;
    const char *peer;
    struct enroll_request request;
    struct store_enrollment row;
    struct registry_connector *connector;
    EVP_PKEY *key; /* of the CSR */
    uint8_t spki_sha256[CRYPTO_SHA256_BYTES];
    struct buf certificate; /* PEM */
};

static void log_refused(const struct enrolling *e, const char *why)
{
    log_event(CX_LOG_WARN, "enrollment.refused", kv_str("peer", e->peer),
              kv_str("connector", e->connector == NULL ? NULL : e->connector->name),
              kv_str("why", why));
}

/* The certificate is there: give it, with all that an agent needs to come. */
static void answer(struct enrolling *e, const struct cx_id *agent)
{
    const struct platform *p = e->enrolls->platform;
    char id[CX_ID_TEXT_BYTES];
    struct cx_fail fail;
    struct buf ca, url;
    json_t *json = NULL;

    buf_init(&ca, CERT_PEM_MAX_BYTES);
    buf_init(&url, URL_BYTES_MAX);
    if (cert_to_pem(p->ca.cert, &ca, &fail) == CX_OK &&
        platform_tunnel_url(p->settings.public_url, &url) == CX_OK) {
        json = json_pack("{s:s%, s:s%, s:s, s:s, s:s%}", "certificate",
                         (const char *)e->certificate.ptr, e->certificate.len, "ca",
                         (const char *)ca.ptr, ca.len, "connector", e->connector->name, "agent",
                         id_text(agent, id), "tunnel_url", (const char *)url.ptr, url.len);
    }
    reply_json(e->call, 200, "application/json", json);
    buf_done(&ca);
    buf_done(&url);
}

/* Make sure that memory has what the store has: it may have been out when the store was written. */
static enum cx_err hold_agent(struct enrolling *e, const struct store_agent *row)
{
    struct registry *r = &e->enrolls->platform->registry;
    struct registry_agent *a = registry_find_agent(r, &row->id);

    if (a == NULL) {
        a = registry_add_agent(r, e->connector, &row->id);
        if (a == NULL) {
            return CX_E_NOMEM;
        }
        a->enrolled_ms = row->enrolled_ms;
        a->certificate_ends_ms = row->certificate_ends_ms;
    }
    return CX_OK;
}

static void fail_ours(struct enrolling *e, const struct cx_fail *fail)
{
    log_event(CX_LOG_ERROR, "enrollment.failed", kv_str("peer", e->peer),
              kv_str("connector", e->connector->name), kv_fail(fail));
    refuse(e->call, 500, "platform_failed", "the platform could not issue the certificate");
}

static void enroll_first(struct enrolling *e)
{
    struct platform *p = e->enrolls->platform;
    struct issue_order order = {
        .key = e->key, .agent = random_id(), .connector = e->connector->name};
    struct store_agent row = {.id = order.agent,
                              .connector = e->connector->id,
                              .enrolled_ms = clock_wall_ms(),
                              .version = "",
                              .host = ""};
    struct cx_fail fail = {0};
    enum cx_err err = issue_agent(p, &order, &e->certificate, &row.certificate_ends_ms, &fail);

    if (err == CX_OK) {
        memcpy(e->row.spki_sha256, e->spki_sha256, sizeof(e->row.spki_sha256));
        e->row.agent = order.agent;
        e->row.certificate = buf_cstr(&e->certificate);
        err = e->row.certificate == NULL ? cx_fail_set(&fail, CX_E_NOMEM, "enroll", "out of memory")
                                         : store_use_enrollment(p->store, &e->row, &row, &fail);
    }
    if (err == CX_OK) {
        err = hold_agent(e, &row);
        fail.code = err;
    }
    if (err != CX_OK) {
        fail_ours(e, &fail);
        return;
    }
    log_event(CX_LOG_INFO, "agent.enrolled", kv_id("agent", &order.agent),
              kv_str("connector", e->connector->name), kv_str("peer", e->peer));
    answer(e, &order.agent);
}

/* The token was used: only for the very key that used it, since an answer can be lost. */
static void enroll_again(struct enrolling *e)
{
    const struct registry_agent *a =
        registry_find_agent(&e->enrolls->platform->registry, &e->row.agent);
    struct store_agent row = {.id = e->row.agent, .enrolled_ms = clock_wall_ms()};
    struct cx_fail fail = {.code = CX_E_NOMEM};

    if (memcmp(e->row.spki_sha256, e->spki_sha256, sizeof(e->spki_sha256)) != 0 ||
        (a != NULL && a->revoked_ms != 0)) {
        log_refused(e, "the enrolment string was used already");
        refuse(e->call, 409, "enrollment_used",
               "the enrolment string was used already, and is good for one agent: ask for a new "
               "one; if it was not you who used it, have that agent revoked");
    } else if (hold_agent(e, &row) != CX_OK) {
        fail_ours(e, &fail);
    } else {
        log_event(CX_LOG_INFO, "agent.enrolled_again", kv_id("agent", &e->row.agent),
                  kv_str("connector", e->connector->name), kv_str("peer", e->peer));
        answer(e, &e->row.agent);
    }
}

/* The token is good: look at the key. */
static void enroll_key(struct enrolling *e)
{
    struct cx_fail fail = {0};

    if (cert_csr_key_pem(e->request.csr, &e->key, &fail) != CX_OK) {
        log_refused(e, cx_fail_text(&fail));
        refuse(e->call, 400, "csr_refused", cx_fail_text(&fail));
        return;
    }
    cert_key_spki_sha256(e->key, e->spki_sha256);
    if (e->row.is_used) {
        enroll_again(e);
    } else {
        enroll_first(e);
    }
}

static void enroll(struct enrolling *e)
{
    struct platform *p = e->enrolls->platform;
    uint8_t sha256[CRYPTO_SHA256_BYTES];
    struct cx_fail fail = {0};
    enum cx_err err;

    crypto_sha256(e->request.token, sha256);
    err = store_find_enrollment(p->store, sha256, &e->row, &e->certificate, &fail);
    if (err == CX_OK) {
        e->connector = registry_connector_by_id(&p->registry, &e->row.connector);
    }
    if (err != CX_OK && err != CX_E_NOT_FOUND) {
        log_event(CX_LOG_ERROR, "enrollment.failed", kv_str("peer", e->peer), kv_fail(&fail));
        refuse(e->call, 500, "platform_failed", "the platform's store could not be read");
    } else if (err == CX_E_NOT_FOUND || e->connector == NULL ||
               e->row.expires_ms <= clock_wall_ms()) {
        log_refused(e, err == CX_E_NOT_FOUND ? "not known" : "expired");
        refuse_token(e->enrolls, e->call);
    } else {
        enroll_key(e);
    }
}

void enroll_handle(void *arg, struct http_call *call, const struct http_request *request)
{
    struct enrolling e = {.enrolls = arg, .call = call, .peer = request->peer};
    struct cx_fail fail = {0};

    if (!slice_eq_str(request->path, MSG_ENROLL_PATH)) {
        refuse(call, 404, "not_found",
               "this port serves " MSG_ENROLL_PATH " and the tunnel; the API is elsewhere");
        return;
    }
    if (!slice_eq_str(request->method, "POST")) {
        refuse(call, 405, "method_not_allowed", "only POST is allowed here");
        return;
    }
    buf_init(&e.certificate, CERT_PEM_MAX_BYTES);
    if (enroll_request_read(request->body, &e.request, &fail) != CX_OK) {
        refuse(call, 400, "bad_input", cx_fail_text(&fail));
    } else {
        enroll(&e);
    }
    EVP_PKEY_free(e.key);
    buf_done(&e.certificate);
    enroll_request_done(&e.request);
}
