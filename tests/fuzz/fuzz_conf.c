#include "common/core/conf.h"

#include <stdint.h>
#include <stdlib.h>

/* Any text: it is read or refused with a fault, whatever is returned the struct can be freed, and
 * what was read keeps what its rows promise. */

struct rule_conf {
    struct conf_place place;
    char *url;
    struct conf_strings methods;
};
#define RULE(field) CONF_AT(struct rule_conf, field)
static const struct conf_row rule_rows[] = {
    {"url", CONF_STRING, RULE(url), NULL, 1, 100, CONF_REQUIRED, "pattern", "\"u\""},
    {"methods", CONF_STRINGS, RULE(methods), "POST", 1, 3, 0, "methods", NULL},
};
static const struct conf_table rule_table = CONF_TABLE(struct rule_conf, rule_rows);

static const char *const words[] = {"", "one", "two", NULL};

struct main_conf {
    struct conf_place place;
    uint32_t jobs;
    uint64_t big;
    bool is_on;
    int word;
    char *path;
    struct conf_list policy;
};
#define AT(field) CONF_AT(struct main_conf, field)
static const struct conf_row main_rows[] = {
    {"a.jobs", CONF_U32, AT(jobs), "5", 1, 2048, 0, "jobs", NULL},
    {"a.b.big", CONF_U64, AT(big), "7", 0, 0, 0, "number", NULL},
    {"on", CONF_BOOL, AT(is_on), NULL, 0, 0, 0, "whether", NULL},
    {"word", CONF_WORD(words), AT(word), "one", 0, 0, 0, "which", NULL},
    {"path", CONF_PATH, AT(path), NULL, 0, 0, 0, "where", NULL},
    {"policy", CONF_GROUPS(&rule_table), AT(policy), NULL, 0, 4, 0, "rules", ""},
};
static const struct conf_table main_table = CONF_TABLE(struct main_conf, main_rows);

/* libconfig 1.5 forgets a string that a syntax error interrupts. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libconfig\n";
}

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct conf_source source = {"f", "/folder", slice_of(data, size)};
    const struct rule_conf *rules;
    struct main_conf conf;
    struct faults faults;
    enum cx_err err;

    faults_init(&faults);
    err = conf_read(&main_table, &source, &conf, &faults);
    require((err == CX_OK) == (faults_total(&faults) == 0));
    require(conf.jobs >= 1 && conf.jobs <= 2048 && (conf.word == 1 || conf.word == 2));
    require(conf.policy.count <= 4);
    rules = conf.policy.items;
    for (size_t i = 0; err == CX_OK && i < conf.policy.count; i++) {
        require(rules[i].url != NULL && rules[i].url[0] != '\0');
        require(rules[i].methods.count >= 1 && rules[i].methods.count <= 3);
    }
    conf_done(&main_table, &conf);
    faults_done(&faults);
    return 0;
}
