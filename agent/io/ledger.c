#include "agent/io/ledger_private.h"

#include "agent/core/ledger_bytes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    GROUP_FLUSH_BYTES = 512 * 1024,     /* a group is written when it has so many */
    GROUP_KEEP_BYTES = 2 * 1024 * 1024, /* and can't have more than that while it has to wait */
    STUCK_BYTES = 16 * LEDGER_GARBAGE_BYTES,
    FORGET_FLUSH_BYTES = 4096,
    FORGET_MS = 1000,
    RETRY_MS = 1000,
    WORTH_ROTATING_BYTES = 1024 * 1024, /* of garbage, when there is no space */
};

/* ---- state ---- */

static const char *remedy(int number)
{
    switch (number) {
    case ENOSPC:
        return "the disk is full: make room on it";
    case EDQUOT:
        return "the disk quota is used up: raise it";
    case EFBIG:
        return "the file may not grow: raise the process's limit of file sizes";
    case ETIMEDOUT:
        return "the disk does not answer";
    default:
        return strerror(number);
    }
}

static void on_retry(void *arg)
{
    struct ledger *l = arg;
    uint64_t garbage = l->file.at > l->live.bytes ? l->file.at - l->live.bytes : 0;
    int number;

    if (l->work != NULL) {
        return;
    }
    if (l->told.state == LEDGER_FULL && garbage < WORTH_ROTATING_BYTES) {
        number = ledger_file_reserve(
            &l->file, ledger_live_reserve(&l->live, l->file.at + l->group.len, 1, l->result_bytes));
        if (number == 0) {
            ledger_recovered(l);
        }
        return;
    }
    number = ledger_rotate(l, true);
    if (number != 0) {
        ledger_trouble(l, l->told.state, number);
    }
}

static void tell(struct ledger *l)
{
    l->must_tell = true;
    loop_defer(l->loop, &l->hook);
}

void ledger_trouble(struct ledger *l, enum ledger_state state, int number)
{
    (void)snprintf(l->why, sizeof(l->why), "%s: %s", l->folder.path, remedy(number));
    if (state == LEDGER_FAILING) {
        buf_clear(&l->group); /* what lives will be written anew */
        l->is_group_urgent = false;
    }
    if (l->told.state == state) {
        return;
    }
    l->told.state = state;
    loop_timer_every(l->loop, &l->retry_timer, RETRY_MS, on_retry, l);
    tell(l);
}

void ledger_recovered(struct ledger *l)
{
    if (l->told.state != LEDGER_OK) {
        l->told.state = LEDGER_OK;
        l->why[0] = '\0';
        loop_timer_stop(&l->retry_timer);
    }
    tell(l);
}

/* ---- noting ---- */

struct ledger_record ledger_opened(const struct ledger *l)
{
    return (struct ledger_record){.kind = LEDGER_OPENED,
                                  .id = l->id,
                                  .boot = l->boot,
                                  .is_always = l->is_always,
                                  .owner = slice_of_str(l->owner)};
}

enum cx_err ledger_group_begin(struct buf *group)
{
    uint8_t *at;
    enum cx_err err = buf_reserve(group, LEDGER_HEAD_BYTES + LEDGER_SEQ_BYTES, &at);

    if (err == CX_OK) {
        memset(at, 0, LEDGER_HEAD_BYTES + LEDGER_SEQ_BYTES);
        buf_grew(group, LEDGER_HEAD_BYTES + LEDGER_SEQ_BYTES);
    }
    return err;
}

void ledger_group_number(struct buf *group, uint64_t seq)
{
    ledger_put_u64(group->ptr + LEDGER_HEAD_BYTES, seq);
}

static bool put(struct ledger *l, const struct ledger_record *record)
{
    if (l->group.len > GROUP_KEEP_BYTES ||
        (l->group.len == 0 && ledger_group_begin(&l->group) != CX_OK)) {
        return false;
    }
    return ledger_record_put(record, &l->group) == CX_OK;
}

void ledger_note(struct ledger *l, const struct ledger_record *record, bool is_urgent)
{
    l->noted++;
    if (l->told.state == LEDGER_FAILING && l->next.fd < 0) {
        return; /* what lives is written anew later */
    }
    if (!l->is_group_lost && !put(l, record)) {
        l->is_group_lost = true;
        buf_clear(&l->group);
    }
    if (is_urgent && !l->is_group_urgent) {
        l->is_group_urgent = true;
        loop_defer(l->loop, &l->hook);
    }
    if (l->group.len > GROUP_FLUSH_BYTES) {
        ledger_flush(l);
    }
}

static void note_slot(struct ledger *l, struct ledger_slot *slot,
                      const struct ledger_record *record)
{
    slot->seq = l->noted + 1;
    if (l->is_always || slot->is_refresh) {
        l->wanted = slot->seq;
    }
    ledger_note(l, record, true);
}

/* Keep space for the results of all that are begun and of one more. */
static int reserve_one_more(struct ledger *l)
{
    struct ledger_file *file = l->next.fd >= 0 ? &l->next : &l->file;
    uint64_t at = file->at + l->group.len;
    uint64_t to = ledger_live_reserve(&l->live, at, 1, l->result_bytes);

    if (l->work != NULL && at > l->live.bytes + STUCK_BYTES) {
        return ETIMEDOUT; /* a sync hangs, so that nothing can be written anew */
    }
    return ledger_file_reserve(file, to);
}

/* For whoever asked, far away: no path. */
static enum cx_err refuse(const struct ledger *l, struct cx_fail *fail)
{
    if (l->told.state == LEDGER_FULL) {
        return cx_fail_set(fail, CX_E_FULL, "ledger.begin",
                           "the agent's disk has no space for another result in its ledger");
    }
    return cx_fail_set(fail, CX_E_IO, "ledger.begin",
                       "the agent can't write its ledger, and takes no job until it can");
}

enum cx_err ledger_begin(struct ledger *l, struct ledger_slot *slot, const struct cx_id *id,
                         bool is_refresh, struct cx_fail *fail)
{
    struct ledger_record record = {.kind = LEDGER_BEGUN, .id = *id, .is_refresh = is_refresh};
    int number = l->told.state == LEDGER_FAILING ? EIO : reserve_one_more(l);

    if (number != 0 && l->told.state != LEDGER_FAILING) {
        ledger_trouble(l, LEDGER_FULL, number);
    }
    if (number != 0) {
        return refuse(l, fail);
    }
    if (l->told.state == LEDGER_FULL) {
        ledger_recovered(l);
    }
    ledger_live_begin(&l->live, slot, id, is_refresh);
    note_slot(l, slot, &record);
    return CX_OK;
}

void ledger_finish(struct ledger *l, struct ledger_slot *slot, struct slice result)
{
    struct ledger_record record = {.kind = LEDGER_FINISHED, .id = slot->id, .result = result};

    if (!slot->is_in) {
        return;
    }
    ledger_live_finish(&l->live, slot, result);
    note_slot(l, slot, &record);
}

static void on_forgotten(void *arg)
{
    ledger_flush(arg);
}

void ledger_forget(struct ledger *l, struct ledger_slot *slot)
{
    struct ledger_record record = {.kind = LEDGER_FORGOT, .id = slot->id};

    if (!slot->is_in) {
        return;
    }
    ledger_live_forget(&l->live, slot);
    ledger_note(l, &record, l->group.len > FORGET_FLUSH_BYTES);
    if (!loop_timer_runs(&l->forget_timer)) {
        loop_timer_start(l->loop, &l->forget_timer, FORGET_MS, on_forgotten, l);
    }
}

/* ---- writing ---- */

static void append_group(struct ledger *l)
{
    int number;

    ledger_group_number(&l->group, l->noted);
    l->is_group_urgent = false;
    number = ledger_file_append(&l->file, &l->group);
    l->told.writes++;
    if (number != 0) {
        ledger_trouble(l, LEDGER_FAILING, number);
        return;
    }
    l->written = l->noted;
}

/* True if the file was (or is being) replaced by one that has all that was noted. */
static bool try_rotating(struct ledger *l)
{
    bool is_due = l->is_group_lost ||
                  (ledger_live_is_outweighed(&l->live, l->file.at) && l->file.at >= l->rotate_at);
    int number;

    if (!is_due || l->work != NULL) {
        return false;
    }
    number = ledger_rotate(l, l->is_always || l->live.refreshes > 0);
    if (number == 0) {
        return true;
    }
    l->rotate_at = l->file.at + WORTH_ROTATING_BYTES; /* until then, go on with this one */
    if (l->is_group_lost) {
        ledger_trouble(l, LEDGER_FAILING, number);
    }
    return false;
}

void ledger_flush(struct ledger *l)
{
    if (l->told.state == LEDGER_FAILING || l->next.fd >= 0) {
        return; /* when that is over */
    }
    if (try_rotating(l)) {
        return;
    }
    if (l->group.len > 0 && !l->is_group_lost) {
        append_group(l);
    }
    if (l->wanted > l->synced && l->written >= l->wanted && l->work == NULL &&
        l->told.state != LEDGER_FAILING) {
        int number = ledger_work_sync(l);

        if (number != 0) {
            ledger_trouble(l, LEDGER_FAILING, number);
        }
    }
}

enum ledger_look ledger_look(const struct ledger *l, const struct ledger_slot *slot)
{
    uint64_t safe = l->is_always || slot->is_refresh ? l->synced : l->written;

    if (slot->seq <= safe) {
        return LEDGER_SAFE;
    }
    return l->told.state == LEDGER_FAILING ? LEDGER_FAILED : LEDGER_WAITING;
}

/* ---- what it says ---- */

struct cx_id ledger_id(const struct ledger *l)
{
    return l->id;
}

uint64_t ledger_seq(const struct ledger *l)
{
    return l->is_always ? l->synced : l->written;
}

struct ledger_status ledger_status(const struct ledger *l)
{
    struct ledger_status s = l->told;

    s.why = l->why;
    s.aside = l->aside_path != NULL ? l->aside_path : "";
    s.has_no_reserve = l->file.has_no_reserve;
    s.jobs = l->live.jobs;
    s.live_bytes = l->live.bytes;
    s.file_bytes = l->file.at;
    s.disk_bytes = l->file.reserved;
    return s;
}
