#include "common/core/answer_reader.h"
#include "common/core/trace_run.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* What came back, so far as it can be shown: the form of a body says what is where, and of its
 * values only those that are no secret by their nature. */

enum {
    DEPTH_MAX = 4,
    MEMBERS_SHOWN_MAX = 40,
    TEXT_SHOWN_BYTES = 200, /* of a page that is no answer of the protocol */
    JSON_READ_BYTES = 64 * 1024,
};

static const char not_shown[] = "(not shown: it repeats a secret of the request)";

bool trace_repeats_secret(const struct trace_facts *f, struct slice text)
{
    return f->secrets != NULL && echo_is_in(f->secrets, text, 0);
}

/* ---- headers ---- */

static bool is_of_interest(struct slice name)
{
    static const char *const names[] = {"content-type", "content-length",   "content-encoding",
                                        "retry-after",  "www-authenticate", "cache-control",
                                        "date",         "server",           "via",
                                        "connection",   "x-request-id"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (slice_eq_nocase(name, slice_of_str(names[i]))) {
            return true;
        }
    }
    return false;
}

static void add_header(struct trace *t, const struct trace_facts *f, struct slice line,
                       const char *behind)
{
    bool is_repeating = trace_repeats_secret(f, line);

    trace_line(t, "%.*s%s", SLICE_ARG(is_repeating ? slice_of_str(not_shown) : line),
               is_repeating ? "" : behind);
}

/* Where to, without what is handed over there: a query or fragment may hold a code or a token
 * (RFC 6749, 4.1.2 and 4.2.2), and so may what stands before an '@'. */
static void add_location(struct trace *t, const struct trace_facts *f, struct slice line)
{
    struct slice shown = slice_first(line, slice_find(line, 0, '?'));

    shown = slice_first(shown, slice_find(shown, 0, '#'));
    if (f->rule != NULL && f->rule->target != NULL && !f->is_at_hand) {
        trace_line(t, "Location: (not shown of a virtual name)");
    } else if (slice_find(shown, 0, '@') < shown.len) {
        trace_line(t, "Location: (not shown: it has an '@')");
    } else {
        add_header(t, f, shown, shown.len < line.len ? "..." : "");
    }
}

static void add_headers(struct trace *t, const struct trace_facts *f)
{
    struct slice rest = f->headers;

    while (rest.len > 0) {
        size_t end = slice_find(rest, 0, '\n');
        struct slice line = slice_first(rest, end);
        struct slice name = slice_first(line, slice_find(line, 0, ':'));

        if (line.len > 0 && line.ptr[line.len - 1] == '\r') {
            line.len--;
        }
        if (slice_eq_nocase(name, SLICE_LIT("location"))) {
            add_location(t, f, line);
        } else if (is_of_interest(name)) {
            add_header(t, f, line, "");
        }
        rest = slice_from(rest, end + 1);
    }
}

/* ---- the body ---- */

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names != NULL; names++) {
        if (strcmp(name, *names) == 0) {
            return true;
        }
    }
    return false;
}

/* Members whose text is no secret: by the standard that names them (RFC 6749 5.1 and 5.2), or,
 * where nothing was issued, since people are meant to read them (RFC 9457). */
static bool is_open(const char *name, unsigned status)
{
    static const char *const always[] = {"token_type",        "expires_in", "scope", "error",
                                         "error_description", "error_uri",  NULL};
    static const char *const of_errors[] = {"message", "title", "detail", "status", NULL};

    return is_one_of(name, always) || (status >= 400 && is_one_of(name, of_errors));
}

struct shape {
    struct trace *t;
    const struct trace_facts *f;
    unsigned status;
    size_t members;
};

static void add_json(struct shape *s, const char *name, const json_t *value, int depth);

static void add_members(struct shape *s, const json_t *value, int depth)
{
    const char *name;
    json_t *member;
    size_t i;

    if (depth == DEPTH_MAX) {
        return;
    }
    json_object_foreach((json_t *)(uintptr_t)value, name, member)
    {
        add_json(s, name, member, depth + 1);
    }
    json_array_foreach(value, i, member)
    {
        char at[24];

        (void)snprintf(at, sizeof(at), "[%zu]", i);
        add_json(s, at, member, depth + 1);
    }
}

static void add_text(struct shape *s, const char *name, struct slice text, int indent)
{
    if (!is_open(name, s->status)) {
        trace_line(s->t, "%*s%s: text of %zu bytes", indent, "", name, text.len);
    } else if (trace_repeats_secret(s->f, text)) {
        trace_line(s->t, "%*s%s: %s", indent, "", name, not_shown);
    } else {
        trace_line(s->t, "%*s%s: \"%.*s\"", indent, "", name,
                   SLICE_ARG(slice_first(text, TEXT_SHOWN_BYTES)));
    }
}

/* `name` is the endpoint's too. */
static void add_json(struct shape *s, const char *name, const json_t *value, int depth)
{
    int indent = depth * 2;

    if (s->members++ >= MEMBERS_SHOWN_MAX) {
        return;
    }
    if (trace_repeats_secret(s->f, slice_of_str(name))) {
        name = not_shown;
    }
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        trace_line(s->t, "%*s%s: object of %zu", indent, "", name, json_object_size(value));
        add_members(s, value, depth);
        break;
    case JSON_ARRAY:
        trace_line(s->t, "%*s%s: array of %zu", indent, "", name, json_array_size(value));
        add_members(s, value, depth);
        break;
    case JSON_STRING:
        add_text(s, name, slice_of(json_string_value(value), json_string_length(value)), indent);
        break;
    case JSON_INTEGER:
        if (is_open(name, s->status)) {
            trace_line(s->t, "%*s%s: %lld", indent, "", name, (long long)json_integer_value(value));
            break;
        }
        trace_line(s->t, "%*s%s: a number", indent, "", name);
        break;
    case JSON_REAL:
        trace_line(s->t, "%*s%s: a number", indent, "", name);
        break;
    case JSON_TRUE:
    case JSON_FALSE:
    case JSON_NULL:
        trace_line(s->t, "%*s%s: %s", indent, "", name,
                   json_is_null(value) ? "null" : (json_is_true(value) ? "true" : "false"));
        break;
    }
}

static bool add_as_json(struct trace *t, const struct trace_facts *f, unsigned status)
{
    struct shape s = {.t = t, .f = f, .status = status};
    json_t *json = f->body.len > JSON_READ_BYTES
                       ? NULL
                       : json_loadb((const char *)f->body.ptr, f->body.len, 0, NULL);

    if (json == NULL) {
        return false;
    }
    add_json(&s, "body", json, 0);
    if (s.members > MEMBERS_SHOWN_MAX) {
        trace_line(t, "... (%zu members more are not shown)", s.members - MEMBERS_SHOWN_MAX);
    }
    json_decref(json);
    return true;
}

/* XML, text, CSV, and pairs whose label says nothing: what the reader of answers makes of them. */
static bool add_as_read(struct trace *t, const struct trace_facts *f, unsigned status)
{
    const struct answer_input in = {
        .content_type = f->content_type, .body = f->body, .is_body_whole = true};
    struct shape s = {.t = t, .f = f, .status = status};
    struct answer_body body;
    bool is_read = f->body.len <= JSON_READ_BYTES && answer_body_read(&in, &body) == CX_OK;

    if (!is_read) {
        return false;
    }
    is_read = body.document != NULL;
    if (is_read) {
        add_json(&s, "body", body.document, 0);
    }
    answer_body_done(&body);
    return is_read;
}

/* Pairs: names, and how long their values are. */
static void add_as_form(struct trace *t, const struct trace_facts *f)
{
    struct slice rest = f->body;

    for (int i = 0; rest.len > 0 && i < MEMBERS_SHOWN_MAX; i++) {
        size_t end = slice_find(rest, 0, '&');
        struct slice pair = slice_first(rest, end);
        size_t equals = slice_find(pair, 0, '=');
        struct slice name = slice_first(pair, equals);

        if (trace_repeats_secret(f, name)) {
            name = slice_of_str(not_shown);
        }
        trace_line(t, "%.*s: text of %zu bytes", SLICE_ARG(slice_first(name, TEXT_SHOWN_BYTES)),
                   pair.len > equals ? pair.len - equals - 1 : 0);
        rest = slice_from(rest, end + 1);
    }
}

static bool is_type(struct slice type, const char *name)
{
    struct slice wanted = slice_of_str(name);

    return slice_eq_nocase(slice_first(type, wanted.len), wanted);
}

static void add_body(struct trace *t, const struct trace_facts *f, const struct msg_result *r)
{
    if (f->body.len == 0 || add_as_json(t, f, r->status)) {
        return;
    }
    if (is_type(f->content_type, "application/x-www-form-urlencoded")) {
        add_as_form(t, f);
    } else if (r->status < 400) { /* a token may stand in it */
        if (!add_as_read(t, f, r->status)) {
            trace_line(t, "(the body is not shown)");
        }
    } else if (trace_repeats_secret(f, f->body)) {
        trace_line(t, "%s", not_shown);
    } else {
        trace_lines(t, f->body, TEXT_SHOWN_BYTES);
    }
}

void trace_answer(struct trace *t, const struct trace_facts *f, const struct msg_result *r)
{
    struct slice type = f->content_type;

    if (type.len == 0) {
        type = SLICE_LIT("no content type");
    } else if (trace_repeats_secret(f, type)) {
        type = slice_of_str(not_shown);
    }
    trace_row(t, "answer", r->timing.wait + r->timing.receive, "%u, %.*s, %zu bytes", r->status,
              SLICE_ARG(type), f->body.len);
    add_headers(t, f);
    if (f->body.len > 0) {
        trace_line(t, "%s", "");
        add_body(t, f, r);
    }
}
