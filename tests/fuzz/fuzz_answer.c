/* Input: six octets that choose status, label, profile and purpose, then the Retry-After and the
 * Location, a line each; with 128 and more as the fifth octet, the six places of the profile's
 * `answer`, a line each, of which an empty one is absent and "-" is empty; then the body. Every
 * answer has a verdict; what it passes on is clean and
 * lies in its own bytes. */
#include "common/core/answer.h"
#include "common/core/answer_reader.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { CHOICES = 6 };

static void require(bool claim)
{
    if (!claim) {
        abort();
    }
}

static struct slice cut_line(struct slice *rest)
{
    size_t end = slice_find(*rest, 0, '\n');
    struct slice line = slice_first(*rest, end);

    *rest = slice_from(*rest, end + 1);
    return line;
}

static struct slice cut_place(struct slice *rest)
{
    struct slice line = cut_line(rest);

    if (slice_eq_str(line, "-")) {
        return slice_first(line, 0);
    }
    return line.len == 0 ? slice_of(NULL, 0) : line;
}

static struct msg_places cut_places(struct slice *rest)
{
    struct msg_places p = {.access_token = cut_place(rest)};

    p.refresh_token = cut_place(rest);
    p.expires_in = cut_place(rest);
    p.token_type = cut_place(rest);
    p.success_at = cut_place(rest);
    p.success_is = cut_place(rest);
    return p;
}

static void check_slice(const struct answer *a, struct slice s, bool may_have_control)
{
    if (slice_is_absent(s)) {
        return;
    }
    require(s.len > 0 && s.ptr >= a->bytes.ptr && s.ptr + s.len <= a->bytes.ptr + a->bytes.len);
    require(slice_is_utf8(s) && (may_have_control || !slice_has_control(s)));
}

static void check_issued(const struct answer *a)
{
    require(a->code == VERDICT_ISSUED && a->stage == STAGE_NONE);
    require(a->token.access_token.len > 0 && a->token.token_type.len > 0);
    check_slice(a, a->token.access_token, false);
    check_slice(a, a->token.refresh_token, false);
    check_slice(a, a->token.id_token, false);
    check_slice(a, a->token.token_type, false);
    check_slice(a, a->token.scope, false);
    check_slice(a, a->token.extra, true); /* JSON text escapes C0 only */
    require(slice_is_absent(a->error.message));
    if (!slice_is_absent(a->token.extra)) {
        json_t *extra = json_loadb((const char *)a->token.extra.ptr, a->token.extra.len,
                                   JSON_REJECT_DUPLICATES, NULL);

        require(json_is_object(extra) && a->token.extra.len <= MSG_EXTRA_BYTES_MAX);
        json_decref(extra);
    }
}

static void check_declined(const struct answer *a)
{
    require(a->code != VERDICT_UNKNOWN && a->code != VERDICT_ISSUED && a->code != VERDICT_REVOKED);
    require(a->outcome == OUTCOME_REFUSED || a->outcome == OUTCOME_FAILED);
    require(a->error.stage == a->stage && a->stage != STAGE_NONE);
    require(a->error.message.len > 0 && a->error.message.len < ANSWER_TEXT_BYTES_MAX);
    require(a->error.oauth_error.len <= ANSWER_TEXT_BYTES_MAX);
    require(a->error.oauth_description.len <= ANSWER_TEXT_BYTES_MAX);
    check_slice(a, a->error.message, false);
    check_slice(a, a->error.oauth_error, false);
    check_slice(a, a->error.oauth_description, false);
    require(slice_is_absent(a->token.access_token));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const labels[] = {"application/json",
                                         "application/x-www-form-urlencoded",
                                         "text/plain",
                                         "text/xml",
                                         "application/vnd.x+json; charset=utf-8",
                                         NULL,
                                         "text/csv",
                                         "application/rss+xml"};
    static const uint32_t statuses[] = {200, 200, 200, 201, 204, 302, 400,
                                        401, 403, 404, 429, 500, 503, 0};
    uint32_t auth_error_status[1];
    struct msg_expect expect = {.auth_error_status = auth_error_status, .nauth_error_status = 1};
    struct answer_input in = {.expect = &expect, .now_unix_s = 1700000000};
    struct slice rest = slice_of(data, size);
    struct answer a;

    if (size < CHOICES) {
        return 0;
    }
    in.status = statuses[data[0] % (sizeof(statuses) / sizeof(statuses[0]))];
    in.content_type = slice_of_str(labels[data[1] % (sizeof(labels) / sizeof(labels[0]))]);
    in.sent = (enum body_encoding)(data[2] % ENCODING_COUNT);
    expect.answer = (enum body_encoding)(data[3] % ENCODING_COUNT);
    in.purpose = (enum job_purpose)(data[4] % PURPOSE_COUNT);
    auth_error_status[0] = 400u + data[5] % 8;
    in.is_body_whole = data[5] < 0xf0;
    rest = slice_from(rest, CHOICES);
    in.retry_after = cut_line(&rest);
    in.location = cut_line(&rest);
    if (data[4] >= 0x80) {
        expect.places = cut_places(&rest);
    }
    in.body = rest;
    if (answer_read(&in, &a) != CX_OK) {
        abort();
    }
    if (a.outcome == OUTCOME_ISSUED) {
        check_issued(&a);
    } else if (a.outcome == OUTCOME_REVOKED) {
        require(in.purpose == PURPOSE_REVOKE && in.status / 100 == 2 && a.code == VERDICT_REVOKED);
    } else {
        check_declined(&a);
    }
    answer_done(&a);
    return 0;
}
