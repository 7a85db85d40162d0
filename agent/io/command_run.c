#include "agent/io/agent.h"
#include "agent/io/commands.h"
#include "common/io/http.h"
#include "common/io/log.h"

#include <sys/resource.h>
#include <unistd.h>

enum { OTHER_DESCRIPTORS = 256 };

/* As many descriptors as are needed, and no more: each possible one costs memory. A job may have a
 * connection and, while its name is resolved, a pair of sockets. */
static void set_descriptor_limit(uint32_t jobs)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)jobs * 3 + OTHER_DESCRIPTORS;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
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
    set_descriptor_limit(config.settings.jobs);
    if (http_global_init(&fail) != CX_OK || agent_new(&config, &agent, &fail) != CX_OK) {
        cli_print_fail(args, "can't start", &fail);
        status = fail.code == CX_E_CONFIG ? CLI_CONFIG : CLI_FAILED;
        goto out;
    }
    agent_run(agent);
    if (!agent_free(agent)) {
        _exit(CLI_DONE);
    }
out:
    agent_config_done(&config);
    faults_done(&faults);
    return status;
}
