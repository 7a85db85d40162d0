/* Anything at all as what stands in a ledger's frames (two bytes with its length begin each), as
 * its header and as a frame's head. What lives in the end adds up, and written anew it is the same.
 */
#include "agent/core/ledger_frame.h"
#include "agent/core/ledger_record.h"
#include "agent/core/ledger_replay.h"

#include <stdlib.h>
#include <string.h>

enum { FRAME_MAX = 16 * 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool is_so)
{
    if (!is_so) {
        abort();
    }
}

static void add_up(const struct ledger_live *live)
{
    uint64_t bytes = 0;
    size_t jobs = 0, begun = 0, refreshes = 0;

    for (const struct ledger_slot *s = live->oldest; s != NULL; s = s->newer) {
        struct ledger_record one = {.kind = LEDGER_BEGUN};
        struct ledger_record other = {.kind = LEDGER_FINISHED, .result = s->result};
        bool is_finished = !slice_is_absent(s->result);

        demand(s->newer != NULL ? s->newer->older == s : live->newest == s);
        bytes += ledger_record_bytes(&one) + (is_finished ? ledger_record_bytes(&other) : 0);
        jobs++;
        begun += is_finished ? 0 : 1;
        refreshes += s->is_refresh ? 1 : 0;
    }
    demand(live->jobs == jobs && live->begun == begun && live->refreshes == refreshes);
    demand(live->bytes == bytes);
}

/* As a snapshot is written. */
static void write_anew(const struct ledger_live *live, struct buf *out)
{
    static const uint8_t number[8];

    demand(buf_put(out, slice_of(number, sizeof(number))) == CX_OK);
    for (const struct ledger_slot *s = live->oldest; s != NULL; s = s->newer) {
        struct ledger_record begun = {
            .kind = LEDGER_BEGUN, .id = s->id, .is_refresh = s->is_refresh};
        struct ledger_record finished = {.kind = LEDGER_FINISHED, .id = s->id, .result = s->result};

        demand(ledger_record_put(&begun, out) == CX_OK);
        demand(slice_is_absent(s->result) || ledger_record_put(&finished, out) == CX_OK);
    }
}

static void same(const struct ledger_live *a, const struct ledger_live *b)
{
    const struct ledger_slot *x = a->oldest;
    const struct ledger_slot *y = b->oldest;

    for (; x != NULL && y != NULL; x = x->newer, y = y->newer) {
        demand(id_eq(&x->id, &y->id) && x->is_refresh == y->is_refresh);
        demand(slice_eq(x->result, y->result));
        demand(slice_is_absent(x->result) == slice_is_absent(y->result));
    }
    demand(x == NULL && y == NULL);
}

static void replay(struct slice frames)
{
    struct ledger_replay r, again;
    struct buf anew;

    demand(ledger_replay_init(&r) == CX_OK && ledger_replay_init(&again) == CX_OK);
    while (frames.len >= 2) {
        size_t len = (size_t)frames.ptr[0] << 8 | frames.ptr[1];
        enum cx_err err = ledger_replay_frame(&r, slice_first(slice_from(frames, 2), len));

        demand(err == CX_OK || err == CX_E_SYNTAX);
        frames = slice_from(frames, len + 2);
        add_up(&r.live);
    }
    buf_init(&anew, FRAME_MAX);
    write_anew(&r.live, &anew);
    demand(ledger_replay_frame(&again, buf_view(&anew)) == CX_OK);
    same(&r.live, &again.live);
    (void)ledger_replay_trust(&r, false, &r.boot, "agent");
    buf_done(&anew);
    ledger_replay_done(&r);
    ledger_replay_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice all = slice_of(data, size);
    struct ledger_header header;
    struct ledger_head head;
    uint8_t bytes[LEDGER_HEADER_BYTES];

    if (ledger_header_read(all, &header) == CX_OK) {
        ledger_header_write(&header, bytes);
        demand(memcmp(bytes, data, sizeof(bytes)) == 0);
    }
    if (ledger_head_read(all, &head) == CX_OK) {
        ledger_head_write(&head, bytes);
        demand(memcmp(bytes, data, LEDGER_HEAD_BYTES) == 0);
        demand(ledger_frame_bytes(head.records_bytes) % LEDGER_ALIGN_BYTES == 0);
    }
    replay(all);
    return 0;
}
