/* A rule with a proxy: no addresses are seen, so what the URL itself says is looked at. */
#include "common/core/policy.h"

#include "tests/support/check.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static const char *const ten[] = {"10.0.0.0/8", NULL};

static bool add(struct policy *p, struct proxy *proxy, const char *const *networks,
                struct faults *faults)
{
    const struct policy_rule_text text = {.where = "agent.conf:1",
                                          .field = "policy[0]",
                                          .name = "out",
                                          .url = "https://*.example/t",
                                          .networks = networks,
                                          .proxy = proxy};

    return policy_add(p, &text, faults);
}

static void networks_beside_a_proxy_are_a_fault(void **state)
{
    struct proxy proxy = {.host = "proxy.example", .port = 3128};
    struct faults faults;
    struct policy p;

    (void)state;
    faults_init(&faults);
    policy_init(&p);
    assert_int_equal(proxy_set_credentials(&proxy, SLICE_LIT("u:p"), NULL), CX_OK);
    assert_false(add(&p, &proxy, ten, &faults));
    assert_int_equal(faults.count, 1);
    assert_string_equal(faults.items[0].field, "policy[0].networks");
    assert_true(secret_is_set(&proxy.credentials)); /* still the caller's */
    faults_done(&faults);

    faults_init(&faults);
    assert_true(add(&p, &proxy, NULL, &faults));
    assert_false(proxy_is_set(&proxy)); /* the rule's now */
    assert_string_equal(p.rules[0].proxy.host, "proxy.example");
    assert_true(slice_eq_str(secret_view(&p.rules[0].proxy.credentials), "u:p"));
    faults_done(&faults);
    policy_done(&p);
    proxy_done(&proxy);
}

static void a_proxy_that_is_not_set_is_none(void **state)
{
    struct proxy proxy = {0};
    struct faults faults;
    struct policy p;

    (void)state;
    faults_init(&faults);
    policy_init(&p);
    assert_true(add(&p, &proxy, ten, &faults));
    assert_false(proxy_is_set(&p.rules[0].proxy));
    policy_done(&p);
    faults_done(&faults);
}

static void the_proxys_own_address_is_exempt(void **state)
{
    struct proxy proxy = {.host = "127.0.0.1", .port = 3128};
    struct sockaddr_in loopback = {.sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct faults faults;
    struct policy p;

    (void)state;
    faults_init(&faults);
    policy_init(&p);
    assert_true(add(&p, &proxy, NULL, &faults));
    assert_true(policy_allows_address(&p.rules[0], (struct sockaddr *)&loopback, NULL));
    proxy_done(&p.rules[0].proxy);
    assert_false(policy_allows_address(&p.rules[0], (struct sockaddr *)&loopback, NULL));
    policy_done(&p);
    faults_done(&faults);
}

static void numbers_in_a_special_range_are_refused_behind_a_proxy(void **state)
{
    static const struct {
        const char *url;
        bool is_allowed;
    } rows[] = {
        {"https://a.example/t", true},
        {"https://localhost/t", true}, /* a name: whoever lists it knows it */
        {"https://10.0.0.1/t", true},
        {"https://[2001:db8::1]/t", true},
        {"https://127.0.0.1/t", false},
        {"https://169.254.169.254/t", false},
        {"https://0.0.0.0/t", false},
        {"https://[::1]/t", false},
        {"https://[::ffff:127.0.0.1]/t", false},
        {"https://[64:ff9b::a9fe:a9fe]/t", false},
    };
    struct policy_rule direct = {.name = (char[]){"direct"}};
    struct policy_rule through = {.name = (char[]){"through"},
                                  .proxy = {.host = "proxy", .port = 3128}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct cx_fail fail = {0};
        struct url url;

        CHECK_ERR(rows[i].url, url_read(slice_of_str(rows[i].url), &url, NULL), CX_OK);
        CHECK(rows[i].url, policy_allows_host(&direct, &url, NULL));
        CHECK(rows[i].url, policy_allows_host(&through, &url, &fail) == rows[i].is_allowed);
        CHECK(rows[i].url, rows[i].is_allowed == (fail.code == CX_OK));
        url_done(&url);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_beside_a_proxy_are_a_fault),
        cmocka_unit_test(a_proxy_that_is_not_set_is_none),
        cmocka_unit_test(the_proxys_own_address_is_exempt),
        cmocka_unit_test(numbers_in_a_special_range_are_refused_behind_a_proxy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
