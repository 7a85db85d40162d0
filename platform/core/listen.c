#include "platform/core/listen.h"

#include <string.h>

static enum cx_err refuse(struct cx_fail *fail, const char *sentence)
{
    return cx_fail_set(fail, CX_E_SYNTAX, "listen.read", "%s", sentence);
}

static enum cx_err read_address(struct slice text, enum listen_kind kind, struct listen_entry *out,
                                struct cx_fail *fail)
{
    struct listen_address a;
    enum cx_err err = listen_address_read(text, &a, fail);

    if (err == CX_OK && kind == LISTEN_HTTP && !listen_address_is_loopback(&a)) {
        err = refuse(fail, "http is for loopback addresses only, since keys and tokens would "
                           "travel in the clear: use https, or listen on 127.0.0.1 and put a "
                           "reverse proxy with TLS in front");
    }
    if (err == CX_OK) {
        *out = (struct listen_entry){.kind = kind, .port = a.port};
        memcpy(out->host, a.host, sizeof(out->host));
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
