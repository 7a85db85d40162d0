#include "common/core/policy_parts.h"
#include "common/core/url_parts.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

static enum cx_err fault(struct cx_fail *fail, const char *sentence)
{
    return cx_fail_set(fail, CX_E_SYNTAX, "policy.pattern", "%s", sentence);
}

/* Cut the segment (or label) up to `separator` off the front of `rest`; `rest` becomes absent
 * behind the last one. */
static struct slice cut_front(struct slice *rest, uint8_t separator)
{
    size_t end = slice_find(*rest, 0, separator);
    struct slice front = slice_first(*rest, end);

    *rest = end < rest->len ? slice_from(*rest, end + 1) : (struct slice){NULL, 0};
    return front;
}

static enum cx_err check_path(struct slice path, struct cx_fail *fail)
{
    struct slice rest = slice_from(path, 1);

    while (!slice_is_absent(rest)) {
        struct slice segment = cut_front(&rest, '/');

        if (slice_find(segment, 0, '*') == segment.len || slice_eq_str(segment, "*")) {
            continue;
        }
        if (!slice_eq_str(segment, "**")) {
            return fault(fail, "'*' in a path stands for one whole segment, as in /*/token, and "
                               "'**' for the rest");
        }
        if (!slice_is_absent(rest)) {
            return fault(fail, "'**' can only be the last segment of a path");
        }
    }
    return CX_OK;
}

/* A person who writes 10.0.0.* means a network, and '*' is a label of a name. */
static bool is_wildcard_address(struct slice host)
{
    struct slice rest = host;
    bool has_number = false;

    while (!slice_is_absent(rest)) {
        struct slice label = cut_front(&rest, '.');

        if (slice_eq_str(label, "*")) {
            continue;
        }
        for (size_t i = 0; i < label.len; i++) {
            if (label.ptr[i] < '0' || label.ptr[i] > '9') {
                return false;
            }
        }
        has_number = true;
    }
    return has_number;
}

static enum cx_err check(const struct url_parts *parts, struct cx_fail *fail)
{
    if (!slice_is_absent(parts->query)) {
        return fault(fail, "a query ('?') is not part of a pattern: any query is allowed");
    }
    if (slice_is_absent(parts->path)) {
        return fault(fail, "the path is missing: write which one is allowed, such as /oauth/token, "
                           "or /** for all");
    }
    if (parts->has_wildcard && is_wildcard_address(parts->host)) {
        return fault(fail, "'*' can't stand in an address; name the hosts, and give `networks` for "
                           "the addresses they may have");
    }
    return check_path(parts->path, fail);
}

void policy_pattern_free(struct policy_pattern *p)
{
    if (p != NULL) {
        free(p->host);
        free(p->path);
        free(p);
    }
}

static struct policy_pattern *make(const struct url_parts *parts)
{
    struct policy_pattern *p = calloc(1, sizeof(*p));

    if (p == NULL) {
        return NULL;
    }
    p->is_https = parts->is_https;
    p->is_ipv6 = parts->is_ipv6;
    p->is_ipv4 = parts->is_ipv4;
    p->has_wildcard = parts->has_wildcard;
    p->port = parts->port;
    p->host = strndup((const char *)parts->host.ptr, parts->host.len);
    p->path = strndup((const char *)parts->path.ptr, parts->path.len);
    if (p->host == NULL || p->path == NULL ||
        (p->is_ipv6 && inet_pton(AF_INET6, p->host, p->address) != 1)) {
        policy_pattern_free(p);
        return NULL;
    }
    return p;
}

enum cx_err policy_pattern_new(struct slice text, struct policy_pattern **out, struct cx_fail *fail)
{
    struct url_parts parts;
    struct policy_pattern *made;
    enum cx_err err;

    if (text.len > URL_BYTES_MAX) {
        return cx_fail_set(fail, CX_E_TOO_BIG, "policy.pattern", "longer than %d bytes",
                           URL_BYTES_MAX);
    }
    err = url_cut(text, URL_FOR_PATTERN, &parts, fail);
    if (err == CX_OK) {
        err = check(&parts, fail);
    }
    if (err != CX_OK) {
        return err;
    }
    made = make(&parts);
    if (made == NULL) {
        return cx_fail_set(fail, CX_E_NOMEM, "policy.pattern", "%s", cx_err_text(CX_E_NOMEM));
    }
    *out = made;
    return CX_OK;
}

/* '*' is a label of a name: the numbers of an address are no labels, and one '*' must not take in
 * every IPv6 literal. */
static bool host_matches(const struct policy_pattern *p, const struct url *url)
{
    struct slice wants = slice_of_str(p->host);
    struct slice has = slice_of_str(url->host);
    struct in6_addr address;

    if (p->is_ipv6 || url->is_ipv6) {
        return p->is_ipv6 && inet_pton(AF_INET6, url->host, &address) == 1 &&
               memcmp(&address, p->address, sizeof(p->address)) == 0;
    }
    if (!p->has_wildcard || url->is_ipv4) {
        return slice_eq_nocase(wants, has);
    }
    while (!slice_is_absent(wants) && !slice_is_absent(has)) {
        struct slice want = cut_front(&wants, '.');
        struct slice label = cut_front(&has, '.');

        if (!slice_eq_str(want, "*") && !slice_eq_nocase(want, label)) {
            return false;
        }
    }
    return slice_is_absent(wants) && slice_is_absent(has);
}

static bool path_matches(const struct policy_pattern *p, const struct url *url)
{
    struct slice wants = slice_from(slice_of_str(p->path), 1);
    struct slice has = slice_from(slice_of_str(url->path), 1);

    while (!slice_is_absent(wants)) {
        struct slice want = cut_front(&wants, '/');
        struct slice segment;

        if (slice_eq_str(want, "**")) {
            return true;
        }
        if (slice_is_absent(has)) {
            return false;
        }
        segment = cut_front(&has, '/');
        if (slice_eq_str(want, "*") ? segment.len == 0 : !url_eq_normalised(want, segment)) {
            return false;
        }
    }
    return slice_is_absent(has);
}

static bool is_default_port(bool is_https, uint16_t port)
{
    return port == (is_https ? 443 : 80);
}

unsigned policy_pattern_misses(const struct policy_pattern *p, const struct url *url)
{
    unsigned misses = 0;
    bool is_port_of_scheme =
        is_default_port(p->is_https, p->port) && is_default_port(url->is_https, url->port);

    if (p->is_https != url->is_https) {
        misses |= POLICY_MISS_SCHEME;
    }
    if (p->port != url->port && !is_port_of_scheme) {
        misses |= POLICY_MISS_PORT;
    }
    if (!host_matches(p, url)) {
        misses |= POLICY_MISS_HOST;
    }
    if (!path_matches(p, url)) {
        misses |= POLICY_MISS_PATH;
    }
    return misses;
}
