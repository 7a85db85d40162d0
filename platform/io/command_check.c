#include "platform/io/commands.h"
#include "platform/io/files.h"

#include <stdio.h>

enum cli_status command_check(const struct cli_args *args)
{
    struct platform_settings settings;
    struct policy policy = {0};
    struct faults faults;
    enum cli_status status = CLI_DONE;

    faults_init(&faults);
    if (platform_settings_read(args->conf_path, &settings, &faults)) {
        (void)platform_files_check(&settings, &faults);
        (void)platform_policy_read(&settings, &policy, &faults);
    }
    if (faults_total(&faults) > 0) {
        cli_print_faults(&faults);
        status = CLI_CONFIG;
    } else {
        printf("%s: good, agents connect to %s; %zu rules for profiles without a connector\n",
               args->conf_path, settings.public_url, policy.nrules);
    }
    policy_done(&policy);
    conf_done(&platform_settings_table, &settings);
    faults_done(&faults);
    return status;
}
