#include "agent/io/ledger_private.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { FRAME_BYTES = 256 * 1024 }; /* what lives is written in frames of about that many */

/* Frames with what lives, on their way into `next`. */
struct snapshot {
    struct ledger *l;
    struct buf frame;
    int number;
};

static void write_frame(struct snapshot *s)
{
    if (s->number == 0 && s->frame.len > 0) {
        ledger_group_number(&s->frame, s->l->noted);
        s->number = ledger_file_put(&s->l->next, &s->frame);
    }
}

static void add(struct snapshot *s, const struct ledger_record *record)
{
    if (s->number == 0 && ((s->frame.len == 0 && ledger_group_begin(&s->frame) != CX_OK) ||
                           ledger_record_put(record, &s->frame) != CX_OK)) {
        s->number = ENOMEM;
    }
    if (s->frame.len > FRAME_BYTES) {
        write_frame(s);
    }
}

static int write_snapshot(struct ledger *l)
{
    struct snapshot s = {.l = l};
    struct ledger_record opened = ledger_opened(l);

    buf_init(&s.frame, LEDGER_FRAME_RECORDS_MAX);
    add(&s, &opened);
    for (const struct ledger_slot *slot = l->live.oldest; slot != NULL; slot = slot->newer) {
        struct ledger_record begun = {
            .kind = LEDGER_BEGUN, .id = slot->id, .is_refresh = slot->is_refresh};
        struct ledger_record finished = {
            .kind = LEDGER_FINISHED, .id = slot->id, .result = slot->result};

        add(&s, &begun);
        if (!slice_is_absent(slot->result)) {
            add(&s, &finished);
        }
    }
    write_frame(&s);
    buf_done(&s.frame);
    return s.number;
}

/* Space for what lives and for the results of what is begun. */
static int reserve(struct ledger *l)
{
    return ledger_file_reserve(
        &l->next, ledger_live_reserve(&l->live, l->next.at + l->live.bytes, 1, l->result_bytes));
}

static int make_next(struct ledger *l)
{
    int number = ledger_file_make(&l->next, &l->folder, secret_view(&l->key));

    if (number == 0) {
        number = reserve(l);
    }
    if (number == 0) {
        number = write_snapshot(l);
    }
    if (number != 0) {
        ledger_file_close(&l->next);
        (void)unlinkat(l->folder.fd, LEDGER_NEXT, 0);
    }
    return number;
}

/* All that was noted until now is in `next`. */
static void empty_group(struct ledger *l)
{
    buf_clear(&l->group);
    l->is_group_urgent = false;
    l->is_group_lost = false;
    l->next_seq = l->noted;
}

int ledger_rotate(struct ledger *l, bool is_synced)
{
    int number = make_next(l);

    if (number == 0) {
        number = is_synced ? ledger_work_name(l) : ledger_folder_name(&l->folder, NULL, false);
        if (number != 0) {
            ledger_file_close(&l->next);
        }
    }
    if (number != 0) {
        return number;
    }
    empty_group(l);
    if (!is_synced) {
        ledger_rotated(l, false, 0);
    }
    return 0;
}

int ledger_rotate_now(struct ledger *l)
{
    int number = make_next(l);

    if (number == 0 && fsync(l->next.fd) != 0) {
        number = errno;
    }
    if (number == 0) {
        number = ledger_folder_name(&l->folder, l->aside[0] != '\0' ? l->aside : NULL, true);
    }
    if (number != 0) {
        ledger_file_close(&l->next);
        return number;
    }
    empty_group(l);
    ledger_rotated(l, true, 0);
    return 0;
}

void ledger_rotated(struct ledger *l, bool is_synced, int number)
{
    if (number != 0) {
        ledger_file_close(&l->next);
        ledger_trouble(l, LEDGER_FAILING, number);
        return;
    }
    ledger_file_close(&l->file);
    l->file = l->next;
    l->next = (struct ledger_file){.fd = -1};
    l->aside[0] = '\0';
    l->rotate_at = 0;
    l->written = l->next_seq;
    l->is_name_unsynced = !is_synced;
    if (is_synced) {
        l->synced = l->next_seq;
    }
    l->told.rotations++;
    if (l->told.state != LEDGER_OK) {
        ledger_recovered(l);
    }
}
