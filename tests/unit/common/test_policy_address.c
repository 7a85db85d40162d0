/* Which addresses a rule lets a connection go to. */
#include "common/core/policy.h"

#include "tests/support/check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

enum { NETWORKS_MAX = 4 };

static bool is_allowed(const char *const *networks, const char *share, const char *address,
                       struct cx_fail *fail)
{
    const struct policy_rule_text text = {.where = "agent.conf:1",
                                          .field = "policy[0]",
                                          .name = "hr",
                                          .url = "https://h.example/t",
                                          .networks = networks,
                                          .share = share};
    struct sockaddr_storage storage = {0};
    struct sockaddr_in *v4 = (struct sockaddr_in *)&storage;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&storage;
    struct faults faults;
    struct policy p;
    bool allows;

    faults_init(&faults);
    policy_init(&p);
    if (!policy_add(&p, &text, &faults)) {
        fail_msg("%s: %s", address, faults.count > 0 ? faults.items[0].what : "?");
    }
    if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
    } else if (inet_pton(AF_INET6, address, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
    } else {
        fail_msg("%s is no address", address);
    }
    allows = policy_allows_address(&p.rules[0], (struct sockaddr *)&storage, fail);
    policy_done(&p);
    faults_done(&faults);
    return allows;
}

static void policy_allows_any_address_that_is_not_special(void **state)
{
    static const char *const addresses[] = {
        "10.0.0.1",        "172.16.0.1",        "192.168.1.1",     "100.64.0.1",
        "93.184.216.34",   "1.0.0.0",           "126.255.255.255", "128.0.0.1",
        "169.253.255.255", "169.255.0.0",       "223.255.255.255", "100.100.100.199",
        "192.0.0.191",     "168.63.129.17",     "2001:db8::1",     "fd12:3456::1",
        "fc00::1",         "fe7f::1",           "fec0::1",         "fd00:ec2::253",
        "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "2002:a00:1::1",   "64:ff9b:1::10.0.0.1",
        "::10.0.0.1",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(addresses); i++) {
        CHECK(addresses[i], is_allowed(NULL, NULL, addresses[i], NULL));
    }
}

static void policy_refuses_special_addresses_and_says_what_they_are(void **state)
{
    static const struct {
        const char *address, *says;
    } rows[] = {
        {"0.0.0.0", "is an address of this host"},
        {"0.255.255.255", "is an address of this host"},
        {"127.0.0.1", "is a loopback"},
        {"127.255.255.254", "is a loopback"},
        {"169.254.1.1", "is a link-local"},
        {"169.254.169.254", "is a cloud metadata"},
        {"169.254.170.2", "is a cloud metadata"},
        {"169.254.170.23", "is a cloud metadata"},
        {"100.100.100.200", "is a cloud metadata"},
        {"192.0.0.192", "is a cloud metadata"},
        {"168.63.129.16", "is a cloud metadata"},
        {"224.0.0.1", "is a multicast"},
        {"239.255.255.255", "is a multicast"},
        {"240.0.0.1", "is a reserved"},
        {"255.255.255.255", "is the broadcast"},
        {"::", "is the unspecified"},
        {"::1", "is the loopback"},
        {"fe80::1", "is a link-local"},
        {"febf::1", "is a link-local"},
        {"ff02::1", "is a multicast"},
        {"fd00:ec2::254", "is a cloud metadata"},
        {"fd20:ce::254", "is a cloud metadata"},
        {"::ffff:127.0.0.1", "address 127.0.0.1: it is a loopback"},
        {"::ffff:169.254.169.254", "is a cloud metadata"},
        {"::ffff:0.0.0.0", "is an address of this host"},
        {"::127.0.0.1", "embeds a loopback"},
        {"::ffff:0:127.0.0.1", "embeds a loopback"},
        {"64:ff9b::127.0.0.1", "embeds a loopback"},
        {"64:ff9b::a9fe:a9fe", "embeds a cloud metadata"},
        {"64:ff9b:1::127.0.0.1", "embeds a loopback"},
        {"2002:7f00:1::", "embeds a loopback"},
        {"2002:a9fe:a9fe::1", "embeds a cloud metadata"},
        {"2001:0:7f00:1::a00:1", "embeds a loopback"},
        {"2001:0:a00:1::80ff:fffe", "embeds a loopback"}, /* 7f00:1 with every bit flipped */
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct cx_fail fail = {0};

        CHECK(rows[i].address, !is_allowed(NULL, NULL, rows[i].address, &fail));
        assert_int_equal(fail.code, CX_E_DENIED);
        if (strstr(fail.detail, rows[i].says) == NULL) {
            fail_msg("%s: \"%s\" doesn't say \"%s\"", rows[i].address, fail.detail, rows[i].says);
        }
        CHECK(rows[i].address, strstr(fail.detail, "rule \"hr\"") != NULL);
    }
}

static const struct {
    const char *why;
    const char *networks[NETWORKS_MAX];
    const char *address;
    bool is_allowed;
} rows[] = {
    {"inside", {"10.0.0.0/8"}, "10.255.0.1", true},
    {"outside", {"10.0.0.0/8"}, "11.0.0.1", false},
    {"one of several", {"10.0.0.0/8", "192.168.0.0/16"}, "192.168.3.4", true},
    {"a prefix within an octet", {"10.128.0.0/9"}, "10.128.0.1", true},
    {"a prefix within an octet, outside", {"10.128.0.0/9"}, "10.127.255.255", false},
    {"one address", {"10.1.2.3"}, "10.1.2.3", true},
    {"another address", {"10.1.2.3"}, "10.1.2.4", false},
    {"IPv6 is not IPv4", {"10.0.0.0/8"}, "fd00::1", false},
    {"IPv4 is not IPv6", {"::/0"}, "10.0.0.1", false},
    {"inside, IPv6", {"fd00::/8"}, "fd12::1", true},
    {"outside, IPv6", {"fd00::/8"}, "fe00::1", false},
    {"one IPv6 address", {"fd00::1"}, "fd00::1", true},
    {"all of IPv4", {"0.0.0.0/0"}, "93.184.216.34", true},

    {"all of IPv4 opens no loopback", {"0.0.0.0/0"}, "127.0.0.1", false},
    {"nor this host, which it begins with", {"0.0.0.0/0"}, "0.0.0.1", false},
    {"nor does a network that begins with multicast", {"224.0.0.0/3"}, "224.0.0.1", false},
    {"nor metadata", {"0.0.0.0/0"}, "169.254.169.254", false},
    {"half of IPv4 opens no loopback", {"0.0.0.0/1"}, "127.0.0.1", false},
    {"126.0.0.0/7 is wider than loopback", {"126.0.0.0/7"}, "127.0.0.1", false},
    {"all of IPv6 opens no loopback", {"::/0"}, "::1", false},
    {"nor link-local", {"::/0", "fe00::/9"}, "fe80::1", false},
    {"loopback, listed", {"127.0.0.0/8"}, "127.0.0.1", true},
    {"a part of loopback, listed", {"127.0.0.1/32"}, "127.0.0.1", true},
    {"a part of loopback is no more", {"127.0.0.1/32"}, "127.0.0.2", false},
    {"a part opens the part", {"0.0.0.0/0", "127.0.0.5"}, "127.0.0.1", false},
    {"beside a wider one", {"0.0.0.0/0", "127.0.0.5"}, "127.0.0.5", true},
    {"IPv6 loopback, listed", {"::1"}, "::1", true},
    {"link-local, listed", {"169.254.0.0/16"}, "169.254.1.1", true},
    {"link-local, listed, opens no metadata", {"169.254.0.0/16"}, "169.254.169.254", false},
    {"metadata, listed", {"169.254.169.254"}, "169.254.169.254", true},
    {"metadata among private addresses", {"fd00::/8"}, "fd00:ec2::254", false},
    {"Alibaba's among shared ones", {"100.64.0.0/10"}, "100.100.100.200", false},
    {"IPv6 link-local, listed", {"fe80::/10"}, "fe80::1", true},
    {"multicast, listed", {"224.0.0.0/4"}, "224.0.0.1", true},
    {"reserved, listed", {"240.0.0.0/4"}, "250.0.0.1", true},
    {"reserved, listed, opens no broadcast", {"240.0.0.0/4"}, "255.255.255.255", false},

    {"mapped is IPv4", {"10.0.0.0/8"}, "::ffff:10.0.0.1", true},
    {"mapped is not IPv6", {"::/0"}, "::ffff:10.0.0.1", false},
    {"mapped loopback, listed", {"127.0.0.0/8"}, "::ffff:127.0.0.1", true},
    {"NAT64 needs its own network", {"10.0.0.0/8"}, "64:ff9b::10.0.0.1", false},
    {"NAT64, listed", {"64:ff9b::/96"}, "64:ff9b::10.0.0.1", true},
    {"NAT64, listed, opens no loopback", {"64:ff9b::/96"}, "64:ff9b::127.0.0.1", false},
    {"unless that is listed too", {"64:ff9b::/96", "127.0.0.0/8"}, "64:ff9b::127.0.0.1", true},
    {"6to4 gains nothing", {"10.0.0.0/8"}, "2002:a00:1::1", false},
};

static void policy_keeps_to_the_networks_of_a_rule(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CHECK(rows[i].why,
              is_allowed(rows[i].networks, NULL, rows[i].address, NULL) == rows[i].is_allowed);
    }
}

static void policy_says_that_no_network_holds_an_address(void **state)
{
    static const char *const networks[] = {"10.0.0.0/8", NULL};
    struct cx_fail fail = {0};

    (void)state;
    assert_false(is_allowed(networks, NULL, "192.0.2.1", &fail));
    assert_string_equal(fail.detail, "rule \"hr\" does not allow the address 192.0.2.1: none of "
                                     "its networks holds it");
    assert_false(is_allowed(networks, "none", "192.0.2.1", &fail));
    assert_null(strstr(fail.detail, "hr"));
}

static void policy_refuses_other_families(void **state)
{
    const struct policy_rule rule = {.name = NULL};
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    struct cx_fail fail = {0};

    (void)state;
    assert_false(policy_allows_address(&rule, (const struct sockaddr *)&local, &fail));
    assert_int_equal(fail.code, CX_E_DENIED);
}

static void policy_networks_that_are_none_say_why(void **state)
{
    static const struct {
        const char *network, *says;
    } wrong[] = {
        {"", "must be a network like"},
        {"corp", "must be a network like"},
        {"10.0.0/8", "must be a network like"},
        {"10.0.0.0.0/8", "must be a network like"},
        {"010.0.0.0/8", "must be a network like"},
        {"0x0a.0.0.0/8", "must be a network like"},
        {"10.0.0.0 /8", "must be a network like"},
        {"fe80::1%eth0", "must be a network like"},
        {"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa/8", "must be a network like"},
        {"10.0.0.0/", "must be 0..32"},
        {"10.0.0.0/33", "must be 0..32"},
        {"10.0.0.0/-1", "must be 0..32"},
        {"10.0.0.0/08", "must be 0..32"},
        {"10.0.0.0/8/8", "must be 0..32"},
        {"10.0.0.0/255.0.0.0", "must be 0..32"},
        {"fd00::/129", "must be 0..128"},
        {"10.1.0.0/8", "the network is 10.0.0.0/8"},
        {"10.255.255.255/9", "the network is 10.128.0.0/9"},
        {"fd00::1/64", "the network is fd00::/64"},
        {"1.0.0.0/0", "the network is 0.0.0.0/0"},
        {"::ffff:10.0.0.0/104", "write 10.0.0.0/8"},
        {"::ffff:10.0.0.1", "write 10.0.0.1/32"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        const char *const networks[] = {"10.0.0.0/8", wrong[i].network, NULL};
        const struct policy_rule_text text = {.where = "agent.conf:1",
                                              .field = "policy[0]",
                                              .name = "hr",
                                              .url = "https://h.example/t",
                                              .networks = networks};
        struct faults faults;
        struct policy p;

        faults_init(&faults);
        policy_init(&p);
        CHECK(wrong[i].network, !policy_add(&p, &text, &faults));
        CHECK(wrong[i].network, faults.count == 1);
        assert_string_equal(faults.items[0].field, "policy[0].networks[1]");
        if (strstr(faults.items[0].what, wrong[i].says) == NULL) {
            fail_msg("%s: \"%s\" doesn't say \"%s\"", wrong[i].network, faults.items[0].what,
                     wrong[i].says);
        }
        faults_done(&faults);
        policy_done(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policy_allows_any_address_that_is_not_special),
        cmocka_unit_test(policy_refuses_special_addresses_and_says_what_they_are),
        cmocka_unit_test(policy_keeps_to_the_networks_of_a_rule),
        cmocka_unit_test(policy_says_that_no_network_holds_an_address),
        cmocka_unit_test(policy_refuses_other_families),
        cmocka_unit_test(policy_networks_that_are_none_say_why),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
