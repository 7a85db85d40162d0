#include "common/io/link_private.h"

#include "common/io/clock.h"

#include <string.h>

enum {
    BEAT_PING_BYTES = 8,  /* the time it was sent, to know its pong again */
    BEAT_SUSPECT_MS = 20, /* for bytes that wait in the socket because it was we who stood still */
};

/* Nothing is done for each message: the timer looks now and then at when the last one came. */
static void beat(void *arg);

static void beat_in(struct link *link, uint64_t ms)
{
    loop_timer_start(link->web->loop, &link->beat_timer, ms, beat, link);
}

/* Two heartbeats without a sign of life. */
static void suspect(struct link *link, bool is_unheard)
{
    if (link->is_suspect) {
        link_give_up(link, is_unheard ? "nothing was heard from the peer for two heartbeats"
                                      : "the peer has taken nothing for two heartbeats");
        return;
    }
    link->is_suspect = true;
    beat_in(link, BEAT_SUSPECT_MS);
}

/* A peer that lives sends something, and takes what is sent to it: either alone is silence. What it
 * still says may have been on its way when the other direction was cut. */
static void beat(void *arg)
{
    struct link *link = arg;
    uint64_t now_ms = loop_now_ms(link->web->loop);
    uint64_t unheard_ms = now_ms - link->stats.heard_ms;
    uint64_t untaken_ms = link->is_asked ? now_ms - link->asked_ms : 0;
    uint64_t silent_ms = unheard_ms > untaken_ms ? unheard_ms : untaken_ms;
    uint64_t heartbeat_ms = link->heartbeat_ms;
    uint64_t next_ms;

    if (silent_ms >= 2 * heartbeat_ms) {
        suspect(link, unheard_ms >= untaken_ms);
        return;
    }
    link->is_suspect = false;
    next_ms = 2 * heartbeat_ms - silent_ms;
    if (unheard_ms >= heartbeat_ms) {
        link->wants_ping = true;
        link_ask_to_write(link);
    } else if (heartbeat_ms - unheard_ms < next_ms) {
        next_ms = heartbeat_ms - unheard_ms;
    }
    beat_in(link, next_ms);
}

void link_set_heartbeat(struct link *link, uint32_t heartbeat_ms)
{
    link->heartbeat_ms = heartbeat_ms;
    link->is_suspect = false;
    loop_timer_stop(&link->beat_timer);
    if (heartbeat_ms != 0 && link->state == LINK_OPEN) {
        beat_in(link, heartbeat_ms);
    }
}

void link_beat_heard(struct link *link)
{
    link->stats.heard_ms = loop_now_ms(link->web->loop);
}

int link_beat_write(struct link *link)
{
    uint8_t bytes[LWS_PRE + BEAT_PING_BYTES] = {0};

    if (!link->wants_ping || lws_send_pipe_choked(link->wsi) != 0) {
        return 0; /* choked: it goes when the peer takes something, which is as good */
    }
    link->wants_ping = false;
    link->ping_sent_us = clock_mono_us();
    memcpy(bytes + LWS_PRE, &link->ping_sent_us, BEAT_PING_BYTES);
    return lws_write(link->wsi, bytes + LWS_PRE, BEAT_PING_BYTES, LWS_WRITE_PING) < 0 ? -1 : 0;
}

void link_beat_pong(struct link *link, struct slice payload)
{
    uint64_t sent_us;

    if (payload.len != BEAT_PING_BYTES) {
        return;
    }
    memcpy(&sent_us, payload.ptr, BEAT_PING_BYTES);
    if (sent_us == link->ping_sent_us) {
        link->stats.rtt_us = clock_mono_us() - sent_us;
    }
}
