#include "platform/io/api_internal.h"

#include "common/io/client_pem.h"
#include "common/io/log.h"
#include "platform/io/own.h"
#include "platform/io/profiles.h"

static const struct profile *find(const struct api_request *r)
{
    const struct profile *profile = profiles_find(r->p->profiles, r->words.items[0]);

    if (profile == NULL) {
        api_refuse(r, 404, "not_found", "there is no profile of that name");
    }
    return profile;
}

/* What is right in itself and yet won't work now. */
static void warn_of_connector(const struct platform *p, const struct profile *profile,
                              struct faults *warnings)
{
    const struct registry_connector *c;

    if (profile->connector == NULL) { /* profile_read has warned of it */
        if (own_policy(p->own)->nrules == 0) {
            faults_add(warnings, NULL, "connector",
                       "`policy` in platform.conf has no rule: every exchange fails as "
                       "policy_refused until there is one");
        }
        return;
    }
    c = registry_find_connector(&p->registry, slice_of_str(profile->connector));
    if (c == NULL) {
        faults_add(warnings, NULL, "connector",
                   "there is no connector named %s: every exchange fails until it is added",
                   profile->connector);
    } else if (dispatch_connector_counts(c->dispatch).tunnels == 0) {
        faults_add(warnings, NULL, "connector",
                   "%s has no active agent: exchanges fail with connector_offline until one is "
                   "connected; ask the data centre's admin, and see `connector-platform connector "
                   "show %s`",
                   profile->connector, profile->connector);
    }
}

static void store_profile(struct api_request *r, struct profile *profile, struct faults *warnings)
{
    bool is_new = profiles_find(r->p->profiles, profile->name) == NULL;
    struct cx_fail fail = {0};
    json_t *json;

    warn_of_connector(r->p, profile, warnings);
    json = profile_to_json(profile, false);
    if (profiles_put(r->p->profiles, profile, &fail) != CX_OK) {
        api_refuse_fail(r, &fail);
        json_decref(json);
        return;
    }
    log_event(CX_LOG_INFO, "profile.put", kv_str("name", r->words.items[0]), kv_str("by", r->key));
    (void)json_object_set_new(json, "warnings", api_faults_json(warnings));
    api_reply_json(r->call, is_new ? 201 : 200, json);
}

void api_profiles_put(struct api_request *r)
{
    struct profile_input input = {.json = r->body,
                                  .check_pem = client_pem_check,
                                  .name = r->words.items[0],
                                  .before = profiles_find(r->p->profiles, r->words.items[0])};
    struct profile profile = {0};
    struct faults faults;
    struct faults warnings;

    faults_init(&faults);
    faults_init(&warnings);
    if (profile_read(&input, &profile, &faults, &warnings)) {
        store_profile(r, &profile, &warnings);
    } else {
        api_refuse_faults(r, &faults);
    }
    profile_done(&profile);
    faults_done(&faults);
    faults_done(&warnings);
}

void api_profiles_list(struct api_request *r)
{
    json_t *list = json_array();

    for (size_t i = 0; i < profiles_count(r->p->profiles); i++) {
        const struct profile *profile = profiles_at(r->p->profiles, i);

        (void)json_array_append_new(list, profile_to_json(profile, false));
    }
    api_reply_json(r->call, 200, json_pack("{s:o}", "profiles", list));
}

void api_profiles_show(struct api_request *r)
{
    const struct profile *profile = find(r);

    if (profile != NULL) {
        api_reply_json(r->call, 200, profile_to_json(profile, false));
    }
}

void api_profiles_remove(struct api_request *r)
{
    struct cx_fail fail = {0};

    if (find(r) == NULL) {
        return;
    }
    if (profiles_remove(r->p->profiles, r->words.items[0], &fail) != CX_OK) {
        api_refuse_fail(r, &fail);
        return;
    }
    log_event(CX_LOG_INFO, "profile.removed", kv_str("name", r->words.items[0]),
              kv_str("by", r->key));
    api_reply_empty(r->call, 204);
}
