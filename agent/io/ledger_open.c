#include "agent/io/ledger_private.h"

#include "agent/io/ledger_read.h"
#include "common/io/clock.h"
#include "common/io/file.h"
#include "common/io/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"

enum { GROUP_MAX_BYTES = 8 * 1024 * 1024 }; /* above what ledger_note lets come together */

/* ---- key and machine ---- */

static bool has_current(const struct ledger_folder *folder)
{
    struct stat st;

    return fstatat(folder->fd, LEDGER_CURRENT, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static enum cx_err take_key(struct ledger *l, const char *path, struct cx_fail *fail)
{
    struct seal_key key = {0};
    struct cx_fail why = {0};
    enum cx_err err = CX_OK;

    if (!file_exists(path)) {
        if (has_current(&l->folder)) {
            return cx_fail_set(fail, CX_E_CONFIG, "ledger.open",
                               "ledger.key: %s is missing, and %s can't be read without it: put "
                               "that key back, or move the folder away (the results in it are then "
                               "given up)",
                               path, l->folder.path);
        }
        err = seal_key_make(path, &why);
    }
    if (err == CX_OK) {
        err = seal_key_read(path, &key, &why);
    }
    if (err == CX_OK) {
        err = secret_set(&l->key, secret_view(&key.bytes));
    }
    seal_key_done(&key);
    if (err == CX_OK || err == CX_E_NOMEM) {
        return err;
    }
    return cx_fail_set(fail, CX_E_CONFIG, "ledger.open", "ledger.key: %s", cx_fail_text(&why));
}

/* Where it can't be had, each start of the agent counts as one of the machine. */
static struct cx_id boot_id(void)
{
    struct cx_id id;
    struct buf text;
    enum cx_err err;

    buf_init(&text, 256);
    err = file_read(BOOT_ID_PATH, 128, &text, NULL);
    if (err == CX_OK) {
        err = id_parse(slice_first(buf_view(&text), CX_ID_TEXT_BYTES - 1), &id);
    }
    buf_done(&text);
    return err == CX_OK ? id : random_id();
}

/* ---- what is there ---- */

static enum cx_err set_aside(struct ledger *l, const char *prefix)
{
    ledger_folder_free_name(&l->folder, prefix, l->aside);
    return asprintf(&l->aside_path, "%s/%s", l->folder.path, l->aside) >= 0 ? CX_OK : CX_E_NOMEM;
}

/* What ledger_next_found tells. */
static void show_found(struct ledger *l)
{
    const struct ledger_slot *slot = l->next_found;

    if (l->nfound > 0) {
        l->found = (struct ledger_found){.id = slot->id,
                                         .is_refresh = slot->is_refresh,
                                         .is_finished = !slice_is_absent(slot->result),
                                         .bytes = slot->result.len};
    }
}

/* The jobs that were found are the ledger's from now on. */
static void carry_over(struct ledger *l, struct ledger_replay *replay)
{
    l->live = replay->live;
    l->next_found = l->live.oldest;
    l->nfound = l->live.jobs;
    replay->live = (struct ledger_live){0};
    show_found(l);
}

static enum cx_err take_past(struct ledger *l, struct ledger_replay *replay,
                             const struct ledger_reading *reading)
{
    bool is_others = replay->owner[0] != '\0' && strcmp(replay->owner, l->owner) != 0;
    enum ledger_trust trust = ledger_replay_trust(replay, reading->is_broken, &l->boot, l->owner);
    enum cx_err err = CX_OK;

    l->told.torn_bytes = reading->torn_bytes;
    l->noted = replay->seq + 1; /* this start */
    switch (trust) {
    case LEDGER_TRUST_SAME:
        l->told.past = is_others ? LEDGER_FIRST : LEDGER_KEPT;
        break;
    case LEDGER_TRUST_REBOOT:
        l->told.past = is_others ? LEDGER_FIRST : LEDGER_REBOOT;
        break;
    case LEDGER_TRUST_BROKEN:
        l->told.past = LEDGER_BROKEN;
        err = set_aside(l, LEDGER_BROKEN_NAMES);
        break;
    case LEDGER_TRUST_OTHERS:
        l->told.past = LEDGER_OTHERS;
        l->told.aside_jobs = replay->live.jobs;
        err = set_aside(l, LEDGER_OTHERS_NAMES);
        return err;
    }
    if (l->told.past == LEDGER_KEPT) {
        l->id = replay->id;
    }
    carry_over(l, replay);
    return err;
}

static enum cx_err read_past(struct ledger *l, struct cx_fail *fail)
{
    struct ledger_reading reading;
    struct ledger_replay replay;
    enum cx_err err = ledger_replay_init(&replay);

    l->id = random_id();
    l->told.past = LEDGER_FIRST;
    if (err == CX_OK) {
        err = ledger_read(&l->folder, secret_view(&l->key), &replay, &reading, fail);
    }
    if (err == CX_OK && reading.is_there) {
        err = take_past(l, &replay, &reading);
    }
    ledger_replay_done(&replay);
    return err;
}

/* ---- birth ---- */

static struct ledger *make(const struct ledger_options *o)
{
    struct ledger *l = calloc(1, sizeof(*l));

    if (l == NULL) {
        return NULL;
    }
    l->loop = o->loop;
    l->settled = o->settled;
    l->ctx = o->ctx;
    l->is_always = o->is_always_synced;
    l->result_bytes = o->result_bytes_max;
    (void)snprintf(l->owner, sizeof(l->owner), "%s", o->owner);
    l->boot = boot_id();
    l->file.fd = l->next.fd = -1;
    buf_init(&l->group, GROUP_MAX_BYTES);
    return l;
}

static void ledger_free(struct ledger *l)
{
    struct ledger_slot *next;

    if (l == NULL) {
        return;
    }
    for (; l->nfound > 0; l->nfound--, l->next_found = next) {
        struct ledger_held *held = (struct ledger_held *)(void *)l->next_found;

        next = held->slot.newer;
        buf_done(&held->result);
        free(held);
    }
    ledger_file_close(&l->file);
    ledger_file_close(&l->next);
    buf_done(&l->group);
    secret_done(&l->key);
    ledger_folder_done(&l->folder);
    free(l->aside_path);
    free(l);
}

static void on_turn_over(void *arg)
{
    struct ledger *l = arg;

    if (l->is_group_urgent) {
        ledger_flush(l);
        l->must_tell = true;
    }
    if (l->must_tell) {
        l->must_tell = false;
        l->settled(l->ctx);
    }
}

enum cx_err ledger_open(const struct ledger_options *options, struct ledger **out,
                        struct cx_fail *fail)
{
    struct ledger *l = make(options);
    enum cx_err err = CX_E_NOMEM;
    int number;

    if (l != NULL) {
        (void)signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of write */
        l->hook = (struct loop_hook){.run = on_turn_over, .arg = l};
        err = ledger_folder_open(&l->folder, options->path, fail);
    }
    if (err == CX_OK) {
        err = take_key(l, options->key_path, fail);
    }
    if (err == CX_OK) {
        err = read_past(l, fail);
    }
    if (err != CX_OK) {
        if (err == CX_E_NOMEM || err == CX_E_CRYPTO) {
            (void)cx_fail_set(fail, err, "ledger.open", "%s", cx_err_text(err));
        }
        ledger_free(l);
        return err;
    }
    number = ledger_rotate_now(l);
    if (number != 0) { /* what was found is still in the old file */
        ledger_trouble(l, LEDGER_FAILING, number);
    }
    l->told.rotations = 0;
    *out = l;
    return CX_OK;
}

/* ---- what was found ---- */

const struct ledger_found *ledger_next_found(const struct ledger *l)
{
    return l->nfound > 0 ? &l->found : NULL;
}

void ledger_adopt(struct ledger *l, struct ledger_slot *slot, struct buf *result)
{
    struct ledger_held *held = (struct ledger_held *)(void *)l->next_found; /* first member */
    struct ledger_slot *next = l->next_found->newer;

    ledger_live_move(&l->live, &held->slot, slot);
    buf_take(result, &held->result); /* the bytes stay where they are: slot->result views them */
    free(held);
    l->next_found = next;
    l->nfound--;
    show_found(l);
}

enum cx_err ledger_set_owner(struct ledger *l, const char *owner)
{
    struct ledger_record opened;

    if (l->live.jobs > 0) {
        return CX_E_STATE;
    }
    (void)snprintf(l->owner, sizeof(l->owner), "%s", owner);
    opened = ledger_opened(l);
    ledger_note(l, &opened, true);
    return CX_OK;
}

/* ---- death ---- */

/* Nothing of what was noted is missing: say so, and bring it to the disk. */
static void close_cleanly(struct ledger *l)
{
    struct ledger_record closed = {.kind = LEDGER_CLOSED};

    if (l->told.state == LEDGER_FAILING && ledger_rotate_now(l) != 0) {
        return;
    }
    ledger_flush(l);
    ledger_work_wait(l); /* of a file that has just been replaced */
    ledger_note(l, &closed, false);
    ledger_flush(l);
    ledger_work_wait(l);
    if (l->told.state != LEDGER_FAILING && l->written == l->noted && fsync(l->file.fd) == 0) {
        (void)fsync(l->folder.fd);
    }
}

void ledger_close(struct ledger *l)
{
    if (l == NULL) {
        return;
    }
    loop_timer_stop(&l->forget_timer);
    loop_timer_stop(&l->retry_timer);
    ledger_work_wait(l);
    close_cleanly(l);
    loop_timer_stop(&l->forget_timer);
    loop_timer_stop(&l->retry_timer);
    loop_defer_cancel(&l->hook);
    ledger_free(l);
}
