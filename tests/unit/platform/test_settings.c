#include "platform/io/settings.h"

#include "common/io/log.h"
#include "tests/support/check.h"
#include "tests/support/temp.h"

static void settings_have_the_defaults_that_the_manual_names(void **state)
{
    struct platform_settings s;
    struct faults faults;
    struct temp temp;
    const char *path;

    (void)state;
    temp_init(&temp);
    faults_init(&faults);
    path = temp_write(&temp, "platform.conf", "public_url = \"https://p.example:8443\";\n", 0644);
    assert_true(platform_settings_read(path, &s, &faults));
    assert_string_equal(s.public_url, "https://p.example:8443");
    assert_string_equal(s.listen_tunnel, "0.0.0.0:8443");
    assert_int_equal(s.listen_api.count, 1);
    assert_string_equal(s.listen_api.items[0], "http://127.0.0.1:8080");
    assert_string_equal(s.tls_certificate, temp_path(&temp, "platform.pem"));
    assert_string_equal(s.tls_key, temp_path(&temp, "platform.key"));
    assert_string_equal(s.ca_certificate, temp_path(&temp, "ca.pem"));
    assert_string_equal(s.ca_key, temp_path(&temp, "ca.key"));
    assert_int_equal(s.ca_agent_days, 30);
    assert_string_equal(s.store_path, temp_path(&temp, "platform.db"));
    assert_string_equal(s.store_master_key, temp_path(&temp, "master.key"));
    assert_int_equal(s.limits_tunnels, 20000);
    assert_int_equal(s.limits_queue_per_connector, 0);
    assert_int_equal(s.limits_own_exchanges, 256);
    assert_int_equal(s.limits_answer_bytes, 131072);
    assert_int_equal(s.policy.count, 0);
    assert_int_equal(s.log_level, CX_LOG_INFO);
    assert_int_equal(s.log_format, LOG_TEXT);
    assert_string_equal(s.control, temp_path(&temp, "control.sock"));
    conf_done(&platform_settings_table, &s);
    faults_done(&faults);
    temp_done(&temp);
}

static void policy_has_the_rules_of_an_agent_but_for_its_own_settings(void **state)
{
    static const char *const agents[] = {"share = \"none\";", "secrets = ( );"};
    struct platform_settings s;
    struct policy policy;
    struct faults faults;
    struct temp temp;
    const char *path;

    (void)state;
    temp_init(&temp);
    faults_init(&faults);
    path = temp_write(&temp, "platform.conf",
                      "public_url = \"https://p.example:8443\";\n"
                      "policy = ( { name = \"idp\"; url = \"https://idp.example/**\"; networks ="
                      " [\"192.0.2.0/24\"]; tls_min = \"1.3\"; },\n"
                      " { name = \"b\"; url = \"https://b.example/**\"; } );\n",
                      0644);
    assert_true(platform_settings_read(path, &s, &faults));
    assert_true(platform_policy_read(&s, &policy, &faults));
    assert_int_equal(policy.nrules, 2);
    assert_string_equal(policy.rules[0].name, "idp");
    assert_int_equal(policy.rules[0].nnetworks, 1);
    assert_int_equal(policy.rules[0].share, POLICY_SHARE_URL);
    policy_done(&policy);
    conf_done(&platform_settings_table, &s);
    for (size_t i = 0; i < COUNT_OF(agents); i++) {
        char text[300];

        (void)snprintf(
            text, sizeof(text),
            "public_url = \"https://p.example:8443\";\npolicy = ( { name = \"idp\"; url ="
            " \"https://idp.example/**\"; %s } );\n",
            agents[i]);
        path = temp_write(&temp, "platform.conf", text, 0644);
        CHECK(agents[i], !platform_settings_read(path, &s, &faults));
        CHECK(agents[i], strstr(faults.items[faults.count - 1].what, "unknown setting") != NULL);
        conf_done(&platform_settings_table, &s);
    }
    faults_done(&faults);
    temp_done(&temp);
}

static void settings_are_read_whole(void **state)
{
    struct platform_settings s;
    struct faults faults;
    struct temp temp;
    char socket[300];
    const char *path;

    (void)state;
    temp_init(&temp);
    faults_init(&faults);
    path = temp_write(
        &temp, "platform.conf",
        "public_url = \"https://192.0.2.1\";\n"
        "listen = { tunnel = \"[::]:443\"; api = [ \"https://0.0.0.0:444\", \"unix:api.sock\","
        " \"unix:/run/api.sock\" ]; };\n"
        "tls = { certificate = \"/etc/tls/p.pem\"; key = \"tls/p.key\"; };\n"
        "ca = { agent_days = 825; };\n"
        "limits = { tunnels = 1000000; queue_per_connector = 7; };\n"
        "log = { level = \"debug\"; format = \"json\"; };\n",
        0644);
    assert_true(platform_settings_read(path, &s, &faults));
    assert_string_equal(s.listen_tunnel, "[::]:443");
    assert_int_equal(s.listen_api.count, 3);
    (void)snprintf(socket, sizeof(socket), "unix:%s", temp_path(&temp, "api.sock"));
    assert_string_equal(s.listen_api.items[1], socket);
    assert_string_equal(s.listen_api.items[2], "unix:/run/api.sock");
    assert_string_equal(s.tls_certificate, "/etc/tls/p.pem");
    assert_string_equal(s.tls_key, temp_path(&temp, "tls/p.key"));
    assert_int_equal(s.ca_agent_days, 825);
    assert_int_equal(s.limits_tunnels, 1000000);
    assert_int_equal(s.limits_queue_per_connector, 7);
    assert_int_equal(s.log_level, CX_LOG_DEBUG);
    assert_int_equal(s.log_format, LOG_JSON);
    conf_done(&platform_settings_table, &s);
    faults_done(&faults);
    temp_done(&temp);
}

static void every_fault_is_named_in_one_run_with_its_line(void **state)
{
    static const struct {
        unsigned line;
        const char *field, *says;
    } wanted[] = {
        {1, "public_url", "must begin with https://"},
        {2, "listen.tunnel", "numeric address"},
        {3, "listen.api[1]", "reverse proxy"},
        {3, "listen.api[2]", "must be https://HOST:PORT"},
        {3, "listen.api[3]", "1..107 bytes"},
        {4, "ca.agent_days", "825"},
        {5, "limits.tunnels", "1000000"},
        {6, "limits.queue_per_conector", "queue_per_connector"},
        {7, "log.level", "debug"},
    };
    struct platform_settings s;
    struct faults faults;
    struct temp temp;
    const char *path;

    (void)state;
    temp_init(&temp);
    faults_init(&faults);
    path = temp_write(&temp, "platform.conf",
                      "public_url = \"http://p.example\";\n"
                      "listen = { tunnel = \"p.example:8443\";\n"
                      "  api = [ \"http://127.0.0.1:0\", \"http://0.0.0.0:80\", \"tcp:1\", "
                      "\"unix:\" ]; };\n"
                      "ca = { agent_days = 826; };\n"
                      "limits = { tunnels = 0;\n"
                      "  queue_per_conector = 1; };\n"
                      "log = { level = \"loud\"; };\n",
                      0644);
    assert_false(platform_settings_read(path, &s, &faults));
    for (size_t i = 0; i < COUNT_OF(wanted); i++) {
        char where[300];
        bool is_found = false;

        (void)snprintf(where, sizeof(where), "%s:%u", path, wanted[i].line);
        for (size_t f = 0; f < faults.count; f++) {
            is_found = is_found || (strcmp(faults.items[f].where, where) == 0 &&
                                    strcmp(faults.items[f].field, wanted[i].field) == 0 &&
                                    strstr(faults.items[f].what, wanted[i].says) != NULL);
        }
        CHECK(wanted[i].field, is_found);
    }
    assert_int_equal(faults_total(&faults), COUNT_OF(wanted));
    conf_done(&platform_settings_table, &s);
    faults_done(&faults);
    temp_done(&temp);
}

static void a_missing_file_or_url_is_a_fault(void **state)
{
    struct platform_settings s;
    struct faults faults;
    struct temp temp;

    (void)state;
    temp_init(&temp);
    faults_init(&faults);
    assert_false(platform_settings_read(temp_path(&temp, "none.conf"), &s, &faults));
    assert_int_equal(faults_total(&faults), 1);
    conf_done(&platform_settings_table, &s);
    assert_false(platform_settings_read(temp_write(&temp, "empty.conf", "", 0644), &s, &faults));
    assert_int_equal(faults_total(&faults), 2);
    assert_string_equal(faults.items[1].field, "public_url");
    conf_done(&platform_settings_table, &s);
    faults_done(&faults);
    temp_done(&temp);
}

static void a_public_url_names_scheme_host_and_port_only(void **state)
{
    static const struct {
        const char *url;
        const char *tunnel; /* NULL: refused */
    } rows[] = {
        {"https://p.example:8443", "wss://p.example:8443/v1/tunnel"},
        {"https://p.example", "wss://p.example/v1/tunnel"},
        {"https://p.example/", "wss://p.example/v1/tunnel"},
        {"https://192.0.2.7:1", "wss://192.0.2.7:1/v1/tunnel"},
        {"http://p.example", NULL},
        {"https://[2001:db8::1]:8443", NULL},
        {"https://p.example/connector", NULL},
        {"https://p.example?x", NULL},
        {"https://user@p.example", NULL},
        {"wss://p.example", NULL},
        {"p.example", NULL},
        {"", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct cx_fail fail = {0};
        struct url url = {0};
        enum cx_err err = platform_public_url_read(slice_of_str(rows[i].url), &url, &fail);
        struct buf tunnel;

        CHECK_ERR(rows[i].url, err, rows[i].tunnel != NULL ? CX_OK : CX_E_SYNTAX);
        buf_init(&tunnel, 1100);
        if (err == CX_OK) {
            assert_int_equal(platform_tunnel_url(rows[i].url, &tunnel), CX_OK);
            CHECK_TEXT(rows[i].url, buf_view(&tunnel), rows[i].tunnel);
        }
        buf_done(&tunnel);
        url_done(&url);
    }
}

static void the_example_is_a_configuration(void **state)
{
    struct platform_settings s;
    struct faults faults;
    struct temp temp;
    struct buf text;
    const char *path;

    (void)state;
    temp_init(&temp);
    faults_init(&faults);
    buf_init(&text, 64 * 1024);
    assert_int_equal(conf_print_example(&platform_settings_table, &text), CX_OK);
    path = temp_write(&temp, "platform.conf", buf_cstr(&text), 0644);
    assert_true(platform_settings_read(path, &s, &faults));
    assert_string_equal(s.public_url, "https://platform.example.com:8443");
    conf_done(&platform_settings_table, &s);
    buf_done(&text);
    faults_done(&faults);
    temp_done(&temp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_have_the_defaults_that_the_manual_names),
        cmocka_unit_test(policy_has_the_rules_of_an_agent_but_for_its_own_settings),
        cmocka_unit_test(settings_are_read_whole),
        cmocka_unit_test(every_fault_is_named_in_one_run_with_its_line),
        cmocka_unit_test(a_missing_file_or_url_is_a_fault),
        cmocka_unit_test(a_public_url_names_scheme_host_and_port_only),
        cmocka_unit_test(the_example_is_a_configuration),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
