#ifndef CONNECTOR_COMMON_IO_LOOP_H
#define CONNECTOR_COMMON_IO_LOOP_H

#include "common/core/slice.h"
#include "common/core/timers.h"

#include <sys/socket.h>

/* The event loop of the process (libuv): one thread, on which everything runs. Nothing called from
 * it may block. All functions are for that thread, and none calls a callback before it returns,
 * except loop_run. */
struct loop;
struct uv_loop_s; /* uv_loop_t */
struct clock_news;

/* Make the loop. SIGPIPE is ignored in the whole process from here on.
 * Errors: CX_E_NOMEM, CX_E_IO. */
enum cx_err loop_new(struct loop **out, struct cx_fail *fail) CX_MUST_CHECK;

/* Close what the loop itself owns and free it. Call it last, when the users of the loop (struct
 * web, the HTTP client) are gone. NULL is fine. Errors: CX_E_TIMEOUT: a name lookup still runs in
 * its thread and can't be stopped, or a handle was left open (a bug). The memory is then not freed,
 * and exit() could hang on that thread: leave the process by _exit(). */
enum cx_err loop_free(struct loop *loop) CX_MUST_CHECK;

/* Run until loop_stop. It returns after the turn in which loop_stop was called. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* Run what is ready, wait for nothing. For shutting down, and for tests. */
void loop_turn(struct loop *loop);

/* How long, in microseconds, a loop that has run out of work looks for events again and again
 * before it sleeps (common/core/polling.h says when, and why); 0, as after loop_new: not at all.
 * On two quiet virtual cores, one job at a time: what the tunnel adds sinks from 194 to 63 us; the
 * median of one caller of the API from 441 to 365 us, for 15 % (platform) and 35 % (agent) more
 * processor time. With 16 callers, or 64 jobs in flight, the loop sleeps
 * all the same. */
enum { LOOP_POLL_US = 200, LOOP_POLL_US_MAX = 1000 };
void loop_set_poll(struct loop *loop, uint32_t limit_us);

/* Something has come from outside: for those who hear of descriptors by callbacks of their own. */
void loop_note_event(struct loop *loop);

/* For code that brings handles of its own (the HTTP client's sockets). */
struct uv_loop_s *loop_uv(struct loop *loop);

/* Milliseconds since an arbitrary moment, as of the start of this turn of the loop: cheap, and the
 * same for all that happens in one turn. They never go backwards, whoever sets the clock, and the
 * time for which the machine was suspended counts: so do timers. */
uint64_t loop_now_ms(const struct loop *loop);

/* Call fire(arg, news) when the machine has woken from a suspension, or when somebody has set the
 * clock; borrowed for the call. Timers that became due by a sleep run after it. NULL: nobody. */
void loop_on_clocks(struct loop *loop, void (*fire)(void *arg, const struct clock_news *news),
                    void *arg);

/* Look now, before something is forgotten for good because of the time of day. */
void loop_clocks_look(struct loop *loop);

/* ---- timers ---- */

/* Embedded by its owner and plain memory: a stopped timer needs no closing, and may be freed even
 * from its own callback. Zeroed is a valid stopped timer. */
struct loop_timer {
    struct timer node; /* private, first */
    void (*fire)(void *arg);
    void *arg;
    uint64_t repeat_ms;
    struct loop *loop;
};

/* Call fire(arg) once, after `after_ms`; 0 means in the next turn. Starts anew if it runs. */
void loop_timer_start(struct loop *loop, struct loop_timer *timer, uint64_t after_ms,
                      void (*fire)(void *arg), void *arg);

/* Call fire(arg) each `every_ms` (at least 1) until it is stopped. Turns that come late are not
 * made up for. */
void loop_timer_every(struct loop *loop, struct loop_timer *timer, uint64_t every_ms,
                      void (*fire)(void *arg), void *arg);

void loop_timer_stop(struct loop_timer *timer); /* safe on one that does not run */
bool loop_timer_runs(const struct loop_timer *timer);

/* ---- after the events of this turn ---- */

/* Embedded by its owner. Zeroed is a valid hook that is not queued. */
struct loop_hook {
    void (*run)(void *arg);
    void *arg;
    struct loop_hook *next; /* private */
    struct loop_hook **at;
    struct loop *loop;
};

/* Call hook->run(hook->arg) once, when all events that are ready in this turn have been handled and
 * before the loop waits again: the place to write in one piece what many events have left (a group
 * commit, a packed WebSocket message). Queuing it twice is the same as once; a hook that queues
 * itself while it runs is called in the next turn. */
void loop_defer(struct loop *loop, struct loop_hook *hook);

/* The same one look later: the loop looks for events once more, without waiting, and the hook runs
 * when those have been handled too. More is ready by then, and packed together. */
void loop_defer_late(struct loop *loop, struct loop_hook *hook);
void loop_defer_cancel(struct loop_hook *hook); /* safe on one that is not queued */

/* ---- what would block ---- */

/* Call work(arg) in another thread (of libuv's pool), then done(arg) on the loop. It can't be
 * cancelled; loop_free waits for `done` a little, so whoever frees what `arg` needs sees first that
 * `work` has ended. Error: CX_E_NOMEM. */
enum cx_err loop_work(struct loop *loop, void (*work)(void *arg), void (*done)(void *arg),
                      void *arg) CX_MUST_CHECK;

/* ---- signals ---- */

/* Call fire(arg, signum) on the loop when the signal arrives; SIGTERM, SIGINT and SIGHUP are meant.
 * A second call for the same signal replaces the first. Errors: CX_E_FULL (more than four
 * signals), CX_E_IO. */
enum cx_err loop_on_signal(struct loop *loop, int signum, void (*fire)(void *arg, int signum),
                           void *arg) CX_MUST_CHECK;

/* ---- names ---- */

enum { LOOP_ADDRESSES_MAX = 16, LOOP_ADDRESS_TEXT = 64 };

struct loop_address {
    struct sockaddr_storage sa; /* the port is set */
    socklen_t sa_len;
    char
        text[LOOP_ADDRESS_TEXT]; /* numeric, without brackets and port; "fe80::1%eth0" with scope */
};

struct loop_lookup; /* one that is under way */

/* `n` is 0 if there is no address; `fail` then says why (CX_E_CONNECT), and is not NULL. All is
 * borrowed for the call. The order is getaddrinfo's (RFC 6724). */
typedef void loop_lookup_fn(void *arg, const struct loop_address *addresses, size_t n,
                            const struct cx_fail *fail);

struct loop_lookup_ask { /* copied */
    const char *host;    /* a name or a numeric address, without brackets; 1 to 255 bytes */
    uint16_t port;
    loop_lookup_fn *done;
    void *arg;
};

/* Resolve in another thread and call done(arg, ...) on the loop; *out is valid until then. There is
 * no time limit: start a timer, and cancel. Errors: CX_E_NOMEM, CX_E_SYNTAX (length of host). */
enum cx_err loop_lookup(struct loop *loop, const struct loop_lookup_ask *ask,
                        struct loop_lookup **out) CX_MUST_CHECK;

/* Forget it: `done` is not called any more. The thread may go on for a while, by itself. */
void loop_lookup_cancel(struct loop_lookup *lookup);

#endif
