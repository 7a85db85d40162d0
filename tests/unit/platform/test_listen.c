#include "platform/core/listen.h"

#include "tests/support/check.h"

struct row {
    const char *why, *text;
    enum listen_kind kind;
    const char *host, *path; /* NULL both: refused, with `says` */
    unsigned port;
    const char *says;
};

#define PATH_107                                                                                   \
    "/run/00000000001111111111222222222233333333334444444444555555555566666666667777777777"        \
    "8888888888999999999900"

static const struct row rows[] = {
    {"TLS on all IPv4 addresses", "https://0.0.0.0:8443", LISTEN_HTTPS, "0.0.0.0", "", 8443, NULL},
    {"TLS on all IPv6 addresses", "https://[::]:443", LISTEN_HTTPS, "::", "", 443, NULL},
    {"loopback", "http://127.0.0.1:8080", LISTEN_HTTP, "127.0.0.1", "", 8080, NULL},
    {"all of 127/8 is loopback", "http://127.1.2.3:1", LISTEN_HTTP, "127.1.2.3", "", 1, NULL},
    {"IPv6 loopback", "http://[::1]:65535", LISTEN_HTTP, "::1", "", 65535, NULL},
    {"IPv6 loopback, written out", "http://[0:0:0:0:0:0:0:1]:80", LISTEN_HTTP, "0:0:0:0:0:0:0:1",
     "", 80, NULL},
    {"localhost is 127.0.0.1", "http://localhost:8080", LISTEN_HTTP, "127.0.0.1", "", 8080, NULL},
    {"port 0 is any", "http://127.0.0.1:0", LISTEN_HTTP, "127.0.0.1", "", 0, NULL},
    {"a socket", "unix:/run/connector/api.sock", LISTEN_UNIX, "", "/run/connector/api.sock", 0,
     NULL},
    {"a relative socket", "unix:api.sock", LISTEN_UNIX, "", "api.sock", 0, NULL},
    {"the longest socket's name", "unix:" PATH_107, LISTEN_UNIX, "", PATH_107, 0, NULL},
    {"a byte more", "unix:" PATH_107 "d", 0, NULL, NULL, 0, "1..107 bytes"},
    {"no socket's name", "unix:", 0, NULL, NULL, 0, "1..107 bytes"},
    {"a control character", "unix:/run/a\nb", 0, NULL, NULL, 0, "1..107 bytes"},
    {"clear text on all addresses", "http://0.0.0.0:8080", 0, NULL, NULL, 0, "reverse proxy"},
    {"clear text on a private address", "http://10.0.0.1:8080", 0, NULL, NULL, 0, "use https"},
    {"clear text on all IPv6 addresses", "http://[::]:8080", 0, NULL, NULL, 0, "reverse proxy"},
    {"128/8 is not loopback", "http://128.0.0.1:80", 0, NULL, NULL, 0, "loopback"},
    {"a mapped loopback address is not taken", "http://[::ffff:127.0.0.1]:80", 0, NULL, NULL, 0,
     "loopback"},
    {"no scheme", "127.0.0.1:8080", 0, NULL, NULL, 0, "must be https://HOST:PORT"},
    {"another scheme", "ftp://127.0.0.1:21", 0, NULL, NULL, 0, "must be https://HOST:PORT"},
    {"empty", "", 0, NULL, NULL, 0, "must be https://HOST:PORT"},
    {"no port", "https://0.0.0.0", 0, NULL, NULL, 0, "HOST:PORT"},
    {"an empty port", "https://0.0.0.0:", 0, NULL, NULL, 0, "1..65535"},
    {"a port too large", "https://0.0.0.0:65536", 0, NULL, NULL, 0, "1..65535"},
    {"a port that is none", "https://0.0.0.0:80a", 0, NULL, NULL, 0, "1..65535"},
    {"a path behind it", "https://0.0.0.0:80/", 0, NULL, NULL, 0, "nothing behind it"},
    {"a sign", "https://0.0.0.0:+80", 0, NULL, NULL, 0, "1..65535"},
    {"a name", "https://platform.example.com:8443", 0, NULL, NULL, 0, "numeric address"},
    {"an odd number", "https://127.1:80", 0, NULL, NULL, 0, "numeric address"},
    {"no host", "https://:8443", 0, NULL, NULL, 0, "numeric address"},
    {"IPv6 without brackets", "https://::1:8443", 0, NULL, NULL, 0, "numeric address"},
    {"IPv4 in brackets", "https://[127.0.0.1]:80", 0, NULL, NULL, 0, "IPv6 address"},
    {"an open bracket", "https://[::1:80", 0, NULL, NULL, 0, "HOST:PORT"},
    {"no port behind the bracket", "https://[::1]", 0, NULL, NULL, 0, "a port must follow"},
    {"a zone", "https://[fe80::1%eth0]:80", 0, NULL, NULL, 0, "IPv6 address"},
    {"empty brackets", "https://[]:80", 0, NULL, NULL, 0, "numeric address"},
    {"localhost in brackets", "https://[localhost]:80", 0, NULL, NULL, 0, "IPv6 address"},
};

static void check_row(const struct row *row, struct listen_entry *e, enum cx_err err,
                      const struct cx_fail *fail)
{
    if (row->host == NULL) {
        CHECK_ERR(row->why, err, CX_E_SYNTAX);
        CHECK(row->why, strstr(cx_fail_text(fail), row->says) != NULL);
        CHECK(row->why, e->port == 4711); /* untouched */
        return;
    }
    CHECK_ERR(row->why, err, CX_OK);
    CHECK(row->why, e->kind == row->kind);
    CHECK(row->why, e->port == row->port);
    CHECK_TEXT(row->why, slice_of_str(e->host), row->host);
    CHECK_TEXT(row->why, slice_of_str(e->path), row->path);
}

static void listen_read_takes_addresses_and_sockets_and_says_what_is_allowed(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct listen_entry e = {.port = 4711};
        struct cx_fail fail = {0};
        enum cx_err err = listen_read(slice_of_str(rows[i].text), &e, &fail);

        check_row(&rows[i], &e, err, &fail);
    }
}

static const struct row tunnel_rows[] = {
    {"all IPv4 addresses", "0.0.0.0:8443", LISTEN_HTTPS, "0.0.0.0", "", 8443, NULL},
    {"all IPv6 addresses", "[::]:8443", LISTEN_HTTPS, "::", "", 8443, NULL},
    {"any free port", "127.0.0.1:0", LISTEN_HTTPS, "127.0.0.1", "", 0, NULL},
    {"a scheme does not belong there", "https://0.0.0.0:8443", 0, NULL, NULL, 0, "numeric"},
    {"no port", "0.0.0.0", 0, NULL, NULL, 0, "HOST:PORT"},
    {"a socket can't be reached by agents", "unix:/run/x", 0, NULL, NULL, 0, "numeric"},
};

static void listen_read_tunnel_takes_host_and_port_only(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(tunnel_rows); i++) {
        struct listen_entry e = {.port = 4711};
        struct cx_fail fail = {0};
        enum cx_err err = listen_read_tunnel(slice_of_str(tunnel_rows[i].text), &e, &fail);

        check_row(&tunnel_rows[i], &e, err, &fail);
    }
}

static void listen_read_refuses_a_nul_in_the_host(void **state)
{
    struct listen_entry e = {0};
    struct cx_fail fail;

    (void)state;
    assert_int_equal(listen_read(slice_of("http://127.0.0.1\0:80", 20), &e, &fail), CX_E_SYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listen_read_takes_addresses_and_sockets_and_says_what_is_allowed),
        cmocka_unit_test(listen_read_tunnel_takes_host_and_port_only),
        cmocka_unit_test(listen_read_refuses_a_nul_in_the_host),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
