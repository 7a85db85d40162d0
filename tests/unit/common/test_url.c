#include "common/core/url.h"

#include "tests/support/alloc_fail.h"
#include "tests/support/check.h"

#include <curl/curl.h>
#include <stdlib.h>

static void url_read_takes_apart_what_is_plain(void **state)
{
    static const struct {
        const char *why, *text;
        bool is_https;
        const char *host;
        bool is_ipv6, is_ipv4;
        uint16_t port;
        const char *path, *query;
    } rows[] = {
        {"the usual", "https://idp.corp.example/oauth/token", true, "idp.corp.example", false,
         false, 443, "/oauth/token", NULL},
        {"http and its port", "http://idp/t", false, "idp", false, false, 80, "/t", NULL},
        {"scheme and host fold, the path doesn't", "HTTPS://IdP.Corp.Example/OAuth", true,
         "idp.corp.example", false, false, 443, "/OAuth", NULL},
        {"a port", "https://h:8443/", true, "h", false, false, 8443, "/", NULL},
        {"the highest port", "https://h:65535/", true, "h", false, false, 65535, "/", NULL},
        {"the lowest port", "https://h:1/", true, "h", false, false, 1, "/", NULL},
        {"no path is the root", "https://h", true, "h", false, false, 443, "/", NULL},
        {"no path, but a query", "https://h?a=1", true, "h", false, false, 443, "/", "a=1"},
        {"a query may hold what a path may not", "https://h/t?u=a/../b&c=%2F&d=[x]", true, "h",
         false, false, 443, "/t", "u=a/../b&c=%2F&d=[x]"},
        {"a second '?' belongs to the query", "https://h/t?a?b", true, "h", false, false, 443, "/t",
         "a?b"},
        {"an empty query is none", "https://h/t?", true, "h", false, false, 443, "/t", NULL},
        {"IPv4", "https://192.0.2.1/t", true, "192.0.2.1", false, true, 443, "/t", NULL},
        {"IPv6", "https://[2001:DB8::1]:8443/t", true, "2001:db8::1", true, false, 8443, "/t",
         NULL},
        {"IPv6 in a long form", "https://[2001:0db8:0:0::0001]/t", true, "2001:db8::1", true, false,
         443, "/t", NULL},
        {"mapped IPv4 is for the address check to refuse", "https://[::ffff:127.0.0.1]/", true,
         "::ffff:127.0.0.1", true, false, 443, "/", NULL},
        {"an internationalised name in its xn-- form", "https://xn--bcher-kva.example/", true,
         "xn--bcher-kva.example", false, false, 443, "/", NULL},
        {"an underscore, as inside networks", "https://_idp.my_host/", true, "_idp.my_host", false,
         false, 443, "/", NULL},
        {"digits inside a name", "https://10.0.0.1.nip.example/", true, "10.0.0.1.nip.example",
         false, false, 443, "/", NULL},
        {"encoded octets stay as written", "https://h/%7euser/%C3%A9", true, "h", false, false, 443,
         "/%7euser/%C3%A9", NULL},
        {"dots that are no dot segment", "https://h/.well-known/...;v=1/a..b/x.", true, "h", false,
         false, 443, "/.well-known/...;v=1/a..b/x.", NULL},
        {"characters of RFC 3986", "https://h/a!$&'()*+,;=:@-._~/", true, "h", false, false, 443,
         "/a!$&'()*+,;=:@-._~/", NULL},
        {"an '@' behind the authority is data", "https://h/u@x?e=a@b", true, "h", false, false, 443,
         "/u@x", "e=a@b"},
        {"empty segments are kept", "https://h//a//", true, "h", false, false, 443, "//a//", NULL},
        {"an encoded percent sign is data", "https://h/100%25", true, "h", false, false, 443,
         "/100%25", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct url url;
        struct cx_fail fail = {0};

        CHECK_ERR(rows[i].why, url_read(slice_of_str(rows[i].text), &url, &fail), CX_OK);
        CHECK(rows[i].why, url.is_https == rows[i].is_https);
        CHECK(rows[i].why, url.is_ipv6 == rows[i].is_ipv6);
        CHECK(rows[i].why, url.is_ipv4 == rows[i].is_ipv4);
        CHECK(rows[i].why, url.port == rows[i].port);
        CHECK_TEXT(rows[i].why, slice_of_str(url.host), rows[i].host);
        CHECK_TEXT(rows[i].why, slice_of_str(url.path), rows[i].path);
        CHECK(rows[i].why, (url.query == NULL) == (rows[i].query == NULL));
        CHECK(rows[i].why, url.query == NULL || strcmp(url.query, rows[i].query) == 0);
        url_done(&url);
    }
}

#define LABEL63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct bad {
    const char *text, *says;
} bad[] = {
    {"", "begin with https:// or http://"},
    {"ftp://h/", "begin with https:// or http://"},
    {"httpss://h/", "begin with https:// or http://"},
    {" https://h/", "begin with https:// or http://"},
    {"//h/t", "begin with https:// or http://"},
    {"/t", "begin with https:// or http://"},
    {"idp.example/t", "begin with https:// or http://"},
    {"http:h", "followed by \"//\""},
    {"https:/h/t", "followed by \"//\""},
    {"https:\\\\h\\t", "followed by \"//\""},
    {"https://", "no host"},
    {"https:///t", "no host"},
    {"https://:443/t", "no host"},
    {"https://?a", "no host"},
    {"https://u@h/", "user name or password"},
    {"https://u:p@h/", "user name or password"},
    {"https://good.example%2F@evil.example/", "user name or password"},
    {"https://good.example\\@evil.example/", "user name or password"},
    {"https://h/t#f", "fragment"},
    {"https://h#@evil.example/", "fragment"},
    {"https://h?a#b", "fragment"},
    {"https://h:/t", "port must be"},
    {"https://h:0/t", "port must be"},
    {"https://h:00443/t", "port must be"},
    {"https://h:65536/t", "port must be"},
    {"https://h:100000/t", "port must be"},
    {"https://h:-1/t", "port must be"},
    {"https://h:+1/t", "port must be"},
    {"https://h:4 4/t", "space"},
    {"https://h:443x/t", "port must be"},
    {"https://h\\t", "backslash"},
    {"https://h/a\\b", "backslash"},
    {"https://h/t?a\\b", "backslash"},
    {"https://h/a b", "space"},
    {"https://h/a\tb", "control character"},
    {"https://h/a\nb", "control character"},
    {"https://h/t\r\nX: y", "control character"},
    {"https://h\t/", "control character"},
    {"https://h/\x7f", "control character"},
    {"https://b\xc3\xbc"
     "cher.example/",
     "xn--"},
    {"https://h/\xc3\xbc", "percent-encode"},
    {"https://h/t?\xff", "percent-encode"},
    {"https://%68/", "percent-encoded"},
    {"https://h%00.example/", "percent-encoded"},
    {"https://h*/", "contains '*'"},
    {"https://*.example/", "contains '*'"},
    {"https://a,b/", "contains ','"},
    {"https://h;x/", "contains ';'"},
    {"https://h./", "empty label"},
    {"https://.h/", "empty label"},
    {"https://a..b/", "empty label"},
    {"https://./", "empty label"},
    {"https://" LABEL63 "a.example/", "63 bytes"},
    {"https://" LABEL63 "." LABEL63 "." LABEL63 "." LABEL63 "/", "253 bytes"},
    {"https://0x7f.1/", "odd notation"},
    {"https://017700000001/", "odd notation"},
    {"https://2130706433/", "odd notation"},
    {"https://127.1/", "odd notation"},
    {"https://127.0.1/", "odd notation"},
    {"https://0x7f000001/", "odd notation"},
    {"https://127.0.0.0x1/", "odd notation"},
    {"https://0177.0.0.1/", "odd notation"},
    {"https://127.0.0.01/", "odd notation"},
    {"https://256.0.0.1/", "odd notation"},
    {"https://1.2.3.4.5/", "odd notation"},
    {"https://host.1/", "odd notation"},
    {"https://host.0x/", "odd notation"},
    {"https://0X7F.0X1/", "odd notation"},
    {"https://127.0.0.1./", "empty label"},
    {"https://2001:db8::1/", "in brackets"},
    {"https://::1/", "no host"},
    {"https://[::1/", "no ']'"},
    {"https://[::1]x/", "other than a port"},
    {"https://[h]/", "no IPv6 address"},
    {"https://[127.0.0.1]/", "no IPv6 address"},
    {"https://[]/", "no IPv6 address"},
    {"https://[1:2:3:4:5:6:7:8:9]/", "no IPv6 address"},
    {"https://[fe80::1%25eth0]/", "zone id"},
    {"https://[fe80::1%eth0]/", "zone id"},
    {"https://[v1.x]/", "no IPv6 address"},
    {"https://h/./t", "dot segment"},
    {"https://h/.", "dot segment"},
    {"https://h/a/../t", "dot segment"},
    {"https://h/a/..", "dot segment"},
    {"https://h/..?a", "dot segment"},
    {"https://h/a/%2e%2e/t", "dot segment"},
    {"https://h/a/%2E./t", "dot segment"},
    {"https://h/a/.%2e", "dot segment"},
    {"https://h/%2e", "dot segment"},
    {"https://h/a/%252e%252e/t", "dot segment"},
    {"https://h/a/%25252e./t", "dot segment"},
    {"https://h/a/..;/t", "dot segment"},
    {"https://h/a/..;jsessionid=1/t", "dot segment"},
    {"https://h/a/%2e.%3b/t", "dot segment"},
    {"https://h/a%2Fb", "encoded slash"},
    {"https://h/a%2fb", "encoded slash"},
    {"https://h/a%5Cb", "encoded slash"},
    {"https://h/a%5cb", "encoded slash"},
    {"https://h/a%252Fb", "encoded slash"},
    {"https://h/a%25255cb", "encoded slash"},
    {"https://h/a%00b", "encoded NUL"},
    {"https://h/a%2500", "encoded NUL"},
    {"https://h/t?a=%00", "encoded NUL"},
    {"https://h/%c0%ae%c0%ae/t", "overlong"},
    {"https://h/a%c1%9cb", "overlong"},
    {"https://h/%e0%80%af", "overlong"},
    {"https://h/%f0%80%80%af", "overlong"},
    {"https://h/%", "two hex digits"},
    {"https://h/%4", "two hex digits"},
    {"https://h/%4x", "two hex digits"},
    {"https://h/%u002f", "two hex digits"},
    {"https://h/t?a=100%", "two hex digits"},
    {"https://h/a|b", "percent-encoded there"},
    {"https://h/{realm}", "percent-encoded there"},
    {"https://h/<x>", "percent-encoded there"},
    {"https://h/a[1]", "percent-encoded there"},
};

static void url_read_refuses_what_is_not_plain_and_says_why(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct url url = {.port = 7};
        struct cx_fail fail = {0};

        CHECK_ERR(bad[i].text, url_read(slice_of_str(bad[i].text), &url, &fail), CX_E_SYNTAX);
        CHECK(bad[i].text, url.port == 7 && url.host == NULL);
        if (strstr(fail.detail, bad[i].says) == NULL) {
            fail_msg("%s: \"%s\" doesn't say \"%s\"", bad[i].text, fail.detail, bad[i].says);
        }
    }
}

static void url_read_refuses_a_nul(void **state)
{
    static const char *const texts[] = {"https://h\0/", "https://h/a\0b", "https://h/t?a\0b"};
    static const size_t lens[] = {11, 13, 15};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct url url;
        struct cx_fail fail = {0};

        assert_int_equal(url_read(slice_of(texts[i], lens[i]), &url, &fail), CX_E_SYNTAX);
        assert_non_null(strstr(fail.detail, "NUL"));
    }
}

static void url_read_bounds_the_length(void **state)
{
    struct url url;
    char *text = malloc(URL_BYTES_MAX + 1);

    (void)state;
    assert_non_null(text);
    memset(text, 'a', URL_BYTES_MAX + 1);
    memcpy(text, "https://h/", 10);
    assert_int_equal(url_read(slice_of(text, URL_BYTES_MAX + 1), &url, NULL), CX_E_TOO_BIG);
    assert_int_equal(url_read(slice_of(text, URL_BYTES_MAX), &url, NULL), CX_OK);
    assert_int_equal(strlen(url.path), URL_BYTES_MAX - 9);
    url_done(&url);
    free(text);
}

static void url_read_shows_neither_userinfo_nor_query(void **state)
{
    static const char *const texts[] = {"https://hunter2:x@h/", "https://h/t?p=hunter2\\",
                                        "https://h/t?p=hunter2#", "https://h/t?p=hunter2%00",
                                        "https://hunter2:hunter2@hunter2\\/"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct url url;
        struct cx_fail fail = {0};

        assert_int_equal(url_read(slice_of_str(texts[i]), &url, &fail), CX_E_SYNTAX);
        assert_null(strstr(fail.detail, "hunter2"));
    }
}

/* libcurl takes odd numbers for addresses; the check before it is what stops them. If this ceases
 * to be so, nothing is lost, but the reason for that check is another. */
static void libcurl_still_turns_odd_numbers_into_addresses(void **state)
{
    CURLU *handle = curl_url();
    char *host = NULL;

    (void)state;
    assert_int_equal(curl_url_set(handle, CURLUPART_URL, "https://0x7f.1/", 0), CURLUE_OK);
    assert_int_equal(curl_url_get(handle, CURLUPART_HOST, &host, 0), CURLUE_OK);
    assert_string_equal(host, "127.0.0.1");
    curl_free(host);
    curl_url_cleanup(handle);
}

static void url_read_survives_running_out_of_memory(void **state)
{
    static const char *const texts[] = {"https://idp.example/t?a=1", "https://[2001:db8::1]:1/"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        for (size_t nth = 1;; nth++) {
            struct url url = {0};
            struct cx_fail fail = {0};
            enum cx_err err;

            alloc_fail_at(nth);
            err = url_read(slice_of_str(texts[i]), &url, &fail);
            if (!alloc_fail_end()) {
                assert_int_equal(err, CX_OK);
                assert_true(nth > 10); /* libcurl's allocations count too */
                url_done(&url);
                break;
            }
            assert_int_equal(err, CX_E_NOMEM);
            assert_null(url.host);
        }
    }
}

static void url_peek_host_names_the_host_for_a_message(void **state)
{
    static const struct {
        const char *reference, *host; /* NULL: it names none */
    } rows[] = {
        {"https://login.example/sso?x=1#y", "login.example"},
        {"//login.example/sso", "login.example"},
        {"http://u:secret@login.example:8080/", "login.example"},
        {"https://[2001:db8::1]/", "[2001:db8::1]"},
        {"app://callback/x", "callback"},
        {"/login", NULL},
        {"login", NULL},
        {"?error=x", NULL},
        {"", NULL},
        {"javascript:alert(1)", NULL},
        {"https://", NULL},
        {"https://a\x1b[2Jb/", NULL},
        {"https://b\xc3\xbc"
         "cher.example/",
         "b??cher.example"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char host[URL_HOST_TEXT_BYTES] = "unset";
        bool is_read = url_peek_host(slice_of_str(rows[i].reference), host);

        CHECK(rows[i].reference, is_read == (rows[i].host != NULL));
        CHECK(rows[i].reference, strcmp(host, is_read ? rows[i].host : "unset") == 0);
    }
}

static void url_peek_host_cuts_what_is_too_long(void **state)
{
    char reference[600] = "https://";
    char host[URL_HOST_TEXT_BYTES] = "";

    (void)state;
    memset(reference + 8, 'a', sizeof(reference) - 9);
    assert_true(url_peek_host(slice_of_str(reference), host));
    assert_int_equal(strlen(host), URL_HOST_TEXT_BYTES - 1);
    assert_false(url_peek_host((struct slice){NULL, 0}, host));
}

/* libcurl allocates through these, so that its failures can be asked for as well. */
static void *via_malloc(size_t size)
{
    return malloc(size);
}

static void via_free(void *ptr)
{
    free(ptr);
}

static void *via_realloc(void *ptr, size_t size)
{
    return realloc(ptr, size);
}

static char *via_strdup(const char *text)
{
    return strdup(text);
}

static void *via_calloc(size_t n, size_t size)
{
    return calloc(n, size);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(url_read_takes_apart_what_is_plain),
        cmocka_unit_test(url_read_refuses_what_is_not_plain_and_says_why),
        cmocka_unit_test(url_read_refuses_a_nul),
        cmocka_unit_test(url_read_bounds_the_length),
        cmocka_unit_test(url_read_shows_neither_userinfo_nor_query),
        cmocka_unit_test(libcurl_still_turns_odd_numbers_into_addresses),
        cmocka_unit_test(url_read_survives_running_out_of_memory),
        cmocka_unit_test(url_peek_host_names_the_host_for_a_message),
        cmocka_unit_test(url_peek_host_cuts_what_is_too_long),
    };

    if (curl_global_init_mem(CURL_GLOBAL_NOTHING, via_malloc, via_free, via_realloc, via_strdup,
                             via_calloc) != CURLE_OK) {
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
