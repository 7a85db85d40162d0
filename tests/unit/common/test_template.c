#include "common/core/template.h"

#include "tests/support/alloc_fail.h"
#include "tests/support/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LABEL_63 "a23456789012345678901234567890123456789012345678901234567890123"
#define NAME_64  "n234567890123456789012345678901234567890123456789012345678901234"

/* What the placeholders of these tests stand for. */
static const struct {
    const char *name, *value;
} values[] = {
    {"pin", "4711"},
    {"tenant", "acme"},
    {"empty", ""},
    {"braces", "{{pin}} {pin} {{{{"},
    {"nasty", "a b&c=d%/?#\"'+\\"},
    {"emoji", "\xf0\x9f\x94\x91"}, /* U+1F511 */
    {"umlaut", "\xc3\xbc"},        /* U+00FC */
    {"unreserved", "AZaz09-._~"},
    {"crlf", "x\r\nEvil: 1"},
    {"lf", "x\ny"},
    {"tab", "x\ty"},
    {"bell", "x\x07y"},
    {"del", "x\x7fy"},
    {"dot", "."},
    {"dots", ".."},
    {"three", "..."},
    {"under", "a_b"},
    {"dotted", "a.b"},
    {"hyphen1", "-a"},
    {"hyphen2", "a-"},
    {"xn", "xn--bcher-kva"},
    {"l63", LABEL_63},
    {"l64", LABEL_63 "4"},
    {NAME_64, "long name"},
    {"a.b-c_D9", "odd name"},
};

static enum cx_err find_value(void *ctx, enum template_kind kind, struct slice name,
                              struct slice *value)
{
    (void)ctx;
    if (kind == TEMPLATE_SECRET) {
        return slice_eq_str(name, "kept") ? (*value = SLICE_LIT("s3cret"), CX_OK) : CX_E_SECRET;
    }
    if (slice_eq_str(name, "nul")) {
        *value = slice_of("x\0y", 3);
        return CX_OK;
    }
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        if (slice_eq_str(name, values[i].name)) {
            *value = slice_of_str(values[i].value);
            return CX_OK;
        }
    }
    return CX_E_MISSING;
}

struct row {
    const char *why, *text, *want; /* want NULL: refused, with `err` and `says` */
    enum cx_err err;
    const char *says;
};

static enum cx_err expand(const struct row *row, bool is_url, enum template_escape escape,
                          struct buf *out, struct cx_fail *fail)
{
    const struct template_values find = {find_value, NULL};
    struct template t = {0};
    enum cx_err err = is_url ? template_parse_url(slice_of_str(row->text), &t, fail)
                             : template_parse(slice_of_str(row->text), &t, fail);

    if (err == CX_OK) {
        err = template_expand(&t, escape, &find, out, fail);
    }
    template_done(&t);
    return err;
}

/* template_fill says and gives the same as the two steps. */
static void check_filled(const struct row *row, enum template_escape escape, enum cx_err want_err,
                         const struct cx_fail *want_fail, struct slice want)
{
    const struct template_values find = {find_value, NULL};
    struct cx_fail fail = {0};
    struct buf out;

    buf_init(&out, 4096);
    CHECK_ERR(row->why, template_fill(slice_of_str(row->text), escape, &find, &out, &fail),
              want_err);
    CHECK(row->why, slice_eq(buf_view(&out), want));
    CHECK(row->why, strcmp(fail.detail, want_fail->detail) == 0);
    buf_done(&out);
}

static void check(const struct row *rows, size_t nrows, bool is_url, enum template_escape escape)
{
    for (size_t i = 0; i < nrows; i++) {
        struct cx_fail fail = {0};
        struct buf out;
        enum cx_err err;
        struct slice got;

        buf_init(&out, 4096);
        assert_int_equal(buf_put_str(&out, "before "), CX_OK);
        err = expand(&rows[i], is_url, escape, &out, &fail);
        got = slice_from(buf_view(&out), strlen("before "));
        if (rows[i].want == NULL) {
            if (err != rows[i].err || strstr(fail.detail, rows[i].says) == NULL || got.len != 0) {
                fail_msg("%s: error %d (%s), %zu bytes out", rows[i].why, err, fail.detail,
                         got.len);
            }
        } else if (err != CX_OK || !slice_eq_str(got, rows[i].want)) {
            fail_msg("%s: error %d (%s), got %.*s", rows[i].why, err, fail.detail, SLICE_ARG(got));
        }
        check_filled(&rows[i], escape, err, &fail, got);
        buf_done(&out);
    }
}

static void template_expands_a_value(void **state)
{
    static const struct row rows[] = {
        {"empty", "", "", CX_OK, ""},
        {"plain text", "hr.read", "hr.read", CX_OK, ""},
        {"a variable", "{{pin}}", "4711", CX_OK, ""},
        {"in the middle", "<{{pin}}>", "<4711>", CX_OK, ""},
        {"two in a row", "{{pin}}{{tenant}}", "4711acme", CX_OK, ""},
        {"an empty value", "[{{empty}}]", "[]", CX_OK, ""},
        {"values are not expanded again", "{{braces}}", "{{pin}} {pin} {{{{", CX_OK, ""},
        {"a payload value is not escaped here", "{{nasty}}", "a b&c=d%/?#\"'+\\", CX_OK, ""},
        {"control characters are the encoder's to escape", "{{crlf}}", "x\r\nEvil: 1", CX_OK, ""},
        {"a single brace is a literal", "{pin} } {", "{pin} } {", CX_OK, ""},
        {"JSON around a variable", "{\"a\":\"{{pin}}\"}", "{\"a\":\"4711\"}", CX_OK, ""},
        {"four braces are two", "{{{{", "{{", CX_OK, ""},
        {"four braces and a name", "{{{{pin}}", "{{pin}}", CX_OK, ""},
        {"eight braces are four", "{{{{{{{{", "{{{{", CX_OK, ""},
        {"four braces, then a variable", "{{{{x{{pin}}", "{{x4711", CX_OK, ""},
        {"closing braces alone", "}}", "}}", CX_OK, ""},
        {"a secret that is kept", "Basic {{secret:kept}}", "Basic s3cret", CX_OK, ""},
        {"64 letters of a name", "{{" NAME_64 "}}", "long name", CX_OK, ""},
        {"every sign of a name", "{{a.b-c_D9}}", "odd name", CX_OK, ""},
        {"a name that nothing fills", "a{{pin}}{{nobody}}", NULL, CX_E_MISSING,
         "nothing fills {{nobody}}"},
        {"a secret that is not kept", "{{secret:other}}", NULL, CX_E_SECRET, "{{secret:other}}"},
        {"no end", "ab{{pin", NULL, CX_E_SYNTAX, "byte 3"},
        {"half an end", "{{pin}", NULL, CX_E_SYNTAX, "does not end"},
        {"half an end, then more", "{{pin} }}", NULL, CX_E_SYNTAX, "does not end"},
        {"no name", "{{}}", NULL, CX_E_SYNTAX, "name"},
        {"a space in the name", "{{ pin }}", NULL, CX_E_SYNTAX, "name"},
        {"another marker", "{{env:HOME}}", NULL, CX_E_SYNTAX, "name"},
        {"a secret without a name", "{{secret:}}", NULL, CX_E_SYNTAX, "name"},
        {"three braces", "{{{pin}}}", NULL, CX_E_SYNTAX, "name"},
        {"65 letters of a name", "{{" NAME_64 "5}}", NULL, CX_E_SYNTAX, "name"},
        {"a letter beyond ASCII", "{{\xc3\xbc}}", NULL, CX_E_SYNTAX, "name"},
    };

    (void)state;
    check(rows, sizeof(rows) / sizeof(rows[0]), false, TEMPLATE_RAW);
}

static void template_refuses_what_a_header_cannot_carry(void **state)
{
    static const struct row rows[] = {
        {"plain", "Bearer {{pin}}", "Bearer 4711", CX_OK, ""},
        {"as it is", "{{nasty}}", "a b&c=d%/?#\"'+\\", CX_OK, ""},
        {"UTF-8 (obs-text)", "{{emoji}}", "\xf0\x9f\x94\x91", CX_OK, ""},
        {"a tab", "{{tab}}", "x\ty", CX_OK, ""},
        {"CR LF", "v {{crlf}}", NULL, CX_E_SYNTAX, "{{crlf}}"},
        {"LF", "{{lf}}", NULL, CX_E_SYNTAX, "{{lf}}"},
        {"NUL", "{{nul}}", NULL, CX_E_SYNTAX, "{{nul}}"},
        {"BEL", "{{bell}}", NULL, CX_E_SYNTAX, "control character"},
        {"DEL", "{{del}}", NULL, CX_E_SYNTAX, "control character"},
        {"in the template's own text", "a\nb", NULL, CX_E_SYNTAX, "the text holds"},
    };

    (void)state;
    check(rows, sizeof(rows) / sizeof(rows[0]), false, TEMPLATE_HEADER);
}

static void template_keeps_a_value_to_its_line(void **state)
{
    static const struct row rows[] = {
        {"plain", "pin {{pin}}", "pin 4711", CX_OK, ""},
        {"UTF-8", "{{emoji}}", "\xf0\x9f\x94\x91", CX_OK, ""},
        {"a tab", "{{tab}}", "x\ty", CX_OK, ""},
        {"lines of the template", "a\n{{pin}}\r\n\x01", "a\n4711\r\n\x01", CX_OK, ""},
        {"CR LF", "a\n{{crlf}}", NULL, CX_E_SYNTAX, "the value of {{crlf}} holds a line break"},
        {"LF", "{{lf}}", NULL, CX_E_SYNTAX, "{{lf}}"},
        {"NUL", "{{nul}}", NULL, CX_E_SYNTAX, "{{nul}}"},
        {"DEL", "{{del}}", NULL, CX_E_SYNTAX, "{{del}}"},
    };

    (void)state;
    check(rows, sizeof(rows) / sizeof(rows[0]), false, TEMPLATE_LINE);
}

static void template_escapes_for_each_region_of_a_url(void **state)
{
    static const struct row rows[] = {
        {"no placeholder", "https://h:8443/t?a=b", "https://h:8443/t?a=b", CX_OK, ""},
        {"all regions", "https://{tenant}.h/{pin}/t/{{pin}}?p={{pin}}",
         "https://acme.h/4711/t/4711?p=4711", CX_OK, ""},
        {"part of a label", "https://{tenant}-hr.h/", "https://acme-hr.h/", CX_OK, ""},
        {"host without a path", "https://h.{tenant}", "https://h.acme", CX_OK, ""},
        {"path value is data", "https://h/{nasty}/t",
         "https://h/a%20b%26c%3Dd%25%2F%3F%23%22%27%2B%5C/t", CX_OK, ""},
        {"query value is data", "https://h/t?x={{nasty}}&y=1",
         "https://h/t?x=a%20b%26c%3Dd%25%2F%3F%23%22%27%2B%5C&y=1", CX_OK, ""},
        {"beyond the BMP", "https://h/{emoji}", "https://h/%F0%9F%94%91", CX_OK, ""},
        {"unreserved stay", "https://h/{unreserved}", "https://h/AZaz09-._~", CX_OK, ""},
        {"newline in a path", "https://h/{{lf}}", "https://h/x%0Ay", CX_OK, ""},
        {"NUL in a query", "https://h/?{{nul}}", "https://h/?x%00y", CX_OK, ""},
        {"query straight behind the host", "https://h?{{nasty}}",
         "https://h?a%20b%26c%3Dd%25%2F%3F%23%22%27%2B%5C", CX_OK, ""},
        {"slash in a query keeps it a query", "https://h/a?b/{{nasty}}",
         "https://h/a?b/a%20b%26c%3Dd%25%2F%3F%23%22%27%2B%5C", CX_OK, ""},
        {"colon in a path is no port", "https://h/a:{pin}", "https://h/a:4711", CX_OK, ""},
        {"at sign in a path is no user", "https://h/a@{pin}", "https://h/a@4711", CX_OK, ""},
        {"behind a port", "https://h:1/{pin}", "https://h:1/4711", CX_OK, ""},
        {"behind an IPv6 literal", "https://[::1]:1/{pin}", "https://[::1]:1/4711", CX_OK, ""},
        {"three dots are a name", "https://h/{three}", "https://h/...", CX_OK, ""},
        {"label of 63", "https://{l63}/", "https://" LABEL_63 "/", CX_OK, ""},
        {"hyphens within", "https://{{xn}}.h/", "https://xn--bcher-kva.h/", CX_OK, ""},
        {"literal braces", "https://h/?a={{{{", "https://h/?a={{", CX_OK, ""},
        {"label of 64", "https://{l64}/", NULL, CX_E_SYNTAX, "{l64}"},
        {"empty label", "https://{empty}.h/", NULL, CX_E_SYNTAX, "one label"},
        {"dot in a label", "https://{dotted}.h/", NULL, CX_E_SYNTAX, "one label"},
        {"underscore in a label", "https://{under}.h/", NULL, CX_E_SYNTAX, "one label"},
        {"hyphen first", "https://{hyphen1}.h/", NULL, CX_E_SYNTAX, "one label"},
        {"hyphen last", "https://{hyphen2}.h/", NULL, CX_E_SYNTAX, "one label"},
        {"letter beyond ASCII in a label", "https://{umlaut}.h/", NULL, CX_E_SYNTAX, "one label"},
        {"NUL in a label", "https://{{nul}}.h/", NULL, CX_E_SYNTAX, "one label"},
        {"structure in a label", "https://{{nasty}}.h/", NULL, CX_E_SYNTAX, "one label"},
        {"dot segment", "https://h/{dot}/t", NULL, CX_E_SYNTAX, "{dot}"},
        {"double dot segment", "https://h/{{dots}}/t", NULL, CX_E_SYNTAX, "{{dots}}"},
        {"nothing fills a path", "https://h/{nobody}", NULL, CX_E_MISSING, "{nobody}"},
        {"nothing fills a query", "https://h/?{{nobody}}", NULL, CX_E_MISSING, "{{nobody}}"},
        {"in the scheme", "{pin}://h/", NULL, CX_E_SYNTAX, "host labels, path and query"},
        {"the whole URL", "{{pin}}", NULL, CX_E_SYNTAX, "host labels, path and query"},
        {"in the port", "https://h:{pin}/", NULL, CX_E_SYNTAX, "host labels, path and query"},
        {"behind a port's digit", "https://h:1{pin}/", NULL, CX_E_SYNTAX, "host labels"},
        {"in an IPv6 literal", "https://[::{pin}]/", NULL, CX_E_SYNTAX, "host labels"},
        {"as user", "https://{pin}@h/", NULL, CX_E_SYNTAX, "user name"},
        {"as password", "https://u:{pin}@h/", NULL, CX_E_SYNTAX, "host labels"},
        {"literal user", "https://u:p@h/", NULL, CX_E_SYNTAX, "user name"},
        {"a secret in the host", "https://{{secret:kept}}.h/", NULL, CX_E_SYNTAX, "{{secret"},
        {"a secret in the path", "https://h/{{secret:kept}}", NULL, CX_E_SYNTAX, "{{secret"},
        {"a secret in the query", "https://h/?{{secret:kept}}", NULL, CX_E_SYNTAX, "{{secret"},
        {"a fragment", "https://h/#a", NULL, CX_E_SYNTAX, "fragment"},
        {"a fragment behind the host", "https://h#{pin}", NULL, CX_E_SYNTAX, "fragment"},
        {"no scheme", "h/t", NULL, CX_E_SYNTAX, "must begin with"},
        {"nothing", "", NULL, CX_E_SYNTAX, "must begin with"},
        {"a brace too many", "https://h/{pin}}", NULL, CX_E_SYNTAX, "%7D"},
        {"no end", "https://h/{pin", NULL, CX_E_SYNTAX, "does not end"},
        {"half an end", "https://h/{{pin}/", NULL, CX_E_SYNTAX, "does not end"},
        {"no name", "https://h/{}/", NULL, CX_E_SYNTAX, "name"},
        {"a marker in single braces", "https://h/{secret:kept}", NULL, CX_E_SYNTAX, "name"},
    };

    (void)state;
    check(rows, sizeof(rows) / sizeof(rows[0]), true, TEMPLATE_URL);
}

static void template_parse_tells_parts_and_regions(void **state)
{
    static const struct {
        enum template_kind kind;
        enum template_region region;
        const char *text;
    } want[] = {
        {TEMPLATE_LITERAL, TEMPLATE_IN_TEXT, "https://"},
        {TEMPLATE_PATH, TEMPLATE_IN_HOST, "tenant"},
        {TEMPLATE_LITERAL, TEMPLATE_IN_TEXT, ".h:8443/"},
        {TEMPLATE_PATH, TEMPLATE_IN_PATH, "realm"},
        {TEMPLATE_VARIABLE, TEMPLATE_IN_PATH, "session"},
        {TEMPLATE_LITERAL, TEMPLATE_IN_TEXT, "?"},
        {TEMPLATE_VARIABLE, TEMPLATE_IN_QUERY, "q"},
    };
    struct template t = {0};

    (void)state;
    assert_int_equal(
        template_parse_url(SLICE_LIT("https://{tenant}.h:8443/{realm}{{session}}?{{q}}"), &t, NULL),
        CX_OK);
    assert_int_equal(t.nparts, sizeof(want) / sizeof(want[0]));
    for (size_t i = 0; i < t.nparts; i++) {
        assert_int_equal(t.parts[i].kind, want[i].kind);
        assert_int_equal(t.parts[i].region, want[i].region);
        assert_true(slice_eq_str(t.parts[i].text, want[i].text));
    }
    template_done(&t);
    template_done(&t);
}

static void template_parse_never_shows_the_text(void **state)
{
    static const char *const texts[] = {"hunter2{{hunter2", "{{hun ter2}}", "{{hunter2:x}}"};
    struct template t = {0};
    struct cx_fail fail;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(template_parse(slice_of_str(texts[i]), &t, &fail), CX_E_SYNTAX);
        assert_null(strstr(fail.detail, "hun"));
        assert_null(t.parts);
    }
}

static void template_expand_never_shows_a_value(void **state)
{
    static const struct row rows[] = {{"", "{{crlf}}", NULL, CX_OK, ""}};
    struct cx_fail fail;
    struct buf out;

    (void)state;
    buf_init(&out, 64);
    assert_int_equal(expand(rows, false, TEMPLATE_HEADER, &out, &fail), CX_E_SYNTAX);
    assert_null(strstr(fail.detail, "Evil"));
    buf_done(&out);
}

static void template_expand_stops_at_the_cap_and_wipes(void **state)
{
    static const struct row rows[] = {{"", "0123456789{{pin}}", NULL, CX_OK, ""}};
    struct cx_fail fail;
    struct buf out;

    (void)state;
    buf_init(&out, 12);
    assert_int_equal(expand(rows, false, TEMPLATE_RAW, &out, &fail), CX_E_TOO_BIG);
    assert_int_equal(out.len, 0);
    assert_int_equal(out.ptr[0], 0);
    assert_int_equal(out.ptr[9], 0);
    buf_done(&out);
}

static void template_fails_cleanly_without_memory(void **state)
{
    static const struct row rows[] = {{"", "https://{tenant}.h/{{pin}}", NULL, CX_OK, ""}};
    size_t nth = 1;

    (void)state;
    for (;; nth++) {
        struct cx_fail fail = {0};
        struct buf out;
        enum cx_err err;

        buf_init(&out, 64);
        alloc_fail_at(nth);
        err = expand(rows, true, TEMPLATE_URL, &out, &fail);
        assert_int_equal(err, alloc_fail_end() ? CX_E_NOMEM : CX_OK);
        buf_done(&out);
        if (err == CX_OK) {
            break;
        }
    }
    assert_int_equal(nth, 3); /* the parts, the buffer's first bytes */
}

static void template_is_name_knows_the_signs_of_a_name(void **state)
{
    (void)state;
    assert_true(template_is_name(SLICE_LIT("a.b-c_D9")));
    assert_true(template_is_name(SLICE_LIT(NAME_64)));
    assert_false(template_is_name(SLICE_LIT(NAME_64 "5")));
    assert_false(template_is_name(SLICE_LIT("")));
    assert_false(template_is_name((struct slice){0}));
    assert_false(template_is_name(SLICE_LIT("a b")));
    assert_false(template_is_name(slice_of("a\0", 2)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(template_expands_a_value),
        cmocka_unit_test(template_refuses_what_a_header_cannot_carry),
        cmocka_unit_test(template_keeps_a_value_to_its_line),
        cmocka_unit_test(template_escapes_for_each_region_of_a_url),
        cmocka_unit_test(template_parse_tells_parts_and_regions),
        cmocka_unit_test(template_parse_never_shows_the_text),
        cmocka_unit_test(template_expand_never_shows_a_value),
        cmocka_unit_test(template_expand_stops_at_the_cap_and_wipes),
        cmocka_unit_test(template_fails_cleanly_without_memory),
        cmocka_unit_test(template_is_name_knows_the_signs_of_a_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
