#include "tests/support/request_row.h"

#include "tests/support/check.h"

#include <assert.h>

/* The variables of every job here. */
static const struct {
    const char *name, *value;
} variables[] = {
    {"grant_type", "password"},
    {"username", "johndoe"},
    {"password", "A3ddj3w"},
    {"refresh_token", "tGzv3JOkF0XG5Qx2TlKWIA"},
    {"tenant", "acme"},
    {"pin", "4711"},
    {"session", "s/1 2"},
    {"empty", ""},
    {"blanks", " \t "},
    {"padded", "  a b \t"},
    {"braces", "{{pin}}{{{{ {tenant}"},
    {"nasty", "a&b=c d%+\"'\r\n\xf0\x9f\x94\x91"},
    {"crlf", "x\r\nEvil: 1"},
    {"umlaut", "\xc3\xbc"},
    {"dots", ".."},
    {"host", "a.b"},
    {"basic_id", "a b:%\xc3\xbc"},
    {"unreserved", "AZaz09*-._~"},
};

static_assert(COUNT_OF(variables) <= REQUEST_ROW_VARIABLES_MAX, "room for the variables");

void request_row_job(struct request_row_job *m, const struct request_row *row)
{
    size_t n = 0;

    *m = (struct request_row_job){0};
    while (n < COUNT_OF(row->fields) && row->fields[n].place != PLACE_UNKNOWN) {
        m->fields[n] = (struct msg_field){row->fields[n].place, slice_of_str(row->fields[n].key),
                                          slice_of_str(row->fields[n].value)};
        n++;
    }
    for (size_t i = 0; i < COUNT_OF(variables); i++) {
        m->variables[i] = (struct msg_variable){slice_of_str(variables[i].name),
                                                slice_of_str(variables[i].value)};
    }
    m->job.purpose = PURPOSE_AUTHORIZE;
    m->job.request = (struct msg_request){
        .method = row->method == METHOD_UNKNOWN ? METHOD_POST : row->method,
        .url = slice_of_str(row->url),
        .encoding = row->encoding == ENCODING_UNKNOWN ? ENCODING_FORM : row->encoding,
        .fields = m->fields,
        .nfields = n,
        .client = {.method = row->client,
                   .id = slice_of_str(row->id),
                   .secret = slice_of_str(row->secret)},
    };
    m->job.variables = m->variables;
    m->job.nvariables = COUNT_OF(variables);
}

static void join_headers(const struct request *r, struct buf *out)
{
    struct slice rest = buf_view(&r->headers);
    size_t n = 0;

    for (; rest.len > 0; n++) {
        assert_int_equal(buf_put(out, request_take_header(&rest)), CX_OK);
        assert_int_equal(buf_put_byte(out, '\n'), CX_OK);
    }
    assert_int_equal(n, r->nheaders);
}

static void check_row(const struct request_row *row)
{
    struct request_row_job m;
    struct request r = {0};
    struct buf headers;
    enum stage stage = STAGE_NONE;
    struct cx_fail fail = {0};
    enum cx_err err;

    request_row_job(&m, row);
    err = request_build(&m.job, row->keeper, &r, &stage, &fail);
    if (err != row->err) {
        fail_msg("%s: got \"%s\" (%s)", row->why, cx_err_text(err), fail.detail);
    }
    if (err != CX_OK) {
        CHECK(row->why, stage == row->stage);
        CHECK(row->why, r.url.ptr == NULL && r.nheaders == 0 && r.body.ptr == NULL);
        if (strstr(fail.detail, row->says) == NULL) {
            fail_msg("%s: says \"%s\"", row->why, fail.detail);
        }
        return;
    }
    buf_init(&headers, SIZE_MAX);
    join_headers(&r, &headers);
    CHECK_TEXT(row->why, buf_view(&r.url), row->want_url);
    CHECK_TEXT(row->why, buf_view(&headers), row->want_headers);
    CHECK_TEXT(row->why, buf_view(&r.body), row->want_body == NULL ? "" : row->want_body);
    CHECK(row->why, r.has_body == (row->want_body != NULL));
    CHECK(row->why, r.method == m.job.request.method);
    buf_done(&headers);
    request_done(&r);
    request_done(&r);
}

void request_row_check(const struct request_row *rows, size_t nrows)
{
    for (size_t i = 0; i < nrows; i++) {
        check_row(&rows[i]);
    }
}
