/* Input: a template, a line break, and the value of all its placeholders. It is taken as a value
 * and as a URL. Whatever the value is, it adds nothing to the structure around it. */
#include "common/core/template.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static enum cx_err find_value(void *ctx, enum template_kind kind, struct slice name,
                              struct slice *value)
{
    require(kind != TEMPLATE_LITERAL && template_is_name(name));
    *value = *(const struct slice *)ctx;
    return CX_OK;
}

static size_t count(struct slice s, const char *bytes)
{
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++) {
        n += s.ptr[i] != '\0' && strchr(bytes, s.ptr[i]) != NULL ? 1 : 0;
    }
    return n;
}

/* Parts are not empty and lie in the text, in order. */
static void check_parts(const struct template *t, struct slice text)
{
    const uint8_t *at = text.ptr;

    for (size_t i = 0; i < t->nparts; i++) {
        require(t->parts[i].text.len > 0 && t->parts[i].text.ptr >= at);
        at = t->parts[i].text.ptr + t->parts[i].text.len;
        require(at <= text.ptr + text.len);
    }
}

static void check_url(const struct template *t, struct slice out)
{
    static const char structure[] = "/?#@:[]&=+ \\";
    size_t expected = 0;

    for (size_t i = 0; i < t->nparts; i++) {
        require(t->parts[i].kind != TEMPLATE_SECRET);
        if (t->parts[i].kind == TEMPLATE_LITERAL) {
            expected += count(t->parts[i].text, structure);
        }
    }
    require(count(out, structure) == expected);
}

static void check_header(struct slice out)
{
    for (size_t i = 0; i < out.len; i++) {
        require((out.ptr[i] >= 0x20 || out.ptr[i] == '\t') && out.ptr[i] != 0x7f);
    }
}

static void expand(const struct template *t, enum template_escape escape, struct slice value)
{
    const struct template_values values = {find_value, &value};
    struct cx_fail fail;
    struct buf out;

    buf_init(&out, 4096);
    if (template_expand(t, escape, &values, &out, &fail) != CX_OK) {
        require(out.len == 0);
    } else if (escape == TEMPLATE_URL) {
        check_url(t, buf_view(&out));
    } else if (escape == TEMPLATE_HEADER) {
        check_header(buf_view(&out));
    }
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice all = slice_of(data, size);
    size_t end = slice_find(all, 0, '\n');
    struct slice text = slice_first(all, end);
    struct slice value = slice_from(all, end + 1);
    struct template t = {0};
    struct cx_fail fail;

    if (template_parse(text, &t, &fail) == CX_OK) {
        check_parts(&t, text);
        expand(&t, TEMPLATE_RAW, value);
        expand(&t, TEMPLATE_HEADER, value);
    }
    template_done(&t);
    if (template_parse_url(text, &t, &fail) == CX_OK) {
        check_parts(&t, text);
        expand(&t, TEMPLATE_URL, value);
    }
    template_done(&t);
    return 0;
}
