#include "common/core/proxy.h"

#include "common/core/encode.h"
#include "common/core/url.h"

#include <stdio.h>
#include <string.h>

enum { SCHEME_BYTES = sizeof("http://") - 1 };

bool proxy_is_set(const struct proxy *p)
{
    return p->host[0] != '\0';
}

void proxy_done(struct proxy *p)
{
    secret_done(&p->credentials);
    *p = (struct proxy){0};
}

const char *proxy_url(const struct proxy *p, char out[PROXY_URL_BYTES])
{
    (void)snprintf(out, PROXY_URL_BYTES, p->is_ipv6 ? "http://[%s]:%u" : "http://%s:%u", p->host,
                   p->port);
    return out;
}

enum cx_err proxy_set_credentials(struct proxy *p, struct slice line, struct cx_fail *fail)
{
    size_t colon = slice_find(line, 0, ':');

    if (colon == 0 || colon == line.len || slice_has_control(line)) {
        return cx_fail_set(fail, CX_E_SYNTAX, "proxy.credentials",
                           "must be user:password, without control characters");
    }
    if (line.len > PROXY_CREDENTIALS_MAX) {
        return cx_fail_set(fail, CX_E_TOO_BIG, "proxy.credentials",
                           "user and password have more than %d bytes", PROXY_CREDENTIALS_MAX);
    }
    return secret_set(&p->credentials, line);
}

/* ---- reading ---- */

static enum cx_err bad(struct cx_fail *fail, enum cx_err code, const char *sentence)
{
    return cx_fail_set(fail, code, "proxy.read", "%s", sentence);
}

/* Cut the scheme off. */
static enum cx_err cut_scheme(struct slice *rest, bool is_environment, struct cx_fail *fail)
{
    struct slice text = *rest;
    bool has_scheme = text.len != 0 && memmem(text.ptr, text.len, "://", 3) != NULL;

    if (has_scheme && !slice_eq_nocase(slice_first(text, SCHEME_BYTES), SLICE_LIT("http://"))) {
        return bad(fail, CX_E_UNSUPPORTED,
                   "must begin with http:// (TLS or SOCKS to the proxy itself is not supported; "
                   "TLS with the server runs through the proxy)");
    }
    if (!has_scheme && !is_environment) {
        return bad(fail, CX_E_SYNTAX, "must be http://HOST:PORT");
    }
    *rest = has_scheme ? slice_from(text, SCHEME_BYTES) : text;
    return CX_OK;
}

/* Undo percent-encoding; a '+' stays one. */
static enum cx_err decode(struct slice in, struct buf *out)
{
    for (size_t i = 0; i < in.len; i++) {
        enum cx_err err = in.ptr[i] != '%' ? buf_put_byte(out, in.ptr[i])
                          : i + 2 < in.len ? decode_hex(slice_of(in.ptr + i + 1, 2), out)
                                           : CX_E_SYNTAX;

        if (err != CX_OK) {
            return err;
        }
        i += in.ptr[i] == '%' ? 2 : 0;
    }
    return CX_OK;
}

static enum cx_err take_userinfo(struct slice userinfo, struct proxy *out, struct cx_fail *fail)
{
    struct buf plain;
    enum cx_err err;

    buf_init(&plain, PROXY_CREDENTIALS_MAX);
    err = decode(userinfo, &plain);
    if (err != CX_OK) {
        (void)bad(fail, err, "the user and password in it are malformed or too long");
    } else {
        err = proxy_set_credentials(out, buf_view(&plain), fail);
    }
    buf_done(&plain);
    return err;
}

static bool has_port(struct slice authority)
{
    for (size_t i = authority.len; i > 0 && authority.ptr[i - 1] != ']'; i--) {
        if (authority.ptr[i - 1] == ':') {
            return i < authority.len;
        }
    }
    return false;
}

static enum cx_err read_authority(struct slice authority, struct proxy *out, struct cx_fail *fail)
{
    char text[PROXY_URL_BYTES + 8];
    struct url url = {0};
    enum cx_err err;

    if (authority.len >= PROXY_HOST_BYTES) {
        return bad(fail, CX_E_TOO_BIG, "the proxy's name is too long");
    }
    if (!has_port(authority)) {
        return bad(fail, CX_E_SYNTAX, "must be http://HOST:PORT; the port is missing");
    }
    (void)snprintf(text, sizeof(text), "http://%.*s/", SLICE_ARG(authority));
    err = url_read(slice_of_str(text), &url, fail);
    if (err != CX_OK) {
        return err;
    }
    (void)snprintf(out->host, sizeof(out->host), "%s", url.host);
    out->is_ipv6 = url.is_ipv6;
    out->port = url.port;
    url_done(&url);
    return CX_OK;
}

static size_t find_last(struct slice s, uint8_t byte)
{
    for (size_t i = s.len; i > 0; i--) {
        if (s.ptr[i - 1] == byte) {
            return i - 1;
        }
    }
    return s.len;
}

static enum cx_err read_parts(const char *text, bool is_environment, struct proxy *out,
                              struct cx_fail *fail)
{
    struct slice rest = slice_of_str(text);
    enum cx_err err = cut_scheme(&rest, is_environment, fail);
    size_t at;

    if (err != CX_OK) {
        return err;
    }
    if (rest.len != 0 && rest.ptr[rest.len - 1] == '/') {
        rest.len--;
    }
    at = find_last(rest, '@');
    if (at < rest.len && !is_environment) {
        return bad(fail, CX_E_SYNTAX,
                   "must have no user and password in it: they belong into the "
                   "file that proxy_auth_file names");
    }
    if (at < rest.len) {
        err = take_userinfo(slice_first(rest, at), out, fail);
        rest = slice_from(rest, at + 1);
    }
    if (err == CX_OK && rest.len != 0 && strcspn((const char *)rest.ptr, "/?#") < rest.len) {
        return bad(fail, CX_E_SYNTAX, "must end with the port: http://HOST:PORT");
    }
    return err == CX_OK ? read_authority(rest, out, fail) : err;
}

static enum cx_err read_proxy(const char *text, bool is_environment, struct proxy *out,
                              struct cx_fail *fail)
{
    struct proxy made = {0};
    enum cx_err err = read_parts(text, is_environment, &made, fail);

    if (err == CX_OK) {
        proxy_done(out);
        *out = made;
    } else {
        proxy_done(&made);
    }
    return err;
}

enum cx_err proxy_read(const char *text, struct proxy *out, struct cx_fail *fail)
{
    return read_proxy(text, false, out, fail);
}

enum cx_err proxy_read_environment(const char *text, struct proxy *out, struct cx_fail *fail)
{
    return read_proxy(text, true, out, fail);
}
