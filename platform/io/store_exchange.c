#include "platform/io/store_sqlite.h"

#include <string.h>

/* Writing a group: the hot path. */

/* The next of a note's strings; `*at` goes past it. */
static const char *next_text(const struct note_group *g, size_t *at)
{
    const char *text = (const char *)g->bytes.ptr + *at;

    *at += strlen(text) + 1;
    return text;
}

static const char *text_or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

/* How it ended: six parameters. */
static void put_end(struct query *q, const struct store_exchange *e)
{
    query_put_text(q, terms_outcome(e->outcome));
    query_put_text(q, terms_verdict(e->code));
    query_put_text(q, terms_execution(e->execution));
    query_put_text(q, terms_stage(e->stage));
    query_put_u64(q, e->status);
    query_put_u64(q, e->ended_ms);
}

/* What it is found by when it is repeated: two parameters. */
static void put_repeat(struct query *q, const struct store *s, const struct note *note)
{
    const struct store_exchange *e = &note->of.exchange;

    if (!e->is_keyed) {
        query_put_text(q, NULL);
        query_put_text(q, NULL);
        return;
    }
    query_put_blob(q, slice_of(e->repeat_sha256, sizeof(e->repeat_sha256)));
    query_put_blob(q, slice_of(s->written.bytes.ptr + note->part_at, note->part_bytes));
}

static enum cx_err write_exchange(struct store *s, const struct note *note, struct cx_fail *fail)
{
    const struct store_exchange *e = &note->of.exchange;
    size_t at = note->text_at;
    struct query q;

    query_start_kept(&q, s, KEPT_PUT_EXCHANGE);
    query_put_id(&q, &e->id);
    query_put_text(&q, next_text(&s->written, &at)); /* profile */
    query_put_text(&q, next_text(&s->written, &at)); /* connector */
    query_put_text(&q, next_text(&s->written, &at)); /* key */
    query_put_text(&q, next_text(&s->written, &at)); /* subject */
    query_put_text(&q, terms_purpose(e->purpose));
    query_put_id(&q, &e->agent);
    query_put_u64(&q, e->began_ms);
    put_end(&q, e);
    put_repeat(&q, s, note);
    query_put_text(&q, text_or_null(next_text(&s->written, &at))); /* moved */
    query_put_text(&q, text_or_null(next_text(&s->written, &at))); /* hold */
    return query_run(&q, fail);
}

/* End the exchange by this result, unless it is another agent's or has ended by one: the usual way,
 * in one statement. `seq` is where its part will be kept; 0: nowhere. */
static enum cx_err end_exchange(struct store *s, const struct note *note, uint64_t seq,
                                struct cx_fail *fail)
{
    struct query q;

    query_start_kept(&q, s, KEPT_END_EXCHANGE);
    put_end(&q, &note->of.exchange);
    query_put_u64(&q, seq);
    query_put_id(&q, &note->of.exchange.id);
    query_put_id(&q, &note->of.exchange.agent);
    return query_run(&q, fail);
}

static enum cx_err keep_part(struct store *s, const struct note *note, uint64_t seq,
                             struct cx_fail *fail)
{
    struct query q;

    query_start_kept(&q, s, KEPT_KEEP_RESULT);
    query_put_u64(&q, seq);
    query_put_id(&q, &note->of.exchange.id);
    query_put_u64(&q, note->of.exchange.ended_ms);
    query_put_blob(&q, slice_of(s->written.bytes.ptr + note->part_at, note->part_bytes));
    return query_run(&q, fail);
}

/* Leave a trace of a job that nobody knows. */
static enum cx_err add_stray(struct store *s, struct note *note, struct cx_fail *fail)
{
    size_t at = note->text_at;
    struct query q;
    enum cx_err err;

    query_start_kept(&q, s, KEPT_ADD_STRAY);
    query_put_id(&q, &note->of.exchange.id);
    query_put_text(&q, next_text(&s->written, &at));
    query_put_id(&q, &note->of.exchange.agent);
    put_end(&q, &note->of.exchange);
    err = query_run(&q, fail);
    if (err == CX_OK) {
        note->result = store_has_changed(s) ? STORE_RESULT_UNKNOWN_JOB : STORE_RESULT_AGAIN;
    }
    return err;
}

/* It ended no exchange: say why. */
static enum cx_err judge_result(struct store *s, struct note *note, struct cx_fail *fail)
{
    struct query q;
    struct cx_id agent = {{0}};
    bool is_known;
    enum cx_err err;

    query_start_kept(&q, s, KEPT_FIND_EXCHANGE);
    query_put_id(&q, &note->of.exchange.id);
    is_known = query_next(&q);
    if (is_known) {
        agent = query_id(&q, 0);
    }
    err = query_end(&q, fail);
    if (err != CX_OK) {
        return err;
    }
    if (!is_known) {
        return add_stray(s, note, fail);
    }
    note->result =
        id_eq(&agent, &note->of.exchange.agent) ? STORE_RESULT_AGAIN : STORE_RESULT_FOREIGN;
    return CX_OK;
}

static enum cx_err write_result(struct store *s, struct note *note, struct cx_fail *fail)
{
    uint64_t seq = note->part_bytes > 0 ? s->next_result : 0;
    enum cx_err err = end_exchange(s, note, seq, fail);

    if (err != CX_OK) {
        return err;
    }
    if (!store_has_changed(s)) {
        return judge_result(s, note, fail);
    }
    note->result = STORE_RESULT_NEW;
    if (seq == 0) {
        return CX_OK;
    }
    s->next_result++; /* numbers of a group that fails are not used again */
    return keep_part(s, note, seq, fail);
}

static enum cx_err write_drop_as(struct store *s, enum store_kept which, const struct cx_id *id,
                                 struct cx_fail *fail)
{
    struct query q;

    query_start_kept(&q, s, which);
    query_put_id(&q, id);
    query_put_id(&q, id);
    return query_run(&q, fail);
}

static enum cx_err write_drop(struct store *s, const struct note *note, struct cx_fail *fail)
{
    const struct cx_id *id = &note->of.exchange.id;
    enum cx_err err = write_drop_as(s, KEPT_DROP_RESULT, id, fail);

    return err == CX_OK && !store_has_changed(s) /* a keyed one, or there is none */
               ? write_drop_as(s, KEPT_DELIVER_RESULT, id, fail)
               : err;
}

static enum cx_err write_agent(struct store *s, const struct note *note, struct cx_fail *fail)
{
    const struct store_agent *a = &note->of.agent;
    size_t at = note->text_at;
    struct query q;

    query_start_kept(&q, s, KEPT_SEE_AGENT);
    query_put_u64(&q, a->last_seen_ms);
    query_put_id(&q, &a->ledger);
    query_put_u64(&q, a->ledger_seq);
    query_put_text(&q, next_text(&s->written, &at)); /* version */
    query_put_text(&q, next_text(&s->written, &at)); /* host */
    query_put_id(&q, &a->id);
    return query_run(&q, fail);
}

static enum cx_err write_note(struct store *s, struct note *note, struct cx_fail *fail)
{
    switch (note->kind) {
    case NOTE_EXCHANGE:
        return write_exchange(s, note, fail);
    case NOTE_RESULT:
        return write_result(s, note, fail);
    case NOTE_DROP:
        return write_drop(s, note, fail);
    case NOTE_AGENT:
        return write_agent(s, note, fail);
    }
    return CX_OK;
}

static enum cx_err write_group(struct store *s, struct cx_fail *fail)
{
    enum cx_err err = store_begin(s, fail);

    if (err != CX_OK) {
        return err;
    }
    for (size_t i = 0; i < s->written.count && err == CX_OK; i++) {
        if (s->written.notes[i].err == CX_OK) {
            err = write_note(s, &s->written.notes[i], fail);
        }
    }
    return store_end(s, err, fail);
}

/* Copies first: a `done` may note more, but never touches the group that is being answered. */
static void answer_group(struct store *s, bool is_written)
{
    for (size_t i = 0; i < s->written.count; i++) {
        const struct note *note = &s->written.notes[i];
        enum cx_err err = is_written ? note->err : CX_E_STORE;

        if (note->kind == NOTE_EXCHANGE && note->done.exchange != NULL) {
            note->done.exchange(note->ctx, err);
        } else if (note->kind == NOTE_RESULT && note->done.result != NULL) {
            note->done.result(note->ctx, note->result, err);
        }
    }
}

/* A merge that fails loses nothing, but the log grows until it succeeds. */
void store_note_trouble(struct store *s, const struct cx_fail *fail)
{
    int rc = store_checkpoint_rc(s->checkpoint);

    s->trouble = *fail;
    if (fail->code == CX_OK && rc != SQLITE_OK) {
        cx_fail_set(&s->trouble, CX_E_STORE, "store.merge",
                    "the write-ahead log can't be merged into the store: %s", sqlite3_errstr(rc));
    }
}

void store_flush(struct store *s)
{
    struct cx_fail fail = {.code = CX_OK};
    struct note_group group;
    enum cx_err err;

    if (s->is_flushing || !store_is_dirty(s)) {
        return;
    }
    s->is_flushing = true;
    group = s->noted;
    s->noted = s->written; /* empty, with the memory of the group before */
    s->written = group;
    err = write_group(s, &fail);
    store_note_trouble(s, &fail);
    answer_group(s, err == CX_OK);
    note_group_clear(&s->written);
    s->is_flushing = false;
}
