#include "platform/io/store_sqlite.h"

#include "common/io/seal.h"

/* Keys, connectors, agents and profiles. Each write is a transaction of its own, synced. */

enum { PROFILE_MAX_BYTES = 1 << 24 }; /* far above what the API takes; a bound for a broken file */

/* The statement in `q` is the whole change. CX_E_NOT_FOUND if it changed no row and `name` says
 * which row that would have been. */
static enum cx_err run_synced(struct query *q, const char *name, struct cx_fail *fail)
{
    enum cx_err err = store_begin_synced(q->store, fail);

    if (err != CX_OK) {
        query_drop(q);
        return err;
    }
    err = query_run(q, fail);
    if (err == CX_OK && name != NULL && !store_has_changed(q->store)) {
        err = cx_fail_set(fail, CX_E_NOT_FOUND, "store", "%s is not in the store", name);
    }
    return store_end_synced(q->store, err, fail);
}

/* --- API keys --- */

static const char *role_word(enum key_role role)
{
    return role == KEY_ADMIN ? "admin" : "app";
}

enum cx_err store_add_key(struct store *s, const struct store_key *key, struct cx_fail *fail)
{
    struct query q;

    query_start(&q, s, "INSERT INTO keys (name, role, sha256, created_ms) VALUES (?, ?, ?, ?)");
    query_put_text(&q, key->name);
    query_put_text(&q, role_word(key->role));
    query_put_blob(&q, slice_of(key->sha256, sizeof(key->sha256)));
    query_put_u64(&q, key->created_ms);
    return run_synced(&q, NULL, fail);
}

enum cx_err store_remove_key(struct store *s, const char *name, struct cx_fail *fail)
{
    struct query q;

    query_start(&q, s, "DELETE FROM keys WHERE name = ?");
    query_put_text(&q, name);
    return run_synced(&q, name, fail);
}

enum cx_err store_each_key(struct store *s, void (*each)(void *ctx, const struct store_key *key),
                           void *ctx, struct cx_fail *fail)
{
    struct query q;

    query_start(&q, s, "SELECT name, role, sha256, created_ms FROM keys ORDER BY name");
    while (query_next(&q)) {
        struct store_key key = {
            .name = query_text(&q, 0),
            /* only the very word makes an admin */
            .role = slice_eq_str(slice_of_str(query_text(&q, 1)), "admin") ? KEY_ADMIN : KEY_APP,
            .created_ms = query_u64(&q, 3),
        };

        query_bytes32(&q, 2, key.sha256);
        each(ctx, &key);
    }
    return query_end(&q, fail);
}

/* --- connectors --- */

enum cx_err store_add_connector(struct store *s, const struct store_connector *c,
                                struct cx_fail *fail)
{
    struct query q;

    query_start(&q, s, "INSERT INTO connectors (id, name, created_ms) VALUES (?, ?, ?)");
    query_put_id(&q, &c->id);
    query_put_text(&q, c->name);
    query_put_u64(&q, c->created_ms);
    return run_synced(&q, NULL, fail);
}

enum cx_err store_remove_connector(struct store *s, const struct cx_id *id, struct cx_fail *fail)
{
    struct query q;

    query_start(&q, s, "DELETE FROM connectors WHERE id = ?");
    query_put_id(&q, id);
    return run_synced(&q, "the connector", fail);
}

enum cx_err store_each_connector(struct store *s,
                                 void (*each)(void *ctx, const struct store_connector *c),
                                 void *ctx, struct cx_fail *fail)
{
    struct query q;

    query_start(&q, s, "SELECT id, name, created_ms FROM connectors ORDER BY name");
    while (query_next(&q)) {
        struct store_connector c = {
            .id = query_id(&q, 0),
            .name = query_text(&q, 1),
            .created_ms = query_u64(&q, 2),
        };

        each(ctx, &c);
    }
    return query_end(&q, fail);
}

/* --- agents --- */

void store_put_agent_row(struct query *q, const struct store_agent *a)
{
    query_put_id(q, &a->id);
    query_put_id(q, &a->connector);
    query_put_u64(q, a->enrolled_ms);
    query_put_u64(q, a->revoked_ms);
    query_put_u64(q, a->last_seen_ms);
    query_put_u64(q, a->certificate_ends_ms);
    query_put_id(q, &a->ledger);
    query_put_u64(q, a->ledger_seq);
    query_put_text(q, a->version);
    query_put_text(q, a->host);
}

enum cx_err store_put_agent(struct store *s, const struct store_agent *a, struct cx_fail *fail)
{
    struct query q;

    query_start(&q, s,
                STORE_INSERT_AGENT
                " ON CONFLICT (id) DO UPDATE SET connector = excluded.connector,"
                " enrolled_ms = excluded.enrolled_ms, revoked_ms = excluded.revoked_ms,"
                " last_seen_ms = excluded.last_seen_ms,"
                " certificate_ends_ms = excluded.certificate_ends_ms, ledger = excluded.ledger,"
                " ledger_seq = excluded.ledger_seq, version = excluded.version,"
                " host = excluded.host");
    store_put_agent_row(&q, a);
    return run_synced(&q, NULL, fail);
}

enum cx_err store_each_agent(struct store *s, void (*each)(void *ctx, const struct store_agent *a),
                             void *ctx, struct cx_fail *fail)
{
    struct query q;

    query_start(&q, s,
                "SELECT id, connector, enrolled_ms, revoked_ms, last_seen_ms,"
                " certificate_ends_ms, ledger, ledger_seq, version, host FROM agents ORDER BY id");
    while (query_next(&q)) {
        struct store_agent a = {
            .id = query_id(&q, 0),
            .connector = query_id(&q, 1),
            .enrolled_ms = query_u64(&q, 2),
            .revoked_ms = query_u64(&q, 3),
            .last_seen_ms = query_u64(&q, 4),
            .certificate_ends_ms = query_u64(&q, 5),
            .ledger = query_id(&q, 6),
            .ledger_seq = query_u64(&q, 7),
            .version = query_text(&q, 8),
            .host = query_text(&q, 9),
        };

        each(ctx, &a);
    }
    return query_end(&q, fail);
}

/* --- profiles --- */

enum cx_err store_aad(struct buf *out, const char *kind, const char *name)
{
    enum cx_err err = buf_put_str(out, kind);

    if (err == CX_OK) {
        err = buf_put_byte(out, ':');
    }
    return err == CX_OK ? buf_put_str(out, name) : err;
}

/* One way for both directions of a profile's JSON. */
static enum cx_err seal_profile(struct store *s, const char *name, struct slice json,
                                struct buf *sealed)
{
    struct buf aad;
    enum cx_err err;

    buf_init(&aad, STORE_AAD_MAX_BYTES);
    err = store_aad(&aad, "profile", name);
    if (err == CX_OK) {
        err = seal(s->key, buf_view(&aad), json, sealed);
    }
    buf_done(&aad);
    return err;
}

static enum cx_err open_profile(struct store *s, const char *name, struct slice sealed,
                                struct buf *json)
{
    struct buf aad;
    enum cx_err err;

    buf_init(&aad, STORE_AAD_MAX_BYTES);
    err = store_aad(&aad, "profile", name);
    if (err == CX_OK) {
        err = seal_open(s->key, buf_view(&aad), sealed, json);
    }
    buf_done(&aad);
    return err;
}

enum cx_err store_put_profile(struct store *s, const char *name, struct slice json,
                              struct cx_fail *fail)
{
    struct buf sealed;
    struct query q;
    enum cx_err err;

    buf_init(&sealed, PROFILE_MAX_BYTES);
    err = seal_profile(s, name, json, &sealed);
    if (err != CX_OK) {
        cx_fail_set(fail, err, "store.put_profile", "profile %s: can't be sealed: %s", name,
                    cx_err_text(err));
        goto out;
    }
    query_start(&q, s,
                "INSERT INTO profiles (name, sealed) VALUES (?, ?)"
                " ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed");
    query_put_text(&q, name);
    query_put_blob(&q, buf_view(&sealed));
    err = run_synced(&q, NULL, fail);
out:
    buf_done(&sealed);
    return err;
}

enum cx_err store_remove_profile(struct store *s, const char *name, struct cx_fail *fail)
{
    struct query q;

    query_start(&q, s, "DELETE FROM profiles WHERE name = ?");
    query_put_text(&q, name);
    return run_synced(&q, name, fail);
}

enum cx_err store_each_profile(struct store *s,
                               void (*each)(void *ctx, const char *name, struct slice json),
                               void *ctx, struct cx_fail *fail)
{
    struct buf json;
    struct query q;
    enum cx_err err = CX_OK;

    buf_init(&json, PROFILE_MAX_BYTES);
    query_start(&q, s, "SELECT name, sealed FROM profiles ORDER BY name");
    while (err == CX_OK && query_next(&q)) {
        const char *name = query_text(&q, 0);

        buf_clear(&json);
        err = open_profile(s, name, query_blob(&q, 1), &json);
        if (err == CX_OK) {
            each(ctx, name, buf_view(&json));
        } else {
            err = cx_fail_set(fail, err == CX_E_NOMEM ? err : CX_E_CRYPTO, "store.each_profile",
                              "profile %s can't be opened: the file was altered", name);
        }
    }
    buf_done(&json);
    if (err == CX_OK) {
        return query_end(&q, fail);
    }
    query_drop(&q);
    return err;
}
