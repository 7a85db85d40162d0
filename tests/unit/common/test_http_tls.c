/* TLS to the endpoint: who is believed, what a person is told when it is not, and that a connection
 * for which one CA vouches serves no request that trusts another. */
#include "tests/support/check.h"
#include "tests/support/http_ask.h"
#include "tests/support/http_peer.h"

#include "common/io/cert_make.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

enum { DAY_S = 86400 };

/* ---- certificates ---- */

struct authority {
    struct cert_ca ca;
    char file[64]; /* with its certificate */
};

static struct authority ours, theirs;

static void authority_write(const struct authority *a)
{
    FILE *f = fopen(a->file, "w");

    assert_non_null(f);
    assert_int_equal(PEM_write_X509(f, a->ca.cert), 1);
    assert_int_equal(fclose(f), 0);
}

static void authority_make(struct authority *a, const char *name)
{
    struct cx_fail fail;

    (void)snprintf(a->file, sizeof(a->file), "/tmp/http-tls-%ld-%s.pem", (long)getpid(), name);
    assert_int_equal(cert_ca_make(name, (uint64_t)time(NULL) - 90 * DAY_S, &a->ca, &fail), CX_OK);
    authority_write(a);
}

static int set_up(void **state)
{
    (void)state;
    authority_make(&ours, "ours");
    authority_make(&theirs, "theirs");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlink(ours.file);
    (void)unlink(theirs.file);
    cert_ca_done(&ours.ca);
    cert_ca_done(&theirs.ca);
    return 0;
}

/* A server's context with a certificate for `name`, valid for a day from `from_s` on. */
static SSL_CTX *server_context(const struct authority *a, const char *name, uint64_t from_s)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    struct cert_order order = {.ca = &a->ca, .now_s = from_s, .days = 1};
    struct cert_server_names names = {.items = &name, .count = 1};
    struct cx_fail fail;
    X509 *cert;

    assert_int_equal(cert_key_make(&order.key, &fail), CX_OK);
    assert_int_equal(cert_issue_server(&order, names, &cert, &fail), CX_OK);
    assert_int_equal(SSL_CTX_use_certificate(ctx, cert), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(ctx, order.key), 1);
    X509_free(cert);
    EVP_PKEY_free(order.key);
    return ctx;
}

static uint64_t now_s(void)
{
    return (uint64_t)time(NULL);
}

/* ---- who is believed ---- */

static void http_believes_the_ca_of_the_rule_and_reuses_the_connection(void **state)
{
    SSL_CTX *ctx = server_context(&ours, "127.0.0.1", now_s());
    struct peer peer;
    struct asker by;

    (void)state;
    peer_start(&peer, ctx, peer_serve_text, OK_ANSWER);
    asker_start(&by);
    for (int i = 0; i < 3; i++) {
        struct asked a;
        struct http_plan plan = asked_plan(&a, "https", "127.0.0.1", peer.port);

        plan.ca_file = ours.file;
        asked_run(&by, &a, &plan);
        assert_int_equal(a.execution, EXECUTION_ANSWERED);
        assert_string_equal(a.body, "{}");
        assert_int_equal(a.is_reused, i > 0);
        assert_int_equal(a.timing.tls > 0, i == 0);
        assert_int_equal(a.timing.connect > 0, i == 0);
        assert_true(a.timing.total >= a.timing.connect + a.timing.tls + a.timing.wait);
    }
    asker_stop(&by);
    peer_stop(&peer);
    SSL_CTX_free(ctx);
    assert_int_equal(peer.connections, 1);
    assert_int_equal(peer.requests, 3);
}

static void http_tells_why_a_certificate_is_not_believed(void **state)
{
    const struct {
        const char *why, *name;
        const struct authority *by;
        uint64_t from_s;
        const char *ca_file, *sentence;
    } rows[] = {
        {"a CA that is not in the file", "127.0.0.1", &theirs, now_s(), ours.file,
         "unknown issuer"},
        {"a CA that the system does not know", "127.0.0.1", &ours, now_s(), NULL, "unknown issuer"},
        {"another name", "idp.example", &ours, now_s(), ours.file, "name mismatch"},
        {"another address", "127.0.0.2", &ours, now_s(), ours.file, "name mismatch"},
        {"over", "127.0.0.1", &ours, now_s() - 30 * DAY_S, ours.file, "expired"},
        {"not begun", "127.0.0.1", &ours, now_s() + 30 * DAY_S, ours.file, "not yet valid"},
        {"no file", "127.0.0.1", &ours, now_s(), "/nowhere/ca.pem", "can't be read"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        SSL_CTX *ctx = server_context(rows[i].by, rows[i].name, rows[i].from_s);
        struct peer peer;
        struct asker by;
        struct asked a;
        struct http_plan plan;

        peer_start(&peer, ctx, peer_serve_text, OK_ANSWER);
        asker_start(&by);
        plan = asked_plan(&a, "https", "127.0.0.1", peer.port);
        plan.ca_file = rows[i].ca_file;
        asked_run(&by, &a, &plan);
        asker_stop(&by);
        peer_stop(&peer);
        SSL_CTX_free(ctx);
        CHECK(rows[i].why, a.execution == EXECUTION_NOT_SENT && a.stage == STAGE_TLS);
        CHECK(rows[i].why, a.code == VERDICT_ENDPOINT_UNREACHABLE && a.sendings == 0);
        if (strstr(a.fail.detail, rows[i].sentence) == NULL) {
            print_message("%s: %s\n", rows[i].why, a.fail.detail);
        }
        CHECK(rows[i].why, strstr(a.fail.detail, rows[i].sentence) != NULL);
        CHECK(rows[i].why, strstr(a.fail.detail, "127.0.0.1") == NULL);
        CHECK(rows[i].why, strstr(a.fail.detail, "/nowhere") == NULL);
        CHECK(rows[i].why, peer.requests == 0);
    }
}

/* In the place of libcurl's, which says where the system's CAs are. */
static const char *system_ca_file;

curl_version_info_data *curl_version_info(CURLversion age)
{
    static curl_version_info_data data;
    curl_version_info_data *(*real)(CURLversion);

    *(void **)&real = dlsym(RTLD_NEXT, "curl_version_info"); /* as POSIX shows it */
    data = *real(age);
    data.cainfo = system_ca_file != NULL ? system_ca_file : data.cainfo;
    return &data;
}

static void http_believes_the_systems_cas_where_the_rule_names_none(void **state)
{
    static const bool has_own[] = {false, true, false}; /* on one handle, one after the other */
    SSL_CTX *ctx = server_context(&ours, "127.0.0.1", now_s());
    struct peer peer;
    struct asker by;

    (void)state;
    peer_start(&peer, ctx, peer_serve_text, OK_ANSWER);
    system_ca_file = ours.file;
    asker_start(&by);
    system_ca_file = NULL;
    for (size_t i = 0; i < COUNT_OF(has_own); i++) {
        struct asked a;
        struct http_plan plan = asked_plan(&a, "https", "127.0.0.1", peer.port);

        plan.ca_file = has_own[i] ? theirs.file : NULL;
        plan.reuse_idle_ms = 1; /* a new connection each time */
        asked_run(&by, &a, &plan);
        assert_int_equal(a.stage, has_own[i] ? STAGE_TLS : STAGE_NONE);
    }
    asker_stop(&by);
    peer_stop(&peer);
    SSL_CTX_free(ctx);
    assert_int_equal(peer.requests, 2);
}

static void http_does_not_share_a_connection_between_cas(void **state)
{
    const char *const files[] = {ours.file, theirs.file, NULL};
    SSL_CTX *ctx = server_context(&ours, "127.0.0.1", now_s());
    struct peer peer;
    struct asker by;

    (void)state;
    peer_start(&peer, ctx, peer_serve_text, OK_ANSWER);
    asker_start(&by);
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        struct asked a;
        struct http_plan plan = asked_plan(&a, "https", "127.0.0.1", peer.port);

        plan.ca_file = files[i];
        asked_run(&by, &a, &plan);
        assert_int_equal(a.stage, i == 0 ? STAGE_NONE : STAGE_TLS);
        assert_int_equal(a.execution, i == 0 ? EXECUTION_ANSWERED : EXECUTION_NOT_SENT);
    }
    asker_stop(&by);
    peer_stop(&peer);
    SSL_CTX_free(ctx);
    assert_int_equal(peer.requests, 1);
}

static void stop_loop(void *loop)
{
    loop_stop(loop);
}

/* The file of the rule names another CA now. */
static void http_believes_a_changed_file_when_told_to_renew_trust(void **state)
{
    SSL_CTX *ctx = server_context(&ours, "127.0.0.1", now_s());
    struct loop_timer timer = {0};
    struct authority rule = ours;
    struct peer peer;
    struct asker by;
    struct asked a;
    struct http_plan plan;

    (void)state;
    (void)snprintf(rule.file, sizeof(rule.file), "/tmp/http-tls-%ld-rule.pem", (long)getpid());
    authority_write(&rule);
    peer_start(&peer, ctx, peer_serve_text, OK_ANSWER);
    asker_start(&by);
    plan = asked_plan(&a, "https", "127.0.0.1", peer.port);
    plan.ca_file = rule.file;
    asked_run(&by, &a, &plan);
    assert_int_equal(a.execution, EXECUTION_ANSWERED);

    rule.ca = theirs.ca;
    authority_write(&rule);
    loop_timer_start(by.loop, &timer, 2100, stop_loop, by.loop); /* libcurl counts seconds */
    loop_run(by.loop);
    http_renew_trust(by.http);
    plan = asked_plan(&a, "https", "127.0.0.1", peer.port);
    plan.ca_file = rule.file;
    asked_run(&by, &a, &plan);
    asker_stop(&by);
    peer_stop(&peer);
    SSL_CTX_free(ctx);
    (void)unlink(rule.file);
    assert_int_equal(a.execution, EXECUTION_NOT_SENT);
    assert_int_equal(a.stage, STAGE_TLS);
}

/* ---- what else goes wrong in TLS ---- */

static void http_refuses_tls_below_1_2(void **state)
{
    SSL_CTX *ctx = server_context(&ours, "127.0.0.1", now_s());
    struct peer peer;
    struct asker by;
    struct asked a;
    struct http_plan plan;

    (void)state;
    assert_int_equal(SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION), 1);
    assert_int_equal(SSL_CTX_set_max_proto_version(ctx, TLS1_1_VERSION), 1);
    SSL_CTX_set_security_level(ctx, 0);
    assert_int_equal(SSL_CTX_set_cipher_list(ctx, "ALL:@SECLEVEL=0"), 1);
    peer_start(&peer, ctx, peer_serve_text, OK_ANSWER);
    asker_start(&by);
    plan = asked_plan(&a, "https", "127.0.0.1", peer.port);
    plan.ca_file = ours.file;
    asked_run(&by, &a, &plan);
    asker_stop(&by);
    peer_stop(&peer);
    SSL_CTX_free(ctx);
    assert_int_equal(a.execution, EXECUTION_NOT_SENT);
    assert_int_equal(a.stage, STAGE_TLS);
    assert_non_null(strstr(a.fail.detail, "protocol version"));
}

/* Plain HTTP where TLS is expected; and a connection that is closed in the handshake. */
static void serve_plain(struct peer_connection *c)
{
    (void)peer_say(c, c->peer->arg);
}

static void http_tells_a_port_without_tls(void **state)
{
    static const char *const says[] = {"HTTP/1.1 400 Bad Request\r\n\r\n", ""};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(says); i++) {
        struct peer peer;
        struct asker by;
        struct asked a;
        struct http_plan plan;

        peer_start(&peer, NULL, serve_plain, says[i]);
        asker_start(&by);
        plan = asked_plan(&a, "https", "127.0.0.1", peer.port);
        plan.ca_file = ours.file;
        asked_run(&by, &a, &plan);
        asker_stop(&by);
        peer_stop(&peer);
        assert_int_equal(a.execution, EXECUTION_NOT_SENT);
        assert_int_equal(a.stage, STAGE_TLS);
        assert_int_equal(a.code, VERDICT_ENDPOINT_UNREACHABLE);
        assert_non_null(strstr(a.fail.detail, i == 0 ? "wrong version number" : "closed"));
        assert_null(strstr(a.fail.detail, "127.0.0.1"));
    }
}

/* Under TLS 1.3 the client learns that it lacks a certificate only after it has written. */
static void http_names_the_alert_when_a_client_certificate_is_missing(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(versions); i++) {
        SSL_CTX *ctx = server_context(&ours, "127.0.0.1", now_s());
        bool is_1_3 = versions[i] == TLS1_3_VERSION;
        struct peer peer;
        struct asker by;
        struct asked a;
        struct http_plan plan;

        assert_int_equal(SSL_CTX_set_max_proto_version(ctx, versions[i]), 1);
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        peer_start(&peer, ctx, peer_serve_text, OK_ANSWER);
        asker_start(&by);
        plan = asked_plan(&a, "https", "127.0.0.1", peer.port);
        plan.ca_file = ours.file;
        asked_run(&by, &a, &plan);
        asker_stop(&by);
        peer_stop(&peer);
        SSL_CTX_free(ctx);
        assert_int_equal(a.execution, is_1_3 ? EXECUTION_SENT : EXECUTION_NOT_SENT);
        assert_int_equal(a.stage, STAGE_TLS);
        assert_int_equal(a.code, VERDICT_ENDPOINT_UNREACHABLE);
        assert_non_null(strstr(a.fail.detail, is_1_3 ? "certificate required" : "alert"));
        assert_int_equal(peer.requests, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(http_believes_the_ca_of_the_rule_and_reuses_the_connection),
        cmocka_unit_test(http_tells_why_a_certificate_is_not_believed),
        cmocka_unit_test(http_believes_the_systems_cas_where_the_rule_names_none),
        cmocka_unit_test(http_does_not_share_a_connection_between_cas),
        cmocka_unit_test(http_believes_a_changed_file_when_told_to_renew_trust),
        cmocka_unit_test(http_refuses_tls_below_1_2),
        cmocka_unit_test(http_tells_a_port_without_tls),
        cmocka_unit_test(http_names_the_alert_when_a_client_certificate_is_missing),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
