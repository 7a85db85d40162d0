/* Anything at all as one WebSocket message: cut, read, and what could be read put again. What is
 * put must read as the same type, and put once more give the same bytes. */

#include "common/core/wire.h"

#include <stdlib.h>

/* A message that is put again can be longer than it came: the client's method is always told, and
 * all eight timings. */
enum { AGAIN_MAX = MSG_MESSAGE_BYTES_MAX + 1024 };

static const char *unknown_word(const struct msg *m)
{
    switch (m->type) {
    case MSG_JOB:
        return m->body.job.unknown;
    case MSG_RESULT:
        return m->body.result.unknown;
    case MSG_HELLO:
    case MSG_WELCOME:
    case MSG_ACK:
    case MSG_CANCEL:
    case MSG_DRAIN:
    case MSG_RENEW:
    case MSG_RENEWED:
    case MSG_ERROR:
    case MSG_POLICY:
    case MSG_NONE:
    case MSG_TYPE_COUNT:
        break;
    }
    return NULL;
}

static void demand(bool is_so)
{
    if (!is_so) {
        abort();
    }
}

static void put_again(const struct msg *m)
{
    struct buf once;
    struct buf twice;
    struct slice rest;
    struct slice message;
    struct msg read;
    enum cx_err err;

    buf_init(&once, AGAIN_MAX);
    buf_init(&twice, AGAIN_MAX);
    err = wire_put(m, AGAIN_MAX, &once, NULL);
    demand(err == CX_OK || (err == CX_E_UNKNOWN && unknown_word(m) != NULL));
    if (err == CX_OK) {
        rest = buf_view(&once);
        demand(wire_cut(&rest, AGAIN_MAX, &message, NULL) == CX_OK && rest.len == 0);
        demand(wire_get(message, &read, NULL) == CX_OK);
        demand(read.type == m->type);
        demand(wire_put(&read, AGAIN_MAX, &twice, NULL) == CX_OK);
        demand(slice_eq(buf_view(&once), buf_view(&twice)));
        wire_done(&read);
    }
    buf_done(&once);
    buf_done(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size); /* libFuzzer calls it */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = slice_of(data, size);
    struct slice message;
    struct cx_fail fail;
    struct msg m;

    while (rest.len > 0 && wire_cut(&rest, MSG_MESSAGE_BYTES_MAX, &message, &fail) == CX_OK) {
        if (wire_get(message, &m, &fail) != CX_OK) {
            continue;
        }
        if (m.type != MSG_NONE) {
            put_again(&m);
        }
        wire_done(&m);
    }
    return 0;
}
