#include "agent/io/agent.h"
#include "agent/io/commands.h"
#include "common/io/http.h"
#include "common/io/log.h"

#include <sys/resource.h>

/* A descriptor for each token endpoint's connection, and some. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

enum cli_status command_run(const struct cli_args *args)
{
    struct agent_config config;
    struct agent *agent = NULL;
    struct cx_fail fail = {0};
    struct faults faults;
    enum cli_status status = CLI_DONE;

    faults_init(&faults);
    if (!agent_config_read(args->conf_path, &config, &faults)) {
        cli_print_faults(&faults);
        status = CLI_CONFIG;
        goto out;
    }
    log_set((enum log_level)config.settings.log_level, (enum log_format)config.settings.log_format);
    raise_descriptor_limit();
    if (http_global_init(&fail) != CX_OK || agent_new(&config, &agent, &fail) != CX_OK) {
        cli_print_fail(args, "can't start", &fail);
        status = fail.code == CX_E_CONFIG ? CLI_CONFIG : CLI_FAILED;
        goto out;
    }
    agent_run(agent);
    agent_free(agent);
out:
    agent_config_done(&config);
    faults_done(&faults);
    return status;
}
