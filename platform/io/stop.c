#include "common/io/http_server.h"
#include "common/io/log.h"
#include "common/io/ws_server.h"
#include "platform/io/exchange.h"
#include "platform/io/own.h"
#include "platform/io/platform.h"

/* SIGTERM: nothing new is taken, what is under way is finished, everything is closed. Each step has
 * its condition, looked at again and again, and a time after which it is taken anyway.
 *
 * Where our sockets were handed over by who started us, they listen on, and whoever connects from
 * now on is our successor's. Those who are connected to us still are served, each for one more
 * answer, before exchanges are refused: so no caller is. */

enum {
    LOOK_MS = 20,
    LEAVING_MS = 2000,    /* for callers that keep a connection to use it once more */
    SENDING_MS = 5000,    /* for jobs that wait for a tunnel with room */
    FINISHING_MS = 30000, /* for what the agents hold: the grace that they are told */
    CLOSING_MS = 3000,    /* for close frames and last answers */
};

static const char reason[] = "the platform is stopping";

static bool is_late(const struct platform *p)
{
    return loop_now_ms(p->loop) >= p->stop_step_ms;
}

static void enter(struct platform *p, enum platform_stop step, uint64_t at_most_ms)
{
    p->stop = step;
    p->stop_step_ms = loop_now_ms(p->loop) + at_most_ms;
}

static void on_server_drained(void *arg)
{
    struct platform *p = arg;

    p->servers_open--;
}

/* Tell those who still wait what can be told, and let their answers out. */
static void begin_closing(struct platform *p)
{
    size_t under_way = exchanges_under_way(p->exchanges);

    if (under_way > 0) {
        log_event(CX_LOG_WARN, "platform.grace_over", kv_u64("exchanges", under_way));
    }
    enter(p, PLATFORM_STOP_CLOSING, CLOSING_MS);
    tunnel_close_all(p, reason);
    for (struct registry_connector *c = p->registry.connectors; c != NULL; c = c->next) {
        dispatch_connector_give_up(c->dispatch);
    }
    own_give_up(p->own);
    p->servers_open = (unsigned)p->napi + 2;
    for (size_t i = 0; i < p->napi; i++) {
        http_server_drain(p->api[i], on_server_drained, p);
    }
    http_server_drain(p->control, on_server_drained, p);
    ws_server_drain(p->tunnels, on_server_drained, p);
}

static void begin_sending(struct platform *p)
{
    p->is_draining = true;
    enter(p, PLATFORM_STOP_SENDING, SENDING_MS);
    ws_server_refuse(p->tunnels);
}

/* False: no caller will find a successor. */
static bool leave(struct platform *p)
{
    bool is_any = false;

    ws_server_leave(p->tunnels);
    for (size_t i = 0; i < p->napi; i++) {
        http_server_leave(p->api[i]);
        is_any = is_any || http_server_is_handed(p->api[i]);
    }
    return is_any;
}

static unsigned callers_left(const struct platform *p)
{
    unsigned left = 0;

    for (size_t i = 0; i < p->napi; i++) {
        left += http_server_is_handed(p->api[i]) ? http_server_connections(p->api[i]) : 0;
    }
    return left;
}

static void look(void *arg)
{
    struct platform *p = arg;

    switch (p->stop) {
    case PLATFORM_RUNS:
        break;
    case PLATFORM_STOP_LEAVING:
        if (callers_left(p) == 0 || is_late(p)) {
            begin_sending(p);
        }
        break;
    case PLATFORM_STOP_SENDING:
        if (dispatch_waiting(p->dispatch) == 0 || is_late(p)) {
            enter(p, PLATFORM_STOP_FINISHING, FINISHING_MS);
            tunnel_drain_all(p, reason, FINISHING_MS);
        }
        break;
    case PLATFORM_STOP_FINISHING:
        if ((exchanges_under_way(p->exchanges) == 0 && tunnel_outstanding_all(p) == 0) ||
            is_late(p)) {
            begin_closing(p);
        }
        break;
    case PLATFORM_STOP_CLOSING:
        if (p->servers_open == 0 || is_late(p)) {
            loop_stop(p->loop);
        }
        break;
    }
}

void platform_stop(struct platform *p)
{
    if (p->stop != PLATFORM_RUNS) {
        log_event(CX_LOG_WARN, "platform.stop_forced",
                  kv_u64("exchanges", exchanges_under_way(p->exchanges)));
        loop_stop(p->loop);
        return;
    }
    log_event(CX_LOG_INFO, "platform.stopping",
              kv_u64("exchanges", exchanges_under_way(p->exchanges)),
              kv_u64("tunnels", p->tunnel_table.count));
    if (leave(p)) {
        enter(p, PLATFORM_STOP_LEAVING, LEAVING_MS);
    } else {
        begin_sending(p);
    }
    loop_timer_every(p->loop, &p->stop_timer, LOOK_MS, look, p);
}
