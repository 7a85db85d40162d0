#include "common/core/trace_json.h"
#include "common/core/trace_run.h"

#include "tests/support/check.h"

#include <stdlib.h>

/* Rows from facts, without a network. */

static struct request shown;
static struct policy_rule rule;
static struct trace_facts facts;
static struct trace *trace;

static void put(struct buf *b, const char *text)
{
    buf_init(b, 10000);
    assert_int_equal(buf_put_str(b, text), CX_OK);
}

static int begin(void **state)
{
    (void)state;
    shown = (struct request){.method = METHOD_POST, .nheaders = 1, .has_body = true};
    put(&shown.url, "https://idp.example/t");
    put(&shown.headers, "Authorization: Basic MASKED");
    assert_int_equal(buf_put_byte(&shown.headers, '\0'), CX_OK);
    put(&shown.body, "a=1\nb=MASKED");
    rule = (struct policy_rule){
        .where = (char *)"agent.conf:3", .name = (char *)"hr", .share = POLICY_SHARE_URL};
    facts = (struct trace_facts){
        .rule = &rule, .shown = &shown, .goes_to = buf_view(&shown.url), .template_us = 7};
    trace = calloc(1, sizeof(*trace));
    return trace == NULL;
}

static int end(void **state)
{
    (void)state;
    request_done(&shown);
    free(trace);
    return 0;
}

/* The rows in a line: "template policy connect! verdict"; '!' is where it failed. */
static const char *hops(void)
{
    static char text[300];
    size_t used = 0;

    for (size_t i = 0; i < trace->nhops; i++) {
        used +=
            (size_t)snprintf(text + used, sizeof(text) - used, "%s%.*s%s", i > 0 ? " " : "",
                             SLICE_ARG(trace->hops[i].hop), trace->hops[i].is_failed ? "!" : "");
    }
    return text;
}

static const struct msg_hop *row(const char *hop)
{
    for (size_t i = 0; i < trace->nhops; i++) {
        if (slice_eq_str(trace->hops[i].hop, hop)) {
            return &trace->hops[i];
        }
    }
    fail_msg("no row %s", hop);
    return NULL;
}

static bool says(const char *text)
{
    for (size_t i = 0; i < trace->nhops; i++) {
        const struct msg_hop *h = &trace->hops[i];

        if (memmem(h->text.ptr, h->text.len, text, strlen(text)) != NULL) {
            return true;
        }
        for (size_t k = 0; k < h->ndetail; k++) {
            if (memmem(h->detail[k].ptr, h->detail[k].len, text, strlen(text)) != NULL) {
                return true;
            }
        }
    }
    return false;
}

static struct msg_result failed(enum verdict code, enum stage stage, enum execution execution)
{
    return (struct msg_result){.outcome = OUTCOME_FAILED,
                               .code = code,
                               .execution = execution,
                               .has_error = true,
                               .error = {.stage = stage, .message = SLICE_LIT("the reason")},
                               .timing = {.resolve = 11, .connect = 12, .tls = 13, .wait = 14}};
}

static void trace_run_ends_at_the_hop_that_failed(void **state)
{
    static const struct trace_address at[] = {{"192.0.2.1", true}};
    static const struct {
        enum verdict code;
        enum stage stage;
        enum execution execution;
        const char *want;
    } rows[] = {
        {VERDICT_ENDPOINT_UNREACHABLE, STAGE_RESOLVE, EXECUTION_NOT_SENT,
         "template policy resolve! request verdict"},
        {VERDICT_ENDPOINT_UNREACHABLE, STAGE_PROXY, EXECUTION_NOT_SENT,
         "template policy resolve proxy! request verdict"},
        {VERDICT_ENDPOINT_UNREACHABLE, STAGE_CONNECT, EXECUTION_NOT_SENT,
         "template policy resolve connect! request verdict"},
        {VERDICT_POLICY_REFUSED, STAGE_POLICY, EXECUTION_NOT_SENT,
         "template policy resolve policy! request verdict"},
        {VERDICT_PROFILE_INCOMPLETE, STAGE_SECRET, EXECUTION_NOT_SENT,
         "template policy secret! request verdict"},
        {VERDICT_ENDPOINT_UNREACHABLE, STAGE_TLS, EXECUTION_NOT_SENT,
         "template policy resolve connect tls! request verdict"},
        {VERDICT_ENDPOINT_UNREACHABLE, STAGE_SEND, EXECUTION_SENT,
         "template policy resolve connect tls request send! verdict"},
        {VERDICT_BUDGET_EXCEEDED, STAGE_WAIT, EXECUTION_SENT,
         "template policy resolve connect tls request wait! verdict"},
        {VERDICT_ANSWER_UNREADABLE, STAGE_RECEIVE, EXECUTION_SENT,
         "template policy resolve connect tls request receive! verdict"},
        {VERDICT_CREDENTIALS_REFUSED, STAGE_PARSE, EXECUTION_ANSWERED,
         "template policy resolve connect tls request verdict!"},
        {VERDICT_ANSWER_UNREADABLE, STAGE_PARSE, EXECUTION_ANSWERED,
         "template policy resolve connect tls request parse! verdict"},
    };

    (void)state;
    facts.addresses = at;
    facts.naddresses = 1;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct msg_result r = failed(rows[i].code, rows[i].stage, rows[i].execution);

        memset(trace, 0, sizeof(*trace));
        trace_run(trace, &facts, &r);
        CHECK(rows[i].want, strcmp(hops(), rows[i].want) == 0);
        CHECK(rows[i].want, says("the reason"));
    }
}

static void trace_run_of_a_template_that_failed_shows_no_request(void **state)
{
    struct msg_result r = failed(VERDICT_PROFILE_INCOMPLETE, STAGE_TEMPLATE, EXECUTION_NOT_SENT);

    (void)state;
    facts.shown = NULL;
    facts.rule = NULL;
    trace_run(trace, &facts, &r);
    assert_string_equal(hops(), "template! verdict");
    assert_true(row("template")->advice.len > 0);
}

static struct msg_result issued(void)
{
    return (struct msg_result){
        .outcome = OUTCOME_ISSUED,
        .code = VERDICT_ISSUED,
        .execution = EXECUTION_ANSWERED,
        .status = 200,
        .has_token = true,
        .token = {.access_token = SLICE_LIT("tok-secret"), .token_type = SLICE_LIT("Bearer")},
        .timing = {.policy = 10,
                   .resolve = 11,
                   .connect = 12,
                   .tls = 13,
                   .wait = 14,
                   .receive = 15,
                   .total = 70}};
}

static void trace_run_tells_times_and_lines(void **state)
{
    static const struct trace_address at[] = {{"192.0.2.1", false}, {"192.0.2.2", true}};
    struct msg_result r = issued();

    (void)state;
    facts.addresses = at;
    facts.naddresses = 2;
    facts.tls =
        (struct trace_tls){true, "TLSv1.3", "idp.example, *.idp.example", "CN=CA", 23, false};
    facts.content_type = SLICE_LIT("application/json");
    facts.headers = SLICE_LIT("Content-Type: application/json\r\nSet-Cookie: s=1\r\nServer: x\r\n");
    facts.body =
        SLICE_LIT("{\"access_token\":\"tok-secret\",\"expires_in\":60,\"n\":7,\"token_type\":"
                  "\"Bearer\",\"data\":{\"x\":[true,null]}}");
    trace_run(trace, &facts, &r);
    assert_string_equal(hops(), "template policy resolve connect tls request answer verdict");
    assert_int_equal(row("template")->us, 7);
    assert_int_equal(row("policy")->us, 10);
    assert_int_equal(row("resolve")->us, 11);
    assert_int_equal(row("connect")->us, 12);
    assert_int_equal(row("tls")->us, 13);
    assert_int_equal(row("answer")->us, 29);
    assert_int_equal(row("verdict")->us, 70);
    assert_true(slice_eq_str(row("resolve")->text, "192.0.2.1 (refused), 192.0.2.2"));
    assert_true(slice_eq_str(row("connect")->text, "192.0.2.2 port 443"));
    assert_true(
        slice_eq_str(row("tls")->text, "TLSv1.3; the certificate is good, by the system's CAs"));
    assert_true(says("certificate for idp.example, *.idp.example") && says("23 days left"));
    assert_true(slice_eq_str(row("request")->detail[0], "POST /t HTTP/1.1"));
    assert_true(slice_eq_str(row("request")->detail[1], "Host: idp.example"));
    assert_true(slice_eq_str(row("request")->detail[5], "b=MASKED"));
    assert_true(says("access_token: text of 10 bytes") && says("expires_in: 60"));
    assert_true(says("n: a number") && says("token_type: \"Bearer\"") && says("[1]: null"));
    assert_false(says("tok-secret"));
    assert_false(says("Set-Cookie"));
}

static void trace_run_shows_the_form_of_any_answer_that_is_read(void **state)
{
    static const struct {
        const char *type, *body, *says;
    } rows[] = {
        {"text/xml", "<r><access_token>tok-secret</access_token><scope>hr</scope></r>",
         "r: object of 2|access_token: text of 10 bytes|scope: \"hr\""},
        {"text/csv", "access_token,scope\ntok-secret,hr",
         "body: object of 2|access_token: text of 10 bytes|scope: \"hr\""},
        {"text/plain", "access_token=tok-secret\nscope=hr", "access_token: text of 10 bytes"},
        {"text/html", "access_token=tok-secret&scope=hr", "access_token: text of 10 bytes"},
        {"text/html", "<html>tok-secret</html>", "(the body is not shown)"},
        {"text/plain", "tok-secret", "(the body is not shown)"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct msg_result r = issued();
        const char *want = rows[i].says;

        memset(trace, 0, sizeof(*trace));
        facts.content_type = slice_of_str(rows[i].type);
        facts.body = slice_of_str(rows[i].body);
        trace_run(trace, &facts, &r);
        while (*want != '\0') {
            char one[64];
            size_t len = strcspn(want, "|");

            (void)snprintf(one, sizeof(one), "%.*s", (int)len, want);
            CHECK(one, says(one));
            want += len + (want[len] == '|' ? 1 : 0);
        }
        CHECK(rows[i].body, !says("tok-secret"));
    }
}

static void trace_run_warns_of_a_token_without_a_type(void **state)
{
    struct msg_result r = issued();

    (void)state;
    trace_run(trace, &facts, &r);
    assert_false(says("no token_type"));
    memset(trace, 0, sizeof(*trace));
    facts.is_type_assumed = true;
    trace_run(trace, &facts, &r);
    assert_true(says("warning: the answer has no token_type (RFC 6749, 5.1); taken as Bearer"));
}

static void trace_run_repeats_no_secret_of_the_request(void **state)
{
    struct echo secrets = {0};
    struct msg_result r = failed(VERDICT_CREDENTIALS_REFUSED, STAGE_PARSE, EXECUTION_ANSWERED);

    (void)state;
    assert_int_equal(echo_add(&secrets, SLICE_LIT("hunter2")), CX_OK);
    facts.secrets = &secrets;
    facts.content_type = SLICE_LIT("text/hunter2");
    r.status = 400;
    r.error.message = SLICE_LIT("refused: hunter2");
    r.error.oauth_error = SLICE_LIT("hunter2!");
    r.error.oauth_description = SLICE_LIT("no hunter2 here");
    facts.headers = SLICE_LIT("Server: hunter2\r\n");
    facts.body =
        SLICE_LIT("{\"error_description\":\"hunter2\",\"hunter2\":{\"message\":\"hunter2\"}}");
    trace_run(trace, &facts, &r);
    assert_false(says("hunter2"));
    assert_true(says("repeats a secret"));
    memset(trace, 0, sizeof(*trace));
    facts.body = SLICE_LIT("<html>hunter2</html>");
    trace_run(trace, &facts, &r);
    assert_false(says("hunter2"));
    facts.secrets = NULL;
    echo_done(&secrets);
}

/* RFC 6749, 4.1.2 and 4.2.2: a redirect hands codes and tokens over in its query or fragment. */
static void trace_run_shows_a_redirect_without_what_it_hands_over(void **state)
{
    static const struct {
        struct slice header;
        const char *shown;
    } rows[] = {
        {SLICE_LIT("Location: https://x.example/cb?code=SplxlOBe\r\n"),
         "Location: https://x.example/cb..."},
        {SLICE_LIT("location: /cb#access_token=SplxlOBe&x=?\r\n"), "location: /cb..."},
        {SLICE_LIT("Location: https://ada:SplxlOBe@x.example/\r\n"), "Location: (not shown"},
        {SLICE_LIT("Location: /login\r\n"), "Location: /login"},
    };
    struct msg_result r = issued();

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        memset(trace, 0, sizeof(*trace));
        facts.headers = rows[i].header;
        trace_run(trace, &facts, &r);
        assert_false(says("SplxlOBe"));
        assert_true(says(rows[i].shown));
        assert_int_equal(says("..."), i < 2);
    }
}

static void trace_run_hides_what_stands_behind_a_virtual_name(void **state)
{
    static const struct trace_address at[] = {{"10.1.2.3", true}};
    struct msg_result r = issued();

    (void)state;
    rule.target = (char *)"https://idp-3.internal:8443";
    facts.goes_to = SLICE_LIT("https://idp-3.internal:8443/t");
    facts.addresses = at;
    facts.naddresses = 1;
    facts.tls = (struct trace_tls){true, "TLSv1.3", "idp-3.internal", "CN=Inner CA", 23, false};
    facts.headers = SLICE_LIT("Location: https://idp-3.internal/x\r\n");
    trace_run(trace, &facts, &r);
    assert_string_equal(hops(), "template policy resolve connect tls request answer verdict");
    assert_false(says("internal") || says("10.1.2.3") || says("Inner") || says("agent.conf"));
    assert_true(says("Host: idp.example"));

    memset(trace, 0, sizeof(*trace));
    facts.is_at_hand = true;
    trace_run(trace, &facts, &r);
    assert_true(says("which sends it to https://idp-3.internal:8443") && says("agent.conf:3"));
    assert_true(says("10.1.2.3 port 8443") && says("Host: idp-3.internal:8443") && says("Inner"));
}

static void trace_run_names_a_rule_only_if_it_is_shared(void **state)
{
    struct msg_result r = issued();

    (void)state;
    rule.share = POLICY_SHARE_NONE;
    trace_run(trace, &facts, &r);
    assert_true(slice_eq_str(row("policy")->text, "a rule allows it"));
}

static void trace_is_cut_and_never_fails(void **state)
{
    char *large = malloc(TRACE_TEXT_BYTES * 2);

    (void)state;
    memset(large, 'x', TRACE_TEXT_BYTES * 2);
    for (size_t i = 0; i < TRACE_HOPS_MAX + 5; i++) {
        trace_row(trace, "hop", i, "%zu", i);
        trace_lines(trace, slice_of(large, TRACE_LINE_BYTES * 2), TRACE_LINE_BYTES * 2);
        trace_line(trace, "%s", "a\x1b[31m\xff");
    }
    free(large);
    assert_int_equal(trace->nhops, TRACE_HOPS_MAX);
    assert_true(trace->used <= TRACE_TEXT_BYTES);
    assert_int_equal(trace->hops[0].ndetail, 2);
    assert_true(slice_eq_str(trace->hops[0].detail[1], "a?[31m?"));
    assert_int_equal(trace->hops[0].detail[0].len, TRACE_LINE_BYTES - 1);
}

static void trace_json_has_what_is_there(void **state)
{
    json_t *rows = json_array();
    char *text;

    (void)state;
    trace_row(trace, "connect", 5, "no");
    trace_line(trace, "why");
    trace_failed(trace, "do this");
    trace_row(trace, "verdict", 0, "over");
    trace_json_append(rows, trace->hops, trace->nhops);
    text = json_dumps(rows, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(text, "[{\"advice\":\"do this\",\"detail\":[\"why\"],\"failed\":true,"
                              "\"hop\":\"connect\",\"text\":\"no\",\"us\":5},"
                              "{\"hop\":\"verdict\",\"text\":\"over\"}]");
    free(text);
    json_decref(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(trace_run_ends_at_the_hop_that_failed, begin, end),
        cmocka_unit_test_setup_teardown(trace_run_of_a_template_that_failed_shows_no_request, begin,
                                        end),
        cmocka_unit_test_setup_teardown(trace_run_tells_times_and_lines, begin, end),
        cmocka_unit_test_setup_teardown(trace_run_shows_the_form_of_any_answer_that_is_read, begin,
                                        end),
        cmocka_unit_test_setup_teardown(trace_run_warns_of_a_token_without_a_type, begin, end),
        cmocka_unit_test_setup_teardown(trace_run_repeats_no_secret_of_the_request, begin, end),
        cmocka_unit_test_setup_teardown(trace_run_shows_a_redirect_without_what_it_hands_over,
                                        begin, end),
        cmocka_unit_test_setup_teardown(trace_run_hides_what_stands_behind_a_virtual_name, begin,
                                        end),
        cmocka_unit_test_setup_teardown(trace_run_names_a_rule_only_if_it_is_shared, begin, end),
        cmocka_unit_test_setup_teardown(trace_is_cut_and_never_fails, begin, end),
        cmocka_unit_test_setup_teardown(trace_json_has_what_is_there, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
