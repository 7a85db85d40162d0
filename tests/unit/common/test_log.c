#include "common/io/log.h"

#include "common/io/clock.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { TIME_BYTES = 24 }; /* 2026-03-01T12:00:00.123Z */

static struct {
    char text[LOG_LINE_MAX_BYTES + 1];
    size_t lines;
} got;

static void keep(void *ctx, const char *line, size_t bytes)
{
    (void)ctx;
    assert_true(bytes < sizeof(got.text));
    memcpy(got.text, line, bytes);
    got.text[bytes] = '\0';
    got.lines++;
}

static int set_up(void **state)
{
    (void)state;
    got.lines = 0;
    log_set(CX_LOG_INFO, LOG_TEXT);
    log_set_sink(keep, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    log_set_sink(NULL, NULL);
    return 0;
}

static void log_event_writes_one_line_of_text(void **state)
{
    struct cx_id id = {{0x01, 0x90, [15] = 0x0a}};
    struct cx_fail fail = {0};

    (void)state;
    (void)cx_fail_set(&fail, CX_E_TIMEOUT, "http.wait", "took %d ms", 5);
    log_event(CX_LOG_WARN, "job.refused", kv_id("job", &id), kv_u64("n", 18446744073709551615u),
              kv_i64("skew_ms", -5), kv_bool("again", false), kv_str("host", "a.example"),
              kv_str("none", NULL), kv_str("peer", "x\ny"), kv_len("body", 480), kv_fail(&fail));
    assert_int_equal(got.lines, 1);
    assert_string_equal(got.text + TIME_BYTES,
                        " WARN job.refused job=01900000-0000-0000-0000-00000000000a"
                        " n=18446744073709551615 skew_ms=-5 again=false host=a.example"
                        " peer=\"x\\ny\" body_bytes=480 error=\"took 5 ms\" op=http.wait\n");
    log_event(CX_LOG_ERROR, "agent.stop");
    assert_string_equal(got.text + TIME_BYTES, " ERROR agent.stop\n");
    log_event(CX_LOG_INFO, "x", kv_err(CX_E_FULL));
    assert_string_equal(got.text + TIME_BYTES, " INFO x error=\"no room left\"\n");
}

static void log_event_stamps_the_time_in_utc(void **state)
{
    time_t now = (time_t)clock_wall_s();
    struct tm tm = {0};
    time_t said;
    char *end;

    (void)state;
    log_event(CX_LOG_INFO, "x");
    end = strptime(got.text, "%Y-%m-%dT%H:%M:%S", &tm);
    assert_non_null(end);
    assert_true(end[0] == '.' && strspn(end + 1, "0123456789") == 3 && end[4] == 'Z');
    said = timegm(&tm);
    assert_true(said >= now && said <= now + 5);
}

static void log_event_writes_one_json_object(void **state)
{
    struct cx_fail fail = {.code = CX_E_IO, .op = "file.read"};
    json_error_t error;
    json_t *json;

    (void)state;
    log_set(CX_LOG_INFO, LOG_JSON);
    log_event(CX_LOG_INFO, "a.b", kv_str("text", "q\"\n\x1b\xff"), kv_u64("n", 5),
              kv_bool("on", true), kv_len("body", 7), kv_fail(&fail), kv_str("none", NULL));
    assert_int_equal(got.text[strlen(got.text) - 1], '\n');
    json = json_loads(got.text, JSON_REJECT_DUPLICATES, &error);
    assert_non_null(json);
    assert_string_equal(json_string_value(json_object_get(json, "event")), "a.b");
    assert_string_equal(json_string_value(json_object_get(json, "level")), "info");
    assert_string_equal(json_string_value(json_object_get(json, "text")), "q\"\n\x1b\xef\xbf\xbd");
    assert_int_equal(json_integer_value(json_object_get(json, "n")), 5);
    assert_true(json_is_true(json_object_get(json, "on")));
    assert_int_equal(json_integer_value(json_object_get(json, "body_bytes")), 7);
    assert_string_equal(json_string_value(json_object_get(json, "error")),
                        "input or output failed");
    assert_string_equal(json_string_value(json_object_get(json, "op")), "file.read");
    assert_null(json_object_get(json, "none"));
    assert_int_equal(strlen(json_string_value(json_object_get(json, "time"))), TIME_BYTES);
    json_decref(json);
}

static unsigned evaluated(unsigned *count)
{
    return ++*count;
}

static void log_set_changes_the_level_at_once(void **state)
{
    unsigned count = 0;

    (void)state;
    log_event(CX_LOG_DEBUG, "x", kv_u64("n", evaluated(&count)));
    assert_int_equal(got.lines, 0);
    assert_int_equal(count, 0); /* fields cost nothing when the level is off */
    log_set(CX_LOG_DEBUG, LOG_TEXT);
    log_event(CX_LOG_DEBUG, "x", kv_u64("n", evaluated(&count)));
    assert_int_equal(got.lines, 1);
    log_set(CX_LOG_ERROR, LOG_TEXT);
    log_event(CX_LOG_WARN, "x");
    assert_int_equal(got.lines, 1);
    assert_true(log_is_on(CX_LOG_ERROR));
}

static void log_event_bounds_values_and_lines(void **state)
{
    static char big[LOG_VALUE_MAX_BYTES + 2];
    static char nasty[LOG_VALUE_MAX_BYTES + 1];
    enum log_format formats[] = {LOG_TEXT, LOG_JSON};

    (void)state;
    memset(big, 'a', LOG_VALUE_MAX_BYTES + 1);
    memset(nasty, '\x01', LOG_VALUE_MAX_BYTES); /* four to six characters each */
    log_event(CX_LOG_INFO, "x", kv_str("big", big));
    assert_int_equal(strlen(got.text),
                     TIME_BYTES + strlen(" INFO x big=\"...\"\n") + LOG_VALUE_MAX_BYTES);
    for (size_t i = 0; i < 2; i++) {
        log_set(CX_LOG_INFO, formats[i]);
        log_event(CX_LOG_INFO, "x", kv_str("a", nasty), kv_str("b", nasty), kv_str("c", nasty),
                  kv_str("d", nasty), kv_str("e", nasty), kv_str("f", nasty));
        assert_true(strlen(got.text) <= LOG_LINE_MAX_BYTES);
        assert_non_null(
            strstr(got.text, formats[i] == LOG_TEXT ? " cut=true\n" : ",\"cut\":true}\n"));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(log_event_writes_one_line_of_text), TEST(log_event_stamps_the_time_in_utc),
        TEST(log_event_writes_one_json_object),  TEST(log_set_changes_the_level_at_once),
        TEST(log_event_bounds_values_and_lines),
    };

    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
