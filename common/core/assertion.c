#include "common/core/assertion.h"

#include "common/core/encode.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static json_t *text(struct slice s)
{
    return json_stringn(s.ptr != NULL ? (const char *)s.ptr : "", s.len);
}

static json_t *header_of(const struct assertion *a)
{
    json_t *header = json_pack("{s:s, s:s}", "alg", terms_alg(a->alg), "typ", "JWT");

    if (header != NULL && !slice_is_absent(a->kid) &&
        json_object_set_new(header, "kid", text(a->kid)) != 0) {
        json_decref(header);
        return NULL;
    }
    return header;
}

static json_t *claims_of(const struct assertion *a)
{
    char jti[CX_ID_TEXT_BYTES];

    return json_pack("{s:o, s:o, s:o, s:I, s:I, s:s}", "iss", text(a->issuer), "sub",
                     text(a->subject), "aud", text(a->audience), "iat", (json_int_t)a->now_unix_s,
                     "exp", (json_int_t)a->now_unix_s + ASSERTION_LIFE_S, "jti",
                     id_text(&a->jti, jti));
}

/* Takes `json`, which is NULL if there was no memory for it. */
static enum cx_err put_json(json_t *json, struct buf *out)
{
    char *dumped = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
    enum cx_err err = dumped != NULL ? encode_base64url(slice_of_str(dumped), out) : CX_E_NOMEM;

    free(dumped);
    json_decref(json);
    return err;
}

enum cx_err assertion_put_input(const struct assertion *a, struct buf *out)
{
    const struct slice texts[] = {a->kid, a->issuer, a->subject, a->audience};
    enum cx_err err;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (!slice_is_utf8(texts[i])) {
            return CX_E_UTF8;
        }
    }
    err = put_json(header_of(a), out);
    if (err == CX_OK) {
        err = buf_put_byte(out, '.');
    }
    return err == CX_OK ? put_json(claims_of(a), out) : err;
}

enum cx_err assertion_put_signature(struct slice signature, struct buf *out)
{
    enum cx_err err = buf_put_byte(out, '.');

    return err == CX_OK ? encode_base64url(signature, out) : err;
}
