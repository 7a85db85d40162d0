/* Input: a pattern, a URL and a network, a line each, then an address (4 or 16 octets). A pattern
 * takes in itself, what it takes in agrees with it in scheme, port and length of host, and an
 * address that a rule without networks allows is none of this host. */
#include "common/core/policy_explain.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 512 };

static void require(bool claim)
{
    if (!claim) {
        abort();
    }
}

static void cut_line(struct slice *rest, char out[LINE_BYTES])
{
    size_t end = slice_find(*rest, 0, '\n');
    struct slice line = slice_first(slice_first(*rest, end), LINE_BYTES - 1);

    if (line.len > 0) {
        memcpy(out, line.ptr, line.len);
    }
    out[line.len] = '\0';
    *rest = slice_from(*rest, end + 1);
}

static size_t labels(const char *host)
{
    size_t n = 1;

    for (; *host != '\0'; host++) {
        n += *host == '.';
    }
    return n;
}

static void check_match(const struct policy *p, const char *pattern, const char *text)
{
    struct policy_comparison comparison;
    struct cx_fail fail = {0};
    struct url self;
    struct url url;

    if (strpbrk(pattern, "*?") == NULL) {
        require(url_read(slice_of_str(pattern), &self, NULL) == CX_OK);
        require(policy_find(p, &self, METHOD_POST, NULL) != NULL);
        url_done(&self);
    }
    if (url_read(slice_of_str(text), &url, NULL) != CX_OK) {
        return;
    }
    require(policy_find(p, &url, METHOD_GET, NULL) == NULL);
    policy_compare(&p->rules[0], &url, METHOD_POST, &comparison);
    require(comparison.is_met == (policy_find(p, &url, METHOD_POST, NULL) != NULL));
    if (policy_find(p, &url, METHOD_POST, &fail) != NULL) {
        require((strncasecmp(pattern, "https:", 6) == 0) == url.is_https);
        if (!url.is_ipv6) {
            const char *host = strstr(pattern, "//") + 2;
            size_t len = strcspn(host, ":/");
            char copy[LINE_BYTES];

            memcpy(copy, host, len);
            copy[len] = '\0';
            require(labels(copy) == labels(url.host));
        }
    } else {
        require(fail.code == CX_E_DENIED && fail.detail[0] != '\0');
    }
    url_done(&url);
}

static void check_address(const struct policy_rule *rule, struct slice rest)
{
    struct sockaddr_storage address = {0};
    struct sockaddr_in *v4 = (struct sockaddr_in *)&address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address;
    bool is_v6 = rest.len >= sizeof(v6->sin6_addr);
    bool allows;

    if (rest.len < sizeof(v4->sin_addr)) {
        return;
    }
    address.ss_family = is_v6 ? AF_INET6 : AF_INET;
    if (is_v6) {
        memcpy(&v6->sin6_addr, rest.ptr, sizeof(v6->sin6_addr));
    } else {
        memcpy(&v4->sin_addr, rest.ptr, sizeof(v4->sin_addr));
    }
    allows = policy_allows_address(rule, (const struct sockaddr *)&address, NULL);
    if (allows && rule->nnetworks == 0) {
        require(is_v6 || (rest.ptr[0] != 127 && rest.ptr[0] != 0 && rest.ptr[0] < 224));
        require(!is_v6 ||
                (!IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) &&
                 !IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr) &&
                 !IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr) && !IN6_IS_ADDR_MULTICAST(&v6->sin6_addr)));
        require(!is_v6 || !IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr) || rest.ptr[12] != 127);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = slice_of(data, size);
    char pattern[LINE_BYTES];
    char text[LINE_BYTES];
    char network[LINE_BYTES];
    const char *networks[] = {network, NULL};
    struct policy_rule_text rule = {.where = "f:1", .field = "policy[0]", .name = "r"};
    struct faults faults;
    struct policy p;

    cut_line(&rest, pattern);
    cut_line(&rest, text);
    cut_line(&rest, network);
    rule.url = pattern;
    rule.networks = network[0] == '\0' ? NULL : networks;
    faults_init(&faults);
    policy_init(&p);
    if (policy_add(&p, &rule, &faults)) {
        check_match(&p, pattern, text);
        check_address(&p.rules[0], rest);
    } else {
        require(faults.count > 0 && p.nrules == 0);
    }
    policy_done(&p);
    faults_done(&faults);
    return 0;
}
