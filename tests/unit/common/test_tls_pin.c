#include "common/io/tls.h"

#include "common/io/clock.h"
#include "tests/support/pki.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct pki good;
static struct pki evil;

static int make_pkis(void **state)
{
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    pki_init(&good);
    pki_init(&evil);
    return 0;
}

static int free_pkis(void **state)
{
    (void)state;
    pki_done(&good);
    pki_done(&evil);
    return 0;
}

/* Rows for verification by pin; the pin is always good.ca's key, the host always localhost, unless
 * the row says otherwise. */
struct pin_row {
    const char *why;
    struct shown shown;
    const char *host; /* NULL: localhost */
    long verdict;
};

/* A CA with the good one's name, made by somebody else. */
static struct cert_ca look_alike;

/* A certificate that carries the good CA's public key, which is no secret, but is signed by the
 * evil one: as a leaf, or with CA:TRUE between a leaf and the evil CA. */
static X509 *borrowed_key;

static size_t pin_rows(struct pin_row out[16])
{
    const struct pin_row rows[] = {
        {"right", {good.server, good.key, {good.ca.cert}}, NULL, X509_V_OK},
        {"by address", {good.server, good.key, {good.ca.cert}}, "127.0.0.1", X509_V_OK},
        {"the CA isn't sent",
         {good.server, good.key, {NULL}},
         NULL,
         X509_V_ERR_APPLICATION_VERIFICATION},
        {"an attacker's leaf, and the pinned CA merely present",
         {evil.server, evil.key, {good.ca.cert}},
         NULL,
         X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY},
        {"an attacker's leaf and CA, and the pinned CA present",
         {evil.server, evil.key, {evil.ca.cert, good.ca.cert}},
         NULL,
         X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN},
        {"an attacker's leaf and CA",
         {evil.server, evil.key, {evil.ca.cert}},
         NULL,
         X509_V_ERR_APPLICATION_VERIFICATION},
        {"a CA with the right name",
         {evil.server, evil.key, {look_alike.cert}},
         NULL,
         X509_V_ERR_APPLICATION_VERIFICATION},
        {"a certificate with the pinned key, signed by the attacker",
         {evil.server, evil.key, {borrowed_key, evil.ca.cert}},
         NULL,
         X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN},
        {"expired", {good.expired, good.key, {good.ca.cert}}, NULL, X509_V_ERR_CERT_HAS_EXPIRED},
        {"not yet valid",
         {good.early, good.key, {good.ca.cert}},
         NULL,
         X509_V_ERR_CERT_NOT_YET_VALID},
        {"another host",
         {good.other_host, good.key, {good.ca.cert}},
         NULL,
         X509_V_ERR_HOSTNAME_MISMATCH},
        {"another address",
         {good.server, good.key, {good.ca.cert}},
         "127.0.0.2",
         X509_V_ERR_IP_ADDRESS_MISMATCH},
        {"an agent's certificate",
         {good.client, good.key, {good.ca.cert}},
         NULL,
         X509_V_ERR_INVALID_PURPOSE},
    };

    memcpy(out, rows, sizeof(rows));
    return COUNT(rows);
}

static void make_tricks(void)
{
    static const char *const names[] = {"localhost"};
    struct cert_order order = {&evil.ca, good.ca.key, clock_wall_s(), 10};

    assert_int_equal(cert_ca_make("Test CA", clock_wall_s(), &look_alike, NULL), CX_OK);
    assert_int_equal(
        cert_issue_server(&order, (struct cert_server_names){names, 1}, &borrowed_key, NULL),
        CX_OK);
}

static void free_tricks(void)
{
    cert_ca_done(&look_alike);
    X509_free(borrowed_key);
    borrowed_key = NULL;
}

static void tls_pin_makes_the_pinned_ca_the_only_anchor(void **state)
{
    struct pin_row rows[16];
    size_t count;

    (void)state;
    make_tricks();
    count = pin_rows(rows);
    for (size_t i = 0; i < count; i++) {
        struct tls_pin pin = {.host = rows[i].host != NULL ? rows[i].host : "localhost"};
        SSL_CTX *server = pki_server_new(&rows[i].shown);
        SSL_CTX *client = SSL_CTX_new(TLS_client_method());
        struct tls_pair p;

        cert_spki_sha256(good.ca.cert, pin.spki_sha256);
        assert_int_equal(tls_pin_install(client, &pin, NULL), CX_OK);
        assert_int_equal(pin.fail.code, CX_E_TRUST); /* nothing has been verified yet */
        /* What the context trusts otherwise must not count: */
        assert_int_equal(X509_STORE_add_cert(SSL_CTX_get_cert_store(client), evil.ca.cert), 1);
        tls_pair_init(&p, client, server);
        if (tls_pair_shake(&p) != (rows[i].verdict == X509_V_OK)) {
            fail_msg("%s", rows[i].why);
        }
        if (SSL_get_verify_result(p.client) != rows[i].verdict) {
            fail_msg("%s: %s", rows[i].why,
                     X509_verify_cert_error_string(SSL_get_verify_result(p.client)));
        }
        assert_int_equal(pin.fail.code, rows[i].verdict == X509_V_OK ? CX_OK : CX_E_TRUST);
        assert_non_null(strstr(pin.fail.detail, pin.host));
        if (rows[i].verdict == X509_V_OK) {
            assert_int_equal(sk_X509_num(SSL_get0_verified_chain(p.client)), 2);
        }
        tls_pair_done(&p);
        SSL_CTX_free(server);
        SSL_CTX_free(client);
    }
    free_tricks();
}

static void tls_pin_install_needs_a_host(void **state)
{
    static const char *const bad[] = {NULL, "", ".example.com"};
    SSL_CTX *client = SSL_CTX_new(TLS_client_method());

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct tls_pin pin = {.host = bad[i]};

        assert_int_equal(tls_pin_install(client, &pin, NULL), CX_E_SYNTAX);
    }
    SSL_CTX_free(client);
}

/* Serve one connection after the other on `listener`, in a child. */
static void serve_for_ever(int listener, const struct shown *shown)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
                                 "Connection: close\r\n\r\nok";
    SSL_CTX *ctx = pki_server_new(shown);

    for (;;) {
        int fd = accept(listener, NULL, NULL);
        SSL *ssl = SSL_new(ctx);
        char request[4096];

        if (fd < 0 || ssl == NULL) {
            _exit(1);
        }
        (void)SSL_set_fd(ssl, fd);
        if (SSL_accept(ssl) == 1 && SSL_read(ssl, request, sizeof(request)) > 0) {
            (void)SSL_write(ssl, answer, sizeof(answer) - 1);
            (void)SSL_shutdown(ssl);
        }
        SSL_free(ssl);
        (void)close(fd);
    }
}

static pid_t serve(const struct shown *shown, uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    pid_t pid;

    assert_true(listener >= 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 8), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    *port = ntohs(address.sin_port);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* it ends with the test, however that ends */
        serve_for_ever(listener, shown);
    }
    (void)close(listener);
    return pid;
}

static CURLcode install_pin(CURL *curl, void *ctx, void *pin)
{
    (void)curl;
    return tls_pin_install(ctx, pin, NULL) == CX_OK ? CURLE_OK : CURLE_ABORTED_BY_CALLBACK;
}

static size_t ignore_body(char *at, size_t size, size_t n, void *ctx)
{
    (void)at;
    (void)ctx;
    return size * n;
}

/* One GET by libcurl, as enrolment does it: verification left at its defaults. */
static CURLcode get(const char *host, uint16_t port, struct tls_pin *pin)
{
    CURL *curl = curl_easy_init();
    char url[128];
    CURLcode code;

    assert_non_null(curl);
    (void)snprintf(url, sizeof(url), "https://%s:%u/", host, port);
    assert_int_equal(curl_easy_setopt(curl, CURLOPT_URL, url), CURLE_OK);
    assert_int_equal(curl_easy_setopt(curl, CURLOPT_NOPROXY, "*"), CURLE_OK);
    assert_int_equal(curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 20000L), CURLE_OK);
    assert_int_equal(curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, ignore_body), CURLE_OK);
    if (pin != NULL) {
        assert_int_equal(curl_easy_setopt(curl, CURLOPT_SSL_CTX_FUNCTION, install_pin), CURLE_OK);
        assert_int_equal(curl_easy_setopt(curl, CURLOPT_SSL_CTX_DATA, pin), CURLE_OK);
    }
    code = curl_easy_perform(curl);
    curl_easy_cleanup(curl);
    return code;
}

static void tls_pin_holds_inside_libcurl(void **state)
{
    struct pin_row rows[16];
    size_t count;

    (void)state;
    make_tricks();
    count = pin_rows(rows);
    for (size_t i = 0; i < count; i++) {
        const char *host = rows[i].host != NULL ? rows[i].host : "localhost";
        struct tls_pin pin = {.host = host};
        uint16_t port = 0;
        pid_t server = serve(&rows[i].shown, &port);
        CURLcode code;

        cert_spki_sha256(good.ca.cert, pin.spki_sha256);
        /* The server listens on 127.0.0.1; what must match is the pin's host. */
        code = get(rows[i].host != NULL ? "127.0.0.1" : "localhost", port, &pin);
        if (code != (rows[i].verdict == X509_V_OK ? CURLE_OK : CURLE_PEER_FAILED_VERIFICATION)) {
            fail_msg("%s: %s", rows[i].why, curl_easy_strerror(code));
        }
        if (rows[i].verdict == X509_V_OK) { /* and without the pin, the same server is nobody */
            assert_int_equal(get(host, port, NULL), CURLE_PEER_FAILED_VERIFICATION);
        }
        assert_int_equal(kill(server, SIGKILL), 0);
        assert_int_equal(waitpid(server, NULL, 0), server);
    }
    free_tricks();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_pin_makes_the_pinned_ca_the_only_anchor),
        cmocka_unit_test(tls_pin_install_needs_a_host),
        cmocka_unit_test(tls_pin_holds_inside_libcurl),
    };

    return cmocka_run_group_tests_name("tls_pin", tests, make_pkis, free_pkis);
}
