#include "common/core/answer_reader.h"

#include <string.h>

/* Which reader a body is for: its label is believed first, then its first bytes, then what the
 * profile expects, then what was sent. */

enum { GUESSES = 4 };

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct slice trim(struct slice s)
{
    while (s.len > 0 && is_space(s.ptr[0])) {
        s = slice_from(s, 1);
    }
    while (s.len > 0 && is_space(s.ptr[s.len - 1])) {
        s = slice_first(s, s.len - 1);
    }
    return s;
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
        {"multipart/form-data", ENCODING_MULTIPART_FORM},
        {"multipart/related", ENCODING_MULTIPART_RELATED},
    };
    struct slice type = trim(slice_first(content_type, slice_find(content_type, 0, ';')));

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

static enum body_encoding kind_of_bytes(struct slice body)
{
    size_t name = 0;

    if (body.ptr[0] == '{' || body.ptr[0] == '[') {
        return ENCODING_JSON;
    }
    if (body.ptr[0] == '<') {
        return ENCODING_XML;
    }
    if (has_prefix_nocase(body, SLICE_LIT("%7B"))) {
        return ENCODING_FORM;
    }
    while (name < body.len && (body.ptr[name] == '_' || ((body.ptr[name] | 0x20) >= 'a' &&
                                                         (body.ptr[name] | 0x20) <= 'z'))) {
        name++;
    }
    return name < body.len && body.ptr[name] == '=' ? ENCODING_FORM : ENCODING_UNKNOWN;
}

static answer_reader *reader_of(enum body_encoding kind)
{
    switch (kind) {
    case ENCODING_JSON:
    case ENCODING_ORACLE_ADF:
        return answer_read_json;
    case ENCODING_FORM:
    case ENCODING_FORM_RFC3986:
        return answer_read_form;
    case ENCODING_UNKNOWN:
    case ENCODING_XML:
    case ENCODING_RSS:
    case ENCODING_CSV:
    case ENCODING_TEXT:
    case ENCODING_MULTIPART_FORM:
    case ENCODING_MULTIPART_RELATED:
    case ENCODING_COUNT:
        break;
    }
    return NULL;
}

/* What is told when no reader could read it: what the body looks like says more than its label. */
static void say_kind(struct slice body, enum body_encoding label, struct cx_fail *why)
{
    if (has_prefix_nocase(body, SLICE_LIT("<!doctype html")) ||
        has_prefix_nocase(body, SLICE_LIT("<html"))) {
        (void)cx_fail_set(why, CX_E_UNSUPPORTED, "answer.read", "it is HTML, a page for people");
    } else if (body.ptr[0] == '<') {
        (void)cx_fail_set(why, CX_E_UNSUPPORTED, "answer.read",
                          "it is XML, which this version does not read");
    } else if (label != ENCODING_UNKNOWN && reader_of(label) == NULL) {
        (void)cx_fail_set(why, CX_E_UNSUPPORTED, "answer.read",
                          "it is labelled %s, which this version does not read",
                          terms_encoding(label));
    } else if (why->detail[0] == '\0') {
        (void)cx_fail_set(why, CX_E_UNSUPPORTED, "answer.read",
                          "it is neither JSON nor form-encoded");
    }
}

/* Let each guess try, until one reads it or finds what guessing on would only hide. */
static enum cx_err try_guesses(struct slice body, const enum body_encoding guesses[GUESSES],
                               struct answer_body *out)
{
    enum cx_err err = CX_E_SYNTAX;

    for (size_t i = 0; i < GUESSES && err == CX_E_SYNTAX; i++) {
        answer_reader *reader = reader_of(guesses[i]);
        struct cx_fail fail = {0};
        bool is_repeated = false;

        for (size_t before = 0; before < i; before++) {
            is_repeated |= reader_of(guesses[before]) == reader;
        }
        if (reader == NULL || is_repeated) {
            continue;
        }
        err = reader(body, &out->root, &fail);
        if (err != CX_OK && (out->why.detail[0] == '\0' || err != CX_E_SYNTAX)) {
            out->why = fail;
        }
    }
    return err;
}

enum cx_err answer_body_read(const struct answer_input *in, struct answer_body *out)
{
    enum body_encoding label = kind_of_label(in->content_type);
    struct slice body = in->body;
    enum cx_err err;

    *out = (struct answer_body){0};
    if (slice_has_prefix(body, SLICE_LIT("\xef\xbb\xbf"))) {
        body = slice_from(body, 3);
    }
    body = trim(body);
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
    err = try_guesses(body,
                      (const enum body_encoding[GUESSES]){
                          label, kind_of_bytes(body),
                          in->expect == NULL ? ENCODING_UNKNOWN : in->expect->answer, in->sent},
                      out);
    if (err == CX_E_SYNTAX) {
        say_kind(body, label, &out->why);
    }
    return err == CX_E_NOMEM ? err : CX_OK;
}

void answer_body_done(struct answer_body *b)
{
    json_decref(b->root);
    *b = (struct answer_body){0};
}
