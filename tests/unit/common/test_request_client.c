/* Clients that prove who they are by a key: what the builder asks its keeper, and what it sends. */
#include "tests/support/check.h"
#include "tests/support/request_row.h"

#include "common/core/request_mask.h"

#include <stdio.h>

#define TYPE "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"

/* What was asked to be signed, as text. */
static char asked[512];

static enum cx_err sign(void *ctx, const struct keeper_assertion *ask, struct buf *out,
                        struct cx_fail *fail)
{
    (void)ctx;
    (void)snprintf(asked, sizeof(asked),
                   "%s kid=%.*s id=%.*s aud=%.*s url=%.*s secret=%.*s pem=%.*s",
                   terms_alg(ask->alg), SLICE_ARG(ask->kid), SLICE_ARG(ask->client_id),
                   SLICE_ARG(ask->audience), SLICE_ARG(ask->url), SLICE_ARG(ask->secret),
                   SLICE_ARG(ask->key_pem));
    if (slice_eq_str(ask->secret, "forbidden")) {
        return cx_fail_set(fail, CX_E_SECRET, "test", "the rule says no");
    }
    return buf_put_str(out, "h.c+s");
}

static enum cx_err find_secret(void *ctx, const struct keeper_use *use, struct slice *value,
                               struct cx_fail *fail)
{
    (void)ctx;
    (void)fail;
    *value = slice_eq_str(use->key, "key") ? SLICE_LIT("KEY") : SLICE_LIT("CERT");
    return use->place == SECRET_IN_CLIENT ? CX_OK : CX_E_SECRET;
}

static const struct request_keeper keeper = {.find_secret = find_secret, .sign = sign};

static const struct {
    const char *why;
    struct request_row row;
    enum client_alg alg;
    const char *key, *kid, *aud, *certificate;
    const char *asked; /* NULL: nothing was */
    const char *shown; /* "certificate key" */
} rows[] = {
    {"a key of the profile",
     {.url = REQUEST_ROW_URL "?a=1",
      .fields = {{PLACE_PAYLOAD, "grant_type", "password"}},
      .client = CLIENT_PRIVATE_KEY_JWT,
      .id = "{{username}}",
      .want_body = "grant_type=password&client_id=johndoe&client_assertion_type=" TYPE
                   "&client_assertion=h.c%2Bs"},
     .alg = ALG_ES256,
     .key = "PEM",
     .asked = "ES256 kid= id=johndoe aud= url=" REQUEST_ROW_URL " secret= pem=PEM"},
    {"a key of the agent, kid and aud",
     {.url = REQUEST_ROW_URL,
      .client = CLIENT_PRIVATE_KEY_JWT,
      .id = "i",
      .want_body = "client_id=i&client_assertion_type=" TYPE "&client_assertion=h.c%2Bs"},
     .alg = ALG_RS256,
     .key = "{{secret:k}}",
     .kid = "{{not expanded}}",
     .aud = "https://{{tenant}}.example",
     .asked = "RS256 kid={{not expanded}} id=i aud=https://acme.example url=" REQUEST_ROW_URL
              " secret=k pem="},
    {"a field wins over each",
     {.url = REQUEST_ROW_URL,
      .fields = {{PLACE_PAYLOAD, "client_assertion", "own"}, {PLACE_PAYLOAD, "client_id", "x"}},
      .client = CLIENT_PRIVATE_KEY_JWT,
      .id = "i",
      .want_body = "client_assertion=own&client_id=x&client_assertion_type=" TYPE},
     .alg = ALG_RS256,
     .key = "{{secret:k}}"},
    {"a rule that says no",
     {.url = REQUEST_ROW_URL,
      .client = CLIENT_PRIVATE_KEY_JWT,
      .id = "i",
      .err = CX_E_SECRET,
      .stage = STAGE_SECRET,
      .says = "client.key: the rule says no"},
     .alg = ALG_RS256,
     .key = "{{secret:forbidden}}"},
    {"a secret as a part of a key",
     {.url = REQUEST_ROW_URL,
      .client = CLIENT_PRIVATE_KEY_JWT,
      .id = "i",
      .err = CX_E_SECRET,
      .stage = STAGE_SECRET,
      .says = "client.key: {{secret:k}}"},
     .alg = ALG_RS256,
     .key = "-----{{secret:k}}"},
    {"a secret as aud",
     {.url = REQUEST_ROW_URL,
      .client = CLIENT_PRIVATE_KEY_JWT,
      .id = "i",
      .err = CX_E_SECRET,
      .stage = STAGE_SECRET,
      .says = "client.aud"},
     .alg = ALG_RS256,
     .key = "{{secret:k}}",
     .aud = "{{secret:k}}"},
    {"no key",
     {.url = REQUEST_ROW_URL,
      .client = CLIENT_PRIVATE_KEY_JWT,
      .id = "i",
      .err = CX_E_MISSING,
      .stage = STAGE_TEMPLATE,
      .says = "client.key"},
     .alg = ALG_RS256},
    {"no alg",
     {.url = REQUEST_ROW_URL,
      .client = CLIENT_PRIVATE_KEY_JWT,
      .id = "i",
      .err = CX_E_MISSING,
      .stage = STAGE_TEMPLATE,
      .says = "client.alg"},
     .key = "PEM"},
    {"an assertion in a URL",
     {.url = REQUEST_ROW_URL,
      .method = METHOD_GET,
      .client = CLIENT_PRIVATE_KEY_JWT,
      .id = "i",
      .err = CX_E_SYNTAX,
      .stage = STAGE_TEMPLATE,
      .says = "needs a body"},
     .alg = ALG_RS256,
     .key = "PEM"},
    {"a certificate of the profile",
     {.url = REQUEST_ROW_URL, .client = CLIENT_TLS, .id = "i", .want_body = "client_id=i"},
     .key = "K",
     .certificate = "C",
     .shown = "C K"},
    {"a certificate of the agent",
     {.url = REQUEST_ROW_URL, .client = CLIENT_TLS, .id = "i", .want_body = "client_id=i"},
     .key = "{{secret:k}}",
     .certificate = "{{secret:c}}",
     .shown = "CERT KEY"},
    {"the rule's certificate",
     {.url = REQUEST_ROW_URL, .client = CLIENT_TLS, .id = "i", .want_body = "client_id=i"},
     .shown = " "},
    {"a certificate without its key",
     {.url = REQUEST_ROW_URL,
      .client = CLIENT_TLS,
      .id = "i",
      .err = CX_E_MISSING,
      .stage = STAGE_TEMPLATE,
      .says = "client.key"},
     .certificate = "C"},
    {"a key without its certificate",
     {.url = REQUEST_ROW_URL,
      .client = CLIENT_TLS,
      .id = "i",
      .err = CX_E_MISSING,
      .stage = STAGE_TEMPLATE,
      .says = "client.certificate"},
     .key = "K"},
};

static void make_job(size_t i, struct request_row_job *m)
{
    request_row_job(m, &rows[i].row);
    m->job.request.client.alg = rows[i].alg;
    m->job.request.client.key = slice_of_str(rows[i].key);
    m->job.request.client.kid = slice_of_str(rows[i].kid);
    m->job.request.client.aud = slice_of_str(rows[i].aud);
    m->job.request.client.certificate = slice_of_str(rows[i].certificate);
}

static void check_made(size_t i, const struct request *r)
{
    char shown[64];

    CHECK_TEXT(rows[i].why, buf_view(&r->body), rows[i].row.want_body);
    (void)snprintf(shown, sizeof(shown), "%.*s %.*s", SLICE_ARG(buf_view(&r->certificate)),
                   SLICE_ARG(buf_view(&r->key)));
    CHECK(rows[i].why, strcmp(shown, rows[i].shown == NULL ? " " : rows[i].shown) == 0);
    if (strcmp(asked, rows[i].asked == NULL ? "" : rows[i].asked) != 0) {
        fail_msg("%s: asked %s", rows[i].why, asked);
    }
}

static void request_build_asks_for_assertions_and_gives_certificates(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct request_row_job m;
        struct request r = {0};
        struct cx_fail fail = {0};
        enum stage stage = STAGE_NONE;

        asked[0] = '\0';
        make_job(i, &m);
        CHECK_ERR(rows[i].why, request_build(&m.job, &keeper, &r, &stage, &fail), rows[i].row.err);
        if (rows[i].row.err == CX_OK) {
            check_made(i, &r);
        } else {
            CHECK(rows[i].why, stage == rows[i].row.stage);
            CHECK(fail.detail, strstr(fail.detail, rows[i].row.says) != NULL);
        }
        request_done(&r);
    }
}

static void nothing_is_signed_where_nobody_can(void **state)
{
    struct request_row_job m;
    struct request r = {0};
    struct cx_fail fail = {0};
    enum stage stage = STAGE_NONE;

    (void)state;
    make_job(0, &m);
    assert_int_equal(request_build(&m.job, NULL, &r, &stage, &fail), CX_E_SECRET);
    assert_int_equal(stage, STAGE_SECRET);
    request_done(&r);
}

static void a_shown_request_has_no_key_and_no_assertion(void **state)
{
    struct request_row_job m;
    struct request r = {0};
    struct cx_fail fail = {0};
    enum stage stage = STAGE_NONE;

    (void)state;
    make_job(0, &m);
    assert_int_equal(request_build_masked(&m.job, &r, &stage, &fail), CX_OK);
    CHECK_TEXT("masked", buf_view(&r.body),
               "grant_type=password&client_id=johndoe&client_assertion_type=" TYPE
               "&client_assertion=" REQUEST_MASK);
    request_done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_build_asks_for_assertions_and_gives_certificates),
        cmocka_unit_test(nothing_is_signed_where_nobody_can),
        cmocka_unit_test(a_shown_request_has_no_key_and_no_assertion),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
