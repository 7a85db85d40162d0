#include "common/io/executor_trace.h"

#include "common/core/encode.h"
#include "common/core/request_mask.h"
#include "common/core/url.h"
#include "common/io/clock.h"
#include "common/io/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum {
    SECRETS_MAX = 32, /* values, each in as many ways as an endpoint may write them */
    SECRET_FORMS = 4,
    SECRETS_BYTES = 64 * 1024,
};

struct executor_trace {
    struct trace_facts facts;
    struct trace rows;
    uint64_t began_us;
    struct request shown;
    struct buf goes_to;
    struct trace_address addresses[TRACE_ADDRESSES_MAX];
    struct buf secret_bytes; /* of all of them, one after the other */
    struct slice secrets[SECRETS_MAX * SECRET_FORMS];
    size_t nsecrets;
};

/* ---- what must not be repeated ---- */

typedef enum cx_err writer(struct slice value, struct buf *out);

static enum cx_err as_it_is(struct slice value, struct buf *out)
{
    return buf_put(out, value);
}

static void add_secret(struct executor_trace *t, struct slice value)
{
    static writer *const forms[SECRET_FORMS] = {as_it_is, encode_percent, encode_form,
                                                encode_base64};

    for (size_t i = 0; i < SECRET_FORMS && value.len > 0; i++) {
        size_t before = t->secret_bytes.len;

        if (t->nsecrets < sizeof(t->secrets) / sizeof(t->secrets[0]) &&
            forms[i](value, &t->secret_bytes) == CX_OK) {
            t->secrets[t->nsecrets++] = slice_of(NULL, t->secret_bytes.len - before);
        }
    }
}

static bool is_secret(const struct msg_job *job, struct slice name)
{
    for (size_t i = 0; i < job->nsecret_variables; i++) {
        if (slice_eq(job->secret_variables[i], name)) {
            return true;
        }
    }
    return false;
}

/* The buffer moves while it grows: the views are made when it is whole. */
static void view_secrets(struct executor_trace *t)
{
    const uint8_t *at = t->secret_bytes.ptr;

    for (size_t i = 0; i < t->nsecrets; i++) {
        t->secrets[i].ptr = at;
        at += t->secrets[i].len;
    }
    t->facts.secrets = t->secrets;
    t->facts.nsecrets = t->nsecrets;
}

static void keep_secrets(struct executor_trace *t, const struct msg_job *job)
{
    for (size_t i = 0; i < job->nvariables; i++) {
        if (is_secret(job, job->variables[i].name)) {
            add_secret(t, job->variables[i].value);
        }
    }
    add_secret(t, job->request.client.secret);
    view_secrets(t);
}

/* ---- its life ---- */

struct executor_trace *executor_trace_new(const struct msg_job *job, enum advice_side side,
                                          bool is_at_hand)
{
    struct executor_trace *t = calloc(1, sizeof(*t));

    if (t == NULL) {
        return NULL;
    }
    t->began_us = clock_mono_us();
    t->facts.side = side;
    t->facts.is_at_hand = is_at_hand;
    t->facts.addresses = t->addresses;
    buf_init(&t->goes_to, URL_BYTES_MAX);
    buf_init(&t->secret_bytes, SECRETS_BYTES);
    keep_secrets(t, job);
    return t;
}

void executor_trace_free(struct executor_trace *t)
{
    if (t != NULL) {
        request_done(&t->shown);
        buf_done(&t->goes_to);
        buf_done(&t->secret_bytes);
        free(t);
    }
}

/* ---- what it is told ---- */

void executor_trace_built(struct executor_trace *t, const struct msg_job *job)
{
    enum stage stage = STAGE_NONE;
    struct cx_fail fail = {0};

    t->facts.template_us = clock_mono_us() - t->began_us;
    if (request_build_masked(job, &t->shown, &stage, &fail) == CX_OK) {
        t->facts.shown = &t->shown;
        t->facts.goes_to = buf_view(&t->shown.url);
    }
}

void executor_trace_ruled(struct executor_trace *t, const struct policy_rule *rule)
{
    t->facts.rule = rule;
    if (t->facts.shown != NULL &&
        policy_put_url(rule, buf_view(&t->shown.url), &t->goes_to) == CX_OK) {
        t->facts.goes_to = buf_view(&t->goes_to);
    }
}

static bool address_text(const struct sockaddr *address, char out[TRACE_ADDRESS_BYTES])
{
    const void *bytes =
        address->sa_family == AF_INET
            ? (const void *)&((const struct sockaddr_in *)(const void *)address)->sin_addr
            : &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;

    return inet_ntop(address->sa_family, bytes, out, TRACE_ADDRESS_BYTES) != NULL;
}

void executor_trace_address(struct executor_trace *t, const struct sockaddr *address,
                            bool is_allowed)
{
    struct trace_address one = {.is_allowed = is_allowed};

    if (!address_text(address, one.text) || t->facts.naddresses == TRACE_ADDRESSES_MAX) {
        return;
    }
    for (size_t i = 0; i < t->facts.naddresses; i++) { /* asked about again before it is used */
        if (strcmp(t->addresses[i].text, one.text) == 0) {
            return;
        }
    }
    t->addresses[t->facts.naddresses++] = one;
}

void executor_trace_retried(struct executor_trace *t)
{
    t->facts.is_retried = true;
}

void executor_trace_assumed_type(struct executor_trace *t)
{
    t->facts.is_type_assumed = true;
}

void executor_trace_finish(struct executor_trace *t, const struct http_end *end,
                           struct msg_result *result)
{
    struct trace_facts *f = &t->facts;

    if (end != NULL) {
        f->content_type = end->content_type;
        f->headers = end->headers;
        f->body = end->body;
        if (end->tls != NULL) {
            f->tls = *end->tls;
        }
    }
    trace_run(&t->rows, f, result);
    result->trace = t->rows.hops;
    result->ntrace = t->rows.nhops;
}
