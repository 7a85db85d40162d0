#include "agent/core/ledger_replay.h"

#include "agent/core/ledger_bytes.h"
#include "agent/core/ledger_record.h"

#include <stdlib.h>
#include <string.h>

enum { BUCKET_BITS = 12 };

enum cx_err ledger_replay_init(struct ledger_replay *r)
{
    *r = (struct ledger_replay){0};
    r->buckets = calloc((size_t)1 << BUCKET_BITS, sizeof(struct ledger_held *));
    return r->buckets != NULL ? CX_OK : CX_E_NOMEM;
}

static struct ledger_held **bucket_of(const struct ledger_replay *r, const struct cx_id *id)
{
    return &r->buckets[id_hash(id) >> (64 - BUCKET_BITS)];
}

struct ledger_held *ledger_replay_first(const struct ledger_replay *r)
{
    return (struct ledger_held *)(void *)r->live.oldest; /* it is the first member */
}

static struct ledger_held *find(const struct ledger_replay *r, const struct cx_id *id)
{
    struct ledger_held *held = *bucket_of(r, id);

    while (held != NULL && !id_eq(&held->slot.id, id)) {
        held = held->next;
    }
    return held;
}

static struct ledger_held *begin(struct ledger_replay *r, const struct ledger_record *record)
{
    struct ledger_held *held = find(r, &record->id);
    struct ledger_held **bucket = bucket_of(r, &record->id);

    if (held != NULL || (held = calloc(1, sizeof(*held))) == NULL) {
        return held;
    }
    buf_init(&held->result, LEDGER_RESULT_BYTES_MAX);
    ledger_live_begin(&r->live, &held->slot, &record->id, record->is_refresh);
    held->next = *bucket;
    *bucket = held;
    return held;
}

static enum cx_err finish(struct ledger_replay *r, const struct ledger_record *record)
{
    struct ledger_held *held = begin(r, record);
    struct buf result;

    if (held == NULL) {
        return CX_E_NOMEM;
    }
    buf_init(&result, LEDGER_RESULT_BYTES_MAX);
    if (buf_put(&result, record->result) != CX_OK) {
        return CX_E_NOMEM;
    }
    buf_take(&held->result, &result);
    ledger_live_finish(&r->live, &held->slot, buf_view(&held->result));
    return CX_OK;
}

static void forget(struct ledger_replay *r, const struct cx_id *id)
{
    struct ledger_held **link = bucket_of(r, id);
    struct ledger_held *held = find(r, id);

    if (held == NULL) {
        return;
    }
    while (*link != held) {
        link = &(*link)->next;
    }
    *link = held->next;
    ledger_live_forget(&r->live, &held->slot);
    buf_done(&held->result);
    free(held);
}

static void open_it(struct ledger_replay *r, const struct ledger_record *record)
{
    r->id = record->id;
    r->boot = record->boot;
    r->is_always = record->is_always;
    memset(r->owner, 0, sizeof(r->owner));
    memcpy(r->owner, record->owner.ptr, record->owner.len);
}

static enum cx_err apply(struct ledger_replay *r, const struct ledger_record *record)
{
    r->is_closed = record->kind == LEDGER_CLOSED;
    switch (record->kind) {
    case LEDGER_OPENED:
        open_it(r, record);
        break;
    case LEDGER_BEGUN:
        return begin(r, record) != NULL ? CX_OK : CX_E_NOMEM;
    case LEDGER_FINISHED:
        return finish(r, record);
    case LEDGER_FORGOT:
        forget(r, &record->id);
        break;
    case LEDGER_CLOSED:
        break;
    }
    return CX_OK;
}

enum cx_err ledger_replay_frame(struct ledger_replay *r, struct slice records)
{
    struct slice rest = slice_from(records, LEDGER_SEQ_BYTES);
    enum cx_err err = CX_OK;
    uint64_t seq;

    if (records.len < LEDGER_SEQ_BYTES) {
        return CX_E_SYNTAX;
    }
    seq = ledger_get_u64(records.ptr);
    r->seq = seq > r->seq ? seq : r->seq;
    while (err == CX_OK && rest.len > 0) {
        struct ledger_record record;

        err = ledger_record_cut(&rest, &record);
        if (err == CX_OK) {
            err = apply(r, &record);
        }
    }
    return err;
}

void ledger_replay_done(struct ledger_replay *r)
{
    struct ledger_held *held;

    while ((held = ledger_replay_first(r)) != NULL) {
        ledger_live_forget(&r->live, &held->slot);
        buf_done(&held->result);
        free(held);
    }
    free(r->buckets);
    *r = (struct ledger_replay){0};
}

enum ledger_trust ledger_replay_trust(const struct ledger_replay *r, bool is_broken,
                                      const struct cx_id *boot, const char *owner)
{
    bool is_known = r->owner[0] != '\0'; /* else the frame that says it can't be read */

    if (is_known && r->live.jobs > 0 && strcmp(r->owner, owner) != 0) {
        return LEDGER_TRUST_OTHERS;
    }
    if (is_broken || id_is_none(&r->id)) {
        return LEDGER_TRUST_BROKEN;
    }
    if (r->is_closed || r->is_always || id_eq(&r->boot, boot)) {
        return LEDGER_TRUST_SAME;
    }
    return LEDGER_TRUST_REBOOT;
}
