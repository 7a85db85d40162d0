#include "platform/io/api_exchange.h"

#include "common/core/profile.h"
#include "common/io/clock.h"
#include "common/io/crypto.h"
#include "common/io/log.h"
#include "platform/core/idempotency.h"

#include <string.h>

/* Idempotency-Key. Within one API key, route and profile the same key gets the same outcome without
 * a second execution, for 15 minutes after the exchange has ended, over a restart too. One that
 * ended as not_sent executed nothing, and a repeat of it is run: that is how its caller tries
 * again. A repeat while the exchange runs waits for it. Its bookkeeping: what runs is found in
 * memory (exchange_of_repeat), what has ended in the store, so that neither needs a bound of its
 * own: the one has the bound of all exchanges, the other is on the disk for 15 minutes. */

static void refuse_mismatch(const struct api_request *r)
{
    api_refuse(r, 409, "idempotency_mismatch",
               "this Idempotency-Key was given for a request with another body: a new request"
               " needs a new key");
}

static bool is_same_body(const uint8_t a[CRYPTO_SHA256_BYTES], const uint8_t b[CRYPTO_SHA256_BYTES])
{
    return memcmp(a, b, CRYPTO_SHA256_BYTES) == 0;
}

static void log_repeat(const struct api_request *r, const struct cx_id *id, const char *what)
{
    log_event(CX_LOG_INFO, "exchange.repeated", kv_id("id", id), kv_str("trace_id", r->trace_id),
              kv_str("key", r->key), kv_str("gets", what));
}

/* --- what runs --- */

static void join(const struct api_request *r, struct exchange *x,
                 const struct exchange_repeat *mine)
{
    if (!is_same_body(exchange_repeat(x)->body_sha256, mine->body_sha256)) {
        refuse_mismatch(r);
    } else if (!api_group_join(exchange_ctx(x), r)) {
        api_refuse(r, 500, terms_verdict(VERDICT_PLATFORM_FAILED), "the platform is out of memory");
    } else {
        log_repeat(r, exchange_id(x), "the outcome when it comes");
    }
}

/* --- what has ended --- */

/* No result came: what is known. (Its own words were not kept.) */
static void reply_without_result(const struct api_request *r, const struct store_found *found)
{
    bool has_end = found->outcome != OUTCOME_UNKNOWN;
    struct dispatch_failure failure = {
        .code = has_end                       ? found->code
                : found->connector[0] == '\0' ? VERDICT_PLATFORM_FAILED
                                              : VERDICT_AGENT_LOST,
        .execution = EXECUTION_SENT,
        .stage = has_end ? found->stage : STAGE_PLATFORM,
        .message =
            has_end ? "the exchange of this Idempotency-Key ended without a result: the token"
                      " endpoint may have been asked. A result that still comes is given to a later"
                      " repeat"
                    : "the platform was restarted while the exchange of this Idempotency-Key ran:"
                      " the token endpoint may have been asked. A result that still comes is given"
                      " to a later repeat"};
    struct exchange_end end = {.id = found->id,
                               .purpose = found->purpose,
                               .failure = &failure,
                               .connector = found->connector,
                               .agent = found->agent};

    log_repeat(r, &found->id, "what is known: no result");
    api_reply_end(r->call, r->trace_id, &end);
}

static void reply_kept(const struct api_request *r, const struct store_found *found)
{
    struct store_claim claim;
    struct cx_fail fail = {0};

    buf_init(&claim.part, MSG_MESSAGE_BYTES_MAX);
    buf_init(&claim.key, STORE_NAME_BYTES);
    if (store_get_kept(r->p->store, &found->id, clock_wall_ms(), &claim, &fail) == CX_OK &&
        api_reply_stored(r, found, buf_view(&claim.part))) {
        log_repeat(r, &found->id, "the kept outcome");
        store_drop_result(r->p->store, &found->id); /* it is delivered now, if it was not before */
        platform_store_dirty(r->p);
    } else {
        struct problem problem = {.status = 500,
                                  .code = terms_verdict(VERDICT_PLATFORM_FAILED),
                                  .detail = SLICE_LIT("the exchange of this Idempotency-Key has"
                                                      " ended, and its result can't be read"),
                                  .stage = STAGE_PLATFORM,
                                  .execution = found->execution,
                                  .safe_to_retry = problem_retry_name(RETRY_NO),
                                  .trace_id = r->trace_id};

        log_event(CX_LOG_ERROR, "exchange.not_kept", kv_id("id", &found->id), kv_fail(&fail));
        api_reply_problem(r->call, &problem);
    }
    buf_done(&claim.part);
    buf_done(&claim.key);
}

/* Nothing was executed, or it may be executed twice: then an end that is not known is no answer. */
static bool may_run_again(const struct store_found *found)
{
    return found->execution == EXECUTION_NOT_SENT ||
           (found->purpose == PURPOSE_REVOKE && found->execution != EXECUTION_ANSWERED);
}

/* True if it was answered. */
static bool reply_past(const struct api_request *r, const struct store_found *found,
                       const struct exchange_repeat *mine)
{
    if (!is_same_body(found->body_sha256, mine->body_sha256)) {
        refuse_mismatch(r);
    } else if (may_run_again(found)) {
        return false;
    } else if (found->has_result) {
        reply_kept(r, found);
    } else {
        reply_without_result(r, found);
    }
    return true;
}

/* A row without an end, of an exchange that doesn't run: its end may be noted and not written. */
static enum cx_err find_past(struct store *store, const uint8_t sha256[32],
                             struct store_found *found, struct cx_fail *fail)
{
    uint64_t now_ms = clock_wall_ms();
    enum cx_err err = store_find_repeat(store, sha256, now_ms, found, fail);

    if (err != CX_OK || found->outcome != OUTCOME_UNKNOWN || !store_is_dirty(store)) {
        return err;
    }
    store_flush(store);
    return store_find_repeat(store, sha256, now_ms, found, fail);
}

/* --- which it is --- */

static bool make_repeat(const struct api_request *r, enum job_purpose purpose,
                        const struct profile *profile, struct exchange_repeat *out)
{
    struct idempotency_scope scope = {
        .api_key = r->key, .route = terms_purpose(purpose), .profile = profile->name};
    struct buf text;
    enum cx_err err;

    buf_init(&text, IDEMPOTENCY_SCOPE_MAX_BYTES);
    err = idempotency_put(&scope, r->http->idempotency_key, &text);
    if (err == CX_OK) {
        crypto_sha256(buf_view(&text), out->sha256);
        crypto_sha256(r->http->body, out->body_sha256);
    }
    buf_done(&text);
    return err == CX_OK;
}

static void refuse_key(const struct api_request *r)
{
    struct faults faults;

    faults_init(&faults);
    faults_add(&faults, NULL, "Idempotency-Key", "must be 1 to %d visible ASCII characters",
               IDEMPOTENCY_KEY_MAX_BYTES);
    api_refuse_faults(r, &faults);
    faults_done(&faults);
}

bool api_repeat_may_run(struct api_request *r, enum job_purpose purpose,
                        const struct profile *profile, struct exchange_repeat *out)
{
    struct store_found found;
    struct cx_fail fail = {0};
    struct exchange *x;

    if (!idempotency_key_is_good(r->http->idempotency_key)) {
        refuse_key(r);
        return false;
    }
    if (!make_repeat(r, purpose, profile, out)) {
        api_refuse(r, 500, terms_verdict(VERDICT_PLATFORM_FAILED), "the platform is out of memory");
        return false;
    }
    x = exchange_of_repeat(r->p, out->sha256);
    if (x != NULL) {
        join(r, x, out);
        return false;
    }
    switch ((int)find_past(r->p->store, out->sha256, &found, &fail)) {
    case CX_OK:
        return !reply_past(r, &found, out);
    case CX_E_NOT_FOUND:
        return true;
    default:
        api_refuse_fail(r, &fail);
        return false;
    }
}
