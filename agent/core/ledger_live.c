#include "agent/core/ledger_live.h"

#include "agent/core/ledger_record.h"

/* What a job may need besides its result: its three records, each in a frame of its own. */
enum { JOB_EXTRA_BYTES = 256 };

void ledger_live_begin(struct ledger_live *live, struct ledger_slot *slot, const struct cx_id *id,
                       bool is_refresh)
{
    *slot = (struct ledger_slot){
        .id = *id, .is_refresh = is_refresh, .is_in = true, .older = live->newest};
    *(live->newest != NULL ? &live->newest->newer : &live->oldest) = slot;
    live->newest = slot;
    live->jobs++;
    live->begun++;
    live->refreshes += is_refresh ? 1 : 0;
    live->bytes += LEDGER_BEGUN_BYTES;
}

/* Its finished record no longer counts. */
static void unfinish(struct ledger_live *live, struct ledger_slot *slot)
{
    if (!slice_is_absent(slot->result)) {
        live->bytes -= LEDGER_FINISHED_BYTES + slot->result.len;
        slot->result = (struct slice){0};
        live->begun++;
    }
}

void ledger_live_finish(struct ledger_live *live, struct ledger_slot *slot, struct slice result)
{
    unfinish(live, slot);
    slot->result = slice_is_absent(result) ? SLICE_LIT("") : result;
    live->bytes += LEDGER_FINISHED_BYTES + result.len;
    live->begun--;
}

void ledger_live_forget(struct ledger_live *live, struct ledger_slot *slot)
{
    unfinish(live, slot);
    *(slot->older != NULL ? &slot->older->newer : &live->oldest) = slot->newer;
    *(slot->newer != NULL ? &slot->newer->older : &live->newest) = slot->older;
    live->jobs--;
    live->begun--;
    live->refreshes -= slot->is_refresh ? 1 : 0;
    live->bytes -= LEDGER_BEGUN_BYTES;
    *slot = (struct ledger_slot){0};
}

void ledger_live_move(struct ledger_live *live, struct ledger_slot *from, struct ledger_slot *to)
{
    *to = *from;
    *(to->older != NULL ? &to->older->newer : &live->oldest) = to;
    *(to->newer != NULL ? &to->newer->older : &live->newest) = to;
    *from = (struct ledger_slot){0};
}

bool ledger_live_is_outweighed(const struct ledger_live *live, uint64_t file_bytes)
{
    uint64_t garbage = file_bytes > live->bytes ? file_bytes - live->bytes : 0;

    return garbage > LEDGER_GARBAGE_BYTES && garbage > live->bytes;
}

uint64_t ledger_live_reserve(const struct ledger_live *live, uint64_t at, size_t more,
                             size_t result_bytes)
{
    return at + (uint64_t)(live->begun + more) * (result_bytes + JOB_EXTRA_BYTES);
}
