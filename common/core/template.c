#include "common/core/template.h"

#include "common/core/encode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NAME_BYTES_MAX = 64,
    LABEL_BYTES_MAX = 63,
    SHOWN_BYTES = NAME_BYTES_MAX + 16,
    FEW_PARTS = 9, /* two variables, and what is around them */
};

/* Where in a URL the parser stands. The last three are the regions that may hold placeholders. */
enum zone { ZONE_SCHEME, ZONE_IPV6, ZONE_PORT, ZONE_HOST, ZONE_PATH, ZONE_QUERY };

struct parser {
    struct slice text;
    size_t at;
    size_t literal_at; /* where the literal that is being read began */
    bool is_url;
    enum zone zone;
    struct template *out;
    struct cx_fail *fail;
};

static bool is_alnum(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool template_is_name(struct slice name)
{
    if (name.len == 0 || name.len > NAME_BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.ptr[i];

        if (!is_alnum(c) && c != '_' && c != '.' && c != '-') {
            return false;
        }
    }
    return true;
}

static enum cx_err refuse(const struct parser *p, const char *what)
{
    return cx_fail_set(p->fail, CX_E_SYNTAX, "template.parse", "at byte %zu: %s", p->at + 1, what);
}

static bool stands(const struct parser *p, const char *token)
{
    return slice_has_prefix(slice_from(p->text, p->at), slice_of_str(token));
}

static void put_part(struct parser *p, enum template_kind kind, struct slice text)
{
    static const enum template_region regions[] = {
        [ZONE_HOST] = TEMPLATE_IN_HOST,
        [ZONE_PATH] = TEMPLATE_IN_PATH,
        [ZONE_QUERY] = TEMPLATE_IN_QUERY,
    };
    bool is_placed = p->is_url && kind != TEMPLATE_LITERAL;

    p->out->parts[p->out->nparts++] = (struct template_part){
        .kind = kind,
        .region = is_placed ? regions[p->zone] : TEMPLATE_IN_TEXT,
        .text = text,
    };
}

/* The literal ends before `end`. */
static void end_literal(struct parser *p, size_t end)
{
    if (end > p->literal_at) {
        put_part(p, TEMPLATE_LITERAL, slice_of(p->text.ptr + p->literal_at, end - p->literal_at));
    }
}

/* What a placeholder of `kind` may not be here, or NULL. */
static const char *why_not_here(const struct parser *p, enum template_kind kind)
{
    if (!p->is_url) {
        return NULL;
    }
    if (kind == TEMPLATE_SECRET) {
        return "{{secret:...}} can't stand in a URL, which others read; put it in a header or the "
               "payload";
    }
    if (p->zone < ZONE_HOST) {
        return "a placeholder of a URL may stand in host labels, path and query only";
    }
    return NULL;
}

/* The placeholder that begins here, with `open` braces at each end. */
static enum cx_err parse_placeholder(struct parser *p, size_t open)
{
    const struct slice marker = SLICE_LIT("secret:");
    enum template_kind kind = open == 1 ? TEMPLATE_PATH : TEMPLATE_VARIABLE;
    size_t end = slice_find(p->text, p->at + open, '}');
    struct slice name = slice_first(slice_from(p->text, p->at + open), end - p->at - open);
    const char *why;

    if (end == p->text.len ||
        (open == 2 && !slice_has_prefix(slice_from(p->text, end), SLICE_LIT("}}")))) {
        return refuse(p, open == 1 ? "'{' begins a placeholder that does not end"
                                   : "\"{{\" begins a placeholder that does not end; a literal "
                                     "\"{{\" is written \"{{{{\"");
    }
    if (open == 2 && slice_has_prefix(name, marker)) {
        kind = TEMPLATE_SECRET;
        name = slice_from(name, marker.len);
    }
    if (!template_is_name(name)) {
        return refuse(p, "a placeholder's name is 1 to 64 letters, digits, '_', '.' or '-'; a "
                         "literal \"{{\" is written \"{{{{\"");
    }
    why = why_not_here(p, kind);
    if (why != NULL) {
        return refuse(p, why);
    }
    end_literal(p, p->at);
    put_part(p, kind, name);
    p->at = end + open;
    p->literal_at = p->at;
    return CX_OK;
}

/* Where a literal byte of a URL leads. */
static enum zone zone_after(const struct parser *p, uint8_t c)
{
    switch (p->zone) {
    case ZONE_SCHEME:
        return c == '/' && p->at >= 2 &&
                       slice_has_prefix(slice_from(p->text, p->at - 2), SLICE_LIT("://"))
                   ? ZONE_HOST
                   : ZONE_SCHEME;
    case ZONE_IPV6:
        return c == ']' ? ZONE_HOST : ZONE_IPV6;
    case ZONE_HOST:
    case ZONE_PORT:
        if (c == '/' || c == '?') {
            return c == '/' ? ZONE_PATH : ZONE_QUERY;
        }
        if (c == ':' || p->zone == ZONE_PORT) {
            return ZONE_PORT;
        }
        return c == '[' ? ZONE_IPV6 : ZONE_HOST;
    case ZONE_PATH:
        return c == '?' ? ZONE_QUERY : ZONE_PATH;
    case ZONE_QUERY:
        break;
    }
    return ZONE_QUERY;
}

static enum cx_err parse_url_byte(struct parser *p, uint8_t c)
{
    if (c == '#') {
        return refuse(p, "a token URL has no fragment ('#')");
    }
    if (c == '@' && (p->zone == ZONE_HOST || p->zone == ZONE_PORT)) {
        return refuse(p, "a URL must not hold user name or password ('@')");
    }
    if (c == '}') {
        return refuse(p, "'}' closes nothing; a literal one is written %7D");
    }
    p->zone = zone_after(p, c);
    return CX_OK;
}

/* Most bytes of a URL neither end anything nor begin anything, wherever they stand. */
static bool means_nothing(uint8_t c)
{
    return is_alnum(c) || c == '.' || c == '-';
}

static enum cx_err parse_next(struct parser *p)
{
    uint8_t c = p->text.ptr[p->at];
    bool is_brace = c == '{';
    enum cx_err err;

    if (p->is_url && means_nothing(c)) {
        while (p->at < p->text.len && means_nothing(p->text.ptr[p->at])) {
            p->at++;
        }
        return CX_OK;
    }
    if (is_brace && stands(p, "{{{{")) {
        end_literal(p, p->at + 2);
        p->at += 4;
        p->literal_at = p->at;
        return CX_OK;
    }
    if (is_brace && (p->is_url || stands(p, "{{"))) {
        return parse_placeholder(p, stands(p, "{{") ? 2 : 1);
    }
    if (!p->is_url) { /* the next byte that matters */
        p->at = slice_find(p->text, p->at + 1, '{');
        return CX_OK;
    }
    err = parse_url_byte(p, c);
    if (err == CX_OK) {
        p->at++;
    }
    return err;
}

/* At most this many parts: each begins with a brace, or is the literal before or behind one. */
static size_t parts_max(struct slice text)
{
    size_t braces = 0;

    for (size_t at = slice_find(text, 0, '{'); at < text.len; at = slice_find(text, at + 1, '{')) {
        braces++;
    }
    return 2 * braces + 1;
}

/* out: has room for parts_max(text), and no part yet. */
static enum cx_err parse(struct slice text, bool is_url, struct template *out, struct cx_fail *fail)
{
    struct parser p = {.text = text, .is_url = is_url, .out = out, .fail = fail};
    enum cx_err err = CX_OK;

    while (err == CX_OK && p.at < text.len) {
        err = parse_next(&p);
    }
    if (err == CX_OK && is_url && p.zone == ZONE_SCHEME) {
        p.at = 0;
        err = refuse(&p, "a URL must begin with https:// or http://");
    }
    if (err == CX_OK) {
        end_literal(&p, text.len);
    }
    return err;
}

static enum cx_err parse_new(struct slice text, bool is_url, struct template *out,
                             struct cx_fail *fail)
{
    struct template made = {calloc(parts_max(text), sizeof(*made.parts)), 0};
    enum cx_err err;

    if (made.parts == NULL) {
        return cx_fail_set(fail, CX_E_NOMEM, "template.parse", "%s", "");
    }
    err = parse(text, is_url, &made, fail);
    if (err != CX_OK) {
        template_done(&made);
        return err;
    }
    *out = made;
    return CX_OK;
}

enum cx_err template_parse(struct slice text, struct template *out, struct cx_fail *fail)
{
    return parse_new(text, false, out, fail);
}

enum cx_err template_parse_url(struct slice text, struct template *out, struct cx_fail *fail)
{
    return parse_new(text, true, out, fail);
}

void template_done(struct template *t)
{
    free(t->parts);
    *t = (struct template){0};
}

/* The placeholder as it is written. */
static const char *show(const struct template_part *part, char text[SHOWN_BYTES])
{
    static const struct {
        const char *open, *close;
    } braces[] = {
        [TEMPLATE_LITERAL] = {"", ""},
        [TEMPLATE_PATH] = {"{", "}"},
        [TEMPLATE_VARIABLE] = {"{{", "}}"},
        [TEMPLATE_SECRET] = {"{{secret:", "}}"},
    };

    (void)snprintf(text, SHOWN_BYTES, "%s%.*s%s", braces[part->kind].open, SLICE_ARG(part->text),
                   braces[part->kind].close);
    return text;
}

bool template_is_label(struct slice value)
{
    if (value.len == 0 || value.len > LABEL_BYTES_MAX || value.ptr[0] == '-' ||
        value.ptr[value.len - 1] == '-') {
        return false;
    }
    for (size_t i = 0; i < value.len; i++) {
        if (!is_alnum(value.ptr[i]) && value.ptr[i] != '-') {
            return false;
        }
    }
    return true;
}

static bool has_control_but_tab(struct slice value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (slice_has_control(slice_of(value.ptr + i, 1)) && value.ptr[i] != '\t') {
            return true;
        }
    }
    return false;
}

static enum cx_err refuse_value(const struct template_part *part, const char *what,
                                struct cx_fail *fail)
{
    char shown[SHOWN_BYTES];

    if (part->kind == TEMPLATE_LITERAL) {
        return cx_fail_set(fail, CX_E_SYNTAX, "template.expand", "the text %s", what);
    }
    return cx_fail_set(fail, CX_E_SYNTAX, "template.expand", "the value of %s %s",
                       show(part, shown), what);
}

static enum cx_err put_url_value(const struct template_part *part, struct slice value,
                                 struct buf *out, struct cx_fail *fail)
{
    if (part->kind == TEMPLATE_LITERAL) {
        return buf_put(out, value);
    }
    switch (part->region) {
    case TEMPLATE_IN_HOST:
        if (!template_is_label(value)) {
            return refuse_value(part,
                                "stands in the host and must be one label of it: letters, "
                                "digits and hyphens, 1 to 63",
                                fail);
        }
        return buf_put(out, value);
    case TEMPLATE_IN_PATH:
        if (slice_eq_str(value, ".") || slice_eq_str(value, "..")) {
            return refuse_value(part, "stands in the path and must not be \".\" or \"..\"", fail);
        }
        break;
    case TEMPLATE_IN_QUERY:
    case TEMPLATE_IN_TEXT:
        break;
    }
    return encode_percent(value, out);
}

static enum cx_err put_value(const struct template_part *part, enum template_escape escape,
                             struct slice value, struct buf *out, struct cx_fail *fail)
{
    switch (escape) {
    case TEMPLATE_RAW:
        break;
    case TEMPLATE_HEADER:
        if (has_control_but_tab(value)) {
            return refuse_value(part, "holds a control character, which a header can't carry",
                                fail);
        }
        break;
    case TEMPLATE_LINE:
        if (part->kind != TEMPLATE_LITERAL && !slice_is_line(value)) {
            return refuse_value(part,
                                "holds a line break or another control character, which would "
                                "make it another line",
                                fail);
        }
        break;
    case TEMPLATE_URL:
        return put_url_value(part, value, out, fail);
    }
    return buf_put(out, value);
}

static enum cx_err look_up(const struct template_part *part, const struct template_values *values,
                           struct slice *value, struct cx_fail *fail)
{
    char shown[SHOWN_BYTES];
    enum cx_err err;

    if (part->kind == TEMPLATE_LITERAL) {
        *value = part->text;
        return CX_OK;
    }
    err = values->look_up(values->ctx, part->kind, part->text, value);
    if (err == CX_E_SECRET) {
        return cx_fail_set(fail, err, "template.expand", "the agent does not keep %s",
                           show(part, shown));
    }
    if (err != CX_OK) {
        return cx_fail_set(fail, err, "template.expand", "%s %s",
                           err == CX_E_MISSING ? "nothing fills" : "failed:", show(part, shown));
    }
    return CX_OK;
}

enum cx_err template_expand(const struct template *t, enum template_escape escape,
                            const struct template_values *values, struct buf *out,
                            struct cx_fail *fail)
{
    size_t start = out->len;

    for (size_t i = 0; i < t->nparts; i++) {
        struct slice value;
        enum cx_err err = look_up(&t->parts[i], values, &value, fail);

        if (err == CX_OK) {
            err = put_value(&t->parts[i], escape, value, out, fail);
        }
        if (err == CX_E_TOO_BIG || err == CX_E_NOMEM) {
            (void)cx_fail_set(fail, err, "template.expand", "%s", "");
        }
        if (err != CX_OK) {
            buf_truncate(out, start);
            return err;
        }
    }
    return CX_OK;
}

enum cx_err template_fill(struct slice text, enum template_escape escape,
                          const struct template_values *values, struct buf *out,
                          struct cx_fail *fail)
{
    struct template_part few[FEW_PARTS];
    struct template t = {few, 0};
    bool is_url = escape == TEMPLATE_URL;
    bool is_long = parts_max(text) > FEW_PARTS;
    enum cx_err err = is_long ? parse_new(text, is_url, &t, fail) : parse(text, is_url, &t, fail);

    if (err == CX_OK) {
        err = template_expand(&t, escape, values, out, fail);
        if (is_long) {
            template_done(&t);
        }
    }
    return err;
}
