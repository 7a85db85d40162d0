#include "platform/io/api_internal.h"

#include "common/core/members.h"
#include "common/io/clock.h"
#include "common/io/log.h"
#include "platform/io/profiles.h"
#include "platform/io/tunnel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const connector_members[] = {"name"};

/* ---- showing ---- */

static const char *agent_state(const struct registry_agent *a)
{
    if (a->revoked_ms != 0) {
        return "revoked";
    }
    return registry_agent_is_connected(a) ? "connected" : "disconnected";
}

static size_t agent_jobs(const struct registry_agent *a)
{
    size_t jobs = 0;

    for (size_t i = 0; i < MSG_TUNNELS_MAX; i++) {
        if (a->tunnels[i] != NULL) {
            jobs += dispatch_tunnel_outstanding(tunnel_dispatch(a->tunnels[i]));
        }
    }
    return jobs;
}

static json_t *agent_json(const struct registry_agent *a)
{
    int64_t left_ms = (int64_t)a->certificate_ends_ms - (int64_t)clock_wall_ms();
    char id[CX_ID_TEXT_BYTES];
    json_t *policy = a->policy_json == NULL ? NULL : json_loads(a->policy_json, 0, NULL);
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:I, s:I, s:o}", "id", id_text(&a->id, id),
                  "state", agent_state(a), "version", a->version, "host", a->host, "enrolled_at",
                  api_time(a->enrolled_ms), "last_seen_at", api_time(a->last_seen_ms), "jobs",
                  (json_int_t)agent_jobs(a), "certificate_days_left",
                  (json_int_t)(left_ms < 0 ? -1 : left_ms / 86400000), "policy",
                  policy != NULL ? policy : json_null());

    if (a->replaced_ms != 0) {
        (void)json_object_set_new(
            json, "alarm",
            json_pack("{s:s, s:o}", "message",
                      "another process came with this agent's key and took over: two machines must "
                      "not share an identity",
                      "at", api_time(a->replaced_ms)));
    }
    return json;
}

static json_t *connector_json(const struct registry_connector *c)
{
    struct dispatch_counts counts = dispatch_connector_counts(c->dispatch);
    char id[CX_ID_TEXT_BYTES];
    json_t *agents = json_array();

    for (const struct registry_agent *a = c->agents; a != NULL; a = a->next) {
        (void)json_array_append_new(agents, agent_json(a));
    }
    return json_pack("{s:s, s:s, s:s, s:o, s:I, s:I, s:I, s:o}", "id", id_text(&c->id, id), "name",
                     c->name, "state", counts.tunnels > 0 ? "online" : "offline", "created_at",
                     api_time(c->created_ms), "capacity", (json_int_t)counts.capacity, "jobs",
                     (json_int_t)counts.outstanding, "queued", (json_int_t)counts.queued, "agents",
                     agents);
}

/* The connector that the path names. Replies and gives NULL if there is none. */
static struct registry_connector *find(const struct api_request *r)
{
    struct registry_connector *c =
        registry_find_connector(&r->p->registry, slice_of_str(r->words.items[0]));

    if (c == NULL) {
        api_refuse(r, 404, "not_found", "there is no connector of that name");
    }
    return c;
}

void api_connectors_list(struct api_request *r)
{
    json_t *list = json_array();

    for (const struct registry_connector *c = r->p->registry.connectors; c != NULL; c = c->next) {
        (void)json_array_append_new(list, connector_json(c));
    }
    api_reply_json(r->call, 200, json_pack("{s:o}", "connectors", list));
}

void api_connectors_show(struct api_request *r)
{
    const struct registry_connector *c = find(r);

    if (c != NULL) {
        api_reply_json(r->call, 200, connector_json(c));
    }
}

/* ---- changing ---- */

static json_t *enrollment_json(const struct buf *string, uint64_t expires_ms)
{
    return json_pack("{s:s%, s:o}", "string", (const char *)buf_view(string).ptr, string->len,
                     "expires_at", api_time(expires_ms));
}

static void add(struct api_request *r, const char *name)
{
    struct registry_connector *c = NULL;
    struct cx_fail fail = {0};
    uint64_t expires_ms = 0;
    char id[CX_ID_TEXT_BYTES];
    struct buf string;

    buf_init(&string, 8192);
    if (platform_add_connector(r->p, slice_of_str(name), &c, &fail) != CX_OK ||
        platform_make_enrollment(r->p, c, &string, &expires_ms, &fail) != CX_OK) {
        api_refuse_fail(r, &fail);
    } else {
        log_event(CX_LOG_INFO, "connector.added", kv_str("name", name), kv_str("by", r->key));
        api_reply_json(r->call, 201,
                       json_pack("{s:s, s:s, s:o}", "id", id_text(&c->id, id), "name", c->name,
                                 "enrollment", enrollment_json(&string, expires_ms)));
    }
    buf_done(&string);
}

void api_connectors_add(struct api_request *r)
{
    struct members m;
    struct faults faults;
    char *name;

    faults_init(&faults);
    members_init(&m, r->body, "", &faults);
    members_check_names(&m, connector_members, 1);
    if (members_get(&m, "name") == NULL) {
        members_fault(&m, "name", "is missing");
    }
    name = members_text(&m, "name", 63, "");
    if (faults_total(&faults) == 0 && !registry_is_name(slice_of_str(name))) {
        members_fault(&m, "name",
                      "must be lower-case letters, digits and . _ -, 63 at most, and begin with a "
                      "letter or digit");
    }
    if (faults_total(&faults) > 0) {
        api_refuse_faults(r, &faults);
    } else {
        add(r, name);
    }
    free(name);
    faults_done(&faults);
}

void api_connectors_enroll(struct api_request *r)
{
    struct registry_connector *c = find(r);
    struct cx_fail fail = {0};
    uint64_t expires_ms = 0;
    struct buf string;

    if (c == NULL) {
        return;
    }
    buf_init(&string, 8192);
    if (platform_make_enrollment(r->p, c, &string, &expires_ms, &fail) != CX_OK) {
        api_refuse_fail(r, &fail);
    } else {
        api_reply_json(r->call, 201, enrollment_json(&string, expires_ms));
    }
    buf_done(&string);
}

/* The first profile that names it, or NULL. */
static const struct profile *user_of(const struct profiles *ps, const char *connector)
{
    for (size_t i = 0; i < profiles_count(ps); i++) {
        const struct profile *profile = profiles_at(ps, i);

        if (profile->connector != NULL && strcmp(profile->connector, connector) == 0) {
            return profile;
        }
    }
    return NULL;
}

void api_connectors_remove(struct api_request *r)
{
    struct registry_connector *c = find(r);
    const struct profile *user = c == NULL ? NULL : user_of(r->p->profiles, c->name);
    struct cx_fail fail = {0};

    if (c == NULL) {
        return;
    }
    if (user != NULL) {
        (void)cx_fail_set(&fail, CX_E_STATE, "connector.remove",
                          "profile %s uses this connector: change or remove it first", user->name);
        api_refuse_fail(r, &fail);
    } else if (platform_remove_connector(r->p, c, &fail) != CX_OK) {
        api_refuse_fail(r, &fail);
    } else {
        log_event(CX_LOG_INFO, "connector.removed", kv_str("name", r->words.items[0]),
                  kv_str("by", r->key));
        api_reply_empty(r->call, 204);
    }
}

void api_agents_revoke(struct api_request *r)
{
    const struct registry_connector *c = find(r);
    struct registry_agent *a = NULL;
    struct cx_fail fail = {0};
    struct cx_id id;

    if (c == NULL) {
        return;
    }
    if (id_parse(slice_of_str(r->words.items[1]), &id) == CX_OK) {
        a = registry_find_agent(&r->p->registry, &id);
    }
    if (a == NULL || a->connector != c) {
        api_refuse(r, 404, "not_found", "this connector has no agent of that id");
    } else if (platform_revoke_agent(r->p, a, &fail) != CX_OK) {
        api_refuse_fail(r, &fail);
    } else {
        log_event(CX_LOG_INFO, "agent.revoked", kv_id("agent", &id), kv_str("by", r->key));
        api_reply_empty(r->call, 204);
    }
}
