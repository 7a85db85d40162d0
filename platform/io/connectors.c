#include "common/core/encode.h"
#include "common/io/clock.h"
#include "platform/io/platform.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* Connectors and agents: the store first, then what is in memory. */

enum {
    ENROLLMENT_MS = 15 * 60 * 1000,
    EXPECT_MS = 10 * 1000,
    TOKEN_BYTES = 32,
    TOKEN_TEXT_MAX_BYTES = 64,
    ENROLLMENT_JSON_MAX_BYTES = 4096,
};

static enum cx_err no_memory(struct cx_fail *fail)
{
    return cx_fail_set(fail, CX_E_NOMEM, "connectors", "out of memory");
}

void platform_expect_agents(struct platform *p, struct registry_connector *c)
{
    uint64_t until_ms = 0;

    for (const struct registry_agent *a = c->agents; a != NULL; a = a->next) {
        if (a->revoked_ms == 0 && a->last_seen_ms != 0) {
            until_ms = loop_now_ms(p->loop) + EXPECT_MS;
        }
    }
    dispatch_connector_expect(c->dispatch, until_ms);
}

/* ---- at the start ---- */

struct loading {
    struct platform *p;
    bool is_out_of_memory;
};

static struct registry_connector *hold_connector(struct platform *p, const struct cx_id *id,
                                                 const char *name, uint64_t created_ms)
{
    struct dispatch_connector *dispatch = dispatch_connector_new(p->dispatch);
    struct registry_connector *c =
        dispatch == NULL ? NULL : registry_add_connector(&p->registry, id, name, created_ms);

    if (c == NULL) {
        dispatch_connector_free(dispatch);
        return NULL;
    }
    c->dispatch = dispatch;
    return c;
}

static void load_connector(void *ctx, const struct store_connector *row)
{
    struct loading *l = ctx;

    if (hold_connector(l->p, &row->id, row->name, row->created_ms) == NULL) {
        l->is_out_of_memory = true;
    }
}

static void load_agent(void *ctx, const struct store_agent *row)
{
    struct loading *l = ctx;
    struct registry_connector *c = registry_connector_by_id(&l->p->registry, &row->connector);
    struct registry_agent *a = c == NULL ? NULL : registry_add_agent(&l->p->registry, c, &row->id);

    if (a == NULL) {
        l->is_out_of_memory = true;
        return;
    }
    a->enrolled_ms = row->enrolled_ms;
    a->revoked_ms = row->revoked_ms;
    a->last_seen_ms = row->last_seen_ms;
    a->certificate_ends_ms = row->certificate_ends_ms;
    a->ledger = row->ledger;
    a->ledger_seq = row->ledger_seq;
    registry_set_text(a->version, slice_of_str(row->version));
    registry_set_text(a->host, slice_of_str(row->host));
    platform_expect_agents(l->p, c);
}

enum cx_err platform_load_connectors(struct platform *p, struct cx_fail *fail)
{
    struct loading l = {.p = p};
    enum cx_err err = store_each_connector(p->store, load_connector, &l, fail);

    if (err == CX_OK) {
        err = store_each_agent(p->store, load_agent, &l, fail);
    }
    return err == CX_OK && l.is_out_of_memory ? no_memory(fail) : err;
}

struct store_agent platform_agent_row(const struct registry_agent *a)
{
    return (struct store_agent){.id = a->id,
                                .connector = a->connector->id,
                                .enrolled_ms = a->enrolled_ms,
                                .revoked_ms = a->revoked_ms,
                                .last_seen_ms = a->last_seen_ms,
                                .certificate_ends_ms = a->certificate_ends_ms,
                                .ledger = a->ledger,
                                .ledger_seq = a->ledger_seq,
                                .version = a->version,
                                .host = a->host};
}

/* ---- connectors ---- */

enum cx_err platform_add_connector(struct platform *p, struct slice name,
                                   struct registry_connector **out, struct cx_fail *fail)
{
    char text[REGISTRY_NAME_MAX_BYTES] = "";
    struct store_connector row = {.id = random_id(), .name = text, .created_ms = clock_wall_ms()};
    struct registry_connector *c;
    enum cx_err err;

    if (!registry_is_name(name)) {
        return cx_fail_set(fail, CX_E_SYNTAX, "connector.add",
                           "a connector's name has lower-case letters, digits and . _ -, begins "
                           "with a letter or digit, and has at most %d characters",
                           REGISTRY_NAME_MAX_BYTES - 1);
    }
    memcpy(text, name.ptr, name.len);
    if (registry_find_connector(&p->registry, name) != NULL) {
        return cx_fail_set(fail, CX_E_EXISTS, "connector.add",
                           "there is a connector of that name already: %s", text);
    }
    err = store_add_connector(p->store, &row, fail);
    if (err != CX_OK) {
        return err;
    }
    c = hold_connector(p, &row.id, text, row.created_ms);
    if (c == NULL) {
        err = store_remove_connector(p->store, &row.id, fail);
        return err == CX_OK ? no_memory(fail) : err;
    }
    *out = c;
    return CX_OK;
}

enum cx_err platform_remove_connector(struct platform *p, struct registry_connector *c,
                                      struct cx_fail *fail)
{
    enum cx_err err = store_remove_connector(p->store, &c->id, fail);

    if (err != CX_OK) {
        return err;
    }
    tunnel_forget_connector(p, c, "this agent's connector has been removed");
    dispatch_connector_free(c->dispatch);
    registry_remove_connector(&p->registry, c);
    return CX_OK;
}

enum cx_err platform_revoke_agent(struct platform *p, struct registry_agent *a,
                                  struct cx_fail *fail)
{
    struct store_agent row = platform_agent_row(a);
    enum cx_err err;

    row.revoked_ms = a->revoked_ms != 0 ? a->revoked_ms : clock_wall_ms();
    err = store_put_agent(p->store, &row, fail);
    if (err == CX_OK) {
        a->revoked_ms = row.revoked_ms;
        tunnel_close_agent(p, a, "this agent has been revoked");
        dispatch_agent_gone(a->connector->dispatch, &a->id);
        if (dispatch_connector_counts(a->connector->dispatch).tunnels == 0) {
            dispatch_connector_expect(a->connector->dispatch, 0);
        }
    }
    return err;
}

/* ---- enrolment strings ---- */

/* "cx1." and base64url of {"url", "token", "pin"}, appended to `out`. */
static enum cx_err put_string(const struct platform *p, const char *token, struct buf *out)
{
    struct buf pin;
    json_t *json = NULL;
    char *text = NULL;
    size_t before = out->len;
    enum cx_err err;

    buf_init(&pin, sizeof(p->ca_pin) * 2 + 1);
    err = encode_hex(slice_of(p->ca_pin, sizeof(p->ca_pin)), &pin);
    if (err == CX_OK) {
        json = json_pack("{s:s, s:s, s:s%}", "url", p->settings.public_url, "token", token, "pin",
                         (const char *)pin.ptr, pin.len);
        text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);
        err = text == NULL ? CX_E_NOMEM : buf_put_str(out, "cx1.");
    }
    if (err == CX_OK) {
        err = encode_base64url(slice_of_str(text), out);
    }
    if (err != CX_OK) {
        buf_truncate(out, before);
    }
    if (text != NULL) {
        explicit_bzero(text, strlen(text));
    }
    free(text);
    json_decref(json);
    buf_done(&pin);
    return err;
}

enum cx_err platform_make_enrollment(struct platform *p, struct registry_connector *c,
                                     struct buf *out, uint64_t *expires_ms, struct cx_fail *fail)
{
    struct store_enrollment row = {
        .connector = c->id, .expires_ms = clock_wall_ms() + ENROLLMENT_MS, .certificate = ""};
    uint8_t random[TOKEN_BYTES];
    size_t before = out->len;
    struct buf token;
    enum cx_err err;

    random_fill(random, sizeof(random));
    buf_init(&token, TOKEN_TEXT_MAX_BYTES);
    err = encode_base64url(slice_of(random, sizeof(random)), &token);
    explicit_bzero(random, sizeof(random));
    if (err == CX_OK && buf_cstr(&token) != NULL) {
        crypto_sha256(buf_view(&token), row.token_sha256);
        err = put_string(p, buf_cstr(&token), out);
    }
    if (err != CX_OK) {
        err = cx_fail_set(fail, err, "connector.enroll", "%s", cx_err_text(err));
    } else {
        err = store_add_enrollment(p->store, &row, fail);
    }
    if (err == CX_OK) {
        *expires_ms = row.expires_ms;
    } else {
        buf_truncate(out, before);
    }
    buf_done(&token);
    return err;
}
