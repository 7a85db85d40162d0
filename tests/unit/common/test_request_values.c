#include "common/core/request.h"
#include "tests/support/check.h"

/* Every value that some place must escape, in every content type, method and place. */

#define BOUNDARY "connector-05050505050505050505050505050505"
#define DECL     "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"

/* A value, and how it stands in each place: as independent implementations write it (Python 3.11's
 * urllib.parse, json, xml.etree with a CR as &#13;, csv; urllib3 2.7 for multipart/form-data, where
 * it is as it is). NULL: it can't stand there (expat refuses the text; csv: a control character;
 * lines: str.splitlines finds two, or a control character). */
static const struct value {
    const char *why, *value, *percent, *form, *json, *xml, *csv, *line, *header;
    bool is_label;
    const char *behind_boundary; /* letters that the boundary needs to be none of the value's */
} values[] = {
    {"plain", "abc", "abc", "abc", "\"abc\"", "abc", "abc", "abc", "abc", true, ""},
    {"empty", "", "", "", "\"\"", "", "", "", "", false, ""},
    {"a space", "a b", "a%20b", "a+b", "\"a b\"", "a b", "a b", "a b", "a b", false, ""},
    {"blanks around", " \tx ", "%20%09x%20", "+%09x+", "\" \\tx \"", " \tx ", " \tx ", " \tx ", "x",
     false, ""},
    {"quotes", "\"'", "%22%27", "%22%27", "\"\\\"'\"", "\"'", "\"\"\"'\"", "\"'", "\"'", false, ""},
    {"form's own", "a&b=c+d", "a%26b%3Dc%2Bd", "a%26b%3Dc%2Bd", "\"a&b=c+d\"", "a&amp;b=c+d",
     "a&b=c+d", "a&b=c+d", "a&b=c+d", false, ""},
    {"end of CDATA", "]]>", "%5D%5D%3E", "%5D%5D%3E", "\"]]>\"", "]]&gt;", "]]>", "]]>", "]]>",
     false, ""},
    {"markup", "</k><x a=\"1\">&amp;<!--", "%3C%2Fk%3E%3Cx%20a%3D%221%22%3E%26amp%3B%3C%21--",
     "%3C%2Fk%3E%3Cx+a%3D%221%22%3E%26amp%3B%3C%21--", "\"</k><x a=\\\"1\\\">&amp;<!--\"",
     "&lt;/k&gt;&lt;x a=\"1\"&gt;&amp;amp;&lt;!--", "\"</k><x a=\"\"1\"\">&amp;<!--\"",
     "</k><x a=\"1\">&amp;<!--", "</k><x a=\"1\">&amp;<!--", false, ""},
    {"CR LF", "x\r\ne=1", "x%0D%0Ae%3D1", "x%0D%0Ae%3D1", "\"x\\r\\ne=1\"", "x&#13;\ne=1",
     "\"x\r\ne=1\"", NULL, NULL, false, ""},
    {"LF", "x\ny", "x%0Ay", "x%0Ay", "\"x\\ny\"", "x\ny", "\"x\ny\"", NULL, NULL, false, ""},
    {"CR", "x\ry", "x%0Dy", "x%0Dy", "\"x\\ry\"", "x&#13;y", "\"x\ry\"", NULL, NULL, false, ""},
    {"tab", "x\ty", "x%09y", "x%09y", "\"x\\ty\"", "x\ty", "x\ty", "x\ty", "x\ty", false, ""},
    {"beyond the BMP", "\xf0\x9f\x94\x91", "%F0%9F%94%91", "%F0%9F%94%91", "\"\xf0\x9f\x94\x91\"",
     "\xf0\x9f\x94\x91", "\xf0\x9f\x94\x91", "\xf0\x9f\x94\x91", "\xf0\x9f\x94\x91", false, ""},
    {"umlaut", "\xc3\xbc", "%C3%BC", "%C3%BC", "\"\xc3\xbc\"", "\xc3\xbc", "\xc3\xbc", "\xc3\xbc",
     "\xc3\xbc", false, ""},
    {"comma and quote", "a,\"b\"", "a%2C%22b%22", "a%2C%22b%22", "\"a,\\\"b\\\"\"", "a,\"b\"",
     "\"a,\"\"b\"\"\"", "a,\"b\"", "a,\"b\"", false, ""},
    {"percent", "100%25%", "100%2525%25", "100%2525%25", "\"100%25%\"", "100%25%", "100%25%",
     "100%25%", "100%25%", false, ""},
    {"backslash", "\\n\\", "%5Cn%5C", "%5Cn%5C", "\"\\\\n\\\\\"", "\\n\\", "\\n\\", "\\n\\",
     "\\n\\", false, ""},
    {"JSON's own", "\",\"x\":{\"y\":[\"", "%22%2C%22x%22%3A%7B%22y%22%3A%5B%22",
     "%22%2C%22x%22%3A%7B%22y%22%3A%5B%22", "\"\\\",\\\"x\\\":{\\\"y\\\":[\\\"\"",
     "\",\"x\":{\"y\":[\"", "\"\"\",\"\"x\"\":{\"\"y\"\":[\"\"\"", "\",\"x\":{\"y\":[\"",
     "\",\"x\":{\"y\":[\"", false, ""},
    {"reserved of URLs", ":/?#[]@!$&'()*,;=", "%3A%2F%3F%23%5B%5D%40%21%24%26%27%28%29%2A%2C%3B%3D",
     "%3A%2F%3F%23%5B%5D%40%21%24%26%27%28%29*%2C%3B%3D", "\":/?#[]@!$&'()*,;=\"",
     ":/?#[]@!$&amp;'()*,;=", "\":/?#[]@!$&'()*,;=\"",
     ":/?#[]@!$&'()*,;=", ":/?#[]@!$&'()*,;=", false, ""},
    {"unreserved", "-._~*", "-._~%2A", "-._%7E*", "\"-._~*\"", "-._~*", "-._~*", "-._~*", "-._~*",
     false, ""},
    {"a placeholder", "{{a}}{{{{{a}", "%7B%7Ba%7D%7D%7B%7B%7B%7B%7Ba%7D",
     "%7B%7Ba%7D%7D%7B%7B%7B%7B%7Ba%7D", "\"{{a}}{{{{{a}\"", "{{a}}{{{{{a}", "{{a}}{{{{{a}",
     "{{a}}{{{{{a}", "{{a}}{{{{{a}", false, ""},
    {"dots", "..", "..", "..", "\"..\"", "..", "..", "..", "..", false, ""},
    {"steps up", "../../a", "..%2F..%2Fa", "..%2F..%2Fa", "\"../../a\"", "../../a", "../../a",
     "../../a", "../../a", false, ""},
    {"control", "x\x01y", "x%01y", "x%01y", "\"x\\u0001y\"", NULL, NULL, NULL, NULL, false, ""},
    {"DEL", "x\x7fy", "x%7Fy", "x%7Fy", "\"x\x7fy\"", "x\x7fy", NULL, NULL, NULL, false, ""},
    {"NEL", "x\xc2\x85y", "x%C2%85y", "x%C2%85y", "\"x\xc2\x85y\"", "x\xc2\x85y", "x\xc2\x85y",
     NULL, "x\xc2\x85y", false, ""},
    {"line separator", "x\xe2\x80\xa8y", "x%E2%80%A8y", "x%E2%80%A8y", "\"x\xe2\x80\xa8y\"",
     "x\xe2\x80\xa8y", "x\xe2\x80\xa8y", NULL, "x\xe2\x80\xa8y", false, ""},
    {"no character", "\xef\xbf\xbe", "%EF%BF%BE", "%EF%BF%BE", "\"\xef\xbf\xbe\"", NULL,
     "\xef\xbf\xbe", "\xef\xbf\xbe", "\xef\xbf\xbe", false, ""},
    {"label", "a-9", "a-9", "a-9", "\"a-9\"", "a-9", "a-9", "a-9", "a-9", true, ""},
    {"no label", "-a", "-a", "-a", "\"-a\"", "-a", "-a", "-a", "-a", false, ""},
    {"two labels", "a.b", "a.b", "a.b", "\"a.b\"", "a.b", "a.b", "a.b", "a.b", false, ""},
    {"the boundary", "x\r\n--connector-05050505050505050505050505050505\r\n\r\ny",
     "x%0D%0A--connector-05050505050505050505050505050505%0D%0A%0D%0Ay",
     "x%0D%0A--connector-05050505050505050505050505050505%0D%0A%0D%0Ay",
     "\"x\\r\\n--connector-05050505050505050505050505050505\\r\\n\\r\\ny\"",
     "x&#13;\n--connector-05050505050505050505050505050505&#13;\n&#13;\ny",
     "\"x\r\n--connector-05050505050505050505050505050505\r\n\r\ny\"", NULL, NULL, false, "a"},
    {"two boundaries",
     "connector-05050505050505050505050505050505a connector-05050505050505050505050505050505b",
     "connector-05050505050505050505050505050505a%20connector-05050505050505050505050505050505b",
     "connector-05050505050505050505050505050505a+connector-05050505050505050505050505050505b",
     "\"connector-05050505050505050505050505050505a connector-05050505050505050505050505050505b\"",
     "connector-05050505050505050505050505050505a connector-05050505050505050505050505050505b",
     "connector-05050505050505050505050505050505a connector-05050505050505050505050505050505b",
     "connector-05050505050505050505050505050505a connector-05050505050505050505050505050505b",
     "connector-05050505050505050505050505050505a connector-05050505050505050505050505050505b",
     false, "c"},
};

/* What stands before and behind the value in the payload b=1, k=the value, a=nothing; '@' is the
 * boundary. */
static const struct wrap {
    const char *before, *behind, *media_type, *accept;
} wraps[ENCODING_COUNT] = {
    [ENCODING_JSON] = {"{\"b\":\"1\",\"k\":", ",\"a\":\"\"}", "application/json",
                       "application/json, */*;q=0.5"},
    [ENCODING_FORM] = {"b=1&k=", "&a=", "application/x-www-form-urlencoded",
                       "application/json, */*;q=0.5"},
    [ENCODING_FORM_RFC3986] = {"a=&b=1&k=", "", "application/x-www-form-urlencoded",
                               "application/json, */*;q=0.5"},
    [ENCODING_XML] = {DECL "<request><b>1</b><k>", "</k><a></a></request>", "application/xml",
                      "application/xml, text/xml;q=0.95, application/json;q=0.9, */*;q=0.5"},
    [ENCODING_RSS] =
        {DECL "<rss version=\"2.0\"><channel><title>request</title>"
              "<link>urn:ietf:params:oauth</link><description>OAuth 2.0 token request</description>"
              "<item><b>1</b><k>",
         "</k><a></a></item></channel></rss>", "application/rss+xml",
         "application/rss+xml, application/xml;q=0.95, application/json;q=0.9, */*;q=0.5"},
    [ENCODING_CSV] = {"b,k,a\r\n1,", ",\r\n", "text/csv",
                      "text/csv, application/json;q=0.9, */*;q=0.5"},
    [ENCODING_TEXT] = {"b=1\r\nk=", "\r\na=\r\n", "text/plain; charset=utf-8",
                       "text/plain, application/json;q=0.9, */*;q=0.5"},
    [ENCODING_MULTIPART_FORM] =
        {"--@\r\nContent-Disposition: form-data; name=\"b\"\r\n\r\n1\r\n"
         "--@\r\nContent-Disposition: form-data; name=\"k\"\r\n\r\n",
         "\r\n--@\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\r\n--@--\r\n",
         "multipart/form-data; boundary=@", "application/json, */*;q=0.5"},
    [ENCODING_MULTIPART_RELATED] =
        {"--@\r\nContent-Type: application/json\r\n"
         "Content-ID: <05050505050505050505050505050505%connector.invalid>\r\n\r\n"
         "{\"b\":\"1\",\"k\":",
         ",\"a\":\"\"}\r\n--@--\r\n",
         "multipart/related; type=\"application/json\"; "
         "start=\"<05050505050505050505050505050505%connector.invalid>\"; boundary=@",
         "application/json, */*;q=0.5"},
    [ENCODING_ORACLE_ADF] = {"{\"b\":\"1\",\"k\":", ",\"a\":\"\"}",
                             "application/vnd.oracle.adf.resourceitem+json",
                             "application/vnd.oracle.adf.resourceitem+json, "
                             "application/json;q=0.9, */*;q=0.5"},
};

static const char *in_payload(const struct value *v, enum body_encoding encoding)
{
    const char *columns[ENCODING_COUNT] = {
        [ENCODING_JSON] = v->json,
        [ENCODING_FORM] = v->form,
        [ENCODING_FORM_RFC3986] = v->percent,
        [ENCODING_XML] = v->xml,
        [ENCODING_RSS] = v->xml,
        [ENCODING_CSV] = v->csv,
        [ENCODING_TEXT] = v->line,
        [ENCODING_MULTIPART_FORM] = v->value,
        [ENCODING_MULTIPART_RELATED] = v->json,
        [ENCODING_ORACLE_ADF] = v->json,
    };

    return columns[encoding];
}

/* The text, with '@' and '%' of ours filled in. */
static void put(struct buf *out, const char *text, const struct value *v)
{
    for (; *text != '\0'; text++) {
        if (*text == '@') {
            assert_int_equal(buf_put_str(out, BOUNDARY), CX_OK);
            assert_int_equal(buf_put_str(out, v->behind_boundary), CX_OK);
        } else {
            assert_int_equal(buf_put_byte(out, *text == '%' ? '@' : (uint8_t)*text), CX_OK);
        }
    }
}

struct job {
    struct msg_field fields[3];
    struct msg_variable variable;
    struct msg_job job;
};

static void make(struct job *j, const char *value)
{
    *j = (struct job){
        .fields = {{PLACE_PAYLOAD, SLICE_LIT("b"), SLICE_LIT("1")},
                   {PLACE_PAYLOAD, SLICE_LIT("k"), SLICE_LIT("{{v}}")},
                   {PLACE_PAYLOAD, SLICE_LIT("a"), SLICE_LIT("")}},
        .variable = {SLICE_LIT("v"), slice_of_str(value)},
    };
    j->job.request = (struct msg_request){.method = METHOD_POST,
                                          .url = SLICE_LIT("https://idp.example/token"),
                                          .encoding = ENCODING_FORM,
                                          .fields = j->fields,
                                          .nfields = 3,
                                          .client.method = CLIENT_NONE};
    j->job.variables = &j->variable;
    j->job.nvariables = 1;
    memset(j->job.id.bytes, 5, sizeof(j->job.id.bytes));
}

/* The header's value; absent if there is none. */
static struct slice header(const struct request *r, const char *name)
{
    size_t len = strlen(name);

    for (struct slice rest = buf_view(&r->headers); rest.len > 0;) {
        struct slice line = request_take_header(&rest);

        if (slice_eq_str(slice_first(line, len), name) && line.len > len && line.ptr[len] == ':') {
            return slice_from(line, len + (line.len > len + 1 ? 2 : 1));
        }
    }
    return (struct slice){0};
}

static bool has_body(enum http_method method)
{
    return method != METHOD_GET && method != METHOD_DELETE;
}

static void check_in_body(const struct value *v, enum body_encoding encoding,
                          const struct request *r)
{
    struct buf want;

    buf_init(&want, SIZE_MAX);
    put(&want, wraps[encoding].before, v);
    assert_int_equal(buf_put_str(&want, in_payload(v, encoding)), CX_OK);
    put(&want, wraps[encoding].behind, v);
    CHECK_TEXT(v->why, buf_view(&r->body), buf_cstr(&want));
    buf_clear(&want);
    put(&want, wraps[encoding].media_type, v);
    CHECK_TEXT(v->why, header(r, "Content-Type"), buf_cstr(&want));
    CHECK_TEXT(v->why, buf_view(&r->url), "https://idp.example/token");
    CHECK(v->why, r->has_body);
    buf_done(&want);
}

static void check_in_query(const struct value *v, const struct request *r)
{
    char want[512];

    (void)snprintf(want, sizeof(want), "https://idp.example/token?b=1&k=%s&a=", v->percent);
    CHECK_TEXT(v->why, buf_view(&r->url), want);
    CHECK(v->why, !r->has_body && r->body.len == 0);
    CHECK(v->why, slice_is_absent(header(r, "Content-Type")));
}

static void check_payload(const struct value *v, enum body_encoding encoding,
                          enum http_method method)
{
    struct job j;
    struct request r = {0};
    struct cx_fail fail = {0};
    enum stage stage = STAGE_NONE;
    bool can = !has_body(method) || in_payload(v, encoding) != NULL;

    make(&j, v->value);
    j.job.request.encoding = encoding;
    j.job.request.method = method;
    CHECK_ERR(v->why, request_build(&j.job, NULL, &r, &stage, &fail), can ? CX_OK : CX_E_SYNTAX);
    if (!can) {
        CHECK(v->why, stage == STAGE_TEMPLATE);
        CHECK(v->why, strncmp(fail.detail, "payload field \"k\": holds ", 25) == 0);
        CHECK(v->why, strstr(fail.detail, v->value) == NULL);
        return;
    }
    CHECK_TEXT(v->why, header(&r, "Accept"), wraps[encoding].accept);
    if (has_body(method)) {
        check_in_body(v, encoding, &r);
    } else {
        check_in_query(v, &r);
    }
    request_done(&r);
}

static void request_build_writes_each_value_in_each_encoding_and_method(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        for (unsigned encoding = 1; encoding < ENCODING_COUNT; encoding++) {
            for (unsigned method = 1; method < METHOD_COUNT; method++) {
                check_payload(&values[i], (enum body_encoding)encoding, (enum http_method)method);
            }
        }
    }
}

/* Build with the value in that place alone; `want` NULL: refused. */
static void check_place(const struct value *v, enum field_place place, const char *url,
                        const char *want)
{
    struct job j;
    struct request r = {0};
    struct cx_fail fail = {0};
    enum stage stage = STAGE_NONE;

    make(&j, v->value);
    j.fields[1].place = place;
    j.fields[1].key = SLICE_LIT("X-K");
    j.job.request.url = slice_of_str(url);
    CHECK_ERR(v->why, request_build(&j.job, NULL, &r, &stage, &fail),
              want != NULL ? CX_OK : CX_E_SYNTAX);
    if (want == NULL) {
        CHECK(v->why, stage == STAGE_TEMPLATE);
        return;
    }
    CHECK_TEXT(v->why, place == PLACE_HEADER ? header(&r, "X-K") : buf_view(&r.url), want);
    CHECK_TEXT(v->why, buf_view(&r.body), "b=1&a=");
    request_done(&r);
}

static void request_build_escapes_each_value_for_its_place(void **state)
{
    char want[512];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        const struct value *v = &values[i];
        bool is_dots = strcmp(v->value, "..") == 0;

        check_place(v, PLACE_HEADER, "https://idp.example/t", v->header);
        (void)snprintf(want, sizeof(want), "https://idp.example/t?q=1&X-K=%s", v->percent);
        check_place(v, PLACE_QUERY, "https://idp.example/t?q=1", want);
        (void)snprintf(want, sizeof(want), "https://idp.example/%s/t", v->percent);
        check_place(v, PLACE_PATH, "https://idp.example/{X-K}/t", is_dots ? NULL : want);
        (void)snprintf(want, sizeof(want), "https://%s.example/t", v->value);
        check_place(v, PLACE_PATH, "https://{X-K}.example/t", v->is_label ? want : NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_build_writes_each_value_in_each_encoding_and_method),
        cmocka_unit_test(request_build_escapes_each_value_for_its_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
