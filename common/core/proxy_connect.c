#include "common/core/encode.h"
#include "common/core/proxy.h"

#include <stdio.h>
#include <string.h>

enum { HOST_PORT_BYTES = 300 };

static enum cx_err put_credentials(const struct proxy *p, struct buf *out)
{
    enum cx_err err = buf_put_str(out, "Proxy-Authorization: Basic ");

    if (err == CX_OK) {
        err = encode_base64(secret_view(&p->credentials), out);
    }
    return err == CX_OK ? buf_put_str(out, "\r\n") : err;
}

enum cx_err proxy_put_connect(const struct proxy *p, const char *host, uint16_t port,
                              struct buf *out)
{
    size_t before = out->len;
    char where[HOST_PORT_BYTES];
    const char *const parts[] = {"CONNECT ", where, " HTTP/1.1\r\nHost: ", where, "\r\n"};
    enum cx_err err = CX_OK;
    int len = snprintf(where, sizeof(where), "%s:%u", host, port);

    if (len < 0 || (size_t)len >= sizeof(where)) {
        return CX_E_TOO_BIG;
    }
    for (size_t i = 0; err == CX_OK && i < sizeof(parts) / sizeof(parts[0]); i++) {
        err = buf_put_str(out, parts[i]);
    }
    if (err == CX_OK && secret_is_set(&p->credentials)) {
        err = put_credentials(p, out);
    }
    if (err == CX_OK) {
        err = buf_put_str(out, "\r\n");
    }
    if (err != CX_OK) {
        buf_truncate(out, before);
    }
    return err;
}

/* ---- its answer ---- */

/* Where the empty line behind the head ends; 0: it has not come. A bare LF ends a line too
 * (RFC 9112, section 2.2). */
static size_t head_end(struct slice bytes)
{
    for (size_t at = 0; (at = slice_find(bytes, at, '\n')) < bytes.len; at++) {
        size_t next = at + 1;

        if (next < bytes.len && bytes.ptr[next] == '\r') {
            next++;
        }
        if (next < bytes.len && bytes.ptr[next] == '\n') {
            return next + 1;
        }
    }
    return 0;
}

/* "HTTP/1.1 200 Connection established": the version, three digits, whatever follows. */
static enum cx_err read_status_line(struct slice head, struct proxy_answer *out)
{
    struct slice line = slice_first(head, slice_find(head, 0, '\n'));
    size_t space = slice_find(line, 0, ' ');
    struct slice digits = slice_first(slice_from(line, space + 1), 3);
    struct slice reason = slice_from(line, space + 5);
    uint64_t status;

    if (space < sizeof("HTTP/1.") || digits.len != 3 ||
        slice_to_u64(digits, 100, 599, &status) != CX_OK ||
        (line.len > space + 4 && line.ptr[space + 4] != ' ' && line.ptr[space + 4] != '\r')) {
        return CX_E_SYNTAX;
    }
    while (reason.len > 0 &&
           (reason.ptr[reason.len - 1] == '\r' || reason.ptr[reason.len - 1] == ' ')) {
        reason.len--;
    }
    out->status = (unsigned)status;
    (void)snprintf(out->reason, sizeof(out->reason), "%.*s", SLICE_ARG(reason));
    cx_text_clean(out->reason);
    return CX_OK;
}

static enum cx_err no_http(struct cx_fail *fail)
{
    return cx_fail_set(fail, CX_E_SYNTAX, "proxy.answer",
                       "what answers there is no HTTP proxy: its answer is not HTTP/1");
}

enum cx_err proxy_answer_read(struct slice bytes, struct proxy_answer *out, struct cx_fail *fail)
{
    static const char version[] = "HTTP/1.";
    struct proxy_answer made = {0};
    size_t at = 0;

    do {
        struct slice rest = slice_from(bytes, at);
        size_t compared = rest.len < sizeof(version) - 1 ? rest.len : sizeof(version) - 1;
        size_t end = head_end(rest);

        if (compared != 0 && memcmp(rest.ptr, version, compared) != 0) {
            return no_http(fail);
        }
        if (end == 0) {
            if (bytes.len >= PROXY_ANSWER_BYTES_MAX) {
                return cx_fail_set(fail, CX_E_TOO_BIG, "proxy.answer",
                                   "the head of the proxy's answer is longer than %d bytes",
                                   PROXY_ANSWER_BYTES_MAX);
            }
            *out = (struct proxy_answer){0};
            return CX_OK;
        }
        if (read_status_line(slice_first(rest, end), &made) != CX_OK) {
            return no_http(fail);
        }
        at += end;
    } while (made.status < 200);
    made.head_bytes = at;
    *out = made;
    return CX_OK;
}

enum cx_err proxy_refused(const struct proxy_answer *answer, bool had_credentials,
                          struct cx_fail *fail)
{
    const char *what = "the proxy refuses the connection";

    switch (answer->status) {
    case 401: /* what tinyproxy answers to wrong credentials */
    case 407:
        what = had_credentials ? "the proxy does not accept the user and password"
                               : "the proxy asks for a user and a password: set proxy_auth_file";
        break;
    case 403:
        what = "the proxy does not allow this destination";
        break;
    case 502:
    case 503:
    case 504:
        what = "the proxy does not reach the destination";
        break;
    default:
        break;
    }
    return cx_fail_set(fail, CX_E_CONNECT, "proxy", "%s (HTTP status %u%s%s)", what, answer->status,
                       answer->reason[0] != '\0' ? " " : "", answer->reason);
}
