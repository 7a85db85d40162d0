/* What is particular to XML, RSS, text and CSV. */
#include "common/io/json_memory.h"

#include "tests/support/alloc_any.h"
#include "tests/support/answer_check.h"

#include <stdlib.h>

#define JSON "application/json"
#define XML  "application/xml"
#define TEXT "text/plain"
#define CSV  "text/csv"

static void what_is_in_an_answer_is_read(void **state)
{
    static const struct {
        const char *why, *type, *body, *access, *extra;
    } rows[] = {
        {"XML labelled text/xml", "text/xml; charset=utf-8",
         "<r><access_token>t</access_token></r>", "t", NULL},
        {"XML labelled as text", TEXT, "<r><access_token>t</access_token></r>", "t", NULL},
        {"XML labelled as JSON", JSON, "<r><access_token>t</access_token></r>", "t", NULL},
        {"XML of a media type of its own", "application/soap+xml",
         "<r><access_token>t</access_token></r>", "t", NULL},
        {"a declaration that claims another encoding", XML,
         "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><r><access_token>\xc3\xa9</access_token>"
         "</r>",
         "\xc3\xa9", NULL},
        {"XML's own entities and character references", XML,
         "<r><access_token>&lt;&amp;&gt;&quot;&apos;&#65;&#x42;&#x1F600;</access_token></r>",
         "<&>\"'AB\xf0\x9f\x98\x80", NULL},
        {"CDATA", XML, "<r><access_token><![CDATA[a]]b<c]]>d</access_token></r>", "a]]b<cd", NULL},
        {"comments and processing instructions inside a value", XML,
         "<r><access_token>a<!-- no -->b<?x y?>c</access_token></r>", "abc", NULL},
        {"namespaces", XML,
         "<o:r xmlns:o='urn:o' xmlns='urn:d'><o:access_token>t</o:access_token><x>1</x></o:r>", "t",
         "{\"x\":\"1\"}"},
        {"attributes", XML, "<r a='1'><access_token type='x'>t</access_token></r>", "t", NULL},
        {"a list of one", XML, "<r><items><access_token>t</access_token></items></r>", "t",
         "{\"items\":{}}"},
        {"the first of a list", XML,
         "<r><items><access_token>t</access_token></items><items>x</items></r>", "t",
         "{\"items\":[{},\"x\"]}"},
        {"levels and lists", XML,
         "<r><access_token>t</access_token><u><id>7</id><g>a</g><g>b</g>between</u><e/></r>", "t",
         "{\"u\":{\"id\":\"7\",\"g\":[\"a\",\"b\"]},\"e\":\"\"}"},
        {"RSS of several items", "application/rss+xml",
         "<rss><channel><title>c</title><item><title>1</title><access_token>t</access_token></item>"
         "<item><access_token>u</access_token></item></channel></rss>",
         "t", "{\"title\":\"1\"}"},
        {"RSS labelled as XML", "text/xml",
         "<rss><channel><item><access_token>t</access_token></item></channel></rss>", "t", NULL},
        {"text keeps what would be decoded in a form", TEXT, "access_token=a+b%20c=\nx=1\n",
         "a+b%20c=", "{\"x\":\"1\"}"},
        {"text with empty lines", TEXT, "\r\n\r\naccess_token=t\r\n\r\nx=\r\n", "t",
         "{\"x\":\"\"}"},
        {"CSV, quoted", CSV, "\"access_token\",\"a,\"\"b\"\n\"t,\"\"u\"\"\",\"1\r\n2\"\r\n",
         "t,\"u\"", "{\"a,\\\"b\":\"1\\r\\n2\"}"},
        {"CSV keeps spaces", CSV, "access_token, x\nt , 1", "t ", "{\" x\":\" 1\"}"},
        {"CSV of one field", CSV, "access_token\nt", "t", NULL},
        {"CSV as application/csv", "application/csv; header=present", "access_token,x\nt,", "t",
         "{\"x\":\"\"}"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct answer a;

        answer_read_body(rows[i].type, slice_of_str(rows[i].body), ENCODING_UNKNOWN, ENCODING_JSON,
                         &a);
        answer_need_issued(rows[i].why, &a);
        answer_check_slice(rows[i].why, a.token.access_token, rows[i].access);
        answer_check_slice(rows[i].why, a.token.extra, rows[i].extra);
        answer_done(&a);
    }
}

/* Where neither label nor first bytes tell, the profile does. */
static void the_profile_decides_what_the_bytes_leave_open(void **state)
{
    static const struct {
        const char *why, *type, *body, *access;
        enum body_encoding expect, sent;
    } rows[] = {
        {"one pair is a form", TEXT, "access_token=a+b", "a b", 0, ENCODING_JSON},
        {"one line is text to who expects text", TEXT, "access_token=a+b", "a+b", ENCODING_TEXT,
         ENCODING_JSON},
        {"one line is text to who sent text", NULL, "access_token=a+b", "a+b", 0, ENCODING_TEXT},
        {"a form to who expects one", TEXT, "access_token=a+b", "a b", ENCODING_FORM,
         ENCODING_TEXT},
        {"several pairs in one line are a form", TEXT, "access_token=a+b&x=1", "a b", ENCODING_TEXT,
         ENCODING_TEXT},
        {"the label is believed first", "application/x-www-form-urlencoded", "access_token=a+b",
         "a b", ENCODING_TEXT, ENCODING_TEXT},
        {"CSV to who expects CSV", TEXT, "access_token,x\na,1", "a", ENCODING_CSV, ENCODING_FORM},
        {"CSV to who sent CSV", "application/octet-stream", "access_token,x\na,1", "a", 0,
         ENCODING_CSV},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct answer a;

        answer_read_body(rows[i].type, slice_of_str(rows[i].body), rows[i].expect, rows[i].sent,
                         &a);
        answer_need_issued(rows[i].why, &a);
        answer_check_slice(rows[i].why, a.token.access_token, rows[i].access);
        answer_done(&a);
    }
}

static void what_is_not_well_formed_is_refused(void **state)
{
    static const struct {
        const char *why, *type, *body, *says;
    } rows[] = {
        {"a document type", XML, "<!DOCTYPE r><r><access_token>t</access_token></r>",
         "document type (DTD), which is never read"},
        {"an entity of its own", XML,
         "<!DOCTYPE r [<!ENTITY e \"x\">]><r><access_token>&e;</access_token></r>", "(DTD)"},
        {"an entity from a file", XML,
         "<!DOCTYPE r [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><r><access_token>&e;"
         "</access_token></r>",
         "(DTD)"},
        {"many laughs", XML,
         "<!DOCTYPE r [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]><r>"
         "<access_token>&b;</access_token></r>",
         "(DTD)"},
        {"a document type from elsewhere", XML,
         "<!DOCTYPE r SYSTEM \"http://127.0.0.1/x.dtd\"><r><access_token>t</access_token></r>",
         "(DTD)"},
        {"an entity that nothing declares", XML, "<r><access_token>&nbsp;</access_token></r>",
         "it is no XML (line 1, column 18)"},
        {"elements that cross", XML, "<r><access_token>t</r></access_token>", "it is no XML"},
        {"two documents", XML, "<r><access_token>t</access_token></r><r/>", "it is no XML"},
        {"text behind it", XML, "<r><access_token>t</access_token></r>x", "it is no XML"},
        {"an attribute twice", XML, "<r a='1' a='2'><access_token>t</access_token></r>",
         "it is no XML"},
        {"text that is no line of key=value", TEXT, "access_token=t\nand more",
         "it is text, and no lines of key=value"},
        {"a key with a space", TEXT, "access_token=t\nmy key=1", "no lines of key=value"},
        {"a line without a key", TEXT, "access_token=t\n=1", "no lines of key=value"},
        {"CSV of one row", CSV, "access_token", "it is no CSV of two rows"},
        {"CSV of three rows", CSV, "access_token\nt\nu", "more than one row of values"},
        {"too few values", CSV, "access_token,x\nt", "two rows are not of the same length"},
        {"too many values", CSV, "access_token\nt,1", "two rows are not of the same length"},
        {"a quote inside a cell", CSV, "access_token\nt\"u", "a quote in the wrong place"},
        {"text behind a quote", CSV, "access_token\n\"t\"u", "a quote in the wrong place"},
        {"a quote that does not end", CSV, "access_token\n\"t", "a quote in the wrong place"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct answer a;

        answer_read_body(rows[i].type, slice_of_str(rows[i].body), ENCODING_UNKNOWN, ENCODING_JSON,
                         &a);
        answer_need_declined(rows[i].why, &a, VERDICT_ANSWER_UNREADABLE, rows[i].says);
        answer_done(&a);
    }
}

static void a_nul_is_refused(void **state)
{
    static const struct {
        const char *type;
        struct slice body;
    } rows[] = {
        {XML, {(const uint8_t *)"<r><access_token>t\0</access_token></r>", 38}},
        {TEXT, {(const uint8_t *)"access_token=t\0\nx=1", 19}},
        {CSV, {(const uint8_t *)"access_token\nt\0", 15}},
        {CSV, {(const uint8_t *)"access_token,x\0\nt,", 18}},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct answer a;

        answer_read_body(rows[i].type, rows[i].body, ENCODING_UNKNOWN, ENCODING_JSON, &a);
        answer_need_declined(rows[i].type, &a, VERDICT_ANSWER_UNREADABLE, "can't be read");
        answer_done(&a);
    }
}

/* `count` times `piece` between the two. */
static char *padded(const char *before, const char *piece, size_t count, const char *after)
{
    size_t room = strlen(before) + count * strlen(piece) + strlen(after) + 1;
    char *text = calloc(1, room);
    size_t at;

    assert_non_null(text);
    at = (size_t)snprintf(text, room, "%s", before);
    for (size_t i = 0; i < count; i++) {
        at += (size_t)snprintf(text + at, room - at, "%s", piece);
    }
    (void)snprintf(text + at, room - at, "%s", after);
    return text;
}

static char *numbered(const char *before, const char *format, size_t count)
{
    size_t room = strlen(before) + count * 16 + 1;
    char *text = calloc(1, room);
    size_t at;

    assert_non_null(text);
    at = (size_t)snprintf(text, room, "%s", before);
    for (size_t i = 0; i < count; i++) {
        at += (size_t)snprintf(text + at, room - at, "%s%zu%s", format, i, "=1");
    }
    return text;
}

static void check_limit(const char *why, const char *type, char *body, const char *says)
{
    struct answer a;

    answer_read_body(type, slice_of_str(body), ENCODING_UNKNOWN, ENCODING_JSON, &a);
    if (says == NULL) {
        answer_need_issued(why, &a);
    } else {
        answer_need_declined(why, &a, VERDICT_ANSWER_UNREADABLE, says);
    }
    answer_done(&a);
    free(body);
}

static void depth_and_number_are_bounded(void **state)
{
    static const char token[] = "<r><access_token>t</access_token>";

    (void)state;
    check_limit("63 inside the first", XML, padded(token, "<x>", 0, "</r>"), NULL);
    {
        char *open = padded(token, "<x>", 63, "");
        char *all = padded(open, "</x>", 63, "</r>");

        free(open);
        check_limit("64 levels", XML, all, NULL);
        open = padded(token, "<x>", 64, "");
        all = padded(open, "</x>", 64, "</r>");
        free(open);
        check_limit("65 levels", XML, all, "nested deeper than 64 levels");
    }
    check_limit("deep, and never closed", XML, padded("<r>", "<x>", 100000, ""),
                "nested deeper than 64 levels");
    check_limit("4096 elements", XML, padded(token, "<x/>", 4094, "</r>"), NULL);
    check_limit("4097 elements", XML, padded(token, "<x/>", 4095, "</r>"),
                "more than 4096 elements");
    check_limit("256 lines", TEXT, numbered("access_token=t", "\nx", 255), NULL);
    check_limit("257 lines", TEXT, numbered("access_token=t", "\nx", 256),
                "text of more than 256 lines");
}

static void nothing_is_left_behind_however_short_memory_is(void **state)
{
    static const struct {
        const char *type, *body;
    } rows[] = {
        {XML, "<r><access_token>topsecret</access_token><x>1</x><x>2</x><y><z>3</z></y></r>"},
        {TEXT, "access_token=topsecret\nx=1"},
        {CSV, "access_token,x\n\"topsecret\",1"},
    };

    (void)state;
    json_memory_init();
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        enum cx_err err = CX_E_NOMEM;

        for (size_t nth = 1; err == CX_E_NOMEM; nth++) {
            const struct answer_input in = {.status = 200,
                                            .content_type = slice_of_str(rows[i].type),
                                            .body = slice_of_str(rows[i].body),
                                            .is_body_whole = true,
                                            .sent = ENCODING_FORM};
            struct alloc_seen seen;
            struct answer a = {0};

            alloc_any_start(alloc_any_works() ? nth : 0);
            alloc_any_watch("topsecret");
            err = answer_read(&in, &a);
            if (err == CX_OK) {
                answer_need_issued(rows[i].body, &a);
                answer_done(&a);
            }
            seen = alloc_any_stop();
            CHECK(rows[i].body, err == CX_OK || err == CX_E_NOMEM);
            CHECK(rows[i].body, seen.freed == seen.calls - (seen.has_failed ? 1 : 0));
            CHECK(rows[i].body, seen.unwiped == 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_in_an_answer_is_read),
        cmocka_unit_test(the_profile_decides_what_the_bytes_leave_open),
        cmocka_unit_test(what_is_not_well_formed_is_refused),
        cmocka_unit_test(a_nul_is_refused),
        cmocka_unit_test(depth_and_number_are_bounded),
        cmocka_unit_test(nothing_is_left_behind_however_short_memory_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
