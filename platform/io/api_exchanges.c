#include "platform/io/api_exchange.h"

#include "common/io/clock.h"
#include "platform/core/audit_query.h"
#include "platform/core/instant.h"
#include "platform/core/moved_text.h"

#include <string.h>

/* The audit trail, and results that came after their callers had gone. */

enum { RESULT_POLL_MS = 1000 };

/* ---- the audit trail ---- */

/* null for the words of a row that has none (yet), and for 0. */
static json_t *word_json(const char *word)
{
    return word[0] != '\0' ? json_string(word) : json_null();
}

static json_t *instant_json(uint64_t unix_ms)
{
    char text[INSTANT_TEXT_BYTES];

    return unix_ms != 0 ? json_string(instant_text(unix_ms, text)) : json_null();
}

static json_t *number_json(bool has_it, uint64_t value)
{
    return has_it ? json_integer((json_int_t)value) : json_null();
}

static json_t *moved_json(const char *moved)
{
    json_t *rows = moved[0] != '\0' ? json_array() : json_null();
    struct slice rest = slice_of_str(moved);
    struct slice agent, stage;

    while (moved_text_cut(&rest, &agent, &stage)) {
        (void)json_array_append_new(rows, json_pack("{s:s%, s:s%}", "agent", agent.ptr, agent.len,
                                                    "stage", stage.ptr, stage.len));
    }
    return rows;
}

static void add_row(void *ctx, const struct store_exchange *e)
{
    json_t *rows = ctx;
    char id[CX_ID_TEXT_BYTES];
    char agent[CX_ID_TEXT_BYTES];
    bool has_ended = e->ended_ms != 0;
    uint64_t took_ms = e->ended_ms > e->began_ms ? e->ended_ms - e->began_ms : 0;
    json_t *row = json_pack(
        "{s:s, s:s, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id",
        id_text(&e->id, id), "profile", e->profile, "connector", word_json(e->connector), "agent",
        id_is_none(&e->agent) ? json_null() : json_string(id_text(&e->agent, agent)), "moved",
        moved_json(e->moved), "key", word_json(e->key), "purpose", terms_purpose(e->purpose),
        "outcome", word_json(terms_outcome(e->outcome)), "code", word_json(terms_verdict(e->code)),
        "execution", word_json(terms_execution(e->execution)), "stage",
        word_json(terms_stage(e->stage)), "status", number_json(e->status != 0, e->status),
        "began_at", instant_json(e->began_ms), "ended_at", instant_json(e->ended_ms), "duration_ms",
        number_json(has_ended, took_ms));

    (void)json_array_append_new(rows, row);
}

static void list(const struct api_request *r, const struct audit_query *asked)
{
    struct store_query query = {.profile = asked->profile[0] != '\0' ? asked->profile : NULL,
                                .outcome = asked->outcome,
                                .since_ms = asked->since_ms,
                                .after = asked->after,
                                .limit = asked->limit,
                                .each = add_row,
                                .ctx = json_array()};
    struct cx_id next = {{0}};
    struct cx_fail fail = {0};
    char text[CX_ID_TEXT_BYTES];

    store_flush(r->p->store); /* how they ended may be noted and not written yet */
    if (store_list_exchanges(r->p->store, &query, &next, &fail) != CX_OK) {
        json_decref(query.ctx);
        api_refuse_fail(r, &fail);
        return;
    }
    api_reply_json(r->call, 200,
                   json_pack("{s:o, s:o}", "exchanges", (json_t *)query.ctx, "next",
                             id_is_none(&next) ? json_null() : json_string(id_text(&next, text))));
}

void api_exchanges_list(struct api_request *r)
{
    struct audit_query asked;
    struct faults faults;

    faults_init(&faults);
    audit_query_read(r->http->args, r->http->nargs, &asked, &faults);
    if (faults_total(&faults) > 0) {
        api_refuse_faults(r, &faults);
    } else {
        list(r, &asked);
    }
    faults_done(&faults);
}

/* ---- late results ---- */

static void refuse_result(const struct api_request *r)
{
    api_refuse(r, 404, "not_found",
               "there is no result to be had: of no exchange that this key began, or it was"
               " delivered or claimed, or 15 minutes are over, or nothing was sent");
}

/* It runs, or may have been sent and its agent has not said yet what became of it. */
static bool may_come(const struct store_found *found, uint64_t now_ms)
{
    uint64_t last_ms = found->ended_ms > found->began_ms ? found->ended_ms : found->began_ms;

    return !found->has_result && found->execution != EXECUTION_NOT_SENT &&
           now_ms < last_ms + STORE_RESULT_MS;
}

static void reply_waiting(const struct api_request *r, const struct store_found *found)
{
    char id[CX_ID_TEXT_BYTES];

    api_reply_json(r->call, 202,
                   json_pack("{s:s, s:s, s:o, s:i, s:s}", "id", id_text(&found->id, id), "state",
                             "waiting", "began_at", instant_json(found->began_ms), "retry_after_ms",
                             RESULT_POLL_MS, "trace_id", r->trace_id));
}

static void reply_claim(const struct api_request *r, const struct store_found *found)
{
    struct store_claim claim;
    struct cx_fail fail = {0};
    enum cx_err err;

    buf_init(&claim.part, MSG_MESSAGE_BYTES_MAX);
    buf_init(&claim.key, STORE_NAME_BYTES);
    err = store_get_result(r->p->store, &found->id, clock_wall_ms(), &claim, &fail);
    if (err == CX_OK && api_reply_stored(r, found, buf_view(&claim.part))) {
        store_drop_result(r->p->store, &found->id);
        store_flush(r->p->store); /* before the answer is written: it is given once */
    } else if (err == CX_E_NOT_FOUND) {
        refuse_result(r);
    } else {
        api_refuse(r, 500, terms_verdict(VERDICT_PLATFORM_FAILED), "the result can't be read");
    }
    buf_done(&claim.part);
    buf_done(&claim.key);
}

void api_exchanges_result(struct api_request *r)
{
    struct store_found found;
    struct cx_fail fail = {0};
    struct cx_id id;
    enum cx_err err = id_parse(slice_of_str(r->words.items[0]), &id);

    store_flush(r->p->store); /* a result that was delivered just now is not given again */
    err = err == CX_OK ? store_find_exchange(r->p->store, &id, &found, &fail) : CX_E_NOT_FOUND;
    if (err != CX_OK && err != CX_E_NOT_FOUND) {
        api_refuse_fail(r, &fail);
    } else if (err != CX_OK || strcmp(found.key, r->key) != 0) {
        refuse_result(r); /* an admin too gets only what was asked for with the admin's own key */
    } else if (found.has_result) {
        reply_claim(r, &found);
    } else if (may_come(&found, clock_wall_ms())) {
        reply_waiting(r, &found);
    } else {
        refuse_result(r);
    }
}
