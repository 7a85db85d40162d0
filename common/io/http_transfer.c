#include "common/io/http_private.h"

#include "common/core/proxy.h"
#include "common/core/tls_terms.h"

#include <stdlib.h>
#include <string.h>

/* ---- its life ---- */

void http_transfer_free(struct http_transfer *call)
{
    if (call == NULL) {
        return;
    }
    curl_easy_cleanup(call->easy);
    curl_url_cleanup(call->url);
    http_look_free(call);
    buf_done(&call->url_text);
    buf_done(&call->lines);
    buf_done(&call->body);
    buf_done(&call->content_type);
    buf_done(&call->retry_after);
    buf_done(&call->location);
    buf_done(&call->answer);
    free(call->nodes);
    free(call);
}

static struct http_transfer *call_new(struct http *h)
{
    struct http_transfer *call = calloc(1, sizeof(*call));

    if (call == NULL) {
        return NULL;
    }
    call->h = h;
    buf_init(&call->url_text, HTTP_URL_BYTES_MAX);
    buf_init(&call->lines, SIZE_MAX);
    buf_init(&call->body, SIZE_MAX);
    buf_init(&call->content_type, HTTP_HEADER_VALUE_MAX);
    buf_init(&call->retry_after, HTTP_HEADER_VALUE_MAX);
    buf_init(&call->location, HTTP_HEADER_VALUE_MAX);
    call->url = curl_url();
    call->easy = curl_easy_init();
    if (call->easy == NULL || call->url == NULL || !http_request_set_up(call)) {
        http_transfer_free(call);
        return NULL;
    }
    return call;
}

static struct http_transfer *call_take(struct http *h)
{
    struct http_transfer *call = h->idle;

    if (call == NULL) {
        return call_new(h);
    }
    h->idle = call->next;
    h->nidle--;
    call->next = NULL;
    return call;
}

static void buf_empty(struct buf *b)
{
    if (b->room > HTTP_KEPT_BYTES_MAX) {
        buf_done(b);
    } else {
        buf_clear(b);
    }
}

/* Wipe what the request left, and keep the rest for the next one. */
static void call_give_back(struct http_transfer *call)
{
    struct http *h = call->h;

    /* A query may carry secrets, and an easy handle keeps more than one copy of it. */
    if (h->nidle >= HTTP_IDLE_CALLS_MAX || h->is_closing || call->has_query || call->look != NULL) {
        http_transfer_free(call);
        return;
    }
    buf_empty(&call->lines);
    buf_empty(&call->body);
    buf_empty(&call->answer);
    (void)http_tls_set(call, NULL); /* libcurl's copy of a key */
    buf_done(&call->content_type);
    buf_done(&call->retry_after);
    buf_done(&call->location);
    call->next = h->idle;
    h->idle = call;
    h->nidle++;
}

/* ---- the end ---- */

static curl_off_t mark(const struct http_transfer *call, CURLINFO which)
{
    curl_off_t us = 0;

    (void)curl_easy_getinfo(call->easy, which, &us);
    return us;
}

/* From one mark to the next, or to the end if that was not reached; microseconds. */
static uint64_t span(curl_off_t from, curl_off_t to, uint64_t end)
{
    uint64_t until = to > 0 ? (uint64_t)to : end;

    return until > (uint64_t)from ? until - (uint64_t)from : 0;
}

/* Names and connections by libcurl's marks; the rest by our own, since libcurl sets its mark of the
 * first byte also when it writes a body or meets the end of the connection. */
static struct http_timing timing_of(const struct http_transfer *call)
{
    const struct http_facts *f = &call->facts;
    uint64_t now = uv_hrtime();
    struct http_timing t = {.total = (now - call->started_ns) / 1000};

    if (!call->is_reused) {
        curl_off_t resolved = mark(call, CURLINFO_NAMELOOKUP_TIME_T);
        curl_off_t connected = mark(call, CURLINFO_CONNECT_TIME_T);
        curl_off_t secured = mark(call, CURLINFO_APPCONNECT_TIME_T);

        t.resolve = f->has_resolving_begun || resolved > 0 ? span(0, resolved, t.total) : 0;
        if (f->is_https && f->has_connected && connected == 0) {
            t.tls = span(resolved, 0, t.total); /* stuck there */
        } else {
            t.connect = f->sockets > 0 ? span(resolved, connected, t.total) : 0;
            t.tls = f->is_https && connected > 0 ? span(connected, secured, t.total) : 0;
        }
    }
    if (f->is_gate_open) {
        t.wait = ((f->has_answer_begun ? call->answered_ns : now) - call->sending_ns) / 1000;
        t.receive = f->has_answer_begun ? (now - call->answered_ns) / 1000 : 0;
    }
    return t;
}

/* Plain HTTP has no CONNECT: the proxy's own refusal comes in place of the endpoint's answer. */
static unsigned proxy_status(const struct http_transfer *call)
{
    long status = 0;

    if (call->facts.is_https) {
        (void)curl_easy_getinfo(call->easy, CURLINFO_HTTP_CONNECTCODE, &status);
    } else {
        (void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
        status = status == 407 || (status >= 400 && call->facts.is_proxys_own) ? status : 0;
    }
    return (unsigned)status;
}

static void facts_complete(struct http_transfer *call)
{
    struct http_facts *f = &call->facts;
    curl_off_t body = 0;
    long head = 0;

    f->curl_text = call->text;
    f->is_first_request = !call->is_reused;
    if (!f->has_proxy && f->curl_code == CURLE_OK && f->are_headers_whole) {
        return; /* answered: nobody asks for the rest */
    }
    f->has_connected = f->has_connected || mark(call, CURLINFO_CONNECT_TIME_T) > 0;
    (void)curl_easy_getinfo(call->easy, CURLINFO_OS_ERRNO, &f->os_errno);
    (void)curl_easy_getinfo(call->easy, CURLINFO_SSL_VERIFYRESULT, &f->verify_result);
    if (!f->is_repeat_stopped) {
        (void)curl_easy_getinfo(call->easy, CURLINFO_REQUEST_SIZE, &head);
        (void)curl_easy_getinfo(call->easy, CURLINFO_SIZE_UPLOAD_T, &body);
        f->is_request_written = head > call->head_bytes_before && (size_t)body >= call->body.len;
    }
    if (f->has_proxy) {
        f->proxy_status = proxy_status(call);
    }
}

static struct slice header_view(const struct buf *b)
{
    return b->ptr != NULL ? buf_view(b) : (struct slice){0};
}

static void end_fill(struct http_transfer *call, struct http_end *end)
{
    facts_complete(call);
    http_verdict(&call->facts, end);
    end->status = call->facts.are_headers_whole ? call->status : 0;
    end->content_type = header_view(&call->content_type);
    end->retry_after = header_view(&call->retry_after);
    end->location = header_view(&call->location);
    end->body = buf_view(&call->answer);
    end->is_body_whole = end->execution == EXECUTION_ANSWERED;
    end->is_reused = call->is_reused;
    end->timing = timing_of(call);
    end->tls = NULL;
    end->headers = (struct slice){0};
    if (call->look != NULL) {
        http_look_end(call, end);
    }
}

static void call_unlink(struct http_transfer *call)
{
    if (call->prev != NULL) {
        call->prev->next = call->next;
    } else {
        call->h->active = call->next;
    }
    if (call->next != NULL) {
        call->next->prev = call->prev;
    }
    call->next = NULL;
    call->prev = NULL;
}

static void call_link(struct http_transfer *call)
{
    call->next = call->h->active;
    if (call->next != NULL) {
        call->next->prev = call;
    }
    call->h->active = call;
}

void http_transfer_end(struct http_transfer *call, enum http_ending ending, CURLcode rc)
{
    struct http *h = call->h;
    struct http_end end;

    http_enter(h);
    loop_timer_stop(&call->timer);
    if (rc != CURLE_OK && call->facts.ending != HTTP_ENDED_ITSELF) {
        ending = call->facts.ending; /* our own doing, at the gate */
    }
    call->facts.ending = ending;
    call->facts.curl_code = (int)rc;
    (void)curl_multi_remove_handle(h->multi, call->easy);
    if (call->facts.sockets > 0) {
        http_socket_drop(call);
    }
    loop_defer_cancel(&call->nudge);
    loop_defer_cancel(&call->over);
    call_unlink(call);
    end_fill(call, &end);
    call->done(call->ctx, &end);
    call_give_back(call);
    http_leave(h);
}

static void end_early(void *arg)
{
    struct http_transfer *call = arg;
    enum http_ending ending = call->facts.ending;

    http_transfer_end(call, ending != HTTP_ENDED_ITSELF ? ending : HTTP_ENDED_BUDGET, CURLE_OK);
}

/* In a process that was stopped (or a machine that was asleep) the budget ends before the answer is
 * read that came in time: what is in the sockets is looked at once more, so that no token is thrown
 * away that is here. */
static void on_budget_end(void *arg)
{
    struct http_transfer *call = arg;

    call->over.run = end_early;
    call->over.arg = call;
    loop_defer_late(call->h->loop, &call->over);
}

void http_cancel(struct http_transfer *call)
{
    call->facts.ending = HTTP_ENDED_CANCEL;
    loop_timer_start(call->h->loop, &call->timer, 0, end_early, call);
}

/* ---- the beginning ---- */

/* Any change of what is paused has libcurl look at the request soon. */
static void on_nudge(void *arg)
{
    struct http_transfer *call = arg;

    (void)curl_easy_pause(call->easy, CURLPAUSE_RECV);
    (void)curl_easy_pause(call->easy, CURLPAUSE_CONT);
}

void http_transfer_nudge(struct http_transfer *call)
{
    call->nudge.run = on_nudge;
    call->nudge.arg = call;
    loop_defer(call->h->loop, &call->nudge);
}

static void call_prepare(struct http_transfer *call, const struct http_plan *plan)
{
    call->started_ns = uv_hrtime();
    call->allows_address = plan->allows_address;
    call->on_sending = plan->on_sending;
    call->done = plan->done;
    call->ctx = plan->ctx;
    call->has_query = strchr(plan->url, '?') != NULL;
    call->facts = (struct http_facts){.budget_ms = plan->budget_ms,
                                      .answer_bytes_max = plan->answer_bytes_max,
                                      .is_https = strncmp(plan->url, "https:", 6) == 0,
                                      .has_proxy = plan->proxy != NULL,
                                      .has_identity = plan->tls != NULL &&
                                                      tls_identity_is_set(&plan->tls->identity),
                                      .is_1_3_asked = plan->tls != NULL && plan->tls->is_1_3_asked};
    call->head_bytes_before = 0;
    call->facts.had_proxy_credentials =
        plan->proxy != NULL && secret_is_set(&plan->proxy->credentials);
    call->is_reused = false;
    call->sending_ns = 0;
    call->answered_ns = 0;
    call->header_bytes = 0;
    call->has_length = false;
    call->answer.cap = plan->answer_bytes_max;
    call->text[0] = '\0';
}

enum cx_err http_start(struct http *h, const struct http_plan *plan, struct http_transfer **out,
                       struct cx_fail *fail)
{
    struct http_transfer *call;
    enum cx_err err;

    if (h->is_closing) {
        return cx_fail_set(fail, CX_E_STATE, "http.start", "the HTTP client is being closed");
    }
    if (!http_request_is_sound(plan, fail)) {
        return CX_E_SYNTAX;
    }
    call = call_take(h);
    if (call == NULL) {
        return cx_fail_set(fail, CX_E_NOMEM, "http.start", "out of memory");
    }
    call_prepare(call, plan);
    err = http_request_set(call, plan, fail);
    if (err == CX_OK && curl_multi_add_handle(h->multi, call->easy) != CURLM_OK) {
        err = cx_fail_set(fail, CX_E_NOMEM, "http.start", "out of memory");
    }
    if (err != CX_OK) {
        call_give_back(call);
        return err;
    }
    call_link(call);
    loop_timer_start(h->loop, &call->timer, plan->budget_ms, on_budget_end, call);
    *out = call;
    return CX_OK;
}
