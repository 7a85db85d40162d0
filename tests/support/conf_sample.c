#include "tests/support/conf_sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const level_words[] = {"error", "warn", "info", NULL};

static const char *const share_words[] = {"", "none", "url", NULL};

#define BOUND(field) CONF_AT(struct bound_conf, field)
static const struct conf_row bound_rows[] = {
    {"name", CONF_STRING, BOUND(name), NULL, 0, 0, CONF_REQUIRED, "which secret", "\"hr\""},
};
static const struct conf_table bound_table = CONF_TABLE(struct bound_conf, bound_rows);

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
const struct conf_table main_table = CONF_TABLE(struct main_conf, main_rows);

enum cx_err read_main(const char *text, struct main_conf *conf, struct faults *faults)
{
    struct conf_source source = {"agent.conf", "/etc/agent", slice_of_str(text)};

    return conf_read(&main_table, &source, conf, faults);
}

const char *faults_text(const struct faults *faults, char *out, size_t room)
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
