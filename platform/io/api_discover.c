#include "platform/io/api_exchange.h"

#include "common/core/members.h"
#include "common/core/profile.h"
#include "platform/core/issuer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* POST /v1/profiles/NAME/discover: what a profile leaves out, from its issuer's metadata. */

enum { TRIED_BYTES = 700 };

/* One discovery, from the request to its answer. */
struct discovery {
    struct platform *p;
    struct http_call *call;
    char trace_id[TRACE_ID_TEXT_BYTES];
    char key[64];    /* the API key's name */
    char *name;      /* of the profile */
    char *connector; /* NULL: none */
    json_t *profile; /* as it was given: what it leaves out is filled */
    struct issuer issuer;
    struct faults warnings;
    size_t at;                 /* which of the issuer's URLs is asked */
    uint64_t deadline_ms;      /* loop time */
    struct exchange *exchange; /* NULL: none is under way */
    struct loop_hook hook;     /* tries the next URL */
    char tried[TRIED_BYTES];   /* what became of the URLs before */
};

static void discovery_free(struct discovery *d)
{
    loop_defer_cancel(&d->hook);
    issuer_done(&d->issuer);
    faults_done(&d->warnings);
    json_decref(d->profile);
    free(d->name);
    free(d->connector);
    free(d);
}

/* ---- the answer ---- */

static void refuse_faults(const struct discovery *d, const struct faults *faults)
{
    struct problem problem = {.status = 422,
                              .code = "metadata_refused",
                              .detail = SLICE_LIT("the issuer's metadata was read, and can't be "
                                                  "used"),
                              .safe_to_retry = problem_retry_name(RETRY_AFTER_FIX),
                              .errors = faults,
                              .connector = d->connector,
                              .trace_id = d->trace_id};

    api_reply_problem(d->call, &problem);
}

static void reply_found(const struct discovery *d, json_t *metadata, json_t *filled)
{
    api_reply_json(d->call, 200,
                   json_pack("{s:O, s:O, s:s, s:s, s:O, s:o}", "profile", d->profile, "filled",
                             filled, "url", d->issuer.urls[d->at], "issuer",
                             json_string_value(json_object_get(metadata, "issuer")), "metadata",
                             metadata, "warnings", api_faults_json(&d->warnings)));
}

static void use(struct discovery *d, struct slice document)
{
    json_t *metadata = json_loadb((const char *)document.ptr, document.len, 0, NULL);
    json_t *filled = json_array();
    struct faults faults;
    const struct issuer_target target = {d->profile, filled, &faults, &d->warnings};

    faults_init(&faults);
    if (metadata == NULL) {
        faults_add(&faults, NULL, "url", "the agent has sent no metadata that can be read");
    }
    if (metadata != NULL && filled != NULL && issuer_fill(&d->issuer, metadata, &target)) {
        reply_found(d, metadata, filled);
    } else {
        refuse_faults(d, &faults);
    }
    faults_done(&faults);
    json_decref(filled);
    json_decref(metadata);
}

/* ---- one URL after the other ---- */

static bool on_done(void *ctx, const struct exchange_end *end);

static void begin(struct discovery *d)
{
    uint64_t now_ms = loop_now_ms(d->p->loop);
    const struct profile target = {
        .name = d->name, .connector = d->connector, .token_url = d->issuer.urls[d->at]};
    const struct profile_call call = {.purpose = PURPOSE_DISCOVER};
    const struct exchange_request request = {
        .profile = &target,
        .call = &call,
        .budget_ms = d->deadline_ms > now_ms ? (uint32_t)(d->deadline_ms - now_ms) : 1,
        .key = d->key,
        .trace_id = d->trace_id,
        .done = on_done,
        .ctx = d};
    struct faults faults;
    struct cx_id id = {{0}};
    enum exchange_begun begun;

    faults_init(&faults);
    begun = exchange_begin(d->p, &request, &id, &d->exchange, &faults);
    faults_done(&faults);
    if (begun != EXCHANGE_BEGUN) {
        const struct api_refusal refusal = {
            .begun = begun, .profile = d->name, .connector = d->connector, .id = id};

        api_refuse_begin(d->call, d->trace_id, &refusal);
        discovery_free(d);
    }
}

static void begin_next(void *arg)
{
    begin(arg);
}

/* An issuer may have its metadata in one of two places, and its agent's policy may allow one only.
 */
static bool is_next_worth_a_try(const struct discovery *d, const struct exchange_end *end)
{
    const struct msg_result *r = end->result;

    return r != NULL && d->at + 1 < d->issuer.nurls &&
           (r->code == VERDICT_POLICY_REFUSED ||
            (r->code == VERDICT_ENDPOINT_FAILED && r->status >= 400 && r->status <= 499));
}

/* "URL: what became of it", behind those before. */
static void note_tried(struct discovery *d, const struct msg_result *r)
{
    size_t used = strlen(d->tried);

    (void)snprintf(d->tried + used, sizeof(d->tried) - used, "%s%s: %.*s", used > 0 ? "; " : "",
                   d->issuer.urls[d->at],
                   (int)(r->error.message.len < 300 ? r->error.message.len : 300),
                   (const char *)r->error.message.ptr);
}

static void reply_end(struct discovery *d, const struct exchange_end *end)
{
    struct msg_result told;
    struct exchange_end with_url = *end;

    if (end->result != NULL) {
        note_tried(d, end->result);
        told = *end->result;
        told.error.message = slice_of_str(d->tried);
        with_url.result = &told;
    }
    api_reply_end(d->call, d->trace_id, &with_url);
}

static bool on_done(void *ctx, const struct exchange_end *end)
{
    struct discovery *d = ctx;

    d->exchange = NULL;
    if (is_next_worth_a_try(d, end)) {
        note_tried(d, end->result);
        d->at++;
        d->hook.run = begin_next;
        d->hook.arg = d;
        loop_defer(d->p->loop, &d->hook);
        return true;
    }
    if (end->result != NULL && end->result->outcome == OUTCOME_ISSUED) {
        use(d, end->result->document);
    } else {
        reply_end(d, end);
    }
    discovery_free(d);
    return true;
}

static void on_gone(void *arg)
{
    struct http_reply nobody_reads = {.status = 499};
    struct discovery *d = arg;

    http_call_reply(d->call, &nobody_reads);
    if (d->exchange != NULL) {
        exchange_abandon(d->exchange);
    }
    discovery_free(d);
}

/* ---- the request ---- */

static void read_connector(struct discovery *d, const json_t *profile, struct faults *faults)
{
    struct members m;

    members_init(&m, profile, "profile", faults);
    d->connector = members_text(&m, "connector", REGISTRY_NAME_MAX_BYTES - 1, NULL);
    d->profile = json_deep_copy(profile);
}

static void read_body(struct discovery *d, const struct api_request *r, struct faults *faults)
{
    static const char *const names[] = {"url", "profile", "budget_ms"};
    const json_t *profile;
    struct members m;
    char *url;

    members_init(&m, r->body, "", faults);
    members_check_names(&m, names, sizeof(names) / sizeof(names[0]));
    url = members_text(&m, "url", URL_BYTES_MAX - 64, NULL);
    if (members_get(&m, "url") == NULL) {
        members_fault(&m, "url", "is required: the issuer, or its metadata's own URL");
    } else if (url != NULL) {
        (void)issuer_read(slice_of_str(url), &d->issuer, faults, &d->warnings);
    }
    free(url);
    profile = members_get(&m, "profile");
    if (profile == NULL) {
        members_fault(&m, "profile", "is required: what is known of it; connector says who asks");
    } else {
        read_connector(d, profile, faults);
    }
    d->deadline_ms =
        loop_now_ms(r->p->loop) + members_u32(&m, "budget_ms", PROFILE_BUDGET_MS_MIN,
                                              PROFILE_BUDGET_MS_MAX, PROFILE_BUDGET_MS);
}

static struct discovery *discovery_new(const struct api_request *r)
{
    struct discovery *d = calloc(1, sizeof(*d));

    if (d != NULL) {
        d->p = r->p;
        d->call = r->call;
        faults_init(&d->warnings);
        (void)snprintf(d->trace_id, sizeof(d->trace_id), "%s", r->trace_id);
        (void)snprintf(d->key, sizeof(d->key), "%s", r->key);
        d->name = strdup(r->words.items[0]);
    }
    return d;
}

void api_profiles_discover(struct api_request *r)
{
    struct discovery *d = discovery_new(r);
    struct faults faults;

    if (d == NULL || d->name == NULL) {
        api_refuse(r, 500, terms_verdict(VERDICT_PLATFORM_FAILED), "the platform is out of memory");
        free(d);
        return;
    }
    faults_init(&faults);
    if (!profile_is_name(slice_of_str(d->name))) {
        faults_add(&faults, NULL, "name", "is no profile's name");
    }
    read_body(d, r, &faults);
    if (faults_total(&faults) > 0) {
        api_refuse_faults(r, &faults);
        discovery_free(d);
    } else {
        http_call_on_gone(d->call, on_gone, d);
        begin(d);
    }
    faults_done(&faults);
}
