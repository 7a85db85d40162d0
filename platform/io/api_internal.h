#ifndef CONNECTOR_PLATFORM_IO_API_INTERNAL_H
#define CONNECTOR_PLATFORM_IO_API_INTERNAL_H

#include "platform/core/problem.h"
#include "platform/core/route.h"
#include "platform/core/trace_id.h"
#include "platform/io/api.h"
#include "platform/io/platform.h"

/* What api*.c share; nobody else includes it. */

enum { API_PROBLEM_HEADERS_MAX = 2 };

/* One request to the API, for the handler's time. */
struct api_request {
    struct platform *p;
    struct http_call *call; /* to be replied to, once */
    const struct http_request *http;
    struct route_words words; /* of the path */
    const json_t *body;       /* an object; NULL if the route takes none */
    char key[64];             /* name of the API key; "" on the control socket */
    bool is_admin;
    char trace_id[TRACE_ID_TEXT_BYTES];
};

/* --- replies (api_reply.c) --- */

/* Reply with JSON; takes the reference. NULL (out of memory) is a 500. */
void api_reply_json(struct http_call *call, unsigned status, json_t *json);
/* The same with text that is JSON; an `err` makes it a 500. */
void api_reply_text(struct http_call *call, unsigned status, const struct buf *json,
                    enum cx_err err);
void api_reply_empty(struct http_call *call, unsigned status); /* 204 */

/* Reply with a problem; `problem->status` and `code` at least. */
void api_reply_problem(struct http_call *call, const struct problem *problem);

/* The common ones: `code` as PROFILE's verdicts or ours, `detail` a sentence. */
void api_refuse(const struct api_request *r, unsigned status, const char *code, const char *detail);
/* From an error of the platform's parts: 400, 404, 409, 500 by its code. */
void api_refuse_fail(const struct api_request *r, const struct cx_fail *fail);
/* 400 with every fault, by field. */
void api_refuse_faults(const struct api_request *r, const struct faults *faults);

/* [{"field", "message"}, …]. A new reference; NULL if out of memory. */
json_t *api_faults_json(const struct faults *faults);

/* RFC 3339, UTC; NULL (JSON null) for 0. A new reference. */
json_t *api_time(uint64_t unix_ms);

/* --- the resources, one function a route --- */
void api_healthz(struct api_request *r);
void api_readyz(struct api_request *r);
void api_keys_add(struct api_request *r);
void api_keys_list(struct api_request *r);
void api_keys_remove(struct api_request *r);
void api_connectors_add(struct api_request *r);
void api_connectors_list(struct api_request *r);
void api_connectors_show(struct api_request *r);
void api_connectors_remove(struct api_request *r);
void api_connectors_enroll(struct api_request *r);
void api_agents_revoke(struct api_request *r);
void api_profiles_put(struct api_request *r);
void api_profiles_list(struct api_request *r);
void api_profiles_show(struct api_request *r);
void api_profiles_remove(struct api_request *r);
void api_profiles_test(struct api_request *r);
void api_profiles_discover(struct api_request *r);
void api_exchange(struct api_request *r);
void api_refresh(struct api_request *r);
void api_revoke(struct api_request *r);
void api_exchanges_list(struct api_request *r);
void api_exchanges_result(struct api_request *r);

#endif
