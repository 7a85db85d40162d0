#include "common/io/http.h"
#include "common/io/log.h"
#include "platform/io/commands.h"
#include "platform/io/files.h"
#include "platform/io/platform.h"

#include <sys/resource.h>
#include <unistd.h>

enum { DESCRIPTORS_BESIDES = 4096 }; /* callers of the API, files, and some */

/* A descriptor for each tunnel, three for each exchange of our own (its connection, and while its
 * name is resolved a pair of sockets), and no more than are needed: the HTTP library takes memory
 * for each that there may be. */
static void set_descriptor_limit(uint32_t tunnels, uint32_t own_exchanges)
{
    rlim_t wanted = (rlim_t)tunnels + (rlim_t)own_exchanges * 3 + DESCRIPTORS_BESIDES;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return;
    }
    limit.rlim_cur =
        limit.rlim_max == RLIM_INFINITY || wanted < limit.rlim_max ? wanted : limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < wanted) {
        log_event(CX_LOG_WARN, "limits.descriptors", kv_u64("allowed", limit.rlim_cur),
                  kv_u64("wanted", wanted),
                  kv_str("why", "limits.tunnels can't be reached: raise the limit of open files of "
                                "this process (LimitNOFILE= of its unit, ulimit -n)"));
    }
}

static enum cli_status serve(const struct cli_args *args, struct platform_settings *settings,
                             struct policy *policy)
{
    struct platform *platform = NULL;
    struct cx_fail fail = {0};
    enum cx_err err = http_global_init(&fail);

    if (err == CX_OK) {
        err = platform_new(settings, policy, &platform, &fail);
    }
    if (err != CX_OK) {
        cli_print_fail(args, "can't start", &fail);
        return err == CX_E_CONFIG ? CLI_CONFIG : CLI_FAILED;
    }
    platform_run(platform);
    if (!platform_free(platform)) {
        _exit(CLI_DONE);
    }
    return CLI_DONE;
}

enum cli_status command_serve(const struct cli_args *args)
{
    struct platform_settings settings;
    struct policy policy = {0};
    struct faults faults;
    enum cli_status status = CLI_CONFIG;

    faults_init(&faults);
    if (platform_settings_read(args->conf_path, &settings, &faults) &&
        platform_policy_read(&settings, &policy, &faults) &&
        platform_files_check(&settings, &faults)) {
        log_set((enum log_level)settings.log_level, (enum log_format)settings.log_format);
        set_descriptor_limit(settings.limits_tunnels, settings.limits_own_exchanges);
        status = serve(args, &settings, &policy);
    } else {
        cli_print_faults(&faults);
    }
    policy_done(&policy);
    conf_done(&platform_settings_table, &settings);
    faults_done(&faults);
    return status;
}
