#include "agent/core/ledger_record.h"

#include "agent/core/ledger_bytes.h"

#include <string.h>

enum { JOB_BYTES = 1 + CX_ID_BYTES, OPENED_BYTES = JOB_BYTES + CX_ID_BYTES + 2 };

size_t ledger_record_bytes(const struct ledger_record *r)
{
    switch (r->kind) {
    case LEDGER_OPENED:
        return OPENED_BYTES + r->owner.len;
    case LEDGER_BEGUN:
        return LEDGER_BEGUN_BYTES;
    case LEDGER_FINISHED:
        return LEDGER_FINISHED_BYTES + r->result.len;
    case LEDGER_FORGOT:
        return JOB_BYTES;
    case LEDGER_CLOSED:
        return 1;
    }
    return 0;
}

enum cx_err ledger_record_put(const struct ledger_record *r, struct buf *out)
{
    size_t bytes = ledger_record_bytes(r);
    uint8_t *at;
    enum cx_err err = buf_reserve(out, bytes, &at);

    if (err != CX_OK) {
        return err;
    }
    at[0] = (uint8_t)r->kind;
    if (r->kind != LEDGER_CLOSED) {
        memcpy(at + 1, r->id.bytes, CX_ID_BYTES);
    }
    if (r->kind == LEDGER_OPENED) {
        memcpy(at + JOB_BYTES, r->boot.bytes, CX_ID_BYTES);
        at[OPENED_BYTES - 2] = r->is_always ? 1 : 0;
        at[OPENED_BYTES - 1] = (uint8_t)r->owner.len;
        memcpy(at + OPENED_BYTES, r->owner.ptr, r->owner.len);
    } else if (r->kind == LEDGER_BEGUN) {
        at[JOB_BYTES] = r->is_refresh ? 1 : 0;
    } else if (r->kind == LEDGER_FINISHED) {
        ledger_put_u32(at + JOB_BYTES, (uint32_t)r->result.len);
        if (r->result.len > 0) {
            memcpy(at + LEDGER_FINISHED_BYTES, r->result.ptr, r->result.len);
        }
    }
    buf_grew(out, bytes);
    return CX_OK;
}

/* The length of the record that `s` begins with; 0 if it is none, or cut. */
static size_t whole_bytes(struct slice s)
{
    size_t bytes;

    switch (s.len > 0 ? s.ptr[0] : 0) {
    case LEDGER_OPENED:
        bytes = s.len < OPENED_BYTES ? 0 : (size_t)OPENED_BYTES + s.ptr[OPENED_BYTES - 1];
        break;
    case LEDGER_BEGUN:
        bytes = LEDGER_BEGUN_BYTES;
        break;
    case LEDGER_FINISHED:
        bytes = s.len < LEDGER_FINISHED_BYTES
                    ? 0
                    : LEDGER_FINISHED_BYTES + (size_t)ledger_get_u32(s.ptr + JOB_BYTES);
        break;
    case LEDGER_FORGOT:
        bytes = JOB_BYTES;
        break;
    case LEDGER_CLOSED:
        bytes = 1;
        break;
    default:
        bytes = 0;
        break;
    }
    return bytes <= s.len ? bytes : 0;
}

enum cx_err ledger_record_cut(struct slice *rest, struct ledger_record *out)
{
    size_t bytes = whole_bytes(*rest);
    struct slice s = slice_first(*rest, bytes);

    if (bytes == 0) {
        return CX_E_SYNTAX;
    }
    *out = (struct ledger_record){.kind = (enum ledger_kind)s.ptr[0]};
    if (out->kind != LEDGER_CLOSED) {
        memcpy(out->id.bytes, s.ptr + 1, CX_ID_BYTES);
    }
    if (out->kind == LEDGER_OPENED) {
        memcpy(out->boot.bytes, s.ptr + JOB_BYTES, CX_ID_BYTES);
        out->is_always = s.ptr[OPENED_BYTES - 2] != 0;
        out->owner = slice_from(s, OPENED_BYTES);
    } else if (out->kind == LEDGER_BEGUN) {
        out->is_refresh = s.ptr[JOB_BYTES] != 0;
    } else if (out->kind == LEDGER_FINISHED) {
        out->result = slice_from(s, LEDGER_FINISHED_BYTES);
    }
    if (out->owner.len > LEDGER_OWNER_BYTES_MAX || out->result.len > LEDGER_RESULT_BYTES_MAX) {
        return CX_E_SYNTAX;
    }
    *rest = slice_from(*rest, bytes);
    return CX_OK;
}
