/* An HTTP proxy: how it is named, who goes without it, what it is asked and what it answers. */
#include "common/core/proxy.h"

#include "tests/support/check.h"

static void a_proxy_is_read_as_it_is_configured(void **state)
{
    static const struct {
        const char *text, *host;
        unsigned port;
        const char *url; /* NULL: refused, and `host` says so */
    } rows[] = {
        {"http://proxy.corp.example:3128", "proxy.corp.example", 3128,
         "http://proxy.corp.example:3128"},
        {"http://Proxy:80/", "proxy", 80, "http://proxy:80"},
        {"HTTP://10.0.0.1:8080", "10.0.0.1", 8080, "http://10.0.0.1:8080"},
        {"http://[fd00::1]:8080", "fd00::1", 8080, "http://[fd00::1]:8080"},
        {"proxy:3128", "must be http://HOST:PORT", 0, NULL},
        {"https://proxy:3128", "must begin with http://", 0, NULL},
        {"socks5://proxy:1080", "must begin with http://", 0, NULL},
        {"http://proxy", "the port is missing", 0, NULL},
        {"http://proxy:", "the port is missing", 0, NULL},
        {"http://[fd00::1]", "the port is missing", 0, NULL},
        {"http://proxy:0", "port", 0, NULL},
        {"http://proxy:65536", "port", 0, NULL},
        {"http://:3128", "host", 0, NULL},
        {"http://proxy:3128/path", "must end with the port", 0, NULL},
        {"http://proxy:3128?x", "must end with the port", 0, NULL},
        {"http://user:hush@proxy:3128", "proxy_auth_file", 0, NULL},
        {"", "must be http://HOST:PORT", 0, NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct proxy p = {0};
        struct cx_fail fail = {0};
        char url[PROXY_URL_BYTES];
        enum cx_err err = proxy_read(rows[i].text, &p, &fail);

        CHECK(rows[i].text, (err == CX_OK) == (rows[i].url != NULL));
        CHECK(rows[i].text, proxy_is_set(&p) == (rows[i].url != NULL));
        if (rows[i].url != NULL) {
            CHECK_TEXT(rows[i].text, slice_of_str(p.host), rows[i].host);
            CHECK(rows[i].text, p.port == rows[i].port);
            CHECK_TEXT(rows[i].text, slice_of_str(proxy_url(&p, url)), rows[i].url);
            CHECK(rows[i].text, !secret_is_set(&p.credentials));
        } else if (strstr(fail.detail, rows[i].host) == NULL ||
                   strstr(fail.detail, "hush") != NULL) {
            fail_msg("%s: \"%s\"", rows[i].text, fail.detail);
        }
        proxy_done(&p);
    }
}

static void the_environment_may_leave_the_scheme_out_and_hold_credentials(void **state)
{
    static const struct {
        const char *text, *url, *credentials;
    } rows[] = {
        {"proxy:3128", "http://proxy:3128", NULL},
        {"http://proxy:3128/", "http://proxy:3128", NULL},
        {"http://user:pass@proxy:3128", "http://proxy:3128", "user:pass"},
        {"user:p%40ss%3a+@proxy:3128", "http://proxy:3128", "user:p@ss:+"},
        {"http://user:a@b@proxy:3128", "http://proxy:3128", "user:a@b"},
        {"http://user@proxy:3128", NULL, NULL}, /* Basic wants a password */
        {"http://user:%0a@proxy:3128", NULL, NULL},
        {"http://user:%4@proxy:3128", NULL, NULL},
        {"https://proxy:3128", NULL, NULL},
        {"proxy", NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct proxy p = {0};
        char url[PROXY_URL_BYTES];
        enum cx_err err = proxy_read_environment(rows[i].text, &p, NULL);

        CHECK(rows[i].text, (err == CX_OK) == (rows[i].url != NULL));
        if (rows[i].url != NULL) {
            CHECK_TEXT(rows[i].text, slice_of_str(proxy_url(&p, url)), rows[i].url);
            CHECK(rows[i].text, secret_is_set(&p.credentials) == (rows[i].credentials != NULL));
            CHECK(rows[i].text, rows[i].credentials == NULL ||
                                    slice_eq_str(secret_view(&p.credentials), rows[i].credentials));
        }
        proxy_done(&p);
    }
}

static void no_proxy_is_read_as_curl_documents_it(void **state)
{
    static const struct {
        const char *no_proxy, *host;
        bool is_bypassed;
    } rows[] = {
        {NULL, "a.example", false},
        {"", "a.example", false},
        {"*", "a.example", true},
        {"*", "10.0.0.1", true},
        {"*,b.example", "a.example", false}, /* only alone */
        {"*.example", "a.example", false},
        {"a.example", "a.example", true},
        {"a.example", "A.Example", true},
        {"a.example", "a.example.", true},
        {"example", "a.example", true},
        {".example", "a.example", true},
        {".a.example", "a.example", true},
        {"b.example, a.example", "a.example", true},
        {"b.example a.example", "a.example", true},
        {",,a.example", "a.example", true},
        {"a.example", "ba.example", false},
        {"a.example", "example", false},
        {"a.example:443", "a.example", false},
        {".", "a.example", false},
        {"10.0.0.1", "10.0.0.1", true},
        {"0.0.1", "10.0.0.1", false},
        {"10.0.0.1", "10.0.0.10", false},
        {"10.0.0.0/8", "10.9.8.7", true},
        {"10.0.0.0/8", "11.0.0.1", false},
        {"10.1.2.3/8", "10.9.8.7", true},
        {"192.168.4.0/22", "192.168.7.255", true},
        {"192.168.4.0/22", "192.168.8.0", false},
        {"10.0.0.0/33", "10.0.0.0", false},
        {"0.0.0.0/0", "10.0.0.1", true},
        {"10.0.0.0/8", "a.example", false},
        {"fd00::1", "fd00:0::1", true},
        {"[fd00::1]", "fd00::1", true},
        {"fd00::/8", "fd12::1", true},
        {"fd00::/8", "10.0.0.1", false},
        {"fd00::/129", "fd00::", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (proxy_is_bypassed(rows[i].no_proxy, rows[i].host) != rows[i].is_bypassed) {
            fail_msg("no_proxy=%s: %s", rows[i].no_proxy, rows[i].host);
        }
    }
}

static void connect_names_the_destination_and_the_credentials(void **state)
{
    struct proxy p = {.host = "proxy", .port = 3128};
    struct buf out;

    (void)state;
    buf_init(&out, 512);
    assert_int_equal(proxy_put_connect(&p, "platform.example", 443, &out), CX_OK);
    assert_string_equal(buf_cstr(&out), "CONNECT platform.example:443 HTTP/1.1\r\n"
                                        "Host: platform.example:443\r\n\r\n");
    buf_clear(&out);
    /* RFC 7617, section 2 */
    assert_int_equal(proxy_set_credentials(&p, SLICE_LIT("Aladdin:open sesame"), NULL), CX_OK);
    assert_int_equal(proxy_put_connect(&p, "h", 8443, &out), CX_OK);
    assert_string_equal(buf_cstr(&out),
                        "CONNECT h:8443 HTTP/1.1\r\nHost: h:8443\r\n"
                        "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n");
    buf_truncate(&out, 3);
    out.cap = 60;
    assert_int_equal(proxy_put_connect(&p, "h", 8443, &out), CX_E_TOO_BIG);
    assert_int_equal(out.len, 3);
    buf_done(&out);
    proxy_done(&p);
}

static void credentials_are_user_and_password(void **state)
{
    struct proxy p = {0};
    char longest[PROXY_CREDENTIALS_MAX + 2];

    (void)state;
    memset(longest, 'x', sizeof(longest));
    longest[1] = ':';
    assert_int_equal(proxy_set_credentials(&p, SLICE_LIT("user"), NULL), CX_E_SYNTAX);
    assert_int_equal(proxy_set_credentials(&p, SLICE_LIT(":secret"), NULL), CX_E_SYNTAX);
    assert_int_equal(proxy_set_credentials(&p, SLICE_LIT("u:a\tb"), NULL), CX_E_SYNTAX);
    assert_int_equal(proxy_set_credentials(&p, SLICE_LIT("u:"), NULL), CX_OK);
    assert_int_equal(proxy_set_credentials(&p, SLICE_LIT("u:a:b"), NULL), CX_OK);
    assert_int_equal(proxy_set_credentials(&p, slice_of(longest, PROXY_CREDENTIALS_MAX + 1), NULL),
                     CX_E_TOO_BIG);
    assert_int_equal(proxy_set_credentials(&p, slice_of(longest, PROXY_CREDENTIALS_MAX), NULL),
                     CX_OK);
    proxy_done(&p);
}

static void an_answer_is_read_in_any_pieces(void **state)
{
    static const struct {
        const char *text;
        unsigned status;
        const char *reason;
        const char *rest;
    } rows[] = {
        {"HTTP/1.1 200 Connection established\r\n\r\n", 200, "Connection established", ""},
        {"HTTP/1.0 200\r\nA: b\r\n\r\nrest", 200, "", "rest"},
        {"HTTP/1.1 200 \n\nrest", 200, "", "rest"},
        {"HTTP/1.1 407 Authenticate \x1b[1m\r\nContent-Length: 3\r\n\r\n...", 407,
         "Authenticate ?[1m", "..."},
        {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", 200, "OK", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct slice all = slice_of_str(rows[i].text);
        size_t head = all.len - strlen(rows[i].rest);
        struct proxy_answer answer;

        for (size_t len = 0; len < head; len++) {
            CHECK_ERR(rows[i].text, proxy_answer_read(slice_first(all, len), &answer, NULL), CX_OK);
            CHECK(rows[i].text, answer.status == 0);
        }
        CHECK_ERR(rows[i].text, proxy_answer_read(all, &answer, NULL), CX_OK);
        CHECK(rows[i].text, answer.status == rows[i].status && answer.head_bytes == head);
        CHECK_TEXT(rows[i].text, slice_of_str(answer.reason), rows[i].reason);
    }
}

static void what_is_no_answer_is_refused_at_once(void **state)
{
    static const char *const rows[] = {
        "S",
        "HTTP/2",
        "HTTP/1.1\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/1.1 600 OK\r\n\r\n",
        "HTTP/1.1 abc OK\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nX",
    };
    static uint8_t endless[PROXY_ANSWER_BYTES_MAX] = "HTTP/1.1 200 OK\r\n";
    struct proxy_answer answer;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CHECK_ERR(rows[i], proxy_answer_read(slice_of_str(rows[i]), &answer, NULL), CX_E_SYNTAX);
    }
    assert_int_equal(proxy_answer_read(slice_of(endless, sizeof(endless) - 1), &answer, NULL),
                     CX_OK);
    assert_int_equal(answer.status, 0);
    assert_int_equal(proxy_answer_read(slice_of(endless, sizeof(endless)), &answer, NULL),
                     CX_E_TOO_BIG);
}

static void a_refusal_says_what_to_do(void **state)
{
    static const struct {
        unsigned status;
        bool had_credentials;
        const char *says;
    } rows[] = {
        {407, false, "asks for a user and a password: set proxy_auth_file (HTTP status 407 Why)"},
        {407, true, "does not accept the user and password (HTTP status 407 Why)"},
        {401, true, "does not accept the user and password (HTTP status 401 Why)"},
        {403, true, "does not allow this destination"},
        {504, false, "does not reach the destination"},
        {500, false, "refuses the connection (HTTP status 500 Why)"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct proxy_answer answer = {.status = rows[i].status, .reason = "Why"};
        struct cx_fail fail = {0};

        CHECK_ERR(rows[i].says, proxy_refused(&answer, rows[i].had_credentials, &fail),
                  CX_E_CONNECT);
        CHECK(rows[i].says, strstr(fail.detail, rows[i].says) != NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_proxy_is_read_as_it_is_configured),
        cmocka_unit_test(the_environment_may_leave_the_scheme_out_and_hold_credentials),
        cmocka_unit_test(no_proxy_is_read_as_curl_documents_it),
        cmocka_unit_test(connect_names_the_destination_and_the_credentials),
        cmocka_unit_test(credentials_are_user_and_password),
        cmocka_unit_test(an_answer_is_read_in_any_pieces),
        cmocka_unit_test(what_is_no_answer_is_refused_at_once),
        cmocka_unit_test(a_refusal_says_what_to_do),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
