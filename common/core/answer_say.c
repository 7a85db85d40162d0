#include "common/core/answer_reader.h"
#include "common/core/url.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    EVIDENCE_BYTES = 192,
    CODE_SHOWN_BYTES = 100,
    TYPE_SHOWN_BYTES = 80,
    PLACE_SHOWN_BYTES = 120
};

/* "HTTP 403, empty body": what the verdict rests on. */
static void say_evidence(const struct answer_input *in, const struct answer_body *body,
                         const struct answer_refusal *refusal, char out[EVIDENCE_BYTES])
{
    struct slice code = slice_first(refusal->code, CODE_SHOWN_BYTES);

    if (code.len > 0) {
        (void)snprintf(out, EVIDENCE_BYTES, "HTTP %u, %.*s", in->status, SLICE_ARG(code));
    } else {
        (void)snprintf(out, EVIDENCE_BYTES, "HTTP %u%s", in->status,
                       body->is_empty       ? ", empty body"
                       : body->root == NULL ? ", unreadable body"
                                            : "");
    }
}

/* Who answered. */
static const char *endpoint_of(const struct answer_input *in)
{
    return in->purpose == PURPOSE_REVOKE ? "revocation endpoint" : "token endpoint";
}

static const char *say_credentials(enum job_purpose purpose)
{
    switch (purpose) {
    case PURPOSE_REFRESH:
        return "refused the refresh token (%s): it has expired or was revoked; the user has to "
               "authorize again";
    case PURPOSE_AUTHORIZE:
    case PURPOSE_TEST:
        return "refused the user name or password (%s)";
    case PURPOSE_REVOKE:
        return "refused the token (%s): it is none of this provider's, or was issued to another "
               "client";
    case PURPOSE_DISCOVER:
    case PURPOSE_UNKNOWN:
    case PURPOSE_COUNT:
        break;
    }
    return "refused the credentials (%s)";
}

static const char *say_client(const struct answer_refusal *refusal, bool is_revocation)
{
    if (slice_eq_str(refusal->code, "unauthorized_client")) {
        return is_revocation ? "does not let this client revoke tokens (%s); ask the provider to "
                               "allow it"
                             : "does not let this client use this grant (%s); ask the provider to "
                               "allow it";
    }
    return "refused the client (%s); check the profile's client id, secret and method";
}

static const char *say_request(const struct answer_refusal *refusal)
{
    if (slice_eq_str(refusal->code, "unsupported_grant_type")) {
        return "does not offer this grant (%s); ask the provider which grants it has";
    }
    if (slice_eq_str(refusal->code, "unsupported_token_type")) { /* RFC 7009, 2.2.1 */
        return "does not revoke tokens of this type (%s); ask the provider which it revokes";
    }
    if (slice_eq_str(refusal->code, "invalid_scope")) {
        return "refused the scope (%s); check the profile's scope field";
    }
    if (slice_is_absent(refusal->code)) {
        return "refused the request without saying why (%s); check the profile's client and "
               "fields, and what this provider answers to a wrong password";
    }
    return "refused the request (%s); compare the profile's fields with the provider's "
           "documentation";
}

static const char *say_revocation_failed(uint32_t status)
{
    switch (status) {
    case 404:
    case 410:
        return "is not there (%s); check the path of the profile's revocation_url";
    case 405:
    case 415:
        return "does not take this request (%s); check the profile's method and content_type";
    default:
        break;
    }
    return "answered neither a 2xx nor an OAuth error (%s); the token may still be good";
}

static const char *say_failed(uint32_t status)
{
    switch (status) {
    case 403:
        return "answered \"forbidden\" (%s); if that is how it refuses a wrong password, add 403 "
               "to the profile's auth_error_status";
    case 404:
    case 410:
        return "is not there (%s); check the path of the token URL";
    case 405:
        return "does not take this method (%s); check the profile's method and token URL";
    case 406:
    case 415:
        return "does not take this content type (%s); check the profile's content_type";
    case 407:
        return "was not reached: a proxy asks for credentials (%s)";
    default:
        break;
    }
    if (status >= 200 && status <= 299) {
        return "answered without an access token (%s); check that the token URL is right";
    }
    return status >= 500 ? "failed (%s); its operator's log says why"
                         : "answered neither a token nor an OAuth error (%s)";
}

CX_PRINTF(2, 3) static void put(char out[ANSWER_TEXT_BYTES_MAX], const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(out, ANSWER_TEXT_BYTES_MAX, format, args);
    va_end(args);
}

static void say_busy(const char *endpoint, const char *evidence, const struct answer_judgement *j,
                     char out[ANSWER_TEXT_BYTES_MAX])
{
    if (j->has_retry_after) {
        put(out, "the %s is busy (%s); it asks to wait %llu s", endpoint, evidence,
            (unsigned long long)((j->retry_after_ms + 999) / 1000));
    } else {
        put(out, "the %s is busy (%s); try again later", endpoint, evidence);
    }
}

static void say_redirected(const struct answer_input *in, char out[ANSWER_TEXT_BYTES_MAX])
{
    char host[URL_HOST_TEXT_BYTES];

    if (in->is_location_hidden) {
        put(out,
            "the %s redirects (HTTP %u); credentials never follow a redirect, and where to is not "
            "told of an endpoint with a virtual name: ask the agent's admin",
            endpoint_of(in), in->status);
    } else if (url_peek_host(in->location, host)) {
        put(out,
            "the %s redirects to the host %s (HTTP %u); credentials never follow a "
            "redirect: if that is where they belong, write its URL into the profile",
            endpoint_of(in), host, in->status);
    } else {
        put(out,
            "the %s redirects to another place on its host (HTTP %u); credentials "
            "never follow a redirect: write the final URL into the profile",
            endpoint_of(in), in->status);
    }
}

/* A label that is one, to be shown. */
static bool is_plain_label(struct slice type)
{
    for (size_t i = 0; i < type.len; i++) {
        if (type.ptr[i] <= 0x20 || type.ptr[i] >= 0x7f) {
            return false;
        }
    }
    return type.len > 0 && type.len <= TYPE_SHOWN_BYTES;
}

/* What the profile says of the answer, and the answer doesn't bear out. */
static void say_unlike_profile(const struct answer_input *in, const struct answer_body *body,
                               const struct answer_judgement *j, char out[ANSWER_TEXT_BYTES_MAX])
{
    if (j->is_unmet) {
        put(out,
            "the token endpoint's answer is no success (HTTP %u): what stands at \"%.*s\" is not "
            "\"%.*s\", as the profile's answer.success asks",
            in->status, SLICE_ARG(slice_first(in->expect->places.success_at, PLACE_SHOWN_BYTES)),
            SLICE_ARG(slice_first(in->expect->places.success_is, PLACE_SHOWN_BYTES)));
    } else {
        put(out, "the token endpoint answered without an access token (HTTP %u): %s", in->status,
            cx_fail_text(&body->why));
    }
    cx_text_clean(out); /* a place that was cut */
}

static void say_unreadable(const struct answer_input *in, const struct answer_body *body,
                           char out[ANSWER_TEXT_BYTES_MAX])
{
    struct slice type = slice_first(in->content_type, slice_find(in->content_type, 0, ';'));

    if (!is_plain_label(type)) {
        type = SLICE_LIT("no content type");
    }
    put(out, "the token endpoint's answer can't be read (HTTP %u, %.*s): %s", in->status,
        SLICE_ARG(type), cx_fail_text(&body->why));
}

/* The formats of the sentences below hold one %s, for the evidence. */
static void say_endpoint(const struct answer_input *in, const char *format, const char *evidence,
                         char out[ANSWER_TEXT_BYTES_MAX])
{
    const char *hole = strstr(format, "%s");

    put(out, "the %s %.*s%s%s", endpoint_of(in), (int)(hole - format), format, evidence, hole + 2);
}

static bool is_mapped(const struct answer_input *in, const struct answer_body *body)
{
    return body->root != NULL && body->why.code == CX_E_NOT_FOUND && in->expect != NULL &&
           !slice_is_absent(in->expect->places.access_token);
}

void answer_say(const struct answer_input *in, const struct answer_body *body,
                const struct answer_judgement *j, char out[ANSWER_TEXT_BYTES_MAX])
{
    char evidence[EVIDENCE_BYTES];

    say_evidence(in, body, &j->refusal, evidence);
    if (j->is_unmet || (j->code == VERDICT_ENDPOINT_FAILED && is_mapped(in, body))) {
        say_unlike_profile(in, body, j, out);
    } else if (j->code == VERDICT_CREDENTIALS_REFUSED) {
        say_endpoint(in, say_credentials(in->purpose), evidence, out);
    } else if (j->code == VERDICT_CLIENT_REFUSED) {
        say_endpoint(in, say_client(&j->refusal, in->purpose == PURPOSE_REVOKE), evidence, out);
    } else if (j->code == VERDICT_REQUEST_REFUSED) {
        say_endpoint(in, say_request(&j->refusal), evidence, out);
    } else if (j->code == VERDICT_ENDPOINT_BUSY) {
        say_busy(endpoint_of(in), evidence, j, out);
    } else if (j->code == VERDICT_REDIRECTED) {
        say_redirected(in, out);
    } else if (j->code == VERDICT_ANSWER_UNREADABLE) {
        say_unreadable(in, body, out);
    } else {
        say_endpoint(in,
                     in->purpose == PURPOSE_REVOKE ? say_revocation_failed(in->status)
                                                   : say_failed(in->status),
                     evidence, out);
    }
}
