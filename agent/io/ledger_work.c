#include "agent/io/ledger_private.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Outlives the ledger if that is closed before the loop has heard of the work's end. */
struct ledger_work {
    struct ledger *ledger; /* NULL: closed */
    bool is_naming;        /* `next`; else `file` is synced */
    bool is_folder_synced;
    int fd;
    struct ledger_folder folder; /* borrowed */
    char aside[LEDGER_NAME_BYTES];
    uint64_t covers; /* the last record that is then on the disk */
    int number;      /* how it ended: 0 or an errno */
    pthread_mutex_t mutex;
    pthread_cond_t ended;
    bool has_ended;
};

static int sync_file(const struct ledger_work *w)
{
    if ((w->is_folder_synced ? fsync(w->fd) : fdatasync(w->fd)) != 0) {
        return errno;
    }
    if (w->is_naming) {
        return ledger_folder_name(&w->folder, w->aside[0] != '\0' ? w->aside : NULL, true);
    }
    return w->is_folder_synced && fsync(w->folder.fd) != 0 && errno != EINVAL ? errno : 0;
}

/* In another thread: nothing but `w` is touched. */
static void run(void *arg)
{
    struct ledger_work *w = arg;
    int number = sync_file(w);

    (void)pthread_mutex_lock(&w->mutex);
    w->number = number;
    w->has_ended = true;
    (void)pthread_cond_signal(&w->ended);
    (void)pthread_mutex_unlock(&w->mutex);
}

static void take_end(struct ledger *l)
{
    struct ledger_work *w = l->work;

    l->work = NULL;
    w->ledger = NULL;
    l->told.syncs++;
    if (w->is_naming) {
        ledger_rotated(l, true, w->number);
        return;
    }
    if (w->number != 0) {
        ledger_trouble(l, LEDGER_FAILING, w->number);
        return;
    }
    l->synced = w->covers;
    if (w->is_folder_synced) {
        l->is_name_unsynced = false;
    }
}

static void on_done(void *arg)
{
    struct ledger_work *w = arg;
    struct ledger *l = w->ledger;

    if (l != NULL) {
        take_end(l);
    }
    (void)pthread_cond_destroy(&w->ended);
    (void)pthread_mutex_destroy(&w->mutex);
    free(w);
    if (l != NULL) {
        ledger_flush(l);
        l->must_tell = false;
        l->settled(l->ctx);
    }
}

static int start(struct ledger *l, const struct ledger_work *what)
{
    struct ledger_work *w = calloc(1, sizeof(*w));

    if (w == NULL) {
        return ENOMEM;
    }
    *w = *what;
    w->ledger = l;
    w->folder = l->folder;
    (void)pthread_mutex_init(&w->mutex, NULL);
    (void)pthread_cond_init(&w->ended, NULL);
    if (loop_work(l->loop, run, on_done, w) != CX_OK) {
        free(w);
        return ENOMEM;
    }
    l->work = w;
    return 0;
}

int ledger_work_sync(struct ledger *l)
{
    struct ledger_work what = {
        .fd = l->file.fd, .covers = l->written, .is_folder_synced = l->is_name_unsynced};

    return start(l, &what);
}

int ledger_work_name(struct ledger *l)
{
    struct ledger_work what = {.fd = l->next.fd, .is_naming = true, .is_folder_synced = true};

    memcpy(what.aside, l->aside, sizeof(what.aside));
    return start(l, &what);
}

void ledger_work_wait(struct ledger *l)
{
    struct ledger_work *w = l->work;

    if (w == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&w->mutex);
    while (!w->has_ended) {
        (void)pthread_cond_wait(&w->ended, &w->mutex);
    }
    (void)pthread_mutex_unlock(&w->mutex);
    take_end(l);
}
