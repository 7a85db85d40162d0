#include "common/core/body_rows.h"

/* RFC 4180, 2: a field in quotes may hold any printable character and line breaks. UTF-8 is the
 * charset of text/csv unless it says otherwise (RFC 7111, 5.1); a tab no reader minds. */
static const char *why_no_field(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];

        if (c == 0x7f || (c < 0x20 && c != '\t' && c != '\r' && c != '\n')) {
            return "holds a control character, which CSV can't hold (RFC 4180)";
        }
    }
    return slice_is_utf8(text) ? NULL : "is not UTF-8";
}

const char *body_why_no_csv_key(const struct body *in, size_t index)
{
    return why_no_field(in->pairs[index].key);
}

const char *body_why_no_csv_value(const struct body *in, size_t index)
{
    return why_no_field(in->pairs[index].value);
}

static bool needs_quotes(struct slice field)
{
    for (size_t i = 0; i < field.len; i++) {
        uint8_t c = field.ptr[i];

        if (c == ',' || c == '"' || c == '\r' || c == '\n') {
            return true;
        }
    }
    return false;
}

static enum cx_err put_quoted(struct slice field, struct buf *out)
{
    enum cx_err err = buf_put_byte(out, '"');

    while (err == CX_OK && field.len > 0) {
        size_t quote = slice_find(field, 0, '"');

        err = buf_put(out, slice_first(field, quote + 1)); /* up to the quote, or all */
        if (err == CX_OK && quote < field.len) {
            err = buf_put_byte(out, '"');
        }
        field = slice_from(field, quote + 1);
    }
    return err == CX_OK ? buf_put_byte(out, '"') : err;
}

/* An empty line would be taken for no row at all. */
static enum cx_err put_field(struct slice field, bool is_alone, struct buf *out)
{
    return needs_quotes(field) || (is_alone && field.len == 0) ? put_quoted(field, out)
                                                               : buf_put(out, field);
}

enum cx_err body_encode_csv(const struct body *in, struct buf *out, struct buf *media_type)
{
    enum cx_err err = CX_OK;

    (void)media_type;
    for (int row = 0; row < 2; row++) {
        for (size_t i = 0; i < in->npairs && err == CX_OK; i++) {
            const struct body_pair *pair = &in->pairs[i];

            err = i == 0 ? CX_OK : buf_put_byte(out, ',');
            if (err == CX_OK) {
                err = put_field(row == 0 ? pair->key : pair->value, in->npairs == 1, out);
            }
        }
        if (err == CX_OK) {
            err = buf_put_str(out, "\r\n");
        }
    }
    return err;
}
