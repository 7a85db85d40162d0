#include "platform/io/api_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Written by hand, since there may be no memory to make one. */
#define PROBLEM_TEXT(status, title, code, retry, detail)                                           \
    "{\"type\":\"about:blank\",\"title\":\"" title "\",\"status\":" status ",\"code\":\"" code     \
    "\",\"detail\":\"" detail "\",\"safe_to_retry\":\"" retry "\"}"

/* It may be the answer of an exchange that was carried out. */
static const char no_memory[] =
    PROBLEM_TEXT("500", "Internal Server Error", "platform_failed", "no", "out of memory");

static const struct http_header no_store[] = {{"cache-control", "no-store"}}; /* RFC 6749 5.1 */

void api_refusal(unsigned status, struct http_reply *reply)
{
    static const struct {
        unsigned status;
        const char *text;
    } rows[] = {
        {400, PROBLEM_TEXT("400", "Bad Request", "bad_request", "after_fix",
                           "the request is no sound HTTP")},
        {411, PROBLEM_TEXT("411", "Length Required", "bad_request", "after_fix",
                           "a body needs a Content-Length")},
        {413, PROBLEM_TEXT("413", "Content Too Large", "too_big", "after_fix",
                           "the body is longer than this API takes")},
        {503, PROBLEM_TEXT("503", "Service Unavailable", "platform_failed", "yes",
                           "the platform is stopping; nothing was done")},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].status == status) {
            reply->content_type = "application/problem+json";
            reply->headers = no_store;
            reply->nheaders = 1;
            reply->body = slice_of_str(rows[i].text);
        }
    }
}

/* Without a body: what there is to say was made without memory. */
static void reply_body(struct http_call *call, const struct http_reply *reply, struct slice body)
{
    struct http_reply filled = *reply;

    if (slice_is_absent(body)) {
        filled.status = 500;
        filled.content_type = "application/problem+json";
    }
    filled.body = slice_is_absent(body) ? slice_of_str(no_memory) : body;
    http_call_reply(call, &filled);
}

static void reply_text(struct http_call *call, const struct http_reply *reply, json_t *json)
{
    char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);

    reply_body(call, reply, slice_of_str(text));
    if (text != NULL) {
        explicit_bzero(text, strlen(text)); /* it may hold a token */
    }
    free(text);
    json_decref(json);
}

void api_reply_json(struct http_call *call, unsigned status, json_t *json)
{
    struct http_reply reply = {
        .status = status, .content_type = "application/json", .headers = no_store, .nheaders = 1};

    reply_text(call, &reply, json);
}

void api_reply_text(struct http_call *call, unsigned status, const struct buf *json,
                    enum cx_err err)
{
    struct http_reply reply = {
        .status = status, .content_type = "application/json", .headers = no_store, .nheaders = 1};

    reply_body(call, &reply, err == CX_OK ? buf_view(json) : (struct slice){0});
}

void api_reply_empty(struct http_call *call, unsigned status)
{
    struct http_reply reply = {.status = status};

    http_call_reply(call, &reply);
}

void api_reply_problem(struct http_call *call, const struct problem *problem)
{
    struct http_header headers[API_PROBLEM_HEADERS_MAX + 1] = {{"cache-control", "no-store"}};
    struct http_reply reply = {.status = problem->status,
                               .content_type = "application/problem+json",
                               .headers = headers,
                               .nheaders = 1};
    char seconds[24];

    if (problem->status == 401) {
        headers[reply.nheaders++] = (struct http_header){"www-authenticate", "Bearer"};
    }
    if (problem->has_retry_after) {
        (void)snprintf(seconds, sizeof(seconds), "%llu",
                       (unsigned long long)((problem->retry_after_ms + 999) / 1000));
        headers[reply.nheaders++] = (struct http_header){"retry-after", seconds};
    }
    reply_text(call, &reply, problem_json(problem));
}

void api_refuse(const struct api_request *r, unsigned status, const char *code, const char *detail)
{
    struct problem problem = {.status = status,
                              .code = code,
                              .detail = slice_of_str(detail),
                              .safe_to_retry = status >= 500 ? "yes" : "after_fix",
                              .trace_id = r->trace_id};

    api_reply_problem(r->call, &problem);
}

void api_refuse_fail(const struct api_request *r, const struct cx_fail *fail)
{
    switch ((int)fail->code) {
    case CX_E_NOT_FOUND:
        api_refuse(r, 404, "not_found", cx_fail_text(fail));
        break;
    case CX_E_EXISTS:
    case CX_E_STATE:
        api_refuse(r, 409, "conflict", cx_fail_text(fail));
        break;
    case CX_E_SYNTAX:
    case CX_E_RANGE:
    case CX_E_TOO_BIG:
        api_refuse(r, 400, "bad_input", cx_fail_text(fail));
        break;
    default:
        api_refuse(r, 500, "platform_failed", cx_fail_text(fail));
        break;
    }
}

void api_refuse_faults(const struct api_request *r, const struct faults *faults)
{
    struct problem problem = {.status = 400,
                              .code = "bad_input",
                              .safe_to_retry = "after_fix",
                              .errors = faults,
                              .trace_id = r->trace_id};
    char detail[80];

    (void)snprintf(detail, sizeof(detail), "%zu %s wrong", faults_total(faults),
                   faults_total(faults) == 1 ? "value is" : "values are");
    problem.detail = slice_of_str(detail);
    api_reply_problem(r->call, &problem);
}

json_t *api_faults_json(const struct faults *faults)
{
    json_t *list = json_array();

    for (size_t i = 0; i < faults->count; i++) {
        (void)json_array_append_new(list, json_pack("{s:s, s:s}", "field", faults->items[i].field,
                                                    "message", faults->items[i].what));
    }
    return list;
}

json_t *api_time(uint64_t unix_ms)
{
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm tm;
    char text[40];

    if (unix_ms == 0 || gmtime_r(&seconds, &tm) == NULL ||
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0) {
        return json_null();
    }
    return json_string(text);
}
