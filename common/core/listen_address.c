#include "common/core/listen_address.h"

#include <arpa/inet.h>
#include <string.h>

static enum cx_err refuse(struct cx_fail *fail, const char *sentence)
{
    return cx_fail_set(fail, CX_E_SYNTAX, "listen.read", "%s", sentence);
}

/* The host of HOST:PORT, without its brackets; absent if there is none. `rest` is what follows. */
static struct slice cut_host(struct slice text, struct slice *rest)
{
    bool is_bracketed = text.len > 0 && text.ptr[0] == '[';
    size_t end = slice_find(text, 0, is_bracketed ? ']' : ':');
    size_t from = is_bracketed ? 1 : 0;

    if (end == text.len) {
        return (struct slice){0};
    }
    *rest = slice_from(text, is_bracketed ? end + 1 : end);
    return slice_of(text.ptr + from, end - from);
}

bool listen_address_is_loopback(const struct listen_address *a)
{
    uint8_t address[sizeof(struct in6_addr)];
    static const uint8_t loopback6[sizeof(struct in6_addr)] = {[15] = 1};

    if (inet_pton(a->is_ipv6 ? AF_INET6 : AF_INET, a->host, address) != 1) {
        return false;
    }
    return a->is_ipv6 ? memcmp(address, loopback6, sizeof(loopback6)) == 0 : address[0] == 127;
}

static enum cx_err read_host(struct slice host, struct listen_address *out, struct cx_fail *fail)
{
    uint8_t address[sizeof(struct in6_addr)];

    if (!out->is_ipv6 && slice_eq_str(host, "localhost")) {
        host = SLICE_LIT("127.0.0.1");
    }
    if (host.len == 0 || host.len >= sizeof(out->host) || memchr(host.ptr, 0, host.len) != NULL) {
        return refuse(fail, "the host must be a numeric address (0.0.0.0, 127.0.0.1, [::1])");
    }
    memcpy(out->host, host.ptr, host.len);
    out->host[host.len] = '\0';
    if (inet_pton(out->is_ipv6 ? AF_INET6 : AF_INET, out->host, address) != 1) {
        return refuse(fail, out->is_ipv6
                                ? "what stands in brackets must be an IPv6 address"
                                : "the host must be a numeric address (0.0.0.0, 127.0.0.1; an IPv6 "
                                  "address in brackets: [::1])");
    }
    return CX_OK;
}

static enum cx_err read_port(struct slice text, uint16_t *out, struct cx_fail *fail)
{
    uint64_t port = 0;

    if (text.len < 2 || text.ptr[0] != ':' ||
        slice_to_u64(slice_from(text, 1), 0, UINT16_MAX, &port) != CX_OK) {
        return refuse(fail, "a port must follow the host: 1..65535, or 0 for any that is free, and "
                            "nothing behind it");
    }
    *out = (uint16_t)port;
    return CX_OK;
}

enum cx_err listen_address_read(struct slice text, struct listen_address *out, struct cx_fail *fail)
{
    struct listen_address a = {.is_ipv6 = text.len > 0 && text.ptr[0] == '['};
    struct slice rest = {0};
    struct slice host = cut_host(text, &rest);
    enum cx_err err;

    if (slice_is_absent(host)) {
        return refuse(fail, "must name a host and a port: HOST:PORT");
    }
    err = read_host(host, &a, fail);
    if (err == CX_OK) {
        err = read_port(rest, &a.port, fail);
    }
    if (err == CX_OK) {
        *out = a;
    }
    return err;
}
