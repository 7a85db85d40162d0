#include "common/core/body_rows.h"

/* JSON is what RFC 6749, 5.1 promises; what else comes is read too. */
#define ACCEPT_JSON         "application/json, */*;q=0.5"
#define ACCEPT_FIRST(media) media ", application/json;q=0.9, */*;q=0.5"

#define FORM     "application/x-www-form-urlencoded"
#define ADF      "application/vnd.oracle.adf.resourceitem+json"
#define ANY      NULL, NULL
#define UTF8     body_why_no_utf8_key, body_why_no_utf8_value
#define ELEMENTS body_why_no_element, body_why_no_element_text
#define CSV      body_why_no_csv_key, body_why_no_csv_value
#define LINES    body_why_no_line_key, body_why_no_line_value
#define MEMBERS  body_why_no_attribute, body_why_no_utf8_value

static const struct body_encoder encoders[] = {
    /* encoding, media type, accept, has a boundary, why no key and why no value, encode */
    {ENCODING_JSON, "application/json", ACCEPT_JSON, false, UTF8, body_encode_json},
    {ENCODING_FORM, FORM, ACCEPT_JSON, false, ANY, body_encode_form},
    {ENCODING_FORM_RFC3986, FORM, ACCEPT_JSON, false, ANY, body_encode_form_rfc3986},
    {ENCODING_XML, "application/xml", ACCEPT_FIRST("application/xml, text/xml;q=0.95"), false,
     ELEMENTS, body_encode_xml},
    {ENCODING_RSS, "application/rss+xml",
     ACCEPT_FIRST("application/rss+xml, application/xml;q=0.95"), false, ELEMENTS, body_encode_rss},
    {ENCODING_CSV, "text/csv", ACCEPT_FIRST("text/csv"), false, CSV, body_encode_csv},
    {ENCODING_TEXT, "text/plain; charset=utf-8", ACCEPT_FIRST("text/plain"), false, LINES,
     body_encode_text},
    {ENCODING_MULTIPART_FORM, "multipart/form-data", ACCEPT_JSON, true, ANY,
     body_encode_multipart_form},
    {ENCODING_MULTIPART_RELATED, "multipart/related; type=\"application/json\"", ACCEPT_JSON, true,
     UTF8, body_encode_multipart_related},
    {ENCODING_ORACLE_ADF, ADF, ACCEPT_FIRST(ADF), false, MEMBERS, body_encode_json},
};

const struct body_encoder *body_encoder_of(enum body_encoding encoding)
{
    for (size_t i = 0; i < sizeof(encoders) / sizeof(encoders[0]); i++) {
        if (encoders[i].encoding == encoding) {
            return &encoders[i];
        }
    }
    return NULL;
}

bool body_has_fault(const struct body_encoder *e, const struct body *in, size_t index,
                    struct body_fault *fault)
{
    struct body_fault found = {0};

    if (e->why_no_key != NULL) {
        found.why = e->why_no_key(in, index);
    }
    if (found.why == NULL && e->why_no_value != NULL) {
        found.is_value = true;
        found.why = e->why_no_value(in, index);
    }
    if (found.why == NULL) {
        return false;
    }
    *fault = found;
    return true;
}

enum cx_err body_encode(const struct body_encoder *e, const struct body *in, struct buf *out,
                        struct buf *media_type)
{
    enum cx_err err = e->has_boundary ? buf_put_str(media_type, e->media_type) : CX_OK;

    return err == CX_OK ? e->encode(in, out, media_type) : err;
}

static const char *why_no_utf8(struct slice text)
{
    return slice_is_utf8(text) ? NULL : "is not UTF-8";
}

const char *body_why_no_utf8_key(const struct body *in, size_t index)
{
    return why_no_utf8(in->pairs[index].key);
}

const char *body_why_no_utf8_value(const struct body *in, size_t index)
{
    return why_no_utf8(in->pairs[index].value);
}

bool body_is_carried_by(enum http_method method)
{
    return method != METHOD_GET && method != METHOD_DELETE;
}
