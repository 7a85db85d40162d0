#include "common/core/answer_reader.h"

#include <string.h>

/* Which reader a body is for: its label is believed first, then its first bytes, then what the
 * profile expects, then what was sent. */

enum { GUESSES = 4, GUESS_BY_BYTES = 1 };

struct slice answer_trim(struct slice s)
{
    return slice_trim(s, " \t\r\n");
}

enum cx_err answer_set_text(json_t *object, struct slice name, struct slice value,
                            struct cx_fail *fail)
{
    const char *key = (const char *)name.ptr;

    if (slice_find(name, 0, '\0') < name.len || slice_find(value, 0, '\0') < value.len) {
        return cx_fail_set(fail, CX_E_SYNTAX, "answer.read", "it has a NUL character in it");
    }
    if (json_object_getn(object, key, name.len) != NULL) {
        return cx_fail_set(fail, CX_E_DUPLICATE, "answer.read", "it gives one name twice");
    }
    return json_object_setn_new_nocheck(
               object, key, name.len, json_stringn_nocheck((const char *)value.ptr, value.len)) == 0
               ? CX_OK
               : CX_E_NOMEM;
}

enum cx_err answer_keep_flat(json_t *object, enum cx_err err, struct answer_body *out)
{
    if (err != CX_OK) {
        json_decref(object);
        return err;
    }
    out->document = object;
    out->root = object;
    return CX_OK;
}

static bool is_name_byte(uint8_t c)
{
    return c == '_' || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static bool has_suffix(struct slice s, struct slice suffix)
{
    return s.len >= suffix.len && slice_eq_nocase(slice_from(s, s.len - suffix.len), suffix);
}

static bool has_prefix_nocase(struct slice s, struct slice prefix)
{
    return slice_eq_nocase(slice_first(s, prefix.len), prefix);
}

/* text/plain and text/html say nothing: they are the defaults of frameworks. */
static enum body_encoding kind_of_label(struct slice content_type)
{
    static const struct {
        const char *type;
        enum body_encoding kind;
    } rows[] = {
        {"application/json", ENCODING_JSON},
        {"text/json", ENCODING_JSON},
        {"application/x-json", ENCODING_JSON},
        {"text/javascript", ENCODING_JSON},
        {"application/javascript", ENCODING_JSON},
        {"application/x-www-form-urlencoded", ENCODING_FORM},
        {"application/xml", ENCODING_XML},
        {"text/xml", ENCODING_XML},
        {"text/csv", ENCODING_CSV},
        {"application/csv", ENCODING_CSV},
        {"multipart/form-data", ENCODING_MULTIPART_FORM},
        {"multipart/related", ENCODING_MULTIPART_RELATED},
    };
    struct slice type = answer_trim(slice_first(content_type, slice_find(content_type, 0, ';')));

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (slice_eq_nocase(type, slice_of_str(rows[i].type))) {
            return rows[i].kind;
        }
    }
    if (has_suffix(type, SLICE_LIT("+json"))) {
        return ENCODING_JSON;
    }
    return has_suffix(type, SLICE_LIT("+xml")) ? ENCODING_XML : ENCODING_UNKNOWN;
}

/* "name=value": lines of them are text, several in one line are a form. Of a single one the bytes
 * don't tell: ENCODING_UNKNOWN, unless nobody expects text. */
static enum body_encoding kind_of_pairs(struct slice body, enum body_encoding expected)
{
    size_t name = 0;

    while (name < body.len && is_name_byte(body.ptr[name])) {
        name++;
    }
    while (name > 0 && name < body.len && body.ptr[name] == ' ') {
        name++;
    }
    if (name == body.len || body.ptr[name] != '=') {
        return ENCODING_UNKNOWN;
    }
    if (slice_find(body, 0, '\n') < body.len) {
        return ENCODING_TEXT;
    }
    return expected == ENCODING_TEXT && slice_find(body, 0, '&') == body.len ? ENCODING_UNKNOWN
                                                                             : ENCODING_FORM;
}

static enum body_encoding kind_of_bytes(struct slice body, enum body_encoding expected)
{
    if (body.ptr[0] == '{' || body.ptr[0] == '[') {
        return ENCODING_JSON;
    }
    if (body.ptr[0] == '<') {
        return ENCODING_XML;
    }
    if (has_prefix_nocase(body, SLICE_LIT("%7B"))) {
        return ENCODING_FORM;
    }
    return kind_of_pairs(body, expected);
}

/* NULL: no token endpoint is known to answer in it, and it is not read. */
static answer_reader *const readers[ENCODING_COUNT] = {
    [ENCODING_JSON] = answer_read_json,         [ENCODING_FORM] = answer_read_form,
    [ENCODING_FORM_RFC3986] = answer_read_form, [ENCODING_XML] = answer_read_xml,
    [ENCODING_RSS] = answer_read_xml,           [ENCODING_CSV] = answer_read_csv,
    [ENCODING_TEXT] = answer_read_text,         [ENCODING_ORACLE_ADF] = answer_read_json,
};

bool answer_is_readable(enum body_encoding encoding)
{
    return readers[encoding] != NULL;
}

/* What is told when no reader could read it. */
static void say_kind(struct slice body, enum body_encoding label, struct cx_fail *why)
{
    if (has_prefix_nocase(body, SLICE_LIT("<!doctype html")) ||
        has_prefix_nocase(body, SLICE_LIT("<html"))) {
        (void)cx_fail_set(why, CX_E_UNSUPPORTED, "answer.read", ANSWER_IS_HTML);
    } else if (label != ENCODING_UNKNOWN && readers[label] == NULL) {
        (void)cx_fail_set(why, CX_E_UNSUPPORTED, "answer.read",
                          "it is labelled %s, which is not read", terms_encoding(label));
    } else if (why->detail[0] == '\0') {
        (void)cx_fail_set(why, CX_E_UNSUPPORTED, "answer.read",
                          "it is neither JSON nor form-encoded");
    }
}

/* Let each guess try, until one reads it or finds what guessing on would only hide. What the bytes
 * look like says more about why none could than the label, which is often a framework's default. */
static enum cx_err try_guesses(struct slice body, const enum body_encoding guesses[GUESSES],
                               struct answer_body *out)
{
    enum cx_err err = CX_E_SYNTAX;

    for (size_t i = 0; i < GUESSES && err == CX_E_SYNTAX; i++) {
        answer_reader *reader = readers[guesses[i]];
        struct cx_fail fail = {0};
        bool is_repeated = false;

        for (size_t before = 0; before < i; before++) {
            is_repeated |= readers[guesses[before]] == reader;
        }
        if (reader == NULL || is_repeated) {
            continue;
        }
        err = reader(body, out, &fail);
        if (err != CX_OK &&
            (out->why.detail[0] == '\0' || err != CX_E_SYNTAX || i == GUESS_BY_BYTES)) {
            out->why = fail;
        }
    }
    return err;
}

static bool is_token_byte(uint8_t c)
{
    return is_name_byte(c) || c == '-' || c == '.' || c == '~' || c == '+' || c == '/';
}

/* b64token of RFC 6750, 2.1: what a token that stands alone may be. Prose and pairs are none. */
static bool is_bare_token(struct slice body)
{
    size_t core = 0;
    size_t end;

    while (core < body.len && is_token_byte(body.ptr[core])) {
        core++;
    }
    end = core;
    while (end < body.len && body.ptr[end] == '=') {
        end++;
    }
    return core > 0 && end == body.len;
}

/* The profile says that the whole answer is the access token. */
static bool is_whole_token(const struct answer_input *in, struct slice body,
                           enum body_encoding label)
{
    return in->expect != NULL && !slice_is_absent(in->expect->places.access_token) &&
           in->expect->places.access_token.len == 0 && in->status >= 200 && in->status <= 299 &&
           label == ENCODING_UNKNOWN && is_bare_token(body);
}

static enum cx_err read_guessed(const struct answer_input *in, struct slice body,
                                struct answer_body *out)
{
    enum body_encoding label = kind_of_label(in->content_type);
    enum body_encoding expected = in->expect == NULL ? ENCODING_UNKNOWN : in->expect->answer;
    enum body_encoding likely = expected == ENCODING_UNKNOWN ? in->sent : expected;
    enum cx_err err;

    if (is_whole_token(in, body, label)) {
        json_t *token = json_stringn_nocheck((const char *)body.ptr, body.len);

        return answer_keep_flat(token, token == NULL ? CX_E_NOMEM : CX_OK, out);
    }
    err = try_guesses(
        body,
        (const enum body_encoding[GUESSES]){label, kind_of_bytes(body, likely), expected, in->sent},
        out);
    if (err == CX_E_SYNTAX) {
        say_kind(body, label, &out->why);
    }
    return err == CX_E_NOMEM ? err : CX_OK;
}

enum cx_err answer_body_read(const struct answer_input *in, struct answer_body *out)
{
    struct slice body = in->body;
    enum cx_err err;

    *out = (struct answer_body){0};
    if (slice_has_prefix(body, SLICE_LIT("\xef\xbb\xbf"))) {
        body = slice_from(body, 3);
    }
    body = answer_trim(body);
    if (!in->is_body_whole) {
        (void)cx_fail_set(&out->why, CX_E_TOO_BIG, "answer.read",
                          "it is longer than the limit, or was cut short");
        return CX_OK;
    }
    if (body.len == 0) {
        out->is_empty = true;
        return CX_OK;
    }
    if (!slice_is_utf8(body)) {
        (void)cx_fail_set(&out->why, CX_E_UTF8, "answer.read", "it is not valid UTF-8");
        return CX_OK;
    }
    err = read_guessed(in, body, out);
    answer_members_find(out->root, &out->members);
    return err;
}

void answer_body_done(struct answer_body *b)
{
    json_decref(b->document);
    *b = (struct answer_body){0};
}
