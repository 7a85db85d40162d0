#include "common/core/request_mask.h"
#include "common/io/client_pem.h"
#include "platform/io/api_exchange.h"
#include "platform/io/profiles.h"

#include <stdlib.h>
#include <string.h>

/* POST /v1/profiles/NAME/test: an exchange with its trace, of a profile that is saved or not. It
 * stores no token and gives none away. */

/* One that waits for its end. */
struct test {
    struct http_call *call;
    struct exchange *exchange;
    char trace_id[TRACE_ID_TEXT_BYTES];
    json_t *warnings; /* of the profile */
};

static void test_free(struct test *t)
{
    json_decref(t->warnings);
    free(t);
}

/* ---- the answer ---- */

static void set_text(json_t *json, const char *key, struct slice text)
{
    if (text.len > 0) {
        (void)json_object_set_new(json, key, json_stringn((const char *)text.ptr, text.len));
    }
}

static void set_word(json_t *json, const char *key, const char *word)
{
    set_text(json, key, slice_of_str(word));
}

/* That there are tokens, and how they are called; not what they are. */
static json_t *masked_token(const struct msg_token *token)
{
    json_t *json = json_pack("{s:s}", "access_token", REQUEST_MASK);

    set_text(json, "token_type", token->token_type);
    if (token->has_expires_in) {
        (void)json_object_set_new(json, "expires_in", json_integer((json_int_t)token->expires_in));
    }
    if (!slice_is_absent(token->refresh_token)) {
        set_word(json, "refresh_token", REQUEST_MASK);
    }
    set_text(json, "scope", token->scope);
    if (!slice_is_absent(token->id_token)) {
        set_word(json, "id_token", REQUEST_MASK);
    }
    return json;
}

static void put_result(json_t *json, const struct msg_result *r)
{
    if (r->status != 0) {
        (void)json_object_set_new(json, "status", json_integer((json_int_t)r->status));
    }
    if (r->has_token) {
        (void)json_object_set_new(json, "token", masked_token(&r->token));
    }
    if (r->has_error) {
        set_word(json, "stage", terms_stage(r->error.stage));
        set_text(json, "detail", r->error.message);
        set_text(json, "oauth_error", r->error.oauth_error);
        set_text(json, "oauth_description", r->error.oauth_description);
    }
    if (r->has_timing) {
        (void)json_object_set_new(json, "timing_us", problem_timing_json(&r->timing));
    }
}

static json_t *answer_of(const struct exchange_end *end, const char *trace_id)
{
    const struct msg_result *r = end->result;
    const struct dispatch_failure *f = end->failure;
    enum outcome outcome = r != NULL ? r->outcome : OUTCOME_FAILED;
    enum verdict code = r != NULL ? r->code : f->code;
    enum execution execution = r != NULL ? r->execution : f->execution;
    char text[CX_ID_TEXT_BYTES];
    json_t *json = json_pack("{s:s, s:s, s:s, s:s}", "id", id_text(&end->id, text), "outcome",
                             terms_outcome(outcome), "code", terms_verdict(code), "execution",
                             terms_execution(execution));

    if (r != NULL) {
        put_result(json, r);
    } else {
        set_word(json, "stage", terms_stage(f->stage));
        set_word(json, "detail", f->message);
    }
    if (outcome != OUTCOME_ISSUED) {
        set_word(json, "safe_to_retry",
                 problem_retry_name(problem_retry(PURPOSE_TEST, code, execution)));
    }
    set_word(json, "connector", end->connector);
    if (!id_is_none(&end->agent)) {
        set_word(json, "agent", id_text(&end->agent, text));
    }
    set_word(json, "trace_id", trace_id);
    (void)json_object_set_new(json, "trace", api_trace_json(end));
    return json;
}

static void reply(const struct test *t, const struct exchange_end *end)
{
    json_t *json = answer_of(end, t->trace_id);

    if (json_array_size(t->warnings) > 0) {
        (void)json_object_set(json, "warnings", t->warnings);
    }
    api_reply_json(t->call, 200, json);
}

static bool on_done(void *ctx, const struct exchange_end *end)
{
    struct test *t = ctx;

    reply(t, end);
    test_free(t);
    return true; /* nothing to be claimed later: a test's token is nobody's */
}

static void on_gone(void *arg)
{
    struct http_reply nobody_reads = {.status = 499};
    struct test *t = arg;

    http_call_reply(t->call, &nobody_reads);
    exchange_abandon(t->exchange);
    test_free(t);
}

/* ---- the request ---- */

/* It could not even begin; the trace says so. */
static void reply_refused(const struct test *t, const struct profile *profile,
                          const struct dispatch_failure *why, const struct cx_id *id)
{
    struct trace *way = calloc(1, sizeof(*way));
    struct exchange_end end = {
        .id = *id, .failure = why, .connector = profile->connector, .way = way};

    if (way != NULL) {
        exchange_trace_refused(way, profile->name, profile->connector == NULL, why);
    }
    reply(t, &end);
    free(way);
}

static struct test *test_new(const struct api_request *r, const struct faults *warnings)
{
    struct test *t = calloc(1, sizeof(*t));

    if (t != NULL) {
        t->call = r->call;
        t->warnings = api_faults_json(warnings);
        memcpy(t->trace_id, r->trace_id, sizeof(t->trace_id));
    }
    return t;
}

static void begin(struct api_request *r, const struct profile *profile, const struct api_ask *ask,
                  struct test *t)
{
    struct exchange_request request = {.profile = profile,
                                       .call = &ask->call,
                                       .budget_ms = ask->budget_ms,
                                       .key = r->key,
                                       .trace_id = r->trace_id,
                                       .done = on_done,
                                       .ctx = t};
    const struct dispatch_failure *why;
    struct faults faults;
    struct cx_id id = {{0}};
    enum exchange_begun begun;

    faults_init(&faults);
    begun = exchange_begin(r->p, &request, &id, &t->exchange, &faults);
    why = exchange_refusal(begun, profile->connector == NULL);
    if (begun == EXCHANGE_BEGUN) {
        http_call_on_gone(r->call, on_gone, t);
    } else {
        if (begun == EXCHANGE_INPUT) {
            api_refuse_faults(r, &faults);
        } else {
            reply_refused(t, profile, why, &id);
        }
        test_free(t);
    }
    faults_done(&faults);
}

static void run(struct api_request *r, const struct profile *profile, struct faults *faults,
                const struct faults *warnings)
{
    struct api_ask ask = {0};
    struct test *t;

    api_ask_read(r, profile, PURPOSE_TEST, &ask, faults);
    if (faults_total(faults) > 0) {
        api_refuse_faults(r, faults);
    } else if ((t = test_new(r, warnings)) == NULL) {
        api_refuse(r, 500, terms_verdict(VERDICT_PLATFORM_FAILED), "the platform is out of memory");
    } else {
        begin(r, profile, &ask, t);
    }
    api_ask_done(&ask);
}

/* A profile that isn't saved, checked as `put` would; its secrets that are only said to be set are
 * the saved one's, under put's rule. */
static void run_unsaved(struct api_request *r, const json_t *json, const struct profile *saved)
{
    struct profile_input input = {
        .json = json, .check_pem = client_pem_check, .name = r->words.items[0], .before = saved};
    struct profile profile = {0};
    struct faults faults;
    struct faults warnings;

    faults_init(&faults);
    faults_init(&warnings);
    if (profile_read(&input, &profile, &faults, &warnings)) {
        run(r, &profile, &faults, &warnings);
    } else {
        api_refuse_faults(r, &faults);
    }
    profile_done(&profile);
    faults_done(&faults);
    faults_done(&warnings);
}

void api_profiles_test(struct api_request *r)
{
    const struct profile *saved = profiles_find(r->p->profiles, r->words.items[0]);
    const json_t *json = json_object_get(r->body, "profile");
    struct faults none;

    if (json != NULL) {
        run_unsaved(r, json, saved);
    } else if (saved == NULL) {
        api_refuse(r, 404, "not_found",
                   "there is no profile of that name; one that is not saved goes into `profile`");
    } else {
        faults_init(&none);
        run(r, saved, &none, &none);
        faults_done(&none);
    }
}
