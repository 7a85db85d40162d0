#include "platform/core/listen.h"

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

static bool is_loopback(const struct listen_entry *e, bool is_ipv6)
{
    uint8_t address[sizeof(struct in6_addr)];
    static const uint8_t loopback6[sizeof(struct in6_addr)] = {[15] = 1};

    if (inet_pton(is_ipv6 ? AF_INET6 : AF_INET, e->host, address) != 1) {
        return false;
    }
    return is_ipv6 ? memcmp(address, loopback6, sizeof(loopback6)) == 0 : address[0] == 127;
}

static enum cx_err read_host(struct slice host, bool is_ipv6, struct listen_entry *out,
                             struct cx_fail *fail)
{
    uint8_t address[sizeof(struct in6_addr)];

    if (!is_ipv6 && slice_eq_str(host, "localhost")) {
        host = SLICE_LIT("127.0.0.1");
    }
    if (host.len == 0 || host.len >= sizeof(out->host) || memchr(host.ptr, 0, host.len) != NULL) {
        return refuse(fail, "the host must be a numeric address (0.0.0.0, 127.0.0.1, [::1])");
    }
    memcpy(out->host, host.ptr, host.len);
    out->host[host.len] = '\0';
    if (inet_pton(is_ipv6 ? AF_INET6 : AF_INET, out->host, address) != 1) {
        return refuse(fail, is_ipv6 ? "what stands in brackets must be an IPv6 address"
                                    : "the host must be a numeric address (0.0.0.0, 127.0.0.1; an "
                                      "IPv6 address in brackets: [::1])");
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

static enum cx_err read_address(struct slice text, enum listen_kind kind, struct listen_entry *out,
                                struct cx_fail *fail)
{
    bool is_ipv6 = text.len > 0 && text.ptr[0] == '[';
    struct listen_entry e = {.kind = kind};
    struct slice rest = {0};
    struct slice host = cut_host(text, &rest);
    enum cx_err err;

    if (slice_is_absent(host)) {
        return refuse(fail, "must name a host and a port: HOST:PORT");
    }
    err = read_host(host, is_ipv6, &e, fail);
    if (err == CX_OK) {
        err = read_port(rest, &e.port, fail);
    }
    if (err == CX_OK && kind == LISTEN_HTTP && !is_loopback(&e, is_ipv6)) {
        err = refuse(fail, "http is for loopback addresses only, since keys and tokens would "
                           "travel in the clear: use https, or listen on 127.0.0.1 and put a "
                           "reverse proxy with TLS in front");
    }
    if (err == CX_OK) {
        *out = e;
    }
    return err;
}

static enum cx_err read_unix(struct slice path, struct listen_entry *out, struct cx_fail *fail)
{
    if (path.len == 0 || path.len >= sizeof(out->path) || slice_has_control(path)) {
        return refuse(fail, "the socket's path must have 1..107 bytes");
    }
    *out = (struct listen_entry){.kind = LISTEN_UNIX};
    memcpy(out->path, path.ptr, path.len);
    return CX_OK;
}

enum cx_err listen_read(struct slice text, struct listen_entry *out, struct cx_fail *fail)
{
    static const struct slice https = SLICE_LIT("https://");
    static const struct slice http = SLICE_LIT("http://");
    static const struct slice unix_ = SLICE_LIT("unix:");

    if (slice_has_prefix(text, https)) {
        return read_address(slice_from(text, https.len), LISTEN_HTTPS, out, fail);
    }
    if (slice_has_prefix(text, http)) {
        return read_address(slice_from(text, http.len), LISTEN_HTTP, out, fail);
    }
    if (slice_has_prefix(text, unix_)) {
        return read_unix(slice_from(text, unix_.len), out, fail);
    }
    return refuse(fail, "must be https://HOST:PORT, http://HOST:PORT (loopback only) or unix:PATH");
}

enum cx_err listen_read_tunnel(struct slice text, struct listen_entry *out, struct cx_fail *fail)
{
    return read_address(text, LISTEN_HTTPS, out, fail);
}
