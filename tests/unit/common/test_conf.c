#include "common/core/conf.h"

#include "tests/support/alloc_fail.h"
#include "tests/support/conf_sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void conf_read_fills_every_type(void **state)
{
    static const char text[] = "# a comment\n"
                               "platform = { url = \"wss://x\"; ca = \"/abs/ca.pem\"; };\n"
                               "limits : { jobs = 0x10; big = 9223372036854775807L };\n"
                               "on = false; token = \"t0ken\"; note = \"\";\n"
                               "log = { level = \"warn\"; };\n"
                               "names = [ \"x\", \"y z\" ];\n"
                               "policy = (\n"
                               "  { name = \"hr\"; url = \"https://hr/\"; share = \"none\";\n"
                               "    methods = (\"GET\",\n"
                               "               \"PUT\");\n"
                               "    secrets = ( { name = \"s\"; } ); },\n"
                               "  { url = \"https://b\" \"/c\"; jobs = 7; }\n"
                               ");\n";
    struct faults faults;
    struct main_conf conf;
    const struct rule_conf *rules;
    const struct bound_conf *bound;

    (void)state;
    faults_init(&faults);
    assert_int_equal(read_main(text, &conf, &faults), CX_OK);
    assert_int_equal(faults_total(&faults), 0);
    assert_string_equal(conf.url, "wss://x");
    assert_string_equal(conf.ca, "/abs/ca.pem");
    assert_int_equal(conf.jobs, 16);
    assert_true(conf.big == 9223372036854775807u);
    assert_false(conf.is_on);
    assert_string_equal(conf.token, "t0ken");
    assert_string_equal(conf.note, "");
    assert_int_equal(conf.level, LEVEL_WARN);
    assert_int_equal(conf.names.count, 2);
    assert_string_equal(conf.names.items[1], "y z");
    assert_int_equal(conf.policy.count, 2);
    rules = conf.policy.items;
    assert_string_equal(rules[0].name, "hr");
    assert_int_equal(rules[0].share, SHARE_NONE);
    assert_int_equal(rules[0].methods.count, 2);
    assert_string_equal(rules[0].methods.items[1], "PUT");
    assert_int_equal(rules[0].jobs, 64);
    assert_int_equal(rules[0].secrets.count, 1);
    bound = rules[0].secrets.items;
    assert_string_equal(bound[0].name, "s");
    assert_string_equal(bound[0].place.field, "policy[0].secrets[0]");
    assert_null(rules[1].name);
    assert_string_equal(rules[1].url, "https://b/c");
    assert_int_equal(rules[1].methods.count, 1);
    assert_string_equal(rules[1].methods.items[0], "POST");
    assert_int_equal(rules[1].share, SHARE_URL);
    assert_int_equal(rules[1].jobs, 7);
    assert_int_equal(rules[1].place.line, 12);
    conf_done(&main_table, &conf);
    conf_done(&main_table, &conf);
    faults_done(&faults);
}

static void conf_read_gives_defaults(void **state)
{
    struct faults faults;
    struct main_conf conf;

    (void)state;
    faults_init(&faults);
    assert_int_equal(read_main(URL, &conf, &faults), CX_OK);
    assert_string_equal(conf.ca, "/etc/agent/ca.pem");
    assert_int_equal(conf.jobs, 1024);
    assert_true(conf.big == 0);
    assert_true(conf.is_on);
    assert_null(conf.token);
    assert_int_equal(conf.level, LEVEL_INFO);
    assert_int_equal(conf.names.count, 2);
    assert_string_equal(conf.names.items[0], "a");
    assert_string_equal(conf.names.items[1], "bc");
    assert_int_equal(conf.policy.count, 0);
    assert_true(conf_is_set(&conf, "platform.url"));
    assert_false(conf_is_set(&conf, "platform.ca"));
    conf_done(&main_table, &conf);

    assert_int_equal(conf_defaults(&main_table, "", &conf), CX_OK);
    assert_null(conf.url);
    assert_string_equal(conf.ca, "ca.pem");
    conf_done(&main_table, &conf);
    faults_done(&faults);
}

static void conf_fault_knows_line_and_full_name(void **state)
{
    static const char text[] = URL "policy = ( { url = \"u\"; },\n"
                                   "  { name = \"n\";\n"
                                   "    url = \"v\";\n"
                                   "    methods = [ \"GET\",\n"
                                   "                \"PUT\" ]; } );\n";
    char got[1024];
    struct faults faults;
    struct main_conf conf;
    const struct rule_conf *rules;

    (void)state;
    faults_init(&faults);
    assert_int_equal(read_main(text, &conf, &faults), CX_OK);
    rules = conf.policy.items;
    conf_fault(&faults, &conf, "platform.url", "bad %s", "URL");
    conf_fault(&faults, &conf, "platform.ca", "defaulted");
    conf_fault(&faults, &rules[1], "url", "x");
    conf_fault(&faults, &rules[1], "methods[1]", "x");
    conf_fault(&faults, &rules[1], "methods[9]", "x");
    conf_fault(&faults, &rules[1], "jobs", "x");
    conf_fault(&faults, &rules[1], "", "x");
    conf_fault(&faults, &conf, "", "x");
    assert_string_equal(faults_text(&faults, got, sizeof(got)),
                        "agent.conf:1|platform.url|bad URL\n"
                        "agent.conf|platform.ca|defaulted\n"
                        "agent.conf:4|policy[1].url|x\n"
                        "agent.conf:6|policy[1].methods[1]|x\n"
                        "agent.conf:5|policy[1].methods[9]|x\n"
                        "agent.conf:3|policy[1].jobs|x\n"
                        "agent.conf:3|policy[1]|x\n"
                        "agent.conf||x\n");
    conf_done(&main_table, &conf);
    faults_done(&faults);
}

static void conf_needs_restart_names_what_a_reload_cant_change(void **state)
{
    static const struct {
        const char *why, *text, *want;
    } rows[] = {
        {"nothing differs", URL, NULL},
        {"a reloadable one", URL "log = { level = \"warn\"; };", NULL},
        {"a reloadable list", URL "policy = ( { url = \"u\"; } );", NULL},
        {"a string", "platform = { url = \"other\"; };", "platform.url"},
        {"a number", URL "limits = { jobs = 5; };", "limits.jobs"},
        {"a truth", URL "on = false;", "on"},
        {"a string that was not set", URL "note = \"\";", "note"},
        {"a list of strings", URL "names = [ \"a\", \"bd\" ];", "names"},
    };
    struct faults faults;
    struct main_conf was;

    (void)state;
    faults_init(&faults);
    assert_int_equal(read_main(URL, &was, &faults), CX_OK);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct main_conf is;
        const char *keys[1] = {NULL};
        size_t count;

        assert_int_equal(read_main(rows[i].text, &is, &faults), CX_OK);
        count = conf_needs_restart(&main_table, &was, &is, keys, 1);
        assert_int_equal(count, rows[i].want != NULL ? 1 : 0);
        if (rows[i].want != NULL) {
            assert_string_equal(keys[0], rows[i].want);
        }
        conf_done(&main_table, &is);
    }
    conf_done(&main_table, &was);
    faults_done(&faults);
}

static void conf_swap_reloadable_moves_these_and_nothing_else(void **state)
{
    struct faults faults;
    struct main_conf live;
    struct main_conf read;

    (void)state;
    faults_init(&faults);
    assert_int_equal(read_main(URL "policy = ( { url = \"old\"; } );", &live, &faults), CX_OK);
    assert_int_equal(read_main("platform = { url = \"other\"; }; limits = { jobs = 5; };\n"
                               "policy = ( { url = \"a\"; }, { url = \"b\"; } );\n"
                               "log = { level = \"warn\"; };",
                               &read, &faults),
                     CX_OK);
    conf_swap_reloadable(&main_table, &live, &read);
    assert_int_equal(live.policy.count, 2);
    assert_string_equal(((const struct rule_conf *)live.policy.items)[1].url, "b");
    assert_int_equal(live.level, 1); /* warn */
    assert_true(conf_is_set(&live, "log.level"));
    assert_int_equal(live.jobs, 1024);
    assert_string_not_equal(live.url, "other");
    assert_int_equal(read.policy.count, 1);
    assert_false(conf_is_set(&read, "log.level"));
    conf_done(&main_table, &live);
    conf_done(&main_table, &read);
    faults_done(&faults);
}

static void conf_print_example_documents_every_setting(void **state)
{
    static const char want[] =
        "platform = {\n"
        "    # where the platform is\n"
        "    # (a string; required)\n"
        "    url = \"wss://platform.example.com/v1/tunnel\";\n"
        "\n"
        "    # whom to trust\n"
        "    # (a path, relative to this file's folder; a reload takes it over)\n"
        "    # ca = \"ca.pem\";\n"
        "};\n"
        "\n"
        "limits = {\n"
        "    # jobs at once\n"
        "    # (a whole number in 1..2048)\n"
        "    # jobs = 1024;\n";
    struct conf_source source = {"example", "", {0}};
    struct faults faults;
    struct main_conf conf;
    struct buf out;
    char text[1024];

    (void)state;
    faults_init(&faults);
    buf_init(&out, 65536);
    assert_int_equal(conf_print_example(&main_table, &out), CX_OK);
    assert_memory_equal(buf_cstr(&out), want, sizeof(want) - 1);
    assert_non_null(strstr(buf_cstr(&out), "# names = [\"a\", \"bc\"];\n"));
    assert_non_null(
        strstr(buf_cstr(&out), "# (one of error, warn, info; a reload takes it over)\n"));
    source.text = buf_view(&out);
    if (conf_read(&main_table, &source, &conf, &faults) != CX_OK) {
        fail_msg("%s%s", buf_cstr(&out), faults_text(&faults, text, sizeof(text)));
    }
    assert_int_equal(conf.policy.count, 1);
    conf_done(&main_table, &conf);
    buf_done(&out);

    buf_init(&out, 100); /* too small: unchanged */
    assert_int_equal(buf_put_str(&out, "x"), CX_OK);
    assert_int_equal(conf_print_example(&main_table, &out), CX_E_TOO_BIG);
    assert_int_equal(out.len, 1);
    buf_done(&out);
    faults_done(&faults);
}

static void conf_read_survives_running_out_of_memory(void **state)
{
    static const char text[] = URL "names = [ \"x\" ]; note = \"n\"; unknown = 1;\n"
                                   "policy = ( { url = \"u\"; secrets = ( { name = \"s\" } ); } );";
    size_t failures = 0;

    (void)state;
    for (size_t nth = 1;; nth++) {
        struct faults faults;
        struct main_conf conf;
        enum cx_err err;
        int has_failed;

        faults_init(&faults);
        alloc_fail_at(nth);
        err = read_main(text, &conf, &faults);
        has_failed = alloc_fail_end();
        /* A fault that couldn't be kept is counted, and then it is CX_E_CONFIG. */
        assert_true(err == CX_E_NOMEM || err == CX_E_CONFIG);
        assert_true(faults_total(&faults) > 0);
        conf_fault(&faults, &conf, "platform.url", "x");
        conf_done(&main_table, &conf);
        faults_done(&faults);
        if (!has_failed) {
            assert_int_equal(err, CX_E_CONFIG);
            break;
        }
        failures++;
    }
    assert_true(failures > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conf_read_fills_every_type),
        cmocka_unit_test(conf_read_gives_defaults),
        cmocka_unit_test(conf_fault_knows_line_and_full_name),
        cmocka_unit_test(conf_needs_restart_names_what_a_reload_cant_change),
        cmocka_unit_test(conf_swap_reloadable_moves_these_and_nothing_else),
        cmocka_unit_test(conf_print_example_documents_every_setting),
        cmocka_unit_test(conf_read_survives_running_out_of_memory),
    };

    return cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
