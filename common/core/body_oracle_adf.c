#include "common/core/body_rows.h"

const char *body_why_no_attribute(const struct body *in, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (slice_eq(in->pairs[i].key, in->pairs[index].key)) {
            return "occurs twice; an attribute of an Oracle ADF resource item has one value";
        }
    }
    return body_why_no_utf8_key(in, index);
}
