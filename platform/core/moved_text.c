#include "platform/core/moved_text.h"

enum cx_err moved_text_add(struct buf *text, const struct cx_id *agent, enum stage stage)
{
    char id[CX_ID_TEXT_BYTES];
    size_t before = text->len;
    enum cx_err err = before > 0 ? buf_put_byte(text, ' ') : CX_OK;

    if (err == CX_OK) {
        err = buf_put_str(text, id_text(agent, id));
    }
    if (err == CX_OK) {
        err = buf_put_byte(text, ':');
    }
    if (err == CX_OK) {
        err = buf_put_str(text, terms_stage(stage));
    }
    if (err != CX_OK) {
        buf_truncate(text, before);
    }
    return err;
}

bool moved_text_cut(struct slice *rest, struct slice *agent, struct slice *stage)
{
    struct slice one = slice_first(*rest, slice_find(*rest, 0, ' '));
    size_t colon = slice_find(one, 0, ':');

    *agent = slice_first(one, colon);
    *stage = slice_from(one, colon + 1);
    *rest = slice_from(*rest, one.len + 1);
    return one.len > 0;
}
