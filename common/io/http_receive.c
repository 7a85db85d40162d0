#include "common/io/http_private.h"

/* An optional space or tab around a header's value is not part of it (RFC 9110, section 5.5). */
static struct slice trim(struct slice s)
{
    while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\t')) {
        s = slice_from(s, 1);
    }
    while (s.len > 0 && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t' ||
                         s.ptr[s.len - 1] == '\r' || s.ptr[s.len - 1] == '\n')) {
        s.len--;
    }
    return s;
}

static bool is_blank(struct slice line)
{
    return line.len == 0 || (line.ptr[0] <= ' ' && trim(line).len == 0);
}

/* Two values that differ let two readers of one connection differ on where an answer ends
 * (RFC 9112, section 6.3). False: stop here. */
static bool length_is_sound(struct http_transfer *c, struct slice value)
{
    uint64_t length;

    if (slice_to_u64(value, 0, INT64_MAX, &length) != CX_OK ||
        (c->has_length && length != c->length)) {
        c->facts.flaw = HTTP_FLAW_LENGTH;
        return false;
    }
    c->has_length = true;
    c->length = length;
    return true;
}

static bool keep(struct buf *b, struct slice value)
{
    buf_clear(b);
    return buf_put(b, slice_first(value, HTTP_HEADER_VALUE_MAX)) == CX_OK;
}

/* Of plain HTTP a proxy's refusal looks like the endpoint's answer, and tinyproxy's 401 for our
 * credentials there like the endpoint's for the user's. By these the two in Debian sign. */
static void note_proxy(struct http_transfer *c, struct slice name, struct slice value)
{
    static const char tinyproxy[] = "tinyproxy/";

    if (slice_eq_nocase(name, SLICE_LIT("x-squid-error")) ||
        (slice_eq_nocase(name, SLICE_LIT("server")) &&
         slice_has_prefix(value, slice_of_str(tinyproxy)))) {
        c->facts.is_proxys_own = true;
    }
}

static bool header_is_taken(struct http_transfer *c, struct slice line)
{
    size_t colon = slice_find(line, 0, ':');
    struct slice name = slice_first(line, colon);
    struct slice value = trim(slice_from(line, colon + 1));

    if (c->facts.has_proxy && !c->facts.is_https) {
        note_proxy(c, name, value);
    }
    if (slice_eq_nocase(name, SLICE_LIT("content-length"))) {
        return length_is_sound(c, value);
    }
    if (slice_eq_nocase(name, SLICE_LIT("content-type"))) {
        return keep(&c->content_type, value);
    }
    if (slice_eq_nocase(name, SLICE_LIT("retry-after"))) {
        return keep(&c->retry_after, value);
    }
    if (slice_eq_nocase(name, SLICE_LIT("location"))) {
        return keep(&c->location, value);
    }
    return true;
}

/* What an interim answer (1xx) said is not said about the final one. */
static void begin_headers(struct http_transfer *c)
{
    c->has_length = false;
    buf_done(&c->content_type);
    buf_done(&c->retry_after);
    buf_done(&c->location);
}

size_t http_receive_header(char *text, size_t one, size_t len, void *call)
{
    struct http_transfer *c = call;
    struct slice line = slice_of(text, len * one);
    long status = 0;

    if (!c->facts.has_answer_begun) {
        c->facts.has_answer_begun = true;
        c->answered_ns = uv_hrtime();
    }
    c->header_bytes += line.len;
    if (c->header_bytes > HTTP_HEADER_BYTES_MAX) {
        c->facts.flaw = HTTP_FLAW_HEADERS_TOO_BIG;
        return 0;
    }
    if (c->facts.are_headers_whole) { /* trailers */
        return line.len;
    }
    if (c->look != NULL) {
        http_look_header(c, line);
    }
    if (is_blank(line)) {
        (void)curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
        c->facts.are_headers_whole = status >= 200;
        c->status = (uint32_t)status;
        return line.len;
    }
    if (slice_has_prefix(line, SLICE_LIT("HTTP/"))) {
        begin_headers(c);
        return line.len;
    }
    return header_is_taken(c, line) ? line.len : 0;
}

size_t http_receive_body(char *bytes, size_t one, size_t len, void *call)
{
    struct http_transfer *c = call;
    struct slice piece = slice_of(bytes, len * one);
    enum cx_err err = buf_put(&c->answer, piece);

    if (err == CX_E_TOO_BIG) {
        c->facts.flaw = HTTP_FLAW_BODY_TOO_BIG;
    }
    return err == CX_OK ? piece.len : 0;
}
