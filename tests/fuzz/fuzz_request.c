/* Input, a line each: the client's method (a digit), id, secret; the URL; a variable's value ("v";
 * "tenant" is the same); then a field each: place (a digit), key, '=', template. A job that a
 * platform could send either is refused or gives a request whose parts keep to themselves. */
#include "common/core/request.h"
#include "common/core/url.h"

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
    require(r->nheaders <= REQUEST_HEADERS_MAX);
    for (size_t i = 0; i < r->nheaders; i++) {
        struct slice line = buf_view(&r->headers[i]);
        struct slice name = slice_first(line, slice_find(line, 0, ':'));

        require(name.len < line.len && request_allows_header(name, NULL));
        for (size_t k = 0; k < line.len; k++) {
            require(line.ptr[k] == '\t' || (line.ptr[k] >= 0x20 && line.ptr[k] != 0x7f));
        }
        for (size_t k = 0; k < i; k++) {
            struct slice other = buf_view(&r->headers[k]);

            require(!slice_eq_nocase(name, slice_first(other, slice_find(other, 0, ':'))));
        }
    }
}

/* As many pairs as payload fields, and two at most of the client's. */
static void check_body(const struct request *r, const struct msg_request *asked)
{
    static const char form[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789*-._+%&=";
    struct slice body = buf_view(&r->body);
    size_t payload = 0;
    size_t pairs = 0;

    for (size_t i = 0; i < asked->nfields; i++) {
        payload += asked->fields[i].place == PLACE_PAYLOAD ? 1 : 0;
    }
    for (size_t i = 0; i < body.len; i++) {
        require(body.ptr[i] != '\0' && strchr(form, body.ptr[i]) != NULL);
        pairs += body.ptr[i] == '=' ? 1 : 0;
    }
    require(r->has_body && pairs >= payload && pairs <= payload + 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = slice_of(data, size);
    struct msg_field fields[FIELDS_MAX];
    struct msg_variable variables[2] = {{.name = SLICE_LIT("v")}, {.name = SLICE_LIT("tenant")}};
    struct msg_job job = {.request = {.method = METHOD_POST, .encoding = ENCODING_FORM}};
    struct msg_request *asked = &job.request;
    struct request r = {0};
    struct cx_fail fail;
    enum stage stage = STAGE_NONE;

    asked->client.method = (enum client_method)digit(cut(&rest, '\n'));
    asked->client.id = cut(&rest, '\n');
    asked->client.secret = cut(&rest, '\n');
    asked->url = cut(&rest, '\n');
    variables[0].value = variables[1].value = cut(&rest, '\n');
    job.variables = variables;
    job.nvariables = 2;
    read_fields(rest, asked, fields);
    if (request_build(&job, &r, &stage, &fail) != CX_OK) {
        require(stage != STAGE_NONE && fail.detail[0] != '\0' && r.url.ptr == NULL);
        return 0;
    }
    require(r.url.len <= URL_BYTES_MAX && r.body.len <= REQUEST_BODY_BYTES_MAX);
    check_headers(&r);
    check_body(&r, asked);
    request_done(&r);
    return 0;
}
