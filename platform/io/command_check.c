#include "platform/io/commands.h"
#include "platform/io/files.h"

#include <stdio.h>

enum cli_status command_check(const struct cli_args *args)
{
    struct platform_settings settings;
    struct faults faults;
    enum cli_status status = CLI_DONE;

    faults_init(&faults);
    if (platform_settings_read(args->conf_path, &settings, &faults)) {
        (void)platform_files_check(&settings, &faults);
    }
    if (faults_total(&faults) > 0) {
        cli_print_faults(&faults);
        status = CLI_CONFIG;
    } else {
        printf("%s: good, agents connect to %s\n", args->conf_path, settings.public_url);
    }
    conf_done(&platform_settings_table, &settings);
    faults_done(&faults);
    return status;
}
