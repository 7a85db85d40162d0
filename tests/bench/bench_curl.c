/* The measure of all: the token requests alone, by libcurl's multi socket interface on libuv as a
 * good program uses it: easy handles and poll handles kept, connections reused.
 *
 *     bench_curl URL MILLISECONDS IN_FLIGHT...
 *
 * One row of JSON for each number in flight. */
#include "common/io/clock.h"
#include "tests/bench/bench.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

enum {
    SAMPLES_MAX = 4 * 1000 * 1000,
    IN_FLIGHT_MAX = 1024,
    WARM_UP_MS = 300,
    SOCKETS_MAX = 4096,
};

struct bench;

struct slot {
    struct bench *bench;
    CURL *easy;
    uint64_t began_us;
};

struct poll {
    uv_poll_t handle;
    struct bench *bench;
    int fd;
    int watched;
};

struct bench {
    uv_loop_t *loop;
    uv_timer_t timer;
    CURLM *multi;
    struct curl_slist *headers;
    struct slot slots[IN_FLIGHT_MAX];
    struct poll *polls[SOCKETS_MAX];
    struct bench_samples samples;
    struct bench_row row;
    unsigned running;
    uint64_t count_from_us, end_us;
    uint64_t cpu_from_us;
    bool is_counting;
};

static size_t take_body(char *data, size_t size, size_t n, void *unused)
{
    (void)data;
    (void)unused;
    return size * n;
}

static void slot_start(struct slot *slot)
{
    slot->began_us = clock_mono_us();
    if (curl_multi_add_handle(slot->bench->multi, slot->easy) != CURLM_OK) {
        bench_fail("curl", "the request can't be added");
    }
    slot->bench->running++;
}

/* One request is done: count it, and start the next. */
static void slot_done(struct slot *slot, CURLcode code)
{
    struct bench *b = slot->bench;
    uint64_t now_us = clock_mono_us();
    long status = 0;

    (void)curl_easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_multi_remove_handle(b->multi, slot->easy);
    b->running--;
    if (!b->is_counting && now_us >= b->count_from_us) {
        b->is_counting = true;
        b->count_from_us = now_us;
        b->cpu_from_us = bench_cpu_us(0);
        b->row.errors = 0;
    } else if (b->is_counting && now_us < b->end_us) {
        bench_samples_add(&b->samples, now_us - slot->began_us);
    }
    b->row.errors += code != CURLE_OK || status != 200;
    if (now_us < b->end_us) {
        slot_start(slot);
    } else if (b->row.elapsed_us == 0) {
        b->row.elapsed_us = now_us - b->count_from_us;
        b->row.cpu_us = bench_cpu_us(0) - b->cpu_from_us;
    }
}

static void take_done(struct bench *b)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(b->multi, &left)) != NULL) {
        struct slot *slot = NULL;
        CURLcode code = message->data.result;

        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&slot);
        slot_done(slot, code);
    }
    if (b->running == 0) {
        uv_stop(b->loop);
    }
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
    struct poll *poll = (struct poll *)handle;
    int what = status < 0 ? CURL_CSELECT_ERR : 0;
    int running;

    what |= (events & UV_READABLE) != 0 ? CURL_CSELECT_IN : 0;
    what |= (events & UV_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0;
    (void)curl_multi_socket_action(poll->bench->multi, poll->fd, what, &running);
    take_done(poll->bench);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *unused)
{
    struct bench *b = arg;
    struct poll *poll;
    int events = (what & CURL_POLL_IN) != 0 ? UV_READABLE : 0;

    (void)easy;
    (void)unused;
    events |= (what & CURL_POLL_OUT) != 0 ? UV_WRITABLE : 0;
    if (what == CURL_POLL_REMOVE || fd >= SOCKETS_MAX) {
        return 0; /* kept, until libcurl closes it */
    }
    if (b->polls[fd] == NULL) {
        b->polls[fd] = calloc(1, sizeof(*poll));
        if (b->polls[fd] == NULL || uv_poll_init(b->loop, &b->polls[fd]->handle, fd) != 0) {
            bench_fail("libuv", "a socket can't be watched");
        }
        b->polls[fd]->bench = b;
        b->polls[fd]->fd = fd;
    }
    poll = b->polls[fd];
    if (poll->watched != events) {
        poll->watched = events;
        (void)uv_poll_start(&poll->handle, events, on_poll);
    }
    return 0;
}

static void free_poll(uv_handle_t *handle)
{
    free(handle);
}

static int close_socket(void *arg, curl_socket_t fd)
{
    struct bench *b = arg;

    if (fd < SOCKETS_MAX && b->polls[fd] != NULL) {
        uv_close((uv_handle_t *)&b->polls[fd]->handle, free_poll);
        b->polls[fd] = NULL;
    }
    return close(fd);
}

static void on_timer(uv_timer_t *timer)
{
    struct bench *b = timer->data;
    int running;

    (void)curl_multi_socket_action(b->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    take_done(b);
}

static int set_timer(CURLM *multi, long after_ms, void *arg)
{
    struct bench *b = arg;

    (void)multi;
    if (after_ms < 0) {
        (void)uv_timer_stop(&b->timer);
    } else {
        (void)uv_timer_start(&b->timer, on_timer, (uint64_t)after_ms, 0);
    }
    return 0;
}

/* The token request, as the agent builds it from the job of bench_jobs.c: test_bench.py compares
 * them. */
static const char body[] = "grant_type=password&username=alice&password=wonderland";
static const char *const headers[] = {
    "Content-Type: application/x-www-form-urlencoded", "Accept: application/json, */*;q=0.5",
    "Accept-Encoding: identity",
    "Authorization: Basic YmVuY2g6cXdlcnR5LXdlcnR6", /* bench:qwerty-wertz */
};

static void slot_open(struct bench *b, struct slot *slot, const char *url)
{
    CURL *easy = curl_easy_init();

    slot->bench = b;
    slot->easy = easy;
    if (easy == NULL || curl_easy_setopt(easy, CURLOPT_URL, url) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, b->headers) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_PROXY, "") != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 15000L) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, b) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_PRIVATE, slot) != CURLE_OK) {
        bench_fail("curl", "a handle can't be made");
    }
}

static void run(struct bench *b, const char *url, uint64_t ms, unsigned in_flight)
{
    uint64_t now_us = clock_mono_us();

    bench_samples_clear(&b->samples);
    b->row = (struct bench_row){.in_flight = in_flight};
    b->is_counting = false;
    b->count_from_us = now_us + WARM_UP_MS * 1000;
    b->end_us = b->count_from_us + ms * 1000;
    for (unsigned i = 0; i < in_flight; i++) {
        if (b->slots[i].easy == NULL) {
            slot_open(b, &b->slots[i], url);
        }
        slot_start(&b->slots[i]);
    }
    (void)uv_run(b->loop, UV_RUN_DEFAULT);
    bench_row_print(&b->row, &b->samples);
}

static void open_all(struct bench *b)
{
    b->loop = uv_default_loop();
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        b->headers = curl_slist_append(b->headers, headers[i]);
    }
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
        (b->multi = curl_multi_init()) == NULL || b->headers == NULL) {
        bench_fail("curl", "it can't be set up");
    }
    (void)uv_timer_init(b->loop, &b->timer);
    b->timer.data = b;
    (void)curl_multi_setopt(b->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    (void)curl_multi_setopt(b->multi, CURLMOPT_SOCKETDATA, b);
    (void)curl_multi_setopt(b->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    (void)curl_multi_setopt(b->multi, CURLMOPT_TIMERDATA, b);
    (void)curl_multi_setopt(b->multi, CURLMOPT_MAXCONNECTS, (long)IN_FLIGHT_MAX);
    bench_samples_init(&b->samples, SAMPLES_MAX);
}

int main(int argc, char **argv)
{
    static struct bench bench;

    if (argc < 4) {
        bench_fail("usage", "bench_curl URL MILLISECONDS IN_FLIGHT...");
    }
    open_all(&bench);
    for (int i = 3; i < argc; i++) {
        run(&bench, argv[1], bench_number(argv[2], 600000),
            (unsigned)bench_number(argv[i], IN_FLIGHT_MAX));
    }
    for (unsigned i = 0; i < IN_FLIGHT_MAX && bench.slots[i].easy != NULL; i++) {
        curl_easy_cleanup(bench.slots[i].easy);
    }
    (void)curl_multi_cleanup(bench.multi);
    curl_slist_free_all(bench.headers);
    bench_samples_done(&bench.samples);
    curl_global_cleanup();
    return 0;
}
