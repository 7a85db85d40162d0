#include "agent/core/ledger_frame.h"

#include "agent/core/ledger_bytes.h"

#include <string.h>

enum { CHECK_AT = 12, KEY_CHECK_AT = 16, SALT_AT = 32, HEAD_CHECK_AT = 4, HEAD_NUMBER_AT = 8 };

static const uint8_t magic[8] = {'C', 'X', 'L', 'E', 'D', 'G', 'R', '\n'};

/* FNV-1a, 32 bits: it finds accidents; against intent there are the tags. */
static uint32_t check_add(uint32_t check, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        check = (check ^ bytes[i]) * 16777619U;
    }
    return check;
}

/* Of all bytes but the four that hold the check itself. Never 0, so that zeros are no head. */
static uint32_t check_of(const uint8_t *bytes, size_t n, size_t check_at)
{
    uint32_t check = check_add(2166136261U, bytes, check_at);

    check = check_add(check, bytes + check_at + 4, n - check_at - 4);
    return check == 0 ? 1 : check;
}

void ledger_header_write(const struct ledger_header *h, uint8_t out[LEDGER_HEADER_BYTES])
{
    memcpy(out, magic, sizeof(magic));
    ledger_put_u32(out + sizeof(magic), h->version);
    memcpy(out + KEY_CHECK_AT, h->key_check, LEDGER_KEY_CHECK_BYTES);
    memcpy(out + SALT_AT, h->salt, LEDGER_SALT_BYTES);
    ledger_put_u32(out + CHECK_AT, check_of(out, LEDGER_HEADER_BYTES, CHECK_AT));
}

enum cx_err ledger_header_read(struct slice bytes, struct ledger_header *out)
{
    if (bytes.len < LEDGER_HEADER_BYTES || memcmp(bytes.ptr, magic, sizeof(magic)) != 0 ||
        ledger_get_u32(bytes.ptr + CHECK_AT) !=
            check_of(bytes.ptr, LEDGER_HEADER_BYTES, CHECK_AT)) {
        return CX_E_SYNTAX;
    }
    out->version = ledger_get_u32(bytes.ptr + sizeof(magic));
    memcpy(out->key_check, bytes.ptr + KEY_CHECK_AT, LEDGER_KEY_CHECK_BYTES);
    memcpy(out->salt, bytes.ptr + SALT_AT, LEDGER_SALT_BYTES);
    return out->version == LEDGER_VERSION ? CX_OK : CX_E_UNSUPPORTED;
}

void ledger_head_write(const struct ledger_head *h, uint8_t out[LEDGER_HEAD_BYTES])
{
    ledger_put_u32(out, h->records_bytes);
    ledger_put_u64(out + HEAD_NUMBER_AT, h->number);
    ledger_put_u32(out + HEAD_CHECK_AT, check_of(out, LEDGER_HEAD_BYTES, HEAD_CHECK_AT));
}

enum cx_err ledger_head_read(struct slice bytes, struct ledger_head *out)
{
    uint32_t records;

    if (bytes.len < LEDGER_HEAD_BYTES ||
        ledger_get_u32(bytes.ptr + HEAD_CHECK_AT) !=
            check_of(bytes.ptr, LEDGER_HEAD_BYTES, HEAD_CHECK_AT)) {
        return CX_E_SYNTAX;
    }
    records = ledger_get_u32(bytes.ptr);
    if (records == 0 || records > LEDGER_FRAME_RECORDS_MAX) {
        return CX_E_SYNTAX;
    }
    out->records_bytes = records;
    out->number = ledger_get_u64(bytes.ptr + HEAD_NUMBER_AT);
    return CX_OK;
}

size_t ledger_frame_end_bytes(size_t records_bytes)
{
    return LEDGER_ALIGN_BYTES -
           (LEDGER_HEAD_BYTES + records_bytes + LEDGER_TAG_BYTES) % LEDGER_ALIGN_BYTES;
}

size_t ledger_frame_bytes(size_t records_bytes)
{
    return LEDGER_HEAD_BYTES + records_bytes + LEDGER_TAG_BYTES +
           ledger_frame_end_bytes(records_bytes);
}
