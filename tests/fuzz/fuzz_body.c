/* Input: a byte for the encoding ('1' json … ':' oracle_adf, by its number), then pairs, each a
 * key, 0x1f, a value and 0x1e. What the encoding does not refuse is encoded, and read back: by
 * jansson, expat and small readers of this file's own. The same pairs must come, and nothing else.
 */
#include "common/core/body.h"
#include "common/core/encode.h"

#include <expat.h>
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { PAIRS_MAX = 40, BODY_BYTES_MAX = 256 * 1024 };

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static struct slice cut(struct slice *rest, struct slice end)
{
    const uint8_t *hit =
        rest->len < end.len ? NULL : memmem(rest->ptr, rest->len, end.ptr, end.len);
    struct slice first;

    require(hit != NULL);
    first = slice_first(*rest, (size_t)(hit - rest->ptr));
    *rest = slice_from(*rest, first.len + end.len);
    return first;
}

static void take(struct slice *rest, struct slice prefix)
{
    require(slice_has_prefix(*rest, prefix));
    *rest = slice_from(*rest, prefix.len);
}

/* ---- forms ---- */

static bool is_decoded(struct slice text, struct slice want)
{
    struct buf out;
    bool is_same;

    buf_init(&out, BODY_BYTES_MAX);
    require(decode_form(text, &out) == CX_OK);
    is_same = slice_eq(buf_view(&out), want);
    buf_done(&out);
    return is_same;
}

static struct slice next_parameter(struct slice *rest)
{
    size_t end = slice_find(*rest, 0, '&');
    struct slice parameter = slice_first(*rest, end);

    *rest = slice_from(*rest, end + 1);
    return parameter;
}

static void check_form(const struct body *in, struct slice body)
{
    for (size_t i = 0; i < in->npairs; i++) {
        struct slice value = next_parameter(&body);
        struct slice name = cut(&value, SLICE_LIT("="));

        require(is_decoded(name, in->pairs[i].key) && is_decoded(value, in->pairs[i].value));
    }
    require(body.len == 0);
}

static int compare(struct slice a, struct slice b)
{
    int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* Each parameter is one of the pairs that was none before, and not less than the one before. */
static void check_sorted_form(const struct body *in, struct slice body)
{
    bool is_found[PAIRS_MAX] = {0};
    struct slice last_name = SLICE_LIT("");
    struct slice last_value = SLICE_LIT("");

    for (size_t i = 0; i < in->npairs; i++) {
        struct slice value = next_parameter(&body);
        struct slice name = cut(&value, SLICE_LIT("="));
        int order = compare(last_name, name);
        size_t k = 0;

        require(slice_find(name, 0, '+') == name.len && slice_find(value, 0, '+') == value.len);
        require(order < 0 || (order == 0 && compare(last_value, value) <= 0));
        while (k < in->npairs && (is_found[k] || !is_decoded(name, in->pairs[k].key) ||
                                  !is_decoded(value, in->pairs[k].value))) {
            k++;
        }
        require(k < in->npairs);
        is_found[k] = true;
        last_name = name;
        last_value = value;
    }
    require(body.len == 0);
}

/* ---- JSON ---- */

static bool is_text(const json_t *json, struct slice want)
{
    return json_is_string(json) &&
           slice_eq(slice_of(json_string_value(json), json_string_length(json)), want);
}

/* Each pair is the next of its key. */
static void check_json(const struct body *in, struct slice body)
{
    json_t *json =
        json_loadb((const char *)body.ptr, body.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    size_t found = 0;

    require(json_is_object(json));
    for (size_t i = 0; i < in->npairs; i++) {
        struct slice key = in->pairs[i].key;
        const json_t *member = json_object_getn(json, (const char *)key.ptr, key.len);
        size_t before = 0;

        for (size_t k = 0; k < i; k++) {
            before += slice_eq(in->pairs[k].key, key) ? 1 : 0;
        }
        found += before == 0 ? 1 : 0;
        require(json_is_array(member) ? is_text(json_array_get(member, before), in->pairs[i].value)
                                      : before == 0 && is_text(member, in->pairs[i].value));
    }
    require(json_object_size(json) == found);
    json_decref(json);
}

/* ---- XML ---- */

struct xml {
    const struct body *in;
    size_t depth, fields_depth; /* where the fields are */
    size_t at;
    struct buf text;
};

static void on_start(void *ctx, const XML_Char *name, const XML_Char **attributes)
{
    struct xml *x = ctx;

    if (x->depth == x->fields_depth) {
        require(x->at < x->in->npairs && attributes[0] == NULL);
        require(slice_eq_str(x->in->pairs[x->at].key, name));
        buf_clear(&x->text);
    }
    require(x->depth <= x->fields_depth);
    x->depth++;
}

static void on_end(void *ctx, const XML_Char *name)
{
    struct xml *x = ctx;

    (void)name;
    x->depth--;
    if (x->depth == x->fields_depth) {
        require(slice_eq(buf_view(&x->text), x->in->pairs[x->at].value));
        x->at++;
    }
}

static void on_text(void *ctx, const XML_Char *text, int len)
{
    struct xml *x = ctx;

    if (x->depth > x->fields_depth) {
        require(buf_put(&x->text, slice_of(text, (size_t)len)) == CX_OK);
    }
}

static void check_xml_at(const struct body *in, struct slice body, size_t depth)
{
    struct xml x = {.in = in, .fields_depth = depth};
    XML_Parser parser = XML_ParserCreate(NULL);

    require(parser != NULL);
    buf_init(&x.text, BODY_BYTES_MAX);
    XML_SetUserData(parser, &x);
    XML_SetElementHandler(parser, on_start, on_end);
    XML_SetCharacterDataHandler(parser, on_text);
    require(XML_Parse(parser, (const char *)body.ptr, (int)body.len, 1) == XML_STATUS_OK);
    require(x.at == in->npairs && x.depth == 0);
    XML_ParserFree(parser);
    buf_done(&x.text);
}

static void check_xml(const struct body *in, struct slice body)
{
    check_xml_at(in, body, 1);
}

/* The channel's own three elements stand before the item. */
static void check_rss(const struct body *in, struct slice body)
{
    static const struct slice item = SLICE_LIT("<item>");
    struct buf document;

    (void)cut(&body, item);
    buf_init(&document, BODY_BYTES_MAX);
    require(buf_put_str(&document, "<rss><channel><item>") == CX_OK);
    require(buf_put(&document, body) == CX_OK);
    check_xml_at(in, buf_view(&document), 3);
    buf_done(&document);
}

/* ---- CSV ---- */

static void check_csv_field(struct slice *rest, struct slice want)
{
    bool is_quoted = rest->len > 0 && rest->ptr[0] == '"';

    if (!is_quoted) {
        require(slice_has_prefix(*rest, want) && slice_find(want, 0, ',') == want.len &&
                slice_find(want, 0, '\r') == want.len && slice_find(want, 0, '\n') == want.len);
        *rest = slice_from(*rest, want.len);
        return;
    }
    take(rest, SLICE_LIT("\""));
    for (size_t i = 0; i < want.len; i++) {
        take(rest, slice_of(want.ptr + i, 1));
        if (want.ptr[i] == '"') {
            take(rest, SLICE_LIT("\""));
        }
    }
    take(rest, SLICE_LIT("\""));
}

static void check_csv(const struct body *in, struct slice body)
{
    for (int row = 0; row < 2; row++) {
        for (size_t i = 0; i < in->npairs; i++) {
            if (i > 0) {
                take(&body, SLICE_LIT(","));
            }
            check_csv_field(&body, row == 0 ? in->pairs[i].key : in->pairs[i].value);
        }
        take(&body, SLICE_LIT("\r\n"));
    }
    require(body.len == 0);
}

/* ---- text ---- */

static void check_text(const struct body *in, struct slice body)
{
    if (in->npairs == 1 && in->pairs[0].key.len == 0) {
        require(slice_eq(body, in->pairs[0].value));
        return;
    }
    for (size_t i = 0; i < in->npairs; i++) {
        struct slice line = cut(&body, SLICE_LIT("\r\n"));
        struct slice key = cut(&line, SLICE_LIT("="));

        require(slice_eq(key, in->pairs[i].key) && slice_eq(line, in->pairs[i].value));
    }
    require(body.len == 0);
}

/* ---- multipart ---- */

struct multipart {
    struct buf delimiter; /* CRLF, "--", the boundary */
    struct slice start;   /* of multipart/related */
};

static void read_media_type(struct slice media_type, struct multipart *m)
{
    struct slice head = cut(&media_type, SLICE_LIT("boundary="));

    require(media_type.len > 0 && media_type.len <= 70);
    buf_init(&m->delimiter, 128);
    require(buf_put_str(&m->delimiter, "\r\n--") == CX_OK);
    require(buf_put(&m->delimiter, media_type) == CX_OK);
    if (slice_has_prefix(head, SLICE_LIT("multipart/related; type=\"application/json\"; "))) {
        (void)cut(&head, SLICE_LIT("start=\""));
        m->start = cut(&head, SLICE_LIT("\""));
    }
}

static void check_name(struct slice *rest, struct slice want)
{
    for (size_t i = 0; i < want.len; i++) {
        switch (want.ptr[i]) {
        case '"':
            take(rest, SLICE_LIT("%22"));
            break;
        case '\r':
            take(rest, SLICE_LIT("%0D"));
            break;
        case '\n':
            take(rest, SLICE_LIT("%0A"));
            break;
        default:
            take(rest, slice_of(want.ptr + i, 1));
            break;
        }
    }
}

static void check_parts(const struct body *in, struct slice body, const struct multipart *m)
{
    struct slice delimiter = buf_view(&m->delimiter);

    take(&body, slice_from(delimiter, 2)); /* the first has no line before it */
    for (size_t i = 0; i < in->npairs; i++) {
        struct slice part;

        take(&body, SLICE_LIT("\r\n"));
        part = cut(&body, delimiter);
        take(&part, SLICE_LIT("Content-Disposition: form-data; name=\""));
        check_name(&part, in->pairs[i].key);
        take(&part, SLICE_LIT("\"\r\n\r\n"));
        require(slice_eq(part, in->pairs[i].value));
    }
    require(slice_eq_str(body, "--\r\n"));
}

static void check_related(const struct body *in, struct slice body, const struct multipart *m)
{
    struct slice delimiter = buf_view(&m->delimiter);
    struct slice part;

    take(&body, slice_from(delimiter, 2));
    take(&body, SLICE_LIT("\r\n"));
    part = cut(&body, delimiter);
    take(&part, SLICE_LIT("Content-Type: application/json\r\nContent-ID: "));
    take(&part, m->start);
    take(&part, SLICE_LIT("\r\n\r\n"));
    check_json(in, part);
    require(slice_eq_str(body, "--\r\n"));
}

static void check_multipart(const struct body *in, struct slice body, struct slice media_type)
{
    struct multipart m = {0};

    read_media_type(media_type, &m);
    if (slice_is_absent(m.start)) {
        check_parts(in, body, &m);
    } else {
        check_related(in, body, &m);
    }
    buf_done(&m.delimiter);
}

/* ---- */

/* jansson writes a name with a NUL, and does not read it; expat knows the names of XML's fourth
 * edition only. */
static bool can_read_keys(const struct body *in, enum body_encoding encoding)
{
    bool is_xml = encoding == ENCODING_XML || encoding == ENCODING_RSS;

    for (size_t i = 0; i < in->npairs; i++) {
        struct slice key = in->pairs[i].key;

        for (size_t k = 0; k < key.len; k++) {
            if (key.ptr[k] == '\0' || (is_xml && key.ptr[k] >= 0x80)) {
                return false;
            }
        }
    }
    return true;
}

static void check(const struct body_encoder *e, const struct body *in, struct slice body,
                  struct slice media_type)
{
    static void (*const checks[ENCODING_COUNT])(const struct body *in, struct slice body) = {
        [ENCODING_JSON] = check_json,
        [ENCODING_FORM] = check_form,
        [ENCODING_FORM_RFC3986] = check_sorted_form,
        [ENCODING_XML] = check_xml,
        [ENCODING_RSS] = check_rss,
        [ENCODING_CSV] = check_csv,
        [ENCODING_TEXT] = check_text,
        [ENCODING_ORACLE_ADF] = check_json,
    };

    if (!can_read_keys(in, e->encoding)) {
        return;
    }
    if (e->has_boundary) {
        check_multipart(in, body, media_type);
    } else {
        checks[e->encoding](in, body);
    }
}

static size_t read_pairs(struct slice rest, struct body_pair *pairs)
{
    size_t n = 0;

    while (rest.len > 0 && n < PAIRS_MAX) {
        struct slice pair = slice_first(rest, slice_find(rest, 0, 0x1e));
        size_t end = slice_find(pair, 0, 0x1f);

        pairs[n++] = (struct body_pair){slice_first(pair, end), slice_from(pair, end + 1)};
        rest = slice_from(rest, pair.len + 1);
    }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct body_pair pairs[PAIRS_MAX];
    struct body in = {.pairs = pairs};
    const struct body_encoder *e =
        size == 0 ? NULL : body_encoder_of((enum body_encoding)(data[0] % 16u));
    struct body_fault fault;
    struct buf out;
    struct buf media_type;

    if (e == NULL) {
        return 0;
    }
    in.npairs = read_pairs(slice_of(data + 1, size - 1), pairs);
    for (size_t i = 0; i < in.npairs; i++) {
        if (body_has_fault(e, &in, i, &fault)) {
            require(fault.why != NULL && fault.why[0] != '\0');
            return 0;
        }
    }
    buf_init(&out, BODY_BYTES_MAX);
    buf_init(&media_type, 256);
    if (body_encode(e, &in, &out, &media_type) == CX_OK) {
        check(e, &in, buf_view(&out), buf_view(&media_type));
    }
    buf_done(&out);
    buf_done(&media_type);
    return 0;
}
