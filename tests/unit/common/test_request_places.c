/* Every kind of placeholder in every place: what it becomes there, or why nothing is sent. */
#include "common/core/request.h"

#include "tests/support/check.h"

#define VALUE  "a/b &\"%+\xc3\xbc"
#define SECRET "s/1 &\"%+\xc3\xbc"

enum { FILLED = 4 };

/* What stands in the place: FILLED of them can be filled, the others in no place. */
static const char *const kinds[] = {
    "{{value}}",    "{{tenant}}", "{{{{value}}", "{{secret:s}}", "{{nobody}}",
    "{{secret:t}}", "{{value",    "{{}}",        "{{a b}}",
};

enum where { IN_URL, IN_FIELD, IN_ID, IN_CLIENT_SECRET };
enum shown { URL, HEADER, BODY };

struct place_row {
    const char *why;
    enum where where;
    const char *url;        /* IN_URL: '@' stands for the placeholder */
    enum field_place place; /* IN_FIELD */
    enum http_method method;
    enum body_encoding encoding;
    enum client_method client;
    enum shown shown;
    const char *want[FILLED]; /* of each kind that can be filled; NULL: refused there */
};

#define TOKEN "https://idp.example/t"

/* By hand: RFC 3986, 2.1 (percent), RFC 6749, appendix B (form), RFC 8259, 7 (JSON); base64 by
 * `base64`. "{{{{" is a literal "{{". */
static const struct place_row rows[] = {
    {"a host label",
     IN_URL,
     "https://@.idp.example/t",
     PLACE_UNKNOWN,
     METHOD_POST,
     ENCODING_FORM,
     CLIENT_NONE,
     URL,
     {NULL, "https://acme.idp.example/t", NULL, NULL}},
    {"the path",
     IN_URL,
     "https://idp.example/x@x",
     PLACE_UNKNOWN,
     METHOD_POST,
     ENCODING_FORM,
     CLIENT_NONE,
     URL,
     {"https://idp.example/xa%2Fb%20%26%22%25%2B%C3%BCx", "https://idp.example/xacmex", NULL,
      NULL}},
    {"the URL's query",
     IN_URL,
     TOKEN "?q=x@x",
     PLACE_UNKNOWN,
     METHOD_POST,
     ENCODING_FORM,
     CLIENT_NONE,
     URL,
     {TOKEN "?q=xa%2Fb%20%26%22%25%2B%C3%BCx", TOKEN "?q=xacmex", NULL, NULL}},
    {"the scheme",
     IN_URL,
     "@://idp.example/t",
     PLACE_UNKNOWN,
     METHOD_POST,
     ENCODING_FORM,
     CLIENT_NONE,
     URL,
     {NULL, NULL, NULL, NULL}},
    {"the port",
     IN_URL,
     "https://idp.example:@/t",
     PLACE_UNKNOWN,
     METHOD_POST,
     ENCODING_FORM,
     CLIENT_NONE,
     URL,
     {NULL, NULL, NULL, NULL}},
    {"a query field",
     IN_FIELD,
     TOKEN,
     PLACE_QUERY,
     METHOD_POST,
     ENCODING_FORM,
     CLIENT_NONE,
     URL,
     {TOKEN "?k=a%2Fb%20%26%22%25%2B%C3%BC", TOKEN "?k=acme", TOKEN "?k=%7B%7Bvalue%7D%7D", NULL}},
    {"a path field",
     IN_FIELD,
     "https://idp.example/{k}/t",
     PLACE_PATH,
     METHOD_POST,
     ENCODING_FORM,
     CLIENT_NONE,
     URL,
     {"https://idp.example/a%2Fb%20%26%22%25%2B%C3%BC/t", "https://idp.example/acme/t",
      "https://idp.example/%7B%7Bvalue%7D%7D/t", NULL}},
    {"a header",
     IN_FIELD,
     TOKEN,
     PLACE_HEADER,
     METHOD_POST,
     ENCODING_FORM,
     CLIENT_NONE,
     HEADER,
     {"k: " VALUE, "k: acme", "k: {{value}}", "k: " SECRET}},
    {"a header of a GET",
     IN_FIELD,
     TOKEN,
     PLACE_HEADER,
     METHOD_GET,
     ENCODING_FORM,
     CLIENT_NONE,
     HEADER,
     {"k: " VALUE, "k: acme", "k: {{value}}", "k: " SECRET}},
    {"the payload, form",
     IN_FIELD,
     TOKEN,
     PLACE_PAYLOAD,
     METHOD_POST,
     ENCODING_FORM,
     CLIENT_NONE,
     BODY,
     {"k=a%2Fb+%26%22%25%2B%C3%BC", "k=acme", "k=%7B%7Bvalue%7D%7D", "k=s%2F1+%26%22%25%2B%C3%BC"}},
    {"the payload, JSON",
     IN_FIELD,
     TOKEN,
     PLACE_PAYLOAD,
     METHOD_PUT,
     ENCODING_JSON,
     CLIENT_NONE,
     BODY,
     {"{\"k\":\"a/b &\\\"%+\xc3\xbc\"}", "{\"k\":\"acme\"}", "{\"k\":\"{{value}}\"}",
      "{\"k\":\"s/1 &\\\"%+\xc3\xbc\"}"}},
    {"the payload of a GET",
     IN_FIELD,
     TOKEN,
     PLACE_PAYLOAD,
     METHOD_GET,
     ENCODING_FORM,
     CLIENT_NONE,
     URL,
     {TOKEN "?k=a%2Fb%20%26%22%25%2B%C3%BC", TOKEN "?k=acme", TOKEN "?k=%7B%7Bvalue%7D%7D", NULL}},
    {"the client's id, Basic",
     IN_ID,
     TOKEN,
     PLACE_UNKNOWN,
     METHOD_POST,
     ENCODING_FORM,
     CLIENT_SECRET_BASIC,
     HEADER,
     {"Authorization: Basic YSUyRmIrJTI2JTIyJTI1JTJCJUMzJUJDOmM=", "Authorization: Basic YWNtZTpj",
      "Authorization: Basic JTdCJTdCdmFsdWUlN0QlN0Q6Yw==",
      "Authorization: Basic cyUyRjErJTI2JTIyJTI1JTJCJUMzJUJDOmM="}},
    {"the client's secret, Basic as it is",
     IN_CLIENT_SECRET,
     TOKEN,
     PLACE_UNKNOWN,
     METHOD_POST,
     ENCODING_FORM,
     CLIENT_SECRET_BASIC_RAW,
     HEADER,
     {"Authorization: Basic YzphL2IgJiIlK8O8", "Authorization: Basic YzphY21l",
      "Authorization: Basic Yzp7e3ZhbHVlfX0=", "Authorization: Basic YzpzLzEgJiIlK8O8"}},
    {"the client's secret in the payload",
     IN_CLIENT_SECRET,
     TOKEN,
     PLACE_UNKNOWN,
     METHOD_POST,
     ENCODING_FORM,
     CLIENT_SECRET_POST,
     BODY,
     {"client_id=c&client_secret=a%2Fb+%26%22%25%2B%C3%BC", "client_id=c&client_secret=acme",
      "client_id=c&client_secret=%7B%7Bvalue%7D%7D",
      "client_id=c&client_secret=s%2F1+%26%22%25%2B%C3%BC"}},
    {"the client's secret in the query of a GET",
     IN_CLIENT_SECRET,
     TOKEN,
     PLACE_UNKNOWN,
     METHOD_GET,
     ENCODING_FORM,
     CLIENT_SECRET_POST,
     URL,
     {TOKEN "?client_id=c&client_secret=a%2Fb%20%26%22%25%2B%C3%BC",
      TOKEN "?client_id=c&client_secret=acme", TOKEN "?client_id=c&client_secret=%7B%7Bvalue%7D%7D",
      NULL}},
};

/* Keeps "s", for every place where a secret may stand. */
static enum cx_err find_secret(void *ctx, const struct keeper_use *use, struct slice *value,
                               struct cx_fail *fail)
{
    (void)ctx;
    *value = SLICE_LIT(SECRET);
    return slice_eq_str(use->name, "s") ? CX_OK
                                        : cx_fail_set(fail, CX_E_SECRET, "test", "none such");
}

static enum cx_err build(const struct place_row *row, const char *kind, struct request *out)
{
    static const struct request_keeper keeper = {.find_secret = find_secret};
    const struct msg_variable variables[] = {{SLICE_LIT("value"), SLICE_LIT(VALUE)},
                                             {SLICE_LIT("tenant"), SLICE_LIT("acme")}};
    const struct msg_field field = {row->place, SLICE_LIT("k"), slice_of_str(kind)};
    struct msg_job job = {
        .request = {.method = row->method,
                    .encoding = row->encoding,
                    .fields = &field,
                    .nfields = row->where == IN_FIELD ? 1 : 0,
                    .client = {.method = row->client,
                               .id = SLICE_LIT("c"),
                               .secret = SLICE_LIT("c")}},
        .variables = variables,
        .nvariables = COUNT_OF(variables),
    };
    char url[256];
    enum stage stage = STAGE_NONE;
    enum cx_err err;
    const char *at = strchr(row->url, '@');

    if (row->client == CLIENT_NONE) {
        job.request.client.id = (struct slice){0};
    }
    if (row->where == IN_ID) {
        job.request.client.id = slice_of_str(kind);
    } else if (row->where == IN_CLIENT_SECRET) {
        job.request.client.secret = slice_of_str(kind);
    }
    (void)snprintf(url, sizeof(url), "%.*s%s%s", (int)strcspn(row->url, "@"), row->url,
                   at != NULL ? kind : "", at != NULL ? at + 1 : "");
    job.request.url = slice_of_str(url);
    err = request_build(&job, &keeper, out, &stage, NULL);
    CHECK(row->why, err == CX_OK || stage == STAGE_TEMPLATE || stage == STAGE_SECRET);
    CHECK(row->why, err == CX_OK || (out->url.ptr == NULL && out->nheaders == 0));
    return err;
}

static void check_filled(const struct place_row *row, const char *want, struct request *r)
{
    char why[128];
    struct slice lines = buf_view(&r->headers);
    struct slice got = row->shown == URL    ? buf_view(&r->url)
                       : row->shown == BODY ? buf_view(&r->body)
                                            : request_take_header(&lines);

    (void)snprintf(why, sizeof(why), "%s: \"%s\"", row->why, want);
    CHECK_TEXT(why, got, want);
    request_done(r);
}

static void every_placeholder_is_filled_in_every_place_or_nothing_is_made(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (size_t k = 0; k < COUNT_OF(kinds); k++) {
            const char *want = k < FILLED ? rows[i].want[k] : NULL;
            struct request r = {0};
            enum cx_err err = build(&rows[i], kinds[k], &r);

            if ((err == CX_OK) != (want != NULL)) {
                fail_msg("%s: %s: %s", rows[i].why, kinds[k], cx_err_text(err));
            }
            if (want != NULL) {
                check_filled(&rows[i], want, &r);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_placeholder_is_filled_in_every_place_or_nothing_is_made),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
