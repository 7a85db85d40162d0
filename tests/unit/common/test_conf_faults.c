#include "common/core/conf.h"

#include "tests/support/conf_sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
    const char *why, *text, *faults;
} wrong[] = {
    {"a required setting is missing", "", "agent.conf|platform.url|required, but missing\n"},
    {"an unknown setting names its neighbour, though its group is misspelt",
     URL "limts = {\n jobs = 5; };",
     "agent.conf:3|limts.jobs|unknown setting; did you mean \"limits.jobs\"?\n"},
    {"one that nothing is like names none", URL "zzzzzzzzz = 1;",
     "agent.conf:2|zzzzzzzzz|unknown setting\n"},
    {"its value isn't shown", URL "tokn = \"hunter2\";",
     "agent.conf:2|tokn|unknown setting; did you mean \"token\"?\n"},
    {"an unknown setting of an entry",
     URL "policy = ( { url = \"u\"; }, { url = \"u\";\n nmae = \"x\"; } );",
     "agent.conf:3|policy[1].nmae|unknown setting; did you mean \"name\"?\n"},
    {"an unknown empty group", URL "limts = { };",
     "agent.conf:2|limts|unknown setting; did you mean \"limits\"?\n"},
    {"a value where a group must be", URL "limits = 3;",
     "agent.conf:2|limits|must be a group { … }, found 3\n"},
    {"below the range", URL "limits = { jobs = 0; };",
     "agent.conf:2|limits.jobs|must be a whole number in 1..2048, found 0\n"},
    {"above the range", URL "limits = { jobs = 2049L; };",
     "agent.conf:2|limits.jobs|must be a whole number in 1..2048, found 2049\n"},
    {"negative", URL "limits = { jobs = -1; };",
     "agent.conf:2|limits.jobs|must be a whole number in 1..2048, found -1\n"},
    {"2^32 + 1 is not 1", URL "limits = { jobs = 4294967297; };",
     "agent.conf:2|limits.jobs|must be a whole number in 1..2048, found 4294967297\n"},
    {"nor in hexadecimal", URL "limits = { jobs = 0x100000001; };",
     "agent.conf:2|limits.jobs|must be a whole number in 1..2048, found 4294967297\n"},
    {"nor negative", URL "limits = { jobs = -4294967295; };",
     "agent.conf:2|limits.jobs|must be a whole number in 1..2048, found -4294967295\n"},
    {"2^63 is no number here", URL "limits = { big = 9223372036854775808; };\nlimits = 1;",
     "agent.conf:2||a number is larger than 9223372036854775807\n"},
    {"nor 2^64 in hexadecimal", URL "limits = { big = 0x10000000000000000L; };",
     "agent.conf:2||a number is larger than 9223372036854775807\n"},
    {"a fraction", URL "limits = { jobs = 1.5; };",
     "agent.conf:2|limits.jobs|must be a whole number in 1..2048, found a number with a "
     "fraction\n"},
    {"a string where a number must be", URL "limits = { jobs = \"many\"; };",
     "agent.conf:2|limits.jobs|must be a whole number in 1..2048, found \"many\"\n"},
    {"a number where a truth must be", URL "on = 1;",
     "agent.conf:2|on|must be true or false, found 1\n"},
    {"a number where a string must be", URL "note = 5;",
     "agent.conf:2|note|must be a string \"…\", found 5\n"},
    {"a list where a string must be", URL "note = ( \"a\" );",
     "agent.conf:2|note|must be a string \"…\", found a list ( )\n"},
    {"a secret's value isn't shown", URL "token = 12345;",
     "agent.conf:2|token|must be a string \"…\", found a number\n"},
    {"nor its text", URL "token = \"far too long\";",
     "agent.conf:2|token|must be 4..8 bytes long, found 12\n"},
    {"an empty string", "platform = { url = \"\"; };",
     "agent.conf:1|platform.url|must not be empty\n"},
    {"control characters", URL "note = \"a\\nb\";",
     "agent.conf:2|note|must not contain control characters (line ends, tabs, …)\n"},
    {"text that isn't UTF-8, by an escape", URL "note = \"\\xff\";",
     "agent.conf:2|note|must be valid UTF-8\n"},
    {"text that isn't UTF-8, as it stands", URL "\nnote = \"\xff\";",
     "agent.conf:3||the line is not valid UTF-8\n"},
    {"a NUL by an escape", URL "note = \"a\\x00b\";",
     "agent.conf:2||a string can't contain a NUL character\n"},
    {"a word that isn't one", URL "log = { level = \"inf\"; };",
     "agent.conf:2|log.level|must be one of error, warn, info, found \"inf\"\n"},
    {"a word that can't be written", URL "policy = ( { url = \"u\"; share = \"\"; } );",
     "agent.conf:2|policy[0].share|must be one of none, url, found \"\"\n"},
    {"a string where a list must be", URL "names = \"x\";",
     "agent.conf:2|names|must be a list of strings [ \"…\" ], found \"x\"\n"},
    {"a wrong entry of a list", URL "names = ( \"x\",\n 5,\n \"\" );",
     "agent.conf:3|names[1]|must be a string \"…\", found 5\n"
     "agent.conf:4|names[2]|must be 1..4096 bytes long\n"},
    {"too few entries", URL "policy = ( { url = \"u\"; methods = [ ]; } );",
     "agent.conf:2|policy[0].methods|must have 1..3 entries, found 0\n"},
    {"too many entries", URL "policy = ( { }, { }, { }, { } );",
     "agent.conf:2|policy|must have 0..3 entries, found 4\n"},
    {"an array where a list must be", URL "policy = [ 1 ];",
     "agent.conf:2|policy|must be a list of groups ( { … }, { … } ), found an array [ ]\n"},
    {"an entry that isn't a group, and one that lacks something", URL "policy = ( 1,\n { } );",
     "agent.conf:2|policy[0]|must be a group { … }, found 1\n"
     "agent.conf:3|policy[1].url|required, but missing\n"},
    {"a fault in an entry's own list",
     URL "policy = ( { url = \"u\"; secrets = ( { },\n { name = 1; } ); } );",
     "agent.conf:2|policy[0].secrets[0].name|required, but missing\n"
     "agent.conf:3|policy[0].secrets[1].name|must be a string \"…\", found 1\n"},
    {"the same setting twice", URL "on = true;\non = true;",
     "agent.conf:3||duplicate setting name, here or shortly before (a missing ; or an open { ( [ "
     "or \" is usual)\n"},
    {"bad syntax", URL "on = ;\n",
     "agent.conf:2||syntax error, here or shortly before (a missing ; or an open { ( [ or \" is "
     "usual)\n"},
    {"another file", URL "  @include \"/etc/passwd\"\non = 1",
     "agent.conf:2||@include is not supported: a configuration is one file\n"},
    {"every fault in one run", "on = 1;\nlimits = { jobs = 0; bigg = 1; };\npolicy = ( { } );",
     "agent.conf:1|on|must be true or false, found 1\n"
     "agent.conf:2|limits.jobs|must be a whole number in 1..2048, found 0\n"
     "agent.conf:2|limits.bigg|unknown setting; did you mean \"limits.big\"?\n"
     "agent.conf:3|policy[0].url|required, but missing\n"
     "agent.conf|platform.url|required, but missing\n"},
};

static void conf_read_names_every_fault(void **state)
{
    char text[4096];

    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct faults faults;
        struct main_conf conf;

        faults_init(&faults);
        assert_int_equal(read_main(wrong[i].text, &conf, &faults), CX_E_CONFIG);
        faults_text(&faults, text, sizeof(text));
        if (strcmp(text, wrong[i].faults) != 0) {
            fail_msg("%s:\ngot\n%swant\n%s", wrong[i].why, text, wrong[i].faults);
        }
        conf_done(&main_table, &conf);
        faults_done(&faults);
    }
}

static const struct {
    const char *why, *text;
} right[] = {
    {"@include in a string", URL "note = \"@include\";"},
    {"@include in comments", URL "# @include \"x\"\n/*\n@include \"x\"\n*/ // @include \"x\"\n"},
    {"a comment that looks open in a string", URL "note = \"/* # //\"; on = true;"},
    {"escaped quotes", URL "note = \"\\\\\\\"@\\\"\"; on = true;"},
    {"digits in names and strings", URL "note = \"99999999999999999999\"; /* 99999999999999999999 "
                                        "*/"},
    {"a number above 2^31 without L", URL "limits = { big = 3000000000; };"},
    {"carriage returns", "platform = {\r\n url = \"wss://x\";\r\n};\r\n"},
    {"umlauts", URL "note = \"\xc3\xbc\"; # \xc3\xbc\n"},
};

static void conf_read_takes_what_only_looks_wrong(void **state)
{
    char text[4096];

    (void)state;
    for (size_t i = 0; i < COUNT(right); i++) {
        struct faults faults;
        struct main_conf conf;

        faults_init(&faults);
        if (read_main(right[i].text, &conf, &faults) != CX_OK) {
            fail_msg("%s: %s", right[i].why, faults_text(&faults, text, sizeof(text)));
        }
        conf_done(&main_table, &conf);
        faults_done(&faults);
    }
}

static void conf_read_keeps_numbers_whole(void **state)
{
    static const struct {
        const char *text;
        uint64_t want;
    } rows[] = {
        {"2147483647", 2147483647u},  {"2147483648", 2147483648u},
        {"3000000000L", 3000000000u}, {"0xffffffff", 4294967295u},
        {"0x7fffffff", 2147483647u},  {"+5", 5},
        {"4294967296", 4294967296u},  {"010", 10},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct faults faults;
        struct main_conf conf;
        char text[128];

        (void)snprintf(text, sizeof(text), URL "limits = { big = %s; };", rows[i].text);
        faults_init(&faults);
        assert_int_equal(read_main(text, &conf, &faults), CX_OK);
        assert_true(conf.big == rows[i].want);
        conf_done(&main_table, &conf);
        faults_done(&faults);
    }
}

static void conf_read_refuses_a_nul(void **state)
{
    struct conf_source source = {"f", "", slice_of("on = 1;\0on = 2;", 15)};
    struct faults faults;
    struct main_conf conf;

    (void)state;
    faults_init(&faults);
    assert_int_equal(conf_read(&main_table, &source, &conf, &faults), CX_E_CONFIG);
    assert_int_equal(faults.count, 1);
    assert_string_equal(faults.items[0].what, "the file contains a NUL byte: it is not a text");
    conf_done(&main_table, &conf);
    faults_done(&faults);
}

static void conf_read_leaves_faulty_settings_at_their_default(void **state)
{
    static const char text[] = URL "limits = { jobs = 0; }; names = [ \"\" ]; on = 5;\n"
                                   "log = { level = \"x\"; };";
    struct faults faults;
    struct main_conf conf;

    (void)state;
    faults_init(&faults);
    assert_int_equal(read_main(text, &conf, &faults), CX_E_CONFIG);
    assert_string_equal(conf.url, "wss://x");
    assert_int_equal(conf.jobs, 1024);
    assert_int_equal(conf.names.count, 2);
    assert_true(conf.is_on);
    assert_int_equal(conf.level, LEVEL_INFO);
    conf_done(&main_table, &conf);
    faults_done(&faults);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conf_read_names_every_fault),
        cmocka_unit_test(conf_read_takes_what_only_looks_wrong),
        cmocka_unit_test(conf_read_keeps_numbers_whole),
        cmocka_unit_test(conf_read_refuses_a_nul),
        cmocka_unit_test(conf_read_leaves_faulty_settings_at_their_default),
    };

    return cmocka_run_group_tests_name("conf_faults", tests, NULL, NULL);
}
