/* The platform's end of one tunnel, reduced to what an agent needs: it greets, keeps N jobs with
 * the agent, and acknowledges each result. Our own server, codec and packing, but no API, no
 * dispatch and no store: so the agent and the tunnel are what is measured.
 *
 *     bench_jobs PORT CERTIFICATE KEY CA URL AGENT_PID MILLISECONDS IN_FLIGHT...
 *
 * Prints "listening", then, once an agent is there, one row of JSON for each number in flight; the
 * processor time in it is the agent's. */
#include "common/core/wire.h"
#include "common/io/clock.h"
#include "common/io/loop.h"
#include "common/io/web.h"
#include "common/io/ws_server.h"
#include "tests/bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SAMPLES_MAX = 4 * 1000 * 1000,
    IN_FLIGHT_MAX = 2048,
    WARM_UP_MS = 300,
    ARGS_BEFORE_COUNTS = 8,
    HEARTBEAT_MS = 10000,
    BUDGET_MS = 15000,
    GOING_AWAY = 1001, /* RFC 6455, 7.4.1 */
};

struct slot {
    struct cx_id id;
    uint64_t began_us;
};

/* The end of a job's id: whose it is, and a number that makes it the only one of its moment. */
struct tail {
    uint16_t slot, serial;
};

struct bench {
    struct loop *loop;
    struct link *link;
    const char *url;
    long agent_pid;
    uint64_t span_us;
    char **counts; /* of jobs in flight, still to run */
    struct slot slots[IN_FLIGHT_MAX];
    unsigned running;
    uint16_t serial;
    struct cx_id acks[MSG_ARRAY_MAX];
    size_t nacks;
    struct wire_arena *arena; /* for what comes */
    struct buf message;
    struct bench_samples samples;
    struct bench_row row;
    uint64_t count_from_us, end_us, cpu_from_us;
    bool is_counting;
};

static void send_message(struct bench *b, const struct msg *m)
{
    struct cx_fail fail = {0};
    enum cx_err err;

    buf_clear(&b->message);
    err = wire_put(m, MSG_MESSAGE_BYTES_MAX, &b->message, &fail);
    if (err == CX_OK) {
        err = link_send(b->link, buf_view(&b->message), 0);
    }
    if (err != CX_OK) {
        bench_fail("a message can't be sent", cx_err_text(err));
    }
}

/* ---- jobs ---- */

/* What a profile of type oauth2_password makes; what the agent makes of it stands in bench_curl.c.
 */
static const struct msg_field fields[] = {
    {PLACE_PAYLOAD, SLICE_INIT("grant_type"), SLICE_INIT("password")},
    {PLACE_PAYLOAD, SLICE_INIT("username"), SLICE_INIT("{{username}}")},
    {PLACE_PAYLOAD, SLICE_INIT("password"), SLICE_INIT("{{password}}")},
};
static const struct msg_variable variables[] = {
    {SLICE_INIT("username"), SLICE_INIT("alice")},
    {SLICE_INIT("password"), SLICE_INIT("wonderland")},
};
static const struct slice secret_variables[] = {SLICE_INIT("password")};

static void start_job(struct bench *b, uint32_t at)
{
    struct msg m = {
        .type = MSG_JOB,
        .body.job = {.budget_ms = BUDGET_MS,
                     .purpose = PURPOSE_AUTHORIZE,
                     .request = {.method = METHOD_POST,
                                 .url = slice_of_str(b->url),
                                 .encoding = ENCODING_FORM,
                                 .fields = fields,
                                 .nfields = sizeof(fields) / sizeof(fields[0]),
                                 .client = {.method = CLIENT_SECRET_BASIC,
                                            .id = SLICE_INIT("bench"),
                                            .secret = SLICE_INIT("qwerty-wertz")}},
                     .variables = variables,
                     .nvariables = sizeof(variables) / sizeof(variables[0]),
                     .secret_variables = secret_variables,
                     .nsecret_variables = sizeof(secret_variables) / sizeof(secret_variables[0])}};
    struct slot *slot = &b->slots[at];
    struct tail tail = {.slot = (uint16_t)at, .serial = ++b->serial};
    uint8_t unique[10] = {0}; /* version and variant of the UUID go into its front */

    memcpy(unique + sizeof(unique) - sizeof(tail), &tail, sizeof(tail));
    slot->id = id_make(clock_wall_ms(), unique);
    slot->began_us = clock_mono_us();
    m.body.job.id = slot->id;
    send_message(b, &m);
    b->running++;
}

static void start_counting(struct bench *b, uint64_t now_us)
{
    b->is_counting = true;
    b->count_from_us = now_us;
    b->cpu_from_us = bench_cpu_us(b->agent_pid);
    b->row.errors = 0;
}

static void stop_counting(struct bench *b, uint64_t now_us)
{
    if (b->row.elapsed_us == 0) {
        b->row.elapsed_us = now_us - b->count_from_us;
        b->row.cpu_us = bench_cpu_us(b->agent_pid) - b->cpu_from_us;
    }
}

static void next_count(struct bench *b)
{
    uint64_t now_us = clock_mono_us();

    if (*b->counts == NULL) {
        link_close(b->link, GOING_AWAY, "done"); /* after the last acknowledgement */
        return;
    }
    bench_samples_clear(&b->samples);
    b->row = (struct bench_row){.in_flight = (unsigned)bench_number(*b->counts++, IN_FLIGHT_MAX)};
    b->is_counting = false;
    b->count_from_us = now_us + WARM_UP_MS * 1000;
    b->end_us = b->count_from_us + b->span_us;
    for (uint32_t i = 0; i < b->row.in_flight; i++) {
        start_job(b, i);
    }
}

static void take_result(struct bench *b, const struct msg_result *r)
{
    uint64_t now_us = clock_mono_us();
    struct tail tail;
    uint32_t at;

    memcpy(&tail, r->id.bytes + CX_ID_BYTES - sizeof(tail), sizeof(tail));
    at = tail.slot;
    if (at >= b->row.in_flight || !id_eq(&b->slots[at].id, &r->id)) {
        bench_fail("result", "of a job that was not given");
    }
    b->acks[b->nacks++] = r->id;
    b->running--;
    if (!b->is_counting && now_us >= b->count_from_us) {
        start_counting(b, now_us);
    } else if (b->is_counting && now_us < b->end_us) {
        bench_samples_add(&b->samples, now_us - b->slots[at].began_us);
    }
    b->row.errors += r->outcome != OUTCOME_ISSUED;
    if (now_us < b->end_us) {
        start_job(b, at);
    } else {
        stop_counting(b, now_us);
    }
}

static void send_acks(struct bench *b)
{
    struct msg m = {.type = MSG_ACK, .body.ack = {.ids = b->acks, .nids = b->nacks}};

    if (b->nacks > 0) {
        send_message(b, &m);
        b->nacks = 0;
    }
}

/* ---- the tunnel ---- */

static void take_hello(struct bench *b, const struct msg_hello *hello)
{
    struct msg m = {.type = MSG_WELCOME,
                    .body.welcome = {.platform_version = slice_of_str("bench"),
                                     .session = random_id(),
                                     .heartbeat_ms = HEARTBEAT_MS,
                                     .now_ms = clock_wall_ms(),
                                     .message_bytes = MSG_MESSAGE_BYTES_MAX,
                                     .websocket_bytes = MSG_WEBSOCKET_BYTES_MAX}};

    (void)hello;
    send_message(b, &m);
    next_count(b);
}

static void on_message(void *owner, struct link *link, struct slice message)
{
    struct bench *b = owner;
    struct cx_fail fail = {0};
    bool was_running = b->running > 0;

    (void)link;
    while (message.len > 0) {
        struct slice one;
        struct msg m = {0};

        if (wire_cut(&message, MSG_MESSAGE_BYTES_MAX, &one, &fail) != CX_OK ||
            wire_get_in(b->arena, one, &m, &fail) != CX_OK) {
            bench_fail("the agent's message", cx_fail_text(&fail));
        }
        if (m.type == MSG_HELLO) {
            take_hello(b, &m.body.hello);
        } else if (m.type == MSG_RESULT) {
            take_result(b, &m.body.result);
        }
    }
    wire_arena_clear(b->arena);
    send_acks(b);
    if (was_running && b->running == 0) {
        bench_row_print(&b->row, &b->samples);
        next_count(b);
    }
}

static void on_closed(void *owner, struct link *link, const struct link_closed *closed)
{
    struct bench *b = owner;

    (void)link;
    b->link = NULL;
    if (b->running > 0 || *b->counts != NULL) {
        bench_fail("the tunnel was lost", closed->detail);
    }
    loop_stop(b->loop);
}

static void on_link(void *arg, struct link *link)
{
    static const struct link_events events = {.on_message = on_message, .on_closed = on_closed};
    struct bench *b = arg;

    if (b->link != NULL) {
        bench_fail("tunnel", "there is one already");
    }
    b->link = link;
    link_bind(link, &events, b);
}

static void refuse_http(void *arg, struct http_call *call, const struct http_request *request)
{
    struct http_reply reply = {.status = 404};

    (void)arg;
    (void)request;
    http_call_reply(call, &reply);
}

static struct ws_server *open_server(struct bench *b, struct web *web, char **argv)
{
    struct ws_server_opts opts = {.http = {.host = "127.0.0.1",
                                           .port = (uint16_t)bench_number(argv[1], UINT16_MAX),
                                           .certificate_file = argv[2],
                                           .key_file = argv[3],
                                           .body_bytes_max = 1024,
                                           .request_ms = 10000,
                                           .idle_ms = 10000,
                                           .handler = refuse_http},
                                  .client_ca_file = argv[4],
                                  .path = MSG_TUNNEL_PATH,
                                  .links_max = 1,
                                  .limits = {.message_bytes_max = MSG_WEBSOCKET_BYTES_MAX,
                                             .outbox_bytes_max = 16 * 1024 * 1024,
                                             .pack_bytes = MSG_WEBSOCKET_PACK_BYTES,
                                             .heartbeat_ms = HEARTBEAT_MS},
                                  .on_link = on_link,
                                  .arg = b};
    struct ws_server *server = NULL;
    struct cx_fail fail = {0};

    if (ws_server_new(web, &opts, &server, &fail) != CX_OK) {
        bench_fail("listening", cx_fail_text(&fail));
    }
    return server;
}

int main(int argc, char **argv)
{
    static struct bench b;
    struct web_opts web_opts = {.subprotocol = MSG_SUBPROTOCOL};
    struct web *web = NULL;
    struct ws_server *server;
    struct cx_fail fail = {0};

    if (argc <= ARGS_BEFORE_COUNTS) {
        bench_fail("usage", "bench_jobs PORT CERTIFICATE KEY CA URL AGENT_PID MILLISECONDS "
                            "IN_FLIGHT...");
    }
    b.url = argv[5];
    b.agent_pid = (long)bench_number(argv[6], INT32_MAX);
    b.span_us = bench_number(argv[7], 600000) * 1000;
    b.counts = argv + ARGS_BEFORE_COUNTS;
    buf_init(&b.message, MSG_MESSAGE_BYTES_MAX);
    bench_samples_init(&b.samples, SAMPLES_MAX);
    if (loop_new(&b.loop, &fail) != CX_OK || web_new(b.loop, &web_opts, &web, &fail) != CX_OK) {
        bench_fail("the loop", cx_fail_text(&fail));
    }
    b.arena = wire_arena_new();
    if (b.arena == NULL) {
        bench_fail("the messages' arena", "out of memory");
    }
    loop_set_poll(b.loop, LOOP_POLL_US);
    server = open_server(&b, web, argv);
    (void)puts("listening");
    (void)fflush(stdout);
    loop_run(b.loop);
    ws_server_free(server);
    web_free(web);
    if (loop_free(b.loop) != CX_OK) {
        bench_fail("the loop", "something was left open");
    }
    bench_samples_done(&b.samples);
    wire_arena_free(b.arena);
    buf_done(&b.message);
    return 0;
}
