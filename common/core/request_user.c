#include "common/core/request_user.h"

#include "common/core/body.h"
#include "common/core/encode.h"
#include "common/core/request_parts.h"
#include "common/core/url.h"

/* What is looked for, and what was found. */
struct search {
    const struct request_parts *parts;
    struct slice key;
    struct buf *value; /* of the first */
    size_t found;
};

static struct slice trim(struct slice s)
{
    while (s.len > 0 && s.ptr[0] <= ' ') {
        s = slice_from(s, 1);
    }
    while (s.len > 0 && s.ptr[s.len - 1] <= ' ') {
        s.len--;
    }
    return s;
}

static enum cx_err take(struct search *s, struct slice value)
{
    struct slice text = trim(value);
    size_t at = s->value->len;
    enum cx_err err = CX_OK;

    if (s->found++ > 0) {
        return CX_OK;
    }
    err = buf_put(s->value, text);
    for (; err == CX_OK && at < s->value->len; at++) {
        uint8_t c = s->value->ptr[at];

        s->value->ptr[at] = c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
    }
    return err;
}

static enum cx_err look_at_pair(struct search *s, struct slice pair)
{
    size_t sign = slice_find(pair, 0, '=');
    struct buf key, value;
    enum cx_err err;

    buf_init(&key, URL_BYTES_MAX);
    buf_init(&value, URL_BYTES_MAX);
    err = decode_form(slice_first(pair, sign), &key);
    if (err == CX_OK) {
        err = decode_form(slice_from(pair, sign < pair.len ? sign + 1 : pair.len), &value);
    }
    if (err == CX_OK && slice_eq_nocase(trim(buf_view(&key)), s->key)) {
        err = take(s, buf_view(&value));
    }
    buf_done(&key);
    buf_done(&value);
    return err;
}

/* Some servers take ';' for '&'. */
static enum cx_err look_at_query(struct search *s)
{
    struct slice url = buf_view(&s->parts->made->url);
    struct slice rest = slice_from(url, slice_find(url, 0, '?'));
    enum cx_err err = CX_OK;

    while (err == CX_OK && rest.len > 0) {
        size_t end = 1;

        while (end < rest.len && rest.ptr[end] != '&' && rest.ptr[end] != ';') {
            end++;
        }
        err = look_at_pair(s, slice_from(slice_first(rest, end), 1)); /* without '?', '&' or ';' */
        rest = slice_from(rest, end);
    }
    return err;
}

/* Query fields, and the payload of a request without a body, stand in the URL. */
static enum cx_err look_at_items(struct search *s)
{
    const struct request_parts *p = s->parts;
    bool has_body = body_is_carried_by(p->made->method);
    enum cx_err err = CX_OK;

    for (size_t i = 0; i < p->nitems && err == CX_OK; i++) {
        const struct request_item *item = &p->items[i];
        bool is_outside_query =
            item->place == PLACE_PATH || (item->place == PLACE_PAYLOAD && has_body);

        if (is_outside_query && slice_eq_nocase(trim(item->key), s->key)) {
            err = take(s, request_parts_value(p, item));
        }
    }
    return err;
}

static enum cx_err look_at_headers(struct search *s)
{
    struct slice rest = buf_view(&s->parts->made->headers);
    enum cx_err err = CX_OK;

    while (rest.len > 0 && err == CX_OK) {
        struct slice line = request_take_header(&rest);
        size_t colon = slice_find(line, 0, ':');

        if (slice_eq_nocase(slice_first(line, colon), s->key)) {
            err = take(s, slice_from(line, colon + 1));
        }
    }
    return err;
}

static enum cx_err search(struct search *s)
{
    enum cx_err err = look_at_query(s);

    if (err == CX_OK) {
        err = look_at_items(s);
    }
    return err == CX_OK ? look_at_headers(s) : err;
}

static bool is_one_text(const struct request_parts *p)
{
    const struct request_item *item = request_parts_find(p, PLACE_PAYLOAD, SLICE_LIT(""));

    return item != NULL && p->job->request.encoding == ENCODING_TEXT;
}

static enum cx_err refreshes(const struct request_parts *p, bool *out)
{
    struct buf grant;
    struct search s = {.parts = p, .key = SLICE_LIT("grant_type"), .value = &grant};
    enum cx_err err;

    buf_init(&grant, REQUEST_BODY_BYTES_MAX);
    err = search(&s);
    *out = s.found == 1 && slice_eq_str(buf_view(&grant), "refresh_token");
    buf_done(&grant);
    return err;
}

enum cx_err request_user(const struct request_parts *parts, struct slice field, struct buf *out,
                         bool *is_counted, struct cx_fail *fail)
{
    struct search s = {.parts = parts, .key = field, .value = out};
    bool is_refresh = false;
    enum cx_err err;

    if (is_one_text(parts)) {
        return cx_fail_set(fail, CX_E_DENIED, "policy.user",
                           "the rule counts refused attempts by the field \"%.*s\", which can't be "
                           "found in a payload that is one text",
                           SLICE_ARG(field));
    }
    err = search(&s);
    if (err == CX_OK && s.found == 0) {
        err = refreshes(parts, &is_refresh);
    }
    if (err != CX_OK) {
        return cx_fail_set(fail, err, "policy.user", "%s", cx_err_text(err));
    }
    if (s.found > 1) {
        return cx_fail_set(fail, CX_E_DENIED, "policy.user",
                           "the rule counts refused attempts by the field \"%.*s\", which the "
                           "request has more than once",
                           SLICE_ARG(field));
    }
    *is_counted = !is_refresh;
    return CX_OK;
}
