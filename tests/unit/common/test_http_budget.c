/* A call ends within its budget wherever it hangs, says where that was, and costs its neighbours
 * nothing; what can't be reached is known as not sent. */
#include "common/io/clock.h"
#include "tests/support/check.h"
#include "tests/support/http_ask.h"
#include "tests/support/http_peer.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

enum { SHORT_MS = 200, LATE_MS = 2000 /* what a loaded machine may add */ };

/* ---- names: in the place of the C library's resolver, whose servers a test can't stop ---- */

static pthread_mutex_t names_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t names_changed = PTHREAD_COND_INITIALIZER;
static bool is_resolver_dead;
static unsigned lookups_waiting;

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **out)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo"); /* as POSIX shows it */
    if (strcmp(node, "nowhere.test") == 0) {
        return EAI_NONAME;
    }
    if (strcmp(node, "dead.test") == 0) {
        (void)pthread_mutex_lock(&names_lock);
        lookups_waiting++;
        (void)pthread_cond_broadcast(&names_changed);
        while (is_resolver_dead) {
            (void)pthread_cond_wait(&names_changed, &names_lock);
        }
        lookups_waiting--;
        (void)pthread_cond_broadcast(&names_changed);
        (void)pthread_mutex_unlock(&names_lock);
        return EAI_AGAIN;
    }
    if (strcmp(node, "two.test") == 0) { /* 127.0.0.2 first */
        int rc = real("127.0.0.2", service, hints, out);

        return rc != 0 ? rc : real("127.0.0.1", service, hints, &(*out)->ai_next);
    }
    return real(strcmp(node, "alive.test") == 0 ? "127.0.0.1" : node, service, hints, out);
}

static void resolver_die(void)
{
    (void)pthread_mutex_lock(&names_lock);
    is_resolver_dead = true;
    (void)pthread_mutex_unlock(&names_lock);
}

/* Come back, and let the lookups that hang end before the program does. */
static void resolver_revive(unsigned lookups)
{
    (void)pthread_mutex_lock(&names_lock);
    while (lookups_waiting < lookups) { /* they are threads: not begun yet, perhaps */
        (void)pthread_cond_wait(&names_changed, &names_lock);
    }
    is_resolver_dead = false;
    (void)pthread_cond_broadcast(&names_changed);
    while (lookups_waiting > 0) {
        (void)pthread_cond_wait(&names_changed, &names_lock);
    }
    (void)pthread_mutex_unlock(&names_lock);
}

/* ---- budgets ---- */

static void assert_over_budget(const struct asked *a, enum stage stage, const char *sentence)
{
    assert_int_equal(a->code, VERDICT_BUDGET_EXCEEDED);
    assert_int_equal(a->stage, stage);
    assert_int_equal(a->execution, a->sendings > 0 ? EXECUTION_SENT : EXECUTION_NOT_SENT);
    assert_non_null(strstr(a->fail.detail, sentence));
    assert_non_null(strstr(a->fail.detail, "200 ms"));
    assert_in_range(a->timing.total, SHORT_MS * 1000 * 9 / 10, (SHORT_MS + LATE_MS) * 1000);
}

static void serve_half_an_answer(struct peer_connection *c)
{
    struct peer_request r = {0};

    if (peer_read(c, &r) && peer_say(c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")) {
        peer_wait_closed(c);
    }
    peer_request_done(&r);
}

/* Takes the connection and reads nothing. */
static void serve_deaf(struct peer_connection *c)
{
    (void)pthread_mutex_lock(&names_lock);
    while (c->peer->requests == 0) {
        (void)pthread_cond_wait(&names_changed, &names_lock);
    }
    (void)pthread_mutex_unlock(&names_lock);
}

static void hearing_again(struct asked *a)
{
    (void)a;
    (void)pthread_mutex_lock(&names_lock);
    (void)pthread_cond_broadcast(&names_changed);
    (void)pthread_mutex_unlock(&names_lock);
}

static void http_ends_with_its_budget_where_an_answer_hangs(void **state)
{
    static char large[16 * 1024 * 1024];
    static const struct {
        const char *scheme;
        peer_serve *serve;
        size_t body_len;
        enum stage stage;
        const char *sentence;
    } rows[] = {
        {"http", peer_serve_nothing, 3, STAGE_WAIT, "waiting for the endpoint's answer"},
        {"http", serve_half_an_answer, 3, STAGE_RECEIVE, "receiving the endpoint's answer"},
        {"http", serve_deaf, sizeof(large), STAGE_SEND, "sending the request"},
        {"https", peer_serve_nothing, 3, STAGE_TLS, "in the TLS handshake"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct peer peer;
        struct asker by;
        struct asked a;
        struct http_plan plan;

        peer_start(&peer, NULL, rows[i].serve, NULL);
        asker_start(&by);
        plan = asked_plan(&a, rows[i].scheme, "127.0.0.1", peer.port);
        plan.budget_ms = SHORT_MS;
        plan.body = slice_of(large, rows[i].body_len);
        asked_run(&by, &a, &plan);
        assert_over_budget(&a, rows[i].stage, rows[i].sentence);
        asker_stop(&by);
        peer.requests++;
        hearing_again(&a);
        peer_stop(&peer);
    }
}

/* A port where SYNs are dropped: a listener whose queue is full. */
struct hole {
    int listener, queued[4];
    uint16_t port;
};

static void hole_dig(struct hole *hole, const char *address, uint16_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t len = sizeof(at);

    assert_int_equal(inet_pton(AF_INET, address, &at.sin_addr), 1);
    hole->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(hole->listener, (struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(hole->listener, 0), 0);
    assert_int_equal(getsockname(hole->listener, (struct sockaddr *)&at, &len), 0);
    hole->port = ntohs(at.sin_port);
    for (size_t i = 0; i < COUNT_OF(hole->queued); i++) {
        hole->queued[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(hole->queued[i], (struct sockaddr *)&at, len);
    }
}

static void hole_fill(const struct hole *hole)
{
    for (size_t i = 0; i < COUNT_OF(hole->queued); i++) {
        (void)close(hole->queued[i]);
    }
    (void)close(hole->listener);
}

static void http_ends_with_its_budget_while_connecting(void **state)
{
    struct hole hole;
    struct asker by;
    struct asked a;
    struct http_plan plan;

    (void)state;
    hole_dig(&hole, "127.0.0.1", 0);
    asker_start(&by);
    plan = asked_plan(&a, "http", "127.0.0.1", hole.port);
    plan.budget_ms = SHORT_MS;
    asked_run(&by, &a, &plan);
    assert_over_budget(&a, STAGE_CONNECT, "connecting to the endpoint");
    assert_true(a.timing.connect > 0);
    asker_stop(&by);
    hole_fill(&hole);
}

static bool refuses_the_second_loopback(const struct sockaddr *address)
{
    return ((const struct sockaddr_in *)address)->sin_addr.s_addr == htonl(INADDR_LOOPBACK);
}

static void http_goes_on_to_the_next_address(void **state)
{
    static const struct {
        const char *why;
        bool is_hole, is_refused;
    } rows[] = {{"the first refuses the connection", false, false},
                {"the first does not answer: half of the budget is left", true, false},
                {"the policy refuses the first", false, true}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct hole hole;
        struct peer peer;
        struct asker by;
        struct asked a;
        struct asked again;
        struct http_plan plan;

        peer_start(&peer, NULL, peer_serve_text, OK_ANSWER);
        if (rows[i].is_hole) {
            hole_dig(&hole, "127.0.0.2", peer.port);
        }
        asker_start(&by);
        plan = asked_plan(&a, "http", "two.test", peer.port);
        plan.budget_ms = rows[i].is_hole ? 1000 : 5000;
        a.allows = rows[i].is_refused ? refuses_the_second_loopback : NULL;
        asked_run(&by, &a, &plan);
        CHECK(rows[i].why, a.status == 200 && a.sendings == 1);
        plan = asked_plan(&again, "http", "two.test", peer.port);
        asked_run(&by, &again, &plan); /* on the connection that was made */
        CHECK(rows[i].why, again.status == 200 && again.is_reused);
        asker_stop(&by);
        peer_stop(&peer);
        if (rows[i].is_hole) {
            hole_fill(&hole);
        }
    }
}

static void http_ends_with_its_budget_while_waiting_for_a_connection(void **state)
{
    const struct http_limits limits = {.connections = 100, .connections_per_host = 1};
    struct peer peer;
    struct asker by;
    struct asked holds;
    struct asked waits;
    struct http_plan plan;

    (void)state;
    peer_start(&peer, NULL, peer_serve_nothing, NULL);
    asker_start_with(&by, &limits);
    plan = asked_plan(&holds, "http", "127.0.0.1", peer.port);
    plan.budget_ms = 2 * SHORT_MS;
    asked_start(&by, &holds, &plan);
    plan = asked_plan(&waits, "http", "127.0.0.1", peer.port);
    plan.budget_ms = SHORT_MS;
    asked_start(&by, &waits, &plan);
    asker_run(&by);
    assert_over_budget(&waits, STAGE_CONNECT, "waiting for a free connection");
    assert_int_equal(holds.stage, STAGE_WAIT);
    asker_stop(&by);
    peer_stop(&peer);
    assert_int_equal(peer.requests, 1);
}

static void http_with_a_dead_resolver_ends_in_time_and_holds_nobody_up(void **state)
{
    struct peer peer;
    struct asker by;
    struct asked dead[3];
    struct asked alive;
    struct http_plan plan;

    (void)state;
    peer_start(&peer, NULL, peer_serve_text, OK_ANSWER);
    asker_start(&by);
    resolver_die();
    for (size_t i = 0; i < COUNT_OF(dead); i++) {
        plan = asked_plan(&dead[i], "http", "dead.test", peer.port);
        plan.budget_ms = SHORT_MS;
        asked_start(&by, &dead[i], &plan);
    }
    asker_run(&by);
    for (size_t i = 0; i < COUNT_OF(dead); i++) {
        assert_over_budget(&dead[i], STAGE_RESOLVE, "resolving the endpoint's name");
        assert_true(dead[i].timing.resolve > 0);
    }
    plan = asked_plan(&alive, "http", "alive.test", peer.port); /* the lookups still hang */
    asked_run(&by, &alive, &plan);
    assert_int_equal(alive.status, 200);
    assert_true(alive.timing.total < LATE_MS * 1000);
    asker_stop(&by);
    resolver_revive(COUNT_OF(dead));
    peer_stop(&peer);
}

/* ---- what can't be reached ---- */

static void http_knows_an_unknown_name_as_not_sent(void **state)
{
    struct asker by;
    struct asked a;
    struct http_plan plan;

    (void)state;
    asker_start(&by);
    plan = asked_plan(&a, "http", "nowhere.test", 80);
    asked_run(&by, &a, &plan);
    asker_stop(&by);
    assert_int_equal(a.execution, EXECUTION_NOT_SENT);
    assert_int_equal(a.stage, STAGE_RESOLVE);
    assert_int_equal(a.code, VERDICT_ENDPOINT_UNREACHABLE);
    assert_int_equal(a.sendings, 0);
    assert_null(strstr(a.fail.detail, "nowhere")); /* a virtual name may stand for it */
}

static void http_knows_a_refused_connection_as_not_sent(void **state)
{
    struct peer peer;
    struct asker by;
    struct asked a;
    struct http_plan plan;

    (void)state;
    peer_start(&peer, NULL, peer_serve_text, OK_ANSWER);
    peer_stop(&peer); /* nobody listens on its port now */
    asker_start(&by);
    plan = asked_plan(&a, "http", "alive.test", peer.port);
    asked_run(&by, &a, &plan);
    asker_stop(&by);
    assert_int_equal(a.execution, EXECUTION_NOT_SENT);
    assert_int_equal(a.stage, STAGE_CONNECT);
    assert_int_equal(a.code, VERDICT_ENDPOINT_UNREACHABLE);
    assert_int_equal(a.sendings, 0);
    assert_non_null(strstr(a.fail.detail, "connection refused"));
    assert_null(strstr(a.fail.detail, "127.0.0.1"));
    assert_null(strstr(a.fail.detail, "alive"));
}

/* ---- a process that stood still ---- */

static struct standstill {
    struct peer peer;
    pthread_t loop_thread;
    uint64_t until_ms;
    atomic_bool has_answered;
} standstill;

static void serve_a_stopped_client(struct peer_connection *c)
{
    struct peer_request r = {.body = NULL};

    if (peer_read(c, &r)) {
        /* By now its loop waits, and no timer of libcurl's connecting (200 ms) has it look at the
         * socket; if not, the test is only easier. */
        (void)usleep(300 * 1000);
        (void)pthread_kill(standstill.loop_thread, SIGUSR1);
        (void)peer_say(c, OK_ANSWER);
        standstill.has_answered = true;
        peer_wait_closed(c);
    }
    peer_request_done(&r);
}

/* As SIGSTOP and SIGCONT: what the loop waits in is interrupted before there was anything, and
 * returns when the answer is there and the budget is over. */
static void stand_still(int signum)
{
    const struct timespec ms = {.tv_nsec = 1000000};

    (void)signum;
    while (!standstill.has_answered || clock_mono_ms() <= standstill.until_ms) {
        (void)nanosleep(&ms, NULL);
    }
}

static void http_takes_an_answer_that_came_while_the_process_stood_still(void **state)
{
    struct sigaction action = {.sa_handler = stand_still}, before;
    struct asked a = {0};
    struct asker by;
    struct http_plan plan;

    (void)state;
    standstill.loop_thread = pthread_self();
    assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
    peer_start(&standstill.peer, NULL, serve_a_stopped_client, NULL);
    asker_start(&by);
    plan = asked_plan(&a, "http", "127.0.0.1", standstill.peer.port);
    plan.budget_ms = LATE_MS;
    standstill.until_ms = clock_mono_ms() + LATE_MS + 50;
    asked_run(&by, &a, &plan);
    asker_stop(&by);
    peer_stop(&standstill.peer);
    assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
    assert_int_equal(a.status, 200);
    assert_int_equal(a.execution, EXECUTION_ANSWERED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(http_ends_with_its_budget_where_an_answer_hangs),
        cmocka_unit_test(http_ends_with_its_budget_while_connecting),
        cmocka_unit_test(http_goes_on_to_the_next_address),
        cmocka_unit_test(http_ends_with_its_budget_while_waiting_for_a_connection),
        cmocka_unit_test(http_with_a_dead_resolver_ends_in_time_and_holds_nobody_up),
        cmocka_unit_test(http_knows_an_unknown_name_as_not_sent),
        cmocka_unit_test(http_knows_a_refused_connection_as_not_sent),
        cmocka_unit_test(http_takes_an_answer_that_came_while_the_process_stood_still),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
