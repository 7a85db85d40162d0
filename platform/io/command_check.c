#include "common/io/clock.h"
#include "common/io/seal.h"
#include "platform/io/commands.h"
#include "platform/io/server_cert.h"

#include <stdio.h>

/* The files of the store: there, and private. */
static void check_store(const struct platform_settings *s, struct faults *faults)
{
    struct seal_key key = {0};
    struct cx_fail fail = {0};

    if (seal_key_read(s->store_master_key, &key, &fail) != CX_OK) {
        conf_fault(faults, s, "store.master_key", "%s", cx_fail_text(&fail));
    }
    if (!file_exists(s->store_path)) {
        conf_fault(faults, s, "store.path", "there is no file %s: run connector-platform init",
                   s->store_path);
    }
    seal_key_done(&key);
}

enum cli_status command_check(const struct cli_args *args)
{
    struct platform_settings settings;
    struct faults faults;
    enum cli_status status = CLI_DONE;

    faults_init(&faults);
    if (platform_settings_read(args->conf_path, &settings, &faults)) {
        check_store(&settings, &faults);
        server_cert_check(&settings, clock_wall_s(), &faults);
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
