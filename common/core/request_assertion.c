#include "common/core/request_parts.h"

enum { TEXT_BYTES_MAX = 8192 };

/* An assertion on its way: what its templates gave. */
struct making {
    struct buf client_id, audience, key;
    struct keeper_assertion ask;
};

/* {{secret:name}} and nothing else: then `name` is the secret's. */
static enum cx_err read_secret_name(struct request_parts *p, struct slice key, struct slice *name)
{
    struct template t = {0};
    struct cx_fail why = {0};
    enum cx_err err = template_parse(key, &t, &why);

    if (err != CX_OK) {
        return request_parts_refuse(p, err, "client.key", cx_fail_text(&why));
    }
    if (t.nparts == 1 && t.parts[0].kind == TEMPLATE_SECRET) {
        *name = t.parts[0].text;
    }
    template_done(&t);
    return CX_OK;
}

static enum cx_err fill_key(struct request_parts *p, struct making *m)
{
    /* A secret as a part of the key is given to nobody: it could not be bound to what it signs. */
    static const struct request_spot spot = {"client.key", SECRET_NOWHERE, {NULL, 0}};
    struct slice key = p->job->request.client.key;
    enum cx_err err;

    if (slice_is_absent(key)) {
        return request_parts_refuse(p, CX_E_MISSING, "client.key", "private_key_jwt needs one");
    }
    err = read_secret_name(p, key, &m->ask.secret);
    if (err == CX_OK && slice_is_absent(m->ask.secret)) {
        err = request_parts_expand(p, &spot, key, TEMPLATE_RAW, &m->key);
    }
    return err;
}

static enum cx_err fill(struct request_parts *p, struct making *m)
{
    static const struct request_spot aud_spot = {"client.aud", SECRET_NOWHERE, {NULL, 0}};
    const struct msg_client *client = &p->job->request.client;
    struct slice url = buf_view(&p->made->url);
    enum cx_err err =
        request_parts_expand(p, &request_client_id_spot, client->id, TEMPLATE_RAW, &m->client_id);

    if (err == CX_OK && !slice_is_absent(client->aud)) {
        err = request_parts_expand(p, &aud_spot, client->aud, TEMPLATE_RAW, &m->audience);
        m->ask.audience = buf_view(&m->audience);
    }
    if (err == CX_OK) {
        err = fill_key(p, m);
    }
    m->ask.alg = client->alg;
    m->ask.kid = client->kid;
    m->ask.client_id = buf_view(&m->client_id);
    m->ask.url = slice_first(url, slice_find(url, 0, '?'));
    m->ask.key_pem = buf_view(&m->key);
    return err;
}

enum cx_err request_assertion_make(struct request_parts *p, struct buf *out)
{
    struct making m = {0};
    struct cx_fail why = {0};
    enum cx_err err;

    buf_init(&m.client_id, TEXT_BYTES_MAX);
    buf_init(&m.audience, TEXT_BYTES_MAX);
    buf_init(&m.key, REQUEST_PEM_BYTES_MAX);
    err = fill(p, &m);
    if (err == CX_OK) {
        err = keeper_sign(p->keeper, &m.ask, out, &why);
        err = err == CX_OK ? CX_OK : request_parts_refuse(p, err, "client.key", cx_fail_text(&why));
    }
    buf_done(&m.client_id);
    buf_done(&m.audience);
    buf_done(&m.key);
    return err;
}
