#include "common/core/policy_parts.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

enum { IPV4_BYTES = 4, IPV6_BYTES = 16 };

/* An address as it is judged. */
struct address {
    int family;
    uint8_t bytes[IPV6_BYTES];
};

static const struct special {
    const char *what;
    int family;
    unsigned bits;
    uint8_t bytes[IPV6_BYTES];
} specials[] = {
    /* The narrow ones first: who lists 169.254.0.0/16 has not asked for the metadata in it. */
    {"the broadcast address", AF_INET, 32, {255, 255, 255, 255}},
    {"a cloud metadata address", AF_INET, 32, {169, 254, 169, 254}}, /* most clouds */
    {"a cloud metadata address", AF_INET, 32, {169, 254, 170, 2}},   /* AWS, a container's role */
    {"a cloud metadata address", AF_INET, 32, {169, 254, 170, 23}},  /* AWS, a pod's role */
    {"a cloud metadata address", AF_INET, 32, {100, 100, 100, 200}}, /* Alibaba */
    {"a cloud metadata address", AF_INET, 32, {192, 0, 0, 192}},     /* Oracle */
    {"a cloud metadata address", AF_INET, 32, {168, 63, 129, 16}},   /* Azure, its host agent */
    {"an address of this host", AF_INET, 8, {0}},                    /* RFC 1122, 3.2.1.3 */
    {"a loopback address", AF_INET, 8, {127}},                       /* RFC 1122, 3.2.1.3 */
    {"a link-local address", AF_INET, 16, {169, 254}},               /* RFC 3927 */
    {"a multicast address", AF_INET, 4, {224}},                      /* RFC 5771 */
    {"a reserved address", AF_INET, 4, {240}},                       /* RFC 1112, 4 */
    {"the unspecified address", AF_INET6, 128, {0}},                 /* RFC 4291, 2.5.2 */
    {"the loopback address", AF_INET6, 128, {[15] = 1}},             /* RFC 4291, 2.5.3 */
    {"a cloud metadata address",
     AF_INET6,
     128,
     {0xfd, 0x00, 0x0e, 0xc2, [14] = 0x02, [15] = 0x54}}, /* AWS: fd00:ec2::254 */
    {"a cloud metadata address",
     AF_INET6,
     128,
     {0xfd, 0x20, 0x00, 0xce, [14] = 0x02, [15] = 0x54}}, /* Google: fd20:ce::254 */
    {"a link-local address", AF_INET6, 10, {0xfe, 0x80}}, /* RFC 4291, 2.5.6 */
    {"a multicast address", AF_INET6, 8, {0xff}},         /* RFC 4291, 2.7 */
};

static const struct embedding {
    unsigned bits;
    uint8_t prefix[IPV6_BYTES];
    size_t at;    /* where the IPv4 address is */
    uint8_t flip; /* what its octets are XORed with */
} embeddings[] = {
    {96, {0}, 12, 0},                                  /* RFC 4291, 2.5.5.1 */
    {96, {[8] = 0xff, [9] = 0xff}, 12, 0},             /* ::ffff:0:0:0/96, RFC 2765 */
    {96, {0x00, 0x64, 0xff, 0x9b}, 12, 0},             /* NAT64, RFC 6052 */
    {48, {0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 12, 0}, /* NAT64, RFC 8215 */
    {16, {0x20, 0x02}, 2, 0},                          /* 6to4, RFC 3056 */
    {32, {0x20, 0x01}, 4, 0},                          /* Teredo's server, RFC 4380 */
    {32, {0x20, 0x01}, 12, 0xff},                      /* Teredo's client */
};

static bool starts_alike(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    size_t whole = bits / 8;
    unsigned left = bits % 8;

    if (memcmp(a, b, whole) != 0) {
        return false;
    }
    return left == 0 || ((a[whole] ^ b[whole]) >> (8 - left)) == 0;
}

static bool network_holds(const struct policy_network *n, const struct address *a)
{
    return n->family == a->family && starts_alike(n->address, a->bytes, n->prefix_bits);
}

static bool network_lies_in(const struct policy_network *n, const struct special *s)
{
    return n->family == s->family && n->prefix_bits >= s->bits &&
           starts_alike(n->address, s->bytes, s->bits);
}

static const struct special *special_of(const struct address *a)
{
    for (size_t i = 0; i < sizeof(specials) / sizeof(specials[0]); i++) {
        if (specials[i].family == a->family &&
            starts_alike(specials[i].bytes, a->bytes, specials[i].bits)) {
            return &specials[i];
        }
    }
    return NULL;
}

/* The special range that `a` is in and that no network of the rule opens for it, or NULL. */
static const struct special *closed_range(const struct policy_rule *rule, const struct address *a)
{
    const struct special *range = special_of(a);

    for (size_t i = 0; range != NULL && i < rule->nnetworks; i++) {
        if (network_holds(&rule->networks[i], a) && network_lies_in(&rule->networks[i], range)) {
            return NULL;
        }
    }
    return range;
}

static bool is_in_networks(const struct policy_rule *rule, const struct address *a)
{
    for (size_t i = 0; i < rule->nnetworks; i++) {
        if (network_holds(&rule->networks[i], a)) {
            return true;
        }
    }
    return rule->nnetworks == 0;
}

static const struct special *closed_embedded(const struct policy_rule *rule,
                                             const struct address *a)
{
    const struct special *range = NULL;

    if (a->family != AF_INET6 || special_of(a) != NULL) { /* ::1 is no embedded 0.0.0.1 */
        return NULL;
    }
    for (size_t i = 0; range == NULL && i < sizeof(embeddings) / sizeof(embeddings[0]); i++) {
        const struct embedding *e = &embeddings[i];
        struct address inner = {.family = AF_INET};

        if (!starts_alike(e->prefix, a->bytes, e->bits)) {
            continue;
        }
        for (size_t octet = 0; octet < IPV4_BYTES; octet++) {
            inner.bytes[octet] = (uint8_t)(a->bytes[e->at + octet] ^ e->flip);
        }
        range = closed_range(rule, &inner);
    }
    return range;
}

static bool read_address(const struct sockaddr *from, struct address *out)
{
    *out = (struct address){.family = from->sa_family};
    if (from->sa_family == AF_INET) {
        memcpy(out->bytes, &((const struct sockaddr_in *)(const void *)from)->sin_addr, IPV4_BYTES);
        return true;
    }
    if (from->sa_family != AF_INET6) {
        return false;
    }
    memcpy(out->bytes, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr, IPV6_BYTES);
    if (IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)(const void *)out->bytes)) {
        struct address inner = {.family = AF_INET};

        memcpy(inner.bytes, out->bytes + IPV6_BYTES - IPV4_BYTES, IPV4_BYTES);
        *out = inner;
    }
    return true;
}

enum { ADDRESS_SHOWN_BYTES = INET6_ADDRSTRLEN + 32 };

/* "the address 10.0.0.1"; that of a virtual name is not told. Returns `out`. */
static const char *address_shown(const struct policy_rule *rule, const struct address *a,
                                 char out[ADDRESS_SHOWN_BYTES])
{
    char text[INET6_ADDRSTRLEN] = "?";

    (void)inet_ntop(a->family, a->bytes, text, sizeof(text));
    (void)snprintf(out, ADDRESS_SHOWN_BYTES, "%s%s",
                   rule->target == NULL ? "the address " : "an address of its target",
                   rule->target == NULL ? text : "");
    return out;
}

static void say_no_network(const struct policy_rule *rule, const struct address *a,
                           struct cx_fail *fail)
{
    char address[ADDRESS_SHOWN_BYTES];
    char who[POLICY_LABEL_BYTES];

    (void)cx_fail_set(fail, CX_E_DENIED, "policy.address",
                      "%s does not allow %s: none of its networks holds it",
                      policy_rule_label(rule, who), address_shown(rule, a, address));
}

static void say_special(const struct policy_rule *rule, const struct address *a, const char *what,
                        struct cx_fail *fail)
{
    char address[ADDRESS_SHOWN_BYTES];
    char who[POLICY_LABEL_BYTES];

    (void)cx_fail_set(fail, CX_E_DENIED, "policy.address",
                      "%s does not allow %s: it %s, and no network of the rule is just for those",
                      policy_rule_label(rule, who), address_shown(rule, a, address), what);
}

static bool is_allowed(const struct policy_rule *rule, const struct sockaddr *address,
                       struct cx_fail *fail)
{
    const struct special *range;
    struct address judged;
    char what[64];

    if (!read_address(address, &judged)) {
        (void)cx_fail_set(fail, CX_E_DENIED, "policy.address",
                          "the address is neither IPv4 nor IPv6");
        return false;
    }
    if (!is_in_networks(rule, &judged)) {
        say_no_network(rule, &judged, fail);
        return false;
    }
    range = closed_range(rule, &judged);
    if (range != NULL) {
        (void)snprintf(what, sizeof(what), "is %s", range->what);
        say_special(rule, &judged, what, fail);
        return false;
    }
    range = closed_embedded(rule, &judged);
    if (range != NULL) {
        (void)snprintf(what, sizeof(what), "embeds %s", range->what);
        say_special(rule, &judged, what, fail);
        return false;
    }
    return true;
}

bool policy_allows_address(const struct policy_rule *rule, const struct sockaddr *address,
                           struct cx_fail *fail)
{
    return proxy_is_set(&rule->proxy) || is_allowed(rule, address, fail);
}

bool policy_allows_host(const struct policy_rule *rule, const struct url *url, struct cx_fail *fail)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

    if (!proxy_is_set(&rule->proxy) || (!url->is_ipv4 && !url->is_ipv6)) {
        return true;
    }
    if (url->is_ipv6) {
        return inet_pton(AF_INET6, url->host, &v6.sin6_addr) == 1 &&
               is_allowed(rule, (const struct sockaddr *)&v6, fail);
    }
    return inet_pton(AF_INET, url->host, &v4.sin_addr) == 1 &&
           is_allowed(rule, (const struct sockaddr *)&v4, fail);
}
