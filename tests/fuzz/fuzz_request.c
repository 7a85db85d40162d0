/* Input, a line each: the client's method (a digit), and behind it, if they are there, the method
 * and the encoding (a digit each); id, secret; the URL; a variable's value ("v"; "tenant" is the
 * same); then a field each: place (a digit), key, '=', template. A job that a platform could send
 * either is refused or gives a request whose parts keep to themselves. */
#include "common/core/body.h"
#include "common/core/request.h"
#include "common/core/request_mask.h"
#include "common/core/request_user.h"
#include "common/core/url.h"

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS_MAX = 100 };

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static struct slice cut(struct slice *rest, uint8_t at)
{
    size_t end = slice_find(*rest, 0, at);
    struct slice first = slice_first(*rest, end);

    *rest = slice_from(*rest, end + 1);
    return first;
}

static unsigned digit(struct slice s)
{
    return s.len > 0 ? s.ptr[0] % 8u : 0;
}

static void read_fields(struct slice rest, struct msg_request *r, struct msg_field *fields)
{
    while (rest.len > 0 && r->nfields < FIELDS_MAX) {
        struct slice line = cut(&rest, '\n');
        unsigned place = digit(line);
        struct slice key;

        line = slice_from(line, 1);
        key = cut(&line, '=');
        fields[r->nfields++] = (struct msg_field){(enum field_place)place, key, line};
    }
    r->fields = fields;
}

static void check_headers(const struct request *r)
{
    struct slice rest = buf_view(&r->headers);
    size_t n = 0;

    require(rest.len <= REQUEST_HEADER_BYTES_MAX + r->nheaders);
    for (; rest.len > 0; n++) {
        struct slice line = request_take_header(&rest);
        struct slice name = slice_first(line, slice_find(line, 0, ':'));
        struct slice others = rest;

        require(name.len < line.len && request_allows_header(name, NULL));
        for (size_t k = 0; k < line.len; k++) {
            require(line.ptr[k] == '\t' || (line.ptr[k] >= 0x20 && line.ptr[k] != 0x7f));
        }
        while (others.len > 0) {
            struct slice other = request_take_header(&others);

            require(!slice_eq_nocase(name, slice_first(other, slice_find(other, 0, ':'))));
        }
    }
    require(n == r->nheaders && n <= REQUEST_HEADERS_MAX);
}

static size_t count(struct slice s, uint8_t byte)
{
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++) {
        n += s.ptr[i] == byte ? 1 : 0;
    }
    return n;
}

static size_t pairs_in_form(struct slice body)
{
    static const char form[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789*-._+%&=";

    for (size_t i = 0; i < body.len; i++) {
        require(body.ptr[i] != '\0' && strchr(form, body.ptr[i]) != NULL);
    }
    return count(body, '=');
}

static size_t pairs_in_json(struct slice body)
{
    json_t *json =
        json_loadb((const char *)body.ptr, body.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    const char *key;
    json_t *value;
    size_t pairs = 0;

    require(json_is_object(json));
    json_object_foreach(json, key, value)
    {
        require(json_is_string(value) || json_array_size(value) > 1);
        pairs += json_is_string(value) ? 1 : json_array_size(value);
    }
    json_decref(json);
    return pairs;
}

/* As many pairs as payload fields, and two at most of the client's. What the other encodings make
 * of them, fuzz_body looks at. */
static void check_payload(const struct request *r, const struct msg_request *asked)
{
    struct slice body = buf_view(&r->body);
    bool has_nul_key = false; /* jansson writes such a key, and does not read it */
    size_t payload = 0;
    size_t pairs;

    for (size_t i = 0; i < asked->nfields; i++) {
        payload += asked->fields[i].place == PLACE_PAYLOAD ? 1 : 0;
        has_nul_key = has_nul_key || count(asked->fields[i].key, '\0') > 0;
    }
    require(r->has_body == body_is_carried_by(asked->method) && r->method == asked->method);
    if (!r->has_body) {
        require(body.len == 0 && count(buf_view(&r->url), '=') >= payload);
        return;
    }
    if ((asked->encoding != ENCODING_JSON && asked->encoding != ENCODING_FORM) || has_nul_key) {
        return;
    }
    pairs = asked->encoding == ENCODING_JSON ? pairs_in_json(body) : pairs_in_form(body);
    require(pairs >= payload && pairs <= payload + 2);
}

/* It may fail where the real one did not (its values are longer); else it has the same headers. */
static void check_masked(const struct msg_job *job, const struct request *real)
{
    static const struct slice names[] = {SLICE_LIT("v")};
    struct msg_job job_with_secret = *job;
    struct request r = {0};
    enum stage stage = STAGE_NONE;

    job_with_secret.secret_variables = names;
    job_with_secret.nsecret_variables = 1;
    if (request_build_masked(&job_with_secret, &r, &stage, NULL) == CX_OK) {
        require(r.nheaders == real->nheaders && r.has_body == real->has_body);
    }
    request_done(&r);
}

/* What request_user says of it. */
struct seen {
    struct buf user;
    bool is_counted;
};

static enum cx_err look(void *ctx, const struct request_parts *parts, struct cx_fail *fail)
{
    struct seen *seen = ctx;

    return request_user(parts, SLICE_LIT("u"), &seen->user, &seen->is_counted, fail);
}

/* It has one user, or none, or it is refused. */
static void check_user(const struct msg_job *job)
{
    struct seen seen = {.is_counted = false};
    const struct request_keeper keeper = {.look = look, .ctx = &seen}; /* no secret was asked for */
    struct request r = {0};
    enum stage stage = STAGE_NONE;
    struct cx_fail fail = {0};
    enum cx_err err;

    buf_init(&seen.user, REQUEST_BODY_BYTES_MAX);
    err = request_build(job, &keeper, &r, &stage, &fail);
    require(err == CX_OK || (stage != STAGE_NONE && fail.detail[0] != '\0' && r.url.ptr == NULL));
    for (size_t i = 0; i < seen.user.len; i++) {
        require(seen.user.ptr[i] < 'A' || seen.user.ptr[i] > 'Z');
    }
    buf_done(&seen.user);
    request_done(&r);
}

static void read_head(struct slice line, struct msg_request *asked)
{
    unsigned method = digit(slice_from(line, 1));
    unsigned encoding = line.len > 2 ? line.ptr[2] % 16u : 0; /* ':' is the tenth */

    asked->client.method = (enum client_method)digit(line);
    asked->method = method == 0 ? METHOD_POST : (enum http_method)method;
    asked->encoding = encoding == 0 ? ENCODING_FORM : (enum body_encoding)encoding;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = slice_of(data, size);
    struct msg_field fields[FIELDS_MAX];
    struct msg_variable variables[2] = {{.name = SLICE_LIT("v")}, {.name = SLICE_LIT("tenant")}};
    struct msg_job job = {0};
    struct msg_request *asked = &job.request;
    struct request r = {0};
    struct cx_fail fail;
    enum stage stage = STAGE_NONE;

    read_head(cut(&rest, '\n'), asked);
    asked->client.id = cut(&rest, '\n');
    asked->client.secret = cut(&rest, '\n');
    asked->url = cut(&rest, '\n');
    variables[0].value = variables[1].value = cut(&rest, '\n');
    job.variables = variables;
    job.nvariables = 2;
    read_fields(rest, asked, fields);
    if (request_build(&job, NULL, &r, &stage, &fail) != CX_OK) {
        require(stage != STAGE_NONE && fail.detail[0] != '\0' && r.url.ptr == NULL);
        return 0;
    }
    require(r.url.len <= URL_BYTES_MAX && r.body.len <= REQUEST_BODY_BYTES_MAX);
    check_headers(&r);
    check_payload(&r, asked);
    check_masked(&job, &r);
    check_user(&job);
    request_done(&r);
    return 0;
}
