#include "common/io/loop.h"

#include "common/io/loop_private.h"

#include <stdlib.h>

struct loop_work {
    uv_work_t req;
    struct loop *loop;
    void (*work)(void *arg);
    void (*done)(void *arg);
    void *arg;
};

static void run_cb(uv_work_t *req)
{
    struct loop_work *w = req->data;

    w->work(w->arg);
}

static void done_cb(uv_work_t *req, int status)
{
    struct loop_work *w = req->data;

    (void)status; /* it is never cancelled */
    w->loop->threads--;
    w->done(w->arg);
    free(w);
}

enum cx_err loop_work(struct loop *loop, void (*work)(void *arg), void (*done)(void *arg),
                      void *arg)
{
    struct loop_work *w = calloc(1, sizeof(*w));

    if (w == NULL) {
        return CX_E_NOMEM;
    }
    *w = (struct loop_work){.loop = loop, .work = work, .done = done, .arg = arg};
    w->req.data = w;
    (void)uv_queue_work(&loop->uv, &w->req, run_cb, done_cb); /* fails only without a function */
    loop->threads++;
    return CX_OK;
}
