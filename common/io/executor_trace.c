#include "common/io/executor_trace.h"

#include "common/core/request_mask.h"
#include "common/core/url.h"
#include "common/io/clock.h"
#include "common/io/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

struct executor_trace {
    struct trace_facts facts;
    struct trace rows;
    uint64_t began_us;
    struct request shown;
    struct buf goes_to;
    struct trace_address addresses[TRACE_ADDRESSES_MAX];
    struct echo secrets; /* what must not be repeated */
    bool has_all_secrets;
};

/* ---- what must not be repeated ---- */

void executor_trace_secret(struct executor_trace *t, struct slice value)
{
    t->has_all_secrets = echo_add(&t->secrets, value) == CX_OK && t->has_all_secrets;
}

static void keep_secrets(struct executor_trace *t, const struct msg_job *job)
{
    for (size_t i = 0; i < job->nvariables; i++) {
        if (request_is_secret(job, job->variables[i].name)) {
            executor_trace_secret(t, job->variables[i].value);
        }
    }
    if (!slice_has_prefix(job->request.client.secret,
                          SLICE_LIT("{{"))) { /* else it is none itself */
        executor_trace_secret(t, job->request.client.secret);
    }
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
    t->facts.secrets = &t->secrets;
    t->has_all_secrets = true;
    keep_secrets(t, job);
    return t;
}

void executor_trace_free(struct executor_trace *t)
{
    if (t != NULL) {
        request_done(&t->shown);
        buf_done(&t->goes_to);
        echo_done(&t->secrets);
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

    if (!t->has_all_secrets) {
        return; /* out of memory: better none than one that tells too much */
    }
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
