#include "common/core/answer_reader.h"

/* RFC 4180: a header row that names the fields, and one row of values. */

enum { FIELDS_MAX = 256 };

static enum cx_err fault(struct cx_fail *fail, enum cx_err code, const char *clause)
{
    return cx_fail_set(fail, code, "answer.csv", "%s", clause);
}

/* Take the first row off `rest`, without its line end; one inside quotes is none. */
static struct slice cut_row(struct slice *rest)
{
    bool is_quoted = false;
    size_t end = 0;
    struct slice row;

    while (end < rest->len && (is_quoted || rest->ptr[end] != '\n')) {
        is_quoted ^= rest->ptr[end++] == '"';
    }
    row = slice_first(*rest, end);
    *rest = slice_from(*rest, end + 1);
    return row.len > 0 && row.ptr[row.len - 1] == '\r' ? slice_first(row, row.len - 1) : row;
}

/* The text between the quotes, of which two stand for one. */
static enum cx_err cut_quoted(struct slice *rest, struct buf *out)
{
    size_t i = 1;
    enum cx_err err = CX_OK;

    while (i < rest->len && err == CX_OK) {
        if (rest->ptr[i] == '"' && (i + 1 == rest->len || rest->ptr[i + 1] != '"')) {
            *rest = slice_from(*rest, i + 1);
            return CX_OK;
        }
        err = buf_put_byte(out, rest->ptr[i]);
        i += rest->ptr[i] == '"' ? 2 : 1;
    }
    return err == CX_OK ? CX_E_SYNTAX : err;
}

/* Take the first cell off the row, into `out`, which is cleared first; `*has_more` says whether a
 * comma stood behind it. Error besides CX_E_NOMEM: CX_E_SYNTAX. */
static enum cx_err cut_cell(struct slice *row, struct buf *out, bool *has_more)
{
    enum cx_err err = CX_OK;

    buf_clear(out);
    if (row->len > 0 && row->ptr[0] == '"') {
        err = cut_quoted(row, out);
    } else {
        size_t end = slice_find(*row, 0, ',');
        struct slice cell = slice_first(*row, end);

        err = slice_find(cell, 0, '"') < cell.len ? CX_E_SYNTAX : buf_put(out, cell);
        *row = slice_from(*row, end);
    }
    *has_more = row->len > 0;
    if (err == CX_OK && *has_more && row->ptr[0] != ',') {
        err = CX_E_SYNTAX;
    }
    *row = slice_from(*row, 1);
    return err == CX_E_TOO_BIG ? CX_E_NOMEM : err;
}

/* Both rows side by side. */
static enum cx_err put_cells(json_t *object, struct slice names, struct slice values,
                             struct cx_fail *fail)
{
    struct buf name;
    struct buf value;
    bool has_name = true;
    bool has_value = true;
    enum cx_err err = CX_OK;

    buf_init(&name, names.len + 1);
    buf_init(&value, values.len + 1);
    for (size_t n = 0; err == CX_OK && has_name && has_value; n++) {
        err = cut_cell(&names, &name, &has_name);
        if (err == CX_OK) {
            err = cut_cell(&values, &value, &has_value);
        }
        if (err == CX_E_SYNTAX) {
            err = fault(fail, err, "it is CSV with a quote in the wrong place");
        } else if (err == CX_OK) {
            err = n == FIELDS_MAX
                      ? fault(fail, CX_E_TOO_BIG, "it is CSV of more than 256 fields")
                      : answer_set_text(object, buf_view(&name), buf_view(&value), fail);
        }
    }
    if (err == CX_OK && has_name != has_value) {
        err = fault(fail, CX_E_SYNTAX, "it is CSV whose two rows are not of the same length");
    }
    buf_done(&name);
    buf_done(&value);
    return err;
}

enum cx_err answer_read_csv(struct slice body, struct answer_body *out, struct cx_fail *fail)
{
    struct slice rest = body;
    struct slice names = cut_row(&rest);
    struct slice values = cut_row(&rest);
    json_t *object;
    enum cx_err err;

    if (values.len == 0) {
        return fault(fail, CX_E_SYNTAX, "it is no CSV of two rows");
    }
    if (rest.len > 0) {
        return fault(fail, CX_E_DUPLICATE, "it is CSV with more than one row of values");
    }
    object = json_object();
    err = object == NULL ? CX_E_NOMEM : put_cells(object, names, values, fail);
    return answer_keep_flat(object, err, out);
}
