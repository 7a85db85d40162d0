#include "common/core/wire.h"

#include "tests/support/alloc_any.h"
#include "tests/support/check.h"
#include "tests/support/msgpack_text.h"

#define MAX MSG_MESSAGE_BYTES_MAX

/* Cut and read what is in `bytes`; the caller does wire_done. */
static enum cx_err get_bytes(const char *why, const struct buf *bytes, struct msg *m,
                             struct cx_fail *fail)
{
    struct slice rest = buf_view(bytes);
    struct slice message;
    struct msg before;
    struct alloc_seen seen;
    enum cx_err err;

    memset(m, 0x5a, sizeof(*m));
    memcpy(&before, m, sizeof(before));
    *fail = (struct cx_fail){0};
    CHECK_ERR(why, wire_cut(&rest, MAX, &message, fail), CX_OK);
    CHECK(why, rest.len == 0);
    alloc_any_start(0);
    err = wire_get(message, m, fail);
    seen = alloc_any_stop();
    if (err != CX_OK) {
        CHECK(why, seen.freed == seen.calls);
        CHECK(why, memcmp(m, &before, sizeof(before)) == 0);
        CHECK(why, fail->code == err && strcmp(fail->op, "wire.get") == 0);
        memset(m, 0, sizeof(*m));
    }
    return err;
}

/* The keys of each map, with a good value each. */
struct key {
    const char *key, *value;
    bool is_required;
};

#define REQUEST         "84 'method' 'GET' 'url' 'u' 'encoding' 'json' 'fields' 90"
#define JOB_BUT_REQUEST "'id' @05 'budget_ms' 01 'purpose' 'test' 'variables' 80"
#define RESULT_BUT      "'id' @05 'outcome' 'failed' 'code' 'issued' 'execution' 'sent'"

static const struct map {
    const char *why;
    const char *before; /* what stands before the map in the message; nothing stands behind it */
    struct key keys[12];
} maps[] = {
    {"hello",
     "92 01",
     {{"agent_version", "'1'", true},
      {"instance", "@01", true},
      {"tunnel", "00", true},
      {"ledger", "@02", true},
      {"ledger_seq", "00", true},
      {"host", "'h'", true},
      {"capacity", "01", true},
      {"known", "91 @03", true},
      {"policy", "81 'rules' 90", true},
      {"features", "90", true}}},
    {"welcome",
     "92 02",
     {{"platform_version", "'1'", true},
      {"session", "@01", true},
      {"heartbeat_ms", "cd 03e8", true},
      {"now_ms", "00", true},
      {"limits", "82 'message_bytes' ce00010000 'websocket_bytes' ce00010000", true}}},
    {"welcome.limits",
     "92 02 85 'platform_version' '1' 'session' @01 'heartbeat_ms' cd 03e8 'now_ms' 00 'limits'",
     {{"message_bytes", "ce 00010000", true}, {"websocket_bytes", "ce 00010000", true}}},
    {"job",
     "92 03",
     {{"id", "@05", true},
      {"budget_ms", "01", true},
      {"purpose", "'test'", true},
      {"request", REQUEST, true},
      {"variables", "80", true},
      {"secret_variables", "91 'a'", false},
      {"expect", "80", false},
      {"trace", "c3", false},
      {"trace_id", "'t'", false}}},
    {"job.request",
     "92 03 85 " JOB_BUT_REQUEST "'request'",
     {{"method", "'GET'", true},
      {"url", "'u'", true},
      {"encoding", "'json'", true},
      {"root", "'r'", false},
      {"fields", "91 93 'path' 'k' 'v'", true},
      {"client", "80", false}}},
    {"job.request.client",
     "92 03 85 " JOB_BUT_REQUEST
     "'request' 85 'method' 'GET' 'url' 'u' 'encoding' 'json' 'fields' 90 'client'",
     {{"method", "'none'", false},
      {"id", "'i'", false},
      {"secret", "'s'", false},
      {"key", "'k'", false},
      {"certificate", "'c'", false},
      {"alg", "'ES256'", false},
      {"kid", "'k'", false},
      {"aud", "'a'", false}}},
    {"job.expect",
     "92 03 86 " JOB_BUT_REQUEST "'request' " REQUEST "'expect'",
     {{"auth_error_status", "91 cd 0193", false}, {"answer", "80", false}}},
    {"job.expect.answer",
     "92 03 86 " JOB_BUT_REQUEST "'request' " REQUEST "'expect' 81 'answer'",
     {{"expect", "'auto'", false},
      {"access_token", "'/a'", false},
      {"refresh_token", "'/r'", false},
      {"expires_in", "'/e'", false},
      {"token_type", "'/t'", false},
      {"success", "82 'at' '/o' 'is' 'true'", false}}},
    {"job.expect.answer.success",
     "92 03 86 " JOB_BUT_REQUEST "'request' " REQUEST "'expect' 81 'answer' 81 'success'",
     {{"at", "'/o'", true}, {"is", "'true'", true}}},
    {"result",
     "92 04",
     {{"id", "@05", true},
      {"outcome", "'failed'", true},
      {"code", "'issued'", true},
      {"execution", "'sent'", true},
      {"status", "00", false},
      {"token", "80", false},
      {"document", "'{}'", false},
      {"error", "80", false},
      {"age_ms", "00", false},
      {"timing_us", "80", false}}},
    {"result.token",
     "92 04 85 " RESULT_BUT "'token'",
     {{"access_token", "'a'", false},
      {"token_type", "'t'", false},
      {"expires_in", "00", false},
      {"refresh_token", "'r'", false},
      {"scope", "'s'", false},
      {"id_token", "'i'", false},
      {"extra", "'{}'", false},
      {"extra_omitted", "c2", false},
      {"refresh_expires_in", "00", false}}},
    {"result.error",
     "92 04 85 " RESULT_BUT "'error'",
     {{"stage", "'tls'", false},
      {"message", "'m'", false},
      {"oauth_error", "'e'", false},
      {"oauth_description", "'d'", false},
      {"retry_after_ms", "00", false}}},
    {"result.timing_us",
     "92 04 85 " RESULT_BUT "'timing_us'",
     {{"queued", "01", false},
      {"policy", "02", false},
      {"resolve", "03", false},
      {"connect", "04", false},
      {"tls", "05", false},
      {"wait", "06", false},
      {"receive", "07", false},
      {"total", "08", false}}},
    {"ack", "92 05", {{"ids", "91 @05", true}}},
    {"cancel", "92 06", {{"id", "@05", true}}},
    {"drain", "92 07", {{"reason", "'r'", true}, {"grace_ms", "00", true}}},
    {"renew", "92 08", {{"csr", "c4 01 30", true}}},
    {"renewed", "92 09", {{"certificate", "c4 01 30", true}}},
    {"renewed.error", "92 09 81 'error'", {{"code", "'c'", true}, {"message", "'m'", true}}},
    {"error", "92 0a", {{"code", "'c'", true}, {"message", "'m'", true}, {"id", "@05", false}}},
    {"policy", "92 0b", {{"rules", "90", true}}},
    {"policy.rules",
     "92 0b 81 'rules' 91",
     {{"name", "'n'", false}, {"url", "'u'", false}, {"methods", "91 'POST'", false}}},
};

/* The map with key number `at` (if it has one) replaced: by `value`, or left out if that is NULL.
 */
static void write_map(struct buf *bytes, const struct map *map, size_t at, const char *value)
{
    size_t n = 0;
    char head[8];

    while (n < COUNT_OF(map->keys) && map->keys[n].key != NULL) {
        n++;
    }
    buf_init(bytes, MAX);
    msgpack_text(bytes, map->before);
    (void)snprintf(head, sizeof(head), "8%zx", at < n && value == NULL ? n - 1 : n);
    msgpack_text(bytes, head);
    for (size_t i = 0; i < n; i++) {
        char key[40];

        if (i == at && value == NULL) {
            continue;
        }
        (void)snprintf(key, sizeof(key), "'%s'", map->keys[i].key);
        msgpack_text(bytes, key);
        msgpack_text(bytes, i == at ? value : map->keys[i].value);
    }
}

static void write_row(struct buf *bytes, const char *map_name, const char *key, const char *value)
{
    const struct map *map = maps;
    size_t at = 0;

    while (strcmp(map->why, map_name) != 0) {
        map++;
    }
    while (strcmp(map->keys[at].key, key) != 0) {
        at++;
    }
    write_map(bytes, map, at, value);
}

/* Read the map so changed; check the error, and that it names the key. */
static void try_map(const struct map *map, size_t at, const char *value, enum cx_err want)
{
    char why[100];
    char path[60];
    struct buf bytes;
    struct msg m;
    struct cx_fail fail;
    bool is_changed = at < COUNT_OF(map->keys);

    (void)snprintf(path, sizeof(path), "%s.%s", map->why, is_changed ? map->keys[at].key : "");
    (void)snprintf(why, sizeof(why), "%s %s", path, value == NULL ? "absent" : value);
    write_map(&bytes, map, at, value);
    CHECK_ERR(why, get_bytes(why, &bytes, &m, &fail), want);
    CHECK(why, want == CX_OK || strstr(fail.detail, path) == fail.detail);
    wire_done(&m);
    buf_done(&bytes);
}

/* For each key of each map: absent, nil, of another type, and (a whole-number key) negative. */
static void wire_get_checks_every_key(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(maps); i++) {
        const struct map *map = &maps[i];

        try_map(map, SIZE_MAX, NULL, CX_OK);
        for (size_t at = 0; at < COUNT_OF(map->keys) && map->keys[at].key != NULL; at++) {
            const char *value = map->keys[at].value;
            enum cx_err if_absent = map->keys[at].is_required ? CX_E_MISSING : CX_OK;
            bool is_bool =
                value[0] == 'c' && (value[1] == '2' || value[1] == '3') && value[2] == '\0';
            bool is_number =
                value[0] == '0' || strncmp(value, "cd", 2) == 0 || strncmp(value, "ce", 2) == 0;

            try_map(map, at, NULL, if_absent);
            try_map(map, at, "c0", if_absent);
            try_map(map, at, "ca 3f800000", CX_E_TYPE); /* 1.0 */
            try_map(map, at, is_bool ? "01" : "c3", CX_E_TYPE);
            if (is_number) {
                try_map(map, at, "ff", CX_E_RANGE);
                try_map(map, at, "'1'", CX_E_TYPE);
            }
        }
    }
}

static const struct {
    const char *map, *key, *value;
    enum cx_err err;
} value_rows[] = {
    {"hello", "capacity", "00", CX_E_RANGE},
    {"hello", "capacity", "cd 0800", CX_OK},
    {"hello", "capacity", "cd 0801", CX_E_RANGE},
    {"hello", "capacity", "d1 0001", CX_OK}, /* a signed form of 1 */
    {"hello", "tunnel", "0f", CX_OK},
    {"hello", "tunnel", "10", CX_E_RANGE},
    {"hello", "ledger_seq", "cf ffffffffffffffff", CX_OK},
    {"hello", "instance", "c4 0f 000000000000000000000000000000", CX_E_TYPE},
    {"hello", "instance", "c4 11 0000000000000000000000000000000000", CX_E_TYPE},
    {"hello", "instance", "'0123456789abcdef'", CX_E_TYPE}, /* 16 bytes, but text */
    {"hello", "known", "90", CX_OK},
    {"hello", "known", "92 @03 @04", CX_OK},
    {"hello", "known", "92 @03 @03", CX_E_DUPLICATE},
    {"hello", "known", "95 @03 @01 @04 @02 @03", CX_E_DUPLICATE},
    {"hello", "known", "92 @03 c0", CX_E_TYPE},
    {"hello", "known", "91 c4 01 00", CX_E_TYPE},
    {"hello", "features", "92 'a' 01", CX_E_TYPE},
    {"hello", "features", "91 c0", CX_E_TYPE},
    {"hello", "policy", "80", CX_E_MISSING},
    {"hello", "policy", "81 'rules' 91 01", CX_E_TYPE},
    {"hello", "policy", "81 'rules' 92 80 81 'methods' 91 01", CX_E_TYPE},
    {"welcome", "heartbeat_ms", "cd 03e7", CX_E_RANGE},
    {"welcome", "heartbeat_ms", "cd ea60", CX_OK},
    {"welcome", "heartbeat_ms", "cd ea61", CX_E_RANGE},
    {"welcome", "limits", "82 'message_bytes' cd ffff 'websocket_bytes' ce00010000", CX_E_RANGE},
    {"welcome", "limits", "82 'message_bytes' ce00010000 'websocket_bytes' cd ffff", CX_E_RANGE},
    {"welcome", "limits", "82 'message_bytes' ce00040000 'websocket_bytes' ce00100000", CX_OK},
    {"welcome", "limits", "82 'message_bytes' ce00040001 'websocket_bytes' ce00100000", CX_E_RANGE},
    {"welcome", "limits", "82 'message_bytes' ce00040000 'websocket_bytes' ce00100001", CX_E_RANGE},
    {"welcome", "limits", "82 'message_bytes' ce00040000 'websocket_bytes' ce0003ffff",
     CX_E_RANGE}, /* below message_bytes */
    {"welcome", "limits", "82 'message_bytes' ce00040000 'websocket_bytes' ce00040000", CX_OK},
    {"job", "budget_ms", "ce ffffffff", CX_OK},
    {"job", "budget_ms", "cf 0000000100000000", CX_E_RANGE},
    {"job", "variables", "81 'a' 01", CX_E_TYPE},
    {"job", "variables", "82 'a' 'b' 'c' 90", CX_E_TYPE},
    {"job.request", "fields", "91 92 'path' 'k'", CX_E_TYPE},
    {"job.request", "fields", "91 94 'path' 'k' 'v' 'w'", CX_E_TYPE},
    {"job.request", "fields", "91 80", CX_E_TYPE},
    {"job.request", "fields", "91 93 01 'k' 'v'", CX_E_TYPE},
    {"job.request", "fields", "91 93 'path' 01 'v'", CX_E_TYPE},
    {"job.request", "fields", "91 93 'path' 'k' c0", CX_E_TYPE},
    {"job.expect", "auth_error_status", "91 'x'", CX_E_TYPE},
    {"job.expect", "auth_error_status", "91 ff", CX_E_RANGE},
    {"job.expect", "auth_error_status", "91 cf 0000000100000000", CX_E_RANGE},
    {"result", "status", "cf 0000000100000000", CX_E_RANGE},
    {"result.token", "expires_in", "cf ffffffffffffffff", CX_OK},
    {"drain", "grace_ms", "cf 0000000100000000", CX_E_RANGE},
    {"renew", "csr", "'text'", CX_E_TYPE},
    {"renewed", "certificate", "'text'", CX_E_TYPE},
    {"error", "id", "c4 00", CX_E_TYPE},
    {"ack", "ids", "90", CX_OK},
    {"ack", "ids", "92 @05 @05", CX_OK},
    {"ack", "ids", "92 @05 'x'", CX_E_TYPE},
};

static void wire_get_keeps_ranges_and_kinds(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(value_rows); i++) {
        struct buf bytes;
        struct msg m;
        struct cx_fail fail;

        write_row(&bytes, value_rows[i].map, value_rows[i].key, value_rows[i].value);
        CHECK_ERR(value_rows[i].value, get_bytes(value_rows[i].value, &bytes, &m, &fail),
                  value_rows[i].err);
        wire_done(&m);
        buf_done(&bytes);
    }
}

/* A word that is not known is told by the key's name and makes nothing else wrong. */
static void wire_get_names_the_key_of_an_unknown_word(void **state)
{
    static const struct {
        const char *map, *key, *value, *unknown;
    } rows[] = {
        {"job", "purpose", "'juggle'", "purpose"},
        {"job", "purpose", "''", "purpose"},
        {"job.request", "method", "'post'", "request.method"},
        {"job.request", "encoding", "'yaml'", "request.encoding"},
        {"job.request", "fields", "92 93 'path' 'k' 'v' 93 'cookie' 'k' 'v'",
         "request.fields.place"},
        {"job.request.client", "method", "'kerberos'", "request.client.method"},
        {"job.request.client", "alg", "'HS256'", "request.client.alg"},
        {"job.request.client", "alg", "'none'", "request.client.alg"},
        {"job.request.client", "alg", "'PS256'", NULL},
        {"job.expect.answer", "expect", "'yaml'", "expect.answer.expect"},
        {"job.expect.answer", "expect", "'auto'", NULL},
        {"job.request", "encoding", "'form'", NULL},
        {"result", "outcome", "'maybe'", "outcome"},
        {"result", "code", "'who_knows'", "code"},
        {"result", "execution", "'half'", "execution"},
        {"result.error", "stage", "'moon'", "error.stage"},
        {"result.error", "stage", "''", "error.stage"},
        {"result.error", "stage", "'agent'", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf bytes;
        struct msg m;
        struct cx_fail fail;
        const char *unknown;

        write_row(&bytes, rows[i].map, rows[i].key, rows[i].value);
        CHECK_ERR(rows[i].value, get_bytes(rows[i].value, &bytes, &m, &fail), CX_OK);
        unknown = m.type == MSG_JOB ? m.body.job.unknown : m.body.result.unknown;
        CHECK(rows[i].value, (unknown == NULL) == (rows[i].unknown == NULL));
        CHECK(rows[i].value, unknown == NULL || strcmp(unknown, rows[i].unknown) == 0);
        CHECK(rows[i].value,
              m.type == MSG_JOB ? m.body.job.id.bytes[7] == 5 : m.body.result.id.bytes[7] == 5);
        wire_done(&m);
        buf_done(&bytes);
    }
}

/* Keys of a later version, wherever they stand, and values of any kind under them. */
static void wire_get_ignores_keys_it_does_not_know(void **state)
{
    static const char *const rows[] = {
        "92 03 86 'x' 93 01 02 81 'id' 01 " JOB_BUT_REQUEST "'request'" REQUEST,
        "92 03 85 " JOB_BUT_REQUEST "'request' 86 'x' c3 'method' 'GET' 'url' 'u' 'encoding' 'json'"
        "'fields' 90 'client' 82 'jwks' 'x' 'method' 'none'",
        "92 03 86 " JOB_BUT_REQUEST "'request' " REQUEST "'expect' 82 'x' 01 'answer' 82"
        "'scope' '/data/scope' 'success' 83 'at' '/ok' 'is' 'true' 'in' 90",
        "92 04 85 " RESULT_BUT "'trace' 91 81 'hop' 'resolve'",
        "92 04 85 " RESULT_BUT "'token' 81 'birthday' 05",
        "92 06 82 'id' @05 'ID' 01",
        "92 0b 82 'rules' 91 81 'target' 01 'more' 01",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf bytes;
        struct msg m;
        struct cx_fail fail;

        buf_init(&bytes, MAX);
        msgpack_text(&bytes, rows[i]);
        CHECK_ERR(rows[i], get_bytes(rows[i], &bytes, &m, &fail), CX_OK);
        wire_done(&m);
        buf_done(&bytes);
    }
}

static void wire_get_leaves_out_variables_that_are_nil(void **state)
{
    struct buf bytes;
    struct msg m;
    struct cx_fail fail;

    (void)state;
    write_row(&bytes, "job", "variables", "83 'a' '1' 'b' c0 'c' ''");
    assert_int_equal(get_bytes("nil", &bytes, &m, &fail), CX_OK);
    assert_int_equal(m.body.job.nvariables, 2);
    CHECK_TEXT("name", m.body.job.variables[1].name, "c");
    assert_false(slice_is_absent(m.body.job.variables[1].value));
    wire_done(&m);
    buf_done(&bytes);
}

static void wire_get_believes_the_error_of_a_renewal(void **state)
{
    struct buf bytes;
    struct msg m;
    struct cx_fail fail;

    (void)state;
    buf_init(&bytes, MAX);
    msgpack_text(&bytes, "92 09 82 'certificate' c4 01 30 'error' 82 'code' 'c' 'message' 'm'");
    assert_int_equal(get_bytes("both", &bytes, &m, &fail), CX_OK);
    assert_true(slice_is_absent(m.body.renewed.certificate));
    CHECK_TEXT("code", m.body.renewed.error_code, "c");
    wire_done(&m);
    buf_done(&bytes);
}

static void wire_get_ignores_a_trace_id_of_another_form(void **state)
{
    static const struct {
        const char *why, *trace_id, *want;
    } rows[] = {
        {"as W3C has it", "'4bf92f3577b34da6a3ce929d0e0e4736'", "4bf92f3577b34da6a3ce929d0e0e4736"},
        {"upper case", "'4BF92F3577B34DA6A3CE929D0E0E4736'", NULL},
        {"short", "'4bf92f3577b34da6a3ce929d0e0e473'", NULL},
        {"long", "'4bf92f3577b34da6a3ce929d0e0e47366'", NULL},
        {"no hex", "'4bf92f3577b34da6a3ce929d0e0e473g'", NULL},
        {"empty", "''", NULL},
        {"nil", "c0", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[512];
        struct cx_fail fail;
        struct buf bytes;
        struct msg m;

        (void)snprintf(text, sizeof(text),
                       "92 03 86 " JOB_BUT_REQUEST " 'request' " REQUEST " 'trace_id' %s",
                       rows[i].trace_id);
        buf_init(&bytes, MAX);
        msgpack_text(&bytes, text);
        CHECK_ERR(rows[i].why, get_bytes(rows[i].why, &bytes, &m, &fail), CX_OK);
        if (rows[i].want != NULL) {
            CHECK_TEXT(rows[i].why, m.body.job.trace_id, rows[i].want);
        } else {
            CHECK(rows[i].why, slice_is_absent(m.body.job.trace_id));
        }
        wire_done(&m);
        buf_done(&bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wire_get_checks_every_key),
        cmocka_unit_test(wire_get_keeps_ranges_and_kinds),
        cmocka_unit_test(wire_get_names_the_key_of_an_unknown_word),
        cmocka_unit_test(wire_get_ignores_keys_it_does_not_know),
        cmocka_unit_test(wire_get_ignores_a_trace_id_of_another_form),
        cmocka_unit_test(wire_get_leaves_out_variables_that_are_nil),
        cmocka_unit_test(wire_get_believes_the_error_of_a_renewal),
    };

    return cmocka_run_group_tests_name("wire_get", tests, NULL, NULL);
}
