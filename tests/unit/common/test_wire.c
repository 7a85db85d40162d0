#include "common/core/wire.h"

#include "tests/support/alloc_any.h"
#include "tests/support/check.h"
#include "tests/support/msgpack_text.h"
#include "tests/support/wire_golden.h"
#include "tests/support/wire_samples.h"

#define MAX MSG_MESSAGE_BYTES_MAX

/* The golden bytes are put exactly; and what is read from them and put again is the same: so
 * neither direction loses, adds or mixes up a key. */
static void wire_put_and_wire_get_agree_with_an_independent_implementation(void **state)
{
    (void)state;
    for (size_t i = 0; i < wire_samples_count; i++) {
        const struct wire_sample *s = &wire_samples[i];
        struct buf golden;
        struct buf out;
        struct buf again;
        struct slice rest;
        struct slice message;
        struct msg m;
        struct cx_fail fail = {0};

        buf_init(&golden, MAX);
        buf_init(&out, MAX);
        buf_init(&again, MAX);
        msgpack_text(&golden, s->golden);
        wire_sample_make(s->why, &m);
        CHECK_ERR(s->why, wire_put(&m, MAX, &out, &fail), CX_OK);
        CHECK(s->why, slice_eq(buf_view(&out), buf_view(&golden)));

        rest = buf_view(&golden);
        CHECK_ERR(s->why, wire_cut(&rest, MAX, &message, &fail), CX_OK);
        CHECK(s->why, rest.len == 0 && message.len == golden.len);
        CHECK_ERR(s->why, wire_get(message, &m, &fail), CX_OK);
        CHECK(s->why, m.type_number == (uint64_t)m.type);
        CHECK_ERR(s->why, wire_put(&m, MAX, &again, &fail), CX_OK);
        CHECK(s->why, slice_eq(buf_view(&again), buf_view(&golden)));
        wire_done(&m);
        wire_done(&m);
        buf_done(&golden);
        buf_done(&out);
        buf_done(&again);
    }
}

/* The whole of `bytes` as one message; the caller does wire_done. */
static enum cx_err get_bytes(const struct buf *bytes, struct msg *m)
{
    struct slice rest = buf_view(bytes);
    struct slice message;

    memset(m, 0, sizeof(*m));
    assert_int_equal(wire_cut(&rest, MAX, &message, NULL), CX_OK);
    assert_int_equal(rest.len, 0);
    return wire_get(message, m, NULL);
}

static void read_text(struct buf *bytes, const char *text, struct msg *m)
{
    buf_init(bytes, MAX);
    msgpack_text(bytes, text);
    assert_int_equal(get_bytes(bytes, m), CX_OK);
}

static void wire_get_fills_a_job(void **state)
{
    struct buf bytes;
    struct msg m;
    const struct msg_job *job = &m.body.job;

    (void)state;
    read_text(&bytes, GOLDEN_JOB_FULL, &m);
    assert_int_equal(job->id.bytes[0], 5);
    assert_int_equal(job->id.bytes[15], 5);
    assert_int_equal(job->budget_ms, 29750);
    assert_int_equal(job->purpose, PURPOSE_AUTHORIZE);
    assert_int_equal(job->request.method, METHOD_POST);
    assert_int_equal(job->request.encoding, ENCODING_FORM);
    CHECK_TEXT("root", job->request.root, "order");
    assert_int_equal(job->request.nfields, 2);
    assert_int_equal(job->request.fields[1].place, PLACE_HEADER);
    CHECK_TEXT("key", job->request.fields[1].key, "X-Pin");
    assert_false(slice_is_absent(job->request.fields[1].value)); /* empty, and present */
    assert_int_equal(job->request.client.method, CLIENT_SECRET_BASIC_RAW);
    CHECK_TEXT("client id", job->request.client.id, "portal");
    CHECK_TEXT("client secret", job->request.client.secret, "s3");
    assert_int_equal(job->request.client.alg, ALG_ES256);
    CHECK_TEXT("client kid", job->request.client.kid, "k1");
    CHECK_TEXT("client aud", job->request.client.aud, "https://a");
    assert_int_equal(job->nvariables, 2);
    CHECK_TEXT("name", job->variables[0].name, "username");
    CHECK_TEXT("value", job->variables[0].value, "zo\xc3\xab");
    CHECK_TEXT("secret", job->secret_variables[0], "pin");
    assert_int_equal(job->expect.auth_error_status[1], 499);
    assert_int_equal(job->expect.answer, ENCODING_JSON);
    assert_true(job->trace);
    CHECK_TEXT("trace id", job->trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_null(job->unknown);
    wire_done(&m);
    buf_done(&bytes);
}

static void wire_get_fills_a_mapped_answer(void **state)
{
    struct buf bytes;
    struct msg m;
    const struct msg_places *p = &m.body.job.expect.places;

    (void)state;
    read_text(&bytes, GOLDEN_JOB_MAPPED, &m);
    assert_int_equal(m.body.job.expect.answer, ENCODING_XML);
    CHECK_TEXT("access", p->access_token, "/r/t");
    CHECK_TEXT("refresh", p->refresh_token, "/r/f");
    CHECK_TEXT("expires", p->expires_in, "/r/e");
    CHECK_TEXT("type", p->token_type, "/r/k");
    CHECK_TEXT("at", p->success_at, "/r/ok");
    CHECK_TEXT("is", p->success_is, "true");
    wire_done(&m);
    buf_done(&bytes);
}

static void wire_get_gives_defaults_for_what_is_absent(void **state)
{
    struct buf bytes;
    struct msg m;

    (void)state;
    read_text(&bytes, GOLDEN_JOB_MIN, &m);
    assert_int_equal(m.body.job.request.client.method, CLIENT_NONE);
    assert_true(slice_is_absent(m.body.job.request.client.secret));
    assert_true(slice_is_absent(m.body.job.request.root));
    assert_false(slice_is_absent(m.body.job.request.url));
    assert_int_equal(m.body.job.expect.answer, ENCODING_UNKNOWN);
    assert_true(slice_is_absent(m.body.job.expect.places.access_token));
    assert_null(m.body.job.unknown);
    wire_done(&m);
    buf_done(&bytes);

    read_text(&bytes, GOLDEN_RESULT_MIN, &m);
    assert_int_equal(m.body.result.status, 0);
    assert_false(m.body.result.has_token || m.body.result.has_error || m.body.result.has_age ||
                 m.body.result.has_timing);
    assert_null(m.body.result.unknown);
    wire_done(&m);
    buf_done(&bytes);
}

static void wire_get_fills_a_result(void **state)
{
    struct buf bytes;
    struct msg m;
    const struct msg_result *r = &m.body.result;

    (void)state;
    read_text(&bytes, GOLDEN_RESULT_FULL, &m);
    assert_int_equal(r->outcome, OUTCOME_ISSUED);
    assert_int_equal(r->code, VERDICT_ISSUED);
    assert_int_equal(r->execution, EXECUTION_ANSWERED);
    assert_int_equal(r->status, 200);
    CHECK_TEXT("access", r->token.access_token, "at");
    /* no copy of a secret is made: the slice lies in the bytes that came */
    assert_in_range((uintptr_t)r->token.access_token.ptr, (uintptr_t)bytes.ptr,
                    (uintptr_t)(bytes.ptr + bytes.len));
    CHECK_TEXT("refresh", r->token.refresh_token, "rt");
    assert_true(r->token.has_expires_in && r->token.expires_in == 3600);
    assert_true(r->token.extra_omitted);
    assert_true(r->token.has_refresh_expires_in && r->token.refresh_expires_in == 86400);
    assert_int_equal(r->error.stage, STAGE_PARSE);
    CHECK_TEXT("oauth error", r->error.oauth_error, "invalid_grant");
    assert_true(r->error.has_retry_after && r->error.retry_after_ms == 1500);
    assert_true(r->has_age && r->age_ms == 7);
    assert_int_equal(r->timing.queued, 1);
    assert_int_equal(r->timing.receive, 7);
    assert_int_equal(r->timing.total, 28);
    wire_done(&m);
    buf_done(&bytes);
}

/* Several protocol messages come in one WebSocket message, in order. */
static void wire_cut_takes_one_message_after_the_other(void **state)
{
    struct buf bytes;
    struct slice rest;
    struct slice message;
    struct msg m;

    (void)state;
    buf_init(&bytes, MAX);
    for (size_t i = 0; i < wire_samples_count; i++) {
        msgpack_text(&bytes, wire_samples[i].golden);
    }
    rest = buf_view(&bytes);
    for (size_t i = 0; i < wire_samples_count; i++) {
        struct msg want;

        wire_sample_make(wire_samples[i].why, &want);
        CHECK_ERR(wire_samples[i].why, wire_cut(&rest, MAX, &message, NULL), CX_OK);
        CHECK_ERR(wire_samples[i].why, wire_get(message, &m, NULL), CX_OK);
        CHECK(wire_samples[i].why, m.type == want.type);
        wire_done(&m);
    }
    assert_int_equal(rest.len, 0);
    assert_int_equal(wire_cut(&rest, MAX, &message, NULL), CX_E_SYNTAX);
    buf_done(&bytes);
}

static void wire_get_gives_no_type_for_one_it_does_not_know(void **state)
{
    static const struct {
        const char *why, *text;
        uint64_t number;
    } rows[] = {
        {"type 0", "92 00 80", 0},
        {"the next type", "92 0c 81 'id' 01", 12},
        {"a long form of a number", "92 cd 00 0c 80", 12},
        {"the greatest", "92 cf ff ff ff ff ff ff ff ff 80", UINT64_MAX},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf bytes;
        struct msg m;

        read_text(&bytes, rows[i].text, &m);
        CHECK(rows[i].why, m.type == MSG_NONE && m.type_number == rows[i].number);
        wire_done(&m);
        buf_done(&bytes);
    }
}

static void wire_done_takes_a_zeroed_struct(void **state)
{
    struct msg m;

    (void)state;
    memset(&m, 0, sizeof(m));
    wire_done(&m);
    assert_null(m.arena);
}

static void wire_get_keeps_extra_and_document_within_their_limits(void **state)
{
    static uint8_t json[MSG_EXTRA_BYTES_MAX + 1];
    static const char *const keys[] = {"'token' 81 'extra'", "'document'"};

    (void)state;
    memset(json, ' ', sizeof(json));
    for (size_t i = 0; i < 2 * COUNT_OF(keys); i++) {
        size_t over = i % 2;
        struct buf bytes;
        struct msg m;

        buf_init(&bytes, MAX);
        msgpack_text(&bytes,
                     "92 04 85 'id' @05 'outcome' 'failed' 'code' 'issued' 'execution' 'sent'");
        msgpack_text(&bytes, keys[i / 2]);
        msgpack_text(&bytes, over == 0 ? "db 00010000" : "db 00010001");
        assert_int_equal(buf_put(&bytes, slice_of(json, MSG_EXTRA_BYTES_MAX + over)), CX_OK);
        CHECK_ERR(keys[i / 2], get_bytes(&bytes, &m), over == 0 ? CX_OK : CX_E_TOO_BIG);
        wire_done(&m);
        buf_done(&bytes);
    }
}

/* As many ids as an array holds, in an order that is not sorted; then the last one again. */
static void wire_get_finds_an_id_twice_among_many(void **state)
{
    static const char before[] =
        "92 01 8a 'agent_version' '' 'instance' @01 'tunnel' 00 'ledger' @02"
        "'ledger_seq' 00 'host' '' 'capacity' 01 'policy' 81 'rules' 90"
        "'features' 90 'known' dc 10 00";

    (void)state;
    for (size_t twice = 0; twice < 2; twice++) {
        struct buf bytes;
        struct msg m;

        buf_init(&bytes, MAX);
        msgpack_text(&bytes, before);
        for (size_t i = 0; i < MSG_ARRAY_MAX; i++) {
            size_t n = twice == 1 && i == MSG_ARRAY_MAX - 1 ? 17 : i;
            char id[48];

            (void)snprintf(id, sizeof(id), "c410 %04zx 0000000000000000000000000000",
                           n * 40503 % 65536);
            msgpack_text(&bytes, id);
        }
        CHECK_ERR("known", get_bytes(&bytes, &m), twice == 0 ? CX_OK : CX_E_DUPLICATE);
        CHECK("known", twice == 1 || m.body.hello.nknown == MSG_ARRAY_MAX);
        CHECK("order", twice == 1 || m.body.hello.known[1].bytes[0] == 40503 >> 8);
        wire_done(&m);
        buf_done(&bytes);
    }
}

static void wire_get_gives_all_back_when_memory_is_short(void **state)
{
    (void)state;
    if (!alloc_any_works()) {
        skip();
    }
    for (size_t i = 0; i < wire_samples_count; i++) {
        const char *why = wire_samples[i].why;
        struct buf bytes;

        buf_init(&bytes, MAX);
        msgpack_text(&bytes, wire_samples[i].golden);
        for (size_t nth = 1;; nth++) {
            struct msg m;
            struct alloc_seen seen;
            enum cx_err err;

            alloc_any_start(nth);
            err = get_bytes(&bytes, &m);
            wire_done(&m);
            seen = alloc_any_stop();
            CHECK_ERR(why, err, seen.has_failed ? CX_E_NOMEM : CX_OK);
            CHECK(why, seen.freed == seen.calls - (seen.has_failed ? 1 : 0));
            if (!seen.has_failed) {
                CHECK(why, nth > 1 && seen.calls < 8); /* not one for each element */
                break;
            }
        }
        buf_done(&bytes);
    }
}

/* All samples side by side in one arena, twice: each is whole when the last one has been read, also
 * after one that is refused. */
static void wire_get_in_reads_many_messages_into_one_arena(void **state)
{
    static struct buf golden[32];
    static struct msg read[32];
    struct wire_arena *arena = wire_arena_new();
    struct msg refused;

    (void)state;
    assert_non_null(arena);
    assert_in_range(wire_samples_count, 1, COUNT_OF(golden));
    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < wire_samples_count; i++) {
            buf_init(&golden[i], MAX);
            msgpack_text(&golden[i], wire_samples[i].golden);
            CHECK_ERR(wire_samples[i].why, wire_get_in(arena, buf_view(&golden[i]), &read[i], NULL),
                      CX_OK);
            refused.type = MSG_DRAIN;
            assert_int_equal(wire_get_in(arena, SLICE_LIT("\x92\x05\x80"), &refused, NULL),
                             CX_E_MISSING);
            assert_int_equal(refused.type, MSG_DRAIN);
        }
        for (size_t i = 0; i < wire_samples_count; i++) {
            struct buf again;

            buf_init(&again, MAX);
            CHECK_ERR(wire_samples[i].why, wire_put(&read[i], MAX, &again, NULL), CX_OK);
            CHECK(wire_samples[i].why, slice_eq(buf_view(&again), buf_view(&golden[i])));
            wire_done(&read[i]); /* takes nothing away */
            buf_done(&again);
            buf_done(&golden[i]);
        }
        wire_arena_clear(arena);
    }
    wire_arena_free(arena);
}

static void wire_arena_keeps_its_first_memory(void **state)
{
    struct wire_arena *arena = wire_arena_new();
    struct buf bytes;
    struct msg m;

    (void)state;
    if (!alloc_any_works()) {
        wire_arena_free(arena);
        skip();
    }
    assert_non_null(arena);
    buf_init(&bytes, MAX);
    msgpack_text(&bytes, wire_samples[0].golden);
    for (size_t nth = 1; nth > 0;) {
        struct alloc_seen seen;
        enum cx_err err = CX_OK;

        alloc_any_start(nth);
        for (size_t i = 0; i < 200 && err == CX_OK; i++) { /* more than it keeps */
            err = wire_get_in(arena, buf_view(&bytes), &m, NULL);
        }
        wire_arena_clear(arena);
        seen = alloc_any_stop();
        CHECK_ERR("short of memory", err, seen.has_failed ? CX_E_NOMEM : CX_OK);
        assert_int_equal(seen.freed, seen.calls - (seen.has_failed ? 1 : 0));
        nth = seen.has_failed ? nth + 1 : 0;
    }
    alloc_any_start(0);
    assert_int_equal(wire_get_in(arena, buf_view(&bytes), &m, NULL), CX_OK);
    assert_int_equal(alloc_any_stop().calls, 0);
    buf_done(&bytes);
    wire_arena_free(arena);
    wire_arena_free(NULL);
}

/* What a peer can make the reader allocate stays in proportion to what it has sent: the worst is an
 * object for each byte, under a key that nobody knows. */
static void wire_get_takes_memory_in_proportion(void **state)
{
    struct buf bytes;
    struct msg m;
    struct alloc_seen seen;

    (void)state;
    buf_init(&bytes, MAX);
    msgpack_text(&bytes, "92 05 82 'ids' 90 'x' dc 00 3f");
    for (size_t i = 0; i < 63; i++) {
        static const uint8_t zeros[MSG_ARRAY_MAX - 1]; /* numbers of one byte */

        msgpack_text(&bytes, "dc 0f ff");
        assert_int_equal(buf_put(&bytes, slice_of(zeros, sizeof(zeros))), CX_OK);
    }
    alloc_any_start(0);
    assert_int_equal(get_bytes(&bytes, &m), CX_OK);
    seen = alloc_any_stop();
    assert_true(seen.bytes < 64 * bytes.len);
    wire_done(&m);
    buf_done(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wire_put_and_wire_get_agree_with_an_independent_implementation),
        cmocka_unit_test(wire_get_fills_a_job),
        cmocka_unit_test(wire_get_fills_a_mapped_answer),
        cmocka_unit_test(wire_get_gives_defaults_for_what_is_absent),
        cmocka_unit_test(wire_get_fills_a_result),
        cmocka_unit_test(wire_cut_takes_one_message_after_the_other),
        cmocka_unit_test(wire_get_gives_no_type_for_one_it_does_not_know),
        cmocka_unit_test(wire_done_takes_a_zeroed_struct),
        cmocka_unit_test(wire_get_keeps_extra_and_document_within_their_limits),
        cmocka_unit_test(wire_get_finds_an_id_twice_among_many),
        cmocka_unit_test(wire_get_gives_all_back_when_memory_is_short),
        cmocka_unit_test(wire_get_in_reads_many_messages_into_one_arena),
        cmocka_unit_test(wire_arena_keeps_its_first_memory),
        cmocka_unit_test(wire_get_takes_memory_in_proportion),
    };

    return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
