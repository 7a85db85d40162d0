#include "common/core/wire.h"

#include "tests/support/alloc_any.h"
#include "tests/support/check.h"
#include "tests/support/wire_samples.h"

#define TEXT(s) SLICE_LIT(s)
#define MAX     MSG_MESSAGE_BYTES_MAX

static const struct {
    const char *why;
    enum cx_err err;
    const char *sample;
    size_t at; /* in the struct: the member that is made wrong */
    uint32_t value;
} number_rows[] = {
    {"capacity 0", CX_E_RANGE, "hello with as little as may be",
     offsetof(struct msg, body.hello.capacity), 0},
    {"capacity 2049", CX_E_RANGE, "hello with as little as may be",
     offsetof(struct msg, body.hello.capacity), 2049},
    {"tunnel 16", CX_E_RANGE, "hello with as little as may be",
     offsetof(struct msg, body.hello.tunnel), 16},
    {"heartbeat 999", CX_E_RANGE, "welcome", offsetof(struct msg, body.welcome.heartbeat_ms), 999},
    {"heartbeat 60001", CX_E_RANGE, "welcome", offsetof(struct msg, body.welcome.heartbeat_ms),
     60001},
    {"message_bytes 65535", CX_E_RANGE, "welcome", offsetof(struct msg, body.welcome.message_bytes),
     65535},
    {"message_bytes 262145", CX_E_RANGE, "welcome",
     offsetof(struct msg, body.welcome.message_bytes), 262145},
    {"websocket_bytes below message_bytes", CX_E_RANGE, "welcome",
     offsetof(struct msg, body.welcome.websocket_bytes), 262143},
    {"websocket_bytes over 1 MiB", CX_E_RANGE, "welcome",
     offsetof(struct msg, body.welcome.websocket_bytes), 1048577},
    {"purpose not set", CX_E_UNKNOWN, "job with as little as may be",
     offsetof(struct msg, body.job.purpose), 0},
    {"method not set", CX_E_UNKNOWN, "job with as little as may be",
     offsetof(struct msg, body.job.request.method), 0},
    {"encoding not set", CX_E_UNKNOWN, "job with as little as may be",
     offsetof(struct msg, body.job.request.encoding), 0},
    {"client method not set", CX_E_UNKNOWN, "job with all",
     offsetof(struct msg, body.job.request.client.method), 0},
    {"outcome not set", CX_E_UNKNOWN, "result with as little as may be",
     offsetof(struct msg, body.result.outcome), 0},
    {"code not set", CX_E_UNKNOWN, "result with as little as may be",
     offsetof(struct msg, body.result.code), 0},
    {"execution not set", CX_E_UNKNOWN, "result with as little as may be",
     offsetof(struct msg, body.result.execution), 0},
    {"type not set", CX_E_TYPE, "cancel", offsetof(struct msg, type), MSG_NONE},
};

static const struct {
    const char *why;
    enum cx_err err;
    const char *sample;
    size_t at;
    struct slice value;
} text_rows[] = {
    {"agent_version absent",
     CX_E_MISSING,
     "hello with as little as may be",
     offsetof(struct msg, body.hello.agent_version),
     {NULL, 0}},
    {"host absent",
     CX_E_MISSING,
     "hello with as little as may be",
     offsetof(struct msg, body.hello.host),
     {NULL, 0}},
    {"url absent",
     CX_E_MISSING,
     "job with as little as may be",
     offsetof(struct msg, body.job.request.url),
     {NULL, 0}},
    {"csr absent", CX_E_MISSING, "renew", offsetof(struct msg, body.renew.csr), {NULL, 0}},
    {"neither certificate nor error",
     CX_E_MISSING,
     "renewed with a certificate",
     offsetof(struct msg, body.renewed.certificate),
     {NULL, 0}},
    {"error without message",
     CX_E_MISSING,
     "error about none",
     offsetof(struct msg, body.error.message),
     {NULL, 0}},
    {"url that is not UTF-8",
     CX_E_UTF8,
     "job with as little as may be",
     offsetof(struct msg, body.job.request.url),
     {(const uint8_t *)"\xff", 1}},
};

/* What a peer would refuse is refused before it is sent. */
static void wire_put_refuses_what_wire_get_would_refuse(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(number_rows) + COUNT_OF(text_rows); i++) {
        bool is_text = i >= COUNT_OF(number_rows);
        size_t row = is_text ? i - COUNT_OF(number_rows) : i;
        const char *why = is_text ? text_rows[row].why : number_rows[row].why;
        struct msg m;
        struct buf out;

        buf_init(&out, MAX);
        assert_int_equal(buf_put_str(&out, "before"), CX_OK);
        if (is_text) {
            wire_sample_make(text_rows[row].sample, &m);
            memcpy((char *)&m + text_rows[row].at, &text_rows[row].value,
                   sizeof(text_rows[row].value));
        } else {
            wire_sample_make(number_rows[row].sample, &m);
            memcpy((char *)&m + number_rows[row].at, &number_rows[row].value, sizeof(uint32_t));
        }
        CHECK_ERR(why, wire_put(&m, MAX, &out, NULL),
                  is_text ? text_rows[row].err : number_rows[row].err);
        CHECK_TEXT(why, buf_view(&out), "before");
        buf_done(&out);
    }
}

/* Lists at their limit, and one past it. */
static void wire_put_keeps_the_counts(void **state)
{
    enum { MANY = MSG_ARRAY_MAX + 1 };
    static struct slice texts[MANY];
    static struct cx_id ids[MANY];
    static struct msg_variable variables[MSG_MAP_MAX + 1];
    static char names[MSG_MAP_MAX + 1][4];
    struct msg m;
    struct buf out;

    (void)state;
    buf_init(&out, MAX);
    for (size_t i = 0; i < MANY; i++) {
        texts[i] = TEXT("x");
    }
    for (size_t i = 0; i <= MSG_MAP_MAX; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "%zu", i);
        variables[i] = (struct msg_variable){slice_of_str(names[i]), TEXT("v")};
    }
    for (size_t over = 0; over < 2; over++) {
        enum cx_err want = over == 0 ? CX_OK : CX_E_TOO_BIG;

        wire_sample_make("hello with as little as may be", &m);
        m.body.hello.features = texts;
        m.body.hello.nfeatures = MSG_ARRAY_MAX + over;
        CHECK_ERR("features", wire_put(&m, MAX, &out, NULL), want);
        wire_sample_make("ack of none", &m);
        m.body.ack = (struct msg_ack){ids, MSG_ARRAY_MAX + over};
        CHECK_ERR("ids", wire_put(&m, MAX, &out, NULL), want);
        wire_sample_make("job with as little as may be", &m);
        m.body.job.variables = variables;
        m.body.job.nvariables = MSG_MAP_MAX + over;
        CHECK_ERR("variables", wire_put(&m, MAX, &out, NULL), want);
    }
    variables[7].name = variables[200].name;
    m.body.job.nvariables = MSG_MAP_MAX;
    CHECK_ERR("a variable twice", wire_put(&m, MAX, &out, NULL), CX_E_DUPLICATE);
    buf_done(&out);
}

static void wire_put_keeps_a_document_within_its_limit(void **state)
{
    static uint8_t json[MSG_DOCUMENT_BYTES_MAX + 1];
    struct msg m;
    struct buf out;

    (void)state;
    memset(json, ' ', sizeof(json));
    buf_init(&out, MAX);
    wire_sample_make("result of a discovery", &m);
    m.body.result.document = slice_of(json, MSG_DOCUMENT_BYTES_MAX);
    assert_int_equal(wire_put(&m, MAX, &out, NULL), CX_OK);
    m.body.result.document = slice_of(json, MSG_DOCUMENT_BYTES_MAX + 1);
    assert_int_equal(wire_put(&m, MAX, &out, NULL), CX_E_TOO_BIG);
    buf_done(&out);
}

static void wire_put_keeps_extra_within_its_limit(void **state)
{
    static uint8_t json[MSG_EXTRA_BYTES_MAX + 1];
    struct msg m;
    struct buf out;

    (void)state;
    memset(json, ' ', sizeof(json));
    buf_init(&out, MAX);
    wire_sample_make("result with all", &m);
    m.body.result.token.extra = slice_of(json, MSG_EXTRA_BYTES_MAX);
    assert_int_equal(wire_put(&m, MAX, &out, NULL), CX_OK);
    m.body.result.token.extra = slice_of(json, MSG_EXTRA_BYTES_MAX + 1);
    assert_int_equal(wire_put(&m, MAX, &out, NULL), CX_E_TOO_BIG);
    buf_done(&out);

    buf_init(&out, MAX); /* what the peer would not take is not gathered first */
    m.body.result.token.extra = slice_of(json, MSG_EXTRA_BYTES_MAX);
    assert_int_equal(wire_put(&m, 1000, &out, NULL), CX_E_TOO_BIG);
    assert_in_range(out.room, 1, 4096);
    buf_done(&out);
}

/* Every message fits exactly, and not into one byte less: neither by the peer's limit nor by the
 * buffer's cap. */
static void wire_put_keeps_the_sizes(void **state)
{
    (void)state;
    for (size_t i = 0; i < wire_samples_count; i++) {
        const char *why = wire_samples[i].why;
        struct msg m;
        struct buf out;
        size_t len;

        wire_sample_make(why, &m);
        buf_init(&out, MAX);
        CHECK_ERR(why, wire_put(&m, MAX, &out, NULL), CX_OK);
        len = out.len;
        CHECK_ERR(why, wire_put(&m, len, &out, NULL), CX_OK);
        for (size_t less = 1; less <= len; less++) {
            CHECK_ERR(why, wire_put(&m, len - less, &out, NULL), CX_E_TOO_BIG);
        }
        CHECK(why, out.len == 2 * len);
        buf_done(&out);

        buf_init(&out, 2 * len - 1);
        CHECK_ERR(why, wire_put(&m, MAX, &out, NULL), CX_OK);
        CHECK_ERR(why, wire_put(&m, MAX, &out, NULL), CX_E_TOO_BIG);
        CHECK(why, out.len == len);
        buf_done(&out);
    }
}

static void wire_put_leaves_nothing_behind_when_memory_is_short(void **state)
{
    (void)state;
    if (!alloc_any_works()) {
        skip();
    }
    for (size_t i = 0; i < wire_samples_count; i++) {
        const char *why = wire_samples[i].why;
        struct msg m;

        wire_sample_make(why, &m);
        for (size_t nth = 1;; nth++) {
            struct buf out;
            enum cx_err err;
            struct alloc_seen seen;
            bool is_empty;

            buf_init(&out, MAX);
            alloc_any_start(nth);
            err = wire_put(&m, MAX, &out, NULL);
            is_empty = out.len == 0;
            buf_done(&out);
            seen = alloc_any_stop();
            CHECK_ERR(why, err, seen.has_failed ? CX_E_NOMEM : CX_OK);
            CHECK(why, is_empty == seen.has_failed);
            CHECK(why, seen.freed == seen.calls - (seen.has_failed ? 1 : 0));
            if (!seen.has_failed) {
                CHECK(why, nth > 1);
                break;
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wire_put_refuses_what_wire_get_would_refuse),
        cmocka_unit_test(wire_put_keeps_the_counts),
        cmocka_unit_test(wire_put_keeps_extra_within_its_limit),
        cmocka_unit_test(wire_put_keeps_a_document_within_its_limit),
        cmocka_unit_test(wire_put_keeps_the_sizes),
        cmocka_unit_test(wire_put_leaves_nothing_behind_when_memory_is_short),
    };

    return cmocka_run_group_tests_name("wire_put", tests, NULL, NULL);
}
