#include "common/core/xml_write.h"

struct range {
    uint32_t first, last;
};

/* NameStartChar (2.3, [4]) without ':'. */
static const struct range name_starts[] = {
    {'A', 'Z'},       {'_', '_'},       {'a', 'z'},       {0xc0, 0xd6},     {0xd8, 0xf6},
    {0xf8, 0x2ff},    {0x370, 0x37d},   {0x37f, 0x1fff},  {0x200c, 0x200d}, {0x2070, 0x218f},
    {0x2c00, 0x2fef}, {0x3001, 0xd7ff}, {0xf900, 0xfdcf}, {0xfdf0, 0xfffd}, {0x10000, 0xeffff},
};

/* What NameChar (2.3, [4a]) has besides. */
static const struct range name_more[] = {
    {'-', '.'}, {'0', '9'}, {0xb7, 0xb7}, {0x300, 0x36f}, {0x203f, 0x2040},
};

/* Char (2.2, [2]). */
static const struct range chars[] = {
    {'\t', '\n'}, {'\r', '\r'}, {0x20, 0xd7ff}, {0xe000, 0xfffd}, {0x10000, 0x10ffff},
};

#define IS_IN(point, ranges) is_in(point, ranges, sizeof(ranges) / sizeof((ranges)[0]))

static bool is_in(uint32_t point, const struct range *ranges, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (point >= ranges[i].first && point <= ranges[i].last) {
            return true;
        }
    }
    return false;
}

const char *xml_why_no_name(struct slice name)
{
    static const char rule[] =
        "must be an XML name without ':': letters, digits, '_', '-' and '.', a letter or '_' first";
    uint32_t point;
    size_t bytes;

    for (size_t at = 0; at < name.len; at += bytes) {
        bytes = slice_first_char(slice_from(name, at), &point);
        if (bytes == 0 || !(IS_IN(point, name_starts) || (at > 0 && IS_IN(point, name_more)))) {
            return rule;
        }
    }
    if (slice_eq_nocase(slice_first(name, 3), SLICE_LIT("xml"))) {
        return "must not begin with \"xml\", which XML reserves";
    }
    return name.len == 0 ? rule : NULL;
}

const char *xml_why_no_text(struct slice text)
{
    uint32_t point;
    size_t bytes;

    for (size_t at = 0; at < text.len; at += bytes) {
        bytes = slice_first_char(slice_from(text, at), &point);
        if (bytes == 0) {
            return "is not UTF-8";
        }
        if (!IS_IN(point, chars)) {
            return "holds a control character, which XML can't hold in any form";
        }
    }
    return NULL;
}

static const char *entity(uint8_t c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '\r':
        return "&#13;";
    default:
        return NULL;
    }
}

enum cx_err xml_put_text(struct slice text, struct buf *out)
{
    size_t from = 0; /* of what needs no escaping */
    enum cx_err err = CX_OK;

    for (size_t at = 0; at < text.len && err == CX_OK; at++) {
        const char *escaped = entity(text.ptr[at]);

        if (escaped == NULL) {
            continue;
        }
        err = buf_put(out, slice_of(text.ptr + from, at - from));
        if (err == CX_OK) {
            err = buf_put_str(out, escaped);
        }
        from = at + 1;
    }
    return err == CX_OK ? buf_put(out, slice_from(text, from)) : err;
}

static enum cx_err put_tag(const char *open, struct slice name, struct buf *out)
{
    enum cx_err err = buf_put_str(out, open);

    if (err == CX_OK) {
        err = buf_put(out, name);
    }
    return err == CX_OK ? buf_put_byte(out, '>') : err;
}

enum cx_err xml_put_start(struct slice name, struct buf *out)
{
    return put_tag("<", name, out);
}

enum cx_err xml_put_end(struct slice name, struct buf *out)
{
    return put_tag("</", name, out);
}

enum cx_err xml_put_element(struct slice name, struct slice text, struct buf *out)
{
    enum cx_err err = xml_put_start(name, out);

    if (err == CX_OK) {
        err = xml_put_text(text, out);
    }
    return err == CX_OK ? xml_put_end(name, out) : err;
}
