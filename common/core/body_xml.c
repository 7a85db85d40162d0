#include "common/core/body_rows.h"

#include "common/core/xml_write.h"

const char *body_why_no_element(const struct body *in, size_t index)
{
    return xml_why_no_name(in->pairs[index].key);
}

const char *body_why_no_element_text(const struct body *in, size_t index)
{
    return xml_why_no_text(in->pairs[index].value);
}

enum cx_err body_encode_xml(const struct body *in, struct buf *out, struct buf *media_type)
{
    struct slice root = slice_is_absent(in->root) ? SLICE_LIT(BODY_ROOT) : in->root;
    enum cx_err err = buf_put_str(out, XML_DECLARATION);

    (void)media_type;
    if (err == CX_OK) {
        err = xml_put_start(root, out);
    }
    for (size_t i = 0; i < in->npairs && err == CX_OK; i++) {
        err = xml_put_element(in->pairs[i].key, in->pairs[i].value, out);
    }
    return err == CX_OK ? xml_put_end(root, out) : err;
}
