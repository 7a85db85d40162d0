#include "agent/io/reload.h"

#include "agent/io/agent.h"
#include "agent/io/identity.h"
#include "agent/io/outbox.h"
#include "agent/io/recorder.h"
#include "common/io/executor.h"
#include "common/io/http.h"
#include "common/io/log.h"
#include "common/io/tls.h"

#include <stdio.h>
#include <string.h>

static bool is_other_agent(const struct agent *a, const struct identity *id)
{
    return strcmp(a->agent_name, id->name.agent) != 0;
}

/* The platform takes a result only from the agent that was given the job. */
static enum cx_err check_held(const struct agent *a, const struct identity *id,
                              struct cx_fail *fail)
{
    size_t held = jobs_held(a->jobs);

    if (held == 0 || !is_other_agent(a, id)) {
        return CX_OK;
    }
    return cx_fail_set(fail, CX_E_STATE, "identity",
                       "the certificate is agent %s's, and this is agent %s, which still holds %zu "
                       "job%s that it alone can report: reload when the platform has them, or "
                       "restart, which sets them aside",
                       id->name.agent, a->agent_name, held, held == 1 ? "" : "s");
}

static void take_name(struct agent *a, const struct identity *id)
{
    if (is_other_agent(a, id) && recorder_set_owner(a->recorder, id->name.agent) != CX_OK) {
        log_event(CX_LOG_ERROR, "ledger.owner_kept", kv_str("agent", a->agent_name));
    }
    (void)snprintf(a->agent_name, sizeof(a->agent_name), "%s", id->name.agent);
    (void)snprintf(a->connector_name, sizeof(a->connector_name), "%s", id->name.connector);
    a->certificate_begins_s = id->not_before_s;
    a->certificate_ends_s = id->not_after_s;
}

/* Certificate, key and CA, for connections from now on; all of them or, with a fault, none. */
static bool renew_identity(struct agent *a, const struct agent_settings *s, struct faults *faults)
{
    struct identity id;
    struct cx_fail fail = {0};
    enum cx_err err = identity_read(s, &id, &fail);

    if (err == CX_OK) {
        err = check_held(a, &id, &fail);
    }
    if (err == CX_OK) {
        struct tls_client client = {.ca = buf_view(&id.ca_pem),
                                    .chain = buf_view(&id.chain_pem),
                                    .key = secret_view(&id.key_pem)};

        err = tls_client_renew(a->tls, &client, &fail);
    }
    if (err == CX_OK) {
        take_name(a, &id);
    } else {
        faults_add(faults, s->place.file, "identity", "%s", cx_fail_text(&fail));
    }
    identity_done(&id);
    return err == CX_OK;
}

static bool take_policy(struct agent *a, struct agent_config *read, struct faults *faults)
{
    if (!executor_set_policy(a->executor, &read->policy)) {
        faults_add(faults, read->settings.place.file, "policy", "%s", cx_err_text(CX_E_NOMEM));
        return false;
    }
    a->policy_version++;
    http_renew_trust(a->http); /* the rules' CAs may be others, under the same names too */
    return true;
}

/* The new address and credentials, for connections from now on. Whether the environment's proxy is
 * meant depends on the platform's host, a change of which waits for a restart. */
static void take_proxy(struct agent *a, struct agent_config *read)
{
    struct proxy was = a->config.proxy;

    if (strcmp(a->config.endpoint.host, read->endpoint.host) != 0) {
        return;
    }
    a->config.proxy = read->proxy;
    read->proxy = was;
    for (size_t i = 0; i < MSG_TUNNELS_MAX; i++) {
        if (a->tunnels[i].is_used) {
            tunnel_proxy_changed(&a->tunnels[i]);
        }
    }
}

/* Told at the level that was or the one that will be, whichever shows more. */
static void take_log(const struct agent *a, int level_before)
{
    int level = a->config.settings.log_level;
    enum log_format format = (enum log_format)a->config.settings.log_format;

    log_set((enum log_level)(level > level_before ? level : level_before), format);
    log_event(CX_LOG_INFO, "agent.reloaded", kv_str("file", a->config.settings.place.file),
              kv_u64("rules", executor_policy(a->executor)->nrules),
              kv_str("log_level", log_level_words[level]),
              kv_u64("certificate_ends_unix", a->certificate_ends_s));
    log_set((enum log_level)level, format);
}

static void tell_policy(struct agent *a)
{
    for (size_t i = 0; i < MSG_TUNNELS_MAX; i++) {
        if (tunnel_is_up(&a->tunnels[i])) {
            agent_send_policy(a, &a->tunnels[i]);
        }
    }
}

void agent_reload(struct agent *a)
{
    int level_before = a->config.settings.log_level;
    struct agent_config read;
    struct faults faults;

    faults_init(&faults);
    if (agent_config_read(a->config.settings.place.file, &read, &faults) &&
        renew_identity(a, &read.settings, &faults) && take_policy(a, &read, &faults)) {
        reload_taken(&a->reload, &agent_settings_table, &a->config.settings, &read.settings);
        conf_swap_reloadable(&agent_settings_table, &a->config.settings, &read.settings);
        take_proxy(a, &read);
        take_log(a, level_before);
        tell_policy(a);
    } else {
        reload_refused(&a->reload, &faults);
    }
    agent_config_done(&read);
    faults_done(&faults);
}
