#include "platform/io/reload.h"

#include "common/io/log.h"
#include "platform/io/files.h"
#include "platform/io/listeners.h"
#include "platform/io/own.h"
#include "platform/io/platform.h"

/* Told at the level that was or the one that will be, whichever shows more. */
static void take_log(const struct platform *p, int level_before)
{
    int level = p->settings.log_level;
    enum log_format format = (enum log_format)p->settings.log_format;

    log_set((enum log_level)(level > level_before ? level : level_before), format);
    log_event(CX_LOG_INFO, "platform.reloaded", kv_str("file", p->settings.place.file),
              kv_str("log_level", log_level_words[level]));
    log_set((enum log_level)level, format);
}

static bool takes_policy(struct platform *p, struct policy *policy, struct faults *faults)
{
    if (own_set_policy(p->own, policy)) {
        return true;
    }
    faults_add(faults, p->settings.place.file, "policy", "%s", cx_err_text(CX_E_NOMEM));
    return false;
}

void platform_reload(struct platform *p)
{
    int level_before = p->settings.log_level;
    struct platform_settings read;
    struct policy policy = {0};
    struct faults faults;

    faults_init(&faults);
    if (platform_settings_read(p->settings.place.file, &read, &faults) &&
        platform_policy_read(&read, &policy, &faults) && platform_files_check(&read, &faults) &&
        takes_policy(p, &policy, &faults)) {
        reload_taken(&p->reload, &platform_settings_table, &p->settings, &read);
        conf_swap_reloadable(&platform_settings_table, &p->settings, &read);
        take_log(p, level_before);
        listeners_reload(p);
    } else {
        reload_refused(&p->reload, &faults);
    }
    policy_done(&policy);
    conf_done(&platform_settings_table, &read);
    faults_done(&faults);
}
