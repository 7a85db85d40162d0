#include "common/core/request_parts.h"

#include "common/core/assertion.h"
#include "common/core/body.h"
#include "common/core/encode.h"

enum { CREDENTIAL_BYTES_MAX = 8192, ASSERTION_BYTES_MAX = 48 * 1024 };

const struct request_spot request_client_id_spot = {
    "client.id", SECRET_IN_CLIENT, {(const uint8_t *)"id", 2}};
static const struct request_spot secret_spot = {
    "client.secret", SECRET_IN_CLIENT, {(const uint8_t *)"secret", 6}};

/* RFC 7617, 2: the id ends at the first ':', and neither may hold control characters. */
static enum cx_err check_raw(const struct request_parts *p, struct slice id, struct slice secret)
{
    if (slice_find(id, 0, ':') != id.len || slice_has_control(id)) {
        return request_parts_refuse(
            p, CX_E_SYNTAX, "client.id",
            "client_secret_basic_raw can't carry a ':' or a control character");
    }
    if (slice_has_control(secret)) {
        return request_parts_refuse(p, CX_E_SYNTAX, "client.secret",
                                    "client_secret_basic_raw can't carry a control character");
    }
    return CX_OK;
}

static enum cx_err join_basic(const struct request_parts *p, struct slice id, struct slice secret,
                              struct buf *pair)
{
    bool is_raw = p->job->request.client.method == CLIENT_SECRET_BASIC_RAW;
    enum cx_err err = is_raw ? check_raw(p, id, secret) : CX_OK;

    if (err == CX_OK) {
        err = is_raw ? buf_put(pair, id) : encode_form(id, pair);
    }
    if (err == CX_OK) {
        err = buf_put_byte(pair, ':');
    }
    if (err == CX_OK) {
        err = is_raw ? buf_put(pair, secret) : encode_form(secret, pair);
    }
    return err;
}

/* text: the id, and the secret behind its `id_bytes`; then the header's value. */
static enum cx_err encode_basic(struct request_parts *p, size_t id_bytes, struct buf *text)
{
    struct slice both = buf_view(text);
    struct buf pair;
    enum cx_err err;

    buf_init(&pair, REQUEST_HEADER_BYTES_MAX);
    err = join_basic(p, slice_first(both, id_bytes), slice_from(both, id_bytes), &pair);
    buf_clear(text);
    text->cap = REQUEST_HEADER_BYTES_MAX;
    if (err == CX_OK) {
        err = buf_put_str(text, "Basic ");
    }
    if (err == CX_OK) {
        err = encode_base64(buf_view(&pair), text);
    }
    buf_done(&pair);
    return err == CX_OK || err == CX_E_SYNTAX
               ? err
               : request_parts_refuse(p, err, "client", cx_err_text(err));
}

static enum cx_err put_basic(struct request_parts *p)
{
    const struct msg_client *client = &p->job->request.client;
    struct buf text;
    size_t id_bytes;
    enum cx_err err;

    buf_init(&text, CREDENTIAL_BYTES_MAX);
    err = request_parts_expand(p, &request_client_id_spot, client->id, TEMPLATE_RAW, &text);
    id_bytes = text.len;
    if (err == CX_OK) {
        text.cap = id_bytes + CREDENTIAL_BYTES_MAX;
        err = request_parts_expand(p, &secret_spot, client->secret, TEMPLATE_RAW, &text);
    }
    if (err == CX_OK) {
        err = encode_basic(p, id_bytes, &text);
    }
    if (err == CX_OK) {
        err = request_parts_put_header(p, SLICE_LIT("Authorization"), buf_view(&text));
    }
    buf_done(&text);
    return err;
}

/* A parameter occurs once in a request (RFC 6749, 3.2): a field that has the key already wins. */
static enum cx_err put_client_item(struct request_parts *p, const char *key, struct slice text,
                                   const struct request_spot *at)
{
    const struct msg_field field = {PLACE_PAYLOAD, slice_of_str(key), text};
    struct request_spot spot = *at;

    if (request_parts_find(p, PLACE_PAYLOAD, field.key) != NULL ||
        request_parts_find(p, PLACE_QUERY, field.key) != NULL) {
        return CX_OK;
    }
    if (!body_is_carried_by(p->job->request.method)) {
        spot.place = SECRET_NOWHERE;
        spot.key = (struct slice){0};
    }
    return request_parts_put_item(p, &field, &spot);
}

/* Certificate and key are one thing; without both it is for the rule to have one. */
static enum cx_err check_tls(const struct request_parts *p)
{
    const struct msg_client *client = &p->job->request.client;
    bool has_certificate = !slice_is_absent(client->certificate);

    if (has_certificate == slice_is_absent(client->key)) {
        return request_parts_refuse(p, CX_E_MISSING,
                                    has_certificate ? "client.key" : "client.certificate",
                                    "tls_client_auth needs both, or none of them");
    }
    return CX_OK;
}

static enum cx_err check_assertion(const struct request_parts *p)
{
    if (!body_is_carried_by(p->job->request.method)) {
        return request_parts_refuse(p, CX_E_SYNTAX, "client.method",
                                    "private_key_jwt needs a body: POST, PUT or PATCH");
    }
    if (p->job->request.client.alg == ALG_UNKNOWN) {
        return request_parts_refuse(p, CX_E_MISSING, "client.alg", "private_key_jwt needs one");
    }
    return CX_OK;
}

enum cx_err request_client_check(const struct request_parts *p)
{
    switch (p->job->request.client.method) {
    case CLIENT_NONE:
    case CLIENT_SECRET_BASIC:
    case CLIENT_SECRET_BASIC_RAW:
    case CLIENT_SECRET_POST:
        return CX_OK;
    case CLIENT_PRIVATE_KEY_JWT:
        return check_assertion(p);
    case CLIENT_TLS:
        return check_tls(p);
    case CLIENT_UNKNOWN:
    case CLIENT_COUNT:
        break;
    }
    return request_parts_refuse(p, CX_E_UNSUPPORTED, "client.method",
                                "this version does not know it");
}

static enum cx_err put_assertion(struct request_parts *p)
{
    struct slice key = SLICE_LIT("client_assertion");
    struct buf text;
    enum cx_err err;

    if (request_parts_find(p, PLACE_PAYLOAD, key) != NULL) {
        return CX_OK;
    }
    buf_init(&text, ASSERTION_BYTES_MAX);
    err = request_assertion_make(p, &text);
    if (err == CX_OK) {
        err = request_parts_put_text(p, key, buf_view(&text));
    }
    buf_done(&text);
    return err;
}

/* Behind client_id, what the method adds. */
static enum cx_err put_proof(struct request_parts *p)
{
    static const struct request_spot type_spot = {"client.method", SECRET_NOWHERE, {NULL, 0}};
    const struct msg_client *client = &p->job->request.client;
    enum cx_err err;

    if (client->method == CLIENT_SECRET_POST) {
        return put_client_item(p, "client_secret", client->secret, &secret_spot);
    }
    if (client->method != CLIENT_PRIVATE_KEY_JWT) {
        return CX_OK;
    }
    err = put_client_item(p, "client_assertion_type", SLICE_LIT(ASSERTION_TYPE), &type_spot);
    return err == CX_OK ? put_assertion(p) : err;
}

enum cx_err request_client_put_payload(struct request_parts *p)
{
    const struct msg_client *client = &p->job->request.client;
    bool is_basic =
        client->method == CLIENT_SECRET_BASIC || client->method == CLIENT_SECRET_BASIC_RAW;
    enum cx_err err;

    if (is_basic || (client->method == CLIENT_NONE && slice_is_absent(client->id))) {
        return CX_OK;
    }
    err = put_client_item(p, "client_id", client->id, &request_client_id_spot);
    return err == CX_OK ? put_proof(p) : err;
}

enum cx_err request_client_put_identity(struct request_parts *p)
{
    static const struct request_spot certificate_spot = {
        "client.certificate", SECRET_IN_CLIENT, {(const uint8_t *)"certificate", 11}};
    static const struct request_spot key_spot = {
        "client.key", SECRET_IN_CLIENT, {(const uint8_t *)"key", 3}};
    const struct msg_client *client = &p->job->request.client;
    enum cx_err err;

    if (client->method != CLIENT_TLS || slice_is_absent(client->key)) {
        return CX_OK;
    }
    err = request_parts_expand(p, &certificate_spot, client->certificate, TEMPLATE_RAW,
                               &p->made->certificate);
    return err == CX_OK
               ? request_parts_expand(p, &key_spot, client->key, TEMPLATE_RAW, &p->made->key)
               : err;
}

enum cx_err request_client_put_header(struct request_parts *p)
{
    enum client_method method = p->job->request.client.method;
    bool is_basic = method == CLIENT_SECRET_BASIC || method == CLIENT_SECRET_BASIC_RAW;

    return is_basic && !request_parts_has_header(p, SLICE_LIT("Authorization")) ? put_basic(p)
                                                                                : CX_OK;
}
