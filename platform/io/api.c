#include "platform/io/api.h"

#include "common/io/clock.h"
#include "platform/core/api_key.h"
#include "platform/io/api_internal.h"
#include "platform/io/keys.h"

#include <stdio.h>

enum access { ACCESS_OPEN, ACCESS_APP, ACCESS_ADMIN };

struct route {
    const char *method;
    const char *pattern;
    enum access access;
    bool has_body;
    void (*run)(struct api_request *r);
};

static const struct route routes[] = {
    /* method, pattern, access, has_body, run */
    {"POST", "/v1/profiles/*/exchange", ACCESS_APP, true, api_exchange},
    {"POST", "/v1/profiles/*/refresh", ACCESS_APP, true, api_refresh},
    {"POST", "/v1/profiles/*/revoke", ACCESS_APP, true, api_revoke},
    {"GET", "/v1/exchanges/*/result", ACCESS_APP, false, api_exchanges_result},
    {"GET", "/v1/exchanges", ACCESS_ADMIN, false, api_exchanges_list},
    {"GET", "/healthz", ACCESS_OPEN, false, api_healthz},
    {"GET", "/readyz", ACCESS_OPEN, false, api_readyz},
    {"POST", "/v1/keys", ACCESS_ADMIN, true, api_keys_add},
    {"GET", "/v1/keys", ACCESS_ADMIN, false, api_keys_list},
    {"DELETE", "/v1/keys/*", ACCESS_ADMIN, false, api_keys_remove},
    {"POST", "/v1/connectors", ACCESS_ADMIN, true, api_connectors_add},
    {"GET", "/v1/connectors", ACCESS_ADMIN, false, api_connectors_list},
    {"GET", "/v1/connectors/*", ACCESS_ADMIN, false, api_connectors_show},
    {"DELETE", "/v1/connectors/*", ACCESS_ADMIN, false, api_connectors_remove},
    {"POST", "/v1/connectors/*/enrollments", ACCESS_ADMIN, false, api_connectors_enroll},
    {"DELETE", "/v1/connectors/*/agents/*", ACCESS_ADMIN, false, api_agents_revoke},
    {"GET", "/v1/profiles", ACCESS_ADMIN, false, api_profiles_list},
    {"PUT", "/v1/profiles/*", ACCESS_ADMIN, true, api_profiles_put},
    {"GET", "/v1/profiles/*", ACCESS_ADMIN, false, api_profiles_show},
    {"DELETE", "/v1/profiles/*", ACCESS_ADMIN, false, api_profiles_remove},
    {"POST", "/v1/profiles/*/test", ACCESS_ADMIN, true, api_profiles_test},
    {"POST", "/v1/profiles/*/discover", ACCESS_ADMIN, true, api_profiles_discover},
};

static const struct route *find_route(const struct http_request *http, struct route_words *words,
                                      bool *is_path_known)
{
    *is_path_known = false;
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (!route_fits(routes[i].pattern, http->path, words)) {
            continue;
        }
        *is_path_known = true;
        if (slice_eq_str(http->method, routes[i].method)) {
            return &routes[i];
        }
    }
    return NULL;
}

static void refuse_key(const struct api_request *r)
{
    struct problem problem = {.status = 401,
                              .code = "unauthorized",
                              .safe_to_retry = "after_fix",
                              .trace_id = r->trace_id};

    problem.detail = slice_of_str(slice_is_absent(r->http->authorization)
                                      ? "an API key is needed: Authorization: Bearer KEY"
                                      : "the API key is not known here, or was revoked");
    api_reply_problem(r->call, &problem);
}

/* Who asks, and may they? Replies and gives false if not. */
static bool is_allowed(struct api_request *r, enum access access, bool is_control)
{
    const struct key *key;

    r->is_admin = is_control;
    if (access == ACCESS_OPEN || is_control) {
        return true;
    }
    key = keys_find(r->p->keys, api_key_of_authorization(r->http->authorization));
    if (key == NULL) {
        refuse_key(r);
        return false;
    }
    (void)snprintf(r->key, sizeof(r->key), "%s", key->name);
    r->is_admin = key->role == KEY_ADMIN;
    if (access == ACCESS_ADMIN && !r->is_admin) {
        api_refuse(r, 403, "forbidden", "this API key may run exchanges and nothing else");
        return false;
    }
    return true;
}

/* The body as an object. Replies and gives NULL if it isn't one. */
static json_t *read_body(const struct api_request *r)
{
    struct slice body = r->http->body;
    json_error_t error;
    json_t *json;
    char detail[JSON_ERROR_TEXT_LENGTH + 64];

    if (body.len == 0) {
        api_refuse(r, 400, "bad_input", "a JSON object is needed as the body");
        return NULL;
    }
    json = json_loadb((const char *)body.ptr, body.len, JSON_REJECT_DUPLICATES, &error);
    if (json_is_object(json)) {
        return json;
    }
    if (json != NULL) {
        api_refuse(r, 400, "bad_input", "the body must be a JSON object");
    } else { /* the place only: the library's sentence would show what stands there */
        (void)snprintf(detail, sizeof(detail),
                       "the body is no JSON: line %d, column %d is where reading stopped",
                       error.line, error.column);
        api_refuse(r, 400, "bad_input", detail);
    }
    json_decref(json);
    return NULL;
}

void api_handle(void *arg, struct http_call *call, const struct http_request *request)
{
    const struct api_listener *listener = arg;
    struct api_request r = {.p = listener->p, .call = call, .http = request};
    const struct route *route;
    json_t *body = NULL;
    bool is_path_known;
    uint8_t random[16];

    random_take(&listener->p->ids, random, sizeof(random));
    (void)trace_id_of(request->traceparent, random, r.trace_id);
    route = find_route(request, &r.words, &is_path_known);
    if (route == NULL) {
        api_refuse(&r, is_path_known ? 405 : 404,
                   is_path_known ? "method_not_allowed" : "not_found",
                   is_path_known ? "this resource does not know that method"
                                 : "there is no such resource");
        return;
    }
    if (!is_allowed(&r, route->access, listener->is_control)) {
        return;
    }
    if (route->has_body && (body = read_body(&r)) == NULL) {
        return;
    }
    r.body = body;
    route->run(&r);
    json_decref(body);
}
