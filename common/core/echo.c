#include "common/core/echo.h"

#include "common/core/echo_view.h"
#include "common/core/encode.h"
#include "common/core/request_mask.h"

#include <stdlib.h>
#include <string.h>

enum {
    LINE_BYTES_MIN = 16,  /* of a value of several lines; shorter ones are looked for by no line */
    BASE64_BYTES_MIN = 8, /* what is left of a value whose ends share a digit with others */
    ITEMS_STEP = 32,
    CUT_BYTES_MIN = 4, /* of a value that the text's end cuts off */
};

/* ---- what is looked for ---- */

/* A place for one more item. */
static enum cx_err make_room(struct echo *e)
{
    struct echo_item *grown;

    if (e->nitems < e->room) {
        return CX_OK;
    }
    grown = calloc(e->room + ITEMS_STEP, sizeof(*grown));
    if (grown == NULL) {
        return CX_E_NOMEM;
    }
    if (e->nitems > 0) {
        memcpy(grown, e->items, e->nitems * sizeof(*grown));
    }
    free(e->items);
    e->items = grown;
    e->room += ITEMS_STEP;
    return CX_OK;
}

static enum cx_err add_item(struct echo *e, struct slice bytes, size_t value_bytes)
{
    size_t at = e->bytes.len;
    enum cx_err err = make_room(e);

    if (e->bytes.cap == 0) {
        buf_init(&e->bytes, SIZE_MAX);
    }
    if (err == CX_OK) {
        err = buf_put(&e->bytes, bytes);
    }
    if (err == CX_OK) {
        e->items[e->nitems++] = (struct echo_item){at, bytes.len, value_bytes};
    }
    return err;
}

/* The digits which are the value's alone, when `before` bytes of something else stand in front of
 * it: a digit has six bits, so that the first and the last one may be shared. */
static enum cx_err add_base64_at(struct echo *e, struct slice value, size_t before,
                                 size_t value_bytes)
{
    static const uint8_t filler[2] = {0};
    size_t first = (before * 8 + 5) / 6;
    size_t end = (before + value.len) * 8 / 6;
    struct buf whole;
    struct buf digits;
    enum cx_err err;

    if (end < first + BASE64_BYTES_MIN) {
        return CX_OK;
    }
    buf_init(&whole, SIZE_MAX);
    buf_init(&digits, SIZE_MAX);
    err = buf_put(&whole, slice_of(filler, before));
    if (err == CX_OK) {
        err = buf_put(&whole, value);
    }
    if (err == CX_OK) {
        err = encode_base64(buf_view(&whole), &digits);
    }
    if (err == CX_OK) {
        err = add_item(e, slice_from(slice_first(buf_view(&digits), end), first), value_bytes);
    }
    buf_clear(&digits);
    if (err == CX_OK) {
        err = encode_base64url(buf_view(&whole), &digits);
    }
    if (err == CX_OK) {
        err = add_item(e, slice_from(slice_first(buf_view(&digits), end), first), value_bytes);
    }
    buf_done(&whole);
    buf_done(&digits);
    return err;
}

static enum cx_err add_base64(struct echo *e, struct slice value, size_t value_bytes)
{
    enum cx_err err = CX_OK;

    for (size_t before = 0; before < 3 && err == CX_OK; before++) {
        err = add_base64_at(e, value, before, value_bytes);
    }
    return err;
}

/* In base64, a value may stand as it is or form-encoded (RFC 6749, 2.3.1). */
static enum cx_err add_encoded(struct echo *e, struct slice value)
{
    struct buf form;
    enum cx_err err = add_base64(e, value, value.len);

    buf_init(&form, SIZE_MAX);
    if (err == CX_OK) {
        err = encode_form(value, &form);
    }
    if (err == CX_OK && !slice_eq(buf_view(&form), value)) {
        err = add_base64(e, buf_view(&form), value.len);
    }
    buf_done(&form);
    return err;
}

/* A text that was cleaned for a person has '?' for a control character. */
static enum cx_err add_cleaned(struct echo *e, struct slice value)
{
    struct buf cleaned;
    enum cx_err err = CX_OK;

    buf_init(&cleaned, value.len);
    for (size_t i = 0; i < value.len && err == CX_OK; i++) {
        bool is_control = slice_has_control(slice_of(value.ptr + i, 1));

        err = buf_put_byte(&cleaned, is_control ? '?' : value.ptr[i]);
    }
    if (err == CX_OK) {
        err = add_item(e, buf_view(&cleaned), value.len);
    }
    buf_done(&cleaned);
    return err;
}

static enum cx_err add_value(struct echo *e, struct slice value)
{
    enum cx_err err = add_item(e, value, value.len);

    if (err == CX_OK && slice_has_control(value)) {
        err = add_cleaned(e, value);
    }
    return err == CX_OK ? add_encoded(e, value) : err;
}

static struct slice cut_line(struct slice *rest)
{
    size_t end = slice_find(*rest, 0, '\n');
    struct slice line = slice_first(*rest, end);

    *rest = slice_from(*rest, end + 1);
    return line.len > 0 && line.ptr[line.len - 1] == '\r' ? slice_first(line, line.len - 1) : line;
}

enum cx_err echo_add(struct echo *e, struct slice value)
{
    struct slice rest = value;
    bool has_line = false;
    enum cx_err err = CX_OK;

    if (value.len < ECHO_BYTES_MIN) {
        return CX_OK;
    }
    while (slice_find(value, 0, '\n') != value.len && rest.len > 0 && err == CX_OK) {
        struct slice line = cut_line(&rest);

        if (line.len >= LINE_BYTES_MIN) {
            has_line = true;
            err = add_value(e, line);
        }
    }
    return has_line || err != CX_OK ? err : add_value(e, value);
}

void echo_done(struct echo *e)
{
    buf_done(&e->bytes);
    free(e->items);
    *e = (struct echo){0};
}

/* ---- looking for it ---- */

/* One text that is searched. */
struct search {
    const struct echo *e;
    struct slice text;
    size_t value_bytes_min;
    bool *hits; /* for each byte of the text; NULL: the first hit is enough */
    bool is_hit;
};

static struct slice item_bytes(const struct echo *e, const struct echo_item *item)
{
    return slice_of(e->bytes.ptr + item->at, item->len);
}

static void mark(struct search *s, const struct echo_view *v, size_t at, size_t len)
{
    s->is_hit = true;
    for (size_t i = v->from[at]; s->hits != NULL && i < v->from[at + len]; i++) {
        s->hits[i] = true;
    }
}

/* The longest end of the view that an item begins with. */
static void find_cut(struct search *s, const struct echo_view *v, struct slice item)
{
    struct slice view = buf_view(&v->bytes);

    for (size_t n = item.len - 1 < view.len ? item.len - 1 : view.len; n >= CUT_BYTES_MIN; n--) {
        if (memcmp(view.ptr + view.len - n, item.ptr, n) == 0) {
            mark(s, v, view.len - n, n);
            return;
        }
    }
}

static void find_item(struct search *s, const struct echo_view *v, struct slice item)
{
    struct slice view = buf_view(&v->bytes);
    size_t at = 0;

    while (at < view.len && (s->hits != NULL || !s->is_hit)) {
        const uint8_t *found = memmem(view.ptr + at, view.len - at, item.ptr, item.len);

        if (found == NULL) {
            break;
        }
        mark(s, v, (size_t)(found - view.ptr), item.len);
        at = (size_t)(found - view.ptr) + item.len;
    }
    if (s->hits != NULL) {
        find_cut(s, v, item);
    }
}

static enum cx_err search_view(struct search *s, enum echo_escape escape)
{
    struct echo_view v;
    enum cx_err err = echo_view_make(&v, s->text, escape);

    for (size_t i = 0; i < s->e->nitems && err == CX_OK; i++) {
        const struct echo_item *item = &s->e->items[i];

        if (item->value_bytes >= s->value_bytes_min) {
            find_item(s, &v, item_bytes(s->e, item));
        }
    }
    echo_view_done(&v);
    return err;
}

static enum cx_err search(struct search *s)
{
    enum cx_err err = CX_OK;

    for (int escape = 0; escape < ECHO_ESCAPES && err == CX_OK; escape++) {
        bool is_looked_at =
            escape == ECHO_NO_ESCAPE || echo_view_differs(s->text, (enum echo_escape)escape);

        if (is_looked_at && (s->hits != NULL || !s->is_hit)) {
            err = search_view(s, (enum echo_escape)escape);
        }
    }
    return err;
}

bool echo_is_in(const struct echo *e, struct slice text, size_t value_bytes_min)
{
    struct search s = {.e = e, .text = text, .value_bytes_min = value_bytes_min};

    return e->nitems > 0 && text.len > 0 && (search(&s) != CX_OK || s.is_hit);
}

static enum cx_err put_masked(const struct search *s, struct buf *out)
{
    enum cx_err err = CX_OK;

    for (size_t i = 0; i < s->text.len && err == CX_OK;) {
        size_t end = i;

        while (end < s->text.len && s->hits[end] == s->hits[i]) {
            end++;
        }
        err = s->hits[i] ? buf_put_str(out, REQUEST_MASK)
                         : buf_put(out, slice_of(s->text.ptr + i, end - i));
        i = end;
    }
    return err;
}

enum cx_err echo_mask(const struct echo *e, struct slice text, struct buf *out)
{
    struct search s = {.e = e, .text = text};
    size_t before = out->len;
    enum cx_err err;

    s.hits = calloc(text.len + 1, sizeof(*s.hits));
    if (s.hits == NULL) {
        return CX_E_NOMEM;
    }
    err = search(&s);
    if (err == CX_OK) {
        err = put_masked(&s, out);
    }
    if (err != CX_OK) {
        buf_truncate(out, before);
    }
    free(s.hits);
    return err;
}
