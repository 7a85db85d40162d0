#include "agent/io/commands.h"
#include "agent/io/settings.h"
#include "common/core/profile.h"
#include "common/core/trace_json.h"
#include "common/io/cli_json.h"
#include "common/io/cli_values.h"
#include "common/io/client_pem.h"
#include "common/io/clock.h"
#include "common/io/executor.h"
#include "common/io/http.h"
#include "common/io/loop.h"
#include "common/io/trace_print.h"

#include <stdio.h>
#include <unistd.h>

enum { PROFILE_BYTES_MAX = 1024 * 1024 };

struct attempt {
    const struct cli_args *args;
    struct agent_config config;
    struct profile profile;
    struct profile_job made;
    struct loop *loop;
    struct http *http;
    struct executor *executor;
    bool is_issued;
};

/* ---- what is asked ---- */

static bool read_profile(struct attempt *a, const json_t *json)
{
    struct profile_input in = {.json = json, .check_pem = client_pem_check};
    struct faults faults;
    bool is_good;

    faults_init(&faults);
    is_good = profile_read(&in, &a->profile, &faults, NULL);
    if (!is_good) {
        fprintf(stderr, "%s: the profile is wrong:\n", a->args->words[0]);
    }
    cli_print_faults(&faults);
    faults_done(&faults);
    return is_good;
}

static bool is_form_field(const void *ctx, const char *name)
{
    const struct profile *p = ctx;

    for (size_t i = 0; i < p->nform_fields; i++) {
        if (slice_eq_str(slice_of_str(name), p->form_fields[i].key)) {
            return true;
        }
    }
    return false;
}

/* `values` must outlive the job. */
static bool make_job(struct attempt *a, const json_t *values)
{
    const json_t *tenant = json_object_get(values, "tenant");
    struct profile_call call = {
        .purpose = PURPOSE_TEST,
        .variables = json_object_get(values, "variables"),
        .context = json_object_get(values, "context"),
        .tenant = slice_of(json_string_value(tenant), json_string_length(tenant)),
        .budget_ms = a->profile.budget_ms,
        .trace = true,
        .id = random_id(),
    };
    struct faults faults;
    bool is_made;

    faults_init(&faults);
    is_made = profile_make_job(&a->profile, &call, &a->made, &faults);
    cli_print_faults(&faults);
    if (!is_made) {
        fprintf(stderr, "give values with --set NAME=VALUE, or --ask NAME for secrets\n");
    }
    faults_done(&faults);
    return is_made;
}

/* ---- the exchange ---- */

static void on_finished(void *ctx, void *owner, const struct msg_result *result)
{
    struct attempt *a = ctx;

    json_t *rows = json_array();

    (void)owner;
    trace_json_append(rows, result->trace, result->ntrace);
    trace_print(rows);
    json_decref(rows);
    a->is_issued = result->outcome == OUTCOME_ISSUED;
    loop_stop(a->loop);
}

static enum cx_err make_parts(struct attempt *a, struct cx_fail *fail)
{
    struct http_limits limits = {.connections = 1};
    struct executor_options options = {.answer_bytes_max = a->config.settings.answer_bytes,
                                       .jobs_max = a->config.settings.jobs,
                                       .finished = on_finished,
                                       .ctx = a,
                                       .side = ADVICE_AGENT,
                                       .is_at_hand = true};
    enum cx_err err = http_global_init(fail);

    if (err == CX_OK) {
        err = loop_new(&a->loop, fail);
    }
    if (err == CX_OK) {
        err = http_new(a->loop, &limits, &a->http, fail);
    }
    if (err != CX_OK) {
        return err;
    }
    options.loop = a->loop;
    options.http = a->http;
    a->executor = executor_new(&options);
    if (a->executor == NULL || !executor_set_policy(a->executor, &a->config.policy)) {
        return cx_fail_set(fail, CX_E_NOMEM, "try", "out of memory");
    }
    return CX_OK;
}

/* As the agent runs a job that came through its tunnel. */
static enum cli_status run(struct attempt *a)
{
    struct cx_fail fail = {0};

    if (make_parts(a, &fail) != CX_OK) {
        cli_print_fail(a->args, "try", &fail);
        return CLI_FAILED;
    }
    printf("%s, from this machine:\n", a->profile.name);
    (void)fflush(stdout);
    if (executor_start(a->executor, a, &a->made.job, clock_mono_us()) == NULL) {
        fail.code = CX_E_NOMEM;
        cli_print_fail(a->args, "try", &fail);
        return CLI_FAILED;
    }
    loop_run(a->loop);
    return a->is_issued ? CLI_DONE : CLI_FAILED;
}

/* False: a name lookup is stuck in its thread, and exit() would wait for it. */
static bool end(struct attempt *a)
{
    bool is_clean;

    http_free(a->http);
    executor_free(a->executor);
    is_clean = a->loop == NULL || loop_free(a->loop) == CX_OK;
    profile_job_done(&a->made);
    profile_done(&a->profile);
    return is_clean;
}

static enum cli_status try_profile(struct attempt *a)
{
    json_t *json = cli_json_read(a->args, a->args->words[0], PROFILE_BYTES_MAX);
    enum cli_status status = CLI_FAILED;
    json_t *values = NULL;
    bool is_clean;

    if (json != NULL && read_profile(a, json)) {
        values = cli_values_read(a->args, is_form_field, &a->profile);
        status = values == NULL ? CLI_USAGE : CLI_FAILED;
    }
    if (values != NULL && make_job(a, values)) {
        status = run(a);
    }
    is_clean = end(a);
    json_decref(values);
    json_decref(json);
    if (!is_clean) {
        (void)fflush(NULL);
        _exit((int)status);
    }
    return status;
}

enum cli_status command_try(const struct cli_args *args)
{
    struct attempt a = {.args = args};
    struct faults faults;
    enum cli_status status = CLI_CONFIG;

    faults_init(&faults);
    if (agent_config_read(args->conf_path, &a.config, &faults)) {
        status = try_profile(&a);
    } else {
        cli_print_faults(&faults);
    }
    agent_config_done(&a.config);
    faults_done(&faults);
    return status;
}
