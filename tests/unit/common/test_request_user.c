/* Whom a request is for, as the endpoint will read it. */
#include "common/core/request_user.h"

#include "tests/support/check.h"
#include "tests/support/request_row.h"

struct seen {
    struct buf user;
    bool is_counted;
};

static enum cx_err look(void *ctx, const struct request_parts *parts, struct cx_fail *fail)
{
    struct seen *seen = ctx;

    return request_user(parts, SLICE_LIT("username"), &seen->user, &seen->is_counted, fail);
}

/* What building the row's request gives. */
struct built {
    struct seen seen;
    struct request made;
    enum cx_err err;
    enum stage stage;
    struct cx_fail fail;
};

static void build(const struct request_row *row, struct built *b)
{
    const struct request_keeper keeper = {.look = look, .ctx = &b->seen};
    struct request_row_job m;

    *b = (struct built){.stage = STAGE_NONE};
    buf_init(&b->seen.user, 1000);
    request_row_job(&m, row);
    m.job.request.client.method = CLIENT_NONE;
    if (row->url == NULL) {
        m.job.request.url = slice_of_str(REQUEST_ROW_URL);
    }
    b->err = request_build(&m.job, &keeper, &b->made, &b->stage, &b->fail);
}

static void built_done(struct built *b)
{
    buf_done(&b->seen.user);
    request_done(&b->made);
}

static const struct {
    struct request_row row;
    const char *want; /* NULL: it is for nobody */
} rows[] = {
    {{.why = "a payload field", .fields = {{PLACE_PAYLOAD, "username", "alice"}}}, "alice"},
    {{.why = "of JSON",
      .fields = {{PLACE_PAYLOAD, "username", "alice"}},
      .encoding = ENCODING_JSON},
     "alice"},
    {{.why = "case and white space are no other user",
      .fields = {{PLACE_PAYLOAD, "UserName", " \tALICE "}}},
     "alice"},
    {{.why = "a payload that stands in the URL",
      .method = METHOD_GET,
      .fields = {{PLACE_PAYLOAD, "username", "al ice+1"}}},
     "al ice+1"},
    {{.why = "a query field", .fields = {{PLACE_QUERY, "username", "alice"}}}, "alice"},
    {{.why = "the URL's own query", .url = REQUEST_ROW_URL "?a=1&username=alice"}, "alice"},
    {{.why = "its key percent-encoded", .url = REQUEST_ROW_URL "?user%6Eame=al%69ce"}, "alice"},
    {{.why = "behind a semicolon", .url = REQUEST_ROW_URL "?a=1;username=alice"}, "alice"},
    {{.why = "without a value", .url = REQUEST_ROW_URL "?username"}, ""},
    {{.why = "a path field",
      .url = "https://idp.example/{username}/t",
      .fields = {{PLACE_PATH, "username", "alice"}}},
     "alice"},
    {{.why = "a header", .fields = {{PLACE_HEADER, "Username", "alice"}}}, "alice"},
    {{.why = "none: the one user without a name", .fields = {{PLACE_PAYLOAD, "x", "1"}}}, ""},
    {{.why = "a refresh", .fields = {{PLACE_PAYLOAD, "grant_type", "refresh_token"}}}, NULL},
    {{.why = "a refresh that is two grants at once",
      .url = REQUEST_ROW_URL "?grant_type=password",
      .fields = {{PLACE_PAYLOAD, "grant_type", "refresh_token"}}},
     ""},
    {{.why = "a refresh with a user",
      .fields = {{PLACE_PAYLOAD, "grant_type", "refresh_token"},
                 {PLACE_PAYLOAD, "username", "alice"}}},
     "alice"},
};

static void the_value_that_the_endpoint_reads_is_the_user(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct built b;

        build(&rows[i].row, &b);
        CHECK(rows[i].row.why, b.err == CX_OK);
        CHECK(rows[i].row.why, b.seen.is_counted == (rows[i].want != NULL));
        if (rows[i].want != NULL) {
            CHECK(rows[i].row.why, slice_eq_str(buf_view(&b.seen.user), rows[i].want));
        }
        built_done(&b);
    }
}

static void a_request_that_hides_its_user_is_refused(void **state)
{
    static const struct request_row hidden[] = {
        {.why = "twice in the payload",
         .fields = {{PLACE_PAYLOAD, "username", "alice"}, {PLACE_PAYLOAD, "username", "bob"}},
         .says = "more than once"},
        {.why = "in the payload and the URL",
         .url = REQUEST_ROW_URL "?username=alice",
         .fields = {{PLACE_PAYLOAD, "username", "bob"}},
         .says = "more than once"},
        {.why = "in another case",
         .fields = {{PLACE_PAYLOAD, "username", "alice"}, {PLACE_PAYLOAD, "USERNAME", "bob"}},
         .says = "more than once"},
        {.why = "in one text",
         .encoding = ENCODING_TEXT,
         .fields = {{PLACE_PAYLOAD, "", "username=alice&password=x"}},
         .says = "one text"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
        struct built b;

        build(&hidden[i], &b);
        CHECK(hidden[i].why, b.err == CX_E_DENIED && b.stage == STAGE_POLICY);
        CHECK(hidden[i].why, strstr(cx_fail_text(&b.fail), hidden[i].says) != NULL);
        CHECK(hidden[i].why, b.made.url.len == 0);
        built_done(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_value_that_the_endpoint_reads_is_the_user),
        cmocka_unit_test(a_request_that_hides_its_user_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
