#include "common/io/log_gather.h"

#include <string.h>

static void flush(void *arg)
{
    struct log_gather *g = arg;

    log_write(slice_of(g->bytes, g->used));
    g->used = 0;
}

static void on_line(void *ctx, const char *line, size_t bytes)
{
    struct log_gather *g = ctx;

    if (bytes > sizeof(g->bytes) - g->used) {
        flush(g);
    }
    memcpy(g->bytes + g->used, line, bytes); /* a line is at most half of it */
    g->used += bytes;
    loop_defer_late(g->loop, &g->hook);
}

void log_gather_start(struct log_gather *g, struct loop *loop)
{
    g->loop = loop;
    g->hook = (struct loop_hook){.run = flush, .arg = g};
    g->used = 0;
    log_set_sink(on_line, g);
}

void log_gather_stop(struct log_gather *g)
{
    log_set_sink(NULL, NULL);
    loop_defer_cancel(&g->hook);
    flush(g);
}
