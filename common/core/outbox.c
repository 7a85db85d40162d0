#include "common/core/outbox.h"

#include "common/core/pool.h"

#include <string.h>

struct outbox_message {
    struct outbox_message *next;
    uint64_t tag;
    size_t len;
    uint8_t bytes[];
};

void outbox_init(struct outbox *outbox, size_t bytes_max)
{
    *outbox = (struct outbox){.bytes_max = bytes_max};
}

void outbox_done(struct outbox *outbox)
{
    while (!outbox_is_empty(outbox)) {
        (void)outbox_drop(outbox);
    }
}

enum cx_err outbox_put(struct outbox *outbox, struct slice message, uint64_t tag)
{
    size_t left = outbox->bytes_max - outbox->bytes;
    struct outbox_message *m;

    if (left < OUTBOX_MESSAGE_COST || message.len > left - OUTBOX_MESSAGE_COST) {
        return CX_E_FULL;
    }
    m = pool_take(sizeof(*m) + message.len);
    if (m == NULL) {
        return CX_E_NOMEM;
    }
    m->next = NULL;
    m->tag = tag;
    m->len = message.len;
    if (message.len != 0) {
        memcpy(m->bytes, message.ptr, message.len);
    }
    if (outbox->last != NULL) {
        outbox->last->next = m;
    } else {
        outbox->first = m;
    }
    outbox->last = m;
    outbox->bytes += OUTBOX_MESSAGE_COST + m->len;
    outbox->messages++;
    return CX_OK;
}

bool outbox_is_empty(const struct outbox *outbox)
{
    return outbox->first == NULL;
}

size_t outbox_first_len(const struct outbox *outbox)
{
    return outbox->first != NULL ? outbox->first->len : 0;
}

enum cx_err outbox_pack(const struct outbox *outbox, size_t pack_bytes, struct buf *out,
                        size_t *count)
{
    const struct outbox_message *m;
    size_t total = 0;
    size_t n = 0;
    uint8_t *at;
    enum cx_err err;

    for (m = outbox->first; m != NULL; m = m->next) {
        if (n != 0 && (total > pack_bytes || m->len > pack_bytes - total)) {
            break;
        }
        total += m->len;
        n++;
    }
    err = buf_reserve(out, total, &at);
    if (err != CX_OK) {
        return err;
    }
    m = outbox->first;
    for (size_t i = 0; i < n; i++, m = m->next) {
        memcpy(at, m->bytes, m->len);
        at += m->len;
    }
    buf_grew(out, total);
    *count = n;
    return CX_OK;
}

uint64_t outbox_drop(struct outbox *outbox)
{
    struct outbox_message *m = outbox->first;
    uint64_t tag = m->tag;

    outbox->first = m->next;
    if (outbox->first == NULL) {
        outbox->last = NULL;
    }
    outbox->bytes -= OUTBOX_MESSAGE_COST + m->len;
    outbox->messages--;
    pool_give(m); /* wipes it */
    return tag;
}
