#include "agent/io/ledger_check.h"

#include "tests/support/check.h"
#include "tests/support/ledger_fixture.h"

#include <sys/stat.h>
#include <unistd.h>

static struct ledger_fixture f;

static int set_up(void **state)
{
    (void)state;
    ledger_fixture_init(&f);
    ledger_fixture_open(&f);
    ledger_fixture_begin(&f, 1, false);
    ledger_fixture_close(&f);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ledger_fixture_done(&f);
    return 0;
}

/* What is said; "" if nothing is. */
static void look(char *fault, char *note, size_t room)
{
    struct agent_config config;
    struct agent_settings *s = &config.settings;
    struct faults read, faults;
    const char *conf = temp_write(&f.temp, "agent.conf",
                                  "platform = { url = \"wss://p.example/v1/tunnel\"; };", 0600);

    faults_init(&read);
    faults_init(&faults);
    assert_true(agent_config_read(conf, &config, &read)); /* paths are beside it: the fixture's */
    assert_string_equal(s->ledger_path, f.path);
    assert_string_equal(s->ledger_key, f.key);
    ledger_check(s, &faults, &config.notes);
    assert_in_range(faults.count, 0, 1);
    (void)snprintf(fault, room, "%s%s%s", faults.count > 0 ? faults.items[0].field : "",
                   faults.count > 0 ? ": " : "", faults.count > 0 ? faults.items[0].what : "");
    (void)snprintf(note, room, "%s", config.notes.count > 0 ? config.notes.items[0].what : "");
    faults_done(&faults);
    faults_done(&read);
    agent_config_done(&config);
}

static void expect(const char *fault, const char *note)
{
    char got_fault[1024];
    char got_note[1024];

    look(got_fault, got_note, sizeof(got_fault));
    if (strstr(got_fault, fault) == NULL || (*fault == '\0' && got_fault[0] != '\0')) {
        fail_msg("want fault \"%s\", got \"%s\"", fault, got_fault);
    }
    if (strstr(got_note, note) == NULL || (*note == '\0' && got_note[0] != '\0')) {
        fail_msg("want note \"%s\", got \"%s\"", note, got_note);
    }
}

static void check_says_nothing_of_a_good_ledger_or_of_none(void **state)
{
    (void)state;
    expect("", "");
    ledger_fixture_open(&f); /* while it is in use, too */
    expect("", "");
    ledger_fixture_close(&f);
    assert_int_equal(unlink(f.key), 0);
    assert_int_equal(unlink(f.current), 0);
    expect("", "");
    assert_int_not_equal(access(f.key, F_OK), 0); /* and makes none */
}

static void check_names_what_would_keep_the_agent_from_starting(void **state)
{
    char away[320];

    (void)state;
    assert_int_equal(chmod(f.path, 0750), 0);
    expect("ledger.path: ", "");
    expect("chmod 700", "");
    assert_int_equal(chmod(f.path, 0700), 0);
    assert_int_equal(chmod(f.key, 0644), 0);
    expect("ledger.key: ", "");
    expect("chmod 600", "");
    (void)snprintf(away, sizeof(away), "%s.away", f.key);
    assert_int_equal(rename(f.key, away), 0);
    expect("ledger.key is missing, and the ledger in", "");
    ledger_fixture_store(f.key, SLICE_LIT("too short"));
    expect("must be 32 bytes", "");
    ledger_fixture_store(f.key, SLICE_LIT("0123456789abcdef0123456789abcdef"));
    expect("is not the key that sealed", "");
}

static void check_notes_files_that_were_set_aside(void **state)
{
    (void)state;
    ledger_fixture_store(f.current, SLICE_LIT("nonsense"));
    ledger_fixture_open(&f);
    ledger_fixture_close(&f);
    expect("", "a part of it could not be read");
}

static void check_notes_another_identitys_jobs(void **state)
{
    (void)state;
    f.owner = "agent-b";
    ledger_fixture_open(&f);
    ledger_fixture_close(&f);
    expect("", "jobs of the identity that this agent had before");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(check_says_nothing_of_a_good_ledger_or_of_none, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(check_names_what_would_keep_the_agent_from_starting, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(check_notes_files_that_were_set_aside, set_up, tear_down),
        cmocka_unit_test_setup_teardown(check_notes_another_identitys_jobs, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
