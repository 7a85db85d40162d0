#ifndef CONNECTOR_TESTS_SUPPORT_CONF_SAMPLE_H
#define CONNECTOR_TESTS_SUPPORT_CONF_SAMPLE_H

#include "common/core/conf.h"

/* A configuration with a setting of every type. */

enum level { LEVEL_ERROR, LEVEL_WARN, LEVEL_INFO };

/* Value 0 is "not said": it can't be written. */
enum share { SHARE_UNKNOWN, SHARE_NONE, SHARE_URL };

struct bound_conf {
    struct conf_place place;
    char *name;
};

struct rule_conf {
    struct conf_place place;
    char *name;
    char *url;
    struct conf_strings methods;
    uint32_t jobs;
    enum share share;
    struct conf_list secrets;
};

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

extern const struct conf_table main_table;

/* The one setting that is required, on the first line. */
#define URL "platform = { url = \"wss://x\"; };\n"

/* Read a text as /etc/agent's agent.conf. */
enum cx_err read_main(const char *text, struct main_conf *conf, struct faults *faults);

/* All faults, one a line: WHERE|FIELD|WHAT. Gives `out`. */
const char *faults_text(const struct faults *faults, char *out, size_t room);

#endif
