#include "platform/io/store_sqlite.h"

enum cx_err store_add_enrollment(struct store *s, const struct store_enrollment *e,
                                 struct cx_fail *fail)
{
    struct query q;
    enum cx_err err = store_begin_synced(s, fail);

    if (err != CX_OK) {
        return err;
    }
    query_start(&q, s,
                "INSERT INTO enrollments (token_sha256, connector, expires_ms, is_used,"
                " certificate) VALUES (?, ?, ?, 0, '')");
    query_put_blob(&q, slice_of(e->token_sha256, sizeof(e->token_sha256)));
    query_put_id(&q, &e->connector);
    query_put_u64(&q, e->expires_ms);
    return store_end_synced(s, query_run(&q, fail), fail);
}

enum cx_err store_find_enrollment(struct store *s, const uint8_t token_sha256[32],
                                  struct store_enrollment *out, struct buf *certificate,
                                  struct cx_fail *fail)
{
    struct store_enrollment found = {0};
    struct query q;
    enum cx_err err = CX_OK;

    query_start(&q, s,
                "SELECT token_sha256, connector, expires_ms, is_used, spki_sha256, agent,"
                " certificate FROM enrollments WHERE token_sha256 = ?");
    query_put_blob(&q, slice_of(token_sha256, 32));
    if (query_next(&q)) {
        query_bytes32(&q, 0, found.token_sha256);
        found.connector = query_id(&q, 1);
        found.expires_ms = query_u64(&q, 2);
        found.is_used = query_u64(&q, 3) != 0;
        query_bytes32(&q, 4, found.spki_sha256);
        found.agent = query_id(&q, 5);
        err = buf_put_str(certificate, query_text(&q, 6));
        if (err != CX_OK) {
            cx_fail_set(fail, err, "store.find_enrollment", "certificate: %s", cx_err_text(err));
        }
    } else if (q.rc == SQLITE_OK) {
        err = cx_fail_set(fail, CX_E_NOT_FOUND, "store.find_enrollment", "the token is not known");
    }
    if (err != CX_OK) {
        query_drop(&q);
        return err;
    }
    err = query_end(&q, fail);
    if (err == CX_OK) {
        *out = found;
    }
    return err;
}

/* Nothing was marked: there is no such token, or it is used. */
static enum cx_err why_not_marked(struct store *s, const struct store_enrollment *e,
                                  struct cx_fail *fail)
{
    struct query q;
    bool is_there;
    enum cx_err err;

    query_start(&q, s, "SELECT 1 FROM enrollments WHERE token_sha256 = ?");
    query_put_blob(&q, slice_of(e->token_sha256, sizeof(e->token_sha256)));
    is_there = query_next(&q);
    err = query_end(&q, fail);
    if (err != CX_OK) {
        return err;
    }
    return is_there
               ? cx_fail_set(fail, CX_E_STATE, "store.use_enrollment", "the token was used already")
               : cx_fail_set(fail, CX_E_NOT_FOUND, "store.use_enrollment",
                             "the token is not known");
}

static enum cx_err mark_used(struct store *s, const struct store_enrollment *e,
                             struct cx_fail *fail)
{
    struct query q;
    enum cx_err err;

    query_start(&q, s,
                "UPDATE enrollments SET is_used = 1, spki_sha256 = ?, agent = ?, certificate = ?"
                " WHERE token_sha256 = ? AND is_used = 0");
    query_put_blob(&q, slice_of(e->spki_sha256, sizeof(e->spki_sha256)));
    query_put_id(&q, &e->agent);
    query_put_text(&q, e->certificate);
    query_put_blob(&q, slice_of(e->token_sha256, sizeof(e->token_sha256)));
    err = query_run(&q, fail);
    return err != CX_OK || store_has_changed(s) ? err : why_not_marked(s, e, fail);
}

enum cx_err store_use_enrollment(struct store *s, const struct store_enrollment *e,
                                 const struct store_agent *agent, struct cx_fail *fail)
{
    struct query q;
    enum cx_err err = store_begin_synced(s, fail);

    if (err != CX_OK) {
        return err;
    }
    err = mark_used(s, e, fail);
    if (err == CX_OK) {
        query_start(&q, s, STORE_INSERT_AGENT);
        store_put_agent_row(&q, agent);
        err = query_run(&q, fail);
    }
    return store_end_synced(s, err, fail);
}
