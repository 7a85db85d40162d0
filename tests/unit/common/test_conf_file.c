#include "common/io/conf_file.h"

#include "tests/support/temp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct rule_conf {
    struct conf_place place;
    char *url;
    char *ca;
};
#define RULE(field) CONF_AT(struct rule_conf, field)
static const struct conf_row rule_rows[] = {
    {"url", CONF_STRING, RULE(url), NULL, 0, 0, CONF_REQUIRED, "pattern", "\"u\""},
    {"ca", CONF_PATH, RULE(ca), NULL, 0, 0, 0, "whom to trust", NULL},
};
static const struct conf_table rule_table = CONF_TABLE(struct rule_conf, rule_rows);

struct part_conf {
    struct conf_place place;
    struct conf_list policy;
};
static const struct conf_row part_rows[] = {
    {"policy", CONF_GROUPS(&rule_table), CONF_AT(struct part_conf, policy), NULL, 0, 0, 0, "rules",
     ""},
};
static const struct conf_table part_table = CONF_TABLE(struct part_conf, part_rows);

static struct temp temp;
static struct faults faults;

static int set_up(void **state)
{
    (void)state;
    temp_init(&temp);
    faults_init(&faults);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    faults_done(&faults);
    temp_done(&temp);
    return 0;
}

/* The nth fault is WHERE (a name in the test's folder, and what follows it), FIELD, WHAT. */
static void assert_fault(size_t nth, const char *where, const char *field, const char *what)
{
    assert_true(nth < faults.count);
    assert_string_equal(faults.items[nth].where, temp_path(&temp, where));
    assert_string_equal(faults.items[nth].field, field);
    assert_non_null(strstr(faults.items[nth].what, what));
}

static void conf_file_read_resolves_paths_against_its_folder(void **state)
{
    struct part_conf conf;
    const struct rule_conf *rules;

    (void)state;
    (void)temp_write(&temp, "a.conf", "policy = ( { url = \"u\"; ca = \"ca.pem\"; } );", 0644);
    assert_int_equal(conf_file_read(&part_table, temp_path(&temp, "a.conf"), &conf, &faults),
                     CX_OK);
    rules = conf.policy.items;
    assert_string_equal(rules[0].ca, temp_path(&temp, "ca.pem"));
    conf_done(&part_table, &conf);

    assert_int_equal(chdir(temp.folder), 0);
    assert_int_equal(conf_file_read(&part_table, "a.conf", &conf, &faults), CX_OK);
    rules = conf.policy.items;
    assert_string_equal(rules[0].ca, "ca.pem");
    assert_string_equal(conf.place.file, "a.conf");
    conf_done(&part_table, &conf);
    assert_int_equal(chdir("/"), 0);
}

static void conf_file_read_names_what_is_wrong_with_the_file(void **state)
{
    static char big[CONF_FILE_MAX_BYTES + 2];
    struct part_conf conf;

    (void)state;
    memset(big, '\n', CONF_FILE_MAX_BYTES + 1);
    (void)temp_write(&temp, "big", big, 0644);
    assert_int_equal(mkdir(temp_path(&temp, "dir"), 0700), 0);
    assert_int_equal(conf_file_read(&part_table, temp_path(&temp, "none"), &conf, &faults),
                     CX_E_NOT_FOUND);
    conf_done(&part_table, &conf);
    assert_int_equal(conf_file_read(&part_table, temp_path(&temp, "dir"), &conf, &faults), CX_E_IO);
    conf_done(&part_table, &conf);
    assert_int_equal(conf_file_read(&part_table, temp_path(&temp, "big"), &conf, &faults),
                     CX_E_TOO_BIG);
    conf_done(&part_table, &conf);
    assert_int_equal(faults_total(&faults), 3);
    assert_fault(0, "none", "", "No such file or directory");
    assert_fault(1, "dir", "", "is a folder, not a file");
    assert_fault(2, "big", "", "larger than 1048576 bytes");
}

static void conf_folder_read_takes_files_in_name_order(void **state)
{
    struct conf_list list;
    const struct part_conf *parts;
    const struct rule_conf *rules;
    struct cx_fail fail = {0};

    (void)state;
    (void)temp_write(&temp, "b.conf", "policy = ( { url = \"b0\"; }, { url = \"b1\"; } );", 0644);
    (void)temp_write(&temp, "a.conf", "policy = ( { url = \"a0\"; } );", 0644);
    (void)temp_write(&temp, "Z.conf", "policy = ( );", 0644);
    (void)temp_write(&temp, ".hidden.conf", "nonsense", 0644);
    (void)temp_write(&temp, "a.conf~", "nonsense", 0644);
    (void)temp_write(&temp, "README", "nonsense", 0644);
    assert_int_equal(conf_folder_read(&part_table, temp.folder, &list, &faults, &fail), CX_OK);
    assert_int_equal(list.count, 3);
    parts = list.items;
    assert_string_equal(parts[0].place.file, temp_path(&temp, "Z.conf"));
    assert_int_equal(parts[0].policy.count, 0);
    rules = parts[1].policy.items;
    assert_string_equal(rules[0].url, "a0");
    rules = parts[2].policy.items;
    assert_string_equal(rules[1].url, "b1");
    conf_list_done(&part_table, &list);
    conf_list_done(&part_table, &list);
}

static void conf_folder_read_names_faults_of_every_file(void **state)
{
    struct conf_list list;
    const struct part_conf *parts;
    const struct rule_conf *rules;
    struct cx_fail fail = {0};

    (void)state;
    (void)temp_write(&temp, "a.conf", "policy = (\n { } );", 0644);
    (void)temp_write(&temp, "b.conf", "limits = { jobs = 1; };", 0644);
    (void)temp_write(&temp, "c.conf", "policy = ( { url = \"c\"; },\n { url = \"c\"; } );", 0644);
    assert_int_equal(mkdir(temp_path(&temp, "d.conf"), 0700), 0);
    assert_int_equal(conf_folder_read(&part_table, temp.folder, &list, &faults, &fail),
                     CX_E_CONFIG);
    assert_int_equal(faults_total(&faults), 3);
    assert_fault(0, "a.conf:2", "policy[0].url", "required, but missing");
    assert_fault(1, "b.conf:1", "limits.jobs", "unknown setting");
    assert_fault(2, "d.conf", "", "is a folder");
    assert_int_equal(list.count, 4);
    parts = list.items;
    rules = parts[2].policy.items;
    conf_fault(&faults, &rules[1], "url", "no scheme");
    assert_fault(3, "c.conf:2", "policy[1].url", "no scheme");
    conf_list_done(&part_table, &list);
}

static void conf_folder_read_says_when_there_is_no_folder(void **state)
{
    struct conf_list list;
    struct cx_fail fail = {0};

    (void)state;
    assert_int_equal(conf_folder_read(&part_table, temp_path(&temp, "none"), &list, &faults, &fail),
                     CX_E_NOT_FOUND);
    assert_non_null(strstr(fail.detail, "/none: No such file"));
    assert_int_equal(faults_total(&faults), 0);
    assert_int_equal(list.count, 0);
    conf_list_done(&part_table, &list);
    (void)temp_write(&temp, "f", "", 0644);
    assert_int_equal(conf_folder_read(&part_table, temp_path(&temp, "f"), &list, &faults, &fail),
                     CX_E_IO);
    conf_list_done(&part_table, &list);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(conf_file_read_resolves_paths_against_its_folder),
        TEST(conf_file_read_names_what_is_wrong_with_the_file),
        TEST(conf_folder_read_takes_files_in_name_order),
        TEST(conf_folder_read_names_faults_of_every_file),
        TEST(conf_folder_read_says_when_there_is_no_folder),
    };

    return cmocka_run_group_tests_name("conf_file", tests, NULL, NULL);
}
