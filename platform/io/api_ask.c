#include "common/core/members.h"
#include "platform/io/api_exchange.h"

#include <stdlib.h>
#include <string.h>

/* What a call of exchange, refresh, revoke or test says. */

enum { TENANT_BYTES_MAX = 63, TOKEN_BYTES_MAX = 65536, HINT_BYTES_MAX = 64 };

static void check_names(struct members *m, enum job_purpose purpose)
{
    static const char *const exchange[] = {"variables", "context", "tenant", "budget_ms", "trace"};
    static const char *const refresh[] = {"variables", "context", "tenant",
                                          "budget_ms", "trace",   "refresh_token"};
    static const char *const revoke[] = {"variables", "context", "tenant",         "budget_ms",
                                         "trace",     "token",   "token_type_hint"};
    static const char *const test[] = {"variables", "context", "tenant", "budget_ms", "profile"};

    if (purpose == PURPOSE_REFRESH) {
        members_check_names(m, refresh, sizeof(refresh) / sizeof(refresh[0]));
    } else if (purpose == PURPOSE_REVOKE) {
        members_check_names(m, revoke, sizeof(revoke) / sizeof(revoke[0]));
    } else if (purpose == PURPOSE_TEST) {
        members_check_names(m, test, sizeof(test) / sizeof(test[0]));
    } else {
        members_check_names(m, exchange, sizeof(exchange) / sizeof(exchange[0]));
    }
}

static bool is_named(const struct faults *faults, const char *field)
{
    for (size_t i = 0; i < faults->count; i++) {
        if (strcmp(faults->items[i].field, field) == 0) {
            return true;
        }
    }
    return false;
}

/* The body is wrong already: look at the values too, so that one answer names every fault. */
static void add_value_faults(const struct profile *profile, const struct api_ask *ask,
                             struct faults *faults)
{
    struct profile_job unused = {0};
    struct faults more;

    faults_init(&more);
    (void)profile_make_job(profile, &ask->call, &unused, &more);
    for (size_t i = 0; i < more.count; i++) {
        if (!is_named(faults, more.items[i].field)) {
            faults_add(faults, NULL, more.items[i].field, "%s", more.items[i].what);
        }
    }
    profile_job_done(&unused);
    faults_done(&more);
}

void api_ask_read(const struct api_request *r, const struct profile *profile,
                  enum job_purpose purpose, struct api_ask *out, struct faults *faults)
{
    size_t before = faults_total(faults);
    struct members m;
    uint32_t budget_ms;

    members_init(&m, r->body, "", faults);
    check_names(&m, purpose);
    out->call.purpose = purpose;
    out->call.variables = members_get(&m, "variables");
    out->call.context = members_get(&m, "context");
    out->tenant = members_text(&m, "tenant", TENANT_BYTES_MAX, NULL);
    out->call.tenant = slice_of_str(out->tenant);
    out->call.trace = purpose == PURPOSE_TEST || members_flag(&m, "trace", false);
    budget_ms = members_u32(&m, "budget_ms", PROFILE_BUDGET_MS_MIN, PROFILE_BUDGET_MS_MAX,
                            profile->budget_ms);
    out->budget_ms = budget_ms < profile->budget_ms ? budget_ms : profile->budget_ms;
    if (purpose == PURPOSE_REFRESH) {
        out->token = members_text(&m, "refresh_token", TOKEN_BYTES_MAX, NULL);
        out->call.refresh_token = slice_of_str(out->token);
    } else if (purpose == PURPOSE_REVOKE) {
        out->token = members_text(&m, "token", TOKEN_BYTES_MAX, NULL);
        out->call.revoked_token = slice_of_str(out->token);
        out->hint = members_text(&m, "token_type_hint", HINT_BYTES_MAX, NULL);
        out->call.token_type_hint = slice_of_str(out->hint);
    }
    if (faults_total(faults) > before) {
        add_value_faults(profile, out, faults);
    }
}

void api_ask_done(struct api_ask *ask)
{
    if (ask->token != NULL) {
        explicit_bzero(ask->token, strlen(ask->token));
    }
    free(ask->token);
    free(ask->hint);
    free(ask->tenant);
}
