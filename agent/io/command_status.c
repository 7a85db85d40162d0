#include "agent/io/commands.h"
#include "agent/io/settings.h"
#include "agent/io/status_watch.h"
#include "common/io/control.h"
#include "common/io/http.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATUS_MS = 5000, STATUS_BYTES_MAX = 256 * 1024 };

static const char *text_of(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));

    return text != NULL ? text : "";
}

static long long number_of(const json_t *json, const char *key)
{
    return (long long)json_integer_value(json_object_get(json, key));
}

static void print_duration(long long s)
{
    if (s >= 86400) {
        printf("%lld d %lld h", s / 86400, s % 86400 / 3600);
    } else if (s >= 3600) {
        printf("%lld h %lld min", s / 3600, s % 3600 / 60);
    } else if (s >= 60) {
        printf("%lld min %lld s", s / 60, s % 60);
    } else {
        printf("%lld s", s);
    }
}

static void print_tunnels(const json_t *status)
{
    json_t *tunnel;
    size_t i;

    json_array_foreach(json_object_get(status, "tunnels"), i, tunnel)
    {
        printf("  tunnel %-4lld %s", number_of(tunnel, "number"), text_of(tunnel, "state"));
        if (json_object_get(tunnel, "up_s") != NULL) {
            printf(", to %s for ", text_of(tunnel, "peer"));
            print_duration(number_of(tunnel, "up_s"));
        }
        if (number_of(tunnel, "round_trip_us") > 0) {
            printf(", round trip %.1f ms", (double)number_of(tunnel, "round_trip_us") / 1000.0);
        }
        printf("\n");
        if (text_of(tunnel, "trouble")[0] != '\0') {
            printf("              %s\n", text_of(tunnel, "trouble"));
        }
    }
}

static void print_ledger(const json_t *ledger)
{
    const char *state = text_of(ledger, "state");
    long long aside = number_of(ledger, "set_aside_jobs");

    if (strcmp(state, "good") == 0) {
        printf("  ledger      good, %lld KiB on the disk\n",
               (number_of(ledger, "disk_bytes") + 1023) / 1024);
    } else {
        printf("  ledger      %s: new jobs are refused. %s\n",
               strcmp(state, "full") == 0 ? "FULL" : "FAILING", text_of(ledger, "why"));
    }
    if (text_of(ledger, "set_aside")[0] != '\0') {
        printf("              an older one was set aside, with %lld job%s: %s\n", aside,
               aside == 1 ? "" : "s", text_of(ledger, "set_aside"));
    }
}

static void print_counts(const char *title, const json_t *counts)
{
    json_t *value;
    const char *key;
    const char *between = "";

    if (json_object_size(counts) == 0) {
        return;
    }
    printf("  %-12s", title);
    json_object_foreach((json_t *)(uintptr_t)counts, key, value)
    {
        printf("%s%s %lld", between, key, (long long)json_integer_value(value));
        between = ", ";
    }
    printf("\n");
}

static void print_rules(const json_t *rules)
{
    json_t *rule;
    size_t i;

    json_array_foreach(rules, i, rule)
    {
        printf("  rule        %s: %lld of %lld jobs, %lld refused for want of room\n",
               text_of(rule, "name"), number_of(rule, "running"), number_of(rule, "jobs"),
               number_of(rule, "refused"));
    }
}

static void print_failures(const json_t *failures)
{
    json_t *failure;
    size_t i;

    json_array_foreach(failures, i, failure)
    {
        printf("%s", i == 0 ? "  last failures\n    " : "    ");
        print_duration(number_of(failure, "ago_s"));
        printf(" ago, %s", text_of(failure, "code"));
        if (text_of(failure, "stage")[0] != '\0') {
            printf(" at %s", text_of(failure, "stage"));
        }
        printf(": %s\n", text_of(failure, "message"));
    }
}

/* Nothing before the first reload, nor of one that left nothing to do. */
static void print_reload(const json_t *reload)
{
    const json_t *restart = json_object_get(reload, "restart_needed");
    json_t *item;
    size_t i;

    if (reload == NULL) {
        return;
    }
    if (!json_is_true(json_object_get(reload, "ok"))) {
        printf("  reload      REFUSED: the configuration on disk is wrong, the old one counts\n");
    }
    json_array_foreach(json_object_get(reload, "faults"), i, item)
    {
        printf("              %s\n", json_string_value(item));
    }
    json_array_foreach(restart, i, item)
    {
        printf("  restart     is needed for a change of %s\n", json_string_value(item));
    }
}

static void print_status(const json_t *status)
{
    const json_t *jobs = json_object_get(status, "jobs");
    const json_t *certificate = json_object_get(status, "certificate");

    printf("%s, agent %s of connector %s, version %s, pid %lld, up ", text_of(status, "state"),
           text_of(status, "agent"), text_of(status, "connector"), text_of(status, "version"),
           number_of(status, "pid"));
    print_duration(number_of(status, "up_s"));
    printf("\n  platform    %s\n", text_of(status, "platform"));
    if (json_is_string(json_object_get(status, "proxy"))) {
        printf("  proxy       %s\n", text_of(status, "proxy"));
    }
    print_tunnels(status);
    printf("  certificate good for %lld days\n", number_of(certificate, "days_left"));
    printf("  policy      %lld rule%s\n", number_of(status, "policy_rules"),
           number_of(status, "policy_rules") == 1 ? "" : "s");
    printf("  jobs        %lld running, %lld not yet acknowledged, %lld done, room for %lld\n",
           number_of(jobs, "running"), number_of(jobs, "unacknowledged"), number_of(jobs, "done"),
           number_of(jobs, "capacity"));
    print_rules(json_object_get(status, "rules"));
    print_ledger(json_object_get(status, "ledger"));
    print_counts("outcomes", json_object_get(jobs, "outcomes"));
    print_counts("no token at", json_object_get(jobs, "not_issued_by_stage"));
    print_failures(json_object_get(status, "failures"));
    print_reload(json_object_get(status, "reload"));
}

/* What one look at the agent needs. */
struct look {
    const struct cli_args *args;
    const char *socket_path;
};

/* Ask the agent; *out is a new reference. */
static enum cx_err ask(const struct look *look, json_t **out, struct cx_fail *fail)
{
    struct control_request request = {.socket_path = look->socket_path,
                                      .method = "GET",
                                      .path = "/status",
                                      .timeout_ms = STATUS_MS};
    unsigned code = 0;
    struct buf answer;
    enum cx_err err;

    buf_init(&answer, STATUS_BYTES_MAX);
    err = control_ask(&request, &code, &answer, fail);
    if (err == CX_OK) {
        *out = json_loadb((const char *)answer.ptr, answer.len, 0, NULL);
        if (*out == NULL) {
            err = cx_fail_set(fail, CX_E_SYNTAX, "status", "the agent's answer can't be read");
        }
    }
    buf_done(&answer);
    return err;
}

static void print_json(const json_t *status, size_t flags)
{
    (void)json_dumpf(status, stdout, flags);
    printf("\n");
}

static enum cli_status show_once(const struct look *look)
{
    struct cx_fail fail = {0};
    json_t *status = NULL;
    enum cx_err err = ask(look, &status, &fail);

    if (err != CX_OK) {
        cli_print_fail(look->args, "can't ask the agent", &fail);
        return err == CX_E_SYNTAX ? CLI_FAILED : CLI_UNREACHABLE;
    }
    if (cli_has(look->args, "json")) {
        print_json(status, JSON_INDENT(2));
    } else {
        print_status(status);
    }
    json_decref(status);
    return CLI_DONE;
}

/* One look of many: an agent that can't be asked is told like any other state of it. */
static void show_again(void *ctx)
{
    const struct look *look = ctx;
    bool is_json = cli_has(look->args, "json");
    struct cx_fail fail = {0};
    json_t *status = NULL;

    if (ask(look, &status, &fail) != CX_OK && is_json) {
        status = json_pack("{s:s, s:s}", "state", "unreachable", "trouble", cx_fail_text(&fail));
    }
    if (is_json) {
        print_json(status, JSON_COMPACT);
    } else if (status != NULL) {
        print_status(status);
    } else {
        printf("can't ask the agent: %s\n", cx_fail_text(&fail));
    }
    if (!is_json) {
        printf("\n");
    }
    json_decref(status);
}

static enum cli_status look_at_agent(struct look *look)
{
    struct cx_fail fail = {0};

    if (http_global_init(&fail) != CX_OK) {
        cli_print_fail(look->args, "can't ask the agent", &fail);
        return CLI_FAILED;
    }
    if (!cli_has(look->args, "watch")) {
        return show_once(look);
    }
    status_watch(show_again, look, !cli_has(look->args, "json"));
    return CLI_DONE;
}

enum cli_status command_status(const struct cli_args *args)
{
    struct agent_config config;
    struct look look = {.args = args};
    struct faults faults;
    enum cli_status status = CLI_CONFIG;

    faults_init(&faults);
    (void)agent_config_read(args->conf_path, &config, &faults);
    look.socket_path = config.settings.control;
    if (look.socket_path == NULL) {
        cli_print_faults(&faults);
    } else {
        status = look_at_agent(&look);
    }
    agent_config_done(&config);
    faults_done(&faults);
    return status;
}
