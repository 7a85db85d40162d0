#include "common/core/trace_json.h"

static json_t *text_of(struct slice s)
{
    return json_stringn(s.ptr == NULL ? "" : (const char *)s.ptr, s.len);
}

static json_t *row_of(const struct msg_hop *hop)
{
    json_t *row = json_object();
    json_t *detail;

    (void)json_object_set_new(row, "hop", text_of(hop->hop));
    if (hop->us > 0) {
        (void)json_object_set_new(row, "us", json_integer((json_int_t)hop->us));
    }
    (void)json_object_set_new(row, "text", text_of(hop->text));
    if (hop->ndetail > 0) {
        detail = json_array();
        for (size_t i = 0; i < hop->ndetail; i++) {
            (void)json_array_append_new(detail, text_of(hop->detail[i]));
        }
        (void)json_object_set_new(row, "detail", detail);
    }
    if (hop->is_failed) {
        (void)json_object_set_new(row, "failed", json_true());
    }
    if (!slice_is_absent(hop->advice)) {
        (void)json_object_set_new(row, "advice", text_of(hop->advice));
    }
    return row;
}

void trace_json_append(json_t *array, const struct msg_hop *hops, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        (void)json_array_append_new(array, row_of(&hops[i]));
    }
}
