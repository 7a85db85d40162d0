#include "common/core/conf.h"

#include "tests/support/alloc_fail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum level { LEVEL_ERROR, LEVEL_WARN, LEVEL_INFO };
static const char *const level_words[] = {"error", "warn", "info", NULL};

/* Value 0 is "not said": it can't be written. */
enum share { SHARE_UNKNOWN, SHARE_NONE, SHARE_URL };
static const char *const share_words[] = {"", "none", "url", NULL};

struct bound_conf {
    struct conf_place place;
    char *name;
};
#define BOUND(field) CONF_AT(struct bound_conf, field)
static const struct conf_row bound_rows[] = {
    {"name", CONF_STRING, BOUND(name), NULL, 0, 0, CONF_REQUIRED, "which secret", "\"hr\""},
};
static const struct conf_table bound_table = CONF_TABLE(struct bound_conf, bound_rows);

struct rule_conf {
    struct conf_place place;
    char *name;
    char *url;
    struct conf_strings methods;
    uint32_t jobs;
    enum share share;
    struct conf_list secrets;
};
#define RULE(field) CONF_AT(struct rule_conf, field)
static const struct conf_row rule_rows[] = {
    {"name", CONF_STRING, RULE(name), NULL, 0, 8, 0, "name of the rule", NULL},
    {"url", CONF_STRING, RULE(url), NULL, 0, 0, CONF_REQUIRED, "pattern", "\"https://a.example/\""},
    {"methods", CONF_STRINGS, RULE(methods), "POST", 1, 3, 0, "methods", NULL},
    {"jobs", CONF_U32, RULE(jobs), "64", 1, 1024, 0, "jobs at once", NULL},
    {"share", CONF_WORD(share_words), RULE(share), "url", 0, 0, 0, "what is told", NULL},
    {"secrets", CONF_GROUPS(&bound_table), RULE(secrets), NULL, 0, 2, 0, "secrets", NULL},
};
static const struct conf_table rule_table = CONF_TABLE(struct rule_conf, rule_rows);

struct main_conf {
    struct conf_place place;
    char *url;
    char *ca;
    uint32_t jobs;
    uint64_t big;
    bool is_on;
    char *token;
    char *note;
    enum level level;
    struct conf_strings names;
    struct conf_list policy;
};
#define AT(field) CONF_AT(struct main_conf, field)
static const struct conf_row main_rows[] = {
    {"platform.url", CONF_STRING, AT(url), NULL, 0, 0, CONF_REQUIRED, "where the platform is",
     "\"wss://platform.example.com/v1/tunnel\""},
    {"platform.ca", CONF_PATH, AT(ca), "ca.pem", 0, 0, CONF_RELOADABLE, "whom to trust", NULL},
    {"limits.jobs", CONF_U32, AT(jobs), "1024", 1, 2048, 0, "jobs at once", NULL},
    {"limits.big", CONF_U64, AT(big), NULL, 0, 0, 0, "any number", NULL},
    {"on", CONF_BOOL, AT(is_on), "true", 0, 0, 0, "whether", NULL},
    {"token", CONF_STRING, AT(token), NULL, 4, 8, CONF_SECRET, "a secret", NULL},
    {"note", CONF_STRING, AT(note), NULL, 0, 0, CONF_MAY_BE_EMPTY, "a note", NULL},
    {"log.level", CONF_WORD(level_words), AT(level), "info", 0, 0, CONF_RELOADABLE, "level", NULL},
    {"names", CONF_STRINGS, AT(names), "a bc", 0, 0, 0, "names", NULL},
    {"policy", CONF_GROUPS(&rule_table), AT(policy), NULL, 0, 3, CONF_RELOADABLE, "rules", ""},
};
static const struct conf_table main_table = CONF_TABLE(struct main_conf, main_rows);

#define URL "platform = { url = \"wss://x\"; };\n"

static enum cx_err read_main(const char *text, struct main_conf *conf, struct faults *faults)
{
    struct conf_source source = {"agent.conf", "/etc/agent", slice_of_str(text)};

    return conf_read(&main_table, &source, conf, faults);
}

/* All faults, one a line: WHERE|FIELD|WHAT. */
static const char *faults_text(const struct faults *faults, char *out, size_t room)
{
    size_t len = 0;

    out[0] = '\0';
    for (size_t i = 0; i < faults->count; i++) {
        len += (size_t)snprintf(out + len, room - len, "%s|%s|%s\n", faults->items[i].where,
                                faults->items[i].field, faults->items[i].what);
        assert_true(len < room);
    }
    return out;
}

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

static void conf_print_example_documents_every_setting(void **state)
{
    static const char want[] = "platform = {\n"
                               "    # where the platform is\n"
                               "    # (a string; required)\n"
                               "    url = \"wss://platform.example.com/v1/tunnel\";\n"
                               "\n"
                               "    # whom to trust\n"
                               "    # (a path, relative to this file's folder)\n"
                               "    # ca = \"ca.pem\";\n"
                               "\n"
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
    assert_non_null(strstr(buf_cstr(&out), "# (one of error, warn, info)\n"));
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
        cmocka_unit_test(conf_read_names_every_fault),
        cmocka_unit_test(conf_read_takes_what_only_looks_wrong),
        cmocka_unit_test(conf_read_keeps_numbers_whole),
        cmocka_unit_test(conf_read_refuses_a_nul),
        cmocka_unit_test(conf_read_leaves_faulty_settings_at_their_default),
        cmocka_unit_test(conf_fault_knows_line_and_full_name),
        cmocka_unit_test(conf_needs_restart_names_what_a_reload_cant_change),
        cmocka_unit_test(conf_print_example_documents_every_setting),
        cmocka_unit_test(conf_read_survives_running_out_of_memory),
    };

    return cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
