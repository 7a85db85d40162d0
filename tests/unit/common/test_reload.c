/* What came of a reload: kept, and logged a line a fault. */
#include "common/io/reload.h"

#include "common/io/log.h"
#include "tests/support/check.h"
#include "tests/support/conf_sample.h"

static struct {
    char text[4096];
    size_t lines;
} got;

static void keep(void *ctx, const char *line, size_t bytes)
{
    size_t at = strlen(got.text);

    (void)ctx;
    assert_true(at + bytes < sizeof(got.text));
    memcpy(got.text + at, line, bytes);
    got.text[at + bytes] = '\0';
    got.lines++;
}

static int set_up(void **state)
{
    (void)state;
    got.lines = 0;
    got.text[0] = '\0';
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

static bool has_logged(const char *text)
{
    return strstr(got.text, text) != NULL;
}

static void a_refusal_is_logged_a_line_a_fault_and_kept(void **state)
{
    struct faults faults;
    struct reload r;

    (void)state;
    reload_init(&r);
    assert_int_equal(r.at_ms, 0);
    faults_init(&faults);
    faults_add(&faults, "agent.conf:2", "limits.jobs", "must be 1..2048, found 0");
    faults_add(&faults, "agent.conf:7", "", "syntax error");
    reload_refused(&r, &faults);
    assert_int_equal(got.lines, 3);
    assert_true(has_logged("ERROR reload.fault where=agent.conf:2 field=limits.jobs what=\"must"));
    assert_true(has_logged("ERROR reload.fault where=agent.conf:7 what=\"syntax error\""));
    assert_true(has_logged("reload.refused faults=2"));
    assert_false(reload_is_good(&r));
    assert_true(r.at_ms > 0);
    assert_int_equal(faults.count, 0);
    assert_string_equal(r.faults.items[1].what, "syntax error");
    faults_done(&faults);
    reload_done(&r);
}

static enum cx_err read_text(const char *text, struct main_conf *out)
{
    struct conf_source source = {"agent.conf", "", slice_of_str(text)};
    struct faults faults;
    enum cx_err err;

    faults_init(&faults);
    err = conf_read(&main_table, &source, out, &faults);
    faults_done(&faults);
    return err;
}

static void a_good_one_forgets_the_faults_and_names_what_waits(void **state)
{
    struct main_conf live, read;
    struct faults faults;
    struct reload r;

    (void)state;
    reload_init(&r);
    faults_init(&faults);
    faults_add(&faults, "agent.conf:2", "x", "wrong");
    reload_refused(&r, &faults);
    assert_int_equal(read_text("platform = { url = \"u\"; };", &live), CX_OK);
    assert_int_equal(read_text("platform = { url = \"u\"; }; limits = { jobs = 5; };\n"
                               "log = { level = \"warn\"; };",
                               &read),
                     CX_OK);
    (void)set_up(state);
    reload_taken(&r, &main_table, &live, &read);
    assert_true(reload_is_good(&r));
    assert_int_equal(r.nrestart, 1);
    assert_string_equal(r.restart[0], "limits.jobs");
    assert_int_equal(got.lines, 1);
    assert_true(has_logged("WARN reload.restart_needed setting=limits.jobs"));
    reload_taken(&r, &main_table, &live, &live);
    assert_int_equal(r.nrestart, 0);
    conf_done(&main_table, &live);
    conf_done(&main_table, &read);
    faults_done(&faults);
    reload_done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_refusal_is_logged_a_line_a_fault_and_kept, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_good_one_forgets_the_faults_and_names_what_waits, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
